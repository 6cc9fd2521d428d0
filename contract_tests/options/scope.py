"""The scope of a run: which webhook requests it may change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything, or the webhook requests that fit both other members; by default none."""

    definition: str | None = None  # the name of their webhook definition
    numbers: frozenset[str] = frozenset()
    everything: bool = False

    def __contains__(self, record: Mapping[str, Any]) -> bool:
        """Return whether a webhook request is in scope."""
        if self.everything or self == NOTHING:
            return self.everything
        definition, number = record.get("webhook_definition"), record.get("number")
        name = definition.get("name") if isinstance(definition, Mapping) else None
        return self.definition in (None, name) and (
            not self.numbers or (isinstance(number, str) and number in self.numbers)
        )


NOTHING = Scope()
#: Every webhook request: the scope on a crmcom-kit mock.
EVERYTHING = Scope(everything=True)
