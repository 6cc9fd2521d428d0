"""What the reports for people say in the same words: the verdict of a run, and its evidence."""

from collections.abc import Iterator
from typing import NamedTuple

from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.reports.curl import curl
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.results import Results, StatementResult

_OUTCOMES = {0: "passed", 1: "failed", 2: "error"}  # by exit code


class NotExercised(NamedTuple):
    """Statements that were not checked for the same reason."""

    why: str
    statements: tuple[str, ...]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 request" or "7 requests"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def outcome(results: Results) -> str:
    """Return how a run ended: passed, failed, error, or dry run."""
    return "dry run" if results.dry_run else _OUTCOMES[results.exit_code]


def headline(results: Results) -> str:
    """Return what came of a run in one sentence."""
    if results.dry_run:
        return "Nothing was sent."
    if results.trouble is not None:
        return f"The run failed: {results.trouble}"
    counts = verdict_counts(results)
    if results.exit_code == 1:
        return f"{_what_is_wrong(results, counts)}."
    if counts["error"]:
        errors = counted(counts["error"], "statement")
        return f"{errors} could not be judged because of an error in the kit."
    if results.achieved == 0:
        return "Nothing could be checked."
    if results.exit_code != 0:
        return "The run failed because of an error in the kit."
    held = counted(counts["holds"], "checked statement")
    verb = "holds" if counts["holds"] == 1 else "hold"
    if counts["deviates"]:
        return f"{held} {verb}, {counts['deviates']} deviate as listed."
    return f"All {held} {verb}." if counts["holds"] > 1 else f"{held} {verb}."


def _what_is_wrong(results: Results, counts: dict[str, int]) -> str:
    parts = []
    if broken := counts["broken"]:
        parts.append(f"{counted(broken, 'statement')} {'is' if broken == 1 else 'are'} broken")
    if stale := sum(result.stale for result in results.statements):
        verb = "does" if stale == 1 else "do"
        parts.append(f"{counted(stale, 'listed deviation')} {verb} not occur any more")
    return ", and ".join(parts)


def verdict_counts(results: Results) -> dict[str, int]:
    """Return how many statements have which verdict."""
    found = [result.verdict for result in results.statements]
    return {str(verdict): found.count(verdict) for verdict in Verdict}


def coverage(results: Results) -> Iterator[str]:
    """Yield sentences that say how much was checked, and how thin the evidence is."""
    yield (
        f"Checked {results.achieved} of the {results.reachable} statements that requests can "
        f"show, of {len(results.statements)} in all."
    )
    if once := sum(result.is_seen_once for result in results.statements):
        verb = "holds" if once == 1 else "hold"
        yield f"{counted(once, 'statement')} {verb} but {was(once)} seen only once."


def was(number: int) -> str:
    """Return the verb for so many."""
    return "was" if number == 1 else "were"


def amount(result: StatementResult) -> str:
    """Return how many requests show what is said of a statement: "seen once", "7 requests"."""
    if result.is_seen_once:
        return "seen once"
    return counted(result.requests, "request") if result.requests else ""


def not_exercised(results: Results) -> list[NotExercised]:
    """Return the statements that were not checked, grouped by the reason, largest group first."""
    groups: dict[str, list[str]] = {}
    for result in results.statements:
        if result.verdict is Verdict.NOT_EXERCISED:
            groups.setdefault(result.why, []).append(result.statement.id)
    found = [NotExercised(why, tuple(ids)) for why, ids in groups.items()]
    return sorted(found, key=lambda group: -len(group.statements))


def failure_message(result: StatementResult, redactor: ReportRedactor) -> str:
    """Return why a statement fails, in one line."""
    if not result.violations:
        return redactor.text(result.why)
    first = result.violations[0]
    return redactor.text(f"expected {first.expected}; seen {first.seen}")


def failure_details(result: StatementResult, results: Results, redactor: ReportRedactor) -> str:
    """Return all that is known of a statement that fails, with curl lines."""
    lines = [result.statement.text, f"Source: {result.statement.source}"]
    for violation, _times in result.distinct:
        lines += [
            "",
            redactor.text(f"expected {violation.expected}"),
            redactor.text(f"seen {violation.seen}"),
        ]
        lines += [curl(call, results.target, redactor) for call in violation.calls]
    return "\n".join(lines)
