"""The HTML report: one self-contained file, readable on a phone and without JavaScript."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.reports.report import Report, amount, by_method, repeated, visible

_TEMPLATE = Path(__file__).with_name("report.html")
_MAX_OPEN = 3  # statements; if more are broken, all are folded


def render(report: Report) -> str:
    """Return the page."""
    failing, statements = report.failing, report.document["statements"]
    deviations = [entry for entry in statements if entry["violations"] and entry not in failing]
    entries = [*failing, *deviations]
    values = {
        "report": report, "amount": amount, "verdicts_by_method": by_method, "repeated": repeated,
        "shown": entries, "opens": len(entries) <= _MAX_OPEN, "verdicts": list(map(str, Verdict)),
    }  # fmt: skip
    return page(_TEMPLATE, report.document | values)


def page(template: Path, values: Mapping[str, Any]) -> str:
    """Return the page that a template makes of values; control characters in texts are visible."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    return environment.from_string(template.read_text(encoding="utf-8")).render(values)
