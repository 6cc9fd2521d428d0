"""Injected faults and expected refusals, as a test uses them."""

import base64
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Unpack

from crmcom_kit.mock_server.faults.expectations import ExpectedRefusal
from crmcom_kit.mock_server.faults.presets import FORMER_NAMES
from crmcom_kit.mock_server.faults.registry import Faults, FaultState
from crmcom_kit.mock_server.python_api.arguments import methods_hide_our_frames, text
from crmcom_kit.mock_server.python_api.handle import WorldHandle
from crmcom_kit.mock_server.python_api.keywords import (
    FaultArguments,
    Operations,
    RefusalArguments,
)
from crmcom_kit.usage_errors import NotFound, UsageError, hint


class Failing:
    """One or more faults of a world, until ``remove()`` or the end of a ``with`` block."""

    def __init__(self, faults: Faults, added: Sequence[FaultState]) -> None:
        """Hold faults that were added."""
        self._faults = faults  # not the world's: a reset replaces those, and reuses ids
        self._ids = [state.fault.id for state in added]
        self._last: list[FaultState] = []

    @property
    def states(self) -> list[FaultState]:
        """The faults and what each has done; as last seen once they are removed."""
        states = list(self._last)
        for identifier in self._ids:
            with suppress(NotFound):
                states.append(self._faults.find(identifier))
        return states

    @property
    def hits(self) -> int:
        """How many requests they have hit."""
        return sum(state.hits for state in self.states)

    def remove(self) -> None:
        """Remove the faults; what happened stays in the journal."""
        self._last = self.states
        while self._ids:
            with suppress(NotFound):
                self._faults.remove(self._ids.pop())

    def __enter__(self) -> "Failing":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        what = ", ".join(f"{state.fault.name} ({state.hits} hits)" for state in self.states)
        return f"<failing: {what or 'nothing'}>"


@methods_hide_our_frames
class WorldFaults(WorldHandle):
    """What goes wrong in a world: faults that a test injects, and refusals that it expects."""

    def fail(self, preset: str | None = None, /, **arguments: Unpack[FaultArguments]) -> Failing:
        """Inject a fault until it is removed or used up.

            with mock.fail("outage", seconds=30): ...
            with mock.fail(operation="resend", drop=True, when="after_commit", times=1): ...
            lost = mock.fail("lost response"); ...; lost.remove()

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
            LimitExceeded: there are as many faults as allowed.
        """
        if preset is not None:
            if "calls" in arguments:
                warnings.warn("calls is now requests", DeprecationWarning, stacklevel=3)
            name = text("preset", preset).replace(" ", "_").replace("-", "_")
            if name in FORMER_NAMES:
                new = f"preset {name} is now {FORMER_NAMES[name]}"
                warnings.warn(new, DeprecationWarning, stacklevel=3)
            return Failing(self.emulated.faults, self.emulated.faults.add_preset(name, arguments))
        try:
            return Failing(self.emulated.faults, self.emulated.faults.add(_spec(arguments)))
        except UsageError as refused:  # named as Python names the argument
            name = re.sub("^(match|effect)[.]", "", refused.parameter)
            raise type(refused)(name, seen=refused.seen, allowed=refused.allowed) from None

    def assert_faults_hit(self) -> None:
        """Assert that each fault since the last reset has hit a request, or one of its preset.

        Raises:
            AssertionError: some hit none, whether they are still active or not.
        """
        __tracebackhide__ = True
        self._server.catch_up()
        assert_none("faults that hit no request", map(str, self.emulated.faults.never_hit()))

    def expect_refusal(
        self, operation: Operations | None = None, **arguments: Unpack[RefusalArguments]
    ) -> ExpectedRefusal:
        """Say that requests from now on will be refused, on purpose.

            mock.expect_refusal(operation="resend", error="not_rejected", times=1)

        The journal marks them, and ``assert_nothing_unexpected`` lets them pass. An error that a
        fault made is no refusal, and does not count.

        Args:
            operation: an operation, or several; any by default.
            arguments: ``record``, the number or id of the webhook request that they name;
                ``error``, the kind of the error, or several, such as ``unknown_webhook_request``;
                ``times``, how many refusals, no more and no less, at least one by default.

        Returns:
            What is expected; its ``count`` is how many came so far.

        Raises:
            UsageError: an argument is not allowed.
            LimitExceeded: there are as many expected refusals as allowed.
        """
        asked = {"operation": operation, **arguments}
        spec = {name: value for name, value in asked.items() if value is not None}
        return self.emulated.current_epoch.expectations.expect(spec)

    def assert_nothing_unexpected(self) -> None:
        """Assert that a test said of all that went wrong since the last reset that it would.

        That is what ``crmcom_strict`` asserts at the end of each test.

        Raises:
            AssertionError: a request was refused and no test expects it, or had parameters that
                the mock ignored; a fault was never hit; a delivery script of one webhook request
                was never used; or an expected refusal never came.
        """
        __tracebackhide__ = True
        self._server.catch_up()
        assert_none("unexpected", self.emulated.unexpected())


def assert_none(what: str, lines: Iterable[str]) -> None:
    """Raise AssertionError if there are lines, and show them."""
    __tracebackhide__ = True
    listed = [*lines]
    if listed:
        msg = "\n  ".join((f"{what}:", *listed))
        raise AssertionError(msg)


def _spec(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the specification that the arguments describe; None and False count as omitted."""
    from crmcom_kit.mock_server.faults.specification import FaultEffect, FaultMatch, FaultSpec

    effects, matches, others = (
        [name for name in part.__annotations__ if name not in ("match", "effect")]
        for part in (FaultEffect, FaultMatch, FaultSpec)
    )
    names = (*effects, *matches, *others)
    for name in arguments:
        if name not in names:
            some = f"{', '.join(names)}{hint(name, names)}"
            allowed = f"a preset's name as the first argument, or some of {some}"
            raise UsageError(name, seen="as an argument of fail", allowed=allowed)
    effect = _named(effects, arguments)
    if not effect:
        ways = ", ".join(name for name in effects if name != "retry_after")
        allowed = f"a preset's name as the first argument, or at least one of {ways}"
        raise UsageError("fail", seen="no effect", allowed=allowed)
    respond = effect.get("respond")
    if isinstance(respond, Mapping) and isinstance(respond.get("body"), bytes):
        body = base64.b64encode(respond["body"]).decode()
        effect["respond"] = {**respond, "body": body, "encoding": "base64"}
    match = _named(matches, arguments)
    return {**_named(others, arguments), "match": match, "effect": effect}


def _named(names: Sequence[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of these names that are not omitted."""
    values = ((name, arguments.get(name)) for name in names)
    return {name: value for name, value in values if value is not None and value is not False}
