"""Definitions and rules are named as the codes or ids of others; codes differ only in case."""

from typing import Any

from sound_server.server import SoundServer

FACTS = "section 5 (names and codes are unique, each for itself; nothing more is said)"
CHOICES: dict[str, Any] = {}
DEFINITIONS = (("AF2", "AF"), ("AF", "AF2"), ("id=1", "af"), ("name=AF, code=AF2", "Activity"))
RULES = (("AF", "R1"), ("R1", "AF"), ("alternative_code=R1", "r1"))


class Server(SoundServer):
    """Has users with little fantasy, and some with too much."""

    def set_up(self) -> None:
        """Rename the definitions and rules."""
        super().set_up()
        world = self.world
        for things, names in ((world.definitions, DEFINITIONS), (world.rules, RULES)):
            for thing, (name, code) in zip(things, names, strict=True):
                thing.name, thing.alternative_code = name, code
        # The id of one is the name of another, and one id is the code of a rule.
        world.definitions[3].id = "AF2"
        world.rules[2].id = "R1"
