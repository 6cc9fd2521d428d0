"""Tests whose rows are all run by one function."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def raises_for(row: object, error: type[Exception], *, match: str) -> Iterator[None]:
    """Do as ``pytest.raises`` does, and name the row of the table if nothing is raised."""
    with pytest.raises(error, match=match):  # noqa: PT012 - the caller's block is the statement
        yield
        pytest.fail(f"nothing was raised for {row!r}")
