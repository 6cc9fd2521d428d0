"""Tokens together: how many there are, fixed ones, seeds and threads."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from time import sleep
from typing import Any

import pytest
from helpers.tables import looped
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.protocol.errors import TokenError
from crmcom_kit.mock_server.world import tokens
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.tokens import Session, Tokens
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas.releases import TokenKind

START = datetime(2015, 11, 1, 12, tzinfo=UTC)
HOUR = 3600
SLIDING = TokenKind("hex", HOUR, renewed_by_use=True)
JWT_KIND = TokenKind("jwt", 2 * HOUR, renewed_by_use=False)


def session(user: str = "1", /, **changes: Any) -> Session:
    """Make a session of a user."""
    values: dict[str, Any] = {
        "user": {"id": user, "username": f"user{user}"},
        "unit": {"id": "9", "name": "Unit"},
        "organisation": "CRMDEMO",
    }
    return Session(**{**values, **changes})


def fresh(clock: FixedClock | None = None, *, seed: int = 0, **options: Any) -> Tokens:
    """Make a world's tokens without any."""
    return Tokens(clock=clock or FixedClock(START), ids=Ids(seed), **options)


def holds(known: Tokens, token: str) -> bool:
    """Whether a call with ``token`` may be made; this uses it."""
    try:
        known.check(token)
    except TokenError:
        return False
    return True


def expired(known: Tokens, clock: FixedClock) -> str:
    """Return a token whose life is over."""
    token = known.issue(session(), SLIDING)
    clock.advance(HOUR)
    return token


def released(known: Tokens, clock: FixedClock) -> str:
    """Return a token that was released."""
    del clock
    token = known.issue(session(), SLIDING)
    known.release(token)
    return token


# How many there are.


def test_tokens_do_not_replace_each_other() -> None:
    """Of one user any number of tokens holds at once, unless a dial says otherwise."""
    known = fresh()
    issued = [known.issue(session(), SLIDING) for _ in range(50)]

    assert len(set(issued)) == 50
    assert all(holds(known, token) for token in issued)


def test_only_so_many_live_at_once() -> None:
    """By dial the oldest live token of the same user ends when another one comes."""
    clock = FixedClock(START)
    known = fresh(clock, live_at_once=2)
    other = known.issue(session("2"), SLIDING)
    first, second, third = (known.issue(session(), SLIDING) for _ in range(3))

    assert [holds(known, token) for token in (other, first, second, third)] == [
        True,
        False,
        True,
        True,
    ]
    known.release(third)
    fourth = known.issue(session(), SLIDING)
    assert [holds(known, token) for token in (second, fourth)] == [True, True]
    clock.advance(HOUR)  # nobody lives now, so nobody has to go
    assert holds(known, known.issue(session(), SLIDING))


@given(allowed=st.integers(1, 12), logins=st.integers(1, 30))
def test_as_many_live_as_the_dial_allows(allowed: int, logins: int) -> None:
    """Exactly the newest tokens of a user are valid, up to the number of the dial."""
    known = fresh(live_at_once=allowed)
    issued = [known.issue(session(), SLIDING) for _ in range(logins)]

    ended = max(0, logins - allowed)
    expected = [False] * ended + [True] * (logins - ended)
    assert [holds(known, token) for token in issued] == expected


