"""Requests that log in or release a token, each followed by a request with that token.

The documents leave open how many tokens live at a time. So only a request right after a login shows
what its token is good for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.client.calls import build, key_login
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.client.made_up import (
    NO_KEY,
    NO_ORGANISATION,
    NO_PASSWORD,
    NO_USER,
)
from crmcom_kit.contract_tests.client.wording import outcome
from crmcom_kit.contract_tests.oracle.confirmations import Effect
from crmcom_kit.contract_tests.oracle.expectations import LOGIN_PARAMETERS
from crmcom_kit.contract_tests.oracle.logins import known_units
from crmcom_kit.contract_tests.oracle.refusals import other_entity
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.contract_tests.templates.near_misses import (
    NAME_MUTATIONS,
    SECRET_MUTATIONS,
    near_misses,
)
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, Send, template

#: The minimum length of a secret whose parts reports redact, and so one that is a character off.
MIN_SECRET = 8
MAX_UNITS = 2
#: A token may end at any time, so a suspicion needs this number of further logins.
MORE_LOGINS = 2


def password_login(scene: Scene) -> dict[str, str]:
    """Return the parameters of a right login by password; empty if none is known."""
    values = {name: getattr(scene.login, name) for name in (*LOGIN_PARAMETERS, "unit")}
    parameters = {name: text for name, text in values.items() if text}
    return parameters if set(LOGIN_PARAMETERS) <= parameters.keys() else {}


def own_login(scene: Scene) -> Call | None:
    """Return the login of the run, or None if it has none that the release knows."""
    parameters = password_login(scene)
    if parameters:
        return build(scene.methods["token"], parameters)
    method = scene.methods.get("web_api_key_token")
    key = scene.login.api_key
    return None if key is None or method is None else key_login(method, f"{key}:", scene.login.unit)


def plain_list(scene: Scene, token: str | None) -> Call:
    """Return the simplest request, which is served with any valid token.

    It lists an entity that has webhook requests, if one is known: a server may refuse others.
    """
    page = {"number_of_results": "1"} if scene.can_page() else {}
    parameters = {"token": token, "entity": other_entity(scene.belief), **page}
    return build(scene.methods["list"], parameters)


# Logins that must be served.


def _of_units(scene: Scene) -> Sequence[str | None]:
    """Return the units to log in for: that of the login, or none, and some that are known.

    Their number does not depend on what is known, since a dry run counts them.
    """
    own_unit = scene.login.unit
    other_units = [] if own_unit is not None else [*known_units(scene.belief)]
    units = [own_unit, *other_units, *[own_unit] * MAX_UNITS]
    return units[: MAX_UNITS + 1] if scene.logins.left else ()


def _use(scene: Scene, _unit: str | None, login: Exchange, send: Send) -> Iterator[Suspicion]:
    """Use the token of a login, and yield what is suspected if it is refused."""
    token = token_of(login)
    if token is None:
        return
    response = send(plain_list(scene, token))
    is_list_served = any(record.was_listed for record in scene.belief.records.existing())
    if response.wording == scene.belief.tokens.refusal and is_list_served:
        seen = f"with the token, list returns {outcome(response)}, as without a login"
        effect = Effect("login.token.returns_token", login, extra_sightings=MORE_LOGINS)
        yield Suspicion(
            response, "a token that the server accepts", seen, (effect,),
            earlier_exchanges=(login,), symptom="token",
        )  # fmt: skip


@template(
    "login", "token", lambda scene: _of_units(scene) if password_login(scene) else (),
    first=5, weight=3, follow_up=_use, login="right",
)  # fmt: skip
def right_credentials(scene: Scene, unit: str | None) -> Parameters:
    """Log in, for a unit or for none."""
    parameters = password_login(scene)
    return parameters if unit is None else {**parameters, "unit": unit}


@template(
    "login", "web_api_key_token", _of_units, first=3, follow_up=_use, login="right",
    needs="api_key",
)  # fmt: skip
def a_web_api_key(scene: Scene, unit: str | None) -> Call:
    """Log in with a Web API key, for a unit or for none."""
    return key_login(scene.methods["web_api_key_token"], f"{scene.login.api_key}:", unit)


# Logins that must be refused.

WrongParameters = Mapping[str, str | None]  # of a login; None is left out


def _near(text: str | None, mutations: Sequence[Callable[[str], str]]) -> list[str]:
    is_short = mutations is SECRET_MUTATIONS and len(text or "") < MIN_SECRET
    return list(near_misses(text, mutations)) if text and not is_short else []


def _log_in_again(scene: Scene, _: Any, _wrong: Exchange, send: Send) -> Iterator[Suspicion]:
    """Log in right after a wrong login, if the limits allow it: a server may count wrong ones.

    On the run's own server this is not needed.
    """
    call = own_login(scene)
    if call is not None and scene.logins.is_limited and scene.logins.left:
        yield from _use(scene, scene.login.unit, send(call), send)


def _wrong_passwords(scene: Scene) -> Sequence[WrongParameters]:
    if not password_login(scene) or not scene.logins.may_be_wrong("user"):
        return ()
    login = scene.login
    variants: list[WrongParameters] = [
        {"password": NO_PASSWORD}, {"organisation": NO_ORGANISATION}, {"password": ""},
        {"password": None}, {"organisation": None}, {"password": " "},
    ]  # fmt: skip
    variants += [{"password": text} for text in _near(login.password, SECRET_MUTATIONS)]
    return variants + [{"organisation": text} for text in _near(login.organisation, NAME_MUTATIONS)]


@template(
    "login", "token", _wrong_passwords, first=13, weight=3, login="wrong", follow_up=_log_in_again
)
def a_wrong_password(scene: Scene, parameters: WrongParameters) -> Parameters:
    """Log in as the real user with a wrong or missing password or organisation."""
    return {**password_login(scene), **parameters}


def _other_users(scene: Scene) -> Sequence[WrongParameters]:
    """Return user names that are nobody's, and nearly right ones if logins are not limited.

    On somebody else's server a nearly right name might be another user's. There the other
    parameters are wrong as well, in turn.
    """
    if not password_login(scene):
        return ()
    variants: list[WrongParameters] = [{"username": NO_USER}, {"username": None}, {"username": ""}]
    if not scene.logins.is_limited:
        names = _near(scene.login.username, NAME_MUTATIONS)
        return variants + [{"username": name} for name in names]
    wrong_parameters: tuple[WrongParameters, ...] = (
        {"password": None}, {"organisation": None}, {"password": ""}, {"organisation": ""},
        {"password": NO_PASSWORD}, {"organisation": NO_ORGANISATION},
    )  # fmt: skip
    return [*variants, *({"username": NO_USER, **parameters} for parameters in wrong_parameters)]


@template("login", "token", _other_users, first=5, weight=1)
def a_user_who_does_not_exist(scene: Scene, parameters: WrongParameters) -> Parameters:
    """Log in as nobody."""
    return {**password_login(scene), **parameters}


@template("login", "web_api_key_token", ("", ":", f"{NO_KEY}:"), first=3)
def no_web_api_key(scene: Scene, text: str) -> Call | None:
    """Log in without a Web API key, or with a made-up one."""
    method = scene.methods["web_api_key_token"]
    if NO_KEY in text and scene.login.api_key is None:
        return None  # without a key that is right, none is surely wrong
    return key_login(method, text, scene.login.unit) if text else build(method, {})


def _wrong_keys(scene: Scene) -> Sequence[str]:
    key = str(scene.login.api_key)
    # A run with a password logs in by it, so that no right login by key would follow.
    by_password = scene.logins.is_limited and password_login(scene)
    if by_password or not scene.logins.may_be_wrong("key"):
        return ()
    return [*(f"{text}:" for text in _near(key, SECRET_MUTATIONS)), f":{key}", f"{key}:x"]


@template(
    "login", "web_api_key_token", _wrong_keys, first=4, login="wrong",
    needs="api_key", follow_up=_log_in_again,
)  # fmt: skip
def a_wrong_web_api_key(scene: Scene, text: str) -> Call:
    """Log in with a Web API key that is nearly right, or in the wrong place."""
    return key_login(scene.methods["web_api_key_token"], text, scene.login.unit)


# Releases of a token.


@template("login", "token_release")
def a_release_without_a_token() -> Parameters:
    """Release no token."""
    return {"token": None}


def _newest(scene: Scene) -> Sequence[None]:
    """Return a variant once there is a login that is newer than the run's: it is released."""
    tokens = scene.belief.tokens.live()
    return (None,) if tokens and tokens[-1] != scene.token else ()


def _released(scene: Scene, _: None, release: Exchange, send: Send) -> tuple[()]:
    """Use a released token: the oracle checks the response."""
    if release.ok:
        send(plain_list(scene, str(release.call.parameters["token"])))
    return ()


@template("login", "token_release", _newest, first=2, follow_up=_released)
def a_valid_token(scene: Scene) -> Parameters:
    """Release the token of the newest login."""
    return {"token": scene.belief.tokens.live()[-1]}
