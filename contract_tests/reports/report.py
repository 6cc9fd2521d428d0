"""The results of a run, redacted and in words, from which all reports are made.

``Report.document`` is the JSON report, which ``report_schema.json`` describes. The other reports
show parts of it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.wording import counted, outcome
from crmcom_kit.contract_tests.oracle.findings import Cause, Verdict
from crmcom_kit.contract_tests.recorded.client_check import ClientFinding, ClientResults
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.script import Scripts
from crmcom_kit.contract_tests.run.results import Outcome, Results, StatementResult
from crmcom_kit.schemas.statements import statement as statement_of

SCHEMA = Path(__file__).with_name("report_schema.json")
_MAX_BODY = 20_000  # bytes
#: How many reasons are named why statements were not exercised.
MAX_REASONS = 4
# Control characters except line breaks, those that reverse a line, and those that XML cannot hold.
_UNPRINTABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

#: A member of ``statements`` in the JSON report, or of another list there.
Entry = dict[str, Any]


class Report:
    """The results of a run without secrets, made once for all reports."""

    def __init__(self, results: Results) -> None:
        """Redact the secrets of the target's login, and the tokens that logins returned."""
        self.results = results
        self.redactor = ReportRedactor(results.target, results.history)
        self._scripts = Scripts(results.target, results.history, self.redactor)
        self.text = self.redactor.text

    @cached_property
    def document(self) -> dict[str, Any]:
        """The JSON report; long bodies are cut."""
        results, text = self.results, self.text
        return {
            "summary": self._summary(),
            "target": {
                "name": text(results.target.name),
                "base_url": text(results.target.base_url),
                "release": results.target.release.name,
                "own_mock": results.target.is_own,
            },
            "run": {
                "version": __version__,
                "seed": results.seed,
                "began": results.began,
                "seconds": round(results.seconds, 3),
                "command": text(results.command),
            },
            "statements": [self._statement(result) for result in results.statements],
            "changed": [text(number) for number in results.changed],
            "never_served": [text(line) for line in results.never_served],
            "inconclusive": [text(line) for line in results.inconclusive],
            "stale": [text(line) for line in results.stale],
            "inventory": text(results.inventory),
            "notes": [text(note) for note in (*results.notes, *results.warnings)],
            "client": None if results.client is None else self._client(results.client),
        }

    def _client(self, client: ClientResults) -> dict[str, Any]:
        return {
            "requests": client.requests,
            "expected": client.expected,
            "mistakes": [self._mistake(finding) for finding in client.mistakes],
            "notes": [self._mistake(finding) for finding in client.notes],
        }

    def _mistake(self, finding: ClientFinding) -> Entry:
        """Return a mistake of a client, and its first request."""
        statement, fix = statement_of(finding.remark.statement), finding.remark.fix
        return {
            "statement": statement.id,
            "kind": str(finding.remark.kind),
            "method": self.text(finding.method),
            "mistake": self.text(finding.remark.why),
            "times": finding.times,
            "text": statement.text,
            "source": statement.source,
            "evidence": statement.evidence,
            "right": None if fix is None else request_line(fix, self.redactor),
            "sent": request_line(finding.exchange.call, self.redactor),
            "seen": self.text(outcome(finding.exchange)),
            "exchange": finding.exchange.number or None,
        }

    def as_json(self) -> str:
        """Return the JSON report as text, with escapes for unprintable characters."""
        text = json.dumps(self.document, ensure_ascii=False, indent=1)
        return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"

    def _summary(self) -> dict[str, Any]:
        results = self.results
        return {
            **{str(verdict): self._count(verdict) for verdict in Verdict},
            "statements": len(results.statements),
            "achieved": results.achieved,
            "requests": len(results.history),
            "unconfirmed": results.unconfirmed,
            "outcome": str(results.outcome),
            "headline": self.headline,
            "exit_code": results.exit_code,
            "trouble": None if results.trouble is None else self.text(results.trouble),
        }

    def _statement(self, result: StatementResult) -> Entry:
        statement = result.statement
        return {
            "id": statement.id,
            "verdict": str(result.verdict),
            "why": self.text(result.why),
            "requests": len(result.findings.requests),
            "held": result.findings.held,
            "evidence": statement.evidence,
            "text": statement.text,
            "source": statement.source,
            "methods": list(statement.methods_in(self.results.target.release)),
            "by_method": {method: str(verdict) for method, verdict in result.by_method.items()},
            "stale": result.stale,
            "violations": [self._violation(cause) for cause in result.findings.causes.values()],
        }

    def _violation(self, cause: Cause) -> dict[str, Any]:
        violation = cause.violation
        return {
            "methods": sorted({sighting.method for sighting in cause.sightings}),
            "expected": self.text(violation.expected),
            "seen": self.text(violation.seen),
            "times": cause.times,
            "record": None if violation.record_id is None else self.text(violation.record_id),
            "records": len(cause.records),
            "script": self._scripts.of(violation.calls),
            "exchanges": [self._exchange(exchange) for exchange in violation.exchanges],
        }

    def _exchange(self, exchange: Exchange) -> dict[str, Any]:
        call = exchange.call
        return {
            "number": exchange.number,
            "verb": call.verb,
            "path": self.text(call.path),
            "query": self.redactor.query(call.query),
            "body": None if call.body is None else body_text(call.body, self.redactor),
            "status": exchange.status,
            "answer": body_text(exchange.content, self.redactor),
            "milliseconds": round(exchange.seconds * 1000, 1),
        }

    # The sentences of the reports for people.

    @cached_property
    def headline(self) -> str:
        """The outcome in a sentence: why the run has not passed, or what was not seen."""
        results = self.results
        match results.outcome:
            case Outcome.ERROR:
                return self.text(f"The run failed: {results.trouble}")
            case Outcome.BROKEN:
                server = ", and ".join(self._faults()) or self._held_of_checked()
            case Outcome.INCONCLUSIVE:
                server = f"{'; '.join(map(self.text, results.inconclusive))}."
                return f"{server[0].upper()}{server[1:]}" if server[0].islower() else server
            case Outcome.UNCONFIRMED:
                number = counted(results.unconfirmed, "suspicion")
                server = f"{self._held()}, but {number} could not be confirmed"
            case Outcome.PASSED:
                server = "; ".join((self._held(), *self._not_exercised()))
        return f"{self._of_both_sides(server)}."

    def _of_both_sides(self, server: str) -> str:
        """Return the lines about the client, if it was checked, and of the server."""
        client = self.results.client
        if client is None:
            return server
        if client.mistakes:
            client_text = f"client: {counted(len(client.mistakes), 'mistake')}"
        else:
            client_text = f"client: no mistake in {counted(client.requests, 'request')}"
        return f"{client_text}; server: {server}" if self.results.statements else client_text

    def _held_of_checked(self) -> str:
        """Say that nothing is wrong with the server."""
        count = self._count(Verdict.HOLDS)
        return f"all {count} checked statements hold" if count else "no statement was checked"

    def _held(self) -> str:
        """Say how many statements hold."""
        if not self.results.achieved:
            return self._held_of_checked()
        count, deviations = self._count(Verdict.HOLDS), self._count(Verdict.DEVIATES)
        total = counted(len(self.results.statements), "statement")
        suffix = f", {deviations} deviate{'s' * (deviations == 1)} as listed" if deviations else ""
        return f"{count} of {total} {'holds' if count == 1 else 'hold'}{suffix}"

    def _not_exercised(self) -> Iterator[str]:
        """Yield how many statements were not exercised and why, and what is missing as listed."""
        results = [r for r in self.results.statements if r.verdict is Verdict.NOT_EXERCISED]
        reasons = Counter(self.text(r.why).partition(":")[0] for r in results).most_common()
        if results:
            text = ", ".join(f"{count}: {reason}" for reason, count in reasons[:MAX_REASONS])
            yield f"{len(results)} {'was' if len(results) == 1 else 'were'} not exercised ({text})"
        yield from map(self.text, self.results.waived)

    def _faults(self) -> Iterator[str]:
        if count := self._count(Verdict.BROKEN):
            yield f"{counted(count, 'statement')} {'is' if count == 1 else 'are'} broken"
        if count := sum(result.stale for result in self.results.statements):
            verb = "occurs" if count == 1 else "occur"
            yield f"{counted(count, 'listed deviation')} no longer {verb}"
        yield from map(self.text, self.results.stale)

    def _count(self, verdict: Verdict) -> int:
        return sum(result.verdict is verdict for result in self.results.statements)

    @property
    def failing(self) -> list[Entry]:
        """The statements that make the run fail."""
        return [entry for entry in self.document["statements"] if fails(entry)]


