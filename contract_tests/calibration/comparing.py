"""Compare what a server and a mock respond to the same request.

Tokens, dates that a request has just set, and references that are drawn cannot be the same: it is
enough that both are new. The order of members, and the words of texts in an error, are not
compared.
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.knowledge import OBJECTS, members
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.calibration.effects import flat
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange, encoded, has_code
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.envelope import is_readable, lacking
from crmcom_kit.schemas.effects import is_moment
from crmcom_kit.schemas.methods import response_fields

#: Members that a change may set to what no mock can know.
_DRAWN = ("request", "response", "authentication_code", "log_information.updated_date")
_TEXTS = ("message", "description")
#: What differs if a server has ended a token: nobody can know when it does.
ENDED_TOKEN = "a token that had ended"
#: Differences that are grouped by both outcomes. The outcomes are not data of a server.
OF_OUTCOMES = ("no envelope", "served or refused", "code of a refusal", "HTTP status of a refusal")
#: If more members than this are on one side only, they are reported as one difference.
MAX_LACKING = 2


class Difference(NamedTuple):
    """One way in which two responses differ."""

    aspect: str
    first: str  # what the server has
    second: str  # what the mock has
    record: str = ""  # the id of the webhook request that differs, if it is about one
    forms: tuple[str, str] | None = None  # of both, without data of a server

    @property
    def kind(self) -> str:
        """What differences are grouped by, and how they differ; without data of a server."""
        first, second = self.forms or (self.first, self.second)
        if self.forms is None and self.aspect not in OF_OUTCOMES:
            return self.aspect
        # Profiles keep this text: other words would not match those of older ones.
        return f"{self.aspect} (the server: {first}; the other: {second})"


@dataclass
class Comparison:
    """Compares the exchanges of a server with those of a mock, one by one."""

    original: dict[str, Record] = field(default_factory=dict)  # as they were first seen, by id
    #: Ids of webhook requests that change by themselves, or were changed by somebody else.
    unsteady: Set[str] = frozenset()
    #: How the server refuses a token that is not valid, if no other refusal looks like it.
    token_refusal: tuple[int, Any] | None = None
    #: HTTP status and code that a refusal of the mock stands for; None: any.
    wording: Callable[[Exchange], tuple[int, Any] | None] = lambda exchange: exchange.wording

    def differences(self, first: Exchange, second: Exchange) -> list[Difference]:
        """Return in what two responses to the same request differ."""
        if not (is_readable(first) and is_readable(second)):
            is_same = first.status == second.status and is_readable(first) == is_readable(second)
            return [] if is_same else [Difference("no envelope", _outcome(first), _outcome(second))]
        if self._has_ended(first, second):
            return [Difference(ENDED_TOKEN, _outcome(first), _outcome(second))]
        if first.ok != second.ok:
            return [Difference("served or refused", _outcome(first), _outcome(second))]
        differences = list(_texts(first, second))
        if not first.ok:
            return [*self._refusals(first, second), *differences]
        if first.call.method == "list":
            differences += self._lists(first, second)
        elif first.call.method not in LOGINS:
            differences += self._data(first.data, second.data)
        return differences

    def _has_ended(self, first: Exchange, second: Exchange) -> bool:
        """Return whether a token is no longer valid on the server alone."""
        if first.ok or self.token_refusal is None:
            return False
        is_of_token = first.wording == self.token_refusal
        return is_of_token and (second.ok or self.wording(second) != self.token_refusal)

    def _refusals(self, first: Exchange, second: Exchange) -> Iterator[Difference]:
        second_wording = self.wording(second)
        if second_wording is not None and first.wording != second_wording:
            status, code = second_wording
            part = "code" if first.status == status else "HTTP status"
            second_outcome = f"HTTP {status}, {'no code' if code is None else code}"
            yield Difference(f"{part} of a refusal", _outcome(first), second_outcome)
        if _form(first) != _form(second):
            yield Difference("data of a refusal", _form(first), _form(second))

    def _lists(self, first: Exchange, second: Exchange) -> Iterator[Difference]:
        if not first.records and not second.records and _form(first) != _form(second):
            yield Difference("an empty list", _form(first), _form(second))
        if not any("id" in record for record in (*first.records, *second.records)):
            yield from self._parts(first.records, second.records)
            return
        first_ids, second_ids = (
            [key for key in map(_id, exchange.records) if key not in self.unsteady]
            for exchange in (first, second)
        )
        if sorted(first_ids) != sorted(second_ids):
            is_longer = len(first_ids) != len(second_ids)
            aspect = "how many are listed" if is_longer else "which are listed"
            yield Difference(aspect, _listed(first_ids, second_ids), _listed(second_ids, first_ids))
            return
        if first_ids != second_ids:
            pairs = zip(first_ids, second_ids, strict=True)
            first_id, second_id = next(pair for pair in pairs if pair[0] != pair[1])
            yield Difference("the order of a list", first_id, second_id)
        by_id = {_id(record): record for record in second.records}
        for record in first.records:
            if _id(record) in by_id:
                yield from self._data(record, by_id[_id(record)])

    def _parts(self, first: list[Record], second: list[Record]) -> Iterator[Difference]:
        """Yield in what two lists differ that show some members, and not the id."""
        if len(first) != len(second) and not self.unsteady:
            yield Difference("how many are listed", str(len(first)), str(len(second)))
        pairs = zip(first, second, strict=False)
        differences = (difference for pair in pairs for difference in self._data(*pair))
        if difference := next(differences, None):
            yield Difference("what a list without ids shows", difference.first, difference.second)

    def _data(self, first: Any, second: Any) -> Iterator[Difference]:
        """Yield in which members two webhook requests differ."""
        if not (isinstance(first, dict) and isinstance(second, dict)):
            if first != second:
                yield Difference("data", _written(first), _written(second))
            return
        key = _id(first)
        first, second = _documented(first), _documented(second)
        if key in self.unsteady or first == second:
            return
        lone_names = first.keys() ^ second.keys()
        if len(lone_names) > MAX_LACKING:
            yield Difference("which members are shown", _named(first), _named(second), key)
            return
        before = flat(self.original.get(key, {}))
        yield from _members_that_differ(before, flat(first), flat(second))


def _members_that_differ(before: Record, first: Record, second: Record) -> Iterator[Difference]:
    """Yield in which members a webhook request differs that was ``before`` on both sides."""
    key = _id(first)
    for name in dict.fromkeys((*first, *second)):
        base, value, other_value = (record.get(name, _ABSENT) for record in (before, first, second))
        if value != other_value and not (name in _DRAWN and _are_new(base, value, other_value)):
            forms = _type(value), _type(other_value)
            yield Difference(f"member {name}", _written(value), _written(other_value), key, forms)
    if all(
        first.get(name) != second.get(name)
        and _are_new(before.get(name), first.get(name), second.get(name))
        for name in ("request", "response")
    ):
        equal, other_equal = (
            str(record.get("request") == record.get("response")) for record in (first, second)
        )
        if equal != other_equal:
            yield Difference("response equals request", equal, other_equal, key)


def _documented(record: Record) -> Record:
    """Return the members of a webhook request that some page names."""
    return {
        name: _inner(value, name) for name, value in record.items() if name in response_fields()
    }


def _inner(value: Any, name: str) -> Any:
    names = _members(name) if isinstance(value, dict) else None
    if names is None:
        return value
    return {member: _inner(content, member) for member, content in value.items() if member in names}


@cache
def _members(name: str) -> frozenset[str] | None:
    """Return the members of the object in a member of that name, in any release; None if any."""
    kind = name if name in OBJECTS else name.rpartition("_")[2]
    if kind not in (*OBJECTS, "unit", "user"):
        return None
    return frozenset(members(kind, "R9") + members(kind, "R18"))


_ABSENT = object()


def _are_new(before: Any, first: Any, second: Any) -> bool:
    """Return whether both sides have put a new text in place of one, at any depth."""
    if first == second:
        return True
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        old_members = before if isinstance(before, dict) else {}
        return all(_are_new(old_members.get(name), first[name], second[name]) for name in first)
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        old_items = [*(before if isinstance(before, list) else ()), *[None] * len(first)]
        return all(map(_are_new, old_items, first, second))
    is_drawn = isinstance(first, str) and isinstance(second, str)
    return (is_drawn or (is_moment(first) and is_moment(second))) and before not in (first, second)


def _texts(first: Exchange, second: Exchange) -> Iterator[Difference]:
    for name in _TEXTS:
        first_value, second_value = (
            _blank(exchange.envelope["status"].get(name)) for exchange in (first, second)
        )
        if first_value != second_value:
            yield Difference(f"status.{name}", first_value, second_value)


def _blank(text: Any) -> str:
    return "null" if text is None else "empty" if text == "" else "a text"


def _form(exchange: Exchange) -> str:
    if "data" not in exchange.envelope:
        return "no data"
    if isinstance(exchange.data, list | dict):
        return "an array" if isinstance(exchange.data, list) else "an object"
    return _written(exchange.data)


def _outcome(exchange: Exchange) -> str:
    if lack := lacking(exchange):
        return f"HTTP {exchange.status}, {lack}"
    if exchange.ok:
        return "served"
    code = shortened(str(exchange.code), 60) if has_code(exchange) else "no code"
    return f"HTTP {exchange.status}, {code}"


def _id(record: Record) -> str:
    return str(record.get("id", ""))


def _listed(first: list[str], second: list[str]) -> str:
    extra_ids = [key for key in first if key not in set(second)]
    return f"{len(first)} webhook requests" + (f", with {extra_ids[0]}" if extra_ids else "")


def _named(record: Record) -> str:
    return ", ".join(record) or "none"


def _written(value: Any) -> str:
    if value is _ABSENT:
        return "left out"
    return shortened(repr(value) if isinstance(value, str) else encoded(value).decode())


def _type(value: Any) -> str:
    """Return what kind of value it is."""
    if value is _ABSENT or value is None or value == "":
        return "left out" if value is _ABSENT else _blank(value)
    names = {dict: "an object", list: "an array", str: "a text", bool: "a boolean"}
    return names.get(type(value), "a number")
