"""The guard that keeps logins few on a server that the run does not own."""

import json
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl, unquote

from crmcom_kit.contract_tests.client.calls import build, key_login
from crmcom_kit.contract_tests.client.errors import LoginLimit
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NO_KEY
from crmcom_kit.contract_tests.oracle.expectations import LOGIN_PARAMETERS
from crmcom_kit.contract_tests.oracle.logins import known_units
from crmcom_kit.contract_tests.oracle.parsing import basic_text
from crmcom_kit.contract_tests.templates import Scene

#: Parameters of a login that name no user.
_NO_NAMES = frozenset(("password", "organisation", "unit", "token"))


class LoginKind(Enum):
    """What a request means to an account of the run."""

    RIGHT = auto()
    WRONG = auto()  # it has the real user's name, or a key that may be taken for the real one
    NEITHER = auto()  # it is no login, or names no real user


def kind_of(call: Call, scene: Scene) -> LoginKind:
    """Return what a request means to the accounts of the run, however it is written."""
    path = unquote(call.path).lower().strip("/")
    if "authentication" not in path or path == "authentication/token/release":
        return LoginKind.NEITHER
    if _is_right(call, scene):
        return LoginKind.RIGHT
    key, user = _key(call), scene.login.username
    is_near = key not in ("", NO_KEY) and scene.login.api_key is not None
    return LoginKind.WRONG if is_near or (user and _names(call, user)) else LoginKind.NEITHER


def _key(call: Call) -> str:
    """Return the Web API key of a login, from either side of the colon; or ""."""
    return (basic_text(call) or "").strip(":")


def _account(call: Call) -> str:
    return "key" if _key(call) else "user"


def _is_right(call: Call, scene: Scene) -> bool:
    login, method = scene.login, scene.methods.get(call.method)
    unit = call.parameters.get("unit")
    if method is None or unit not in (None, login.unit, *known_units(scene.belief)):
        return False
    units = {} if unit is None else {"unit": unit}
    if method.name == "token":
        credentials = {name: getattr(login, name) for name in LOGIN_PARAMETERS}
        if not all(credentials.values()) or {**credentials, **units} != call.parameters:
            return False
        right_call = build(method, call.parameters)
    elif method.name == "web_api_key_token" and login.api_key is not None:
        right_call = key_login(method, f"{login.api_key}:", unit)
    else:
        return False
    plain_call = replace(call, path=call.path.strip("/"), parameters=right_call.parameters)
    return plain_call == right_call


def _names(call: Call, username: str) -> bool:
    """Return whether a login may name a user: case and blanks around the name don't count."""
    plain_name = _plain(username)
    try:
        pairs = json.loads(call.body or b"{}", object_pairs_hook=lambda pairs: pairs)
    except (ValueError, RecursionError):
        return plain_name in _plain((call.body or b"").decode("utf-8", "replace"))
    parts = [*parse_qsl(call.query, keep_blank_values=True), ("", pairs), ("", _key(call))]
    return any(_plain(text) == plain_name for text in _texts(parts))


def _texts(value: Any, name: str = "") -> Iterator[str]:
    """Yield the texts in JSON that may be a user's name; its objects are lists of pairs."""
    if isinstance(value, str) and name.lower() not in _NO_NAMES:
        yield value
    for inner in value if isinstance(value, list) else ():
        if isinstance(inner, tuple):
            yield from _texts(inner[1], inner[0])
        else:
            yield from _texts(inner, name)


def _plain(text: str) -> str:
    return text.strip().casefold()


class LoginGuard:
    """Looks at each login before it is sent, and at its response.

    On a server that the run does not own, it keeps to the limit of ``Scene.logins``. It lets a
    second wrong password pass only after a right login that was served. After what looks like a
    lockout, only logins pass that the run cannot go on without.
    """

    def __init__(self, scene: Scene) -> None:
        """Guard the logins of a session."""
        self._scene = scene
        self._accepted_logins: set[tuple[Any, ...]] = set()  # right logins that were served
        self._wrong_count = 0  # of passwords that were sent

    def __call__(self, call: Call, *, is_needed: bool = False, replaces: bool = False) -> bool:
        """Let ``call`` pass; return whether it must not be sent twice.

        Args:
            call: any request.
            is_needed: whether the run cannot go on without it.
            replaces: whether its token replaces one that has ended.

        Raises:
            LoginLimit: no more logins are allowed.
        """
        kind, logins = kind_of(call, self._scene), self._scene.logins
        if kind is LoginKind.NEITHER:
            return False
        with logins.count.held():
            if kind is LoginKind.WRONG:
                self._let_wrong_pass(_account(call))
            else:
                self._let_right_pass(is_needed=is_needed, replaces=replaces)
        return logins.is_limited and not is_needed

    def _let_wrong_pass(self, account: str) -> None:
        logins = self._scene.logins
        if logins.is_limited and not logins.may_be_wrong(account):
            msg = f"with --logins {logins.limit}, at most {logins.wrong_limit} wrong passwords are "
            msg += "sent for the user, and a right login between two of them"
            raise LoginLimit(self._why(msg))
        self._wrong_count += 1
        logins.count.wrong_passwords += 1
        logins.count.after_wrong = sorted({*logins.count.after_wrong, account})

    def _let_right_pass(self, *, is_needed: bool, replaces: bool) -> None:
        logins, count = self._scene.logins, self._scene.logins.count
        if is_needed and (replaces or not count.is_entered):
            count.is_entered = True
            return
        if logins.is_limited and not logins.left:
            msg = "no more logins are sent beside the one that the run needs than "
            msg += f"--logins {logins.limit}"
            raise LoginLimit(self._why(msg))
        count.logins += 1

    def _why(self, msg: str) -> str:
        return "the server seems to have locked the user" if self._scene.logins.is_locked else msg

    def note_response(self, exchange: Exchange) -> None:
        """Record the response to a login."""
        call, logins = exchange.call, self._scene.logins
        if kind_of(call, self._scene) is not LoginKind.RIGHT:
            return
        login = (call.path, call.body, call.headers)
        if exchange.ok:
            self._accepted_logins.add(login)
            with logins.count.held():
                logins.count.after_wrong = sorted({*logins.count.after_wrong} - {_account(call)})
        elif self._wrong_count and login in self._accepted_logins:
            logins.is_locked = True
