"""Writing a world as the lines of a world file, from which the same world can be made again.

An entry has a record as responses show it, so that a world of the same release and dialect that is
made from it gives the same bytes. Secret keys are among the entries.
"""

from collections.abc import Iterator

import orjson

from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.reference_data import REFERENCES, Object, ReferenceData
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.world_file import kinds

_RECORD = "webhook_request"


def exported(store: Store) -> Iterator[bytes]:
    """Yield the line of each entry: reference data, then records, oldest first."""
    for kind in kinds():
        if kind == _RECORD:
            for record in store.records():
                yield record_line(record, store.reference_data)
        else:
            for value in store.reference_data.directory(kind):
                yield reference_line(kind, value)


#: What a record keeps of its last delivery: where it is unset, a dialect may leave it out.
_UNSET = dict.fromkeys(("authentication_code", "request", "response"))


def record_line(record: Record, reference_data: ReferenceData) -> bytes:
    """Return the line of a webhook request."""
    return b'{"webhook_request":%b}\n' % written(record, reference_data)


def reference_line(kind: str, value: Object) -> bytes:
    """Return the line of an object that is no webhook request; nothing if it cannot have one."""
    return orjson.dumps({kind: value}) + b"\n" if _stands_alone(kind, value) else b""


def _stands_alone(kind: str, value: Object) -> bool:
    """Return True if an object can be an entry; one that only records name may lack its name."""
    return kind not in REFERENCES or "name" in value


def written(record: Record, reference_data: ReferenceData) -> bytes:
    """Return the entry of a record as JSON, without the kind around it."""
    data = b"null" if record.data is None else record.data
    if record.is_recorded:
        return b'{"record":%b,"data":%b,"recorded":true}' % (record.body, data)
    body = {**_UNSET, **orjson.loads(record.body)}
    for kind, own_id in zip(REFERENCES, (record.definition, record.rule), strict=True):
        # The dialect may hide members of these, the id among them.
        found = reference_data.directory(kind).find("id", own_id) or {}
        hidden = {} if _stands_alone(kind, found) else found
        body[kind] = {**hidden, **body[kind], "id": own_id}
    return b'{"record":%b,"data":%b}' % (orjson.dumps(body), data)
