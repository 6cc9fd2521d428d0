"""The contract kit's state machine: calls a second in process, over loopback, and Schemathesis's.

The machine is the same on both sides, with the same judges, model and seed; only the way to the
mock differs. Schemathesis makes its default run with the project's own OpenAPI document, and its
time is the one that it tells itself, without its start.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from time import perf_counter
from typing import Any

import click
import httpx

from benchmarks.loopback import HOST, free_port
from benchmarks.options import PEERS, SERVER_CORE, WORK, Options
from benchmarks.processes import Failed, Served, run
from benchmarks.rows import BASE, BIN, SHOW, TOKEN, mock_command
from crmcom_kit.contract_tests.collecting import seldom_collected
from crmcom_kit.contract_tests.generating.machine import run_machine
from crmcom_kit.contract_tests.generating.model import Model
from crmcom_kit.contract_tests.generating.oracle import Oracle
from crmcom_kit.contract_tests.judging.judges import JUDGES
from crmcom_kit.contract_tests.kit import Kit
from crmcom_kit.contract_tests.safety.discovery import discover
from crmcom_kit.contract_tests.sending.client import Client, Limits
from crmcom_kit.contract_tests.sending.logging_in import log_in
from crmcom_kit.contract_tests.targets import Target, own_mock
from crmcom_kit.fixtures import sample_world_path

IN_PROCESS, LOOPBACK = "state machine, in process", "state machine, loopback"
SCHEMATHESIS = "Schemathesis"
_RELEASE = "R15"
_PROGRAM = PEERS / "schemathesis" / "bin" / "schemathesis"
_CASES = re.compile(r"([\d,]+) generated")
_SECONDS = re.compile(r" in ([\d.]+)s =")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served(Target):
    """A mock over loopback, which is reset between sequences as the one in process is."""

    control: httpx.Client  # keeps its connection, as the calls do

    @property
    def renew(self) -> Callable[[], None]:
        return self._reset

    def _reset(self) -> None:
        self.control.post("/__admin/reset").raise_for_status()


def measure(options: Options) -> dict[str, Any]:
    """Visit every row in every round."""
    visits: dict[str, list[dict[str, Any]]] = {}
    missing = {} if _PROGRAM.exists() else {SCHEMATHESIS: "not installed: make bench-peers"}
    rows: dict[str, Callable[[Options], dict[str, Any]]] = {
        IN_PROCESS: _in_process, LOOPBACK: _over_loopback,
    }  # fmt: skip
    if not missing:
        rows[SCHEMATHESIS] = _schemathesis
    for at in range(options.rounds):
        for name, visit in rows.items():
            try:
                found = visit(options)
            except (Failed, OSError) as error:
                found = {"failed": str(error)}
            visits.setdefault(name, []).append(found)
            click.echo(f"kit {at + 1}/{options.rounds} {name}: {found}")
    return {"visits": visits, "missing": missing}


def _in_process(options: Options) -> dict[str, Any]:
    return _played(own_mock(_RELEASE, data=sample_world_path()), options)


def _over_loopback(options: Options) -> dict[str, Any]:
    port = free_port()
    command = mock_command(port, release=_RELEASE)
    with Served(command, port=port, core=SERVER_CORE, log=WORK / "kit.log") as server:
        server.first_answer(SHOW)
        like = own_mock(_RELEASE)
        given = {each.name: getattr(like, each.name) for each in fields(Target)}
        origin = f"http://{HOST}:{port}"
        given |= {"base_url": f"{origin}{BASE}", "transport": None}
        with httpx.Client(base_url=origin, trust_env=False) as control:
            return _played(_Served(**given, control=control), options)


def _played(target: Target, options: Options) -> dict[str, Any]:
    """Run the state machine on a target. Raises Failed where it finds anything wrong."""
    client = Client(target, Limits(timeout=60))
    kit = Kit(client, allowed=frozenset(("resend", "delete")), judges=JUDGES)
    log_in(kit)
    discover(kit)
    model = Model(kit.pool.records, {}, complete=True)
    sent, began = client.sent, perf_counter()
    sequences = 10 if options.quick else 60
    with seldom_collected():  # as in every run of the kit
        run_machine(kit, model, Oracle(model), profile="ci", sequences=sequences, number=0)
    seconds = perf_counter() - began
    client.close()
    wrong = [str(v) for found in kit.findings.by_statement.values() for v in found.violations]
    if wrong:
        raise Failed(wrong[0])
    calls = client.sent - sent
    return {"calls": calls, "seconds": seconds, "calls_per_second": calls / seconds}


def _schemathesis(options: Options) -> dict[str, Any]:
    """Make Schemathesis's default run; what it finds does not matter here."""
    document = WORK / "kit-openapi.json"
    document.write_text(run([str(BIN / "crmcom-kit"), "openapi", "--release", _RELEASE]))
    port = free_port()
    command = mock_command(port, release=_RELEASE)
    with Served(command, port=port, core=SERVER_CORE, log=WORK / "kit.log") as server:
        server.first_answer(SHOW)
        given = [str(_PROGRAM), "run", str(document), "--url", f"http://{HOST}:{port}{BASE}"]
        given += ["--continue-on-failure", "--no-color", "--header", f"Authorization: {TOKEN}"]
        if options.quick:
            given += ["--max-examples", "10"]
        printed = _printed(given)
    cases, took = _CASES.search(printed), _SECONDS.search(printed)
    if cases is None or took is None:
        raise Failed(printed[-300:])
    count, seconds = int(cases[1].replace(",", "")), float(took[1])
    return {"calls": count, "seconds": seconds, "calls_per_second": count / seconds}


def _printed(command: list[str]) -> str:
    """Return what Schemathesis prints: it ends with 1 where it finds something, else with 0."""
    try:
        return run(command, seconds=900, status=1)
    except Failed:
        return run(command, seconds=900)