def request_line(call: Call, redactor: ReportRedactor, limit: int = _MAX_BODY) -> str:
    """Return a request in a line, without secrets, and with up to ``limit`` bytes of its body.

    Variables of a recording stay, though a request that was built of them has them encoded.
    """
    query = call.query.replace("%24CRMCOM_", "$CRMCOM_")
    suffix = f"?{redactor.query(query)}" if query else ""
    body = "" if call.body is None else f" {body_text(call.body, redactor, limit)}"
    return f"{redactor.text(f'{call.verb} {call.path}')}{suffix}{body}"


def body_text(content: bytes, redactor: ReportRedactor, limit: int = _MAX_BODY) -> str:
    """Return a body without secrets; a long one is cut, and its length is added."""
    text = redactor.content(content, limit)
    return text if len(content) <= limit else f"{text}… ({len(content)} bytes)"


def failure_of_run(document: Entry) -> str:
    """Return the outcome in a line if the run fails for more than its statements; else "".

    The statements alone would look like a pass.
    """
    summary, client = document["summary"], document["client"] or {"mistakes": []}
    is_of_run = summary["outcome"] in (Outcome.ERROR, Outcome.INCONCLUSIVE) or document["stale"]
    is_of_run = is_of_run or client["mistakes"]
    return f"{summary['outcome'].upper()}: {summary['headline']}" if is_of_run else ""


