"""The scope of a run: which webhook requests it may change, and the guard that enforces it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.client.calls import JSON, changing_method
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import Client
from crmcom_kit.contract_tests.findings import Withheld
from crmcom_kit.contract_tests.oracle.sense import FIELDS, IDENTIFIER
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.methods import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The webhook requests that a run may change: those that fit all that is given; else none."""

    definition: str | None = None  # the name of their webhook definition
    numbers: frozenset[str] = frozenset()
    everything: bool = False
    spared: frozenset[str] = frozenset()  # ids of witnesses, see ``discovery.witnesses``

    def __call__(self, record: Record) -> bool:
        """Whether a webhook request is in scope."""
        if not (self.definition or self.numbers or self.everything):
            return False
        if record.get("id") in self.spared:
            return False
        definition, number = record.get("webhook_definition"), record.get("number")
        named = definition.get("name") if isinstance(definition, Mapping) else None
        return (self.definition is None or named == self.definition) and (
            not self.numbers or (isinstance(number, str) and number in self.numbers)
        )

    @property
    def filters(self) -> dict[str, Any]:
        """The parameters of a list that finds no more than it must; empty where none would."""
        if self.definition is None:
            return {}
        return {"webhook_definition_identifier": {"name": self.definition}}

    @property
    def is_free(self) -> bool:
        """Whether nothing narrows it, witnesses aside."""
        return self.everything and not (self.definition or self.numbers)


#: Every webhook request: the scope on a mock of ours.
EVERYTHING = Scope(everything=True)


class Sender(Protocol):
    """What safety needs of the session that sends the requests of a run."""

    client: Client

    @property
    def nowhere(self) -> Mapping[str, str]:
        """By field, what names nothing."""
        ...

    @property
    def target(self) -> Target:
        """What is checked."""
        ...

    @property
    def records(self) -> Mapping[str, Record]:
        """The known webhook requests, by id."""
        ...

    @property
    def deleted(self) -> Mapping[str, Record]:
        """The deleted ones, by id."""
        ...

    @property
    def shared(self) -> set[str]:
        """Numbers that several webhook requests have shown."""
        ...

    @property
    def may_change(self) -> Callable[[Record], bool]:
        """Whether a webhook request is in scope."""
        ...

    def method(self, name: str, /) -> Method:
        """Return a method of the release. Raises Unreachable if it has none of this name."""
        ...

    def call(self, name: str, parameters: Mapping[str, Any], /) -> Exchange:
        """Call a method with the run's token. Raises as ``Client.send``, and Unreachable."""
        ...


