"""Whatever is asked of faults, nothing breaks: no 500, no half-changed state, no other meaning."""

import math
from collections.abc import Callable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from crmcom_kit.mock_server.admin.document import document
from crmcom_kit.mock_server.faults.model import Fault
from crmcom_kit.mock_server.faults.presets import preferred
from crmcom_kit.mock_server.faults.validation import fault_of
from crmcom_kit.usage_errors import UsageError

OPERATIONS = ("delete", "list", "resend", "show", "token", "token_release", "web_api_key_token")
#: Where members contradict each other that the document allows one by one.
CONTRADICTIONS = {"effect", "effect.retry_after", "match.after", "when"}


def _objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


true = st.just(True)  # noqa: FBT003 - the value of a member
ends = st.sampled_from(
    [{}, {"status": 418}, {"error": "bad_date"}, {"drop": True}, {"cut": 5}, {"malformed": True}]
)
good = st.builds(
    lambda end, beside, rest: {**rest, "effect": {"delay": 0, **end, **beside}},
    ends,
    _objects(delay=st.floats(0, 300), expire_token=true, delete_record=true),
    _objects(
        match=_objects(
            operation=st.sampled_from(OPERATIONS),
            record=st.sampled_from(["7", 8, "x"]),
            after=st.integers(0, 1),
        ),
        times=st.integers(1, 3),
        lifetime=st.integers(1, 10**6),
    ),
)
late = good.map(lambda spec: {**spec, "when": "after_commit"})

MEMBERS = {
    "": ["name", "match", "effect", "when", "times", "lifetime", "odd"],
    "match": ["operation", "record", "nth", "after", "odd"],
    "effect": ["delay", "status", "retry_after", "error", "drop", "cut", "expire_token", "odd"],
}
PLACES = [(part, name) for part, names in MEMBERS.items() for name in names]
odd: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, [], {}, [0, 3], ["show", "list"], 1.5, -1, 0, 3, 700, "", "show", "x" * 101]
)


def _changed(spec: Any, changes: list[tuple[tuple[str, str], Any]]) -> Any:
    """A specification whose members have other values."""
    for (part, name), value in changes:
        if part == "":
            spec = {**spec, name: value}
        elif isinstance(spec.get(part, {}), dict):
            spec = {**spec, part: {**spec.get(part, {}), name: value}}
    return spec


changes = st.lists(st.tuples(st.sampled_from(PLACES), odd), min_size=1, max_size=2)
specs = odd | st.builds(_changed, good | late, changes)


def read(spec: Any, reader: Callable[[Any], Fault] = fault_of) -> Fault | UsageError:
    """What a specification is read as, or why it is refused."""
    try:
        return reader(spec)
    except UsageError as error:
        return error


def allowed(spec: Any) -> bool:
    """Whether the control API's document allows a specification."""
    found = {"$ref": "#/components/schemas/FaultSpec", "components": document()["components"]}
    return Draft202012Validator(found).is_valid(spec)


def plain(value: Any) -> bool:
    """Whether a value is JSON as clients write it: JSON Schema takes 1.0 for an integer, too."""
    if isinstance(value, dict | list):
        return all(map(plain, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or (math.isfinite(value) and not value.is_integer())


@given(good | late | specs)
def test_what_is_read_is_what_the_document_allows(spec: Any) -> None:
    """A specification is read if the document allows it and its members do not contradict.

    A refusal says what is allowed; what is shown of a fault is a specification of the same.
    """
    found = read(spec)

    if isinstance(found, UsageError):
        assert found.parameter
        assert found.allowed
        assert found.parameter in CONTRADICTIONS or not plain(spec) or not allowed(spec)
        return
    assert allowed(spec)
    shown = {name: value for name, value in found.as_json().items() if name != "id"}
    assert allowed(shown)
    assert read(shown) == found


@given(st.text() | st.lists(st.sampled_from(["delay", "fault", "drop", "=", ","])).map("".join))
@example("delay=1,delay=2")
def test_any_preference_is_a_fault_or_refused(header: str) -> None:
    """A header asks for a fault, or is refused by the name of the header."""
    found = read(header, preferred)

    if isinstance(found, UsageError):
        assert found.parameter.startswith("X-Mock-Prefer")
    else:
        assert found.name.isprintable()
