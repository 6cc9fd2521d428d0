"""What no open dial explains: suspicions, and what an exchange tells besides.

A suspicion is an ordered list of hypotheses: each names a statement and a confirmation. The first
hypothesis that is confirmed is the violation. If none is, somebody else was at work.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from crmcom_kit.contract_tests.belief.belief import Belief, Record
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.oracle.findings import Violation, blamed

#: The symptom of a webhook request that is not shown or listed any more.
MISSING = "missing"
#: The symptom of one that was not there before.
NEW = "new"


class Asker(Protocol):
    """Sends what a confirmation asks for."""

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        ...

    def ask(self, call: Call) -> tuple[Exchange, "Sequence[Suspicion]"]:
        """Send a request as it stands; return the exchange and what it makes suspect."""
        ...

    def call(self, method: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the run's token; what it makes suspect is not followed up."""
        ...

    def keep(self, found: "Sequence[Suspicion]", /) -> None:
        """Have settled later what was seen on the way, and is another matter."""
        ...

    def spare(self, state: str, /) -> "Sequence[Record]":
        """Return webhook requests in a state that may be changed, and were not sent again yet."""
        ...

    def alike(self, exchange: Exchange, /) -> "Sequence[Record]":
        """Return the webhook requests that the template of a request may be about."""
        ...

    def repeat(self, exchange: Exchange, *, idle: bool = False) -> "Sequence[Suspicion] | None":
        """Draw the template of a request again, for another record, and look at its effect.

        With ``idle`` only the looks are taken, without the request between them. Returns what is
        suspect then; None if there is no other record for it.
        """
        ...


class Confirmation(ABC):
    """What settles a hypothesis: data that says what to ask, and how to conclude."""

    __slots__ = ()

    @abstractmethod
    def settle(self, suspicion: "Suspicion", statement: str, asker: Asker, /) -> bool:
        """Send what is needed, and return whether the statement is broken."""

    def cause(self, suspicion: "Suspicion") -> Exchange:
        """Return the exchange that breaks the statement, if it is broken."""
        return suspicion.exchange


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One explanation of what was seen."""

    statement: str
    confirmation: Confirmation


@dataclass(slots=True)
class Suspicion:
    """Something that was seen and that a right server does not show."""

    exchange: Exchange
    expected: str
    seen: str
    hypotheses: tuple[Hypothesis, ...]
    record: str | None = None  # id of the webhook request that it is about
    before: tuple[Exchange, ...] = ()  # earlier exchanges that it rests on
    #: What became of the webhook request: a member's dotted name, or ``MISSING``.
    symptom: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """What it has in common with others of its cause: statement and method."""
        return self.blamed(self.hypotheses[0])

    def blamed(self, hypothesis: Hypothesis) -> tuple[str, str]:
        """Return the statement that is broken if a hypothesis is true, and by which method."""
        cause = hypothesis.confirmation.cause(self)
        return hypothesis.statement, blamed(hypothesis.statement, cause.call.method)

    def violation(self, hypothesis: Hypothesis) -> Violation:
        """Return the violation that it is if a hypothesis is true."""
        statement, method = self.blamed(hypothesis)
        exchanges = (*self.before, self.exchange)
        return Violation(statement, exchanges, self.expected, self.seen, self.record, method)


class Held(NamedTuple):
    """A statement that an exchange has kept."""

    statement: str


class Flaw(NamedTuple):
    """What a response alone shows to be wrong: it needs no confirmation."""

    statement: str
    expected: str
    seen: str
    record: str | None = None  # id of the webhook request that it is about

    def suspicion(self, exchange: Exchange) -> Suspicion:
        """Return what it makes suspect of the exchange that shows it."""
        hypothesis = Hypothesis(self.statement, Evident())
        return Suspicion(exchange, self.expected, self.seen, (hypothesis,), self.record)


#: What a check finds in an exchange: a statement that was kept, or what is wrong or suspect.
Finding = Held | Flaw | Suspicion


def held(*statements: str) -> Iterator[Held]:
    """Yield the findings that say that statements were kept."""
    return map(Held, statements)


def finding(statement: str, *, holds: bool, expected: str, seen: str) -> Held | Flaw:
    """Return that a statement was kept, or the flaw that breaks it."""
    return Held(statement) if holds else Flaw(statement, expected, seen)


@dataclass(frozen=True, slots=True)
class Evident(Confirmation):
    """The response alone shows it."""

    def settle(self, _suspicion: Suspicion, _statement: str, _asker: Asker, /) -> bool:
        """Return True: there is nothing to ask."""
        return True
