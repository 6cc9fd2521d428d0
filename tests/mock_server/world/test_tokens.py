"""Tokens: how they look, how long and how many of them hold, and what is wrong with others."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from helpers.clocks import FixedClock

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.world import tokens
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.tokens import Session, Tokens
from crmcom_kit.schemas.releases import TokenKind

START = datetime(2015, 11, 1, 12, tzinfo=UTC)
HOUR = 3600
HEX = re.compile("[0-9A-F]{32}")
SLIDING = TokenKind("hex", HOUR, renewed_by_use=True)
FIXED_KIND = TokenKind("hex", 2 * HOUR, renewed_by_use=False)
JWT_KIND = TokenKind("jwt", 2 * HOUR, renewed_by_use=False)


def session(user: str = "1", /, **changes: Any) -> Session:
    values: dict[str, Any] = {
        "user": {"id": user, "username": f"user{user}"},
        "unit": {"id": "9", "name": "Unit"},
        "organisation": "CRMDEMO",
    }
    return Session(**{**values, **changes})


def fresh(clock: FixedClock | None = None, *, seed: int = 0, **options: Any) -> Tokens:
    return Tokens(clock=clock or FixedClock(START), ids=Ids(seed), **options)


def holds(tokens: Tokens, token: str) -> bool:
    """Return whether a request with ``token`` may be made; this uses it."""
    try:
        tokens.check(token)
    except VendorError:
        return False
    return True


def test_an_hour_slides_with_use() -> None:
    """A token holds an hour from its last use, and not a second longer, however often tried."""
    clock = FixedClock(START)
    tokens = fresh(clock)
    token = tokens.issue(session(), SLIDING).text
    assert HEX.fullmatch(token)

    for _ in range(5):
        clock.advance(HOUR - 1)
        assert holds(tokens, token)
    clock.advance(HOUR)
    assert not holds(tokens, token)
    assert not holds(tokens, token)
    clock.advance(-1)
    assert holds(tokens, token)


@pytest.mark.parametrize("kind", [FIXED_KIND, JWT_KIND])
@pytest.mark.parametrize("used", [True, False])
def test_two_hours_are_fixed(kind: TokenKind, *, used: bool) -> None:
    """A token of this kind holds two hours from the login, used or not."""
    clock = FixedClock(START)
    tokens = fresh(clock)
    token = tokens.issue(session(), kind).text

    clock.advance(2 * HOUR - 1)
    assert not used or holds(tokens, token)
    clock.advance(0.9)
    assert holds(tokens, token)
    clock.advance(0.1)
    assert not holds(tokens, token)


@pytest.mark.parametrize(
    ("changes", "usr", "oun"),
    [
        ({}, "user1", "9"),
        ({"user": {"id": "2"}, "unit": None}, None, None),
        ({"user": {"id": "2", "username": "Σοφία \ud800"}}, "Σοφία \ud800", "9"),
    ],
)
def test_a_jwt_carries_the_recorded_claims(
    changes: dict[str, Any], usr: str | None, oun: str | None
) -> None:
    """User, organisation, unit, the two times as texts two hours apart, a session id; signed."""
    clock = FixedClock(START)
    clock.advance(0.999_999)
    token = fresh(clock, seed=7).issue(session(**changes), JWT_KIND).text
    assert token == fresh(clock, seed=7).issue(session(**changes), JWT_KIND).text
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "HS256"}
    ids, issued = Ids(7), int(START.timestamp())
    key = ids.of("jwt", "key") + ids.of("jwt", "more key")
    options: Any = {"verify_exp": False, "verify_iat": False}  # texts, which PyJWT does not take

    claims = jwt.decode(token, key, algorithms=["HS256"], options=options)

    assert HEX.fullmatch(claims.pop("jti"))
    assert claims == {
        "usr": usr,
        "org": "CRMDEMO",
        "oun": oun,
        "iat": str(issued),
        "exp": str(issued + 7200),
    }


@pytest.mark.parametrize("use", [Tokens.check, Tokens.release])
def test_each_wrong_token_has_its_own_error(use: Callable[[Tokens, str], object]) -> None:
    """Unknown, expired and released tokens differ; to release one is refused like a use of it."""
    clock = FixedClock(START)
    tokens = fresh(clock)
    released, expired = (tokens.issue(session(), SLIDING).text for _ in range(2))
    tokens.release(released)
    clock.advance(HOUR)
    unknown = dict.fromkeys(("nobody's", "", "\ud800"), "invalid_token")

    for token, kind in {**unknown, expired: "expired_token", released: "released_token"}.items():
        with pytest.raises(VendorError) as caught:
            use(tokens, token)
        assert (caught.value.kind, caught.value.seen) == (kind, "a hidden value")
        assert tokens.knows(token) == (kind != "invalid_token")  # so that it is redacted


def test_the_oldest_tokens_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many logins there are, a bounded number of tokens is remembered: the newest."""
    monkeypatch.setattr(tokens, "MAX_TOKENS", 10)
    remembered = fresh()
    issued = [remembered.issue(session(), SLIDING).text for _ in range(25)]

    assert [remembered.knows(token) for token in issued] == [False] * 15 + [True] * 10
    with pytest.raises(VendorError, match="invalid_token"):
        remembered.check(issued[0])


def test_a_fixed_token_holds_until_it_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """For ever, used or not; then neither time nor other logins bring it back."""
    monkeypatch.setattr(tokens, "MAX_TOKENS", 10)
    clock, mine = FixedClock(START), session()
    valid = fresh(clock)
    valid.set_fixed(["T"], mine)
    clock.advance(365 * 24 * HOUR)

    assert valid.check("T") is mine
    valid.release("T")
    for _ in range(25):
        valid.issue(session(), SLIDING)
    for use in (valid.check, valid.release):
        with pytest.raises(VendorError, match="released_token"):
            use("T")
    assert valid.knows("T")  # so that it is still redacted


def test_a_reset_restores_fixed_tokens_alone() -> None:
    """Those of logins are as they were, and none is given twice, though ids start again."""
    world = make_world(release="R10", tokens=["T"], data=[])

    def login() -> str:
        return world.tokens.issue(world.current_epoch.session(), SLIDING).text

    ended, alive, drawn = login(), login(), world.current_epoch.ids.next("exchange")
    world.tokens.release("T")
    world.tokens.release(ended)
    world.reset()

    assert [holds(world.tokens, token) for token in ("T", ended, alive)] == [True, False, True]
    assert login() not in (ended, alive)
    assert world.current_epoch.ids.next("exchange") == drawn
