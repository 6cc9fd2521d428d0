"""Compare what two servers respond to the same request.

Tokens, dates that a request has just set, and references that a server draws for itself cannot be
the same: only that both are new is compared. So is the order of members, and what an error says
beyond having a text.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.belief.knowledge import OBJECTS, members
from crmcom_kit.contract_tests.calibration.effects import flat
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange, has_code
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.envelope import is_readable, lacking
from crmcom_kit.schemas.methods import response_fields

#: Members that a change may set to what no other server can know.
_DRAWN = ("request", "response", "authentication_code", "log_information.updated_date")
_TEXTS = ("message", "description")
#: What differs if a server has ended a token: nobody can know when it does.
ENDED_TOKEN = "a token that had ended"
#: Differences of which the two outcomes tell what kind they are of; neither is data of a server.
OF_OUTCOMES = ("no envelope", "served or refused", "code of a refusal", "HTTP status of a refusal")
#: Webhook requests that differ in more members than these differ in which they show.
MAX_LACKING = 2


class Difference(NamedTuple):
    """One way in which two responses differ."""

    what: str
    one: str  # what the first server has
    other: str
    record: str = ""  # the id of the webhook request that differs, if it is about one
    forms: tuple[str, str] | None = None  # of both, without data of a server

    @property
    def kind(self) -> str:
        """What differences are grouped by, and how they differ; without data of a server."""
        one, other = self.forms or (self.one, self.other)
        if self.forms is None and self.what not in OF_OUTCOMES:
            return self.what
        return f"{self.what} (the server: {one}; the other: {other})"


@dataclass
class Comparison:
    """Compares exchange by exchange; remembers what was different already."""

    original: dict[str, Record] = field(default_factory=dict)  # as they were first seen, by id
    #: Ids of webhook requests that change by themselves, or were changed by somebody else.
    unsteady: set[str] = field(default_factory=set)
    #: How the first server refuses a token that is not valid, if no other refusal looks like it.
    token_refusal: tuple[int, Any] | None = None
    #: HTTP status and code that a refusal of the other server stands for; None: any.
    wording: Callable[[Exchange], tuple[int, Any] | None] = lambda exchange: exchange.wording

    def differences(self, one: Exchange, other: Exchange) -> list[Difference]:
        """Return in what two responses to the same request differ."""
        if not (is_readable(one) and is_readable(other)):
            same = one.status == other.status and is_readable(one) == is_readable(other)
            return [] if same else [Difference("no envelope", _outcome(one), _outcome(other))]
        if self._has_ended(one, other):
            return [Difference(ENDED_TOKEN, _outcome(one), _outcome(other))]
        if one.ok != other.ok:
            return [Difference("served or refused", _outcome(one), _outcome(other))]
        differences = list(_texts(one, other))
        if not one.ok:
            return [*self._refusals(one, other), *differences]
        if one.call.method == "list":
            differences += self._lists(one, other)
        elif one.call.method not in LOGINS:
            differences += self._data(one.data, other.data)
        return differences

    def _has_ended(self, one: Exchange, other: Exchange) -> bool:
        """Whether a token is no longer valid on the first server alone."""
        if one.ok or self.token_refusal is None:
            return False
        is_of_token = one.wording == self.token_refusal
        return is_of_token and (other.ok or self.wording(other) != self.token_refusal)

    def _refusals(self, one: Exchange, other: Exchange) -> Iterator[Difference]:
        wanted = self.wording(other)
        if wanted is not None and one.wording != wanted:
            what = "code" if one.status == wanted[0] else "HTTP status"
            seen = f"HTTP {wanted[0]}, {wanted[1]}"
            yield Difference(f"{what} of a refusal", _outcome(one), seen)
        forms = [_form(exchange) for exchange in (one, other)]
        if forms[0] != forms[1]:
            yield Difference("data of a refusal", forms[0], forms[1])

    def _lists(self, one: Exchange, other: Exchange) -> Iterator[Difference]:
        forms = [_form(exchange) for exchange in (one, other)]
        if not one.records and not other.records and forms[0] != forms[1]:
            yield Difference("an empty list", forms[0], forms[1])
        if not any("id" in record for record in (*one.records, *other.records)):
            yield from self._parts(one.records, other.records)
            return
        ids = [[_id(record) for record in exchange.records] for exchange in (one, other)]
        steady = [[key for key in keys if key not in self.unsteady] for keys in ids]
        if sorted(steady[0]) != sorted(steady[1]):
            what = "how many are listed" if len(steady[0]) != len(steady[1]) else "which are listed"
            yield Difference(what, _listed(*steady), _listed(*reversed(steady)))
            return
        if steady[0] != steady[1]:
            at = next(n for n, keys in enumerate(zip(*steady, strict=True)) if len(set(keys)) > 1)
            yield Difference("the order of a list", steady[0][at], steady[1][at])
        by_id = {_id(record): record for record in other.records}
        for record in one.records:
            if _id(record) in by_id:
                yield from self._data(record, by_id[_id(record)])

    def _parts(self, one: list[Record], other: list[Record]) -> Iterator[Difference]:
        """Yield in what two lists differ that show some members, and not the id."""
        if len(one) != len(other) and not self.unsteady:
            yield Difference("how many are listed", str(len(one)), str(len(other)))
        pairs = zip(one, other, strict=False)
        for first in islice((difference for pair in pairs for difference in self._data(*pair)), 1):
            yield Difference("what a list without ids shows", first.one, first.other)

    def _data(self, one: Any, other: Any) -> Iterator[Difference]:
        """Yield in which members two webhook requests differ."""
        if not (isinstance(one, dict) and isinstance(other, dict)):
            if one != other:
                yield Difference("data", _written(one), _written(other))
            return
        key = _id(one)
        one, other = _known(one), _known(other)
        if key in self.unsteady or one == other:
            return
        lacking = one.keys() ^ other.keys()
        if len(lacking) > MAX_LACKING:
            yield Difference("which members are shown", _named(one), _named(other), key)
            return
        before = flat(self.original.get(key, {}))
        one, other = flat(one), flat(other)
        for name in dict.fromkeys((*one, *other)):
            mine, its = one.get(name, _ABSENT), other.get(name, _ABSENT)
            if mine != its and not (name in _DRAWN and _are_new(before.get(name), mine, its)):
                forms = _type(mine), _type(its)
                yield Difference(f"member {name}", _written(mine), _written(its), key, forms)
        texts = [(before.get(n), one.get(n), other.get(n)) for n in ("request", "response")]
        drawn = [mine != its and _are_new(was, mine, its) for was, mine, its in texts]
        if all(drawn) and _are_equal(one) != _are_equal(other):
            equal = [str(_are_equal(record)) for record in (one, other)]
            yield Difference("response equals request", equal[0], equal[1], key)


def _known(record: Record) -> Record:
    """Return the members of a webhook request that some page names."""
    return {
        name: _inside(value, name) for name, value in record.items() if name in response_fields()
    }


def _inside(value: Any, name: str) -> Any:
    known = _members(name) if isinstance(value, dict) else None
    if known is None:
        return value
    return {inner: _inside(content, inner) for inner, content in value.items() if inner in known}


@cache
def _members(name: str) -> frozenset[str] | None:
    """Return the members of the object in a member of that name, in any release; None if any."""
    kind = name if name in OBJECTS else name.rpartition("_")[2]
    if kind not in (*OBJECTS, "unit", "user"):
        return None
    return frozenset(members(kind, "R9") + members(kind, "R18"))


_ABSENT = object()


def _are_new(before: Any, one: Any, other: Any) -> bool:
    """Whether both servers have put another text in place of one; in objects and arrays as well."""
    if one == other:
        return True
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        old = before if isinstance(before, dict) else {}
        return all(_are_new(old.get(name), one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        olds = [*(before if isinstance(before, list) else ()), *[None] * len(one)]
        return all(map(_are_new, olds, one, other))
    return isinstance(one, str) and isinstance(other, str) and before not in (one, other)


def _are_equal(record: Record) -> bool:
    return bool(record.get("request") == record.get("response"))


def _texts(one: Exchange, other: Exchange) -> Iterator[Difference]:
    for name in _TEXTS:
        mine, its = (_blank(exchange.envelope["status"].get(name)) for exchange in (one, other))
        if mine != its:
            yield Difference(f"status.{name}", mine, its)


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


def _listed(one: list[str], other: list[str]) -> str:
    more = [key for key in one if key not in set(other)]
    return f"{len(one)} webhook requests" + (f", with {more[0]}" if more else "")


def _named(record: Record) -> str:
    return ", ".join(record) or "none"


def _written(value: Any) -> str:
    if value is _ABSENT:
        return "left out"
    return shortened(repr(value) if isinstance(value, str) else f"{value}")


def _type(value: Any) -> str:
    """Return what kind of value it is."""
    if value is _ABSENT or value is None or value == "":
        return "left out" if value is _ABSENT else _blank(value)
    names = {dict: "an object", list: "an array", str: "a text", bool: "a boolean"}
    return names.get(type(value), "a number")
