"""An epoch: a world between two replacements of its content."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from crmcom_kit.fixtures.moments import Present
from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.deliveries.attempts import Attempt, Attempts
from crmcom_kit.mock_server.deliveries.messages import Sender
from crmcom_kit.mock_server.deliveries.queue import DeliveryQueue
from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.mock_server.faults.expectations import Expectations
from crmcom_kit.mock_server.faults.registry import Faults
from crmcom_kit.mock_server.journal.journal import Journal
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.store.records import KEYS, Record
from crmcom_kit.mock_server.store.reference_data import Object, ReferenceData
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.tokens import Session, Tokens
from crmcom_kit.schemas.effects import applied
from crmcom_kit.schemas.formats import write_date_time
from crmcom_kit.usage_errors import NotFound, UsageError, quoted

_HEX = "0123456789ABCDEF"


@dataclass(slots=True)
class _EffectValues:
    """The values that effects of a profile need: the time, new texts, and the caller."""

    epoch: "Epoch"
    session: Session

    def now(self, like: str) -> str:
        """Return the time, written like ``like``: with T or a space, with an offset or without."""
        text = self.epoch.date_time()
        return text.replace("T", like[10:11] or "T") + like[len(text) :]

    def new(self, like: str) -> str:
        """Return a text of the same form, made from new ids."""
        digits_of_ids = self.epoch.ids.next("exchange")
        while len(digits_of_ids) < len(like):
            digits_of_ids += self.epoch.ids.next("exchange")
        digits = _HEX if "A" in like else _HEX.lower()
        base = 10 if "0" in like else 16
        return "".join(
            digits[int(digit, 16) % base] if character.isalnum() else character
            for character, digit in zip(like, digits_of_ids, strict=False)
        )

    def caller(self, what: str) -> Object | None:
        """Return the user or the unit of the caller."""
        return self.session.user if what == "user" else self.session.unit


@dataclass(kw_only=True, eq=False, repr=False)
class Epoch:
    """The state that one request can read or change: records, reference data, ids, journal etc.

    A reset replaces all of it (``World.reset``), an import a part of it
    (``World.replace_content``). A request stays in the epoch in which it began: after a reset, its
    changes affect only the old epoch, which no other request reads.
    """

    config: Config
    name: str  # of the world
    number: int  # the number of earlier epochs of the world
    clock: WorldClock
    tokens: Tokens
    delivery_queue: DeliveryQueue
    initial_content: Store  # to copy
    ids: Ids
    delivery: Sender
    room: Callable[[Store], float]  # returns the bytes that may be added
    # These continue when the content is replaced, and are new after a reset.
    journal: Journal
    faults: Faults
    expectations: Expectations
    attempts: Attempts

    def __post_init__(self) -> None:
        """Copy the initial content."""
        self.store = self.initial_content.copy()
        self._number_lock = threading.Lock()
        self._last_reserved = 0
        #: True once another epoch replaces it: its queued deliveries are not sent. Only a reset
        #: closes the journal, which continues when the content is replaced.
        self.is_over = False

    def end(self) -> None:
        """End all waits in this epoch."""
        self.is_over = True
        self.journal.close()

    @property
    def reference_data(self) -> ReferenceData:
        """The objects that the records refer to, and the users."""
        return self.store.reference_data

    def find_record(self, key: str) -> Record:
        """Return the webhook request with that number, or else with that id. Raises NotFound."""
        record = self.store.get("number", key) or self.store.get("id", key)
        if record is None:
            allowed = "the number or the id of a webhook request of this world"
            raise NotFound("record", seen=quoted(key), allowed=allowed)
        return record

    def attempts_of(self, key: str) -> list[Attempt]:
        """Return the attempts for a webhook request, by its number or id, oldest first.

        Raises NotFound if it never existed.
        """
        attempts = self.attempts.select(key)
        if not attempts and not any(self.store.ever_existed(name, key) for name in KEYS):
            self.find_record(key)
        return attempts

    @property
    def sends(self) -> bool:
        """True if deliveries may really be sent; a script sends nothing."""
        return not isinstance(self.delivery, ScriptedDelivery)

    def put_script(self, script: str | None, record: str | None = None) -> None:
        """Set or end (None) the script of a webhook request, or of all others.

        Raises UsageError (also if the mock really sends), NotFound, LimitExceeded.
        """
        if not isinstance(self.delivery, ScriptedDelivery):
            problem = "a script, while this mock really sends"
            raise UsageError("script", seen=problem, allowed="a mock without --deliver http")
        self.delivery.put(script, None if record is None else self.find_record(record).number)

    def update_log(self, log: Object, session: Session) -> Object:
        """Set the last update in a record's log_information, by ``session`` and now; return it."""
        renderer = self.config.renderer
        members = len(log)
        log["updated_date"] = self.date_time()
        log[renderer.unit_member("updated")] = session.unit
        log["updated_by_user"] = session.user
        # An unset date may have been absent: then the new member must be moved to its place.
        return renderer.sort_members("log_information", log) if len(log) > members else log

    def apply_change(self, change: str, body: bytes, session: Session) -> Object | None:
        """Return a webhook request after a change of a profile; None if the profile lacks it."""
        effects = self.config.effects.get(change)
        if effects is None:
            return None
        return applied(effects, orjson.loads(body), _EffectValues(self, session))

    def unused_id(self, kind: str, name: str) -> str:
        """Return an id for the name of an entry that no entry of its kind has or had.

        After an import, the content may have ids of this source, which starts again.
        """
        entry_id = self.ids.of(kind, name)
        while self._is_taken(kind, entry_id):
            entry_id = self.ids.of(kind, entry_id)
        return entry_id

    def _is_taken(self, kind: str, entry_id: str) -> bool:
        if kind == "webhook_request":
            return self.store.ever_existed("id", entry_id)
        return self.reference_data.directory(kind).find("id", entry_id) is not None

    @contextmanager
    def numbers(self, count: int = 1) -> Iterator[range]:
        """Reserve numbers above all used and reserved ones for the block.

        They are free again if the block raises, unless others were reserved in the meantime.
        """
        with self._number_lock:
            old_limit = self._last_reserved
            start = max(old_limit, self.store.largest_number()) + 1
            # A long number does not count as the largest, but may be in use.
            while used_numbers := [n for n in range(start, start + count) if self._has_number(n)]:
                start = used_numbers[-1] + 1
            end = self._last_reserved = start + count - 1
        try:
            yield range(start, end + 1)
        except BaseException:
            with self._number_lock:
                if self._last_reserved == end:
                    self._last_reserved = old_limit
            raise

    def _has_number(self, number: int) -> bool:
        return self.store.ever_existed("number", str(number))

    @property
    def present(self) -> Present:
        """The world's time, from which ages count."""
        return Present(self.clock.now(), self.config.utc_offset)

    def date_time(self) -> str:
        """Return the world's time in the form of the server's dates."""
        return write_date_time(self.clock.now() + self.config.utc_offset)

    def session(self, unit: Object | None = None) -> Session:
        """Return the session of the credentials' user, for ``unit`` or the first unit.

        In a profile, an unknown user name means its first user, whose login made the profile.
        """
        credentials, renderer = self.config.credentials, self.config.renderer
        name = credentials.username
        user = self.reference_data.find_user(name)
        if user is None and self.config.serves_profile:
            user = next(iter(self.reference_data.users), None)
        if user is None:
            user = {"id": "1", "username": name, "person_name": name, "email": None}
        unit_view = renderer.unit(unit or next(iter(self.reference_data.units), None))
        return Session(renderer.user(user) or {}, unit_view, credentials.organisation)
