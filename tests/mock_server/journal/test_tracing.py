"""The trace names what decided a request, and what came of it, in the order of causes."""

from typing import Any

import pytest
from helpers.asking import Asker
from helpers.mistakes import (
    DELETE,
    LIST,
    LOGIN,
    MISTAKES,
    NEEDS_MORE,
    RIGHT,
    Asked,
    get,
    post,
    resend,
    show,
)

from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.tracing import TraceStep
from crmcom_kit.schemas import dials, load_dialect
from crmcom_kit.schemas.statements import EVIDENCE, statement

SHARED = Asker()


def decision(call: CallView) -> TraceStep:
    """Return the step that says how a request was decided; what it says must be true."""
    (found,) = [step for step in call.trace if step["step"] == "request"]
    decided, evidence = found.get("statement"), found.get("evidence")
    assert found.get("dials", {}).keys() <= dials().keys()
    if decided is not None:
        assert statement(decided).evidence == evidence
    if evidence is not None:
        assert evidence in EVIDENCE
    return found


def chain(call: CallView) -> list[tuple[Any, ...]]:
    """Return the steps of a trace in brief; the request is decided elsewhere."""
    steps = call.trace
    return [("request",) if one["step"] == "request" else (*one.values(),) for one in steps]


@pytest.mark.parametrize("kind", [kind for kind in MISTAKES if kind not in NEEDS_MORE])
def test_a_refused_request_names_what_decided(kind: str) -> None:
    """The step is broken and has the response's statement, and the dials of the error's kind."""
    mistake = MISTAKES[kind]
    asker = Asker(mistake.release, load_dialect().changed(mistake.dials))
    asker.ask(mistake.asked)
    call = asker.told()
    found = decision(call)

    assert call.error_kind == kind
    assert (found["outcome"], found["statement"]) == ("broken", call.statement)
    assert found["evidence"] is not None
    settings = asker.world.dialect
    assert found["dials"][f"errors.{kind}.status"] == settings[f"errors.{kind}.status"]
    assert found["dials"][f"errors.{kind}.code"] == call.code


def test_the_chain_of_a_served_request() -> None:
    """A request that only reads ends with itself; others lead to changes, attempts and answers."""
    cases: list[tuple[Asked, list[tuple[Any, ...]]]] = [
        (show("number=7"), []),
        (get(LIST, entity="JOBS"), []),
        (post(LOGIN, RIGHT), []),
        (post(DELETE, webhook_request_identifier={"number": "7"}),
         [("change", "REJECTED", "DELETED")]),
        (resend(number="7"),
         [("change", "REJECTED", "SENDING"), ("attempt", 1), ("receiver", "success", 200),
          ("change", "SENDING", "SUCCESSFUL")]),
    ]  # fmt: skip
    for asked, steps in cases:
        asker = Asker()
        assert asker.ask(asked).json["status"]["code"] == "OK"
        call = asker.told()
        assert decision(call)["outcome"] == "held"
        assert chain(call) == [("request",), *steps]


def test_a_failed_delivery_leads_back() -> None:
    """A receiver that refuses leaves the record as it was, and the trace says so."""
    asker = Asker(dialect=load_dialect().changed({"delivery.script": "timeout"}))
    asker.ask(resend(number="7"))
    steps = chain(asker.told())
    assert steps[3][:2] == ("receiver", "timeout")
    assert steps[4] == ("change", "SENDING", "REJECTED")


def test_a_fault_is_told_apart_from_the_request() -> None:
    """A fault comes first, breaks no statement and makes no near miss."""
    for when, effect, outcome in [
        ("before_commit", {"status": 503}, "skipped"),
        ("before_commit", {"error": "not_rejected"}, "skipped"),
        ("after_commit", {"error": "not_rejected"}, "held"),
        ("after_commit", {"status": 502}, "held"),
        ("before_commit", {"delay": 0}, "held"),
    ]:
        SHARED.world.reset()
        SHARED.world.faults.add(
            {"name": "mine", "match": {"operation": "resend"}, "when": when, "effect": effect}
        )
        SHARED.ask(resend(number="7"))
        call = SHARED.told()

        assert decision(call)["outcome"] == outcome
        assert call.trace[0] == {"step": "fault"}
        assert call.fault["name"] == "mine"
        assert call.outcome == "accepted"
        assert call.near_miss is None
        state = (call.after or {}).get("life_cycle_state")
        assert state == (None if outcome == "skipped" else "SUCCESSFUL")
