"""Calls with one mistake each, their suggestions, and how a suggestion is applied."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from crmcom_kit.mock_server.protocol.response import PLACEHOLDER, Change

TOKEN = "a-token-of-tests"
NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
SHOW, LIST = "webhook_requests/show", "webhook_requests/list"
RESEND, DELETE = "webhook_requests/resend", "webhook_requests/delete"
LOGIN = "authentication/token"
RIGHT = {"username": "mpadministrator", "password": "crmcom-kit", "organisation": "CRMDEMO"}


class Asked(NamedTuple):
    """A call that can be changed."""

    verb: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None  # bytes as they stand; anything else as JSON
    headers: Mapping[str, str] = MappingProxyType({})

    def changed(self, change: Change) -> "Asked":
        """Return the call with one change made."""
        name, value = change.parameter, change.value
        if change.action in ("verb", "path", "body"):
            assert name == change.action, change
        if change.action == "verb":
            return self._moved(value)
        if change.action == "path":
            return self._replace(path=value)
        if change.action == "body":
            return self._replace(body=value)
        return self.with_(name, None if change.action == "leave out" else _yours(name, value))

    def with_(self, name: str, value: Any) -> "Asked":
        """Return the call with one value for a parameter, or without it."""
        if self.verb == "GET":
            query = tuple(pair for pair in self.query if pair[0] != name)
            if isinstance(value, dict):
                value = ",".join(f"{field}={text}" for field, text in value.items())
            return self._replace(query=query if value is None else (*query, (name, value)))
        body = json.loads(self.body) if isinstance(self.body, bytes) else dict(self.body or {})
        body.pop(name, None)
        return self._replace(body=body if value is None else {**body, name: value})

    def _moved(self, verb: str) -> "Asked":
        if verb == "GET":
            moved = self._replace(verb=verb, body=None)
            for name, value in ({} if isinstance(self.body, bytes) else self.body or {}).items():
                moved = moved.with_(name, value)
            return moved
        body = {} if isinstance(self.body, bytes) else self.body or {}
        moved = self._replace(verb=verb, query=(), body=body)
        for name, value in self.query:
            field, equals, text = value.partition("=")
            moved = moved.with_(name, {field: text} if equals else value)
        return moved


def _yours(name: str, value: Any) -> Any:
    """Put in what only the caller knows."""
    return {"token": TOKEN, **RIGHT}[name] if value == PLACEHOLDER else value


def get(path: str, *more: tuple[str, str], **parameters: str) -> Asked:
    """A GET call with a token that holds."""
    return Asked("GET", path, (("token", TOKEN), *more, *parameters.items()))


def post(path: str, body: Any = None, **members: Any) -> Asked:
    """A POST call with a token that holds."""
    return Asked("POST", path, body={"token": TOKEN, **members} if body is None else body)


def show(identifier: str, *more: tuple[str, str], **parameters: str) -> Asked:
    """A call of show."""
    return get(SHOW, ("webhook_request_identifier", identifier), *more, **parameters)


def resend(**identifier: Any) -> Asked:
    """A call of resend."""
    return post(RESEND, webhook_request_identifier=identifier)


#: Calls with one mistake each: kind of error, call, what the suggestion says.
MISTAKES: list[tuple[str, Asked, str]] = [
    ("missing_token", Asked("GET", SHOW, (("webhook_request_identifier", "number=7"),)),
     "add token=... from POST authentication/token"),
    ("missing_token", show("number=7")._replace(
        query=(("token", ""), ("webhook_request_identifier", "number=7"))),
     "token=... from POST authentication/token"),
    ("missing_token", Asked("POST", RESEND, (("token", TOKEN),),
                            {"webhook_request_identifier": {"number": "7"}}),
     "move token from the query into the JSON body"),
    ("missing_token", Asked("GET", SHOW, (("webhook_request_identifier", "number=7"),),
                            headers={"Authorization": f"Bearer {TOKEN}"}),
     "give the token as the parameter token, not in the header"),
    ("invalid_token", Asked("GET", SHOW, (("token", "x"), ("webhook_request_identifier",
                                                           "number=7"))),
     "token=... from a new login (POST authentication/token)"),
    ("wrong_credentials", post(LOGIN, {**RIGHT, "username": "admin"}), '"username": "mpadm'),
    ("missing_parameter", post(LOGIN, {"username": "mpadministrator", "organisation": "CRMDEMO"}),
     'add "password": "..."'),
    ("missing_parameter", post(LOGIN, {"user_name": "mpadministrator", "password": "crmcom-kit",
                                       "organisation": "CRMDEMO"}),
     "username instead of user_name"),
    ("missing_parameter", get(SHOW), "add webhook_request_identifier=number="),
    ("no_identifier", show("7"), "webhook_request_identifier=number=7"),
    ("missing_parameter", get(SHOW, number="7"), "webhook_request_identifier=number=7 instead of"),
    ("missing_parameter", post(RESEND, number="7"), '{"number": "7"} instead of number'),
    ("no_identifier", get(LIST, webhook_definition_identifier="x"), "webhook_definition_identifie"),
    ("several_identifiers", resend(number="7", id="x"), '{"number": "7"}'),
    ("several_identifiers", show("number=7", id="x"), "=number=7 instead of id"),
    ("several_identifiers", show("number=7", ("webhook_request_identifier", "number=8")),
     "webhook_request_identifier=number=8"),
    ("unknown_identifier_field", show("name=7"), "webhook_request_identifier=number=7"),
    ("unknown_identifier_field", resend(nummer="7"), '{"number": "7"} (REJECTED)'),
    ("no_semi_optional", get(LIST), "add entity=ACTIVITIES"),
    ("no_semi_optional", get(LIST, entty="JOBS"), "entity instead of entty"),
    ("empty_value", show("number="), "webhook_request_identifier=number="),
    ("empty_value", get(LIST, entity=""), "entity=ACTIVITIES"),
    ("wrong_type", resend(number=7), '"webhook_request_identifier": {"number": "7"} (REJECTED)'),
    ("wrong_type", post(DELETE, webhook_request_identifier="number=7"), '{"number": "7"}'),
    ("wrong_type", post(RESEND, webhook_request_identifier={"number": "7"},
                        fields_set=["id", 3]), '"fields_set": "id"'),
    ("wrong_type", post(DELETE, {"token": 3, "webhook_request_identifier": {"number": "7"}}),
     '"token": "..."'),
    ("invalid_value", show("number=7\t"), "webhook_request_identifier=number=7"),
    ("unsupported_entity", get(LIST, entity="JOB"), "entity=JOBS instead of JOB"),
    ("unsupported_entity", get(LIST, entity="jobs"), "entity=JOBS instead of jobs"),
    ("unsupported_entity", get(LIST, entity="qqqqqq"), "entity=ACTIVITIES"),
    ("bad_life_cycle_state", get(LIST, entity="JOBS", life_cycle_state="rejected"),
     "life_cycle_state=REJECTED instead of rejected"),
    ("bad_fields_set", show("number=7", fields_set="numbr,id"), "fields_set=number,id"),
    ("bad_fields_set", show("number=7", fields_set="qqqqqq"), "leave out fields_set"),
    ("unknown_webhook_request", show("id=7"), "webhook_request_identifier=number=7"),
    ("unknown_webhook_request", show("number=99999999"), "webhook_request_identifier=number="),
    ("unknown_webhook_request", resend(id="x"), "(REJECTED)"),
    ("unknown_webhook_definition", get(LIST, webhook_definition_identifier="id=x"),
     "webhook_definition_identifier=id="),
    ("unknown_workflow_rule", get(LIST, workflow_rule_identifier="name=x"),
     "workflow_rule_identifier=id="),
    ("not_rejected", resend(number="14"), "(REJECTED)"),
    ("bad_body", Asked("POST", RESEND, (("token", TOKEN), ("webhook_request_identifier",
                                                           "number=7"))),
     "move the parameters from the query into a JSON body"),
    ("bad_body", post(RESEND, b"token=a-token-of-tests&webhook_request_identifier=number=7"),
     "send the parameters as a JSON object, not as a form"),
    ("unknown_method", show("number=7")._replace(path="webhook_request/show"),
     "GET webhook_requests/show"),
    ("unknown_method", show("number=7")._replace(path="webhook_requests/resnd"),
     "POST webhook_requests/resend"),
    ("wrong_verb", show("number=7")._replace(path=RESEND), "POST instead of GET, with the"),
    ("wrong_verb", resend(number="7")._replace(path=SHOW), "GET instead of POST, with the"),
]  # fmt: skip

#: The same in a dialect of its own.
ODD: list[tuple[str, dict[str, Any], Asked, str]] = [
    ("unknown_parameter", {"requests.unknown_parameters": "strict"},
     get(LIST, entity="JOBS", odd="1"), "leave out odd"),
    ("unknown_parameter", {"requests.unknown_parameters": "strict"},
     get(LIST, entity="JOBS", life_cycle_stat="REJECTED"),
     "life_cycle_state instead of life_cycle_stat"),
    ("bad_fields_set", {"fields_set.duplicates": "error"},
     show("number=7", fields_set="id,id"), "fields_set=id"),
    ("bad_fields_set", {"fields_set.empty": "error"},
     show("number=7", fields_set=""), "leave out fields_set"),
]  # fmt: skip

#: What no change of the call repairs, and what is said then.
NOT_MECHANICAL: list[tuple[str, str, dict[str, Any], Asked, str]] = [
    ("unsupported_entity", "R13", {}, get(LIST, entity="REWARDOFFERS"), "start the mock with --"),
    ("unknown_method", "R9", {}, post("authentication/token/release"), "--release R10"),
    ("unknown_method", "R9", {}, get("x"), "a path of the API, such as webhook_requests/"),
    ("wrong_credentials", "R10", {}, Asked("POST", "authentication/web_api_key/token"),
     "send the header Authorization: Basic base64(KEY:)"),
    ("bad_body", "R9", {}, post(RESEND, b"x"), "send a JSON object, such as"),
    ("bad_body", "R9", {}, post(RESEND, [{"token": TOKEN}]), "send a JSON object, such as"),
]  # fmt: skip
