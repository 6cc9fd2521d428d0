"""Odd requests, which no page mentions: their responses show dials, and raise no suspicion.

They are sent in the first pass only. A variant is the dial or the kind of error that it shows.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.calls import JSON, build, key_login, query
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, template
from crmcom_kit.schemas.releases import disputes

MakeRequests = Callable[[Scene, Record], Mapping[str, Parameters | Call]]


def _shows(scene: Scene, record: Record) -> dict[str, Parameters | Call]:
    """Return odd requests of show."""
    identifier = {IDENTIFIER: {"id": record["id"]}}
    two_fields = {name: record[name] for name in ("id", "number")}
    parameters = {"token": scene.token, **identifier}
    show = partial(Call, "show", "GET", "webhook_requests/show")
    bearer = (("Authorization", f"Bearer {scene.token}"),)
    two_fields_sets = f"{query(parameters)}&fields_set=id&fields_set=number"
    fields_sets = {
        "fields_set.unknown_name": "number,nosuch",
        "fields_set.nested": "log_information.created_date",
        "fields_set.spaces": "number, url",
        "fields_set.duplicates": "number,number",
        "fields_set.empty": "",
        "fields_set.always_id": "number",
    }
    two_identifiers = f"{query(parameters)}&{query({IDENTIFIER: {'number': record['number']}})}"
    return {
        "requests.unknown_parameters": {**identifier, "nosuch": "1"},
        "errors.several_identifiers": {IDENTIFIER: two_fields},
        "errors.several_identifiers, twice": show(two_identifiers, parameters=parameters),
        "errors.invalid_value": {IDENTIFIER: {"id": f"{record['id']}\x01"}},
        "errors.duplicate_parameter": show(two_fields_sets, parameters=parameters),
        "errors.unknown_method": Call("", "GET", "webhook_requests/nosuch", query(parameters)),
        "requests.body_on_get": show(query(parameters), b'{"fields_set": "id"}', JSON),
        "requests.token_in_header": show(query(identifier), None, bearer),
        "errors.token_first": show(),
        **{dial: {**identifier, "fields_set": text} for dial, text in fields_sets.items()},
    }


def _lists(scene: Scene, record: Record) -> dict[str, Parameters | Call]:
    """Return odd requests of list."""
    counts = Counter(other["entity"] for other in scene.records())
    entity = counts.most_common(1)[0][0] if counts else record["entity"]  # a long list
    other_entity = next(name for name in scene.release.entities if name != entity)
    pages = {
        "paging.zero": {"number_of_results": "0"},
        "paging.over_maximum": {"number_of_results": "1000000"},
        "paging.negative": {"number_of_results": "-1"},
        "paging.not_a_number": {"number_of_results": "many"},
    }
    return {
        "list.case_sensitive": {"entity": entity.lower()},
        "list.case_sensitive, state": {"entity": entity, "life_cycle_state": "rejected"},
        "list.comma_lists": {"entity": f"{entity},{other_entity}"},
        "errors.no_identifier": {"webhook_definition_identifier": {}},
        "errors.empty_value, entity": {"entity": ""},
        "errors.empty_value, url": {"entity": entity, "url": ""},
        "errors.bad_date": {"entity": entity, "created_date": "noon"},
        "requests.repeated_parameters": Call(
            "list",
            "GET",
            "webhook_requests/list",
            f"{query({'token': scene.token, 'entity': entity})}&entity={other_entity}",
            parameters={"token": scene.token, "entity": entity},
        ),
        **{dial: {"entity": entity, **page} for dial, page in pages.items() if scene.can_page()},
        **{disputes()[name].dial: {"entity": name} for name in scene.release.disputed_entities},
    }


FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
#: Bodies that are not JSON objects. They name nothing, whatever a server reads in them.
_NO_OBJECTS: Mapping[str, bytes] = {
    "an array": b"[]", "nothing": b"", "no JSON": b"{", "null": b"null", "a string": b'"x"',
}  # fmt: skip


def _no_objects(method: str, scene: Scene) -> dict[str, Parameters | Call]:
    """Return requests of a method whose body is not a JSON object, or is a form."""
    path = scene.methods[method].path
    form = query({"token": scene.token, IDENTIFIER: scene.nowhere["id"]}).encode()
    requests: dict[str, Parameters | Call] = {
        f"errors.bad_body, {name}": Call(method, "POST", path, "", body, JSON)
        for name, body in _NO_OBJECTS.items()
    }
    return requests | {"errors.bad_body, a form": Call(method, "POST", path, "", form, FORM)}


def _bodies(name: str, scene: Scene, _record: Record) -> dict[str, Parameters | Call]:
    """Return odd bodies, which name what exists nowhere."""
    method, nowhere = scene.methods[name], scene.nowhere["id"]
    requests = _no_objects(name, scene)
    two_fields = {"id": nowhere, "number": scene.nowhere["number"]}
    requests["errors.several_identifiers"] = {IDENTIFIER: two_fields}
    if not scene.scope.everything:
        return requests
    identifier = {IDENTIFIER: {"id": nowhere}}
    array_request = {"fields_set.array_in_body": {**identifier, "fields_set": ["id"]}}
    return requests | {
        "errors.wrong_type": {IDENTIFIER: {"number": [1]}},
        "identifiers.json_number": {IDENTIFIER: {"number": int(scene.nowhere["number"][:12])}},
        "identifiers.unknown_field": {IDENTIFIER: {"id": nowhere, "name": "x"}},
        "requests.query_on_post": replace(
            build(method, {"token": scene.token}), query=query(identifier)
        ),
        **(array_request if "fields_set" in method.parameters else {}),
    }


def _logins(scene: Scene, _record: Record) -> dict[str, Parameters | Call]:
    """Return odd logins: without a user, or by a method that the release does not have."""
    unknown = {
        "errors.unknown_method, release": ("token_release", "authentication/token/release"),
        "errors.unknown_method, key": ("web_api_key_token", "authentication/web_api_key/token"),
    }
    calls = {
        name: Call("", "POST", path, "", b"{}", JSON)
        for name, (method, path) in unknown.items() if method not in scene.methods
    }  # fmt: skip
    return _no_objects("token", scene) | calls


def _keys(scene: Scene, _record: Record) -> dict[str, Parameters | Call]:
    """Return odd logins with a Web API key."""
    key, unit, method = scene.login.api_key, scene.login.unit, scene.methods["web_api_key_token"]
    return {} if key is None or scene.logins.is_limited else {
        "login.basic_without_colon": key_login(method, key, unit),
        "login.basic_any_case": key_login(method, f"{key}:", unit, "basic {}"),
    }  # fmt: skip


def _add(layer: str, method: str, make_requests: MakeRequests, first: int) -> None:
    """Add the odd requests of a method to the table."""

    def names(scene: Scene) -> Sequence[str]:
        return [name for record in scene.records()[:1] for name in make_requests(scene, record)]

    @template(layer, method, names, needs_record=layer == "refusal", first=first, weight=0)
    def what_no_page_mentions(scene: Scene, name: str, record: Record) -> Parameters | Call:
        """Send something odd."""
        return make_requests(scene, record)[name]


_add("refusal", "show", _shows, 15)
_add("refusal", "list", _lists, 13)
_add("login", "token", _logins, 8)
_add("login", "web_api_key_token", _keys, 2)
_add("resend", "resend", partial(_bodies, "resend"), 12)
_add("delete", "delete", partial(_bodies, "delete"), 12)
