"""Numbers with leading zeros that fall; the id of each record is the number of the next one."""

from typing import Any

from sound_server.server import SoundServer

FACTS = "2.7 and 8.25 (number sequence)"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Counts down, and has one form for ids and for numbers."""

    def set_up(self) -> None:
        """Change the ids and numbers of all records, and of those to come."""
        super().set_up()
        self.world.record_id = next_number  # type: ignore[method-assign]
        self.world.number = number  # type: ignore[method-assign]
        records = list(self.records.values())
        self.records.clear()
        for position, record in enumerate(records, 1):
            record.id, record.number = next_number(position), number(position)
            self.records[record.id] = record


def number(position: int) -> str:
    """Return the number of the record at a position."""
    return f"{1_070 - position:08}"


def next_number(position: int) -> str:
    """Return the number of the record after a position."""
    return number(position + 1)
