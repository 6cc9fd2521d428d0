"""Patterns for the requests in a journal: operation, record, response and others.

    {"operation": "resend", "record": "7", "state_after": {"absent": true}}

A member is a value, or ``{"absent": true}`` for none.
A value that no request can have (a mistyped operation, state or fault) is refused: the pattern
would never match, and would always confirm that no request was made.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from itertools import chain
from typing import Annotated, Any, NamedTuple, TypedDict

from crmcom_kit.mock_server.faults.presets import PRESETS
from crmcom_kit.mock_server.journal.entry_view import EntryView, JournalReader
from crmcom_kit.mock_server.store.records import KEYS, State
from crmcom_kit.mock_server.typed_schemas import Keywords
from crmcom_kit.redaction import is_secret, redact_query
from crmcom_kit.schemas import methods, resolve
from crmcom_kit.schemas.possible import WITH_RECORD, check_operations, codes_of
from crmcom_kit.schemas.releases import release_names
from crmcom_kit.usage_errors import UsageError, escaped, hint, quoted

#: The states of a webhook request that responses show.
SHOWN_STATES = (State.SUCCESSFUL.value, State.REJECTED.value)
_OF_RESPONSE = ("outcome", "served", "status", "code", "state_before", "state_after")
_VALUE = 'a value or {"absent": true}'
#: For values that cannot be listed: a regular expression, and a description.
_FORMS = {
    "record": ("[^=]+", 'the number or the id of a webhook request, such as "7"'),
    "status": ("[1-5][0-9]{2}", "an HTTP status"),
    "identifier": (".+=.*", 'an identifier as a query spells it, such as "number=7"'),
}
_MAX_SHOWN = 160  # characters of a value in a message
_MAX_CHOICES = 12  # values in a message


class Absent(TypedDict):
    """True if there must be no value."""

    absent: bool


Value = Annotated[str | float | bool | Absent, Keywords({"x-allowed": _VALUE})]


class RequestPattern(TypedDict, total=False):
    """Conditions for a request, besides its operation."""

    record: Annotated[Value, "The number or the id of its webhook request."]
    parameters: Annotated[
        dict[str, Value], "An identifier is written as a query spells it, such as number=7."
    ]
    outcome: Annotated[Value, "refused if the request broke a restriction, else accepted."]
    served: Annotated[bool, "True if the API has carried it out."]
    status: Annotated[Value, "The HTTP status of the response."]
    code: Annotated[Value, "The code in the response's envelope: OK, or that of an error."]
    state_before: Value
    state_after: Annotated[Value, "None for a webhook request that was deleted."]
    fault: Annotated[Value, "The name of the fault that hit it, or true for any fault."]


#: The members that a pattern may have.
MEMBERS = ("operation", *RequestPattern.__annotations__)


class _Condition(NamedTuple):
    """The condition of one member."""

    name: str
    value: str | bool  # a value, or True for any value and False for none

    def holds(self, view: EntryView) -> bool | None:
        """Return True if it holds; None if the response will decide."""
        values = _values(view, self.name)
        if values is None:
            return None
        return bool(values) == self.value if isinstance(self.value, bool) else self.value in values

    def difference(self, view: EntryView) -> str:
        """Return the expected values and those of a request, in words."""
        values = " and ".join(map(_shorten, dict.fromkeys(_values(view, self.name) or ())))
        return f"{self.name}: wanted {self.words}; seen {values or 'nothing'}"

    @property
    def words(self) -> str:
        """The expected value, in words."""
        if isinstance(self.value, bool):
            return "any value" if self.value else "nothing"
        return _shorten(self.value)


class Pattern:
    """A conjunction of conditions; a pattern without any matches every request."""

    def __init__(self, reader: JournalReader, members: Mapping[str, Any]) -> None:
        """Make a pattern of ``members`` for the journal of ``reader``. Raises UsageError."""
        check_members(members, MEMBERS)
        self._reader = reader
        self._conditions = [_condition(reader, name, value) for name, value in _flatten(members)]
        operation = str(members.get("operation"))
        for condition in self._conditions if operation in _operations(reader) else ():
            try:
                _check_possible(reader, operation, condition, members.get("outcome"))
            except UsageError:
                views = (view for view in reader.views() if view.operation == operation)
                if not any(condition.holds(view) for view in views):  # a client may do anything
                    raise

    def matches(self, view: EntryView) -> bool | None:
        """Return True if a request matches; None if its response will decide."""
        results = [condition.holds(view) for condition in self._conditions]
        if False in results:
            return False
        return None if None in results else True

    def differences(self, view: EntryView) -> list[str]:
        """Return the conditions that a request does not meet, in words."""
        conditions = (part for part in self._conditions if part.holds(view) is False)
        return [condition.difference(view) for condition in conditions]

    def check_record(self, views: Iterable[EntryView]) -> None:
        """Raise UsageError if it names a webhook request that never existed.

        A record that a request of ``views`` has named is not a mistake of the pattern.
        """
        for condition in self._conditions:
            record = condition.value
            if condition.name != "record" or isinstance(record, bool):
                continue
            store = self._reader.store()
            has_existed = any(store.ever_existed(key, record) for key in KEYS)
            if not has_existed and not any(condition.holds(view) for view in views):
                allowed = (
                    "the number or id of a present or deleted one, or one that a request named"
                )
                raise UsageError("record", seen=quoted(record), allowed=allowed)

    def __str__(self) -> str:
        return ", ".join(f"{part.name} {part.words}" for part in self._conditions) or "any request"


def check_members(members: Iterable[str], allowed_names: Collection[str]) -> None:
    """Raise UsageError if a member has another name."""
    for name in members:
        if name not in allowed_names:
            parameter = escaped(name)
            allowed = f"one of {', '.join(allowed_names)}{hint(name, allowed_names)}"
            raise UsageError(parameter, seen="in the pattern", allowed=allowed)


def check_one_of(name: str, value: Any, choices: Collection[str]) -> None:
    """Raise UsageError unless a value is one of ``choices``."""
    if value not in choices:
        shown = [*choices][:_MAX_CHOICES]
        listing = f"{', '.join(shown)}{', …' if len(shown) < len(choices) else ''}"
        allowed = f"one of {listing}{hint(str(value), choices)}"
        if name == "state_after":
            allowed += '; of a deleted webhook request {"absent": true}'
        raise UsageError(name, seen=quoted(value), allowed=allowed)


def _flatten(members: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield the members; those of ``parameters`` as ``parameters.entity``. Raises UsageError."""
    for name, value in members.items():
        if name != "parameters":
            yield name, value
            continue
        if not isinstance(value, dict):
            allowed = 'an object, such as {"entity": "JOBS"}'
            raise UsageError(name, seen=quoted(value), allowed=allowed)
        for parameter, parameter_value in value.items():
            check_one_of(name, parameter, _parameter_names())
            yield f"{name}.{parameter}", parameter_value


