"""Run all layers in their order against a target, and return the results."""

import fnmatch
import gc
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from crmcom_kit.contract_tests.checks.history import READS
from crmcom_kit.contract_tests.client.http import BudgetSpent, Client, Limits, TargetDown
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.dry_run import dry_run_lines
from crmcom_kit.contract_tests.findings import Unreachable, Verdict, shortened
from crmcom_kit.contract_tests.login import log_in
from crmcom_kit.contract_tests.options import CHANGES
from crmcom_kit.contract_tests.probes.budget import Budget
from crmcom_kit.contract_tests.probes.registry import Probe, probes
from crmcom_kit.contract_tests.recorded.judging import run_recording
from crmcom_kit.contract_tests.results import Results, StatementResult, statement_results
from crmcom_kit.contract_tests.safety.discovery import discover, needs, witnesses
from crmcom_kit.contract_tests.safety.inventory import Inventory
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.safety.scope import EVERYTHING, Guard, Scope
from crmcom_kit.contract_tests.separate_world import SeparateWorld, is_mock_to_ask, separate_world
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.layer import run_stateful
from crmcom_kit.contract_tests.targets import MOCK_HEADER, Target
from crmcom_kit.schemas.statements import statements

__all__ = ["RunConfig", "run"]

#: The methods that change webhook requests.
CHANGING = frozenset(CHANGES)

#: Objects that are made between two looks of the garbage collector at the young ones, and how many
#: of these looks come before one at older ones. What a run keeps are its exchanges; with Python's
#: own numbers a tenth of a run went into looking through them again and again.
_GC_THRESHOLDS = (50_000, 20, 100)


def new_session(
    target: Target, config: RunConfig, *, may_find_more: bool = False, ends_at: float = math.inf
) -> tuple[Session, Guard]:
    """Return a session for ``target`` that has sent nothing yet, and its guard of changes.

    ``may_find_more``: see ``Guard``; ``ends_at``: see ``Client``.
    """
    client = Client(target, config.limits, ends_at=ends_at, now=config.now, sleep=config.sleep)
    session = Session(client, seed=config.seed)
    session.secret_keys, session.stop = config.secret_keys, config.stop
    ledger = Ledger(config.ledger, target.base_url) if config.ledger is not None else None
    guard = session.guard = Guard(session, ledger, may_find_more=may_find_more)
    _permit(session, config, ours=target.own)
    return session, guard


def enter(session: Session, config: RunConfig) -> None:
    """Log in; on a mock of ours anything may be changed from then on, if nothing else is said.

    That it is one is believed only of what is near, whatever a server elsewhere says of itself.

    Raises:
        TargetDown, Unreachable: see ``log_in``.
        LedgerFailed: it cannot be written; then nothing is sent.
    """
    if config.ledger is not None:
        Ledger(config.ledger, session.target.base_url).open()
    log_in(session)
    if session.target.near and any(
        exchange.header(MOCK_HEADER) for exchange in session.client.history
    ):
        _permit(session, config, ours=True)


def _permit(session: Session, config: RunConfig, *, ours: bool) -> None:
    """Say what may be changed. A mock that this process made is at its mercy in any case."""
    allowed, scope = config.allowed, config.scope
    if ours:
        allowed = CHANGING if allowed is None or session.target.own else allowed
        scope = EVERYTHING if scope is None or session.target.own else scope
    session.allowed = allowed or frozenset()
    session.pool.may_change = scope or (lambda _: False)


#: So many lost responses of one method are no hiccup, if none of its requests is served after them.
MAX_LOST = 3
#: Requests for so many times the cost of all probes are enough to follow everything up.
_ALL_TIMES = 5
#: The part of a run's time that is kept for what comes last: the inventory.
_FOR_THE_END = 0.05


def _plan(limits: Limits) -> Iterator[str]:
    """Yield how many requests fit into the time, if that is less than may be sent otherwise."""
    planned = limits.planned()
    if planned != limits:
        yield (
            f"at --rate {limits.rate:g}, {planned.max_requests} requests fit into --max-time "
            f"{limits.max_time:g}: the run plans for these"
        )


