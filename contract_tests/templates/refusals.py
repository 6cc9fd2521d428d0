"""Requests that are to be refused.

To resend and delete they name a webhook request in scope, or nothing at all; what might name
another one goes to show alone, unless everything may be changed.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF, Identifier
from crmcom_kit.contract_tests.client.calls import JSON, build, query
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.made_up import WRONG_TOKEN
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.oracle.expectations import STATES
from crmcom_kit.contract_tests.oracle.logins import decoded
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER, RECORD_METHODS
from crmcom_kit.contract_tests.templates.lists import value
from crmcom_kit.contract_tests.templates.near_misses import (
    MUTATIONS,
    SECRET_MUTATIONS,
    Mutation,
    near_misses,
)
from crmcom_kit.contract_tests.templates.open_values import edits
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, spread, template
from crmcom_kit.schemas.releases import entities_since


def right(method: str, record: Record) -> dict[str, Any]:
    """Return parameters that are to be served."""
    if method == "list":
        return {"entity": record["entity"]}
    return {IDENTIFIER: {"id": record["id"]}}


def _layer(method: str) -> str:
    return method if method in CHANGES else "refusal"


_UNNAMED: tuple[Parameters, ...] = (
    {}, {IDENTIFIER: {}}, {IDENTIFIER: {"id": ""}}, {IDENTIFIER: {"number": ""}},
)  # fmt: skip


def _wrong_tokens(scene: Scene) -> Sequence[str | None]:
    """Return tokens that no login has returned: none, made up, empty, nearly right, forged."""
    token = scene.token or ""
    found: list[str | None] = [None, WRONG_TOKEN, "", *near_misses(token, SECRET_MUTATIONS)]
    parts = decoded(token)
    if parts is not None:
        header, payload, signature = token.split(".")
        end = "B" if signature[:1] == "A" else "A"
        found.append(f"{header}.{payload}.{end}{signature[1:]}")
        found.append(f"{header}.{_coded({**parts[1], 'exp': '4102444800'})}.{signature}")
        found.append(f"{_coded({**parts[0], 'alg': 'none'})}.{payload}.")
    return found


def _coded(part: Mapping[str, Any]) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _names_nothing(scene: Scene, text: str) -> bool:
    return all(scene.belief.named(Identifier(form, text)) is None for form in ("id", "number"))


#: What is nearly a name: the other one, or what a mutation makes of its own.
_NEAR: list[tuple[str, Mutation | None]] = [
    (form, mutation)
    for form in ("number", "id")
    for mutation in (*MUTATIONS, None, lambda text: f"{text}.0", lambda text: f"-{text}")
]


def _near_if_everything(scene: Scene) -> Sequence[tuple[str, Mutation | None]]:
    """Return all variants, the most telling first, if any webhook request may be changed."""
    return _NEAR if scene.everything else ()


def _open(_: Scene) -> SearchStrategy[tuple[str, Mutation]]:
    """Return a strategy of any changes of an id or a number."""
    return st.tuples(st.sampled_from(("number", "id")), edits())


for _method in RECORD_METHODS:
    _state = "REJECTED" if _method == "resend" else ""  # else it would be refused for its state

    @template(_layer(_method), _method, _UNNAMED, about=False, first=4)
    def no_identifier(_: Scene, given: Parameters, _record: Record) -> Parameters:
        """Name nothing."""
        return given

    @template(_layer(_method), _method, ("entity_id", "url", "entity"), state=_state, first=2)
    def another_field(scene: Scene, field: str, record: Record) -> Parameters | None:
        """Name a webhook request by a field that identifies none."""
        text = record[field]
        return {IDENTIFIER: {field: text}} if _names_nothing(scene, text) else None

    @template(
        _layer(_method), _method, lambda scene: [*scene.nowhere.items()], about=False, first=2
    )
    def what_is_nowhere(_: Scene, name: tuple[str, str], _record: Record) -> Parameters:
        """Name what exists nowhere."""
        return {IDENTIFIER: dict([name])}

    @template(
        _layer(_method), _method,
        spread(_NEAR) if _method == "show" else _near_if_everything,
        further=_open if _method == "show" else None, share=2,
        state=_state, first=len(_NEAR) if _method == "show" else 16, weight=3,
    )  # fmt: skip
    def nearly_a_name(
        scene: Scene, variant: tuple[str, Mutation | None], record: Record
    ) -> Parameters | None:
        """Name something that is nearly a webhook request's id or number."""
        form, mutation = variant
        other = record["number" if form == "id" else "id"]
        text = other if mutation is None else mutation(record[form])
        fine = text and text != record[form] and _names_nothing(scene, text)
        return {IDENTIFIER: {form: text}} if fine else None


