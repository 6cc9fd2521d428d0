"""Send generated cases, check the responses, and confirm before reporting a violation.

A violation that rests on what was known of one webhook request is confirmed by showing that
one: on a target that others use it may have changed meanwhile.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.checks.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.session import Session, outcome
from crmcom_kit.contract_tests.stateful import expectations, oracle_changes
from crmcom_kit.contract_tests.stateful.cases import Case, Must
from crmcom_kit.contract_tests.stateful.model import is_whole
from crmcom_kit.contract_tests.stateful.oracle import Oracle, kept_and_broken

#: So many webhook requests are shown to make sure of one violation.
MAX_SHOWN = 5


class CaseRunner:
    """Sends cases to a session's target, and checks the answers."""

    def __init__(self, session: Session, oracle: Oracle, layer: str) -> None:
        """Use ``session`` to call and ``oracle`` to check; ``layer`` is named in violations."""
        self.session = session
        self.oracle = oracle
        self.layer = layer
        self.trace: list[tuple[Case, Exchange]] = []
        self.events: Counter[str] = Counter()
        self._reported: set[str] = set()

    def make(self, case: Case) -> Violation | None:
        """Make one call; note what was kept; return what it broke, which is not noted yet.

        Raises:
            BudgetSpent, TargetDown, Unreachable: see ``Session.send``.
        """
        exchange = self._sent(case)
        self.trace.append((case, exchange))
        kept, broken = kept_and_broken(self.oracle.check(case, exchange))
        self._count(case, exchange)
        violation = self._sure(case, exchange, broken[0]) if broken else None
        if violation is None:
            self.session.findings.hold_all(kept, exchange)
        self.oracle.take_in(case, exchange)
        if violation is not None:
            violation.layer = self.layer
            violation.witness = (exchange.call,)
        return violation

    def report(self, violation: Violation) -> None:
        """Note a violation, once for each statement."""
        if violation.statement not in self._reported:
            self._reported.add(violation.statement)
            self.session.findings.broke(violation)

    def is_reported(self, statement: str) -> bool:
        """Whether this layer has noted a violation of a statement."""
        return statement in self._reported

    def _sent(self, case: Case) -> Exchange:
        session = self.session
        method = session.method(case.method)
        if session.refresher is None or not case.with_token or "token" in case.parameters:
            return session.send(case.call(method, session.token))
        session.refresher.renew_ahead()
        exchange = session.send(case.call(method, session.token))
        again = case.must is Must.SERVE and not exchange.ok and method.verb == "GET"
        if again and session.refresher.renewed_after(exchange):
            return session.send(case.call(method, session.token))
        return exchange

    def _count(self, case: Case, exchange: Exchange) -> None:
        answer = "served" if exchange.ok else "refused"
        self.events[f"{case.method}: must {case.must}, {answer}"] += 1
        if case.method == "list" and exchange.ok and case.sense is not None:
            count = len(exchange.records)
            found = "none" if count == 0 else "one" if count == 1 else "several"
            self.events[f"list: {len(case.sense.filters)} filters, {found} found"] += 1

    def _sure(self, case: Case, exchange: Exchange, violation: Violation) -> Violation | None:
        """Return the violation with the right statement; None where there is none after all."""
        if case.must is Must.SERVE and not exchange.ok:
            return self._refusal_traced(case, violation)
        if case.sense is not None and (case.sense.limit is not None or case.sense.offset):
            return self._without_pages(case, violation)
        key = violation.record
        known = self.oracle.model.records.get(key) if key else None
        if case.must is Must.REFUSE or case.method == "delete" or known is None or key is None:
            return violation
        shown = self.session.send(
            expectations.known("show", known, "id").call(
                self.session.method("show"), self.session.token
            )
        )
        if not shown.envelope:
            return violation
        if not shown.ok:
            return self._lost(violation, key, shown)
        if isinstance(shown.data, dict) and is_whole(shown.data) and shown.data["id"] == key:
            return self._check_again(case, exchange, violation, shown)
        return violation

    def _without_pages(self, case: Case, violation: Violation) -> Violation:
        """Return what the same list breaks without paging, where it breaks something."""
        assert case.sense is not None  # noqa: S101 - for the type checker
        paging = ("number_of_results", "offset")
        given = {key: value for key, value in case.parameters.items() if key not in paging}
        whole = replace(
            case, parameters=given, sense=replace(case.sense, limit=None, offset=0), again=()
        )
        exchange = self.session.send(
            whole.call(self.session.method(case.method), self.session.token)
        )
        _, broken = kept_and_broken(self.oracle.check(whole, exchange))
        return broken[0] if broken else violation

    def _check_again(
        self, case: Case, exchange: Exchange, violation: Violation, shown: Exchange
    ) -> Violation | None:
        """Check once more, knowing the webhook request as it is now shown.

        Where the answer is at odds with others as well, these are shown, too, a few of them.
        """
        model = self.oracle.model
        before: dict[str, Record] = {}
        key = first = str(violation.record)
        while True:
            before[key] = model.records[key]
            model.put(key, shown.data)
            _, broken = kept_and_broken(self.oracle.check(case, exchange))
            if not broken:
                break
            other = self._show_again(broken[0].record, before)
            if other is None:
                broken[0].exchanges = (exchange, shown)
                self._put_back(before)
                return broken[0]
            key, shown = str(broken[0].record), other
        if not model.complete:
            return None  # somebody else has changed it
        # The answer agrees with what is shown; so it was changed unasked since it was known.
        now = {each: model.records[each] for each in before}
        self._put_back(before)
        violation.statement = oracle_changes.culprit(model, case.method, first)
        self._put_back(now)
        return violation

    def _show_again(self, key: str | None, before: Mapping[str, Record]) -> Exchange | None:
        """Show another webhook request; None where none is known, or enough were shown."""
        known = self.oracle.model.records.get(key) if key and key not in before else None
        if known is None or len(before) >= MAX_SHOWN:
            return None
        case = expectations.known("show", known, "id")
        shown = self.session.send(case.call(self.session.method("show"), self.session.token))
        fine = isinstance(shown.data, dict) and is_whole(shown.data) and shown.data["id"] == key
        return shown if shown.ok and fine else None

    def _put_back(self, records: Mapping[str, Record]) -> None:
        for key, record in records.items():
            self.oracle.model.put(key, record)

    def _lost(self, violation: Violation, key: str, shown: Exchange) -> Violation | None:
        """A webhook request that was not deleted is not shown any more."""
        statement = oracle_changes.lost(self.oracle.model, key)
        number = self.oracle.model.records[key].get("number", key)
        self.oracle.model.lose(key)
        if statement is None:
            return None
        return Violation(
            statement, *violation.exchanges, shown, record=key,
            expected=f"the webhook request {number} still exists", seen=outcome(shown),
        )  # fmt: skip

    def _refusal_traced(self, case: Case, violation: Violation) -> Violation:
        """Find the parameter for which a call was refused, by leaving the others out."""
        given = dict(case.parameters)
        if case.method == "show" and "fields_set" in given:
            del given["fields_set"]
            if self._is_served(case, given):
                violation.statement = "show.fields_set.names"
        elif case.method == "list" and len(given) > 1:
            tried: dict[str, Any] = {}
            for name in sorted(given, key=lambda each: each not in SEMI_OPTIONAL):
                tried[name] = given[name]
                if not self._is_served(case, tried):
                    release = self.session.release
                    violation.statement = expectations.served_by(tried, release)
                    break
        return violation

    def _is_served(self, case: Case, parameters: Mapping[str, Any]) -> bool:
        tried = Case(
            method=case.method, parameters=parameters, must=Must.EITHER, statement="", why="",
            raw=case.raw,
        )  # fmt: skip
        return self.session.send(
            tried.call(self.session.method(case.method), self.session.token)
        ).ok
