"""What every report is made from: the results of a run, redacted and in words.

``Report.document`` is the JSON report, whose shape ``report_schema.json`` describes; the other
reports show parts of it.
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
from crmcom_kit.contract_tests.recorded.client import ClientFinding, ClientResults
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.script import Scripts
from crmcom_kit.contract_tests.run.results import Outcome, Results, StatementResult
from crmcom_kit.schemas.statements import statement

SCHEMA = Path(__file__).with_name("report_schema.json")
_MAX_BODY = 20_000  # bytes
#: So many reasons are named for which statements were not exercised.
MAX_REASONS = 4
# Control characters except line breaks, what turns a line around, and what XML cannot hold.
_UNPRINTABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

#: What a report says of one statement: a member of ``statements`` in the JSON report.
Entry = dict[str, Any]


class Report:
    """The results of a run without secrets, made once for all reports."""

    def __init__(self, results: Results) -> None:
        """Redact what the login of the target holds, and what logins returned."""
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
                "own_mock": results.target.own,
            },
            "run": {
                "version": __version__,
                "seed": results.seed,
                "began": results.began,
                "seconds": round(results.seconds, 3),
                "command": text(results.command),
            },
            "statements": [self._statement(each) for each in results.statements],
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
            "mistakes": [self._mistake(each) for each in client.mistakes],
            "notes": [self._mistake(each) for each in client.notes],
        }

    def _mistake(self, finding: ClientFinding) -> Entry:
        """Return what is wrong with some requests of a client, and the first one of them."""
        about, right = statement(finding.remark.statement), finding.remark.right
        return {
            "statement": about.id,
            "kind": str(finding.remark.kind),
            "method": self.text(finding.method),
            "mistake": self.text(finding.remark.why),
            "times": finding.times,
            "text": about.text,
            "source": about.source,
            "evidence": about.evidence,
            "right": None if right is None else self._request(right),
            "sent": self._request(finding.exchange.call),
            "seen": self.text(outcome(finding.exchange)),
            "exchange": finding.exchange.number or None,
        }

    def _request(self, call: Call) -> str:
        """Return a request in a line, without secrets; a recording's variables as they stand there.

        A request that was built from them has them encoded.
        """
        plain = call.query.replace("%24CRMCOM_", "$CRMCOM_")
        query = f"?{self.redactor.query(plain)}" if plain else ""
        body = "" if call.body is None else f" {self._body(call.body)}"
        return f"{self.text(f'{call.verb} {call.path}')}{query}{body}"

    def as_json(self) -> str:
        """Return the JSON report as text, with escapes for what is unprintable."""
        text = json.dumps(self.document, ensure_ascii=False, indent=1)
        return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"

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
        about = result.statement
        return {
            "id": about.id,
            "verdict": str(result.verdict),
            "why": self.text(result.why),
            "requests": len(result.findings.requests),
            "held": result.findings.held,
            "evidence": about.evidence,
            "text": about.text,
            "source": about.source,
            "methods": list(about.methods_in(self.results.target.release)),
            "by_method": {name: str(each) for name, each in result.by_method.items()},
            "stale": result.stale,
            "violations": [self._violation(each) for each in result.findings.causes.values()],
        }

    def _violation(self, cause: Cause) -> dict[str, Any]:
        violation = cause.violation
        return {
            "methods": sorted({kind.method for kind in cause.kinds}),
            "expected": self.text(violation.expected),
            "seen": self.text(violation.seen),
            "times": cause.times,
            "record": None if violation.record is None else self.text(violation.record),
            "records": len(cause.records),
            "script": self._scripts.of(violation.calls),
            "exchanges": [self._exchange(each) for each in violation.exchanges],
        }

    def _exchange(self, exchange: Exchange) -> dict[str, Any]:
        call = exchange.call
        return {
            "number": exchange.number,
            "verb": call.verb,
            "path": self.text(call.path),
            "query": self.redactor.query(call.query),
            "body": None if call.body is None else self._body(call.body),
            "status": exchange.status,
            "answer": self._body(exchange.content),
            "milliseconds": round(exchange.seconds * 1000, 1),
        }

    def _body(self, content: bytes) -> str:
        """Return a body without secrets; a long one is cut, and says so."""
        text = self.redactor.content(content, _MAX_BODY)
        return text if len(content) <= _MAX_BODY else f"{text}… ({len(content)} bytes)"

    # What the reports for people say in the same words.

    @property
    def outcome(self) -> Outcome:
        """What the run comes to."""
        return self.results.outcome

    @cached_property
    def headline(self) -> str:
        """What came of the run in one sentence: why it is no pass, or what was not seen."""
        results = self.results
        match results.outcome:
            case Outcome.ERROR:
                return self.text(f"The run failed: {results.trouble}")
            case Outcome.BROKEN:
                said = ", and ".join(self._faults()) or self._held_of_checked()
            case Outcome.INCONCLUSIVE:
                said = f"{'; '.join(map(self.text, results.inconclusive))}."
                return f"{said[0].upper()}{said[1:]}" if said[0].islower() else said
            case Outcome.UNCONFIRMED:
                number = counted(results.unconfirmed, "contradiction")
                said = f"{self._held()}, but {number} could not be confirmed"
            case Outcome.PASSED:
                said = "; ".join((self._held(), *self._not_exercised()))
        return f"{self._of_both_sides(said)}."

    def _of_both_sides(self, server: str) -> str:
        """Return what is said of the client, if it was judged, and of the server."""
        client = self.results.client
        if client is None:
            return server
        number = counted(len(client.mistakes), "mistake") if client.mistakes else "no mistake"
        said = f"client: {number} in {counted(client.requests, 'request')}"
        if client.mistakes:
            said = f"client: {number}"
        return f"{said}; server: {server}" if self.results.statements else said

    def _held_of_checked(self) -> str:
        """Say that nothing is wrong with the server."""
        held = self._count(Verdict.HOLDS)
        return f"all {held} checked statements hold" if held else "no statement was checked"

    def _held(self) -> str:
        """Say how many statements hold."""
        if not self.results.achieved:
            return self._held_of_checked()
        every = len(self.results.statements)
        held, deviates = self._count(Verdict.HOLDS), self._count(Verdict.DEVIATES)
        said = f"{held} of {counted(every, 'statement')} {'holds' if held == 1 else 'hold'}"
        return said + (f", {deviates} deviate{'s' * (deviates == 1)} as listed" if deviates else "")

    def _not_exercised(self) -> Iterator[str]:
        """Say how many statements were not exercised, and why, and what was expected not to be."""
        results = [r for r in self.results.statements if r.verdict is Verdict.NOT_EXERCISED]
        reasons = Counter(self.text(r.why).partition(":")[0] for r in results).most_common()
        if results:
            said = ", ".join(f"{count}: {reason}" for reason, count in reasons[:MAX_REASONS])
            yield f"{len(results)} {'was' if len(results) == 1 else 'were'} not exercised ({said})"
        yield from map(self.text, self.results.waived)

    def _faults(self) -> Iterator[str]:
        if broken := self._count(Verdict.BROKEN):
            yield f"{counted(broken, 'statement')} {'is' if broken == 1 else 'are'} broken"
        if stale := sum(result.stale for result in self.results.statements):
            verb = "occurs" if stale == 1 else "occur"
            yield f"{counted(stale, 'listed deviation')} no longer {verb}"
        yield from map(self.text, self.results.stale)

    def _count(self, verdict: Verdict) -> int:
        return sum(result.verdict is verdict for result in self.results.statements)

    @property
    def failing(self) -> list[Entry]:
        """The statements that make the run fail."""
        return [each for each in self.document["statements"] if fails(each)]


def failure_of_run(document: Entry) -> str:
    """Return the outcome in a line if the statements alone don't say that the run fails; else "".

    A reader of the statements alone would see a pass in it.
    """
    summary, client = document["summary"], document["client"] or {"mistakes": []}
    is_of_run = summary["outcome"] in (Outcome.ERROR, Outcome.INCONCLUSIVE) or document["stale"]
    is_of_run = is_of_run or client["mistakes"]
    return f"{summary['outcome'].upper()}: {summary['headline']}" if is_of_run else ""


def visible(text: str) -> str:
    """Return ``text`` with control and other unprintable characters as escapes."""
    return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def amount(entry: Entry) -> str:
    """Return how many requests show what is said of a statement: "7 requests"."""
    return counted(entry["requests"], "request") if entry["requests"] else ""


def fails(entry: Entry) -> bool:
    """Whether a statement makes the run fail: it is broken, or its deviation is stale."""
    return entry["verdict"] == Verdict.BROKEN or bool(entry["stale"])


def first_failure(entry: Entry) -> str:
    """Return why a statement fails: its first violation, or the note of a stale deviation."""
    for violation in entry["violations"]:
        return f"expected {violation['expected']}; seen {violation['seen']}"
    return str(entry["why"])


def repeated(violation: dict[str, Any]) -> str:
    """Return how often else a violation was seen: "and 13 more records", or ""."""
    if violation["records"] > 1:
        return f"and {counted(violation['records'] - 1, 'more record')}"
    more = violation["times"] - 1
    return f"and {more} more {'time' if more == 1 else 'times'}" if more else ""


def by_method(entry: Entry) -> str:
    """Return the verdicts by method if they differ, such as "show: holds, delete: broken"."""
    verdicts = {name: each.replace("_", " ") for name, each in entry["by_method"].items()}
    if len(set(verdicts.values())) < 2:
        return ""
    return ", ".join(f"{name}: {verdict}" for name, verdict in verdicts.items())


def one_line(text: str) -> str:
    """Return ``text`` in one line, so that a server's text cannot pass for a line of the kit."""
    return visible(text).replace("\n", "\\n")


