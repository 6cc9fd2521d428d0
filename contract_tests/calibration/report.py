"""What a calibration has learned, and what still differs: for programs, and for people."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.calibration.comparing import ENDED_TOKEN, OF_OUTCOMES, Difference
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.oracle.parsing import read
from crmcom_kit.contract_tests.reports.html import page
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.script import Scripts
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.schemas.dialect import dials
from crmcom_kit.schemas.dialect_file import toml_value
from crmcom_kit.schemas.releases import Release

#: Differences that a terminal shows with an example: it is no data of the server.
_WITH_EXAMPLE = (
    *OF_OUTCOMES, "which are listed", "how many are listed", "an empty list", "data of a refusal",
)  # fmt: skip
#: What is compared.
SIDES = ("the server", "the mock")
_TEMPLATE = Path(__file__).with_name("report.html")


@dataclass(slots=True)
class Group:
    """Differences of one kind in responses of one method."""

    method: str
    kind: str
    is_documented: bool  # whether pages say what the requests ask for
    exchange: Exchange  # an example
    difference: Difference
    excuses: Mapping[str, str]  # kinds that the profile says differ, and how often they did then
    count: int = 0

    @property
    def is_as_profile(self) -> bool:
        """Whether the profile says that its mock differs so."""
        return self.kind in self.excuses

    @property
    def earlier_count(self) -> str:
        """How often it differed so when the profile was made; "" if that is not known."""
        return self.excuses.get(self.kind, "")

    def as_json(self) -> dict[str, Any]:
        """Return what is no data of the server."""
        return {
            "method": self.method, "what": self.kind, "documented": self.is_documented,
            "count": self.count, "as_profile": self.is_as_profile,
        }  # fmt: skip

    @property
    def title(self) -> str:
        """What differs, how often, and whether the profile says so."""
        text = f"{self.method}: {self.difference.aspect}, {counted(self.count, 'time')}"
        text += "" if self.is_documented else ", no page says what such requests do"
        suffix = f" (then {self.earlier_count})" if self.earlier_count else ""
        return text + (f", as the profile says{suffix}" if self.is_as_profile else "")


@dataclass(slots=True)
class Tally:
    """How many responses were compared, and how many differ."""

    compared: int = 0
    as_profile: int = 0  # only in ways that the profile says
    otherwise: int = 0

    @property
    def same(self) -> int:
        """How many don't differ."""
        return self.compared - self.as_profile - self.otherwise

    @property
    def share(self) -> float:
        """The share that differs, as the profile says or otherwise."""
        return 1 - self.same / self.compared if self.compared else 0.0

    def as_json(self) -> dict[str, int]:
        """Return all numbers."""
        return {"same": self.same, **asdict(self)}

    def line(self, name: str) -> str:
        """Return all numbers in words."""
        return (
            f"{counted(self.compared, f'{name} request')}: {self.same} the same, {self.as_profile} "
            f"differ as the profile says, {self.otherwise} differ otherwise"
        )


#: Fewer documented requests than so many say little of a server.
MIN_COMPARED = 30
#: What no profile excuses: an order that changes, or that no key explains.
_NEVER_KNOWN = ("the order of a list", "what a list without ids shows")


class _ComparedResponse(NamedTuple):
    """A response that was compared."""

    is_documented: bool  # whether pages say what it must be
    method: str
    kinds: set[str]  # of differences