def visible(text: str) -> str:
    """Return ``text`` with control and other unprintable characters as escapes."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def amount(entry: Entry) -> str:
    """Return how many requests the verdict of a statement rests on, such as "7 requests"."""
    return counted(entry["requests"], "request") if entry["requests"] else ""


def fails(entry: Entry) -> bool:
    """Return whether a statement makes the run fail: it is broken, or its deviation is stale."""
    return entry["verdict"] == Verdict.BROKEN or bool(entry["stale"])


def first_failure(entry: Entry) -> str:
    """Return why a statement fails: its first violation, or the note of a stale deviation."""
    for violation in entry["violations"]:
        return f"expected {violation['expected']}; seen {violation['seen']}"
    return str(entry["why"])


def repeated(violation: dict[str, Any]) -> str:
    """Return how often a violation was seen besides: "and 13 more records", or ""."""
    if violation["records"] > 1:
        return f"and {counted(violation['records'] - 1, 'more record')}"
    count = violation["times"] - 1
    return f"and {count} more {'time' if count == 1 else 'times'}" if count else ""


def by_method(entry: Entry) -> str:
    """Return the verdicts by method if they differ, such as "show: holds, delete: broken"."""
    verdicts = {method: verdict.replace("_", " ") for method, verdict in entry["by_method"].items()}
    if len(set(verdicts.values())) < 2:
        return ""
    return ", ".join(f"{method}: {verdict}" for method, verdict in verdicts.items())


def one_line(text: str) -> str:
    """Return ``text`` in one line, so that no text of a server looks like a line of the kit."""
    return visible(text).replace("\n", "\\n")


def mistake_details(mistake: Entry) -> Iterator[str]:
    """Yield lines with everything that is known of a mistake of a client."""
    times = f" ({counted(mistake['times'], 'time')})" if mistake["times"] > 1 else ""
    place = f" (exchange {mistake['exchange']})" if mistake["exchange"] else ""
    yield f"Mistake:   {one_line(mistake['mistake'])}{times}"
    yield f"Sent:      {one_line(mistake['sent'])}"
    yield f"Seen:      {one_line(mistake['seen'])}{place}"
    if mistake["right"] is not None:
        yield f"Right:     {one_line(mistake['right'])}"
    yield f"Documents: {mistake['text']}"
    yield f"Source:    {mistake['source']} ({mistake['evidence']})"


def failure_details(entry: Entry, limit: int | None = None) -> Iterator[str]:
    """Yield lines with everything that is known of a statement that fails, scripts included.

    At most ``limit`` of its violations are shown, by default all.
    """
    yield entry["text"]
    yield f"Source:   {entry['source']} ({entry['evidence']})"
    if verdicts := by_method(entry):
        yield f"Methods:  {verdicts}"
    if entry["why"]:
        yield f"Note:     {one_line(entry['why'])}"
    violations = entry["violations"]
    for violation in violations[:limit]:
        repetitions = repeated(violation)
        yield f"Expected: {one_line(violation['expected'])}"
        yield f"Seen:     {one_line(violation['seen'])}{f' ({repetitions})' if repetitions else ''}"
        yield from (f"  {visible(line)}" for line in violation["script"].splitlines())
    if hidden_count := len(violations) - len(violations[:limit]):
        yield f"{counted(hidden_count, 'other kind')} of violation not shown."
