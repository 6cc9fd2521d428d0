"""Logins are few on a server that the run does not own; no refusal of one is held against it."""

import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from helpers.sound_servers import alarms, broken, checked, prepared
from sound_server.choices import Choices
from sound_server.client import LOGIN as RIGHT
from sound_server.legal import VARIANTS
from sound_server.reading import Refusal, Request
from sound_server.server import USERNAME, WEB_API_KEY, Reply, SoundServer

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.calls import build, key_login
from crmcom_kit.contract_tests.client.errors import LoginLimit
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.logins import LoginCount
from crmcom_kit.contract_tests.client.targets import Target, own_mock
from crmcom_kit.contract_tests.options.options import FEW_LOGINS
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.run import dry_run, enter, new_session, run
from crmcom_kit.contract_tests.safety.logins import LoginKind, kind_of
from crmcom_kit.schemas import resolve
from crmcom_kit.schemas.methods import methods

#: A run of nothing but logins, and one that comes to everything.
LOGINS: dict[str, Any] = {"only": "login.*", "limits": Limits(max_requests=120)}
FEW = Limits(max_requests=150)


class Counting(SoundServer):
    """The sound server, which keeps its requests."""

    def set_up(self) -> None:
        self.received: list[Request] = []

    def handle(self, request: Request) -> Reply:
        self.received.append(request)
        return super().handle(request)

    @property
    def named(self) -> str:
        """The logins of the real user in their order: R for a right one, W for a wrong one."""
        logins = (r for r in self.received if r.path.endswith("authentication/token"))
        named = (json.loads(r.body) for r in logins if r.body.startswith(b'{"'))
        return "".join(
            "R" if login.items() >= RIGHT.items() else "W"
            for login in named
            if str(login.get("username")).strip().casefold() == USERNAME
        )

    @property
    def methods(self) -> Counter[str]:
        return Counter(request.path.rpartition("/")[2] for request in self.received)


def few(app: SoundServer, api_key: str | None = None, **options: Any) -> tuple[Target, RunConfig]:
    """Return a server as a target that is somebody else's, and a run of few logins."""
    return prepared(app, api_key, **{"max_logins": FEW_LOGINS, **LOGINS, **options})


@pytest.mark.parametrize(
    ("release", "limit", "right", "wrong"), [("R9", 0, 1, 0), ("R12", 2, 3, 3)]
)
def test_logins_are_as_few_as_allowed_and_as_in_a_dry_run(
    release: str, limit: int, right: int, wrong: int
) -> None:
    """Two wrong passwords never follow each other."""
    app = Counting(release=release)
    limited = few(app, max_logins=limit)
    planned = dry_run(*limited)

    results = run(*limited)

    assert alarms(results) == []
    assert sorted(app.named) == sorted("R" * right + "W" * wrong)
    assert "WW" not in app.named
    assert f"logins: {right} (1 that the run needs, {right - 1} beside it)" in planned[1]
    assert planned[2].endswith(f": {wrong}")


def test_a_dry_run_is_of_this_command_line() -> None:
    """No method is requested more often than it says, and it names only allowed ones."""
    app = Counting()
    planned = few(app, only="*", limits=FEW, allowed=frozenset({"delete"}))
    lines = dry_run(*planned)

    run(*planned)

    assert lines[0] == "at most 150 requests in all"
    assert lines[3] == "resend: none"
    assert not any("resend:" in line for line in lines[4:])
    (most,) = re.findall(r"delete: at most (\d+) requests", lines[4])
    assert 0 < app.methods["delete"] <= int(most) < 150
    assert app.methods["resend"] == 0


@pytest.mark.parametrize(
    "name", ["locked_after_2_in_a_row", "locked_after_3", "one_session", "one_login"]
)
def test_servers_that_count_logins_are_not_accused(name: str) -> None:
    """They lock a user, or refuse more sessions. Within the limits no user is locked."""
    app = VARIANTS[name].server()

    results = checked(app, limits=FEW, max_logins=FEW_LOGINS)

    assert alarms(results) == []
    assert not app.is_locked
    assert results.achieved > 50


def test_what_looks_like_a_lockout_ends_the_logins_with_a_note() -> None:
    """This holds without limits, too."""
    app = VARIANTS["locked_after_3"].server()

    results = checked(app, **LOGINS)

    assert alarms(results) == []
    assert app.is_locked
    assert any("looks like a locked user" in warning for warning in results.warnings)
    logins = [exchange for exchange in results.history if exchange.call.method == "token"]
    refused = next(e for e in logins if not e.ok and {**e.call.parameters}.items() >= RIGHT.items())
    named = [e for e in logins if e.call.parameters.get("username") == USERNAME]
    assert len(named[named.index(refused) :]) <= 4  # itself, and what confirms nothing


