"""What goes wrong on purpose in one world: the faults that there are, and whom each hits.

A call is hit by the first fault, in the order in which they were added, that is for it and whose
turn it is. Every fault counts all calls that it is for, whichever of them hits.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import LimitExceeded, NotFound, UsageError

if TYPE_CHECKING:
    from crmcom_kit.mock_server.faults.model import Fault
    from crmcom_kit.mock_server.world.epoch import Epoch

# What reads, matches and does faults is imported with the first of them: most mocks have none.

MAX_FAULTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultState:
    """A fault, and what it has done so far."""

    fault: "Fault"
    calls: int  # that it is for
    hits: int
    left: int | None  # calls that it will still hit at most; None for any number
    expires: datetime | None  # by the world's clock
    over: bool  # hits nothing any more

    def as_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        found = {**self.fault.as_json(), "calls": self.calls, "hits": self.hits, "over": self.over}
        if self.left is not None:
            found["left"] = self.left
        if self.expires is not None:
            found["expires"] = self.expires.isoformat(timespec="milliseconds")
        return found


class _Armed:
    """A fault and its counts; whoever changes them holds the lock of all."""

    __slots__ = ("_chance", "_draw", "calls", "expires", "fault", "hits")

    def __init__(self, fault: "Fault", seed: str, now: datetime) -> None:
        self.fault = fault
        self.calls = self.hits = 0
        self.expires = None
        if fault.ttl_millis is not None:
            self.expires = now + timedelta(milliseconds=fault.ttl_millis)
        # Apart from each other, so that a delay changes nothing in who is hit.
        self._chance = Random(f"{seed}/{fault.id}/chance")
        self._draw = Random(f"{seed}/{fault.id}/delay")

    def left(self) -> int | None:
        return None if self.fault.times is None else self.fault.times - self.hits

    def spent(self) -> bool:
        return self.left() == 0

    def is_over(self, now: datetime) -> bool:
        return self.spent() or (self.expires is not None and now >= self.expires)

    def counts(self) -> bool:
        """Count one call that it is for; return whether it wants to hit it."""
        self.calls += 1
        match, chance = self.fault.match, self.fault.probability
        # Drawn for every call, so that the same calls give the same hits.
        lucky = chance >= 1 or self._chance.random() < chance
        return lucky and self.calls > match.after and (not match.nth or self.calls in match.nth)

    def hit(self) -> "Fault":
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

    __slots__ = (
        "_clock",
        "_config",
        "_count",
        "_faults",
        "_is_over",
        "_lock",
        "_name",
        "has_active",
    )  # fmt: skip

    def __init__(self, config: Config, name: str, clock: WorldClock) -> None:
        """Start without any, in the world of that name."""
        self._config = config
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[str, _Armed] = {}
        self._count = 0
        #: Whether any of them may still hit a call.
        self.has_active = False
        self._is_over = False

    def add(self, spec: object) -> "Fault":
        """Add the fault that a specification describes, and return it.

        Raises:
            UsageError: the specification is not allowed.
            LimitExceeded: there are as many as may be.
        """
        return self.arm([spec])[0].fault

    def preset(self, name: str, **arguments: Any) -> "tuple[Fault, ...]":
        """Add the faults that a preset stands for, and return them.

        Raises:
            UsageError, NotFound: there is no such preset, or an argument is not allowed.
            LimitExceeded: there would be more than may be.
        """
        return tuple(state.fault for state in self.arm_preset(name, arguments))

    def arm_preset(self, name: str, arguments: Mapping[str, Any]) -> tuple[FaultState, ...]:
        """Add the faults that a preset stands for. Raises what ``preset`` raises."""
        from crmcom_kit.mock_server.faults.presets import preset_specs

        specs = preset_specs(name, arguments)
        try:
            drafts = self._read(specs)
        except UsageError as misuse:  # of a member that an argument was put into
            parameter = misuse.parameter.removeprefix("match.").removeprefix("effect.")
            raise UsageError(parameter, seen=misuse.seen, allowed=misuse.allowed) from None
        return self._added_all(drafts)

    def arm(self, specs: Iterable[object]) -> tuple[FaultState, ...]:
        """Add the faults that specifications describe, all or none. Raises what ``add`` raises."""
        return self._added_all(self._read(specs))

    def _read(self, specs: Iterable[object]) -> "Sequence[Fault]":
        operations = tuple(method.name for method in self._config.methods.values())
        from crmcom_kit.mock_server.faults.parsing import fault_of

        return [fault_of(spec, "", operations) for spec in specs]

    def _added_all(self, drafts: "Sequence[Fault]") -> tuple[FaultState, ...]:
        with self._lock:
            now = self._clock.now()
            if len(self._faults) + len(drafts) > MAX_FAULTS:
                self._make_room(now)
            if len(self._faults) + len(drafts) > MAX_FAULTS:
                allowed = f"at most {MAX_FAULTS:,} in a world"
                raise LimitExceeded("fault", seen=f"{len(self._faults):,} already", allowed=allowed)
            seed = f"{self._config.settings.seed}@{self._name}"
            has_active = [_Armed(draft.named(self._next_id()), seed, now) for draft in drafts]
            self._faults.update({one.fault.id: one for one in has_active})
            self.has_active = True
            return tuple(one.state(now) for one in has_active)

    def _next_id(self) -> str:
        self._count += 1
        return f"fault-{self._count}"

    def _make_room(self, now: datetime) -> None:
        self._faults = {key: one for key, one in self._faults.items() if not one.is_over(now)}

    def list(self) -> tuple[FaultState, ...]:
        """Return all faults in the order in which they were added, those that are over included."""
        with self._lock:
            now = self._clock.now()
            return tuple(one.state(now) for one in self._faults.values())

    def find(self, identifier: str) -> FaultState:
        """Return the fault of that id, and what it has done. Raises NotFound."""
        with self._lock:
            return self._known(identifier).state(self._clock.now())

    def remove(self, identifier: str) -> None:
        """Remove the fault of that id. Raises NotFound."""
        with self._lock:
            self._known(identifier)
            del self._faults[identifier]
            self._arm()

    def clear(self) -> int:
        """Remove all faults; return how many there were."""
        with self._lock:
            gone = len(self._faults)
            self._faults.clear()
            self.has_active = False
            return gone

    def end(self) -> None:
        """Let go of the calls that are held back; the epoch is over."""
        with self._lock:
            self._is_over = True

    def unless_over(self, dispatch: Callable[[], object]) -> None:
        """Do something that the end of the epoch waits for, and that is not done after it."""
        with self._lock:
            if not self._is_over:
                dispatch()

    @property
    def over(self) -> bool:
        """Whether nobody is to be held back any more: the epoch is over, or the server ends."""
        return self._is_over or self._config.closing.is_set()

    def _known(self, identifier: str) -> _Armed:
        found = self._faults.get(identifier)
        if found is None:
            allowed = f"one of {len(self._faults):,} faults" if self._faults else "none, as yet"
            raise NotFound("fault", seen=quoted(identifier), allowed=allowed)
        return found

    def _arm(self) -> None:
        self.has_active = any(not one.spent() for one in self._faults.values())

    def select(self, epoch: "Epoch", request: Request) -> "Fault | None":
        """Return the fault that hits this call; the one that the call itself asks for before all.

        Raises:
            UsageError: what the call asks for is not allowed.
        """
        if request.prefer:
            from crmcom_kit.mock_server.faults.presets import preferred

            return preferred(request.prefer)
        from crmcom_kit.mock_server.faults.matching import RequestView

        call = RequestView(epoch, request)
        with self._lock:
            present = tuple(self._faults.values())
        # Without the lock: to look at a call takes the store's.
        concerned = [one for one in present if call.is_hit_by(one.fault)]
        if not concerned:
            return None
        with self._lock:
            return self._struck(concerned)

    def _struck(self, concerned: Iterable[_Armed]) -> "Fault | None":
        now = self._clock.now()
        found: Fault | None = None
        for one in concerned:
            if one.is_over(now) or self._faults.get(one.fault.id) is not one:
                continue
            if one.counts() and found is None:
                found = one.hit()
                if one.spent():
                    self._arm()
        return found
