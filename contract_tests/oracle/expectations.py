"""Tell from the documents whether a request must be served, must be refused, or may be either.

There is a function for the refusals of each kind of method. Only what the documents state is
expected; what they leave open is ``Must.EITHER``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import (
    INTERPRETATIONS,
    SEMI_OPTIONAL,
    Identifier,
)
from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.belief.zones import ALL
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.parsing import (
    IDENTIFIER,
    RECORD_METHODS,
    Request,
    basic_key,
    documented_values,
    read,
)
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS
from crmcom_kit.schemas.reasons import Reason, reason
from crmcom_kit.schemas.releases import Release, entities_since
from crmcom_kit.usage_errors import quoted

LOGIN_PARAMETERS = ("username", "password", "organisation")


class Must(StrEnum):
    """What the documents want of the response to a request."""

    SERVE = "serve"
    REFUSE = "refuse"
    EITHER = "either"  # the documents leave it open


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the documents say of the response to one request."""

    must: Must
    statement: str  # that another response would break; "" if none
    why: str  # in words, for the reader of a violation; "" for ``Must.EITHER``
    request: Request
    record_id: str | None = None  # id of the webhook request that is named, if it is known
    #: Of a webhook request that a list must find, if whether it is served depends on that.
    selected_id: str | None = None


def expectation_of(call: Call, belief: Belief) -> Expectation:
    """Return what the documents say of the response to ``call``, in the present belief."""
    request = read(call, belief.release)
    refusal = next(refusals(call, request, belief), None)
    if refusal is not None:
        return _refuse(refusal, request)
    expectation = _unless_refused(request, belief)
    if request.is_unusual and expectation.must is Must.SERVE:
        return _either(request, expectation.record_id)
    return expectation


def _unless_refused(request: Request, belief: Belief) -> Expectation:
    """Return what is expected of a request that breaks no documented rule."""
    if request.method is None or request.is_unreadable or "token" in request.unclear:
        return _either(request)
    is_valid = belief.tokens.state(request.token) is TokenState.LIVE
    if "token" in request.method.parameters and not is_valid:
        return _either(request)
    if request.method.deprecated and not belief.records.condensed:
        return _either(request)  # it may have been withdrawn
    if request.name in RECORD_METHODS:
        return _record_expectation(request, belief)
    if request.name == "list":
        return _list_expectation(request, belief)
    return _login_expectation(request, belief)


def _either(request: Request, record_id: str | None = None) -> Expectation:
    return Expectation(Must.EITHER, "", "", request, record_id)


class Refusal(NamedTuple):
    """The statement that a request breaks, and the reason in words."""

    statement: str
    reason: Reason


def _breaks(statement: str, case: str = "", **values: str) -> Refusal:
    """Return the refusal of a request that breaks a statement; ``values`` go into the reason."""
    return Refusal(statement, reason(statement, case, **values))


def _refuse(refusal: Refusal, request: Request, record_id: str | None = None) -> Expectation:
    statement, why = refusal
    return Expectation(Must.REFUSE, statement, why.wrong, request, record_id)


def refusals(call: Call, request: Request, belief: Belief) -> Iterator[Refusal]:
    """Yield the documented reasons to refuse a request, whatever records there are."""
    method = request.method
    if method is None or request.is_unreadable:
        return
    if request.verb != method.verb:
        yield _breaks("methods.verb", parameter=method.path, seen=request.verb, allowed=method.verb)
        return
    if method.name in (*RECORD_METHODS, "list"):
        yield from _token_refusals(request, belief)
    if method.name in RECORD_METHODS:
        yield from _identifier_refusals(request)
    elif method.name == "list":
        yield from _filter_refusals(request, belief.release)
    elif method.name == "token":
        missing = [name for name in LOGIN_PARAMETERS if not request.parameters.get(name)]
        if missing and not set(LOGIN_PARAMETERS) & request.unclear:
            yield _breaks("parameters.mandatory", parameter=" and ".join(missing))
    elif method.name == "token_release" and request.is_clear and not request.token:
        yield _breaks("parameters.mandatory", parameter="token")
    elif method.name == "web_api_key_token":
        yield from _key_refusals(call, belief)


