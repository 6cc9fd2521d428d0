"""From the entries of a world file to scenery and records, held to each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from crmcom_kit.mock_server.protocol.errors import shown
from crmcom_kit.mock_server.protocol.filters import seconds
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.loading import DataError, Placed
from crmcom_kit.mock_server.store.memory_store import MemoryStore
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.records import DuplicateRecord, Record, Row, Store
from crmcom_kit.mock_server.protocol.rendering import sealed
from crmcom_kit.mock_server.protocol.config import Rules
from crmcom_kit.mock_server.world.reference_data import Object, Scenery
from crmcom_kit.mock_server.world.sessions import Sessions
from crmcom_kit.mock_server.world.tokens import Session
from crmcom_kit.schemas.exchanges import status_of
from crmcom_kit.schemas.formats import parse_date_time


@dataclass(frozen=True, slots=True)
class Filling:
    """What a world is filled with; every epoch that begins with it shares it."""

    scenery: Scenery
    sessions: Sessions
    fixed_tokens: dict[str, Session]
    store: Store
    snapshot: object  # of the store


def filled(
    rules: Rules,
    entries: Iterable[Placed],
    store: Store | None = None,
    *,
    by_age: bool = True,
) -> Filling:
    """Return what ``entries`` describe.

    Args:
        rules: how the world answers.
        entries: what it is filled with.
        store: where the records go, which is empty; one in memory where left out.
        by_age: whether records are taken in the order of their creation; else as they come.

    Raises:
        DataError: entries contradict each other.
    """
    store = MemoryStore() if store is None else store
    scenery = Scenery()
    for record, place in _Filler(rules, scenery).records(entries, by_age=by_age):
        try:
            store.insert(record)
        except DuplicateRecord as error:
            msg = f"{place}: {error}"
            raise DataError(msg) from None
    sessions = Sessions(rules, scenery)
    fixed = {token: sessions.of() for token in rules.settings.fixed_tokens}
    return Filling(scenery, sessions, fixed, store, store.snapshot())


def added(
    rules: Rules, scenery: Scenery, store: Store, entries: Iterable[Placed]
) -> tuple[Scenery, int]:
    """Add ``entries`` to ``store``; return the scenery with them, and how many records they were.

    Raises:
        DataError: entries contradict each other or what is there, and nothing has changed.
    """
    grown = scenery.copy()
    records = _Filler(rules, grown).records(entries, by_age=True)
    try:
        store.insert(*(record for record, _ in records))
    except DuplicateRecord as error:
        msg = f"data: {error}"
        raise DataError(msg) from None
    return grown, len(records)


class _Filler:
    """Reads entries into one scenery and one store."""

    def __init__(self, rules: Rules, scenery: Scenery) -> None:
        self.scenery = scenery
        self._rules = rules
        self._ids = Ids(rules.settings.seed)

    def records(self, entries: Iterable[Placed], *, by_age: bool) -> list[tuple[Record, str]]:
        """Return records and where they stood, oldest first; the rest goes into the scenery."""
        records: list[tuple[Record, str]] = []
        early: list[Placed] = []  # webhook requests that came before what they refer to
        for placed in entries:
            ((kind, value),) = placed.entry.items()
            if kind != "webhook_request":
                self._add(kind, value, placed.place)
            elif early or not self.scenery.know(value["record"]):
                early.append(placed)
            else:
                records.append((self._record(value, placed.place), placed.place))
        for entry, place in early:
            records.append((self._record(entry["webhook_request"], place), place))
        if by_age:
            # The store's order is the order of creation; a record without a date is an old one.
            records.sort(key=lambda found: _age(found[0].row))
        return records

    def _add(self, kind: str, value: Object, place: str) -> None:
        directory = self.scenery.directory(kind)
        found = directory.find("id", value["id"])
        if found is not None and found != value:
            msg = f"{place}: {kind} {value['id']} is there already, with other members"
            raise DataError(msg)
        directory.add(value)

    def _record(self, value: dict[str, Any], place: str) -> Record:
        """Return the record of one entry, with what sending it must have left in it."""
        record, data = dict(value["record"]), value.get("data")
        exchanges = self._rules.exchanges
        for name in ("fields_set", "error_code", "error_description"):
            record.setdefault(name, None)
        definition = self._referred("webhook_definition", record, place)
        rule = self._referred("workflow_rule", record, place)
        error_code = record["error_code"]
        if "authentication_code" not in record:
            key = self.scenery.key_of(definition)
            record["authentication_code"] = exchanges.code(data, key, error_code)
        reference = self._ids.of("exchange", record["id"])
        if "request" not in record:
            code = record["authentication_code"]
            record["request"] = exchanges.request(data, code, reference)
        if "response" not in record:
            record["response"] = exchanges.response(status_of(record), reference)
        created = record["log_information"].get("created_date")
        row = Row(
            id=record["id"],
            number=record["number"],
            state=State(record["life_cycle_state"]),
            definition=definition,
            rule=rule,
            entity=record["entity"],
            entity_id=record["entity_id"],
            url=record["url"],
            created=None if created is None else seconds(parse_date_time(created)),
        )
        body = sealed(self._rules.renderer.record(record))
        return Record(row, body, None if data is None else sealed(data))

    def _referred(self, kind: str, record: dict[str, Any], place: str) -> str:
        """Return the id of the definition or rule that a record names; add it if it is new.

        The record gets the members that it leaves out.
        """
        named, directory = record[kind], self.scenery.directory(kind)
        if "id" not in named:
            msg = f"{place}: {kind} of webhook request {record['number']} has no id"
            raise DataError(msg)
        found = directory.find("id", named["id"])
        if found is None:
            directory.add(named)
            return str(named["id"])
        for member in ("name", "alternative_code"):
            here, before = named.get(member), found.get(member)
            if here is not None and before is not None and here != before:
                msg = (
                    f"{place}: {member} of {kind} {named['id']} is {shown(here)} in webhook "
                    f"request {record['number']}, and {shown(before)} before"
                )
                raise DataError(msg)
        record[kind] = found | named
        directory.add(record[kind])  # it may be the first to tell the name
        return str(named["id"])


def _age(row: Row) -> tuple[bool, int]:
    return row.created is not None, row.created or 0
