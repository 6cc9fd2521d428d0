"""How responses leave a shell: whole, or as a fault ends them.

The mock's own server ends the connection. Under another WSGI server, and in process, a body that a
fault ends raises ``ConnectionEnded``: a client of the in-process transport gets that as the error
of its library, and a WSGI server closes the connection, since the body is shorter than announced.
The length of a dropped response is announced as -1, so that no server takes it for a whole one.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.protocol.response import Ending, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

_NO_LENGTH = "-1"


class ConnectionEnded(ConnectionError):
    """The connection ends on purpose, before the response does."""

    ending = ""


class ConnectionDropped(ConnectionEnded):
    """Nothing of the response is sent."""

    ending = "dropped"

    def __str__(self) -> str:
        return "the mock dropped the connection without a response"


class ConnectionCut(ConnectionEnded):
    """The body ends before its announced length."""

    ending = "cut"

    def __str__(self) -> str:
        return "the mock closed the connection in the middle of the body"


@cache
def status_line(code: int) -> str:
    """Return a status with its reason, the same in every shell."""
    if code == 200:
        return "200 OK"
    # Python's own names of statuses, which need no import of Flask; that may be under way.
    from http import HTTPStatus

    try:
        reason = HTTPStatus(code).phrase
    except ValueError:
        reason = "Unknown"
    return f"{code} {reason.upper()}"


def ending_of(response: Response, verb: str) -> Ending | None:
    """Return how a fault ends the response to ``verb`` early; HEAD has no body to cut."""
    found = response.ending
    return None if found is not None and found.kind == "cut" and verb == "HEAD" else found


def started(response: Response, start_response: "StartResponse", verb: str) -> Iterable[bytes]:
    """Start a response to a request with ``verb``; return its body for a WSGI server to send."""
    ending, headers = ending_of(response, verb), response.headers()
    if ending is None:
        start_response(status_line(response.status), headers)
        if verb == "HEAD":
            return ()
        return [response.body] if isinstance(response.body, bytes) else response.body
    if ending.kind == "dropped":
        headers = [(name, text) for name, text in headers if name != "Content-Length"]
        headers.append(("Content-Length", _NO_LENGTH))
    start_response(status_line(response.status or 500), headers)
    return ended(response.body, ending)


def ended(body: bytes | Iterable[bytes], ending: Ending) -> Iterator[bytes]:
    """Yield what a fault lets through of a body. Raises ConnectionEnded."""
    if ending.kind == "dropped":
        raise ConnectionDropped
    left = ending.kept
    for part in [body] if isinstance(body, bytes) else body:
        if left <= 0:
            break
        yield part[:left]
        left -= len(part)
    raise ConnectionCut