def _key_refusals(call: Call, belief: Belief) -> Iterator[Refusal]:
    key, right_key = basic_key(call), belief.tokens.credentials.api_key
    if not key:
        yield _breaks("parameters.mandatory", "api_key")
    elif right_key is not None and key != right_key:
        yield _breaks("login.credentials", "api_key")


_ENDED_TOKENS = {
    TokenState.UNKNOWN: "token.from_login",
    TokenState.RELEASED: "token_release.ends_token",
    TokenState.EXPIRED: "token.expiry",
}


def _token_refusals(request: Request, belief: Belief) -> Iterator[Refusal]:
    if "token" in request.unclear:
        return
    if "token" not in request.parameters:
        yield _breaks("token.required")
        return
    statement = _ENDED_TOKENS.get(belief.tokens.state(request.token))
    if statement is not None:
        yield _breaks(statement)


def _identifier_refusals(request: Request) -> Iterator[Refusal]:
    """Yield what is wrong with webhook_request_identifier, of show, resend or delete."""
    parameters = request.parameters
    if IDENTIFIER in request.unclear:
        return
    if IDENTIFIER not in parameters:
        yield _breaks("parameters.mandatory", parameter=IDENTIFIER)
        return
    identifier = parameters[IDENTIFIER]
    if not isinstance(identifier, Mapping):
        return  # no page says how anything else is read
    if all(value in (None, "") for value in identifier.values()):
        yield _breaks("identifier.mandatory", parameter=IDENTIFIER)
    elif identifier.get("id") and identifier.get("number"):
        yield _breaks("identifier.exactly_one", parameter=IDENTIFIER)
    elif not {"id", "number"} & identifier.keys():
        seen = quoted(", ".join(identifier))
        yield _breaks("identifier.fields", parameter=IDENTIFIER, seen=seen)


def _filter_refusals(request: Request, release: Release) -> Iterator[Refusal]:
    """Yield what is wrong with the parameters of list."""
    parameters = request.parameters
    names = [name for name in SEMI_OPTIONAL if name in parameters]
    if not names and request.unclear.isdisjoint(SEMI_OPTIONAL):
        yield _breaks("list.semi_optional.at_least_one")
    for name in names:
        value = parameters[name]
        has_field = not isinstance(value, Mapping) or bool({*IDENTIFIER_FIELDS} & value.keys())
        if name.endswith("_identifier") and len(names) == 1 and value and not has_field:
            seen = quoted(", ".join(value))
            yield _breaks("list.identifier.fields", parameter=name, seen=seen)
    for name, values in documented_values(release).items():
        value = request.filters.get(name)
        if value is None or value in values or name in request.unclear:
            continue
        since = entities_since().get(value) if name == "entity" else None
        case, allowed = ("later", since) if since else ("", nearest(value, values) or "")
        yield _breaks(f"list.{name}.supported_values", case, seen=quoted(value), allowed=allowed)


@lru_cache(maxsize=1024)
def nearest(text: str, names: tuple[str, ...], min_likeness: float = 0.8) -> str | None:
    """Return the name that a text most likely misspells, or None."""
    by_bare = {_bare(name): name for name in names}
    matches = get_close_matches(_bare(text[:100]), by_bare, 1, min_likeness)
    return by_bare[matches[0]] if matches else None


