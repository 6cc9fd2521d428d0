"""Ids of entities have spaces, commas and signs of URLs; definitions have ids in base64."""

from base64 import b64encode
from hashlib import md5
from typing import Any

from sound_server.server import SoundServer

FACTS = "1.4 and 2.7 (entity_id is a String; no pattern of ids holds)"
CHOICES: dict[str, Any] = {}
ENTITY_IDS = (
    "ACTIVITIES",
    "null",
    "12 13",
    "12+13",
    "100%25",
    "a,b",
    "x=y&z#1?",
    "Ünïté/№7",
    '{"id":"7"}',
    "true",
    "0",
    "-1",
    "O'Brien\\2",
    "\U0001f4e6 7",
    "12 13 ",
    "7;8",
)


class Server(SoundServer):
    """Takes ids as other systems gave them."""

    def set_up(self) -> None:
        """Change the ids of entities, definitions and rules."""
        super().set_up()
        world = self.world
        changed = dict(zip(world.entity_ids, ENTITY_IDS, strict=True))
        world.entity_ids = list(ENTITY_IDS)
        for record in self.records.values():
            record.entity_id = changed[record.entity_id]
        for thing in [*world.definitions, *world.rules]:
            # Bits that make plus signs and slashes, and two equals signs at the end.
            rest = md5(thing.id.encode()).digest()[:12]  # noqa: S324 - it keeps no secret
            thing.id = b64encode(b"\xfb\xef\xbe\xff" + rest).decode()
