"""Tables looped inside one test: every row runs, and one report has all that fail."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest


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
            failures = []
            for row in rows:
                try:
                    test(**fixtures, **dict(zip(arguments, row, strict=True)))
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001
                    failures.append(f"{row!r:.200}: {type(error).__name__}: {error}")
            assert not failures, "\n\n".join(failures)

        signature = inspect.signature(test)
        kept = [p for name, p in signature.parameters.items() if name not in arguments]
        run.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return run

    return decorate
