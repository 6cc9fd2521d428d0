"""The webhook requests of a world, to be looked at."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import orjson

from crmcom_kit.mock_server.journal.patterns import RECORD_SETS, check_one_of
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.store.records import Query, Store
from crmcom_kit.schemas import response_fields

Record = dict[str, Any]
_ALL = Query(indexed=(), newest_first=False)
_SHOWN = 10  # numbers that a message names


class Records(Collection[Record]):
    """The records as answers show them, oldest first, as they are when they are asked for.

    Each is a copy: what is changed in it changes nothing in the world.
    """

    def __init__(self, store: Callable[[], Store]) -> None:
        """Look into the store that ``store`` returns."""
        self._store = store

    def __len__(self) -> int:
        return len(self._store())

    def __iter__(self) -> Iterator[Record]:
        return map(orjson.loads, self._store().query(_ALL))

    def __contains__(self, key: object) -> bool:
        """Whether there is a record of that number or id."""
        return self.get(key) is not None

    def __getitem__(self, key: str | int) -> Record:
        """Return the record of that number or id. Raises KeyError."""
        found = self.get(key)
        if found is None:
            raise KeyError(self._lacking(key))
        return found

    def get(self, key: object) -> Record | None:
        """Return the record of that number or id, None where there is none."""
        text = str(key)
        store = self._store()
        body = store.body("number", text) or store.body("id", text)
        return None if body is None else orjson.loads(body)

    def filter(
        self, fits: Callable[[Record], bool] | None = None, /, **members: object
    ) -> list[Record]:
        """Return the records whose members have these values, and that ``fits`` says true of.

        Raises:
            TypeError: a webhook request has no member of that name.
            UsageError: no webhook request has such a life cycle state or entity.
        """
        for name, value in members.items():
            _check_member(name)
            if name in RECORD_SETS:
                check_one_of(name, value, RECORD_SETS[name]())
        return [
            record
            for record in self
            if all(record.get(name) == value for name, value in members.items())
            and (fits is None or fits(record))
        ]

    def _lacking(self, key: str | int) -> str:
        numbers = [str(record["number"]) for record in self]
        first = ", ".join(numbers[:_SHOWN]) or "none"
        more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
        return (
            f"no webhook request has the number or id {quoted(str(key))}; there are {first}{more}"
        )

    def __repr__(self) -> str:
        return f"<{len(self)} webhook requests>"


def _check_member(name: str) -> None:
    known = response_fields()
    if name not in known:
        msg = f"records: {name} is no member of a webhook request; allowed is {', '.join(known)}"
        raise TypeError(msg)