class _Run:
    """One run: its session, and what is kept beside it until the results are made."""

    def __init__(self, target: Target, config: RunConfig, ends_at: float) -> None:
        self.target, self.config = target, config
        planned = replace(config, limits=config.limits.planned())
        self.session, self.guard = new_session(target, planned, ends_at=ends_at)
        self.client = self.session.client
        self.inventory: Inventory | None = None
        self.began = config.now()
        self._looked_after = "read"
        self._layer = ""
        self._planned: list[Probe] = []  # of this layer, where there is a budget
        self._times: int | None = None  # a probe's share, in its costs; None: as much as it wants
        self.budget: Budget | None = None  # where there are fewer requests than all probes take
        self.said = ""  # what the inventory came to
        self.cut_short = ""  # why the run could not go on, although the target answers
        self.notes: list[str] = list(_plan(config.limits))
        self.pending = [each for each in probes() if self.wants(each)]

    def all_layers(self) -> None:
        """Log in, find data, run every probe."""
        enter(self.session, self.config)
        for method in sorted(CHANGING - self.session.allowed):
            why = f"{method} is not allowed; allow it with --allow {method}"
            self._leave_out([probe for probe in self.pending if probe.layer == method], why)
        self.notes += needs(self.session.allowed)
        for line in self.notes:
            self._show_progress(line)
        lists = discover(self.session, self.session.pool.may_change)
        self._keep_witnesses()
        self.notes.append(_known(self.session))
        self._show_progress(self.notes[-1])
        self.inventory = Inventory(self.session, lists)
        self.client.reserved_time = self.config.limits.max_time * _FOR_THE_END
        self._plan_for_slow_target()
        left = self.client.left
        if left is not None:
            self.client.reserved = min(self.inventory.cost, left // 4)
            self._see_what_there_is(left - self.client.reserved)
        while (probe := self._next_probe()) is not None:
            self._between_layers(probe.layer)
            self._show_progress(f"{probe.layer}: {probe.name.replace('_', ' ')}")
            if self._probe(probe) and self.budget is not None:
                self.budget.know(probe)
            self.pending.remove(probe)
        self.session.shares_looks = False
        self._generated()

    def _keep_witnesses(self) -> None:
        """Where all may be changed, leave some alone: they show what reaches others."""
        pool = self.session.pool
        scope = pool.may_change
        if isinstance(scope, Scope) and scope.everything and not self.target.own:
            spared = witnesses(pool.known(), self.session.allowed)
            pool.may_change = replace(scope, spared=spared)

    def _generated(self) -> None:
        """Run the generated layers; on a mock of this process they start from a fresh one."""
        if self.session.target.own:  # what follows leaves nothing of this mock's world
            self.take_inventory()
            self.session.conclude()
            self.inventory = None
        self._show_progress("combined requests")
        config = self.config
        run_stateful(
            self.session,
            max_examples=config.max_examples,
            seed=config.seed,
            only=config.only,
        )

    def _between_layers(self, layer: str) -> None:
        """Between two layers, look once more at what the first one has changed.

        On a mock of our own all others are looked at as well: after the deletes it could not be
        told any more which of the two layers did it.
        """
        if layer == self._looked_after:
            return
        self._looked_after = layer
        self.session.follow_up.look_again()
        if layer == "delete" and self.target.own and self.client.left is None:
            self.take_inventory()

    def _plan_for_slow_target(self) -> None:
        """Set a budget if the time does not allow what all probes may send."""
        client = self.client
        took = client.now() - self.began
        fitting = int(client.seconds_left / took * client.sent) if took else None
        if fitting is None or fitting >= _ALL_TIMES * sum(each.cost for each in self.pending):
            return
        if client.left is None or fitting < client.left:
            client.limits = replace(client.limits, max_requests=client.sent + fitting)
            self.notes.append(
                f"a request takes {took / client.sent:.1f} s: about {client.sent + fitting} fit "
                f"into --max-time {client.limits.max_time:g}, and the run plans for these"
            )

    def _see_what_there_is(self, budget: int) -> None:
        """Choose probes where the limit does not allow all of them."""
        self._times = max(1, budget // (sum(each.cost for each in self.pending) or 1))
        # Else there is enough to look around as well.
        self.session.small_budget = self._times < _ALL_TIMES
        if self._times == 1:
            known = statements(self.target.release.name)
            wanted = [each.id for each in known if each.unchecked is None]
            found = self.session.findings
            self.budget = Budget(fnmatch.filter(wanted, self.config.only), found.looks)

    def _next_probe(self) -> Probe | None:
        """Return the probe that is next; within a budget the next one that is worth its cost.

        What is left of a layer's plan is spent on another plan of the same layer: of what was
        left out at first, in the light of what the run knows by then.
        """
        while self.pending:
            layer = self.pending[0].layer
            if self.budget is None:
                return self.pending[0]
            if layer != self._layer or not self._planned:
                chosen = self.budget.worthwhile(self.pending, self.client.left or 0)
                self._planned = [each for each in chosen if each.layer == layer]
                self._layer = layer
            if self._planned:
                return self._planned.pop(0)
            why = f"skipped, to send at most {self.client.limits.max_requests} requests"
            self._leave_out([each for each in self.pending if each.layer == layer], why)
        return None

    def _leave_out(self, left_out: Sequence[Probe], why: str) -> None:
        for probe in left_out:
            self.session.findings.miss(probe.statements, why)
        self.pending = [probe for probe in self.pending if probe not in left_out]

    def leave_out_the_rest(self, why: str) -> None:
        """Say of all probes that did not come to their end why they did not."""
        for probe in self.pending:
            self.session.findings.miss(probe.statements, why)

    def wants(self, probe: Probe) -> bool:
        """Whether any statement of ``probe`` is asked for."""
        return any(fnmatch.fnmatchcase(each, self.config.only) for each in probe.statements)

    def _probe(self, probe: Probe) -> bool:
        """Run a probe; return whether it came to its end."""
        self.session.layer = "probe"
        self.session.shares_looks = self.session.small_budget and not probe.afresh
        is_limited = self._times is not None and not probe.finds_causes
        try:
            with self.session.within(probe.cost * (self._times or 1) if is_limited else None):
                probe.run(self.session)
        except Unreachable as missed:
            self.session.findings.miss(probe.statements, missed.why)
        except (TargetDown, BudgetSpent):
            raise
        except Exception as error:  # noqa: BLE001 - a check that fails is no verdict on the target
            self.session.findings.crash(f"the probe {probe.name}", error)
            self.session.findings.miss(probe.statements, "an internal error of crmcom-kit")
        else:
            return True
        return False

    def take_inventory(self) -> None:
        """Compare what was not to be changed with how it was."""
        if self.inventory is None:
            return
        self.client.reserved, self.client.reserved_time = 0, 0.0
        try:
            self.said = self.inventory.compare(self.guard.touched)
        except (TargetDown, BudgetSpent, Unreachable) as error:
            self.said = f"the webhook requests that must not change were not compared: {error}"

    def finish(self) -> None:
        """Compare once more, and judge what only the whole run tells."""
        if self.inventory is not None:
            self.take_inventory()
            with suppress(TargetDown, BudgetSpent, Unreachable):
                self.session.conclude()
        with suppress(TargetDown):
            self.session.judge_failures()

    def _show_progress(self, line: str) -> None:
        if self.config.progress is not None:
            self.config.progress(line)

    def has_scope(self) -> bool:
        """Whether any webhook request that the run saw is one that it may change."""
        pool = self.session.pool
        return any(map(pool.may_change, (*pool.records.values(), *pool.deleted.values())))

    def has_read(self) -> bool:
        """Whether any webhook request was shown or listed, or the server says that none ever is."""
        reads = (each for each in self.client.history if each.call.method in READS)
        return bool(self.session.observed.withdrawn) or any(each.records for each in reads)

    def changed(self) -> tuple[str, ...]:
        """Return the numbers of the webhook requests that served calls have changed."""
        return tuple(
            str(record.get("number"))
            for key, record in self.guard.touched.items()
            if key in self.session.changed
        )

    def unclear(self) -> tuple[str, ...]:
        """Return the numbers of others that were named in calls with no clear answer."""
        numbers = {str(record.get("number")): None for record in self.guard.unclear.values()}
        return tuple(number for number in numbers if number not in self.changed())


def run(target: Target, config: RunConfig) -> Results:
    """Check ``target`` and return the results; never raises what the target does to it."""
    if config.next or os.environ.get("KIT_NEXT"):
        from crmcom_kit.contract_tests.next.run import run as run_next

        return run_next(target, config)
    if config.recording is not None:
        return run_recording(target, config)
    began = config.now()
    world = _world(target, config)
    if is_mock_to_ask(target) and not world.name and not config.dry_run and config.allowed is None:
        config = replace(config, allowed=frozenset())  # nobody allowed to change what is there
    target = world.target
    one = _Run(target, config, began + config.limits.max_time)
    one.client.sent = world.requests
    trouble = None
    try:
        if config.dry_run:
            clear = config.allowed is not None or not target.near
            one.notes += dry_run_lines(one.session, one.pending, is_clear=clear)
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
    found = statement_results(one.session.findings, target.release, config.deviations, config.only)
    if trouble is None and not config.dry_run:
        trouble = _own_trouble(one, found)
    if not any(result.verdict is Verdict.BROKEN for result in found):
        world.end()  # else its journal is worth a look; the mock ends it when it is idle
    service = one.session.checker.service
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
        notes=(
            *one.notes,
            *one.session.limit_notes(),
            *one.session.world.others.values(),
            *service.recovered(),
        ),
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


def _world(target: Target, config: RunConfig) -> SeparateWorld:
    """Return the world to check: on a mock that is near one that is made for the run."""
    if config.dry_run:
        return SeparateWorld(target)
    return separate_world(target, config.world or f"check-{config.seed}", config.admin_token)


def _other_release(world: SeparateWorld, target: Target) -> str | None:
    """Say what to do if a mock of ours says itself that it serves another release."""
    if world.release in ("", target.release.name):
        return None
    served, wanted = world.release.removesuffix(".0.0"), target.release.name.removesuffix(".0.0")
    default = ", the default" if wanted == "R9" else ""
    return (
        f"--release is {wanted}{default}, and the mock at {target.name} serves {served}: give "
        f"--release {served}, or start the mock with --release {wanted}"
    )


def _own_trouble(one: _Run, found: Sequence[StatementResult]) -> str | None:
    """Say why a run that came to its end has failed nevertheless, where it has."""
    crashes = one.session.findings.crashes
    if crashes:
        return f"an internal error of crmcom-kit: {'; '.join(crashes)}"
    if one.cut_short and not any(result.verdict is Verdict.BROKEN for result in found):
        return one.cut_short
    lost = [f"{name} {count} times" for name, count in one.client.lost.items() if count >= MAX_LOST]
    if lost:
        return f"a gateway answered {' and '.join(lost)}, and then none of its requests was served"
    if all(result.verdict is Verdict.NOT_EXERCISED for result in found):
        why = next((each.why for each in found if each.statement.unchecked is None), "")
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


def _try_all(one: _Run) -> str | None:
    """Run everything; return why the run itself failed, where it did."""
    try:
        one.all_layers()
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
    one.config.stop.check()  # whoever swallowed the exception
    return None


def _own_error(error: Exception) -> str:
    """Say what went wrong in the kit itself, and where: no verdict on the target."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    where = step.tb_frame.f_code.co_name if step is not None else "?"
    what = shortened(f"{type(error).__name__}: {error}")
    return f"an internal error of crmcom-kit, in {where}: {what}"


def _known(session: Session) -> str:
    """Say in a line how many webhook requests are known, by state and scope."""
    counts = {
        state: sum(1 for _ in session.pool.known(state)) for state in ("REJECTED", "SUCCESSFUL")
    }
    scoped = sum(session.pool.may_change(record) for record in session.pool.known())
    found = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"known: {len(session.pool)} webhook requests ({found}), {scoped} of them in scope"
