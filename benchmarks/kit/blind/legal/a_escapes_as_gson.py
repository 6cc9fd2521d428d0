"""JSON in ASCII with HTML-safe escapes and white space around it, sent as text in ISO-8859-1."""

from dataclasses import replace
from typing import Any

from sound_server.server import Reply, SoundServer

FACTS = "8.21"  # content type and charset; JSON leaves the escapes free
CHOICES = {"content_type": "text/plain;charset=ISO-8859-1"}
#: These stand in texts only, and never behind a backslash that would make them an escape.
ESCAPED = {"<": "\\u003c", ">": "\\u003E", "&": "\\u0026", "=": "\\u003d", "'": "\\u0027"}


class Server(SoundServer):
    """Writes JSON as careful Java libraries do for pages in a browser."""

    def reply(self, http: int, envelope: Any) -> Reply:
        """Escape more than JSON needs."""
        reply = super().reply(http, envelope)
        text = "".join(escaped(sign) for sign in reply.body.decode())
        return replace(reply, body=f"\r\n\t{text}\r\n\r\n".encode("ascii"))


def escaped(sign: str) -> str:
    """Return a sign of a JSON text as it is written."""
    if sign == "/":
        return "\\/"
    if sign in ESCAPED:
        return ESCAPED[sign]
    if sign < "\x7f":
        return sign
    units = sign.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02X}{units[at + 1]:02x}" for at in range(0, len(units), 2))
