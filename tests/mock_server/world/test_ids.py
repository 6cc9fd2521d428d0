"""Ids: from a seed, in the vendor's form, and never the same twice."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server.world.ids import Ids

FORM = re.compile("[0-9A-F]{32}")


@given(seed=st.integers(), purpose=st.sampled_from(["token", "exchange", "jwt"]), name=st.text())
def test_every_id_has_the_form_of_the_examples(seed: int, purpose: str, name: str) -> None:
    """Any seed and any name, unpaired surrogates included, give 32 upper-case hex digits."""
    ids = Ids(seed)

    assert FORM.fullmatch(ids.of(purpose, name))
    assert FORM.fullmatch(ids.of(purpose, name + "\ud800"))
    assert FORM.fullmatch(ids.next(purpose))


@pytest.mark.parametrize("seed", [0, 1, -7, 2**70])
def test_the_same_seed_gives_the_same_ids(seed: int) -> None:
    """Two sources of one seed give the same ids in the same order, and a third one others."""
    first, second, other = Ids(seed), Ids(seed), Ids(seed + 1)
    drawn = [first.next("token") for _ in range(50)]

    assert drawn == [second.next("token") for _ in range(50)]
    assert not set(drawn) & {other.next("token") for _ in range(50)}
    assert first.of("exchange", "7") == second.of("exchange", "7") != other.of("exchange", "7")


def test_a_named_id_is_always_the_same() -> None:
    """What a name stands for does not depend on what was drawn before; purposes are apart."""
    ids = Ids(0)
    before = ids.of("exchange", "7")
    ids.next("exchange")

    assert ids.of("exchange", "7") == before
    assert ids.of("exchange", "8") != before
    assert ids.of("token", "7") != before


def test_a_drawn_id_is_no_named_one() -> None:
    """A record with the id 1 and the first id drawn do not share a reference."""
    ids = Ids(0)
    named = {ids.of("exchange", str(number)) for number in range(20)}

    assert not named & {ids.next("exchange") for _ in range(20)}


def test_no_id_is_drawn_twice_by_64_threads() -> None:
    """Threads that draw at the same time never get the same id."""
    ids = Ids(0)

    with ThreadPoolExecutor(64) as threads:
        drawn = list(threads.map(lambda _: [ids.next("token") for _ in range(100)], range(64)))

    assert len({one for some in drawn for one in some}) == 64 * 100
