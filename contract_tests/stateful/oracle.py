"""The oracle: which statements the response to a generated request keeps or breaks.

It reads the documents by itself: what a call asks for stands in its case, what there is in the
model. Nothing here sends anything, and nothing looks at how a server of ours would answer.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.checks.interpretations import INTERPRETATIONS, Interpretations
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.session import outcome, shortened
from crmcom_kit.contract_tests.stateful import oracle_changes, oracle_lists
from crmcom_kit.contract_tests.stateful.cases import Case, Must
from crmcom_kit.contract_tests.stateful.model import ChangingCall, Model, is_whole
from crmcom_kit.contract_tests.stateful.oracle_lists import CheckResults

#: The methods that may change webhook requests.
CHANGING = ("resend", "delete")


class Oracle:
    """Checks the answers to cases, and keeps its model in step with what they show."""

    def __init__(self, model: Model) -> None:
        """Check by ``model``, which is changed as answers change what there is."""
        self.model = model
        self.interpretations: Interpretations = INTERPRETATIONS
        self.doubt: Violation | None = None  # what an answer breaks unless filters combine as any

    def check(self, case: Case, exchange: Exchange) -> list[str | Violation]:
        """Return the promises that an answer kept, and what it broke; learns nothing."""
        if not _is_answer(exchange):
            return []  # the checks have said what is wrong with it
        return list(self._checks(case, exchange))

    def _checks(self, case: Case, exchange: Exchange) -> CheckResults:
        if case.must is Must.REFUSE:
            if exchange.ok and self._exists_after_all(case, exchange):
                return
            if exchange.ok:
                yield Violation(
                    case.statement, exchange, expected=f"an error: {case.why}",
                    seen=f"OK{_record_names(exchange)}", record=_id_of(exchange),
                )  # fmt: skip
            elif case.statement:
                yield case.statement
        elif not exchange.ok:
            if case.must is Must.SERVE:
                found = self.model.find(case.sense.record if case.sense else None)
                yield Violation(
                    case.statement, exchange, expected=f"OK: {case.why}", seen=outcome(exchange),
                    record=found.get("id") if found else None,
                )  # fmt: skip
        elif case.sense is not None:
            if case.must is Must.SERVE and case.statement:
                yield case.statement
            yield from self._served(case, exchange)

    def _served(self, case: Case, exchange: Exchange) -> CheckResults:
        assert case.sense is not None  # noqa: S101 - for the type checker
        if case.method == "list":
            yield from oracle_lists.check_list(
                self.model, self.interpretations, case, exchange, self.doubt
            )
            return
        if not isinstance(exchange.data, dict):
            return  # envelope.data_object is broken, which the checks say
        record = exchange.data
        yield from _right_one(self.model, case, exchange, record)
        known = self.model.find(case.sense.record)
        if known is None:
            return
        if case.method == "resend":
            yield from oracle_changes.resent(exchange, known, record)
        else:
            yield from oracle_changes.agreeing(self.model, case.method, exchange, [record])

    def _exists_after_all(self, case: Case, exchange: Exchange) -> bool:
        """Whether an identifier that nothing known has is that of another webhook request."""
        named = case.sense.record if case.sense else None
        if named is None or self.model.find(named) is not None:
            return False
        data = exchange.data if isinstance(exchange.data, dict) else {}
        return bool(data.get(named.field) == named.value)

    def take_in(self, case: Case, exchange: Exchange) -> None:
        """Bring the model in step with an answer that was checked."""
        model = self.model
        whole = [each for each in exchange.records if is_whole(each)]
        if case.method in CHANGING:
            named = case.sense.record if case.sense else None
            known = model.find(named)
            model.changes.append(
                ChangingCall(case.method, exchange.ok, known.get("id") if known else None)
            )
            oracle_changes.take_in(model, case.method, exchange, known)
        if case.method != "delete":
            for record in whole:
                model.learn(record, case.method)
        if case.method == "list" and exchange.ok and case.sense is not None:
            before = {each.combine for each in self.interpretations}
            self.interpretations = oracle_lists.left(model, self.interpretations, case, exchange)
            if "all" in before and all(each.combine == "any" for each in self.interpretations):
                plain = replace(self.interpretations[0], combine="all")
                self.doubt = oracle_lists.doubted(model, case, exchange, plain)
            oracle_lists.take_in(model, self.interpretations, case, exchange)


def _is_answer(exchange: Exchange) -> bool:
    status = exchange.envelope.get("status")
    return isinstance(status, dict) and isinstance(status.get("code"), str)


def _record_names(exchange: Exchange) -> str:
    names = [str(each.get("number") or each.get("id")) for each in exchange.records[:3]]
    return shortened(f", with {', '.join(names)}", 100) if names else ""


def _id_of(exchange: Exchange) -> str | None:
    found = exchange.records[0].get("id") if len(exchange.records) == 1 else None
    return found if isinstance(found, str) else None


def _right_one(model: Model, case: Case, exchange: Exchange, record: Record) -> CheckResults:
    """Check whether the webhook request is the one that was asked for."""
    named = case.sense.record if case.sense else None
    if named is None:
        return
    statement = f"{case.method}.identifier.selects"
    known = model.find(named)
    wanted: dict[str, Any] = {named.field: named.value}
    if known is not None:
        wanted = {name: known[name] for name in ("id", "number") if name in known}
    compared = [name for name in wanted if isinstance(record.get(name), str)]
    wrong = next((name for name in compared if record[name] != wanted[name]), None)
    if wrong is not None:
        yield Violation(
            statement, exchange, expected=f"the webhook request with {wrong} {wanted[wrong]}",
            seen=f"{wrong} {shortened(record[wrong], 80)}",
            record=known.get("id") if known else None,
        )  # fmt: skip
    elif compared:
        yield statement


def kept_and_broken(found: Sequence[str | Violation]) -> tuple[list[str], list[Violation]]:
    """Part what was kept from what was broken."""
    kept = [each for each in found if isinstance(each, str)]
    return kept, [each for each in found if isinstance(each, Violation)]
