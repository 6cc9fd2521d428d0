"""The JSON report of a run, for programs.

Its shape is described by ``report_schema.json`` beside this module.
"""

import json
from pathlib import Path
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.reports.curl import curl
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.wording import verdict_counts
from crmcom_kit.contract_tests.results import Results, StatementResult

SCHEMA = Path(__file__).with_name("report_schema.json")
_MAX_BODY = 20_000  # bytes


def document(results: Results, *, max_body: int = _MAX_BODY) -> dict[str, Any]:
    """Return the report as a JSON object, without secrets; bodies are cut after ``max_body``."""
    redactor = ReportRedactor(results.target, results.history)
    return {
        "summary": {**summary(results), "trouble": _masked(results.trouble, redactor)},
        "target": {
            "name": redactor.text(results.target.name),
            "base_url": redactor.text(results.target.base_url),
            "release": results.target.release.name,
            "own_mock": results.target.own,
        },
        "run": {
            "version": __version__,
            "seed": results.seed,
            "began": results.began,
            "seconds": round(results.seconds, 3),
            "options": {
                name: redactor.text(value) if isinstance(value, str) else value
                for name, value in results.options.items()
            },
            "command": redactor.text(results.command),
        },
        "statements": [
            _statement(each, results, redactor, max_body) for each in results.statements
        ],
        "choices": _choices(results, redactor),
        "changed": list(results.changed),
        "perhaps_changed": list(results.unclear),
        "inventory": redactor.text(results.inventory),
        "notes": [redactor.text(note) for note in (*results.notes, *results.warnings)],
    }


def summary(results: Results) -> dict[str, Any]:
    """Count the verdicts."""
    return {
        **verdict_counts(results),
        "statements": len(results.statements),
        "reachable": results.reachable,
        "achieved": results.achieved,
        "seen_once": sum(result.is_seen_once for result in results.statements),
        "requests": len(results.history),
        "exit_code": results.exit_code,
        "trouble": results.trouble,
    }


def written(results: Results) -> str:
    """Return the report as text."""
    return json.dumps(document(results), ensure_ascii=False, indent=1) + "\n"


def _statement(
    result: StatementResult, results: Results, redactor: ReportRedactor, max_body: int
) -> dict[str, Any]:
    about = result.statement
    return {
        "id": about.id,
        "verdict": str(result.verdict),
        "why": redactor.text(result.why),
        "requests": result.requests,
        "held": result.held,
        "seen_once": result.is_seen_once,
        "evidence": about.evidence,
        "level": about.level,
        "text": about.text,
        "source": about.source,
        "methods": list(about.methods),
        "stale": result.stale,
        "violations": [
            {**_violation(each, results, redactor, max_body), "times": times}
            for each, times in result.distinct
        ],
        "more_violations": result.unlisted,
    }


def _violation(
    violation: Violation, results: Results, redactor: ReportRedactor, max_body: int
) -> dict[str, Any]:
    return {
        "statement": violation.statement,
        "expected": redactor.text(violation.expected),
        "seen": redactor.text(violation.seen),
        "record": violation.record,
        "layer": violation.layer,
        "curl": [curl(call, results.target, redactor) for call in violation.calls],
        "exchanges": [_exchange(each, redactor, max_body) for each in violation.exchanges],
    }


def _exchange(each: Exchange, redactor: ReportRedactor, max_body: int) -> dict[str, Any]:
    """Return an exchange as JSON, without secrets, its bodies cut if they are long."""
    call = each.call
    return {
        "number": each.number,
        "verb": call.verb,
        "path": redactor.text(call.path),
        "query": redactor.query(call.query),
        "body": None if call.body is None else redactor.content(call.body, max_body),
        "status": each.status,
        "answer": redactor.content(each.content, max_body),
        "milliseconds": round(each.seconds * 1000, 1),
    }


def _masked(text: str | None, redactor: ReportRedactor) -> str | None:
    return None if text is None else redactor.text(text)


def _choices(results: Results, redactor: ReportRedactor) -> list[dict[str, Any]]:
    return [
        {"dial": dial, "seen": sorted(map(redactor.text, seen))}
        for dial, seen in sorted(results.findings.choices.items())
    ]
