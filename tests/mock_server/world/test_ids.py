"""Ids: from a seed, in the vendor's form, and never the same twice."""

import re

import pytest

from crmcom_kit.mock_server.world.ids import Ids

FORM = re.compile("[0-9A-F]{32}")


@pytest.mark.parametrize("name", ["7", "", "\ud800"])
def test_ids_follow_from_their_seed(name: str) -> None:
    """A seed gives the same 32 upper-case hex digits again; another seed gives others."""
    first, second, other = Ids(7), Ids(7), Ids(8)

    assert FORM.fullmatch(first.of("token", name))
    assert first.of("token", name) == second.of("token", name) != other.of("token", name)
    assert FORM.fullmatch(first.next(name))
    assert first.next(name) == (second.next(name), second.next(name))[1] != other.next(name)


def test_named_and_drawn_ids_are_apart() -> None:
    """What a name stands for does not depend on what was drawn, and is never drawn."""
    ids = Ids(0)
    named = [ids.of("exchange", str(number)) for number in range(20)]
    drawn = {ids.next("exchange") for _ in range(20)}

    assert [ids.of("exchange", str(number)) for number in range(20)] == named
    assert len({*named, *drawn, ids.of("token", "7")}) == 41
