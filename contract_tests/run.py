"""Run a campaign against a target within its limits, and return the results."""

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import replace

from crmcom_kit.contract_tests.belief.belief import Belief, Credentials, Record
from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.conclusions import conclude
from crmcom_kit.contract_tests.campaign.discovery import STATES, discover
from crmcom_kit.contract_tests.campaign.dry_run import dry_run_lines
from crmcom_kit.contract_tests.campaign.machine import explore
from crmcom_kit.contract_tests.campaign.planning import first_pass, needs, wanted, witnesses
from crmcom_kit.contract_tests.campaign.reasons import why_not
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.shortening import shorten
from crmcom_kit.contract_tests.client.http import BudgetSpent, Client, TargetDown
from crmcom_kit.contract_tests.client.made_up import nowhere
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Unreachable, Verdict, counted, shortened
from crmcom_kit.contract_tests.options import CHANGES
from crmcom_kit.contract_tests.oracle.oracle import Oracle
from crmcom_kit.contract_tests.recorded.recording import run_recording
from crmcom_kit.contract_tests.results import Results, StatementResult, statement_results
from crmcom_kit.contract_tests.safety.inventory import Inventory
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.safety.scope import EVERYTHING, Guard, Scope
from crmcom_kit.contract_tests.separate_world import SeparateWorld, is_mock_to_ask, separate_world
from crmcom_kit.contract_tests.targets import MOCK_HEADER, Target
from crmcom_kit.contract_tests.templates import Scene
from crmcom_kit.schemas.statements import checked_statements

#: So many requests a run sends if nothing else is said.
DEFAULT_REQUESTS = 1_500
#: A run about some statements sends at most so many times what its first pass takes.
MAX_TIMES = 3
#: The part of a run's time that is kept for what comes last: the inventory.
_FOR_THE_END = 0.05

#: Objects that are made between two looks of the garbage collector at the young ones, and how many
#: of these looks come before one at older ones. What a run keeps are its exchanges; with Python's
#: own numbers a tenth of a run went into looking through them again and again.
_GC_THRESHOLDS = (50_000, 20, 100)


def new_session(
    target: Target, config: RunConfig, *, may_find_more: bool = False, ends_at: float = math.inf
) -> Session:
    """Return a session for ``target`` that has sent nothing yet.

    ``may_find_more``: see ``Guard``; ``ends_at``: see ``Client``.
    """
    client = Client(target, config.limits, ends_at=ends_at, now=config.now, sleep=config.sleep)
    login = target.login
    known = Credentials(login.username, login.password, login.organisation, login.api_key)
    belief = Belief(target.release, exclusive=target.exclusive, credentials=known)
    oracle = Oracle(belief)
    oracle.service.is_waived = target.refuses_with_5xx
    units = [each["unit"] for each in target.entries if "unit" in each]
    scene = Scene(belief, login, token=login.token, nowhere=nowhere(config.seed), units=units)
    session = Session(client, oracle, scene, stop=config.stop)
    ledger = Ledger(config.ledger, target.base_url) if config.ledger is not None else None
    session.guard = Guard(session, ledger, may_find_more=may_find_more)
    _permit(session, config, ours=target.own)
    return session


def enter(session: Session, config: RunConfig) -> None:
    """Log in; on a mock of ours anything may be changed from then on, if nothing else is said.

    That it is one is believed only of what is near, whatever a server elsewhere says of itself.

    Raises:
        TargetDown, Unreachable: see ``Tokens.enter``.
        LedgerFailed: it cannot be written; then nothing is sent.
    """
    if config.ledger is not None:
        Ledger(config.ledger, session.target.base_url).open()
    session.tokens.enter()
    if session.target.near and any(
        exchange.header(MOCK_HEADER) for exchange in session.client.history
    ):
        _permit(session, config, ours=True)


def _permit(session: Session, config: RunConfig, *, ours: bool) -> None:
    """Say what may be changed. A mock that this process made is at its mercy in any case."""
    allowed, scope = config.allowed, config.scope
    if ours:
        allowed = frozenset(CHANGES) if allowed is None or session.target.own else allowed
        scope = EVERYTHING if scope is None or session.target.own else scope
    scene = session.scene
    scene.allowed = allowed or frozenset()
    scene.may_change = scope or (lambda _: False)
    scene.everything = isinstance(scope, Scope) and scope.is_free


