"""The ends of responses: complete, or as a fault ends them.

The mock's own server closes the connection. For another WSGI server, the body raises
``ConnectionEnded``: a body that is shorter than announced makes it close the connection.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.protocol.response import Ending, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


class ConnectionEnded(ConnectionError):
    """A fault ends the connection before the response is complete."""

    def __str__(self) -> str:
        return "a fault ended the connection before the response was complete"


@cache
def status_line(code: int) -> str:
    """Return a status with its reason phrase, the same in every shell."""
    if code == 200:
        return "200 OK"
    # Python's names of statuses, without an import of Flask, which may be under way.
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


def cut_body(body: bytes | Iterable[bytes], ending: Ending) -> Iterator[bytes]:
    """Yield the part of a body that is sent before the ending."""
    remaining = ending.size
    for part in [body] if isinstance(body, bytes) else body:
        if remaining <= 0:
            break
        yield part[:remaining]
        remaining -= len(part)


def begin(response: Response, start_response: "StartResponse", verb: str) -> Iterable[bytes]:
    """Start a response to a request with ``verb``; return its body for a WSGI server to send."""
    ending = ending_of(response, verb)
    start_response(status_line(response.status or 500), response.headers())
    if ending is not None:
        return _cut_and_end(response.body, ending)
    if verb == "HEAD":
        return ()
    return [response.body] if isinstance(response.body, bytes) else response.body


def _cut_and_end(body: bytes | Iterable[bytes], ending: Ending) -> Iterator[bytes]:
    yield from cut_body(body, ending)
    raise ConnectionEnded
