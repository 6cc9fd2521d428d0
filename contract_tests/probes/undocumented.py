"""Probes of requests that no page mentions: they note choices and give no verdict."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal, seen_in
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NOWHERE
from crmcom_kit.contract_tests.probes.helpers import JSON, body, sample, show
from crmcom_kit.contract_tests.probes.refusals import target
from crmcom_kit.contract_tests.probes.registry import Layer, probe
from crmcom_kit.contract_tests.session import Session


def _way(exchange: Exchange, served: str) -> str:
    return served if exchange.ok else "error"


@probe("parameters.known", "parameters.values", "parameters.once", layer="read", cost=4)
def note_odd_parameters(session: Session) -> None:
    """Note what becomes of an unknown parameter, an odd value, and one that is given twice."""
    named = {"id": sample(session, 1)[0]["id"]}
    usual, unknown = show(session, named), show(session, named, nosuch="1")
    session.findings.chose("requests.unknown_parameters", _of_unknown(usual, unknown), unknown)
    note_refusal(session, "unknown_parameter", unknown)
    note_refusal(session, "invalid_value", show(session, {"id": f"{named['id']}\x01"}))
    given = {"token": session.token, IDENTIFIER: named, "fields_set": "id"}
    call = build(session.method("show"), given)
    twice = Call("show", "GET", call.path, f"{call.query}&fields_set=number", parameters=given)
    note_refusal(session, "duplicate_parameter", session.send(twice))


def _of_unknown(usual: Exchange, unknown: Exchange) -> str:
    """Return what becomes of an unknown parameter; a warning is a header of its own."""
    if not unknown.ok:
        return "strict"
    before, after = ({name.lower() for name, _ in each.headers} for each in (usual, unknown))
    more = after - before
    return "warn" if any("warn" in name or name.startswith("x-") for name in more) else "loose"


@probe("methods.known", "parameters.place", "token.required", layer="read", cost=6)
def note_odd_requests(session: Session) -> None:
    """Note what becomes of other paths, of a body of a GET, and of a token in a header."""
    named = {IDENTIFIER: {"id": sample(session, 1)[0]["id"]}}
    token = {"token": session.token}
    unknown = session.send(Call("", "GET", "webhook_requests/nosuch", query(token)))
    note_refusal(session, "unknown_method", unknown)
    path = session.method("show").path
    fields = body({"fields_set": "id"})
    both = session.send(Call("show", "GET", path, query({**token, **named}), fields, JSON))
    session.findings.chose("requests.body_on_get", _way(both, "ignore"), both)
    note_refusal(session, "misplaced_parameter", both)
    bearer = (("Authorization", f"Bearer {session.token}"),)
    headed = session.send(Call("show", "GET", path, query(named), None, bearer))
    session.findings.chose("requests.token_in_header", headed.ok, headed)
    without = session.send(Call("show", "GET", path, query(named), parameters=named))
    neither, unnamed = session.send(Call("show", "GET", path)), session.call("show")
    if without.code != unnamed.code and neither.code in (without.code, unnamed.code):
        session.findings.chose("errors.token_first", neither.code == without.code, neither)


@probe("show.fields_set.names", layer="read", cost=6)
def note_odd_fields_sets(session: Session) -> None:
    """Note what becomes of a fields_set that is not a plain list of names."""
    named = {"id": sample(session, 1)[0]["id"]}
    unknown = show(session, named, fields_set="number,nosuch")
    session.findings.chose("fields_set.unknown_name", _way(unknown, "ignore"), unknown)
    note_refusal(session, "bad_fields_set", unknown)
    _note_nested(session, named)
    spaced = show(session, named, fields_set="number, url")
    taken = spaced.ok and isinstance(spaced.data, dict) and "url" in spaced.data
    session.findings.chose("fields_set.spaces", "strip" if taken else "keep", spaced)
    twice = show(session, named, fields_set="number,number")
    session.findings.chose("fields_set.duplicates", _way(twice, "accept"), twice)
    empty = show(session, named, fields_set="")
    if not empty.ok or (isinstance(empty.data, dict) and "number" in empty.data):
        session.findings.chose("fields_set.empty", _way(empty, "all"), empty)
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
    entity = sample(session, 1)[0]["entity"]
    lower = session.call("list", {"entity": entity.lower()})
    session.findings.chose("list.case_sensitive", not lower.ok, lower)
    other = next(each for each in session.release.entities if each != entity)
    several = session.call("list", {"entity": f"{entity},{other}"})
    session.findings.chose("list.comma_lists", several.ok, several)
    unnamed = session.call("list", {"webhook_definition_identifier": {}})
    note_refusal(session, "no_identifier", unnamed)
    session.call("list", {"entity": entity, "entity_id": NOWHERE["id"]})  # how an empty list looks
    noon = session.call("list", {"entity": entity, "created_date": "noon"})
    note_refusal(session, "bad_date", noon)


def _note_bodies(session: Session, method: str) -> None:
    """Note what a body may be written as, by how a webhook request is missed that exists nowhere.

    Where a server has one code for everything, this tells nothing.
    """
    target(session, method)
    nowhere = {IDENTIFIER: {"id": NOWHERE["id"]}}
    missed = session.call(method, nowhere).code
    wrong = session.call(method, {IDENTIFIER: {"number": [1]}})
    if wrong.code == missed:
        return
    chose = session.findings.chose
    note_refusal(session, "wrong_type", wrong)
    number = session.call(method, {IDENTIFIER: {"number": int(NOWHERE["number"])}})
    chose("identifiers.json_number", number.code == missed, number)
    beside = session.call(method, {IDENTIFIER: {"id": NOWHERE["id"], "name": "x"}})
    chose("identifiers.unknown_field", "ignore" if beside.code == missed else "error", beside)
    if "fields_set" in session.method(method).parameters:
        odd = session.call(method, {**nowhere, "fields_set": {"id": True}})
        listed = session.call(method, {**nowhere, "fields_set": ["id"]})
        if odd.code != missed:
            chose("fields_set.array_in_body", listed.code == missed, listed)
    call = build(session.method(method), {"token": session.token})
    unnamed = session.send(call)
    placed = session.send(Call(method, "POST", call.path, query(nowhere), call.body, call.headers))
    if unnamed.code != missed:
        way = {missed: "read", unnamed.code: "ignore"}.get(placed.code, "error")
        chose("requests.query_on_post", way, placed)
        if way == "error":
            note_refusal(session, "misplaced_parameter", placed)


_METHODS: tuple[Layer, ...] = ("resend", "delete")
for _method in _METHODS:
    probe("parameters.values", layer=_method, cost=8, name=f"note bodies of {_method}")(
        partial(_note_bodies, method=_method)
    )


@probe("response.error_fields.null", "response.unset_fields.null", layer="read", cost=0)
def note_what_answers_show(session: Session) -> None:
    """Note the choices that all responses of the run so far show."""
    for choice in seen_in(session.client.history, session.release):
        session.findings.chose(*choice)
