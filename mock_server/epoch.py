"""What a world is between two resets: all that one call can see or change."""

from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.delivery import Delivery
from crmcom_kit.mock_server.faults import Faults
from crmcom_kit.mock_server.filling import Filling
from crmcom_kit.mock_server.ids import Ids
from crmcom_kit.mock_server.journal import Journal
from crmcom_kit.mock_server.rules import Rules
from crmcom_kit.mock_server.scenery import Object
from crmcom_kit.mock_server.tokens import Session, Tokens
from crmcom_kit.schemas.formats import write_date_time


class Epoch:
    """The records, scenery and ids of one world from one reset to the next.

    A call keeps the epoch that it began in, so that one which is overtaken by a reset writes into
    the past and never into the world after it.
    """

    __slots__ = (
        "clock",
        "delivery",
        "dialect",
        "entities",
        "exchanges",
        "faults",
        "filling",
        "ids",
        "journal",
        "number",
        "parameters",
        "release",
        "renderer",
        "rules",
        "scenery",
        "sessions",
        "settings",
        "store",
        "tokens",
        "wire",
    )

    def __init__(
        self,
        rules: Rules,
        filling: Filling,
        *,
        number: int,
        clock: WorldClock,
        ids: Ids,
        tokens: Tokens,
        delivery: Delivery,
        journal: Journal,
        faults: Faults,
    ) -> None:
        """Begin epoch ``number`` with a filling, which it leaves as it is."""
        self.rules = rules
        self.settings = rules.settings
        self.release = rules.release
        self.dialect = rules.dialect
        self.entities = rules.entities
        self.renderer = rules.renderer
        self.wire = rules.wire
        self.exchanges = rules.exchanges
        self.parameters = rules.parameters
        self.filling = filling
        self.scenery = filling.scenery
        self.sessions = filling.sessions
        self.store = filling.store.restore(filling.snapshot)
        self.number = number
        self.clock = clock
        self.ids = ids
        self.tokens = tokens
        self.delivery = delivery
        self.journal = journal
        self.faults = faults

    def end(self) -> None:
        """Let go of whoever waits for something to happen in this epoch."""
        self.journal.close()
        self.faults.end()

    def date_time(self) -> str:
        """Return the present moment as the server writes dates."""
        return write_date_time(self.clock.now() + self.rules.utc_offset)

    def session(self, unit: Object | None = None) -> Session:
        """Return the session of the user of the credentials, for ``unit`` or the first unit."""
        return self.sessions.of(unit)
