"""Writing a world as the entries of a world file, from which the same world can be made again.

An entry has a record as responses show it, so that a world of the same release and dialect that is
made from it gives the same bytes. Secret keys are among the entries.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import orjson

from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import Object, ReferenceData
from crmcom_kit.mock_server.world.world_file import kinds

_RECORD = "webhook_request"
_REFERENCES = ("webhook_definition", "workflow_rule")


def exported(epoch: Epoch) -> Iterator[tuple[str, bytes]]:
    """Yield kind and JSON of each entry: reference data, then records, oldest first."""
    return entries_of(epoch.reference_data, epoch.store.records())


def entries_of(
    reference_data: ReferenceData, records: Iterable[Record]
) -> Iterator[tuple[str, bytes]]:
    """Yield kind and JSON of each entry: reference data, then ``records`` in their order."""
    for kind in kinds():
        if kind == _RECORD:
            yield from ((kind, record_entry(record, reference_data)) for record in records)
        else:
            for value in reference_data.directory(kind):
                entry = reference_entry(kind, value)
                if entry is not None:
                    yield kind, entry


def record_entry(record: Record, reference_data: ReferenceData) -> bytes:
    """Return the entry of a webhook request."""
    return b'{"webhook_request":%b}' % written(record, reference_data)


def reference_entry(kind: str, value: Object) -> bytes | None:
    """Return the entry of an object that is no webhook request; None if it cannot be one."""
    return orjson.dumps({kind: value}) if _stands_alone(kind, value) else None


def in_arrays(epoch: Epoch) -> Iterator[bytes]:
    """Yield the parts of one document in which the entries are arrays by kind."""
    yield b"{"
    for at, (kind, entries) in enumerate(groupby(exported(epoch), itemgetter(0))):
        name = orjson.dumps(kind)
        yield b"%b%b:[" % (b"," if at else b"", name)
        # Without the kind around it: `{"kind":` before, `}` behind.
        bare = (entry[len(name) + 2 : -1] for _, entry in entries)
        for nth, value in enumerate(bare):
            yield b"," + value if nth else value
        yield b"]"
    yield b"}"


def _stands_alone(kind: str, value: Object) -> bool:
    """Return True if an object can be an entry; one that only records name may lack its name."""
    return kind not in _REFERENCES or "name" in value


def written(record: Record, reference_data: ReferenceData) -> bytes:
    """Return the entry of a record as JSON, without the kind around it."""
    body = orjson.loads(record.body)
    for kind, own_id in zip(_REFERENCES, (record.definition, record.rule), strict=True):
        # The dialect may hide members of these, the id among them.
        found = reference_data.directory(kind).find("id", own_id) or {}
        hidden = {} if _stands_alone(kind, found) else found
        body[kind] = {**hidden, **body[kind], "id": own_id}
    data = b"null" if record.data is None else record.data
    return b'{"record":%b,"data":%b}' % (orjson.dumps(body), data)
