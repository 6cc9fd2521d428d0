"""An injected failure: a normalized specification, as ``schemas.json`` describes it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from math import log
from random import Random
from typing import Any

from crmcom_kit.redaction import MASK, is_secret

#: The longest delay, in milliseconds, as in ``schemas.json``; a longer one that is drawn is cut.
MAX_DELAY = 300_000.0

Spec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One injected failure.

    ``validation.fault_of`` makes it: in ``spec`` every short form is written out, and the members
    name, match, effect, when and probability are always there.
    """

    id: str
    spec: Spec

    @property
    def name(self) -> str:
        """What the journal calls it."""
        return str(self.spec["name"])

    @property
    def match(self) -> Spec:
        """Which requests it matches."""
        return self.spec["match"]  # type: ignore[no-any-return]

    @property
    def effect(self) -> Spec:
        """What happens to a request that it hits."""
        return self.spec["effect"]  # type: ignore[no-any-return]

    @property
    def after_commit(self) -> bool:
        """Whether it applies to a request that was carried out."""
        return bool(self.spec["when"] == "after_commit")

    @property
    def instead(self) -> bool:
        """Whether the caller gets something else than the API's response to this request."""
        return not self.effect.keys().isdisjoint(("drop", "status", "error"))

    def drawn(self, random: Random) -> "Fault":
        """Return it for one request: with the delay drawn for it."""
        match self.effect.get("delay"):
            case {"type": "uniform", "lower": lower, "upper": upper}:
                found = random.uniform(lower, upper)
            case {"type": "lognormal", "median": median, "sigma": sigma}:
                found = random.lognormvariate(log(median), sigma)
            case _:
                return self
        fixed = {"type": "fixed", "milliseconds": round(min(found, MAX_DELAY), 3)}
        return replace(self, spec={**self.spec, "effect": {**self.effect, "delay": fixed}})

    def as_json(self) -> dict[str, Any]:
        """Return its id and its specification, with secrets redacted."""
        found = deepcopy({"id": self.id, **self.spec})
        for name, condition in found["match"].get("parameters", {}).items():
            for kind in condition if is_secret(name) else ():
                if kind == "oneOf":
                    condition[kind] = [MASK] * len(condition[kind])
                elif kind != "absent":
                    condition[kind] = MASK
        return found
