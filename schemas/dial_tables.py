"""Dials whose values are tables: texts by method, and errors that are cases of their own."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

#: The members of a case in errors.cases that select errors, and the members that describe them.
CASE_FACTS = ("kind", "method", "parameter", "seen")
ERROR_PARTS = ("status", "code", "message", "description")
#: In which way a value may be wrong, as the fact ``seen`` of a case.
SEEN = (
    *("nothing", "empty", "blank", "several", "several in a text"),
    *("more than one", "an empty object"),
    *("null", "a boolean", "a number", "a string", "an array", "an object", "not JSON", "a form"),
)
MAX_CASES = 200


class _Dial(Protocol):
    def accepts(self, value: object) -> bool: ...


def allowed_texts(names: Sequence[str]) -> str:
    """Return in words which tables of texts are allowed."""
    return f'a table of strings such as {{ show = "Done" }}, with names of {", ".join(names)}'


def allowed_cases() -> str:
    """Return in words which lists of cases are allowed."""
    seen = ", ".join(f'"{each}"' for each in SEEN)
    return (
        'a list of tables such as { kind = "bad_body", seen = "nothing", code = "E1" }, where seen '
        f"is one of {seen}"
    )


def are_texts(value: object, names: Sequence[str]) -> bool:
    """Whether a value is a table of texts with some of these names."""
    return (
        isinstance(value, dict) and value.keys() <= {*names} and all(map(is_text, value.values()))
    )


def are_cases(value: object, dials: Mapping[str, _Dial]) -> bool:
    """Whether a value is a list of cases whose parts the dials of their kinds accept."""
    is_list = isinstance(value, list | tuple) and len(value) <= MAX_CASES
    return is_list and all(_is_case(each, dials) for each in value)  # type: ignore[attr-defined]


def _is_case(value: object, dials: Mapping[str, _Dial]) -> bool:
    if not isinstance(value, dict):
        return False
    facts, parts = value.keys() & {*CASE_FACTS}, value.keys() & {*ERROR_PARTS}
    own = {part: dials.get(f"errors.{value.get('kind')}.{part}") for part in parts}
    return (
        "kind" in facts and len(facts) > 1 and bool(parts) and value.keys() == facts | parts
        and all(is_text(value[name]) for name in facts)
        and value.get("seen", SEEN[0]) in SEEN
        and all(dial is not None and dial.accepts(value[part]) for part, dial in own.items())
    )  # fmt: skip


def is_text(value: object) -> bool:
    """Whether a value is a string that UTF-8 can write: it has no half of a character."""
    return isinstance(value, str) and value.encode("utf-8", "replace").decode() == value


def case_of(cases: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the first case that fits the facts of an error; an empty one if none does."""
    for case in cases:
        if all(case[name] == facts.get(name) for name in CASE_FACTS if name in case):
            return case
    return {}


def statuses_of_error(dialect: Mapping[str, Any], kind: str, method: str) -> list[int]:
    """Return the HTTP statuses that errors of a kind may have in responses of a method."""
    cases = (case for case in dialect["errors.cases"] if case["kind"] == kind)
    own = [case for case in cases if case.get("method", method) == method and "status" in case]
    return [*dict.fromkeys([dialect[f"errors.{kind}.status"], *(case["status"] for case in own)])]
