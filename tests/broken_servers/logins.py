"""Wrong in the login methods and in their tokens."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from broken_servers.catalogue import broken
from broken_servers.tokens import LOGINS, jwt, with_other_tokens
from broken_servers.toolkit import Answer, Asked, Forward, Memory, refused, served
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS as KNOWN


def _authorized(asked: Asked, text: str | None) -> Asked:
    """Return the call with another text encoded for HTTP Basic authentication."""
    environ = dict(asked.environ)
    environ.pop("HTTP_AUTHORIZATION", None)
    if text is not None:
        environ["HTTP_AUTHORIZATION"] = f"Basic {base64.b64encode(text.encode()).decode()}"
    return replace(asked, environ=environ)


def _authorization(asked: Asked) -> str:
    """Return what the call has encoded for HTTP Basic authentication."""
    coded = asked.environ.get("HTTP_AUTHORIZATION", "").partition(" ")[2]
    try:
        return base64.b64decode(coded).decode()
    except ValueError:
        return ""


@broken("token.parameters.mandatory")
def organisation_is_optional(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login without organisation is served."""
    if asked.method == "token" and not asked.parameters.get("organisation"):
        return forward(asked.given(organisation=KNOWN.organisation))
    return forward(asked)


@broken("token.parameters.mandatory")
def password_is_optional(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login without password is served."""
    if asked.method == "token" and "password" not in asked.parameters:
        return forward(asked.given(password=KNOWN.password))
    return forward(asked)


@broken("login.credentials")
def any_password_is_good(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login with a wrong password yields a token."""
    if asked.method == "token" and asked.parameters.get("password"):
        return forward(asked.given(password=KNOWN.password))
    return forward(asked)


@broken("login.credentials")
def any_organisation_is_good(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login to another organisation yields a token."""
    if asked.method == "token" and asked.parameters.get("organisation"):
        return forward(asked.given(organisation=KNOWN.organisation))
    return forward(asked)


@broken("login.credentials", release="R12")
def any_key_is_good(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login with a wrong Web API key yields a token."""
    if asked.method == "web_api_key_token" and _authorization(asked).strip(":"):
        return forward(_authorized(asked, f"{KNOWN.api_key}:"))
    return forward(asked)


@broken("login.unit")
def unit_is_refused(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login that names a unit is refused."""
    if asked.method in LOGINS and "unit" in asked.parameters:
        return refused("unit is not supported.")
    return forward(asked)


@broken("login.unit", release="R10")
def key_login_refuses_units(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login with a Web API key is refused where it names a unit."""
    if asked.method == "web_api_key_token" and "unit" in asked.parameters:
        return refused("unit is not supported.")
    return forward(asked)


@broken("login.token.returns_token")
def token_is_called_access_token(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of a login has the token as access_token."""
    answer = forward(asked)
    if asked.method in LOGINS and answer.ok:
        return answer.with_data({"access_token": answer.json["data"]["token"]})
    return answer


@broken("login.token.returns_token", release="R10")
def key_login_returns_bare_token(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of a login with a Web API key is the token, in no object."""
    answer = forward(asked)
    if asked.method == "web_api_key_token" and answer.ok:
        return answer.with_data(answer.json["data"]["token"])
    return answer


def _other_tokens(breaks: str, name: str, note: str, change: Callable[[Any, Any], str]) -> None:
    """Enter a server whose tokens have another form, and which takes them back."""
    handle = with_other_tokens(change)
    handle.__name__, handle.__doc__ = name, note
    broken(breaks)(handle)


_other_tokens(
    "login.token.jwt",
    "tokens_are_still_hexadecimal",
    "A token is a text of 32 hexadecimal digits.",
    lambda _, claims: claims["jti"],
)
_other_tokens(
    "login.token.jwt",
    "tokens_have_two_parts",
    "A token has no signature.",
    lambda header, claims: jwt(header, claims).removesuffix(".SIGNATURE"),
)
_other_tokens(
    "login.token.jwt_header",
    "tokens_are_signed_otherwise",
    "The header of a token has alg RS256.",
    lambda header, claims: jwt({**header, "alg": "RS256"}, claims),
)
_other_tokens(
    "login.token.jwt_header",
    "tokens_have_no_typ",
    "The header of a token has no typ.",
    lambda header, claims: jwt({"alg": header["alg"]}, claims),
)
_other_tokens(
    "login.token.jwt_claims",
    "tokens_name_no_unit",
    "A token has no claim oun.",
    lambda header, claims: jwt(header, {n: v for n, v in claims.items() if n != "oun"}),
)
_other_tokens(
    "login.token.jwt_claims",
    "tokens_name_a_subject",
    "A token has the claim sub in place of usr.",
    lambda header, claims: jwt(header, {"sub" if n == "usr" else n: v for n, v in claims.items()}),
)
_other_tokens(
    "login.token.jwt_times",
    "tokens_say_one_hour",
    "The claims exp and iat are 3600 apart.",
    lambda header, claims: jwt(header, {**claims, "exp": str(int(claims["iat"]) + 3600)}),
)


@broken("web_api_key_token.available")
def key_login_is_missing(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """web_api_key_token is answered like a method that does not exist."""
    if asked.method == "web_api_key_token":
        return replace(refused("The method does not exist."), status="404 NOT FOUND")
    return forward(asked)


@broken("web_api_key_token.parameters.mandatory")
def key_is_optional(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login by Web API key without any key yields a token."""
    if asked.method == "web_api_key_token" and not _authorization(asked).strip(":"):
        return forward(_authorized(asked, f"{KNOWN.api_key}:"))
    return forward(asked)


@broken("login.web_api_key.basic")
def key_is_the_password(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The Web API key is read as the password, behind an empty user name."""
    if asked.method == "web_api_key_token":
        user, _, password = _authorization(asked).partition(":")
        return forward(_authorized(asked, None if user else f"{password}:"))
    return forward(asked)


@broken("login.web_api_key.colon")
def key_with_a_colon_is_refused(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A Web API key is refused with a colon behind it, and taken without."""
    if asked.method == "web_api_key_token":
        found = _authorization(asked)
        return forward(_authorized(asked, None if ":" in found else f"{found}:"))
    return forward(asked)


@broken("token_release.available")
def release_is_missing(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """token_release is answered like a method that does not exist."""
    if asked.method == "token_release":
        return replace(refused("The method does not exist."), status="404 NOT FOUND")
    return forward(asked)


@broken("token_release.parameters.mandatory")
def release_needs_no_token(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """token_release without token is served."""
    if asked.method == "token_release" and not asked.token:
        return served({})
    return forward(asked)


@broken("token_release.ends_token")
def released_tokens_work(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """A token that was released works as before."""
    if asked.method == "token_release" and asked.token:
        known = forward(asked.to("show", webhook_request_identifier={"id": "0"}))
        if known.upholds == "show.identifier.known":
            memory["released"] = True
            return served({})
    return forward(asked)


@broken("token_release.empty_answer")
def release_returns_the_token(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of token_release has the token that was released."""
    answer = forward(asked)
    if asked.method == "token_release" and answer.ok:
        return answer.with_data({"token": asked.token})
    return answer


@broken("token_release.empty_answer")
def release_returns_true(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of token_release is true."""
    answer = forward(asked)
    if asked.method == "token_release" and answer.ok:
        return answer.with_data(True)  # noqa: FBT003 - it is the data
    return answer
