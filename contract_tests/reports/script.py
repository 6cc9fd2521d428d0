"""Write the requests that show a violation as a script that can be pasted into a POSIX shell.

It logs in by itself, with curl and standard tools alone. No secret is in it: each has the variable
that reports show in its place. A login returns a token; its reader sets all others. A line that
says something is an argument of ``:``, since zsh takes no comments at its prompt.
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

#: What a shell leaves as it is between double quotes, in scripts and at a prompt.
_PLAIN = re.compile(r"""[^"$`\\!\x00-\x1f\x7f\ufdd0]*""")
_FORM = re.compile(r'[^\s{}\[\]"\\=]+=[^\s{}\[\]"\\]*')
#: A character that is none, instead of the dollar sign of what is no variable.
_LITERAL = "\ufdd0"
_USED = re.compile(VARIABLE.pattern.replace("(", r"\{?(", 1))

#: The functions of a script: the token in a response, and a secret as a query and JSON can have it.
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
        """Know the logins of the run, by the variables of the tokens that they returned."""
        self._redactor = redactor
        self._has_variables = target.recorded
        base = redactor.text(target.base_url)
        # None: it is a mock's that has gone, or has a secret in it.
        self._base_url = base if base == target.base_url and not target.own else None
        #: The login that returned the token of a variable.
        self.logins: dict[str, Call] = {}
        for exchange in history:
            token = token_of(exchange) if exchange.call.method in LOGINS else None
            if token is not None and token != target.login.token:
                name = VARIABLE.sub(r"\1", redactor.shown(token))
                self.logins.setdefault(name, exchange.call)

    def of(self, calls: Sequence[Call]) -> str:
        """Return the script that sends ``calls``."""
        if not calls:
            return ""
        script = _Script(self)
        script.send(calls)
        text = "\n".join(script.lines)
        needed = [*([] if self._base_url else ["CRMCOM_BASE_URL"]), *script.needed]
        used = [name for name in _FUNCTIONS if re.search(rf"[(|] ?{name}\b", text)]
        return "\n".join([
            *(f': "${{{name}:?{_must_be_set(name)}}}"' for name in needed),
            f"URL={shlex.quote(self._base_url) if self._base_url else '$CRMCOM_BASE_URL'}",
            *(f"{name}() {{ {_FUNCTIONS[name]}; }}" for name in used),
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
            words += ["--data-raw", body]  # which takes a leading @ for no file
        query = f"?{redactor.query(self._literal(call.query))}" if call.query else ""
        url = self._word(f"/{redactor.text(self._literal(call.path))}{query}", "query")
        words.append(f'"$URL{url[1:]}' if url.startswith('"') else f'"$URL"{url}')
        return " ".join(words)

    def _header(self, name: str, value: str) -> Iterator[str]:
        scheme, _, given = value.partition(" ")
        pair = _basic(given) if scheme == "Basic" else None
        if name.lower() != "authorization":
            shown = self._redactor.text(self._literal(value))
            yield from ("-H", self._word(f"{name}: {shown}", "plain"))
        elif pair is None:
            shown = given if given in PUBLIC else MASK
            yield from ("-H", self._word(f"{name}: {scheme} {shown}", "plain"))
        else:
            yield from ("-u", self._word(":".join(map(self._redactor.shown, pair)), "plain"))

    def _literal(self, text: str) -> str:
        """Mark what looks like a variable: only in a recording it stands for a secret.

        Elsewhere it is text of the server, which would be sent the reader's secret for it.
        """
        return text if self._has_variables else VARIABLE.sub(rf"{_LITERAL}\1", text)

    def _word(self, text: str, place: Place) -> str:
        """Quote a text for a shell, less its variables."""
        parts = VARIABLE.split(text)
        if all(_PLAIN.fullmatch(each) for each in parts[::2]):
            return f'"{"".join(self._expressed(parts, place))}"'
        quoted = [
            f'"{each}"' if at % 2 else shlex.quote(each)
            for at, each in enumerate(self._expressed(parts, place))
        ]
        # A dollar sign with quotes behind it: no name of a variable begins there.
        return "".join(each for each in quoted if each != "''").replace(_LITERAL, "$''")

    def _expressed(self, parts: Sequence[str], place: Place) -> Iterator[str]:
        """Yield the parts of a text; the names of variables, every second one, as a shell's."""
        for at, each in enumerate(parts):
            secret = self._redactor.secret_of(each)
            if not at % 2:
                yield each
            elif place == "query" and not _IN_QUERY.fullmatch(secret):
                yield f'$(encoded "${each}")'
            elif place == "json" and not _IN_JSON.fullmatch(secret):
                yield f'$(escaped "${each}")'
            else:
                yield f"${{{each}}}" if re.match(r"\w", parts[at + 1]) else f"${each}"


class _Script:
    """One script, which is written from its first line to its last."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self.needed: list[str] = []  # variables that the reader sets
        self.lines: list[str] = []
        self._done: set[str] = set()  # variables that have a value by now

    def send(self, calls: Sequence[Call]) -> None:
        """Send requests, after all that they need."""
        commands = [self._scripts.curl(call, "-isS") for call in calls]
        for at, (call, command) in enumerate(zip(calls, commands, strict=True)):
            later = {name for each in commands[at + 1 :] for name in _USED.findall(each)}
            returned = [name for name, each in self._scripts.logins.items() if each is call]
            if later.intersection(returned).difference(self._done):
                self._define(returned[0])
            else:
                self.lines.append(f"{self._prepared(command)}; echo")

    def _prepared(self, command: str) -> str:
        """Return a command, after lines that set the variables it uses."""
        for name in _USED.findall(command):
            if name not in self._done:
                self._define(name)
        return command

    def _define(self, name: str) -> None:
        self._done.add(name)
        login = self._scripts.logins.get(name)
        if login is None:
            self.needed.append(name)
            return
        command = self._prepared(self._scripts.curl(login, "-sS"))
        self.lines += [": 'Log in.'", f"{name}=$({command} | token)"]


def _must_be_set(name: str) -> str:
    """Return what a shell says if the reader has not set a variable."""
    if name.startswith("CRMCOM_OTHER_TOKEN"):
        return "must be set to a token that no login of the run returned"
    if name.startswith("CRMCOM_URL"):
        return "must be set to what stands in the URL of a webhook"
    return "must be set"


def _basic(coded: str) -> tuple[str, str] | None:
    """Return the two texts that Basic authentication encodes; None if it is none."""
    try:
        user, colon, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None
