"""Makes results of runs without a run, and every report of them."""

import io
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.targets import Login, Target
from crmcom_kit.contract_tests.options.deviations import Deviation
from crmcom_kit.contract_tests.oracle.findings import Findings
from crmcom_kit.contract_tests.reports import draft, har, html, junit, terminal
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.run.results import Results, statement_results
from crmcom_kit.schemas import resolve

URL = "https://crm.example.com/crmapi/rest/v2"
SHOW = Call("show", "GET", "webhook_requests/show")


def target(**login: Any) -> Target:
    """Make a target with a login."""
    return Target(name=URL, base_url=URL, release=resolve("R9"), login=Login(**login))


def exchange(call: Call = SHOW, content: bytes = b"", **changes: Any) -> Exchange:
    """Make an exchange."""
    values = {"number": 1, "status": 200, "headers": (), "seconds": 0.25}
    return Exchange(**{**values, "call": call, "content": content, **changes})


def results(findings: Findings, listed: Sequence[Deviation] = (), **changes: Any) -> Results:
    """Make the results of a run that has found something."""
    on = changes.pop("target", None) or target()
    values: dict[str, Any] = {
        "target": on,
        "command": "crmcom-kit check --seed 3",
        "seed": 3,
        "began": "2026-11-24T20:00:00+00:00",
        "seconds": 1.5,
        "statements": statement_results(findings, on.release, listed),
        "history": (),
    }
    return Results(**{**values, **changes})


def all_reports(results: Results) -> dict[str, str]:
    """Write every report."""
    report, out = Report(results), io.StringIO()
    terminal.show(report, Console(file=out, width=1000))
    return {
        "json": report.as_json(),
        "junit": junit.render(report),
        "har": "".join(har.render(report)),
        "html": html.render(report),
        "summary": terminal.summary(report),
        "terminal": out.getvalue(),
        "draft": draft.render(report),
    }
