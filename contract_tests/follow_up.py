"""Make sure, before a server is accused; look at what a change has done, at once and later.

A violation that rests on what a webhook request was earlier counts only if a look shows that it is still so: others may use
the server, too. The looks are ordinary requests, checked as all others are.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from crmcom_kit.contract_tests.checks.expectations import Expectation, served_by
from crmcom_kit.contract_tests.checks.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.calls import build

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.checks.checker import Refused
    from crmcom_kit.contract_tests.checks.history import Suspicion
    from crmcom_kit.contract_tests.checks.world import Record
    from crmcom_kit.contract_tests.client.exchanges import Exchange
    from crmcom_kit.contract_tests.session import Session

#: So often one statement is made sure of; after that its violations are counted only.
MAX_CONFIRMED = 4
#: So many looks follow one request, at most.
MAX_LOOKS = 12
#: So many changed webhook requests are looked at once more at the end.
MAX_LATER = 20


class FollowUp:
    """What a session sends after a request, to make sure."""

    def __init__(self, session: Session) -> None:
        """Follow up the requests of ``session``."""
        self._session = session
        self._is_following = False
        self._confirmed: Counter[str] = Counter()
        self._later: dict[str, Record] = {}
        self._witness = 0

    def start(self) -> None:
        """Forget what was changed: the target has other content from now on."""
        self._later.clear()

    def after(self, exchange: Exchange, expected: Expectation) -> None:
        """Look at what a request has done, and decide what is open after it."""
        if self._is_following:
            return
        self._is_following = True
        sharing, self._session.shares_looks = self._session.shares_looks, False
        try:
            if expected.sense.name in ("resend", "delete"):
                self._look_at_effect()
            for _ in range(MAX_LOOKS):
                if not self._decide_one():
                    break
        finally:
            self._is_following = False
            self._session.shares_looks = sharing
        del exchange

    # Effects.

    def _look_at_effect(self) -> None:
        """Show and list what the last change has named, and show one that it has not named."""
        world = self._session.world
        change = world.changes[-1] if world.changes else None
        if change is None:
            return
        for key in sorted(change.named)[:2]:
            record = world.records.get(key) or world.deleted.get(key)
            if record is not None:
                self._later[key] = record
            self._show(key)
            if record is not None and not self._session.small_budget:
                self._list(record)
                if change.method == "resend":
                    for state in ("REJECTED", "SUCCESSFUL"):
                        self._list(record, life_cycle_state=state)
        if not self._session.small_budget:
            self._look_at_witness(change.named)

    def _look_at_witness(self, named: frozenset[str]) -> None:
        """Show a webhook request beside those that were named, each time another one."""
        others = [key for key in self._session.world.records if key not in named]
        if others:
            self._witness += 1
            self._show(others[self._witness % len(others)])

    def look_again(self) -> None:
        """Show and list once more what was changed some time ago."""
        if self._is_following:
            return
        self._is_following = True
        try:
            later, self._later = self._later, {}
            for key, record in list(later.items())[-MAX_LATER:]:
                self._show(key)
                if not self._session.small_budget:
                    self._list(record)
            for _ in range(MAX_LOOKS):
                if not self._decide_one():
                    break
        finally:
            self._is_following = False

    # Decisions.

    def _decide_one(self) -> bool:
        """Decide one thing that is open; return whether there was one."""
        checker = self._session.checker
        if checker.refused:
            self._refused_again(checker.refused.pop(0))
            return True
        for suspicion in checker.history.suspicions:
            if not suspicion.tried:
                suspicion.tried = True
                self._decide(suspicion)
                return True
        if checker.pages.open:
            contradiction = checker.pages.open[0]
            for call in contradiction.calls:
                self._session.send(call)
            if contradiction in checker.pages.open:
                checker.pages.open.remove(contradiction)
            return True
        return False

    def _decide(self, suspicion: Suspicion) -> None:
        history, statement = self._session.checker.history, suspicion.violation.statement
        if self._confirmed[statement] >= MAX_CONFIRMED:
            history.suspicions.remove(suspicion)
            return
        self._confirmed[statement] += 1
        known = self._session.world.records.get(suspicion.record, suspicion.known)
        if suspicion.deciding == "list":
            self._list(known)
        else:
            self._show_or_lose(suspicion.record, known)
        if suspicion in history.suspicions:
            history.suspicions.remove(suspicion)  # it could not be decided

    def _show_or_lose(self, key: str, known: Record) -> Exchange:
        """Show a webhook request; if neither show nor list has it, it is gone."""
        shown = self._show(key)
        if not shown.ok and shown.envelope:
            listed = self._list(known)
            found = listed is None or any(each.get("id") == key for each in listed.records)
            if not found and key in self._session.world.records:
                history = self._session.checker.history
                self._session.note(shown, list(history.gone(key, shown)))
        return shown

    def _refused_again(self, refused: Refused) -> None:
        """Make sure that a request is refused which the documents want served, and find out why."""
        session, expected = self._session, refused.expectation
        violation = refused.violation
        exchange = violation.exchanges[-1]
        if exchange.number in session.unreadable or self._is_renewed(exchange):
            return
        if self._confirmed[violation.statement] >= MAX_CONFIRMED:
            return
        self._confirmed[violation.statement] += 1
        name, given = expected.sense.name, dict(expected.sense.given)
        if name == "delete":
            shown = self._show_or_lose(str(expected.record), session.world.records[str(expected.record)])
            if shown.ok:
                session.note(exchange, [violation])
            return
        again = session.send(exchange.call)
        session.checker.refused.clear()
        if again.ok:
            return
        if name == "list":
            violation.statement = self._why_refused(given) or violation.statement
        elif name == "show":
            if not self._exists(str(expected.record)):
                return
            if "fields_set" in given:
                del given["fields_set"]
                if self._is_served("show", given):
                    violation.statement = "show.fields_set.names"
        session.note(exchange, [violation])

    def _is_renewed(self, exchange: Exchange) -> bool:
        """Whether the token was refused that the run has used so far; it has another one then."""
        session = self._session
        used = exchange.call.parameters.get("token")
        if session.refresher is None or used != session.token:
            return used is not None and used != session.token and session.refresher is not None
        return session.refresher.renewed_after(exchange)

    def _exists(self, key: str) -> bool:
        """Whether a webhook request that show has refused is there after all."""
        known = self._session.world.records.get(key)
        if known is None:
            return False
        shown = self._session.send(self._call("show", {IDENTIFIER: {"id": key}}))
        self._session.checker.refused.clear()
        if shown.ok:
            return True
        listed = self._list(known)
        if listed is not None and any(each.get("id") == key for each in listed.records):
            return True
        if listed is not None and listed.ok:
            history = self._session.checker.history
            self._session.note(shown, list(history.gone(key, shown)))
        return False

    def _why_refused(self, given: dict[str, Any]) -> str | None:
        """Return the statement of the parameter for which a list was refused: add one by one."""
        tried: dict[str, Any] = {}
        names = [name for name in given if name != "token"]
        for name in sorted(names, key=lambda each: each not in SEMI_OPTIONAL):
            tried[name] = given[name]
            if not self._is_served("list", tried):
                return served_by(tried, self._session.release)
        return None

    def _is_served(self, method: str, given: dict[str, Any]) -> bool:
        exchange = self._session.send(self._call(method, given))
        self._session.checker.refused.clear()
        return exchange.ok

    # Looks.

    def _show(self, key: str) -> Exchange:
        return self._session.send(self._call("show", {IDENTIFIER: {"id": key}}))

    def _list(self, record: Record, **more: str) -> Exchange | None:
        """List a webhook request with others of its entity; None if it cannot be listed by it."""
        given = {name: record.get(name) for name in ("entity", "entity_id")} | more
        if not all(isinstance(value, str) and value for value in given.values()):
            return None
        return self._session.send(self._call("list", given))

    def _call(self, method: str, given: dict[str, Any]) -> Any:
        rest = {name: value for name, value in given.items() if name != "token"}
        parameters = {"token": self._session.token, **rest}
        return build(self._session.method(method), parameters)


