"""Probes of what resend and delete refuse before they do anything.

They name webhook requests that are in scope, or that exist nowhere. A target that should have
refused and did not has changed one: then the next probe takes another.
"""

from collections.abc import Callable, Mapping
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NOWHERE, WRONG_TOKEN
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.helpers import refused, show
from crmcom_kit.contract_tests.probes.registry import Layer, probe
from crmcom_kit.contract_tests.session import Session

_IDENTIFIER = "webhook_request_identifier"


def _in_scope(session: Session, method: str) -> Record:
    """Return a webhook request that ``method`` could be called for. Raises Unreachable."""
    if method not in session.allowed:
        msg = f"{method} is not allowed; allow it with --allow {method}"
        raise Unreachable(msg)
    for record in session.pool.known("REJECTED"):
        if session.pool.may_change(record) and isinstance(record.get("number"), str):
            return record
    msg = "no REJECTED webhook request is in scope; widen the scope with --only-… or --all-records"
    raise Unreachable(msg)


def _refuse(
    session: Session, method: str, statement: str, parameters: Mapping[str, Any], why: str,
    kind: str | None = None,
) -> None:  # fmt: skip
    """Call ``method`` and check that it is refused; keep the pool right where it was not."""
    exchange = session.call(method, parameters)
    refused(session, f"{method}.{statement}", exchange, why, kind)
    _after(session, method, exchange)


def _after(session: Session, method: str, exchange: Exchange) -> None:
    """Follow in the pool what a call has changed that should have been refused."""
    for record in exchange.records:
        record_id = record.get("id")
        if not isinstance(record_id, str):
            continue
        if method == "delete":
            session.pool.forget(record_id)
        elif record_id in session.pool.records:
            now = show(session, {"id": record_id})
            if now.ok and isinstance(now.data, dict):
                session.pool.learn(now.data)


def _mandatory(session: Session, method: str) -> None:
    _in_scope(session, method)
    why = f"{_IDENTIFIER} is missing"
    _refuse(session, method, "parameters.mandatory", {}, why)
    why = "the identifier names no field"
    _refuse(session, method, "identifier.mandatory", {_IDENTIFIER: {}}, why, "no_identifier")


def _fields(session: Session, method: str) -> None:
    for field in ("entity_id", "url"):
        record = _in_scope(session, method)
        given = {_IDENTIFIER: {field: record.get(field)}}
        why, kind = f"{field} is no field of {_IDENTIFIER}", "unknown_identifier_field"
        _refuse(session, method, "identifier.fields", given, why, kind)


def _exactly_one(session: Session, method: str) -> None:
    for names in (("id", "number"), ("number", "id")):
        record = _in_scope(session, method)
        given = {_IDENTIFIER: {name: record[name] for name in names}}
        why, kind = "two fields are given", "several_identifiers"
        _refuse(session, method, "identifier.exactly_one", given, why, kind)


def _known(session: Session, method: str) -> None:
    record = _in_scope(session, method)
    wrong = [{field: value} for field, value in NOWHERE.items()]
    wrong += [{"number": f"{record['number']}x"}, {"number": record["id"]}]
    wrong += [{"id": record["number"]}]
    for identifier in wrong[:4] if session.small_budget else wrong:
        field, value = next(iter(identifier.items()))
        why, kind = f"no webhook request has the {field} {value}", "unknown_webhook_request"
        _refuse(session, method, "identifier.known", {_IDENTIFIER: identifier}, why, kind)


def _token(session: Session, method: str) -> None:
    api = session.method(method)
    for statement, token, why in (
        ("token.required", {}, "there is no token"),
        ("token.from_login", {"token": WRONG_TOKEN}, "it is made up"),
    ):
        record = _in_scope(session, method)
        given = {**token, _IDENTIFIER: {"id": record["id"]}}
        exchange = session.send(build(api, given))
        refused(session, statement, exchange, why)
        _after(session, method, exchange)


def _verb(session: Session, method: str) -> None:
    api = session.method(method)
    record = _in_scope(session, method)
    given = {"token": session.token, _IDENTIFIER: {"id": record["id"]}}
    exchange = session.send(Call(method, "GET", api.path, query(given), parameters=given))
    refused(session, "methods.verb", exchange, f"{method} is called with POST", "wrong_verb")
    _after(session, method, exchange)


def _note_bodies(session: Session, method: str) -> None:
    """Note what a body may be written as, by how a webhook request is missed that exists nowhere.

    Where a target has one code for everything, this tells nothing.
    """
    _in_scope(session, method)
    nowhere = {_IDENTIFIER: {"id": NOWHERE["id"]}}
    missed = session.call(method, nowhere).code
    wrong = session.call(method, {_IDENTIFIER: {"number": [1]}})
    if wrong.code == missed:
        return
    note_refusal(session, "wrong_type", wrong)
    number = session.call(method, {_IDENTIFIER: {"number": int(NOWHERE["number"])}})
    session.findings.chose("identifiers.json_number", number.code == missed, number)
    beside = session.call(method, {_IDENTIFIER: {"id": NOWHERE["id"], "name": "x"}})
    way = "ignore" if beside.code == missed else "error"
    session.findings.chose("identifiers.unknown_field", way, beside)
    if "fields_set" in session.method(method).parameters:
        odd = session.call(method, {**nowhere, "fields_set": {"id": True}})
        listed = session.call(method, {**nowhere, "fields_set": ["id"]})
        if odd.code != missed:
            session.findings.chose("fields_set.array_in_body", listed.code == missed, listed)
    _note_query(session, method, missed)


def _note_query(session: Session, method: str, missed: Any) -> None:
    """Note what becomes of parameters in the query of a POST."""
    call = build(session.method(method), {"token": session.token})
    unnamed = session.send(call)
    nowhere = {_IDENTIFIER: {"id": NOWHERE["id"]}}
    placed = Call(method, "POST", call.path, query(nowhere), call.body, call.headers)
    exchange = session.send(placed)
    if unnamed.code == missed:
        return
    way = {missed: "read", unnamed.code: "ignore"}.get(exchange.code, "error")
    session.findings.chose("requests.query_on_post", way, exchange)
    if way == "error":
        note_refusal(session, "misplaced_parameter", exchange)


def _register(method: Layer) -> None:
    """Make the probes of one method."""
    kinds: dict[Callable[[Session, str], None], tuple[tuple[str, ...], int]] = {
        _mandatory: ((f"{method}.parameters.mandatory", f"{method}.identifier.mandatory"), 2),
        _fields: ((f"{method}.identifier.fields",), 2),
        _exactly_one: ((f"{method}.identifier.exactly_one",), 2),
        _known: ((f"{method}.identifier.known",), 4),
        _token: (("token.required", "token.from_login"), 2),
        _verb: (("methods.verb",), 1),
        _note_bodies: (("parameters.values",), 8),
    }
    for check, (statements, cost) in kinds.items():

        def run(session: Session, check: Callable[[Session, str], None] = check) -> None:
            check(session, method)

        run.__name__ = f"{method}{check.__name__}"
        probe(*statements, layer=method, cost=cost)(run)


_register("resend")
_register("delete")
