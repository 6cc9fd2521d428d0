"""What a dialect changes in the OpenAPI document.

A dial has an effect there if it decides which methods and parameters exist, which values are
refused, or how a response looks. One that only accepts more than the documents do has none.
"""

from typing import Any

from crmcom_kit.schemas.dialect import Dialect, dials, error_kinds, statement_of_error
from crmcom_kit.schemas.formats import PATTERNS
from crmcom_kit.schemas.methods import Method, methods, response_fields
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.statements import statements

#: Statements about whether a method exists: its own responses cannot break them.
_OF_THE_METHOD = ("methods.", "deprecation.")

_CREATED_DATE = {"date": "crm-date", "date_time": "crm-date-time"}


def served_methods(release: Release, dialect: Dialect) -> tuple[Method, ...]:
    """Return the methods of ``release`` that ``dialect`` has not withdrawn."""
    return tuple(
        method
        for method in methods(release).values()
        if not (method.deprecated and _withdraws(dialect, method))
    )


def _withdraws(dialect: Dialect, method: Method) -> bool:
    if method.name == "token_release":
        return bool(dialect["tokens.release_from_r12"] == "withdrawn")
    return bool(dialect["requests.deprecated_methods"] == "withdraw")


def semi_optional(method: Method, dialect: Dialect) -> list[str]:
    """Return the parameters of which at least one is mandatory."""
    return [
        name
        for name, parameter in method.parameters.items()
        if parameter.need == "semi-optional"
        and (name != "entity_id" or dialect["list.entity_id_alone"])
    ]


def keep_one_spelling(state: dict[str, Any], dialect: Dialect) -> None:
    """Leave one spelling of NOT EFFECTIVE, the dialect's: code generators trip over two."""
    other = {"NOT EFFECTIVE", "NOT_EFFECTIVE"} - {dialect["record.not_effective"]}
    state["enum"] = [value for value in state["enum"] if value not in other]


def keep_one_code(members: dict[str, Any], dialect: Dialect) -> None:
    """Leave the authentication code where ``dialect`` has it in a message's body, if it has."""
    in_body = dialect["message.code_place"] != "header"
    for name in dials()["message.code_name"].choices:
        if not (in_body and name == dialect["message.code_name"]):
            del members[name]


def receiver_responses(dialect: Dialect) -> dict[str, Any]:
    """Return which responses of a receiver mean that it has a webhook request, and which not."""
    accepted = {"description": "The message was received: the webhook request becomes SUCCESSFUL."}
    refused = {"description": "The message was not received: the webhook request becomes REJECTED."}
    if dialect["delivery.success"] == "any":
        return {"default": accepted}
    return {dialect["delivery.success"].upper(): accepted, "default": refused}


def refuse_values(name: str, schema: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """Narrow the ``schema`` of parameter ``name`` to the values that ``dialect`` accepts."""
    if name == "fields_set" and dialect["fields_set.unknown_name"] == "error":
        names = "|".join(response_fields())
        return {**schema, "pattern": f"^({names})(,({names}))*$"}
    if name == "created_date" and dialect["list.created_date.form"] in _CREATED_DATE:
        form = _CREATED_DATE[dialect["list.created_date.form"]]
        kept = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**kept, "pattern": PATTERNS[form]}
    if name == "number_of_results":
        return {**schema, **_bounds(dialect)}
    return schema


def _bounds(dialect: Dialect) -> dict[str, int]:
    bounds = {}
    if dialect["paging.zero"] == "error":
        bounds["minimum"] = 1
    if dialect["paging.maximum_results"] and dialect["paging.over_maximum"] == "error":
        bounds["maximum"] = dialect["paging.maximum_results"]
    return bounds


def error_statuses(method: Method, release: Release, dialect: Dialect) -> dict[int, list[str]]:
    """Return the HTTP statuses of the errors of ``method``, with their kinds, lowest first."""
    upheld = {s.id for s in statements(release.name) if method.name in s.methods_in(release)}
    found: dict[int, list[str]] = {}
    for kind in error_kinds():
        statement = statement_of_error(kind, method.name)
        of_the_method = statement.startswith(_OF_THE_METHOD)
        if statement in upheld and not of_the_method and _has_cause(kind, method):
            found.setdefault(dialect[f"errors.{kind}.status"], []).append(kind)
    return dict(sorted(found.items()))


def _has_cause(kind: str, method: Method) -> bool:
    """Return False if nothing that ``method`` takes can cause an error of ``kind``."""
    if kind == "missing_parameter":
        return any(parameter.need == "mandatory" for parameter in method.parameters.values())
    if kind == "unknown_webhook_request":
        return "webhook_request_identifier" in method.parameters
    return True


def error_example(kind: str, dialect: Dialect) -> dict[str, Any]:
    """Return an error of ``kind`` as ``dialect`` writes it, without the details of a call."""
    blank = {"empty": "", "null": None}
    text = dialect[f"errors.{kind}.message"]
    status = {
        "message": blank.get(dialect["errors.message_form"], text),
        "description": None if dialect["errors.description"] == "null" else "",
        "code": dialect[f"errors.{kind}.code"],
    }
    value: dict[str, Any] = {"status": status}
    if dialect["errors.data"] != "absent":
        value["data"] = None if dialect["errors.data"] == "null" else {}
    return {"summary": error_kinds()[kind]["message"], "value": value}
