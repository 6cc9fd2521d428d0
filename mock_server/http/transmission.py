"""How answers leave a shell: whole, or as a fault ends them.

A body that a fault ends raises a ``ConnectionEnded`` there; in process that comes out of the call
of a client's transport, or of reading the body. ``serving`` and ``serving_granian`` make their
servers end the connection. A server that knows nothing of it finds another length than was
announced, which for an answer that is dropped is no number, and should end the connection, too.
"""

from collections.abc import Iterable, Iterator
from functools import cache

from crmcom_kit.mock_server.protocol.response import Ending, Response

_NO_LENGTH = "-1"


class ConnectionEnded(ConnectionError):
    """The connection ends on purpose, before the answer does."""

    ending = ""


class ConnectionDropped(ConnectionEnded):
    """Nothing of the answer is sent."""

    ending = "dropped"

    def __str__(self) -> str:
        return "the mock dropped the connection without an answer"


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


def head_of(answer: Response) -> tuple[int, list[tuple[str, str]]]:
    """Return status and headers, those of an answer that is dropped included."""
    if answer.ending is None or answer.ending.kind == "cut":
        return answer.status, answer.headers()
    headers = [(name, text) for name, text in answer.headers() if name != "Content-Length"]
    return answer.status or 500, [*headers, ("Content-Length", _NO_LENGTH)]


def body_of(answer: Response) -> Iterable[bytes]:
    """Return the body for a server to send."""
    whole = [answer.body] if isinstance(answer.body, bytes) else answer.body
    return whole if answer.ending is None else _ended(whole, answer.ending)


def _ended(parts: Iterable[bytes], ending: Ending) -> Iterator[bytes]:
    if ending.kind == "dropped":
        raise ConnectionDropped
    left = ending.kept
    for part in parts:
        if left <= 0:
            break
        yield part[:left]
        left -= len(part)
    raise ConnectionCut
