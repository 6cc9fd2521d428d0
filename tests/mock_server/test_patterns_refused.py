"""Patterns that take too much of time or memory, or hold secrets: refused, and in plain words."""

from typing import Any

import pytest

from crmcom_kit.mock_server.journal import matchers, patterns
from crmcom_kit.mock_server.journal.matchers import matcher
from crmcom_kit.mock_server.journal.patterns import Member, Pattern, matching
from crmcom_kit.mock_server.journal.safe_regex import Budget, JsonPath, TookTooLong
from crmcom_kit.mock_server.usage_errors import UsageError


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
            raise TookTooLong.by()
        return 1000.0


@pytest.mark.parametrize(
    "path",
    [
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
    ],
)
def test_a_path_spends_its_budget_with_every_value(path: str) -> None:
    """However a path takes values out of a document, so many cost as many steps at least."""
    document = {"a": list(range(200)), "o": {str(n): n for n in range(200)}}
    with pytest.raises(TookTooLong):
        JsonPath(path, "x").values(document, Steps(150))


def test_distances_are_coarse_when_half_of_the_budget_is_spent() -> None:
    """Texts are compared letter by letter as long as there is time, and told apart no more then."""
    asked = matcher({"equalTo": "abcd"}, "x")
    assert asked.distance(("abce",), Budget()) < asked.distance(("wxyz",), Budget())
    spent = Steps(0)
    assert 0 < asked.distance(("abce",), spent) == asked.distance(("wxyz",), spent) <= 1
    assert asked.distance((), spent) == 1


def test_a_pattern_is_put_in_words_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls differ from it, what is asked is masked and shortened one time."""
    pattern = Pattern([Member("x", matcher("a", "x"), lambda _: ("b",))])
    monkeypatch.setattr(patterns, "masked_query", None)
    call: Any = None

    for _ in range(3):
        assert [str(one) for one in pattern.differences(call, Budget())] == ["x: wanted a; seen b"]
    assert str(pattern) == "x a"


def test_budgets_tell_when_half_is_spent() -> None:
    """A budget that begins has all of its time, and one that is over has not."""
    assert not Budget(1000).half_spent
    assert Budget(-1).half_spent


CALLING = [
    "(a|(?1))*", "((?1)?a)", "(?<n>(?&n))", "(?R)?", "a(?0)?", "(?P<n>a(?P>n)?)",
    "(?P<n>a(?P&n)?)", "(a(?+1)?)(b)", "(a(?-1)?)", r"\\\\(?R)?", r"[\]](?R)?", "(?V1)[[a](](?R)?",
    "(?x)(?#[)(a|(?1 ))*[)]", "(?x)(?P<n>a(?P # >\n > n)?)", "(?x)(a(?- 1)?)",
]  # fmt: skip


@pytest.mark.parametrize("text", CALLING)
def test_a_call_of_a_group_is_refused(text: str) -> None:
    """What may call itself without end is never tried, however the call is spelled."""
    with pytest.raises(UsageError) as refused:
        matching({"urlPattern": text})
    assert refused.value.parameter == "urlPattern.matches"
    assert "(?R)" in refused.value.allowed


@pytest.mark.parametrize(
    "text",
    [
        r"(\(?1)", r"\(?R", "[(?R]", "[(?1)]", "(?#(?R)a", "(?x)a # (?R)", "[](?&n)]", "(?-i:a)",
        "(?P<n>a)(?P=n)", r"(?<n>a)\g<n>", "(?V1)[a--[(?R]]", "(a)?(?(1)b|c)", "(?|a|b)",
        r"\\\(?R",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_call_is_an_expression(text: str) -> None:
    """Escaped parentheses, sets, comments and references are what they are."""
    matching({"urlPattern": text})


def test_running_out_of_memory_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression that eats the memory that there is, is refused and nothing worse."""

    class Hungry:
        def fullmatch(self, *_: Any, **__: Any) -> None:
            raise MemoryError

    monkeypatch.setattr(matchers, "regex", lambda *_: Hungry())
    with pytest.raises(TookTooLong, match="too much memory"):
        matcher({"matches": "a"}, "x").matches(("a",), Budget())


@pytest.mark.parametrize(
    "spec",
    [
        {"parameters": {"password": {"matches": "(HUSH"}}},
        {"parameters": {"password": {"matches": "HUSH(?R)?"}}},
        {"parameters": {"password": {"matchesJsonPath": "$[HUSH"}}},
        {"parameters": {"password": {"equalToJson": "{HUSH"}}},
        {"parameters": {"password": {"absent": "HUSH"}}},
        {"parameters": {"password": {"equalTo": "x", "caseInsensitive": "HUSH"}}},
        {"headers": {"Authorization": {"doesNotMatch": "(HUSH"}}},
        {"urlPattern": ".*token=(HUSH"},
        {"bodyPatterns": [{"matchesJsonPath": "$[?@.token == 'HUSH'"}]},
    ],
    ids=str,
)
def test_a_refusal_shows_no_secret(spec: dict[str, Any]) -> None:
    """What stands where a secret does, or beside a secret's name, is not shown."""
    with pytest.raises(UsageError) as refused:
        matching(spec)
    assert "HUSH" not in str(refused.value)
    assert "not shown" in refused.value.seen
