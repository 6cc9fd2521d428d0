"""Logins, token renewal and the run's beginning: on mocks, and on servers that go wrong there."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from crmcom_kit.contract_tests.client.http import Client, Limits, TargetDown
from crmcom_kit.contract_tests.client.made_up import NO_PASSWORD
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.login import LoginRefresher, log_in
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import RunConfig, run
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.targets import Login, Target, own_mock
from crmcom_kit.schemas import resolve

#: The statements that logins and releases of tokens keep or break.
GLOBS = ("login.", "token.parameters", "token_release.", "web_api_key_token.")
#: All probes of the login layer run, and few others.
CONFIG = RunConfig(only="[ltw][oe][gkb]*", max_examples=0)


def verdicts(results: Results) -> dict[str, Verdict]:
    """The verdicts on what this file is about, of what a client can check."""
    return {
        each.statement.id: each.verdict
        for each in results.statements
        if each.statement.id.startswith(GLOBS) and each.statement.unchecked is None
    }


Change = Callable[[str, dict[str, Any]], dict[str, Any]]


def answering(change: Change) -> Callable[[Any], Any]:
    """Put ``change`` around a WSGI application: it gets path and envelope of each answer."""

    def wrap(app: Any) -> Any:
        def wrong(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            said: list[Any] = []
            content = b"".join(app(environ, lambda *given: said.extend(given)))
            envelope = change(environ["PATH_INFO"], json.loads(content))
            content = json.dumps(envelope).encode()
            headers = [(n, v) for n, v in said[1] if n.lower() != "content-length"]
            start_response(said[0], [*headers, ("Content-Length", str(len(content)))])
            return [content]

        return wrong

    return wrap


def test_a_login_without_a_token_is_named() -> None:
    """The statement is broken; the run itself did not fail."""

    def no_token(path: str, envelope: dict[str, Any]) -> dict[str, Any]:
        return {**envelope, "data": {}} if path.endswith("authentication/token") else envelope

    results = run(own_mock("R9", wrap=answering(no_token)), CONFIG)

    assert results.exit_code == 1
    broken = [each.statement.id for each in results.statements if each.verdict is Verdict.BROKEN]
    assert broken == ["login.token.returns_token"]


def test_a_token_that_does_not_work_is_named() -> None:
    """A token that opens nothing is no token."""

    def spoil(path: str, envelope: dict[str, Any]) -> dict[str, Any]:
        data = envelope.get("data")
        if path.endswith("authentication/token") and isinstance(data, dict) and "token" in data:
            data["token"] = f"{data['token'][:-2]}xx"
        return envelope

    results = run(own_mock("R9", wrap=answering(spoil)), CONFIG)

    assert verdicts(results)["login.token.returns_token"] is Verdict.BROKEN
    assert results.exit_code == 1


def test_a_secret_that_is_a_character_off_stays_redacted() -> None:
    """The kit tries wrong passwords and keys that are nearly right; no report shows them."""
    target = replace(own_mock("R12"), own=False, entries=())
    secret = "correct horse 9"
    login = replace(target.login, password=secret, api_key=f"{secret}-key")
    redactor = ReportRedactor(replace(target, login=login))

    for text in (f"{secret}x", secret[:-1], f"{secret}-key0", f"{secret}-ke"):
        assert secret[1:-1] not in redactor.text(f"it was {text}, and wrong")
        assert redactor.authorization(f"Basic {b64encode(text.encode()).decode()}") == "Basic ***"


def test_wrong_logins_are_nearly_right_and_lock_nobody_out() -> None:
    """Each credential is off by a character once; a right login follows each wrong password."""
    results = run(own_mock("R12"), CONFIG)

    bodies = [json.loads(e.call.body or b"{}") for e in results.history if e.call.method == "token"]
    sent = [each.get("password") for each in bodies if isinstance(each, dict)]
    assert {"crmcom-kit0", "crmcom-ki", "CRMCOM-KIT", NO_PASSWORD} <= set(sent)
    wrong = [at for at, each in enumerate(sent) if each not in ("crmcom-kit", None)]
    assert all(sent[at + 1] == "crmcom-kit" for at in wrong)


def test_wrong_credentials_end_the_run() -> None:
    """It is an error of whoever called the kit, and no statement is broken."""
    mock = own_mock("R9")
    login = Login(username="nobody", password="wrong", organisation="X")
    target = Target(
        name="a server",
        base_url=mock.base_url,
        release=mock.release,
        login=login,
        transport=mock.transport,
    )

    results = run(target, CONFIG)

    assert results.exit_code == 2
    assert "refuses the login" in str(results.trouble)


class Server:
    """A server whose tokens are JWTs of so many seconds; ``now`` is its clock and the client's."""

    def __init__(self, life: int = 7200) -> None:
        self.now = 1_000_000.0
        self.life = life
        self.logins = 0
        self.ended: set[str] = set()
        self.posts = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        if request.url.path.endswith("authentication/token"):
            self.logins += 1
            return self._ok({"token": self._jwt()})
        self.posts += request.method == "POST"
        given = request.url.params.get("token") if request.method == "GET" else None
        if request.method == "POST":
            given = json.loads(request.content).get("token")
        if given is None or given in self.ended or f".sig{self.logins}" not in given:
            status = {"code": "BAD TOKEN", "message": "bad", "description": ""}
            return httpx.Response(200, json={"status": status})
        return self._ok([])

    def _ok(self, data: Any) -> httpx.Response:
        status = {"code": "OK", "message": "", "description": ""}
        return httpx.Response(200, json={"status": status, "data": data})

    def _jwt(self) -> str:
        import base64

        claims = {"iat": str(int(self.now)), "exp": str(int(self.now) + self.life)}
        parts = ({"typ": "JWT", "alg": "HS256"}, claims)
        coded = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in parts)
        return f"{'.'.join(each.rstrip('=') for each in coded)}.sig{self.logins}"


