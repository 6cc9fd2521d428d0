"""Observe lists: which webhook requests, how many, each once, by filters that may be read in ways.

Where the documents leave open how a filter is read, each list rules out some of the ways. A way
that is dead remembers the call that killed it: if a list leaves none, those calls are sent again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief, Kill, Length, Record
from crmcom_kit.contract_tests.belief.interpretations import (
    SEMI_OPTIONAL,
    Fits,
    Interpretation,
    read_alike,
)
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import shortened
from crmcom_kit.contract_tests.oracle.expectations import is_open, served_by
from crmcom_kit.contract_tests.oracle.sense import Sense
from crmcom_kit.contract_tests.oracle.sights import hypotheses_of_change
from crmcom_kit.contract_tests.oracle.suspicions import (
    MISSING,
    Contradicted,
    Flaw,
    Hypothesis,
    Now,
    Refused,
    Seen,
    Suspicion,
    TooFew,
)
from crmcom_kit.schemas.releases import Release


@dataclass(frozen=True, slots=True)
class Problem:
    """In what a list differs from one way to read its filters."""

    statement: str
    expected: str
    seen: str
    count: int  # webhook requests that are wrong
    record: str | None = None
    rests_on: str | None = None  # id of one that must be as it is known, or nothing is wrong
    missing: bool = False


def observe(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Seen]:
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
        longest = belief.longest.get(_kind(sense), Length(0, 0, 0))
        seen = zip(longest, _length(exchange), strict=True)
        belief.longest[_kind(sense)] = Length(*map(max, seen))
    if not (exchange.records or sense.is_paged or is_open(sense, belief)):
        belief.serves_empty_lists = True


def _once_each(exchange: Exchange) -> Iterator[Seen]:
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
        yield "list.no_duplicates"


def _kind(sense: Sense) -> tuple[bool, frozenset[str]]:
    """Return by what a server may cut lists at another maximum: a size, and which filters."""
    return sense.limit is not None, frozenset(sense.filters)


def _length(exchange: Exchange) -> Length:
    count, average = len(exchange.records), exchange.bytes_each
    return Length(count, count * average, 2 * average)


@dataclass(slots=True)
class _Compared:
    """A list, and what it is compared with."""

    exchange: Exchange
    sense: Sense
    belief: Belief
    shown: Fits = field(init=False)  # with what is known: with fields_set one may not tell itself
    all: Fits = field(init=False)  # that there are
    may_be_cut: bool = field(init=False)  # whether it may be short because of a maximum

    def __post_init__(self) -> None:
        records = {key: self.belief.known[key].certain for key in self.belief.records}
        both = [{**records.get(str(each.get("id")), {}), **each} for each in self.exchange.records]
        self.all = Fits(self.sense.filters, list(records.values()))
        self.shown = Fits(self.sense.filters, both)
        self.may_be_cut = self._may_be_cut()

    def _may_be_cut(self) -> bool:
        """Whether a maximum of webhook requests or of bytes may be why it is short.

        It is not if a list of its kind had more of both: of bytes so many more that one more of the
        largest webhook requests would have found room.
        """
        own, longest = _length(self.exchange), self.belief.longest.get(_kind(self.sense))
        if own.records < 2 or longest is None or own.records >= longest.records:
            return own.records > 1
        return own.bytes + longest.largest > longest.bytes


def _contents(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Seen]:
    compared, groups = _Compared(exchange, sense, belief), read_alike(sense.filters)
    problems = {each: _problem(compared, each) for each in groups}
    left = [each for each in groups if any(one not in belief.killers for one in groups[each])]
    explained = next((each for each in left if problems[each] is None), None)
    if explained is None:
        best = min(filter(None, map(problems.get, left)), key=lambda each: each.count)
        yield _suspicion(compared, best, problems)
        return
    if sense.is_paged or len(exchange.by_id) != len(exchange.records):
        yield from _too_few(compared, [compared.all.select(each) for each in groups])
    for name in sense.filters:
        if compared.all.tells_of(name, explained):
            yield f"list.{name}.filter"
    if len(exchange.records) > 1:
        yield "list.several_results"
    if sense.limit is not None:
        yield "list.paging.number_of_results"
    for each, problem in problems.items():
        if problem is not None:
            belief.rule_out(groups[each], Kill(exchange.call, problem.rests_on))


def _suspicion(
    compared: _Compared, problem: Problem, problems: Mapping[Interpretation, Problem | None]
) -> Suspicion:
    """Return what is suspect of a list that no way left to read its filters explains."""
    belief, groups = compared.belief, read_alike(compared.sense.filters)
    explained = [each for each, found in problems.items() if found is None or found.rests_on]
    ways = {each for plainest in explained for each in groups[plainest]}
    if not ways:
        hypotheses = [Hypothesis(problem.statement, Now())]
    else:
        kills = (kill for each, kill in belief.killers.items() if each in ways)
        calls = {id(kill.call): kill.call for kill in kills}
        rests_on = dict.fromkeys(each.rests_on for each in problems.values() if each is not None)
        keys = tuple(key for key in rests_on if key is not None)
        hypotheses = [Hypothesis(problem.statement, Contradicted(tuple(calls.values()), keys))]
    if problem.missing and problem.record is not None:
        hypotheses += hypotheses_of_change(belief.known[problem.record], belief)
    return Suspicion(
        compared.exchange, problem.expected, problem.seen, tuple(hypotheses), problem.record,
        symptom=MISSING if problem.missing else "",
    )  # fmt: skip


#: What a list is given beside its filters and fields.
_NOT_FILTERS = ("token", "number_of_results", "offset", "fields_set")


def _too_few(compared: _Compared, selected: Sequence[frozenset[str]]) -> Iterator[Suspicion]:
    """Yield what is suspect of a list that is too short, however the filters are read.

    How many there are is all that a page tells, or a list without ids.
    """
    sense, count, sure = compared.sense, len(compared.exchange.records), min(selected, key=len)
    wanted = max(0, len(sure) - sense.offset)
    wanted = wanted if sense.limit is None else min(wanted, sense.limit)
    if count >= wanted or compared.may_be_cut:
        return
    statement = _of_missing(sense.filters)
    if sense.is_paged:
        statement = "list.paging.offset" if sense.offset else "list.paging.number_of_results"
    whole = {name: value for name, value in sense.given.items() if name not in _NOT_FILTERS}
    hypothesis = Hypothesis(statement, TooFew(whole, sure))
    expected = f"at least {wanted} of the {len(sure)} that match"
    yield Suspicion(compared.exchange, expected, str(count), (hypothesis,))


def _problem(compared: _Compared, interpretation: Interpretation) -> Problem | None:
    """Return how a list differs from what ``interpretation`` leads to, or None."""
    exchange, sense = compared.exchange, compared.sense
    misfits = list(compared.shown.misfits(interpretation))
    wrong = [at for at, name in enumerate(misfits) if name is not None]
    if wrong:
        record, name = exchange.records[wrong[0]], str(misfits[wrong[0]])
        return _unfit(sense, record, name, len(wrong), interpretation)
    ids, sure = exchange.by_id.keys(), compared.all.select(interpretation)
    if len(ids) != len(exchange.records) or sense.is_paged:
        return None  # which there are it does not tell; pages are compared with each other
    return _lacking(compared, sure)


def _lacking(compared: _Compared, sure: frozenset[str]) -> Problem | None:
    """Return which webhook requests a list lacks, or None."""
    sense, belief, ids = compared.sense, compared.belief, compared.exchange.by_id.keys()
    lacking = sorted(sure - ids)
    if not lacking or compared.may_be_cut:
        return None
    known = belief.known[lacking[0]]
    is_new = known.resent and {"life_cycle_state"} < sense.filters.keys() <= _PLAIN
    return Problem(  # if it was sent again, its state is the only thing that is new
        "list.life_cycle_state.filter" if is_new else _of_missing(sense.filters),
        f"all {len(sure)} webhook requests that match, including {known.number}",
        f"{len(ids)}, without {known.number}",
        len(lacking), known.id, known.id, missing=True,
    )  # fmt: skip


#: What a resend leaves as it is, and the state, which it does not.
_PLAIN = {"entity", "entity_id", "life_cycle_state"}


def _of_missing(filters: Mapping[str, object]) -> str:
    names = list(filters)
    return f"list.{names[0]}.filter" if len(names) == 1 else "list.several_results"


def _unfit(
    sense: Sense, record: Record, name: str, count: int, interpretation: Interpretation
) -> Problem:
    """Return what is wrong with a list in which some surely do not fit a filter."""
    number = record.get("number", record.get("id"))
    wanted = sense.filters[name]
    text = f"{wanted[0]}={wanted[1]}" if isinstance(wanted, tuple) else str(wanted)
    own = record.get(name)
    of_it = f": its {name} is {shortened(own, 80)!r}" if isinstance(own, str) else ""
    key = record.get("id")
    named = key if isinstance(key, str) else None
    tells_itself = next(Fits(sense.filters, [record]).misfits(interpretation)) is not None
    return Problem(
        f"list.{name}.filter", f"only webhook requests that match {name}={text}",
        f"{number}, which does not match{of_it}", count, named, None if tells_itself else named,
    )  # fmt: skip


def served(sense: Sense) -> Iterator[str]:
    """Yield what it tells of the parameters of list that a list was served."""
    optional = sense.given.keys() - {"token", *SEMI_OPTIONAL}
    if len(sense.given.keys() & set(SEMI_OPTIONAL)) == 1:
        if not optional:
            yield "list.parameters.mandatory"
        if len(optional) <= 1:
            yield "list.optional_parameters"


def hypotheses_of_refusal(given: Mapping[str, Any], release: Release) -> Iterator[Hypothesis]:
    """Yield for which of its parameters a list may be refused, one by one."""
    if len(given) == 1:
        helped = {**given, "life_cycle_state": "REJECTED"}
        yield Hypothesis("list.optional_parameters", Refused("list", given, helped))
    for name, value in given.items():
        statement = served_by({name: value}, release)
        if name not in SEMI_OPTIONAL:
            rest = {each: wanted for each, wanted in given.items() if each != name}
            yield Hypothesis(statement, Refused("list", given, rest))
        elif name != "entity_id":  # whether it needs its entity is open
            yield Hypothesis(statement, Refused("list", {name: value}))
