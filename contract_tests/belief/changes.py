"""What a run has changed on a server, and what others may have changed."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import takewhile

from crmcom_kit.contract_tests.client.exchanges import Exchange


@dataclass(slots=True)
class Change:
    """A request of resend or delete, and the webhook requests that it may be about."""

    exchange: Exchange
    method: str
    is_served: bool
    record_ids: frozenset[str]


@dataclass(slots=True)
class Changes:
    """The changes of one run or recording."""

    sent: list[Change] = field(default_factory=list)  # served or refused, in their order
    has_resent: bool = False  # whether a resend was seen to become SUCCESSFUL
    #: How many resends of REJECTED webhook requests there were, by the form of the identifier and
    #: whether they were served.
    resends: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def since(self, exchange: Exchange) -> list[Change]:
        """Return the changes after an exchange, the latest first."""
        return [
            *takewhile(lambda change: change.exchange.number > exchange.number, reversed(self.sent))
        ]

    def last_served(self) -> Change | None:
        """Return the last change that was served, or None."""
        return next((change for change in reversed(self.sent) if change.is_served), None)


@dataclass(slots=True)
class ChangesByOthers:
    """What somebody else, or the server itself, seems to have done."""

    sightings: dict[str, str] = field(default_factory=dict)  # by id of the webhook request
    #: The symptoms (``Suspicion.symptom``) that were seen while the run did nothing.
    symptoms: set[str] = field(default_factory=set)

    def add(self, others: "ChangesByOthers") -> None:
        """Add what was seen in another run."""
        self.sightings |= others.sightings
        self.symptoms |= others.symptoms

    @property
    def min_sightings(self) -> int:
        """How often in a row a fault must be seen before the server is accused."""
        return 3 if self.sightings else 2
