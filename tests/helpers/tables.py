"""Tables of cases inside one test: all of them run, and the failures come together."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest


@contextmanager
def all_cases() -> Iterator[Callable[[object], AbstractContextManager[None]]]:
    """Yield ``case``: ``with case(name): …`` collects a failure, raised at the end of the table."""
    failures: list[str] = []

    @contextmanager
    def case(name: object) -> Iterator[None]:
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - reported below
            failures.append(f"{name}: {type(error).__name__}: {error}")

    yield case
    assert not failures, "\n".join([f"{len(failures)} cases failed", *failures])
