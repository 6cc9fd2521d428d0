"""The requests that a world got: viewed, checked against expectations, waited for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

from crmcom_kit.mock_server.journal import verification
from crmcom_kit.mock_server.journal.entry_view import EntryView
from crmcom_kit.mock_server.journal.verification import Condition
from crmcom_kit.mock_server.world.conditions import condition_of
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

_MAX_REQUESTS = 20  # in one summary
_MAX_LINE = 300


class RequestsView(Sequence[EntryView]):
    """The requests in a world's journal, oldest first, with secrets redacted.

    A request is there from its arrival: it is ``running``, and its status is None, until it is
    answered.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        """Read the journal of the world that ``world`` returns."""
        self._world = world

    def _views(self) -> list[EntryView]:
        return self._world().reader.views()

    def __len__(self) -> int:
        return len(self._views())

    def __iter__(self) -> Iterator[EntryView]:
        return iter(self._views())

    @overload
    def __getitem__(self, at: int) -> EntryView: ...

    @overload
    def __getitem__(self, at: slice) -> list[EntryView]: ...

    def __getitem__(self, at: int | slice) -> EntryView | list[EntryView]:
        return self._views()[at]

    def clear(self) -> None:
        """Remove all requests but those that are still to be carried out."""
        self._world().journal.clear()

    def __repr__(self) -> str:
        return f"<requests:\n{summarize_requests(self._world()) or 'none'}>"


def summarize_requests(world: World) -> str:
    """Return the last requests to a world as text: redacted, with warnings and what was wrong.

    It is empty if there were none.
    """
    views = world.reader.views()
    earlier = len(views) - _MAX_REQUESTS
    lines = [f"… {earlier} earlier ones"] if earlier > 0 else []
    for view in views[-_MAX_REQUESTS:]:
        lines.append(_shorten(str(view)))
        if view.request["body"]:
            lines.append(_shorten(f"    sent {view.request['body']}"))
        lines += [_shorten(f"    warning: {text}") for text in view.warnings]
        near = view.near_miss
        if near is not None:
            lines.append(_shorten(f"    broke {view.statement}: {near['reason']}"))
            if near["suggestion"] is not None:
                lines.append(_shorten(f"    suggestion: {near['suggestion']}"))
    return "\n".join(lines)


def _shorten(text: str) -> str:
    one = " ".join(text.split("\n"))
    return one if len(one) <= _MAX_LINE else f"{one[:_MAX_LINE]}…"


def assert_requests(world: World, asked: Mapping[str, Any]) -> list[EntryView]:
    """Return the requests that match a pattern, if they are as many as its ``times`` says.

    Raises:
        AssertionError: they are not.
        UsageError: the expectation is not allowed.
    """
    __tracebackhide__ = True
    result = verification.verify(world.reader, asked)
    if not result.ok:
        raise AssertionError(result.message)
    return result.views


def _until(function: Callable[[], object]) -> Condition:
    """Return the condition that a function returns something true."""
    if not callable(function):
        allowed = "a function without arguments"
        raise UsageError("until", seen=repr(function), allowed=allowed)
    last: list[object] = [None]

    def holds() -> bool:
        last[0] = function()
        return bool(last[0])

    return Condition(holds, lambda: {"it returned": last[0]}, lambda: last[0])


def wait_for(
    world: World, until: Callable[[], object] | None, timeout: float, asked: Mapping[str, Any]
) -> Any:
    """Return what was waited for. Raises AssertionError, UsageError."""
    __tracebackhide__ = True
    if isinstance(until, str):
        allowed = f"a function without arguments; or by name, operation={until!r}"
        raise UsageError("until", seen=repr(until), allowed=allowed)
    if until is None:
        condition = condition_of(world, asked)
    elif asked:
        raise UsageError("until", seen=f"with {next(iter(asked))}", allowed="until alone")
    else:
        condition = _until(until)
    why = verification.wait_for(world.journal, condition, timeout)
    if why != "held":
        raise AssertionError(_late(why, condition.facts(), timeout, asked))
    return condition.result()


def _late(why: str, facts: dict[str, Any], timeout: float, asked: Mapping[str, Any]) -> str:
    """Return what was waited for, and what was there instead."""
    if "message" in facts:
        return f"waited {timeout:g} s; {why}: {facts['message']}"
    wanted = ", ".join(f"{name} {value!r}" for name, value in asked.items())
    seen = ", ".join(f"{name} {value!r}" for name, value in facts.items() if name != "record")
    what = wanted or "the function to return a true value"
    return f"waited {timeout:g} s for {what}; {why}: {seen}"
