"""Calls of the API, and one that is refused for each kind of error."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

TOKEN = "T"
SHOW, LIST = "webhook_requests/show", "webhook_requests/list"
RESEND, DELETE = "webhook_requests/resend", "webhook_requests/delete"
LOGIN = "authentication/token"
RIGHT = {"username": "mpadministrator", "password": "crmcom-kit", "organisation": "CRMDEMO"}


class Asked(NamedTuple):
    """A call."""

    verb: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None  # bytes as they stand; anything else as JSON
    headers: Mapping[str, str] = MappingProxyType({})


def ask(mock: Any, asked: Asked) -> Any:
    """Send a call to a mock; return its reply."""
    query = "&".join(f"{name}={quote(value, safe='=')}" for name, value in asked.query)
    return mock.send(asked.verb, asked.path, query, asked.body, headers=dict(asked.headers))


def last_call(mock: Any) -> Any:
    """Return what the journal of a mock has of the last call."""
    return mock.world.reader.views()[-1]


def get(path: str, *more: tuple[str, str], **parameters: str) -> Asked:
    """A GET call with a token that holds."""
    return Asked("GET", path, (("token", TOKEN), *more, *parameters.items()))


def post(path: str, body: Any = None, **members: Any) -> Asked:
    """A POST call with a token that holds."""
    return Asked("POST", path, body={"token": TOKEN, **members} if body is None else body)


def show(identifier: str, *more: tuple[str, str], **parameters: str) -> Asked:
    return get(SHOW, ("webhook_request_identifier", identifier), *more, **parameters)


def resend(**identifier: Any) -> Asked:
    return post(RESEND, webhook_request_identifier=identifier)


class Mistake(NamedTuple):
    """A call that is refused, in a release, and the dials that it needs."""

    asked: Asked
    release: str = "R13"
    dials: Mapping[str, Any] = MappingProxyType({})
    before: Asked | None = None  # a call that is served first


_NO_TOKEN = Asked("GET", SHOW, (("webhook_request_identifier", "number=7"),))
_STRICT = {"requests.unknown_parameters": "strict"}

#: For each kind of error a call that it refuses. A token that is over, and a resend at the same
#: time, need more than the call.
MISTAKES: dict[str, Mistake] = {
    "empty_token": Mistake(_NO_TOKEN._replace(query=(("token", ""), *_NO_TOKEN.query))),
    "missing_token": Mistake(_NO_TOKEN),
    "invalid_token": Mistake(_NO_TOKEN._replace(query=(("token", "x"), *_NO_TOKEN.query))),
    "expired_token": Mistake(show("number=7")),
    "released_token": Mistake(show("number=7"), "R10"),
    "wrong_credentials": Mistake(post(LOGIN, {**RIGHT, "username": "admin"})),
    "unknown_unit": Mistake(post(LOGIN, {**RIGHT, "unit": "x"})),
    "missing_parameter": Mistake(get(SHOW)),
    "empty_identifier": Mistake(resend()),
    "no_identifier": Mistake(show("7")),
    "several_identifiers": Mistake(resend(number="7", id="x")),
    "unknown_identifier_field": Mistake(show("name=7")),
    "no_semi_optional": Mistake(get(LIST)),
    "empty_value": Mistake(show("number=")),
    "wrong_type": Mistake(resend(number=7)),
    "invalid_value": Mistake(show("number=7\t")),
    "duplicate_parameter": Mistake(get(LIST, ("entity", "JOBS"), ("entity", "JOBS"))),
    "unknown_parameter": Mistake(get(LIST, entity="JOBS", odd="1"), dials=_STRICT),
    "misplaced_parameter": Mistake(
        show("number=7")._replace(body={}), dials={"requests.body_on_get": "error"}
    ),
    "unsupported_entity": Mistake(get(LIST, entity="JOB")),
    "bad_life_cycle_state": Mistake(get(LIST, entity="JOBS", life_cycle_state="rejected")),
    "bad_date": Mistake(get(LIST, entity="JOBS", created_date="31/01/2016")),
    "bad_fields_set": Mistake(show("number=7", fields_set="numbr,id")),
    "bad_paging": Mistake(get(LIST, entity="JOBS", offset="-1")),
    "deleted_webhook_request": Mistake(
        show("number=7"), before=post(DELETE, webhook_request_identifier={"number": "7"})
    ),
    "unknown_webhook_request": Mistake(show("number=99999999")),
    "unknown_webhook_definition": Mistake(get(LIST, webhook_definition_identifier="id=x")),
    "unknown_workflow_rule": Mistake(get(LIST, workflow_rule_identifier="name=x")),
    "resent_webhook_request": Mistake(resend(number="7"), before=resend(number="7")),
    "not_rejected": Mistake(resend(number="14")),
    "resend_under_way": Mistake(resend(number="7")),
    "definition_not_effective": Mistake(
        resend(number="116"), "R9", {"resend.definition_not_effective": "error"}
    ),
    "delivery_failed": Mistake(
        resend(number="7"), dials={"resend.failed": "error", "delivery.script": "timeout"}
    ),
    "bad_body": Mistake(post(RESEND, b"x")),
    "bad_charset": Mistake(post(RESEND, b"\xff")),
    "body_too_large": Mistake(post(RESEND, b" " * 2_000_000)),
    "unknown_method": Mistake(get("webhook_request/show")),
    "wrong_verb": Mistake(get(RESEND)),
    "method_withdrawn": Mistake(
        show("number=7"), "R18", {"requests.deprecated_methods": "withdraw"}
    ),
}