@pytest.fixture
def server() -> Server:
    """A server of R12 that lets one user in."""
    return Server()


@pytest.fixture
def session(server: Server) -> Session:
    """A session that has logged in there."""
    target = Target(
        name="a server",
        base_url="http://server/crmapi/rest/v2",
        release=resolve("R12"),
        login=Login(username="u", password="p", organisation="o"),
        transport=httpx.MockTransport(server),
    )
    client = Client(target, Limits(), now=lambda: server.now, sleep=lambda _: None)
    session = Session(client, allowed=frozenset(("resend", "delete")))
    log_in(session)
    return session


def test_a_token_is_renewed_before_its_jwt_ends(session: Session, server: Server) -> None:
    """A minute before the end of its life, and not earlier."""
    server.now += server.life - 61
    session.call("list", {"entity": "JOBS"})
    assert server.logins == 1

    server.now += 2
    assert session.call("list", {"entity": "JOBS"}).ok
    assert server.logins == 2


def test_a_get_is_replayed_once_with_another_token(session: Session, server: Server) -> None:
    """An error that a wrong token gets, too, makes the kit log in again."""
    server.ended.add(str(session.token))

    assert session.call("list", {"entity": "JOBS"}).ok
    assert server.logins == 2


def test_a_post_is_never_replayed(session: Session, server: Server) -> None:
    """The next call has another token; the one that was refused is left out."""
    server.ended.add(str(session.token))

    with pytest.raises(Exception, match="the token expired before delete"):
        session.call("delete", {"webhook_request_identifier": {"id": "1"}})

    assert server.posts == 1
    assert server.logins == 2


def test_an_ordinary_error_is_no_end_of_the_token(session: Session, server: Server) -> None:
    """A server that answers every error alike is asked once whether the token holds."""
    exchange = session.call("list", {"token": "another", "entity": "JOBS"})

    assert not exchange.ok
    assert server.logins == 1


def test_a_token_cannot_be_renewed_without_a_login(session: Session, server: Server) -> None:
    """A run that was given a token alone ends with it."""
    target = Target(
        name="a server",
        base_url="http://server/crmapi/rest/v2",
        release=resolve("R12"),
        login=Login(token=session.token),
        transport=httpx.MockTransport(server),
    )
    other = Session(Client(target, Limits()))
    log_in(other)
    assert isinstance(other.refresher, LoginRefresher)
    server.ended.add(str(other.token))

    with pytest.raises(TargetDown, match="expired during the run"):
        other.call("list", {"entity": "JOBS"})
