"""Requests that must be refused.

Those to resend and delete name a webhook request in scope, or nothing. What might name another one
goes only to show, unless everything may be changed. A resend is about a REJECTED webhook request,
since another would be refused for its state.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF, Identifier
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.calls import JSON, build, query
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.made_up import WRONG_TOKEN
from crmcom_kit.contract_tests.oracle.logins import decoded
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER, STATES
from crmcom_kit.contract_tests.templates.lists import filter_value
from crmcom_kit.contract_tests.templates.near_misses import (
    MUTATIONS,
    SECRET_MUTATIONS,
    Mutation,
    near_misses,
)
from crmcom_kit.contract_tests.templates.open_values import edits
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, spread, template
from crmcom_kit.schemas.releases import entities_since


def right_parameters(method: str, record: Record) -> dict[str, Any]:
    """Return parameters that must be served."""
    if method == "list":
        return {"entity": record["entity"]}
    return {IDENTIFIER: {"id": record["id"]}}


_UNNAMED: tuple[Parameters, ...] = (
    {}, {IDENTIFIER: {}}, {IDENTIFIER: {"id": ""}}, {IDENTIFIER: {"number": ""}},
)  # fmt: skip


def _wrong_tokens(scene: Scene) -> Sequence[str | None]:
    """Return tokens that no login has returned: none, made up, empty, nearly right, forged."""
    token = scene.token or ""
    tokens: list[str | None] = [None, WRONG_TOKEN, "", *near_misses(token, SECRET_MUTATIONS)]
    parts = decoded(token)
    if parts is not None:
        header, payload, signature = token.split(".")
        character = "B" if signature[:1] == "A" else "A"
        tokens.append(f"{header}.{payload}.{character}{signature[1:]}")
        tokens.append(f"{header}.{_encoded({**parts[1], 'exp': '4102444800'})}.{signature}")
        tokens.append(f"{_encoded({**parts[0], 'alg': 'none'})}.{payload}.")
    return tokens


def _encoded(part: Mapping[str, Any]) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _names_nothing(scene: Scene, text: str) -> bool:
    identifiers = (Identifier(form, text) for form in ("id", "number"))
    return not any(map(scene.belief.records.named, identifiers))


class NearName(NamedTuple):
    """An identifier that is nearly that of a webhook request."""

    form: str  # its field
    mutation: Mutation | None  # of the value; None: it becomes the value of the other field


_NEAR = [
    NearName(form, mutation)
    for form in ("number", "id")
    for mutation in (*MUTATIONS, None, lambda text: f"{text}.0", lambda text: f"-{text}")
]


def _near_if_everything(scene: Scene) -> Sequence[NearName]:
    """Return all variants if any webhook request may be changed, else none."""
    return _NEAR if scene.scope.everything else ()


def _open(_: Scene) -> SearchStrategy[NearName]:
    """Return a strategy of changes of an id or a number."""
    return st.builds(NearName, st.sampled_from(("number", "id")), edits())


@template("delete", "delete", _UNNAMED, first=4)
@template("resend", "resend", _UNNAMED, first=4)
@template("refusal", "show", _UNNAMED, first=4)
def no_identifier(parameters: Parameters) -> Parameters:
    """Name nothing."""
    return parameters


_OTHER_FIELDS = ("entity_id", "url", "entity")


@template("delete", "delete", _OTHER_FIELDS, first=2)
@template("resend", "resend", _OTHER_FIELDS, state="REJECTED", first=2)
@template("refusal", "show", _OTHER_FIELDS, first=2)
def another_field(scene: Scene, field: str, record: Record) -> Parameters | None:
    """Name a webhook request by a field that identifies none."""
    text = record[field]
    return {IDENTIFIER: {field: text}} if _names_nothing(scene, text) else None


def _nowhere(scene: Scene) -> Sequence[Identifier]:
    return [Identifier(form, text) for form, text in scene.nowhere.items()]


@template("delete", "delete", _nowhere, first=2)
@template("resend", "resend", _nowhere, first=2)
@template("refusal", "show", _nowhere, first=2)
def what_is_nowhere(identifier: Identifier) -> Parameters:
    """Name what exists nowhere."""
    return {IDENTIFIER: {identifier.field: identifier.value}}


@template("delete", "delete", _near_if_everything, first=16, weight=3)
@template("resend", "resend", _near_if_everything, state="REJECTED", first=16, weight=3)
@template(
    "refusal", "show", spread(_NEAR), open_variants=_open, open_weight=2, first=len(_NEAR), weight=3
)
def nearly_a_name(scene: Scene, name: NearName, record: Record) -> Parameters | None:
    """Name something that is nearly a webhook request's id or number."""
    form, mutation = name
    other_text = record["number" if form == "id" else "id"]
    text = other_text if mutation is None else mutation(record[form])
    is_wrong = text and text != record[form] and _names_nothing(scene, text)
    return {IDENTIFIER: {form: text}} if is_wrong else None


