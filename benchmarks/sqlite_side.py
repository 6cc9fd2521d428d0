"""The same records in sqlite3, in memory, with the right index for each question."""

import sqlite3
from collections.abc import Iterable

from benchmarks.records import Plain

_TABLE = """
create table records(
    at integer primary key, id text, number text, state text, definition text, rule text,
    entity text, entity_id text, url text, created integer, body blob, data blob)
"""
#: An index entry ends with the row's number, so each of these gives a page in order.
_INDEXES = (
    "unique index by_id on records(id)",
    "unique index by_number on records(number)",
    "index by_definition on records(definition)",
    "index by_rule on records(rule)",
    "index by_entity on records(entity)",
    "index by_entity_id on records(entity_id)",
    "index by_both on records(entity, entity_id)",
    "index by_state on records(definition, state)",
)
_SINGLE = ("definition", "rule", "entity", "entity_id")
#: The fields of a question, and whether an index may join them → the best index.
_BEST = {(frozenset({field}), True): f"by_{field}" for field in _SINGLE} | {
    (frozenset({"entity", "entity_id"}), True): "by_both",
    (frozenset({"definition", "state"}), True): "by_state",
    (frozenset({"definition", "state"}), False): "by_definition",
}


class SqliteSide:
    """A table in memory."""

    def __init__(self) -> None:
        """Start empty."""
        self._link = sqlite3.connect(":memory:")
        self._link.execute(_TABLE)

    def fill(self, records: Iterable[Plain]) -> None:
        """Insert all records, then make the indexes."""
        marks = ",".join("?" * 12)
        rows = ((at, *record) for at, record in enumerate(records))
        self._link.executemany(f"insert into records values({marks})", rows)
        for index in _INDEXES:
            self._link.execute(f"create {index}")
        self._link.commit()
        self._link.execute("analyze")

    def show(self, number: str) -> bytes:
        """Return one record."""
        sql = "select body from records where number = ?"
        found: bytes = self._link.execute(sql, (number,)).fetchone()[0]
        return found

    def page(self, wanted: dict[str, str], *, joint: bool = True) -> bytes:
        """Return the newest 50 that have all these values, as a JSON array.

        Left to itself, sqlite does not always take the best index, so it is told.
        """
        index = _BEST[frozenset(wanted), joint]
        where = " and ".join(f"{field} = ?" for field in wanted)
        sql = f"select body from records indexed by {index} where {where} order by at desc limit 50"  # noqa: S608 - names are this module's own
        found = self._link.execute(sql, tuple(wanted.values()))
        return b"[%b]" % b",".join(row[0] for row in found)
