"""Checks of the arguments of a test; a wrong type raises a UsageError, too."""

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

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Class = TypeVar("_Class")

#: The errors of a test's mistakes; others are errors of the mock or of the test's functions.
_MISTAKES = (UsageError, DataError, FixtureError, DialectError, ProfileError, UnknownRelease)


def hides_our_frames(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Decorate a function so that the traceback of a mistake ends at its caller."""

    @functools.wraps(function)
    def wrapper(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        __tracebackhide__ = True
        try:
            return function(*args, **kwargs)
        except _MISTAKES as mistake:
            raise mistake.with_traceback(None) from None

    return wrapper


def methods_hide_our_frames(class_: type[_Class]) -> type[_Class]:
    """Decorate a class so that ``hides_our_frames`` applies to its public methods."""
    for name, member in list(vars(class_).items()):
        if isinstance(member, FunctionType) and not name.startswith("_"):
            setattr(class_, name, hides_our_frames(member))
    return class_


def non_negative(name: str, value: Any, allowed: str = "a number of seconds from 0 on") -> float:
    """Return a number that is not negative. Raises UsageError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        result = float(min(value, 1e300))  # an int may be larger than any float
        if isfinite(result) and result >= 0:
            return result
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
