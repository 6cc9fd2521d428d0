"""Observe lists: which webhook requests they have, how many, and each only once.

The documents leave open how some filters are read. Each list rules out some interpretations; the
belief keeps the request of each such list. If a list leaves no interpretation, these requests are
sent again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import (
    SEMI_OPTIONAL,
    Exclusion,
    Fits,
    Interpretation,
    read_alike,
)
from crmcom_kit.contract_tests.belief.knowledge import id_of
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.belief.zones import ALL, Zones, fewest, plainest, union
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.confirmations import Contradicted, TooFew
from crmcom_kit.contract_tests.oracle.expectations import is_open
from crmcom_kit.contract_tests.oracle.parsing import Request, without
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


def observe(exchange: Exchange, request: Request, belief: Belief) -> Iterator[Finding]:
    """Observe one list that was served."""
    if request.name != "list" or not exchange.ok or not isinstance(exchange.data or [], list):
        return
    yield from _once_each(exchange)
    limit = None if "number_of_results" in request.unclear else request.limit
    if limit is not None and len(exchange.records) > limit:
        number = str(len(exchange.records))
        yield Flaw("list.paging.number_of_results", f"at most {limit}", number)
    if request.is_clear and request.filters:
        yield from _contents(exchange, request, belief)
    if not {"number_of_results", "offset"} & request.unclear:
        kind = _kind(request)
        belief.lists.max_lengths[kind] = max(
            belief.lists.max_lengths.get(kind, 0), len(exchange.records)
        )
    if not (exchange.records or request.is_paged or is_open(request, belief)):
        belief.lists.serves_empty = True


def _once_each(exchange: Exchange) -> Iterator[Finding]:
    numbers: dict[str, Any] = {}
    for record in exchange.records:
        key = id_of(record)
        if key is None:
            continue
        if key in numbers and numbers[key] == record.get("number"):
            seen = f"the webhook request {key} twice"
            yield Flaw("list.no_duplicates", "each webhook request once", seen, key)
            return
        numbers[key] = record.get("number")
    if numbers:
        yield Held("list.no_duplicates")


def _kind(request: Request) -> tuple[bool, frozenset[str]]:
    """Return what the maximum length of a list may depend on: a page size, and the filters."""
    return request.limit is not None, frozenset(request.filters)


#: The number of webhook requests that are compared at once to see whether a filter matters.
AT_ONCE = 100


@dataclass(slots=True)
class _Comparison:
    """A list with the webhook requests that it is compared with."""

    exchange: Exchange
    request: Request
    belief: Belief
    fits: Fits = field(init=False)  # of its webhook requests, with what else is known of them
    #: Interpretations that read its filters alike, by the plainest of each group.
    groups: Mapping[Interpretation, Sequence[Interpretation]] = field(init=False)
    _selectable: dict[str, Fits] = field(default_factory=dict)  # by how filters are combined

    def __post_init__(self) -> None:
        self.groups = read_alike(self.request.filters)
        records = [self._merged(sight) for sight in self.exchange.records]
        self.fits = Fits(self.request.filters, records)

    def _merged(self, sight: Record) -> Record:
        key = id_of(sight)
        record = None if key is None else self.belief.records.by_id.get(key)
        return {**record.certain, **sight} if record is not None and record.exists else sight

    def selectable(self, way: Interpretation) -> Fits:
        """Return all that a list may select in an interpretation, maybe with others."""
        if way.combine not in self._selectable:
            ids = self.belief.records.candidates(self.request.filters, way.combine)
            self._selectable[way.combine] = self.belief.records.fits(self.request.filters, ids)
        return self._selectable[way.combine]

    def tells_of(self, name: str, way: Interpretation, zone: Zones) -> bool:
        """Return whether a list without a filter has other webhook requests in a zone."""
        filters = self.request.filters
        other_filters = without(name, filters)
        candidates = self.belief.records.candidates
        selectable = (candidates(selection, way.combine) for selection in (filters, other_filters))
        ids = chain.from_iterable(selectable)
        while batch := [*islice(ids, AT_ONCE)]:
            if self.belief.records.fits(filters, batch).tells_of(name, way, zone):
                return True
        return False

    def zones_left(self, way: Interpretation) -> Zones:
        """Return the zones in which earlier lists leave one of the interpretations alike."""
        return union(map(self.belief.lists.exclusions.zones_left, self.groups[way]))

    @property
    def may_be_cut(self) -> bool:
        """Whether the list may be cut at a maximum: no list of its kind was longer."""
        count = len(self.exchange.records)
        return count > 1 and count >= self.belief.lists.max_lengths.get(_kind(self.request), count)


def _contents(exchange: Exchange, request: Request, belief: Belief) -> Iterator[Finding]:
    comparison = _Comparison(exchange, request, belief)
    zones_left = {way: comparison.zones_left(way) for way in comparison.groups}
    # Interpretations that are ruled out already cost as much time, and are left out.
    ways = [way for way, zones in zones_left.items() if zones]
    exclusions = {way: [*_exclusions(comparison, way)] for way in ways}
    zones_left = {way: zones_left[way] & ~_zones(exclusions[way]) for way in ways}
    explanation = next((way for way, zones in zones_left.items() if zones), None)
    if explanation is None:
        yield _suspicion(comparison)
        return
    if request.is_paged or len(exchange.by_id) != len(exchange.records):
        yield from _too_few(comparison)
    for name in request.filters:
        if comparison.tells_of(name, explanation, plainest(zones_left[explanation])):
            yield Held(f"list.{name}.filter")
    if len(exchange.records) > 1:
        yield Held("list.several_results")
    if request.limit is not None:
        yield Held("list.paging.number_of_results")
    for way in ways:
        for exclusion in exclusions[way]:
            belief.lists.exclusions.add(comparison.groups[way], exclusion)


def _zones(exclusions: Iterable[Exclusion]) -> Zones:
    """Return the zones of all exclusions."""
    return union(exclusion.zones for exclusion in exclusions)


def _exclusions(comparison: _Comparison, way: Interpretation) -> Iterator[Exclusion]:
    """Yield what rules out an interpretation: for each zone what comes first."""
    exchange, zones_left = comparison.exchange, ALL
    for sight, misfit in zip(exchange.records, comparison.fits.misfits(way), strict=True):
        if not misfit & zones_left:
            continue
        # The sight by itself, without what else is known of its record.
        (by_itself,) = Fits(comparison.request.filters, [sight]).misfits(way)
        for zones, rests_on in ((by_itself, None), (misfit, id_of(sight))):
            if zones & zones_left:
                yield Exclusion(exchange, zones & zones_left, rests_on)
            zones_left &= ~zones
    for key, zones in _missing(comparison, way):
        if zones & zones_left:
            yield Exclusion(exchange, zones & zones_left, key)
        zones_left &= ~zones


def _missing(comparison: _Comparison, way: Interpretation) -> list[tuple[str, Zones]]:
    """Return the ids that a list lacks, in order, with the zones in which it must have them."""
    exchange, request = comparison.exchange, comparison.request
    ids = exchange.by_id.keys()
    if len(ids) != len(exchange.records) or request.is_paged or comparison.may_be_cut:
        return []  # pages are compared with each other
    fits = comparison.selectable(way)
    pairs = zip((record["id"] for record in fits.records), fits.selected(way), strict=True)
    return sorted((key, zones) for key, zones in pairs if zones and key not in ids)


def _suspicion(comparison: _Comparison) -> Suspicion:
    """Return the suspicion of a list that no interpretation explains."""
    exchange, filters = comparison.exchange, comparison.request.filters
    way, zone = _closest(comparison)
    places = [place for place, zones in enumerate(comparison.fits.misfits(way)) if zones & zone]
    if places:
        sight = exchange.records[places[0]]
        name = comparison.fits.misfit(places[0], way, zone)
        hypothesis = _hypothesis(f"list.{name}.filter", comparison)
        expected, seen = _texts_of_misfit(sight, name, filters[name])
        return Suspicion(exchange, expected, seen, (hypothesis,), id_of(sight))
    missing_ids = [key for key, zones in _missing(comparison, way) if zones & zone]
    record = comparison.belief.records.by_id[missing_ids[0]]
    statement = _statement_of_missing(filters)
    if record.was_resent and {"life_cycle_state"} < filters.keys() <= _PLAIN:
        statement = "list.life_cycle_state.filter"  # after a resend only its state is new
    hypothesis = _hypothesis(statement, comparison)
    count = len(exchange.records)
    total = count + len(missing_ids)
    expected = f"all {total} webhook requests that match, including {record.number}"
    seen = f"{count}, without {record.number}"
    hypotheses = (hypothesis, *hypotheses_of_change(record, comparison.belief))
    return Suspicion(exchange, expected, seen, hypotheses, record.id, symptom=MISSING)


def _closest(comparison: _Comparison) -> tuple[Interpretation, Zones]:
    """Return the interpretation, and the zone, that explain a list best of those left."""

    def count(way: Interpretation) -> tuple[int, Zones]:
        missing = (zones for _, zones in _missing(comparison, way))
        return fewest(chain(comparison.fits.misfits(way), missing), comparison.zones_left(way))

    counts = {way: count(way) for way in comparison.groups}
    closest = min(counts, key=lambda way: (counts[way][1] == 0, counts[way][0]))
    return closest, counts[closest][1]


def _texts_of_misfit(sight: Record, name: str, criterion: Any) -> tuple[str, str]:
    """Return what is expected and seen of a webhook request that does not fit a filter."""
    text = f"{criterion[0]}={criterion[1]}" if isinstance(criterion, tuple) else str(criterion)
    value = sight.get(name)
    of_it = f": its {name} is {shortened(value, 80)!r}" if isinstance(value, str) else ""
    number = sight.get("number", sight.get("id"))
    expected = f"only webhook requests that match {name}={text}"
    return expected, f"{number}, which does not match{of_it}"


def _hypothesis(statement: str, comparison: _Comparison) -> Hypothesis:
    """Return the hypothesis that a list is wrong in each interpretation.

    What contradicts it may rest on what others have changed, or on other lists.
    """
    all_open_zones: Zones = 0
    lists: dict[int, Call] = {}  # that ruled out what may explain this one, by number
    rests_on: dict[str, None] = {}
    for plainest_way, group in comparison.groups.items():
        exclusions = [*_exclusions(comparison, plainest_way)]
        keys = [exclusion.rests_on for exclusion in exclusions]
        rests_on |= dict.fromkeys(key for key in keys if key is not None)
        certain_exclusions = (exclusion for exclusion in exclusions if exclusion.rests_on is None)
        open_zones = ALL & ~_zones(certain_exclusions)
        all_open_zones |= open_zones
        for way in group:
            for exclusion in comparison.belief.lists.exclusions.get(way, ()):
                if exclusion.zones & open_zones:
                    lists[exclusion.exchange.number] = exclusion.exchange.call
    if not all_open_zones:
        return Evident(statement)
    calls = tuple(lists[number] for number in sorted(lists))
    return Contradicted(statement, calls, tuple(rests_on))


#: The parameters of list that are no filters.
_NOT_FILTERS = ("token", "number_of_results", "offset", "fields_set")


def _too_few(comparison: _Comparison) -> Iterator[Suspicion]:
    """Yield the suspicion that a list is too short in every interpretation.

    The length is all that is compared of a page, or of a list without ids.
    """
    request, count = comparison.request, len(comparison.exchange.records)
    ids = min((_fewest_ids(comparison.selectable(way), way) for way in comparison.groups), key=len)
    min_count = max(0, len(ids) - request.offset)
    min_count = min_count if request.limit is None else min(min_count, request.limit)
    if count >= min_count or comparison.may_be_cut:
        return
    statement = _statement_of_missing(request.filters)
    if request.is_paged:
        statement = "list.paging.offset" if request.offset else "list.paging.number_of_results"
    parameters = request.parameters.items()
    filters = {name: value for name, value in parameters if name not in _NOT_FILTERS}
    hypotheses = (TooFew(statement, filters, ids),)
    expected = f"at least {min_count} of the {len(ids)} that match"
    yield Suspicion(comparison.exchange, expected, str(count), hypotheses)


def _fewest_ids(fits: Fits, way: Interpretation) -> frozenset[str]:
    """Return the ids of those that list must find, in the zone with the fewest."""
    all_zones = fits.selected(way)
    _, zone = fewest(all_zones, ALL)
    pairs = zip(fits.records, all_zones, strict=True)
    return frozenset(record["id"] for record, zones in pairs if zones & zone)


#: Filters on what a resend never changes, and the state, which it changes.
_PLAIN = {"entity", "entity_id", "life_cycle_state"}


def _statement_of_missing(filters: Mapping[str, object]) -> str:
    names = list(filters)
    return f"list.{names[0]}.filter" if len(names) == 1 else "list.several_results"


def check_parameters(request: Request) -> Iterator[Held]:
    """Yield the statements about the parameters of list that a served list keeps."""
    optional = request.parameters.keys() - {"token", *SEMI_OPTIONAL}
    if len(request.parameters.keys() & set(SEMI_OPTIONAL)) == 1:
        if not optional:
            yield Held("list.parameters.mandatory")
        if len(optional) <= 1:
            yield Held("list.optional_parameters")
