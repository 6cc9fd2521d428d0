"""Patterns ask what they say, of masked values, and none of them can hang a thread."""

import contextlib
import json
import subprocess
import sys
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.matchers import matcher
from crmcom_kit.mock_server.journal.patterns import matching
from crmcom_kit.mock_server.journal.safe_regex import Budget, JsonPath, TookTooLong, regex
from crmcom_kit.mock_server.usage_errors import UsageError

TOKEN = "a-token-of-tests"
API = "/crmapi/rest/v2/webhook_requests"
SHOW, LIST, RESEND, AGAIN, BROKEN = range(5)


@pytest.fixture(scope="module", name="calls")
def _calls() -> list[CallView]:
    world = make_world(tokens=[TOKEN], release="R13")
    client = create_app(world).test_client()
    client.get(
        f"{API}/show?token={TOKEN}&webhook_request_identifier=number=7",
        headers={"Accept-Language": "el"},
    )
    client.get(f"{API}/list?token={TOKEN}&entity=JOBS&odd=1&odd=LEADS&number_of_results=2")
    for _ in range(2):
        client.post(
            f"{API}/resend", json={"token": TOKEN, "webhook_request_identifier": {"number": "7"}}
        )
    client.post(f"{API}/resend", data=b'{"token": "abc"')
    return world.reader.calls()


@pytest.mark.parametrize(
    ("spec", "fitting"),
    [
        ({}, {SHOW, LIST, RESEND, AGAIN, BROKEN}),
        ({"method": "ANY"}, {SHOW, LIST, RESEND, AGAIN, BROKEN}),
        ({"method": "post"}, {RESEND, AGAIN, BROKEN}),
        ({"method": {"doesNotMatch": "P.*"}}, {SHOW, LIST}),
        ({"url": f"{API}/show?token={TOKEN}&webhook_request_identifier=number=7"}, {SHOW}),
        ({"url": f"{API}/show?token=another&webhook_request_identifier=number=7"}, {SHOW}),
        ({"url": f"{API}/show"}, set()),
        ({"urlPath": f"{API}/show"}, {SHOW}),
        ({"urlPattern": f"{API}/show.*number=[0-9]"}, {SHOW}),
        ({"urlPathPattern": ".*/(show|list)"}, {SHOW, LIST}),
        ({"queryParameters": {"odd": {"equalTo": "LEADS"}}}, {LIST}),
        ({"queryParameters": {"entity": {"absent": True}}}, {SHOW, RESEND, AGAIN, BROKEN}),
        ({"queryParameters": {"token": {"equalTo": TOKEN}}}, set()),
        ({"queryParameters": {"token": {"absent": False}}}, {SHOW, LIST}),
        ({"headers": {"accept-LANGUAGE": {"contains": "e"}}}, {SHOW}),
        ({"headers": {"Content-Type": {"contains": "JSON", "caseInsensitive": True}}},
         {RESEND, AGAIN}),
        ({"headers": {"X-No": {"doesNotContain": "x"}}}, {SHOW, LIST, RESEND, AGAIN, BROKEN}),
        ({"bodyPatterns": [{"matchesJsonPath": "$.webhook_request_identifier.number"}]},
         {RESEND, AGAIN}),
        ({"bodyPatterns": [{"matchesJsonPath": {
            "expression": "$.webhook_request_identifier.number", "equalTo": "8"}}]}, set()),
        ({"bodyPatterns": [{"equalToJson": {"webhook_request_identifier": {"number": "7"}},
                            "ignoreExtraElements": True}, {"contains": "number"}]},
         {RESEND, AGAIN}),
        ({"bodyPatterns": [{"contains": TOKEN}]}, set()),
        ({"operation": "resend"}, {RESEND, AGAIN, BROKEN}),
        ({"operation": {"matches": "re.*"}}, {RESEND, AGAIN, BROKEN}),
        ({"parameters": {"webhook_request_identifier": {"number": "7"}}}, {SHOW, RESEND, AGAIN}),
        ({"parameters": {"entity": "JOBS", "number_of_results": 2}}, {LIST}),
        ({"identifier": {"number": "7"}, "operation": "show"}, {SHOW}),
        ({"identifier": "number=7"}, {SHOW, RESEND, AGAIN}),
        ({"identifier": {"absent": True}}, {LIST, BROKEN}),
        ({"record": {"number": "7"}}, {SHOW, RESEND, AGAIN}),
        ({"statement": "resend.only_rejected"}, {AGAIN}),
        ({"errorKind": "not_rejected"}, {AGAIN}),
        ({"errorKind": {"absent": True}}, {SHOW, LIST, RESEND}),
        ({"status": 200, "code": "OK"}, {SHOW, LIST, RESEND}),
        ({"code": {"contains": "EXCEPTION"}}, {AGAIN, BROKEN}),
        ({"stateBefore": "REJECTED", "stateAfter": "SUCCESSFUL"}, {RESEND}),
        ({"stateBefore": "SUCCESSFUL"}, {AGAIN}),
        ({"matched": False}, {AGAIN, BROKEN}),
        ({"fault": False, "matched": True}, {SHOW, LIST, RESEND}),
        ({"fault": True}, set()),
        ({"fault": "lost answer"}, set()),
    ],
    ids=str,
)  # fmt: skip
def test_a_pattern_fits_what_it_says(
    calls: list[CallView], spec: dict[str, Any], fitting: set[int]
) -> None:
    """Each word of the grammar chooses the calls that it speaks of, and no others."""
    pattern = matching(spec)
    found = {at for at, call in enumerate(calls) if pattern.matches(call, Budget())}

    assert found == fitting
    for at, call in enumerate(calls):
        assert bool(pattern.differences(call, Budget())) == (at not in fitting)


