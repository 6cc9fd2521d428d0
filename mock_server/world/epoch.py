"""An epoch: a world between two replacements of its content."""

import threading
from typing import NamedTuple

from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.deliveries.attempts import AttemptNote, Attempts
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


class SinceReset(NamedTuple):
    """What a world keeps when its content is replaced, and begins anew when it is reset."""

    journal: Journal
    faults: Faults
    attempts: Attempts
    delivery_faults: DeliveryFaults
    receiver: Receiver


class Epoch:
    """All that one request can see or change: records, reference data, ids, journal and so on.

    A request stays in the epoch in which it began. After a reset it changes only what nobody sees
    any more.
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
        "faults",
        "ids",
        "initial_content",
        "journal",
        "name",
        "number",
        "over",
        "receiver",
        "reference_data",
        "since_reset",
        "store",
        "tokens",
    )

    def __init__(
        self,
        config: Config,
        initial_content: InitialContent,
        *,
        name: str,
        number: int,
        clock: WorldClock,
        ids: Ids,
        tokens: Tokens,
        delivery: Delivery,
        delivery_queue: DeliveryQueue,
        since_reset: SinceReset,
    ) -> None:
        """Begin epoch ``number`` of the world ``name`` with a copy of ``initial_content``."""
        self.config = config
        self.initial_content = initial_content
        self.reference_data = initial_content.reference_data
        self.store = initial_content.store.copy()
        self.name = name
        self.number = number
        self.clock = clock
        self.ids = ids
        self.tokens = tokens
        self.delivery = delivery
        self.delivery_queue = delivery_queue
        self.since_reset = since_reset
        self.journal = since_reset.journal
        self.faults = since_reset.faults
        self.attempts = since_reset.attempts
        self.delivery_faults = since_reset.delivery_faults
        self.receiver = since_reset.receiver
        self._numbering = threading.Lock()
        self._promised = 0
        #: True once another epoch is in its place: a delivery that is still queued is not sent.
        self.over = False

    def end(self) -> None:
        """End everything that waits for something to happen in this epoch."""
        self.over = True
        self.journal.close()
        self.faults.end()
        self.attempts.close()

    def attempts_of(self, number: int) -> list[AttemptNote]:
        """Return the attempt of that number and those that sent the same again."""
        return [one for one in self.attempts.notes() if number in (one.number, one.of)]

    def next_number(self) -> str:
        """Return the number after the largest that a record has, had, or was promised."""
        return str(self.promise_numbers(1))

    def promise_numbers(self, count: int, *, least: int = 1) -> int:
        """Return the first of ``count`` numbers above those of all records, past and promised."""
        with self._numbering:
            first = max(self._promised + 1, self.store.largest_number() + 1, least)
            self._promised = first + count - 1
            return first

    def date_time(self) -> str:
        """Return the world's time as the server writes dates."""
        return write_date_time(self.clock.now() + self.config.utc_offset)

    def session(self, unit: Object | None = None) -> Session:
        """Return the session of the credentials' user, for ``unit`` or the first unit."""
        return self.initial_content.sessions.of(unit)