@dataclass
class Comparisons:
    """What a comparison of many responses came to."""

    #: The kinds that the profile says differ, and how often they did then, by method.
    excuses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: dict[tuple[str, str, bool], Group] = field(default_factory=dict)
    _responses: list[_ComparedResponse] = field(default_factory=list)
    _record_differences: set[tuple[str, str]] = field(default_factory=set)

    def add(self, exchange: Exchange, differences: Sequence[Difference], release: Release) -> None:
        """Count an exchange. A webhook request that differs in one way is counted once."""
        if any(difference.aspect == ENDED_TOKEN for difference in differences):
            return  # nothing can be compared
        has_page = is_documented(exchange, release)
        method = exchange.call.method or "another path"
        additions = [
            difference
            for difference in differences
            if (difference.aspect, difference.record) not in self._record_differences
        ]
        self._record_differences |= {
            (difference.aspect, difference.record) for difference in additions if difference.record
        }
        kinds = {difference.kind: difference for difference in reversed(additions)}
        self._responses.append(_ComparedResponse(has_page, method, {*kinds}))
        excuses = self.excuses.get(method, {})
        for kind, difference in kinds.items():
            group = Group(method, kind, has_page, exchange, difference, excuses)
            group = self.groups.setdefault((method, kind, has_page), group)
            group.count += 1

    @property
    def documented(self) -> Tally:
        """The tally of what pages say."""
        return self._tally(is_documented=True)

    @property
    def undocumented(self) -> Tally:
        """The tally of all else."""
        return self._tally(is_documented=False)

    def _tally(self, *, is_documented: bool) -> Tally:
        tally = Tally()
        for response in self._responses:
            if response.is_documented is is_documented:
                is_excused = response.kinds <= self.excuses.get(response.method, {}).keys()
                tally.compared += 1
                tally.otherwise += not is_excused
                tally.as_profile += bool(response.kinds) and is_excused
        return tally

    @property
    def lacks(self) -> list[str]:
        """What is missing for saying that nothing differs."""
        methods = {response.method for response in self._responses if response.is_documented}
        lacks = [f"{name} was not compared" for name in ("show", "list") if name not in methods]
        if self.documented.compared < MIN_COMPARED:
            lacks.append(f"fewer than {MIN_COMPARED} documented requests were compared")
        return lacks

    @property
    def kinds(self) -> dict[str, dict[str, str]]:
        """What differs, by method, with how often: what a profile of it says."""
        totals = Counter(response.method for response in self._responses)
        times = Counter(
            (response.method, kind) for response in self._responses for kind in response.kinds
        )
        kinds: dict[str, dict[str, str]] = {}
        for (method, kind), count in sorted(times.items()):
            if not kind.startswith(_NEVER_KNOWN):
                kinds.setdefault(method, {})[kind] = f"{count} of {totals[method]}"
        return kinds

    def excuse(self, kinds: Mapping[str, Mapping[str, str]]) -> None:
        """Excuse what a profile says that was made from this comparison."""
        self.excuses = kinds
        for group in self.groups.values():
            group.excuses = dict.fromkeys(kinds.get(group.method, ()), "")

    def ranked_groups(self) -> list[Group]:
        """Return the groups: new ones first, those of documented requests, the largest."""
        return sorted(
            self.groups.values(),
            key=lambda group: (group.is_as_profile, not group.is_documented, -group.count),
        )

    def as_json(self) -> dict[str, Any]:
        """Return it without data of the server."""
        return {
            "documented": self.documented.as_json(),
            "undocumented": self.undocumented.as_json(),
            "groups": [group.as_json() for group in self.ranked_groups()],
        }

    def lines(self, sides: Sequence[str] = SIDES) -> Iterator[str]:
        """Yield it in words, for a terminal, whose output others may read: without data."""
        for name, tally in (("documented", self.documented), ("open", self.undocumented)):
            if tally.compared:
                yield tally.line(name)
        for group in self.ranked_groups():
            yield f"  {group.title}"
            if group.difference.aspect in _WITH_EXAMPLE or group.difference.forms:
                first, second = group.difference.forms or group.difference[1:3]
                yield f"    {sides[0]}: {first}; {sides[1]}: {second}"


def is_documented(exchange: Exchange, release: Release) -> bool:
    """Return whether pages say what a request asks for.

    One that a server may serve or refuse counts if it was served.
    """
    request = read(exchange.call, release)
    is_open = request.is_unusual and not exchange.ok
    return request.method is not None and request.is_clear and not is_open


def as_html(
    facts: Mapping[str, Any],
    comparisons: Comparisons,
    results: Results,
    sides: Sequence[str] = SIDES,
) -> str:
    """Return the page for people, which has examples of the server's data."""
    groups = list(_rows(comparisons, results))
    values = {"groups": groups, "sides": sides, "dial_rows": dial_rows}
    return page(_TEMPLATE, {**facts, **comparisons.as_json(), **values})


def dial_rows(dial_facts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any, str]]:
    """Yield a name, what was learned and the evidence: a row for each dial, or kind of error."""
    kinds: dict[str, dict[str, Mapping[str, Any]]] = {}
    for key, fact in dial_facts.items():
        if kind := dials()[key].error_kind:
            kinds.setdefault(kind, {})[key.rpartition(".")[2]] = fact
        else:
            yield key, fact.get("value"), fact["evidence"]
    for kind, facts in kinds.items():
        values = (f"{part} = {toml_value(fact.get('value'))}" for part, fact in facts.items())
        evidence = (f"{part}: {fact['evidence']}" for part, fact in facts.items())
        yield f"errors.{kind}", ", ".join(values), "; ".join(evidence)


def _rows(comparisons: Comparisons, results: Results) -> Iterator[dict[str, Any]]:
    """Yield what a page says of each group of differences."""
    redactor = ReportRedactor(results.target, results.history)
    scripts = Scripts(results.target, results.history, redactor)
    for group in comparisons.ranked_groups():
        yield {
            "title": group.title,
            "first": redactor.text(group.difference.first),
            "second": redactor.text(group.difference.second),
            "curl": scripts.of([group.exchange.call]),
        }