def mistake_details(mistake: Entry) -> Iterator[str]:
    """Yield the lines that say all that is known of a mistake of a client."""
    times = f" ({counted(mistake['times'], 'time')})" if mistake["times"] > 1 else ""
    where = f" (exchange {mistake['exchange']})" if mistake["exchange"] else ""
    yield f"Mistake:   {one_line(mistake['mistake'])}{times}"
    yield f"Sent:      {one_line(mistake['sent'])}"
    yield f"Seen:      {one_line(mistake['seen'])}{where}"
    if mistake["right"] is not None:
        yield f"Right:     {one_line(mistake['right'])}"
    yield f"Documents: {mistake['text']}"
    yield f"Source:    {mistake['source']} ({mistake['evidence']})"


def failure_details(entry: Entry, most: int | None = None) -> Iterator[str]:
    """Yield the lines that say all that is known of a statement that fails, with scripts.

    Of its violations ``most`` are shown, or all.
    """
    yield entry["text"]
    yield f"Source:   {entry['source']} ({entry['evidence']})"
    if said := by_method(entry):
        yield f"Methods:  {said}"
    if entry["why"]:
        yield f"Note:     {one_line(entry['why'])}"
    found = entry["violations"]
    for each in found[:most]:
        again = repeated(each)
        yield f"Expected: {one_line(each['expected'])}"
        yield f"Seen:     {one_line(each['seen'])}{f' ({again})' if again else ''}"
        yield from (f"  {visible(line)}" for line in each["script"].splitlines())
    if more := len(found[:most]) - len(found):
        yield f"{counted(-more, 'other kind')} of violation not shown."
