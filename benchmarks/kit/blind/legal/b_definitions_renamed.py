"""An administrator renames a definition or a rule at each fifteenth request."""

from typing import Any

from sound_server.server import SoundServer

FACTS = "8.16 (whether the name is that of now or of the time of sending), 5"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Shows the new name in all records; ids and alternative codes stay, older names are gone."""

    def set_up(self) -> None:
        """Keep the first names."""
        super().set_up()
        self.first_names = [
            (thing, thing.name) for thing in [*self.world.definitions, *self.world.rules]
        ]
        self.renames = 0

    def work_of_others(self) -> None:
        """Let the next definition or rule have a new name."""
        super().work_of_others()
        if self.requests % 15 == 0:
            thing, name = self.first_names[self.renames % len(self.first_names)]
            self.renames += 1
            thing.name = f"{name} (version {self.renames})"
