"""Runs a kit against a server in memory: what it names as broken, and what went wrong in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpers.stand_ins import broken, checked
from stand_in.server import WEB_API_KEY

from crmcom_kit.contract_tests.client.http import Limits


@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    named: list[str]  # ids of the statements that the run calls broken
    trouble: str = ""  # what went wrong in the kit itself


def today(app: Any, budget: int | None, seed: int) -> Outcome:
    """Run the kit of `crmcom-kit check`."""
    limits = Limits(max_requests=budget)
    results = checked(app, seed=seed, limits=limits)
    return Outcome(broken(results), str(results.trouble or ""))


def next_(app: Any, budget: int | None, seed: int) -> Outcome:
    """Run the kit of `crmcom-kit check --next`."""
    limits = Limits(max_requests=budget or 1500)
    api_key = None if app.release == "R9" else WEB_API_KEY
    results = checked(app, api_key, seed=seed, limits=limits, next=True)
    return Outcome(broken(results), str(results.trouble or ""))


KITS: dict[str, Callable[[Any, int | None, int], Outcome]] = {"today": today, "next": next_}
