"""Make cases: for each kind of request, what the documents expect of the response.

The strategies and the state machine draw values; what follows from them is decided here alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.checks.interpretations import SEMI_OPTIONAL, has_api_form
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.stateful.cases import DELETED, Case, Must, Named, Sense
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import Release, entities_since

FIELDS = response_fields()
IDENTIFIER = "webhook_request_identifier"
_DEFINITION, _RULE = "webhook_definition_identifier", "workflow_rule_identifier"
#: Two pages differ on when this entity came; between the two releases it is open.
_OPEN_ENTITY, _OPEN_SINCE, _OPEN_UNTIL = "REWARDOFFERS", "R11.0.0", "R15.0.0"


def known(
    method: str,
    record: Record,
    field: str,
    fields: Sequence[str] | None = None,
    *,
    raw: bool = False,
) -> Case:
    """A call that names a webhook request that exists."""
    statement = {
        "show": "show.identifier.selects",
        "resend": "resend.sends_again",
        "delete": "delete.either_state",
    }[method]
    must, premise = Must.SERVE, None
    why = f"the {field} is that of a webhook request"
    if method == "resend":
        rejected = record.get("life_cycle_state") == "REJECTED"
        must = Must.EITHER if rejected else Must.REFUSE  # it may fail, and that be an error
        statement = "resend.only_rejected"
        why = "the webhook request is SUCCESSFUL"
        if not rejected:
            premise = (record["id"], "SUCCESSFUL")
    given: dict[str, Any] = {IDENTIFIER: {field: record[field]}}
    if fields is not None:
        given["fields_set"] = ",".join(fields)
    sense = Sense(
        record=Named(field, record[field]), fields=tuple(fields) if fields is not None else None
    )
    return Case(
        method=method, parameters=given, must=must, statement=statement, why=why, sense=sense,
        raw=raw, premise=premise,
    )  # fmt: skip


def loosely(case: Case, **changed: Any) -> Case:
    """A case as it is, with parameters that no page tells of: it may be refused as well."""
    parameters = {**case.parameters, **changed}
    return Case(
        method=case.method, parameters=parameters, must=Must.EITHER, statement="", why=case.why,
        sense=case.sense, raw=case.raw,
    )  # fmt: skip


def gone(method: str, record: Record, field: str, *, raw: bool = False) -> Case:
    """A call that names a webhook request that was deleted."""
    statement = "delete.gone" if method == "show" else f"{method}.identifier.known"
    case = _refused(
        method,
        {IDENTIFIER: {field: record[field]}},
        statement,
        f"the webhook request {record.get('number', record['id'])} was deleted",
        raw=raw,
    )
    return replace(case, premise=(record["id"], DELETED))


def stranger(method: str, field: str, value: str, *, raw: bool = False) -> Case:
    """A call that names no webhook request at all."""
    return _refused(
        method, {IDENTIFIER: {field: value}}, f"{method}.identifier.known",
        f"no webhook request has that {field}", raw=raw, record=Named(field, value),
    )  # fmt: skip


def near(method: str, field: str, value: str) -> Case:
    """A call whose identifier is almost that of a webhook request."""
    return _refused(
        method, {IDENTIFIER: {field: value}}, f"{method}.identifier.known",
        f"no webhook request has the {field} {value}, there is only one like it",
        record=Named(field, value),
    )  # fmt: skip


def no_identifier(method: str, *, empty: bool) -> Case:
    """A call without an identifier, or with one that has no field."""
    if empty:
        return _refused(
            method, {IDENTIFIER: {}}, f"{method}.identifier.mandatory",
            "the identifier has neither id nor number",
        )  # fmt: skip
    return _refused(method, {}, f"{method}.parameters.mandatory", f"{IDENTIFIER} is missing")


def both_fields(method: str, one: Record, other: Record, *, number_first: bool, raw: bool) -> Case:
    """A call with both fields of the identifier, of one webhook request or of two."""
    pair = {"id": one["id"], "number": other["number"]}
    if number_first:
        pair = dict(reversed(pair.items()))
    return _refused(
        method, {IDENTIFIER: pair}, f"{method}.identifier.exactly_one",
        "the identifier has both id and number", raw=raw,
    )  # fmt: skip


def other_field(method: str, field: str, value: str, *, raw: bool) -> Case:
    """A call whose identifier has a field that is none of the method's."""
    return _refused(
        method, {IDENTIFIER: {field: value}}, f"{method}.identifier.fields",
        f"the identifier has the field {field} alone", raw=raw,
    )  # fmt: skip


def wrong_token(case: Case, token: str | None) -> Case:
    """A case as it is, with a token that no login returned, or with none."""
    parameters = dict(case.parameters)
    if token is not None:
        parameters = {"token": token, **parameters}
    statement = "token.required" if token is None else "token.from_login"
    why = "there is no token" if token is None else "no login returned the token"
    return Case(
        method=case.method, parameters=parameters, must=Must.REFUSE, statement=statement, why=why,
        raw=case.raw, with_token=token is not None,
    )  # fmt: skip


