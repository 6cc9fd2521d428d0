"""Make sure, before a server is accused; look at what a change has done, at once and later.

A violation that rests on what a webhook request was earlier counts only if a look shows that it
is still so: others may use the server, too. The looks are ordinary requests, checked as all
others are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from crmcom_kit.contract_tests.checks.expectations import (
    STATES,
    Expectation,
    entity_statement,
    served_by,
)
from crmcom_kit.contract_tests.checks.history import differing, group_of
from crmcom_kit.contract_tests.checks.interpretations import OBJECT_OF, SEMI_OPTIONAL, Named
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER, read
from crmcom_kit.contract_tests.checks.world import ids_of
from crmcom_kit.contract_tests.client.http import TargetDown
from crmcom_kit.contract_tests.findings import Unreachable, Violation

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.checks.checker import Refused
    from crmcom_kit.contract_tests.checks.history import Suspicion
    from crmcom_kit.contract_tests.checks.lists import Unsure
    from crmcom_kit.contract_tests.checks.world import Record
    from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
    from crmcom_kit.contract_tests.session import Session

#: So often one statement is made sure of; after that its violations are counted only.
MAX_CONFIRMED = 4
#: So many looks follow one request, at most.
MAX_LOOKS = 12
#: So many changed webhook requests are looked at once more at the end, and so many listed.
MAX_LATER, MAX_LISTED = 20, 3
#: So many lists that others may explain are asked for again.
MAX_LISTS_AGAIN = 30
#: So often it is tried whether reading changes something.
MAX_TRIED_READING = 2


class FollowUp:
    """What a session sends after a request, to make sure."""

    def __init__(self, session: Session) -> None:
        """Follow up the requests of ``session``."""
        self._session = session
        self.is_following = False
        self._confirmed: Counter[str] = Counter()
        self._later: dict[str, Record] = {}
        self._effects = 0
        self._tried_reading = 0

    def start(self) -> None:
        """Forget what was changed and confirmed: the target has other content from now on."""
        self._later.clear()
        self._confirmed.clear()

    def before(self, call: Call) -> None:
        """List the neighbors of a webhook request that is to be sent again: what is new later?"""
        session = self._session
        sense = read(call, session.release)
        known = session.world.find(sense.record)
        if sense.name != "resend" or known is None or session.small_budget or self.is_following:
            return
        group = session.world.groups.get(group_of(known))
        if group is None or group[0] != len(session.world.changes):
            with self.following():
                self._list(known)

    def after(self, expected: Expectation) -> None:
        """Look at what a request has done, and decide what is open after it."""
        if self.is_following:
            return
        with self.following():
            if expected.sense.name in ("resend", "delete"):
                self._look_at_effect()
            self._decide_all()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow nothing up that is sent meanwhile, and take no response from before for one."""
        sharing, self._session.shares_looks = self._session.shares_looks, False
        before, self.is_following = self.is_following, True
        try:
            yield
        finally:
            self.is_following = before
            self._session.shares_looks = sharing

    # Effects.

    def _look_at_effect(self) -> None:
        """Show and list what the last change has named, and show one that it has not named."""
        session, world = self._session, self._session.world
        change = world.changes[-1] if world.changes else None
        if change is None:
            return
        self._effects += 1
        if self._effects % 2 and not session.small_budget:
            session.call("show", {})  # what is only committed by the next request, this undoes
        for key in sorted(change.named)[:2]:
            record = self._known(key)
            self._later |= {key: record} if record else {}
            self._look_at(key, record)
            if change.method == "resend" and not session.small_budget:
                for state in STATES:
                    self._list(record, life_cycle_state=state)
        if not session.small_budget:
            for record in self._witnesses(change.named):
                self._is_there(record["id"], record)

    def _look_at(self, key: str, record: Record) -> None:
        self._show(key)
        if not self._session.small_budget:
            if isinstance(record.get("number"), str):
                self._session.call("show", {IDENTIFIER: {"number": record["number"]}})
            self._list(record)

    def _witnesses(self, named: frozenset[str]) -> list[Record]:
        """Return webhook requests that were not named: neighbors, and each time another one."""
        records = sorted(self._session.world.records.values(), key=_place)
        others = [each for each in records if each["id"] not in named]
        found = {each["id"]: each for each in others[self._effects % max(1, len(others)) :][:1]}
        for key in named:
            found |= {each["id"]: each for each in _neighbors(self._known(key), others)}
        return list(found.values())

    def _known(self, key: str) -> Record:
        """Return a webhook request as it was last seen, be it deleted or not; empty if never."""
        world = self._session.world
        return world.records.get(key) or world.deleted.get(key) or {}

    def look_again(self) -> None:
        """Show and list once more what was changed some time ago, by whatever it is listed by."""
        if self.is_following:
            return
        session = self._session
        with self.following():
            later, self._later = list(self._later.items()), {}
            refresher = session.refresher
            if later and not session.small_budget and refresher and refresher.may_log_in:
                with suppress(TargetDown, Unreachable):
                    refresher.renew()  # a server may keep what it showed to the first login
            for key, record in later[-MAX_LATER:]:
                self._look_at(key, record)
            for _, record in later[-MAX_LISTED:] if not session.small_budget else ():
                for filters in _filters_of(record):
                    session.call("list", filters)
            self._decide_all()

    # Decisions.

    def _decide_all(self) -> None:
        for _ in range(MAX_LOOKS):
            if not self._decide_one():
                break

    def _decide_one(self) -> bool:
        """Decide one thing that is open; return whether there was one."""
        checker = self._session.checker
        suspicion = next((each for each in checker.history.suspicions if not each.tried), None)
        if checker.refused:
            self._refused_again(checker.refused.pop(0))
        elif suspicion is not None:
            suspicion.tried = True
            self._decide(suspicion)
        elif checker.lists.unsure:
            self._list_again(checker.lists.unsure.pop(0))
        elif checker.pages.open:
            contradiction = checker.pages.open[0]
            for call in contradiction.calls:
                if contradiction in checker.pages.open:
                    self._session.send(call)
            if contradiction in checker.pages.open:
                checker.pages.open.remove(contradiction)
        elif checker.history.unexplained:
            key = checker.history.unexplained.pop(0)
            self._tried_reading += 1
            if self._tried_reading <= MAX_TRIED_READING:
                self._try_reading(key)
        else:
            return False
        return True

    def _try_reading(self, key: str) -> None:
        """Find out whether reading is what changes webhook requests, or takes them away.

        Somebody else's change comes once. What comes again with each show, or with each list, is
        the server's own: three times if this one is still there, otherwise with two others.
        """
        session, records = self._session, self._session.world.records
        some = [key] if key in records else [
            each["id"] for each in session.pool.known() if session.pool.may_change(each)
        ][:2]  # fmt: skip
        for method in ("show", "list"):
            sights: list[Exchange] = []
            for each in some:
                sights = self._sights(method, each, 3 if key in records else 1)
                if not _all_differ(each, sights):
                    break
            else:
                if some:
                    self._changes_by_reading(method, sights)
                return

    def _sights(self, method: str, key: str, times: int) -> list[Exchange]:
        """Show a webhook request, and again each time after it was shown, or was listed."""
        record, sights = self._known(key), [self._show(key)]
        for _ in range(times):
            if method == "list":
                self._list(record)
            sights.append(self._show(key))
        return sights

    def _changes_by_reading(self, method: str, exchanges: list[Exchange]) -> None:
        violation = Violation(
            f"{method}.changes_nothing", *exchanges,
            expected=f"the webhook request as it was before {method}",
            seen="it was different or missing after each request",
        )  # fmt: skip
        self._session.note(exchanges[-1], [violation])
        self._session.world.others.clear()  # it was nobody else

    def _list_again(self, unsure: Unsure) -> None:
        """Look at what a list rests on, and ask for it again: now it tells."""
        records, lists = self._session.world.records, self._session.checker.lists
        if not self._may_confirm("lists", MAX_LISTS_AGAIN):
            return
        for key in unsure.records:
            if key in records:
                self._is_there(key, records[key])
        lists.is_sure = True
        try:
            self._session.send(unsure.call)
        finally:
            lists.is_sure = False

    def _may_confirm(self, what: str, maximum: int = MAX_CONFIRMED) -> bool:
        """Whether something is made sure of once more, which is counted."""
        self._confirmed[what] += 1
        return self._confirmed[what] <= maximum

    def _decide(self, suspicion: Suspicion) -> None:
        history, statement = self._session.checker.history, suspicion.violation.statement
        if self._may_confirm(statement):
            known = self._session.world.records.get(suspicion.record, suspicion.known)
            if suspicion.deciding == "list":
                self._list(known)
            else:
                if statement == "list.several_results":
                    history.suspicions.remove(suspicion)  # lists that follow must not decide it
                    suspicion.violation.statement = self._hiding_filter(suspicion) or statement
                    history.suspicions.append(suspicion)
                self._is_there(suspicion.record, known)
        if suspicion in history.suspicions:
            history.leave_open(suspicion)  # it could not be decided

    def _hiding_filter(self, suspicion: Suspicion) -> str | None:
        """Return the statement of the one filter without which a list has what it lacked."""
        sense = read(suspicion.violation.exchanges[0].call, self._session.release)
        found = []
        for name in sense.filters:
            rest = {each: sense.given[each] for each in sense.filters if each != name}
            if not rest.keys().isdisjoint(SEMI_OPTIONAL):
                listed = self._session.call("list", rest)
                found += [name] if suspicion.record in ids_of(listed.records) else []
        return f"list.{found[0]}.filter" if len(found) == 1 else None

    # Refusals.

    def _refused_again(self, refused: Refused) -> None:
        """Make sure that a request is refused which the documents want served; find out why."""
        session, violation = self._session, refused.violation
        exchange = violation.exchanges[-1]
        if exchange.number in session.unreadable or self._is_renewed(exchange):
            return
        if not self._may_confirm(violation.statement):
            return
        statement = self._confirmed_refusal(exchange, refused.expectation)
        session.checker.refused.clear()
        if statement:
            violation.statement = statement
            session.note(exchange, [violation])

    def _confirmed_refusal(self, exchange: Exchange, expected: Expectation) -> str | None:
        """Return the statement that a refusal breaks, or None if it breaks none after all."""
        name, statement, key = expected.sense.name, expected.statement, str(expected.record)
        if name == "delete":  # is never sent twice
            return statement if self._is_there(key, self._known(key)) else None
        if self._session.send(exchange.call).ok:
            return None
        given = {each: value for each, value in expected.sense.given.items() if each != "token"}
        if name == "list":
            return self._why_refused(expected, given) or statement
        if name == "show" and not self._is_there(key, self._known(key)):
            return None
        if name == "show" and given.pop("fields_set", None) and self._is_served("show", given):
            return "show.fields_set.names"
        return statement

    def _is_renewed(self, exchange: Exchange) -> bool:
        """Whether the token was refused that the run has used so far; it has another one then."""
        session = self._session
        used = exchange.call.parameters.get("token")
        if session.refresher is None or used != session.token:
            return used is not None and used != session.token and session.refresher is not None
        return session.refresher.renewed_if_ended(exchange)

    def _why_refused(self, expected: Expectation, given: dict[str, Any]) -> str | None:
        """Return the statement of the parameter for which a list was refused: add one by one."""
        tried: dict[str, Any] = {}
        for name in sorted(given, key=lambda each: each not in SEMI_OPTIONAL):
            tried[name] = given[name]
            if not self._is_served("list", tried):
                if len(tried) == 1 and self._is_served_by_id(name, expected.sense.filters[name]):
                    return "list.identifier.fields"
                culprit = tried if name in SEMI_OPTIONAL else {name: given[name]}
                return self._by_entity(tried) or served_by(culprit, self._session.release)
        return None

    def _by_entity(self, refused: Mapping[str, Any]) -> str | None:
        """Return the statement of an entity if for it alone a list like this one is refused."""
        release, entity = self._session.release, refused.get("entity")
        if entity is None or len(refused) == 1:
            return None
        other = next((each for each in release.entities if each != entity), None)
        if other is None or not self._is_served("list", {**refused, "entity": other}):
            return None
        return entity_statement(str(entity), release)

    def _is_served_by_id(self, name: str, wanted: Any) -> bool:
        """Whether a list is served by the id of what another field of an identifier has named."""
        if name not in OBJECT_OF or not isinstance(wanted, Named) or wanted.field == "id":
            return False
        inner = [record.get(OBJECT_OF[name]) for record in self._session.world.records.values()]
        named = [e for e in inner if isinstance(e, dict) and e.get(wanted.field) == wanted.value]
        key = named[0].get("id") if named else None
        return isinstance(key, str) and self._is_served("list", {name: {"id": key}})

    def _is_served(self, method: str, given: dict[str, Any]) -> bool:
        exchange = self._session.call(method, given)
        self._session.checker.refused.clear()
        return exchange.ok

    # Looks.

    def _show(self, key: str) -> Exchange:
        return self._session.call("show", {IDENTIFIER: {"id": key}})

    def _list(self, record: Record, **more: str) -> Exchange | None:
        """List a webhook request with others of its entity; None if it cannot be listed by it."""
        given = {name: record.get(name) for name in ("entity", "entity_id")} | more
        if not all(isinstance(value, str) and value for value in given.values()):
            return None
        return self._session.call("list", given)

    def _is_there(self, key: str, known: Record) -> bool:
        """Show a webhook request, or list it; if neither has it, it is gone, which is noted."""
        shown = self._show(key)
        if shown.ok or not shown.envelope:
            return shown.ok
        listed = self._list(known)
        if listed is not None and listed.is_cut:
            return False  # it may be in the rest
        if listed is None or not listed.ok or key in ids_of(listed.records):
            return listed is not None and listed.ok
        if key in self._session.world.records:
            history = self._session.checker.history
            self._session.note(shown, list(history.gone(key, shown)))
        return False


