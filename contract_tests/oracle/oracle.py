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
from crmcom_kit.contract_tests.oracle.expectations import Expectation, Must, expectation_of
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
    expectation: Expectation
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
        expectation = expectation_of(exchange.call, self.belief)
        observation = Observation(exchange, expectation)
        for name, check in self._checks(exchange, expectation).items():
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
        if not exchange.ok and expectation.statement == "token.from_login" and not is_temporary:
            self.belief.tokens.refusal = exchange.wording
        return observation

    def _checks(self, exchange: Exchange, expectation: Expectation) -> dict[str, Check]:
        """Return the checks of an exchange by name, in their order: later ones see what it did."""
        request, belief = expectation.request, self.belief
        checks: dict[str, Check] = {
            "envelope": lambda: envelope.check(exchange, expectation),
            "service": lambda: self.service.see(exchange, expectation),
        }
        if envelope.is_readable(exchange):
            checks |= {
                "logins": lambda: logins.observe(exchange, request, belief),
                "outcome": lambda: self._outcome(exchange, expectation),
                "identifier": lambda: self._identifier(exchange, expectation),
                "records": lambda: webhook_requests.check(exchange, request, belief, self._sound),
                "lists": lambda: lists.observe(exchange, request, belief),
                "pages": lambda: self.pages.observe(exchange, request),
                "earlier views": lambda: sights.observe(exchange, request, belief),
            }
        if request.name in CHANGES:
            checks["change"] = lambda: self._change(exchange, expectation)
        return checks

    def miss(self, call: Call, number: int) -> None:
        """Note that no response came to a request that only reads, before exchange ``number``."""
        exchange = Exchange(number, call, NO_RESPONSE, (), b"", 0.0)
        for _ in self.service.see(exchange, expectation_of(call, self.belief)):
            pass  # nothing is kept

    def lose(self, call: Call) -> None:
        """Forget what a request may have changed, since its response was lost."""
        for key in self.may_name(read(call, self.belief.release)):
            self.belief.lose(key)
        self.belief.lists.full_lists.clear()

    def _outcome(self, exchange: Exchange, expectation: Expectation) -> Iterator[Finding]:
        """Check that a request was served or refused as documented."""
        statement = expectation.statement
        if expectation.must is Must.REFUSE:
            if not exchange.ok:
                yield Held(statement)
            elif not self._names_unseen_record(exchange, expectation):
                yield self._served(exchange, expectation)
        elif expectation.must is Must.SERVE:
            if exchange.ok:
                if not statement.endswith(".filter"):  # the content of the list shows that
                    yield Held(statement)
                if expectation.request.name == "list":
                    yield from lists.check_parameters(expectation.request)
            elif not self._has_ended(exchange, expectation.request):
                hypotheses = refusals.hypotheses(expectation, self.belief)
                yield from self._refused(exchange, expectation, hypotheses, expectation.why)
        elif expectation.request.name == "resend":
            yield from self._resent(exchange, expectation)

    def _names_unseen_record(self, exchange: Exchange, expectation: Expectation) -> bool:
        """Return whether an identifier of no known webhook request names one that was not seen yet.

        A response may not show it: with fields_set, or if its id or number is of a wrong type.
        """
        identifier = expectation.request.identifier
        if identifier is None or expectation.statement not in ("identifier.known", "delete.gone"):
            return False
        data = exchange.data if isinstance(exchange.data, dict) else {}
        record, (name, text) = self.belief.records.named(identifier), identifier
        if record is not None and (data.get("id") == record.id or name != "number"):
            return False  # not one that has its number by now
        if name not in data:
            return not is_whole(expectation.request)
        return data[name] == text or not isinstance(data[name], str)

    def _has_ended(self, exchange: Exchange, request: Request) -> bool:
        """Return whether a token of an earlier login is refused as one that no login returned."""
        earlier = self.belief.tokens.live()[:-1]
        if request.token not in earlier or exchange.wording != self.belief.tokens.refusal:
            return False
        self.belief.tokens.note(str(request.token), TokenState.DOUBTFUL)
        return True

    def _served(self, exchange: Exchange, expectation: Expectation) -> Suspicion:
        """Return the suspicion that a request was served that must be refused."""
        statement, key = expectation.statement, expectation.record_id
        hypotheses: tuple[Hypothesis, ...] = (Evident(statement),)
        if key is not None:  # unless somebody else has changed it
            hypotheses = (Effect(statement, exchange), Again(statement, (key,)))
        return Suspicion(
            exchange,
            expected=f"an error: {expectation.why}",
            seen=f"OK{_shown_names(exchange)}",
            hypotheses=hypotheses,
            record_id=_id(exchange),
        )

    def _refused(
        self,
        exchange: Exchange,
        expectation: Expectation,
        hypotheses: Iterable[Hypothesis],
        why: str,
    ) -> Iterator[Suspicion]:
        """Yield the suspicion that a request was refused, if there are hypotheses of why."""
        all_hypotheses, key, expected = tuple(hypotheses), expectation.record_id, f"OK: {why}"
        if all_hypotheses:
            symptom = MISSING if expectation.request.name == "show" else ""
            yield Suspicion(
                exchange, expected, outcome(exchange), all_hypotheses, key, symptom=symptom
            )

    def _resent(self, exchange: Exchange, expectation: Expectation) -> Iterator[Suspicion]:
        """Yield the suspicion that a resend was refused because of its form."""
        request, identifier = expectation.request, expectation.request.identifier
        if expectation.record_id is None or identifier is None or not request.is_clear:
            return
        self.belief.changes.resends[identifier.field, exchange.ok] += 1
        if not exchange.ok:
            hypotheses = refusals.of_resend(expectation, self.belief)
            why = "the webhook request is REJECTED"
            yield from self._refused(exchange, expectation, hypotheses, why)

    def _identifier(self, exchange: Exchange, expectation: Expectation) -> Iterator[Finding]:
        """Check that the webhook request is the one that was asked for."""
        identifier, data = expectation.request.identifier, exchange.data
        if identifier is None or not exchange.ok or not isinstance(data, dict):
            return
        if expectation.statement == "identifier.known":
            return
        statement, key = "identifier.selects", expectation.record_id
        record = self.belief.records.find(identifier)
        values = {identifier.field: identifier.value}  # that the response must have
        if record is not None:
            fields = record.condensed
            values |= {name: fields[name] for name in ("id", "number") if name in fields}
        names = [name for name in values if isinstance(data.get(name), str)]
        if record is None and identifier.field == "id":  # an id in another case may be the same
            names = [name for name in names if data[name].lower() != identifier.value.lower()]
        wrong_name = next((name for name in names if data[name] != values[name]), None)
        if wrong_name is None:
            if names:
                yield Held(statement)
            return
        expected = f"the webhook request with {wrong_name} {values[wrong_name]}"
        seen = f"{wrong_name} {shortened(data[wrong_name], 80)}"
        if wrong_name == identifier.field:
            yield Flaw(statement, expected, seen, key)
        else:  # what was known of it may be old: a number may be used again
            hypotheses = (Again(statement, (key,) if key else ()),)
            yield Suspicion(exchange, expected, seen, hypotheses, key)

    # Changes.

    def _change(self, exchange: Exchange, expectation: Expectation) -> Iterator[Finding]:
        """Note a change, with all that its request may name or its response shows."""
        key, returned_id = expectation.record_id, _id(exchange)
        ids = self.may_name(expectation.request) if key is None else {key}
        ids |= set() if returned_id is None else {returned_id}
        change = Change(exchange, expectation.request.name, exchange.ok, frozenset(ids))
        self.belief.changes.sent.append(change)
        yield from sights.check_change(exchange, expectation, self.belief)

    def may_name(self, request: Request) -> set[str]:
        """Return the ids of all webhook requests that a request may name, in whatever way."""
        forms = product(("id", "number"), names_of(request))
        records = (self.belief.records.find(Identifier(form, text)) for form, text in forms)
        return {record.id for record in records if record is not None}


def _shown_names(exchange: Exchange) -> str:
    names = [str(record.get("number") or record.get("id")) for record in exchange.records[:3]]
    return shortened(f", with {', '.join(names)}", 100) if names else ""


def _id(exchange: Exchange) -> str | None:
    """Return the id of the one webhook request in a response, or None."""
    return id_of(exchange.records[0]) if len(exchange.records) == 1 else None
