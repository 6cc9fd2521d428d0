"""What a fault is: whom it hits, and what happens then.

``faults_reading`` makes one of a specification, and ``as_json`` a specification of one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log
from random import Random
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from crmcom_kit.redaction import MASK, is_secret

if TYPE_CHECKING:
    from crmcom_kit.mock_server.protocol.request import Request
    from crmcom_kit.mock_server.protocol.response import Response
    from crmcom_kit.mock_server.world.epoch import Epoch

#: The longest delay, in milliseconds; a longer one that is drawn is shortened to it.
MAX_DELAY = 300_000.0

When = Literal["before_commit", "after_commit"]


@dataclass(frozen=True, slots=True)
class Delay:
    """How long an answer is held back, in milliseconds of the world's clock."""

    type: Literal["fixed", "uniform", "lognormal"]
    first: float  # milliseconds, lower or median
    second: float = 0.0  # upper or sigma

    def drawn(self, random: Random) -> "Delay":
        """Return the fixed delay of one call."""
        if self.type == "fixed":
            return self
        if self.type == "uniform":
            found = random.uniform(self.first, self.second)
        else:
            found = random.lognormvariate(log(self.first), self.second)
        return Delay("fixed", round(min(found, MAX_DELAY), 3))

    def as_json(self) -> dict[str, Any]:
        """Return it as a specification has it."""
        names = DELAYS[self.type]
        return {"type": self.type, **dict(zip(names, (self.first, self.second), strict=False))}


#: The numbers that each kind of delay has, in the order of ``Delay``.
DELAYS: dict[str, tuple[str, ...]] = {
    "fixed": ("milliseconds",),
    "uniform": ("lower", "upper"),
    "lognormal": ("median", "sigma"),
}


class Cut(NamedTuple):
    """How much of a body is sent: so many bytes, or a share of it; some of it, and never all."""

    bytes: int | None = None
    share: float | None = None

    def kept(self, length: int) -> int:
        """Return how many bytes of a body of ``length`` are sent."""
        wanted = self.bytes if self.bytes is not None else int(length * (self.share or 0.0))
        return min(max(1, wanted), max(0, length - 1))

    def as_json(self) -> dict[str, Any]:
        """Return it as a specification has it."""
        return {"share": self.share} if self.bytes is None else {"bytes": self.bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What happens to a call that is hit."""

    delay: Delay | None = None
    status: int | None = None
    retry_after: int | None = None  # seconds
    error: str | None = None  # a kind of vendor error
    drop: bool = False
    cut: Cut | None = None
    malformed: bool = False
    expire_token: bool = False
    delete_record: bool = False

    @property
    def instead(self) -> bool:
        """Whether the caller gets something that is no answer of the API to this call."""
        return self.drop or self.status is not None or self.error is not None

    @property
    def summary(self) -> str:
        """Say in a few words what happens."""
        parts = {
            "delay": self.delay is not None,
            f"status {self.status}": self.status is not None,
            f"error {self.error}": self.error is not None,
            "drop": self.drop,
            "cut": self.cut is not None,
            "malformed": self.malformed,
            "expire token": self.expire_token,
            "delete record": self.delete_record,
        }
        return ", ".join(part for part, there in parts.items() if there)

    def as_json(self) -> dict[str, Any]:
        """Return it as a specification has it."""
        found: dict[str, Any] = {
            "delay": self.delay and self.delay.as_json(),
            "status": self.status,
            "retryAfter": self.retry_after,
            "error": self.error,
            "drop": self.drop or None,
            "cut": self.cut and self.cut.as_json(),
            "malformed": self.malformed or None,
            "expireToken": self.expire_token or None,
            "deleteRecord": self.delete_record or None,
        }
        return {name: value for name, value in found.items() if value is not None}


class Condition(NamedTuple):
    """What the value of one parameter must be."""

    kind: Literal["equals", "contains", "oneOf", "absent"]
    wanted: tuple[str, ...] = ()

    def holds(self, value: str | None) -> bool:
        """Whether a value fits; None where the call has no such parameter."""
        if self.kind == "absent" or value is None:
            return self.kind == "absent" and value is None
        if self.kind == "contains":
            return self.wanted[0] in value
        return value in self.wanted

    def as_json(self, *, secret: bool) -> dict[str, Any]:
        """Return it as a specification has it; without its texts, where these are secret."""
        if self.kind == "absent":
            return {"absent": True}
        texts = [MASK if secret else text for text in self.wanted]
        return {self.kind: texts if self.kind == "oneOf" else texts[0]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which calls a fault is for."""

    operations: tuple[str, ...] = ()  # none: every one
    identifier: tuple[str, str] | None = None  # id or number, and which
    parameters: Mapping[str, Condition] | None = None
    nth: tuple[int, ...] = ()  # of the matching calls, counted from 1
    after: int = 0  # of the matching calls, how many are spared first

    def as_json(self) -> dict[str, Any]:
        """Return it as a specification has it, with secrets masked."""
        found: dict[str, Any] = {}
        if self.operations:
            found["operation"] = list(self.operations)
        if self.identifier:
            found["identifier"] = dict([self.identifier])
        if self.parameters:
            found["parameters"] = {
                name: condition.as_json(secret=is_secret(name))
                for name, condition in self.parameters.items()
            }
        if self.nth:
            found["nth"] = list(self.nth)
        if self.after:
            found["after"] = self.after
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong on purpose."""

    id: str
    name: str
    match: Match
    effect: Effect
    when: When = "before_commit"
    times: int | None = None  # how many calls it hits; None for any number
    probability: float = 1.0  # that it hits a call that it is for
    ttl_millis: int | None = None  # of the world's clock, from when it was added

    def applied(
        self,
        epoch: "Epoch",
        request: "Request",
        respond: "Callable[[Epoch, Request], Response]",
    ) -> "Response":
        """Return what the caller gets, ``answer_to`` being what gives the API's own answer."""
        from crmcom_kit.mock_server.api.fault_effects import applied  # which needs this module

        return applied(self, epoch, request, respond)

    def named(self, identifier: str) -> "Fault":
        """Return it with that id."""
        return replace(self, id=identifier)

    def drawn(self, random: Random) -> "Fault":
        """Return it as it is for one call: with the delay that this call has."""
        delay = self.effect.delay
        if delay is None or delay.type == "fixed":
            return self
        return replace(self, effect=replace(self.effect, delay=delay.drawn(random)))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON: its id, and what a specification of it has."""
        found: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "match": self.match.as_json(),
            "effect": self.effect.as_json(),
            "when": self.when,
            "times": self.times,
            "probability": self.probability,
            "ttlMillis": self.ttl_millis,
        }
        return {name: value for name, value in found.items() if value is not None}
