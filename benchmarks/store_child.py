"""One store in a process of its own: ``SIDE COUNT``, SIDE being mock, sqlite or streamed."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from time import perf_counter, process_time
from typing import Any, Protocol

from benchmarks.children import count as counted
from benchmarks.children import extra_memory, own_memory, serve
from benchmarks.records import Plain, filters, made
from benchmarks.sqlite_side import SqliteSide
from benchmarks.store import NOT_JOINT

PAGE = 50


class Side(Protocol):
    """A store under measurement."""

    def fill(self, records: Iterable[Plain]) -> None:
        """Take all records in, indexes included."""
        ...

    def show(self, number: str) -> bytes:
        """Return one record."""
        ...

    def page(self, wanted: dict[str, str], *, joint: bool = True) -> bytes:
        """Return the newest 50 that have all these values, as a JSON array.

        ``joint`` allows an index over two fields together.
        """
        ...


class MockSide:
    """The mock's own store, asked as its methods ask it."""

    def __init__(self) -> None:
        """Start empty."""
        from crmcom_kit.mock_server.store.store import Store

        self.store = Store()

    def fill(self, records: Iterable[Plain]) -> None:
        """Insert all records."""
        from crmcom_kit.mock_server.store.life_cycle import State
        from crmcom_kit.mock_server.store.records import Record

        for one in records:
            record = Record(
                one.id, one.number, State(one.state), one.definition, one.rule, one.entity,
                one.entity_id, one.url, one.created, one.body, one.data,
            )  # fmt: skip
            self.store.insert(record)

    def show(self, number: str) -> bytes:
        """Return one record."""
        return self.store.body("number", number) or b""

    def page(self, wanted: dict[str, str], *, joint: bool = True) -> bytes:
        """Return the newest 50 that have all these values, as a JSON array."""
        del joint  # the store has the indexes that it has
        from crmcom_kit.mock_server.store.records import Query

        states = frozenset({wanted["state"]}) if "state" in wanted else None
        indexed: Any = tuple(
            (field, frozenset({value})) for field, value in wanted.items() if field != "state"
        )
        found = self.store.query(Query(indexed=indexed, states=states, limit=PAGE))
        return b"[%b]" % b",".join(found)


def _timed(side: Side, name: str, size: int, calls: int, turns: Iterator[int]) -> dict[str, Any]:
    """Return the CPU time of one call in us, on average, and how many records a call finds."""
    fields = name.removesuffix(NOT_JOINT)
    arguments: list[Any] = [filters(fields, next(turns), size) for _ in range(calls)]
    ask: Callable[[Any], bytes] = partial(side.page, joint=fields == name)
    if name == "number":
        ask, arguments = side.show, [each["number"] for each in arguments]
    began = process_time()
    for each in arguments:
        ask(each)
    spent = process_time() - began
    hits = sum(ask(each).count(b'"life_cycle_state"') for each in arguments[:5])
    return {"us": spent / calls * 1_000_000, "hits": hits / 5}


def _main(name: str, size: int) -> None:
    side: Side = SqliteSide() if name == "sqlite" else MockSide()
    next(made(1))  # whatever making records needs is there before memory is measured
    gc.collect()
    before, began = own_memory(), perf_counter()
    side.fill(made(size, one_entity=name == "streamed"))
    filled = perf_counter() - began
    gc.collect()
    turns = count()

    def whole_world() -> int:
        """Build a world around the store, which shares its content, and return its bytes."""
        from benchmarks import mock

        world_before = own_memory()
        kept.append(mock.filled_world((), store=side.store))  # type: ignore[attr-defined]
        gc.collect()
        return own_memory() - world_before

    def first_write() -> dict[str, float]:
        """Write once after the start, which is what makes the copy that a reset goes back to."""
        copy_before, began = own_memory(), perf_counter()
        kept[0].store.delete("number", "1")
        spent = perf_counter() - began
        gc.collect()
        return {"seconds": spent, "bytes": own_memory() - copy_before}

    kept: list[Any] = []
    serve(
        {
            "memory": lambda: {"bytes": own_memory() - before, "seconds": filled},
            "time": lambda asked, calls: _timed(side, asked, size, calls, turns),
            "world": whole_world,
            "first write": first_write,
            "stream": lambda: _streamed(kept[0]),
        }
    )


def _streamed(world: Any) -> dict[str, Any]:
    """Read one list of everything, as a server would send it, and see what memory it takes."""
    from benchmarks import mock
    from benchmarks.records import ENTITIES

    app = mock.application(world, fast_lane=mock.has_fast_lane())

    def read() -> int:
        environ = mock.get("webhook_requests/list", entity=ENTITIES[0])
        return counted(app(environ, lambda *_: None))

    began = perf_counter()
    size, extra = extra_memory(read)
    return {"bytes": size, "extra_bytes": extra, "seconds": perf_counter() - began}


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
