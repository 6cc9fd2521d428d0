"""Runs a kit against a server in memory: what it names as broken, and what went wrong in it."""

import calendar
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpers.stand_ins import broken, checked
from stand_in.server import ORGANISATION, PASSWORD, USERNAME, WEB_API_KEY

from crmcom_kit.contract_tests.checks.world import Credentials
from crmcom_kit.contract_tests.client.http import Client, Limits
from crmcom_kit.contract_tests.client.in_process import InProcess
from crmcom_kit.contract_tests.next.belief import Belief
from crmcom_kit.contract_tests.next.campaign import Campaign
from crmcom_kit.contract_tests.next.oracle import Oracle
from crmcom_kit.contract_tests.next.session import Session
from crmcom_kit.contract_tests.next.templates import Scene
from crmcom_kit.contract_tests.targets import Login, Target
from crmcom_kit.schemas import API_PATH, resolve


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
    """Run the campaign of ``contract_tests/next``."""
    # The kit compares the end of a JWT with the clock of this machine.
    app.clock.seconds = float(calendar.timegm(time.gmtime()))
    release = resolve(app.release)
    login = Login(
        username=USERNAME,
        password=PASSWORD,
        organisation=ORGANISATION,
        api_key=None if app.release == "R9" else WEB_API_KEY,
    )
    target = Target(
        name="a server of the tests",
        base_url=f"https://stand-in.example{API_PATH}",
        release=release,
        login=login,
        transport=InProcess(lambda: app),
    )
    client = Client(target, Limits(max_requests=budget or 1500))
    credentials = Credentials(login.username, login.password, login.organisation, login.api_key)
    belief = Belief(release, credentials=credentials)
    scene = Scene(
        belief,
        login,
        allowed=frozenset(("resend", "delete")),
        may_change=lambda _: True,
        everything=True,
    )
    campaign = Campaign(Session(client, Oracle(belief), scene))
    trouble = campaign.run(seed)
    findings = campaign.session.findings
    named = [statement for statement, found in findings.by_statement.items() if found.breaks]
    return Outcome(named, "; ".join(filter(None, (trouble, *findings.crashes))))


KITS: dict[str, Callable[[Any, int | None, int], Outcome]] = {"today": today, "next": next_}
