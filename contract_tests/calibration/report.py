"""What a calibration has learned, and what still differs: for programs, and for people."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.contract_tests.calibration.comparing import ENDED_TOKEN, Difference
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import counted
from crmcom_kit.contract_tests.oracle.sense import read
from crmcom_kit.schemas.releases import Release

_TEMPLATE = Path(__file__).with_name("report.html")


@dataclass(slots=True)
class Group:
    """Differences of one kind in responses of one method."""

    method: str
    what: str
    documented: bool  # whether pages say what the requests ask for
    count: int = 0
    first: tuple[Exchange, Difference] | None = None  # an example

    def as_json(self) -> dict[str, Any]:
        """Return what is no data of the server."""
        return {
            "method": self.method,
            "what": self.what,
            "documented": self.documented,
            "count": self.count,
        }


@dataclass(slots=True)
class Tally:
    """How many responses were compared, and how many differ."""

    compared: int = 0
    different: int = 0

    @property
    def share(self) -> float:
        """The share that differs."""
        return self.different / self.compared if self.compared else 0.0


@dataclass
class Comparisons:
    """What a comparison of many responses came to."""

    documented: Tally = field(default_factory=Tally)
    undocumented: Tally = field(default_factory=Tally)
    groups: dict[tuple[str, str, bool], Group] = field(default_factory=dict)
    _known: set[tuple[str, str]] = field(default_factory=set)

    def add(self, exchange: Exchange, found: Sequence[Difference], release: Release) -> None:
        """Count an exchange. A webhook request that differs in one way is counted once."""
        if any(each.what == ENDED_TOKEN for each in found):
            return  # nothing can be compared
        documented = is_documented(exchange, release)
        tally = self.documented if documented else self.undocumented
        tally.compared += 1
        new = [each for each in found if (each.what, each.record) not in self._known]
        self._known |= {(each.what, each.record) for each in new if each.record}
        tally.different += bool(new)
        for what, each in {each.what: each for each in reversed(new)}.items():
            key = exchange.call.method or "another path", what, documented
            group = self.groups.setdefault(key, Group(*key))
            group.count += 1
            group.first = group.first or (exchange, each)

    def sorted(self) -> list[Group]:
        """Return the groups, the largest of documented requests first."""
        return sorted(self.groups.values(), key=lambda each: (not each.documented, -each.count))

    def as_json(self) -> dict[str, Any]:
        """Return it without data of the server."""
        return {
            "documented": asdict(self.documented),
            "undocumented": asdict(self.undocumented),
            "groups": [each.as_json() for each in self.sorted()],
        }

    def lines(self) -> Iterable[str]:
        """Return it in words, for a terminal, whose output others may read: without data."""
        for name, tally in (("documented", self.documented), ("other", self.undocumented)):
            of = f"{tally.different} of {tally.compared} {name} requests"
            yield f"{of} differ ({tally.share:.1%})"
        for group in self.sorted():
            if group.first is not None:
                kind = "" if group.documented else ", no page says what they do"
                one, other = group.first[1][1:3]
                yield f"  {group.method}: {group.what}, {counted(group.count, 'time')}{kind}"
                if not group.what.startswith(("member ", "data")):
                    yield f"    such as {one} and {other}"


def is_documented(exchange: Exchange, release: Release) -> bool:
    """Whether pages say what a request asks for; of one that a server may take, if it has."""
    sense = read(exchange.call, release)
    is_open = sense.open_because and not exchange.ok
    return sense.method is not None and sense.is_clear and not is_open


def as_json(facts: Mapping[str, Any]) -> str:
    """Return the report for programs; nothing in it is data of the server."""
    return json.dumps({"crmcom_kit": __version__, **facts}, indent=2, ensure_ascii=False) + "\n"


def as_html(facts: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> str:
    """Return the page for people, which has examples of the server's data."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(**{**facts, "groups": groups})
