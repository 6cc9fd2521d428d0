"""What checks find in an exchange: statements that were kept, flaws, and suspicions.

A suspicion is something that no open dial explains. It has hypotheses in order. The first one that
is confirmed makes the violation. If none is confirmed, somebody else was at work.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.oracle.findings import Violation, method_to_blame

#: The symptom of a webhook request that is no longer shown or listed.
MISSING = "missing"
#: The symptom of a webhook request that did not exist before.
NEW = "new"


class Asker(Protocol):
    """Sends the requests of confirmations."""

    @property
    def belief(self) -> Belief:
        """What is known of the target."""

    def ask(self, call: Call) -> tuple[Exchange, "Sequence[Suspicion]"]:
        """Send a request as it is; return the exchange and what it makes suspect."""

    def call(self, method: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the token, queue what it makes suspect, and return the exchange."""

    def queue_suspicions(self, suspicions: "Sequence[Suspicion]", /) -> None:
        """Queue other suspicions that came up on the way."""

    def fresh_records(self, state: str, /) -> "Sequence[Record]":
        """Return webhook requests in a state that may be changed, and were never sent again."""

    def similar_records(self, exchange: Exchange, /) -> "Sequence[Record]":
        """Return the webhook requests that the template of a request can be about."""

    def repeat(self, exchange: Exchange, *, idle: bool = False) -> "Sequence[Suspicion] | None":
        """Draw the template of a request again, for another record, and look at its effect.

        With ``idle`` it only looks, without the request. Returns what is suspect then, or None if
        there is no other record.
        """


@dataclass(frozen=True, slots=True)
class Hypothesis(ABC):
    """One explanation of what was seen; a subclass says what to ask, and how to conclude."""

    statement: str  # that is broken if the hypothesis is true

    @abstractmethod
    def settle(self, suspicion: "Suspicion", asker: Asker, /) -> bool:
        """Send what is needed, and return whether the hypothesis is true."""

    def cause(self, suspicion: "Suspicion") -> Exchange:
        """Return the exchange that breaks the statement, if it is broken."""
        return suspicion.exchange


@dataclass(slots=True)
class Suspicion:
    """Something seen that a right server does not show."""

    exchange: Exchange
    expected: str
    seen: str
    hypotheses: tuple[Hypothesis, ...]
    record_id: str | None = None  # id of the webhook request that it is about
    earlier_exchanges: tuple[Exchange, ...] = ()  # that show it, too
    #: What happened to the webhook request: the dotted name of a changed member, MISSING or NEW.
    symptom: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """Statement and method: suspicions of the same cause share them."""
        return self.statement_and_method(self.hypotheses[0])

    def statement_and_method(self, hypothesis: Hypothesis) -> tuple[str, str]:
        """Return the statement that is broken if a hypothesis is true, and by which method."""
        method = hypothesis.cause(self).call.method
        return hypothesis.statement, method_to_blame(hypothesis.statement, method)

    def violation(self, hypothesis: Hypothesis) -> Violation:
        """Return the violation that follows if a hypothesis is true."""
        statement, method = self.statement_and_method(hypothesis)
        exchanges = (*self.earlier_exchanges, self.exchange)
        return Violation(statement, exchanges, self.expected, self.seen, self.record_id, method)


class Held(NamedTuple):
    """A statement that an exchange keeps."""

    statement: str


class Flaw(NamedTuple):
    """Something wrong that the response alone shows: it needs no confirmation."""

    statement: str
    expected: str
    seen: str
    record_id: str | None = None  # id of the webhook request that it is about

    def suspicion(self, exchange: Exchange) -> Suspicion:
        """Return it as a suspicion of the exchange that shows it."""
        evident = (Evident(self.statement),)
        return Suspicion(exchange, self.expected, self.seen, evident, self.record_id)


#: What a check finds in an exchange.
Finding = Held | Flaw | Suspicion


def held(*statements: str) -> Iterator[Held]:
    """Yield a finding for each statement that was kept."""
    return map(Held, statements)


def finding(statement: str, *, holds: bool, expected: str, seen: str) -> Held | Flaw:
    """Return the finding that a statement was kept, or the flaw that breaks it."""
    return Held(statement) if holds else Flaw(statement, expected, seen)


@dataclass(frozen=True, slots=True)
class Evident(Hypothesis):
    """The response alone shows it."""

    def settle(self, _suspicion: Suspicion, _asker: Asker, /) -> bool:
        """Return True: there is nothing to ask."""
        return True
