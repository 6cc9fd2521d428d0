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
from crmcom_kit.mock_server.journal import matchers, patterns
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.matchers import matcher
from crmcom_kit.mock_server.journal.patterns import Member, Pattern, pattern_of
from crmcom_kit.mock_server.journal.safe_regex import Budget, JsonPath, TookTooLong, regex
from crmcom_kit.redaction import Redactor
from crmcom_kit.usage_errors import UsageError

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


#: Patterns, and the requests that match each.
MATCHING: list[tuple[dict[str, Any], set[int]]] = [
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
        ({"parameters": {"webhook_request_identifier": {"number": 7}}}, {SHOW, RESEND, AGAIN}),
        ({"parameters": {"webhook_request_identifier": "number=7"}}, {SHOW, RESEND, AGAIN}),
        ({"parameters": {"webhook_request_identifier": "number=8"}}, set()),
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
]  # fmt: skip


def test_a_pattern_matches_what_it_says(calls: list[CallView]) -> None:
    """Each word of the grammar selects the requests that it speaks of, and no others."""
    for spec, matching in MATCHING:
        pattern = pattern_of(spec)
        found = {at for at, call in enumerate(calls) if pattern.matches(call, Budget())}

        assert found == matching, spec
        for at, call in enumerate(calls):
            assert bool(pattern.differences(call, Budget())) == (at not in matching), spec


def test_members_may_be_given_by_name(calls: list[CallView]) -> None:
    """In Python a pattern is also written with keywords, beside a whole one."""
    pattern = pattern_of({"operation": "resend"}, matched=True)
    assert [pattern.matches(call, Budget()) for call in calls] == [False, False, True, False, False]


#: Patterns that cannot be read, and the member that is wrong.
REFUSED: list[tuple[dict[str, Any], str]] = [
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
        ({"url": f"http://localhost{API}/show"}, "url"),
        ({"urlPath": "/webhook_requests/show"}, "urlPath"),
        ({"urlPath": f"/worlds/mine{API}/show"}, "urlPath"),
        ({"record": "7"}, "record"),
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
        ({"parameters": {"webhook_request_identifier": "7"}},
         "parameters.webhook_request_identifier"),
        ({"record": {"nr": "7"}}, "record"),
        ({"operation": "resned"}, "operation"),
        ({"operation": {"equalTo": "resned"}}, "operation"),
        ({"operation": None}, "operation"),
        ({"stateBefore": "REJECT"}, "stateBefore"),
        ({"stateAfter": "SUCESSFUL"}, "stateAfter"),
        ({"errorKind": "notrejected"}, "errorKind"),
        ({"statement": "resend.only_rejectd"}, "statement"),
        ({"status": "ok"}, "status"),
        ({"code": "ok"}, "code"),
        ({"matched": "yes"}, "matched"),
        ({"headers": {str(n): "x" for n in range(101)}}, "pattern"),
]  # fmt: skip


def test_what_cannot_be_read_is_named() -> None:
    """A pattern that says nothing is refused, with the member that is wrong."""
    for spec, parameter in REFUSED:
        with pytest.raises(UsageError) as refused:
            pattern_of(spec)
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


def test_no_expression_and_no_path_hangs() -> None:
    """What would be tried for ever is given up, or decided, within its budget."""
    for expression, text in [
        ("(a|aa)+b(?!c)|(.*)(.*)(.*)(.*)(.*)(.*)(.*)\\2x\\3y", "a" * 3000),
        ("(?:(?:x+x+)+y|(?:x*)*z){e<=3}", "x" * 3000),
        ("(\\w*)*(\\w*)*(\\w+)+\\1$-", "w" * 5000),
        ("((a{0,50}){0,20}){0,10}b\\1", "a" * 3000),
    ]:
        budget, began = Budget(0.3), monotonic()
        with contextlib.suppress(UsageError):  # TookTooLong, or refused before it is tried
            matcher({"matches": expression}, "x").matches((text,), budget)
        assert monotonic() - began < 30
    document: Any = [["a" * 500, [n, {"a": [n] * 5}]] for n in range(300)]
    for path in [
        "$..*..*..*..*..*..[?@ == 1]",
        "$[?$..[?$..[?$..[?@.x == 2]]]]",
        "$..[?search(@, '(a|aa)+b|(.*)(.*)(.*)(.*)x')]",
        "$..[?match(@, '((a*)*)*b')]",
    ]:
        began = monotonic()
        with contextlib.suppress(TookTooLong):
            JsonPath(path, "x").values(document, Budget(0.3))
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


class Steps(Budget):
    """A budget of so many looks at it, whatever the time."""

    def __init__(self, steps: int) -> None:
        super().__init__(1000)
        self.steps = steps

    @property
    def half_spent(self) -> bool:
        """Whether nothing is left."""
        return self.steps <= 0

    def left(self) -> float:
        """Take one look."""
        self.steps -= 1
        if self.steps < 0:
            raise TookTooLong
        return 1000.0


def test_a_path_spends_its_budget_with_every_value() -> None:
    """However a path takes values out of a document, so many cost as many steps at least."""
    document = {"a": list(range(200)), "o": {str(n): n for n in range(200)}}
    for path in [
        f"$.a[{','.join(['0:200'] * 9)}]",
        f"$.a[{','.join(['0:200'] * 9)}].b",
        f"$.a[{','.join(['::-1'] * 9)}]",
        f"$..[{','.join(['::1'] * 9)}]",
        f"$.a[*][{','.join(['0'] * 9)}]",
        f"$..[{','.join(['0'] * 200)}]",
        "$.a[?@ == 1 || @ == 2]",
        "$.a[?length($.a) == 1]",
        "$.a.*",
        "$.o.*",
    ]:
        with pytest.raises(TookTooLong):
            JsonPath(path, "x").values(document, Steps(150))


