"""The CTRF report (Common Test Report Format, https://ctrf.io): one test for each statement."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.wording import failure_details, failure_message, headline
from crmcom_kit.contract_tests.results import Results, StatementResult

_SPEC_VERSION = "1.0.0"
_STATUSES = ("passed", "failed", "skipped", "pending", "other")
_STATUS_OF = {
    Verdict.HOLDS: "passed",
    Verdict.BROKEN: "failed",
    Verdict.DEVIATES: "skipped",
    Verdict.NOT_EXERCISED: "skipped",
    Verdict.ERROR: "other",
}


def written(results: Results) -> str:
    """Return the report as text, without secrets."""
    redactor = ReportRedactor(results.target, results.history)
    tests = [_test(each, results, redactor) for each in results.statements]
    timestamp = {"timestamp": results.began} if results.began else {}
    report = {
        "reportFormat": "CTRF",
        "specVersion": _SPEC_VERSION,
        **timestamp,
        "generatedBy": f"crmcom-kit {__version__}",
        "results": {
            "tool": {"name": "crmcom-kit", "version": __version__},
            "summary": _summary(results, Counter(test["status"] for test in tests)),
            "tests": tests,
            "environment": _environment(results, redactor),
        },
    }
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def _summary(results: Results, statuses: Counter[str]) -> dict[str, int]:
    start = int(datetime.fromisoformat(results.began).timestamp() * 1000) if results.began else 0
    duration = round(results.seconds * 1000)
    return {
        "tests": statuses.total(),
        **{status: statuses[status] for status in _STATUSES},
        "start": start,
        "stop": start + duration,
        "duration": duration,
    }


def _environment(results: Results, redactor: ReportRedactor) -> dict[str, Any]:
    return {
        "reportName": redactor.text(headline(results)),
        "appName": redactor.text(results.target.name),
        "healthy": results.exit_code == 0,
        "extra": {
            "release": results.target.release.name,
            "base_url": redactor.text(results.target.base_url),
            "seed": results.seed,
            "command": redactor.text(results.command),
        },
    }


def _test(result: StatementResult, results: Results, redactor: ReportRedactor) -> dict[str, Any]:
    about = result.statement
    fails = result.verdict is Verdict.BROKEN or result.stale
    test: dict[str, Any] = {
        "name": about.id,
        "status": "failed" if fails else _STATUS_OF[result.verdict],
        "duration": _milliseconds(result, results),
        "suite": ["crmcom_kit", about.id.partition(".")[0]],
        "rawStatus": str(result.verdict),
        "tags": [about.evidence, about.level],
        "extra": {"text": about.text, "source": about.source, "requests": result.requests},
    }
    if fails:
        test["message"] = failure_message(result, redactor)
        test["trace"] = failure_details(result, results, redactor)
    elif result.why:
        test["message"] = redactor.text(result.why)
    return test


def _milliseconds(result: StatementResult, results: Results) -> int:
    """Return how long the responses took that tell of a statement; most tell of several."""
    found = results.findings.by_statement.get(result.statement.id)
    numbers = found.requests if found is not None else ()
    return round(sum(each.seconds for each in results.history if each.number in numbers) * 1000)
