"""The trace names what decided a request, and what came of it, in the order of causes."""

from typing import Any

import pytest
from helpers.mistakes import (
    DELETE,
    LIST,
    LOGIN,
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


def decision(call: EntryView) -> TraceStep:
    (found,) = [step for step in call.trace if step["step"] == "request"]
    return found


def chain(call: EntryView) -> list[tuple[Any, ...]]:
    """Return the steps of a trace in brief; the request is decided elsewhere."""
    steps = call.trace
    return [("request",) if one["step"] == "request" else (*one.values(),) for one in steps]


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
