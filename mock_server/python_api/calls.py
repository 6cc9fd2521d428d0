"""The requests that a world got: viewed, checked against expectations, waited for."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

from crmcom_kit.mock_server.journal.call_view import Teller, ToldCall
from crmcom_kit.mock_server.journal.patterns import Pattern, matching
from crmcom_kit.mock_server.journal.verification import Times, found, line, verified
from crmcom_kit.mock_server.journal.wait_conditions import Condition, OneRecord, Records, wait_for
from crmcom_kit.mock_server.store.records import Key
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.world import World

#: How many calls are expected: a number, or ``{"atLeast": 1, "atMost": 3}``.
Expected = int | Mapping[str, int] | Times | None
_ID = re.compile(r"[0-9A-Fa-f]{32}")
_MAX_CALLS = 20  # in one summary
_MAX_LINE = 300


class CallsView(Sequence[ToldCall]):
    """The calls in a world's journal, oldest first, with secrets redacted.

    Each has ``operation``, ``parameters``, ``identifier``, ``status``, ``code``, ``fault``,
    ``before``, ``after`` and more, as the control API shows it.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        """Read the journal of the world that ``world`` returns."""
        self._world = world

    def _calls(self) -> list[ToldCall]:
        return Teller(self._world()).calls()

    def __len__(self) -> int:
        return len(self._calls())

    def __iter__(self) -> Iterator[ToldCall]:
        return iter(self._calls())

    @overload
    def __getitem__(self, at: int) -> ToldCall: ...

    @overload
    def __getitem__(self, at: slice) -> list[ToldCall]: ...

    def __getitem__(self, at: int | slice) -> ToldCall | list[ToldCall]:
        return self._calls()[at]

    def find(self, **pattern: Any) -> list[ToldCall]:
        """Return the calls that match a pattern, see ``assert_called``. Raises UsageError."""
        return found(self._world(), pattern_of(pattern))

    def clear(self) -> None:
        """Remove all calls."""
        self._world().journal.clear()

    def __repr__(self) -> str:
        return f"<calls:\n{summarize_calls(self._world())}>"


def summarize_calls(world: World) -> str:
    """Return the last calls of a world as text: redacted, with what was wrong in refused ones."""
    calls = Teller(world).calls()
    if not calls:
        return "none"
    earlier = len(calls) - _MAX_CALLS
    lines = [f"… {earlier} earlier ones"] if earlier > 0 else []
    for call in calls[-_MAX_CALLS:]:
        lines.append(_shorten(line(call)))
        if call.body:
            lines.append(_shorten(f"    sent {call.body}"))
        near = call.near_miss
        if near is not None:
            suggestion = near["suggestion"] or f"{near['parameter']}: allowed is {near['allowed']}"
            lines.append(_shorten(f"    broke {near['statement']}; suggestion: {suggestion}"))
    return "\n".join(lines)


def _shorten(text: str) -> str:
    one = " ".join(text.split("\n"))
    return one if len(one) <= _MAX_LINE else f"{one[:_MAX_LINE]}…"


def pattern_of(given: Mapping[str, Any]) -> Pattern:
    """Return the pattern for arguments: ``error_kind`` means ``errorKind``. Raises UsageError."""
    camel_case = {
        re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value
        for name, value in given.items()
    }
    return matching(camel_case)


def assert_calls(
    world: World, expected: Expected, seconds: float, pattern: Mapping[str, Any]
) -> list[ToldCall]:
    """Return the calls that match, if they are as many as expected within ``seconds``.

    Raises:
        AssertionError: they are not.
        UsageError: the pattern or the expectation is not allowed.
    """
    __tracebackhide__ = True
    result = verified(world, pattern_of(pattern), expected, seconds=seconds)
    if not result.ok:
        raise AssertionError(result.message)
    return list(result.calls)


class _Until:
    """The condition that a function returns something true."""

    def __init__(self, until: Callable[[], object]) -> None:
        self._until = until
        self.result: object = None

    def holds(self) -> bool:
        self.result = self._until()
        return bool(self.result)

    def told(self) -> dict[str, Any]:
        return {"it returned": self.result}


def wait_until(
    world: World,
    until: Callable[[], object] | None,
    record: str | int | None,
    state: str | None,
    expected: Expected,
    seconds: float,
) -> Any:
    """Wait for a function, a record or a number of records. Raises AssertionError, UsageError."""
    __tracebackhide__ = True
    condition: Condition
    if until is not None:
        if record is not None or state is not None or expected is not None:
            allowed = "until alone, or the other arguments"
            raise UsageError("until", seen="until with other arguments", allowed=allowed)
        if not callable(until):
            raise UsageError("until", seen=repr(until), allowed="a function without arguments")
        condition, what = _Until(until), "the function to return something true"
    elif record is not None:
        key: Key = "id" if _ID.fullmatch(str(record)) else "number"
        condition = OneRecord(world, key, str(record), state)
        what = f"webhook request {key}={record} to be {state or 'there'}"
    else:
        condition = Records(world, state, expected)
        what = f"webhook requests {f'in state {state}' if state else 'to be there'}"
    result = wait_for(world, condition, seconds=seconds)
    if not result.ok:
        told = {name: value for name, value in result.told.items() if name != "record"}
        seen = ", ".join(f"{name} {value!r}" for name, value in told.items())
        msg = f"waited {seconds:g} s for {what}; {result.why}: {seen}"
        raise AssertionError(msg)
    return condition.result if isinstance(condition, _Until) else result.told
