"""Run the state machine against a session's target."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, Verbosity, settings
from hypothesis.errors import InvalidDefinition
from hypothesis.stateful import get_state_machine_test

from crmcom_kit.contract_tests.client.http import TargetDown
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.exploration import Broken, Exploration, Stopped
from crmcom_kit.contract_tests.stateful.machine import ABOUT, INITIAL, RequestMachine

#: Rules in one example, on a mock of our own and elsewhere; beside those that fill the bundles.
STEPS, STEPS_ELSEWHERE = 46, 22

#: Bytes that one example is drawn from; Hypothesis ends one that takes so many.
_BYTES = 8192


class NothingDrawn(Exception):
    """Most examples could not be drawn to their end."""


def run_stateful(session: Session, *, max_examples: int, seed: int, only: str = "*") -> None:
    """Let Hypothesis combine requests; everything that comes back is checked by the session.

    On a mock of the kit's own each example starts from a fresh world. On any other target the
    examples follow each other: they change only what is in scope, and end when the requests of
    the run are spent. If the machine cannot run, ``session.findings`` has an error.

    Args:
        session: what sends the requests; logged in, and with the webhook requests that are known.
        max_examples: how many examples, at most.
        seed: what the examples are drawn from.
        only: a glob of statement ids; rules that tell of none of these do not run.

    Raises:
        TargetDown: the target stopped answering.
    """
    exploration = Exploration(session, only)
    if max_examples <= 0 or session.client.left == 0 or not any(map(exploration.wants, ABOUT)):
        return
    names = [f"{seed}/{at}" for at in range(max_examples)]
    crashes = len(session.findings.crashes)
    with exploration.exploring():
        try:
            with suppress(Stopped):
                _run(exploration, names)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not pass unseen
            session.findings.crash("the state machine", error)
    if isinstance(exploration.stopped, TargetDown):
        raise exploration.stopped
    if exploration.stopped is None and len(session.findings.crashes) == crashes:
        _see_that_it_ran(exploration, len(names))


def _see_that_it_ran(exploration: Exploration, times: int) -> None:
    """Note an error if most examples could not be drawn: single ones may be cut short."""
    if exploration.complete * 2 < times:
        error = NothingDrawn(f"only {exploration.complete} of {times} examples were completed")
        exploration.session.findings.crash("the state machine", error)


def _machine(exploration: Exploration) -> Callable[[], RequestMachine]:
    """Return what makes a machine: no class for each run, since Hypothesis keeps them for good."""

    def request_machine() -> RequestMachine:
        return RequestMachine(exploration)

    return request_machine


def _run(exploration: Exploration, names: list[str]) -> None:
    """Run examples one after the other.

    Hypothesis's own loop makes most examples by changing a few draws of the one before, which
    leaves long sequences much alike; and it takes for granted that the same choices lead to the
    same draws, which no server promises that keeps its content. So the loop is here, with the
    interface for fuzzers: each example is drawn from bytes of its own, which its name leads to.
    """
    chosen = settings(
        stateful_step_count=INITIAL + (STEPS if exploration.own else STEPS_ELSEWHERE),
        database=None,
        deadline=None,  # a slow server breaks no statement
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=(HealthCheck.too_slow,),  # as above
    )
    test: Any = get_state_machine_test(_machine(exploration), settings=chosen)  # type: ignore[arg-type]
    for name in names:
        # A broken statement is noted already. InvalidDefinition: no rule has anything to work with.
        with suppress(Broken, InvalidDefinition):
            test.hypothesis.fuzz_one_input(hashlib.shake_256(name.encode()).digest(_BYTES))
