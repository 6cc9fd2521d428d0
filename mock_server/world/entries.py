"""Import the entries of a world file as consistent records and reference data; export them.

An exported entry has a record in the form of responses: a world of the same release and dialect
that imports it gives the same bytes. It includes secret keys.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from math import inf
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.filters import seconds
from crmcom_kit.mock_server.protocol.response import compact_json
from crmcom_kit.mock_server.store.records import DuplicateRecord, Record, State
from crmcom_kit.mock_server.store.reference_data import Object, ReferenceData, size_of
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.mock_server.world.world_file import ALLOWED_VALUES, DataError, LocatedEntry, kinds
from crmcom_kit.schemas.exchanges import status_of
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS, REFERENCE_KINDS
from crmcom_kit.usage_errors import LimitExceeded, quoted

#: Maximum bytes that a world may add to its initial content: 250,000 usual
#: webhook requests of 2 KiB each.
MAX_CONTENT = 512 * 1024 * 1024
_RECORD = "webhook_request"
#: The members of a record about its last delivery, unset; a dialect may leave them out.
_UNSET = dict.fromkeys(("authentication_code", "request", "response"))
_PlacedRecord = tuple[Record, str]  # a record, and the place of its entry


def check_room(remaining: float) -> None:
    """Raise LimitExceeded if ``remaining``, the bytes that content may add, is negative."""
    if remaining < 0:
        allowed = (
            f"at most {MAX_CONTENT:,} bytes more than a world starts with; "
            "delete some, or start with --data"
        )
        raise LimitExceeded("content", seen="more", allowed=allowed)


def import_entries(
    config: Config, entries: Iterable[LocatedEntry], *, by_age: bool = True, room: float = inf
) -> Store:
    """Return the content of ``entries``, with its records ``by_age`` or in their order.

    Raises the errors of ``add_entries``.
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
    """Add ``entries`` to content; return their records.

    Raises:
        DataError: entries contradict each other or the content, or have a value that cannot be
            stored; nothing has changed.
        LimitExceeded: they have more than ``room`` bytes; nothing has changed.
    """
    reference_data = store.reference_data
    importer = Importer(config, reference_data, room)
    pairs = importer.read(entries)
    if by_age:
        pairs.sort(key=_age)
    records = [record for record, _ in pairs]
    # Unchanged reference data is not replaced, since others may add to it at the same time.
    new_data = None if importer.reference_data is reference_data else importer.reference_data
    try:
        store.insert(*records, reference_data=new_data)
    except DuplicateRecord as error:
        place = next(place for record, place in pairs if record is error.record)
        msg = f"{place}: {error}"
        raise DataError(msg) from None
    return records


