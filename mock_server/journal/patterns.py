"""Patterns over the requests in a journal: WireMock's grammar as far as it applies, and our own.

A pattern sees what is shown of a request: a secret's value is *** in it and cannot be asked for.
A value that no request has (a mistyped operation, state or statement) is refused: such a pattern
would never match, and "it was not called" would be true of it whatever was called.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from crmcom_kit.mock_server.faults.validation import all_operations
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.matchers import OPERATORS, Matcher, equal_to, matcher, text_of
from crmcom_kit.mock_server.journal.safe_regex import Budget
from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.redaction import MASK, is_secret, redact_query
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.releases import entities_since
from crmcom_kit.schemas.statements import statements
from crmcom_kit.usage_errors import UsageError, quoted

#: The states of a webhook request that responses show.
SHOWN_STATES = (State.SUCCESSFUL.value, State.REJECTED.value)
_MAX_MEMBERS = 100
_IDENTIFIER_FIELDS = frozenset({"id", "number", "name", "alternative_code"})
_RECORD_FIELDS = frozenset({"id", "number"})
_MAX_SHOWN = 160  # characters of a value in a message
_MAX_LISTED = 40  # allowed values in a message; of a longer list, the nearest ones

Values = Callable[[CallView], Sequence[str]]
#: Whether the values of a running request are still to come.
IsOpen = Callable[[CallView], bool]


def _is_never_open(_: CallView) -> bool:
    return False  # the request itself has the values


def _until_done(call: CallView) -> bool:
    return call.result is None


def _until_answered(call: CallView) -> bool:
    return call.running


class Difference(NamedTuple):
    """One member in which a request differs from a pattern."""

    member: str
    wanted: str
    seen: str
    distance: float

    def __str__(self) -> str:
        return f"{self.member}: wanted {self.wanted}; seen {self.seen}"

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {"member": self.member, "wanted": self.wanted, "seen": self.seen}


class Member(NamedTuple):
    """One member of a pattern."""

    name: str
    matcher: Matcher
    values: Values
    is_open: IsOpen = _is_never_open

    @property
    def wanted(self) -> str:
        """What is asked for, in words and without secrets."""
        secret = is_secret(self.name) and "absent" not in self.matcher.wanted
        return MASK if secret else _short(redact_query(self.matcher.wanted))


class Pattern:
    """A conjunction of members; a pattern without any matches every request."""

    def __init__(self, members: Iterable[Member]) -> None:
        """Ask for all of ``members``. Raises UsageError if there are too many."""
        self.members = tuple(members)
        if len(self.members) > _MAX_MEMBERS:
            allowed = f"at most {_MAX_MEMBERS} members"
            raise UsageError("pattern", seen=f"{len(self.members)}", allowed=allowed)
        #: What is asked for, by member, as it is shown.
        self.shown: dict[str, Any] = {one.name: one.wanted for one in self.members}

    def matches(self, call: CallView, budget: Budget) -> bool | None:
        """Whether a request matches all members; None if its response will decide that.

        Raises TookTooLong.
        """
        known = [one for one in self.members if not one.is_open(call)]
        if all(_matches(one, one.values(call), budget) for one in known):
            return True if len(known) == len(self.members) else None
        return False

    def differences(self, call: CallView, budget: Budget) -> tuple[Difference, ...]:
        """Return the members that a request does not match. Raises TookTooLong."""
        found = []
        for one in self.members:
            values = one.values(call)
            if not one.is_open(call) and not _matches(one, values, budget):
                seen = " and ".join(map(_short, values[:3])) if values else "nothing"
                with budget:
                    far = one.matcher.distance(values, budget)
                found.append(Difference(one.name, self.shown[one.name], seen, far))
        return tuple(found)

    def __str__(self) -> str:
        if not self.members:
            return "any call"
        return ", ".join(f"{name} {wanted}" for name, wanted in self.shown.items())


def _matches(member: Member, values: Sequence[str], budget: Budget) -> bool:
    # Only matching is charged; building the values (redaction) is not the pattern's fault.
    with budget:
        return member.matcher.matches(values, budget)


def pattern_of(spec: Mapping[str, Any] | None = None, **members: Any) -> Pattern:
    """Return the pattern that ``spec``, or the members given by name, describe.

    Args:
        spec: a pattern as the control API reads it, such as ``{"operation": "resend"}``.
        members: more of its members, such as ``operation="resend"``.

    Raises:
        UsageError: a member is unknown or cannot be read.
    """
    whole = {**(spec or {}), **members}
    found: list[Member] = []
    for name, value in whole.items():
        read = _READERS.get(name)
        if read is None:
            allowed = f"one of {', '.join(_READERS)}"
            raise UsageError(quoted(name).strip('"'), seen="in the pattern", allowed=allowed)
        found += read(name, value)
    return Pattern(found)


def check_one_of(name: str, asked: object, known: tuple[str, ...]) -> None:
    """Raise UsageError, naming the nearest values, unless ``asked`` is in ``known``."""
    if asked in known:
        return
    near = get_close_matches(str(asked), known, n=3, cutoff=0.4) or known[:3]
    few = len(known) <= _MAX_LISTED
    allowed = f"one of {', '.join(known)}" if few else f"an id such as {', '.join(near)}"
    if name == "stateAfter":
        allowed += '; of a deleted webhook request {"absent": true}'
    raise UsageError(name, seen=quoted(asked), allowed=allowed)


#: The members of a webhook request that have few values.
RECORD_SETS: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "life_cycle_state": lambda: SHOWN_STATES,
    "entity": lambda: tuple(entities_since()),
}
_SETS: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "operation": all_operations,
    "statement": lambda: tuple(each.id for each in statements()),
    "errorKind": lambda: tuple(error_kinds()),
    "stateBefore": lambda: SHOWN_STATES,
    "stateAfter": lambda: SHOWN_STATES,
}
_FORMS = {
    "identifier": (
        re.compile(r"(id|number)=.*", re.DOTALL),
        'number=… or id=…, or {"number": "7"}',
    ),
    "status": (re.compile("[1-9][0-9]{2}"), "an HTTP status"),
    "code": (re.compile(r"OK|(?!(?i:ok)\Z).*", re.DOTALL), "OK, or the code of an error"),
    "matched": (re.compile("true|false"), "true or false"),
}


def _check_possible(name: str, asked: Any) -> None:
    """Raise UsageError if no request has the value ``asked`` for the member ``name``."""
    if isinstance(asked, Mapping):
        if "equalTo" not in asked or asked.get("caseInsensitive"):
            return
        asked = asked["equalTo"]
    if name in _SETS:
        check_one_of(name, asked, _SETS[name]())
    elif name in _FORMS:
        form, allowed = _FORMS[name]
        if not form.fullmatch(text_of(asked)):
            raise UsageError(name, seen=quoted(asked), allowed=allowed)


_Reader = Callable[[str, Any], list[Member]]


def _one(
    value_of: Callable[[CallView], str | int | None], is_open: IsOpen = _is_never_open
) -> _Reader:
    """Read a member that has one value in a request, or none."""

    def read(name: str, value: Any) -> list[Member]:
        if value is None:
            raise UsageError(name, seen="null", allowed='a value, or {"absent": true} for none')
        _check_possible(name, value)

        def values(call: CallView) -> Sequence[str]:
            seen = value_of(call)
            return () if seen is None else (text_of(seen),)

        return [Member(name, matcher(value, name), values, is_open)]

    return read


def _named(
    values: Callable[[str, CallView], Sequence[str]],
    known: frozenset[str] | None = None,
    is_open: IsOpen = _is_never_open,
) -> _Reader:
    """Read a member that is an object: names, of ``known`` if given, and what is asked of each."""

    def read(name: str, value: Any) -> list[Member]:
        if not isinstance(value, dict):
            names = ", ".join(sorted(known)) if known else "names"
            raise UsageError(name, seen=json_type(value), allowed=f"an object of {names}")
        if known is not None and not value.keys() <= known:
            raise UsageError(name, seen=quoted(text_of(value)), allowed='such as {"number": "7"}')
        found = []
        for key, part in value.items():
            where = f"{name}.{key}"
            text = _written(key, part, where) if name == "parameters" else None
            if text is None:
                found.append(Member(where, matcher(part, where), partial(values, key), is_open))
            else:
                found.append(Member(where, equal_to(text), partial(_identifying, key), is_open))
        return found

    return read


def _method(name: str, value: Any) -> list[Member]:
    if isinstance(value, str) and value.upper() == "ANY":
        return []
    wanted = value.upper() if isinstance(value, str) else value
    return [Member(name, matcher(wanted, name), lambda call: (call.verb.upper(),))]


def _url(name: str, value: Any) -> list[Member]:
    if not isinstance(value, str):
        raise UsageError(name, seen=json_type(value), allowed="a string")
    if name in ("url", "urlPath"):
        path, mark, query = value.partition("?")
        if not path.startswith("/crmapi"):
            allowed = "a path as the journal has it, from /crmapi on, without host and world"
            raise UsageError(name, seen=quoted(value), allowed=allowed)
        asked = equal_to(f"{path}{mark}{redact_query(query)}" if mark else value)
    else:
        asked = matcher({"matches": value}, name)
    if name in ("urlPath", "urlPathPattern"):
        return [Member(name, asked, lambda call: (call.path,))]
    return [Member(name, asked, lambda call: (call.url,))]


def _query(name: str, call: CallView) -> Sequence[str]:
    return [value for key, value in call.query_parameters if key == name]


def _header(name: str, call: CallView) -> Sequence[str]:
    wanted = name.casefold()
    return [value for key, value in call.headers if key.casefold() == wanted]


def _parameter(name: str, call: CallView) -> Sequence[str]:
    if name not in call.parameters:
        return ()
    value = call.parameters[name]
    return [text_of(one) for one in value] if isinstance(value, list) else (text_of(value),)


def _written(name: str, asked: Any, where: str) -> str | None:
    """Return an identifier as a query spells it, however it is asked for; None for other things.

    Raises UsageError if it is a text that no request can have as an identifier.
    """
    if isinstance(asked, dict) and len(asked) == 1 and asked.keys() <= _IDENTIFIER_FIELDS:
        return _spelled(asked)
    if not name.endswith("_identifier") or isinstance(asked, dict | list):
        return None
    text = text_of(asked)
    if text.partition("=")[0] not in _IDENTIFIER_FIELDS or "=" not in text:
        raise UsageError(where, seen=quoted(text), allowed='number=7, or {"number": "7"}')
    return text


def _spelled(identifier: Mapping[str, Any]) -> str:
    return ",".join(f"{field}={text_of(value)}" for field, value in identifier.items())


def _identifying(name: str, call: CallView) -> Sequence[str]:
    """Return the identifier of a request as a query spells it: in a body it is an object."""
    value = call.parameters.get(name)
    return (_spelled(value),) if isinstance(value, dict) else _parameter(name, call)


def _record(name: str, call: CallView) -> Sequence[str]:
    return () if call.record is None else (call.record[name],)


def _body(name: str, value: Any) -> list[Member]:
    if not isinstance(value, list):
        raise UsageError(name, seen=json_type(value), allowed="an array of objects of operators")
    return [
        Member(f"{name}[{at}]", matcher(part, f"{name}[{at}]"), lambda call: (call.body,))
        for at, part in enumerate(value)
    ]


def _identifier(name: str, value: Any) -> list[Member]:
    if isinstance(value, dict) and not value.keys() & set(OPERATORS):
        if len(value) != 1 or not value.keys() <= _RECORD_FIELDS:
            raise UsageError(name, seen=quoted(text_of(value)), allowed='such as {"number": "7"}')
        ((field, text),) = value.items()
        value = f"{field}={text}"
    return _one(lambda call: call.identifier)(name, value)


def _fault(name: str, value: Any) -> list[Member]:
    if isinstance(value, bool):
        value = {"absent": not value}
    return _one(lambda call: None if call.fault is None else str(call.fault.get("name")))(
        name, value
    )


def _state(record: dict[str, Any] | None) -> str | None:
    return None if record is None else record.get("life_cycle_state")


_READERS: dict[str, _Reader] = {
    "method": _method,
    "url": _url,
    "urlPath": _url,
    "urlPattern": _url,
    "urlPathPattern": _url,
    "queryParameters": _named(_query),
    "headers": _named(_header),
    "bodyPatterns": _body,
    "operation": _one(lambda call: call.operation),
    "parameters": _named(_parameter),
    "identifier": _identifier,
    "record": _named(_record, _RECORD_FIELDS, _until_done),
    "statement": _one(lambda call: call.statement, _until_answered),
    "errorKind": _one(
        lambda call: None if call.error is None else call.error.kind, _until_answered
    ),
    "status": _one(lambda call: call.status, _until_answered),
    "code": _one(lambda call: call.code, _until_answered),
    "stateBefore": _one(lambda call: _state(call.before), _until_done),
    "stateAfter": _one(lambda call: _state(call.after), _until_done),
    "fault": _fault,
    "matched": _one(lambda call: call.matched, _until_answered),
}

#: The members that a pattern may have.
PATTERN_MEMBERS = tuple(_READERS)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
