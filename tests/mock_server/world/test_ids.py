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
