"""Probes of requests that no page mentions: they note choices and give no verdict."""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal, seen_in
from crmcom_kit.contract_tests.checks.envelope import NOWHERE
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.probes.helpers import sample, show
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


@probe("parameters.known", "parameters.values", "parameters.once", layer="read", cost=4)
def note_odd_parameters(session: Session) -> None:
    """Note what becomes of an unknown parameter, an empty value, and one that is given twice."""
    record = sample(session, 1)[0]
    named = {"id": record["id"]}
    usual = show(session, named)
    unknown = show(session, named, nosuch="1")
    session.findings.chose("requests.unknown_parameters", _of_unknown(usual, unknown), unknown)
    note_refusal(session, "unknown_parameter", unknown)
    note_refusal(session, "empty_value", show(session, {"id": ""}))
    note_refusal(session, "invalid_value", show(session, {"id": f"{record['id']}\x01"}))
    call = build(
        session.method("show"),
        {"token": session.token, "webhook_request_identifier": named, "fields_set": "id"},
    )
    twice = f"{call.query}&fields_set=number"
    exchange = session.send(Call("show", "GET", call.path, twice, parameters=call.parameters))
    note_refusal(session, "duplicate_parameter", exchange)


def _served(exchange: Exchange, way: str) -> str:
    return way if exchange.ok else "error"


def _of_unknown(usual: Exchange, unknown: Exchange) -> str:
    """Return what becomes of an unknown parameter; a warning is a header of its own."""
    if not unknown.ok:
        return "strict"
    more = {name.lower() for name, _ in unknown.headers} - {
        name.lower() for name, _ in usual.headers
    }
    return "warn" if any("warn" in name or name.startswith("x-") for name in more) else "loose"


@probe("show.fields_set.names", layer="read", cost=6)
def note_odd_fields_sets(session: Session) -> None:
    """Note what becomes of a fields_set that is not a plain list of names."""
    record = sample(session, 1)[0]
    named = {"id": record["id"]}
    unknown = show(session, named, fields_set="number,nosuch")
    session.findings.chose("fields_set.unknown_name", _served(unknown, "ignore"), unknown)
    note_refusal(session, "bad_fields_set", unknown)
    _note_nested(session, named)
    spaced = show(session, named, fields_set="number, url")
    taken = spaced.ok and isinstance(spaced.data, dict) and "url" in spaced.data
    session.findings.chose("fields_set.spaces", "strip" if taken else "keep", spaced)
    twice = show(session, named, fields_set="number,number")
    session.findings.chose("fields_set.duplicates", _served(twice, "accept"), twice)
    empty = show(session, named, fields_set="")
    if not empty.ok or (isinstance(empty.data, dict) and "number" in empty.data):
        session.findings.chose("fields_set.empty", _served(empty, "all"), empty)
    number = show(session, named, fields_set="number")
    if isinstance(number.data, dict) and "url" not in number.data:
        session.findings.chose("fields_set.always_id", "id" in number.data, number)


def _note_nested(session: Session, named: Mapping[str, Any]) -> None:
    nested = show(session, named, fields_set="log_information.created_date")
    log = nested.data.get("log_information") if isinstance(nested.data, dict) else None
    if not nested.ok:
        session.findings.chose("fields_set.nested", "error", nested)
    elif isinstance(log, dict) and set(log) == {"created_date"}:
        session.findings.chose("fields_set.nested", "select", nested)


@probe("list.identifier.mandatory", layer="read", cost=5)
def note_odd_lists(session: Session) -> None:
    """Note how list takes other writings, and an identifier with no field."""
    record = sample(session, 1)[0]
    entity = record["entity"]
    lower = session.call("list", {"entity": entity.lower()})
    session.findings.chose("list.case_sensitive", not lower.ok, lower)
    others = [each for each in session.release.entities if each != entity]
    several = session.call("list", {"entity": f"{entity},{others[0]}"})
    session.findings.chose("list.comma_lists", several.ok, several)
    note_refusal(
        session, "no_identifier", session.call("list", {"webhook_definition_identifier": {}})
    )
    session.call("list", {"entity": entity, "entity_id": NOWHERE["id"]})  # how an empty list looks
    note_refusal(
        session, "bad_date", session.call("list", {"entity": entity, "created_date": "noon"})
    )


@probe("response.error_fields.null", "response.unset_fields.null", layer="read", cost=0)
def note_what_answers_show(session: Session) -> None:
    """Note the choices that all answers of the run so far show."""
    for choice in seen_in(session.client.history, session.release):
        session.findings.chose(*choice)
