"""The login methods: authentication/token, its release, and authentication/web_api_key/token."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.errors import UnknownUnit, WrongCredentials
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import Object
from crmcom_kit.schemas.releases import TokenKind

Values = Mapping[str, Any]


def token(world: Epoch, values: Values) -> Response:
    """Log in with user name, password and organisation; answer a token.

    Source: POST authentication/token. Raises WrongCredentials, UnknownUnit.
    """
    right = world.settings.credentials
    fits = (
        _same(values["username"].casefold(), right.username.casefold())
        & _same(values["password"], right.password)
        & _same(values["organisation"], right.organisation)
    )
    if not fits:
        seen = (
            f"username {quoted(values['username'])}, organisation {quoted(values['organisation'])}"
        )
        names = "username, password, organisation"
        allowed = "the credentials that this mock was started with"
        raise WrongCredentials(names, seen=seen, allowed=allowed)
    return _issued(world, values, world.release.token, login=True)


def web_api_key_token(world: Epoch, values: Values, authorization: str) -> Response:
    """Log in with a Web API key, the user name of HTTP Basic authentication; answer a token.

    Source: POST authentication/web_api_key/token, R10.0.0. Raises WrongCredentials, UnknownUnit.
    """
    key = _basic_user(world, authorization)
    if key is None or not _same(key, world.settings.credentials.api_key):
        seen = "a value that is not shown" if authorization else "nothing"
        allowed = "Basic base64(KEY:) with the key that this mock was started with"
        raise WrongCredentials("Authorization", seen=seen, allowed=allowed)
    kind = world.release.web_api_key_token or world.release.token
    return _issued(world, values, kind, login=False)


def token_release(world: Epoch, text: str) -> Response:
    """End a token; answer an empty object.

    Source: POST authentication/token/release, R10.0.0, deprecated from R12.0.0 (from then on a
    dial). Raises TokenError.
    """
    works = world.dialect["tokens.release_from_r12"] == "works"
    if works or not world.release.at_least("R12.0.0"):
        world.tokens.release(text)
    return world.responses.data(b"{}")


def _issued(world: Epoch, values: Values, kind: TokenKind, *, login: bool) -> Response:
    session = world.session(_unit(world, values.get("unit")))
    issued = world.tokens.issue(session, kind)
    return world.responses.data(orjson.dumps({"token": issued}), login=login)


def _unit(world: Epoch, named: str | None) -> Object | None:
    if named is None:
        return None
    by_name = world.dialect["login.unit_by_name"]
    for field in ("id", "name", "alternative_code") if by_name else ("id",):
        unit = world.reference_data.units.find(field, named)
        if unit is not None:
            return unit
    raise UnknownUnit("unit", seen=quoted(named), allowed="the id of a unit that exists")


def _basic_user(world: Epoch, authorization: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    if world.dialect["login.basic_any_case"]:
        scheme = scheme.capitalize()
    if scheme != "Basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(":")
    if password or (not colon and not world.dialect["login.basic_without_colon"]):
        return None
    return user


def _same(seen: str, right: str) -> bool:
    """Compare two texts in a time that does not tell where they differ."""
    return hmac.compare_digest(seen.encode("utf-8", "surrogatepass"), right.encode())