def test_members_may_be_given_by_name(calls: list[CallView]) -> None:
    """In Python a pattern is also written with keywords, beside a whole one."""
    pattern = matching({"operation": "resend"}, matched=True)
    assert [pattern.matches(call, Budget()) for call in calls] == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("spec", "parameter"),
    [
        ({"metod": "GET"}, "metod"),
        ({"headers": []}, "headers"),
        ({"headers": {"A": {}}}, "headers.A"),
        ({"headers": {"A": {"equalTo": None}}}, "headers.A.equalTo"),
        ({"headers": {"A": {"equals": "x"}}}, "headers.A.equals"),
        ({"headers": {"A": {"caseInsensitive": True}}}, "headers.A"),
        ({"headers": {"A": {"equalTo": "x", "caseInsensitive": 1}}}, "headers.A.caseInsensitive"),
        ({"headers": {"A": ["x"]}}, "headers.A"),
        ({"headers": {"A": {"absent": "yes"}}}, "headers.A.absent"),
        ({"urlPattern": "("}, "urlPattern.matches"),
        ({"urlPattern": "a" * 1001}, "urlPattern.matches"),
        ({"urlPattern": "((a{999}){999}){999}"}, "urlPattern.matches"),
        ({"urlPattern": "(" * 400 + ")" * 400}, "urlPattern.matches"),
        ({"url": 3}, "url"),
        ({"bodyPatterns": {"equalTo": "x"}}, "bodyPatterns"),
        ({"bodyPatterns": [{"equalToJson": "{"}]}, "bodyPatterns[0].equalToJson"),
        ({"bodyPatterns": [{"matchesJsonPath": "$["}]}, "bodyPatterns[0].matchesJsonPath"),
        ({"bodyPatterns": [{"matchesJsonPath": "$" + "[0]" * 400}]},
         "bodyPatterns[0].matchesJsonPath"),
        ({"bodyPatterns": [{"matchesJsonPath": 1}]}, "bodyPatterns[0].matchesJsonPath"),
        ({"identifier": {"number": "7", "id": "x"}}, "identifier"),
        ({"identifier": "7"}, "identifier"),
        ({"identifier": 7}, "identifier"),
        ({"identifier": {"equalTo": "nr=7"}}, "identifier"),
        ({"record": {"nr": "7"}}, "record"),
        ({"operation": "resned"}, "operation"),
        ({"operation": {"equalTo": "resned"}}, "operation"),
        ({"operation": None}, "operation"),
        ({"stateBefore": "REJECT"}, "stateBefore"),
        ({"stateAfter": "SUCESSFUL"}, "stateAfter"),
        ({"errorKind": "notrejected"}, "errorKind"),
        ({"statement": "resend.only_rejectd"}, "statement"),
        ({"status": "ok"}, "status"),
        ({"matched": "yes"}, "matched"),
        ({"headers": {str(n): "x" for n in range(101)}}, "pattern"),
    ],
    ids=lambda part: str(part)[:60],
)  # fmt: skip
def test_what_cannot_be_read_is_named(spec: dict[str, Any], parameter: str) -> None:
    """A pattern that says nothing is refused, with the member that is wrong."""
    with pytest.raises(UsageError) as refused:
        matching(spec)
    assert refused.value.parameter == parameter
    assert refused.value.allowed


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text("ab", max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)


def _json(spec: dict[str, Any], value: Any) -> bool:
    return matcher(spec, "x").matches((json.dumps(value),), Budget())


