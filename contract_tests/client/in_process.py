"""Call a WSGI application in this process: as an httpx transport, or directly.

The client takes the shorter way, which leaves out everything that has to do with connections; so
a mock in this process answers several times as many calls a second as one over loopback.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from io import BytesIO, StringIO
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes
from wsgiref.util import setup_testing_defaults

import httpx
from werkzeug.test import run_wsgi_app

WsgiApp = Callable[..., Any]

#: What a query may hold as it stands; anything else is percent-encoded on its way.
_IN_QUERIES = "".join(map(chr, range(0x21, 0x7F)))

#: What every environment has.
_ENVIRON: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1"}
setup_testing_defaults(_ENVIRON)
del _ENVIRON["HTTP_HOST"]

#: The headers of a request that the client makes by itself.
_OWN_HEADERS = (("Host", "localhost"), ("Accept", "application/json"), ("User-Agent", "crmcom-kit"))


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    """Return the name that a header has in an environment."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


class Answer(NamedTuple):
    """What the application answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes


class InProcess(httpx.BaseTransport):
    """A transport to an application that can be made anew."""

    def __init__(self, make: Callable[[], WsgiApp]) -> None:
        """Call what ``make`` returns; it is asked again for a fresh one."""
        self._make = make
        self.app = make()

    def renew(self) -> None:
        """Go on with an application that nobody has called yet."""
        self.app = self._make()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer httpx."""
        answer = self._ask(
            request.method,
            request.url.path,
            request.url.query.decode("ascii"),
            request.read(),
            list(request.headers.multi_items()),
        )
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content)

    def ask(
        self, verb: str, path: str, query: str, body: bytes | None, headers: Sequence[Any]
    ) -> Answer:
        """Answer a request; ``path`` and ``query`` are percent-encoded where they have to be."""
        if "%" in path or not path.isascii():
            path = unquote_to_bytes(path).decode("latin-1")
        query = quote(query, safe=_IN_QUERIES)
        return self._ask(verb, path, query, body or b"", [*headers, *_OWN_HEADERS])

    def _ask(
        self, verb: str, path: str, query: str, body: bytes, headers: Sequence[tuple[str, str]]
    ) -> Answer:
        environ = {
            **_ENVIRON,
            "REQUEST_METHOD": verb,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": BytesIO(body),
            "wsgi.errors": StringIO(),
        }
        if body or verb != "GET":
            environ["CONTENT_LENGTH"] = str(len(body))
        for name, value in headers:
            environ.setdefault(_key(name), value)
        parts, status, answered = run_wsgi_app(self.app, environ, buffered=True)
        return Answer(int(status[:3]), tuple(answered.items()), b"".join(parts))
