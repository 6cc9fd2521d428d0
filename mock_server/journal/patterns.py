"""Patterns over the calls in a journal: WireMock's grammar as far as it applies, and our own words.

A pattern sees what is shown of a call: a secret's value is *** in it, and cannot be asked for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crmcom_kit.mock_server.journal.call_view import ToldCall
from crmcom_kit.mock_server.journal.matchers import OPERATORS, Matcher, equal_to, matcher, text_of
from crmcom_kit.mock_server.journal.pattern_checks import check_asked
from crmcom_kit.mock_server.journal.safe_regex import Budget
from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.redaction import MASK, is_secret, masked_query
from crmcom_kit.mock_server.usage_errors import UsageError

_MAX_MEMBERS = 100
_IDENTIFIER_FIELDS = frozenset({"id", "number", "name", "alternative_code"})
_MAX_SHOWN = 160

Values = Callable[[ToldCall], Sequence[str]]


class Difference(NamedTuple):
    """What of a call is not as a pattern wants it."""

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
    """One thing that a pattern asks of a call."""

    name: str
    matcher: Matcher
    values: Values

    @property
    def wanted(self) -> str:
        """What is asked, in words and without secrets."""
        secret = is_secret(self.name) and "absent" not in self.matcher.wanted
        return MASK if secret else _short(masked_query(self.matcher.wanted))


class Pattern:
    """What is asked of a call; without any member every call fits."""

    def __init__(self, members: Iterable[Member]) -> None:
        """Ask all of ``members``. Raises UsageError where they are too many."""
        self.members = tuple(members)
        if len(self.members) > _MAX_MEMBERS:
            allowed = f"at most {_MAX_MEMBERS} members"
            raise UsageError("pattern", seen=f"{len(self.members)}", allowed=allowed)
        #: What is asked, by member, as it is shown: in words once, not again for every call.
        self.shown: dict[str, Any] = {one.name: one.wanted for one in self.members}

    def fits(self, call: ToldCall, budget: Budget) -> bool:
        """Whether a call is all that is asked. Raises TookTooLong."""
        return all(one.matcher.fits(one.values(call), budget) for one in self.members)

    def differences(self, call: ToldCall, budget: Budget) -> tuple[Difference, ...]:
        """Return in what a call is not as asked. Raises TookTooLong."""
        found = []
        for one in self.members:
            values = one.values(call)
            if not one.matcher.fits(values, budget):
                seen = " and ".join(map(_short, values[:3])) if values else "nothing"
                far = one.matcher.distance(values, budget)
                found.append(Difference(one.name, self.shown[one.name], seen, far))
        return tuple(found)

    def __str__(self) -> str:
        if not self.members:
            return "any call"
        return ", ".join(f"{name} {wanted}" for name, wanted in self.shown.items())


def matching(spec: Mapping[str, Any] | None = None, **members: Any) -> Pattern:
    """Return the pattern that ``spec``, or the members given by name, describe.

    Args:
        spec: a pattern as the control API reads it, such as ``{"operation": "resend"}``.
        members: more of its members, such as ``operation="resend"``.

    Raises:
        UsageError: a member is not known or cannot be read.
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


_Reader = Callable[[str, Any], list[Member]]


def _one(values: Callable[[ToldCall], str | int | None]) -> _Reader:
    """Read a member that a call has one value for, or none."""

    def read(name: str, value: Any) -> list[Member]:
        if value is None:
            raise UsageError(name, seen="null", allowed='a value, or {"absent": true} for none')
        check_asked(name, value)

        def ask(call: ToldCall) -> Sequence[str]:
            seen = values(call)
            return () if seen is None else (text_of(seen),)

        return [Member(name, matcher(value, name), ask)]

    return read


def _method(name: str, value: Any) -> list[Member]:
    if isinstance(value, str) and value.upper() == "ANY":
        return []
    wanted = value.upper() if isinstance(value, str) else value
    return [Member(name, matcher(wanted, name), lambda call: (call.verb.upper(),))]


