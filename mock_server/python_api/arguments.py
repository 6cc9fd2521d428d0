"""Checks of the arguments that a test passes; a wrong type raises a UsageError, too."""

import functools
from collections.abc import Callable
from math import isfinite
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

from crmcom_kit.fixtures import FixtureError
from crmcom_kit.mock_server.world.world_file import DataError
from crmcom_kit.schemas import DialectError, UnknownRelease
from crmcom_kit.schemas.profile import ProfileError
from crmcom_kit.usage_errors import UsageError

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_Class = TypeVar("_Class")

#: What a test's mistake raises; any other error is one of the mock, or of the test's own functions.
_MISTAKES = (UsageError, DataError, FixtureError, DialectError, ProfileError, UnknownRelease)


def hides_our_frames(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Decorate a function so that a mistake is shown at its caller's line, without ours."""

    @functools.wraps(function)
    def wrapper(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        __tracebackhide__ = True
        try:
            return function(*args, **kwargs)
        except _MISTAKES as mistake:
            raise mistake.with_traceback(None) from None

    return wrapper


def methods_hide_our_frames(decorated: type[_Class]) -> type[_Class]:
    """Decorate a class so that the same is true of each of its public methods."""
    for name, member in list(vars(decorated).items()):
        if isinstance(member, FunctionType) and not name.startswith("_"):
            setattr(decorated, name, hides_our_frames(member))
    return decorated


def number(name: str, value: Any, allowed: str = "a number of seconds from 0 on") -> float:
    """Return a number that is not negative. Raises UsageError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(min(value, 1e300))  # an int may be larger than any float
        if isfinite(seconds) and seconds >= 0:
            return seconds
    raise UsageError(name, seen=repr(value), allowed=allowed)


def integer(name: str, value: Any, minimum: int, maximum: int) -> int:
    """Return an integer within two bounds. Raises UsageError."""
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise UsageError(name, seen=repr(value), allowed=f"an integer from {minimum} to {maximum}")
    return value


def text(name: str, value: Any) -> str:
    """Return a string. Raises UsageError."""
    if not isinstance(value, str):
        raise UsageError(name, seen=repr(value), allowed="a string")
    return value
