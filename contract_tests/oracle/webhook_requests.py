"""Check the webhook requests in a response: each by itself, its fields, and its names."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import MAX_NAME, Belief, Record
from crmcom_kit.contract_tests.belief.interpretations import Identifier
from crmcom_kit.contract_tests.belief.knowledge import required_fields
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.confirmations import Again
from crmcom_kit.contract_tests.oracle.expectations import has_fields_set
from crmcom_kit.contract_tests.oracle.records import problems, promises
from crmcom_kit.contract_tests.oracle.sense import FIELDS, RECORD_METHODS, Sense
from crmcom_kit.contract_tests.oracle.suspicions import (
    Finding,
    Flaw,
    Held,
    Hypothesis,
    Suspicion,
    held,
)
from crmcom_kit.schemas.releases import Release


class Wanted(NamedTuple):
    """Which fields the webhook requests of a response must have."""

    names: frozenset[str]
    statement: str  # that says so


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
    promised: set[str] = set()
    broken: dict[str, Flaw] = {}
    for record, mark in zip(exchange.records, exchange.marks, strict=True):
        key = hash((mark, wanted))
        if (kept := belief.sound.get(key)) is not None:  # it was checked before, and was right
            promised |= kept
            continue
        told = frozenset(promises(record, belief.release))
        promised |= told
        flaws = _problems(record, wanted, belief.release)
        for flaw in flaws:
            broken.setdefault(flaw.statement, flaw._replace(record=_name(record, "id")))
        if not flaws:
            belief.note_sound(key, told)
    if wanted is not None and exchange.records:
        promised.add(wanted.statement)
    yield from held(*sorted(promised - broken.keys()))
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
    found = problems(record, release)
    if wanted is None:  # an odd fields_set may give fields odd names
        return [each for each in found if each.statement.split(".")[1] in record]
    lack = _fields(record, wanted, release)
    return found if lack is None else [*found, lack]


def _one_name_each(exchange: Exchange, method: str, belief: Belief) -> Iterator[Finding]:
    """Check that no two webhook requests have one id or one number."""
    if _has_one_name_each(exchange, belief):
        yield from held("response.id.names_one", "response.number.names_one")
        return
    numbers, ids = defaultdict[str, dict[str, None]](dict), defaultdict[str, dict[str, None]](dict)
    for record in exchange.records:
        key, number = _name(record, "id"), _name(record, "number")
        if key is None or number is None:
            continue
        known = belief.find(Identifier("id", key))
        before = None if known is None else _name(known.record, "number")
        numbers[key] |= dict.fromkeys((before or number, number))
        ids[number][key] = None
    for name, other, found in (("id", "numbers", numbers), ("number", "ids", ids)):
        twice = [each for each in found if len(found[each]) > 1]
        if twice:
            seen = f"the {name} {twice[0]} with the {other} {' and '.join(found[twice[0]])}"
            yield Flaw(f"response.{name}.names_one", f"each {name} with one webhook request", seen)
        elif found:
            yield Held(f"response.{name}.names_one")
    for number, keys in ids.items():
        known = belief.find(Identifier("number", number))
        # Somebody else may have deleted the other one. A delete may return one that is long
        # gone, and whose number another one has.
        if known is not None and known.id not in keys and method != "delete":
            again = Hypothesis("response.number.names_one", Again((known.id,)))
            expected = "each number with one webhook request"
            seen = f"the number {number} with the ids {known.id} and {' and '.join(keys)}"
            yield Suspicion(exchange, expected, seen, (again,), known.id)


def _has_one_name_each(exchange: Exchange, belief: Belief) -> bool:
    """Whether all ids and numbers are right for sure: so it is with most lists, also long ones."""
    names = {(_name(record, "id"), _name(record, "number")) for record in exchange.records}
    if not names or any(None in pair for pair in names):
        return False
    if not len(names) == len({key for key, _ in names}) == len({number for _, number in names}):
        return False
    for key, number in names:
        known = belief.records.get(str(key))
        if known is not None and known.get("number") != number:
            return False
        named = belief.find(Identifier("number", str(number)))
        if named is not None and named.id != key:
            return False
    return True


def _spelling(sense: Sense) -> Iterator[Held]:
    """Yield how a request was written that was served, so that this is understood."""
    named = sense.record is not None
    if sense.fields is not None and "fields_set" not in sense.unclear:
        yield Held("fields_set.names")
    if sense.verb == "GET" and named:
        yield Held("parameters.identifier_in_query")
    if sense.verb == "POST" and sense.parameters:
        yield Held("parameters.body")
        if named:
            yield Held("parameters.identifier_in_body")


def _fields(record: Mapping[str, Any], wanted: Wanted, release: Release) -> Flaw | None:
    """Return what is wrong with which fields a record has, or None.

    A field without a value may be left out, and id may come along unasked.
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
    """Return what a webhook request is named by, if that is a text, and not too long to keep."""
    value = record.get(field)
    return value if isinstance(value, str) and len(value) <= MAX_NAME else None
