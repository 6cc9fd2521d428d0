"""The HTML report: one self-contained file, readable on a phone, sortable."""

from pathlib import Path

from crmcom_kit.contract_tests.reports.json_report import document
from crmcom_kit.contract_tests.results import Results

_TEMPLATE = Path(__file__).with_name("report.html")


def written(results: Results) -> str:
    """Return the page."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    report = document(results)
    shown = [each for each in report["statements"] if each["violations"] or each["stale"]]
    return template.render(**report, shown=shown)