def test_a_path_costs_what_it_visits() -> None:
    """A plain path into a large document takes a few steps, not one for each value."""
    document = {"a": {"b": 7}, "large": [{"n": [n]} for n in range(10_000)]}
    assert JsonPath("$.a.b", "x").values(document, Steps(20)) == [7]


def test_building_values_is_not_charged() -> None:
    """A pattern over many requests pays for matching, not for their redaction."""
    now = [0.0]
    budget = Budget(1.0, clock=lambda: now[0])

    def values(_: Any) -> list[str]:
        now[0] += 10  # redaction takes its time
        return ["b"]

    pattern = Pattern([Member("x", matcher({"contains": "b", "matches": "b"}, "x"), values)])
    for _ in range(5):
        assert pattern.matches(None, budget)  # type: ignore[arg-type]
    with budget:
        now[0] += 2
        with pytest.raises(TookTooLong):
            budget.left()


def test_distances_are_coarse_when_half_of_the_budget_is_spent() -> None:
    """Texts are compared letter by letter only as long as there is time."""
    asked = matcher({"equalTo": "abcd"}, "x")
    assert asked.distance(("abce",), Budget()) < asked.distance(("wxyz",), Budget())
    spent = Steps(0)
    assert 0 < asked.distance(("abce",), spent) == asked.distance(("wxyz",), spent) <= 1
    assert asked.distance((), spent) == 1


def test_a_pattern_is_put_in_words_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests differ from it, what is asked for is redacted and shortened once."""
    pattern = Pattern([Member("x", matcher("a", "x"), lambda _: ("b",))])
    monkeypatch.setattr(patterns, "redact_query", None)
    call: Any = None

    for _ in range(3):
        assert [str(one) for one in pattern.differences(call, Budget())] == ["x: wanted a; seen b"]
    assert str(pattern) == "x a"


CALLING = [
    "(a|(?1))*", "((?1)?a)", "(?<n>(?&n))", "(?R)?", "a(?0)?", "(?P<n>a(?P>n)?)",
    "(?P<n>a(?P&n)?)", "(a(?+1)?)(b)", "(a(?-1)?)", r"\\\\(?R)?", r"[\]](?R)?", "(?V1)[[a](](?R)?",
    "(?x)(?#[)(a|(?1 ))*[)]", "(?x)(?P<n>a(?P # >\n > n)?)", "(?x)(a(?- 1)?)",
]  # fmt: skip


LOOKS_LIKE_CALLING = [
    r"(\(?1)", r"\(?R", "[(?R]", "[(?1)]", "(?#(?R)a", "(?x)a # (?R)", "[](?&n)]", "(?-i:a)",
        "(?P<n>a)(?P=n)", r"(?<n>a)\g<n>", "(?V1)[a--[(?R]]", "(a)?(?(1)b|c)", "(?|a|b)",
        r"\\\(?R",
]  # fmt: skip


def test_a_call_of_a_group_is_refused() -> None:
    """What may call itself without end is never tried; what only looks like it is allowed."""
    for text in CALLING:
        with pytest.raises(UsageError) as refused:
            pattern_of({"urlPattern": text})
        assert refused.value.parameter == "urlPattern.matches"
        assert "(?R)" in refused.value.allowed
    for text in LOOKS_LIKE_CALLING:
        pattern_of({"urlPattern": text})


def test_running_out_of_memory_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression that takes all memory is refused, and nothing worse."""

    class Hungry:
        def fullmatch(self, *_: Any, **__: Any) -> None:
            raise MemoryError

    monkeypatch.setattr(matchers, "regex", lambda *_: Hungry())
    with pytest.raises(TookTooLong, match="too much memory"):
        matcher({"matches": "a"}, "x").matches(("a",), Budget())


def test_a_refusal_shows_no_secret() -> None:
    """What stands where a secret does, or beside a secret's name, is not shown."""
    specs: list[dict[str, Any]] = [
        {"parameters": {"password": {"matches": "(HUSH"}}},
        {"parameters": {"password": {"matches": "HUSH(?R)?"}}},
        {"parameters": {"password": {"matchesJsonPath": "$[HUSH"}}},
        {"parameters": {"password": {"equalToJson": "{HUSH"}}},
        {"parameters": {"password": {"absent": "HUSH"}}},
        {"parameters": {"password": {"equalTo": "x", "caseInsensitive": "HUSH"}}},
        {"headers": {"Authorization": {"doesNotMatch": "(HUSH"}}},
        {"urlPattern": ".*token=(HUSH"},
        {"bodyPatterns": [{"matchesJsonPath": "$[?@.token == 'HUSH'"}]},
    ]
    for spec in specs:
        with pytest.raises(UsageError) as refused:
            pattern_of(spec)
        assert "HUSH" not in str(refused.value)
        assert "a hidden value" in refused.value.seen


def test_a_body_is_redacted_once(calls: list[CallView], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many members look at a request's body, it is redacted one time."""
    redacted: list[bytes] = []
    redact = Redactor.request_body

    def counted(redactor: Redactor, body: bytes) -> str:
        redacted.append(body)
        return redact(redactor, body)

    monkeypatch.setattr(Redactor, "request_body", counted)
    pattern = pattern_of({"bodyPatterns": [{"contains": "token"}, {"doesNotMatch": "x"}] * 3})
    fresh = [CallView(call._reader, call.entry) for call in calls]  # noqa: SLF001 - the same, anew
    for call in fresh * 2:
        pattern.matches(call, Budget())
        pattern.differences(call, Budget())
        assert call.body is not None
    assert len(redacted) == len(calls)
