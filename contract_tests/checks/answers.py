"""Check the webhook requests in a response: each by itself, and all of them together.

A run reads the same webhook requests over and over. Each one is checked once a run in each form
that it is seen in; later sights of it are looked up.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from crmcom_kit.contract_tests.checks.envelope import sound
from crmcom_kit.contract_tests.checks.knowledge import alike, required_fields, strangers
from crmcom_kit.contract_tests.checks.records import Problem, problems, promises
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Findings, Violation
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import Release

#: Longer answers are remembered by their hash.
_LONG = 16 * 1024

_METHODS = ("show", "list", "resend", "delete")


class RequestedFields(NamedTuple):
    """Which fields the webhook requests of an answer shall have."""

    names: frozenset[str]
    by_name: bool  # by fields_set, even where it names them all


_EVERY = frozenset(response_fields())
ALL = RequestedFields(_EVERY, by_name=False)

RecordVerdict = tuple[frozenset[str], tuple[Problem, ...]]  # of one record: promises kept, problems


def check_answers(exchange: Exchange, session: Session) -> Iterator[str | Violation]:
    """Check response.*, X.fields_set.*, list.no_duplicates, of an answer with webhook requests."""
    method = exchange.call.method
    if method not in _METHODS or not sound(exchange) or not exchange.ok:
        return
    yield from ("methods.available", "methods.path", "methods.verb", "parameters.place")
    yield from _ways_of_writing(exchange.call)
    records = exchange.records
    if not isinstance(exchange.data, list if method == "list" else dict):
        return
    yield from _each(exchange, records, session)
    if method == "list":
        yield from _one_list(exchange, records)
    yield from _names_one(exchange, records, session)


def _ways_of_writing(call: Call) -> Iterator[str]:
    """Yield how a call that was served was written, which shows that this is understood."""
    named = isinstance(call.parameters.get("webhook_request_identifier"), Mapping)
    if call.verb == "GET" and named:
        yield "parameters.identifier_in_query"
    if call.verb == "POST" and call.body is not None and call.body.startswith(b"{"):
        yield "parameters.body"
        if named:
            yield "parameters.identifier_in_body"


def requested_fields(call: Call, release: Release) -> RequestedFields | None:
    """Return which fields the answer to a call shall have; None where the documents don't say."""
    if not call.parameters and (call.query or call.body):
        return None  # written by hand
    if "fields_set" not in call.parameters:
        return ALL
    given = call.parameters["fields_set"]
    known = call.method in ("show", "list") or release.at_least("R10.0.0")
    if not known or not isinstance(given, str):
        return None
    names = given.split(",")
    fine = set(names) <= _EVERY and len(set(names)) == len(names)
    if not fine or "fields_set" in _repeated(call):
        return None
    return RequestedFields(frozenset(names), by_name=True)


def _repeated(call: Call) -> set[str]:
    counts = Counter(part.partition("=")[0] for part in call.query.split("&"))
    return {name for name, times in counts.items() if times > 1}


def _each(
    exchange: Exchange, records: list[dict[str, Any]], session: Session
) -> Iterator[str | Violation]:
    """Check each record by itself; of several that break one statement, the first is told."""
    requested = requested_fields(exchange.call, session.release)
    content = exchange.content
    if len(content) > _LONG:
        content = hashlib.sha256(content).digest()
    whole = (exchange.call.method, requested, content)
    if whole not in session.checked:
        session.checked[whole] = _together(records, exchange.call.method, requested, session)
    kept, broken = session.checked[whole]
    yield from kept
    for (statement, expected, seen), record_id in broken:
        named = record_id if isinstance(record_id, str) else None
        yield Violation(statement, exchange, expected=expected, seen=seen, record=named)


def _together(
    records: list[dict[str, Any]], method: str, requested: RequestedFields | None, session: Session
) -> tuple[list[str], list[tuple[Problem, Any]]]:
    """Return what several records keep, and what they break, each with the id of the first."""
    cache: dict[tuple[str, RequestedFields | None, bytes | str], RecordVerdict] = session.checked
    kept: set[str] = set()
    broken: dict[str, tuple[Problem, Any]] = {}
    for record in records:
        key = (method, requested, _written(record))
        verdict = cache.get(key)
        if verdict is None:
            verdict = cache[key] = _check_record(record, method, requested, session)
        kept |= verdict[0]
        for problem in verdict[1]:
            broken.setdefault(problem[0], (problem, record.get("id")))
    return sorted(kept - broken.keys()), list(broken.values())


