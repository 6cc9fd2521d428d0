"""The whole mock around one world, in a process of its own: ``FILE``."""

import gc
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

from benchmarks import mock
from benchmarks.children import own_memory, serve
from benchmarks.mock import Environ

#: A page that even a thousand records fill.
PAGE = 20
_KEPT = 2_000  # numbers of each kind to choose from


class Sample:
    """What questions can be asked about: collected while a world is read."""

    def __init__(self) -> None:
        """Start empty."""
        self.numbers: deque[str] = deque(maxlen=_KEPT)
        self.rejected: list[str] = []
        self.entities: Counter[str] = Counter()
        self.definitions: Counter[tuple[str, str]] = Counter()  # (id, entity)
        self.pairs: deque[tuple[str, str]] = deque(maxlen=_KEPT)

    def seen(self, entries: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Pass entries on and take note of them."""
        for entry in entries:
            record = entry.get("webhook_request", {}).get("record")
            if record is not None:
                self._note(record)
            yield entry

    def _note(self, record: dict[str, Any]) -> None:
        self.numbers.append(record["number"])
        self.pairs.append((record["entity"], record["entity_id"]))
        if record["life_cycle_state"] == "REJECTED":
            self.entities[record["entity"]] += 1
            self.definitions[record["webhook_definition"]["id"], record["entity"]] += 1
            if len(self.rejected) < _KEPT:
                self.rejected.append(record["number"])


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        yield from map(orjson.loads, lines)


def _questions(sample: Sample) -> dict[str, Iterator[Environ]]:
    """Return endless calls of each kind; a record is resent or deleted once at most."""
    rejected = set(sample.rejected)
    kept = [n for n in sample.numbers if n not in rejected]
    to_show, to_delete = kept[: len(kept) // 2], kept[len(kept) // 2 :]
    page = {"number_of_results": str(PAGE), "offset": "0"}
    (entity, _), *_ = sample.entities.most_common(1)
    ((definition, its_entity), _), *_ = sample.definitions.most_common(1)
    by_definition = {"webhook_definition_identifier": f"id={definition}"}
    other = next(one for one, _ in sample.entities.most_common(2) if one != its_entity)

    def listed(**wanted: str) -> Environ:
        return mock.get("webhook_requests/list", **page, **wanted)

    def posted(method: str, number: str) -> Environ:
        identifier = {"number": number}
        return mock.post(f"webhook_requests/{method}", webhook_request_identifier=identifier)

    return {
        "show": (
            mock.get("webhook_requests/show", webhook_request_identifier=f"number={number}")
            for number in cycle(to_show)
        ),
        "list, one filter": (listed(entity=entity) for _ in cycle([0])),
        "list, entity and entity_id": (
            listed(entity=one, entity_id=its_id) for one, its_id in cycle(sample.pairs)
        ),
        "list, definition and state": (
            listed(**by_definition, life_cycle_state="REJECTED") for _ in cycle([0])
        ),
        # Nothing is found, and every record that one of the filters finds may be looked at.
        "list, two filters that never meet": (
            listed(**by_definition, entity=other) for _ in cycle([0])
        ),
        "list, a url that nothing has": (
            listed(entity=entity, url="http://127.0.0.1/none") for _ in cycle([0])
        ),
        "resend": (posted("resend", number) for number in sample.rejected),
        "delete": (posted("delete", number) for number in to_delete),
    }


def _main(path: Path) -> None:
    sample = Sample()
    gc.collect()
    before = own_memory()
    world = mock.filled_world(sample.seen(_entries(path)))
    gc.collect()
    grown = own_memory() - before
    app = mock.application(world, fast_lane=mock.has_fast_lane())
    questions = _questions(sample)

    def timed(name: str, calls: int) -> dict[str, Any]:
        environs = list(islice(questions[name], calls + 1))
        if len(environs) <= calls:
            return {"failed": "no record is left for it"}
        status, body = mock.answer(app, environs.pop())
        if b'"code":"OK"' not in body:
            return {"failed": f"{status} {body[:300]!r}"}
        hits = body.count(b'"life_cycle_state"')
        return {"us": mock.cost(app, environs), "hits": hits}

    answers: dict[str, Callable[..., Any]] = {
        "memory": lambda: {"bytes": grown, "records": len(world.store)},
        "kinds": lambda: list(questions),
        "time": timed,
    }
    serve(answers)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
