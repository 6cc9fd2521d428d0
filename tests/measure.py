"""Measure the contract kit from outside, and write its kill table: ``make measure``.

It takes an hour or two; nothing here is a test. What is measured:

- ``broken``: the servers of ``tests/broken_servers``, as a mock of the kit's own and elsewhere.
- ``faults``: the faults of the stand-in (``tests/stand_in``), which shares no code with the mock.
- ``legal``: the legal variants of the stand-in, and random combinations of what is left open.

What is not asked for with ``--part`` stays in the table as it is.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
from broken_servers.catalogue import BrokenServer, broken_servers
from broken_servers.killing import Kill, attack
from helpers.stand_ins import alarms, broken, checked
from stand_in.fault import Fault
from stand_in.faults import ALL, FIFTH, FIRST, FOURTH, SECOND, THIRD
from stand_in.legal import VARIANTS, random_choices
from stand_in.server import StandIn

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs/explanation/kill-table.md"
SCHEMATHESIS = Path(__file__).with_name("schemathesis_kills.json")
COMBINATIONS = 500

#: So many of the first set were found or not before anything else was changed.
FIRST_SIXTY = 60

# What the first look at each set of faults came to, before anything was changed in response. These
# figures are history: no later run can measure them again.
FIRST_LOOK = """\
| Faults, at first sight | Number | Found | A right statement named |
|---|---|---|---|
| The first 60 of the first set | 60 | 58 (the kit before it was rewritten: 46) | 52 (41) |
| First set | 126 | 118 | 102 |
| Second set | 86 | 73 | 53 |
| Third set, after what the second has led to | 77 | 68 | 66 |
| Fourth set, after what the third has led to | 58 | 55 | 54 |
| Fifth set, after what the fourth has led to | 50 | 48 | 47 |
"""

_HEAD = """\
# Kill table

How good is the contract kit? This page measures it from outside, with servers that are wrong on
purpose, and with servers that are correct in an unusual way. `make measure` runs it all and writes
this page. [How well the kit does](measuring.md) explains how to read it.
"""

_FAULTS = """\
## Faults of the stand-in

`tests/stand_in` is another server of the API, written from the public pages alone. It shares no
code with the mock or the kit. Its faults are what goes wrong in real servers: stale caches,
forgotten states, pages and days that are off by one, and combinations of these. Each fault was
written before anybody looked at whether the kit finds it. Each set was written by somebody else.
*Found* means that the kit says something is broken. *Named* means that it names a statement that
the author of the fault named, too. A fault that may be legal is disputed and does not count; four
of the first 60 are.

What counts is the first sight of each set, before anything was changed in response. One fault of
the third set does not count: it needs a login that the kit was not given.

{first_look}
The same today, after the changes that these faults led to:

| Faults, today | Number | Found | A right statement named |
|---|---|---|---|
{today}

{missed}
"""

_LEGAL = """\
## Legal servers

The public pages leave much open. The stand-in has a variant for each open question. Random
combinations of the variants are checked on all releases, with and without other users at work at
the same time. The kit must call none of them broken.

| Servers | Number | Called broken |
|---|---|---|
{rows}

{alarms}
"""

_BROKEN = """\
## Broken servers

Each row is the mock, wrapped so that it breaks one statement and, if possible, no other.
`tests/broken_servers/` has the servers. The same people wrote them and the kit, so this table
guards against regressions, and measures little else.

- **Statement**: what the server breaks. A server marked *rare* breaks it for few calls only.
- **Own mock**: the result if the kit checks the server as its own mock: which part of the kit sent
  the request that showed the defect first, and how many requests were sent until then. The parts
  are a *probe*, the state *machine*, and *check*, the run itself. A dash means that the statement
  is not named.
- **Elsewhere**: the result if the kit checks it as a server that may have other users, and whose
  content is not known.
- **Also named**: other statements that the kit called broken.
- **Schemathesis**: whether it reports a failure that it does not report of the correct server. It
  had the project's OpenAPI document, and sent {requests} requests on average. It was shown one
  server for each statement, in the dialect `http`; see `tests/schemathesis_kills.py`.

