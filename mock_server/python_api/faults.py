"""Injected faults and expected refusals, for tests."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Unpack

from crmcom_kit.mock_server.faults.expectations import ExpectedRefusal
from crmcom_kit.mock_server.faults.registry import Faults, FaultState
from crmcom_kit.mock_server.python_api.arguments import methods_hide_our_frames, text
from crmcom_kit.mock_server.python_api.handle import WorldHandle
from crmcom_kit.mock_server.python_api.keywords import FaultArguments, Operations, RefusalArguments
from crmcom_kit.usage_errors import NotFound, UsageError, hint


class Failing:
    """One or more faults of a world, until ``remove()`` or the end of a ``with`` block."""

    __slots__ = ("_faults", "_ids", "_last")

    def __init__(self, faults: Faults, states: Sequence[FaultState]) -> None:
        """Hold the faults of ``states``."""
        self._faults = faults  # kept: a reset of the world replaces its faults, and reuses ids
        self._ids = [state.fault.id for state in states]
        self._last: list[FaultState] = []

    @property
    def states(self) -> list[FaultState]:
        """The faults and their counts; removed faults have their last counts."""
        states = list(self._last)
        for identifier in self._ids:
            with suppress(NotFound):
                states.append(self._faults.find(identifier))
        return states

    @property
    def hits(self) -> int:
        """The number of requests that they have hit."""
        return sum(state.hits for state in self.states)

    def remove(self) -> None:
        """Remove the faults; the journal keeps their effects."""
        self._last = self.states
        while self._ids:
            with suppress(NotFound):
                self._faults.remove(self._ids.pop())

    def __enter__(self) -> "Failing":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        faults = ", ".join(f"{state.fault.name} ({state.hits} hits)" for state in self.states)
        return f"<failing: {faults or 'nothing'}>"


@methods_hide_our_frames
class WorldFaults(WorldHandle):
    """The faults that a test injects in a world, and the refusals that it expects."""

    __slots__ = ()

    def fail(self, preset: str | None = None, /, **arguments: Unpack[FaultArguments]) -> Failing:
        """Inject a fault until it is removed or used up.

            with mock.fail("outage", seconds=30): ...
            with mock.fail(operation="resend", drop=True, when="after_commit", times=1): ...
            fault = mock.fail("lost response"); ...; fault.remove()

        Args:
            preset: the name of a preset; the control API lists them and their arguments at
                ``/__admin/faults/presets``.
            arguments: without a preset, the effect (``delay`` in seconds, ``status``,
                ``retry_after``, ``error``, ``respond``, ``drop``, ``cut``, ``malformed``,
                ``expire_token``, ``delete_record``), the requests that it hits (``operation``,
                ``record``, ``nth``, ``after``), and when (``when``, ``times``, ``lifetime`` in
                seconds); ``name`` is its name in the journal.

        Raises:
            UsageError, NotFound: an argument is not allowed, or there is no such preset.
            LimitExceeded: the world has the maximum number of faults.
        """
        if preset is not None:
            name = text("preset", preset).replace(" ", "_").replace("-", "_")
            return Failing(self.emulated.faults, self.emulated.faults.add_preset(name, arguments))
        try:
            return Failing(self.emulated.faults, self.emulated.faults.add(_spec(arguments)))
        except UsageError as error:  # with the name of the argument in Python
            name = re.sub("^(match|effect)[.]", "", error.parameter)
            raise type(error)(name, seen=error.seen, allowed=error.allowed) from None

    def expect_refusal(
        self, operation: Operations | None = None, **arguments: Unpack[RefusalArguments]
    ) -> ExpectedRefusal:
        """Expect refusals from now on, which the test provokes.

            mock.expect_refusal(operation="resend", error="not_rejected", times=1)

        The journal marks them, and ``assert_nothing_unexpected`` accepts them. An error of a fault
        is not a refusal, and does not count.

        Args:
            operation: an operation, or several; any by default.
            arguments: ``record``, the number or id of the webhook request that they name;
                ``error``, the kind of the error, or several, such as ``unknown_webhook_request``;
                ``times``, the exact number, by default at least one.

        Returns:
            The expectation; its ``count`` is the number of refusals so far.

        Raises:
            UsageError: an argument is not allowed.
            LimitExceeded: the world has the maximum number of expectations.
        """
        members = {"operation": operation, **arguments}
        spec = {name: value for name, value in members.items() if value is not None}
        return self.emulated.current_epoch.expectations.expect(spec)

    def assert_nothing_unexpected(self) -> None:
        """Assert that the test expected every refusal and every warning since the last reset.

        ``crmcom_mock_strict`` asserts this at the end of each test.

        Raises:
            AssertionError: a request was refused unexpectedly, or had parameters that
                the mock ignored; a fault was never hit; a delivery script of one webhook request
                was never used; or an expected refusal never came.
        """
        __tracebackhide__ = True
        self._server.catch_up()
        assert_none("unexpected", self.emulated.unexpected())


def assert_none(title: str, lines: Iterable[str]) -> None:
    """Raise AssertionError with the lines if there are any."""
    __tracebackhide__ = True
    texts = [*lines]
    if texts:
        msg = "\n  ".join((f"{title}:", *texts))
        raise AssertionError(msg)


def _spec(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the specification of the arguments; None and False count as omitted."""
    from crmcom_kit.mock_server.faults.specification import FaultEffect, FaultMatch, FaultSpec

    effects, matches, settings = (
        [name for name in part.__annotations__ if name not in ("match", "effect")]
        for part in (FaultEffect, FaultMatch, FaultSpec)
    )
    names = (*effects, *matches, *settings)
    for name in arguments:
        if name not in names:
            listing = f"{', '.join(names)}{hint(name, names)}"
            allowed = f"a preset's name as the first argument, or some of {listing}"
            raise UsageError(name, seen="as an argument of fail", allowed=allowed)
    effect = _select(effects, arguments)
    if not effect:
        choices = ", ".join(name for name in effects if name != "retry_after")
        allowed = f"a preset's name as the first argument, or at least one of {choices}"
        raise UsageError("fail", seen="no effect", allowed=allowed)
    respond = effect.get("respond")
    if isinstance(respond, Mapping) and isinstance(respond.get("body"), bytes):
        body = base64.b64encode(respond["body"]).decode()
        effect["respond"] = {**respond, "body": body, "encoding": "base64"}
    match = _select(matches, arguments)
    return {**_select(settings, arguments), "match": match, "effect": effect}


def _select(names: Sequence[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of these names, without omitted ones."""
    values = ((name, arguments.get(name)) for name in names)
    return {name: value for name, value in values if value is not None and value is not False}
