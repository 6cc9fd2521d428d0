"""Requests that log in or release a token; what comes of it is used at once.

How many tokens live at a time is open: so only a request right after a login tells what its token
is good for.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.client.made_up import (
    NO_KEY,
    NO_ORGANISATION,
    NO_PASSWORD,
    NO_USER,
)
from crmcom_kit.contract_tests.findings import outcome
from crmcom_kit.contract_tests.oracle.expectations import LOGIN_PARAMETERS
from crmcom_kit.contract_tests.oracle.logins import decoded
from crmcom_kit.contract_tests.oracle.suspicions import Effect, Flaw, Hypothesis, Suspicion
from crmcom_kit.contract_tests.templates.near_misses import (
    NAME_MUTATIONS,
    SECRET_MUTATIONS,
    near_misses,
)
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, Send, template

#: Reports redact a part of a secret from this length on, and so one that is a character off.
MIN_SECRET = 8
#: The members of log_information that hold units; the last two from R18 on.
UNITS = (
    "created_by_unit", "updated_by_unit", "created_by_business_unit", "updated_by_business_unit",
)  # fmt: skip
MAX_UNITS = 2
#: A token may end at any time: so many more logins than usual have to return one that has ended.
MORE_LOGINS = 2


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


# Logins that are to be refused.


def _near(right: str | None, mutations: Sequence[Callable[[str], str]]) -> list[str]:
    is_short = mutations is SECRET_MUTATIONS and len(right or "") < MIN_SECRET
    return list(near_misses(right, mutations)) if right and not is_short else []


def _wrong(scene: Scene) -> Sequence[tuple[str, str | None]]:
    if not by_password(scene):
        return ()
    login = scene.login
    found: list[tuple[str, str | None]] = [
        ("password", NO_PASSWORD), ("username", NO_USER),
        ("organisation", NO_ORGANISATION), ("password", ""), ("username", None),
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


@template("login", "web_api_key_token", _wrong_keys, about=False, first=6)
def a_wrong_web_api_key(scene: Scene, text: str, _record: Record) -> Call:
    """Log in with a key that is wrong, or with none."""
    return by_key(scene, text) if text else build(scene.methods["web_api_key_token"], {})


# Logins that are to be served.


def _units(scene: Scene) -> dict[str, set[Any]]:
    """Return ids and names of units by id, as webhook requests show them."""
    logs = [each.typed.get("log_information") for each in scene.belief.existing()]
    shown = [log.get(member) for log in logs if isinstance(log, Mapping) for member in UNITS]
    found: dict[str, set[Any]] = {}
    for unit in shown:
        if isinstance(unit, Mapping) and isinstance(unit.get("id"), str):
            found.setdefault(unit["id"], set()).update((unit["id"], unit.get("name")))
    return found


def _of_units(scene: Scene) -> Sequence[str | None]:
    """Return the units to log in for: that of the login, or none, and some that are known."""
    given = scene.login.unit
    return (given,) if given is not None else (None, *[*_units(scene)][:MAX_UNITS])


def _use(scene: Scene, unit: str | None, login: Exchange, send: Send) -> Iterator[str | Suspicion]:
    """Use the token of a login, and say what is wrong with it; or why the login was refused."""
    is_by_key = login.call.method == "web_api_key_token"
    if not login.ok:
        if unit is not None and scene.login.unit is not None:
            wanted = "OK: unit is the ID of a unit"
            yield _suspicion("login.unit", login, wanted, outcome(login))
        elif unit is None and is_by_key:
            yield _of_refused_key(scene, login, send)
        return
    if unit is not None:
        yield "login.unit"
        yield from _of_claim(scene, unit, login)
    if is_by_key:
        yield from (
            "web_api_key_token.available", "login.web_api_key.basic", "login.web_api_key.colon",
        )  # fmt: skip
    token = token_of(login)
    if token is None:
        return  # which the oracle tells
    used = send(plain_list(scene, token))
    may_be_withdrawn = scene.methods["list"].deprecated and not scene.belief.records
    if used.ok:
        yield "login.token.returns_token"
    elif used.wording == scene.belief.token_refusal and not may_be_withdrawn:
        seen = f"with the token, list returns {outcome(used)}, as without a login"
        effect = Hypothesis("login.token.returns_token", Effect(login, more=MORE_LOGINS))
        yield Suspicion(
            used, "a token that the server accepts", seen, (effect,),
            before=(login,), symptom="token",
        )  # fmt: skip


def _suspicion(statement: str, login: Exchange, expected: str, seen: str) -> Suspicion:
    hypotheses = (Hypothesis(statement, Effect(login)),)
    return Suspicion(login, expected, seen, hypotheses, symptom="login")


def _of_refused_key(scene: Scene, login: Exchange, send: Send) -> Suspicion:
    """Find out in which way a right key is refused: is it the colon, the order, or any key?"""
    key, statement = str(scene.login.api_key), "login.web_api_key.colon"
    if not send(by_key(scene, key)).ok:
        turned = send(by_key(scene, f":{key}")).ok
        statement = "login.web_api_key.basic" if turned else "web_api_key_token.available"
    wanted = "OK: the key is the user name, the password empty"
    return _suspicion(statement, login, wanted, outcome(login))


def _of_claim(scene: Scene, unit: str, login: Exchange) -> Iterator[str | Suspicion]:
    """Check the claim oun, if it is the name or the ID of a unit that is known."""
    found, units = decoded(token_of(login) or ""), _units(scene)
    claim = found[1].get("oun") if found is not None else None
    if not scene.release.at_least("R12.0.0") or not isinstance(claim, str):
        return
    is_known = any(claim in names for names in units.values())
    if is_known and claim not in units.get(unit, {unit}):
        wanted, seen = f"a token for the unit {unit}", f"the claim oun {claim}"
        yield _suspicion("login.unit", login, wanted, seen)


@template(
    "login", "token", lambda scene: _of_units(scene) if by_password(scene) else (), about=False,
    first=5, weight=3, then=_use,
)  # fmt: skip
def right_credentials(scene: Scene, unit: str | None, _record: Record) -> Parameters:
    """Log in, for a unit or for none."""
    given = by_password(scene)
    return given if unit is None else {**given, "unit": unit}


@template(
    "login", "web_api_key_token",
    lambda scene: () if scene.login.api_key is None else _of_units(scene), about=False, first=3,
    then=_use,
)  # fmt: skip
def a_web_api_key(scene: Scene, unit: str | None, _record: Record) -> Call:
    """Log in with a Web API key, for a unit or for none."""
    return by_key(scene, f"{scene.login.api_key}:", unit=unit)


# Releases of a token.


@template("login", "token_release", about=False)
def a_release_without_a_token(_: Scene, _variant: None, _record: Record) -> Parameters:
    """Release no token."""
    return {"token": None}


def _newest(scene: Scene) -> Sequence[None]:
    """Wait for a login that is newer than the run's own: its token is released."""
    tokens = scene.belief.live_tokens()
    return (None,) if tokens and tokens[-1] != scene.token else ()


def _released(scene: Scene, _: None, release: Exchange, send: Send) -> Iterator[str | Suspicion]:
    """Use a token that was released: until R12 it works no longer."""
    is_ending = not scene.release.at_least("R12.0.0")
    call = plain_list(scene, str(release.call.parameters["token"]))
    if release.ok:
        yield "token_release.available"
        send(call)  # by which the oracle holds that it has ended
    elif is_ending and send(call).ok and not send(release.call).ok and send(call).ok:
        wanted = "OK: the token is valid"
        yield Flaw("token_release.available", wanted, outcome(release)).suspicion(release)


@template("login", "token_release", _newest, about=False, first=2, then=_released)
def a_valid_token(scene: Scene, _variant: None, _record: Record) -> Parameters:
    """Release the token of the newest login."""
    return {"token": scene.belief.live_tokens()[-1]}
