"""Observe a target's choices: the values of dials, from exchanges.

Pure functions. A dial is decided only where what was seen leaves one value.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.knowledge import DATES, USERS, units
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.envelope import is_readable
from crmcom_kit.schemas.dialect import delivery_outcomes, dials, error_kinds
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import Release


class Choice(NamedTuple):
    """The value of a dial that an exchange shows."""

    dial: str
    value: Any
    exchange: Exchange | None = None


Records = Sequence[Mapping[str, Any]]


def spelling(kind: str, exchange: Exchange) -> Iterator[Choice]:
    """Yield how an error of ``kind`` is spelled, if ``exchange`` is an error."""
    if exchange.ok or not is_readable(exchange) or kind not in error_kinds():
        return
    yield Choice(f"errors.status.{kind}", exchange.status, exchange)
    for name, value in (("code", exchange.code), ("message", first_sentence(exchange))):
        if isinstance(value, str) and dials()[f"errors.{name}.{kind}"].accepts(value):
            yield Choice(f"errors.{name}.{kind}", value, exchange)


#: Statements that promise a refusal -> the kind of error it is; for all methods without their name.
_KINDS = {
    "token.required": "missing_token",
    "token_release.ends_token": "released_token",
    "methods.verb": "wrong_verb",
    "parameters.mandatory": "missing_parameter",
    "identifier.mandatory": "no_identifier",
    "identifier.exactly_one": "several_identifiers",
    "identifier.fields": "unknown_identifier_field",
    "identifier.known": "unknown_webhook_request",
    "list.semi_optional.at_least_one": "no_semi_optional",
    "list.entity.supported_values": "unsupported_entity",
    "list.life_cycle_state.supported_values": "bad_life_cycle_state",
    "resend.only_rejected": "not_rejected",
}


def kind_of(statement: str) -> str | None:
    """Return the kind of error of a request that is refused as ``statement`` promises, or None."""
    return _KINDS.get(statement) or _KINDS.get(statement.partition(".")[2])


def first_sentence(exchange: Exchange) -> str | None:
    """Return what an error's message begins with: all but the details of this one call."""
    message, details = exchange.message, exchange.envelope["status"]["description"]
    if not isinstance(message, str):
        return None
    if details and isinstance(details, str) and message.endswith(details):
        return message.removesuffix(details).strip() or message
    found = re.match(r".*?[.!?](?=\s|$)", message, re.DOTALL)
    return found[0] if found else message


def seen_in(history: Iterable[Exchange], release: Release) -> Iterator[Choice]:
    """Yield every choice that whole answers show, in whichever call."""
    answers = [exchange for exchange in history if is_readable(exchange)]
    for exchange in answers:
        yield from _of_one(exchange, release)
    records: dict[str, Mapping[str, Any]] = {}
    for exchange in answers:
        whole = "fields_set" not in exchange.call.parameters
        for record in exchange.records if whole else ():
            if isinstance(record.get("log_information"), dict):
                records.setdefault(json.dumps(record), record)
    yield from of_records(list(records.values()), release)


def _of_one(exchange: Exchange, release: Release) -> Iterator[Choice]:
    content_type = exchange.header("Content-Type")
    if content_type in dials()["envelope.content_type"].choices:
        yield Choice("envelope.content_type", content_type, exchange)
    status = exchange.envelope["status"]
    if exchange.ok:
        old_login = exchange.call.method == "token" and not release.at_least("R12.0.0")
        dial = "envelope.login_empty_text" if old_login else "envelope.empty_text"
        texts = {_blank(status[name]) for name in ("message", "description")}
        if len(texts) == 1 and None not in texts:
            yield Choice(dial, texts.pop(), exchange)
        if exchange.call.method == "list":
            yield from _of_list(exchange)
        return
    described = status["description"]
    yield Choice("errors.description", _blank(described) or "detail", exchange)
    data = "object" if exchange.data == {} else "null" if exchange.data is None else None
    if "data" not in exchange.envelope:
        data = "absent"
    if data is not None:
        yield Choice("errors.data", data, exchange)


def _blank(value: Any) -> str | None:
    return "null" if value is None else "empty" if value == "" else None


def _of_list(exchange: Exchange) -> Iterator[Choice]:
    if not exchange.records:
        absent = "data" not in exchange.envelope
        form = "absent" if absent else "null" if exchange.data is None else "array"
        yield Choice("list.empty", form, exchange)
        return
    dates = [_created(record) for record in exchange.records]
    known = [date for date in dates if date is not None]
    if len(known) == len(dates) and len(set(known)) > 1:
        for order, backwards in (("newest_first", True), ("oldest_first", False)):
            if known == sorted(known, reverse=backwards):
                yield Choice("list.order", order, exchange)


def _created(record: Mapping[str, Any]) -> str | None:
    log = record.get("log_information")
    date = log.get("created_date") if isinstance(log, dict) else None
    return date if isinstance(date, str) else None