def _url(name: str, value: Any) -> list[Member]:
    if not isinstance(value, str):
        raise UsageError(name, seen=json_type(value), allowed="a text")
    if name in ("url", "urlPath"):
        path, mark, query = value.partition("?")
        asked = equal_to(f"{path}{mark}{masked_query(query)}" if mark else value)
    else:
        asked = matcher({"matches": value}, name)
    if name in ("urlPath", "urlPathPattern"):
        return [Member(name, asked, lambda call: (call.path,))]
    return [Member(name, asked, lambda call: (call.url,))]


def _named(values: Callable[[ToldCall, str], Sequence[str]]) -> _Reader:
    """Read a member that is itself one of names and what is asked of each."""

    def read(name: str, value: Any) -> list[Member]:
        if not isinstance(value, dict):
            raise UsageError(name, seen=json_type(value), allowed="an object of names")
        return [
            Member(f"{name}.{key}", _matcher_of(key, part, f"{name}.{key}"), _bound(values, key))
            for key, part in value.items()
        ]

    return read


def _bound(values: Callable[[ToldCall, str], Sequence[str]], key: str) -> Values:
    return lambda call: values(call, key)


def _matcher_of(name: str, value: Any, where: str) -> Matcher:
    """Read what is asked of one parameter; an identifier may stand there as it is."""
    del name
    if isinstance(value, dict) and value and value.keys() <= _IDENTIFIER_FIELDS:
        return matcher({"equalToJson": value}, where)
    return matcher(value, where)


def _query(call: ToldCall, name: str) -> Sequence[str]:
    return [value for key, value in call.query_parameters if key == name]


def _header(call: ToldCall, name: str) -> Sequence[str]:
    wanted = name.casefold()
    return [value for key, value in call.headers if key.casefold() == wanted]


def _parameter(call: ToldCall, name: str) -> Sequence[str]:
    value = call.parameters.get(name)
    if name not in call.parameters:
        return ()
    return [text_of(one) for one in value] if isinstance(value, list) else (text_of(value),)


def _record(call: ToldCall, name: str) -> Sequence[str]:
    value = (call.record or {}).get(name)
    return () if value is None else (value,)


def _touched(name: str, value: Any) -> list[Member]:
    if isinstance(value, dict) and not value.keys() <= {"id", "number"}:
        raise UsageError(name, seen=quoted(text_of(value)), allowed='such as {"number": "7"}')
    return _named(_record)(name, value)


def _body(name: str, value: Any) -> list[Member]:
    if not isinstance(value, list):
        raise UsageError(name, seen=json_type(value), allowed="an array of objects of operators")
    return [
        Member(f"{name}[{at}]", matcher(part, f"{name}[{at}]"), lambda call: (call.body,))
        for at, part in enumerate(value)
    ]


def _identifier(name: str, value: Any) -> list[Member]:
    if isinstance(value, dict) and not value.keys() & set(OPERATORS):
        if len(value) != 1 or not value.keys() <= {"id", "number"}:
            raise UsageError(name, seen=quoted(text_of(value)), allowed='such as {"number": "7"}')
        ((field, text),) = value.items()
        value = f"{field}={text}"
    return _one(lambda call: call.identifier)(name, value)


def _flag(name: str, value: Any) -> list[Member]:
    if not isinstance(value, bool):
        raise UsageError(name, seen=quoted(text_of(value)), allowed="true or false")
    return [Member(name, equal_to(value), lambda call: (text_of(call.matched),))]


def _fault(name: str, value: Any) -> list[Member]:
    def hit(call: ToldCall) -> str | None:
        return None if call.fault is None else str(call.fault.get("name"))

    if isinstance(value, bool):
        value = {"absent": not value}
    return _one(hit)(name, value)


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
    "record": _touched,
    "statement": _one(lambda call: call.statement),
    "errorKind": _one(lambda call: None if call.error is None else call.error.kind),
    "status": _one(lambda call: call.status),
    "code": _one(lambda call: call.code),
    "stateBefore": _one(lambda call: _state(call.before)),
    "stateAfter": _one(lambda call: _state(call.after)),
    "fault": _fault,
    "matched": _flag,
}


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