def _condition(reader: JournalReader, name: str, value: Any) -> _Condition:
    """Return the condition that a member describes. Raises UsageError."""
    is_parameter = name.startswith("parameters.")
    kind = "identifier" if name.endswith("_identifier") else name
    form, allowed = _FORMS.get(kind, (".*", _VALUE))
    if isinstance(value, dict) and value.keys() == {"absent"} and isinstance(value["absent"], bool):
        return _Condition(name, not value["absent"])
    if isinstance(value, bool) and name == "fault":
        return _Condition(name, value)
    if name == "served":
        if not isinstance(value, bool):
            raise UsageError(name, seen=quoted(value), allowed="true or false")
        return _Condition(name, _text(value))
    is_value = isinstance(value, str | int | float) and (is_parameter or type(value) is not bool)
    if not is_value or re.fullmatch(form, _text(value), re.DOTALL) is None:
        raise UsageError(name, seen=quoted(value), allowed=allowed)
    if kind not in _FORMS and not is_parameter:
        check_one_of(name, value, _allowed_values(reader, name))
    return _Condition(name, _text(value))


def _check_possible(
    reader: JournalReader, operation: str, condition: _Condition, outcome: object
) -> None:
    """Raise UsageError if no request of an operation that is served can meet a condition."""
    name, value, config = condition.name, condition.value, reader.config
    if value is False:
        return
    choices: dict[str, Collection[str]] = {
        "parameters.entity": config.release.entities,
        "parameters.life_cycle_state": SHOWN_STATES,
    }
    if name in ("record", "state_before", "state_after"):
        check_operations("operation", (operation,), WITH_RECORD, "names a webhook request")
    elif name == "code" and value is not True:
        check_one_of(name, value, codes_of(config.dialect, operation))
    elif name.startswith("parameters.") and outcome != "refused":
        check_one_of("parameters", name.partition(".")[2], _operations(reader)[operation])
        if name in choices and value is not True:
            check_one_of(name, value, choices[name])


@cache
def _parameter_names() -> tuple[str, ...]:
    """Return the parameters of all releases, except secret ones, which the journal hides."""
    all_methods = [method for name in release_names() for method in methods(resolve(name)).values()]
    names = dict.fromkeys(name for method in all_methods for name in method.parameters)
    return tuple(name for name in names if not is_secret(name))


def _operations(reader: JournalReader) -> dict[str, list[str]]:
    """Return the parameters of each operation."""
    return {method.name: [*method.parameters] for method in reader.config.methods.values()}


def _allowed_values(reader: JournalReader, name: str) -> Collection[str]:
    """Return the values that a request can have for a member."""
    match name:
        case "operation":
            return _operations(reader)
        case "outcome":
            return ("accepted", "refused")
        case "code":
            dialect, operations = reader.config.dialect, _operations(reader)
            codes = (codes_of(dialect, operation) for operation in operations)
            return dict.fromkeys(chain.from_iterable(codes))
        case "fault":
            present_names = (state.fault.name for state in reader.faults.all())
            hit_names = (entry.fault.name for entry in reader.journal.entries() if entry.fault)
            return dict.fromkeys([*PRESETS, *present_names, *hit_names])
        case _:
            return SHOWN_STATES


def _values(view: EntryView, name: str) -> list[str] | None:
    """Return the values that a request has for a member; None if its response will decide."""
    if view.running and name in _OF_RESPONSE:
        return None
    member, _, parameter = name.partition(".")
    value: Any
    match member:
        case "parameters":
            value = view.parameters.get(parameter)
        case "record":
            key = (view.identifier or "").partition("=")[2]
            keys = (key, *reversed((view.record or {}).values()))
            return [key for key in keys if key]
        case "fault":
            value = view.fault and view.fault["name"]
        case _:
            value = getattr(view, member)
    if isinstance(value, dict):  # an identifier, in the notation of a query
        return [",".join(f"{field}={_text(part)}" for field, part in value.items())]
    return [] if value is None else [_text(value)]


def _text(value: object) -> str:
    """Return a value as a string to compare: a string itself, other values as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shorten(text: str) -> str:
    text = redact_query(text)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
