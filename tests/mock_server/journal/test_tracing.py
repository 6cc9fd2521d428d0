"""The trace names what decided a request, and what came of it, in the order of causes."""

from typing import Any

import pytest
from helpers.mistakes import (
    DELETE,
    LIST,
    LOGIN,
    MISTAKES,
    NEEDS_MORE,
    RIGHT,
    Asked,
    ask,
    get,
    last_call,
    post,
    resend,
    show,
)
from helpers.shells import RESEND, Shell

from crmcom_kit.mock_server.journal.entry_view import EntryView
from crmcom_kit.mock_server.journal.tracing import TraceStep
from crmcom_kit.schemas import load_dialect
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.statements import statement


def decision(call: EntryView) -> TraceStep:
    (found,) = [step for step in call.trace if step["step"] == "request"]
    return found


def chain(call: EntryView) -> list[tuple[Any, ...]]:
    """Return the steps of a trace in brief; the request is decided elsewhere."""
    steps = call.trace
    return [("request",) if one["step"] == "request" else (*one.values(),) for one in steps]


@pytest.mark.parametrize("kind", [kind for kind in MISTAKES if kind not in NEEDS_MORE])
def test_a_refused_request_names_what_decided(make_mock: Any, kind: str) -> None:
    """The step is broken and has the response's statement, and the dials of the error's kind."""
    mistake = MISTAKES[kind]
    mock = make_mock(mistake.release, dialect=load_dialect().changed(mistake.dials))
    for asked in filter(None, (mistake.before, mistake.asked)):
        ask(mock, asked)
    call = last_call(mock)
    step = decision(call)

    assert call.error_kind == error_kinds()[kind].get("like", kind)
    assert (step["outcome"], step["statement"]) == ("broken", call.statement)
    assert step["evidence"] == statement(call.statement or "").evidence
    settings = mock.world.config.dialect
    assert step["dials"][f"errors.{kind}.status"] == settings[f"errors.{kind}.status"]
    assert step["dials"][f"errors.{kind}.code"] == call.code


@pytest.mark.parametrize(
    ("asked", "delivery", "steps"),
    [
        (show("number=7"), "success", []),
        (get(LIST, entity="JOBS"), "success", []),
        (post(LOGIN, RIGHT), "success", []),
        (post(DELETE, webhook_request_identifier={"number": "7"}), "success",
         [("change", "REJECTED", "DELETED")]),
        (resend(number="7"), "success",
         [("change", "REJECTED", "SENDING"), ("attempt", 1), ("receiver", "success", 200),
          ("change", "SENDING", "SUCCESSFUL")]),
        (resend(number="7"), "timeout",
         [("change", "REJECTED", "SENDING"), ("attempt", 1), ("receiver", "timeout", None),
          ("change", "SENDING", "REJECTED")]),
    ],
)  # fmt: skip
def test_the_chain_of_a_served_request(
    make_mock: Any, asked: Asked, delivery: str, steps: list[tuple[Any, ...]]
) -> None:
    """A read ends with itself; other requests lead to changes, attempts and responses."""
    mock = make_mock("R13", dialect=load_dialect().changed({"delivery.script": delivery}))
    assert ask(mock, asked).http == 200
    call = last_call(mock)
    assert decision(call)["outcome"] == "held"
    assert chain(call) == [("request",), *steps]


@pytest.mark.parametrize(
    ("when", "effect", "outcome"),
    [
        ("before_commit", {"status": 503}, "skipped"),
        ("before_commit", {"error": "not_rejected"}, "skipped"),
        ("after_commit", {"error": "not_rejected"}, "held"),
        ("after_commit", {"status": 502}, "held"),
        ("before_commit", {"delay": 0}, "held"),
    ],
)
def test_a_fault_is_a_step_of_its_own_in_the_trace(when: str, effect: Any, outcome: str) -> None:
    """A fault comes first, breaks no statement and makes no near miss."""
    mock = Shell()
    mock.world.faults.add(
        {"name": "mine", "match": {"operation": "resend"}, "when": when, "effect": effect}
    )
    mock.call(RESEND)
    call = last_call(mock)

    assert decision(call)["outcome"] == outcome
    assert call.trace[0] == {"step": "fault"}
    assert call.fault["name"] == "mine"
    assert (call.outcome, call.near_miss) == ("accepted", None)
    assert call.state_after == (None if outcome == "skipped" else "SUCCESSFUL")