def _bare(name: str) -> str:
    """Return a name without its case and separators."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _record_expectation(request: Request, belief: Belief) -> Expectation:
    """Return what is expected of a request of show, resend or delete with an identifier."""
    identifier, method = request.identifier, request.name
    if identifier is None:
        return _either(request)  # how such an identifier is read is open
    record = belief.records.named(identifier)
    if record is None and _names_in_another_case(identifier, belief):
        return _either(request)
    if record is None:
        parameter, seen = f"{IDENTIFIER}.{identifier.field}", quoted(identifier.value)
        return _refuse(_breaks("identifier.known", parameter=parameter, seen=seen), request)
    if not record.exists and method == "delete":
        return _either(request)  # what a second delete returns is open
    if not record.exists:
        return _refuse(_breaks("delete.gone", seen=f"number {record.number}"), request)
    key = record.id
    if not request.is_clear or (record.may_change and method != "show"):
        return _either(request, key)
    if method == "resend":
        if record.state == "SUCCESSFUL":
            seen = f"number {record.number} in state {record.state}"
            return _refuse(_breaks("resend.only_rejected", seen=seen), request, key)
        return _either(request, key)  # if the delivery fails, that may be reported as an error
    statement = "delete.either_state" if method == "delete" else "identifier.selects"
    why = f"a webhook request has this {identifier.field}"
    return Expectation(Must.SERVE, statement, why, request, key)


def _names_in_another_case(identifier: Identifier, belief: Belief) -> bool:
    """Return whether an id differs from a known one in case alone: as a UUID it may be the same."""
    field, text = identifier
    ids = {text.upper(), text.lower(), text.swapcase()} if field == "id" else set()
    return not ids.isdisjoint(belief.records.by_id)


def _list_expectation(request: Request, belief: Belief) -> Expectation:
    why = "every parameter is as documented"
    statement = list_statement(request.parameters, belief.release)
    if is_open(request, belief):
        return Expectation(Must.EITHER, statement, why, request)
    if belief.lists.serves_empty:
        return Expectation(Must.SERVE, statement, why, request)
    key = find_selected(request, belief)  # no page says that a list which finds nothing is served
    must = Must.EITHER if key is None else Must.SERVE
    return Expectation(must, statement, why, request, selected_id=key)


def is_open(request: Request, belief: Belief) -> bool:
    """Return whether the documents leave open if a list is served, even if it finds something."""
    filters = request.filters
    is_bare = "entity_id" in filters and "entity" not in filters
    return (
        not request.is_clear
        or is_bare  # whether entity_id needs its entity is open
        or "created_date" in filters  # so is its form
        or (request.limit or 1) > 1  # so is the maximum
        or not all(_is_familiar(name, criterion, belief) for name, criterion in filters.items())
    )


def find_selected(request: Request, belief: Belief) -> str | None:
    """Return the id of a webhook request that a list must find, or None if it may find none."""
    plainest_way = INTERPRETATIONS[0]  # all others find what it finds, and more
    candidates = belief.records.candidates(request.filters, plainest_way.combine)
    fits = belief.records.fits(request.filters, candidates)
    pairs = zip(fits.records, fits.selected(plainest_way), strict=True)
    ids = sorted(record["id"] for record, zones in pairs if zones == ALL)
    return next(iter(ids[request.offset :]), None)


def _is_familiar(name: str, criterion: Any, belief: Belief) -> bool:
    """Return whether the server has shown the value of a filter: it may refuse other values."""
    if name in ("entity", "life_cycle_state", "created_date"):
        return True
    if isinstance(criterion, Identifier) and "=" in criterion.value:
        return False
    return belief.records.has_shown(name, criterion)


def list_statement(parameters: Mapping[str, Any], release: Release) -> str:
    """Return the statement that is broken if a list with these parameters is refused."""
    optional = {
        "fields_set": "fields_set.names",
        "url": "list.url.filter",
        "life_cycle_state": "list.life_cycle_state.filter",
        "number_of_results": "list.paging.number_of_results",
        "offset": "list.paging.offset",
    }
    for name, statement in optional.items():
        if name in parameters:
            return statement
    names = [name for name in SEMI_OPTIONAL if name in parameters]
    if len(names) > 1:
        return "list.semi_optional.several_allowed"
    if names == ["entity"]:
        return _entity_statement(str(parameters["entity"]), release)
    return f"list.{names[0]}.filter" if names else ""


def _entity_statement(entity: str, release: Release) -> str:
    """Return the statement that an entity is supported."""
    since = entities_since().get(entity, "")
    numbers = {"R9.0.0": "r9", "R14.0.0": "r14", "R15.0.0": "r15"}
    is_stated = entity in release.entities and since in numbers
    return f"entities.{numbers[since]}" if is_stated else "list.entity.supported_values"


def _login_expectation(request: Request, belief: Belief) -> Expectation:
    """Return what is expected of a login with all its parameters.

    A right one may be refused: how many sessions a user may have, and what locks a user, is open.
    """
    is_known = request.name == "token" and request.is_clear
    is_right = belief.tokens.login_is_right(request.parameters) if is_known else None
    if is_right is not False:
        return _either(request)
    return _refuse(_breaks("login.credentials"), request)
