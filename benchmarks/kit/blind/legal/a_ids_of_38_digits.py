"""Ids of 38 decimal digits, numbers of 20: neighbors differ at the end, beyond any float."""

from typing import Any

from sound_server.server import SoundServer

FACTS = "2.7 and 8.25 (Strings of no stated form)"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Takes its ids from sequences of the type NUMBER(38)."""

    def set_up(self) -> None:
        """Change all ids and numbers, and those to come."""
        super().set_up()
        world = self.world
        world.record_id = long_id  # type: ignore[method-assign]
        world.number = long_number  # type: ignore[method-assign]
        for position, thing in enumerate([*world.definitions, *world.rules], 1):
            thing.id = long_id(position + 500_000)
        records = list(self.records.values())
        self.records.clear()
        for position, record in enumerate(records, 1):
            record.id, record.number = long_id(position), long_number(position)
            self.records[record.id] = record


def long_id(position: int) -> str:
    """Return the id of the thing at a position."""
    return str(31_415_926_535_897_932_384_626_433_832_795_000_000 + position)


def long_number(position: int) -> str:
    """Return the number of the record at a position, which is more than 64 bits hold."""
    return str(18_446_744_073_709_560_000 + position + position // 9)
