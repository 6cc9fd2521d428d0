"""A call's trace has its steps in order, says where it ended, and how sure each rule is."""

from typing import Any

import pytest
from helpers.asking import Asker
from helpers.mistakes import (
    LIST,
    LOGIN,
    MISTAKES,
    NOT_MECHANICAL,
    ODD,
    RIGHT,
    Asked,
    get,
    post,
    resend,
    show,
)

from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.tracing import BROKEN, HELD, SKIPPED
from crmcom_kit.schemas import dials, load_dialect
from crmcom_kit.schemas.statements import EVIDENCE, statement

CALLS: list[tuple[str, str, dict[str, Any], Asked]] = [
    *((kind, "R13", {}, asked) for kind, asked, _ in MISTAKES),
    *((kind, "R13", changes, asked) for kind, changes, asked, _ in ODD),
    *((kind, release, changes, asked) for kind, release, changes, asked, _ in NOT_MECHANICAL),
]
FIRST = {kind: (kind, release, changes, asked) for kind, release, changes, asked in CALLS[::-1]}
SHARED = Asker()


def hold(told: CallView) -> list[str]:
    """Every step names what governs it, and what is said of that is true; return the outcomes."""
    for step in told.trace:
        assert set(step.dials) <= dials().keys()
        if step.statement is not None:
            assert statement(step.statement).evidence == step.evidence
        if step.step != "fault":
            assert step.statement is not None or step.dials
            assert step.evidence in EVIDENCE
    return [step.outcome for step in told.trace if step.step not in ("fault", "envelope")]


@pytest.mark.parametrize(("kind", "release", "changes", "asked"), FIRST.values(), ids=FIRST)
def test_a_refused_call_ended_at_one_step(
    kind: str, release: str, changes: dict[str, Any], asked: Asked
) -> None:
    """The steps before it held, it is broken by the answer's statement, the rest are skipped."""
    asker = Asker(release, load_dialect().changed(changes))
    asker.ask(asked)
    told = asker.told()
    outcomes = hold(told)

    assert told.error.kind == kind
    assert outcomes.count(BROKEN) == 1
    at = outcomes.index(BROKEN)
    assert set(outcomes[:at]) <= {HELD}
    assert set(outcomes[at + 1 :]) <= {SKIPPED}
    (broken,) = [step for step in told.trace if step.outcome == BROKEN]
    assert broken.statement == told.statement
    assert f"errors.status.{kind}" in broken.dials


@pytest.mark.parametrize(
    "asked",
    [show("number=7"), get(LIST, entity="JOBS"), resend(number="7"), post(LOGIN, RIGHT)],
    ids=["show", "list", "resend", "login"],
)
def test_every_step_of_a_served_call_held(asked: Asked) -> None:
    """A call that succeeds went through all of its method's steps."""
    SHARED.world.reset()
    assert SHARED.ask(asked).json["status"]["code"] == "OK"
    assert set(hold(SHARED.told())) == {HELD}


def test_the_order_of_token_and_parameters_is_the_dialect_s() -> None:
    """A dial decides which is looked at first, and the trace follows it."""
    steps: dict[bool, list[str]] = {}
    for first in (True, False):
        asker = Asker(dialect=load_dialect().changed({"errors.token_first": first}))
        asker.ask(show("number=7"))
        steps[first] = [step.step for step in asker.told().trace]
    assert steps[True].index("token") < steps[True].index("parameter names")
    assert steps[False].index("token") > steps[False].index("parameter values")
    assert sorted(steps[True]) == sorted(steps[False])


@pytest.mark.parametrize(
    ("when", "effect", "outcomes"),
    [
        ("before_commit", {"status": 503}, {SKIPPED}),
        ("before_commit", {"error": "not_rejected"}, {SKIPPED}),
        ("after_commit", {"error": "not_rejected"}, {HELD}),
        ("after_commit", {"status": 502}, {HELD}),
        ("before_commit", {"delay": {"type": "fixed", "milliseconds": 0}}, {HELD}),
    ],
)
def test_a_fault_is_told_apart_from_the_call(
    when: str, effect: dict[str, Any], outcomes: set[str]
) -> None:
    """A fault comes first in the trace, breaks no statement, and makes no near miss."""
    SHARED.world.reset()
    SHARED.world.faults.add(
        {"name": "mine", "match": {"operation": "resend"}, "when": when, "effect": effect}
    )
    SHARED.ask(resend(number="7"))
    told = SHARED.told()

    assert set(hold(told)) == outcomes
    assert (told.trace[0].step, told.trace[0].outcome) == ("fault", BROKEN)
    assert told.fault["name"] == "mine"
    assert told.matched
    assert told.near_miss is None
    assert (told.after or {}).get("life_cycle_state") == (
        None if outcomes == {SKIPPED} else "SUCCESSFUL"
    )


def test_a_call_s_own_mistake_under_a_fault_is_its_own() -> None:
    """Where a fault only delays, what the caller did wrong is still told."""
    SHARED.world.reset()
    delay = {"type": "fixed", "milliseconds": 0}
    SHARED.world.faults.add({"name": "slow", "effect": {"delay": delay}})
    SHARED.ask(show("number=0"))
    told = SHARED.told()

    assert told.fault["name"] == "slow"
    assert not told.matched
    assert told.near_miss["errorKind"] == "unknown_webhook_request"
    assert told.code == told.code.upper() != "OK"
