"""The oracle: observes exchanges one by one, keeps the belief, and finds what is suspect."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.changes import Change
from crmcom_kit.contract_tests.belief.interpretations import Identifier
from crmcom_kit.contract_tests.belief.knowledge import id_of
from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.client.exchanges import NO_RESPONSE, Call, Exchange
from crmcom_kit.contract_tests.client.wording import outcome, shortened
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.oracle import (
    envelope,
    lists,
    logins,
    refusals,
    sights,
    webhook_requests,
)
from crmcom_kit.contract_tests.oracle.confirmations import Again, Effect
from crmcom_kit.contract_tests.oracle.expectations import Expectation, Must, expectation
from crmcom_kit.contract_tests.oracle.pages import Pages
from crmcom_kit.contract_tests.oracle.parsing import Request, is_whole, names_of, read
from crmcom_kit.contract_tests.oracle.service import Service
from crmcom_kit.contract_tests.oracle.suspicions import (
    MISSING,
    Evident,
    Finding,
    Flaw,
    Held,
    Hypothesis,
    Suspicion,
)

Check = Callable[[], Iterator[Finding]]


@dataclass(slots=True)
class Observation:
    """What the oracle found in one exchange."""

    exchange: Exchange
    expected: Expectation
    held: list[str] = field(default_factory=list)  # ids of the statements that it kept
    suspicions: list[Suspicion] = field(default_factory=list)
    errors: list[tuple[str, Exception]] = field(default_factory=list)  # of checks that failed


class Oracle:
    """Observes every exchange of one server, in the order in which they were made."""

    def __init__(self, belief: Belief) -> None:
        """Start from ``belief``, which the oracle will change."""
        self.belief = belief
        self.pages = Pages(belief)
        self.service = Service(belief)
        self._sound = webhook_requests.SoundRecords()

    def observe(self, exchange: Exchange) -> Observation:
        """Return the statements that an exchange upholds and the suspicions it raises.

        Also update the belief.
        """
        expected = expectation(exchange.call, self.belief)
        observation = Observation(exchange, expected)
        for name, check in self._checks(exchange, expected).items():
            try:
                for finding in check():
                    if isinstance(finding, Held):
                        observation.held.append(finding.statement)
                    elif isinstance(finding, Flaw):
                        observation.suspicions.append(finding.suspicion(exchange))
                    else:
                        observation.suspicions.append(finding)
            except Exception as error:  # noqa: BLE001 - other checks go on, and the run reports it
                observation.errors.append((name, error))
        is_temporary = exchange.wording in self.belief.temporary_refusals
        if not exchange.ok and expected.statement == "token.from_login" and not is_temporary:
            self.belief.tokens.refusal = exchange.wording
        return observation

    def _checks(self, exchange: Exchange, expected: Expectation) -> dict[str, Check]:
        """Return the checks of an exchange by name, in their order: later ones see what it did."""
        request, belief = expected.request, self.belief
        checks: dict[str, Check] = {
            "envelope": lambda: envelope.check(exchange, expected),
            "service": lambda: self.service.see(exchange, expected),
        }
        if envelope.is_readable(exchange):
            checks |= {
                "logins": lambda: logins.observe(exchange, request, belief),
                "outcome": lambda: self._outcome(exchange, expected),
                "identifier": lambda: self._identifier(exchange, expected),
                "records": lambda: webhook_requests.check(exchange, request, belief, self._sound),
                "lists": lambda: lists.observe(exchange, request, belief),
                "pages": lambda: self.pages.observe(exchange, request),
                "earlier views": lambda: sights.observe(exchange, request, belief),
            }
        if request.name in CHANGES:
            checks["change"] = lambda: self._change(exchange, expected)
        return checks

    def miss(self, call: Call, number: int) -> None:
        """Note that no response came to a request that only reads, before exchange ``number``."""
        exchange = Exchange(number, call, NO_RESPONSE, (), b"", 0.0)
        for _ in self.service.see(exchange, expectation(call, self.belief)):
            pass  # nothing is kept

    def lose(self, call: Call) -> None:
        """Forget what a request may have changed, since its response was lost."""
        for key in self.may_name(read(call, self.belief.release)):
            self.belief.lose(key)
        self.belief.lists.whole.clear()

    def _outcome(self, exchange: Exchange, expected: Expectation) -> Iterator[Finding]:
        """Check that a request was served or refused as documented."""
        if expected.must is Must.REFUSE:
            if not exchange.ok:
                yield Held(expected.statement)
            elif not self._names_unseen_record(exchange, expected):
                yield self._served(exchange, expected)
        elif expected.must is Must.SERVE:
            if exchange.ok:
                if not expected.statement.endswith(".filter"):  # the content of the list shows that
                    yield Held(expected.statement)
                if expected.request.name == "list":
                    yield from lists.served(expected.request)
            elif not self._has_ended(exchange, expected.request):
                hypotheses = refusals.hypotheses(expected, self.belief)
                yield from self._refused(exchange, expected, hypotheses, expected.why)
        elif expected.request.name == "resend":
            yield from self._resent(exchange, expected)

    def _names_unseen_record(self, exchange: Exchange, expected: Expectation) -> bool:
        """Return whether an identifier of no known webhook request names one that was not seen yet.

        A response may not show it: with fields_set, or if its id or number is of a wrong type.
        """
        named = expected.request.identifier
        if named is None or expected.statement not in ("identifier.known", "delete.gone"):
            return False
        data = exchange.data if isinstance(exchange.data, dict) else {}
        deleted, by_number = self.belief.records.named(named), named.field == "number"
        if deleted is not None and (data.get("id") == deleted.id or not by_number):
            return False  # not one that has its number by now
        if named.field not in data:
            return not is_whole(expected.request)
        return data[named.field] == named.value or not isinstance(data[named.field], str)

    def _has_ended(self, exchange: Exchange, request: Request) -> bool:
        """Return whether a token of an earlier login is refused as one that no login returned."""
        earlier = self.belief.tokens.live()[:-1]
        if request.token not in earlier or exchange.wording != self.belief.tokens.refusal:
            return False
        self.belief.tokens.note(str(request.token), TokenState.DOUBTFUL)
        return True

    def _served(self, exchange: Exchange, expected: Expectation) -> Suspicion:
        """Return the suspicion that a request was served that must be refused."""
        statement = expected.statement
        hypotheses: tuple[Hypothesis, ...] = (Evident(statement),)
        if expected.record_id is not None:  # unless somebody else has changed it
            again = Again(statement, (expected.record_id,))
            hypotheses = (Effect(statement, exchange), again)
        return Suspicion(
            exchange,
            expected=f"an error: {expected.why}",
            seen=f"OK{_shown_names(exchange)}",
            hypotheses=hypotheses,
            record_id=_id(exchange),
        )

    def _refused(
        self, exchange: Exchange, expected: Expectation, hypotheses: Iterable[Hypothesis], why: str
    ) -> Iterator[Suspicion]:
        """Yield the suspicion that a request was refused, if there are hypotheses of why."""
        possible, key = tuple(hypotheses), expected.record_id
        if possible:
            symptom = MISSING if expected.request.name == "show" else ""
            yield Suspicion(
                exchange, f"OK: {why}", outcome(exchange), possible, key, symptom=symptom
            )

    def _resent(self, exchange: Exchange, expected: Expectation) -> Iterator[Suspicion]:
        """Yield the suspicion that a resend was refused because of its form."""
        request, named = expected.request, expected.request.identifier
        if expected.record_id is None or named is None or not request.is_clear:
            return
        self.belief.changes.resends[named.field, exchange.ok] += 1
        if not exchange.ok:
            hypotheses = refusals.of_resend(expected, self.belief)
            why = "the webhook request is REJECTED"
            yield from self._refused(exchange, expected, hypotheses, why)

    def _identifier(self, exchange: Exchange, expected: Expectation) -> Iterator[Finding]:
        """Check that the webhook request is the one that was asked for."""
        named, data = expected.request.identifier, exchange.data
        if named is None or not exchange.ok or not isinstance(data, dict):
            return
        if expected.statement == "identifier.known":
            return
        statement = "identifier.selects"
        tracked = self.belief.records.find(named)
        wanted = {named.field: named.value}
        if tracked is not None:
            record = tracked.condensed
            wanted |= {name: record[name] for name in ("id", "number") if name in record}
        compared = [name for name in wanted if isinstance(data.get(name), str)]
        if tracked is None and named.field == "id":  # an id in another case may be the same
            compared = [name for name in compared if data[name].lower() != named.value.lower()]
        wrong = next((name for name in compared if data[name] != wanted[name]), None)
        if wrong is None:
            if compared:
                yield Held(statement)
            return
        expected_text = f"the webhook request with {wrong} {wanted[wrong]}"
        seen = f"{wrong} {shortened(data[wrong], 80)}"
        if wrong == named.field:
            yield Flaw(statement, expected_text, seen, expected.record_id)
        else:  # what was known of it may be old: a number may be used again
            rests_on = (expected.record_id,) if expected.record_id else ()
            hypotheses = (Again(statement, rests_on),)
            yield Suspicion(exchange, expected_text, seen, hypotheses, expected.record_id)

    # Changes.

    def _change(self, exchange: Exchange, expected: Expectation) -> Iterator[Finding]:
        """Note a change, with all that its request may name or its response shows."""
        key, returned = expected.record_id, _id(exchange)
        named = self.may_name(expected.request) if key is None else {key}
        named |= set() if returned is None else {returned}
        method, served = expected.request.name, exchange.ok
        self.belief.changes.sent.append(Change(exchange, method, served, frozenset(named)))
        yield from sights.observe_change(exchange, expected, self.belief)

    def may_name(self, request: Request) -> set[str]:
        """Return the ids of all webhook requests that a request may name, in whatever way."""
        forms = product(("id", "number"), names_of(request))
        named = (self.belief.records.find(Identifier(form, text)) for form, text in forms)
        return {tracked.id for tracked in named if tracked is not None}


def _shown_names(exchange: Exchange) -> str:
    names = [str(record.get("number") or record.get("id")) for record in exchange.records[:3]]
    return shortened(f", with {', '.join(names)}", 100) if names else ""


def _id(exchange: Exchange) -> str | None:
    """Return the id of the one webhook request in a response, or None."""
    return id_of(exchange.records[0]) if len(exchange.records) == 1 else None
