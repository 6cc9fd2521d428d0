"""Check the client of recorded traffic: which of its requests the documents refuse.

Each request is checked by itself, and by what came before: a token that was refused, a webhook
request that was last seen SUCCESSFUL or was deleted, a change whose response was lost.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import Identifier
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange
from crmcom_kit.contract_tests.client.wording import shape_of, shortened
from crmcom_kit.contract_tests.options.deviations import ExpectedRefusal
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.oracle.client_mistakes import Remark, RemarkKind, remarks
from crmcom_kit.contract_tests.oracle.parsing import (
    IDENTIFIER,
    Request,
    body_members,
    identifying_values,
    query_pairs,
    read,
    without,
)
from crmcom_kit.contract_tests.recorded.reading import Recorded
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.reasons import reason

#: The maximum number of kinds of mistakes, and of notes; further ones count as the last kind.
MAX_KINDS = 100
#: How many lost changes, and requests with their tokens, are known at once; how many webhook
#: requests.
_MAX_KEPT, _MAX_SEEN = 1_000, 50_000


class _Final(NamedTuple):
    """A state of a webhook request that ends its changes."""

    statement: str  # that refuses a change
    phrase: str  # what the reason calls the webhook request


_FINAL = {
    "SUCCESSFUL": _Final("resend.only_rejected", "one that was last seen SUCCESSFUL"),
    "deleted": _Final("delete.gone", "the webhook request"),
}


@dataclass(slots=True)
class ClientFinding:
    """What is wrong with requests that differ in values alone."""

    remark: Remark  # of the first one
    exchange: Exchange  # the first one, perhaps without a response
    method: str  # or a path that no method has
    times: int = 0


@dataclass(frozen=True, slots=True)
class ClientResults:
    """The results for the client of a recording."""

    requests: int = 0  # that were checked
    mistakes: tuple[ClientFinding, ...] = ()
    notes: tuple[ClientFinding, ...] = ()
    expected: int = 0  # requests with a mistake that was expected
    stale: tuple[str, ...] = ()  # expected refusals that match no mistake, a sentence each


class _Loss(NamedTuple):
    """A change whose response was lost: it may have been made."""

    method: str
    names: frozenset[str]  # ids and numbers of the webhook request


class _Sighting(NamedTuple):
    """The state that a webhook request was last seen in."""

    state: str  # one of ``_FINAL``
    names: frozenset[str]  # id and number, as far as known


class ClientChecker:
    """Checks the requests of a recording, one after the other."""

    def __init__(
        self, belief: Belief, expected_refusals: Sequence[ExpectedRefusal] = (), pattern: str = "*"
    ) -> None:
        """Begin without requests.

        Args:
            belief: what the oracle knows of the server before each request.
            expected_refusals: requests whose refusal is expected.
            pattern: a glob of statement ids.
        """
        self._belief, self._expected_refusals, self._pattern = belief, expected_refusals, pattern
        self._stale = [*expected_refusals]  # those that have matched no mistake
        self._requests = self._expected_count = 0
        self._mistakes: dict[tuple[str, ...], ClientFinding] = {}
        self._notes: dict[tuple[str, ...], ClientFinding] = {}
        self._losses: deque[_Loss] = deque(maxlen=_MAX_KEPT)
        #: Numbers by id and ids by number, as responses show them together. The belief does not
        #: know webhook requests of which only some fields were requested.
        self._aliases: dict[str, str] = {}
        #: Webhook requests that were last seen in one of the ``_FINAL`` states, by each name.
        self._sightings: dict[str, _Sighting] = {}
        # From R12 on the documents leave open whether a release ends a token.
        self._tokens = _RefusedTokens(ends_by_release=not belief.release.at_least("R12.0.0"))

    def check(self, recorded: Recorded, *, is_unordered: bool, is_token_ambiguous: bool) -> None:
        """Check a request, before the oracle observes its exchange.

        Args:
            recorded: the request and its response, if there is one.
            is_unordered: whether its place in the order is not known.
            is_token_ambiguous: whether its token may stand for several ones.
        """
        if recorded.is_of_kit:
            return
        self._requests += 1
        exchange = recorded.exchange
        request = read(exchange.call, self._belief.release)
        all_remarks = [*self._of_request(recorded, request, is_unordered=is_unordered)]
        is_wrong = not all(remark.is_note for remark in all_remarks)
        if is_wrong and self._is_expected(recorded):
            self._expected_count += 1
        else:
            for remark in all_remarks:
                self._keep(remark, exchange)
            if not is_token_ambiguous and not is_unordered and "token" in request.parameters:
                self._tokens.see(recorded, request, is_wrong=is_wrong)
        if request.name in CHANGES and recorded.is_lost:
            self._losses.append(_Loss(request.name, self._names(request)))
        elif not recorded.why_missing:
            self._see(exchange, request, is_unordered=is_unordered)

    def _of_request(
        self, recorded: Recorded, request: Request, *, is_unordered: bool
    ) -> Iterator[Remark]:
        """Yield what is wrong with a request, by itself and after what came before."""
        exchange = recorded.exchange
        exemptions = {"token_release.ends_token"} if is_unordered else set()
        if request.name in LOGINS and exchange.ok:
            exemptions.add("parameters.mandatory")  # the password was removed from the recording
        for remark in remarks(exchange.call, self._belief):
            if remark.statement not in exemptions:
                yield remark
        if request.name in CHANGES and self._is_again(request):
            yield self._twice(request)
        elif request.name in CHANGES and not is_unordered:
            yield from self._of_state(request)

    def _of_state(self, request: Request) -> Iterator[Remark]:
        """Yield what is wrong with a change for the state of its webhook request."""
        identifier = request.parameters.get(IDENTIFIER)
        if isinstance(identifier, Mapping) and len(identifier) > 1:
            return  # nobody knows which one it names
        for state in {sighting.state for sighting in self._seen_by(self._names(request))}:
            final = _FINAL[state]
            if state == "deleted" or request.name == "resend":
                yield Remark(final.statement, str(reason(final.statement, seen=final.phrase)))

    # Changes whose response was lost.

    def _names(self, request: Request) -> frozenset[str]:
        """Return id and number of the webhook request that a request names, as far as known."""
        names = identifying_values([request.parameters.get(IDENTIFIER)])
        identifiers = (Identifier(*pair) for pair in product(("id", "number"), names))
        records = (self._belief.records.named(identifier) for identifier in identifiers)
        texts = (text for record in records if record for text in (record.id, record.number))
        return names.union(texts, (self._aliases[name] for name in names if name in self._aliases))

    def _seen_by(self, names: Iterable[str]) -> list[_Sighting]:
        """Return the webhook requests that were seen with some names."""
        return [self._sightings[name] for name in names if name in self._sightings]

    def _is_again(self, request: Request) -> bool:
        """Return whether the response to the same change was lost, and nobody has looked since."""
        names = self._names(request)
        return any(
            loss.method == request.name and not names.isdisjoint(loss.names)
            for loss in self._losses
        )

    def _twice(self, request: Request) -> Remark:
        parameters = {name: request.parameters.get(name) for name in ("token", IDENTIFIER)}
        why = (
            f"{request.name} is sent again after its response was lost: both may have been done. "
            "Look first what became of the webhook request"
        )
        statement = "resend.sends_again" if request.name == "resend" else "delete.single_result"
        show = methods(self._belief.release)["show"]
        return Remark(statement, why, build(show, parameters), RemarkKind.TWICE)

    def _see(self, exchange: Exchange, request: Request, *, is_unordered: bool) -> None:
        """Record the webhook requests of a response, which shows what a lost change did."""
        is_of_one = request.name in ("show", *CHANGES)
        request_names = self._names(request) if is_of_one else frozenset[str]()
        if self._losses:
            names = request_names.union(*map(_names_of, exchange.records))
            remainder = [loss for loss in self._losses if loss.names.isdisjoint(names)]
            self._losses = deque(remainder, maxlen=_MAX_KEPT)
        state_filter = request.filters.get("life_cycle_state") if request.is_clear else None
        for record in exchange.records:
            names = _names_of(record)
            if len(names) == 2:
                first, second = names
                self._aliases |= {first: second, second: first}
            state = record.get("life_cycle_state", state_filter)
            if is_unordered or request.name == "delete":
                state = "unknown" if is_unordered else "deleted"
            self._keep_state(request_names | names, state)
        for table in (self._aliases, self._sightings):
            while len(table) > 2 * _MAX_SEEN:
                del table[next(iter(table))]

    def _keep_state(self, names: frozenset[str], state: object) -> None:
        """Keep the state of a webhook request; None says only that it exists."""
        sightings = self._seen_by(names)
        if state is None and all(sighting.state != "deleted" for sighting in sightings):
            return
        names = names.union(*(sighting.names for sighting in sightings))
        for name in names:
            self._sightings.pop(name, None)
            if state in _FINAL:
                self._sightings[name] = _Sighting(str(state), names)

    # What is reported.

    def _is_expected(self, recorded: Recorded) -> bool:
        """Return whether a request is one whose refusal is expected."""
        call, name = recorded.exchange.call, _method(recorded.exchange)
        parameters = {**dict(query_pairs(call.query)), **(body_members(call.body) or {})}
        matches = [
            refusal for refusal in self._expected_refusals if refusal.matches(name, parameters)
        ]
        self._stale = [refusal for refusal in self._stale if refusal not in matches]
        return recorded.expected_refusal or bool(matches)

    def _keep(self, remark: Remark, exchange: Exchange, times: int = 1) -> None:
        """Count a remark with those that differ in values alone."""
        if not fnmatchcase(remark.statement, self._pattern):
            return
        findings = self._notes if remark.is_note else self._mistakes
        method = _method(exchange)
        key: tuple[str, ...] = (remark.kind, remark.statement, method, shape_of(remark.why))
        if key not in findings and len(findings) >= MAX_KINDS:
            key = next(reversed(findings))
        findings.setdefault(key, ClientFinding(remark, exchange, method)).times += times

    def results(self) -> ClientResults:
        """Return what was found."""
        for finding in self._tokens.reuses.values():
            self._keep(finding.remark, finding.exchange, finding.times)
        return ClientResults(
            requests=self._requests,
            mistakes=tuple(self._mistakes.values()),
            notes=tuple(self._notes.values()),
            expected=self._expected_count,
            stale=tuple(map(str, self._stale)) if self._pattern == "*" else (),
        )


def _names_of(record: Mapping[str, Any]) -> frozenset[str]:
    """Return id and number of a webhook request that a response shows."""
    texts = (record.get(name) for name in ("id", "number"))
    return frozenset(text for text in texts if isinstance(text, str))


def _method(exchange: Exchange) -> str:
    """Return the method of a request, or its path if it has no method."""
    return exchange.call.method or shortened(exchange.call.path.strip("/"), 80)


_USED_AGAIN = {
    "token.expiry": "the token is used again after it was refused",
    "token_release.ends_token": "the token is used again after it was released",
}


class _End(NamedTuple):
    """The end of a token."""

    statement: str  # that refuses its use after the end
    moment: float  # seconds since 1970


class _RefusedTokens:
    """Knows which tokens were refused or released, and which requests use them after that.

    A refusal is for the token if it says so, or if the same request was served with this token
    before and is served with another one after. A token that is served later has not ended.
    """

    def __init__(self, *, ends_by_release: bool) -> None:
        self._ends_by_release = ends_by_release
        self._ends: dict[str, _End] = {}  # by token
        self.reuses: dict[str, ClientFinding] = {}  # the first use of each after that
        self._served_tokens: dict[str, set[str]] = {}  # request -> tokens
        self._refused_tokens: dict[str, set[str]] = {}

    def see(self, recorded: Recorded, request: Request, *, is_wrong: bool) -> None:
        """Record a request with a token."""
        token, exchange = request.token, recorded.exchange
        if not isinstance(token, str):
            return
        end = self._ends.get(token)
        if end is not None and recorded.start >= end.moment and not is_wrong:
            remark = Remark(end.statement, f"{_USED_AGAIN[end.statement]}; log in")
            finding = ClientFinding(remark, exchange, _method(exchange))
            self.reuses.setdefault(token, finding).times += 1
        pairs = without("token", request.parameters).items()
        key = f"{request.name} {sorted((name, repr(value)) for name, value in pairs)}"
        if exchange.ok and request.name == "token_release" and self._ends_by_release:
            self._ends[token] = _End("token_release.ends_token", recorded.end)
        elif exchange.ok:
            self._serve(token, key, recorded.end)
        elif not (is_wrong or recorded.why_missing) and exchange.status < 500:
            if token in self._served_tokens.get(key, ()):
                self._refused_tokens.setdefault(key, set()).add(token)
            if _is_about_token(exchange):
                self._ends.setdefault(token, _End("token.expiry", recorded.end))
        for table in (self._ends, self._served_tokens, self._refused_tokens):
            if len(table) > _MAX_KEPT:
                table.clear()

    def _serve(self, token: str, key: str, moment: float) -> None:
        """Record a request that was served."""
        self._ends.pop(token, None)
        self.reuses.pop(token, None)
        for refused_token in self._refused_tokens.pop(key, set()) - {token}:
            self._ends.setdefault(refused_token, _End("token.expiry", moment))
        self._served_tokens.setdefault(key, set()).add(token)


def _is_about_token(exchange: Exchange) -> bool:
    """Return whether a refusal mentions the token."""
    status = exchange.envelope.get("status")
    texts = status.values() if isinstance(status, dict) else ()
    return any("token" in text.lower() for text in texts if isinstance(text, str))
