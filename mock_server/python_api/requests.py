"""The requests to a world: viewed, asserted, and waited for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Unpack, overload

from crmcom_kit.mock_server.journal import verification
from crmcom_kit.mock_server.journal.entry_view import EntryView
from crmcom_kit.mock_server.journal.patterns import (
    MEMBERS,
    RequestPattern,
    Value,
    check_members,
)
from crmcom_kit.mock_server.journal.verification import Condition, Expected
from crmcom_kit.mock_server.python_api.arguments import methods_hide_our_frames, number
from crmcom_kit.mock_server.python_api.handle import WorldHandle
from crmcom_kit.mock_server.python_api.keywords import Awaited
from crmcom_kit.mock_server.world.conditions import condition_of
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

_MAX_REQUESTS = 20  # in one summary
_MAX_LINE = 300


class RequestsView(Sequence[EntryView]):
    """The requests in a world's journal, oldest first, with secrets redacted.

    A request is there from its arrival: it is ``running``, and its status is None, until it has a
    response.
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
    line = " ".join(text.split("\n"))
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…"


@methods_hide_our_frames
class WorldRequests(WorldHandle):
    """What a test asserts of the requests to a world, and what it waits for."""

    def assert_called(
        self,
        operation: Value | None = None,
        *,
        times: Expected = None,
        **pattern: Unpack[RequestPattern],
    ) -> list[EntryView]:
        """Assert that matching requests were made as often as expected, and return them.

        Refused requests count, unless ``served`` is True. So do those that have no response yet;
        ``wait_for`` waits for those to come.

            mock.assert_called(operation="resend", record="7", times=1)

        Args:
            operation: the API's method, such as ``resend``.
            times: how many matching requests are expected, or ``{"at_least": 1, "at_most": 3}``;
                at least one by default.
            pattern: what else must be true of a request: ``record`` (the number or id of a
                webhook request), ``parameters``, ``outcome`` (accepted or refused), ``served``
                (whether the API has carried it out), ``status``, ``code``, ``state_before``,
                ``state_after`` and ``fault`` (a name, or whether any). Instead of a value,
                ``{"absent": True}`` asks for none.

        Raises:
            AssertionError: the number differs; the message names the nearest ones.
            UsageError: the pattern is not allowed, or the journal had no room for requests that may
                make a difference.
        """
        __tracebackhide__ = True
        self._server.catch_up()
        return assert_requests(self.emulated, {**_pattern(operation, pattern), "times": times})

    def assert_not_called(
        self, operation: Value | None = None, **pattern: Unpack[RequestPattern]
    ) -> None:
        """Assert that no request matches the pattern; without one, that there was no request.

        Raises:
            AssertionError: a request matches, or may match once it has a response.
            UsageError: the pattern is not allowed; there never was such a record, and no request
                named it; or the journal had no room for requests that may match.
        """
        __tracebackhide__ = True
        check_members(pattern, MEMBERS)
        self._server.catch_up()
        assert_requests(self.emulated, {**_pattern(operation, pattern), "times": 0})

    def wait_for(
        self,
        until: Callable[[], object] | None = None,
        /,
        *,
        timeout: float = 5.0,
        **asked: Unpack[Awaited],
    ) -> Any:
        """Wait until something has happened, measured by the machine's time.

            mock.wait_for(operation="resend", times=2)
            mock.wait_for(record="7", state="SUCCESSFUL")
            mock.wait_for(delivery="7", delivered=True)
            mock.wait_for(lambda: len(mock.records) < 3)

        Args:
            until: a function that returns something true once it has happened.
            timeout: how many seconds to wait.
            asked: which requests, see ``assert_called``, with ``times``; they count when they
                have a response. Or one ``record``, by number or id, that exists or is in ``state``:
                SUCCESSFUL, REJECTED, SENDING or DELETED. Or ``delivery``, the record with a
                finished delivery, True for any, and whether it was ``delivered``.

        Returns:
            The requests, the result of the function, the record's state, or the attempt.

        Raises:
            AssertionError: it has not happened in time; the message says what was found instead.
            UsageError: an argument is not allowed.
        """
        __tracebackhide__ = True
        seconds = number("timeout", timeout)
        if isinstance(until, str):
            allowed = f"a function without arguments; or by name, operation={until!r}"
            raise UsageError("until", seen=repr(until), allowed=allowed)
        if until is None:
            condition = condition_of(self.emulated, asked)
        elif asked:
            raise UsageError("until", seen=f"with {next(iter(asked))}", allowed="until alone")
        else:
            condition = _until(until)
        why = verification.wait_for(self.emulated.journal, condition, seconds)
        if why != "held":
            raise AssertionError(_late(why, condition.facts(), seconds, asked))
        return condition.result()


def _pattern(operation: Any, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a pattern."""
    return {**members} if operation is None else {"operation": operation, **members}


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


def _late(why: str, facts: dict[str, Any], timeout: float, asked: Mapping[str, Any]) -> str:
    """Return what was waited for, and what was there instead."""
    if "message" in facts:
        return f"waited {timeout:g} s; {why}: {facts['message']}"
    wanted = ", ".join(f"{name} {value!r}" for name, value in asked.items())
    seen = ", ".join(f"{name} {value!r}" for name, value in facts.items() if name != "record")
    what = wanted or "the function to return a true value"
    return f"waited {timeout:g} s for {what}; {why}: {seen}"
