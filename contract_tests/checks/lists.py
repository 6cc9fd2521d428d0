"""Check the responses of list: which webhook requests, how many, each once, and pages of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.checks import blame
from crmcom_kit.contract_tests.checks.history import History, Suspicion
from crmcom_kit.contract_tests.checks.interpretations import (
    INTERPRETATIONS,
    Interpretation,
    Selection,
    Selector,
    dimensions,
    misfit,
)
from crmcom_kit.contract_tests.checks.sense import Sense
from crmcom_kit.contract_tests.checks.world import Record, World, ids_of
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Violation

#: So many webhook requests are looked at before a list is asked for again.
MAX_REFRESHED = 12
#: So many webhook requests are looked at to make sure of one list.
MAX_LOOKS = 3


@dataclass(slots=True)
class Problem:
    """In what a list differs from one interpretation of its filters."""

    violation: Violation
    count: int  # webhook requests that are wrong
    rests_on: tuple[str, ...] = ()  # ids of those that must be as they are known


class Unsure(NamedTuple):
    """A list that no interpretation explains, unless somebody else was at work."""

    call: Call
    records: tuple[str, ...]  # ids of those to look at before it is asked for again


@dataclass(slots=True)
class Lists:
    """Checks lists; knows which interpretations are left, and how long lists get."""

    world: World
    history: History
    left: list[Interpretation] = field(default_factory=lambda: list(INTERPRETATIONS))
    longest: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    unsure: list[Unsure] = field(default_factory=list)  # to be asked for again
    is_sure: bool = False  # whether what is known was looked at just now
    _by_matter: dict[tuple[str, ...], dict[tuple[Any, ...], Interpretation]] = field(
        default_factory=dict
    )
    _broken: set[str] = field(default_factory=set)  # filters that are wrong by themselves
    _doubt: Violation | None = None  # what an earlier list breaks unless filters combine as "any"

    def check(self, exchange: Exchange, sense: Sense) -> Iterator[str | Violation]:
        """Check one list that was served."""
        if sense.name != "list" or not exchange.ok or not _is_readable(exchange):
            return
        records = exchange.records
        yield from _once_each(exchange, records)
        if sense.limit is not None and "number_of_results" not in sense.unclear:
            yield from _limited(exchange, sense, len(records))
        # Where one of several filters is wrong by itself, how it combines cannot be told.
        combines_wrong = len(sense.filters) > 1 and self._broken & sense.filters.keys()
        if sense.is_clear and sense.filters and not combines_wrong:
            yield from self._contents(exchange, sense)
        if not {"number_of_results", "offset"} & sense.unclear:
            paged = sense.limit is not None
            self.longest[paged] = max(self.longest[paged], len(records))

    def may_be_cut(self, sense: Sense, count: int) -> bool:
        """Whether a list may be short because no list of this server has more results."""
        return count > 1 and count >= self.longest[sense.limit is not None]

    def _contents(self, exchange: Exchange, sense: Sense) -> Iterator[str | Violation]:
        matter = tuple(dimensions(sense.filters))
        records = {key: self.world.settled(key) for key in self.world.records}
        selector = Selector(sense.filters, records)
        problems = {
            kind: self._problem(exchange, sense, each, selector)
            for kind, each in self._kinds(matter).items()
        }
        if None in problems.values():
            yield from (f"list.{name}.filter" for name in sense.filters)
            if len(exchange.records) > 1:
                yield "list.several_results"
            if sense.limit is not None:
                yield "list.paging.number_of_results"
            self._rule_out(problems, matter)
            return
        found = [each for each in problems.values() if each is not None]
        rests_on = {key for each in found for key in each.rests_on}
        if len(found) > 1 and rests_on and not self.world.exclusive and not self.is_sure:
            self.unsure.append(Unsure(exchange.call, tuple(sorted(rests_on))[:MAX_REFRESHED]))
            return
        # As long as one of them may be right, because somebody else was at work, it is asked for.
        found = [each for each in found if each.rests_on] or found
        plain = problems[tuple(getattr(self.left[0], name) for name in matter)]
        best = min(found, key=lambda each: (each.count, each is not plain))
        if plain is not None and plain in found and not plain.rests_on:
            best = plain  # it needs nobody else to explain it, and is the easiest to understand
        if self._doubt is not None and "combine" in matter:
            best = Problem(self._doubt.again(), best.count, best.rests_on)
        if not best.rests_on:
            if len(sense.filters) == 1:
                self._broken.update(sense.filters)
            yield best.violation
        for key in best.rests_on[:MAX_LOOKS]:
            known = self.world.settled(key)
            self.history.suspect(Suspicion(best.violation, key, known, "show"))

    def _kinds(self, matter: tuple[str, ...]) -> dict[tuple[Any, ...], Interpretation]:
        """Return one of the interpretations left for each value of the members that matter."""
        if matter not in self._by_matter:
            found: dict[tuple[Any, ...], Interpretation] = {}
            for each in self.left:
                found.setdefault(tuple(getattr(each, name) for name in matter), each)
            self._by_matter[matter] = found
        return self._by_matter[matter]

    def _rule_out(
        self, problems: Mapping[tuple[str, ...], Problem | None], matter: Sequence[str]
    ) -> None:
        """Keep the interpretations that explain a list, as far as that is sure."""
        out = {
            kind: problem
            for kind, problem in problems.items()
            if problem is not None and (self.world.exclusive or not problem.rests_on)
        }
        if not out:
            return
        first = self.left[0]
        self.left = [e for e in self.left if tuple(getattr(e, n) for n in matter) not in out]
        self._by_matter.clear()
        if first.combine == "all" and all(each.combine == "any" for each in self.left):
            self._doubt = out[tuple(getattr(first, name) for name in matter)].violation

    def _problem(
        self,
        exchange: Exchange,
        sense: Sense,
        interpretation: Interpretation,
        selector: Selector,
    ) -> Problem | None:
        """Return how a list differs from what ``interpretation`` leads to, or None."""
        by_itself: list[Problem] = []
        by_known: list[Problem] = []
        for record in exchange.records:
            name = misfit(record, sense.filters, interpretation)
            if name is not None:
                by_itself.append(_unfit(exchange, sense, record, name))
                continue
            # With fields_set a record may not tell itself whether it fits.
            key = record.get("id")
            if isinstance(key, str) and key in selector.records:
                own = {**selector.records[key], **record}
                name = misfit(own, sense.filters, interpretation)
                if name is not None:
                    by_known.append(_unfit(exchange, sense, record, name, key))
        for found in (by_itself, by_known):
            if found:
                return Problem(found[0].violation, len(found), found[0].rests_on)
        ids = ids_of(exchange.records)
        if len(ids) != len(exchange.records):
            return None  # without ids no more can be said
        return self._lacking(exchange, sense, ids, selector.select(interpretation))

    def _lacking(
        self, exchange: Exchange, sense: Sense, ids: Sequence[str], selection: Selection
    ) -> Problem | None:
        """Return which webhook requests a list lacks, or None."""
        lacking = sorted(selection.sure - set(ids))
        if sense.is_paged:
            wanted = max(0, len(selection.sure) - sense.offset)
            wanted = min(wanted, sense.limit or wanted)
            if len(ids) >= wanted or not lacking or self.may_be_cut(sense, len(ids)):
                return None
            statement = "list.paging.offset" if sense.offset else "list.paging.number_of_results"
            expected = f"at least {wanted} of the {len(selection.sure)} that match"
            violation = Violation(statement, exchange, expected=expected, seen=str(len(ids)))
            # Any of them may be gone meanwhile: elsewhere ``pages`` asks again.
            return Problem(violation, len(lacking)) if self.world.exclusive else None
        if not lacking or self.may_be_cut(sense, len(ids)):
            return None
        statement = blame.of_missing(self.world, lacking[0], sense.filters)
        number = self.world.records[lacking[0]].get("number", lacking[0])
        violation = Violation(
            statement, exchange,
            expected=f"all {len(selection.sure)} webhook requests that match, including {number}",
            seen=f"{len(ids)}, without {number}", record=lacking[0],
        )  # fmt: skip
        return Problem(violation, len(lacking), tuple(lacking))


def _is_readable(exchange: Exchange) -> bool:
    return not exchange.data or isinstance(exchange.data, list)


def _once_each(exchange: Exchange, records: Sequence[Record]) -> Iterator[str | Violation]:
    """Check that a list has no webhook request twice."""
    seen: dict[str, Any] = {}
    for record in records:
        key = record.get("id")
        if not isinstance(key, str):
            continue
        if key in seen and seen[key] == record.get("number"):
            yield Violation(
                "list.no_duplicates", exchange, expected="each webhook request once",
                seen=f"the webhook request {key} twice", record=key,
            )  # fmt: skip
            return
        seen[key] = record.get("number")
    if seen:
        yield "list.no_duplicates"


def _limited(exchange: Exchange, sense: Sense, count: int) -> Iterator[str | Violation]:
    if count > (sense.limit or 0):
        yield Violation(
            "list.paging.number_of_results", exchange, expected=f"at most {sense.limit}",
            seen=str(count),
        )  # fmt: skip


def _unfit(exchange: Exchange, sense: Sense, record: Record, name: str, *rests_on: str) -> Problem:
    number = record.get("number", record.get("id"))
    violation = Violation(
        f"list.{name}.filter", exchange,
        expected=f"only webhook requests that match {name}={_text(sense.filters[name])}",
        seen=f"{number}, which does not match", record=_id(record),
    )  # fmt: skip
    return Problem(violation, 1, rests_on)


def _text(wanted: Any) -> str:
    return f"{wanted[0]}={wanted[1]}" if isinstance(wanted, tuple) else str(wanted)


def _id(record: Record) -> str | None:
    key = record.get("id")
    return key if isinstance(key, str) else None
