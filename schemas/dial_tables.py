"""The dial envelope.cases: responses whose status, code or texts differ from the usual ones."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

#: The members of a case that select responses, and those that describe the selected responses.
CASE_FACTS = ("kind", "method", "parameter", "seen", "results", "state")
CASE_PARTS = ("status", "code", "message", "description", "data", "served")
#: The kind of a response that is not an error.
SUCCESS = "success"
#: The values of the fact ``seen``: the ways in which the value of a parameter may be wrong.
SEEN = ("nothing", "empty", "blank", "several", "several in a text", "more than one",
        "an empty object", "null", "a boolean", "a number", "a string", "an array", "an object",
        "not JSON", "a form")  # fmt: skip
#: The values of the fact ``results`` of a list; ``part``: more webhook requests match.
RESULTS = ("none", "one", "several", "part")
#: The possible data of a response without a webhook request; the data may also be absent.
EMPTY_DATA: Mapping[str, Any] = {
    "null": None,
    "object": {},
    "array": [],
    "empty": "",
    "false": False,
}
_ALLOWED = {
    "seen": SEEN,
    "results": RESULTS,
    "state": ("SUCCESSFUL", "REJECTED"),
    "data": ("absent", *EMPTY_DATA),
    "served": ("no", "without", "empty"),
}
MAX_CASES = 200


class _Dial(Protocol):
    def accepts(self, value: object) -> bool: ...


def allowed_cases() -> str:
    """Return the allowed lists of cases in words."""
    allowed = "; ".join(
        f"{name} is one of " + ", ".join(f'"{value}"' for value in values)
        for name, values in _ALLOWED.items()
    )
    return (
        'a list of tables such as { kind = "bad_body", seen = "nothing", code = "E1" } or '
        f'{{ kind = "{SUCCESS}", method = "show", message = "Done" }}, where {allowed}'
    )


def are_cases(value: object, dials: Mapping[str, _Dial]) -> bool:
    """Return True if a value is a list of cases whose parts the dials of their kinds accept."""
    is_list = isinstance(value, list | tuple) and len(value) <= MAX_CASES
    return is_list and all(_is_case(case, dials) for case in value)  # type: ignore[attr-defined]


def _is_case(value: object, dials: Mapping[str, _Dial]) -> bool:
    if not isinstance(value, dict):
        return False
    facts, parts = value.keys() & {*CASE_FACTS}, value.keys() & {*CASE_PARTS}
    kind = value.get("kind")
    part_dials = {part: dials.get(f"errors.{kind}.{part}") for part in parts & {"status", "code"}}
    texts = [value[name] for name in (facts | parts) - part_dials.keys()]
    return (
        bool(parts) and value.keys() == facts | parts and all(map(is_text, texts))
        and (kind == SUCCESS or f"errors.{kind}.code" in dials)
        and not (kind == SUCCESS and parts & {"data", "served"})
        and all(value[name] in allowed for name, allowed in _ALLOWED.items() if name in value)
        and all(dial is not None and dial.accepts(value[part]) for part, dial in part_dials.items())
    )  # fmt: skip


def is_text(value: object) -> bool:
    """Return True if a value is a string without surrogates, which UTF-8 cannot write."""
    return isinstance(value, str) and value.encode("utf-8", "replace").decode() == value


Cases = Sequence[Mapping[str, Any]]


def parts_of(cases: Cases, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return the parts of a response with these facts, each from the first case that has it."""
    parts: dict[str, Any] = {}
    for case in reversed(cases):
        if all(case[name] == facts.get(name) for name in CASE_FACTS if name in case):
            parts |= {part: case[part] for part in CASE_PARTS if part in case}
    return parts


def success_facts(method: str, content: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of a success.

    ``content`` is its webhook request; of a list it has the numbers ``results``, of the webhook
    requests in it, and ``matches``, of all that match.
    """
    facts = {"kind": SUCCESS, "method": method}
    if "results" in content:
        results, matches = content["results"], content.get("matches", 0)
        is_part = bool(results) and matches > results
        facts["results"] = "part" if is_part else RESULTS[min(results, 2)]
    if "life_cycle_state" in content:
        facts["state"] = str(content["life_cycle_state"])
    return facts


def statuses_of_error(dialect: Mapping[str, Any], kind: str, method: str) -> list[int]:
    """Return the HTTP statuses that errors of a kind may have in responses of a method."""
    cases = (case for case in dialect["envelope.cases"] if case["kind"] == kind)
    cases = (case for case in cases if case.get("method", method) == method and "status" in case)
    return [*dict.fromkeys([dialect[f"errors.{kind}.status"], *(case["status"] for case in cases)])]