class Importer:
    """Makes records from entries, and adds other entries to reference data."""

    def __init__(self, config: Config, start: ReferenceData, room: float = inf) -> None:
        """Start with ``start``, which does not change, and read up to ``room`` bytes."""
        self.reference_data = self._start = start
        self._config = config
        self._room = room
        self._ids = Ids(config.seed)

    def read(self, entries: Iterable[LocatedEntry]) -> list[_PlacedRecord]:
        """Return the records of ``entries``, with their places; add others to the reference data.

        Raises:
            DataError: an entry contradicts another one or the reference data, or has a value that
                cannot be stored.
            LimitExceeded: there is no room for them.
        """
        records: list[_PlacedRecord] = []
        for located in entries:
            ((kind, value),) = located.entry.items()
            try:
                if kind == _RECORD:
                    record = self._record(value, located.place)
                    self._count(record.size)
                    records.append((record, located.place))
                else:
                    self._add(kind, value, located.place, is_late=bool(records))
            except TypeError as error:  # from orjson
                msg = f"{located.place}: {error}; allowed is {ALLOWED_VALUES}"
                raise DataError(msg) from None
        return records

    def _count(self, size: int) -> None:
        """Count bytes. Raises LimitExceeded."""
        self._room -= size
        check_room(self._room)

    def _put(self, kind: str, value: Object) -> None:
        """Put an object into the reference data; copy it first."""
        if self.reference_data is self._start:
            self.reference_data = self._start.copy()
        self.reference_data.directory(kind).add(value)
        self._count(size_of(value))

    def _add(self, kind: str, value: Object, place: str, *, is_late: bool) -> None:
        existing = self.reference_data.directory(kind).find("id", value["id"])
        if existing is None and not is_late:
            self._put(kind, value)
        elif existing != value:
            problem = "already exists with other members"
            if existing is None:
                problem = "comes after webhook requests; allowed is above them"
            msg = f"{place}: {kind} {value['id']} {problem}"
            raise DataError(msg)

    def _record(self, value: Object, place: str) -> Record:
        """Return the record of a webhook request's entry."""
        record, data = dict(value["record"]), value.get("data")
        data_json = None if data is None else compact_json(data)
        is_recorded = "recorded" in value
        if is_recorded:
            definition, rule = (self._reference_key(kind, record) for kind in REFERENCE_KINDS)
            view = record
        else:
            definition, rule = (self._reference_id(kind, record, place) for kind in REFERENCE_KINDS)
            for name in ("fields_set", "error_code", "error_description"):
                record.setdefault(name, None)
            self._add_exchange(record, data, data_json)
            view = self._config.renderer.record(record)
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
            body=compact_json(view),
            data=data_json,
            is_recorded=is_recorded,
        )

    def _reference_key(self, kind: str, record: Object) -> str:
        """Return the key of the definition or rule in a recorded webhook request.

        Its members depend on the instance: its first identifier serves as its id.
        """
        reference = record.get(kind)
        members = reference.items() if isinstance(reference, dict) else ()
        texts = {name: value for name, value in members if isinstance(value, str)}
        names = (texts.get(name) for name in IDENTIFIER_FIELDS)
        key = next(filter(None, names), "")
        if key and self.reference_data.directory(kind).find("id", key) is None:
            self._put(kind, {**texts, "id": key})
        return key

    def _add_exchange(self, record: Object, data: Object | None, data_json: bytes | None) -> None:
        """Add the members of the last delivery to a record, unless the entry has them."""
        exchanges = self._config.exchanges
        if "authentication_code" not in record:
            key = self.reference_data.key_of(record["webhook_definition"]["id"])
            form = None if data_json is None else exchanges.signed_of(data_json)
            code = exchanges.code(data if form is None else form, key, record["error_code"])
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

    def _reference_id(self, kind: str, record: Object, place: str) -> str:
        """Return the id of the definition or rule that a record names; add it if it is new.

        The record gets its missing members.
        """
        reference = record[kind]
        if "id" not in reference:
            msg = f"{place}: {kind} of webhook request {record['number']} has no id"
            raise DataError(msg)
        key: str = reference["id"]
        existing = self.reference_data.directory(kind).find("id", key)
        if existing is None:
            self._put(kind, reference)
            return key
        additions: Object = {}
        for member in ("name", "alternative_code"):
            value, known_value = reference.get(member), existing.get(member)
            if value is not None and known_value is None:
                additions[member] = value
            elif value is not None and value != known_value:
                msg = (
                    f"{place}: {member} of {kind} {key} is {quoted(value)} in webhook "
                    f"request {record['number']}, and {quoted(known_value)} before"
                )
                raise DataError(msg)
        if additions:
            self._put(kind, existing | additions)
        record[kind] = existing | reference
        return key


def _seconds(date: Any) -> int | None:
    """Return a date in seconds since 1970; None for other values, as in recorded data."""
    try:
        moment = datetime.fromisoformat(date)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):  # OverflowError: at an end of the calendar
        return None
    return seconds(moment)


def _age(pair: _PlacedRecord) -> float:
    """Return the sort key of a record; a record without a date counts as old."""
    created = pair[0].created
    return -inf if created is None else created


# Export.


def export(store: Store) -> Iterator[bytes]:
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
    return b'{"webhook_request":%b}\n' % entry_json(record, reference_data)


def reference_line(kind: str, value: Object) -> bytes:
    """Return the line of a reference object; nothing if it cannot be an entry."""
    return orjson.dumps({kind: value}) + b"\n" if _stands_alone(kind, value) else b""


def _stands_alone(kind: str, value: Object) -> bool:
    """Return True if an object can be an entry; an object known from records may lack its name."""
    return kind not in REFERENCE_KINDS or "name" in value


def entry_json(record: Record, reference_data: ReferenceData) -> bytes:
    """Return the entry of a record as JSON, without its kind."""
    data = b"null" if record.data is None else record.data
    if record.is_recorded:
        return b'{"record":%b,"data":%b,"recorded":true}' % (record.body, data)
    body = {**_UNSET, **orjson.loads(record.body)}
    for kind, object_id in zip(REFERENCE_KINDS, (record.definition, record.rule), strict=True):
        # The dialect may hide members of these, even the id.
        reference = reference_data.directory(kind).find("id", object_id) or {}
        members = {} if _stands_alone(kind, reference) else reference
        body[kind] = {**members, **body[kind], "id": object_id}
    return b'{"record":%b,"data":%b}' % (orjson.dumps(body), data)