def usable_records(session: Session) -> list[Record]:
    """Return whole webhook requests that a test may use, as list returned them.

    Where changes are allowed they are those in scope, else all that are found. On a mock of the
    kit's own each call begins with a fresh one; elsewhere those are left out that were changed.
    """
    own = session.target.renew is not None
    if own:
        session.start_anew()
    if not session.records:
        discover(session, session.may_change)
    used = {} if own or session.guard is None else session.guard.touched
    known = [each for key, each in session.records.items() if key not in used]
    return deepcopy([*filter(session.may_change, known)] if session.scene.allowed else known)


Reset = Callable[[], None]
#: The part of the requests that combine others, where the target can be reset.
COMBINED_PART = 0.25


class _Run:
    """One run: its session, and what is kept beside it until the results are made."""

    def __init__(
        self, target: Target, config: RunConfig, ends_at: float, reset: Reset | None
    ) -> None:
        self.target, self.config, self.reset = target, config, reset
        self.notes: list[str] = []
        most = config.limits.max_requests or DEFAULT_REQUESTS
        limits = replace(config.limits, max_requests=most).planned()
        if limits.max_requests != most:
            self.notes.append(
                f"at --rate {limits.rate:g}, {limits.max_requests} requests fit into --max-time "
                f"{limits.max_time:g}: the run plans for these"
            )
        self.session = new_session(target, replace(config, limits=limits), ends_at=ends_at)
        self.client = self.session.client
        self.templates = wanted(config.only, self.session.scene)
        self.campaign = Campaign(self.session, progress=self._show_progress)
        self.inventory: Inventory | None = None
        self.began = config.now()
        self.is_discovered = False
        self.said = ""  # what the inventory came to
        self.cut_short = ""  # why the run could not go on, although the target answers
        self.left_out = ""  # why there was no time, or no request, for more

    def go(self) -> None:
        """Log in, find data, and run both passes. Raises BudgetSpent, TargetDown, Unreachable."""
        self._show_progress("logging in")
        enter(self.session, self.config)
        scene = self.session.scene
        lists = discover(self.session, scene.may_change)
        self.campaign.settle()
        self.is_discovered = True
        self._keep_witnesses()
        self.notes += _known(self.session)
        self.inventory = Inventory(self.session, lists)
        self.client.reserved_time = self.config.limits.max_time * _FOR_THE_END
        self._plan_for_slow_target()
        self._plan(self.client.left or 0)
        self.campaign.run(self.config.seed)

    def _keep_witnesses(self) -> None:
        """Where all may be changed, leave some alone: they show what reaches others."""
        scene = self.session.scene
        scope = scene.may_change
        if isinstance(scope, Scope) and scope.everything and not self.target.own:
            spared = witnesses(scene)
            scene.may_change = replace(scope, spared=spared)

    def _plan_for_slow_target(self) -> None:
        """Plan for fewer requests if the time does not allow as many as may be sent."""
        client = self.client
        took = client.now() - self.began
        fitting = int(client.seconds_left / took * client.sent) if took else None
        if fitting and fitting < (client.left or 0):
            client.limits = replace(client.limits, max_requests=client.sent + fitting)
            self.notes.append(
                f"a request takes {took / client.sent:.1f} s: about {client.sent + fitting} fit "
                f"into --max-time {client.limits.max_time:g}, and the run plans for these"
            )

    def _plan(self, left: int) -> None:
        """Plan the first pass; keep requests for what comes after the campaign.

        A run about some statements is no longer than they need, unless its budget is given.
        """
        client, inventory = self.client, self.inventory
        for_inventory = min(0 if inventory is None else inventory.cost, left // 3)
        combined = int(left * COMBINED_PART) if self.reset is not None else 0
        budget = left - for_inventory - combined
        plan = self.campaign.plan = first_pass(self.templates, self.session.scene, budget)
        if self.config.limits.max_requests is None and self.config.only != "*":
            needed = min(budget, MAX_TIMES * plan.cost)
            combined = min(combined, int(needed * COMBINED_PART))
            most = client.sent + needed + combined + for_inventory
            client.limits = replace(client.limits, max_requests=most)
        client.reserved = for_inventory + combined

    def finish(self) -> None:
        """Compare what was not to be changed with how it was, and find out what all tells."""
        self.client.reserved, self.client.reserved_time = 0, 0.0
        with suppress(TargetDown, BudgetSpent, Unreachable):
            self._take_inventory()
            self.campaign.settle()
        with suppress(TargetDown):
            conclude(self.session, self.config.secret_keys)
        self._combine()
        self._shorten()

    def _combine(self) -> None:
        """Combine requests from fresh starts, where the target can be reset."""
        if self.reset is None or not self.is_discovered or self.client.is_time_up:
            return
        self._show_progress("combined requests")
        with suppress(TargetDown, Unreachable):
            explore(
                self.session, self.templates, self.reset, seed=self.config.seed,
                budget=self.client.left or 0,
            )  # fmt: skip

    def _shorten(self) -> None:
        """Cut the first violation of each statement by each method to what it rests on."""
        if self.client.is_time_up:
            return
        history = [*self.client.history]
        if self.client.renewed:
            history = history[: min(self.client.renewed) - 1]
        for found in self.session.findings.by_statement.values():
            for violation in {each.method: each for each in reversed(found.violations)}.values():
                if not violation.witness:
                    log = shorten(violation, history, self.session)
                    violation.witness = tuple(each.call for each in log)

    def _take_inventory(self) -> None:
        guard = self.session.guard
        if self.inventory is None or guard is None:
            return
        try:
            self.said = self.inventory.compare({*guard.touched, *self.session.changed})
        except (TargetDown, BudgetSpent, Unreachable) as error:
            self.said = f"the webhook requests that must not change were not compared: {error}"

    def leave_out_the_rest(self, why: str) -> None:
        """Say of what was not tried why it was not."""
        self.left_out = why

    def miss(self) -> None:
        """Say of each statement that has no verdict what the run lacked for it."""
        findings = self.session.findings
        for each in checked_statements(self.target.release.name):
            found = findings.by_statement.get(each.id)
            if found is None or not (found.held or found.breaks):
                why = why_not(each.id, self.session, self.campaign.missed)
                findings.miss([each.id], why or self.left_out or "no request of this run tested it")

    def _show_progress(self, what: str) -> None:
        if self.config.progress is None:
            return
        client, planned, time = self.client, self.client.limits.max_requests or 0, ""
        if client.sent:
            each = (client.now() - self.began) / client.sent
            left = min(each * (planned - client.sent), client.seconds_left)
            time = f", about {left:.0f} s left"
        found = counted(self.session.findings.breaks, "violation")
        self.config.progress(f"{client.sent} of {planned} requests, {found}{time}: {what}")

    def has_scope(self) -> bool:
        """Whether any webhook request that the run saw is one that it may change."""
        known = self.session.belief.known.values()
        return any(self.session.may_change(each.record) for each in known)

    def has_read(self) -> bool:
        """Whether any webhook request was shown or listed; from a withdrawn method none can be."""
        if self.is_discovered and self.session.method("list").deprecated:
            return True
        reads = (each for each in self.client.history if each.call.method in ("show", "list"))
        return any(each.records for each in reads)

    def changed(self) -> tuple[str, ...]:
        """Return the numbers of the webhook requests that served requests have changed."""
        return tuple(
            str(record.get("number"))
            for key, record in self._guard().touched.items()
            if key in self.session.changed
        )

    def unclear(self) -> tuple[str, ...]:
        """Return the numbers of others that were named in requests with no clear response."""
        numbers = {str(record.get("number")): None for record in self._guard().unclear.values()}
        return tuple(number for number in numbers if number not in self.changed())

    def _guard(self) -> Guard:
        assert self.session.guard is not None  # noqa: S101 - a run has one
        return self.session.guard


def run(target: Target, config: RunConfig) -> Results:
    """Check ``target`` and return the results; never raises what the target does to it."""
    if config.recording is not None:
        return run_recording(target, config)
    began = config.now()
    world = _world(target, config)
    if is_mock_to_ask(target) and not world.name and not config.dry_run and config.allowed is None:
        config = replace(config, allowed=frozenset())  # nobody allowed to change what is there
    target = world.target
    reset = target.renew or (world.reset if world.name else None)
    one = _Run(target, config, began + config.limits.max_time, reset)
    one.client.sent = world.requests
    trouble = None
    try:
        if config.dry_run:
            clear = config.allowed is not None or not target.near
            one.notes += dry_run_lines(one.session, one.templates, is_clear=clear)
        else:
            trouble = _other_release(world, target)
            with config.stop.at_once(), _rare_gc():
                trouble = trouble or _try_all(one)
    except KeyboardInterrupt:
        trouble = "interrupted"
        one.leave_out_the_rest(trouble)
    except Exception as error:  # noqa: BLE001 - what was found so far is worth a report
        trouble = _own_error(error)
        one.leave_out_the_rest(trouble)
    finally:
        one.client.close()
    if not config.dry_run:
        one.miss()
    found = statement_results(one.session.findings, target.release, config.deviations, config.only)
    if trouble is None and not config.dry_run:
        trouble = _own_trouble(one, found)
    if not any(result.verdict is Verdict.BROKEN for result in found):
        world.end()  # else its journal is worth a look; the mock ends it when it is idle
    service = one.session.oracle.service
    return Results(
        target=target,
        options=config.options,
        command=config.command,
        seed=config.seed,
        began=config.began,
        seconds=config.now() - began,
        statements=found,
        history=tuple(one.client.history),
        findings=one.session.findings,
        renewed=frozenset(one.client.renewed),
        changed=one.changed(),
        unclear=one.unclear(),
        inventory=one.said,
        trouble=trouble,
        notes=(*one.notes, *one.session.notes(), *service.recovered()),
        never_served=() if trouble else service.never_served(),
        warnings=tuple(_warnings(one, world)),
        dry_run=config.dry_run,
    )


@contextmanager
def _rare_gc() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _try_all(one: _Run) -> str | None:
    """Run everything; return why the run itself failed, where it did."""
    try:
        one.go()
    except TargetDown as error:
        one.leave_out_the_rest(str(error))
        return str(error)
    except BudgetSpent as error:
        one.leave_out_the_rest(str(error))
        if not one.has_read():
            one.cut_short = f"{error}, and no webhook request was read until then"
    except Unreachable as error:  # not even a token is to be had, or nothing can be read
        one.leave_out_the_rest(error.why)
        one.cut_short = error.why
    one.finish()
    one.config.stop.check()  # in case the exception was swallowed
    return None


# The target.


def _world(target: Target, config: RunConfig) -> SeparateWorld:
    """Return the world to check: on a mock that is near one that is made for the run."""
    if config.dry_run:
        return SeparateWorld(target)
    return separate_world(target, config.world or f"check-{config.seed}", config.admin_token)


def _other_release(world: SeparateWorld, target: Target) -> str | None:
    """Say what to do if a mock of ours says itself that it serves another release."""
    if world.release in ("", target.release.name):
        return None
    served, asked = world.release.removesuffix(".0.0"), target.release.name.removesuffix(".0.0")
    default = ", the default" if asked == "R9" else ""
    return (
        f"--release is {asked}{default}, and the mock at {target.name} serves {served}: give "
        f"--release {served}, or start the mock with --release {asked}"
    )


# What a run came to.


def _own_trouble(one: _Run, found: Sequence[StatementResult]) -> str | None:
    """Say why a run that came to its end has failed nevertheless, where it has."""
    crashes = one.session.findings.crashes
    if crashes:
        return f"an internal error of crmcom-kit: {'; '.join(crashes)}"
    if one.cut_short and not any(result.verdict is Verdict.BROKEN for result in found):
        return one.cut_short
    lost = [f"{name} {count} times" for name, count in one.session.given_up.items()]
    if lost:
        return f"a gateway answered {' and '.join(lost)}, and then none of its requests was served"
    if all(result.verdict is Verdict.NOT_EXERCISED for result in found):
        why = next((each.why for each in found), "")
        return f"no statement was checked{': ' if why else ''}{why}"
    return None


def _warnings(one: _Run, world: SeparateWorld) -> Iterator[str]:
    """Yield what a reader of the verdicts has to know, a sentence each."""
    if world.name:
        yield f"the run used a world of its own, {world.name}, and not the default world"
    elif is_mock_to_ask(one.target) and any(e.header(MOCK_HEADER) for e in one.client.history):
        why = world.refused or "the mock's control API does not respond"
        yield f"the run {'used' if one.config.allowed else 'only read'} the default world: {why}"
    if one.config.allowed and one.has_read() and not one.has_scope():
        yield "none of the webhook requests that the run saw is in its scope, so it changed none"
    if one.cut_short:
        yield f"the run ended early: {one.cut_short}"
    if one.client.is_time_up:
        sent, limit = one.client.sent, one.config.limits.max_time
        yield (
            f"the time limit ended the run after {sent} requests; allow more than --max-time "
            f"{limit:g} for the rest"
        )


def _own_error(error: Exception) -> str:
    """Say what went wrong in the kit itself, and where: no verdict on the target."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    where = step.tb_frame.f_code.co_name if step is not None else "?"
    what = shortened(f"{type(error).__name__}: {error}")
    return f"an internal error of crmcom-kit, in {where}: {what}"


def _known(session: Session) -> Iterator[str]:
    """Say how many webhook requests are known, by state and scope, and how many are changed."""
    records = [*session.records.values()]
    counts = {state: sum(e.get("life_cycle_state") == state for e in records) for state in STATES}
    scoped = sum(map(session.may_change, records))
    found = ", ".join(f"{count} {state}" for state, count in counts.items())
    yield f"known: {len(records)} webhook requests ({found}), {scoped} of them in scope"
    for (method, state), count in needs(session.scene).items():
        yield f"{method}: about {count} {state} webhook requests in scope are used at first"
