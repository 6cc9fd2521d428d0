"""Write the requests that show a violation as a script that can be pasted into a POSIX shell.

It logs in by itself, with curl and standard tools alone, and needs in variables what only its
reader has: a password, a key, a token. No secret is in it: each token has a variable, and one that
is almost right is made from the right one.
"""

import base64
import binascii
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.reports.redaction import API_KEY, PASSWORD, TOKEN, ReportRedactor
from crmcom_kit.contract_tests.reports.wrong_secrets import made_from, words_for
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.redaction import MASK, is_guessable, is_secret

_LOGINS = ("token", "web_api_key_token")
#: What a shell leaves as it is between double quotes, in scripts and at a prompt.
_PLAIN = re.compile(r"""[^"$`\\!\x00-\x1f\x7f]*""")
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_FORM = re.compile(r'[^\s{}\[\]"\\=]+=[^\s{}\[\]"\\]*')
_COLON = re.compile(r"\s*:")
_NUMBER = re.compile(r"-?\d[\d.eE+-]*")
_SHORT = 4  # characters that a secret has at least
#: What stands in a recording that a run has written: the values are hidden there already.
_REDACTED = {MASK: "HIDDEN", TOKEN: TOKEN[1:], PASSWORD: PASSWORD[1:], API_KEY: API_KEY[1:]}

#: Functions of a script: the token in a response, and a secret as a query and JSON can have it.
_FUNCTIONS = {
    "token": r"""tr -d '\r\n' | sed -n 's/.*"token" *: *"\([^"]*\)".*/\1/p'""",
    "encoded": r"""printf %s "$1" | sed 's/%/%25/g; s/ /%20/g; s/"/%22/g; s/#/%23/g; s/&/%26/g; """
    r"""s/+/%2B/g; s,/,%2F,g; s/=/%3D/g; s/?/%3F/g'""",
    "escaped": r"""printf %s "$1" | sed 's/[\\"]/\\&/g'""",
}
_IN_QUERY, _IN_JSON = re.compile(r"[\w.~-]*", re.ASCII), re.compile(r'[^"\\\x00-\x1f]*')

Place = Literal["query", "json", "plain"]


@dataclass(frozen=True, slots=True)
class _Secret:
    """A secret in a request: what is sent, and the name that it stands behind."""

    value: str
    name: str


_Text = list[str | _Secret]


