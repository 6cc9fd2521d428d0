"""Injected faults as a test holds them: added by ``fail``, removed at the end of ``with``."""

import base64
import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from crmcom_kit.mock_server.faults.registry import Faults, FaultState
from crmcom_kit.mock_server.python_api.arguments import text
from crmcom_kit.usage_errors import NotFound, UsageError, hint

# The arguments of ``fail``, by where a specification of a fault has them.
_ITSELF = ("name", "when", "times", "lifetime")
_MATCH = ("operation", "record", "nth", "after")
_EFFECT = (
    *("delay", "status", "retry_after", "error", "respond", "drop", "cut", "malformed"),
    *("expire_token", "delete_record"),
)


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
        found = list(self._last)
        for one in self._ids:
            with suppress(NotFound):
                found.append(self._faults.find(one))
        return found

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


def failing(faults: Faults, preset: str | None, given: Mapping[str, Any]) -> Failing:
    """Add the faults of a preset, or the fault that the arguments describe.

    Raises:
        UsageError, NotFound: an argument is not allowed, or there is no such preset.
        LimitExceeded: there are as many faults as allowed.
    """
    if preset is not None:
        if "calls" in given:
            warnings.warn("calls is now requests", DeprecationWarning, stacklevel=4)
        name = text("preset", preset).replace(" ", "_").replace("-", "_")
        return Failing(faults, faults.add_preset(name, given))
    try:
        return Failing(faults, faults.add(_spec(given)))
    except UsageError as refused:  # named as Python names the argument
        name = re.sub("^(match|effect)[.]", "", refused.parameter)
        raise type(refused)(name, seen=refused.seen, allowed=refused.allowed) from None


def _spec(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the specification that the arguments describe; None and False count as omitted."""
    known = (*_EFFECT, *_MATCH, *_ITSELF)
    for name in given:
        if name not in known:
            some = f"{', '.join(known)}{hint(name, known)}"
            allowed = f"a preset's name as the first argument, or some of {some}"
            raise UsageError(name, seen="as an argument of fail", allowed=allowed)
    itself, match, effect = (_named(names, given) for names in (_ITSELF, _MATCH, _EFFECT))
    if not effect:
        ways = ", ".join(name for name in _EFFECT if name != "retry_after")
        allowed = f"a preset's name as the first argument, or at least one of {ways}"
        raise UsageError("fail", seen="no effect", allowed=allowed)
    respond = effect.get("respond")
    if isinstance(respond, Mapping) and isinstance(respond.get("body"), bytes):
        effect["respond"] = {**respond, **_base64(respond["body"])}
    return {**itself, "match": match, "effect": effect}


def _base64(body: bytes) -> dict[str, str]:
    return {"body": base64.b64encode(body).decode(), "encoding": "base64"}


def _named(names: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: given.get(name) for name in names}
    return {
        name: value for name, value in found.items() if value is not None and value is not False
    }
