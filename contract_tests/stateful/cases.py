"""Cases: generated requests with what they ask for, so that the oracle can check the response."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote

from crmcom_kit.contract_tests.client.calls import build, written
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.schemas.methods import Method

#: The premise of a case that names a webhook request which was deleted.
DELETED = "deleted"


class Must(StrEnum):
    """How a call has to be answered by the documents."""

    SERVE = "serve"
    REFUSE = "refuse"
    EITHER = "either"  # the documents leave it open; if it is served, then as its sense says


class Named(NamedTuple):
    """What an identifier names: a field and its value."""

    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """What a call asks for, where it is clear."""

    record: Named | None = None  # of webhook_request_identifier
    filters: Mapping[str, Any] = field(default_factory=dict)  # identifiers are Named
    fields: tuple[str, ...] | None = None  # of fields_set; None: every field
    limit: int | None = None  # number_of_results; None: all
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One call to make, and what the documents say of its answer."""

    method: str
    parameters: Mapping[str, Any]  # without the token, unless it is a wrong one
    must: Must
    statement: str  # the one that is broken if the call is not answered so; "" where it may be
    why: str  # in words, for the reader of a violation
    sense: Sense | None = None  # None: nothing is said of an answer with OK
    raw: bool = False  # see ``calls.written``
    with_token: bool = True
    again: tuple[tuple[str, Any], ...] = ()  # parameters that a query gives once more
    premise: tuple[str, str] | None = None  # id of a webhook request, and its state or DELETED

    def call(self, method: Method, token: str | None) -> Call:
        """Return the call, made with ``token`` unless the case has one of its own, or none."""
        given = dict(self.parameters)
        if self.with_token and "token" not in given:
            given = {"token": token, **given}
        call = build(method, given, raw=self.raw)
        if not self.again or method.verb != "GET":
            return call
        more = "".join(f"&{name}={written(value, raw=self.raw)}" for name, value in self.again)
        return Call(call.method, call.verb, call.path, call.query + more, parameters=given)


def with_token(call: Call, old: str, new: str) -> Call:
    """Return ``call`` as it is with another token: how a recorded call is made once more."""
    body = call.body.replace(old.encode(), new.encode()) if call.body else call.body
    query = call.query.replace(quote(old, safe=""), quote(new, safe=""))
    given = dict(call.parameters)
    if given.get("token") == old:
        given["token"] = new
    return Call(call.method, call.verb, call.path, query, body, call.headers, given)
