"""Run the generated layers: single requests, then the state machine, within the budget."""

from contextlib import suppress
from typing import Any

from crmcom_kit.contract_tests.checks.all_checks import CHECKS
from crmcom_kit.contract_tests.client.http import BudgetSpent
from crmcom_kit.contract_tests.options import Profile
from crmcom_kit.contract_tests.safety.discovery import discover
from crmcom_kit.contract_tests.safety.pool import Pool, nameable
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.machine import CALLS, STEPS, run_machine
from crmcom_kit.contract_tests.stateful.model import Model, is_whole
from crmcom_kit.contract_tests.stateful.single_calls import run_generated
from crmcom_kit.contract_tests.stateful.stateful_run import begin_anew

#: The state machine has this part of the examples as its sequences.
_SEQUENCES = 2


def run_generated_layers(
    session: Session, *, max_examples: int, profile: Profile = "ci", number: int = 0
) -> None:
    """Run both generated layers on ``session``'s target.

    On a mock of its own they start from a fresh one. Elsewhere they work with what the run has
    found, change only what is in scope, and end without a word when the requests are spent.

    Args:
        session: the run's own.
        max_examples: how many calls of show and of list, at most.
        profile: how much is tried, see ``profiles``.
        number: the seed.

    Raises:
        TargetDown: the target stopped answering.
    """
    with suppress(BudgetSpent):  # what they did not try, the probes have tried
        _run(session, max_examples, profile, number)


def _run(session: Session, max_examples: int, profile: Profile, number: int) -> None:
    own = session.target.renew is not None
    hands_kit = _fresh_kit(session) if own else session
    model = _known(hands_kit)
    if not model.records:
        return
    times = max_examples
    left = session.client.left
    if left is not None:
        times = min(times, left // 5)  # two of them for single calls, the rest for sequences
    if times <= 0:
        return
    chosen: dict[str, Any] = {"profile": profile, "number": number}
    runner = run_generated(hands_kit, model, max_examples=times, **chosen)
    if own:
        begin_anew(hands_kit)
        model = _relearned(hands_kit)
    sequences = max(1, times // _SEQUENCES)
    if left is not None:
        sequences = max(1, min(sequences, (session.client.left or 0) // (CALLS * STEPS)))
    run_machine(hands_kit, model, runner.oracle, sequences=sequences, **chosen)


def _fresh_kit(session: Session) -> Session:
    """Return a session on a fresh mock, which shares the client and the findings of the run."""
    fresh = Session(
        session.client,
        allowed=session.allowed,
        pool=Pool(lambda _: True),
        checks=CHECKS,
        findings=session.findings,
    )
    fresh.secret_keys, fresh.stop = session.secret_keys, session.stop
    begin_anew(fresh)
    discover(fresh)
    return fresh


def _relearned(session: Session) -> Model:
    session.pool.clear()
    discover(session)
    return _known(session)


def _known(session: Session) -> Model:
    """Return a model of what the session's pool knows: webhook requests that were seen whole."""
    records = {
        key: each for key, each in session.pool.records.items() if is_whole(each) and nameable(each)
    }
    # Of a world that the kit has made it knows how many there are; a list may have a limit.
    made = sum("webhook_request" in each for each in session.target.entries)
    complete = session.target.own and 0 < made <= len(records) + len(session.pool.deleted)
    model = Model(records, session.pool.deleted, complete=complete)
    lists = (each for each in session.client.history if each.call.method == "list")
    plain = [each for each in lists if "number_of_results" not in each.call.parameters]
    model.largest[False] = max((each.count for each in plain), default=0)
    return model