def _reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reordered(value[name]) for name in reversed(value)}
    return [_reordered(part) for part in reversed(value)] if isinstance(value, list) else value


def _extended(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{name: _extended(part) for name, part in value.items()}, "more": 1}
    return [*map(_extended, value), "more"] if isinstance(value, list) else value


@given(json_values)
def test_a_json_value_is_equal_to_itself(value: Any) -> None:
    """In any order and with extra elements where these are ignored; members never have an order."""
    text = json.dumps(value)
    assert _json({"equalToJson": text}, value)
    assert isinstance(value, str) or _json({"equalToJson": value}, value)
    assert _json({"equalToJson": text, "ignoreArrayOrder": True}, _reordered(value))
    assert _json({"equalToJson": text, "ignoreExtraElements": True}, _extended(value))


@given(json_values, json_values)
def test_json_is_compared_as_json(left: Any, right: Any) -> None:
    """Two values are equal where their canonical texts are, and true is not 1."""
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert _json({"equalToJson": json.dumps(left)}, right) == same


@given(st.text(), st.text())
def test_the_operators_of_texts_say_what_they_mean(wanted: str, seen: str) -> None:
    """contains, doesNotContain and equalTo are those of Python, folded where case is nothing."""

    def matches(**spec: Any) -> bool:
        return matcher(spec, "x").matches((seen,), Budget())

    assert matches(equalTo=wanted) == (wanted == seen)
    assert matches(contains=wanted) == (wanted in seen)
    assert matches(doesNotContain=wanted) == (wanted not in seen)
    folded = wanted.casefold() in seen.casefold()
    assert matches(contains=wanted, caseInsensitive=True) == folded
    assert matches(equalTo=seen.swapcase(), caseInsensitive=True) == (
        seen.swapcase().casefold() == seen.casefold()
    )


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a|aa)+b(?!c)|(.*)(.*)(.*)(.*)(.*)(.*)(.*)\\2x\\3y", "a" * 3000),
        ("(?:(?:x+x+)+y|(?:x*)*z){e<=3}", "x" * 3000),
        ("(\\w*)*(\\w*)*(\\w+)+\\1$-", "w" * 5000),
        ("((a{0,50}){0,20}){0,10}b\\1", "a" * 3000),
    ],
)
def test_no_expression_hangs(pattern: str, text: str) -> None:
    """An expression that would be tried for ever is given up, or decided, within its budget."""
    budget, began = Budget(0.5), monotonic()
    with contextlib.suppress(UsageError):  # TookTooLong, or refused before it is tried
        matcher({"matches": pattern}, "x").matches((text,), budget)
    assert monotonic() - began < 30


@pytest.mark.parametrize(
    "path",
    [
        "$..*..*..*..*..*..[?@ == 1]",
        "$[?$..[?$..[?$..[?@.x == 2]]]]",
        "$..[?search(@, '(a|aa)+b|(.*)(.*)(.*)(.*)x')]",
        "$..[?match(@, '((a*)*)*b')]",
    ],
)
def test_no_json_path_hangs(path: str) -> None:
    """A path that walks a document over and over is given up within its budget."""
    document: Any = [["a" * 500, [n, {"a": [n] * 5}]] for n in range(300)]
    began = monotonic()
    with contextlib.suppress(TookTooLong):
        JsonPath(path, "x").values(document, Budget(0.5))
    assert monotonic() - began < 30


def test_a_spent_budget_refuses() -> None:
    """Once its time is over, a budget lets nothing be evaluated."""
    with pytest.raises(TookTooLong):
        matcher({"matches": "a"}, "x").matches(("a",), Budget(0))
    with pytest.raises(TookTooLong):
        JsonPath("$..a", "x").values({"a": {"a": 1}}, Budget(0))


@given(st.text(max_size=30))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    """Whatever is written as an expression or a path, it is read or refused, and raises no more."""
    for read in (regex, JsonPath):
        with contextlib.suppress(UsageError):
            read(text, "x")


def test_neither_library_is_loaded_before_it_is_needed() -> None:
    """A mock with its control API is made without the libraries of expressions and paths."""
    script = """
import sys
from crmcom_kit.mock_server import create_app
create_app()
assert not {"regex", "jsonpath"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_a_deep_document_has_an_end() -> None:
    """Nesting that is too deep to walk fits nothing, and raises nothing."""
    text = "[" * 900 + "]" * 900
    for spec in ({"matchesJsonPath": "$..a"}, {"equalToJson": text}, {"equalToJson": "[]"}):
        with contextlib.suppress(UsageError):
            matcher(spec, "x").matches((text,), Budget())
