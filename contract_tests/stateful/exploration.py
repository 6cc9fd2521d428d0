"""Send what the machine draws, see what broke, and keep the shortest sequence that shows it.

On a mock of the kit's own each example starts from a fresh world, and a broken statement is raised:
Hypothesis then makes the example smaller. These attempts go through another client and other
findings, so that neither reports nor budget of the run are full of them. On anybody else's server
nothing can be started again; there the machine goes on, and ``minimizing`` looks for a short
sequence.
"""

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from hypothesis import event

from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import BudgetSpent, Client, Limits, TargetDown
from crmcom_kit.contract_tests.findings import Findings, Unreachable, Violation
from crmcom_kit.contract_tests.login import ask_for_token, token_of
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.minimizing import minimized, with_token
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.statements import statements

LAYER = "machine"

#: Requests that may be spent on making one example smaller, on a mock of our own.
MAX_TO_SHRINK = 800

#: So many statements are made smaller; more are found, and left as they are.
MAX_ROUNDS = 6

#: Requests of each method that may be served elsewhere: a run need not use up a scope.
MAX_CHANGES = {"resend": 24, "delete": 12}

#: Logins with something wrong, on somebody else's server: it may lock the user out.
MAX_WRONG_LOGINS = 3


class Broken(Exception):
    """Tells Hypothesis that an example broke a statement; one class for each statement."""


class Stopped(BaseException):
    """Ends Hypothesis at once: the run cannot go on, or enough was tried to shrink an example.

    No ``Exception``, which Hypothesis would take for a failure of the example.
    """


@cache
def _kind(statement: str) -> type[Broken]:
    """Return the class that stands for ``statement``: Hypothesis tells failures apart by it."""
    return type(f"Broken {statement}", (Broken,), {})


