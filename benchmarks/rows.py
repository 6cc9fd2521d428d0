"""The servers to compare: the mock, and bare applications under the same servers."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import NamedTuple

from benchmarks.loopback import HOST
from benchmarks.options import ROOT, WORK
from benchmarks.processes import run

BIN = Path(sys.executable).parent
TOKEN = "benchmark"
BASE = "/crmapi/rest/v2"
#: The webhook request that is shown: of all in the sample world, its answer's size is typical.
NUMBER = "104"
SHOW = f"{BASE}/webhook_requests/show?token={TOKEN}&webhook_request_identifier=number={NUMBER}"
#: The bytes of the mock's answer to SHOW; whatever it is compared with answers the same.
BODY_FILE = WORK / "show.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A server: how to start it, and what to ask it for."""

    name: str
    command: Callable[[int], list[str]]  # the command line, by port
    target: str = SHOW
    environment: Mapping[str, str] = field(default_factory=dict)
    warm_seconds: int = 1
    ready: tuple[str, int] | None = None  # what to ask for, and the status, while it starts
    prepare: Callable[[int], None] | None = None  # what to do before it can answer


class Missing(NamedTuple):
    """A row that cannot be measured here, and why."""

    name: str
    why: str


Rows = tuple[list[Row], list[Missing]]
NO_JOURNAL = "mock, granian, fast lane, no journal"


def mock_name(server: str, *, fast_lane: bool) -> str:
    """Return the name of a row of the mock's."""
    return f"mock, {server}, {'fast lane' if fast_lane else 'Flask path'}"


def mock_command(port: int, *flags: str, release: str = "R9", log: str = "off") -> list[str]:
    """Return the command line that serves the mock."""
    command = [str(BIN / "crmcom-kit"), "serve", "--port", str(port), "--release", release]
    return [*command, "--log", log, "--token", TOKEN, *flags]


def mock_rows(release: str = "R9") -> Rows:
    """Return a row for each server, with the fast lane and without, as far as flags exist."""
    rows: list[Row] = []
    missing: list[Missing] = []
    flags = known_flags()
    for server, lane in product(("waitress", "granian"), (True, False)):
        name = mock_name(server, fast_lane=lane)
        needed = {"--server"} if server == "granian" else set()
        needed |= {"--fast-lane"} if lane else set()
        if needed - flags:
            missing.append(Missing(name, f"`serve` has no {' and no '.join(needed - flags)} yet"))
        elif server == "granian" and not (BIN / "granian").exists():
            missing.append(Missing(name, "granian is not installed; extra `fast` brings it"))
        else:
            given = ["--server", server] if "--server" in flags else []
            if "--fast-lane" in flags:
                given.append("--fast-lane" if lane else "--no-fast-lane")
            rows.append(Row(name=name, command=_mock(given, release)))
    return rows, missing


def no_journal_rows() -> Rows:
    """Return the quickest row of the mock's without its journal, as far as there is one."""
    missing = sorted({"--server", "--fast-lane", "--journal"} - known_flags())
    if missing:
        return [], [Missing(NO_JOURNAL, f"`serve` has no {' and no '.join(missing)} yet")]
    if not (BIN / "granian").exists():
        return [], [Missing(NO_JOURNAL, "granian is not installed; extra `fast` brings it")]
    flags = ["--server", "granian", "--fast-lane", "--journal", "0"]
    return [Row(name=NO_JOURNAL, command=_mock(flags, "R9"))], []


def _mock(flags: list[str], release: str) -> Callable[[int], list[str]]:
    return lambda port: mock_command(port, *flags, release=release)


def known_flags() -> set[str]:
    """Return which flags that matter here ``crmcom-kit serve`` has."""
    text = run([str(BIN / "crmcom-kit"), "serve", "--help"])
    return {flag for flag in ("--server", "--fast-lane", "--journal") if flag in text}


def bare_rows() -> Rows:
    """Return the bare Flask route and the bare WSGI callable under each server."""
    rows: list[Row] = []
    missing: list[Missing] = []
    for what, server in product(("Flask route", "WSGI callable"), ("waitress", "granian")):
        name = f"bare {what}, {server}"
        module = "benchmarks.bare_flask" if what == "Flask route" else "benchmarks.bare_wsgi"
        if server == "granian" and not (BIN / "granian").exists():
            missing.append(Missing(name, "granian is not installed; extra `fast` brings it"))
            continue
        command = _waitress(module) if server == "waitress" else _granian(module)
        environment = {"BENCHMARK_BODY": str(BODY_FILE)}
        rows.append(Row(name=name, command=command, environment=environment))
    return rows, missing


def _waitress(module: str) -> Callable[[int], list[str]]:
    return lambda port: [sys.executable, "-m", "benchmarks.bare_waitress", module, str(port)]


def _granian(module: str) -> Callable[[int], list[str]]:
    command = [str(BIN / "granian"), "--interface", "wsgi", "--host", HOST, "--workers", "1"]
    command += ["--no-log", "--working-dir", str(ROOT)]
    return lambda port: [*command, "--port", str(port), f"{module}:app"]