{summary}

| {columns} |
{rule}
{rows}
"""

_COLUMNS = ("Server", "Release", "Statement", "What is wrong", "Own mock", "Elsewhere",
            "Also named", "Schemathesis")  # fmt: skip


# Broken servers.


def _both(name: str) -> tuple[Kill, Kill]:
    server = {each.name: each for each in broken_servers()}[name]
    return attack(server), attack(server, elsewhere=True)


def broken_section(spread: Callable[..., Iterable[Any]]) -> str:
    """Check all broken servers, and return the section about them."""
    known = json.loads(SCHEMATHESIS.read_text("utf-8")) if SCHEMATHESIS.exists() else {}
    others: Mapping[str, bool] = known.get("found", {})
    servers = sorted(broken_servers(), key=lambda each: each.statement)
    kills = list(zip(servers, spread(_both, [each.name for each in servers]), strict=True))
    return _BROKEN.format(
        requests=known.get("requests", "some"),
        summary=_summary(kills, others),
        columns=" | ".join(_COLUMNS),
        rule="|---" * len(_COLUMNS) + "|",
        rows="\n".join(
            _row(server, own, far, others.get(server.name)) for server, (own, far) in kills
        ),
    )


def _row(server: BrokenServer, own: Kill, far: Kill, schemathesis: bool | None) -> str:  # noqa: FBT001
    found = {True: "yes", False: "no", None: ""}[schemathesis]
    also = ", ".join(f"`{other}`" for other in sorted({*own.others, *far.others}))
    cells = (*stable_cells(server), _cell(own), _cell(far), also, found)
    return f"| {' | '.join(cells)} |"


def _cell(kill: Kill) -> str:
    return f"{kill.layer} {kill.spent}" if kill.caught else "-"


def _summary(
    kills: Sequence[tuple[BrokenServer, tuple[Kill, Kill]]], others: Mapping[str, bool]
) -> str:
    def caught(place: int, *, rare: bool) -> str:
        chosen = [pair[place] for server, pair in kills if server.rare is rare]
        return f"{sum(kill.caught for kill in chosen)} of {len(chosen)}"

    lines = [
        f"{len(kills)} servers break {len({server.statement for server, _ in kills})} statements.",
        f"Own mock: caught are {caught(0, rare=False)} that are always wrong, and "
        f"{caught(0, rare=True)} that are rarely wrong.",
        f"Elsewhere: {caught(1, rare=False)}, and {caught(1, rare=True)}.",
    ]
    for place, where in enumerate(("on the own mock", "elsewhere")):
        layers = Counter(pair[place].layer for _, pair in kills if pair[place].caught)
        seen = ", ".join(f"{name} {count}" for name, count in layers.most_common())
        lines.append(f"First seen {where} by: {seen}.")
    if others:
        shown = [others[server.name] for server, _ in kills if server.name in others]
        lines.append(f"Of {len(shown)} servers that it was shown, Schemathesis finds {sum(shown)}.")
    return "\n".join(lines)


def stable_cells(server: BrokenServer) -> tuple[str, ...]:
    """Return the cells of a server's row that do not depend on what the kit makes of it."""
    return (
        server.name,
        server.release.removesuffix(".0.0"),
        f"`{server.statement}`",
        server.note.removesuffix(".") + (" (*rare*)" if server.rare else ""),
    )


def read_rows(text: str) -> dict[str, tuple[str, ...]]:
    """Return the cells of the table of broken servers, by the server's name."""
    lines = text.partition("## Broken servers")[2].splitlines()
    rows = [line[2:-2].split(" | ") for line in lines if line.startswith("| ")]
    return {row[0]: tuple(map(str.strip, row)) for row in rows if row[0] != "Server"}


# The stand-in.


def _fault(name: str) -> list[str]:
    fault = {each.name: each for each in ALL}[name]
    return broken(checked(fault.server()))


