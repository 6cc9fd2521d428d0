"""What a world is between two resets: all that one call can see or change."""

import threading
from typing import NamedTuple

from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.deliveries.attempts import Attempts
from crmcom_kit.mock_server.deliveries.faults import DeliveryFaults
from crmcom_kit.mock_server.deliveries.queue import DeliveryQueue
from crmcom_kit.mock_server.deliveries.receiver import Receiver
from crmcom_kit.mock_server.deliveries.senders import Delivery
from crmcom_kit.mock_server.faults.registry import Faults
from crmcom_kit.mock_server.journal.journal import Journal
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.import_ import InitialContent
from crmcom_kit.mock_server.world.reference_data import Object
from crmcom_kit.mock_server.world.tokens import Session, Tokens
from crmcom_kit.schemas.formats import write_date_time


class Sending(NamedTuple):
    """What belongs to deliveries: a world's own from one reset to the next, but for the outbox."""

    name: str  # of the world
    delivery_queue: DeliveryQueue
    attempts: Attempts
    faults: DeliveryFaults
    receiver: Receiver


class Epoch:
    """The records, reference data and ids of one world from one reset to the next.

    A call keeps the epoch that it began in, so that one which is overtaken by a reset writes into
    the past and never into the world after it.
    """

    __slots__ = (
        "_numbering",
        "_promised",
        "attempts",
        "clock",
        "config",
        "delivery",
        "delivery_faults",
        "delivery_queue",
        "dialect",
        "entities",
        "exchanges",
        "faults",
        "ids",
        "initial_content",
        "journal",
        "name",
        "number",
        "over",
        "parameters",
        "receiver",
        "reference_data",
        "release",
        "renderer",
        "responses",
        "sending",
        "sessions",
        "settings",
        "store",
        "tokens",
    )

    def __init__(
        self,
        config: Config,
        initial_content: InitialContent,
        *,
        number: int,
        clock: WorldClock,
        ids: Ids,
        tokens: Tokens,
        delivery: Delivery,
        journal: Journal,
        faults: Faults,
        sending: Sending,
    ) -> None:
        """Begin epoch ``number`` with a filling, which it leaves as it is."""
        self.config = config
        self.settings = config.settings
        self.release = config.release
        self.dialect = config.dialect
        self.entities = config.entities
        self.renderer = config.renderer
        self.responses = config.responses
        self.exchanges = config.exchanges
        self.parameters = config.parameters
        self.initial_content = initial_content
        self.reference_data = initial_content.reference_data
        self.sessions = initial_content.sessions
        self.store = initial_content.store.copy()
        self.number = number
        self.clock = clock
        self.ids = ids
        self.tokens = tokens
        self.delivery = delivery
        self.journal = journal
        self.faults = faults
        self.sending = sending
        self.name = sending.name
        self.delivery_queue = sending.delivery_queue
        self.attempts = sending.attempts
        self.delivery_faults = sending.faults
        self.receiver = sending.receiver
        self._numbering = threading.Lock()
        self._promised = 0
        #: Whether another epoch is in its place: what was not begun yet is not sent any more.
        self.over = False

    def end(self) -> None:
        """Let go of whoever waits for something to happen in this epoch."""
        self.over = True
        self.journal.close()
        self.faults.end()
        self.attempts.close()

    def next_number(self) -> str:
        """Return the number after the largest that a record has, had, or was promised."""
        return str(self.promise_numbers(1))

    def promise_numbers(self, count: int, *, least: int = 1) -> int:
        """Return the first of ``count`` numbers above all of records that are, were, or will be."""
        with self._numbering:
            first = max(self._promised + 1, self.store.largest_number() + 1, least)
            self._promised = first + count - 1
            return first

    def date_time(self) -> str:
        """Return the present moment as the server writes dates."""
        return write_date_time(self.clock.now() + self.config.utc_offset)

    def session(self, unit: Object | None = None) -> Session:
        """Return the session of the user of the credentials, for ``unit`` or the first unit."""
        return self.sessions.of(unit)
