"""What a fault of the stand-in is, and how one is declared."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from stand_in.choices import Choices
from stand_in.server import StandIn


@dataclass(frozen=True)
class Fault:
    """One way in which a server breaks what is documented."""

    number: int
    name: str
    breaks: str  # what the pages say
    statement: str  # its id in the catalogue, the nearest one where several fit
    server_class: type[StandIn]
    release: str
    doubt: str  # why it may be held to be legal; empty where it may not
    changes: dict[str, Any]
    also: tuple[str, ...] = ()  # ids of further statements that it breaks

    @property
    def statements(self) -> tuple[str, ...]:
        """The ids of all statements that it breaks, the nearest first."""
        return (self.statement, *self.also)

    @property
    def doubtful(self) -> bool:
        """Whether somebody may hold the fault to be legal."""
        return bool(self.doubt)

    def choices(self, choices: Choices | None = None) -> Choices:
        """Return choices with those that the fault needs."""
        return replace(choices or Choices(), **self.changes)

    def server(self, seed: int = 0, choices: Choices | None = None) -> StandIn:
        """Return a new server with the fault."""
        return self.server_class(self.choices(choices), self.release, seed)

    def sound_server(self, seed: int = 0, choices: Choices | None = None) -> StandIn:
        """Return a new server that only lacks the fault."""
        return StandIn(self.choices(choices), self.release, seed)


FAULTS: dict[str, Fault] = {}


def fault(
    number: int,
    statement: str,
    breaks: str,
    release: str = "R9",
    doubt: str = "",
    also: tuple[str, ...] = (),
    **changes: Any,
) -> Callable[[type[StandIn]], type[StandIn]]:
    """Declare a server class to be a fault; its name is that of the class in snake case."""

    def declare(server_class: type[StandIn]) -> type[StandIn]:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", server_class.__name__).lower()
        assert name not in FAULTS
        assert number not in {other.number for other in FAULTS.values()}
        FAULTS[name] = Fault(
            number, name, breaks, statement, server_class, release, doubt, changes, also
        )
        return server_class

    return declare