def test_the_oldest_tokens_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many logins there are, a bounded number of tokens is remembered: the newest."""
    monkeypatch.setattr(tokens, "MAX_TOKENS", 10)
    known = fresh()
    issued = [known.issue(session(), SLIDING) for _ in range(25)]

    assert [known.knows(token) for token in issued] == [False] * 15 + [True] * 10
    assert [holds(known, token) for token in issued] == [False] * 15 + [True] * 10
    with pytest.raises(TokenError, match="invalid_token"):
        known.check(issued[0])


# Fixed tokens.


def test_a_fixed_token_never_ends() -> None:
    """A token that the user set holds for ever, used or not, until it is released."""
    clock = FixedClock(START)
    mine = session()
    known = fresh(clock, fixed={"T": mine})
    clock.advance(365 * 24 * HOUR)

    assert known.check("T") is mine
    known.release("T")
    with pytest.raises(TokenError, match="released_token"):
        known.check("T")
    with pytest.raises(TokenError, match="released_token"):
        known.release("T")


def test_a_reset_restores_fixed_tokens() -> None:
    """After a reset of the world a released fixed token holds again; a released login does not."""
    world = make_world(release="R10", tokens=["T"], data=[])
    login = world.tokens.issue(world.current_epoch.session(), world.release.token)
    alive = world.tokens.issue(world.current_epoch.session(), world.release.token)
    world.tokens.release("T")
    world.tokens.release(login)
    world.reset()

    assert holds(world.tokens, "T")
    assert holds(world.tokens, alive)
    with pytest.raises(TokenError, match="released_token"):
        world.tokens.check(login)


def test_a_released_fixed_token_stays_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """No number of logins brings a released fixed token back."""
    monkeypatch.setattr(tokens, "MAX_TOKENS", 10)
    known = fresh(fixed={"T": session()})
    known.release("T")
    for _ in range(25):
        known.issue(session(), SLIDING)

    with pytest.raises(TokenError, match="released_token"):
        known.check("T")


def test_every_token_is_known_for_masking() -> None:
    """Fixed tokens, live, ended and released ones are all known."""
    clock = FixedClock(START)
    known = fresh(clock, fixed={"T": session(), "U": session()})
    known.release("U")
    expected = ["T", "U", expired(known, clock), released(known, clock)]

    assert all(map(known.knows, expected))
    assert not known.knows("V")


# Seeds and threads.


@pytest.fixture(name="hurried")
def _hurried() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@looped("kind", [SLIDING, JWT_KIND])
def test_the_same_seed_gives_the_same_tokens(kind: TokenKind) -> None:
    """Two worlds of one seed give the same tokens in the same order, another seed others."""
    first, second, other = fresh(seed=3), fresh(seed=3), fresh(seed=4)
    issued = [first.issue(session(), kind) for _ in range(5)]

    assert issued == [second.issue(session(), kind) for _ in range(5)]
    assert not set(issued) & {other.issue(session(), kind) for _ in range(5)}


def test_a_reset_does_not_give_a_token_twice() -> None:
    """Logins outlive a reset, so tokens go on where they were, and ids start again."""
    world = make_world(data=[])
    before = world.tokens.issue(world.current_epoch.session(), world.release.token)
    drawn = world.current_epoch.ids.next("exchange")
    world.reset()

    assert world.tokens.issue(world.current_epoch.session(), world.release.token) != before
    assert world.current_epoch.ids.next("exchange") == drawn


@pytest.mark.usefixtures("hurried")
def test_64_threads_get_64_tokens() -> None:
    """Logins at the same time give each its own token, and all of them hold."""
    known = fresh()
    barrier = Barrier(64)

    def login(n: int) -> list[str]:
        barrier.wait(30)
        return [known.issue(session(str(n)), SLIDING) for _ in range(20)]

    with ThreadPoolExecutor(64) as threads:
        issued = [token for some in threads.map(login, range(64)) for token in some]

    assert len(set(issued)) == 64 * 20
    assert all(holds(known, token) for token in issued)


class SlowClock(FixedClock):
    """A slow clock, so that code without a lock is interrupted."""

    def now(self) -> datetime:
        """Return the moment at which this clock stands, after a while."""
        sleep(0.001)
        return super().now()


def test_one_of_64_releases_is_taken() -> None:
    """Of releases of one token at the same time one works; the others find it released."""
    known = fresh(SlowClock(START))
    token = known.issue(session(), SLIDING)
    barrier = Barrier(64)

    def release(_: int) -> bool:
        barrier.wait(30)
        try:
            known.release(token)
        except TokenError as error:
            return error.kind != "released_token"
        return True

    with ThreadPoolExecutor(64) as threads:
        assert sum(threads.map(release, range(64))) == 1


def test_a_session_is_that_of_the_user_who_logged_in() -> None:
    """The credentials' user is shown as the world knows them, in any spelling of the name."""
    world: World = make_world(release="R9")
    found = world.current_epoch.session()

    assert found.user["id"] == "1"
    assert found.user["username"] == "MPAdministrator"
    assert found.organisation == "CRMDEMO"
    assert found.unit is not None
