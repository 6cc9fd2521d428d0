"""The user has access to one webhook definition; the others and their records are not found."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.2, 8.9"  # no permission; an unknown definition in list
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Hides all but the definition for jobs, as a filter and in each method."""

    def set_up(self) -> None:
        """Pick the definition."""
        super().set_up()
        self.visible_definition = self.world.definitions[2]

    def read_arguments(self, call: Call) -> None:
        """Let a hidden definition in a filter be one that does not exist."""
        super().read_arguments(call)
        name = "webhook_definition_identifier"
        if name in call.filters:
            found = [each for each in call.filters[name] if each is self.visible_definition]
            if not found and self.choices.unknown_definition == "error":
                raise Refusal("unknown_definition", f"{name} names nothing that exists.")
            call.filters[name] = found

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names, if the user sees it."""
        record = super().find(call)
        if record.definition is not self.visible_definition:
            name, value = call.identifier
            raise Refusal("unknown_record", f"No webhook request has {name} {value}.")
        return record

    def selected(self, record: Record, call: Call) -> bool:
        """Return whether all filters select a record that the user sees."""
        return record.definition is self.visible_definition and super().selected(record, call)
