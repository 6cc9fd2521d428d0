"""One line a request on standard error, with secrets masked."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TextIO
from urllib.parse import unquote

from crmcom_kit.mock_server.clock import Clock
from crmcom_kit.mock_server.errors import SECRET_PARAMETERS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LogForm = Literal["human", "json"]
MASK = "***"
_LONGEST = 2_000
_SECRET_IN_PATH = re.compile(rf"(?i)({'|'.join(sorted(SECRET_PARAMETERS))})((?:%3d|=|/))[^/?&;]+")


def masked_query(query: str) -> str:
    """Return a query with the values of secret parameters masked, however they are encoded."""
    return "&".join(_masked_part(part) for part in query.split("&"))


def _masked_part(part: str) -> str:
    name, equals, _ = part.partition("=")
    plain = unquote(name.replace("+", " ")).strip().lower()
    if any(secret in plain for secret in SECRET_PARAMETERS):
        # A name that holds the value, too (`token%3Dabc`), is not shown beyond the name.
        shown = name if plain in SECRET_PARAMETERS else MASK
        return f"{shown}{equals}{MASK}" if equals else MASK
    return part


def masked_path(path: str) -> str:
    """Return a path with values that follow a secret's name masked."""
    return _SECRET_IN_PATH.sub(rf"\1\2{MASK}", path)


class AccessLog:
    """A WSGI application around another one that writes a line for each answer."""

    def __init__(self, app: "WSGIApplication", *, out: TextIO, form: LogForm, clock: Clock) -> None:
        """Write lines of ``form`` to ``out``."""
        self._app = app
        self._out = out
        self._write_line = _human if form == "human" else _json
        self._clock = clock

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve the request and write its line when the answer is complete."""
        began = perf_counter()
        entry: dict[str, Any] = {"status": 0, "bytes": 0}

        def note(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[..., Any]:
            entry["status"] = int(status[:3])
            entry["statement"] = dict(headers).get("X-Mock-Statement")
            return start_response(status, headers, *rest)

        body = self._app(environ, note)
        return _Counted(body, entry, lambda: self._finish(environ, entry, began))

    def _finish(self, environ: "WSGIEnvironment", entry: dict[str, Any], began: float) -> None:
        entry["ms"] = round((perf_counter() - began) * 1000, 1)
        target = masked_path(environ.get("PATH_INFO", ""))
        if environ.get("QUERY_STRING"):
            target += "?" + masked_query(environ["QUERY_STRING"])
        entry["target"] = _printable(target)
        entry["verb"] = _printable(environ.get("REQUEST_METHOD", ""))
        entry["time"] = self._clock.now().isoformat(timespec="milliseconds")
        entry["client"] = environ.get("REMOTE_ADDR", "-")
        self._out.write(self._write_line(entry) + "\n")
        self._out.flush()


class _Counted:
    """An answer's body that counts its bytes and says when it is done."""

    def __init__(
        self, body: Iterable[bytes], entry: dict[str, Any], done: Callable[[], None]
    ) -> None:
        self._body = body
        self._entry = entry
        self._done = done

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body:
            self._entry["bytes"] += len(part)
            yield part

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._done()


def _printable(text: str) -> str:
    """Return ``text`` so that it cannot forge another line, nor fill the log."""
    safe = "".join(c if c.isascii() and c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return safe if len(safe) <= _LONGEST else f"{safe[:_LONGEST]}..."


def _human(entry: dict[str, Any]) -> str:
    line = (
        f"{entry['time']} {entry['client']} {entry['verb']} {entry['target']}"
        f" {entry['status']} {entry['bytes']}B {entry['ms']}ms"
    )
    return f"{line} {entry['statement']}" if entry.get("statement") else line


def _json(entry: dict[str, Any]) -> str:
    return json.dumps(entry)