def _all_differ(key: str, shown: list[Exchange]) -> bool:
    """Whether a webhook request is another, or gone, each time it is shown."""
    found = [next((r for r in e.records if r.get("id") == key), None) for e in shown]
    return all(a is not None and (b is None or differing(a, b)) for a, b in pairwise(found))


def _neighbors(record: Record, others: list[Record]) -> Iterator[Record]:
    """Yield those that a server might take for ``record``: next by number, alike, related.

    ``others`` are in the order of their numbers.
    """
    yield from [each for each in others if _place(each) < _place(record)][-1:]
    yield from [each for each in others if _place(each) > _place(record)][:1]
    number = str(record.get("number"))
    yield from [each for each in others if str(each.get("number")).startswith(number)][:1]
    for member in ("workflow_rule", "webhook_definition", "url"):
        value = record.get(member)
        same = [each for each in others if value is not None and each.get(member) == value]
        yield from [each for each in same if each.get("life_cycle_state") == "REJECTED"][:1]


def _place(record: Record) -> tuple[int, str]:
    """Return where a webhook request stands among others, by its number."""
    number = str(record.get("number", ""))
    return len(number), number


def _filters_of(record: Record) -> Iterator[dict[str, Any]]:
    """Yield filters of list that select a webhook request, each in another way."""
    entity = record.get("entity")
    if not isinstance(entity, str):
        return
    yield {"entity": entity}
    for state in STATES:
        yield {"entity": entity, "life_cycle_state": state}
    for name, member in OBJECT_OF.items():
        inner = record.get(member)
        if isinstance(inner, dict) and isinstance(inner.get("id"), str):
            yield {name: {"id": inner["id"]}}
    if isinstance(record.get("url"), str):
        yield {"entity": entity, "url": record["url"]}
