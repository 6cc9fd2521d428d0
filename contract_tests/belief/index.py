"""Which webhook requests a semi-optional filter may select, by what they show.

A list is compared with these alone, and not with thousands that it surely does not select.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF, SEMI_OPTIONAL, Identifier
from crmcom_kit.contract_tests.belief.knowledge import IDENTIFIER_FIELDS

#: What a webhook request shows that does not show what a filter is about: it may be selected.
_OPEN = None


class Index:
    """The ids of webhook requests by what they show of each semi-optional filter."""

    def __init__(self) -> None:
        """Know none yet."""
        self._ids: dict[str, dict[Hashable, dict[str, None]]] = {name: {} for name in SEMI_OPTIONAL}

    def add(self, key: str, record: Mapping[str, Any]) -> None:
        """Know what a webhook request shows."""
        for name, shown in _shown(record):
            self._ids[name].setdefault(shown, {})[key] = None

    def remove(self, key: str, record: Mapping[str, Any]) -> None:
        """Forget what ``add`` was given."""
        for name, shown in _shown(record):
            ids = self._ids[name].get(shown, {})
            ids.pop(key, None)
            if not ids:
                self._ids[name].pop(shown, None)

    def candidates(self, filters: Mapping[str, Any], combine: str) -> Iterable[str] | None:
        """Return the ids of all that a list may select, and of others; None: it may be any.

        Args:
            filters: of the list.
            combine: whether the semi-optional ones must fit *all*, or *any* of them.
        """
        found = [self._of(name, filters[name]) for name in SEMI_OPTIONAL if name in filters]
        if not found:
            return None
        if combine == "any":
            return dict.fromkeys(key for parts in found for ids in parts for key in ids)
        return [key for ids in min(found, key=_size) for key in ids]

    def _of(self, name: str, wanted: Any) -> list[Collection[str]]:
        """Return the ids of those that may fit one filter, in parts."""
        table = self._ids[name]
        if not isinstance(wanted, Identifier):
            return [table[shown] for shown in (wanted, _OPEN) if shown in table]
        at, text = IDENTIFIER_FIELDS.index(wanted.field), _alike(wanted.field, wanted.value)
        return [
            ids
            for shown, ids in table.items()
            if not isinstance(shown, tuple) or shown[at] in (text, _OPEN)
        ]

    def named_objects(self, name: str, wanted: Identifier) -> set[Any]:
        """Return what stands for the id of each object that a name may mean."""
        at, text = IDENTIFIER_FIELDS.index(wanted.field), _alike(wanted.field, wanted.value)
        objects = (shown for shown in self._ids[name] if isinstance(shown, tuple))
        return {shown[0] for shown in objects if shown[at] == text}


def _alike(field: str, text: Any) -> int | None:
    """Return a hash of what all spellings have in common that may name the same: an id has one."""
    if not isinstance(text, str):
        return _OPEN
    return hash(text if field == "id" else text.casefold())


def _size(parts: Iterable[Collection[str]]) -> int:
    return sum(map(len, parts))


def _shown(record: Mapping[str, Any]) -> Iterator[tuple[str, Hashable]]:
    """Yield what a webhook request shows of each filter that it may fit."""
    for name in SEMI_OPTIONAL:
        value = record.get(OBJECT_OF.get(name, name), "" if name in OBJECT_OF else None)
        if name not in OBJECT_OF:
            yield name, value if isinstance(value, str) else _OPEN
        elif isinstance(value, dict):
            yield name, tuple(_alike(field, value.get(field)) for field in IDENTIFIER_FIELDS)
        elif value is not None:  # with none it fits no name
            yield name, _OPEN
