"""Run the state machine against a session's target."""

import hashlib
from collections.abc import Callable

from hypothesis import seed as seeded
from hypothesis.stateful import get_state_machine_test, run_state_machine_as_test

from crmcom_kit.contract_tests.client.http import TargetDown
from crmcom_kit.contract_tests.options import Profile
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.exploration import Broken, Exploration, Stopped
from crmcom_kit.contract_tests.stateful.machine import ABOUT, RequestMachine
from crmcom_kit.contract_tests.stateful.profiles import examples, machine_settings, uses_seed

#: Rules in one example, on a mock of our own and elsewhere.
STEPS, STEPS_ELSEWHERE = 50, 20

#: So many statements are made smaller, each in a round of its own; more are found, and left as they are.
MAX_ROUNDS = 6

#: Bytes that one example is drawn from, elsewhere.
_BYTES = 8192


class NothingDrawn(Exception):
    """No example could be drawn to its end."""


def run_stateful(
    session: Session, *, max_examples: int, profile: Profile, seed: int, only: str = "*"
) -> None:
    """Let Hypothesis combine requests; everything that comes back is checked by the session.

    On a mock of the kit's own each example starts from a fresh world, and Hypothesis makes the
    first example smaller that breaks a statement; then the next round looks for others. On any
    other target the examples follow each other: they change only what is in scope, and end when
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
    with exploration.exploring():
        try:
            run = _run_own if exploration.own else _run_elsewhere
            run(exploration, profile, times, seed)
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not pass unseen
            if exploration.stopped is None:
                session.findings.crash("the state machine", error)
    if isinstance(exploration.stopped, TargetDown):
        raise exploration.stopped
    if not exploration.complete and exploration.stopped is None and not exploration.known:
        error = NothingDrawn(f"none of {exploration.examples} examples came to its end")
        session.findings.crash("the state machine", error)


def _machine(exploration: Exploration) -> Callable[[], RequestMachine]:
    """Return what makes a machine: no class for each run, since Hypothesis keeps them for good."""

    def request_machine() -> RequestMachine:
        return RequestMachine(exploration)

    return request_machine


def _run_own(exploration: Exploration, profile: Profile, times: int, seed: int) -> None:
    """Look for one statement after the other, each round without those that broke before."""
    for at in range(MAX_ROUNDS + 1):
        left = times - exploration.examples
        if left <= 0:
            return
        exploration.raises = at < MAX_ROUNDS
        machine = _machine(exploration)
        if uses_seed(profile):
            machine = seeded(seed + at)(machine)
        chosen = machine_settings(profile, left, STEPS)
        try:
            run_state_machine_as_test(machine, settings=chosen)  # type: ignore[arg-type]
        except Broken:
            pass
        except Exception:
            if exploration.broken is None:
                raise
            # It broke, and not again: an answer that depends on more than the requests.
        else:
            return
        exploration.next_statement()


def _run_elsewhere(exploration: Exploration, profile: Profile, times: int, seed: int) -> None:
    """Run examples one after the other, each drawn from bytes of its own.

    Hypothesis's own loop takes for granted that the same choices lead to the same draws. A server
    that keeps its content cannot promise that, so the loop is here, and nothing is made smaller
    by trying again: see ``minimizing``.
    """
    chosen = machine_settings("ci", times, STEPS_ELSEWHERE)
    test = get_state_machine_test(_machine(exploration), settings=chosen)  # type: ignore[arg-type]
    for at in range(times):
        noise = hashlib.shake_256(f"{seed}/{at}".encode()).digest(_BYTES)
        test.hypothesis.fuzz_one_input(noise)  # type: ignore[attr-defined]
    del profile
