"""Logins by password and by Web API key: who gets a token, and how it is released."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.clocks import FixedClock

from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS

KEY_LOGIN = "authentication/web_api_key/token"
KEY, PASSWORD = DEFAULT_CREDENTIALS.api_key, DEFAULT_CREDENTIALS.password
RELEASE = "authentication/token/release"
NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
SECOND_UNIT = "0C3B5CB66ED4AACF5C2FDDAE984704E8"


@pytest.fixture
def mock(make_mock: Any) -> Any:
    return make_mock("R10")


def call(mock: Any, token: str) -> str:
    query = f"token={token}&webhook_request_identifier=number=7"
    return str(mock.send("GET", "webhook_requests/show", query).code)


def test_a_user_name_is_read_in_any_case(mock: Any) -> None:
    assert mock.login(username="MPAdministrator").code == "OK"


def test_a_refused_login_does_not_reveal_what_is_wrong(mock: Any) -> None:
    """Whatever is wrong, the response is the same, and it never shows a password."""
    for wrong in (
        {"username": "x"},
        {"password": "s3cr3t-pass"},
        {"password": f"{PASSWORD} "},
        {"organisation": "x"},
        {"username": "x", "organisation": "x", "password": "s3cr3t-pass"},
    ):
        reply = mock.login(**wrong)

        assert reply.code == mock.code_of("wrong_credentials")
        assert reply.statement == "login.credentials"
        assert "username, password, organisation: seen " in reply.message
        assert reply.message == mock.login(**{**wrong, "password": "y"}).message
        assert wrong.get("password", PASSWORD) not in reply.text


@pytest.mark.parametrize(
    ("unit", "name"), [({"unit": SECOND_UNIT}, "Installation Team 4"), ({}, "Admin Unit")]
)
def test_a_unit_is_the_one_acted_for(mock: Any, unit: dict[str, str], name: str) -> None:
    """What is done is logged for the unit of the login, or for the default unit without one."""
    token = mock.login(**unit).data["token"]
    body = {"token": token, "webhook_request_identifier": {"number": "7"}}

    log = mock.send("POST", "webhook_requests/resend", body=body).data["log_information"]

    assert log["updated_by_unit"]["name"] == name


def test_a_refused_login_does_not_reveal_units(mock: Any) -> None:
    """Who has no right credentials does not learn whether a unit exists."""
    wrong = [mock.login(password="x", unit=unit).message for unit in ("x", SECOND_UNIT)]

    assert wrong[0] == wrong[1]


def test_a_released_token_holds_no_longer(mock: Any) -> None:
    """token/release ends a token with an empty response; the others still hold."""
    assert mock.send("POST", RELEASE, body={}).code == mock.code_of("missing_token")
    assert mock.send("POST", RELEASE, body={"token": "x"}).code == mock.code_of("invalid_token")
    token, second = mock.login().data["token"], mock.login().data["token"]

    reply = mock.send("POST", RELEASE, body={"token": token})

    assert (reply.code, reply.data) == ("OK", {})
    assert call(mock, token) == mock.code_of("released_token")
    assert call(mock, second) == "OK"


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode('latin-1')).decode()}"}


def key_login(mock: Any, headers: dict[str, str], body: Any = None) -> Any:
    return mock.send("POST", KEY_LOGIN, body=body, headers=headers)


@pytest.mark.parametrize("release", ["R10", "R12"])
def test_a_key_gets_a_token_of_two_hours_that_no_use_renews(make_mock: Any, release: str) -> None:
    """A Web API key is the user name of Basic authentication; the body is optional."""
    mock = make_mock(release, clock=FixedClock(NOON))
    for body in (None, b"", {}, {"unit": SECOND_UNIT}):
        token = key_login(mock, basic(f"{KEY}:"), body).data["token"]

        held = []
        for _ in range(3):
            mock.world.clock.advance(59 * 60)
            held.append(call(mock, token))
        assert held == ["OK", "OK", mock.code_of("expired_token")]


def test_any_other_authorization_is_refused_alike(mock: Any) -> None:
    """A wrong key and a wrong form have the same response, and neither is shown."""
    for headers in (
        {},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic ÿÿ=="},
        {"Authorization": f"Bearer {KEY}"},
        basic(KEY),
        basic(f"{KEY}:password"),
        basic(f"{KEY.lower()}:"),
        basic(f"mpadministrator:{PASSWORD}"),
    ):
        reply = key_login(mock, headers)

        assert reply.code == mock.code_of("wrong_credentials")
        seen = "a hidden value" if headers.get("Authorization") else "nothing"
        assert f"Authorization: seen {seen}; allowed is Basic base64(KEY:)" in reply.message
        assert KEY not in reply.text
