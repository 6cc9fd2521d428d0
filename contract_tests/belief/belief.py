"""What is known of a server: its webhook requests, its tokens, and the dials it has not settled.

The belief is changed by the oracle alone. Each exchange, of a run or of the client of a recording,
goes to the oracle, which writes down here what it showed.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import reduce
from itertools import chain, groupby, takewhile
from operator import or_
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.index import Index
from crmcom_kit.contract_tests.belief.interpretations import (
    OBJECT_OF,
    Identifier,
    Interpretation,
)
from crmcom_kit.contract_tests.belief.knowledge import (
    differing,
    kept,
    lasting,
    merged,
    typed,
)
from crmcom_kit.contract_tests.belief.room import Room
from crmcom_kit.contract_tests.belief.zones import ALL, Zones
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.schemas.releases import Release

Record = dict[str, Any]  # a webhook request as a response showed it
#: So many webhook requests are known at once, in about so many bytes, and none whose id or number
#: has more characters.
MAX_TRACKED, MAX_BYTES, MAX_NAME = 20_000, 64 * 1024 * 1024, 200
#: So many ids are known of those that got no room.
MAX_UNSEEN = 200_000
#: Beyond so many a table of what was shown is cut.
_MAX_SHOWN = 2 * MAX_TRACKED

#: What requests name a webhook request by.
_NAMES = ("id", "number", "entity", "entity_id", "url")


class TokenState(Enum):
    """What is known of a token."""

    LIVE = auto()  # a login returned it, and nothing has ended it
    RELEASED = auto()
    EXPIRED = auto()  # its time is over, as the one who gave it says
    UNKNOWN = auto()  # no login returned it
    DOUBTFUL = auto()  # it may be valid or not


@dataclass(frozen=True, slots=True)
class Credentials:
    """What logins of this server are right, as far as it is known."""

    username: str | None = None
    password: str | None = None
    organisation: str | None = None
    api_key: str | None = None
    unit: str | None = None  # that the logins act for
    expired_token: str | None = None


@dataclass(slots=True)
class TrackedRecord:
    """One webhook request as it was last seen.

    Of members that no filter and no request uses, ``record`` has digests: see ``whole``.
    """

    id: str
    record: Record
    last_seen: Exchange  # the last response that showed it whole
    shown: bool = False  # whether show has returned it
    listed: bool = False  # whether list has
    partly: Exchange | None = None  # the last request of show for some fields, since then
    exists: bool = True  # False: it was deleted
    moving: bool = False  # it may change by itself: only what a resend keeps is compared
    resent: bool = False
    is_proven: bool = False  # a look after its last resend has shown it SUCCESSFUL
    before_resend: Record | None = None  # as it was before its last resend
    untraced: Record | None = None  # as it was before a resend of which nothing shows yet
    typed: Record = field(default_factory=dict)  # the record that requests are made from
    is_nameable: bool = False  # whether it has all that requests name it by
    mark: int | None = None  # of the JSON that showed it last, and agreed: see ``Exchange.marks``

    @property
    def number(self) -> str:
        """The number for people, or the id of one that has none."""
        return str(self.record.get("number") or self.id)

    @property
    def state(self) -> Any:
        """The life cycle state, as far as it is known."""
        return self.record.get("life_cycle_state")

    @property
    def whole(self) -> Record:
        """The webhook request with all its members, as the last response showed it."""
        return self.among(self.last_seen.by_id)

    def among(self, shown: Mapping[str, Record]) -> Record:
        """Return it with all its members, if ``shown`` is what the last response showed, by id.

        Texts that this response left out are those of an earlier one.
        """
        texts = {name: value for name, value in self.record.items() if isinstance(value, str)}
        return {**texts, **shown.get(self.id, self.record)}

    @property
    def certain(self) -> Record:
        """What a response must show of it now."""
        return lasting(self.record) if self.moving else self.record


class Exclusion(NamedTuple):
    """A list that ruled out a way to read its filters, in some zones."""

    call: Call
    number: int  # of the exchange
    zones: Zones
    rests_on: str | None  # id of one that it lacked, or has as it was known: if gone, who knows?


@dataclass(slots=True)
class Change:
    """A request of resend or delete, and the webhook requests that it may be about."""

    exchange: Exchange
    method: str
    served: bool
    named: frozenset[str]  # ids


@dataclass(slots=True)
class Belief:
    """All that is known of one server, in one run or one recording."""

    release: Release
    credentials: Credentials = field(default_factory=Credentials)
    knows_tokens: bool = True  # every login is seen; else a token is valid once it was served
    max_tracked: int = MAX_TRACKED
    max_bytes: int = MAX_BYTES
    version: int = 0  # another one after each change of what is known of webhook requests
    names_version: int = 0  # the same of their ids and numbers
    tracked: dict[str, TrackedRecord] = field(default_factory=dict)  # by id
    records: dict[str, Record] = field(default_factory=dict)  # those that exist, by id
    #: The filters of plain lists, and the last exchange that listed all that they select.
    groups: dict[frozenset[tuple[str, Any]], Exchange] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)  # ids of those of which nothing is sure any more
    unseen: set[str] = field(default_factory=set)  # ids of those that got no room at some time
    changes: list[Change] = field(default_factory=list)
    #: The ways to read the filters of list, each with the lists that ruled it out in some zones.
    exclusions: dict[Interpretation, list[Exclusion]] = field(default_factory=dict)
    #: The length of the longest list so far, by whether number_of_results was given, and by which
    #: filters: a list may be cut at a maximum, which may depend on both.
    longest: dict[tuple[bool, frozenset[str]], int] = field(default_factory=dict)
    serves_empty_lists: bool = False  # if not, a list that finds nothing may be refused
    token_refusal: tuple[int, Any] | None = None  # how a token that no login returned is refused
    has_resent: bool = False  # whether a resend was seen to become SUCCESSFUL
    #: How requests were refused that were served a moment later: by a limit, or maintenance.
    passing: set[tuple[int, Any]] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)  # numbers that several of them have shown
    #: What somebody else did to webhook requests, by id.
    changed_by_others: dict[str, str] = field(default_factory=dict)
    #: Resends of REJECTED webhook requests, by the form of the identifier, and whether served.
    resends: Counter[tuple[str, bool]] = field(default_factory=Counter)
    #: What others were seen to do while the run did nothing, as ``Suspicion.symptom`` says it.
    done_by_others: set[str] = field(default_factory=set)
    #: What webhook requests kept that were right by themselves, by a hash of the JSON and of what
    #: was asked for.
    sound: dict[int, frozenset[str]] = field(default_factory=dict)
    _held: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)  # sets in it
    _bytes: int = 0  # that the known ones take
    _sizes: dict[str, int] = field(default_factory=dict)  # of each of them
    _room: Room = field(default_factory=Room)
    _index: Index = field(default_factory=Index)  # of those that exist
    _numbers: dict[str, str] = field(default_factory=dict)  # number -> id
    #: Filter -> hashes of the values that were shown.
    _values: dict[str, set[int]] = field(default_factory=dict)
    _tokens: dict[str, TokenState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Know the token that has ended, if one is given."""
        if self.credentials.expired_token is not None:
            self.set_token(self.credentials.expired_token, TokenState.EXPIRED)

    def frozen(self) -> "Belief":
        """Return a copy of what requests are drawn from, which later exchanges do not change."""
        known = {key: replace(each, typed=dict(each.typed)) for key, each in self.tracked.items()}
        return replace(self, tracked=known, records=dict(self.records), _tokens=dict(self._tokens))

    # Webhook requests.

    def existing(self) -> Iterator[TrackedRecord]:
        """Yield all that exist, in the order in which they were first seen."""
        return (each for each in self.tracked.values() if each.exists)

    def wholes(self) -> Iterator[tuple[TrackedRecord, Record]]:
        """Yield all that exist, with all their members; those of one response follow each other."""
        late_last = sorted(self.existing(), key=lambda known: known.last_seen.number)
        for exchange, group in groupby(late_last, key=lambda known: known.last_seen):
            shown = exchange.by_id  # of thousands, perhaps, in a body that is compressed
            for known in group:
                yield known, known.among(shown)

    def named(self, name: Identifier | None) -> TrackedRecord | None:
        """Return what an identifier names, be it deleted or not, or None."""
        if name is None:
            return None
        key = name.value if name.field == "id" else self._numbers.get(name.value)
        return None if key is None else self.tracked.get(key)

    def find(self, name: Identifier | None) -> TrackedRecord | None:
        """Return the webhook request that an identifier names and that exists, or None."""
        found = self.named(name)
        return found if found is not None and found.exists else None

    def see(self, record: Record, method: str, exchange: Exchange, mark: int | None = None) -> None:
        """Take a webhook request for what a response has just shown of it, if there is room.

        Its ``mark`` is that of the response, if all that it shows agrees with what was known.
        """
        key: str = record["id"]
        before = self.tracked.get(key)
        known = before if before is not None and before.exists else None
        now = self._room.shared(kept(record))
        rightly = typed(record)
        own = now if rightly is record else self._room.shared(kept(rightly))
        if known is not None:
            now = merged(known.record, now)
            # A value of a wrong type leaves the last right one.
            is_right = rightly is record and known.typed is known.record
            own = now if is_right else merged(known.typed, own)
        size = self._room.size_of(now) + (0 if own is now else self._room.size_of(own))
        if not self._has_room(record, size, key):
            self.lose(key)
            if len(self.unseen) < MAX_UNSEEN:
                self.unseen.add(key[:MAX_NAME])
            return
        if known is None:
            known = self.tracked[key] = TrackedRecord(key, now, exchange)
        else:
            is_own = any(key in each.named and each.served for each in self.since_seen(key))
            if not is_own and differing(known.record, record):  # who knows since when?
                self.take_back(lambda exclusion: exclusion.rests_on == key)
        self._put(known, now, now if own == now else own, size)
        self.see_again(known, record, method, exchange)
        known.mark = mark
        self._learn(record)

    def see_again(
        self, known: TrackedRecord, record: Record, method: str, exchange: Exchange
    ) -> None:
        """Note that a response has just shown a webhook request as it is known."""
        known.last_seen, known.partly = exchange, None
        known.shown |= method == "show"
        known.listed |= method == "list"
        if record.get("life_cycle_state") == "SUCCESSFUL":
            known.moving = False

    def is_as_last_shown(self, record: Record, mark: int) -> bool:
        """Whether a webhook request has the JSON that the last response had which showed it."""
        key, number = record["id"], record.get("number")
        known = self.tracked.get(key)
        is_alike = known is not None and known.exists and known.mark == mark
        return is_alike and isinstance(number, str) and self._numbers.get(number) == key

    def is_unseen(self, key: str) -> bool:
        """Whether a webhook request may be one that was seen, and got no room."""
        return key[:MAX_NAME] in self.unseen or len(self.unseen) >= MAX_UNSEEN

    def note_sound(self, key: int, held: frozenset[str]) -> None:
        """Note in ``sound`` what a webhook request kept."""
        if len(self.sound) >= _MAX_SHOWN:
            self.sound.clear()
        self.sound[key] = self._held.setdefault(held, held)

    def _has_room(self, record: Record, size: int, key: str) -> bool:
        """Whether a webhook request is kept: a server may show any number, of any size."""
        names = (key, record.get("number"))
        if any(isinstance(each, str) and len(each) > MAX_NAME for each in names):
            return False
        if key not in self.records and len(self.records) >= self.max_tracked:
            return False
        return self._bytes - self._sizes.get(key, 0) + size <= self.max_bytes

    def _put(self, known: TrackedRecord, record: Record, own: Record, size: int) -> None:
        """Keep what is known of a webhook request that exists now."""
        before = self.records.get(known.id)
        if before == record:
            record, own = before, before if own is record else own
        else:
            if before is not None:
                self._index.remove(known.id, before)
            self._index.add(known.id, record)
            self.version += 1
            is_renamed = before is None or before.get("number") != record.get("number")
            self.names_version += is_renamed
        known.record, known.typed = record, own
        known.is_nameable = all(own.get(name) and isinstance(own[name], str) for name in _NAMES)
        self.records[known.id] = record
        self._count(known.id, size)

    def _count(self, key: str, size: int) -> None:
        self._bytes += size - self._sizes.pop(key, 0)
        if size:
            self._sizes[key] = size

    def candidates(self, filters: Mapping[str, Any], combine: str) -> Iterable[str]:
        """Return the ids of all that a list may select, and of others: see ``Index``."""
        found = self._index.candidates(filters, combine)
        return self.records if found is None else found

    def named_objects(self, name: str, wanted: Identifier) -> Collection[Any]:
        """Return what stands for the id of each object that a filter may mean by a name."""
        return self._index.named_objects(name, wanted)

    def delete(self, key: str) -> None:
        """Note that a webhook request was deleted."""
        known = self.tracked[key]
        self._forget(key)
        known.exists, known.mark = False, None
        names = (*_NAMES, "life_cycle_state", *OBJECT_OF.values())
        known.record = {name: known.record[name] for name in names if name in known.record}
        known.typed = known.record
        self._count(key, self._room.size_of(known.record))

    def _forget(self, key: str) -> None:
        """Count a webhook request no more among those that exist."""
        record = self.records.pop(key, None)
        if record is not None:
            self._index.remove(key, record)
        self._count(key, 0)
        self.version += 1
        self.names_version += 1

    @property
    def unsettled(self) -> set[str]:
        """The ids of all that may change by themselves."""
        return {key for key, each in self.tracked.items() if each.moving}

    def _learn(self, record: Record) -> None:
        number = record.get("number")
        if isinstance(number, str):
            other = self._numbers.get(number)
            if other != record["id"] and other in self.records:
                self.shared.add(number)
            self._numbers[number] = record["id"]
            if len(self._numbers) > _MAX_SHOWN + len(self.tracked):
                numbers = ((known.record.get("number"), key) for key, known in self.tracked.items())
                self._numbers = {text: key for text, key in numbers if isinstance(text, str)}
        for name in ("entity_id", "url"):
            if isinstance(record.get(name), str):
                self._show(name, record[name])
        for name, member in OBJECT_OF.items():
            found = record.get(member)
            inner = found if isinstance(found, dict) else {}
            for each in ("id", "name", "alternative_code"):
                if isinstance(inner.get(each), str):
                    self._show(name, f"{each}={inner[each]}")

    def _show(self, name: str, text: str) -> None:
        values = self._values.setdefault(name, set())
        if len(values) < _MAX_SHOWN:
            values.add(hash(text))

    def lose(self, key: str) -> None:
        """Forget a webhook request of which nothing is sure any more."""
        if self.tracked.pop(key, None) is not None:
            self.lost.add(key)
            self._forget(key)
            self.take_back(lambda exclusion: exclusion.rests_on == key)

    def since_seen(self, key: str) -> list[Change]:
        """Return the changes since a webhook request was last seen whole, the latest first."""
        found = self.tracked.get(key)
        since = 0 if found is None else found.last_seen.number
        latest_first = reversed(self.changes)
        return [*takewhile(lambda each: each.exchange.number > since, latest_first)]

    def has_shown(self, name: str, wanted: Any) -> bool:
        """Whether a filter's value is one that some webhook request has shown."""
        text = f"{wanted.field}={wanted.value}" if isinstance(wanted, Identifier) else wanted
        return hash(text) in self._values.get(name, ())

    @property
    def unsteady(self) -> frozenset[str]:
        """The ids of those that others may have changed, or of which nothing is sure any more."""
        return frozenset((*self.changed_by_others, *self.lost, *self.unsettled))

    @property
    def min_sightings(self) -> int:
        """How often in a row something has to be seen before the server is accused."""
        return 3 if self.changed_by_others else 2

    # How the filters are read.

    def every_exclusion(self) -> Iterator[Exclusion]:
        """Yield all that ruled something out."""
        return chain.from_iterable(self.exclusions.values())

    def left(self, interpretation: Interpretation) -> Zones:
        """Return the zones in which an interpretation is not ruled out."""
        exclusions = self.exclusions.get(interpretation, ())
        return ALL & ~reduce(or_, (exclusion.zones for exclusion in exclusions), 0)

    def rule_out(self, dead: Iterable[Interpretation], exclusion: Exclusion) -> None:
        """Note that a list cannot be explained by some interpretations, in some zones."""
        for interpretation in dead:
            zones = exclusion.zones & self.left(interpretation)
            if zones:
                self.exclusions.setdefault(interpretation, []).append(
                    exclusion._replace(zones=zones)
                )

    def take_back(self, is_void: Callable[[Exclusion], bool]) -> None:
        """Take back all that some lists have ruled out."""
        for exclusions in self.exclusions.values():
            exclusions[:] = [exclusion for exclusion in exclusions if not is_void(exclusion)]

    # Tokens and logins.

    def token_state(self, token: Any) -> TokenState:
        """Return what is known of a token."""
        if isinstance(token, str) and token in self._tokens:
            return self._tokens[token]
        return TokenState.UNKNOWN if self.knows_tokens else TokenState.DOUBTFUL

    def live_tokens(self) -> list[str]:
        """Return the tokens that are valid as far as it is known, the latest login's last."""
        return [token for token, state in self._tokens.items() if state is TokenState.LIVE]

    def set_token(self, token: str, state: TokenState) -> None:
        """Note what became known of a token."""
        self._tokens[token] = state

    def login_is_right(self, given: Mapping[str, Any]) -> bool | None:
        """Whether authentication/token must accept these credentials; None if it is not known."""
        names = ("username", "password", "organisation")
        if any(getattr(self.credentials, name) is None for name in names):
            return None
        if any(given.get(name) != getattr(self.credentials, name) for name in names):
            return False
        return None if given.get("unit") else True