def test_one_login_refused_in_turn_is_a_violation_only_without_limits() -> None:
    """The same login is served, refused, served and refused."""

    class EachSecond(SoundServer):
        """It has two nodes that take turns, of which one refuses each login."""

        def refuse_too_many(self) -> None:
            self.logins += 1
            if self.logins % 2 == 0:
                raise Refusal("too_many_logins", "Try again.")

    assert "login.token.returns_token" in broken(checked(EachSecond(), **LOGINS))
    assert alarms(checked(EachSecond(), **LOGINS, max_logins=FEW_LOGINS)) == []


def test_a_key_is_refused_only_beside_a_form_that_is_served() -> None:
    """A server where no key works is not accused: it never served the method."""

    class NoKeys(SoundServer):
        def key_of(self, header: str) -> str | None:
            del header
            return None

    results = checked(NoKeys(release="R10"), WEB_API_KEY, **LOGINS)

    assert alarms(results) == []
    assert any("web_api_key_token was sent" in line for line in results.never_served)


def key_server(accepts: Callable[[str], bool], *, needs_unit: bool = False) -> SoundServer:
    """Return a server that accepts a Web API key in another form than the documented one."""

    class Other(SoundServer):
        def key_of(self, header: str) -> str | None:
            text = b64decode(header.partition(" ")[2]).decode()
            return WEB_API_KEY if accepts(text) else None

        def do_key_login(self, call: Any) -> Any:
            if needs_unit and not call.parameters.get("unit"):
                raise Refusal("missing_parameter", "unit is missing.")
            return super().do_key_login(call)

    return Other(release="R10")


@pytest.mark.parametrize(
    ("form", "needs_unit", "statement"),
    [
        (WEB_API_KEY, False, "login.web_api_key.colon"),
        (f":{WEB_API_KEY}", False, "login.web_api_key.basic"),
        (f"{WEB_API_KEY}:", True, "login.unit"),
    ],
)
def test_a_right_key_is_refused_beside_another_form_that_is_served(
    form: str, statement: str, *, needs_unit: bool
) -> None:
    """The form that is served says which statement is broken. With few logins none is."""
    makes = partial(key_server, lambda text: text == form, needs_unit=needs_unit)

    assert broken(checked(makes(), WEB_API_KEY, **LOGINS)) == [statement]
    assert alarms(checked(makes(), WEB_API_KEY, **LOGINS, max_logins=FEW_LOGINS)) == []


# The guard.


def login(**wrong: Any) -> Call:
    return build(methods(resolve("R15"))["token"], {**RIGHT, **wrong})


def raw(body: bytes, **more: Any) -> Call:
    return replace(login(), body=body, parameters={}, **more)


KEYS = methods(resolve("R15"))["web_api_key_token"]


KINDS: list[tuple[Call, LoginKind]] = [
    (login(), LoginKind.RIGHT),
    (replace(login(), path="authentication/token/"), LoginKind.RIGHT),
    (login(password="x"), LoginKind.WRONG),
    (login(password=""), LoginKind.WRONG),
    (login(organisation="x"), LoginKind.WRONG),
    (login(username=USERNAME.upper()), LoginKind.WRONG),
    (login(username=f" {USERNAME}\t", password="x"), LoginKind.WRONG),
    (login(unit="no unit that is known"), LoginKind.WRONG),
    (raw(json.dumps({"username": USERNAME}).encode()), LoginKind.WRONG),
    (raw(json.dumps([{"UserName": USERNAME}]).encode()), LoginKind.WRONG),
    (raw(f'{{"username": "{USERNAME}", "username": "x"}}'.encode()), LoginKind.WRONG),
    (raw(f'{{"username": "{USERNAME}"'.encode()), LoginKind.WRONG),
    (raw(b"", query=f"username={USERNAME}", verb="GET"), LoginKind.WRONG),
    (replace(login(password="x"), path="authentication/Token%2f"), LoginKind.WRONG),
    (login(username="nobody"), LoginKind.NEITHER),
    (login(username="nobody", organisation=USERNAME), LoginKind.NEITHER),
    (build(methods(resolve("R15"))["token_release"], {"token": "T"}), LoginKind.NEITHER),
    (build(methods(resolve("R15"))["list"], {"token": USERNAME}), LoginKind.NEITHER),
    (key_login(KEYS, f"{WEB_API_KEY}:"), LoginKind.RIGHT),
    (key_login(KEYS, WEB_API_KEY), LoginKind.WRONG),
    (key_login(KEYS, f":{WEB_API_KEY}"), LoginKind.WRONG),
    (key_login(KEYS, f"{WEB_API_KEY[:-1]}:"), LoginKind.WRONG),
    (key_login(KEYS, "crmcom-kit-no-key:"), LoginKind.NEITHER),
    (key_login(KEYS, ":"), LoginKind.NEITHER),
    (build(KEYS, {}), LoginKind.NEITHER),
]  # fmt: skip