# What whole webhook requests show, all of them together.


def of_records(records: Records, release: Release) -> Iterator[Choice]:
    """Yield the choices that whole webhook requests show."""
    deciders: tuple[tuple[str, Callable[[Records, Release], Any]], ...] = (
        ("envelope.key_order", _key_order),
        ("record.exchange_form", _exchange_form),
        ("record.code_on_internal_failure", _code_on_internal_failure),
        ("record.no_fields_set", _no_fields_set),
        ("record.not_effective", _not_effective),
        ("record.unset_dates", _unset_dates),
        ("record.emptied_names", _emptied_names),
        ("record.unit_form", _unit_form),
        ("record.user_form", _user_form),
        ("delivery.description_limit", _description_limit),
    )
    for dial, decide in deciders:
        value = decide(records, release)
        if value is not None:
            yield Choice(dial, value)
    for dial, field in (("definition", "webhook_definition"), ("rule", "workflow_rule")):
        seen = {name for record in records for name in _object(record, field)}
        known = [name for name in dials()[f"record.{dial}_members"].choices if name in seen]
        if known:
            yield Choice(f"record.{dial}_members", known)


def _only(found: Collection[str | None]) -> str | None:
    """Return the one thing that was found; None if there are none or several."""
    return next(iter(found)) if len(found) == 1 else None


def _object(record: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = record.get(field)
    return value if isinstance(value, dict) else {}


def _inside_log(records: Records, names: Sequence[str]) -> list[Mapping[str, Any]]:
    logs = [_object(record, "log_information") for record in records]
    return [log[name] for log in logs for name in names if isinstance(log.get(name), dict)]


def _key_order(records: Records, _release: Release) -> str | None:
    orders = read_json("data/key_orders.json")
    known = {name: orders[name]["webhook_request"] for name in ("older", "newer")}
    known["documented"] = list(response_fields())
    fitting = [
        name
        for name, order in known.items()
        if records and all(_in_order(record, order) for record in records)
    ]
    return _only(fitting)


def _in_order(record: Mapping[str, Any], order: Sequence[str]) -> bool:
    fields = [name for name in record if name in order]
    return fields == [name for name in order if name in record]


def _exchange_form(records: Records, _release: Release) -> str | None:
    forms = {_form(record["request"]) for record in records if "request" in record}
    return _only(forms - {"null"} or forms)  # null: nothing was sent for some


def _form(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return "null" if value is None else "object"
    try:
        return "text" if isinstance(json.loads(value), dict) else "reference"
    except (TypeError, ValueError, RecursionError):
        return "reference"


def _code_on_internal_failure(records: Records, _release: Release) -> str | None:
    internal = delivery_outcomes()["internal"]["error_code"]
    codes = [
        record.get("authentication_code")
        for record in records
        if record.get("error_code") == internal
    ]
    if not codes:
        return None
    return "null" if all(code is None for code in codes) else "code"


def _no_fields_set(records: Records, _release: Release) -> str | None:
    found = {_blank(record["fields_set"]) for record in records if "fields_set" in record}
    return _only(found - {None})


def _not_effective(records: Records, _release: Release) -> str | None:
    states = [
        _object(record, field).get("life_cycle_state")
        for record in records
        for field in ("webhook_definition", "workflow_rule")
    ]
    return _only([each for each in dials()["record.not_effective"].choices if each in states])


def _unset_dates(records: Records, _release: Release) -> str | None:
    logs = [_object(record, "log_information") for record in records]
    null = any(name in log and log[name] is None for log in logs for name in DATES)
    absent = any(name not in log for log in logs for name in DATES)
    return None if null == absent else "null" if null else "absent"


def _emptied_names(records: Records, release: Release) -> str | None:
    if not release.at_least("R14.1.0"):
        return None
    users = _inside_log(records, USERS)
    forms = {_blank(user["person_name"]) if "person_name" in user else "absent" for user in users}
    return "keep" if None in forms else _only(forms)


def _unit_form(records: Records, release: Release) -> str | None:
    found = _inside_log(records, units(release.name))
    if any("group_name" in unit or "community_name" in unit for unit in found):
        return "long"
    hidden = _emptied_names(records, release) == "absent"  # then the long form lacks them, too
    return "short" if found and not hidden else None


def _user_form(records: Records, release: Release) -> str | None:
    found = _inside_log(records, USERS)
    if any("email" in user for user in found):
        return "long"
    hidden = _emptied_names(records, release) == "absent"
    return "short" if found and not hidden else None


def _description_limit(records: Records, _release: Release) -> int | None:
    """Return the length at which several descriptions end that have nothing else in common."""
    described = (record.get("error_description") for record in records)
    lengths = sorted(map(len, {text for text in described if isinstance(text, str)}))
    longest = lengths[-3:]
    return longest[0] if len(longest) == 3 and len(set(longest)) == 1 and longest[0] > 63 else None
