"""How answers leave a shell: whole, or as a fault ends them.

What a server has to do with an answer that is not sent whole, it is told in three ways, so that one
of them works: the body raises a ``ConnectionEnded`` where it ends, its length is not the one that
was announced, and the length of an answer that is dropped is none at all.

* Under ``serving`` the task of a request knows the exception.
* granian (hyper, that is) sends nothing of an answer with a body of unknown size whose announced
  length is no number, and closes the connection; nor does it keep a connection whose body breaks
  off. It tells an application nothing by which the connection could be found.
* In process the exception comes out of the body, or out of the call of a client's transport.
"""

from collections.abc import Iterable, Iterator

from crmcom_kit.mock_server.wire import Answer, Ending

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


def head_of(answer: Answer) -> tuple[int, list[tuple[str, str]]]:
    """Return status and headers, those of an answer that is dropped included."""
    if answer.ending is None or answer.ending.kind == "cut":
        return answer.status, answer.headers()
    headers = [(name, text) for name, text in answer.headers() if name != "Content-Length"]
    return answer.status or 500, [*headers, ("Content-Length", _NO_LENGTH)]


def body_of(answer: Answer) -> Iterable[bytes]:
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