_TWO = ("its own", "another")


# Not to show: no page says how two fields are written in a query.
@template("delete", "delete", _TWO, first=3)
@template("resend", "resend", _TWO, state="REJECTED", first=3)
def two_fields(scene: Scene, whose: str, record: Record) -> Parameters:
    """Name a webhook request by both fields."""
    identifier = {name: record[name] for name in ("id", "number")}
    if whose == "another" and scene.scope.everything:
        others = (other for other in scene.records() if other["id"] != record["id"])
        identifier["number"] = next(others, scene.nowhere)["number"]
    return {IDENTIFIER: identifier}


# Show and list come twice: the second time after changes.
@template("delete", "list", _wrong_tokens, first=3, weight=2)
@template("delete", "show", _wrong_tokens, first=3, weight=2)
@template("refusal", "list", _wrong_tokens, first=8, weight=2)
@template("delete", "delete", _wrong_tokens, first=8, weight=2)
@template("resend", "resend", _wrong_tokens, state="REJECTED", first=8, weight=2)
@template("refusal", "show", _wrong_tokens, first=14, weight=2)
def a_wrong_token(token: str | None, record: Record, method: str) -> Parameters:
    """Call a method without a token, or with one that no login has returned."""
    filters = {"entity_id": record["entity_id"]} if method == "list" else {}
    return {"token": token, **right_parameters(method, record), **filters}


def _expired(scene: Scene) -> Sequence[str | None]:
    return (scene.login.expired_token,)


@template("refusal", "list", _expired, needs="expired_token", first=2)
@template("delete", "delete", _expired, needs="expired_token", first=2)
@template("resend", "resend", _expired, needs="expired_token", state="REJECTED", first=2)
@template("refusal", "show", _expired, needs="expired_token", first=2)
def an_expired_token(token: str, record: Record, method: str) -> Parameters:
    """Call a method with a token whose time is over."""
    return {"token": token, **right_parameters(method, record)}


@template("refusal", "list", first=2)
@template("delete", "delete", first=2)
@template("resend", "resend", state="REJECTED", first=2)
@template("refusal", "show", first=2)
def another_verb(scene: Scene, record: Record, method: str) -> Call:
    """Call a method with the other verb."""
    parameters = {"token": scene.token, **right_parameters(method, record)}
    call = build(scene.methods[method], parameters)
    if call.verb == "GET":
        return replace(call, verb="POST", body=json.dumps(parameters).encode(), headers=JSON)
    return replace(call, verb="GET", query=query(parameters), body=None, headers=())


_NOT_ENOUGH: tuple[tuple[str, ...], ...] = (
    (), ("life_cycle_state",), ("url",), ("created_date",), ("url", "life_cycle_state"),
    ("life_cycle_state", "created_date"), ("url", "created_date"), ("fields_set",),
    ("number_of_results",),
)  # fmt: skip


@template("refusal", "list", _NOT_ENOUGH, first=9, weight=2)
def no_semi_optional(scene: Scene, names: tuple[str, ...], record: Record) -> Parameters | None:
    """List by optional parameters alone."""
    constants = {"fields_set": "id", "number_of_results": "5"}
    if "number_of_results" in names and not scene.can_page():
        return None
    return {name: constants.get(name) or filter_value(record, name) for name in names}


@template(
    "refusal", "list",
    lambda scene: (
        *(entity for entity in entities_since() if entity not in scene.release.entities),
        "NOSUCHENTITY", "ACTIVITY", "WEBHOOKREQUESTS", "%",
    ),
    open_variants=lambda scene: st.builds(
        lambda entity, edit: edit(entity) or entity,
        st.sampled_from(scene.release.entities), edits(),
    ),
    first=5, weight=2,
)  # fmt: skip
def unsupported_entity(entity: str) -> Parameters:
    """List an entity that the release does not have."""
    return {"entity": entity}


@template(
    "refusal", "list", ("PENDING", "EFFECTIVE", "SUCCESS", "FAILED", "REJECTED2", "%"),
    open_variants=lambda _: st.builds(
        lambda state, edit: edit(state) or state, st.sampled_from(STATES), edits()
    ),
    first=2,
)  # fmt: skip
def unsupported_state(state: str, record: Record) -> Parameters:
    """List by a state that no webhook request can be in."""
    return {"entity": record["entity"], "life_cycle_state": state}


@template("refusal", "list", tuple(OBJECT_OF), first=2)
def another_field_of_list(name: str) -> Parameters:
    """List by a field that identifies no definition and no rule."""
    return {name: {"number": "1"}}
