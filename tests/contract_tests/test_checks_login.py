"""Checks of logins read tokens without verifying them."""

import base64
import json
from typing import Any

import pytest

from crmcom_kit.contract_tests.oracle.logins import check_login, decoded
from crmcom_kit.contract_tests.oracle.sense import read
from crmcom_kit.contract_tests.belief.belief import World
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.schemas import resolve
from crmcom_kit.schemas.methods import methods

CLAIMS = {"jti": "J", "usr": "u", "org": "o", "oun": "n", "exp": "7200", "iat": "0"}
HEADER = {"typ": "JWT", "alg": "HS256"}


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _jwt(header: Any = None, claims: Any = None) -> str:
    return ".".join((_part(header or HEADER), _part(claims or CLAIMS), "c2lnbmF0dXJl"))


def _broken(release: str, data: Any, method: str = "token") -> dict[str, str]:
    status = {"code": "OK", "message": None, "description": None}
    content = json.dumps({"status": status, "data": data}).encode()
    call = build(methods(resolve(release))[method], {"token": "T"})
    exchange = Exchange(1, call, 200, (), content, 0.0)
    world = World(resolve(release))
    found = check_login(exchange, read(call, world.release), world)
    return {each.statement: each.seen for each in found if isinstance(each, Violation)}


@pytest.mark.parametrize(
    ("token", "statements"),
    [
        (_jwt(), set()),
        ("A" * 32, {"login.token.jwt"}),
        ("a.b.c", {"login.token.jwt"}),
        (_jwt(header={**HEADER, "alg": "none"}), {"login.token.jwt_header"}),
        (_jwt(claims={k: v for k, v in CLAIMS.items() if k != "oun"}), {"login.token.jwt_claims"}),
        (_jwt(claims={**CLAIMS, "exp": 7200}), set()),  # a number is one, as text or not
        (_jwt(claims={**CLAIMS, "exp": "3600"}), {"login.token.jwt_times"}),
        (_jwt(claims={**CLAIMS, "more": 1}), set()),
    ],
)
def test_tokens_are_web_tokens_from_r12_on(token: str, statements: set[str]) -> None:
    """Each flaw of a token is put to its statement; before R12 any text will do."""
    found = _broken("R12", {"token": token})
    assert found.keys() == statements
    assert not any(token in seen for seen in found.values())
    assert not _broken("R9", {"token": token})


@pytest.mark.parametrize("data", [None, {}, {"token": ""}, {"token": 5}, []])
def test_a_login_has_a_token(data: Any) -> None:
    """A login that is served has a token in its data."""
    assert _broken("R9", data).keys() == {"login.token.returns_token"}


@pytest.mark.parametrize(("data", "fine"), [({}, True), (None, False), ({"x": 1}, False)])
def test_a_release_has_an_empty_object(data: Any, fine: bool) -> None:  # noqa: FBT001
    """Data of token_release is an empty object."""
    assert (not _broken("R10", data, "token_release")) == fine


@pytest.mark.parametrize("text", ["", "a", "..", "é.é.é", f"{_part([])}.{_part({})}.x"])
def test_what_is_no_token_is_none(text: str) -> None:
    """Any text may come; none is an error of the kit."""
    assert decoded(text) is None
