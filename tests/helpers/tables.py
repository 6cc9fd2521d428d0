"""Tables of cases inside one test: every case runs, and the failures come together."""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

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
            failures.append(f"{name!r:.200}: {type(error).__name__}: {error}")

    yield case
    assert not failures, "\n\n".join([f"{len(failures)} cases failed", *failures])


def looped(names: str | tuple[str, ...], table: Iterable[Any]) -> Callable[..., Any]:
    """Run a test once for each row of ``table``, and fail once, with every row that failed.

    Like ``pytest.mark.parametrize``, but one case: the rows share the test's fixtures, so that a
    test which changes one of them must make its own.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    rows = [row if len(arguments) > 1 else (row,) for row in table]

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(**fixtures: Any) -> None:
            with all_cases() as case:
                for row in rows:
                    with case(row):
                        test(**fixtures, **dict(zip(arguments, row, strict=True)))

        signature = inspect.signature(test)
        kept = [p for name, p in signature.parameters.items() if name not in arguments]
        run.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return run

    return decorate
