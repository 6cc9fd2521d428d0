"""The faults of one world: which there are, which are active, and which of them hits a request.

A request is hit by the first fault, in the order in which they were added, that matches it and is
due. Every fault counts all requests that it matches, whichever of them hits.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.faults.matching import FindRecord, RequestView
from crmcom_kit.mock_server.faults.model import Fault
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import LimitExceeded, NotFound

MAX_FAULTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultState:
    """A fault and what it has done so far."""

    fault: Fault
    calls: int  # that it matched
    hits: int
    left: int | None  # requests that it will still hit at most; None for any number
    expires: datetime | None  # by the world's clock
    over: bool  # will hit nothing any more

    def as_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        found = {**self.fault.as_json(), "calls": self.calls, "hits": self.hits, "over": self.over}
        if self.left is not None:
            found["left"] = self.left
        if self.expires is not None:
            found["expires"] = self.expires.isoformat(timespec="milliseconds")
        return found


class _Counted:
    """A fault and its counts; callers that change them hold the registry's lock."""

    __slots__ = ("_chance", "_draw", "calls", "expires", "fault", "hits")

    def __init__(self, fault: Fault, seed: str, now: datetime) -> None:
        self.fault = fault
        self.calls = self.hits = 0
        self.expires = None
        if fault.ttl_millis is not None:
            self.expires = now + timedelta(milliseconds=fault.ttl_millis)
        # Two generators, so that a delay does not change which requests are hit.
        self._chance = Random(f"{seed}/{fault.id}/chance")
        self._draw = Random(f"{seed}/{fault.id}/delay")

    def left(self) -> int | None:
        return None if self.fault.times is None else self.fault.times - self.hits

    def is_over(self, now: datetime) -> bool:
        return self.left() == 0 or (self.expires is not None and now >= self.expires)

    def counts(self) -> bool:
        """Count a request that it matches; return whether the fault is due."""
        self.calls += 1
        match, chance = self.fault.match, self.fault.probability
        # Drawn for every request, so that the same requests give the same hits.
        lucky = chance >= 1 or self._chance.random() < chance
        return lucky and self.calls > match.after and (not match.nth or self.calls in match.nth)

    def hit(self) -> Fault:
        found = self.fault.drawn(self._draw)
        self.hits += 1
        return found

    def state(self, now: datetime) -> FaultState:
        return FaultState(
            fault=self.fault,
            calls=self.calls,
            hits=self.hits,
            left=self.left(),
            expires=self.expires,
            over=self.is_over(now),
        )


