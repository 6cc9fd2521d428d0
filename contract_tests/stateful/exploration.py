"""Send what the machine draws, see what broke, and keep a short sequence of requests that shows it.

On a mock of the kit's own each example starts from a fresh world, and ends when a statement breaks.
On anybody else's server nothing can be started again; there the machine goes on. Either way
``minimizing`` looks for a short sequence.
"""

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from typing import Any

from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import BudgetSpent, Client, TargetDown
from crmcom_kit.contract_tests.findings import Findings, Unreachable, Violation
from crmcom_kit.contract_tests.login import ask_for_token, token_of
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.minimizing import minimized, with_token
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.statements import statements

LAYER = "machine"

#: On a mock of our own so many statements are made smaller; more are found, and left as they are.
MAX_MINIMIZED = 6

#: Requests of each method that may be served elsewhere: a run need not use up a scope.
MAX_CHANGES = {"resend": 24, "delete": 12}

#: Logins with something wrong, on somebody else's server: it may lock the user out.
MAX_WRONG_LOGINS = 3


class Broken(Exception):
    """Ends an example that broke a statement."""


class Stopped(BaseException):
    """Ends Hypothesis at once: the run cannot go on.

    No ``Exception``, which Hypothesis would take for a failure of the example.
    """


class Exploration:
    """What all examples of one run of the machine share."""

    def __init__(self, session: Session, only: str = "*") -> None:
        """Explore ``session``'s target; ``only`` is a glob of the statements that are asked for."""
        self.session = session
        self.only = only
        self.own = session.target.renew is not None
        self.complete = 0  # examples that came to their end, or broke a statement
        self.stopped: BudgetSpent | TargetDown | None = None
        self.changes: Counter[str] = Counter()
        self.wrong_logins = 0
        self._known = {name for name, one in session.findings.by_statement.items() if one.breaks}
        self._breaks = session.findings.breaks
        self._trace: list[Call] = []  # requests of the machine since the world was fresh
        self._minimized = 0
        self._is_over = False  # the present example broke a statement

    # Examples.

    def begin(self) -> None:
        """Begin an example: on a mock of our own with a fresh world."""
        self._go_on()
        self._is_over = False
        if self.own:
            self._trace.clear()
            with self._stopping():
                self._begin_anew()
            self._look_for_broken()

    def _begin_anew(self) -> None:
        begin_anew(self.session)
        for entity in self.session.release.entities:
            self.session.call("list", {"entity": entity})

    def end(self) -> None:
        """End an example: look once more at what it has changed."""
        if self.stopped is not None or self._is_over:
            return
        if self.own:
            with self._stopping():
                self.session.follow_up.look_again()
            self._look_for_broken()
        self.complete += 1

    @contextmanager
    def exploring(self) -> Iterator[None]:
        """Name this layer in what is found; leave the session as it was."""
        session = self.session
        guard, layer = session.guard, session.layer
        session.layer = LAYER
        if self.own:
            session.guard = None  # its world is thrown away: nothing of it is told as changed
        try:
            yield
        finally:
            session.guard, session.layer = guard, layer

    # Requests.

    def call(self, name: str, given: dict[str, Any], *, raw: bool = False) -> Exchange | None:
        """Call a method with the token of the run; None if nothing came of it."""
        return self.attempt(lambda: self.session.call(name, given, raw=raw))

    def attempt(self, send: Callable[[], Exchange]) -> Exchange | None:
        """Return what ``send`` returns, which sends a request; None if nothing came of it."""
        self._go_on()
        exchange: Exchange | None = None
        with self._stopping(), suppress(Unreachable):  # not allowed, out of scope, or too long
            exchange = send()
        if exchange is not None:
            self._trace.append(exchange.call)
            self._count(exchange)
            self._look_for_broken()
        return exchange

    def _count(self, exchange: Exchange) -> None:
        name = exchange.call.method or "another"
        told = f"{name}, {'served' if exchange.ok else 'refused'}"
        if name == "list" and exchange.ok:
            several = ("none", "one", "several")[min(len(exchange.records), 2)]
            filters = sum(each not in ("token", "fields_set") for each in exchange.call.parameters)
            told = f"list by {filters}, {several} found"
        self.session.findings.events[f"{LAYER}: {told}"] += 1
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
        """Keep a short sequence if a statement broke that has held so far.

        Raises:
            Broken: on a mock of our own, where the next example starts anew.
        """
        findings = self.session.findings
        if findings.breaks == self._breaks:
            return
        found = findings.by_statement.items()
        new = [e.violations[0] for name, e in found if e.violations and name not in self._known]
        for violation in new:
            self._known.add(violation.statement)
            violation.layer = violation.layer or LAYER
            last = violation.exchanges[-1].call
            rest = () if last in self._trace[-1:] else (last,)
            violation.witness = (*self._trace, *rest)
        for violation in new:
            if not self.own or self._minimized < MAX_MINIMIZED:
                self._minimized += 1
                self._minimize(violation)
        self._breaks = findings.breaks
        if new and self.own:
            self.complete += 1
            self._is_over = True
            raise Broken

    def _minimize(self, violation: Violation) -> None:
        """Look for a shorter sequence of requests.

        What is sent for it is not of the run: neither its findings, nor its budget where that is
        a mock of our own.
        """
        session = self.session
        kept, token = (session.client, session.findings, session.unreadable), session.token or ""

        def breaks(calls: tuple[Call, ...]) -> bool:
            session.findings = Findings()
            if self.own:
                session.unreadable = set()
                self._begin_anew()
            for each in calls:
                with suppress(Unreachable):
                    session.send(with_token(each, token, session.token or ""))
            if self.own:
                session.follow_up.look_again()
            return session.findings.is_broken(violation.statement)

        if self.own:
            session.client = self._client_beside(session.client)
        concerned = self.record(violation.record) if violation.record else None
        try:
            with self._stopping():
                violation.witness = minimized(
                    violation.witness, breaks, concerned=concerned, fresh=self.own
                )
        finally:
            session.client, session.findings, session.unreadable = kept

    def _client_beside(self, client: Client) -> Client:
        """Return another client, with no budget of requests; the time of the run is its own."""
        limits = replace(client.limits, max_requests=None)
        return Client(
            client.target, limits, ends_at=client.ends_at, now=client.now, sleep=client.sleep
        )

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
        by_state: dict[Any, list[Record]] = {}
        for each in found:
            by_state.setdefault(each.get("life_cycle_state"), []).append(each)
        spared = [each[0]["id"] for each in by_state.values() if len(each) > 1]
        return [each for each in found if each["id"] not in spared]

    def record(self, key: str) -> Record | None:
        """Return a webhook request as it was last seen, be it deleted or not."""
        world = self.session.world
        return world.records.get(key) or world.deleted.get(key)


@cache
def _any_fits(release: Release, only: str, globs: tuple[str, ...]) -> bool:
    wanted = (e.id for e in statements(release.name) if fnmatch.fnmatchcase(e.id, only))
    return any(fnmatch.fnmatchcase(each, glob) for each in wanted for glob in globs)


def begin_anew(session: Session) -> None:
    """Put a fresh mock in place of the kit's own one, and log in to it."""
    if session.target.renew is not None:
        session.target.renew()
    session.start()
    token = token_of(ask_for_token(session))
    session.token = token if token is not None else session.token
