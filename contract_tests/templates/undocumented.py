"""Requests that no page mentions: each settles a dial, and nothing is suspected in them.

So a mock can be made to answer alike. They are sent in the first pass only. A variant is the dial
that it settles, or "errors" with the kind of error that its refusal is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.client.calls import JSON, build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.templates.logins import by_key
from crmcom_kit.contract_tests.templates.table import (
    Kind,
    Learned,
    Parameters,
    Scene,
    Send,
    template,
)
from crmcom_kit.schemas.releases import disputes, entities_since

#: Dial -> its value if the request is served, if it is refused, and the kind of error that it is.
_VALUES: Mapping[str, tuple[Any, Any, str]] = {
    "requests.unknown_parameters": ("loose", "strict", "unknown_parameter"),
    "requests.body_on_get": ("ignore", "error", "misplaced_parameter"),
    "requests.token_in_header": (True, False, ""),
    "requests.query_on_post": ("read", "error", "misplaced_parameter"),
    "fields_set.unknown_name": ("ignore", "error", "bad_fields_set"),
    "fields_set.nested": ("select", "error", ""),
    "fields_set.spaces": ("strip", "keep", ""),
    "fields_set.duplicates": ("accept", "error", ""),
    "fields_set.empty": ("all", "error", ""),
    "fields_set.array_in_body": (True, False, ""),
    "identifiers.json_number": (True, False, ""),
    "identifiers.unknown_field": ("ignore", "error", ""),
    "list.case_sensitive": (False, True, ""),
    "list.comma_lists": (True, False, ""),
    "login.basic_without_colon": (True, False, ""),
    "login.basic_any_case": (True, False, ""),
    **{
        each.dial: (each.since, entities_since()[entity], "unsupported_entity")
        for entity, each in disputes().items()
    },
}


def _learn(scene: Scene, name: str, exchange: Exchange, _send: Send) -> Iterator[Learned]:
    """Yield the value of a dial, and how an error of its kind is spelled."""
    served, refused, kind = _VALUES.get(name, (None, None, ""))
    is_served, codes, value = exchange.ok, scene.codes, None
    if exchange.call.method in ("resend", "delete"):  # how what is nowhere is missed tells it
        is_served = exchange.code == codes.get("unknown_webhook_request")
        if name == "errors.wrong_type" and is_served:
            return
        is_told = codes.get("unknown_webhook_request") != codes.get("wrong_type")
        if name != "errors.wrong_type" and not (is_told and "wrong_type" in codes):
            return  # it has one code for everything
        if exchange.code == codes.get("missing_parameter"):
            refused, kind = "ignore", ""
    if name == "errors.token_first":
        value = exchange.code == codes.get("missing_token")
        value = None if codes.get("missing_token") == codes.get("missing_parameter") else value
    elif name.startswith("errors."):
        kind = name.removeprefix("errors.")
    else:
        value = _served(name, exchange, served) if is_served else refused
    if value is not None:
        yield name, value
    if kind and not (exchange.call.method == "delete" and is_served):
        yield Kind(kind)


def _served(name: str, exchange: Exchange, value: Any) -> Any:
    """Return the value of a dial if a request is served; None if the response leaves it open."""
    shown = exchange.data if isinstance(exchange.data, dict) else {}
    match name:
        case "requests.unknown_parameters":
            is_told = any("warn" in header.lower() for header, _ in exchange.headers)
            return "warn" if is_told else value
        case "fields_set.nested":
            log = shown.get("log_information")
            return value if isinstance(log, dict) and set(log) == {"created_date"} else None
        case "fields_set.spaces":
            return value if "url" in shown else "keep"
        case "fields_set.empty":
            return value if "number" in shown else None
        case "fields_set.always_id":
            return "id" in shown if "url" not in shown else None
    return value


def _shows(scene: Scene, record: Record) -> dict[str, Parameters | Call]:
    """Return odd requests of show."""
    named = {IDENTIFIER: {"id": record["id"]}}
    given, path = {"token": scene.token, **named}, "webhook_requests/show"
    bearer = (("Authorization", f"Bearer {scene.token}"),)
    twice = f"{query(given)}&fields_set=id&fields_set=number"
    fields_sets = {
        "fields_set.unknown_name": "number,nosuch",
        "fields_set.nested": "log_information.created_date",
        "fields_set.spaces": "number, url",
        "fields_set.duplicates": "number,number",
        "fields_set.empty": "",
        "fields_set.always_id": "number",
    }
    return {
        "requests.unknown_parameters": {**named, "nosuch": "1"},
        "errors.invalid_value": {IDENTIFIER: {"id": f"{record['id']}\x01"}},
        "errors.duplicate_parameter": Call("show", "GET", path, twice, parameters=given),
        "errors.unknown_method": Call("", "GET", "webhook_requests/nosuch", query(given)),
        "requests.body_on_get": Call("show", "GET", path, query(given), b'{"url": "x"}', JSON),
        "requests.token_in_header": Call("show", "GET", path, query(named), None, bearer),
        "errors.token_first": Call("show", "GET", path),
        **{dial: {**named, "fields_set": text} for dial, text in fields_sets.items()},
    }


def _lists(scene: Scene, record: Record) -> dict[str, Parameters | Call]:
    """Return odd requests of list."""
    entity = record["entity"]
    other = next(each for each in scene.release.entities if each != entity)
    return {
        "list.case_sensitive": {"entity": entity.lower()},
        "list.comma_lists": {"entity": f"{entity},{other}"},
        "errors.no_identifier": {"webhook_definition_identifier": {}},
        "errors.bad_date": {"entity": entity, "created_date": "noon"},
        **{disputes()[each].dial: {"entity": each} for each in scene.release.disputed_entities},
    }


def _bodies(scene: Scene, method: str) -> dict[str, Parameters | Call]:
    """Return odd bodies, which name what is nowhere."""
    about, nowhere = scene.method(method), scene.nowhere["id"]
    if about is None or not scene.everything:
        return {}
    named = {IDENTIFIER: {"id": nowhere}}
    listed = {"fields_set.array_in_body": {**named, "fields_set": ["id"]}}
    return {
        "errors.wrong_type": {IDENTIFIER: {"number": [1]}},
        "identifiers.json_number": {IDENTIFIER: {"number": int(scene.nowhere["number"][:12])}},
        "identifiers.unknown_field": {IDENTIFIER: {"id": nowhere, "name": "x"}},
        "requests.query_on_post": replace(build(about, {"token": scene.token}), query=query(named)),
        **(listed if "fields_set" in about.parameters else {}),
    }


def _keys(scene: Scene) -> dict[str, Call | None]:
    """Return odd logins with a Web API key."""
    key = scene.login.api_key
    return {} if key is None else {
        "login.basic_without_colon": by_key(scene, key),
        "login.basic_any_case": by_key(scene, f"{key}:", "basic {}"),
    }  # fmt: skip


def _requests(scene: Scene, method: str, record: Record) -> Mapping[str, Parameters | Call | None]:
    """Return the odd requests of a method."""
    match method:
        case "show":
            return _shows(scene, record)
        case "list":
            return _lists(scene, record)
        case "web_api_key_token":
            return _keys(scene)
    return _bodies(scene, method)


def _names(method: str) -> Callable[[Scene], Sequence[str]]:
    def names(scene: Scene) -> Sequence[str]:
        return [name for each in scene.records()[:1] for name in _requests(scene, method, each)]

    return names


for _layer, _method, _first in (
    ("refusal", "show", 13), ("refusal", "list", 5), ("login", "web_api_key_token", 2),
    ("resend", "resend", 5), ("delete", "delete", 5),
):  # fmt: skip

    @template(
        _layer, _method, _names(_method), about=_layer == "refusal", first=_first, weight=0,
        then=_learn,
    )  # fmt: skip
    def what_no_page_mentions(
        scene: Scene, name: str, record: Record, method: str = _method
    ) -> Parameters | Call | None:
        """Send something odd."""
        return _requests(scene, method, record)[name]
