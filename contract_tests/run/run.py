"""Run a campaign against a target within its limits, and return the results."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.tokens import KnownTokens
from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.conclusions import conclude
from crmcom_kit.contract_tests.campaign.connection import Connection
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.dry_run import dry_run_lines
from crmcom_kit.contract_tests.campaign.lacks import lacks, why_not_exercised
from crmcom_kit.contract_tests.campaign.passes import Passes
from crmcom_kit.contract_tests.campaign.planning import (
    few_logins,
    first_pass,
    max_changes,
    sendable,
    templates_for,
)
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.shortening import shorten, with_changes
from crmcom_kit.contract_tests.client.errors import BudgetSpent, TargetDown, Unreachable
from crmcom_kit.contract_tests.client.http import Client
from crmcom_kit.contract_tests.client.logins import ANY_LOGINS, Logins
from crmcom_kit.contract_tests.client.made_up import nowhere
from crmcom_kit.contract_tests.client.separate_world import SeparateWorld, separate_world
from crmcom_kit.contract_tests.client.targets import MOCK_HEADER, Target
from crmcom_kit.contract_tests.client.wording import counted, shortened
from crmcom_kit.contract_tests.options.options import CHANGES, SUCCESSFUL_RESEND
from crmcom_kit.contract_tests.options.scope import EVERYTHING, NOTHING
from crmcom_kit.contract_tests.oracle.findings import Findings, Verdict
from crmcom_kit.contract_tests.oracle.parsing import READ_METHODS
from crmcom_kit.contract_tests.oracle.service import failures
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.recording import run_recording
from crmcom_kit.contract_tests.run.results import Results, StatementResult, statement_results
from crmcom_kit.contract_tests.safety.inventory import Inventory
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.templates import Scene
from crmcom_kit.schemas.members import value_at

#: How many requests a run sends by default.
DEFAULT_REQUESTS = 1_500
#: A run about some statements sends at most this many times the requests of its first pass.
MAX_TIMES = 3
#: How many definitions an error names if none of them is in scope.
MAX_NAMES = 10
#: The share of the kit's own time that a request takes if its response is already known.
_AGAIN = 0.25
#: The part of a run's time that is kept for the inventory, which comes last.
_FOR_THE_END = 0.05


class ScopeEmpty(Exception):
    """None of the webhook requests that were found is in the scope of the run."""


def new_session(
    target: Target,
    config: RunConfig,
    findings: Findings | None = None,
    *,
    may_find_more: bool = False,
    ends_at: float = math.inf,
) -> Session:
    """Return a session for ``target`` that has sent nothing yet.

    ``findings``: see ``Connection``; ``may_find_more``: see ``Guard``; ``ends_at``: see ``Client``.
    """
    client = Client(target, config.limits, ends_at=ends_at, now=config.now, sleep=config.sleep)
    belief = Belief(target.release, KnownTokens(target.login))
    scene = Scene(belief, token=target.login.token, nowhere=nowhere(config.seed))
    if not target.is_own and config.max_logins != ANY_LOGINS:
        scene.logins = Logins(config.max_logins, config.login_count)
    ledger = Ledger(config.ledger, target) if config.ledger is not None else None
    connection = Connection(client, scene, findings, config.stop)
    session = Session(connection, ledger, may_find_more=may_find_more)
    _permit(session, config, is_ours=target.is_own)
    return session


def enter(session: Session, config: RunConfig) -> None:
    """Log in; if that shows a crmcom-kit mock on this machine, all may be changed by default.

    A server elsewhere is never taken for a mock, whatever it says of itself.

    Raises:
        TargetDown, Unreachable: see ``Tokens.enter``.
        LedgerFailed: the ledger cannot be written, and nothing was sent.
    """
    if config.ledger is not None:
        Ledger(config.ledger, session.target).open()
    session.tokens.enter()
    if session.target.is_near and _says_it_is_a_mock(session):
        _permit(session, config, is_ours=True)


def _says_it_is_a_mock(session: Session) -> bool:
    return any(exchange.header(MOCK_HEADER) for exchange in session.client.history)


def _permit(session: Session, config: RunConfig, *, is_ours: bool) -> None:
    """Set what may be changed: on a mock of ours anything, unless the options say less."""
    allowed_methods, scope = config.allowed, config.scope
    if is_ours:
        allowed_methods = frozenset(CHANGES) if allowed_methods is None else allowed_methods
        scope = EVERYTHING if scope is None else scope
    session.scene.allowed = allowed_methods or frozenset()
    session.scene.scope = scope or NOTHING


def run(target: Target, config: RunConfig) -> Results:
    """Check ``target`` and return the results, whatever the target does.

    Raises RecordingError if a recording is not of one content.
    """
    if config.recording is not None:
        return run_recording(target, config)
    world = separate_world(target, config.world)
    this_run = _Run(world, _sparing(world, config))
    try:
        with config.stop.at_once():
            this_run.go()
    except KeyboardInterrupt:
        this_run.fail("interrupted")
    except Exception as error:  # noqa: BLE001 - the findings so far are worth a report
        this_run.fail(_internal_error(error))
    finally:
        this_run.client.close()
    try:
        results = this_run.results()
    except Exception as error:  # noqa: BLE001 - what was changed is worth a report
        this_run.fail(_internal_error(error))
        results = this_run.bare_results()
    if not _is_broken(results.statements):  # a broken one may be looked at in the world
        world.end()
    return results


def _internal_error(error: Exception) -> str:
    text = shortened(f"{type(error).__name__}: {error}")
    return f"an internal error of crmcom-kit: {text}"


def _is_broken(statements: Sequence[StatementResult]) -> bool:
    return any(result.verdict is Verdict.BROKEN for result in statements)


def _sparing(world: SeparateWorld, config: RunConfig) -> RunConfig:
    """Return a configuration that spares a mock's default world unless changes are allowed.

    In a world of its own, the run may log in as often as it likes.
    """
    if world.name:
        return replace(config, max_logins=ANY_LOGINS)
    is_spared = world.may_be_default_world and config.allowed is None
    return replace(config, allowed=frozenset()) if is_spared else config


def dry_run(target: Target, config: RunConfig) -> list[str]:
    """Return what a run would request, a line each; nothing is sent."""
    config, _ = _with_budget(config)
    session = new_session(target, config)
    return list(dry_run_lines(session, templates_for(config.only, session.scene)))


def _with_budget(config: RunConfig) -> tuple[RunConfig, int]:
    """Return the configuration with a maximum number of requests, and this number."""
    limit = config.limits.max_requests or DEFAULT_REQUESTS
    return replace(config, limits=replace(config.limits, max_requests=limit)), limit


class _Coverage(NamedTuple):
    """What a run has not seen, in sentences, as ``Results`` has it."""

    inconclusive: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


class _Run:
    """One run: its session, and what the results are made of."""

    def __init__(self, world: SeparateWorld, config: RunConfig) -> None:
        self.world, self.target = world, world.target
        self.began = config.now()
        ends_at = self.began + config.limits.max_time - config.kept_time
        limited_config, self.max_requests = _with_budget(config)
        self.session = new_session(self.target, limited_config, ends_at=ends_at)
        self.config, self.client = config, self.session.client
        self.templates = templates_for(config.only, self.session.scene)
        self.campaign = Campaign(self.session, progress=self._show_progress)
        self.notes: list[str] = []
        self.inventory: Inventory | None = None  # once webhook requests were listed
        self.inventory_outcome = ""
        self.end_reason = ""  # why it ended before all was tried
        self.is_too_soon = False  # whether it ended before anything was read
        self.trouble: str | None = None  # why the run itself failed

    def fail(self, why: str) -> None:
        """Keep why the run itself failed."""
        self.end_reason = self.trouble = why

    def go(self) -> None:
        """Try everything within the limits."""
        names = self.world.release, self.target.release.name
        if names[0] not in ("", names[1]):
            mock_release, run_release = (name.removesuffix(".0.0") for name in names)
            message = f"the mock at {self.target.name} serves {mock_release}, not {run_release}"
            self.fail(f"{message}: {self.config.remedy.format(mock_release)}")
            return
        try:
            self._log_in_and_try()
        except (TargetDown, ScopeEmpty) as error:
            self.fail(str(error))
            return
        except BudgetSpent as error:
            self.end_reason, self.is_too_soon = str(error), not self._has_read()
            if self.is_too_soon:
                self.end_reason += ", and no webhook request was read until then"
        except Unreachable as error:  # there is no token, or nothing can be read
            self.end_reason, self.is_too_soon = str(error), True
        self._finish()
        self.config.stop.check()  # in case the exception was swallowed

    def _log_in_and_try(self) -> None:
        self._show_progress("logging in")
        enter(self.session, self.config)
        lists = discover(self.session)
        self._check_scope()
        self.campaign.settle()
        self.inventory = Inventory(self.session.belief, self.session.call, lists)
        self._plan(self.inventory.cost)
        Passes(self.campaign).run(self.config.seed)

    def _check_scope(self) -> None:
        """Raise ScopeEmpty if the scope has none of the webhook requests that were found."""
        scope = self.config.scope
        if not self.config.allowed or scope is None or scope.everything:
            return
        records = [record.condensed for record in self.session.belief.records.existing()]
        if not any(record in scope for record in records):
            names = sorted({str(value_at(record, "webhook_definition.name")) for record in records})
            definitions = f"; their definitions: {', '.join(names[:MAX_NAMES])}" if names else ""
            count = counted(len(records), "webhook request")
            msg = f"none of the {count} that were found is in scope, so nothing was changed"
            raise ScopeEmpty(f"{msg}{definitions}")

    def _plan(self, cost_of_inventory: int) -> None:
        """Plan the first pass, and keep time and requests for what follows the campaign.

        A run about some statements ends when they have had enough, unless it has a budget.
        """
        client, limits = self.client, self.config.limits
        client.kept_time = limits.max_time * _FOR_THE_END
        server_seconds = sum(exchange.seconds for exchange in client.history)
        own_seconds = max(0.0, client.now() - self.began - server_seconds) * _AGAIN
        seconds = max((server_seconds + own_seconds) / client.sent, 1 / (limits.rate or math.inf))
        requests_left = self.max_requests - client.sent
        capacity = int(client.seconds_left / seconds) if seconds else 0
        if 0 < capacity < requests_left:
            requests_left = capacity
            self.notes.append(
                f"a request takes {seconds:.2g} s: about {client.sent + requests_left} fit into "
                f"--max-time {limits.max_time:g}, and the run plans for these"
            )
        reserve = min(cost_of_inventory, requests_left // 3)
        budget = requests_left - reserve
        scene = self.session.scene
        templates = sendable(self.templates, scene)
        logins = few_logins(templates, scene, self.max_requests)
        self.session.changes_left = max_changes(templates, self.max_requests)
        plan = self.campaign.plan = first_pass(templates, logins, scene, budget)
        if limits.max_requests is None and self.config.only != "*":
            budget = min(budget, MAX_TIMES * plan.cost)
        client.kept_requests = reserve
        max_requests = client.sent + budget + reserve
        client.limits = replace(client.limits, max_requests=max_requests)

    def _finish(self) -> None:
        """Compare the inventory, settle suspicions, and draw the conclusions of the whole run."""
        self.client.kept_requests, self.client.kept_time = 0, 0.0
        if self.inventory is not None:
            touched_ids = {*self.session.guard.touched_records, *self.session.changed_ids}
            try:
                self.inventory_outcome = self.inventory.compare(touched_ids)
            except (TargetDown, BudgetSpent, Unreachable) as error:
                failure = "the webhook requests that must not change were not compared"
                self.inventory_outcome = f"{failure}: {error}"
        with suppress(TargetDown, BudgetSpent, Unreachable):
            self.campaign.settle()
        with suppress(TargetDown):
            conclude(self.session, self.config.secret_keys)
        if self.config.is_check:
            self._shorten()

    def _shorten(self) -> None:
        """Cut the first violation of each statement and method to the requests it rests on.

        All others keep the requests that found them.
        """
        for findings in self.session.findings.by_statement.values():
            methods = set[str]()
            for cause in findings.causes.values():
                violation = cause.violation
                if violation.method in methods:
                    log = with_changes(violation, self.session.belief.changes.sent)
                else:
                    log = shorten(violation, self.client.history, self.session)
                methods.add(violation.method)
                witness = tuple(exchange.call for exchange in log)
                cause.violation = replace(violation, witness=witness)

    def _show_progress(self, activity: str) -> None:
        client, total, time = self.client, self.client.limits.max_requests or 0, ""
        if client.sent:
            seconds = (client.now() - self.began) / client.sent
            seconds_left = min(seconds * (total - client.sent), client.seconds_left)
            time = f", about {seconds_left:.0f} s left"
        violations = ""
        if self.config.is_check:
            violations = f", {counted(self.session.findings.violation_count, 'violation')}"
        self.config.progress(f"{client.sent} of {total} requests{violations}{time}: {activity}")

    # The results.

    def _has_read(self) -> bool:
        """Return whether any webhook request was shown or listed, or list is withdrawn."""
        if self.inventory is not None and self.session.method("list").deprecated:
            return True
        history = self.client.history
        return any(exchange.records for exchange in history if exchange.call.method in READ_METHODS)

    def results(self) -> Results:
        """Return the results of what was seen."""
        config, session, end_reason = self.config, self.session, self.end_reason
        statements = statement_results(
            session.findings,
            self.target.release,
            config.deviations,
            config.only,
            lambda name: why_not_exercised(self.campaign, name, config.secret_keys, end_reason),
        )
        trouble = self.trouble or self._trouble_at_the_end(statements)
        coverage = _Coverage() if trouble else self._coverage()
        return replace(
            self.bare_results(),
            statements=statements,
            trouble=trouble,
            notes=(*self.notes, *session.notes()),
            never_served=() if trouble else session.oracle.service.never_served(),
            **coverage._asdict(),
            unsteady=session.belief.unsteady,
            warnings=tuple(self._warnings()),
        )

    def bare_results(self) -> Results:
        """Return the results without statements: what was sent and changed, and the trouble."""
        config = self.config
        return Results(
            target=self.target,
            command=config.command,
            seed=config.seed,
            began=config.began,
            seconds=config.now() - self.began,
            statements=(),
            history=tuple(self.client.history),
            changed=self.session.changed_numbers,
            inventory=self.inventory_outcome,
            trouble=self.trouble,
        )

    def _coverage(self) -> _Coverage:
        """Return what the run has not seen, compared with what is listed as not seen."""
        is_whole, service = self.config.only == "*", self.session.oracle.service
        all_lacks = [*lacks(self.campaign, self.templates, self.end_reason, is_whole=is_whole)]
        lack_names = {lack.what for lack in all_lacks}
        reasons = {entry.what: entry.reason for entry in self.config.not_seen}
        has_resent = self.session.belief.changes.has_resent
        unlisted_lacks = [lack for lack in all_lacks if lack.what not in reasons]
        return _Coverage(
            inconclusive=tuple(lack.why for lack in unlisted_lacks if not lack.is_tolerated),
            waived=(
                *(lack.why for lack in unlisted_lacks if lack.is_tolerated),
                *(
                    f"{name} was not seen, as listed ({reason})"
                    for name, reason in reasons.items()
                    if name in lack_names
                ),
            ),
            stale=tuple(
                f"{name} was seen, which is listed as not seen"
                for name in reasons
                if service.is_served(name) or (has_resent and name == SUCCESSFUL_RESEND)
            ),
        )

    def _trouble_at_the_end(self, statements: Sequence[StatementResult]) -> str | None:
        """Return why a run that came to its end has failed; None if it hasn't."""
        session = self.session
        if session.findings.crashes:
            return f"an internal error of crmcom-kit: {'; '.join(session.findings.crashes)}"
        if self.is_too_soon and not _is_broken(statements):
            return self.end_reason
        if all(result.verdict is Verdict.NOT_EXERCISED for result in statements):
            return f"no statement was checked: {statements[0].why}"
        return None

    def _warnings(self) -> Iterator[str]:
        """Yield what a reader of the verdicts has to know, sentence by sentence."""
        yield from failures(self.session.client.history)
        yield from self.session.warnings()
        session, world, allowed_methods = self.session, self.world, self.config.allowed
        if world.name:
            yield f"the run used a world of its own, {world.name}, and not the default world"
        elif world.may_be_default_world and _says_it_is_a_mock(session):
            why = world.reason or "the mock made no world for it"
            yield f"the run {'used' if allowed_methods else 'only read'} the default world: {why}"
        if self.is_too_soon:
            yield f"the run ended early: {self.end_reason}"
        if self.client.is_time_up:
            limit = self.config.limits.max_time
            yield (
                f"the time limit ended the run after {self.client.sent} requests; allow more than "
                f"--max-time {limit:g} for the rest"
            )
