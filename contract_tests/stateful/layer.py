"""Run the state machine against a session's target."""

import hashlib
from collections.abc import Callable
from typing import Any
from unittest import SkipTest

from hypothesis.stateful import get_state_machine_test

from crmcom_kit.contract_tests.client.http import TargetDown
from crmcom_kit.contract_tests.options import Profile
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.exploration import Broken, Exploration, Stopped
from crmcom_kit.contract_tests.stateful.machine import ABOUT, INITIAL, RequestMachine
from crmcom_kit.contract_tests.stateful.profiles import examples, machine_settings

#: Rules in one example, on a mock of our own and elsewhere; beside those that fill the bundles.
STEPS, STEPS_ELSEWHERE = 46, 22

#: Bytes that one example is drawn from; Hypothesis ends one that takes so many.
_BYTES = 8192


class NothingDrawn(Exception):
    """Most examples could not be drawn to their end."""


def run_stateful(
    session: Session, *, max_examples: int, profile: Profile, seed: int, only: str = "*"
) -> None:
    """Let Hypothesis combine requests; everything that comes back is checked by the session.

    On a mock of the kit's own each example starts from a fresh world, and Hypothesis makes an
    example smaller that breaks a statement; the next ones go on without that one. On any other
    target the examples follow each other: they change only what is in scope, and end when
    the requests of the run are spent. If the machine cannot run, ``session.findings`` has an error.

    Args:
        session: what sends the requests; logged in, and with the webhook requests that are known.
        max_examples: how many examples, at most; a profile may try more.
        profile: see ``profiles``.
        seed: what ci and explore draw from.
        only: a glob of statement ids; rules that tell of none of these do not run.

    Raises:
        TargetDown: the target stopped answering.
    """
    exploration = Exploration(session, only)
    times = examples(profile, max_examples)
    if times <= 0 or session.client.left == 0 or not any(map(exploration.wants, ABOUT)):
        return
    crashes = len(session.findings.crashes)
    with exploration.exploring():
        try:
            _run(exploration, profile, times, seed)
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not pass unseen
            session.findings.crash("the state machine", error)
    if isinstance(exploration.stopped, TargetDown):
        raise exploration.stopped
    if exploration.stopped is None and len(session.findings.crashes) == crashes:
        _see_that_it_ran(exploration, times)


def _see_that_it_ran(exploration: Exploration, times: int) -> None:
    """Note an error if most examples could not be drawn: single ones may be cut short."""
    ended = exploration.complete + exploration.rounds
    if ended * 2 < times:
        error = NothingDrawn(f"of {times} examples only {ended} came to their end")
        exploration.session.findings.crash("the state machine", error)


def _machine(exploration: Exploration) -> Callable[[], RequestMachine]:
    """Return what makes a machine: no class for each run, since Hypothesis keeps them for good."""

    def request_machine() -> RequestMachine:
        return RequestMachine(exploration)

    return request_machine


def _run(exploration: Exploration, profile: Profile, times: int, seed: int) -> None:
    """Run examples one after the other, each drawn from bytes of its own.

    Hypothesis's own loop makes most examples by changing a few draws of the one before, which
    leaves long sequences much alike; and it takes for granted that the same choices lead to the
    same draws, which no server promises that keeps its content. So the loop is here, with the
    interface for fuzzers, and Hypothesis comes in with what it found in its database.
    """
    steps = INITIAL + (STEPS if exploration.own else STEPS_ELSEWHERE)
    chosen = machine_settings(profile, times, steps)
    test: Any = get_state_machine_test(_machine(exploration), settings=chosen)  # type: ignore[arg-type]
    if profile == "dev" and exploration.own:  # elsewhere nothing can be replayed
        _shrink(exploration, test)
    for at in range(times):
        try:
            test.hypothesis.fuzz_one_input(_noise(seed, at))
        except Broken:
            _shrink(exploration, test)


def _noise(seed: int, at: int) -> bytes:
    return hashlib.shake_256(f"{seed}/{at}".encode()).digest(_BYTES)


def _shrink(exploration: Exploration, test: Callable[[], None]) -> None:
    """Have Hypothesis replay what is in its database, and make smaller what breaks again."""
    try:
        test()
    except (Broken, Stopped):
        if exploration.stopped is not None:
            raise
    except SkipTest:
        pass  # the database is empty
    except Exception:
        if exploration.broken is None:
            raise
        # It broke, and not again: a response that depends on more than the requests.
    exploration.next_statement()
