"""Ids: from a seed, in the vendor's form, and never the same twice."""

import re
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server.world.ids import Ids

FORM = re.compile("[0-9A-F]{32}")


@given(seed=st.integers(), purpose=st.sampled_from(["token", "exchange", "jwt"]), name=st.text())
def test_ids_follow_from_their_seed(seed: int, purpose: str, name: str) -> None:
    """Any seed and name give the same 32 upper-case hex digits again; another seed gives others."""
    first, second, other = Ids(seed), Ids(seed), Ids(seed + 1)

    for text in (name, name + "\ud800"):
        assert FORM.fullmatch(first.of(purpose, text))
        assert first.of(purpose, text) == second.of(purpose, text) != other.of(purpose, text)
    drawn = [first.next(purpose) for _ in range(5)]
    assert all(map(FORM.fullmatch, drawn))
    assert drawn == [second.next(purpose) for _ in range(5)]
    assert not set(drawn) & {other.next(purpose) for _ in range(5)}


def test_named_and_drawn_ids_are_apart() -> None:
    """What a name stands for does not depend on what was drawn, and is never drawn."""
    ids = Ids(0)
    named = [ids.of("exchange", str(number)) for number in range(20)]
    drawn = {ids.next("exchange") for _ in range(20)}

    assert [ids.of("exchange", str(number)) for number in range(20)] == named
    assert len({*named, *drawn, ids.of("token", "7")}) == 41


def test_no_id_is_drawn_twice_by_64_threads() -> None:
    """Threads that draw at the same time never get the same id."""
    ids = Ids(0)

    with ThreadPoolExecutor(64) as threads:
        drawn = list(threads.map(lambda _: [ids.next("token") for _ in range(100)], range(64)))

    assert len({one for some in drawn for one in some}) == 64 * 100
