"""Regular expressions and JSONPaths that callers write, evaluated in bounded time and memory.

All that one query of the journal evaluates shares a budget of time.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any

from crmcom_kit.redaction import is_secret
from crmcom_kit.usage_errors import UsageError, quoted

if TYPE_CHECKING:
    from jsonpath import JSONPathEnvironment
    from regex import Pattern as Regex

SECONDS = 2.0
MAX_LENGTH = 1_000
_MAX_REPEATED = 20_000
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d*)(?:,(\d*))?\}|.", re.DOTALL)
# Where a group may be called, whitespace and comments of the verbose mode included.
_GAP = r"(?:\s|\#[^\n]*\n)*"
_CALL = re.compile(rf"\(\?(?=[R0-9&]|[+-]{_GAP}[0-9]|P{_GAP}[>&])")


class TookTooLong(UsageError):
    """A pattern that cannot be decided within the limit of time or memory."""

    def __init__(self, what: str = "time") -> None:
        """Say that a pattern takes too much ``what``."""
        super().__init__("pattern", seen=f"one that takes too much {what}", allowed="a simpler one")


class Budget:
    """How long the patterns of one query may take, in seconds of the machine's time.

    As a context manager it only counts the time inside of the blocks.
    """

    def __init__(self, seconds: float = SECONDS, *, clock: Callable[[], float] = monotonic) -> None:
        """Start now."""
        self._clock = clock
        self._seconds = self._left = seconds
        self._deadline = clock() + seconds

    def __enter__(self) -> "Budget":
        self._deadline = self._clock() + self._left
        return self

    def __exit__(self, *_: object) -> None:
        self._left = self._deadline - self._clock()

    @property
    def half_spent(self) -> bool:
        """Whether less than half is left."""
        return self._deadline - self._clock() < self._seconds / 2

    def left(self) -> float:
        """Return how many seconds are left. Raises TookTooLong."""
        seconds = self._deadline - self._clock()
        if seconds <= 0:
            raise TookTooLong
        return seconds


@lru_cache(maxsize=256)
def regex(text: str, where: str) -> "Regex[str]":
    """Compile a regular expression. Raises UsageError, which names ``where`` it stands."""
    import regex as library

    _check_length(text, where)
    seen = shown_at(where, text)
    if _unrolled(text) > _MAX_REPEATED:
        raise UsageError(where, seen=seen, allowed="fewer repetitions within repetitions")
    try:
        compiled = library.compile(text)
    except (library.error, RecursionError, OverflowError, ValueError) as error:
        allowed = "a regular expression that Python's regex module accepts"
        raise UsageError(where, seen=f"{seen} ({error})", allowed=allowed) from None
    if _calls_groups(text):
        allowed = "one that calls no group: no (?R), (?1), (?&name) or (?P>name)"
        raise UsageError(where, seen=seen, allowed=allowed)
    return compiled


def _check_length(text: str, where: str) -> None:
    if len(text) > MAX_LENGTH:
        allowed = f"at most {MAX_LENGTH} characters"
        raise UsageError(where, seen=f"{len(text)} characters", allowed=allowed)


def shown_at(where: str, value: object) -> str:
    """Return a refused value as a message shows it; ``where`` it stands may make it a secret."""
    return quoted(value, secret=is_secret(where) or is_secret(str(value)))


def _calls_groups(text: str) -> bool:
    """Whether a valid pattern calls one of its groups, which may never end.

    The library decides: an escape, a set or a comment stays valid when a character is inserted,
    a call does not.
    """
    import regex as library

    broken = _CALL.sub("(?%", text)
    if broken == text:
        return False
    try:
        library.compile(broken)
    except (library.error, RecursionError):
        return True
    return False


def _unrolled(text: str) -> int:
    """Return about how long a pattern is with its counted repetitions expanded."""
    sizes = [0]  # of the open groups, outermost first
    last = 0  # what a repetition would repeat
    for found in _PIECE.finditer(text):
        piece = found[0]
        if piece == "(":
            sizes.append(0)
            last = 0
        elif piece == ")" and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        elif found[1] is not None:
            times = max(int(count[:9]) for count in (found[1] or "1", found[2] or "1"))
            sizes[-1] += last * (times - 1)
            last *= times
        else:
            last = 1
            sizes[-1] += 1
    return sum(sizes)


def finds(ask: Callable[..., object], text: str, budget: Budget) -> bool:
    """Whether ``ask``, a method of a regular expression, finds a match. Raises TookTooLong."""
    try:
        return ask(text, timeout=budget.left()) is not None
    except TimeoutError:
        raise TookTooLong from None
    except MemoryError:
        raise TookTooLong("memory") from None


class JsonPath:
    """A JSONPath of RFC 9535."""

    def __init__(self, text: str, where: str) -> None:
        """Parse ``text``. Raises UsageError, which names ``where`` it stands."""
        from jsonpath.exceptions import JSONPathError

        _check_length(text, where)
        self._budget = Budget(0)
        environment = _environment(self._search)
        try:
            self._path = environment.compile(text)
        except (JSONPathError, RecursionError, ValueError) as error:
            # Formatting the library's error can fail, and its text can quote the path.
            why = next(iter(error.args), "unreadable")
            seen = shown_at(where, text)
            detail = f"{seen} ({why})" if seen == quoted(text) else seen
            raise UsageError(where, seen=detail, allowed="a JSONPath as in RFC 9535") from None

    def _search(self, text: object, pattern: object, *, whole: bool) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        try:
            expression = regex(pattern, "matchesJsonPath")
        except UsageError:  # as the RFC says: an invalid expression matches nothing
            return False
        ask = expression.fullmatch if whole else expression.search
        return finds(ask, text, self._budget)

    def values(self, document: Any, budget: Budget) -> list[Any]:
        """Return the values that it selects. Raises TookTooLong."""
        from jsonpath.exceptions import JSONPathError

        if not isinstance(document, dict | list):
            return []
        self._budget = budget
        values = []
        try:
            for one in self._path.finditer(_watched(document, budget)):
                budget.left()
                values.append(one.obj)
        except (JSONPathError, RecursionError):  # nested too deep
            return []
        return values


def _environment(search: Callable[..., bool]) -> "JSONPathEnvironment":
    from jsonpath import JSONPathEnvironment
    from jsonpath.function_extensions import ExpressionType, FilterFunction

    class Matching(FilterFunction):
        """The functions ``match`` and ``search``, in bounded time."""

        arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - the library's
        return_type = ExpressionType.LOGICAL

        def __init__(self, *, whole: bool) -> None:
            self._whole = whole

        def __call__(self, text: object, pattern: object) -> bool:
            return search(text, pattern, whole=self._whole)

    environment = JSONPathEnvironment(strict=True)
    environment.function_extensions["match"] = Matching(whole=True)
    environment.function_extensions["search"] = Matching(whole=False)
    return environment


class _Object(dict[str, Any]):
    """A JSON object that checks the budget with every member that is taken from it."""

    budget: Budget

    def items(self) -> Any:
        return ((name, _watched(part, self.budget)) for name, part in super().items())

    def __getitem__(self, name: str) -> Any:
        return _watched(super().__getitem__(name), self.budget)


class _Array(list[Any]):
    """A JSON array that does the same with every element, slices included."""

    budget: Budget

    def __iter__(self) -> Iterator[Any]:
        return (_watched(part, self.budget) for part in super().__iter__())

    def __len__(self) -> int:
        self.budget.left()
        return super().__len__()

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        if isinstance(at, slice):
            return (_watched(part, self.budget) for part in found)
        return _watched(found, self.budget)


def _watched(value: Any, budget: Budget) -> Any:
    """Return a value that checks the budget as it is walked; a path wraps only what it visits."""
    budget.left()
    found: _Object | _Array
    if isinstance(value, dict):
        found = _Object(value)
    elif isinstance(value, list):
        found = _Array(value)
    else:
        return value
    found.budget = budget
    return found
