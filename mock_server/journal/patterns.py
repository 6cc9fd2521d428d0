"""Patterns over the requests in a journal: which operation, which record, which response.

    {"operation": "resend", "record": "7", "state_after": {"absent": true}}

A member is a value, or ``{"absent": true}`` for none.
A value that no request has (a mistyped operation, state or fault) is refused: the pattern would
never match, and "it was not called" would be true of it whatever was called.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, NamedTuple, TypedDict

from crmcom_kit.mock_server.faults.presets import PRESETS
from crmcom_kit.mock_server.journal.entry_view import EntryView, JournalReader
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.records import KEYS
from crmcom_kit.mock_server.typed_schemas import Keywords
from crmcom_kit.redaction import is_secret, redact_query
from crmcom_kit.schemas import methods, resolve
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.releases import release_names
from crmcom_kit.usage_errors import UsageError, hint, quoted

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


class Absent(TypedDict):
    """Whether there is no value."""

    absent: bool


Value = Annotated[str | float | bool | Absent, Keywords({"x-allowed": _VALUE})]


class RequestPattern(TypedDict, total=False):
    """What must be true of a request, besides its operation."""

    record: Annotated[Value, "The number or the id of the webhook request that it is about."]
    parameters: Annotated[
        dict[str, Value], "An identifier is written as a query spells it, such as number=7."
    ]
    outcome: Annotated[Value, "refused if the request broke a restriction, else accepted."]
    served: Annotated[bool, "Whether the API has carried it out."]
    status: Annotated[Value, "The HTTP status of the response."]
    code: Annotated[Value, "The code in the response's envelope: OK, or that of an error."]
    state_before: Value
    state_after: Annotated[Value, "None for a webhook request that was deleted."]
    fault: Annotated[Value, "The name of the fault that hit it; or whether one did."]


#: The members that a pattern may have.
MEMBERS = ("operation", *RequestPattern.__annotations__)


class _Condition(NamedTuple):
    """What one member asks of a request."""

    name: str
    wanted: str | bool  # a value, or whether there is one

    def holds(self, view: EntryView) -> bool | None:
        """Whether it holds; None if the response will decide."""
        seen = _values(view, self.name)
        if seen is None:
            return None
        return bool(seen) == self.wanted if isinstance(self.wanted, bool) else self.wanted in seen

    def difference(self, view: EntryView) -> str:
        """Return, in words, what was wanted and what a request has."""
        seen = " and ".join(map(_short, dict.fromkeys(_values(view, self.name) or ())))
        return f"{self.name}: wanted {self.words}; seen {seen or 'nothing'}"

    @property
    def words(self) -> str:
        """What is wanted, in words."""
        if isinstance(self.wanted, bool):
            return "any value" if self.wanted else "nothing"
        return _short(self.wanted)


class Pattern:
    """A conjunction of conditions; a pattern without any matches every request."""

    def __init__(self, reader: JournalReader, members: Mapping[str, Any]) -> None:
        """Ask for all of ``members`` in the journal that ``reader`` reads. Raises UsageError."""
        check_members(members, MEMBERS)
        self._reader = reader
        self._conditions = [_condition(reader, name, asked) for name, asked in _flat(members)]

    def matches(self, view: EntryView) -> bool | None:
        """Whether a request matches; None if its response will decide."""
        held = [condition.holds(view) for condition in self._conditions]
        if False in held:
            return False
        return None if None in held else True

    def differences(self, view: EntryView) -> list[str]:
        """Return, in words, each condition that a request does not meet."""
        differing = (part for part in self._conditions if part.holds(view) is False)
        return [condition.difference(view) for condition in differing]

    def check_record(self, views: Iterable[EntryView]) -> None:
        """Raise UsageError if it asks for a webhook request that there never was.

        One that a request of ``views`` has named is asked for on purpose.
        """
        for condition in self._conditions:
            record = condition.wanted
            if condition.name != "record" or isinstance(record, bool):
                continue
            store = self._reader.store()
            existed = any(store.ever_existed(key, record) for key in KEYS)
            if not existed and not any(condition.holds(view) for view in views):
                allowed = "the number or the id of one that is or was there, or that was asked for"
                raise UsageError("record", seen=quoted(record), allowed=allowed)

    def __str__(self) -> str:
        return ", ".join(f"{part.name} {part.words}" for part in self._conditions) or "any request"


def check_members(members: Iterable[str], allowed_names: Iterable[str]) -> None:
    """Raise UsageError if there is a member of another name."""
    for name in members:
        if name not in allowed_names:
            shown = quoted(name).strip('"')
            allowed = f"one of {', '.join(allowed_names)}{hint(name, allowed_names)}"
            raise UsageError(shown, seen="in the pattern", allowed=allowed)


def check_one_of(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise UsageError unless a value is one of some choices."""
    if value not in choices:
        allowed = f"one of {', '.join(choices)}"
        if name == "state_after":
            allowed += '; of a deleted webhook request {"absent": true}'
        raise UsageError(name, seen=quoted(value), allowed=allowed)


