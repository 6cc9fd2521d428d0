"""Postings: positions in order, deleted ones cleared away before they cost much."""

from collections.abc import Set

from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server.postings import Posting, merged

POSITIONS = st.lists(st.integers(0, 10**6), unique=True, max_size=300).map(sorted)


def made(positions: list[int], deleted: Set[int] = frozenset()) -> Posting:
    """Make a posting of ``positions``, of which some are then deleted one by one."""
    posting, gone = Posting(), set[int]()
    for position in positions:
        posting.add(position)
    for position in positions:
        if position in deleted:
            gone.add(position)
            posting.drop(lambda at: at not in gone)
    return posting


@given(positions=POSITIONS, deleted=st.sets(st.integers(0, 10**6)), newest_first=st.booleans())
def test_a_walk_goes_in_order(
    *, positions: list[int], deleted: set[int], newest_first: bool
) -> None:
    """The positions that are left come in order of insertion or against it, however many are."""
    posting = made(positions, deleted)
    left = [position for position in positions if position not in deleted]
    walked = [p for p in posting.walk(newest_first=newest_first) if p not in deleted]

    assert walked == (left[::-1] if newest_first else left)
    assert len(posting) == len(left)


@given(size=st.integers(0, 400), share=st.floats(0, 1))
def test_deleted_positions_are_cleared_away(size: int, share: float) -> None:
    """A walk passes at most as many deleted positions as others, and a few dozen more."""
    deleted = set(range(int(size * share)))
    posting = made(list(range(size)), deleted)
    walked = list(posting.walk(newest_first=True))

    assert len(walked) <= 2 * len(posting) + 32


def test_deleting_does_not_walk_the_list_each_time() -> None:
    """Of many deletions few look at the whole list: the cost of one does not grow with it."""
    looks, gone = 0, set[int]()
    posting = made(list(range(10_000)))

    def is_live(position: int) -> bool:
        nonlocal looks
        looks += 1
        return position not in gone

    for position in range(10_000):
        gone.add(position)
        posting.drop(is_live)

    assert len(posting) == 0
    assert looks < 4 * 10_000


@given(lists=st.lists(st.sets(st.integers(0, 50)).map(sorted), max_size=5), newest=st.booleans())
def test_merging_gives_each_position_once_in_order(*, lists: list[list[int]], newest: bool) -> None:
    """Several postings walk as one: sorted, and a position that several have comes once."""
    together = sorted({position for one in lists for position in one}, reverse=newest)

    assert list(merged([made(one) for one in lists], newest_first=newest)) == together


def test_merging_is_lazy() -> None:
    """Who takes a page of merged postings pays for that page."""
    taken = merged([made(list(range(n, 10**5, 7))) for n in range(7)], newest_first=True)

    assert [next(taken) for _ in range(3)] == [99_999, 99_998, 99_997]


def test_a_copy_is_independent() -> None:
    """What happens to a posting does not happen to its copy, nor the other way round."""
    posting = made([1, 2, 3])
    copy = posting.copy()
    posting.add(4)
    copy.drop(lambda at: at != 1)

    assert list(posting.walk(newest_first=False)) == [1, 2, 3, 4]
    assert (len(posting), len(copy)) == (4, 2)
    assert 4 not in copy.walk(newest_first=False)
