"""The draft of a file of deviations, with what a run found broken; people add the reasons."""

import re
from dataclasses import asdict
from operator import itemgetter

from crmcom_kit.contract_tests.options.deviations import Deviation
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.oracle.findings import Sighting
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.schemas.dialect_file import toml_value

#: What differs in another run: what is redacted, and words with a digit, except HTTP statuses.
_VARIES = re.compile(r"\$CRMCOM_\w+|\*{3}|(?<!HTTP )\b\w*\d\w*")
_HEADER = """\
# Statements that this target is known to break. Give a reason for each.
# In seen, * stands for any text. An entry without a method is about all methods.
# With after, only runs that call this method can find that an entry is stale.
"""


def render(report: Report) -> str:
    """Return the draft, with an entry for each kind of violation.

    Ids, numbers and redacted texts are *, so that an entry explains the next run, too.
    """
    drafts: dict[tuple[str, str, str], Deviation] = {}
    first_changes = _first_changes(report)
    for result in report.results.statements:
        for sighting, number in sorted(result.findings.sightings.items(), key=itemgetter(1)):
            text = report.text(sighting.seen)
            pattern = _VARIES.sub("*", text)
            seen = pattern if pattern.strip("*") else text  # a bare * would accept everything
            deviation = Deviation(
                statement=result.statement.id,
                method=sighting.method,
                after=_after(first_changes, sighting, number),
                seen=seen,
                reason="TODO: why this is accepted",
            )
            drafts.setdefault((deviation.statement, sighting.method, seen), deviation)
    lines = [_HEADER]
    for deviation in drafts.values():
        members = {name: value for name, value in asdict(deviation).items() if value is not None}
        lines += [
            "[[deviation]]",
            *(f"{name} = {toml_value(value)}" for name, value in members.items()),
            "",
        ]
    return "\n".join(lines)


def _first_changes(report: Report) -> dict[str, int]:
    """Return the numbers of the first resend and the first delete that were served, in order."""
    first_changes: dict[str, int] = {}
    for exchange in report.results.history:
        if exchange.ok and exchange.call.method in CHANGES:
            first_changes.setdefault(exchange.call.method, exchange.number)
    return first_changes


def _after(first_changes: dict[str, int], sighting: Sighting, number: int) -> str | None:
    """Return the changing method after which exchange ``number`` showed a violation of a read.

    Of resend and delete it is the one whose first request came later; None before both.
    """
    if sighting.method in CHANGES:
        return None
    return next((name for name in reversed(first_changes) if first_changes[name] < number), None)
