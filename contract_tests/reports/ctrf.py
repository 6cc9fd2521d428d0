"""The CTRF report (Common Test Report Format, https://ctrf.io): one test for each statement."""

from collections import Counter
from datetime import datetime
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.reports.report import (
    RUN_ITSELF,
    Entry,
    Report,
    as_json,
    fails,
    failure_details,
    failure_message,
)

_STATUSES = ("passed", "failed", "skipped", "pending", "other")
_STATUS_OF = {
    Verdict.HOLDS: "passed",
    Verdict.BROKEN: "failed",
    Verdict.DEVIATES: "skipped",
    Verdict.NOT_EXERCISED: "skipped",
}


def written(report: Report) -> str:
    """Return the report as text."""
    results, target, run = report.results, report.document["target"], report.document["run"]
    seconds = {each.number: each.seconds for each in results.history}
    tests = [_test(each, _milliseconds(each, report, seconds)) for each in _entries(report)]
    if report.outcome == "error":
        failed = {"name": RUN_ITSELF, "status": "failed", "duration": 0}
        tests.append({**failed, "suite": ["crmcom_kit"], "message": report.headline})
    statuses = Counter(test["status"] for test in tests)
    start = int(datetime.fromisoformat(run["began"]).timestamp() * 1000) if run["began"] else 0
    duration = round(results.seconds * 1000)
    document = {
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        **({"timestamp": run["began"]} if run["began"] else {}),
        "generatedBy": f"crmcom-kit {__version__}",
        "results": {
            "tool": {"name": "crmcom-kit", "version": __version__},
            "summary": {
                "tests": len(tests),
                **{status: statuses[status] for status in _STATUSES},
                "start": start,
                "stop": start + duration,
                "duration": duration,
            },
            "tests": tests,
            "environment": {
                "reportName": report.headline,
                "appName": target["name"],
                "healthy": results.exit_code == 0,
                "extra": {
                    "release": target["release"],
                    "base_url": target["base_url"],
                    "seed": run["seed"],
                    "command": run["command"],
                    "never_served": report.document["never_served"],
                },
            },
        },
    }
    return as_json(document)


def _entries(report: Report) -> list[Entry]:
    found: list[Entry] = report.document["statements"]
    return found


def _test(entry: Entry, milliseconds: int) -> dict[str, Any]:
    test = {
        "name": entry["id"],
        "status": "failed" if fails(entry) else _STATUS_OF[Verdict(entry["verdict"])],
        "duration": milliseconds,
        "suite": ["crmcom_kit", entry["id"].partition(".")[0]],
        "rawStatus": entry["verdict"],
        "tags": [entry["evidence"], entry["level"]],
        "extra": {name: entry[name] for name in ("text", "source", "requests")},
    }
    if fails(entry):
        test |= {"message": failure_message(entry), "trace": failure_details(entry)}
    elif entry["why"]:
        test["message"] = entry["why"]
    return test


def _milliseconds(entry: Entry, report: Report, seconds: dict[int, float]) -> int:
    """Return how long the responses took that tell of a statement; most tell of several."""
    found = report.results.findings.by_statement.get(entry["id"])
    numbers = found.requests if found is not None else ()
    return round(sum(seconds.get(number, 0.0) for number in numbers) * 1000)
