"""Begins a run: a kit that keeps to its plan's limits and scope, and is let in by the target."""

from collections.abc import Sequence

from crmcom_kit.contract_tests.client.http import Client
from crmcom_kit.contract_tests.client.login import log_in
from crmcom_kit.contract_tests.config import Plan
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.safety.scope import EVERYTHING, Guard
from crmcom_kit.contract_tests.session import Judge, Kit
from crmcom_kit.contract_tests.targets import MOCK_HEADER, Target

#: The methods that change webhook requests.
CHANGING = frozenset(("resend", "delete"))


def hands_on(target: Target, plan: Plan, *, judges: Sequence[Judge] = ()) -> tuple[Kit, Guard]:
    """Return a kit for ``target`` that has called nothing yet, and the guard of what it changes."""
    kit = Kit(Client(target, plan.limits), judges=judges)
    kit.secret_keys, kit.stop = plan.secret_keys, plan.stop
    guard = kit.guard = Guard(kit, _ledger(target, plan))
    _permit(kit, plan, ours=target.own)
    return kit, guard


def enter(kit: Kit, plan: Plan) -> None:
    """Log in; on a mock of ours anything may be changed from then on, if nothing else is said.

    That it is one is believed only of what is near, whatever a server elsewhere says of itself.

    Raises:
        TargetDown, Unreachable: see ``log_in``.
        LedgerFailed: it cannot be written; then nothing is sent.
    """
    ledger = _ledger(kit.target, plan)
    if ledger is not None:
        ledger.open()
    log_in(kit)
    if kit.target.near and any(exchange.header(MOCK_HEADER) for exchange in kit.client.history):
        _permit(kit, plan, ours=True)


def _ledger(target: Target, plan: Plan) -> Ledger | None:
    return Ledger(plan.ledger, target.base_url) if plan.ledger is not None else None


def _permit(kit: Kit, plan: Plan, *, ours: bool) -> None:
    """Say what may be changed. A mock that this process made is at its mercy in any case."""
    allowed, scope = plan.allowed, plan.scope
    if ours:
        allowed = CHANGING if allowed is None or kit.target.own else allowed
        scope = EVERYTHING if scope is None or kit.target.own else scope
    kit.allowed = allowed or frozenset()
    kit.pool.may_change = scope or (lambda _: False)