def _written(record: dict[str, Any]) -> bytes | str:
    """Return what tells records apart; orjson is quick, and cannot write every text and number."""
    try:
        return orjson.dumps(record)
    except TypeError:
        return json.dumps(record)


def _check_record(
    record: dict[str, Any], method: str, requested: RequestedFields | None, session: Session
) -> RecordVerdict:
    found = problems(record, session.release)
    note_drift(record, session)
    promised = set(promises(record, session.release))
    if requested is not None:
        statement = _of_fields(method, requested, session.release)
        promised.add(statement)
        reported = {problem[0] for problem in found}
        lack = _fields(record, requested, session.release, reported)
        if lack:
            found.append((statement, *lack))
    return frozenset(promised - {problem[0] for problem in found}), tuple(found)


def _of_fields(method: str, requested: RequestedFields, release: Release) -> str:
    """Return the statement that says which fields an answer has."""
    if requested.by_name:
        return f"{method}.fields_set.selects"
    if method in ("resend", "delete") and not release.at_least("R10.0.0"):
        return f"{method}.returns_record"  # fields_set came later
    return f"{method}.fields_set.default_all"


def _fields(
    record: Mapping[str, Any], requested: RequestedFields, release: Release, reported: set[str]
) -> tuple[str, str] | None:
    """Return what was expected of a record's fields and what was seen, where these differ.

    A field without a value may be left out, and id may come along unasked. A field that seems to
    have come under another name is told already.
    """
    missing = [
        name
        for name in response_fields()
        if name in requested.names & required_fields(release.name)
        and name not in record
        and f"response.{name}" not in reported
    ]
    if missing:
        expected = "every field"
        if requested.by_name:
            expected = f"the fields {','.join(sorted(requested.names))}"
        return expected, f"no {', '.join(missing)}"
    beyond = [
        name
        for name in response_fields()
        if name in record and name not in requested.names | {"id"}
    ]
    if beyond:
        return f"only the fields {','.join(sorted(requested.names))}", f"{', '.join(beyond)}, too"
    return None


def note_drift(record: Mapping[str, Any], session: Session) -> None:
    """Note the members of a record that no page knows."""
    findings: Findings = session.findings
    for home, unknown, missing in strangers(record, session.release.name):
        for name in unknown:
            if not any(alike((name,), lacked) for lacked in missing):
                findings.drift.add(f"{home or 'webhook_request'}.{name}")


def _one_list(exchange: Exchange, records: list[dict[str, Any]]) -> Iterator[str | Violation]:
    """Check whether a list has a webhook request twice."""
    numbers: dict[str, Any] = {}
    for record in records:
        name = record.get("id")
        if not isinstance(name, str):
            continue
        if name in numbers and numbers[name] == record.get("number"):
            yield Violation(
                "list.no_duplicates",
                exchange,
                expected="each webhook request once",
                seen=f"the webhook request {name} twice",
                record=name,
            )
            return
        numbers[name] = record.get("number")
    if numbers:
        yield "list.no_duplicates"


def _names_one(
    exchange: Exchange, records: list[dict[str, Any]], session: Session
) -> Iterator[str | Violation]:
    """Check whether id and number name one webhook request each, among all that were seen.

    What was seen before a change is forgotten: the statements on changes tell of what they keep.
    """
    if exchange.call.method in ("resend", "delete"):
        session.memory["names"] = ({}, {})
        return
    numbers, ids = session.memory.setdefault("names", ({}, {}))
    both = [
        (record["id"], record["number"])
        for record in records
        if isinstance(record.get("id"), str) and isinstance(record.get("number"), str)
    ]
    broken: dict[str, Violation] = {}
    for record_id, number in both:
        other = numbers.setdefault(record_id, number)
        if other != number:
            seen = f"the id {record_id} with the numbers {other} and {number}"
            broken["response.id.names_one"] = _twice("response.id.names_one", exchange, seen)
        other = ids.setdefault(number, record_id)
        if other != record_id:
            seen = f"the number {number} with the ids {other} and {record_id}"
            broken["response.number.names_one"] = _twice(
                "response.number.names_one", exchange, seen
            )
    if both:
        yield from {"response.id.names_one", "response.number.names_one"} - broken.keys()
    yield from broken.values()


def _twice(statement: str, exchange: Exchange, seen: str) -> Violation:
    field = statement.split(".")[1]
    expected = f"each {field} with one webhook request"
    return Violation(statement, exchange, expected=expected, seen=seen)
