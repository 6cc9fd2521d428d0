"""Requests of the login methods."""

import base64
from collections.abc import Callable, Sequence

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.made_up import NO_KEY, NO_PASSWORD
from crmcom_kit.contract_tests.oracle.expectations import LOGIN_PARAMETERS
from crmcom_kit.contract_tests.templates.near_misses import (
    NAME_MUTATIONS,
    SECRET_MUTATIONS,
    near_misses,
)
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, template

#: Reports redact a part of a secret from this length on, and so one that is a character off.
MIN_SECRET = 8


def by_password(scene: Scene) -> dict[str, str]:
    """Return the parameters of a right login by password; empty if none is known."""
    given = {name: getattr(scene.login, name) for name in (*LOGIN_PARAMETERS, "unit")}
    found = {name: text for name, text in given.items() if text}
    return found if set(LOGIN_PARAMETERS) <= found.keys() else {}


def by_key(scene: Scene, text: str, written: str = "Basic {}", *, unit: str | None = None) -> Call:
    """Return a login with what HTTP Basic authentication encodes, for a unit."""
    unit = unit or scene.login.unit
    call = build(scene.methods["web_api_key_token"], {} if unit is None else {"unit": unit})
    basic = written.format(base64.b64encode(text.encode()).decode())
    headers = (*call.headers, ("Authorization", basic))
    return Call(call.method, call.verb, call.path, headers=headers, body=call.body)


def _near(right: str | None, mutations: Sequence[Callable[[str], str]]) -> list[str]:
    is_short = mutations is SECRET_MUTATIONS and len(right or "") < MIN_SECRET
    return list(near_misses(right, mutations)) if right and not is_short else []


def _wrong(scene: Scene) -> Sequence[tuple[str, str | None]]:
    if not by_password(scene):
        return ()
    login = scene.login
    found: list[tuple[str, str | None]] = [
        ("password", NO_PASSWORD), ("username", "crmcom-kit-nobody"),
        ("organisation", "crmcom-kit-nowhere"), ("password", ""), ("username", None),
        ("password", None), ("organisation", None), ("password", " "), ("username", ""),
    ]  # fmt: skip
    found += [("password", text) for text in _near(login.password, SECRET_MUTATIONS)]
    found += [("username", text) for text in _near(login.username, NAME_MUTATIONS)]
    found += [("organisation", text) for text in _near(login.organisation, NAME_MUTATIONS)]
    return found


@template("login", "token", _wrong, about=False, first=18, weight=4)
def wrong_credentials(scene: Scene, variant: tuple[str, str | None], _record: Record) -> Parameters:
    """Log in with one thing wrong or missing."""
    return {**by_password(scene), variant[0]: variant[1]}


def _wrong_keys(scene: Scene) -> Sequence[str]:
    key = scene.login.api_key
    near = [f"{text}:" for text in _near(key, SECRET_MUTATIONS)]
    wrong = [f"{NO_KEY}:", f":{key}", f"{key}:x"] if key else []  # else no key is surely wrong
    return ("", ":", *wrong[:1], *near, *wrong[1:])


@template("login", "web_api_key_token", _wrong_keys, about=False, first=6, weight=1)
def a_wrong_web_api_key(scene: Scene, text: str, _record: Record) -> Call:
    """Log in with a key that is wrong, or with none."""
    return by_key(scene, text) if text else build(scene.methods["web_api_key_token"], {})


@template("login", "token_release", (None,), about=False, first=1)
def a_release_without_a_token(_: Scene, _variant: None, _record: Record) -> Parameters:
    """Release no token."""
    return {"token": None}
