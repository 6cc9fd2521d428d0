"""What calibration learns from the texts of successes, and from the ways of refusing."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from crmcom_kit.contract_tests.calibration.refusals import Outcome, Refusal, learned_refusals
from crmcom_kit.contract_tests.calibration.success_texts import success_texts
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange

USUAL, OTHER = Outcome(400, "E1", "usual"), Outcome(415, "E2", "null")


def refusals(*outcomes: tuple[str, str, str, Outcome]) -> Iterable[Refusal]:
    """Refusals of bodies, by method, parameter and what was seen."""
    for method, parameter, seen, outcome in outcomes:
        facts = {"kind": "bad_body", "method": method, "parameter": parameter, "seen": seen}
        yield Refusal(facts, outcome)


@pytest.mark.parametrize(
    ("seen", "facts"),
    [
        ([("resend", "body", "a form", OTHER), ("delete", "body", "a form", OTHER)],
         {"seen": "a form"}),
        ([("token", "body", "", OTHER)], {"method": "token"}),
        ([("delete", "body", "not JSON", OTHER), ("resend", "body", "not JSON", USUAL)],
         {"method": "delete"}),
        ([("delete", "body", "null", OTHER), ("resend", "body", "null", USUAL),
          ("delete", "body", "", USUAL)], {"seen": "null", "method": "delete"}),
    ],
)  # fmt: skip
def test_a_case_is_what_other_errors_of_the_kind_lack(seen: Any, facts: Any) -> None:
    """As few facts as tell it apart."""
    usual = [("resend", "body", "an array", USUAL)] * 5

    found = learned_refusals([*refusals(*usual, *seen)])

    parts = {"status": 415, "code": "E2", "description": "null"}
    assert found["errors.cases"].values == [[{"kind": "bad_body", **facts, **parts}]]
    assert found["errors.bad_body.code"].values == ["E1"]
    assert not found["errors.bad_body.code"].is_open


def test_what_contradicts_itself_is_no_case() -> None:
    """Equal requests that were refused in two ways leave the kind open."""
    outcomes = [("show", "body", "null", each) for each in (USUAL, OTHER, USUAL)]

    found = learned_refusals([*refusals(*outcomes, ("list", "body", "null", OTHER))])

    assert "errors.cases" not in found
    assert found["errors.bad_body.code"].values == ["E1", "E2"]
    assert found["errors.bad_body.code"].is_open


def success(method: str, data: Any, message: Any) -> Exchange:
    """A served exchange with a message."""
    status = {"code": "OK", "message": message, "description": ""}
    content = json.dumps({"status": status, "data": data}).encode()
    return Exchange(1, Call(method, "GET", f"webhook_requests/{method}"), 200, (), content, 0)


ONE, TWO = {"id": "A7", "number": "17"}, {"id": "B8", "number": "18"}
REJECTED = {**ONE, "life_cycle_state": "REJECTED"}


@pytest.mark.parametrize(
    ("exchanges", "table", "evidence"),
    [
        ([success("show", ONE, None), success("list", [], "")], {}, "observed (2 responses"),
        ([success("show", ONE, "Hi"), success("list", [ONE], "Hi")],
         dict.fromkeys(("show", "list", "resend", "delete"), "Hi"),
         "observed (2 responses; resend and delete as other methods)"),
        ([success("show", ONE, "17 is A7"), success("show", TWO, "18 is B8"),
          success("list", [ONE, TWO], "Found 2."), success("list", [], "Found 0.")],
         {"show": "{number} is {id}", "list": "Found {results}."}, "observed (4 responses)"),
        ([success("show", ONE, "Part 17"), success("show", TWO, "Part 17")],
         {"show": "Part 17", "list": "Part 17", "resend": "Part 17", "delete": "Part 17"},
         "observed"),
        ([success("resend", REJECTED, "No"), success("show", ONE, "")],
         {"failed_resend": "No", "resend": "No"}, "observed (2 responses)"),
        ([success("token", {}, text) for text in ("at 1", "at 2", "at 2")], {"token": "at 2"},
         "unsettled (texts differ: token: 2 texts)"),
        ([success("show", ONE, ["odd"])], {}, "observed"),
    ],
)  # fmt: skip
def test_texts_of_successes_are_learned(exchanges: Any, table: Any, evidence: str) -> None:
    """By method, with placeholders for what a response is about; or they are left open."""
    found = success_texts(exchanges)["envelope.messages"]

    assert found.values == [table]
    assert found.evidence.startswith(evidence)
