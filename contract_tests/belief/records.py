"""The webhook requests that a server has shown: as much of each as fits in memory."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from crmcom_kit.contract_tests.belief.index import Index
from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF, Fits, Identifier
from crmcom_kit.contract_tests.belief.knowledge import condensed, lasting, merged, typed
from crmcom_kit.contract_tests.belief.shared_parts import Memory
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS

Record = dict[str, Any]  # a sight of a webhook request: as a response showed it
#: The maximum numbers of webhook requests that are tracked, and of characters of an id or number.
MAX_TRACKED, MAX_NAME = 20_000, 200
#: The maximum number of ids that are kept of webhook requests that did not fit in memory.
MAX_UNTRACKED = 200_000
#: The maximum size of a table of what was shown.
_MAX_SHOWN = 2 * MAX_TRACKED

#: The members that requests name a webhook request by.
_NAMES = ("id", "number", "entity", "entity_id", "url")


@dataclass(slots=True)
class TrackedRecord:
    """One webhook request as it was last seen.

    ``condensed`` has digests of members that no filter and no request uses. ``whole`` has all
    members.
    """

    id: str
    condensed: Record
    last_seen: Exchange  # the last response that showed it whole
    was_shown: bool = False  # whether show has returned it
    was_listed: bool = False  # whether list has returned it
    partial_show: Exchange | None = None  # the last show of some of its fields since ``last_seen``
    exists: bool = True  # False: it was deleted
    may_change: bool = False  # by itself: only what a resend keeps is compared
    is_proven: bool = False  # whether a response after its last resend showed it SUCCESSFUL
    before_resend: Record | None = None  # as it was before its last resend
    unseen_resend: Record | None = None  # as it was before a resend that no response shows yet
    typed: Record = field(default_factory=dict)  # without members of a wrong type, for requests
    is_nameable: bool = False  # whether it has every member that requests name it by
    #: See ``Exchange.record_hashes``; of the JSON that last showed it as known.
    json_hash: int | None = None

    @property
    def was_resent(self) -> bool:
        """Whether it was sent again."""
        return self.before_resend is not None

    @property
    def number(self) -> str:
        """The number, or the id if it has no number."""
        return str(self.condensed.get("number") or self.id)

    @property
    def state(self) -> Any:
        """The life cycle state, as far as it is known."""
        return self.condensed.get("life_cycle_state")

    @property
    def whole(self) -> Record:
        """The webhook request with all its members, as the last response showed it."""
        return self.among(self.last_seen.by_id)

    def among(self, sights: Mapping[str, Record]) -> Record:
        """Return it with all its members; ``sights`` are those of the last response, by id.

        Texts that this response left out come from an earlier one.
        """
        texts = {name: value for name, value in self.condensed.items() if isinstance(value, str)}
        return {**texts, **sights.get(self.id, self.condensed)}

    @property
    def certain(self) -> Record:
        """What a response must show of it now."""
        return lasting(self.condensed) if self.may_change else self.condensed


@dataclass(slots=True)
class TrackedRecords:
    """The webhook requests of one server."""

    max_count: int = MAX_TRACKED
    version: int = 0  # grows with each change of ``condensed``
    names_version: int = 0  # grows with each change of their ids and numbers
    by_id: dict[str, TrackedRecord] = field(default_factory=dict)
    condensed: dict[str, Record] = field(default_factory=dict)  # those that exist, by id
    lost_ids: set[str] = field(default_factory=set)  # of those that were forgotten as uncertain
    #: Of those that did not fit in memory at some time.
    untracked_ids: set[str] = field(default_factory=set)
    shared_numbers: set[str] = field(default_factory=set)  # that several webhook requests had
    index: Index = field(default_factory=Index)  # of ``condensed``
    memory: Memory = field(default_factory=Memory)
    _numbers: dict[str, str] = field(default_factory=dict)  # number -> id
    _shown: set[int] = field(default_factory=set)  # hashes of filters with values that were shown

    def frozen(self) -> "TrackedRecords":
        """Return a copy that later exchanges do not change, to draw requests from."""
        copies = {
            key: replace(record, typed=dict(record.typed)) for key, record in self.by_id.items()
        }
        return replace(self, by_id=copies, condensed=dict(self.condensed))

    def existing(self) -> Iterator[TrackedRecord]:
        """Yield all tracked records that exist, in the order in which they were first seen."""
        return (record for record in self.by_id.values() if record.exists)

    def wholes(self) -> Iterator[tuple[TrackedRecord, Record]]:
        """Yield all that exist, with all their members.

        Those that one response showed last follow each other.
        """
        by_last_seen = sorted(self.existing(), key=lambda record: record.last_seen.number)
        for exchange, group in groupby(by_last_seen, key=lambda record: record.last_seen):
            sights = exchange.by_id  # read once for all of them
            for record in group:
                yield record, record.among(sights)

    def named(self, identifier: Identifier | None) -> TrackedRecord | None:
        """Return the webhook request that an identifier names, deleted or not, or None."""
        if identifier is None:
            return None
        key = identifier.value if identifier.field == "id" else self._numbers.get(identifier.value)
        return None if key is None else self.by_id.get(key)

    def find(self, identifier: Identifier | None) -> TrackedRecord | None:
        """Return the webhook request that an identifier names and that exists, or None."""
        record = self.named(identifier)
        return record if record is not None and record.exists else None

    def see(
        self, sight: Record, method: str, exchange: Exchange, json_hash: int | None = None
    ) -> bool:
        """Track a webhook request as a response has just shown it; return whether it fits.

        ``json_hash`` is the hash of its JSON, or None if that contradicts what was known.
        """
        key: str = sight["id"]
        record = self.find(Identifier("id", key))
        latest = self.memory.shared(condensed(sight))
        well_typed = typed(sight)
        latest_typed = latest if well_typed is sight else self.memory.shared(condensed(well_typed))
        if record is not None:
            latest = merged(record.condensed, latest)
            # A value of a wrong type leaves the last right one.
            is_right = well_typed is sight and record.typed is record.condensed
            latest_typed = latest if is_right else merged(record.typed, latest_typed)
        size = self.memory.size_of(latest) + (
            0 if latest_typed is latest else self.memory.size_of(latest_typed)
        )
        if not self._fits_in_memory(sight, size, key):
            if len(self.untracked_ids) < MAX_UNTRACKED:
                self.untracked_ids.add(key[:MAX_NAME])
            return False
        if record is None:
            record = self.by_id[key] = TrackedRecord(key, latest, exchange)
        self._put(record, latest, latest if latest_typed == latest else latest_typed, size)
        self.see_again(record, sight, method, exchange)
        record.json_hash = json_hash
        self._learn(record.typed)
        return True

    def see_again(
        self, record: TrackedRecord, sight: Record, method: str, exchange: Exchange
    ) -> None:
        """Note that a response has just shown a webhook request as it is known."""
        record.last_seen, record.partial_show = exchange, None
        record.was_shown |= method == "show"
        record.was_listed |= method == "list"
        if sight.get("life_cycle_state") == "SUCCESSFUL":
            record.may_change = False

    def is_as_last_shown(self, sight: Record, json_hash: int) -> bool:
        """Return whether a webhook request has the JSON that the last response with it showed."""
        key, number = sight["id"], sight.get("number")
        record = self.by_id.get(key)
        is_alike = record is not None and record.exists and record.json_hash == json_hash
        return is_alike and isinstance(number, str) and self._numbers.get(number) == key

    def may_be_untracked(self, key: str) -> bool:
        """Return whether a webhook request may have been shown before, without room to keep it."""
        return key[:MAX_NAME] in self.untracked_ids or len(self.untracked_ids) >= MAX_UNTRACKED

    def _fits_in_memory(self, record: Record, size: int, key: str) -> bool:
        """Return whether a webhook request can be tracked: a server may show many, of any size."""
        names = (key, record.get("number"))
        if any(isinstance(name, str) and len(name) > MAX_NAME for name in names):
            return False
        if key not in self.condensed and len(self.condensed) >= self.max_count:
            return False
        return self.memory.has_room(key, size)

    def _put(self, record: TrackedRecord, latest: Record, latest_typed: Record, size: int) -> None:
        """Keep what is known of a webhook request that exists now."""
        before = self.condensed.get(record.id)
        if before == latest:
            latest, latest_typed = before, before if latest_typed is latest else latest_typed
        else:
            if before is not None:
                self.index.remove(record.id, before)
            self.index.add(record.id, latest)
            self.version += 1
            is_renamed = before is None or before.get("number") != latest.get("number")
            self.names_version += is_renamed
        record.condensed, record.typed = latest, latest_typed
        names = map(latest_typed.get, _NAMES)
        record.is_nameable = all(name and isinstance(name, str) for name in names)
        self.condensed[record.id] = latest
        self.memory.count(record.id, size)

    def candidates(self, filters: Mapping[str, Any], combine: str) -> Iterable[str]:
        """Return the ids of all that a list may select, and maybe of others: see ``Index``."""
        ids = self.index.candidates(filters, combine)
        return self.condensed if ids is None else ids

    def fits(self, filters: Mapping[str, Any], ids: Iterable[str]) -> Fits:
        """Return in which zones some webhook requests fit filters."""
        records = [self.by_id[key].certain for key in ids]
        return Fits(filters, records, self.index.named_objects)

    def delete(self, key: str) -> None:
        """Note that a webhook request was deleted."""
        record = self.by_id[key]
        self._forget(key)
        record.exists, record.json_hash = False, None
        names = (*_NAMES, "life_cycle_state", *OBJECT_OF.values())
        remainder = {name: record.condensed[name] for name in names if name in record.condensed}
        record.condensed = record.typed = remainder
        self.memory.count(key, self.memory.size_of(remainder))

    def _forget(self, key: str) -> None:
        """Remove a webhook request from those that exist."""
        record = self.condensed.pop(key, None)
        if record is not None:
            self.index.remove(key, record)
        self.memory.count(key, 0)
        self.version += 1
        self.names_version += 1

    @property
    def unsettled(self) -> set[str]:
        """The ids of all that may change by themselves."""
        return {key for key, record in self.by_id.items() if record.may_change}

    def _learn(self, record: Record) -> None:
        """Note the number and the values by which a webhook request may be found."""
        number = record.get("number")
        if isinstance(number, str):
            earlier_id = self._numbers.get(number)
            if earlier_id != record["id"] and earlier_id in self.condensed:
                self.shared_numbers.add(number)
            self._numbers[number] = record["id"]
            if len(self._numbers) > _MAX_SHOWN + len(self.by_id):
                others = self.by_id.items()
                numbers = ((other.condensed.get("number"), key) for key, other in others)
                self._numbers = {text: key for text, key in numbers if isinstance(text, str)}
        values: list[tuple[str, Any]] = [(name, record.get(name)) for name in ("entity_id", "url")]
        for name, member in OBJECT_OF.items():
            inner = record.get(member) or {}
            values += [(name, (form, inner.get(form))) for form in IDENTIFIER_FIELDS]
        if len(self._shown) < 2 * _MAX_SHOWN:
            self._shown |= set(map(hash, values))

    def lose(self, key: str) -> bool:
        """Forget a webhook request as uncertain; return whether it was tracked."""
        is_tracked = self.by_id.pop(key, None) is not None
        if is_tracked:
            self.lost_ids.add(key)
            self._forget(key)
        return is_tracked

    def has_shown(self, name: str, criterion: Any) -> bool:
        """Return whether some webhook request has shown the value of a filter."""
        return hash((name, criterion)) in self._shown
