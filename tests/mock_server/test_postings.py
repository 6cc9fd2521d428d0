"""Indexes: positions in order, deleted ones cleared away before they cost much."""

from collections.abc import Iterator, Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server.store.postings import Index, merged

POSITIONS = st.lists(st.integers(0, 10**6), unique=True, max_size=300).map(sorted)
A, B = 0, 1  # two values


@pytest.fixture(autouse=True, scope="module", params=[0, 8, Index.MOVED_AT_ONCE])
def _moved_at_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let postings be long ones from here on: what is deleted stays in those for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Index, "MOVED_AT_ONCE", request.param)
        yield


def made(positions: list[int], deleted: Set[int] = frozenset()) -> Index:
    """Make an index in which A has ``positions``, of which some are then deleted one by one."""
    index, gone = Index(), set[int]()
    for position in positions:
        index.add(A, position)
    for position in positions:
        if position in deleted:
            gone.add(position)
            index.drop(A, position, lambda at: at not in gone)
    return index


def walked(index: Index, value: int = A, *, newest_first: bool = False) -> list[int]:
    """Return every position that a walk passes."""
    return list(index.walk(value, newest_first=newest_first))


@given(positions=POSITIONS, deleted=st.sets(st.integers(0, 10**6)), newest_first=st.booleans())
def test_a_walk_goes_in_order(
    *, positions: list[int], deleted: set[int], newest_first: bool
) -> None:
    """The positions that are left come in order of insertion or against it, however many are."""
    index = made(positions, deleted)
    left = [position for position in positions if position not in deleted]
    passed = [p for p in walked(index, newest_first=newest_first) if p not in deleted]

    assert passed == (left[::-1] if newest_first else left)
    assert index.size(A) == len(left)
    assert len(index) == bool(left)


@given(
    positions=POSITIONS,
    newest_first=st.booleans(),
    offset=st.integers(0, 400) | st.just(10**18),
    limit=st.none() | st.integers(1, 400) | st.just(10**18),
)
def test_a_page_is_a_part_of_the_walk(
    *, positions: list[int], newest_first: bool, offset: int, limit: int | None
) -> None:
    """Where nothing is deleted, a page is what a walk would pass behind the offset."""
    index = made(positions)
    page = index.page(A, offset, limit, newest_first=newest_first)

    assert page is not None
    end = None if limit is None else offset + limit
    assert list(page) == walked(index, newest_first=newest_first)[offset:end]


def test_there_is_no_page_where_something_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page cannot be counted off while deleted positions are among the others."""
    monkeypatch.setattr(Index, "MOVED_AT_ONCE", 0)
    some, none = made([1, 2, 3], {2}), made([1, 2, 3], {1, 2, 3})

    assert some.page(A, 0, 2, newest_first=True) is None
    assert none.page(A, 0, 2, newest_first=True) == ()
    assert none.page(B, 0, 2, newest_first=True) == ()


@given(data=st.data(), size=st.integers(0, 40))
def test_a_record_may_get_another_value(data: st.DataObject, size: int) -> None:
    """Whatever comes, goes or gets another value: each value has its records in order."""
    index, has = Index(), dict[int, int]()
    for position in range(size):
        has[position] = data.draw(st.sampled_from([A, B]), "value")
        index.add(has[position], position)
    gone = set[int]()
    for position in data.draw(st.lists(st.sampled_from([*has, 0]), max_size=80), "changed"):
        if position not in has:
            continue
        if data.draw(st.booleans(), "goes"):
            gone.add(position)
            index.drop(has.pop(position), position, lambda at: at not in gone)
        else:
            index.take_out(has[position], position)
            has[position] = A + B - has[position]
            index.add(has[position], position)

        for value in (A, B):
            expected = [at for at in sorted(has) if has[at] == value]
            assert [at for at in walked(index, value) if at not in gone] == expected
            assert index.size(value) == len(expected)


@given(size=st.integers(0, 400), share=st.floats(0, 1))
def test_deleted_positions_are_cleared_away(size: int, share: float) -> None:
    """A walk passes at most as many deleted positions as others."""
    index = made(list(range(size)), set(range(int(size * share))))

    assert len(walked(index)) <= 2 * index.size(A)


def test_deleting_does_not_walk_the_list_each_time() -> None:
    """Of many deletions few look at the whole list: the cost of one does not grow with it."""
    looks, gone = 0, set[int]()
    index = made(list(range(10_000)))

    def is_live(position: int) -> bool:
        nonlocal looks
        looks += 1
        return position not in gone

    for position in range(10_000):
        gone.add(position)
        index.drop(A, position, is_live)

    assert index.size(A) == len(index) == 0
    assert looks < 4 * 10_000


@given(lists=st.lists(st.sets(st.integers(0, 50)).map(sorted), max_size=5), newest=st.booleans())
def test_merging_gives_each_position_once_in_order(*, lists: list[list[int]], newest: bool) -> None:
    """Several walks go as one: sorted, and a position that several have comes once."""
    together = sorted({position for one in lists for position in one}, reverse=newest)
    walks = [made(one).walk(A, newest_first=newest) for one in lists]

    assert list(merged(walks, newest_first=newest)) == together


def test_merging_is_lazy() -> None:
    """Who takes a page of merged walks pays for that page."""
    walks = [made(list(range(n, 10**5, 7))).walk(A, newest_first=True) for n in range(7)]
    taken = merged(walks, newest_first=True)

    assert [next(taken) for _ in range(3)] == [99_999, 99_998, 99_997]


def test_a_copy_is_independent() -> None:
    """What happens to an index does not happen to its copy, nor the other way round."""
    index = made([1, 2, 3])
    copy = index.copy()
    index.add(A, 4)
    copy.drop(A, 1, lambda at: at != 1)

    assert walked(index) == [1, 2, 3, 4]
    assert (index.size(A), copy.size(A)) == (4, 2)
    assert 4 not in walked(copy)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add", "take_out", "drop", "copy"]), st.integers(0, 2), st.integers(0, 30)
    ),
    max_size=40,
)


@given(changes=CHANGES, positions=POSITIONS)
def test_copies_do_not_change_with_each_other(
    changes: list[tuple[str, int, int]], positions: list[int]
) -> None:
    """Whatever is done to any of several copies, each has what was done to itself.

    A position that was dropped is a deleted record's, and never comes back.
    """
    copies = [made(positions)]
    expected = [set(positions)]
    dropped: set[int] = set()
    for what, which, where in changes:
        at = which % len(copies)
        index, held = copies[at], expected[at]
        if what == "copy" and len(copies) < 3:
            copies.append(index.copy())
            expected.append(held.copy())
        elif what == "add" and where not in held | dropped:
            index.add(A, where)
            held.add(where)
        elif what in ("take_out", "drop") and held:
            position = sorted(held)[where % len(held)]
            held.discard(position)
            if what == "take_out":
                index.take_out(A, position)
            else:
                dropped.add(position)
                index.drop(A, position, held.__contains__)

    for index, held in zip(copies, expected, strict=True):
        assert [p for p in walked(index) if p in held] == sorted(held)
        assert index.size(A) == len(held)
