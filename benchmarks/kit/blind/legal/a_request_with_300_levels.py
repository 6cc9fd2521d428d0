"""The request of every fifth record is JSON with 300 levels; the others are small objects."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

from sound_server.server import Reply, SoundServer
from sound_server.world import Record

FACTS = "8.17 (request and response: their form)"
CHOICES = {"request_form": "object", "response_equals_request": False}
LEVELS = 300
MARK = "@deep request@"
DEEP = b'{"parent":[' * (LEVELS // 2) + b'{"id":"1"}' + b"]}" * (LEVELS // 2)


class Server(SoundServer):
    """Sends an activity with all that it belongs to."""

    def exchanged(self, record: Record, side: str) -> Any:
        """Return the request or the response."""
        usual = super().exchanged(record, side)
        deep = side == "request" and sha256(record.id.encode()).digest()[0] % 5 == 0
        return {"data": MARK, "entity": record.entity} if deep else usual

    def reply(self, http: int, envelope: Any) -> Reply:
        """Write the deep JSON where its mark is."""
        reply = super().reply(http, envelope)
        return replace(reply, body=reply.body.replace(f'"{MARK}"'.encode(), DEEP))