class Exploration:
    """What all examples of one run of the machine share."""

    def __init__(self, session: Session, only: str = "*") -> None:
        """Explore ``session``'s target; ``only`` is a glob of the statements that are asked for."""
        self.session = session
        self.only = only
        self.own = session.target.renew is not None
        self.rounds = 0  # statements for which an example was made smaller
        self.examples = 0  # begun, without attempts to make one smaller
        self.complete = 0  # of these, come to their end
        self.stopped: BudgetSpent | TargetDown | None = None
        self.broken: Violation | None = None  # what Hypothesis makes smaller at present
        self.changes: Counter[str] = Counter()
        self.wrong_logins = 0
        self.known = {name for name, one in session.findings.by_statement.items() if one.breaks}
        self._breaks = session.findings.breaks
        self._trace: list[Call] = []  # requests of the machine since the world was fresh
        self._kept = self._of_run()

    # Examples.

    def begin(self) -> None:
        """Begin an example: on a mock of our own with a fresh world."""
        self._go_on()
        self.examples += self.broken is None
        if not self.own:
            return
        session = self.session
        if self.broken is not None:
            if session.client.sent > MAX_TO_SHRINK:
                raise Stopped
            session.findings, self._breaks = Findings(), 0
            session.unreadable = set()
        with self._stopping():
            begin_anew(session)
            for entity in session.release.entities:
                session.call("list", {"entity": entity})
        self._trace.clear()
        self._look_for_broken()

    def end(self) -> None:
        """End an example: look once more at what it has changed."""
        if self.stopped is not None:
            return
        if self.own:
            with self._stopping():
                self.session.follow_up.look_again()
            self._look_for_broken()
        self.complete += self.broken is None

    @contextmanager
    def exploring(self) -> Iterator[None]:
        """Name this layer in what is found; leave the session as it was."""
        session = self.session
        guard, layer, shares = session.guard, session.layer, session.shares_looks
        session.layer, session.shares_looks = LAYER, False
        if self.own:
            session.guard = None  # its world is thrown away: nothing of it is told as changed
        try:
            yield
        finally:
            self.next_statement()
            session.guard, session.layer, session.shares_looks = guard, layer, shares

    # Requests.

    def call(self, name: str, given: dict[str, Any], *, raw: bool = False) -> Exchange | None:
        """Call a method with the token of the run; None if nothing came of it."""
        return self.attempt(lambda: self.session.call(name, given, raw=raw))

    def call_with(self, token: str | None, name: str, given: dict[str, Any]) -> Exchange | None:
        """Call a method with another token, or with none."""
        given = given if token is None else {"token": token, **given}
        return self.send(build(self.session.method(name), given))

    def send(self, call: Call) -> Exchange | None:
        """Send a request as it stands."""
        return self.attempt(lambda: self.session.send(call))

    def attempt(self, send: Callable[[], Exchange]) -> Exchange | None:
        """Return what ``send`` returns, which sends a request; None if nothing came of it."""
        self._go_on()
        exchange: Exchange | None = None
        with self._stopping():
            try:
                exchange = send()
            except Unreachable:
                return None  # not allowed, out of scope, or longer than may be read
        if exchange is not None:
            self._trace.append(exchange.call)
            self._count(exchange)
        self._look_for_broken()
        return exchange

    def _count(self, exchange: Exchange) -> None:
        name = exchange.call.method or "another"
        outcome = "served" if exchange.ok else "refused"
        told = f"{LAYER}: {name}, {outcome}"
        if name == "list" and exchange.ok:
            several = min(len(exchange.records), 2)
            filters = sum(each not in ("token", "fields_set") for each in exchange.call.parameters)
            told = f"{LAYER}: list by {filters}, {('none', 'one', 'several')[several]} found"
        event(told)
        if self.broken is None:
            self.session.findings.events[told] += 1
        if exchange.ok and name in MAX_CHANGES:
            self.changes[name] += 1

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Remember why the run cannot go on."""
        try:
            yield
        except (BudgetSpent, TargetDown) as error:
            self.stopped = error
        self._go_on()

    def _go_on(self) -> None:
        """Raise Stopped if the run cannot go on."""
        if self.stopped is not None:
            raise Stopped

    # What broke.

    def _look_for_broken(self) -> None:
        """Raise Broken, or keep a short sequence, if a statement broke that has held so far."""
        findings = self.session.findings
        if findings.breaks == self._breaks:
            return
        self._breaks = findings.breaks
        found = findings.by_statement
        new = [
            one.violations[0]
            for name, one in found.items()
            if one.violations and name not in self.known
        ]
        ends = self._is_shorter(new) if self.broken is not None else self._are_new(new)
        if ends and self.broken is not None:
            raise _kind(self.broken.statement)  # always here: Hypothesis tells failures apart by it

    def _are_new(self, violations: list[Violation]) -> bool:
        """Keep what shows ``violations``; return whether the first is to be made smaller now."""
        for violation in violations:
            violation.layer = violation.layer or LAYER
            violation.witness = self._sequence(violation)
        if violations and self.own and self.rounds < MAX_ROUNDS:
            self._start_shrinking(violations[0])
            return True
        for violation in violations:
            self.known.add(violation.statement)
            if not self.own:
                self._minimize(violation)
        return False

    def _sequence(self, violation: Violation) -> tuple[Call, ...]:
        """Return the requests of this example, up to the one that shows a violation."""
        last = violation.exchanges[-1].call
        return (*self._trace, *(() if last in self._trace[-1:] else (last,)))

    def _start_shrinking(self, violation: Violation) -> None:
        """Send through another client from here on, and note elsewhere."""
        session = self.session
        self.broken, self._kept = violation, self._of_run()
        self.rounds += 1
        session.client, session.findings = Client(session.target, Limits()), Findings()

    def _is_shorter(self, violations: list[Violation]) -> bool:
        """Return whether an attempt broke the same statement; keep its sequence if shorter."""
        broken = self.broken
        again = [each for each in violations if broken and each.statement == broken.statement]
        if broken is None or not again:
            return False
        sequence = self._sequence(again[0])
        if len(sequence) <= len(broken.witness):
            token, now = self.session.token or "", self._kept[3] or ""
            broken.witness = tuple(with_token(each, token, now) for each in sequence)
        return True

    def next_statement(self) -> None:
        """Go back to the client and the findings of the run: the smallest example is found."""
        if self.broken is None:
            return
        session = self.session
        if self.stopped is None:
            self._minimize(self.broken)
        session.client, session.findings, session.unreadable, _ = self._kept
        self.known.add(self.broken.statement)
        self.broken, self._breaks = None, session.findings.breaks

    def _of_run(self) -> tuple[Client, Findings, set[int], str | None]:
        """Return what attempts to make an example smaller replace."""
        session = self.session
        return session.client, session.findings, session.unreadable, session.token

    def _minimize(self, violation: Violation) -> None:
        """Look for a shorter sequence of requests."""
        session = self.session
        token = self._kept[3] if self.own else session.token

        def breaks(calls: tuple[Call, ...]) -> bool:
            session.findings = Findings()
            if self.own:
                session.unreadable = set()
                begin_anew(session)
                for entity in session.release.entities:
                    session.call("list", {"entity": entity})
            for each in calls:
                with suppress(Unreachable):
                    session.send(with_token(each, token or "", session.token or ""))
            if self.own:
                session.follow_up.look_again()
            return session.findings.is_broken(violation.statement)

        kept = session.findings
        concerned = self.record(violation.record) if violation.record else None
        try:
            with self._stopping():
                violation.witness = minimized(
                    violation.witness, breaks, concerned=concerned, fresh=self.own
                )
        finally:
            session.findings, self._breaks = kept, kept.breaks

    # What may be sent.

    def wants(self, globs: tuple[str, ...]) -> bool:
        """Whether any statement that is asked for fits one of ``globs``."""
        return self.only == "*" or _any_fits(self.session.release, self.only, globs)

    def may(self, method: str) -> bool:
        """Whether a method that changes may be called once more."""
        if method not in self.session.allowed:
            return False
        return self.own or self.changes[method] < MAX_CHANGES[method]

    @property
    def may_log_in(self) -> bool:
        """Whether there are user name and password to log in with."""
        return self.session.target.login.username is not None

    @property
    def may_log_in_wrongly(self) -> bool:
        """Whether a login may be tried that is to be refused."""
        return self.may_log_in and (self.own or self.wrong_logins < MAX_WRONG_LOGINS)

    def changeable(self) -> list[Record]:
        """Return the webhook requests that may be changed.

        On somebody else's server the first of each state stays as a witness, if there are others.
        """
        found = [
            each
            for each in self.session.pool.known()
            if nameable(each) and self.session.pool.may_change(each)
        ]
        if self.own:
            return found
        states = Counter(each.get("life_cycle_state") for each in found)
        kept = {
            state: next(each["id"] for each in found if each.get("life_cycle_state") == state)
            for state, count in states.items()
            if count > 1
        }
        return [each for each in found if each["id"] not in kept.values()]

    def record(self, key: str) -> Record | None:
        """Return a webhook request as it was last seen, be it deleted or not."""
        world = self.session.world
        return world.records.get(key) or world.deleted.get(key)


@cache
def _any_fits(release: Release, only: str, globs: tuple[str, ...]) -> bool:
    wanted = (e.id for e in statements(release.name) if fnmatch.fnmatchcase(e.id, only))
    return any(fnmatch.fnmatchcase(each, glob) for each in wanted for glob in globs)


def begin_anew(session: Session) -> None:
    """Put a fresh mock in the place of the kit's own one, and log in to it."""
    if session.target.renew is not None:
        session.target.renew()
    session.start()
    token = token_of(ask_for_token(session))
    session.token = token if token is not None else session.token
