"""Keys: every text comes back as it was, and no two texts are one key."""

import tracemalloc

from hypothesis import example, given
from hypothesis import strategies as st

from crmcom_kit.mock_server.store.keys import (
    Numbers,
    Texts,
    packed_id,
    packed_number,
    unpacked_id,
)

ANY = st.text(st.characters(codec=None), max_size=40)
IDS = (
    st.integers(0, 2**128 - 1).map("{:032X}".format)
    | st.integers(0, 2**128 - 1).map("{:032x}".format)
    | st.text("0123456789ABCDEF_-+ \u0667", min_size=31, max_size=33)
    | ANY
)
NUMBERS = st.integers(0, 10**20).map(str) | st.text("0123456789_-+ \u0667") | ANY


@given(text=IDS)
@example("-" + "0" * 30 + "7")
@example("0X" + "0" * 30)
@example("\ud800" * 32)
def test_an_id_comes_back_as_it_was(text: str) -> None:
    """Whatever an id looks like, its key leads back to it alone."""
    assert unpacked_id(packed_id(text)) == text


def test_ids_of_the_usual_form_are_numbers() -> None:
    """32 upper-case hexadecimal digits are kept as a number, which takes half the memory."""
    assert packed_id("0" * 30 + "FF") == 255
    assert packed_id("0" * 30 + "ff") == "0" * 30 + "ff"


@given(text=NUMBERS)
@example("0")
@example("00")
@example("9" * 19)
@example("9" * 5000)
def test_a_number_comes_back_as_it_was(text: str) -> None:
    """Only a whole number that is written the one usual way is kept as one, within 64 bits."""
    key = packed_number(text)

    assert str(key) == text
    assert isinstance(key, str) or 0 <= key < 2**63


@given(
    numbers=st.lists(
        st.integers(0, 3000) | st.integers(10**6, 10**6 + 5000) | st.integers(0, 10**18) | ANY,
        unique=True,
    )
)
def test_numbers_lead_to_their_positions(numbers: list[int | str]) -> None:
    """Close together or far apart, rising or falling: each leads to its position alone."""
    index = Numbers()
    for position, number in enumerate(numbers):
        assert index.position(number) is None
        index.add(number, position)
    copy = index.copy()
    index.add("another", 7)

    for found in (index, copy):
        assert [found.position(number) for number in numbers] == list(range(len(numbers)))
    assert copy.position("another") is None


def test_numbers_far_apart_do_not_cost_what_lies_between() -> None:
    """A few numbers take little memory, however far they lie apart or however they grow."""
    tracemalloc.start()
    try:
        index = Numbers()
        for position in range(50):
            index.add(2**position * 3, position)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 50_000


def test_a_forgotten_text_makes_room_for_another() -> None:
    """Texts that come and go take no more ordinals than those that are there at once."""
    texts = Texts()
    stays = texts.ordinal("stays")
    ordinals = set()
    for n in range(50):
        ordinal = texts.ordinal(f"new {n}")
        ordinals.add(ordinal)
        texts.forget(ordinal)

    assert len(ordinals) == len(texts) == 1
    assert texts.find("new 7") is None
    assert texts[stays] == "stays"
