"""Ids are UUIDs with dashes in lower case, and a record is found by its id in any case."""

from typing import Any
from uuid import UUID

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "2.7 (never validate the id pattern)"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Keeps ids in columns of the type uniqueidentifier."""

    def set_up(self) -> None:
        """Change the form of all ids, and of those to come."""
        super().set_up()
        world, plain = self.world, self.world.record_id
        world.record_id = lambda position: uuid(plain(position))  # type: ignore[method-assign]
        world.entity_ids = [uuid(entity_id) for entity_id in world.entity_ids]
        for thing in [*world.definitions, *world.rules]:
            thing.id = uuid(thing.id)
        records = list(self.records.values())
        self.records.clear()
        for record in records:
            record.id, record.entity_id = uuid(record.id), uuid(record.entity_id)
            self.records[record.id] = record

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        """Compare ids as the database does."""
        value = value.lower() if name == "id" else value
        return super().names(record, name, value, call)


def uuid(text: str) -> str:
    """Return an id of 32 digits as a UUID, and any other as it is."""
    try:
        return str(UUID(text))
    except ValueError:
        return text.lower()
