"""Responses are compressed if, and only if, the request accepts gzip, and come in pieces."""

import gzip
from collections.abc import Iterable
from typing import Any

from sound_server.server import SoundServer

FACTS = "8.21"  # nothing is known of the headers and the form of responses
CHOICES: dict[str, Any] = {}
PIECE = 500


class Server(SoundServer):
    """Compresses what it sends, errors included."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer in the encoding that the request accepts."""
        asked = accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        kept: list[Any] = []
        body = b"".join(super().__call__(environ, lambda *given: kept.append(given)))
        status, head, *more = kept[0]
        head = [(name, value) for name, value in head if name.lower() != "content-length"]
        head.append(("Vary", "Accept-Encoding"))
        if asked:
            body = gzip.compress(body, mtime=0)
            head.append(("Content-Encoding", "gzip"))
        head.append(("Content-Length", str(len(body))))
        start_response(status, head, *more)
        return [body[at : at + PIECE] for at in range(0, len(body), PIECE)]


def accepts_gzip(header: str) -> bool:
    """Return whether a header Accept-Encoding names gzip without forbidding it."""
    for part in header.lower().split(","):
        coding, _, quality = part.partition(";")
        if coding.strip() == "gzip":
            weight = quality.strip().removeprefix("q=").strip()
            return weight.strip("0.") != "" or not weight
    return False
