"""Probes of requests that no page mentions: they note choices and give no verdict."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal, seen_in
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.calls import JSON, build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.probes.choosing import sample
from crmcom_kit.contract_tests.probes.refusals import LAYERS, body, nameable
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.releases import disputes, entities_since


def _note(
    session: Session,
    exchange: Exchange,
    dial: str,
    served: Any,
    kind: str = "",
    refused: Any = "error",
) -> None:
    """Note the choice that lies in whether a request is served, and how it is refused."""
    session.findings.chose(dial, served if exchange.ok else refused, exchange)
    note_refusal(session, kind, exchange)


@probe("parameters.known", "parameters.values", "parameters.once", layer="read", cost=4)
def note_odd_parameters(session: Session) -> None:
    """Note what becomes of an unknown parameter, an odd value, and one that is given twice."""
    named = {IDENTIFIER: {"id": sample(session, 1)[0]["id"]}}
    usual, unknown = session.call("show", named), session.call("show", {**named, "nosuch": "1"})
    _note(session, unknown, "requests.unknown_parameters", _of_unknown(usual, unknown),
          "unknown_parameter", "strict")  # fmt: skip
    odd = {IDENTIFIER: {"id": f"{named[IDENTIFIER]['id']}\x01"}}
    note_refusal(session, "invalid_value", session.call("show", odd))
    given = {"token": session.token, **named, "fields_set": "id"}
    call = build(session.method("show"), given)
    twice = Call("show", "GET", call.path, f"{call.query}&fields_set=number", parameters=given)
    note_refusal(session, "duplicate_parameter", session.send(twice))


def _of_unknown(usual: Exchange, unknown: Exchange) -> str:
    """Return how an unknown parameter is passed over; a warning is a header of its own."""
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
    _note(session, both, "requests.body_on_get", "ignore", "misplaced_parameter")
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
    named = {IDENTIFIER: {"id": sample(session, 1)[0]["id"]}}
    chose = session.findings.chose

    def show(fields_set: str) -> tuple[Exchange, Mapping[str, Any]]:
        exchange = session.call("show", {**named, "fields_set": fields_set})
        return exchange, exchange.data if isinstance(exchange.data, dict) else {}

    unknown, _ = show("number,nosuch")
    _note(session, unknown, "fields_set.unknown_name", "ignore", "bad_fields_set")
    nested, data = show("log_information.created_date")
    log = data.get("log_information")
    if not nested.ok or (isinstance(log, dict) and set(log) == {"created_date"}):
        _note(session, nested, "fields_set.nested", "select")
    spaced, data = show("number, url")
    chose("fields_set.spaces", "strip" if spaced.ok and "url" in data else "keep", spaced)
    _note(session, show("number,number")[0], "fields_set.duplicates", "accept")
    empty, data = show("")
    if not empty.ok or "number" in data:
        _note(session, empty, "fields_set.empty", "all")
    number, data = show("number")
    if data and "url" not in data:
        chose("fields_set.always_id", "id" in data, number)


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
    empty = {"entity": entity, "entity_id": session.nowhere["id"]}
    session.call("list", empty)  # how an empty list looks
    noon = session.call("list", {"entity": entity, "created_date": "noon"})
    note_refusal(session, "bad_date", noon)
    for disputed in session.release.disputed_entities:
        early, dispute = session.call("list", {"entity": disputed}), disputes()[disputed]
        since = entities_since()[disputed]
        _note(session, early, dispute.dial, dispute.since, "unsupported_entity", since)


def _note_bodies(session: Session, method: str) -> None:
    """Note what a body may be written as, by how a webhook request is missed that exists nowhere.

    Where a server has one code for everything, this tells nothing.
    """
    nameable(session, method)
    nowhere = {IDENTIFIER: {"id": session.nowhere["id"]}}
    missed = session.call(method, nowhere).code
    wrong = session.call(method, {IDENTIFIER: {"number": [1]}})
    if wrong.code == missed:
        return
    chose = session.findings.chose
    note_refusal(session, "wrong_type", wrong)
    number = session.call(method, {IDENTIFIER: {"number": int(session.nowhere["number"][:12])}})
    chose("identifiers.json_number", number.code == missed, number)
    beside = session.call(method, {IDENTIFIER: {"id": session.nowhere["id"], "name": "x"}})
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


for _method, _layer in LAYERS.items():
    probe("parameters.values", layer=_layer, cost=8, name=f"note bodies of {_method}")(
        partial(_note_bodies, method=_method)
    )


@probe("response.error_fields.null", "response.unset_fields.null", layer="read", cost=0, last=True)
def note_what_answers_show(session: Session) -> None:
    """Note the choices that all responses of the run so far show."""
    for choice in seen_in(session.client.history, session.release):
        session.findings.chose(*choice)
    form = session.findings.choices.get("list.created_date.form", {})
    dated, timed = ("'date_time'" not in form, "'date'" not in form)
    left = session.checker.lists.left
    ways = {
        "list.combine": {each.combine for each in left},
        "list.url.match": {each.url for each in left},
        "list.created_date.match": {
            each.day if dated else each.moment
            for each in left
            if not (dated and timed) or each.day == each.moment
        } if form else set(),
    }  # fmt: skip
    for dial, found in ways.items():
        if len(found) == 1:
            session.findings.chose(dial, found.pop())
