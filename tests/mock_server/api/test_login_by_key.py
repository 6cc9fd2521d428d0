"""Login by Web API key: HTTP Basic authentication with the key as user name, from R10 on."""

import base64
from datetime import UTC, datetime
from typing import Any

from helpers.tables import looped

from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS

RELEASES = ["R9", "R10", "R11", "R12", "R13", "R14", "R14.1", "R15", "R18"]
KEY_LOGIN = "authentication/web_api_key/token"
KEY, PASSWORD = DEFAULT_CREDENTIALS.api_key, DEFAULT_CREDENTIALS.password
NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
SECOND_UNIT = "0C3B5CB66ED4AACF5C2FDDAE984704E8"


def basic(text: str | bytes) -> dict[str, str]:
    """The headers that send ``text`` by HTTP Basic authentication."""
    raw = text.encode() if isinstance(text, str) else text
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


def key_login(mock: Any, headers: dict[str, str] | None = None, body: Any = None) -> Any:
    """Log in with a Web API key."""
    return mock.send("POST", KEY_LOGIN, body=body, headers=headers)


def call(mock: Any, token: str) -> str:
    """The code of a call with ``token``."""
    query = f"token={token}&webhook_request_identifier=number=7"
    return str(mock.send("GET", "webhook_requests/show", query).code)


def later(mock: Any, minutes: float) -> None:
    """Let time pass."""
    mock.world.clock.advance(minutes * 60)


@looped("release", RELEASES)
def test_a_key_gets_a_token_from_r10_on(make_mock: Any, release: str) -> None:
    """A Web API key is the user name of Basic authentication; before R10 there is no such login."""
    mock = make_mock(release, clock=FixedClock(NOON))

    reply = key_login(mock, basic(f"{KEY}:"))

    if mock.world.release.name == "R9.0.0":
        assert reply.code == mock.code_of("unknown_method")
        return
    token = reply.data["token"]
    for _ in range(2):
        later(mock, 59)
        assert call(mock, token) == "OK"
    later(mock, 59)
    assert call(mock, token) == mock.code_of("expired_token")


@looped("body", [None, b"", {}, {"unit": SECOND_UNIT}])
def test_a_key_needs_no_body(make_mock: Any, body: Any) -> None:
    """The body with its unit is optional."""
    assert key_login(make_mock("R10"), basic(f"{KEY}:"), body).code == "OK"


@looped(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Basic"},
        {"Authorization": "Basic "},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic ÿÿ=="},
        {"Authorization": f"Basic {KEY}:"},
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": KEY},
        basic(KEY),
        basic(f"{KEY}:password"),
        basic(f":{KEY}"),
        basic(f"{KEY.lower()}:"),
        basic(f"x{KEY}:"),
        basic(b"\xff\xfe:"),
        basic(f"mpadministrator:{PASSWORD}"),
    ],
)
def test_any_other_authorization_is_refused_alike(make_mock: Any, headers: dict[str, str]) -> None:
    """A wrong key and a wrong form have the same answer, and neither is shown."""
    mock = make_mock("R10")

    reply = key_login(mock, headers)

    assert reply.code == mock.code_of("wrong_credentials")
    seen = "a value that is not shown" if headers.get("Authorization") else "nothing"
    assert f"Authorization: seen {seen}; allowed is Basic base64(KEY:)" in reply.message
    assert KEY not in reply.text
