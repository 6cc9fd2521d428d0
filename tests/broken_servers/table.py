"""The kill table: which broken server the kit catches, by which layer, and how soon."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from broken_servers.catalogue import BrokenServer, broken_servers
from broken_servers.killing import Kill

#: So many runs, each with another seed, are behind the table.
SEEDS = 20

_HEAD = """\
# Kill table

How good is the contract kit? Each row is a server that is wrong on purpose: the mock, wrapped so
that it breaks one statement and no other, as far as that can be. The table says whether the kit
names that statement, and what it costs to find out. `tests/broken_servers/` has the servers.

- **Statement**: what the server breaks. A server marked *rare* breaks it for few calls only.
- **Caught**: in how many runs of {seeds}, each with another seed, the kit named the statement. What
  the fixed layers (judges, memory, probes) catch is not checked with generated calls as well.
- **By**: what saw it first: a *judge* looks at every answer, the *memory* compares each webhook
  request with how it was, a *probe* makes calls for one statement, *generated* calls and the state
  *machine* draw theirs.
- **Requests**: how many were sent until then; the median of the runs.
- **Also named**: other statements that the kit said are broken, in any run.
- **Schemathesis**: whether it reports, with the project's OpenAPI document and {requests} requests
  on average, a failure that it does not report of the right server. It was shown one server a
  statement, in the dialect `http`; see `benchmarks/schemathesis_kills.py`.

{summary}

{columns}
"""


_COLUMNS = (
    "Server",
    "Release",
    "Statement",
    "What is wrong",
    "Caught",
    "By",
    "Requests",
    "Also named",
    "Schemathesis",
)


def rendered(kills: Iterable[Kill], schemathesis: Mapping[str, Any]) -> str:
    """Return the table as Markdown.

    Args:
        kills: what became of each server, for every seed.
        schemathesis: what ``benchmarks/schemathesis_kills.json`` says; empty where it is not there.
    """
    elsewhere: Mapping[str, bool] = schemathesis.get("found", {})
    runs = defaultdict(list)
    for kill in kills:
        runs[kill.name].append(kill)
    seeds = max(map(len, runs.values()))
    servers = sorted(broken_servers(), key=lambda each: each.statement)
    lines = [_row(server, runs[server.name], elsewhere) for server in servers]
    summary = _summary(servers, runs, elsewhere)
    columns = f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|"
    requests = schemathesis.get("requests", "some")
    head = _HEAD.format(seeds=seeds, requests=requests, summary=summary, columns=columns)
    return head + "\n".join(lines) + "\n"


def _row(server: BrokenServer, runs: Sequence[Kill], elsewhere: Mapping[str, bool]) -> str:
    caught = [kill for kill in runs if kill.caught]
    others = sorted({other for kill in runs for other in kill.others})
    found = {True: "yes", False: "no", None: ""}[elsewhere.get(server.name)]
    cells = (
        *stable_cells(server),
        f"{len(caught)}/{len(runs)}",
        ", ".join(sorted({kill.layer for kill in caught})),
        f"{median(kill.spent for kill in caught):.0f}" if caught else "",
        ", ".join(f"`{other}`" for other in others),
        found,
    )
    return f"| {' | '.join(cells)} |"


def _summary(
    servers: Sequence[BrokenServer],
    runs: Mapping[str, Sequence[Kill]],
    elsewhere: Mapping[str, bool],
) -> str:
    def every(rare: bool) -> tuple[int, int]:  # noqa: FBT001 - said by its name
        chosen = [runs[each.name] for each in servers if each.rare is rare]
        return sum(all(kill.caught for kill in kills) for kills in chosen), len(chosen)

    layers = Counter(
        Counter(kill.layer for kill in runs[each.name] if kill.caught).most_common(1)[0][0]
        for each in servers
        if any(kill.caught for kill in runs[each.name])
    )
    alone = sum(not any(kill.others for kill in runs[each.name]) for each in servers)
    statements = {each.statement for each in servers}
    said = [
        f"{len(servers)} servers break {len(statements)} statements.",
        "In every run the kit catches {} of the {} that are always wrong,".format(*every(False)),  # noqa: FBT003
        "and {} of the {} that are rarely wrong.".format(*every(True)),  # noqa: FBT003
        f"Of {alone} it names the broken statement and no other.",
        "First seen by: " + ", ".join(f"{name} {n}" for name, n in layers.most_common()) + ".",
    ]
    if elsewhere:
        found = sum(elsewhere.get(each.name, False) for each in servers)
        shown = sum(each.name in elsewhere for each in servers)
        said.append(f"Of {shown} servers that it was shown, Schemathesis finds {found}.")
    return "\n".join(said)


def stable_cells(server: BrokenServer) -> tuple[str, ...]:
    """Return the cells of a server's row that do not depend on what the kit makes of it."""
    return (
        server.name,
        server.release.removesuffix(".0.0"),
        f"`{server.statement}`",
        server.note.removesuffix(".") + (" (*rare*)" if server.rare else ""),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, as it is read."""

    stable: tuple[str, ...]
    caught: str  # such as 20/20
    layers: frozenset[str]

    @property
    def always(self) -> bool:
        """Whether every run caught the server."""
        count, _, runs = self.caught.partition("/")
        return count == runs


def read(text: str) -> dict[str, Row]:
    """Return the rows of a table by the server's name."""
    lines = [line[2:-2] for line in text.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    return {
        row[0]: Row(tuple(row[:4]), row[4], frozenset(row[5].split(", ")))
        for row in rows
        if row[0] != "Server"
    }
