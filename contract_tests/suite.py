"""The suite: finds its data, runs the layers in order, and gives the verdicts."""

import fnmatch
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.client import BudgetSpent, Client, Limits, TargetDown
from crmcom_kit.contract_tests.deviations import Deviations
from crmcom_kit.contract_tests.discovery import discover
from crmcom_kit.contract_tests.findings import Findings, Unreachable
from crmcom_kit.contract_tests.judges import JUDGES
from crmcom_kit.contract_tests.kit import Kit
from crmcom_kit.contract_tests.logging_in import log_in
from crmcom_kit.contract_tests.pool import Pool, Seen
from crmcom_kit.contract_tests.probing import Probe, probes
from crmcom_kit.contract_tests.results import Results, verdicts
from crmcom_kit.contract_tests.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a run goes about its target."""

    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    allowed: frozenset[str] = frozenset()  # of resend and delete
    scope: Callable[[Seen], bool] = lambda _: False  # the webhook requests that may be changed
    only: str = "*"  # a glob of statement ids
    max_examples: int = 50  # of each generated layer, where no budget rules
    deviations: Deviations = field(default_factory=Deviations)
    options: dict[str, Any] = field(default_factory=dict)
    command: str = "crmcom-kit check"
    began: str = ""  # when, for the reports


def run(target: Target, plan: Plan) -> Results:
    """Check ``target`` and return the results; never raises what the target does to it."""
    began = time.monotonic()
    client = Client(target, plan.limits)
    allowed = frozenset(("resend", "delete")) if target.own else plan.allowed
    scope = (lambda _: True) if target.own else plan.scope
    kit = Kit(client, allowed=allowed, pool=Pool(scope), judges=JUDGES, findings=Findings())
    trouble = None
    try:
        _run_layers(kit, plan)
    except TargetDown as error:
        trouble = str(error)
    except BudgetSpent as error:
        kit.findings.miss((p for each in probes() for p in each.statements), str(error))
    finally:
        client.close()
    return Results(
        target=target,
        options=plan.options,
        command=plan.command,
        seed=plan.seed,
        began=plan.began,
        seconds=time.monotonic() - began,
        statements=verdicts(kit.findings, target.release, plan.deviations),
        history=tuple(client.history),
        findings=kit.findings,
        trouble=trouble,
    )


def _run_layers(kit: Kit, plan: Plan) -> None:
    log_in(kit)
    discover(kit)
    for probe in probes():
        if any(fnmatch.fnmatchcase(each, plan.only) for each in probe.statements):
            _run_probe(kit, probe)


def _run_probe(kit: Kit, probe: Probe) -> None:
    kit.layer = "probe"
    try:
        probe.run(kit)
    except Unreachable as missed:
        kit.findings.miss(probe.statements, missed.why)
    except (TargetDown, BudgetSpent):
        raise
    except Exception as error:  # noqa: BLE001 - a check that fails is no verdict on the target
        kit.findings.fail(probe.statements, f"{probe.name}: {type(error).__name__}: {error}")
