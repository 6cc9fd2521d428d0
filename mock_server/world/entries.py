"""From the entries of a world file to reference data and records that agree, and back.

An entry that is exported has a record as responses show it, so that a world of the same release and
dialect that is made from it gives the same bytes. Secret keys are among the entries.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from math import inf
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.filters import seconds
from crmcom_kit.mock_server.protocol.response import compact_json
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.records import DuplicateRecord, Record
from crmcom_kit.mock_server.store.reference_data import (
    Object,
    ReferenceData,
    size_of,
)
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.world_file import (
    ALLOWED_VALUES,
    DataError,
    LocatedEntry,
    kinds,
)
from crmcom_kit.schemas.exchanges import status_of
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS, REFERENCE_KINDS
from crmcom_kit.usage_errors import LimitExceeded, quoted

#: Bytes that a world may have more than it started with, its snapshots included: 250,000 usual
#: webhook requests, of 2 KiB each.
MAX_CONTENT = 512 * 1024 * 1024
_RECORD = "webhook_request"
#: What a record keeps of its last delivery: where it is unset, a dialect may leave it out.
_UNSET = dict.fromkeys(("authentication_code", "request", "response"))
_Located = tuple[Record, str]  # a record, and the place of its entry


def check_room(left: float) -> None:
    """Raise LimitExceeded if ``left``, the bytes that content may still take, is negative."""
    if left < 0:
        allowed = (
            f"at most {MAX_CONTENT:,} bytes more than a world starts with, snapshots included; "
            "delete some, or start with --data"
        )
        raise LimitExceeded("content", seen="more", allowed=allowed)


def import_entries(
    config: Config, entries: Iterable[LocatedEntry], *, by_age: bool = True, room: float = inf
) -> Store:
    """Return the content that ``entries`` describe, its records ``by_age`` or in their order.

    Raises what ``add_entries`` raises.
    """
    store = Store()
    add_entries(config, store, entries, room, by_age=by_age)
    return store


def add_entries(
    config: Config,
    store: Store,
    entries: Iterable[LocatedEntry],
    room: float,
    *,
    by_age: bool = True,
) -> list[Record]:
    """Add ``entries`` to content; return the records among them.

    Raises:
        DataError: entries contradict each other or the content, or hold a value that cannot be
            kept; nothing has changed.
        LimitExceeded: they have more than ``room`` bytes; nothing has changed.
    """
    reference_data = store.reference_data
    importer = Importer(config, reference_data, room)
    placed = importer.read(entries)
    if by_age:
        placed.sort(key=_age)
    records = [record for record, _ in placed]
    # What is known already may be added without a lock, and must not undo what others add.
    grown = None if importer.reference_data is reference_data else importer.reference_data
    try:
        store.insert(*records, reference_data=grown)
    except DuplicateRecord as error:
        place = next(place for record, place in placed if record is error.record)
        msg = f"{place}: {error}"
        raise DataError(msg) from None
    return records


class Importer:
    """Turns entries into records, and into reference data that it adds to what is known."""

    def __init__(self, config: Config, start: ReferenceData, room: float = inf) -> None:
        """Go on from ``start``, which stays as it is, and read up to ``room`` bytes."""
        self.reference_data = self._start = start
        self._config = config
        self._room = room
        self._ids = Ids(config.seed)

    def read(self, entries: Iterable[LocatedEntry]) -> list[_Located]:
        """Return the records of ``entries``, with their places; all others are reference data.

        Raises:
            DataError: one contradicts another one or what is known, or holds a value that cannot be
                kept.
            LimitExceeded: there is no room for them.
        """
        records: list[_Located] = []
        for located in entries:
            ((kind, value),) = located.entry.items()
            try:
                if kind == _RECORD:
                    record = self._record(value, located.place)
                    self._count(record.size)
                    records.append((record, located.place))
                else:
                    self._add(kind, value, located.place, is_late=bool(records))
            except TypeError as error:  # of orjson, which cannot write it
                msg = f"{located.place}: {error}; allowed is {ALLOWED_VALUES}"
                raise DataError(msg) from None
        return records

    def _count(self, size: int) -> None:
        """Count what was read. Raises LimitExceeded."""
        self._room -= size
        check_room(self._room)

    def _put(self, kind: str, value: Object) -> None:
        """Put an object into the reference data, which is a copy from then on."""
        if self.reference_data is self._start:
            self.reference_data = self._start.copy()
        self.reference_data.directory(kind).add(value)
        self._count(size_of(value))

    def _add(self, kind: str, value: Object, place: str, *, is_late: bool) -> None:
        existing = self.reference_data.directory(kind).find("id", value["id"])
        if existing is None and not is_late:
            self._put(kind, value)
        elif existing != value:
            why = "already exists with other members"
            if existing is None:
                why = "comes after webhook requests; allowed is above them"
            msg = f"{place}: {kind} {value['id']} {why}"
            raise DataError(msg)

    def _record(self, value: Object, place: str) -> Record:
        """Return the record of a webhook request's entry."""
        record, data = dict(value["record"]), value.get("data")
        sent = None if data is None else compact_json(data)
        is_recorded = "recorded" in value
        if is_recorded:
            definition, rule = (self._named_in(kind, record) for kind in REFERENCE_KINDS)
            shown = record
        else:
            definition, rule = (self._referred(kind, record, place) for kind in REFERENCE_KINDS)
            for name in ("fields_set", "error_code", "error_description"):
                record.setdefault(name, None)
            self._add_exchange(record, data, sent)
            shown = self._config.renderer.record(record)
        log = record.get("log_information")
        return Record(
            id=record["id"],
            number=record["number"],
            state=State(record["life_cycle_state"]),
            definition=definition,
            rule=rule,
            entity=str(record.get("entity") or ""),
            entity_id=str(record.get("entity_id") or ""),
            url=str(record.get("url") or ""),
            created=_seconds(log.get("created_date") if isinstance(log, dict) else None),
            body=compact_json(shown),
            data=sent,
            is_recorded=is_recorded,
        )

    def _named_in(self, kind: str, shown: Object) -> str:
        """Return what stands for the definition or rule that a recorded webhook request shows.

        Which members it shows depends on the instance: the first of its names is its id here.
        """
        named = shown.get(kind)
        members = named.items() if isinstance(named, dict) else ()
        texts = {name: value for name, value in members if isinstance(value, str)}
        names = (texts.get(name) for name in IDENTIFIER_FIELDS)
        key = next(filter(None, names), "")
        if key and self.reference_data.directory(kind).find("id", key) is None:
            self._put(kind, {**texts, "id": key})
        return key

    def _add_exchange(self, record: Object, data: Object | None, sent: bytes | None) -> None:
        """Add what the last delivery left in a record, if the entry does not have it."""
        exchanges = self._config.exchanges
        if "authentication_code" not in record:
            key = self.reference_data.key_of(record["webhook_definition"]["id"])
            signed = None if sent is None else exchanges.signed_of(sent)
            code = exchanges.code(data if signed is None else signed, key, record["error_code"])
            record["authentication_code"] = code
        if "request" in record and "response" in record:
            return
        reference = self._ids.of("exchange", record["id"])
        if "request" not in record:
            code = record["authentication_code"]
            record["request"] = exchanges.request(data, code, reference)
        if "response" not in record:
            status = status_of(record) if exchanges.tells_status else None
            record["response"] = exchanges.response(status, reference)

    def _referred(self, kind: str, record: Object, place: str) -> str:
        """Return the id of the definition or rule that a record names; add it if it is new.

        The record gets the members that it leaves out.
        """
        named = record[kind]
        if "id" not in named:
            msg = f"{place}: {kind} of webhook request {record['number']} has no id"
            raise DataError(msg)
        key: str = named["id"]
        existing = self.reference_data.directory(kind).find("id", key)
        if existing is None:
            self._put(kind, named)
            return key
        learned: Object = {}
        for member in ("name", "alternative_code"):
            here, before = named.get(member), existing.get(member)
            if here is not None and before is None:
                learned[member] = here
            elif here is not None and here != before:
                msg = (
                    f"{place}: {member} of {kind} {key} is {quoted(here)} in webhook "
                    f"request {record['number']}, and {quoted(before)} before"
                )
                raise DataError(msg)
        if learned:
            self._put(kind, existing | learned)
        record[kind] = existing | named
        return key