class Scripts:
    """Writes scripts for the requests of one run."""

    def __init__(
        self, target: Target, history: Iterable[Exchange], redactor: ReportRedactor
    ) -> None:
        """Know what the login of the target holds, and the logins of the run."""
        self.redactor = redactor
        base = redactor.text(target.base_url)
        #: None: it is a mock's that has gone, or has a secret in it.
        self.base_url = base if base == target.base_url and not target.own else None
        self.renews = target.own  # tokens of its earlier worlds are of no use any more
        login = target.login
        known = {TOKEN: login.token, PASSWORD: login.password, API_KEY: login.api_key}
        self.given = {
            value: name[1:]
            for name, value in known.items()
            if value and redactor.shown(value) != value
        }
        self.logins: dict[str, Call] = {}
        for exchange in history:
            token = token_of(exchange) if exchange.call.method in _LOGINS else None
            if token is not None and token not in self.given:
                self.logins.setdefault(token, exchange.call)

    def of(self, calls: Sequence[Call]) -> str:
        """Return the script that sends ``calls``."""
        if not calls:
            return ""
        script = "\n".join(_Script(self, calls).lines())
        for secret in (*self.given, *self.logins):  # where a request spelled one in an odd way
            if not is_guessable(secret) and secret not in _REDACTED:
                script = script.replace(secret, MASK)
        return script

    # Where the secrets are in a request.

    def query(self, query: str) -> _Text:
        """Return a query in parts."""
        found: _Text = []
        for at, part in enumerate(query.split("&")):
            name, equals, value = part.partition("=")
            value = unquote(value)
            secret = self._secret(value, name)
            found.append("&" * bool(at))
            if secret is not None:
                found += [name, equals, secret]
            else:
                found.append(part if _is_made_up(value, name) else self.redactor.query(part))
        return found

    def body(self, body: bytes) -> tuple[_Text, Place]:
        """Return a body in parts, and what it is: JSON or, like a query, a form."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return [self.redactor.content(body)], "plain"
        if _FORM.fullmatch(text):
            return self.query(text), "query"
        found: _Text = []
        at, name = 0, ""
        for literal in _LITERAL.finditer(text):
            found.append(self._between(text[at : literal.start()], name))
            at = literal.end()
            if _COLON.match(text, at):
                name = literal[0][1:-1]
                found += self._literal(literal[0], "")
            else:
                found += self._literal(literal[0], name)
        return [*found, self._between(text[at:], name)], "json"

    def _between(self, text: str, name: str) -> str:
        """Return what stands between two strings of JSON; a number may be a secret, too."""
        text = _NUMBER.sub(f'"{MASK}"', text) if is_secret(name) else text
        return self.redactor.text(text)

    def _literal(self, spelled: str, name: str) -> _Text:
        """Return a string in JSON in parts."""
        try:
            value = json.loads(spelled, strict=False)
        except ValueError:
            value = spelled[1:-1]
        secret = self._secret(value, name)
        if secret is not None:
            return ['"', secret, '"']
        redacted = self.redactor.text(value)
        return [spelled if redacted == value else json.dumps(redacted, ensure_ascii=False)]

    def basic(self, value: str) -> _Text | None:
        """Return what a header for Basic authentication encodes, in parts; None if it is none."""
        scheme, _, coded = value.partition(" ")
        try:
            text = base64.b64decode(coded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        if scheme != "Basic" or ":" not in text:
            return None
        user, _, password = text.partition(":")
        secrets = [self._secret(each, "api_key") or each for each in (user, password)]
        return [secrets[0], ":", secrets[1]]

    def _secret(self, value: str, name: str) -> _Secret | None:
        known, behind = value in self.logins or value in self.given, is_secret(name)
        hidden = self.redactor.shown(value) == MASK and not _is_made_up(value, name)
        if (behind and (hidden or value in _REDACTED)) or (
            known and (behind or not is_guessable(value))
        ):
            return _Secret(value, name)
        return None


class _Script:
    """One script, which is written from its first line to its last."""

    def __init__(self, scripts: Scripts, calls: Sequence[Call]) -> None:
        self._scripts, self._calls = scripts, calls
        self._needs: dict[str, None] = {}  # variables that the reader sets
        self._functions: dict[str, None] = {}
        self._variables: dict[str, str] = {}  # by secret
        self._lines: list[str] = []

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        for at, call in enumerate(self._calls):
            token = self._token_for(call, self._calls[at + 1 :])
            command = self._curl(call, shows_head=token is None)
            if token is None:
                self._lines.append(f"{command}; echo")
            else:
                self._log_in(token, command)
        if self._scripts.base_url is None:
            self._needs["CRMCOM_BASE_URL"] = None
        yield from (f': "${{{name}:?must be set}}"' for name in self._needs)
        url = self._scripts.base_url
        yield f"URL={'$CRMCOM_BASE_URL' if url is None else shlex.quote(url)}"
        yield from (f"{name}() {{ {_FUNCTIONS[name]}; }}" for name in self._functions)
        yield from self._lines

    def _token_for(self, call: Call, later: Sequence[Call]) -> str | None:
        """Return the token of a login that later requests use, or None."""
        for token, login in self._scripts.logins.items():
            if login is call and any(token in str(each) for each in later):
                return token
        return None

    # Commands.

    def _curl(self, call: Call, *, shows_head: bool) -> str:
        text = self._scripts.redactor.text
        url: _Text = [f"/{text(call.path)}"]
        if call.query:
            url += ["?", *self._scripts.query(call.query)]
        words = ["curl", "-isS" if shows_head else "-sS"]
        if any(sign in call.path + call.query for sign in "[]{}"):
            words.append("--globoff")
        if call.verb != ("GET" if call.body is None else "POST"):
            words += ["--head"] if call.verb == "HEAD" else ["-X", call.verb]
        for name, value in call.headers:
            words += self._header(name, value)
        if call.body is not None:
            words += ["--data-binary", self._word(*self._scripts.body(call.body))]
        return " ".join([*words, self._word(url, "query", start="$URL")])

    def _header(self, name: str, value: str) -> list[str]:
        if name.lower() != "authorization":
            return ["-H", self._word([f"{name}: {self._scripts.redactor.text(value)}"], "plain")]
        pair = self._scripts.basic(value)
        if pair is not None:
            return ["-u", self._word(pair, "plain")]
        shown = self._scripts.redactor.authorization(value)
        return ["-H", self._word([f"{name}: {shown}"], "plain")]

    def _word(self, text: _Text, place: Place, start: str = "") -> str:
        """Quote a text for a shell; where there is a secret, it has a variable."""
        text = _merged(text)
        plain = all(_PLAIN.fullmatch(each) for each in text if isinstance(each, str))
        found = ""
        for at, each in enumerate(text):
            if isinstance(each, _Secret):
                expression = self._expression(each, place)
                after = text[at + 1] if at + 1 < len(text) else ""
                if isinstance(after, str) and re.match(r"\w", after):
                    expression = re.sub(r"^\$(\w+)$", r"${\1}", expression)
                found += expression if plain else f'"{expression}"'
            else:
                found += each if plain else shlex.quote(each)
        if plain:
            return f'"{start}{found}"' if start or "$" in found else shlex.quote(found)
        return f'"{start}"{found}' if start else found

    # Secrets.

    def _expression(self, secret: _Secret, place: Place) -> str:
        variable = f"${self._variable(secret)}"
        function = None
        if secret.value in _REDACTED:
            return variable
        if place == "query" and not _IN_QUERY.fullmatch(secret.value):
            function = "encoded"
        if place == "json" and not _IN_JSON.fullmatch(secret.value):
            function = "escaped"
        if function is None:
            return variable
        self._functions[function] = None
        return f'$({function} "{variable}")'

    def _variable(self, secret: _Secret) -> str:
        """Return the variable that has a secret; the lines that set it are written before."""
        value, scripts = secret.value, self._scripts
        if value in self._variables:
            return self._variables[value]
        if value in scripts.given:
            return self._needed(value, scripts.given[value])
        if value in scripts.logins:
            self._log_in(value, self._curl(scripts.logins[value], shows_head=False))
            return self._variables[value]
        right = made_from(value, (*scripts.given, *scripts.logins))
        if right is not None:
            *before, word = words_for(value, right, self._variable(_Secret(right, ""))) or []
            name = self._variables[value] = self._new("WRONG")
            self._lines += ["# One that is almost right.", *before, f"{name}={word}"]
            return name
        if scripts.renews and scripts.logins and "token" in secret.name.lower():
            return self._variable(_Secret(next(iter(scripts.logins)), secret.name))
        kinds = {"passw": PASSWORD, "key": API_KEY}
        kind = next((kinds[part] for part in kinds if part in secret.name.lower()), TOKEN)
        return self._needed(value, self._new(_REDACTED.get(value, kind[1:])))

    def _needed(self, value: str, name: str) -> str:
        self._variables[value] = name
        self._needs[name] = None
        return name

    def _log_in(self, token: str, command: str) -> None:
        name = self._variables[token] = self._new("TOKEN")
        self._functions["token"] = None
        self._lines += ["# Log in.", f"{name}=$({command} | token)"]

    def _new(self, name: str) -> str:
        taken = set(self._variables.values())
        numbered = (f"{name}_{at}" for at in range(2, len(taken) + 3))
        return next(each for each in (name, *numbered) if each not in taken)


def _is_made_up(value: str, name: str) -> bool:
    """Whether a value behind a secret's name is too short to be one."""
    return is_secret(name) and len(value) < _SHORT


def _merged(text: _Text) -> _Text:
    """Return a text with neighboring strings joined, and empty ones left out."""
    found: _Text = []
    for each in text:
        if isinstance(each, str) and found and isinstance(found[-1], str):
            found[-1] += each
        elif each:
            found.append(each)
    return found
