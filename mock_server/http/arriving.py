"""How a request arrives under granian: its body whole, or it is refused; its head reckoned quickly.

waitress hands a request on when its body is there. granian hands it on before, and its
``wsgi.input`` ends in the same way whether the body is over or its caller has left, so that half
of a body would be carried out as if it were all.
"""

from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, cast

import orjson

from crmcom_kit.mock_server.http.server import MAX_BODY_BYTES
from crmcom_kit.mock_server.http.transmission import status_line
from crmcom_kit.mock_server.protocol.request import HEAD_BYTES, header_bytes
from crmcom_kit.mock_server.usage_errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_IN_MEMORY = 1024**2  # bytes; a longer body waits in a file until it is all there
_PIECE = 256 * 1024
_CHUNKED = "HTTP_TRANSFER_ENCODING"


def with_whole_bodies(app: "WSGIApplication") -> "WSGIApplication":
    """Return ``app``, asked only where the body is all there."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        environ[HEAD_BYTES] = _head_bytes
        if "CONTENT_LENGTH" in environ or _CHUNKED in environ:
            try:
                body = _whole(environ)
            except UsageError as misuse:
                return _refused(misuse, start_response)
            if body is not None:
                environ["wsgi.input"] = body
                with body:  # the application has read it when it returns
                    return app(environ, start_response)
        return app(environ, start_response)

    return answer


def _head_bytes(environ: "WSGIEnvironment") -> int:
    """Return what the headers take: they come last, behind all of the process's environment."""
    values = []
    for name in reversed(environ):
        if name[:5] == "HTTP_":
            values.append(environ[name])
        elif values and name[:8] != "CONTENT_":  # which may stand among them
            break
    return header_bytes(values)


def _whole(environ: "WSGIEnvironment") -> IO[bytes] | None:
    """Return the body, to be read from its beginning; None where it is too long to be looked at.

    Raises:
        UsageError: a part is missing.
    """
    arriving = cast("IO[bytes]", environ["wsgi.input"])
    if _CHUNKED in environ:
        # In one go: only so does a body that breaks off not look like one that ends. It looks like
        # an empty one, which nobody has a reason to send in chunks.
        text = arriving.read()
        if not text:
            seen = "a part of it, or an empty one in chunks"
            raise UsageError("body", seen=seen, allowed="all of it")
        del environ[_CHUNKED]  # from here on it is as if its length had been announced
        environ["CONTENT_LENGTH"] = str(len(text))
        return BytesIO(text)
    announced = environ["CONTENT_LENGTH"]
    length = int(announced) if announced.isdecimal() else -1
    if length > MAX_BODY_BYTES:
        return None  # the application refuses it by its length, unread
    if length > _IN_MEMORY:
        return _filed(arriving, length)
    text = arriving.read(length) if length > 0 else b""
    if len(text) != length:
        raise UsageError("body", seen="a part of it", allowed="all of it")
    return BytesIO(text)


def _filed(arriving: IO[bytes], length: int) -> IO[bytes]:
    """Return a file with the body. Raises UsageError where a part is missing."""
    file = TemporaryFile()  # noqa: SIM115 - whoever gets it closes it
    while file.tell() < length:
        piece = arriving.read(min(_PIECE, length - file.tell()))
        if not piece:
            file.close()
            raise UsageError("body", seen="a part of it", allowed="all of it")
        file.write(piece)
    file.seek(0)
    return file


def _refused(misuse: UsageError, start_response: "StartResponse") -> list[bytes]:
    """Answer as the control API does: the caller may have closed one direction only."""
    text = orjson.dumps(misuse.facts())
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(text)))]
    start_response(status_line(misuse.status), headers)
    return [text]
