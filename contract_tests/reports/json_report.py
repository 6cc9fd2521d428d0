"""The JSON report: everything that a program may want to know of a run.

Its shape is described by ``report_schema.json`` beside this module.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.reports.curl import curl
from crmcom_kit.contract_tests.reports.redaction import Masks
from crmcom_kit.contract_tests.results import Results, StatementResult, distinct

SCHEMA = Path(__file__).with_name("report_schema.json")
_MOST_CONTENT = 20_000


def document(results: Results) -> dict[str, Any]:
    """Return the report as a JSON object, without secrets."""
    masks = Masks(results.target, results.history)
    return {
        "summary": {**summary(results), "trouble": _masked(results.trouble, masks)},
        "target": {
            "name": masks.text(results.target.name),
            "base_url": masks.text(results.target.base_url),
            "release": results.target.release.name,
            "own_mock": results.target.own,
        },
        "run": {
            "version": __version__,
            "seed": results.seed,
            "began": results.began,
            "seconds": round(results.seconds, 3),
            "options": {
                name: masks.text(value) if isinstance(value, str) else value
                for name, value in results.options.items()
            },
            "command": masks.text(results.command),
        },
        "statements": [_statement(each, results, masks) for each in results.statements],
        "choices": _choices(results, masks),
        "changed": list(results.changed),
        "perhaps_changed": list(results.unclear),
        "inventory": masks.text(results.inventory),
        "notes": [masks.text(note) for note in results.notes],
    }


def summary(results: Results) -> dict[str, Any]:
    """Count the verdicts."""
    counts = Counter(str(result.verdict) for result in results.statements)
    names = ("holds", "broken", "deviates", "not_exercised", "error")
    return {
        **{name: counts[name] for name in names},
        "statements": len(results.statements),
        "reachable": results.reachable,
        "achieved": results.achieved,
        "requests": len(results.history),
        "exit_code": results.exit_code,
        "trouble": results.trouble,
    }


def written(results: Results) -> str:
    """Return the report as text."""
    return json.dumps(document(results), ensure_ascii=False, indent=1) + "\n"


def _statement(result: StatementResult, results: Results, masks: Masks) -> dict[str, Any]:
    about = result.statement
    return {
        "id": about.id,
        "verdict": str(result.verdict),
        "why": masks.text(result.why),
        "requests": result.requests,
        "held": result.held,
        "evidence": about.evidence,
        "level": about.level,
        "text": about.text,
        "source": about.source,
        "methods": list(about.methods),
        "stale": result.stale,
        "violations": [
            {**_violation(each, results, masks), "times": times}
            for each, times in distinct(result.violations)
        ],
    }


def _violation(violation: Violation, results: Results, masks: Masks) -> dict[str, Any]:
    calls = violation.witness or tuple(each.call for each in violation.exchanges)
    return {
        "statement": violation.statement,
        "expected": masks.text(violation.expected),
        "seen": masks.text(violation.seen),
        "record": violation.record,
        "layer": violation.layer,
        "curl": [curl(call, results.target, masks) for call in calls],
        "exchanges": [exchange(each, masks) for each in violation.exchanges],
    }


def exchange(each: Exchange, masks: Masks) -> dict[str, Any]:
    """Return an exchange as JSON, without secrets and cut where it is long."""
    call = each.call
    return {
        "number": each.number,
        "verb": call.verb,
        "path": masks.text(call.path),
        "query": masks.query(call.query),
        "body": None if call.body is None else masks.content(call.body, _MOST_CONTENT),
        "status": each.status,
        "answer": masks.content(each.content, _MOST_CONTENT),
        "milliseconds": round(each.seconds * 1000, 1),
    }


def _masked(text: str | None, masks: Masks) -> str | None:
    return None if text is None else masks.text(text)


def _choices(results: Results, masks: Masks) -> list[dict[str, Any]]:
    return [
        {"dial": dial, "seen": sorted(map(masks.text, seen))}
        for dial, seen in sorted(results.findings.choices.items())
    ]
