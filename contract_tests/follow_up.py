"""Make sure, before a server is accused; look at what a change has done, at once and later.

A violation that rests on what a webhook request was earlier counts only if a look shows that it
is still so: others may use the server, too. The looks are ordinary requests, checked as all
others are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from crmcom_kit.contract_tests.checks.expectations import Expectation, entity_statement, served_by
from crmcom_kit.contract_tests.checks.history import differing, group_of
from crmcom_kit.contract_tests.checks.interpretations import OBJECT_OF, SEMI_OPTIONAL, Named
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER, read
from crmcom_kit.contract_tests.checks.world import ids_of
from crmcom_kit.contract_tests.client.calls import build
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
        self._is_following = False
        self._confirmed: Counter[str] = Counter()
        self._later: dict[str, Record] = {}
        self._effects = 0
        self._witness = 0
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
        if sense.name != "resend" or known is None or session.small_budget or self._is_following:
            return
        group = session.world.groups.get(group_of(known))
        if group is None or group[0] != len(session.world.changes):
            with self._following():
                self._list(known)

    def after(self, expected: Expectation) -> None:
        """Look at what a request has done, and decide what is open after it."""
        if self._is_following:
            return
        with self._following():
            if expected.sense.name in ("resend", "delete"):
                self._look_at_effect()
            self._decide_all()

    @contextmanager
    def _following(self) -> Iterator[None]:
        """Follow nothing up that is sent meanwhile, and take no response from before for one."""
        sharing, self._session.shares_looks = self._session.shares_looks, False
        self._is_following = True
        try:
            yield
        finally:
            self._is_following = False
            self._session.shares_looks = sharing

    def _decide_all(self) -> None:
        for _ in range(MAX_LOOKS):
            if not self._decide_one():
                break

    # Effects.

    def _look_at_effect(self) -> None:
        """Show and list what the last change has named, and show one that it has not named."""
        world = self._session.world
        change = world.changes[-1] if world.changes else None
        if change is None:
            return
        self._effects += 1
        if self._effects % 2 and not self._session.small_budget:
            self._request("show", {})  # what is only committed by the next request, this undoes
        for key in sorted(change.named)[:2]:
            record = world.records.get(key) or world.deleted.get(key)
            if record is not None:
                self._later[key] = record
            self._show(key)
            if record is not None and not self._session.small_budget:
                self._show_by_number(record)
                self._list(record)
                if change.method == "resend":
                    for state in ("REJECTED", "SUCCESSFUL"):
                        self._list(record, life_cycle_state=state)
        if not self._session.small_budget:
            self._look_at_witnesses(change.named)

    def _look_at_witnesses(self, named: frozenset[str]) -> None:
        """Show webhook requests that were not named: the neighbours, and each time another one."""
        records = self._session.world.records
        keys = sorted(records, key=lambda key: _place(records[key]))
        others = [key for key in keys if key not in named]
        if not others:
            return
        places = [_place(self._known(key)) for key in named if self._known(key) is not None]
        self._witness += 1
        chosen = {others[self._witness % len(others)]}
        if places:
            at = bisect_left([_place(records[key]) for key in others], places[0])
            chosen |= set(others[max(0, at - 1) : at + 1])
            known = [self._known(key) for key in named]
            chosen |= set(_begin_alike(known, others, records))
            chosen |= set(_related(known, others, records))
        for key in sorted(chosen):
            self._show_or_lose(key, records[key])

    def _known(self, key: str) -> Record:
        world = self._session.world
        return world.records.get(key) or world.deleted.get(key) or {}

    def look_again(self) -> None:
        """Show and list once more what was changed some time ago, by whatever it is listed by."""
        if self._is_following:
            return
        with self._following():
            later, self._later = self._later, {}
            if later and not self._session.small_budget:
                self._log_in_again()
            for key, record in list(later.items())[-MAX_LATER:]:
                self._show(key)
                if not self._session.small_budget:
                    self._show_by_number(record)
                    self._list(record)
            for record in list(later.values())[-MAX_LISTED:]:
                if not self._session.small_budget:
                    for filters in _filters_of(record):
                        self._request("list", filters)
            self._decide_all()

    def _log_in_again(self) -> None:
        """Look with the token of another login: a server may keep what it showed to the first."""
        refresher = self._session.refresher
        if refresher is not None and refresher.may_log_in:
            with suppress(TargetDown, Unreachable):
                refresher.renew()

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
        if checker.lists.unsure:
            self._list_again(checker.lists.unsure.pop(0))
            return True
        if checker.pages.open:
            contradiction = checker.pages.open[0]
            for call in contradiction.calls:
                self._session.send(call)
            if contradiction in checker.pages.open:
                checker.pages.open.remove(contradiction)
            return True
        if checker.history.unexplained:
            key = checker.history.unexplained.pop(0)
            if self._tried_reading < MAX_TRIED_READING:
                self._tried_reading += 1
                self._try_reading(key)
            return True
        return False

    def _try_reading(self, key: str) -> None:
        """Find out whether reading is what changes webhook requests, or takes them away.

        Somebody else's change comes once. What comes again with each show, or with each list, is
        the server's own.
        """
        session, records = self._session, self._session.world.records
        known = records.get(key)
        if known is not None:
            shown = [self._show(key) for _ in range(3)]
            if self._all_differ(key, shown):
                self._changes_by_reading("show", shown)
                return
            by_list = [shown[-1]]
            for _ in range(3):
                self._list(known)
                by_list.append(self._show(key))
            if self._all_differ(key, by_list):
                self._changes_by_reading("list", by_list)
            return
        for record in [r for r in session.pool.known() if session.pool.may_change(r)][:2]:
            before = self._show(record["id"])
            after = self._show(record["id"])
            if not before.ok:
                return
            if after.ok:
                self._list(record)
                last = self._show(record["id"])
                if last.ok:
                    return
                after, method = last, "list"
            else:
                method = "show"
        if records:
            self._changes_by_reading(method, [before, after])

    @staticmethod
    def _all_differ(key: str, shown: list[Exchange]) -> bool:
        found = [next((r for r in e.records if r.get("id") == key), None) for e in shown]
        return all(a is not None and b is not None and differing(a, b) for a, b in pairwise(found))

    def _changes_by_reading(self, method: str, exchanges: list[Exchange]) -> None:
        violation = Violation(
            f"{method}.changes_nothing", *exchanges,
            expected=f"the webhook request as it was before {method}",
            seen="it is another, or gone, after each one",
        )  # fmt: skip
        self._session.note(exchanges[-1], [violation])
        self._session.world.others.clear()  # it was nobody else

    def _list_again(self, unsure: Unsure) -> None:
        """Look at what a list rests on, and ask for it again: now it tells."""
        records, lists = self._session.world.records, self._session.checker.lists
        if self._confirmed["lists"] >= MAX_LISTS_AGAIN:
            return
        self._confirmed["lists"] += 1
        for key in unsure.records:
            if key in records:
                self._show_or_lose(key, records[key])
        lists.is_sure = True
        try:
            self._session.send(unsure.call)
        finally:
            lists.is_sure = False

    def _decide(self, suspicion: Suspicion) -> None:
        history, statement = self._session.checker.history, suspicion.violation.statement
        if self._confirmed[statement] >= MAX_CONFIRMED:
            history.leave_open(suspicion)
            return
        self._confirmed[statement] += 1
        known = self._session.world.records.get(suspicion.record, suspicion.known)
        if suspicion.deciding == "list":
            self._list(known)
        else:
            if statement == "list.several_results":
                history.suspicions.remove(suspicion)  # the lists that follow must not decide it
                suspicion.violation.statement = self._hiding_filter(suspicion) or statement
                history.suspicions.append(suspicion)
            self._show_or_lose(suspicion.record, known)
        if suspicion in history.suspicions:
            history.leave_open(suspicion)

    def _hiding_filter(self, suspicion: Suspicion) -> str | None:
        """Return the statement of the one filter without which a list has what it lacked."""
        sense = read(suspicion.violation.exchanges[0].call, self._session.release)
        found = []
        for name in sense.filters:
            rest = {each: sense.given[each] for each in sense.filters if each != name}
            if rest.keys().isdisjoint(SEMI_OPTIONAL):
                continue
            listed = self._request("list", rest)
            if any(each.get("id") == suspicion.record for each in listed.records):
                found.append(name)
        return f"list.{found[0]}.filter" if len(found) == 1 else None

    def _show_or_lose(self, key: str, known: Record) -> Exchange:
        """Show a webhook request; if neither show nor list has it, it is gone."""
        shown = self._show(key)
        if not shown.ok and shown.envelope:
            listed = self._list(known)
            lacks = listed is not None and listed.ok and key not in ids_of(listed.records)
            if lacks and key in self._session.world.records:
                history = self._session.checker.history
                self._session.note(shown, list(history.gone(key, shown)))
        return shown

    def _refused_again(self, refused: Refused) -> None:
        """Make sure that a request is refused which the documents want served; find out why."""
        session, violation = self._session, refused.violation
        exchange = violation.exchanges[-1]
        if exchange.number in session.unreadable or self._is_renewed(exchange):
            return
        if self._confirmed[violation.statement] >= MAX_CONFIRMED:
            return
        self._confirmed[violation.statement] += 1
        statement = self._confirmed_refusal(exchange, refused.expectation)
        session.checker.refused.clear()
        if statement:
            violation.statement = statement
            session.note(exchange, [violation])

    def _confirmed_refusal(self, exchange: Exchange, expected: Expectation) -> str | None:
        """Return the statement that a refusal breaks, or None if it breaks none after all."""
        name, statement = expected.sense.name, expected.statement
        if name == "delete":  # is never sent twice
            known = self._known(str(expected.record))
            return statement if self._show_or_lose(str(expected.record), known).ok else None
        if self._session.send(exchange.call).ok:
            return None
        given = dict(expected.sense.given)
        if name == "list":
            return self._why_refused(expected, given) or statement
        if name == "show" and not self._exists(str(expected.record)):
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

    def _exists(self, key: str) -> bool:
        """Whether a webhook request that show has refused is there after all."""
        known = self._session.world.records.get(key)
        if known is None:
            return False
        shown = self._request("show", {IDENTIFIER: {"id": key}})
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

    def _why_refused(self, expected: Expectation, given: dict[str, Any]) -> str | None:
        """Return the statement of the parameter for which a list was refused: add one by one."""
        tried: dict[str, Any] = {}
        names = [name for name in given if name != "token"]
        for name in sorted(names, key=lambda each: each not in SEMI_OPTIONAL):
            tried[name] = given[name]
            if not self._is_served("list", tried):
                if len(tried) == 1 and self._is_served_by_id(name, expected.sense.filters[name]):
                    return "list.identifier.fields"
                return self._by_entity(tried) or served_by(tried, self._session.release)
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
        inner = (record.get(OBJECT_OF[name]) for record in self._session.world.records.values())
        keys = (
            each.get("id")
            for each in inner
            if isinstance(each, dict) and each.get(wanted.field) == wanted.value
        )
        key = next(keys, None)
        return isinstance(key, str) and self._is_served("list", {name: {"id": key}})

    def _is_served(self, method: str, given: dict[str, Any]) -> bool:
        exchange = self._request(method, given)
        self._session.checker.refused.clear()
        return exchange.ok

    # Looks.

    def _show(self, key: str) -> Exchange:
        return self._request("show", {IDENTIFIER: {"id": key}})

    def _show_by_number(self, record: Record) -> None:
        if isinstance(record.get("number"), str):
            self._request("show", {IDENTIFIER: {"number": record["number"]}})

    def _list(self, record: Record, **more: str) -> Exchange | None:
        """List a webhook request with others of its entity; None if it cannot be listed by it."""
        given = {name: record.get(name) for name in ("entity", "entity_id")} | more
        if not all(isinstance(value, str) and value for value in given.values()):
            return None
        return self._request("list", given)

    def _request(self, method: str, given: Mapping[str, Any]) -> Exchange:
        """Send a request with the run's token; once more if that has ended meanwhile."""
        session = self._session
        rest = {name: value for name, value in given.items() if name != "token"}
        call = build(session.method(method), {"token": session.token, **rest})
        exchange = session.send(call)
        if exchange.ok or session.refresher is None:
            return exchange
        if session.refresher.renewed_after(exchange):
            exchange = session.send(build(session.method(method), {"token": session.token, **rest}))
        return exchange


def _begin_alike(
    named: list[Record], others: list[str], records: Mapping[str, Record]
) -> Iterator[str]:
    """Yield, for each that was named, one whose number has its number as a beginning."""
    for record in named:
        number = str(record.get("number"))
        longer = (key for key in others if str(records[key].get("number")).startswith(number))
        yield from islice(longer, 1)


def _related(
    named: list[Record], others: list[str], records: Mapping[str, Record]
) -> Iterator[str]:
    """Yield, for each that was named, one each with the same rule, definition and URL."""
    for record in named:
        for member in ("workflow_rule", "webhook_definition", "url"):
            same = (
                key
                for key in others
                if record.get(member) is not None and records[key].get(member) == record[member]
            )
            rejected = [key for key in same if records[key].get("life_cycle_state") == "REJECTED"]
            yield from rejected[:1]


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
    for state in ("REJECTED", "SUCCESSFUL"):
        yield {"entity": entity, "life_cycle_state": state}
    for name, member in OBJECT_OF.items():
        inner = record.get(member)
        if isinstance(inner, dict) and isinstance(inner.get("id"), str):
            yield {name: {"id": inner["id"]}}
    if isinstance(record.get("url"), str):
        yield {"entity": entity, "url": record["url"]}
