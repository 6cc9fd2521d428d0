"""Judge the client of recorded traffic: which of its requests the documents refuse.

Each request is read by itself, and against what came before: a token that was refused, a webhook
request that was last seen SUCCESSFUL, a change whose response was lost.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import Named
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange
from crmcom_kit.contract_tests.deviations import ExpectedRefusal
from crmcom_kit.contract_tests.findings import shape_of, shortened
from crmcom_kit.contract_tests.options import CHANGES
from crmcom_kit.contract_tests.oracle.client_mistakes import Kind, Remark, remarks
from crmcom_kit.contract_tests.oracle.expectations import Must, expectation
from crmcom_kit.contract_tests.oracle.sense import (
    IDENTIFIER,
    Sense,
    body_members,
    identifying_values,
    query_pairs,
    read,
)
from crmcom_kit.contract_tests.recorded.reading import Recorded
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.reasons import reason

#: So many kinds of mistakes, and of notes, are told apart; others count as the last one.
MAX_KINDS = 100
#: So much is known at once of each: lost changes, tokens, requests that were refused.
_MAX_KEPT, _MAX_SUCCESSFUL = 1_000, 50_000


@dataclass(slots=True)
class ClientFinding:
    """What is wrong with some requests, which differ in values alone."""

    remark: Remark  # of the first one
    exchange: Exchange  # the first one, perhaps without a response
    method: str  # or a path that no method has
    times: int = 0


@dataclass(frozen=True, slots=True)
class ClientResults:
    """What is said of the client of a recording."""

    requests: int = 0  # that were judged
    mistakes: tuple[ClientFinding, ...] = ()
    notes: tuple[ClientFinding, ...] = ()
    expected: int = 0  # requests with a mistake that was expected
    stale: tuple[str, ...] = ()  # expected refusals that match no mistake, a sentence each


class _Lost(NamedTuple):
    """A change whose response was lost."""

    method: str
    names: frozenset[str]  # ids and numbers of the webhook request


class Client:
    """Judges the requests of a recording, one after the other."""

    def __init__(
        self, belief: Belief, expected: Sequence[ExpectedRefusal] = (), only: str = "*"
    ) -> None:
        """Know nothing of the client.

        Args:
            belief: what the oracle knows of the server before each request.
            expected: requests whose refusal is expected.
            only: a glob of statement ids.
        """
        self._belief, self._expected, self._only = belief, expected, only
        self._matched: set[int] = set()
        self._requests = self._expected_ones = 0
        self._found: dict[tuple[str, ...], ClientFinding] = {}
        self._lost: deque[_Lost] = deque(maxlen=_MAX_KEPT)
        #: Ids and numbers that a list of SUCCESSFUL ones showed, perhaps without their state.
        self._successful: set[str] = set()
        ends_by_release = not belief.release.at_least("R12.0.0")  # from then on it is open
        self._tokens = _RefusedTokens(ends_by_release=ends_by_release)

    def read(self, recorded: Recorded, *, alone: bool, is_unsure: bool) -> None:
        """Judge a request, before the oracle observes its exchange.

        Args:
            recorded: the request and its response, if there is one.
            alone: whether its place in the order is not known.
            is_unsure: whether its token may stand for several ones.
        """
        if recorded.is_of_kit:
            return
        self._requests += 1
        exchange = recorded.exchange
        sense = read(exchange.call, self._belief.release)
        found = [*self._of_request(recorded, sense, alone=alone)]
        is_wrong = any(each.kind is not Kind.NOTE for each in found)
        if is_wrong and self._is_expected(recorded, sense):
            self._expected_ones += 1
        else:
            for remark in found:
                self._keep(remark, exchange, sense)
            if not is_unsure and not alone and "token" in sense.given:
                self._tokens.see(recorded, sense, is_wrong=is_wrong)
        if sense.name in CHANGES and recorded.is_lost:
            self._lost.append(_Lost(sense.name, self._names(sense)))
        elif not recorded.missing:
            self._see(exchange, sense)

    def _of_request(self, recorded: Recorded, sense: Sense, *, alone: bool) -> Iterator[Remark]:
        """Yield what is wrong with a request, by itself and after those before."""
        exchange = recorded.exchange
        for remark in remarks(exchange.call, self._belief):
            is_removed = sense.name in LOGINS and exchange.ok  # a password, from the recording
            if is_removed and remark.statement == "parameters.mandatory":
                continue
            if alone and remark.statement == "token_release.ends_token":
                continue
            yield remark
        if sense.name in CHANGES and self._is_again(sense):
            yield self._twice(sense)
        elif sense.name == "resend" and not alone and self._is_successful(exchange, sense):
            seen = "one that was last seen SUCCESSFUL"
            why = reason("resend.only_rejected", seen=seen)
            yield Remark("resend.only_rejected", str(why))

    def _is_successful(self, exchange: Exchange, sense: Sense) -> bool:
        """Whether a webhook request that is to be sent again was last seen SUCCESSFUL."""
        expected = expectation(exchange.call, self._belief)
        if expected.must is Must.REFUSE and expected.statement == "resend.only_rejected":
            return True
        is_known = expected.record is not None and self._belief.known[expected.record].state
        return not is_known and not self._successful.isdisjoint(self._names(sense))

    # What was lost, and may have been done.

    def _names(self, sense: Sense) -> frozenset[str]:
        """Return id and number of the webhook request that a request names, as far as known."""
        names = identifying_values([sense.given.get(IDENTIFIER)])
        found = (
            self._belief.named(Named(each, name)) for name in names for each in ("id", "number")
        )
        return names | {text for known in found if known for text in (known.id, known.number)}

    def _is_again(self, sense: Sense) -> bool:
        """Whether the response to the same change was lost, and nobody has looked since."""
        names = self._names(sense) if self._lost else frozenset()
        return any(
            lost.method == sense.name and not lost.names.isdisjoint(names) for lost in self._lost
        )

    def _twice(self, sense: Sense) -> Remark:
        given = {name: sense.given.get(name) for name in ("token", IDENTIFIER)}
        why = (
            f"{sense.name} is sent again after its response was lost: both may have been done. "
            "Look first what became of the webhook request"
        )
        statement = "resend.sends_again" if sense.name == "resend" else "delete.single_result"
        show = methods(self._belief.release)["show"]
        return Remark(statement, why, build(show, given), Kind.TWICE)

    def _see(self, exchange: Exchange, sense: Sense) -> None:
        """Take note of the webhook requests that a response tells of: what was lost is known."""
        is_of_state = sense.is_clear and sense.filters.get("life_cycle_state") == "SUCCESSFUL"
        if not (self._lost or self._successful or is_of_state):
            return
        shown = [record.get(name) for record in exchange.records for name in ("id", "number")]
        names = {each for each in shown if isinstance(each, str)}
        names |= self._names(sense) if sense.name in ("show", *CHANGES) else set()
        if len(self._successful) > _MAX_SUCCESSFUL:
            self._successful.clear()
        (self._successful.update if is_of_state else self._successful.difference_update)(names)
        kept = [lost for lost in self._lost if lost.names.isdisjoint(names)]
        self._lost = deque(kept, maxlen=_MAX_KEPT)

    # What is told.

    def _is_expected(self, recorded: Recorded, sense: Sense) -> bool:
        """Whether a request is one whose refusal is expected."""
        call, name = recorded.exchange.call, _method(recorded.exchange, sense)
        given = {**dict(query_pairs(call.query)), **(body_members(call.body) or {})}
        matched = {at for at, each in enumerate(self._expected) if each.matches(name, given)}
        self._matched |= matched
        return recorded.expected_refusal or bool(matched)

    def _keep(self, remark: Remark, exchange: Exchange, sense: Sense, times: int = 1) -> None:
        if not fnmatchcase(remark.statement, self._only):
            return
        method, is_note = _method(exchange, sense), remark.kind is Kind.NOTE
        key: tuple[str, ...] = (str(remark.kind), remark.statement, method, shape_of(remark.why))
        alike = [each for each in self._found if (each[0] == Kind.NOTE) is is_note]
        if key not in self._found and len(alike) >= MAX_KINDS:
            key = alike[-1]
        self._found.setdefault(key, ClientFinding(remark, exchange, method)).times += times

    def results(self) -> ClientResults:
        """Return what was found."""
        for finding in self._tokens.used_again():
            sense = read(finding.exchange.call, self._belief.release)
            self._keep(finding.remark, finding.exchange, sense, finding.times)
        found = self._found.values()
        stale = [each for at, each in enumerate(self._expected) if at not in self._matched]
        return ClientResults(
            requests=self._requests,
            mistakes=tuple(each for each in found if each.remark.kind is not Kind.NOTE),
            notes=tuple(each for each in found if each.remark.kind is Kind.NOTE),
            expected=self._expected_ones,
            stale=tuple(map(str, stale)) if self._only == "*" else (),
        )


def _method(exchange: Exchange, sense: Sense) -> str:
    """Return the method of a request, or its path if no method has that."""
    return sense.name or shortened(exchange.call.path.strip("/"), 80)


_USED_AGAIN = {
    "token.expiry": "the token is used again after it was refused",
    "token_release.ends_token": "the token is used again after it was released",
}


class _RefusedTokens:
    """Knows which tokens the server refuses or has released, and who uses them again after that.

    A refusal is the token's if it says so, or if the same request was served with it before, and
    is served with another one after. A token that is served later was not refused for itself.
    """

    def __init__(self, *, ends_by_release: bool) -> None:
        self._ends_by_release = ends_by_release
        self._ended: dict[
            str, tuple[str, float]
        ] = {}  # token -> by which statement, and since when
        self._again: dict[str, ClientFinding] = {}
        self._served: dict[str, set[str]] = {}  # request -> tokens
        self._refused: dict[str, set[str]] = {}

    def see(self, recorded: Recorded, sense: Sense, *, is_wrong: bool) -> None:
        """Take note of a request with a token."""
        token, exchange = sense.token, recorded.exchange
        if not isinstance(token, str):
            return
        statement, end = self._ended.get(token, ("", math.inf))
        if recorded.start >= end and not is_wrong:
            remark = Remark(statement, f"{_USED_AGAIN[statement]}; log in")
            finding = ClientFinding(remark, exchange, _method(exchange, sense))
            self._again.setdefault(token, finding).times += 1
        given = sorted((name, repr(each)) for name, each in sense.given.items() if name != "token")
        request = f"{sense.name} {given}"
        if exchange.ok and sense.name == "token_release" and self._ends_by_release:
            self._ended[token] = "token_release.ends_token", recorded.end
        elif exchange.ok:
            self._serve(token, request, recorded.end)
        elif not (is_wrong or recorded.missing) and exchange.status < 500:
            if token in self._served.get(request, ()):
                self._refused.setdefault(request, set()).add(token)
            if _is_about_token(exchange):
                self._ended.setdefault(token, ("token.expiry", recorded.end))
        for kept in (self._ended, self._served, self._refused):
            if len(kept) > _MAX_KEPT:
                kept.clear()

    def _serve(self, token: str, request: str, end: float) -> None:
        """Take note of a request that was served."""
        self._ended.pop(token, None)
        self._again.pop(token, None)
        for other in self._refused.pop(request, set()) - {token}:
            self._ended.setdefault(other, ("token.expiry", end))
        self._served.setdefault(request, set()).add(token)

    def used_again(self) -> Iterator[ClientFinding]:
        """Yield the first use of each token after its refusal."""
        yield from self._again.values()


def _is_about_token(exchange: Exchange) -> bool:
    """Whether a refusal says that it is for the token."""
    status = exchange.envelope.get("status")
    texts = status.values() if isinstance(status, dict) else ()
    return any("token" in text.lower() for text in texts if isinstance(text, str))
