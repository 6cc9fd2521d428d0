"""Check the webhook requests in a response: each by itself, its fields, and its names.

A run reads the same webhook requests over and over. Each is checked once in each form that it is
seen in; later sights of it are looked up.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from crmcom_kit.contract_tests.belief.belief import MAX_NAME, Belief, Record
from crmcom_kit.contract_tests.belief.interpretations import Named
from crmcom_kit.contract_tests.belief.knowledge import required_fields
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.expectations import has_fields_set
from crmcom_kit.contract_tests.oracle.records import Problem, problems, promises
from crmcom_kit.contract_tests.oracle.sense import FIELDS, RECORD_METHODS, Sense
from crmcom_kit.contract_tests.oracle.suspicions import (
    Again,
    Confirmation,
    Hypothesis,
    Now,
    Seen,
    Suspicion,
    at_once,
)
from crmcom_kit.schemas.releases import Release

#: So many forms of webhook requests are remembered.
MAX_REMEMBERED = 10_000


class Wanted(NamedTuple):
    """Which fields the webhook requests of a response must have."""

    names: frozenset[str]
    by_name: bool  # by fields_set, even if it names them all


EVERY = Wanted(frozenset(FIELDS), by_name=False)

Checked = tuple[frozenset[str], tuple[Problem, ...]]  # statements kept, problems


@dataclass(slots=True)
class WebhookRequests:
    """Checks webhook requests; remembers what it has checked."""

    belief: Belief
    _checked: dict[Any, Checked] = field(default_factory=dict)

    @property
    def release(self) -> Release:
        """The release that the server is held to."""
        return self.belief.release

    def check(self, exchange: Exchange, sense: Sense) -> Iterator[Seen]:
        """Check the webhook requests of a response of show, list, resend or delete."""
        method = sense.name
        if not exchange.ok or method not in (*RECORD_METHODS, "list"):
            return
        if not isinstance(exchange.data, list if method == "list" else dict):
            return
        yield from ("methods.available", "methods.path", "methods.verb", "parameters.place")
        yield from _spelling(sense)
        wanted = self._wanted(sense)
        kept: set[str] = set()
        broken: dict[str, Suspicion] = {}
        for record in exchange.records:
            checked = self._look_up(record, method, wanted)
            kept |= checked[0]
            for statement, expected, seen in checked[1]:
                if statement not in broken:
                    broken[statement] = at_once(
                        exchange, statement, expected, seen, record=_id(record)
                    )
        yield from sorted(kept - broken.keys())
        yield from broken.values()
        yield from self._one_name_each(exchange, method)

    def _wanted(self, sense: Sense) -> Wanted | None:
        """Return which fields a response must have; None if the documents do not say."""
        if {"", "fields_set"} & sense.unclear:
            return None
        if "fields_set" not in sense.given:
            return EVERY
        if not has_fields_set(sense.name, self.release) or sense.fields is None:
            return None
        return Wanted(frozenset(sense.fields), by_name=True)

    def _look_up(self, record: Record, method: str, wanted: Wanted | None) -> Checked:
        key = (method, wanted, _mark(record))
        found = self._checked.get(key)
        if found is None:
            found = self._look(record, method, wanted)
            if len(self._checked) < MAX_REMEMBERED:
                self._checked[key] = found
        return found

    def _look(self, record: Record, method: str, wanted: Wanted | None) -> Checked:
        found = problems(record, self.release)
        if wanted is None:  # an odd fields_set may give fields odd names
            found = [each for each in found if each[0].split(".")[1] in record]
        promised = set(promises(record, self.release))
        if wanted is not None:
            statement = self._of_fields(method, wanted)
            promised.add(statement)
            lack = _fields(record, wanted, self.release, {problem[0] for problem in found})
            if lack is not None:
                found.append((statement, *lack))
        return frozenset(promised - {problem[0] for problem in found}), tuple(found)

    def _of_fields(self, method: str, wanted: Wanted) -> str:
        """Return the statement that says which fields a response has."""
        if wanted.by_name:
            return "fields_set.selects"
        if not has_fields_set(method, self.release):
            return f"{method}.returns_record"
        return "fields_set.default_all"

    def _one_name_each(self, exchange: Exchange, method: str) -> Iterator[Seen]:
        """Check that no two webhook requests have one id or one number."""
        broken: dict[str, Suspicion] = {}
        both = [(_name(each, "id"), _name(each, "number")) for each in exchange.records]
        named = [(i, n) for i, n in both if i is not None and n is not None]
        here = {key for key, _ in named}
        numbers: dict[str, str] = {}  # id -> number
        ids: dict[str, str] = {}  # number -> id
        for key, number in named:
            known = self.belief.find(Named("id", key)) or {}
            other = numbers.setdefault(key, _name(known, "number") or number)
            if other != number:
                seen = f"the id {key} with the numbers {other} and {number}"
                broken["response.id.names_one"] = _twice("id", exchange, seen, Now())
            known = self.belief.find(Named("number", number)) or {}
            other = ids.setdefault(number, known.get("id", key))
            if other == key:
                continue
            seen = f"the number {number} with the ids {other} and {key}"
            if other in here:
                broken["response.number.names_one"] = _twice("number", exchange, seen, Now())
            # Somebody else may have deleted the other one. A delete may return one that is long
            # gone, and whose number another one has.
            elif method != "delete":
                yield _twice("number", exchange, seen, Again((other,)), other)
        if named:
            yield from {"response.id.names_one", "response.number.names_one"} - broken.keys()
        yield from broken.values()


def _spelling(sense: Sense) -> Iterator[str]:
    """Yield how a request was written that was served, so that this is understood."""
    named = sense.record is not None
    if sense.fields is not None and "fields_set" not in sense.unclear:
        yield "fields_set.names"
    if sense.verb == "GET" and named:
        yield "parameters.identifier_in_query"
    if sense.verb == "POST" and sense.given:
        yield "parameters.body"
        if named:
            yield "parameters.identifier_in_body"


def _mark(record: Record) -> bytes:
    """Return a few bytes that tell records apart, however long they are.

    orjson is quick, and cannot write every text and number.
    """
    try:
        written = orjson.dumps(record)
    except TypeError:
        written = json.dumps(record).encode()
    return hashlib.sha256(written).digest()


def _fields(
    record: Mapping[str, Any], wanted: Wanted, release: Release, told: set[str]
) -> tuple[str, str] | None:
    """Return what was expected of a record's fields and what was seen, if these differ.

    A field without a value may be left out, and id may come along unasked. A field that seems to
    have come under another name is told already.
    """
    missing = [
        name
        for name in FIELDS
        if name in wanted.names & required_fields(release.name)
        and name not in record
        and f"response.{name}" not in told
    ]
    if missing:
        expected = "every field"
        if wanted.by_name:
            expected = f"the fields {','.join(sorted(wanted.names))}"
        return expected, f"no {', '.join(missing)}"
    beyond = [name for name in FIELDS if name in record and name not in wanted.names | {"id"}]
    if beyond:
        return f"only the fields {','.join(sorted(wanted.names))}", f"also {', '.join(beyond)}"
    return None


def _name(record: Record, field: str) -> str | None:
    """Return what a webhook request is named by, if that is a text, and not too long to keep."""
    value = record.get(field)
    return value if isinstance(value, str) and len(value) <= MAX_NAME else None


def _twice(
    name: str, exchange: Exchange, seen: str, how: Confirmation, record: str | None = None
) -> Suspicion:
    one = Hypothesis(f"response.{name}.names_one", how)
    return Suspicion(exchange, f"each {name} with one webhook request", seen, (one,), record)


def _id(record: Record) -> str | None:
    key = record.get("id")
    return key if isinstance(key, str) else None
