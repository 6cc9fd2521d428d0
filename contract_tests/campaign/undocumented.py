"""Requests that no page mentions: they note choices, and suspect nothing.

What they come to is a dial, so that a mock can be made to answer alike.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import spelling
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.calls import JSON, build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.schemas.releases import disputes, entities_since


def what_no_page_mentions(session: Session) -> Iterator[Suspicion]:
    """Note what becomes of odd requests; nothing is suspected in them."""
    records = session.scene.records()
    if not records:
        return
    named = {IDENTIFIER: {"id": records[0]["id"]}}
    _note_odd_parameters(session, named)
    _note_odd_requests(session, named)
    _note_odd_fields_sets(session, named)
    _note_odd_lists(session, records[0]["entity"])
    for method in ("show", "resend", "delete"):
        if method == "show" or (session.scene.everything and method in session.scene.allowed):
            _note_bodies(session, method)
    yield from ()


def _ask(session: Session, method: str, given: Mapping[str, Any]) -> Exchange:
    return session.request(method, given).exchange


def _send(session: Session, call: Call) -> Exchange:
    return session.send(call).exchange


def _note_refusal(session: Session, kind: str, exchange: Exchange) -> None:
    """Note how the target spells an error of ``kind``, where ``exchange`` is one."""
    for choice in spelling(kind, exchange):
        session.findings.chose(*choice)


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
    _note_refusal(session, kind, exchange)


def _note_odd_parameters(session: Session, named: Mapping[str, Any]) -> None:
    """Note what becomes of an unknown parameter, an odd value, and one that is given twice."""
    usual, unknown = _ask(session, "show", named), _ask(session, "show", {**named, "nosuch": "1"})
    _note(session, unknown, "requests.unknown_parameters", _of_unknown(usual, unknown),
          "unknown_parameter", "strict")  # fmt: skip
    odd = {IDENTIFIER: {"id": f"{named[IDENTIFIER]['id']}\x01"}}
    _note_refusal(session, "invalid_value", _ask(session, "show", odd))
    given = {"token": session.scene.token, **named, "fields_set": "id"}
    call = build(session.method("show"), given)
    twice = Call("show", "GET", call.path, f"{call.query}&fields_set=number", parameters=given)
    _note_refusal(session, "duplicate_parameter", _send(session, twice))


def _of_unknown(usual: Exchange, unknown: Exchange) -> str:
    """Return how an unknown parameter is passed over; a warning is a header of its own."""
    before, after = ({name.lower() for name, _ in each.headers} for each in (usual, unknown))
    more = after - before
    return "warn" if any("warn" in name or name.startswith("x-") for name in more) else "loose"


def _note_odd_requests(session: Session, named: Mapping[str, Any]) -> None:
    """Note what becomes of other paths, of a body of a GET, and of a token in a header."""
    token = {"token": session.scene.token}
    unknown = _send(session, Call("", "GET", "webhook_requests/nosuch", query(token)))
    _note_refusal(session, "unknown_method", unknown)
    path = session.method("show").path
    fields = b'{"fields_set": "id"}'
    both = _send(session, Call("show", "GET", path, query({**token, **named}), fields, JSON))
    _note(session, both, "requests.body_on_get", "ignore", "misplaced_parameter")
    bearer = (("Authorization", f"Bearer {session.scene.token}"),)
    headed = _send(session, Call("show", "GET", path, query(named), None, bearer))
    session.findings.chose("requests.token_in_header", headed.ok, headed)
    without = _send(session, Call("show", "GET", path, query(named), parameters=named))
    neither, unnamed = _send(session, Call("show", "GET", path)), _ask(session, "show", {})
    if without.code != unnamed.code and neither.code in (without.code, unnamed.code):
        session.findings.chose("errors.token_first", neither.code == without.code, neither)


def _note_odd_fields_sets(session: Session, named: Mapping[str, Any]) -> None:
    """Note what becomes of a fields_set that is not a plain list of names."""
    chose = session.findings.chose

    def show(fields_set: str) -> tuple[Exchange, Mapping[str, Any]]:
        exchange = _ask(session, "show", {**named, "fields_set": fields_set})
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


def _note_odd_lists(session: Session, entity: str) -> None:
    """Note how list takes other writings, and an identifier with no field."""
    lower = _ask(session, "list", {"entity": entity.lower()})
    session.findings.chose("list.case_sensitive", not lower.ok, lower)
    other = next(each for each in session.scene.release.entities if each != entity)
    several = _ask(session, "list", {"entity": f"{entity},{other}"})
    session.findings.chose("list.comma_lists", several.ok, several)
    unnamed = _ask(session, "list", {"webhook_definition_identifier": {}})
    _note_refusal(session, "no_identifier", unnamed)
    empty = {"entity": entity, "entity_id": session.scene.nowhere["id"]}
    _ask(session, "list", empty)  # how an empty list looks
    noon = _ask(session, "list", {"entity": entity, "created_date": "noon"})
    _note_refusal(session, "bad_date", noon)
    for disputed in session.scene.release.disputed_entities:
        early, dispute = _ask(session, "list", {"entity": disputed}), disputes()[disputed]
        since = entities_since()[disputed]
        _note(session, early, dispute.dial, dispute.since, "unsupported_entity", since)


def _note_bodies(session: Session, method: str) -> None:
    """Note what a body may be written as, by how a webhook request is missed that exists nowhere.

    Where a server has one code for everything, this tells nothing.
    """
    nothing = session.scene.nowhere
    nowhere = {IDENTIFIER: {"id": nothing["id"]}}
    missed = _ask(session, method, nowhere).code
    wrong = _ask(session, method, {IDENTIFIER: {"number": [1]}})
    if wrong.code == missed:
        return
    chose = session.findings.chose
    _note_refusal(session, "wrong_type", wrong)
    number = _ask(session, method, {IDENTIFIER: {"number": int(nothing["number"][:12])}})
    chose("identifiers.json_number", number.code == missed, number)
    beside = _ask(session, method, {IDENTIFIER: {"id": nothing["id"], "name": "x"}})
    chose("identifiers.unknown_field", "ignore" if beside.code == missed else "error", beside)
    if "fields_set" in session.method(method).parameters:
        odd = _ask(session, method, {**nowhere, "fields_set": {"id": True}})
        listed = _ask(session, method, {**nowhere, "fields_set": ["id"]})
        if odd.code != missed:
            chose("fields_set.array_in_body", listed.code == missed, listed)
    call = build(session.method(method), {"token": session.scene.token})
    unnamed = _send(session, call)
    placed = _send(session, replace(call, query=query(nowhere)))
    if unnamed.code != missed:
        way = {missed: "read", unnamed.code: "ignore"}.get(placed.code, "error")
        chose("requests.query_on_post", way, placed)
        if way == "error":
            _note_refusal(session, "misplaced_parameter", placed)