class Faults:
    """The faults of one world, from one reset to the next."""

    __slots__ = ("_active", "_clock", "_config", "_count", "_faults", "_is_over", "_lock", "_name")

    def __init__(self, config: Config, name: str, clock: WorldClock) -> None:
        """Start without faults, in the world called ``name``."""
        self._config = config
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[str, _Counted] = {}
        self._count = 0
        self._active = False  # whether any of them may still hit, unless all have expired
        self._is_over = False

    @property
    def has_active(self) -> bool:
        """Whether any fault may still hit a request."""
        if not self._active:  # as in most mocks, and for every request
            return False
        with self._lock:
            self._update_active(self._clock.now())
            return self._active

    def _update_active(self, now: datetime) -> None:
        self._active = any(not one.is_over(now) for one in self._faults.values())

    def add(self, spec: object) -> Fault:
        """Add the fault that a specification describes, and return it.

        Raises:
            UsageError: the specification is not allowed.
            LimitExceeded: there are as many faults as allowed.
        """
        return self.add_all([spec])[0].fault

    def add_all(self, specs: Iterable[object]) -> tuple[FaultState, ...]:
        """Add the faults that specifications describe, all or none. Raises what ``add`` raises."""
        # Loads JSON Schema, which a mock without faults never needs: a start does not wait for it.
        from crmcom_kit.mock_server.faults.validation import fault_of

        operations = self._operations()
        return self._added([fault_of(spec, "", operations) for spec in specs])

    def preset(self, name: str, **arguments: Any) -> tuple[Fault, ...]:
        """Add the faults of a preset, and return them.

        Raises:
            UsageError, NotFound: there is no such preset, or an argument is not allowed.
            LimitExceeded: there would be more faults than allowed.
        """
        return tuple(state.fault for state in self.add_preset(name, arguments))

    def add_preset(self, name: str, arguments: Mapping[str, Any]) -> tuple[FaultState, ...]:
        """Add the faults of a preset. Raises what ``preset`` raises."""
        from crmcom_kit.mock_server.faults.presets import preset_specs  # JSON Schema, as above

        return self.add_all(preset_specs(name, arguments, self._operations()))

    def _operations(self) -> tuple[str, ...]:
        return tuple(method.name for method in self._config.methods.values())

    def _added(self, drafts: Sequence[Fault]) -> tuple[FaultState, ...]:
        with self._lock:
            now = self._clock.now()
            if len(self._faults) + len(drafts) > MAX_FAULTS:
                self._faults = {k: one for k, one in self._faults.items() if not one.is_over(now)}
            if len(self._faults) + len(drafts) > MAX_FAULTS:
                allowed = f"at most {MAX_FAULTS:,} in a world"
                raise LimitExceeded("fault", seen=f"{len(self._faults):,} already", allowed=allowed)
            seed = f"{self._config.seed}@{self._name}"
            added = [_Counted(draft.named(self._next_id()), seed, now) for draft in drafts]
            self._faults.update({one.fault.id: one for one in added})
            self._active = True
            return tuple(one.state(now) for one in added)

    def _next_id(self) -> str:
        self._count += 1
        return f"fault-{self._count}"

    def all(self) -> tuple[FaultState, ...]:
        """Return all faults, oldest first, including those that are over."""
        with self._lock:
            now = self._clock.now()
            return tuple(one.state(now) for one in self._faults.values())

    def find(self, identifier: str) -> FaultState:
        """Return the fault with that id and what it has done. Raises NotFound."""
        with self._lock:
            return self._known(identifier).state(self._clock.now())

    def remove(self, identifier: str) -> None:
        """Remove the fault with that id. Raises NotFound."""
        with self._lock:
            self._known(identifier)
            del self._faults[identifier]
            self._update_active(self._clock.now())

    def clear(self) -> int:
        """Remove all faults; return how many there were."""
        with self._lock:
            removed = len(self._faults)
            self._faults.clear()
            self._active = False
            return removed

    def end(self) -> None:
        """Release the requests that are held back; the epoch is over."""
        with self._lock:
            self._is_over = True

    def unless_over(self, change: Callable[[], object]) -> None:
        """Call ``change`` unless the epoch is over; the end of the epoch waits for it."""
        with self._lock:
            if not self._is_over:
                change()

    @property
    def over(self) -> bool:
        """Whether no request may be held back any more: the epoch is over, or the server ends."""
        return self._is_over or self._config.closing.is_set()

    def _known(self, identifier: str) -> _Counted:
        found = self._faults.get(identifier)
        if found is None:
            allowed = f"one of {len(self._faults):,} faults" if self._faults else "none, as yet"
            raise NotFound("fault", seen=quoted(identifier), allowed=allowed)
        return found

    def select(self, find_record: FindRecord, request: Request) -> Fault | None:
        """Return the fault that hits a request; a fault that the request asks for goes first.

        Args:
            find_record: finds the record that the request names.
            request: the request.

        Raises:
            UsageError: what the request asks for is not allowed.
        """
        if request.prefer:
            from crmcom_kit.mock_server.faults.presets import preferred  # JSON Schema, as above

            return preferred(request.prefer)
        view = RequestView(self._config, find_record, request)
        with self._lock:
            present = tuple(self._faults.values())
        # Without the lock: to look at a request takes the store's.
        matched = [one for one in present if view.matches(one.fault)]
        if not matched:
            return None
        with self._lock:
            return self._first_due(matched)

    def _first_due(self, matched: Iterable[_Counted]) -> Fault | None:
        now = self._clock.now()
        found: Fault | None = None
        for one in matched:
            if one.is_over(now) or self._faults.get(one.fault.id) is not one:
                continue
            if one.counts() and found is None:
                found = one.hit()
        self._update_active(now)
        return found