def test_what_counts_as_a_login() -> None:
    """A request with the user's name that is not wholly right is a wrong password."""
    scene = new_session(*few(SoundServer(release="R15"), WEB_API_KEY)).scene

    assert [call for call, kind in KINDS if kind_of(call, scene) is not kind] == []


def entered(target: Target, config: RunConfig) -> Session:
    session = new_session(target, config)
    enter(session, config)
    return session


def test_no_request_gets_around_the_limits() -> None:
    """A login too many is not sent, and the error names the option that allows it."""
    app = Counting()
    session = entered(*few(app))
    wrong = {**RIGHT, "password": "x"}

    session.call("token", wrong)
    with pytest.raises(LoginLimit, match="a right login between two"):
        session.call("token", wrong)
    session.call("token", RIGHT)
    with pytest.raises(LoginLimit, match="--logins 1"):
        session.call("token", RIGHT)
    session.call("token", wrong)
    session.tokens.renew(replaces=True)
    with pytest.raises(LoginLimit, match="at most 2 wrong passwords"):
        session.call("token", {**wrong, "username": USERNAME.upper()})
    session.call("token", {**wrong, "username": "nobody"})

    assert app.named == "RWRWR"


def test_a_wrong_password_is_not_sent_again_for_a_gateway() -> None:
    """The server may have counted it, though its response is lost."""
    app = Counting(Choices(hiccup_every=3, hiccup_after=True))

    checked(app, max_logins=FEW_LOGINS, limits=FEW)

    assert app.named.count("W") <= 2
    assert "WW" not in app.named


def test_a_login_that_replaces_an_ended_token_counts_for_nothing() -> None:
    """A server may end tokens as it likes: the run goes on."""
    app = Counting(Choices(token_requests=25))

    results = checked(app, max_logins=FEW_LOGINS, limits=Limits(max_requests=250))

    assert alarms(results) == []
    assert app.named.count("R") > 5
    assert 1 <= app.named.count("W") <= 2


def test_on_a_mock_of_its_own_nothing_is_limited() -> None:
    results = run(own_mock("R9"), RunConfig(**LOGINS))

    wrong = [e for e in results.history if e.call.method == "token" and not e.ok]
    assert len(wrong) > 5


def test_sessions_that_share_a_count_log_in_once() -> None:
    """The second one uses the token of the first, as the fixtures of the suite do."""
    app, count = Counting(), LoginCount()
    shared = few(app, login_count=count)
    entered(*shared)

    results = run(*shared)

    assert alarms(results) == []
    assert app.named == "RWRW"


def test_processes_that_share_a_count_keep_the_limits(tmp_path: Any) -> None:
    """The count is in a file that nobody else can read."""
    path, app = tmp_path / "logins.json", Counting()
    for _ in range(2):  # each as in a process of its own
        session = entered(*few(app, login_count=LoginCount(path=path)))
    session.call("token", RIGHT)
    with pytest.raises(LoginLimit):
        session.call("token", RIGHT)

    assert app.named == "RR"
    assert path.stat().st_mode & 0o077 == 0


class IgnoresTime(SoundServer):
    """It never looks at the end of a token."""

    def check_token(self, token: Any, call: Any) -> None:
        if token in self.tokens.known:
            self.tokens.known[token].life = 10**6
        super().check_token(token, call)


@pytest.mark.parametrize(
    ("server", "verdict"), [(SoundServer, Verdict.HOLDS), (IgnoresTime, Verdict.BROKEN)]
)
def test_an_expired_token_must_be_refused(server: type[SoundServer], verdict: Verdict) -> None:
    results = checked(server(), expires=True, only="token.expiry", limits=FEW)

    (result,) = [row for row in results.statements if row.statement.id == "token.expiry"]
    assert result.verdict is verdict
    assert {*result.by_method} == {"show", "list", "resend", "delete"}
