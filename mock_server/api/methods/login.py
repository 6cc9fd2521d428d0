"""The login methods: authentication/token, its release, and authentication/web_api_key/token."""

import base64
import binascii

import orjson

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import Values
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.store.reference_data import Object, ReferenceData
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.releases import TokenKind
from crmcom_kit.usage_errors import quoted

_NO_COLON, _ANY_CASE = "login.basic_without_colon", "login.basic_any_case"
_RELEASE = "tokens.release_from_r12"


def token(epoch: Epoch, values: Values) -> Response:
    """Log in with user name, password and organisation; return a token.

    Source: POST authentication/token.

    Raises:
        VendorError: a credential is wrong (wrong_credentials), or the unit does not exist
            (unknown_unit).
    """
    config = epoch.config
    credentials = config.credentials
    checks = {
        "username": values["username"].casefold() == credentials.username.casefold(),
        "password": values["password"] == credentials.password,
        "organisation": values["organisation"] == credentials.organisation,
    }
    mistakes = [name for name, fits in checks.items() if not fits]
    if mistakes:
        username, organisation = quoted(values["username"]), quoted(values["organisation"])
        raise VendorError(
            "wrong_credentials",
            "username, password, organisation",
            seen=f"username {username}, organisation {organisation}",
            allowed="the mock's credentials, which `serve` prints; tests have them as credentials",
            wrong=mistakes[0] if len(mistakes) == 1 else "",
        )
    return _issue(epoch, values, config.release.token, "token")


def web_api_key_token(epoch: Epoch, values: Values, authorization: str) -> Response:
    """Log in with a Web API key, the user name of HTTP Basic authentication; return a token.

    Source: POST authentication/web_api_key/token, R10.0.0.

    Raises:
        VendorError: the key is wrong (wrong_credentials), or the unit does not exist
            (unknown_unit).
    """
    key, dials = _basic_user(epoch.config.dialect, authorization)
    if key is None or key != epoch.config.credentials.api_key:
        raise VendorError(
            "wrong_credentials",
            "Authorization",
            case="api_key",
            seen="a hidden value" if authorization else "nothing",
            allowed="Basic base64(KEY:) with the key of the mock, which `serve` prints",
            dials=dials,
        )
    release = epoch.config.release
    kind = release.web_api_key_token or release.token
    return _issue(epoch, values, kind, "web_api_key_token")


def token_release(epoch: Epoch, text: str) -> Response:
    """End a token; return an empty object.

    Source: POST authentication/token/release, R10.0.0. R12.0.0 deprecates it; its effect is a dial
    from then on.

    Raises:
        VendorError: the token is not valid.
    """
    from_r12 = epoch.config.release.at_least("R12.0.0")
    if not from_r12 or epoch.config.dialect[_RELEASE] == "works":
        epoch.tokens.release(text)
    response = epoch.config.responses.data(b"{}", "token_release")
    if from_r12:
        response.dials += (_RELEASE,)
    return response


def _issue(epoch: Epoch, values: Values, kind: TokenKind, method: str) -> Response:
    session = epoch.session(_unit(epoch.reference_data, values.get("unit")))
    issued_token = epoch.tokens.issue(session, kind)
    return epoch.config.responses.data(orjson.dumps({"token": issued_token.text}), method)


def _unit(data: ReferenceData, unit_id: str | None) -> Object | None:
    if unit_id is None:
        return None
    unit = data.units.find("id", unit_id)
    if unit is not None:
        return unit
    allowed = "the id of an existing unit"
    raise VendorError("unknown_unit", "unit", value=unit_id, allowed=allowed)


def _basic_user(dialect: Dialect, authorization: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the user name of HTTP Basic, and the dials that decided if there is none."""
    scheme, _, base64_text = authorization.partition(" ")
    if scheme != "Basic" and not (scheme.capitalize() == "Basic" and dialect[_ANY_CASE]):
        return None, (_ANY_CASE,) if scheme.capitalize() == "Basic" else ()
    try:
        text = base64.b64decode(base64_text.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None, ()
    user, colon, password = text.partition(":")
    if not colon and not dialect[_NO_COLON]:
        return None, (_NO_COLON,)
    return (None if password else user), ()
