"""Observe lists: which webhook requests, how many, each once, by filters that may be read in ways.

Where the documents leave open how a filter is read, each list rules out some of the ways. A way
that is dead remembers the call that killed it: if a list leaves none, those calls are sent again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, islice
from operator import or_
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief, Exclusion, Record, TrackedRecord
from crmcom_kit.contract_tests.belief.interpretations import (
    SEMI_OPTIONAL,
    Fits,
    Interpretation,
    read_alike,
)
from crmcom_kit.contract_tests.belief.zones import ALL, Zones, fewest, plainest
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.confirmations import Contradicted, TooFew
from crmcom_kit.contract_tests.oracle.expectations import is_open
from crmcom_kit.contract_tests.oracle.sense import Sense
from crmcom_kit.contract_tests.oracle.sights import hypotheses_of_change
from crmcom_kit.contract_tests.oracle.suspicions import (
    MISSING,
    Evident,
    Finding,
    Flaw,
    Held,
    Hypothesis,
    Suspicion,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """In what a list differs from one way to read its filters."""

    statement: str
    expected: str
    seen: str
    record: str | None
    missing: TrackedRecord | None = None  # which the list lacks


class Contradiction(NamedTuple):
    """What rules out a way to read the filters, in some zones."""

    zones: Zones
    rests_on: str | None  # id of one that must be as it is known, or nothing is wrong


def observe(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Finding]:
    """Observe one list that was served."""
    if sense.name != "list" or not exchange.ok or not isinstance(exchange.data or [], list):
        return
    yield from _once_each(exchange)
    limit = None if "number_of_results" in sense.unclear else sense.limit
    if limit is not None and len(exchange.records) > limit:
        number = str(len(exchange.records))
        yield Flaw("list.paging.number_of_results", f"at most {limit}", number)
    if sense.is_clear and sense.filters:
        yield from _contents(exchange, sense, belief)
    if not {"number_of_results", "offset"} & sense.unclear:
        kind = _kind(sense)
        belief.longest[kind] = max(belief.longest.get(kind, 0), len(exchange.records))
    if not (exchange.records or sense.is_paged or is_open(sense, belief)):
        belief.serves_empty_lists = True


def _once_each(exchange: Exchange) -> Iterator[Finding]:
    seen: dict[str, Any] = {}
    for record in exchange.records:
        key = record.get("id")
        if not isinstance(key, str):
            continue
        if key in seen and seen[key] == record.get("number"):
            found = f"the webhook request {key} twice"
            yield Flaw("list.no_duplicates", "each webhook request once", found, key)
            return
        seen[key] = record.get("number")
    if seen:
        yield Held("list.no_duplicates")


def _kind(sense: Sense) -> tuple[bool, frozenset[str]]:
    """Return by what a server may cut lists at another maximum: a size, and which filters."""
    return sense.limit is not None, frozenset(sense.filters)


#: So many webhook requests at once are looked at until one tells of a filter.
AT_ONCE = 100


@dataclass(slots=True)
class _Compared:
    """A list, and what it is compared with."""

    exchange: Exchange
    sense: Sense
    belief: Belief
    shown: Fits = field(init=False)  # with what is known: with fields_set one may not tell itself
    may_be_cut: bool = field(init=False)  # whether it may be short because of a maximum
    _all: dict[str, Fits] = field(default_factory=dict)  # by how filters are combined

    def __post_init__(self) -> None:
        records = [self._merged(each) for each in self.exchange.records]
        self.shown = Fits(self.sense.filters, records)
        self.may_be_cut = self._may_be_cut()

    def _merged(self, record: Record) -> Record:
        key = record.get("id")
        known = self.belief.tracked.get(key) if isinstance(key, str) else None
        return {**known.certain, **record} if known is not None and known.exists else record

    def all(self, way: Interpretation) -> Fits:
        """Return all that a list may select, read in a way, and others."""
        filters = self.sense.filters
        if way.combine not in self._all:
            ids = self.belief.candidates(filters, way.combine)
            self._all[way.combine] = Fits(filters, self._certain(ids), self.belief.named_objects)
        return self._all[way.combine]

    def tells_of(self, name: str, way: Interpretation, zone: Zones) -> bool:
        """Whether a list without one of its filters would have other webhook requests in a zone."""
        own = self.all(way)
        if own.tells_of(name, way, zone):
            return True
        filters = {other: wanted for other, wanted in self.sense.filters.items() if other != name}
        seen = {record["id"] for record in own.records}
        ids = iter(self.belief.candidates(filters, way.combine))
        others = (key for key in ids if key not in seen)  # which the list surely does not select
        while some := [*islice(others, AT_ONCE)]:
            fits = Fits(filters, self._certain(some), self.belief.named_objects)
            if any(zones & zone for zones in fits.selected(way)):
                return True
        return False

    def _certain(self, ids: Iterable[str]) -> list[Record]:
        return [self.belief.tracked[key].certain for key in ids]

    def _may_be_cut(self) -> bool:
        """Whether a maximum may be why it is short: no list of its kind has more results."""
        count = len(self.exchange.records)
        return count > 1 and count >= self.belief.longest.get(_kind(self.sense), count)


def _contents(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Finding]:
    compared, groups = _Compared(exchange, sense, belief), read_alike(sense.filters)
    left = {plain: reduce(or_, map(belief.zones_left, alike)) for plain, alike in groups.items()}
    #: What may explain it; what is ruled out already would take as long.
    ruled_out = {way: [*_contradictions(compared, way)] for way, zones in left.items() if zones}
    left = {way: left[way] & ~_zones(found) for way, found in ruled_out.items()}
    explained = next((plain for plain, zones in left.items() if zones), None)
    if explained is None:
        yield _suspicion(compared, {way: [*_contradictions(compared, way)] for way in groups})
        return
    if sense.is_paged or len(exchange.by_id) != len(exchange.records):
        yield from _too_few(compared, groups)
    for name in sense.filters:
        if compared.tells_of(name, explained, plainest(left[explained])):
            yield Held(f"list.{name}.filter")
    if len(exchange.records) > 1:
        yield Held("list.several_results")
    if sense.limit is not None:
        yield Held("list.paging.number_of_results")
    for plain, found in ruled_out.items():
        for each in found:
            exclusion = Exclusion(exchange.call, exchange.number, each.zones, each.rests_on)
            belief.rule_out(groups[plain], exclusion)


def _zones(contradictions: Iterable[Contradiction]) -> Zones:
    """Return the zones of all contradictions."""
    return reduce(or_, (each.zones for each in contradictions), 0)


def _contradictions(compared: _Compared, way: Interpretation) -> Iterator[Contradiction]:
    """Yield what rules out a way to read the filters: for each zone what comes first."""
    ruled_out: Zones = 0
    for record, misfit in zip(compared.exchange.records, compared.shown.misfits(way), strict=True):
        if not misfit & ~ruled_out:
            continue
        (own,) = Fits(compared.sense.filters, [record]).misfits(way)  # what it tells itself
        key = record.get("id")
        for zones, rests_on in ((own, None), (misfit, key if isinstance(key, str) else None)):
            if zones & ~ruled_out:
                yield Contradiction(zones & ~ruled_out, rests_on)
            ruled_out |= zones
    for key, zones in _lacking(compared, way):
        if zones & ~ruled_out:
            yield Contradiction(zones & ~ruled_out, key)
        ruled_out |= zones


def _lacking(compared: _Compared, way: Interpretation) -> list[tuple[str, Zones]]:
    """Return the ids of those that a list has to have and lacks, and in which zones, in order."""
    exchange, sense = compared.exchange, compared.sense
    ids = exchange.by_id.keys()
    if len(ids) != len(exchange.records) or sense.is_paged:
        return []  # which there are it does not tell; pages are compared with each other
    if compared.may_be_cut:
        return []
    all_ = compared.all(way)
    selected = zip(all_.records, all_.selected(way), strict=True)
    found = ((record["id"], zones) for record, zones in selected if zones)
    return sorted(each for each in found if each[0] not in ids)


def _suspicion(
    compared: _Compared, ruled_out: Mapping[Interpretation, Sequence[Contradiction]]
) -> Suspicion:
    """Return what is suspect of a list that no way left to read its filters explains."""
    belief, groups = compared.belief, read_alike(compared.sense.filters)
    problem, possible = _closest(compared), 0
    calls: dict[int, Call] = {}  # that ruled out what may explain the list
    for plain, contradictions in ruled_out.items():
        may_be = ALL & ~_zones(each for each in contradictions if each.rests_on is None)
        possible |= may_be
        for exclusion in chain.from_iterable(
            belief.exclusions.get(way, ()) for way in groups[plain]
        ):
            if exclusion.zones & may_be:
                calls[exclusion.number] = exclusion.call
    hypotheses = [Hypothesis(problem.statement, Evident())]
    if possible:
        every = (each.rests_on for each in chain.from_iterable(ruled_out.values()))
        keys = tuple(dict.fromkeys(key for key in every if key is not None))
        cause = Contradicted(tuple(calls[number] for number in sorted(calls)), keys)
        hypotheses = [Hypothesis(problem.statement, cause)]
    if problem.missing is not None:
        hypotheses += hypotheses_of_change(problem.missing, belief)
    return Suspicion(
        compared.exchange, problem.expected, problem.seen, tuple(hypotheses), problem.record,
        symptom=MISSING if problem.missing is not None else "",
    )  # fmt: skip


def _closest(compared: _Compared) -> Problem:
    """Return in what a list differs from the way left to read its filters that differs least."""

    def differences(plain: Interpretation) -> tuple[int, Zones]:
        lacking = (zones for _, zones in _lacking(compared, plain))
        left = reduce(or_, map(compared.belief.zones_left, groups[plain]))
        return fewest(chain(compared.shown.misfits(plain), lacking), left)

    groups = read_alike(compared.sense.filters)
    found = {plain: differences(plain) for plain in groups}
    closest = min(groups, key=lambda plain: (found[plain][1] == 0, found[plain][0]))
    return _problem(compared, closest, found[closest][1])


def _problem(compared: _Compared, way: Interpretation, zone: Zones) -> Problem:
    """Return how a list differs from one way to read its filters in one zone."""
    sense, belief = compared.sense, compared.belief
    misfits = [at for at, zones in enumerate(compared.shown.misfits(way)) if zones & zone]
    if misfits:
        record = compared.exchange.records[misfits[0]]
        return _unfit(sense, record, compared.shown.misfit(misfits[0], way, zone))
    lacking = [key for key, zones in _lacking(compared, way) if zones & zone]
    known, count = belief.tracked[lacking[0]], len(compared.exchange.records)
    is_new = known.resent and {"life_cycle_state"} < sense.filters.keys() <= _PLAIN
    return Problem(  # if it was sent again, its state is the only thing that is new
        "list.life_cycle_state.filter" if is_new else _of_missing(sense.filters),
        f"all {count + len(lacking)} webhook requests that match, including {known.number}",
        f"{count}, without {known.number}", known.id, known,
    )  # fmt: skip


def _unfit(sense: Sense, record: Record, name: str) -> Problem:
    """Return what is wrong with a list in which some surely do not fit a filter."""
    number, key, own = record.get("number", record.get("id")), record.get("id"), record.get(name)
    wanted = sense.filters[name]
    text = f"{wanted[0]}={wanted[1]}" if isinstance(wanted, tuple) else str(wanted)
    of_it = f": its {name} is {shortened(own, 80)!r}" if isinstance(own, str) else ""
    return Problem(
        f"list.{name}.filter", f"only webhook requests that match {name}={text}",
        f"{number}, which does not match{of_it}", key if isinstance(key, str) else None,
    )  # fmt: skip


#: What a list is given beside its filters and fields.
_NOT_FILTERS = ("token", "number_of_results", "offset", "fields_set")


def _too_few(compared: _Compared, ways: Iterable[Interpretation]) -> Iterator[Suspicion]:
    """Yield what is suspect of a list that is too short, however the filters are read.

    How many there are is all that a page tells, or a list without ids.
    """
    sense, count = compared.sense, len(compared.exchange.records)
    sure = min((_of_fewest(compared.all(way), way) for way in ways), key=len)
    wanted = max(0, len(sure) - sense.offset)
    wanted = wanted if sense.limit is None else min(wanted, sense.limit)
    if count >= wanted or compared.may_be_cut:
        return
    statement = _of_missing(sense.filters)
    if sense.is_paged:
        statement = "list.paging.offset" if sense.offset else "list.paging.number_of_results"
    whole = {name: value for name, value in sense.parameters.items() if name not in _NOT_FILTERS}
    hypothesis = Hypothesis(statement, TooFew(whole, sure))
    expected = f"at least {wanted} of the {len(sure)} that match"
    yield Suspicion(compared.exchange, expected, str(count), (hypothesis,))


def _of_fewest(fits: Fits, way: Interpretation) -> frozenset[str]:
    """Return the ids of those that list has to find in a zone in which these are the fewest."""
    selected = fits.selected(way)
    _, zone = fewest(selected, ALL)
    pairs = zip(fits.records, selected, strict=True)
    return frozenset(record["id"] for record, zones in pairs if zones & zone)


#: What a resend leaves as it is, and the state, which it does not.
_PLAIN = {"entity", "entity_id", "life_cycle_state"}


def _of_missing(filters: Mapping[str, object]) -> str:
    names = list(filters)
    return f"list.{names[0]}.filter" if len(names) == 1 else "list.several_results"


def served(sense: Sense) -> Iterator[Held]:
    """Yield what it tells of the parameters of list that a list was served."""
    optional = sense.parameters.keys() - {"token", *SEMI_OPTIONAL}
    if len(sense.parameters.keys() & set(SEMI_OPTIONAL)) == 1:
        if not optional:
            yield Held("list.parameters.mandatory")
        if len(optional) <= 1:
            yield Held("list.optional_parameters")