class Guard:
    """Looks at each call that may change something, before it is sent.

    A webhook request that is out of scope is never named to resend or delete. What a server makes
    of a call that the documents do not know, nobody can tell: so under a scope only calls pass that
    are written as documented, with one identifier. It has to be that of a webhook request in scope
    as the server showed it last, or ``Sender.nowhere``, which names nothing.

    If everything may be changed, any call passes that names no witness. Either way, a value that
    names nothing as far as is known is looked up first, by the same field: the id of one may be the
    number of another. If it names one after all, the call is not sent.
    """

    def __init__(
        self, session: Sender, log: Ledger | None = None, *, may_find_more: bool = False
    ) -> None:
        """Guard what ``session`` sends.

        Args:
            session: sends the calls.
            log: gets what is about to be changed.
            may_find_more: whether a value that turns out to name a webhook request in scope may
                be sent. A run must not: it takes the value for one that names none.
        """
        self._session = session
        self._log = log
        self._may_find_more = may_find_more
        self._looked_up: dict[tuple[str, str], list[Record]] = {}  # what names what, by field
        self.touched: dict[str, Record] = {}  # by id: all that a changing call has named
        self.unclear: dict[str, Record] = {}  # by id: those that no answer has told the fate of
        self._newly_unclear: list[Record] = []

    def __call__(self, call: Call) -> None:
        """Let ``call`` pass.

        Raises:
            Withheld: it might leave the scope, or reach what the run does not know.
            LedgerFailed: what it may change cannot be written down.
        """
        is_free = getattr(self._session.may_change, "is_free", False)
        records = self._all_named(call) if is_free else self._one_in_scope(call)
        for record in records:
            if record["id"] not in self.touched:
                if self._log is not None:  # first: one that is touched passes from then on
                    self._log.note(record, changing_method(call) or call.method)
                self.touched[record["id"]] = record
        sent = self._session.client.left != 0
        self._newly_unclear = [r for r in records if sent and r["id"] not in self.unclear]
        self.unclear |= {r["id"]: r for r in self._newly_unclear}

    def answered(self, exchange: Exchange) -> None:
        """Take note of the answer to the call that passed last: was anything done?

        An answer that never comes, or that is no envelope for the server's sake, leaves it open.
        """
        if exchange.envelope or 400 <= exchange.status < 500:
            for record in self._newly_unclear:
                self.unclear.pop(record["id"], None)

    def _one_in_scope(self, call: Call) -> list[Record]:
        """Return the webhook request that a documented call names; none for what names nothing."""
        session, method = self._session, changing_method(call) or ""
        named = documented_identifier(call, session.method(method))
        if named is not None:
            field, value = named
            if value == session.nowhere[field] and not self._look_up(field, value):
                return []
            if self._may_find_more:
                self._look_up(field, value)
            if value in session.shared:
                msg = f"{value} is the number of several webhook requests, so it is not sent"
                raise Withheld(msg)
            found = self._known(value)
            self._see_that_all_may_change(found)
            if any(record.get(field) == value for record in found):
                return found
        msg = f"under a scope, {method} gets only documented requests with one identifier, that "
        msg += "of a webhook request in scope; to try others, allow any change with --all-records"
        raise Withheld(msg)

    def _all_named(self, call: Call) -> list[Record]:
        """Return every webhook request that a call may name, in whatever way it is written."""
        values = sorted(set(_values(call)))
        records = [found for field, value in values for found in self._named_records(field, value)]
        self._see_that_all_may_change(records)
        return records

    def _see_that_all_may_change(self, records: Iterable[Record]) -> None:
        for record in records:
            if not self._session.may_change(record):
                msg = f"number {record.get('number')} is out of scope, so it is not changed"
                raise Withheld(msg)

    def _known(self, value: str) -> list[Record]:
        """Return the webhook requests that have a value, be it as id or as number."""
        records = self._session.records.values()
        return [each for each in records if value in (each["id"], each.get("number"))]

    def _named_records(self, field: str, value: str) -> Iterator[Record]:
        """Yield the webhook requests that a value may name, be it as id or as number."""
        session = self._session
        yield from self._known(value)
        if session.target.own:
            return
        names = (field,) if field in ("id", "number") else ("id", "number")
        seen = (*session.records.values(), *session.deleted.values())
        if field not in names and any(r.get(name) == value for r in seen for name in names):
            return  # in a text: it is meant as what it names
        for name in names:
            if (name, value) in self._looked_up or not any(r.get(name) == value for r in seen):
                yield from self._look_up(name, value)

    def _look_up(self, field: str, value: str) -> list[Record]:
        """Return what a value names that nothing known has in that field. Raises Withheld."""
        if (field, value) not in self._looked_up:
            identifier = {"webhook_request_identifier": {field: value}}
            found = self._session.call("show", identifier).records
            self._looked_up[field, value] = [r for r in found if isinstance(r.get("id"), str)]
        found = self._looked_up[field, value]
        if found and not self._may_find_more:
            msg = f"the {field} {value} was expected to be unknown, but is that of number "
            msg += f"{found[0].get('number')}, so nothing was sent"
            raise Withheld(msg)
        return found


def documented_identifier(call: Call, method: Method) -> tuple[str, str] | None:
    """Return field and value of the identifier of a call that is written as documented.

    None for anything else: another verb or path, a query, other headers, members or types, a member
    that is given twice, an identifier of no field or of several.
    """
    if (call.verb, call.path, call.query) != (method.verb, method.path, ""):
        return None
    members = _members(call.body) if call.headers == JSON else None
    if members is None or not members.keys() <= method.parameters.keys():
        return None
    identifier = members.pop(IDENTIFIER, None)
    if not isinstance(identifier, dict) or len(identifier) != 1:
        return None
    ((field, value),) = identifier.items()
    fields = members.get("fields_set", FIELDS[0])
    is_plain = all(isinstance(each, str) for each in (value, *members.values()))
    if not is_plain or field not in ("id", "number") or not set(fields.split(",")) <= set(FIELDS):
        return None
    return field, value


def _members(body: bytes | None) -> dict[str, Any] | None:
    """Return the members of a JSON object in which none is given twice; None for anything else."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError
        return found

    try:
        found = json.loads(body or b"", object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _values(call: Call) -> Iterator[tuple[str, str]]:
    """Yield each value of a call that may name a webhook request, with its field."""
    given: list[tuple[str, Any]] = [*call.parameters.items()]
    given += parse_qsl(call.query, keep_blank_values=True)
    if call.body:
        try:
            body = json.loads(call.body)
        except (ValueError, RecursionError):
            body = None
        given += body.items() if isinstance(body, dict) else [("", body)]
    for name, value in given:
        if name not in ("token", "fields_set"):
            yield from _leaves("", value)


def _leaves(field: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(name, each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(field, each)
    elif isinstance(value, str):
        # The fields of an identifier in JSON have their values as they are: an id may hold `=`.
        yield from ((field, value),) if field else _written(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield field, str(value)


def _written(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a text may name: itself, what is behind its first `=`, each `field=value`."""
    for part in (text, *text.split(",")):
        name, equals, behind = part.partition("=")
        if equals:
            yield name, behind
        if name not in ("id", "number"):
            yield "", part
