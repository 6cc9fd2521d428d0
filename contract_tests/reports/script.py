"""Write the requests that show a violation as a script, to be pasted into a POSIX shell.

It logs in by itself, with curl and standard tools alone. Instead of secrets it has the variables of
the reports: a login sets that of its token, and the reader sets all others. Comments are arguments
of ``:``, since zsh takes no comments at its prompt.
"""

import base64
import binascii
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from crmcom_kit.contract_tests.client.exchanges import LOGINS, Call, Exchange, token_of
from crmcom_kit.contract_tests.client.made_up import PUBLIC
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.reports.redaction import VARIABLE, ReportRedactor
from crmcom_kit.redaction import MASK

#: Characters that a shell keeps between double quotes, in scripts and at a prompt.
_PLAIN = re.compile(r"""[^"$`\\!\x00-\x1f\x7f\ufdd0]*""")
_FORM = re.compile(r'[^\s{}\[\]"\\=]+=[^\s{}\[\]"\\]*')
#: A noncharacter, which replaces a dollar sign that begins no variable.
_LITERAL = "\ufdd0"
_USED = re.compile(VARIABLE.pattern.replace("(", r"\{?(", 1))

#: The functions of a script: the token of a response, and a secret encoded for a query or JSON.
_FUNCTIONS = {
    "token": r"""tr -d '\r\n' | sed -n 's/.*"token" *: *"\([^"]*\)".*/\1/p'""",
    "encoded": r"""printf %s "$1" | sed 's/%/%25/g; s/ /%20/g; s/"/%22/g; s/#/%23/g; s/&/%26/g; """
    r"""s/+/%2B/g; s,/,%2F,g; s/=/%3D/g; s/?/%3F/g'""",
    "escaped": r"""printf %s "$1" | sed 's/[\\"]/\\&/g'""",
}
_IN_QUERY, _IN_JSON = re.compile(r"[\w.~-]*", re.ASCII), re.compile(r'[^"\\\x00-\x1f]*')

Place = Literal["query", "json", "plain"]


