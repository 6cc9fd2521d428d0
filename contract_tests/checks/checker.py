"""All checks of one exchange, in their order; what they know is brought in step with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from crmcom_kit.contract_tests.checks import history as histories
from crmcom_kit.contract_tests.checks.envelope import Envelopes, is_readable
from crmcom_kit.contract_tests.checks.expectations import Expectation, Must, expectation
from crmcom_kit.contract_tests.checks.history import Coincidence, History, Suspicion
from crmcom_kit.contract_tests.checks.interpretations import Named
from crmcom_kit.contract_tests.checks.lists import Lists
from crmcom_kit.contract_tests.checks.logins import check_login
from crmcom_kit.contract_tests.checks.pages import Pages
from crmcom_kit.contract_tests.checks.resent import check_resent
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER, identifying_values, read
from crmcom_kit.contract_tests.checks.service import Service
from crmcom_kit.contract_tests.checks.webhook_requests import WebhookRequests
from crmcom_kit.contract_tests.checks.world import Change, World, lasting
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Violation, outcome, shortened

CHANGING = ("resend", "delete")


@dataclass(frozen=True, slots=True)
class CheckFailed:
    """An error of the kit itself in one check: it says nothing about the server."""

    check: str
    error: Exception


@dataclass(slots=True)
class Refused:
    """A request that the documents want served, and that was refused: is it refused again?"""

    violation: Violation
    expectation: Expectation


Verdict = str | Violation | CheckFailed


class Checker:
    """Checks every exchange of one server, in the order in which they were made."""

    def __init__(self, world: World) -> None:
        """Check against what is known of ``world``."""
        self.world = world
        self.history = History(world)
        self.lists = Lists(world, self.history)
        self.pages = Pages(world, self.lists)
        self.envelopes = Envelopes()
        self.service = Service(world)
        self.webhook_requests = WebhookRequests(world, self.history)
        self.refused: list[Refused] = []  # to be made sure of

    def start(self) -> None:
        """Forget all webhook requests: the server has others from now on."""
        self.world.start()
        self.history.start()
        self.pages.start()
        self.webhook_requests.start()
        self.refused.clear()
        self.lists.unsure.clear()

    def lose(self, call: Call) -> None:
        """Forget what a request may have changed whose response was lost: did it, or not?"""
        sense = read(call, self.world.release)
        values = identifying_values([sense.given.get(IDENTIFIER), sense.given.get("")])
        for key, record in list(self.world.records.items()):
            if key in values or record.get("number") in values:
                self.history.drop(key)
                self.world.lose(key)
        self.world.groups.clear()
        self.pages.start()

    def check(self, exchange: Exchange) -> tuple[Expectation, list[Verdict]]:
        """Return what the documents say of the request, and what the response keeps and breaks."""
        expected = expectation(exchange.call, self.world)
        verdicts: list[Verdict] = []
        checks: list[tuple[str, Callable[[], Iterator[str | Violation]]]] = [
            ("envelope", lambda: self.envelopes.check(exchange, expected)),
        ]
        if self.service.covers(expected):
            checks.append(("service", lambda: self.service.see(exchange, expected)))
        if is_readable(exchange):
            sense = expected.sense
            checks += [
                ("logins", lambda: check_login(exchange, sense, self.world)),
                ("expectation", lambda: self._as_expected(exchange, expected)),
                ("right one", lambda: self._right_one(exchange, expected)),
                ("webhook requests", lambda: self.webhook_requests.check(exchange, sense)),
                ("lists", lambda: self.lists.check(exchange, sense)),
                ("pages", lambda: self.pages.check(exchange, sense)),
                ("resent", lambda: check_resent(exchange, sense, self.world)),
                ("history", lambda: self.history.check(exchange, sense)),
            ]
        if _changes(expected):
            checks.append(("change", lambda: self._changed(exchange, expected)))
        for name, check in checks:
            try:
                verdicts += check()
            except Exception as error:  # noqa: BLE001 - other checks go on, and the run tells of it
                verdicts.append(CheckFailed(name, error))
        return expected, verdicts

    # Was the request answered as the documents say?

    def _as_expected(self, exchange: Exchange, expected: Expectation) -> Iterator[str | Violation]:
        if expected.must is Must.REFUSE:
            if not exchange.ok:
                yield expected.statement
            elif not self._exists_after_all(exchange, expected):
                yield Violation(
                    expected.statement, exchange, expected=f"an error: {expected.why}",
                    seen=f"OK{_shown(exchange)}", record=_id_of(exchange),
                )  # fmt: skip
        elif expected.must is Must.SERVE:
            if exchange.ok:
                yield expected.statement
                return
            violation = Violation(
                expected.statement, exchange, expected=f"OK: {expected.why}",
                seen=outcome(exchange), record=expected.record,
            )  # fmt: skip
            self.refused.append(Refused(violation, expected))

    def _exists_after_all(self, exchange: Exchange, expected: Expectation) -> bool:
        """Whether an identifier that nothing known has is that of another webhook request.

        With fields_set a response may not tell.
        """
        named, rests_on = expected.sense.record, expected.rests_on
        data = exchange.data if isinstance(exchange.data, dict) else {}
        if named is None:
            return False
        if rests_on is not None:  # others may have deleted it, and use its number again
            may_be_other = named.field == "number" and not self.world.exclusive
            tells = "id" in data or rests_on in self.world.deleted
            return may_be_other and tells and data.get("id") != rests_on
        if not expected.statement.endswith("identifier.known"):
            return False
        tells = named.field in data
        return data.get(named.field) == named.value or (
            not tells and expected.sense.fields is not None
        )

    def _right_one(self, exchange: Exchange, expected: Expectation) -> Iterator[str | Violation]:
        """Check that the webhook request is the one that was asked for."""
        named, data = expected.sense.record, exchange.data
        if named is None or not exchange.ok or not isinstance(data, dict):
            return
        if expected.must is Must.REFUSE and expected.statement.endswith("identifier.known"):
            return
        wanted: dict[str, Any] = {named.field: named.value}
        known = self.world.find(named)
        if known is not None:
            wanted = {name: known[name] for name in ("id", "number") if name in known}
        compared = [name for name in wanted if isinstance(data.get(name), str)]
        wrong = next((name for name in compared if data[name] != wanted[name]), None)
        statement = f"{expected.sense.name}.identifier.selects"
        if wrong is not None:
            violation = Violation(
                statement, exchange, expected=f"the webhook request with {wrong} {wanted[wrong]}",
                seen=f"{wrong} {shortened(data[wrong], 80)}", record=expected.record,
            )  # fmt: skip
            reused = named.field == "number" and data.get("number") == named.value
            if known is None or not reused or self.world.exclusive:
                yield violation
            else:  # others may have deleted the one that was known, and use its number again
                self.history.suspect(Suspicion(violation, known["id"], known, "show"))
        elif compared:
            yield statement

    # Changes.

    def _changed(self, exchange: Exchange, expected: Expectation) -> Iterator[str | Violation]:
        sense, world = expected.sense, self.world
        named = self._named(exchange, expected)
        served = exchange.ok
        key = expected.record if sense.verb == "POST" else None
        answered = _id_of(exchange)
        if served and key is not None and answered is not None and answered != key:
            key = None  # another one was returned, and perhaps changed
        change = Change(exchange, sense.name, served, key, frozenset(named))
        known = lasting(world.records.get(str(key), {}))
        data = exchange.data if isinstance(exchange.data, dict) else {}
        for verdict in histories.after_change(change, sense, world):
            if (
                isinstance(verdict, Violation)
                and sense.name == "delete"
                and (not histories.differing(known, lasting(data)))
            ):
                # It cannot be shown again, and somebody else may have sent it again meanwhile.
                yield from self.history.coincides(Coincidence.of_one(verdict, str(key)))
            else:
                yield verdict
        for each in named:
            self.webhook_requests.forget(each)
            if served:
                self.history.drop(each)
            if served and key is None:
                world.lose(each)  # what became of it, the next look tells

    def _named(self, exchange: Exchange, expected: Expectation) -> set[str]:
        """Return the ids of all webhook requests that a request may name or a response shows."""
        sense = expected.sense
        values = identifying_values([sense.given.get(IDENTIFIER), sense.given.get("")])
        if expected.record is not None:
            found = {expected.record}
        else:
            found = set()
            for value in values:
                for field in ("id", "number"):
                    record = self.world.find(Named(field, value))
                    found |= {record["id"]} if record is not None else set()
        answered = _id_of(exchange)
        return found | {answered} if answered is not None else found


def _changes(expected: Expectation) -> bool:
    return expected.sense.name in CHANGING


def _shown(exchange: Exchange) -> str:
    names = [str(each.get("number") or each.get("id")) for each in exchange.records[:3]]
    return shortened(f", with {', '.join(names)}", 100) if names else ""


def _id_of(exchange: Exchange) -> str | None:
    found = exchange.records[0].get("id") if len(exchange.records) == 1 else None
    return found if isinstance(found, str) else None
