"""How responses leave a shell: whole, or as a fault ends them.

The mock's own server closes the connection. Another WSGI server is told by ``ConnectionEnded``, in
place of what is missing of the body: a body shorter than announced makes it close the connection.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.protocol.response import Ending, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


class ConnectionEnded(ConnectionError):
    """A fault ends the connection before the response is whole."""

    def __str__(self) -> str:
        return "a fault ended the connection before the response was whole"


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
    ending = response.ending
    return None if ending is not None and ending.kind == "cut" and verb == "HEAD" else ending


def kept(body: bytes | Iterable[bytes], ending: Ending) -> Iterator[bytes]:
    """Yield what a fault lets through of a body."""
    left = ending.kept
    for part in [body] if isinstance(body, bytes) else body:
        if left <= 0:
            break
        yield part[:left]
        left -= len(part)


def started(response: Response, start_response: "StartResponse", verb: str) -> Iterable[bytes]:
    """Start a response to a request with ``verb``; return its body for a WSGI server to send."""
    ending = ending_of(response, verb)
    start_response(status_line(response.status or 500), response.headers())
    if ending is not None:
        return _ended(response.body, ending)
    if verb == "HEAD":
        return ()
    return [response.body] if isinstance(response.body, bytes) else response.body


def _ended(body: bytes | Iterable[bytes], ending: Ending) -> Iterator[bytes]:
    yield from kept(body, ending)
    raise ConnectionEnded
