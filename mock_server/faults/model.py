"""The model of a fault: which requests it matches, and what happens to those that it hits.

``validation.fault_of`` makes one of a specification, and ``as_json`` a specification of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log
from random import Random
from typing import Any, Literal, NamedTuple

from crmcom_kit.redaction import MASK, is_secret

#: The longest delay, in milliseconds, as in ``schemas.json``; a longer one that is drawn is cut.
MAX_DELAY = 300_000.0

When = Literal["before_commit", "after_commit"]


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a response is held back, in milliseconds of the world's clock."""

    type: Literal["fixed", "uniform", "lognormal"]
    first: float  # milliseconds, lower or median
    second: float = 0.0  # upper or sigma

    def drawn(self, random: Random) -> "Delay":
        """Return the fixed delay of one request."""
        if self.type == "fixed":
            return self
        if self.type == "uniform":
            found = random.uniform(self.first, self.second)
        else:
            found = random.lognormvariate(log(self.first), self.second)
        return Delay("fixed", round(min(found, MAX_DELAY), 3))

    def as_json(self) -> dict[str, Any]:
        """Return it as in a specification."""
        names = DELAYS[self.type]
        return {"type": self.type, **dict(zip(names, (self.first, self.second), strict=False))}


#: The numbers that each kind of delay has, in the order of ``Delay``.
DELAYS: dict[str, tuple[str, ...]] = {
    "fixed": ("milliseconds",),
    "uniform": ("lower", "upper"),
    "lognormal": ("median", "sigma"),
}


class Cut(NamedTuple):
    """How much of a body is sent, in bytes or as a share: at least one byte, and never all."""

    bytes: int | None = None
    share: float | None = None

    def kept(self, length: int) -> int:
        """Return how many bytes of a body of ``length`` are sent."""
        wanted = self.bytes if self.bytes is not None else int(length * (self.share or 0.0))
        return min(max(1, wanted), max(0, length - 1))

    def as_json(self) -> dict[str, Any]:
        """Return it as in a specification."""
        return {"share": self.share} if self.bytes is None else {"bytes": self.bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What happens to a request that is hit."""

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
        """Whether the caller gets something else than the API's response to this request."""
        return self.drop or self.status is not None or self.error is not None

    @property
    def summary(self) -> str:
        """A few words about what happens."""
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
        """Return it as in a specification."""
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
        """Whether a value fits; None means that the request has no such parameter."""
        if self.kind == "absent" or value is None:
            return self.kind == "absent" and value is None
        if self.kind == "contains":
            return self.wanted[0] in value
        return value in self.wanted

    def as_json(self, *, secret: bool) -> dict[str, Any]:
        """Return it as in a specification; the texts are redacted if secret."""
        if self.kind == "absent":
            return {"absent": True}
        texts = [MASK if secret else text for text in self.wanted]
        return {self.kind: texts if self.kind == "oneOf" else texts[0]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests a fault matches."""

    operations: tuple[str, ...] = ()  # none: every one
    identifier: tuple[str, str] | None = None  # id or number, and which
    parameters: Mapping[str, Condition] | None = None
    nth: tuple[int, ...] = ()  # of the matching requests, counted from 1
    after: int = 0  # how many matching requests pass first

    def as_json(self) -> dict[str, Any]:
        """Return it as in a specification, with secrets redacted."""
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
    """One injected failure."""

    id: str
    name: str
    match: Match
    effect: Effect
    when: When = "before_commit"
    times: int | None = None  # how many requests it hits; None for any number
    probability: float = 1.0  # of hitting a request that it matches
    ttl_millis: int | None = None  # of the world's clock, from when it was added

    def named(self, identifier: str) -> "Fault":
        """Return it with that id."""
        return replace(self, id=identifier)

    def drawn(self, random: Random) -> "Fault":
        """Return it for one request: with the delay drawn for it."""
        delay = self.effect.delay
        if delay is None or delay.type == "fixed":
            return self
        return replace(self, effect=replace(self.effect, delay=delay.drawn(random)))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON: its id and its specification."""
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
