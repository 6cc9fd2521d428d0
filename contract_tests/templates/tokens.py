"""Requests that log in or release a token; what comes of it is used at once.

How many tokens live at a time is open: so only a request right after a login tells what its token
is good for.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.findings import outcome
from crmcom_kit.contract_tests.oracle.logins import decoded
from crmcom_kit.contract_tests.oracle.suspicions import Effect, Flaw, Hypothesis, Suspicion
from crmcom_kit.contract_tests.templates.logins import by_key, by_password
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, Send, Told, template

#: The members of log_information that hold units; the last two from R18 on.
UNITS = (
    "created_by_unit", "updated_by_unit", "created_by_business_unit", "updated_by_business_unit",
)  # fmt: skip
MAX_UNITS = 2
#: A token may end at any time: so many more logins than usual have to return one that has ended.
MORE_LOGINS = 2


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


def _list(scene: Scene, token: str) -> Call:
    """Return a request that any valid token lets through."""
    given = {"token": token, "entity": scene.release.entities[0]}
    return build(scene.methods["list"], given)


def _use(scene: Scene, unit: str | None, login: Exchange, send: Send) -> Iterator[Told]:
    """Use the token of a login, and say what is wrong with it; or why the login was refused."""
    if not login.ok:
        if unit is not None and scene.login.unit is not None:
            wanted = "OK: unit is the ID of a unit"
            yield _suspicion("login.unit", login, wanted, outcome(login))
        elif unit is None and login.call.method == "web_api_key_token":
            yield _of_refused_key(scene, login, send)
        return
    if unit is not None:
        yield "login.unit"
        yield from _of_claim(scene, unit, login)
    if login.call.method == "web_api_key_token":
        yield from (
            "web_api_key_token.available", "login.web_api_key.basic", "login.web_api_key.colon",
        )  # fmt: skip
    token = token_of(login)
    if not token:
        return  # which the oracle tells
    used = send(_list(scene, token))
    if used.ok:
        yield "login.token.returns_token"
    elif used.wording == scene.belief.token_refusal and not _is_withdrawn(scene):
        yield Suspicion(
            used, "a token that the server accepts",
            f"with the token, list returns {outcome(used)}, as without a login",
            (Hypothesis("login.token.returns_token", Effect(login, more=MORE_LOGINS)),),
            before=(login,), symptom="token",
        )  # fmt: skip


def _is_withdrawn(scene: Scene) -> bool:
    """Whether list may be withdrawn."""
    return scene.methods["list"].deprecated and not scene.belief.records


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


def _of_claim(scene: Scene, unit: str, login: Exchange) -> Iterator[Told]:
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


def _newest(scene: Scene) -> Sequence[None]:
    """Wait for a login that is newer than the run's own: its token is released."""
    tokens = scene.belief.live_tokens()
    return (None,) if tokens and tokens[-1] != scene.token else ()


def _released(scene: Scene, _: None, release: Exchange, send: Send) -> Iterator[Told]:
    """Use a token that was released: until R12 it works no longer."""
    is_ending = not scene.release.at_least("R12.0.0")
    call = _list(scene, str(release.call.parameters["token"]))
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
