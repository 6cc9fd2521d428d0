"""Suggestions for requests without a valid token, and for refused logins."""

from crmcom_kit.mock_server.protocol.response import PLACEHOLDER, Change, Suggestion
from crmcom_kit.mock_server.suggestions.refused_call import RefusedCall, leave_out

_LOGIN = "POST authentication/token"
_TOKEN = (Change("set", "token", PLACEHOLDER),)


def _missing_token(call: RefusedCall) -> Suggestion:
    if call.in_body and call.request.query and "token=" in call.request.query.decode("latin-1"):
        return Suggestion("move token from the query into the JSON body", _TOKEN)
    if call.request.authorization:
        return Suggestion("give the token as the parameter token, not in the header", _TOKEN)
    word = "" if call.value("token") == "" else "add "
    return Suggestion(f"{word}{call.written('token', PLACEHOLDER)} from {_LOGIN}", _TOKEN)


def _new_token(call: RefusedCall) -> Suggestion:
    return Suggestion(f"{call.written('token', PLACEHOLDER)} of a new login ({_LOGIN})", _TOKEN)


def _wrong_credentials(call: RefusedCall) -> Suggestion:
    right = call.epoch.config.credentials
    if call.method is not None and call.method.basic:
        return Suggestion("the header Authorization: Basic base64(KEY:), with the key of --api-key")
    changes = []
    if str(call.value("username")).casefold() != right.username.casefold():
        changes.append(Change("set", "username", right.username))
    if call.value("organisation") != right.organisation:
        changes.append(Change("set", "organisation", right.organisation))
    if call.value("password") != right.password:
        changes.append(Change("set", "password", PLACEHOLDER))
    parts = [call.written(change.parameter, change.value) for change in changes]
    about = ""
    if changes and changes[-1].parameter == "password":
        about = ", which --password names,"
    verb = "is" if len(parts) == 1 else "are"
    return Suggestion(f"{' and '.join(parts)}{about} {verb} right", tuple(changes))


def _unknown_unit(call: RefusedCall) -> Suggestion:
    value = call.value("unit")
    units = call.epoch.reference_data.units
    if isinstance(value, str):
        spellings = {"id": value.strip().upper(), "name": value, "alternative_code": value}
        for field, text in spellings.items():
            unit = units.find(field, text)
            if unit is not None:
                change = Change("set", "unit", unit["id"])
                return Suggestion(f"{call.written('unit', unit['id'])}, the id", (change,))
    return leave_out("unit", ", for the user's own")


FINDERS = {
    "missing_token": _missing_token,
    "invalid_token": _new_token,
    "expired_token": _new_token,
    "released_token": _new_token,
    "wrong_credentials": _wrong_credentials,
    "unknown_unit": _unknown_unit,
}
