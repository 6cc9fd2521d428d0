"""A login sees only the records that its unit created, and those that no unit is named for."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.2, 4 (what a unit is for is not said)"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Hides the records of other units from each method; tokens differ by their unit."""

    def set_up(self) -> None:
        """Start without logins."""
        super().set_up()
        self.units_of_tokens: dict[str, str] = {}
        self.unit_at_work = ""

    def do_login(self, call: Call) -> Any:
        """Return a token, and keep the unit that it is for."""
        data = super().do_login(call)
        self.units_of_tokens[data["token"]] = self.unit(call)["id"]
        return data

    def do_key_login(self, call: Call) -> Any:
        """Return a token for a key, and keep the unit that it is for."""
        data = super().do_key_login(call)
        self.units_of_tokens[data["token"]] = self.unit(call)["id"]
        return data

    def check_token(self, token: Any, call: Call) -> None:
        """Refuse a token that is not live, and let the unit of one that is be at work."""
        super().check_token(token, call)
        self.unit_at_work = self.units_of_tokens[token]

    def of_unit(self, record: Record) -> bool:
        """Return whether the unit at work sees a record."""
        return record.created_by is None or record.created_by.unit["id"] == self.unit_at_work

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names, if the unit sees it."""
        record = super().find(call)
        if not self.of_unit(record):
            name, value = call.identifier
            raise Refusal("unknown_record", f"No webhook request has {name} {value}.")
        return record

    def selected(self, record: Record, call: Call) -> bool:
        """Return whether all filters select a record that the unit sees."""
        return self.of_unit(record) and super().selected(record, call)
