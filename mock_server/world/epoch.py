"""An epoch: a world between two replacements of its content."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from crmcom_kit.fixtures.moments import Present
from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.deliveries.attempts import Attempts
from crmcom_kit.mock_server.deliveries.messages import Sender
from crmcom_kit.mock_server.deliveries.queue import DeliveryQueue
from crmcom_kit.mock_server.deliveries.receiver import Receiver
from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.mock_server.faults.expectations import Expectations
from crmcom_kit.mock_server.faults.registry import Faults
from crmcom_kit.mock_server.journal.journal import Journal
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.reference_data import Object, ReferenceData
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.tokens import Session, Tokens
from crmcom_kit.schemas.effects import applied
from crmcom_kit.schemas.formats import write_date_time
from crmcom_kit.usage_errors import NotFound, UsageError, quoted

_HEX = "0123456789ABCDEF"


@dataclass(slots=True)
class _Drawn:
    """What effects of a profile draw: the epoch's time, new texts, and the caller."""

    epoch: "Epoch"
    session: Session

    def now(self, like: str) -> str:
        """Return the time, written like another one: behind T or a space, with an offset or not."""
        text = self.epoch.date_time()
        return text.replace("T", like[10:11] or "T") + like[len(text) :]

    def new(self, like: str) -> str:
        """Return a text of the same form, made of a new id."""
        made = self.epoch.ids.next("exchange")
        while len(made) < len(like):
            made += self.epoch.ids.next("exchange")
        digits = _HEX if "A" in like else _HEX.lower()
        base = 10 if "0" in like else 16
        return "".join(
            digits[int(drawn, 16) % base] if character.isalnum() else character
            for character, drawn in zip(like, made, strict=False)
        )

    def caller(self, what: str) -> Object | None:
        """Return the user or the unit of the caller."""
        return self.session.user if what == "user" else self.session.unit


@dataclass(kw_only=True, eq=False, repr=False)
class Epoch:
    """All that one request can see or change: records, reference data, ids, journal and so on.

    A reset replaces all of it (``World.reset``), an import or a restored snapshot a part of it
    (``World.replace_content``). A request stays in the epoch in which it began. Changes it makes
    after a reset affect only the old epoch, which no other request reads.
    """

    config: Config
    name: str  # of the world
    number: int  # how many epochs the world had before
    clock: WorldClock
    tokens: Tokens
    delivery_queue: DeliveryQueue
    initial_content: Store  # which is copied
    ids: Ids
    delivery: Sender
    room: Callable[[Store], float]  # how many bytes may be added to it
    # What goes on when the content is replaced, and is new after a reset.
    journal: Journal
    faults: Faults
    expectations: Expectations
    attempts: Attempts
    receiver: Receiver

    def __post_init__(self) -> None:
        """Copy the initial content."""
        self.store = self.initial_content.copy()
        self._numbering = threading.Lock()
        self._reserved = 0
        #: True once another epoch is in its place: a delivery that is still queued is not sent. The
        #: journal is closed only by a reset, since it goes on when the content is replaced.
        self.over = False

    def end(self) -> None:
        """End everything that waits for something to happen in this epoch."""
        self.over = True
        self.journal.close()

    @property
    def reference_data(self) -> ReferenceData:
        """What the records refer to, and who may log in."""
        return self.store.reference_data

    def record_named(self, key: str) -> Record:
        """Return the webhook request with that number, or else that id. Raises NotFound."""
        record = self.store.get("number", key) or self.store.get("id", key)
        if record is None:
            allowed = "the number or the id of a webhook request of this world"
            raise NotFound("record", seen=quoted(key), allowed=allowed)
        return record

    @property
    def sends(self) -> bool:
        """True if deliveries may really send something; a script sends nothing."""
        return not isinstance(self.delivery, ScriptedDelivery)

    def put_script(self, script: str | None, record: str | None = None) -> None:
        """Let a script decide the deliveries of a webhook request, or of all others; None ends it.

        Raises UsageError (also if the mock really sends), NotFound, LimitExceeded.
        """
        if not isinstance(self.delivery, ScriptedDelivery):
            seen = "a script, while this mock really sends"
            raise UsageError("script", seen=seen, allowed="a mock without --deliver http")
        self.delivery.put(script, None if record is None else self.record_named(record).number)

    def updated_log(self, log: Object, session: Session) -> Object:
        """Return a record's log_information with who has updated it last: ``session``, now."""
        renderer = self.config.renderer
        members = len(log)
        log["updated_date"] = self.date_time()
        log[renderer.unit_member("updated")] = session.unit
        log["updated_by_user"] = session.user
        # An unset date may have been absent: then the new member is not in its place.
        return renderer.ordered("log_information", log) if len(log) > members else log

    def changed_by(self, change: str, body: bytes, session: Session) -> Object | None:
        """Return a webhook request after a change, if a profile says what that does; else None."""
        effects = self.config.effects.get(change)
        if effects is None:
            return None
        return applied(effects, orjson.loads(body), _Drawn(self, session))

    def unused_id(self, kind: str, name: str) -> str:
        """Return the id that an entry of a kind gets for its name: one that none has or had.

        An export that is read again may have ids of this source, which begins anew.
        """
        own_id = self.ids.of(kind, name)
        while self._is_taken(kind, own_id):
            own_id = self.ids.of(kind, own_id)
        return own_id

    def _is_taken(self, kind: str, own_id: str) -> bool:
        if kind == "webhook_request":
            return self.store.ever_existed("id", own_id)
        return self.reference_data.directory(kind).find("id", own_id) is not None

    @contextmanager
    def numbers(self, count: int = 1) -> Iterator[range]:
        """Give the numbers after the largest that a record has, had, or was reserved.

        They are reserved for the block, and free again if it raises; not if others were reserved
        meanwhile, so that none is given twice.
        """
        with self._numbering:
            before = self._reserved
            first = max(before, self.store.largest_number()) + 1
            # A number may be too long to count, and be taken all the same.
            while taken := [n for n in range(first, first + count) if self._has_number(n)]:
                first = taken[-1] + 1
            last = self._reserved = first + count - 1
        try:
            yield range(first, last + 1)
        except BaseException:
            with self._numbering:
                if self._reserved == last:
                    self._reserved = before
            raise

    def _has_number(self, number: int) -> bool:
        return self.store.ever_existed("number", str(number))

    @property
    def present(self) -> Present:
        """The world's time, which ages are before."""
        return Present(self.clock.now(), self.config.utc_offset)

    def date_time(self) -> str:
        """Return the world's time as the server writes dates."""
        return write_date_time(self.clock.now() + self.config.utc_offset)

    def session(self, unit: Object | None = None) -> Session:
        """Return the session of the credentials' user, for ``unit`` or the first unit.

        Whatever the user's name, in a profile the first user is the one whose login it was made
        with.
        """
        credentials, renderer = self.config.credentials, self.config.renderer
        name = credentials.username
        user = self.reference_data.find_user(name)
        if user is None and self.config.serves_profile:
            user = next(iter(self.reference_data.users), None)
        if user is None:
            user = {"id": "1", "username": name, "person_name": name, "email": None}
        shown_unit = renderer.unit(unit or next(iter(self.reference_data.units), None))
        return Session(renderer.user(user) or {}, shown_unit, credentials.organisation)
