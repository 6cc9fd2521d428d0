"""Probes of requests that must be refused: one table for all methods.

The checks know what must be refused, and look at what became of the webhook request. What the
scope of the run keeps from resend and delete, the guard of the session withholds.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.interpretations import OBJECT_OF
from crmcom_kit.contract_tests.checks.logins import decoded
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.calls import JSON, build, query
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.made_up import WRONG_TOKEN
from crmcom_kit.contract_tests.client.near_misses import (
    LONG_NUMBERS,
    SECRET_MUTATIONS,
    UNUSUAL,
    near_misses,
)
from crmcom_kit.contract_tests.findings import Unreachable, Withheld
from crmcom_kit.contract_tests.probes.choosing import can_page, fitting, in_service, sample
from crmcom_kit.contract_tests.probes.registry import Layer, probe
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.releases import entities_since

LAYERS: Mapping[str, Layer] = {"resend": "resend", "delete": "delete"}

#: The kind of an error as the dialect names it, "" if it is not sure, and the parameters of a
#: request that must be refused. It has the run's token as well, if it does not say itself.
Requests = Iterator[tuple[str, dict[str, Any]]]


def body(parameters: Any) -> bytes:
    """Write parameters as the body of a POST; its headers are ``JSON``."""
    return json.dumps(parameters, ensure_ascii=False).encode("utf-8", "surrogatepass")


def nameable(session: Session, method: str) -> Record:
    """Return a webhook request that ``method`` could be called for. Raises Unreachable."""
    if method in ("show", "list"):
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


def _right(method: str, record: Record) -> dict[str, Any]:
    """Return parameters that are to be served."""
    if method == "list":
        return fitting(record, ("entity", "entity_id"))
    return {IDENTIFIER: {"id": record["id"]}}


# What is wrong with the requests.


def _mandatory(_session: Session, method: str, _record: Record) -> Requests:
    yield "", {}
    for identifier in ({}, {"id": ""}, {"number": ""}):
        yield "empty_value" if identifier else "no_identifier", {IDENTIFIER: identifier}
    if method == "show":
        yield "", {"fields_set": "id"}


def _fields(session: Session, _method: str, record: Record) -> Requests:
    for name in ("entity_id", "url", "entity"):
        value = record.get(name)
        if isinstance(value, str) and _is_no_name(session, value):
            yield "unknown_identifier_field", {IDENTIFIER: {name: value}}


def _exactly_one(session: Session, method: str, record: Record) -> Requests:
    both = {name: record[name] for name in ("id", "number")}
    pairs = [both, dict(reversed(both.items()))]
    if method == "show":  # others would name another webhook request
        others = (each.get("number") for each in session.pool.known() if each["id"] != record["id"])
        pairs += [{**both, "number": next(filter(None, others), session.nowhere["number"])}]
    for pair in pairs:
        yield "several_identifiers", {IDENTIFIER: pair}


def _known(session: Session, method: str, record: Record) -> Requests:
    for field, value in _other_names(session, method, record):
        if _is_no_name(session, value):
            kind = "unknown_webhook_request" if value == session.nowhere["id"] else ""
            yield kind, {IDENTIFIER: {field: value}}


def _other_names(session: Session, method: str, record: Record) -> Iterator[tuple[str, str]]:
    """Yield names that no webhook request has, the most telling ones first."""
    yield from session.nowhere.items()
    yield from (("number", record["id"]), ("id", record["number"]))
    misses = [[(name, miss) for miss in near_misses(record[name])]
              for name in ("id", "number")]  # fmt: skip
    yield from (each for pair in zip_longest(*misses) for each in pair if each is not None)
    number = record["number"]
    yield from (("number", text) for text in (f"{number}000000000", f"{number}.0", f"-{number}"))
    if method == "show":
        yield from ((name, value) for value in UNUSUAL for name in ("id", "number"))
    else:
        yield from (("number", LONG_NUMBERS[2]), ("id", UNUSUAL[0]), ("id", UNUSUAL[2]))


def _is_no_name(session: Session, value: str) -> bool:
    """Whether no webhook request is known, or was known, by this id or number."""
    known = (*session.pool.records.values(), *session.pool.deleted.values())
    return value != "" and all(value not in (each["id"], each.get("number")) for each in known)


def _token(session: Session, method: str, record: Record) -> Requests:
    right = _right(method, record)
    for _ in range(2):
        yield "missing_token", {"token": None, **right}
    for token in _wrong_tokens(session.token or ""):
        yield "invalid_token" if token == WRONG_TOKEN else "", {"token": token, **right}
    for odd in (True, [session.token]) if session.method(method).verb == "POST" else ():
        yield "", {"token": odd, **right}


def _wrong_tokens(token: str) -> Iterator[str]:
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


def _verb(_session: Session, method: str, record: Record) -> Requests:
    yield "wrong_verb", _right(method, record)


def _semi_optional(session: Session, _method: str, record: Record) -> Requests:
    optional = fitting(record, ("life_cycle_state", "url"))
    cases: list[dict[str, Any]] = [{}, *({name: value} for name, value in optional.items())]
    cases += [{"number_of_results": 5, "offset": 0}] if can_page(session) else []
    for given in (*cases, {"fields_set": "id"}, optional):
        yield "no_semi_optional", given
    yield "", {"created_date": "2016-02-28"}


def _entity(session: Session, _method: str, _record: Record) -> Requests:
    later = [each for each in entities_since() if each not in session.release.entities]
    for entity in (*later[:2], "NOSUCHENTITY", *later[2:], "ACTIVITY", "WEBHOOKREQUESTS", "%"):
        yield "unsupported_entity", {"entity": entity}


def _state(_session: Session, _method: str, record: Record) -> Requests:
    for state in ("PENDING", "EFFECTIVE", "SUCCESS", "FAILED", "REJECTED2", "%"):
        given = {"entity": record["entity"], "life_cycle_state": state}
        yield "bad_life_cycle_state", given


def _fields_of_list(_session: Session, _method: str, _record: Record) -> Requests:
    for parameter in OBJECT_OF:
        yield "unknown_identifier_field", {parameter: {"number": "1"}}


class Row(NamedTuple):
    """One kind of requests, for some methods."""

    statements: tuple[str, ...]  # with {} for the method
    requests: Callable[[Session, str, Record], Requests]
    few: int  # so many of them in a run of few requests
    methods: tuple[str, ...] = ("show", "resend", "delete")
    other_verb: bool = False  # only the verb is wrong

    def call(self, session: Session, method: str, given: Mapping[str, Any]) -> Call:
        """Build one of the requests."""
        given = {"token": session.token, **given}
        rest = {name: value for name, value in given.items() if value is not None}
        right = build(session.method(method), rest)
        if not self.other_verb:
            return right
        if right.verb == "GET":
            return replace(right, verb="POST", body=body(rest), headers=JSON)
        return replace(right, verb="GET", query=query(rest), body=None, headers=())

    def named(self, method: str) -> list[str]:
        """Return the statements for a method."""
        changing = ("errors.change_nothing",) if method in LAYERS else ()
        return [each.format(method) for each in (*self.statements, *changing)]


_EACH = ("show", "list", "resend", "delete")
TABLE = (
    Row(("{}.parameters.mandatory", "{}.identifier.mandatory"), _mandatory, 2),
    Row(("{}.identifier.fields",), _fields, 2),
    Row(("{}.identifier.exactly_one",), _exactly_one, 2),
    Row(("{}.identifier.known", "errors.no_server_error"), _known, 4),
    Row(("token.required", "token.from_login"), _token, 4, _EACH),
    Row(("methods.verb",), _verb, 1, _EACH, other_verb=True),
    Row(("list.semi_optional.at_least_one",), _semi_optional, 4, ("list",)),
    Row(("list.entity.supported_values",), _entity, 3, ("list",)),
    Row(("list.life_cycle_state.supported_values",), _state, 1, ("list",)),
    Row(("list.identifier.fields",), _fields_of_list, 1, ("list",)),
)


def _send(session: Session, row: Row, method: str) -> None:
    """Send the requests of one row; after one that is served go on with another record.

    Raises:
        Withheld: the scope of the run lets none of them pass.
    """
    in_service(session)
    place, refused_all, repeated = 0, False, False
    withheld, is_sent = None, False
    while not refused_all:
        record = nameable(session, method)
        refused_all = True
        for at, (kind, given) in enumerate(row.requests(session, method, record)):
            if at < place:
                continue
            place = at + 1
            try:
                exchange = session.send(row.call(session, method, given))
            except Withheld as error:
                withheld = error
                continue
            is_sent = True
            note_refusal(session, kind, exchange)
            lost = record["id"] not in session.pool.records
            if lost and not exchange.ok and not repeated:
                place, repeated = at, True  # once may be somebody else's doing
            if method in LAYERS and (exchange.ok or lost):
                refused_all = False
                break  # on with another one
    if withheld is not None and not is_sent:
        raise withheld


for _row in TABLE:
    for _method in _row.methods:
        _looks = _method in LAYERS and _row.requests in (_exactly_one, _token, _verb)  # at a record
        probe(
            *_row.named(_method), layer=LAYERS.get(_method, "read"),
            cost=_row.few * (2 if _looks else 1),
            name=f"{_method} refuses: {_row.named(_method)[0]}",
        )(partial(_send, row=_row, method=_method))  # fmt: skip
