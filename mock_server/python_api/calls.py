"""The requests that a world got: viewed, checked against expectations, waited for."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

from crmcom_kit.mock_server.journal import verification
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.patterns import MEMBERS, Pattern
from crmcom_kit.mock_server.journal.verification import Expected, line
from crmcom_kit.mock_server.python_api.arguments import snake_case
from crmcom_kit.mock_server.store.records import Key
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

_ID = re.compile(r"[0-9A-Fa-f]{32}")
_MAX_CALLS = 20  # in one summary
_MAX_LINE = 300


class CallsView(Sequence[CallView]):
    """The calls in a world's journal, oldest first, with secrets redacted.

    Each has ``operation``, ``parameters``, ``identifier``, ``running``, ``status``, ``code``,
    ``fault``, ``before``, ``after`` and more, as the control API shows it. A call is there from its
    arrival: it is ``running``, and its status is None, until it is answered.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        """Read the journal of the world that ``world`` returns."""
        self._world = world

    def _calls(self) -> list[CallView]:
        return self._world().reader.calls()

    def __len__(self) -> int:
        return len(self._calls())

    def __iter__(self) -> Iterator[CallView]:
        return iter(self._calls())

    @overload
    def __getitem__(self, at: int) -> CallView: ...

    @overload
    def __getitem__(self, at: slice) -> list[CallView]: ...

    def __getitem__(self, at: int | slice) -> CallView | list[CallView]:
        return self._calls()[at]

    def find(self, **pattern: Any) -> list[CallView]:
        """Return the calls that match a pattern, see ``assert_called``. Raises UsageError."""
        world = self._world()
        wanted = named_pattern(world, pattern)
        return [call for call in world.reader.calls() if wanted.matches(call)]

    def clear(self) -> None:
        """Remove all calls but those that are still to be carried out."""
        self._world().journal.clear()

    def __repr__(self) -> str:
        return f"<calls:\n{summarize_calls(self._world())}>"


def summarize_calls(world: World) -> str:
    """Return the last calls of a world as text: redacted, with warnings and what was wrong."""
    calls = world.reader.calls()
    if not calls:
        return "none"
    earlier = len(calls) - _MAX_CALLS
    lines = [f"… {earlier} earlier ones"] if earlier > 0 else []
    for call in calls[-_MAX_CALLS:]:
        lines.append(_shorten(line(call)))
        if call.body:
            lines.append(_shorten(f"    sent {call.body}"))
        lines += [_shorten(f"    warning: {text}") for text in call.warnings]
        near = call.near_miss
        if near is not None:
            suggestion = near["suggestion"] or f"{near['parameter']}: allowed is {near['allowed']}"
            lines.append(_shorten(f"    broke {near['statement']}; suggestion: {suggestion}"))
    return "\n".join(lines)


def _shorten(text: str) -> str:
    one = " ".join(text.split("\n"))
    return one if len(one) <= _MAX_LINE else f"{one[:_MAX_LINE]}…"


def named_pattern(world: World, given: Mapping[str, Any], *others: str) -> Pattern:
    """Return the pattern for arguments: ``state_after`` means ``state_after``.

    Raises UsageError; it names the arguments that a pattern has, and ``others``.
    """
    known = {snake_case(name): name for name in MEMBERS}
    for name in given:
        if name not in known:
            allowed = f"one of {', '.join([*known, *others])}"
            raise UsageError(name, seen="in the pattern", allowed=allowed)
    try:
        return Pattern(world.reader, {known[name]: value for name, value in given.items()})
    except UsageError as wrong:
        named = snake_case(wrong.parameter)
        raise UsageError(named, seen=wrong.seen, allowed=wrong.allowed) from None


def assert_calls(
    world: World, expected: Expected, seconds: float, pattern: Pattern
) -> list[CallView]:
    """Return the calls that match, if they are as many as expected within ``seconds``.

    Raises:
        AssertionError: they are not.
        UsageError: the expectation is not allowed.
    """
    __tracebackhide__ = True
    result = verification.verify(world.reader, pattern, expected, seconds=seconds)
    if not result.ok:
        raise AssertionError(result.message)
    return result.calls


def wait_for_calls(
    world: World, expected: Expected, seconds: float, pattern: Pattern, *, running: bool
) -> list[CallView]:
    """Return the calls that match once they are as many as expected.

    With ``running`` they count before they are answered. Raises AssertionError, UsageError.
    """
    __tracebackhide__ = True
    condition = verification.Calls(world.reader, pattern, expected, running=running)
    if not verification.wait_for(world.journal, condition, seconds=seconds).ok:
        raise AssertionError(condition.message)
    return condition.calls


class _Until:
    """The condition that a function returns something true."""

    def __init__(self, until: Callable[[], object]) -> None:
        self._until = until
        self.result: object = None

    def holds(self) -> bool:
        self.result = self._until()
        return bool(self.result)

    def facts(self) -> dict[str, Any]:
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
    condition: verification.Condition
    if until is not None:
        if not callable(until):
            raise UsageError("until", seen=repr(until), allowed="a function without arguments")
        condition, what = _Until(until), "the function to return a true value"
    elif record is not None:
        if isinstance(record, bool) or not isinstance(record, str | int):
            raise UsageError("record", seen=repr(record), allowed='a number or an id, such as "7"')
        key: Key = "id" if _ID.fullmatch(str(record)) else "number"
        condition = verification.OneRecord(lambda: world.store, key, str(record), state)
        what = f"webhook request {key}={record} to be {state or 'there'}"
    else:
        condition = verification.records(lambda: world.store, state, expected)
        what = f"webhook requests in state {state}"
    result = verification.wait_for(world.journal, condition, seconds=seconds)
    if not result.ok:
        facts = {name: value for name, value in result.facts.items() if name != "record"}
        seen = ", ".join(f"{name} {value!r}" for name, value in facts.items())
        msg = f"waited {seconds:g} s for {what}; {result.why}: {seen}"
        raise AssertionError(msg)
    return condition.result if isinstance(condition, _Until) else result.facts