class Scripts:
    """Writes scripts for the requests of one run."""

    def __init__(
        self, target: Target, history: Iterable[Exchange], redactor: ReportRedactor
    ) -> None:
        """Find the logins of the run, by the variables of the tokens that they returned."""
        self._redactor = redactor
        self._has_variables = target.is_recorded
        base = redactor.text(target.base_url)
        # None: it is that of a mock which has gone, or has a secret.
        self._base_url = base if base == target.base_url and not target.is_own else None
        #: By variable: the login that returned the token.
        self.logins: dict[str, Call] = {}
        for exchange in history:
            token = token_of(exchange) if exchange.call.method in LOGINS else None
            if token is not None and token != target.login.token:
                name = VARIABLE.sub(r"\1", redactor.mask(token))
                self.logins.setdefault(name, exchange.call)

    def of(self, calls: Sequence[Call]) -> str:
        """Return the script that sends ``calls``."""
        if not calls:
            return ""
        script = _Script(self)
        script.send(calls)
        text = "\n".join(script.lines)
        variables = [*([] if self._base_url else ["CRMCOM_BASE_URL"]), *script.reader_variables]
        functions = [name for name in _FUNCTIONS if re.search(rf"[(|] ?{name}\b", text)]
        return "\n".join([
            *(f': "${{{name}:?{_must_be_set(name)}}}"' for name in variables),
            f"URL={shlex.quote(self._base_url) if self._base_url else '$CRMCOM_BASE_URL'}",
            *(f"{name}() {{ {_FUNCTIONS[name]}; }}" for name in functions),
            text,
        ])  # fmt: skip

    # Commands.

    def curl(self, call: Call, options: str) -> str:
        """Return the command that sends a request."""
        redactor = self._redactor
        words = ["curl", options]
        if any(sign in call.path + call.query for sign in "[]{}"):
            words.append("--globoff")
        if call.verb != ("GET" if call.body is None else "POST"):
            words += ["--head"] if call.verb == "HEAD" else ["-X", shlex.quote(call.verb)]
        for name, value in call.headers:
            words += self._header(name, value)
        if call.body is not None:
            is_form = _FORM.fullmatch(call.body.decode("utf-8", "replace")) is not None
            content = self._literal(call.body.decode("utf-8", "backslashreplace"))
            body = self._word(redactor.content(content.encode()), "query" if is_form else "json")
            words += ["--data-raw", body]  # a leading @ names no file there
        query = f"?{redactor.query(self._literal(call.query))}" if call.query else ""
        url = self._word(f"/{redactor.text(self._literal(call.path))}{query}", "query")
        words.append(f'"$URL{url[1:]}' if url.startswith('"') else f'"$URL"{url}')
        return " ".join(words)

    def _header(self, name: str, value: str) -> Iterator[str]:
        scheme, _, credentials = value.partition(" ")
        pair = _basic(credentials) if scheme == "Basic" else None
        if name.lower() != "authorization":
            text = self._redactor.text(self._literal(value))
            yield from ("-H", self._word(f"{name}: {text}", "plain"))
        elif pair is None:
            text = credentials if credentials in PUBLIC else MASK
            yield from ("-H", self._word(f"{name}: {scheme} {text}", "plain"))
        else:
            yield from ("-u", self._word(":".join(map(self._redactor.mask, pair)), "plain"))

    def _literal(self, text: str) -> str:
        """Mark what looks like a variable, unless it is of a recording, and stands for a secret.

        Elsewhere it is text of the server, which would receive the reader's secret instead.
        """
        return text if self._has_variables else VARIABLE.sub(rf"{_LITERAL}\1", text)

    def _word(self, text: str, place: Place) -> str:
        """Return a text quoted for a shell, except its variables."""
        parts = VARIABLE.split(text)
        if all(_PLAIN.fullmatch(part) for part in parts[::2]):
            return f'"{"".join(self._expressed(parts, place))}"'
        words = [
            f'"{part}"' if position % 2 else shlex.quote(part)
            for position, part in enumerate(self._expressed(parts, place))
        ]
        # A dollar sign before quotes begins no variable.
        return "".join(part for part in words if part != "''").replace(_LITERAL, "$''")

    def _expressed(self, parts: Sequence[str], place: Place) -> Iterator[str]:
        """Yield the parts of a text; every second one is a variable, as a shell has it."""
        for position, part in enumerate(parts):
            secret = self._redactor.secret_of(part)
            if not position % 2:
                yield part
            elif place == "query" and not _IN_QUERY.fullmatch(secret):
                yield f'$(encoded "${part}")'
            elif place == "json" and not _IN_JSON.fullmatch(secret):
                yield f'$(escaped "${part}")'
            else:
                yield f"${{{part}}}" if re.match(r"\w", parts[position + 1]) else f"${part}"


class _Script:
    """One script, written from the first line to the last."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self.reader_variables: list[str] = []  # which the reader sets
        self.lines: list[str] = []
        self._defined_names: set[str] = set()  # variables that have a value

    def send(self, calls: Sequence[Call]) -> None:
        """Add commands that send requests, after those that they need."""
        commands = [self._scripts.curl(call, "-isS") for call in calls]
        for index, (call, command) in enumerate(zip(calls, commands, strict=True)):
            names = {name for command in commands[index + 1 :] for name in _USED.findall(command)}
            token_names = [name for name, login in self._scripts.logins.items() if login is call]
            if names.intersection(token_names).difference(self._defined_names):
                self._define(token_names[0])
            else:
                self.lines.append(f"{self._prepared(command)}; echo")

    def _prepared(self, command: str) -> str:
        """Return a command, after lines that set the variables it uses."""
        for name in _USED.findall(command):
            if name not in self._defined_names:
                self._define(name)
        return command

    def _define(self, name: str) -> None:
        self._defined_names.add(name)
        login = self._scripts.logins.get(name)
        if login is None:
            self.reader_variables.append(name)
            return
        command = self._prepared(self._scripts.curl(login, "-sS"))
        self.lines += [": 'Log in.'", f"{name}=$({command} | token)"]


def _must_be_set(name: str) -> str:
    """Return what the shell says if a variable is not set."""
    if name.startswith("CRMCOM_OTHER_TOKEN"):
        return "must be set to a token that no login of the run returned"
    if name.startswith("CRMCOM_URL"):
        return "must be set to what stands in the URL of a webhook"
    return "must be set"


def _basic(credentials: str) -> tuple[str, str] | None:
    """Return the two texts that Basic authentication encodes, or None."""
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None