def faults_section(spread: Callable[..., Iterable[Any]]) -> str:
    """Check the faults of the stand-in that count, and return the section about them."""
    first = [each for each in ALL if each.number <= FIRST_SIXTY]
    faults = [each for each in ALL if not each.doubtful or each in first]
    names = [each.name for each in faults]
    found: dict[str, list[str]] = dict(zip(names, spread(_fault, names), strict=True))
    today = [_figures("The first 60 of the first set", first, found)]
    for title, of_set in (
        ("First", FIRST),
        ("Second", SECOND),
        ("Third", THIRD),
        ("Fourth", FOURTH),
        ("Fifth", FIFTH),
    ):
        undisputed = [each for each in of_set if not each.doubtful]
        today.append(_figures(f"{title} set", undisputed, found))
    lines = [
        f"- `{fault.name}` breaks `{fault.statement}`; named: "
        + (", ".join(f"`{each}`" for each in found[fault.name]) or "nothing")
        for fault in faults
        if not {*fault.statements} & {*found[fault.name]}
    ]
    missed = "\n".join(["Where no right statement is named:\n", *lines] if lines else [])
    return _FAULTS.format(
        first_look=FIRST_LOOK, today="\n".join(filter(None, today)), missed=missed
    )


def _figures(title: str, faults: Sequence[Fault], found: Mapping[str, list[str]]) -> str:
    named = sum(bool({*fault.statements} & {*found[fault.name]}) for fault in faults)
    seen = sum(bool(found[fault.name]) for fault in faults)
    return f"| {title} | {len(faults)} | {seen} | {named} |" if faults else ""


def _legal(which: str | int) -> list[Any]:
    if isinstance(which, str):
        return alarms(checked(VARIANTS[which].server()))
    choices, release = random_choices(which)
    return alarms(checked(StandIn(choices, release, which), seed=which))


def legal_section(spread: Callable[..., Iterable[Any]], combinations: int) -> str:
    """Check all legal variants, and so many combinations, and return the section about them."""
    kinds: dict[str, list[Any]] = {
        "Variants, each with one unusual choice": list(VARIANTS),
        "Random combinations": list(range(combinations)),
    }
    rows, lines = [], []
    for title, names in kinds.items():
        found = dict(zip(names, spread(_legal, names), strict=True))
        wrong = {name: each for name, each in found.items() if each}
        rows.append(f"| {title} | {len(names)} | {len(wrong)} |")
        lines += [f"- `{name}`: {each}" for name, each in wrong.items()]
    told = "\n".join(["Called broken:\n", *lines] if lines else [])
    return _LEGAL.format(rows="\n".join(rows), alarms=told)


# The page.


def _kept(text: str) -> dict[str, str]:
    """Return the sections of a page by their headings."""
    parts = text.split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in parts}


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(("broken", "faults", "legal")),
              help="Measure this alone. Can be repeated. Default: all.")  # fmt: skip
@click.option("--combinations", default=COMBINATIONS, show_default=True)
@click.option("--jobs", default=2, show_default=True, help="So many at once.")
def main(parts: tuple[str, ...], combinations: int, jobs: int) -> None:
    """Measure the kit, and write the kill table."""
    with get_context("spawn").Pool(jobs, maxtasksperchild=20) as pool:

        def spread(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
            with click.progressbar(length=len(items), label=function.__name__) as bar:
                for result in pool.imap(function, items):
                    bar.update(1)
                    yield result

        sections = _kept(TABLE.read_text("utf-8"))
        makers: dict[str, tuple[str, Callable[[], str]]] = {
            "faults": ("Faults of the stand-in", lambda: faults_section(spread)),
            "legal": ("Legal servers", lambda: legal_section(spread, combinations)),
            "broken": ("Broken servers", lambda: broken_section(spread)),
        }
        for part, (title, make) in makers.items():
            if not parts or part in parts:
                sections[title] = make().rstrip() + "\n"
    page = [_HEAD, *(sections[title] for title, _ in makers.values() if title in sections)]
    TABLE.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
