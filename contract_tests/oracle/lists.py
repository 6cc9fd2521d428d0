"""Observe lists: which webhook requests, how many, each once, by filters that may be read in ways.

Where the documents leave open how a filter is read, each list rules out some of the ways. A way
that is dead remembers the call that killed it: if a list leaves none, those calls are sent again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief, Kill, Record
from crmcom_kit.contract_tests.belief.interpretations import (
    INTERPRETATIONS,
    OBJECT_OF,
    SEMI_OPTIONAL,
    Fits,
    Interpretation,
    Named,
    dimensions,
)
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import shortened
from crmcom_kit.contract_tests.oracle.changes import hypotheses_of_loss
from crmcom_kit.contract_tests.oracle.expectations import Expectation, entity_statement, served_by
from crmcom_kit.contract_tests.oracle.sense import Sense
from crmcom_kit.contract_tests.oracle.suspicions import (
    MISSING,
    Contradicted,
    Hypothesis,
    Now,
    Refused,
    Seen,
    Suspicion,
    at_once,
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
    rests_on: tuple[str, ...] = ()  # ids of those that must be as they are known
    missing: bool = False
    is_count: bool = False  # only how many there are is wrong

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """Of each of these groups one must be as it is known, or nothing is wrong."""
        if self.missing:
            return (self.rests_on,)
        return tuple((each,) for each in self.rests_on)


def observe(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Seen]:
    """Observe one list that was served."""
    if sense.name != "list" or not exchange.ok or not _is_readable(exchange):
        return
    yield from _once_each(exchange)
    limit = None if "number_of_results" in sense.unclear else sense.limit
    if limit is not None and len(exchange.records) > limit:
        yield at_once(
            exchange,
            "list.paging.number_of_results",
            f"at most {limit}",
            str(len(exchange.records)),
        )
    if sense.is_clear and sense.filters:
        yield from _contents(exchange, sense, belief)
    if not {"number_of_results", "offset"} & sense.unclear:
        paged = sense.limit is not None
        belief.longest[paged] = max(belief.longest[paged], len(exchange.records))


def _is_readable(exchange: Exchange) -> bool:
    return not exchange.data or isinstance(exchange.data, list)


def _once_each(exchange: Exchange) -> Iterator[Seen]:
    seen: dict[str, Any] = {}
    for record in exchange.records:
        key = record.get("id")
        if not isinstance(key, str):
            continue
        if key in seen and seen[key] == record.get("number"):
            yield at_once(
                exchange, "list.no_duplicates", "each webhook request once",
                f"the webhook request {key} twice", record=key,
            )  # fmt: skip
            return
        seen[key] = record.get("number")
    if seen:
        yield "list.no_duplicates"


def may_be_cut(belief: Belief, sense: Sense, count: int) -> bool:
    """Whether a list may be short because no list of this server has more results."""
    return count > 1 and count >= belief.longest[sense.limit is not None]


@dataclass(slots=True)
class _Compared:
    """A list, and what it is compared with."""

    exchange: Exchange
    sense: Sense
    belief: Belief
    shown: Fits = field(init=False)
    known: Fits = field(init=False)  # with fields_set one may not tell itself whether it fits
    all: Fits = field(init=False)  # that there are

    def __post_init__(self) -> None:
        belief, filters = self.belief, self.sense.filters
        records = {key: belief.known[key].certain for key in belief.records}
        shown = self.exchange.records
        both = [{**_known(each, records), **each} for each in shown]
        self.all = Fits(filters, list(records.values()))
        self.shown, self.known = Fits(filters, shown), Fits(filters, both)


def _known(record: Record, records: Mapping[str, Record]) -> Record:
    key = record.get("id")
    return records.get(key, {}) if isinstance(key, str) else {}


def _contents(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Seen]:
    matter = tuple(dimensions(sense.filters))
    compared = _Compared(exchange, sense, belief)
    left = _kinds(belief.interpretations, matter)
    problems = {kind: _problem(compared, each) for kind, each in left.items()}
    explained = next((left[kind] for kind, each in problems.items() if each is None), None)
    if explained is not None:
        for name in sense.filters:
            if compared.all.tells_of(name, explained):
                yield f"list.{name}.filter"
        if len(exchange.records) > 1:
            yield "list.several_results"
        if sense.limit is not None:
            yield "list.paging.number_of_results"
        kills = {
            kind: Kill(exchange.call, frozenset(problem.rests_on))
            for kind, problem in problems.items()
            if problem is not None
        }
        if kills:
            kinds = {each: _kind(each, matter) for each in belief.interpretations}
            belief.rule_out({each: kills[kind] for each, kind in kinds.items() if kind in kills})
        return
    found = [each for each in problems.values() if each is not None]
    plain = problems[_kind(belief.interpretations[0], matter)]
    best = min(found, key=lambda each: (each.count, each is not plain))
    needs = tuple({group: None for each in found for group in each.needs})
    yield _suspicion(compared, best, needs, matter)


def _suspicion(
    compared: _Compared,
    problem: Problem,
    needs: tuple[tuple[str, ...], ...],
    matter: tuple[str, ...],
) -> Suspicion:
    """Return what is suspect of a list that no way left to read its filters explains."""
    sense, belief = compared.sense, compared.belief
    problems = {
        kind: _problem(compared, each) for kind, each in _kinds(INTERPRETATIONS, matter).items()
    }
    explained = {kind for kind, each in problems.items() if each is None or each.rests_on}
    lacking = [group for each in problems.values() if each is not None for group in each.needs]
    needs = tuple(dict.fromkeys((*needs, *lacking)))
    kills = {
        id(kill): kill for each, kill in belief.killers.items() if _kind(each, matter) in explained
    }
    hypotheses: list[Hypothesis] = []
    if not explained:
        hypotheses.append(Hypothesis(problem.statement, Now()))
    else:
        given = {name: value for name, value in sense.given.items() if name not in NOT_FILTERS}
        whole = given if problem.is_count else None
        contradicted = Contradicted(tuple(kills.values()), problem.rests_on, whole, needs)
        hypotheses.append(Hypothesis(problem.statement, contradicted))
    if problem.missing and problem.record is not None:
        hypotheses += hypotheses_of_loss(belief.known[problem.record], belief)
    return Suspicion(
        compared.exchange, problem.expected, problem.seen, tuple(hypotheses), problem.record,
        symptom=MISSING if problem.missing else "",
    )  # fmt: skip


#: What a list is given beside its filters and fields.
NOT_FILTERS = ("token", "number_of_results", "offset", "fields_set")


def _kind(interpretation: Interpretation, matter: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(interpretation, name) for name in matter)


def _kinds(
    interpretations: Sequence[Interpretation], matter: tuple[str, ...]
) -> dict[tuple[Any, ...], Interpretation]:
    """Return one of the interpretations for each value of the members that matter."""
    found: dict[tuple[Any, ...], Interpretation] = {}
    for each in interpretations:
        found.setdefault(_kind(each, matter), each)
    return found


def _problem(compared: _Compared, interpretation: Interpretation) -> Problem | None:
    """Return how a list differs from what ``interpretation`` leads to, or None."""
    exchange, sense, belief = compared.exchange, compared.sense, compared.belief
    for fits, is_known in ((compared.shown, False), (compared.known, True)):
        misfits = list(fits.misfits(interpretation))
        found = [at for at, name in enumerate(misfits) if name is not None]
        if found:
            record, name = fits.records[found[0]], misfits[found[0]]
            return _unfit(sense, record, str(name), len(found), is_known=is_known)
    ids, sure = _ids(exchange), compared.all.select(interpretation)
    if len(ids) != len(exchange.records) or sense.is_paged:  # how many there are is all it tells
        return _too_few(sense, len(exchange.records), sure, belief)
    return _lacking(sense, ids, sure, belief)


def _lacking(
    sense: Sense, ids: Sequence[str], sure: frozenset[str], belief: Belief
) -> Problem | None:
    """Return which webhook requests a list lacks, or None."""
    lacking = sorted(sure - set(ids))
    if not lacking or may_be_cut(belief, sense, len(ids)):
        return None
    known = belief.known[lacking[0]]
    return Problem(
        _of_missing(known.resent, sense.filters),
        f"all {len(sure)} webhook requests that match, including {known.number}",
        f"{len(ids)}, without {known.number}",
        len(lacking), lacking[0], tuple(lacking), missing=True,
    )  # fmt: skip


def _too_few(sense: Sense, count: int, sure: frozenset[str], belief: Belief) -> Problem | None:
    """Return what is wrong with a list that is too short, or None."""
    wanted = max(0, len(sure) - sense.offset)
    wanted = wanted if sense.limit is None else min(wanted, sense.limit)
    if count >= wanted or may_be_cut(belief, sense, count):
        return None
    statement = _of_missing(False, sense.filters)  # noqa: FBT003
    if sense.is_paged:
        statement = "list.paging.offset" if sense.offset else "list.paging.number_of_results"
    expected = f"at least {wanted} of the {len(sure)} that match"
    rests_on = tuple(sorted(sure))
    return Problem(statement, expected, str(count), wanted - count, None, rests_on, is_count=True)


#: What a resend leaves as it is, and the state, which it does not.
_PLAIN = {"entity", "entity_id", "life_cycle_state"}


def _of_missing(resent: bool, filters: Mapping[str, object]) -> str:  # noqa: FBT001
    if {"life_cycle_state"} < filters.keys() <= _PLAIN and resent:
        return "list.life_cycle_state.filter"  # its state is the only thing that is new
    names = list(filters)
    return f"list.{names[0]}.filter" if len(names) == 1 else "list.several_results"


def _unfit(
    sense: Sense, record: Mapping[str, Any], name: str, count: int, *, is_known: bool
) -> Problem:
    """Return what is wrong with a list in which some surely do not fit a filter.

    ``is_known``: that they do not fit is known from other responses.
    """
    number = record.get("number", record.get("id"))
    wanted = sense.filters[name]
    text = f"{wanted[0]}={wanted[1]}" if isinstance(wanted, tuple) else str(wanted)
    own = record.get(name)
    of_it = f": its {name} is {shortened(own, 80)!r}" if isinstance(own, str) else ""
    key = record.get("id")
    named = key if isinstance(key, str) else None
    return Problem(
        f"list.{name}.filter", f"only webhook requests that match {name}={text}",
        f"{number}, which does not match{of_it}", count, named,
        (named,) if is_known and named is not None else (),
    )  # fmt: skip


def served(sense: Sense) -> Iterator[str]:
    """Yield what it tells of the parameters of list that a list was served."""
    optional = sense.given.keys() - {"token", *SEMI_OPTIONAL}
    if len(sense.given.keys() & set(SEMI_OPTIONAL)) == 1:
        if not optional:
            yield "list.parameters.mandatory"
        if len(optional) <= 1:
            yield "list.optional_parameters"


def hypotheses_of_refusal(
    expected: Expectation, given: Mapping[str, Any], belief: Belief
) -> Iterator[Hypothesis]:
    """Yield for which of its parameters a list may be refused, one by one."""
    release = belief.release
    if len(given) == 1:
        helped = {**given, "life_cycle_state": "REJECTED"}
        yield Hypothesis("list.optional_parameters", Refused("list", given, helped))
    filters = {name: value for name, value in given.items() if name in SEMI_OPTIONAL}
    for name, value in filters.items():
        if name == "entity_id":
            continue  # whether it needs its entity is open
        statement = f"list.{name}.filter"
        if name == "entity":
            statement = entity_statement(str(value), release)
        wanted = expected.sense.filters.get(name)
        by_id = _by_id(name, wanted, belief)
        if by_id is not None:
            refused = Refused("list", {name: value}, {name: by_id})
            yield Hypothesis("list.identifier.fields", refused)
        yield Hypothesis(statement, Refused("list", {name: value}))
    yield from _refused_together(given, filters, release)


def _refused_together(
    given: Mapping[str, Any], filters: Mapping[str, Any], release: Release
) -> Iterator[Hypothesis]:
    """Yield the same for what a list is given together."""
    for name in given:
        if name not in filters:
            rest = {each: value for each, value in given.items() if each != name}
            statement = served_by({name: given[name]}, release)
            yield Hypothesis(statement, Refused("list", given, rest))
    if len(filters) > 1:
        yield Hypothesis("list.semi_optional.several_allowed", Refused("list", filters))
    if "entity" in filters and len(given) > 1:
        other = next((each for each in release.entities if each != given["entity"]), None)
        if other is not None:
            refused = Refused("list", given, {**given, "entity": other})
            yield Hypothesis(entity_statement(str(given["entity"]), release), refused)


def _by_id(name: str, wanted: Any, belief: Belief) -> dict[str, str] | None:
    """Return the id of what another field of an identifier names, or None."""
    if name not in OBJECT_OF or not isinstance(wanted, Named) or wanted.field == "id":
        return None
    for record in belief.records.values():
        inner = record.get(OBJECT_OF[name])
        if isinstance(inner, dict) and inner.get(wanted.field) == wanted.value:
            return {"id": inner["id"]} if isinstance(inner.get("id"), str) else None
    return None


def _ids(exchange: Exchange) -> list[str]:
    return [each["id"] for each in exchange.records if isinstance(each.get("id"), str)]