for _method in CHANGES:  # no page shows how two fields are written in a query

    @template(
        _method, _method, ("its own", "another"), state="REJECTED" if _method == "resend" else "",
        first=3,
    )  # fmt: skip
    def two_fields(scene: Scene, how: str, record: Record) -> Parameters:
        """Name a webhook request by both fields."""
        both = {name: record[name] for name in ("id", "number")}
        if how == "another" and scene.everything:
            others = [each["number"] for each in scene.records() if each["id"] != record["id"]]
            both["number"] = next(iter(others), scene.nowhere["number"])
        return {IDENTIFIER: both}


for _method, _layer_of, _most in (
    ("show", "refusal", 14), ("resend", "resend", 8), ("delete", "delete", 8),
    ("list", "refusal", 8), ("show", "delete", 3), ("list", "delete", 3),  # again, after changes
):  # fmt: skip
    _state = "REJECTED" if _method == "resend" else ""

    @template(_layer_of, _method, _wrong_tokens, state=_state, first=_most, weight=2)
    def a_wrong_token(
        _: Scene, token: str | None, record: Record, method: str = _method
    ) -> Parameters:
        """Call a method without a token, or with one that no login has returned."""
        more = {"entity_id": record["entity_id"]} if method == "list" else {}
        return {"token": token, **right(method, record), **more}


for _method in (*RECORD_METHODS, "list"):
    _state = "REJECTED" if _method == "resend" else ""

    @template(
        _layer(_method), _method,
        lambda scene: (scene.login.expired_token,), needs="expired_token",
        state=_state, first=2,
    )  # fmt: skip
    def an_expired_token(_: Scene, token: str, record: Record, method: str = _method) -> Parameters:
        """Call a method with a token whose time is over."""
        return {"token": token, **right(method, record)}


for _method in (*RECORD_METHODS, "list"):
    _state = "REJECTED" if _method == "resend" else ""

    @template(_layer(_method), _method, state=_state, first=2)
    def another_verb(scene: Scene, _variant: None, record: Record, method: str = _method) -> Call:
        """Call a method with the other verb."""
        given = {"token": scene.token, **right(method, record)}
        call = build(scene.methods[method], given)
        if call.verb == "GET":
            sent = json.dumps(given).encode()
            return replace(call, verb="POST", body=sent, headers=JSON)
        return replace(call, verb="GET", query=query(given), body=None, headers=())


_NOT_ENOUGH: tuple[tuple[str, ...], ...] = (
    (), ("life_cycle_state",), ("url",), ("created_date",), ("url", "life_cycle_state"),
    ("life_cycle_state", "created_date"), ("url", "created_date"), ("fields_set",),
    ("number_of_results",),
)  # fmt: skip


@template("refusal", "list", _NOT_ENOUGH, first=9, weight=2)
def no_semi_optional(scene: Scene, names: tuple[str, ...], record: Record) -> Parameters | None:
    """List by optional parameters alone."""
    other = {"fields_set": "id", "number_of_results": "5"}
    if "number_of_results" in names and not scene.can_page():
        return None
    return {name: other.get(name) or value(record, name) for name in names}


@template(
    "refusal", "list",
    lambda scene: (
        *(each for each in entities_since() if each not in scene.release.entities),
        "NOSUCHENTITY", "ACTIVITY", "WEBHOOKREQUESTS", "%",
    ),
    further=lambda scene: st.builds(
        lambda entity, edit: edit(entity) or entity,
        st.sampled_from(scene.release.entities), edits(),
    ),
    about=False, first=5, weight=2,
)  # fmt: skip
def unsupported_entity(_: Scene, entity: str, _record: Record) -> Parameters:
    """List an entity that the release does not have."""
    return {"entity": entity}


@template(
    "refusal", "list", ("PENDING", "EFFECTIVE", "SUCCESS", "FAILED", "REJECTED2", "%"),
    further=lambda _: st.builds(
        lambda state, edit: edit(state) or state, st.sampled_from(STATES), edits()
    ),
    first=2,
)  # fmt: skip
def unsupported_state(_: Scene, state: str, record: Record) -> Parameters:
    """List by a state that no webhook request can be in."""
    return {"entity": record["entity"], "life_cycle_state": state}


@template("refusal", "list", tuple(OBJECT_OF), about=False, first=2)
def another_field_of_list(_: Scene, name: str, _record: Record) -> Parameters:
    """List by a field that identifies no definition and no rule."""
    return {name: {"number": "1"}}
