"""The requests to a world: views, assertions and waits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Unpack, overload

from crmcom_kit.mock_server.journal import verification
from crmcom_kit.mock_server.journal.entry_view import EntryView
from crmcom_kit.mock_server.journal.patterns import MEMBERS, RequestPattern, Value, check_members
from crmcom_kit.mock_server.journal.verification import Condition, Expected
from crmcom_kit.mock_server.python_api.arguments import methods_hide_our_frames, non_negative
from crmcom_kit.mock_server.python_api.handle import WorldHandle
from crmcom_kit.mock_server.python_api.keywords import WaitArguments
from crmcom_kit.mock_server.world.conditions import condition_of
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

_MAX_REQUESTS = 20  # in one summary
_MAX_LINE = 300


class RequestsView(Sequence[EntryView]):
    """The requests in a world's journal, oldest first, with secrets redacted.

    A request is listed from its arrival: until it has a response, it is ``running`` and its status
    is None.
    """

    __slots__ = ("_world",)

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
    def __getitem__(self, index: int) -> EntryView: ...

    @overload
    def __getitem__(self, index: slice) -> list[EntryView]: ...

    def __getitem__(self, index: int | slice) -> EntryView | list[EntryView]:
        return self._views()[index]

    def clear(self) -> None:
        """Remove all requests except running ones."""
        self._world().journal.clear()

    def __repr__(self) -> str:
        return f"<requests:\n{summarize_requests(self._world()) or 'none'}>"


def summarize_requests(world: World) -> str:
    """Return the last requests to a world as text, redacted, with warnings and reasons.

    It is empty if there are none.
    """
    views = world.reader.views()
    excess = len(views) - _MAX_REQUESTS
    lines = [f"… {excess} earlier ones"] if excess > 0 else []
    for view in views[-_MAX_REQUESTS:]:
        lines.append(_shorten(str(view)))
        if view.request["body"]:
            lines.append(_shorten(f"    sent {view.request['body']}"))
        lines += [_shorten(f"    warning: {text}") for text in view.warnings]
        miss = view.near_miss
        if miss is not None:
            lines.append(_shorten(f"    broke {view.statement}: {miss['reason']}"))
            if miss["suggestion"] is not None:
                lines.append(_shorten(f"    suggestion: {miss['suggestion']}"))
    return "\n".join(lines)


def _shorten(text: str) -> str:
    line = " ".join(text.split("\n"))
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…"


@methods_hide_our_frames
class WorldRequests(WorldHandle):
    """Assertions about the requests to a world, and waits."""

    __slots__ = ()

    def assert_called(
        self,
        operation: Value | None = None,
        *,
        times: Expected = None,
        **pattern: Unpack[RequestPattern],
    ) -> list[EntryView]:
        """Assert that matching requests were made as often as expected, and return them.

        Refused requests count, unless ``served`` is True. Requests without a response count, too;
        ``wait_for`` waits for future ones.

            mock.assert_called(operation="resend", record="7", times=1)

        Args:
            operation: the API's method, such as ``resend``.
            times: the expected number, or ``{"at_least": 1, "at_most": 3}``; at least one by
                default.
            pattern: other conditions for a request: ``record`` (the number or id of a
                webhook request), ``parameters``, ``outcome`` (accepted or refused), ``served``
                (True if the API has carried it out), ``status``, ``code``, ``state_before``,
                ``state_after`` and ``fault`` (a name, or True for any). ``{"absent": True}`` in
                place of a value means none.

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
        """Assert that no request matches the pattern; without a pattern, that there was no request.

        Raises:
            AssertionError: a request matches, or may match once it has a response.
            UsageError: the pattern is not allowed; its record never existed, and no request named
                it; or the journal had no room for requests that may match.
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
        **members: Unpack[WaitArguments],
    ) -> Any:
        """Wait until a condition holds; time is that of the machine.

            mock.wait_for(operation="resend", times=2)
            mock.wait_for(record="7", state="SUCCESSFUL")
            mock.wait_for(delivery="7", delivered=True)
            mock.wait_for(lambda: len(mock.records) < 3)

        Args:
            until: a function that returns a true value once the condition holds.
            timeout: the maximum seconds to wait.
            members: a pattern of requests as for ``assert_called``, with ``times``; they count
                when they have a response. Or a ``record``, by number or id, that exists or is in
                ``state``: SUCCESSFUL, REJECTED, SENDING or DELETED. Or ``delivery``, the record
                with a finished delivery, True for any, and ``delivered``, True or False.

        Returns:
            The requests, the result of the function, the record's state, or the attempt.

        Raises:
            AssertionError: the condition did not hold in time; the message shows the facts.
            UsageError: an argument is not allowed.
        """
        __tracebackhide__ = True
        seconds = non_negative("timeout", timeout)
        if isinstance(until, str):
            allowed = f"a function without arguments; or by name, operation={until!r}"
            raise UsageError("until", seen=repr(until), allowed=allowed)
        if until is None:
            condition = condition_of(self.emulated, members)
        elif members:
            raise UsageError("until", seen=f"with {next(iter(members))}", allowed="until alone")
        else:
            condition = _until(until)
        reason = verification.wait_for(self.emulated.journal, condition, seconds)
        if reason != "held":
            raise AssertionError(_report(reason, condition.facts(), seconds, members))
        return condition.result()


def _pattern(operation: Any, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a pattern."""
    return {**members} if operation is None else {"operation": operation, **members}


def assert_requests(world: World, members: Mapping[str, Any]) -> list[EntryView]:
    """Return the requests that match a pattern, if their number is that of its ``times``.

    Raises:
        AssertionError: it is not.
        UsageError: the expectation is not allowed.
    """
    __tracebackhide__ = True
    result = verification.verify(world.reader, members)
    if not result.ok:
        raise AssertionError(result.message)
    return result.views


def _until(function: Callable[[], object]) -> Condition:
    """Return the condition that a function returns a true value."""
    if not callable(function):
        allowed = "a function without arguments"
        raise UsageError("until", seen=repr(function), allowed=allowed)
    results: list[object] = [None]

    def holds() -> bool:
        results[0] = function()
        return bool(results[0])

    return Condition(holds, lambda: {"it returned": results[0]}, lambda: results[0])


def _report(reason: str, facts: dict[str, Any], timeout: float, members: Mapping[str, Any]) -> str:
    """Return the message of a wait that ended without its condition."""
    if "message" in facts:
        return f"waited {timeout:g} s; {reason}: {facts['message']}"
    condition = ", ".join(f"{name} {value!r}" for name, value in members.items())
    state = ", ".join(f"{name} {value!r}" for name, value in facts.items() if name != "record")
    goal = condition or "the function to return a true value"
    return f"waited {timeout:g} s for {goal}; {reason}: {state}"