def _flat(members: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield the members, those of ``parameters`` as ``parameters.entity``. Raises UsageError."""
    for name, asked in members.items():
        if name != "parameters":
            yield name, asked
            continue
        if not isinstance(asked, dict):
            allowed = 'an object, such as {"entity": "JOBS"}'
            raise UsageError(name, seen=quoted(asked), allowed=allowed)
        for parameter, wanted in asked.items():
            check_one_of(name, parameter, _parameter_names())
            yield f"{name}.{parameter}", wanted


def _condition(reader: JournalReader, name: str, asked: Any) -> _Condition:
    """Return the condition that a member describes. Raises UsageError."""
    is_parameter = name.startswith("parameters.")
    kind = "identifier" if name.endswith("_identifier") else name
    form, allowed = _FORMS.get(kind, (".*", _VALUE))
    if isinstance(asked, dict) and asked.keys() == {"absent"} and isinstance(asked["absent"], bool):
        return _Condition(name, not asked["absent"])
    if isinstance(asked, bool) and name == "fault":
        return _Condition(name, asked)
    if name == "served":
        if not isinstance(asked, bool):
            raise UsageError(name, seen=quoted(asked), allowed="true or false")
        return _Condition(name, _text(asked))
    is_value = isinstance(asked, str | int | float) and (is_parameter or type(asked) is not bool)
    if not is_value or re.fullmatch(form, _text(asked), re.DOTALL) is None:
        raise UsageError(name, seen=quoted(asked), allowed=allowed)
    if kind not in _FORMS and not is_parameter:
        check_one_of(name, asked, _known(reader, name))
    return _Condition(name, _text(asked))


@cache
def _parameter_names() -> tuple[str, ...]:
    """Return the parameters of all releases, without secrets, which the journal hides."""
    every = [method for name in release_names() for method in methods(resolve(name)).values()]
    names = dict.fromkeys(name for method in every for name in method.parameters)
    return tuple(name for name in names if not is_secret(name))


def _known(reader: JournalReader, name: str) -> Iterable[str]:
    """Return the values that a request can have for a member."""
    match name:
        case "operation":
            return [method.name for method in reader.config.methods.values()]
        case "outcome":
            return ("accepted", "refused")
        case "code":
            dialect = reader.config.dialect
            return dict.fromkeys(
                ["OK", *(dialect[f"errors.{kind}.code"] for kind in error_kinds())]
            )
        case "fault":
            here = (state.fault.name for state in reader.faults.all())
            hit = (entry.fault.name for entry in reader.journal.entries() if entry.fault)
            return dict.fromkeys([*PRESETS, *here, *hit])
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
            named = (view.identifier or "").partition("=")[2]
            keys = (named, *reversed((view.record or {}).values()))
            return [key for key in keys if key]
        case "fault":
            value = view.fault and view.fault["name"]
        case _:
            value = getattr(view, member)
    if isinstance(value, dict):  # an identifier, as a query spells it
        return [",".join(f"{field}={_text(part)}" for field, part in value.items())]
    return [] if value is None else [_text(value)]


def _text(value: object) -> str:
    """Return the string that a value is compared as: a string itself, anything else as its JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    text = redact_query(text)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
