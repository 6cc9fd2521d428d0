"""What calibration learns from how responses are worded, by kind and by case."""

import json
from collections.abc import Iterable
from typing import Any

from crmcom_kit.contract_tests.calibration.worded import Worded, learned_words, worded
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.targets import MockReply
from crmcom_kit.schemas import resolve

USUAL = {"status": 400, "code": "E1", "message": "{message} {details}", "description": ""}
OTHER = {"status": 415, "code": "E2", "message": "{message} {details}", "description": "{null}"}
R9 = resolve("R9")


def refusals(*outcomes: tuple[str, str, str, Any]) -> Iterable[Worded]:
    """Refusals of bodies, by method, parameter and what was seen."""
    for method, parameter, seen, parts in outcomes:
        facts = {"kind": "bad_body", "method": method, "parameter": parameter, "seen": seen}
        yield Worded(facts, {**parts, "data": "null"}, {})


def test_a_case_is_what_other_errors_of_the_kind_lack() -> None:
    """As few facts as tell it apart, and only what is different."""
    usual = [("resend", "body", "an array", USUAL)] * 5
    cases: Iterable[tuple[Any, Any]] = (
        ([("resend", "body", "a form", OTHER), ("delete", "body", "a form", OTHER)],
         {"seen": "a form"}),
        ([("token", "body", "", OTHER)], {"method": "token"}),
        ([("delete", "body", "not JSON", OTHER), ("resend", "body", "not JSON", USUAL)],
         {"method": "delete"}),
        ([("delete", "body", "null", OTHER), *[("resend", "body", "null", USUAL)] * 2,
          ("delete", "body", "", USUAL)], {"seen": "null", "method": "delete"}),
    )  # fmt: skip
    for seen, facts in cases:
        found = learned_words([*refusals(*usual, *seen)], R9)

        parts = {"status": 415, "code": "E2", "description": "{null}"}
        assert found["envelope.cases"].values == [[{"kind": "bad_body", **facts, **parts}]]
        assert found["errors.bad_body.code"].values == ["E1"]
        assert not found["errors.bad_body.code"].is_open
        assert found["errors.message_form"].values == ["text"]
        assert found["errors.data"].values == ["null"]


def test_what_names_a_webhook_request_is_refused_as_show_is() -> None:
    """By resend and delete, unless they were seen."""
    outcomes = [("resend", "", "empty", USUAL), *[("show", "", "empty", OTHER)] * 2]

    found = learned_words([*refusals(*[("list", "", "empty", USUAL)] * 3, *outcomes)], R9)

    methods = [case["method"] for case in found["envelope.cases"].values[0]]
    assert methods == ["show", "delete"]


def test_what_contradicts_itself_is_no_case() -> None:
    """Equal requests that were refused in two ways leave the kind open."""
    outcomes = [("show", "body", "null", parts) for parts in (USUAL, OTHER, USUAL)]

    found = learned_words([*refusals(*outcomes)], R9)

    assert "envelope.cases" not in found
    assert found["errors.bad_body.code"].values == ["E1", "E2"]
    assert found["errors.bad_body.code"].is_open


def success(method: str, data: Any, message: Any, matches: int = 0) -> Worded:
    """A served exchange with a message."""
    status = {"code": "OK", "message": message, "description": message and ""}
    content = json.dumps({"status": status, "data": data}).encode()
    call = Call(method, "GET", f"webhook_requests/{method}")
    found = worded(
        Exchange(1, call, 200, (), content, 0), MockReply(200, (), b"", {}, matches or None)
    )
    assert found is not None
    return found


ONE, TWO = {"id": "A7", "number": "17"}, {"id": "B8", "number": "18"}
REJECTED = {**ONE, "life_cycle_state": "REJECTED"}
LISTS = [
    success("list", [ONE], "1 record found."), success("list", [ONE, TWO], "2 records found."),
    success("list", [], "Nothing."), success("list", [ONE] * 3, "3 records found."),
    success("list", [ONE], "1 record found."), success("list", [], "Nothing."),
    success("list", [ONE] * 4, "4 records found."), success("list", [ONE, TWO], "First 2 of 5", 5),
    success("list", [ONE], "First 1 of 6", 6),
]  # fmt: skip


SUCCESSES: list[tuple[list[Worded], Any]] = [
    ([success("show", ONE, None), success("list", [], None)], None),
    ([success("show", ONE, "Hi"), success("list", [ONE], "Hi")], [{"message": "Hi"}]),
    ([success("show", ONE, "17 is A7"), success("show", TWO, "18 is B8"),
      *[success("list", [ONE], "")] * 3],
     [{"method": "show", "message": "{number} is {id}"}]),
    (LISTS, [
        {"results": "one", "message": "1 record found."},
        {"results": "none", "message": "Nothing."},
        {"results": "part", "message": "First {results} of {matches}"},
        {"message": "{results} records found."},
    ]),
    ([success("resend", REJECTED, "No"), success("resend", ONE, ""), success("show", TWO, ""),
      success("show", REJECTED, "")],
     [{"method": "resend", "state": "REJECTED", "message": "No"}]),
    ([success("token", {}, text) for text in ("at 1", "at 2", "at 2")], [{"message": "at 2"}]),
    ([success("show", ONE, ""), success("list", [ONE], "Done"), success("list", [], None),
      success("list", [ONE], "Done"), success("show", TWO, ""), success("show", ONE, "")],
     [{"method": "list", "results": "none", "message": "{null}", "description": "{null}"},
      {"method": "list", "message": "Done"}]),
]  # fmt: skip


def test_texts_of_successes_are_learned() -> None:
    """By method, by how many a list has, and by state; with placeholders for what they name."""
    for responses, cases in SUCCESSES:
        found = learned_words(responses, R9)

        expected = None if cases is None else [[{"kind": "success", **case} for case in cases]]
        assert (found["envelope.cases"].values if "envelope.cases" in found else None) == expected


def served(parameter: str, data: Any, method: str = "list") -> Worded | None:
    """What a server serves, and the mock refuses."""
    content = json.dumps({"status": {"code": "OK"}, "data": data}).encode()
    facts = {"kind": "bad_date", "method": method, "parameter": parameter, "seen": "a string"}
    call = Call(method, "GET", f"webhook_requests/{method}")
    return worded(Exchange(1, call, 200, (), content, 0), MockReply(200, (), b"", facts))


def test_an_error_that_is_served_is_a_case() -> None:
    """Without the parameter, or with an empty result; not if a method needs the parameter."""
    usual = {**USUAL, "data": "null", "served": "no"}
    refused = {"kind": "bad_date", "method": "list", "parameter": "url", "seen": "a string"}
    refusals = [Worded(refused, usual, {})] * 2
    responses = [*refusals, served("created_date", [ONE]), served("entity", [])]

    found = learned_words([r for r in responses if r is not None], R9)

    case = {"kind": "bad_date", "parameter": "created_date", "served": "without"}
    assert found["envelope.cases"].values == [
        [case, {**case, "parameter": "entity", "served": "empty"}]
    ]
    assert found["errors.bad_date.code"].values == ["E1"]
    assert served("token", [ONE]) is None
    assert served("webhook_request_identifier", ONE, "show") is None
    assert served("fields_set", ONE, "show") is not None
