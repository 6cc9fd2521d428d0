"""An injected failure: the requests that it hits, when, and with which effect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

#: Effects of which a fault has one at most: those that replace the API's response, and those that
#: damage it.
INSTEAD = ("status", "error", "respond", "drop")
DAMAGES = ("cut", "malformed")


class FixedResponse(NamedTuple):
    """A response that replaces the API's response to every request."""

    status: int
    content_type: str | None  # that of the dialect by default
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One injected failure; ``validation.fault_of`` makes it from a ``FaultSpec``."""

    id: str = ""
    name: str  # shown in the journal
    operations: tuple[str, ...] = ()  # the methods that it hits; any by default
    record: str | None = None  # number or id of the webhook request that they name
    nth: tuple[int, ...] = ()  # positions among the matching requests, from 1; any by default
    after: int = 0  # the matching requests that pass first
    times: int | None = None  # the maximum number of hits; None for any number
    lifetime: float | None = None  # seconds of the world's clock
    after_commit: bool  # True: a request that it hits is carried out first
    effect: Mapping[str, Any]  # as in the specification
    fixed: FixedResponse | None = None  # of the effect ``respond``

    @property
    def replaces_response(self) -> bool:
        """True if the caller does not get the API's response."""
        return not self.effect.keys().isdisjoint(INSTEAD)

    def without_body(self) -> "Fault":
        """Return a copy without the fixed response, which may be long."""
        return self if self.fixed is None else replace(self, fixed=None)

    def as_json(self) -> dict[str, Any]:
        """Return its id and its specification."""
        match: dict[str, Any] = {
            "operation": list(self.operations),
            "record": self.record,
            "nth": list(self.nth),
            "after": self.after,
        }
        members = {
            "id": self.id,
            "name": self.name,
            "match": {name: value for name, value in match.items() if value},
            "effect": dict(self.effect),
            "when": "after_commit" if self.after_commit else "before_commit",
            "times": self.times,
            "lifetime": self.lifetime,
        }
        return {name: value for name, value in members.items() if value is not None}
