"""Mends of calls without a token that holds, and of logins that are refused."""

from crmcom_kit.mock_server.suggestions.suggestion import (
    PLACEHOLDER,
    Change,
    RefusedCall,
    Suggestion,
    left_out,
)

_LOGIN = "POST authentication/token"
_TOKEN = (Change("set", "token", PLACEHOLDER),)


def _missing_token(case: RefusedCall) -> Suggestion:
    if case.in_body and case.request.query and "token=" in case.request.query.decode("latin-1"):
        return Suggestion("move token from the query into the JSON body", _TOKEN)
    if case.request.authorization:
        return Suggestion("give the token as the parameter token, not in the header", _TOKEN)
    word = "" if case.value("token") == "" else "add "
    return Suggestion(f"{word}{case.written('token', PLACEHOLDER)} from {_LOGIN}", _TOKEN)


def _new_token(case: RefusedCall) -> Suggestion:
    return Suggestion(f"{case.written('token', PLACEHOLDER)} of a new login ({_LOGIN})", _TOKEN)


def _wrong_credentials(case: RefusedCall) -> Suggestion:
    right = case.epoch.settings.credentials
    if case.method is not None and case.method.basic:
        return Suggestion("the header Authorization: Basic base64(KEY:), with the key of --api-key")
    changes = []
    if str(case.value("username")).casefold() != right.username.casefold():
        changes.append(Change("set", "username", right.username))
    if case.value("organisation") != right.organisation:
        changes.append(Change("set", "organisation", right.organisation))
    if case.value("password") != right.password:
        changes.append(Change("set", "password", PLACEHOLDER))
    parts = [case.written(change.parameter, change.value) for change in changes]
    about = (
        ", which --password names,"
        if changes[-1:] == [Change("set", "password", PLACEHOLDER)]
        else ""
    )
    return Suggestion(
        f"{' and '.join(parts)}{about} are right".replace(", are", " is right"), (*changes,)
    )


def _unknown_unit(case: RefusedCall) -> Suggestion:
    value = case.value("unit")
    units = case.epoch.reference_data.units
    if isinstance(value, str):
        for field, text in (
            ("id", value.strip().upper()),
            ("name", value),
            ("alternative_code", value),
        ):
            unit = units.find(field, text)
            if unit is not None:
                change = Change("set", "unit", unit["id"])
                return Suggestion(f"{case.written('unit', unit['id'])}, the id", (change,))
    return left_out("unit", ", for the user's own")


MENDS = {
    "missing_token": _missing_token,
    "invalid_token": _new_token,
    "expired_token": _new_token,
    "released_token": _new_token,
    "wrong_credentials": _wrong_credentials,
    "unknown_unit": _unknown_unit,
}