def _seconds(date: Any) -> int | None:
    """Return a date in seconds since 1970; None if it is none, as an instance may have shown."""
    try:
        moment = datetime.fromisoformat(date)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):  # the last: at an end of the calendar
        return None
    return seconds(moment)


def _age(placed: _Located) -> float:
    """Return what records are sorted by; one without a date is an old one."""
    created = placed[0].created
    return -inf if created is None else created


# Export.


def exported(store: Store) -> Iterator[bytes]:
    """Yield the line of each entry: reference data, then records, oldest first."""
    for kind in kinds():
        if kind == _RECORD:
            for record in store.records():
                yield record_line(record, store.reference_data)
        else:
            for value in store.reference_data.directory(kind):
                yield reference_line(kind, value)


def record_line(record: Record, reference_data: ReferenceData) -> bytes:
    """Return the line of a webhook request."""
    return b'{"webhook_request":%b}\n' % written(record, reference_data)


def reference_line(kind: str, value: Object) -> bytes:
    """Return the line of an object that is no webhook request; nothing if it cannot have one."""
    return orjson.dumps({kind: value}) + b"\n" if _stands_alone(kind, value) else b""


def _stands_alone(kind: str, value: Object) -> bool:
    """Return True if an object can be an entry; one that only records name may lack its name."""
    return kind not in REFERENCE_KINDS or "name" in value


def written(record: Record, reference_data: ReferenceData) -> bytes:
    """Return the entry of a record as JSON, without the kind around it."""
    data = b"null" if record.data is None else record.data
    if record.is_recorded:
        return b'{"record":%b,"data":%b,"recorded":true}' % (record.body, data)
    body = {**_UNSET, **orjson.loads(record.body)}
    for kind, own_id in zip(REFERENCE_KINDS, (record.definition, record.rule), strict=True):
        # The dialect may hide members of these, the id among them.
        reference = reference_data.directory(kind).find("id", own_id) or {}
        hidden = {} if _stands_alone(kind, reference) else reference
        body[kind] = {**hidden, **body[kind], "id": own_id}
    return b'{"record":%b,"data":%b}' % (orjson.dumps(body), data)
