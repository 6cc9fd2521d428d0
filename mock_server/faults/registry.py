"""The faults of one world, and the choice of the fault that hits a request.

The oldest fault that matches a request and is due hits it. Every fault counts all requests that it
matches, even if another one hits them.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from crmcom_kit.mock_server.clock import WorldClock, write_moment
from crmcom_kit.mock_server.faults.matching import Fault, FindRecord, RequestView
from crmcom_kit.mock_server.faults.presets import preset_specs
from crmcom_kit.mock_server.faults.validation import fault_of
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.usage_errors import LimitExceeded, NotFound, UsageError, quoted

MAX_FAULTS = 1_000
#: Maximum bytes of all fixed responses of a world.
MAX_BODIES = 16 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class FaultState:
    """A fault and its counts so far."""

    fault: Fault
    expires: datetime | None  # by the world's clock
    group: tuple[str, ...]  # the ids of the faults that were added together, as by a preset
    matched: int = 0  # the number of requests
    hits: int = 0
    over: bool = False  # True if it will not hit any more requests

    @property
    def left(self) -> int | None:
        """The number of requests that it can still hit; None for any number."""
        return None if self.fault.times is None else self.fault.times - self.hits

    def is_over(self, now: datetime) -> bool:
        """Return True if it will not hit any more requests."""
        return self.left == 0 or (self.expires is not None and now >= self.expires)

    def count_match(self) -> bool:
        """Count a request that it matches; return True if the fault is due."""
        self.matched += 1
        fault = self.fault
        return self.matched in fault.nth if fault.nth else self.matched > fault.after

    def __str__(self) -> str:
        fault = self.fault
        record = f" of {fault.record}" if fault.record else ""
        counts = f"hit {self.hits} of {self.matched} matching requests"
        return f"{fault.name} ({' or '.join(fault.operations) or 'any request'}{record}) {counts}"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON for the control API."""
        counts = {"calls": self.matched, "hits": self.hits, "over": self.over}
        members = {**self.fault.as_json(), **counts}
        if self.left is not None:
            members["left"] = self.left
        if self.expires is not None:
            members["expires"] = write_moment(self.expires)
        return members


class Faults:
    """The faults of one world; a reset of the world removes them."""

    def __init__(self, config: Config, clock: WorldClock) -> None:
        """Start without faults."""
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[str, FaultState] = {}
        self._count = 0
        #: Faults, also removed ones, whose group has not hit a request.
        self._unhit: dict[str, FaultState] = {}

    @property
    def has_active(self) -> bool:
        """True if a fault may still hit a request."""
        # Every request asks; most mocks have no faults, and need not read the clock.
        return bool(self._faults) and not all(state.over for state in self.all())

    def add_preset(self, name: str, arguments: Mapping[str, Any]) -> tuple[FaultState, ...]:
        """Add the faults of a preset.

        Raises:
            UsageError, NotFound: there is no such preset, or an argument is not allowed.
            LimitExceeded: there would be more faults than allowed.
        """
        return self.add(*preset_specs(name, arguments))

    def add(self, *specs: object) -> tuple[FaultState, ...]:
        """Add the faults of specifications, all or none.

        Raises:
            UsageError: a specification is not allowed.
            LimitExceeded: there would be more faults than allowed.
        """
        drafts = [fault_of(spec) for spec in specs]
        self._check_operations(drafts)
        now = self._clock.now()
        with self._lock:
            if self._excess(drafts):
                self._drop(*(key for key, state in self._faults.items() if state.is_over(now)))
            if excess := self._excess(drafts):
                raise excess
            numbers = range(self._count + 1, self._count + 1 + len(drafts))
            group = tuple(f"fault-{number}" for number in numbers)
            self._count += len(drafts)
            states = [
                FaultState(
                    fault=replace(draft, id=fault_id),
                    expires=None if draft.lifetime is None else now + timedelta(0, draft.lifetime),
                    group=group,
                )
                for fault_id, draft in zip(group, drafts, strict=True)
            ]
            self._faults.update({state.fault.id: state for state in states})
            self._unhit.update({state.fault.id: state for state in states})
            while len(self._unhit) > MAX_FAULTS:
                del self._unhit[next(iter(self._unhit))]
            return tuple(replace(state) for state in states)

    def _check_operations(self, drafts: Sequence[Fault]) -> None:
        """Raise UsageError if the release has none of a fault's operations."""
        operations = [method.name for method in self._config.methods.values()]
        for fault in drafts:
            if fault.operations and not set(operations).intersection(fault.operations):
                problem = f"{' and '.join(fault.operations)} in {self._config.release.name}"
                raise UsageError(
                    "match.operation", seen=problem, allowed=f"some of {', '.join(operations)}"
                )

    def _excess(self, drafts: Sequence[Fault]) -> LimitExceeded | None:
        """Return an error if there is no room for more faults."""
        if len(self._faults) + len(drafts) > MAX_FAULTS:
            allowed = f"at most {MAX_FAULTS:,} in a world"
            return LimitExceeded("fault", seen=f"{len(self._faults):,} already", allowed=allowed)
        faults = [*(state.fault for state in self._faults.values()), *drafts]
        size = sum(len(fault.fixed.body) for fault in faults if fault.fixed)
        if size > MAX_BODIES:
            allowed = f"at most {MAX_BODIES:,} bytes in all fixed responses of a world"
            return LimitExceeded("effect.respond.body", seen=f"{size:,} bytes", allowed=allowed)
        return None

    def never_hit(self) -> list[FaultState]:
        """Return copies of the faults that have hit no request, including removed ones.

        One hit is enough for faults that were added together, as by a preset.
        """
        with self._lock:
            return [replace(state) for state in self._unhit.values()]

    def all(self) -> tuple[FaultState, ...]:
        """Return copies of all faults, oldest first, including those that are over."""
        now = self._clock.now()
        with self._lock:
            return tuple(replace(state, over=state.is_over(now)) for state in self._faults.values())

    def find(self, identifier: str) -> FaultState:
        """Return a copy of the fault with that id. Raises NotFound."""
        state = next((state for state in self.all() if state.fault.id == identifier), None)
        if state is None:
            raise self._not_found(identifier)
        return state

    def remove(self, identifier: str) -> None:
        """Remove the fault with that id. Raises NotFound."""
        with self._lock:
            if identifier not in self._faults:
                raise self._not_found(identifier)
            self._drop(identifier)

    def _not_found(self, identifier: str) -> NotFound:
        count = len(self._faults)
        allowed = f"one of {count:,} faults" if count else "none, since there are no faults"
        return NotFound("fault", seen=quoted(identifier), allowed=allowed)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._drop(*self._faults)

    def _drop(self, *identifiers: str) -> None:
        """Drop faults and the bodies of their responses."""
        for identifier in identifiers:
            state = self._faults.pop(identifier)
            if identifier in self._unhit:
                self._unhit[identifier] = replace(state, fault=state.fault.without_body())

    def select(self, find_record: FindRecord, request: Request) -> Fault | None:
        """Return the fault that hits a request."""
        view = RequestView(self._config, find_record, request)
        with self._lock:
            states = tuple(self._faults.values())
        # Without the lock: a view of a request takes the lock of the store.
        matches = [state for state in states if view.matches(state.fault)]
        now = self._clock.now()
        with self._lock:
            candidates = [
                state
                for state in matches
                if self._faults.get(state.fault.id) is state and not state.is_over(now)
            ]
            due = [state for state in candidates if state.count_match()]
            if not due:
                return None
            due[0].hits += 1
            for fault_id in due[0].group:
                self._unhit.pop(fault_id, None)
            return due[0].fault
