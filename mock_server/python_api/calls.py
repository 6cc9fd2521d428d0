"""The calls that a world got: looked at, held to what a test expects, waited for."""

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

#: How often a call is expected: a number, or ``{"atLeast": 1, "atMost": 3}``.
Expected = int | Mapping[str, int] | Times | None
_ID = re.compile(r"[0-9A-Fa-f]{32}")
_SHOWN = 20  # calls that a text has at most
_MAX_LINE = 300


class Calls(Sequence[ToldCall]):
    """The calls in a world's journal, oldest first, with secrets masked.

    Each has ``operation``, ``parameters``, ``identifier``, ``status``, ``code``, ``fault``,
    ``before``, ``after`` and more, as the control API shows it.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        """Look into the journal of the world that ``world`` returns."""
        self._world = world

    def _told(self) -> list[ToldCall]:
        return Teller(self._world()).calls()

    def __len__(self) -> int:
        return len(self._told())

    def __iter__(self) -> Iterator[ToldCall]:
        return iter(self._told())

    @overload
    def __getitem__(self, at: int) -> ToldCall: ...

    @overload
    def __getitem__(self, at: slice) -> list[ToldCall]: ...

    def __getitem__(self, at: int | slice) -> ToldCall | list[ToldCall]:
        return self._told()[at]

    def find(self, **pattern: Any) -> list[ToldCall]:
        """Return those that fit a pattern, as ``assert_called`` reads it. Raises UsageError."""
        return found(self._world(), pattern_of(pattern))

    def clear(self) -> None:
        """Forget them."""
        self._world().journal.clear()

    def __repr__(self) -> str:
        return f"<calls:\n{written(self._world())}>"


def written(world: World) -> str:
    """Return the last calls of a world as text, without secrets; what was wrong with each, too."""
    calls = Teller(world).calls()
    if not calls:
        return "none"
    earlier = len(calls) - _SHOWN
    lines = [f"… {earlier} earlier ones"] if earlier > 0 else []
    for call in calls[-_SHOWN:]:
        lines.append(_short(line(call)))
        if call.body:
            lines.append(_short(f"    sent {call.body}"))
        near = call.near_miss
        if near is not None:
            suggestion = near["suggestion"] or f"{near['parameter']}: allowed is {near['allowed']}"
            lines.append(_short(f"    broke {near['statement']}; suggestion: {suggestion}"))
    return "\n".join(lines)


def _short(text: str) -> str:
    one = " ".join(text.split("\n"))
    return one if len(one) <= _MAX_LINE else f"{one[:_MAX_LINE]}…"


def pattern_of(given: Mapping[str, Any]) -> Pattern:
    """Return the pattern of arguments, where ``error_kind`` is ``errorKind``. Raises UsageError."""
    spelled = {
        re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value
        for name, value in given.items()
    }
    return matching(spelled)


def asserted(
    world: World, expected: Expected, seconds: float, pattern: Mapping[str, Any]
) -> list[ToldCall]:
    """Return the calls that fit, as many as are expected. Raises AssertionError, UsageError."""
    __tracebackhide__ = True
    result = verified(world, pattern_of(pattern), expected, seconds=seconds)
    if not result.ok:
        raise AssertionError(result.message)
    return list(result.calls)


class _Until:
    """Whatever a function of the test's own says."""

    def __init__(self, until: Callable[[], object]) -> None:
        self._until = until
        self.result: object = None

    def holds(self) -> bool:
        self.result = self._until()
        return bool(self.result)

    def told(self) -> dict[str, Any]:
        return {"it returned": self.result}


def awaited(
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
            raise UsageError("until", seen="beside others", allowed="it alone, or the others")
        if not callable(until):
            raise UsageError("until", seen=repr(until), allowed="a function without arguments")
        condition, what = _Until(until), "what the function says"
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
