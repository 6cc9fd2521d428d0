"""What a calibration has learned, and what still differs: for programs, and for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crmcom_kit.contract_tests.calibration.comparing import (
    ENDED_TOKEN,
    OF_OUTCOMES,
    Difference,
)
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import counted
from crmcom_kit.contract_tests.oracle.sense import read
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import visible
from crmcom_kit.contract_tests.reports.script import Scripts
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.schemas.releases import Release

#: Differences that a terminal shows with an example: it is no data of the server.
_WITH_EXAMPLE = (
    *OF_OUTCOMES,
    *("which are listed", "how many are listed", "an empty list", "data of a refusal"),
)
#: What is compared, unless it is two servers.
SIDES = ("the server", "the mock")
_TEMPLATE = Path(__file__).with_name("report.html")


@dataclass(slots=True)
class Group:
    """Differences of one kind in responses of one method."""

    method: str
    kind: str
    documented: bool  # whether pages say what the requests ask for
    known: bool  # whether the profile says that its mock differs so
    exchange: Exchange  # an example
    difference: Difference
    count: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return what is no data of the server."""
        names = {"what": self.kind, "documented": self.documented, "count": self.count}
        return {"method": self.method, **names}

    @property
    def title(self) -> str:
        """What differs, how often, and what becomes of it."""
        text = f"{self.method}: {self.difference.what}, {counted(self.count, 'time')}"
        text += "" if self.documented else ", no page says what such requests do"
        return text + (", not counted: the profile says so" if self.known else "")


@dataclass(slots=True)
class Tally:
    """How many responses were compared, and how many differ."""

    compared: int = 0
    different: int = 0  # in other ways than the profile says

    @property
    def share(self) -> float:
        """The share that differs."""
        return self.different / self.compared if self.compared else 0.0


@dataclass
class Comparisons:
    """What a comparison of many responses came to."""

    #: In what the profile says that its mock differs: kinds, by method.
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    documented: Tally = field(default_factory=Tally)
    undocumented: Tally = field(default_factory=Tally)
    groups: dict[tuple[str, str, bool], Group] = field(default_factory=dict)
    _counted: set[tuple[str, str]] = field(default_factory=set)

    def add(self, exchange: Exchange, found: Sequence[Difference], release: Release) -> None:
        """Count an exchange. A webhook request that differs in one way is counted once."""
        if any(each.what == ENDED_TOKEN for each in found):
            return  # nothing can be compared
        documented = is_documented(exchange, release)
        tally = self.documented if documented else self.undocumented
        tally.compared += 1
        new = [each for each in found if (each.what, each.record) not in self._counted]
        self._counted |= {(each.what, each.record) for each in new if each.record}
        is_different = False
        for kind, each in {each.kind: each for each in reversed(new)}.items():
            method = exchange.call.method or "another path"
            known = kind in self.known.get(method, ())
            group = Group(method, kind, documented, known, exchange, each)
            group = self.groups.setdefault((method, kind, documented), group)
            group.count += 1
            is_different |= not group.known
        tally.different += is_different

    @property
    def kinds(self) -> dict[str, list[str]]:
        """What differs, by method."""
        found: dict[str, list[str]] = {}
        for method, kind in sorted({(method, kind) for method, kind, _ in self.groups}):
            found.setdefault(method, []).append(kind)
        return found

    def sorted(self) -> list[Group]:
        """Return the groups: new ones first, those of documented requests, the largest."""
        return sorted(
            self.groups.values(), key=lambda each: (each.known, not each.documented, -each.count)
        )

    def as_json(self) -> dict[str, Any]:
        """Return it without data of the server."""
        return {
            "documented": asdict(self.documented),
            "undocumented": asdict(self.undocumented),
            "groups": [each.as_json() for each in self.sorted()],
        }

    def lines(self, sides: Sequence[str] = SIDES) -> Iterator[str]:
        """Yield it in words, for a terminal, whose output others may read: without data."""
        for name, tally in (("documented", self.documented), ("other", self.undocumented)):
            if tally.compared:
                of = f"{tally.different} of {tally.compared} {name} requests"
                yield f"{of} differ ({tally.share:.1%})"
        for group in self.sorted():
            yield f"  {group.title}"
            if group.difference.what in _WITH_EXAMPLE:
                one, other = group.difference.one, group.difference.other
                yield f"    {sides[0]}: {one}; {sides[1]}: {other}"


def is_documented(exchange: Exchange, release: Release) -> bool:
    """Whether pages say what a request asks for; of one that a server may take, if it has."""
    sense = read(exchange.call, release)
    is_open = sense.is_unusual and not exchange.ok
    return sense.method is not None and sense.is_clear and not is_open


def as_html(
    facts: Mapping[str, Any],
    compared: Comparisons,
    results: Results,
    sides: Sequence[str] = SIDES,
) -> str:
    """Return the page for people, which has examples of the server's data."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    rows = list(_rows(compared, results))
    return template.render(**{**facts, **compared.as_json(), "groups": rows, "sides": sides})


def _rows(compared: Comparisons, results: Results) -> Iterator[dict[str, Any]]:
    """Yield what a page says of each group of differences."""
    redactor = ReportRedactor(results.target, results.history)
    scripts = Scripts(results.target, results.history, redactor)
    for group in compared.sorted():
        yield {
            "title": group.title,
            "one": redactor.text(group.difference.one),
            "other": redactor.text(group.difference.other),
            "curl": scripts.of([group.exchange.call]),
        }
