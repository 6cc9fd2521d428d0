"""Observe lists: which webhook requests they have, how many, and each only once.

The documents leave open how some filters are read. Each list rules out some interpretations; the
belief keeps the request of each such list. If a list leaves no interpretation, these requests are
sent again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, islice
from operator import or_
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief, Record, TrackedRecord
from crmcom_kit.contract_tests.belief.exclusions import Exclusion
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
    """How a list differs from one interpretation of its filters."""

    statement: str
    expected: str
    seen: str
    record_id: str | None
    missing: TrackedRecord | None = None  # the webhook request that the list lacks


class Contradiction(NamedTuple):
    """What rules out an interpretation of the filters, in some zones."""

    zones: Zones
    rests_on: str | None  # id of a webhook request: if it has changed, nothing is ruled out


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
        belief.longest_lists[kind] = max(belief.longest_lists.get(kind, 0), len(exchange.records))
    if not (exchange.records or sense.is_paged or is_open(sense, belief)):
        belief.serves_empty_lists = True


def _once_each(exchange: Exchange) -> Iterator[Finding]:
    numbers: dict[str, Any] = {}
    for record in exchange.records:
        key = record.get("id")
        if not isinstance(key, str):
            continue
        if key in numbers and numbers[key] == record.get("number"):
            twice = f"the webhook request {key} twice"
            yield Flaw("list.no_duplicates", "each webhook request once", twice, key)
            return
        numbers[key] = record.get("number")
    if numbers:
        yield Held("list.no_duplicates")


def _kind(sense: Sense) -> tuple[bool, frozenset[str]]:
    """Return what the maximum length of a list may depend on: a page size, and the filters."""
    return sense.limit is not None, frozenset(sense.filters)


#: The number of webhook requests that are compared at once to see whether a filter matters.
AT_ONCE = 100


@dataclass(slots=True)
class _Compared:
    """A list with the webhook requests that it is compared with."""

    exchange: Exchange
    sense: Sense
    belief: Belief
    shown: Fits = field(init=False)  # of its webhook requests, with what else is known of them
    may_be_cut: bool = field(init=False)  # whether it may be short because of a maximum
    _all: dict[str, Fits] = field(default_factory=dict)  # by how filters are combined

    def __post_init__(self) -> None:
        records = [self._merged(record) for record in self.exchange.records]
        self.shown = Fits(self.sense.filters, records)
        self.may_be_cut = self._may_be_cut()

    def _merged(self, record: Record) -> Record:
        key = record.get("id")
        tracked = self.belief.tracked.get(key) if isinstance(key, str) else None
        return {**tracked.certain, **record} if tracked is not None and tracked.exists else record

    def all(self, way: Interpretation) -> Fits:
        """Return all that a list may select in an interpretation, maybe with others."""
        filters = self.sense.filters
        if way.combine not in self._all:
            ids = self.belief.candidates(filters, way.combine)
            self._all[way.combine] = Fits(filters, self._certain(ids), self.belief.named_objects)
        return self._all[way.combine]

    def tells_of(self, name: str, way: Interpretation, zone: Zones) -> bool:
        """Whether a list without a filter has other webhook requests in a zone."""
        selectable = self.all(way)
        if selectable.tells_of(name, way, zone):
            return True
        filters = {kept: wanted for kept, wanted in self.sense.filters.items() if kept != name}
        seen = {record["id"] for record in selectable.records}
        ids = iter(self.belief.candidates(filters, way.combine))
        unselected = (key for key in ids if key not in seen)
        while part := [*islice(unselected, AT_ONCE)]:
            fits = Fits(filters, self._certain(part), self.belief.named_objects)
            if any(zones & zone for zones in fits.selected(way)):
                return True
        return False

    def _certain(self, ids: Iterable[str]) -> list[Record]:
        return [self.belief.tracked[key].certain for key in ids]

    def _may_be_cut(self) -> bool:
        """Whether the list may be cut at a maximum: no list of its kind was longer."""
        count = len(self.exchange.records)
        return count > 1 and count >= self.belief.longest_lists.get(_kind(self.sense), count)


def _contents(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Finding]:
    compared, groups = _Compared(exchange, sense, belief), read_alike(sense.filters)
    left = {
        plain: reduce(or_, map(belief.exclusions.zones_left, alike))
        for plain, alike in groups.items()
    }
    # Interpretations that are ruled out already cost as much time, and are left out.
    ruled_out = {way: [*_contradictions(compared, way)] for way, zones in left.items() if zones}
    left = {way: left[way] & ~_zones(contradictions) for way, contradictions in ruled_out.items()}
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
    for plain, contradictions in ruled_out.items():
        for zones, rests_on in contradictions:
            exclusion = Exclusion(exchange.call, exchange.number, zones, rests_on)
            belief.exclusions.add(groups[plain], exclusion)


def _zones(contradictions: Iterable[Contradiction]) -> Zones:
    """Return the zones of all contradictions."""
    return reduce(or_, (contradiction.zones for contradiction in contradictions), 0)


def _contradictions(compared: _Compared, way: Interpretation) -> Iterator[Contradiction]:
    """Yield what rules out an interpretation: for each zone what comes first."""
    ruled_out: Zones = 0
    for record, misfit in zip(compared.exchange.records, compared.shown.misfits(way), strict=True):
        if not misfit & ~ruled_out:
            continue
        # The record by itself, without what else is known of it.
        (by_itself,) = Fits(compared.sense.filters, [record]).misfits(way)
        key = record.get("id")
        for zones, rests_on in ((by_itself, None), (misfit, key if isinstance(key, str) else None)):
            if zones & ~ruled_out:
                yield Contradiction(zones & ~ruled_out, rests_on)
            ruled_out |= zones
    for key, zones in _lacking(compared, way):
        if zones & ~ruled_out:
            yield Contradiction(zones & ~ruled_out, key)
        ruled_out |= zones


def _lacking(compared: _Compared, way: Interpretation) -> list[tuple[str, Zones]]:
    """Return the ids that a list lacks, in order, with the zones in which it must have them."""
    exchange, sense = compared.exchange, compared.sense
    ids = exchange.by_id.keys()
    if len(ids) != len(exchange.records) or sense.is_paged:
        return []  # pages are compared with each other
    if compared.may_be_cut:
        return []
    selectable = compared.all(way)
    selected = zip(selectable.records, selectable.selected(way), strict=True)
    wanted = ((record["id"], zones) for record, zones in selected if zones)
    return sorted((key, zones) for key, zones in wanted if key not in ids)


def _suspicion(
    compared: _Compared, ruled_out: Mapping[Interpretation, Sequence[Contradiction]]
) -> Suspicion:
    """Return the suspicion of a list that no interpretation explains."""
    belief, groups = compared.belief, read_alike(compared.sense.filters)
    problem, possible = _closest(compared), 0
    calls: dict[int, Call] = {}  # lists that ruled out what may explain this one
    for plain, contradictions in ruled_out.items():
        certain = (pair for pair in contradictions if pair.rests_on is None)
        may_be = ALL & ~_zones(certain)
        possible |= may_be
        excluding = (belief.exclusions.get(way, ()) for way in groups[plain])
        for exclusion in chain.from_iterable(excluding):
            if exclusion.zones & may_be:
                calls[exclusion.number] = exclusion.call
    hypotheses: list[Hypothesis] = [Evident(problem.statement)]
    if possible:
        pairs = chain.from_iterable(ruled_out.values())
        keys = dict.fromkeys(key for _, key in pairs if key is not None)
        in_order = tuple(calls[number] for number in sorted(calls))
        hypotheses = [Contradicted(problem.statement, in_order, tuple(keys))]
    if problem.missing is not None:
        hypotheses += hypotheses_of_change(problem.missing, belief)
    return Suspicion(
        compared.exchange, problem.expected, problem.seen, tuple(hypotheses), problem.record_id,
        symptom=MISSING if problem.missing is not None else "",
    )  # fmt: skip


def _closest(compared: _Compared) -> Problem:
    """Return how a list differs from the interpretation left that explains it best."""

    def differences(plain: Interpretation) -> tuple[int, Zones]:
        lacking = (zones for _, zones in _lacking(compared, plain))
        left = reduce(or_, map(compared.belief.exclusions.zones_left, groups[plain]))
        return fewest(chain(compared.shown.misfits(plain), lacking), left)

    groups = read_alike(compared.sense.filters)
    results = {plain: differences(plain) for plain in groups}
    closest = min(groups, key=lambda plain: (results[plain][1] == 0, results[plain][0]))
    return _problem(compared, closest, results[closest][1])


def _problem(compared: _Compared, way: Interpretation, zone: Zones) -> Problem:
    """Return how a list differs from one interpretation in one zone."""
    sense, belief = compared.sense, compared.belief
    misfits = [at for at, zones in enumerate(compared.shown.misfits(way)) if zones & zone]
    if misfits:
        record = compared.exchange.records[misfits[0]]
        return _unfit(sense, record, compared.shown.misfit(misfits[0], way, zone))
    lacking = [key for key, zones in _lacking(compared, way) if zones & zone]
    tracked, count = belief.tracked[lacking[0]], len(compared.exchange.records)
    is_new = tracked.resent and {"life_cycle_state"} < sense.filters.keys() <= _PLAIN
    return Problem(  # after a resend only its state is new
        "list.life_cycle_state.filter" if is_new else _statement_of_missing(sense.filters),
        f"all {count + len(lacking)} webhook requests that match, including {tracked.number}",
        f"{count}, without {tracked.number}", tracked.id, tracked,
    )  # fmt: skip


def _unfit(sense: Sense, record: Record, name: str) -> Problem:
    """Return the problem of a list with a webhook request that certainly does not fit a filter."""
    number, key, value = record.get("number", record.get("id")), record.get("id"), record.get(name)
    wanted = sense.filters[name]
    text = f"{wanted[0]}={wanted[1]}" if isinstance(wanted, tuple) else str(wanted)
    of_it = f": its {name} is {shortened(value, 80)!r}" if isinstance(value, str) else ""
    return Problem(
        f"list.{name}.filter", f"only webhook requests that match {name}={text}",
        f"{number}, which does not match{of_it}", key if isinstance(key, str) else None,
    )  # fmt: skip


#: The parameters of list that are no filters.
_NOT_FILTERS = ("token", "number_of_results", "offset", "fields_set")


def _too_few(compared: _Compared, ways: Iterable[Interpretation]) -> Iterator[Suspicion]:
    """Yield the suspicion that a list is too short in every interpretation.

    The length is all that is compared of a page, or of a list without ids.
    """
    sense, count = compared.sense, len(compared.exchange.records)
    certain = min((_fewest_ids(compared.all(way), way) for way in ways), key=len)
    wanted = max(0, len(certain) - sense.offset)
    wanted = wanted if sense.limit is None else min(wanted, sense.limit)
    if count >= wanted or compared.may_be_cut:
        return
    statement = _statement_of_missing(sense.filters)
    if sense.is_paged:
        statement = "list.paging.offset" if sense.offset else "list.paging.number_of_results"
    whole = {name: value for name, value in sense.parameters.items() if name not in _NOT_FILTERS}
    hypotheses = (TooFew(statement, whole, certain),)
    expected = f"at least {wanted} of the {len(certain)} that match"
    yield Suspicion(compared.exchange, expected, str(count), hypotheses)


def _fewest_ids(fits: Fits, way: Interpretation) -> frozenset[str]:
    """Return the ids of those that list must find, in the zone with the fewest."""
    selected = fits.selected(way)
    _, zone = fewest(selected, ALL)
    pairs = zip(fits.records, selected, strict=True)
    return frozenset(record["id"] for record, zones in pairs if zones & zone)


#: Filters on what a resend never changes, and the state, which it changes.
_PLAIN = {"entity", "entity_id", "life_cycle_state"}


def _statement_of_missing(filters: Mapping[str, object]) -> str:
    names = list(filters)
    return f"list.{names[0]}.filter" if len(names) == 1 else "list.several_results"


def served(sense: Sense) -> Iterator[Held]:
    """Yield the statements about the parameters of list that a served list keeps."""
    optional = sense.parameters.keys() - {"token", *SEMI_OPTIONAL}
    if len(sense.parameters.keys() & set(SEMI_OPTIONAL)) == 1:
        if not optional:
            yield Held("list.parameters.mandatory")
        if len(optional) <= 1:
            yield Held("list.optional_parameters")
