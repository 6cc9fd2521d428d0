"""Requests that log in or release a token; what comes of it is used at once.

How many tokens live at a time is open: so only a request right after a login tells what its token
is good for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.client.calls import build, key_login
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.client.made_up import (
    NO_KEY,
    NO_ORGANISATION,
    NO_PASSWORD,
    NO_USER,
)
from crmcom_kit.contract_tests.client.wording import outcome
from crmcom_kit.contract_tests.oracle.expectations import LOGIN_PARAMETERS
from crmcom_kit.contract_tests.oracle.logins import known_units
from crmcom_kit.contract_tests.oracle.suspicions import Effect, Hypothesis, Suspicion
from crmcom_kit.contract_tests.templates.near_misses import (
    NAME_MUTATIONS,
    SECRET_MUTATIONS,
    near_misses,
)
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, Send, template

#: Reports redact a part of a secret from this length on, and so one that is a character off.
MIN_SECRET = 8
MAX_UNITS = 2
#: A token may end at any time: so many more logins than usual have to return one that has ended.
MORE_LOGINS = 2


def by_password(scene: Scene) -> dict[str, str]:
    """Return the parameters of a right login by password; empty if none is known."""
    given = {name: getattr(scene.login, name) for name in (*LOGIN_PARAMETERS, "unit")}
    found = {name: text for name, text in given.items() if text}
    return found if set(LOGIN_PARAMETERS) <= found.keys() else {}


def own_login(scene: Scene) -> Call | None:
    """Return the login of the run, or None if it has none that the release knows."""
    given = by_password(scene)
    if given:
        return build(scene.methods["token"], given)
    method = scene.methods.get("web_api_key_token")
    key = scene.login.api_key
    return None if key is None or method is None else key_login(method, f"{key}:", scene.login.unit)


def plain_list(scene: Scene, token: str | None) -> Call:
    """Return the simplest request, which any valid token lets through.

    It is for an entity that has webhook requests, if one is known: the server may refuse others.
    """
    shown = (each.record.get("entity") for each in scene.belief.existing())
    entities = scene.release.entities
    entity = next((name for name in shown if name in entities), entities[0])
    given = {"token": token, "entity": entity}
    page = {"number_of_results": "1"} if scene.can_page() else {}
    return build(scene.methods["list"], given | page)


# Logins that are to be served.


def _of_units(scene: Scene) -> Sequence[str | None]:
    """Return the units to log in for: that of the login, or none, and some that are known.

    There are as many, whatever is known: a dry run counts them.
    """
    own = scene.login.unit
    others = [] if own is not None else [*known_units(scene.belief)]
    return [own, *others, *[own] * MAX_UNITS][: MAX_UNITS + 1] if scene.logins.left else ()


def _use(scene: Scene, _unit: str | None, login: Exchange, send: Send) -> Iterator[Suspicion]:
    """Use the token of a login, and say what is wrong with it; the rest the oracle tells."""
    token = token_of(login)
    if token is None:
        return
    used = send(plain_list(scene, token))
    is_list_served = any(known.listed for known in scene.belief.existing())
    if used.wording == scene.belief.token_refusal and is_list_served:
        seen = f"with the token, list returns {outcome(used)}, as without a login"
        effect = Hypothesis("login.token.returns_token", Effect(login, more=MORE_LOGINS))
        yield Suspicion(
            used, "a token that the server accepts", seen, (effect,),
            before=(login,), symptom="token",
        )  # fmt: skip


@template(
    "login", "token", lambda scene: _of_units(scene) if by_password(scene) else (), about=False,
    first=5, weight=3, then=_use, login="right",
)  # fmt: skip
def right_credentials(scene: Scene, unit: str | None, _record: Record) -> Parameters:
    """Log in, for a unit or for none."""
    given = by_password(scene)
    return given if unit is None else {**given, "unit": unit}


@template(
    "login", "web_api_key_token", _of_units, about=False, first=3, then=_use, login="right",
    needs="api_key",
)  # fmt: skip
def a_web_api_key(scene: Scene, unit: str | None, _record: Record) -> Call:
    """Log in with a Web API key, for a unit or for none."""
    return key_login(scene.methods["web_api_key_token"], f"{scene.login.api_key}:", unit)


# Logins that are to be refused.

Given = Mapping[str, str | None]  # what is not right in a login; None is left out


def _near(right: str | None, mutations: Sequence[Callable[[str], str]]) -> list[str]:
    is_short = mutations is SECRET_MUTATIONS and len(right or "") < MIN_SECRET
    return list(near_misses(right, mutations)) if right and not is_short else []


def _log_in_again(scene: Scene, _: Any, _wrong: Exchange, send: Send) -> Iterator[Suspicion]:
    """Log in right after a wrong login, as far as that is allowed: a server may count wrong ones.

    On a server that the run made itself no one minds.
    """
    call = own_login(scene)
    if call is not None and scene.logins.is_limited and scene.logins.left:
        yield from _use(scene, scene.login.unit, send(call), send)


def _wrong_passwords(scene: Scene) -> Sequence[Given]:
    if not by_password(scene) or not scene.logins.may_be_wrong("user"):
        return ()
    login = scene.login
    found: list[Given] = [
        {"password": NO_PASSWORD}, {"organisation": NO_ORGANISATION}, {"password": ""},
        {"password": None}, {"organisation": None}, {"password": " "},
    ]  # fmt: skip
    found += [{"password": text} for text in _near(login.password, SECRET_MUTATIONS)]
    return found + [{"organisation": text} for text in _near(login.organisation, NAME_MUTATIONS)]


@template(
    "login", "token", _wrong_passwords, about=False, first=13, weight=3, login="wrong",
    then=_log_in_again,
)  # fmt: skip
def a_wrong_password(scene: Scene, wrong: Given, _record: Record) -> Parameters:
    """Log in as the real user, with the password or the organisation wrong or missing."""
    return {**by_password(scene), **wrong}


def _other_users(scene: Scene) -> Sequence[Given]:
    """Return user names that are nobody's; where logins are few, what else may be wrong as well.

    Elsewhere they are nearly right. On a server that matters these might be somebody's.
    """
    if not by_password(scene):
        return ()
    found: list[Given] = [{"username": NO_USER}, {"username": None}, {"username": ""}]
    if not scene.logins.is_limited:
        return found + [{"username": text} for text in _near(scene.login.username, NAME_MUTATIONS)]
    missing: tuple[Given, ...] = (
        {"password": None}, {"organisation": None}, {"password": ""}, {"organisation": ""},
        {"password": NO_PASSWORD}, {"organisation": NO_ORGANISATION},
    )  # fmt: skip
    return [*found, *({"username": NO_USER, **each} for each in missing)]


@template("login", "token", _other_users, about=False, first=5, weight=1)
def a_user_who_does_not_exist(scene: Scene, wrong: Given, _record: Record) -> Parameters:
    """Log in as nobody."""
    return {**by_password(scene), **wrong}


@template("login", "web_api_key_token", ("", ":", f"{NO_KEY}:"), about=False, first=3)
def no_web_api_key(scene: Scene, text: str, _record: Record) -> Call | None:
    """Log in without a Web API key, or with one that is made up."""
    method = scene.methods["web_api_key_token"]
    if NO_KEY in text and scene.login.api_key is None:
        return None  # no key is surely wrong
    return key_login(method, text, scene.login.unit) if text else build(method, {})


def _wrong_keys(scene: Scene) -> Sequence[str]:
    key = str(scene.login.api_key)
    is_other = scene.logins.is_limited and by_password(scene)  # no right login follows by key
    if is_other or not scene.logins.may_be_wrong("key"):
        return ()
    return [*(f"{text}:" for text in _near(key, SECRET_MUTATIONS)), f":{key}", f"{key}:x"]


@template(
    "login", "web_api_key_token", _wrong_keys, about=False, first=4, login="wrong",
    needs="api_key", then=_log_in_again,
)  # fmt: skip
def a_wrong_web_api_key(scene: Scene, text: str, _record: Record) -> Call:
    """Log in with a Web API key that is nearly right, or in the wrong place."""
    return key_login(scene.methods["web_api_key_token"], text, scene.login.unit)


# Releases of a token.


@template("login", "token_release", about=False)
def a_release_without_a_token(_: Scene, _variant: None, _record: Record) -> Parameters:
    """Release no token."""
    return {"token": None}


def _newest(scene: Scene) -> Sequence[None]:
    """Wait for a login that is newer than the run's own: its token is released."""
    tokens = scene.belief.live_tokens()
    return (None,) if tokens and tokens[-1] != scene.token else ()


def _released(scene: Scene, _: None, release: Exchange, send: Send) -> tuple[()]:
    """Use a token that was released: until R12 it works no longer, which the oracle tells."""
    if release.ok:
        send(plain_list(scene, str(release.call.parameters["token"])))
    return ()


@template("login", "token_release", _newest, about=False, first=2, then=_released)
def a_valid_token(scene: Scene, _variant: None, _record: Record) -> Parameters:
    """Release the token of the newest login."""
    return {"token": scene.belief.live_tokens()[-1]}
