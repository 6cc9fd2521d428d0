"""One line a request on standard error, with secrets masked."""

import json
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TextIO

from crmcom_kit.mock_server.clock import Clock
from crmcom_kit.mock_server.http.transmission import ConnectionDropped, ConnectionEnded
from crmcom_kit.mock_server.protocol.response import FAULT_HEADER
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import world_of
from crmcom_kit.redaction import redact_path

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LogForm = Literal["human", "json"]
_MAX_LENGTH = 2_000


class AccessLog:
    """A WSGI application around another one that writes a line for each answer."""

    def __init__(
        self,
        app: "WSGIApplication",
        registry: WorldRegistry,
        *,
        out: TextIO,
        form: LogForm,
        clock: Clock,
    ) -> None:
        """Write lines of ``form`` to ``out``, without the secrets of the worlds of ``registry``."""
        self._app = app
        self._registry = registry
        self._out = out
        self._write_line = _human if form == "human" else _json
        self._clock = clock

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve the request and write its line just before the answer's last part goes out.

        So whoever has the answer finds the line, even where the server is ended at once. Only an
        answer without a length, or one that is never read to its end, gets its line when it ends.
        """
        began = perf_counter()
        entry: dict[str, Any] = {"status": 0, "bytes": 0}
        length = [-1]

        def note(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[..., Any]:
            entry["status"] = int(status[:3])
            named = dict(headers)
            entry["statement"] = named.get("X-Mock-Statement")
            entry["fault"] = named.get(FAULT_HEADER)
            entry["warnings"] = [text for name, text in headers if name == "X-Mock-Warning"]
            length[0] = int(named.get("Content-Length", -1))
            return start_response(status, headers, *rest)

        body = self._app(environ, note)
        return _Counted(body, entry, length, lambda: self._finish(environ, entry, began))

    def _finish(self, environ: "WSGIEnvironment", entry: dict[str, Any], began: float) -> None:
        entry["ms"] = round((perf_counter() - began) * 1000, 1)
        redactor = world_of(environ, self._registry).redactor
        target = redactor.hide(redact_path(environ["PATH_INFO"]))
        if environ.get("QUERY_STRING"):
            target += "?" + redactor.query(environ["QUERY_STRING"])
        entry["warnings"] = [redactor.text(text) for text in entry.get("warnings", ())]
        entry["target"] = _printable(target)
        entry["verb"] = _printable(environ.get("REQUEST_METHOD", ""))
        entry["time"] = self._clock.now().isoformat(timespec="milliseconds")
        entry["client"] = environ.get("REMOTE_ADDR", "-")
        try:
            self._out.write(self._write_line(entry) + "\n")
            self._out.flush()
        except (OSError, ValueError):
            pass  # whoever read the log went away; the server goes on


class _Counted:
    """An answer's body that counts its bytes and says, once, when it is as good as done."""

    def __init__(
        self,
        body: Iterable[bytes],
        entry: dict[str, Any],
        length: list[int],
        done: Callable[[], None],
    ) -> None:
        self._body = body
        self._entry = entry
        self._length = length  # known once the application has started its answer
        self._done: Callable[[], None] | None = done

    def __iter__(self) -> Iterator[bytes]:
        try:
            for part in self._body:
                self._entry["bytes"] += len(part)
                if self._entry["bytes"] == self._length[0]:
                    self._say_done()
                yield part
        except ConnectionEnded as ended:
            self._entry["ending"] = ended.ending
            if isinstance(ended, ConnectionDropped):
                self._entry["status"] = 0  # the caller got none
            self._say_done()
            raise

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._say_done()

    def _say_done(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            done()


def _printable(text: str) -> str:
    """Return ``text`` so that it cannot forge another line, nor fill the log."""
    safe = "".join(c if c.isascii() and c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return safe if len(safe) <= _MAX_LENGTH else f"{safe[:_MAX_LENGTH]}..."


def _human(entry: dict[str, Any]) -> str:
    line = (
        f"{entry['time']} {entry['client']} {entry['verb']} {entry['target']}"
        f" {entry['status']} {entry['bytes']}B {entry['ms']}ms"
    )
    marks = [entry.get("statement"), *(f"({text})" for text in entry.get("warnings", ()))]
    marks += [entry.get("fault"), entry.get("ending")]
    return " ".join([line, *filter(None, marks)])


def _json(entry: dict[str, Any]) -> str:
    return json.dumps(entry)
