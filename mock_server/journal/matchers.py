"""Matchers of one value: WireMock's operators, applied to strings.

A value that is not a string is compared as its JSON. Except for ``absent``, an operator needs a
value; one that denies something also matches if there is none.
"""

import difflib
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from crmcom_kit.mock_server.journal.safe_regex import (
    Budget,
    JsonPath,
    finds,
    regex,
    shown_at,
)
from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.usage_errors import UsageError, quoted

_OF_TEXT = ("equalTo", "contains", "doesNotContain", "matches", "doesNotMatch")
OPERATORS = (*_OF_TEXT, "absent", "equalToJson", "matchesJsonPath")
_MODIFIERS = ("caseInsensitive", "ignoreArrayOrder", "ignoreExtraElements")
_MAX_COMPARED = 200  # characters
_OTHER = 0.7  # the distance of a value that an operator other than equality refuses

#: Whether a value matches; None stands for no value.
Test = Callable[[str | None, Budget], bool]


class Matcher(NamedTuple):
    """The operators that one value must satisfy."""

    wanted: str  # in words
    tests: tuple[Test, ...]
    text: str | None = None  # the string it must equal, if any

    def matches(self, values: Sequence[str], budget: Budget) -> bool:
        """Whether one of the values matches, or no value does if there is none."""
        candidates: Sequence[str | None] = values or (None,)
        return any(all(test(value, budget) for test in self.tests) for value in candidates)

    def distance(self, values: Sequence[str], budget: Budget) -> float:
        """Return how far values that do not match are from it: above 0, at most 1.

        Once half of the budget is spent, all strings are equally far: the rest is needed for
        matching.
        """
        if not values:
            return 1.0
        if self.text is None or budget.half_spent:
            return _OTHER
        wanted = self.text[:_MAX_COMPARED]
        ratios = [
            difflib.SequenceMatcher(None, wanted, seen[:_MAX_COMPARED]).ratio()
            for seen in values[:5]
        ]
        return max(0.05, 1 - max(ratios))


def matcher(spec: Any, where: str) -> Matcher:
    """Return the matcher of ``spec``: an object of operators, or a plain value for equality.

    Raises:
        UsageError: it cannot be read; the error names ``where`` it stands.
    """
    if not isinstance(spec, dict):
        if isinstance(spec, list):
            raise UsageError(
                where, seen=json_type(spec), allowed="an object of operators, or a string"
            )
        return equal_to(spec)
    known = [name for name in spec if name in OPERATORS]
    for name in spec:
        if name not in OPERATORS and name not in _MODIFIERS:
            allowed = f"some of {', '.join((*OPERATORS, *_MODIFIERS))}"
            raise UsageError(
                f"{where}.{quoted(name).strip(chr(34))}", seen="an unknown name", allowed=allowed
            )
    if not known:
        raise UsageError(where, seen="no operator", allowed=f"one of {', '.join(OPERATORS)}")
    for name in ("absent", *_MODIFIERS):
        if not isinstance(spec.get(name, False), bool):
            seen = shown_at(where, spec[name])
            raise UsageError(f"{where}.{name}", seen=seen, allowed="true or false")
    tests = tuple(_test(name, spec, f"{where}.{name}") for name in known)
    wanted = " and ".join(f"{name} {text_of(spec[name])}" for name in known)
    text = spec.get("equalTo", spec.get("equalToJson"))
    return Matcher(wanted, tests, None if text is None else text_of(text))


def equal_to(value: Any) -> Matcher:
    """Return the matcher for equality with one value."""
    text = text_of(value)
    return Matcher(text, (lambda seen, _: seen == text,), text)


def text_of(value: Any) -> str:
    """Return the string that a value is compared as: a string itself, anything else as its JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _test(name: str, spec: dict[str, Any], where: str) -> Test:
    value = spec[name]
    if name == "absent":
        return lambda seen, _: (seen is None) == value
    if name == "equalToJson":
        return _equal_json(value, spec, where)
    if name == "matchesJsonPath":
        return _json_path(value, where)
    if isinstance(value, dict | list) or value is None:
        raise UsageError(where, seen=json_type(value), allowed="a string")
    fold = spec.get("caseInsensitive", False)
    return _of_text(name, text_of(value), where, fold=fold)


def _of_text(name: str, wanted: str, where: str, *, fold: bool) -> Test:
    if name in ("matches", "doesNotMatch"):
        expression = regex(f"(?i){wanted}" if fold else wanted, where)
        positive = name == "matches"
        return lambda seen, budget: (
            positive == (seen is not None and finds(expression.fullmatch, seen, budget))
        )
    if fold:
        wanted = wanted.casefold()

    def test(seen: str | None, budget: Budget) -> bool:
        if seen is None:
            return name == "doesNotContain"
        if fold:  # takes much longer than comparing
            budget.left()
        text = seen.casefold() if fold else seen
        if name == "equalTo":
            return text == wanted
        return (wanted in text) == (name == "contains")

    return test


def _equal_json(value: Any, spec: dict[str, Any], where: str) -> Test:
    wanted = parsed(value) if isinstance(value, str) else (value,)
    if wanted is None:
        raise UsageError(where, seen=shown_at(where, value), allowed="a JSON value")
    any_order, extra = spec.get("ignoreArrayOrder", False), spec.get("ignoreExtraElements", False)

    def test(seen: str | None, budget: Budget) -> bool:
        found = parsed(seen)
        try:
            return found is not None and _Same(any_order, extra, budget).of(wanted[0], found[0])
        except RecursionError:
            return False

    return test


class _Same(NamedTuple):
    """Compares a wanted JSON value with the one that was seen."""

    any_order: bool
    extra: bool
    budget: Budget

    def of(self, wanted: Any, seen: Any) -> bool:
        if isinstance(wanted, dict) and isinstance(seen, dict):
            names = wanted.keys()
            if not (names <= seen.keys() if self.extra else names == seen.keys()):
                return False
            return all(self.of(part, seen[name]) for name, part in wanted.items())
        if isinstance(wanted, list) and isinstance(seen, list):
            self.budget.left()
            if len(wanted) > len(seen) or (len(wanted) < len(seen) and not self.extra):
                return False
            if self.any_order:
                return self._in_any_order(wanted, list(seen))
            return all(map(self.of, wanted, seen))
        if isinstance(wanted, bool) or isinstance(seen, bool):
            return wanted is seen
        return bool(wanted == seen)

    def _in_any_order(self, wanted: list[Any], rest: list[Any]) -> bool:
        for part in wanted:
            self.budget.left()
            at = next((i for i, other in enumerate(rest) if self.of(part, other)), None)
            if at is None:
                return False
            del rest[at]
        return True


def parsed(text: str | None) -> tuple[Any] | None:
    """Return the JSON value of a string, alone in a tuple; None if it is not JSON."""
    if text is None:
        return None
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None


def _json_path(value: Any, where: str) -> Test:
    inner: Matcher | None = None
    if isinstance(value, dict):
        rest = {name: part for name, part in value.items() if name != "expression"}
        inner = matcher(rest, where) if rest else None
        value = value.get("expression")
    if not isinstance(value, str):
        raise UsageError(where, seen=json_type(value), allowed="a JSONPath, or one as expression")
    path = JsonPath(value, where)

    def test(seen: str | None, budget: Budget) -> bool:
        found = parsed(seen)
        try:
            values = [] if found is None else path.values(found[0], budget)
        except RecursionError:
            return False
        if inner is None:
            return bool(values)
        return inner.matches([text_of(one) for one in values if one is not None], budget)

    return test
