"""Probes of requests that show, resend and delete must refuse: one table for all three.

The checks know what must be refused, and look at what became of the webhook request. To resend
and delete only webhook requests in scope are named, and no other value that is the id or number
of a known one.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.logins import decoded
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.made_up import NOWHERE, WRONG_TOKEN
from crmcom_kit.contract_tests.client.near_misses import (
    LENGTHENING,
    LONG_NUMBERS,
    SECRET_MUTATIONS,
    UNUSUAL,
    WIDENING,
    near_misses,
)
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.helpers import (
    JSON,
    body,
    breadth,
    by_entity,
    in_service,
    sample,
)
from crmcom_kit.contract_tests.probes.registry import Layer, probe
from crmcom_kit.contract_tests.session import Session


class Refusable(NamedTuple):
    """A request that must be refused."""

    kind: str | None  # of its error, as the dialect names it; None: not sure which
    call: Call


Requests = Iterator[Refusable]
METHODS: dict[str, Layer] = {"show": "read", "resend": "resend", "delete": "delete"}


def target(session: Session, method: str) -> Record:
    """Return a webhook request that ``method`` could be called for. Raises Unreachable."""
    if method == "show":
        return sample(session, 1)[0]
    in_service(session)
    if method not in session.allowed:
        msg = f"{method} is not allowed; allow it with --allow {method}"
        raise Unreachable(msg)
    for record in session.pool.known("REJECTED"):
        if session.pool.may_change(record) and isinstance(record.get("number"), str):
            return record
    msg = "no REJECTED webhook request is in scope; widen the scope with --only-… or --all-records"
    raise Unreachable(msg)


def _call(session: Session, method: str, identifier: Any = None, **more: Any) -> Call:
    named = {} if identifier is None else {IDENTIFIER: identifier}
    return build(session.method(method), {"token": session.token, **named, **more})


# The table: what is wrong with the requests, and the requests.


def _mandatory(session: Session, method: str, record: Record) -> Requests:
    yield Refusable(None, _call(session, method))
    yield Refusable("no_identifier", _call(session, method, {}))
    for name in ("id", "number"):
        yield Refusable("empty_value", _call(session, method, {name: ""}))
    if method == "show":
        yield Refusable(None, _call(session, method, fields_set="id"))
    del record


def _fields(session: Session, method: str, record: Record) -> Requests:
    for name in ("entity_id", "url", "entity"):
        value = record.get(name)
        if isinstance(value, str) and _is_no_name(session, value):
            kind = "unknown_identifier_field"
            yield Refusable(kind, _call(session, method, {name: value}))


def _exactly_one(session: Session, method: str, record: Record) -> Requests:
    both = {name: record[name] for name in ("id", "number")}
    pairs = [both, dict(reversed(both.items()))]
    if method == "show":  # others would name another webhook request
        others = (each.get("number") for each in session.pool.known() if each["id"] != record["id"])
        pairs += [{**both, "number": next(filter(_is_text, others), NOWHERE["number"])}]
    for pair in pairs:
        yield Refusable("several_identifiers", _call(session, method, pair))


def _known(session: Session, method: str, record: Record) -> Requests:
    for field, value in _other_names(session, method, record):
        if _is_no_name(session, value):
            kind = "unknown_webhook_request" if value in NOWHERE.values() else None
            yield Refusable(kind, _call(session, method, {field: value}))


def _other_names(session: Session, method: str, record: Record) -> Iterator[tuple[str, str]]:
    """Yield names that no webhook request has, the most telling ones first.

    What might find another one goes to resend and delete only if any may be changed.
    """
    yield from NOWHERE.items()
    yield from (("number", record["id"]), ("id", record["number"]))
    free = method == "show" or getattr(session.pool.may_change, "everything", False)
    mutations = WIDENING + LENGTHENING if free else LENGTHENING
    misses = [[(name, miss) for miss in near_misses(record[name], mutations)]
              for name in ("id", "number")]  # fmt: skip
    yield from (each for pair in zip_longest(*misses) for each in pair if each is not None)
    number = record["number"]
    yield from (("number", f"{number}{more}") for more in ("000000000", ".0"))
    yield "number", f"-{number}"
    if method == "show":
        yield from ((name, value) for value in UNUSUAL for name in ("id", "number"))
    else:
        yield from (("number", LONG_NUMBERS[2]), ("id", UNUSUAL[0]), ("id", UNUSUAL[2]))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_no_name(session: Session, value: str) -> bool:
    """Whether no webhook request is known, or was known, by this id or number."""
    known = (*session.pool.records.values(), *session.pool.deleted.values())
    return value != "" and all(value not in (each["id"], each.get("number")) for each in known)


def _token(session: Session, method: str, record: Record) -> Requests:
    given = {IDENTIFIER: {"id": record["id"]}} if method != "list" else by_entity(record)
    for _ in range(2):
        yield Refusable("missing_token", build(session.method(method), given))
    for token in wrong_tokens(session.token or ""):
        kind = "invalid_token" if token == WRONG_TOKEN else None
        yield Refusable(kind, build(session.method(method), {"token": token, **given}))
    if session.method(method).verb == "POST":
        for odd in (True, [session.token]):
            yield Refusable(None, build(session.method(method), {"token": odd, **given}))


def wrong_tokens(token: str) -> Iterator[str]:
    """Yield tokens that no login has returned: made up, empty, nearly right, forged."""
    yield from (WRONG_TOKEN, "", *near_misses(token, SECRET_MUTATIONS))
    found = decoded(token)
    if found is None:
        return
    header, payload, signature = token.split(".")
    yield ".".join((header, payload, f"{'B' if signature[:1] == 'A' else 'A'}{signature[1:]}"))
    yield ".".join((header, _coded({**found[1], "exp": "4102444800"}), signature))
    yield ".".join((_coded({**found[0], "alg": "none"}), payload, ""))


def _coded(part: Mapping[str, Any]) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _verb(session: Session, method: str, record: Record) -> Requests:
    given = {IDENTIFIER: {"id": record["id"]}} if method != "list" else by_entity(record)
    right = build(session.method(method), {"token": session.token, **given})
    written, sent = query(right.parameters), body(right.parameters)
    if right.verb == "GET":
        yield Refusable("wrong_verb", replace(right, verb="POST", body=sent, headers=JSON))
    else:
        yield Refusable(
            "wrong_verb", replace(right, verb="GET", query=written, body=None, headers=())
        )


class Row(NamedTuple):
    """One kind of requests, for all methods."""

    name: str
    statements: tuple[str, ...]  # with {} for the method
    requests: Callable[[Session, str, Record], Requests]
    few: int  # so many of them in a run of few requests
    names_one: bool = False  # they name a webhook request, which is looked at after each


TABLE = (
    Row("mandatory", ("{}.parameters.mandatory", "{}.identifier.mandatory"), _mandatory, 2),
    Row("fields", ("{}.identifier.fields",), _fields, 2),
    Row("exactly_one", ("{}.identifier.exactly_one",), _exactly_one, 2, names_one=True),
    Row("known", ("{}.identifier.known",), _known, 4),
    Row("token", ("token.required", "token.from_login"), _token, 4, names_one=True),
    Row("verb", ("methods.verb",), _verb, 1, names_one=True),
)


def _send(session: Session, row: Row, method: str) -> None:
    """Send the requests of one row; after one that is served go on with another record."""
    in_service(session)
    place, refused_all, repeated = 0, False, False
    while not refused_all:
        record = target(session, "show" if method == "list" else method)
        refused_all = True
        for at, each in enumerate(row.requests(session, method, record)):
            if at < place:
                continue
            if at >= breadth(session, row.few, 100):
                return
            exchange = session.send(each.call)
            place = at + 1
            if each.kind is not None:
                note_refusal(session, each.kind, exchange)
            lost = record["id"] not in session.pool.records
            if lost and not exchange.ok and not repeated:
                place, repeated = at, True  # once may be somebody else's doing
            if method in ("resend", "delete") and (exchange.ok or lost):
                refused_all = False
                break  # on with another one


def _register(row: Row, method: str, layer: Layer) -> None:
    statements = [each.format(method) for each in row.statements]
    if layer != "read":
        statements.append("errors.change_nothing")
    cost = row.few * (2 if row.names_one and layer != "read" else 1)
    run = partial(_send, row=row, method=method)
    probe(*statements, layer=layer, cost=cost, name=f"{method} refuses: {row.name}")(run)


for _row in TABLE:
    for _method, _layer in METHODS.items():
        _register(_row, _method, _layer)
    if _row.name in ("token", "verb"):
        _register(_row, "list", "read")
