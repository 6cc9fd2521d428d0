"""Check the webhook requests in a response: their values, which fields they have, their names."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import MAX_NAME, Belief, Record
from crmcom_kit.contract_tests.belief.interpretations import Identifier
from crmcom_kit.contract_tests.belief.knowledge import required_fields
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.confirmations import Again
from crmcom_kit.contract_tests.oracle.expectations import has_fields_set
from crmcom_kit.contract_tests.oracle.records import problems, statements_about
from crmcom_kit.contract_tests.oracle.sense import FIELDS, RECORD_METHODS, Sense
from crmcom_kit.contract_tests.oracle.suspicions import (
    Finding,
    Flaw,
    Held,
    Suspicion,
    held,
)
from crmcom_kit.schemas.releases import Release


class Wanted(NamedTuple):
    """Which fields the webhook requests of a response must have."""

    names: frozenset[str]
    statement: str  # that requires them


def check(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Finding]:
    """Check the webhook requests of a response of show, list, resend or delete."""
    method = sense.name
    if not exchange.ok or method not in (*RECORD_METHODS, "list"):
        return
    if not isinstance(exchange.data, list if method == "list" else dict):
        return
    yield from held("methods.available", "methods.path", "methods.verb", "parameters.place")
    yield from _spelling(sense)
    wanted = _wanted(sense, belief.release)
    stated: set[str] = set()
    broken: dict[str, Flaw] = {}
    for record, mark in zip(exchange.records, exchange.marks, strict=True):
        key = hash((mark, wanted))
        if (sound := belief.faultless.get(key)) is not None:  # the same JSON was faultless before
            stated |= sound
            continue
        statements = frozenset(statements_about(record, belief.release))
        stated |= statements
        flaws = _problems(record, wanted, belief.release)
        for flaw in flaws:
            broken.setdefault(flaw.statement, flaw._replace(record_id=_name(record, "id")))
        if not flaws:
            belief.note_faultless(key, statements)
    if wanted is not None and exchange.records:
        stated.add(wanted.statement)
    yield from held(*sorted(stated - broken.keys()))
    yield from broken.values()
    yield from _one_name_each(exchange, method, belief)


def _wanted(sense: Sense, release: Release) -> Wanted | None:
    """Return which fields a response must have; None if the documents do not say."""
    has_parameter = has_fields_set(sense.name, release)
    if sense.is_unreadable or "fields_set" in sense.unclear:
        return None
    if "fields_set" not in sense.parameters:
        statement = "fields_set.default_all" if has_parameter else f"{sense.name}.returns_record"
        return Wanted(frozenset(FIELDS), statement)
    if not has_parameter or sense.fields is None:
        return None
    return Wanted(frozenset(sense.fields), "fields_set.selects")


def _problems(record: Record, wanted: Wanted | None, release: Release) -> list[Flaw]:
    flaws = problems(record, release)
    if wanted is None:  # an odd fields_set may give fields odd names
        return [flaw for flaw in flaws if flaw.statement.split(".")[1] in record]
    lack = _fields(record, wanted, release)
    return flaws if lack is None else [*flaws, lack]


def _one_name_each(exchange: Exchange, method: str, belief: Belief) -> Iterator[Finding]:
    """Check that no two webhook requests share an id or a number."""
    if _has_one_name_each(exchange, belief):
        yield from held("response.id.names_one", "response.number.names_one")
        return
    numbers, ids = defaultdict[str, dict[str, None]](dict), defaultdict[str, dict[str, None]](dict)
    for record in exchange.records:
        key, number = _name(record, "id"), _name(record, "number")
        if key is None or number is None:
            continue
        tracked = belief.find(Identifier("id", key))
        before = None if tracked is None else _name(tracked.condensed, "number")
        numbers[key] |= dict.fromkeys((before or number, number))
        ids[number][key] = None
    for name, others, table in (("id", "numbers", numbers), ("number", "ids", ids)):
        twice = [value for value, values in table.items() if len(values) > 1]
        if twice:
            seen = f"the {name} {twice[0]} with the {others} {' and '.join(table[twice[0]])}"
            yield Flaw(f"response.{name}.names_one", f"each {name} with one webhook request", seen)
        elif table:
            yield Held(f"response.{name}.names_one")
    for number, keys in ids.items():
        tracked = belief.find(Identifier("number", number))
        # Somebody else may have deleted the other one. Delete may return a record that was deleted
        # long ago, and whose number another one has by now.
        if tracked is not None and tracked.id not in keys and method != "delete":
            again = Again("response.number.names_one", (tracked.id,))
            expected = "each number with one webhook request"
            seen = f"the number {number} with the ids {tracked.id} and {' and '.join(keys)}"
            yield Suspicion(exchange, expected, seen, (again,), tracked.id)


def _has_one_name_each(exchange: Exchange, belief: Belief) -> bool:
    """Whether all ids and numbers are certainly right: a quick check, enough for most lists."""
    names = {(_name(listed, "id"), _name(listed, "number")) for listed in exchange.records}
    if not names or any(None in pair for pair in names):
        return False
    if not len(names) == len({key for key, _ in names}) == len({number for _, number in names}):
        return False
    for key, number in names:
        record = belief.records.get(str(key))
        if record is not None and record.get("number") != number:
            return False
        named = belief.find(Identifier("number", str(number)))
        if named is not None and named.id != key:
            return False
    return True


def _spelling(sense: Sense) -> Iterator[Held]:
    """Yield the statements on how to write a request that a served request keeps."""
    named = sense.identifier is not None
    if sense.fields is not None and "fields_set" not in sense.unclear:
        yield Held("fields_set.names")
    if sense.verb == "GET" and named:
        yield Held("parameters.identifier_in_query")
    if sense.verb == "POST" and sense.parameters:
        yield Held("parameters.body")
        if named:
            yield Held("parameters.identifier_in_body")


def _fields(record: Mapping[str, Any], wanted: Wanted, release: Release) -> Flaw | None:
    """Return the flaw that a record has too few or too many fields, or None.

    A field without a value may be left out, and id may be there unasked.
    """
    required = wanted.names & required_fields(release.name)
    missing = [name for name in FIELDS if name in required and name not in record]
    if missing:
        every = wanted.names == frozenset(FIELDS)
        expected = "every field" if every else f"the fields {','.join(sorted(wanted.names))}"
        return Flaw(wanted.statement, expected, f"no {', '.join(missing)}")
    beyond = [name for name in FIELDS if name in record and name not in wanted.names | {"id"}]
    if beyond:
        expected = f"only the fields {','.join(sorted(wanted.names))}"
        return Flaw(wanted.statement, expected, f"also {', '.join(beyond)}")
    return None


def _name(record: Record, field: str) -> str | None:
    """Return the id or number of a webhook request, if it is a text that is not too long."""
    value = record.get(field)
    return value if isinstance(value, str) and len(value) <= MAX_NAME else None