def twice(case: Case, name: str, value: Any) -> Case:
    """A case as it is, with one of its parameters given again."""
    same = case.parameters.get(name) == value
    return Case(
        method=case.method, parameters=case.parameters, must=Must.EITHER, statement="",
        why=case.why, sense=case.sense if same else None, raw=case.raw, again=((name, value),),
    )  # fmt: skip


def listing(
    filters: Mapping[str, Any],
    release: Release,
    *,
    fields: Sequence[str] | None = None,
    limit: int | None = None,
    offset: int | None = None,
    raw: bool = False,
    unknown: bool = False,
) -> Case:
    """A list with filters, each well-formed; ``unknown``: an identifier may name nothing."""
    given: dict[str, Any] = {
        name: {wanted.field: wanted.value} if isinstance(wanted, Named) else wanted
        for name, wanted in filters.items()
    }
    if fields is not None:
        given["fields_set"] = ",".join(fields)
    if limit is not None:
        given["number_of_results"] = limit
    if offset is not None:
        given["offset"] = offset
    semi = [name for name in SEMI_OPTIONAL if name in filters]
    if not semi:
        return _refused(
            "list", given, "list.semi_optional.at_least_one",
            "none of the semi-optional parameters is given", raw=raw,
        )  # fmt: skip
    sense = Sense(
        filters=filters, fields=None if fields is None else tuple(fields), limit=limit,
        offset=offset or 0,
    )  # fmt: skip
    values = [wanted.value for wanted in filters.values() if isinstance(wanted, Named)]
    open_ = unknown or semi == ["entity_id"] or "created_date" in filters or (limit or 1) > 1
    clear = not any("," in value for value in values)  # a comma also parts an identifier's fields
    clear_date = has_api_form(filters.get("created_date", "2016-01-01"))
    return Case(
        method="list", parameters=given,
        must=Must.EITHER if open_ or any("=" in v or "," in v for v in values) else Must.SERVE,
        statement=served_by(given, release), why="every parameter is as its page says",
        sense=sense if clear and clear_date and all(filters.values()) else None, raw=raw,
    )  # fmt: skip


def served_by(given: Mapping[str, Any], release: Release) -> str:
    """Return the statement that is broken if a list with these parameters is refused."""
    optional = {
        "fields_set": "list.fields_set.names",
        "url": "list.url.filter",
        "life_cycle_state": "list.life_cycle_state.filter",
        "number_of_results": "list.paging.number_of_results",
        "offset": "list.paging.offset",
    }
    for name, statement in optional.items():
        if name in given:
            return statement
    semi = [name for name in SEMI_OPTIONAL if name in given]
    if len(semi) > 1:
        return "list.semi_optional.several_allowed"
    if semi == ["entity"]:
        return entity_statement(given["entity"], release)
    return f"list.{semi[0]}.filter" if semi else ""


def entity_statement(entity: str, release: Release) -> str:
    """Return the statement that says of an entity that it is supported."""
    since = entities_since().get(entity, "")
    numbers = {"R9.0.0": "r9", "R14.0.0": "r14", "R15.0.0": "r15"}
    fine = entity in release.entities and since in numbers
    return f"entities.{numbers[since]}" if fine else "list.entity.supported_values"


def unsupported_entity(entity: str, release: Release, **more: Any) -> Case:
    """A list of an entity that the release does not support."""
    early = release.at_least(_OPEN_SINCE) and not release.at_least(_OPEN_UNTIL)
    if entity == _OPEN_ENTITY and early:
        return open_list({"entity": entity, **more})
    return _refused(
        "list", {"entity": entity, **more}, "list.entity.supported_values",
        f"the entity {entity!r} is not one of {release.name}",
    )  # fmt: skip


def unsupported_state(state: str, **more: Any) -> Case:
    """A list of a life cycle state that there is not."""
    return _refused(
        "list", {**more, "life_cycle_state": state}, "list.life_cycle_state.supported_values",
        f"{state!r} is no life cycle state",
    )  # fmt: skip


def open_list(parameters: Mapping[str, Any], *, raw: bool = False) -> Case:
    """A list of which no page says how it is answered."""
    return Case(
        method="list", parameters=parameters, must=Must.EITHER, statement="",
        why="no page tells of such a call", raw=raw,
    )  # fmt: skip


def _refused(
    method: str,
    parameters: Mapping[str, Any],
    statement: str,
    why: str,
    *,
    raw: bool = False,
    record: Named | None = None,
) -> Case:
    return Case(
        method=method, parameters=parameters, must=Must.REFUSE, statement=statement, why=why,
        sense=None if record is None else Sense(record=record), raw=raw,
    )  # fmt: skip
