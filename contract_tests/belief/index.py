"""An index of webhook requests by the members that semi-optional filters are about.

So a list is compared only with webhook requests that it may select, of maybe thousands.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF, SEMI_OPTIONAL, Identifier
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS

#: Stands for a value that a webhook request does not show: any filter may select it.
_OPEN = None


class Index:
    """The ids of webhook requests by what they show of each semi-optional filter."""

    def __init__(self) -> None:
        """Start empty."""
        self._ids: dict[str, dict[Hashable, dict[str, None]]] = {name: {} for name in SEMI_OPTIONAL}

    def add(self, key: str, record: Mapping[str, Any]) -> None:
        """Add a webhook request."""
        for name, value in _shown(record):
            self._ids[name].setdefault(value, {})[key] = None

    def remove(self, key: str, record: Mapping[str, Any]) -> None:
        """Remove a webhook request that was added with the same members."""
        for name, value in _shown(record):
            ids = self._ids[name].get(value, {})
            ids.pop(key, None)
            if not ids:
                self._ids[name].pop(value, None)

    def candidates(self, filters: Mapping[str, Any], combine: str) -> Iterable[str] | None:
        """Return the ids of all that a list may select, maybe with others; None: it may be any.

        Args:
            filters: of the list.
            combine: whether the semi-optional ones must fit *all*, or *any* of them.
        """
        parts_by_filter = [
            self._may_fit(name, filters[name]) for name in SEMI_OPTIONAL if name in filters
        ]
        if not parts_by_filter:
            return None
        if combine == "any":
            return dict.fromkeys(key for parts in parts_by_filter for ids in parts for key in ids)
        return [key for ids in min(parts_by_filter, key=_size) for key in ids]

    def _may_fit(self, name: str, criterion: Any) -> list[Collection[str]]:
        """Return the ids of all that may fit one filter, in parts."""
        table = self._ids[name]
        if not isinstance(criterion, Identifier):
            return [table[value] for value in (criterion, _OPEN) if value in table]
        column, text = IDENTIFIER_FIELDS.index(criterion.field), _hashed(*criterion)
        return [
            ids
            for value, ids in table.items()
            if not isinstance(value, tuple) or value[column] in (text, _OPEN)
        ]

    def named_objects(self, filter_name: str, identifier: Identifier) -> set[Any]:
        """Return the hashed id of each object that an identifier may name."""
        column, text = IDENTIFIER_FIELDS.index(identifier.field), _hashed(*identifier)
        objects = (value for value in self._ids[filter_name] if isinstance(value, tuple))
        return {value[0] for value in objects if value[column] == text}


def _hashed(field: str, text: Any) -> int | None:
    """Return a hash of a text that other spellings of the name share; an id has one spelling."""
    if not isinstance(text, str):
        return _OPEN
    return hash(text if field == "id" else text.casefold())


def _size(parts: Iterable[Collection[str]]) -> int:
    return sum(map(len, parts))


def _shown(record: Mapping[str, Any]) -> Iterator[tuple[str, Hashable]]:
    """Yield each filter that may select a webhook request, with the value to select it by."""
    for name in SEMI_OPTIONAL:
        value = record.get(OBJECT_OF.get(name, name), "" if name in OBJECT_OF else None)
        if name not in OBJECT_OF:
            yield name, value if isinstance(value, str) else _OPEN
        elif isinstance(value, dict):
            yield name, tuple(_hashed(field, value.get(field)) for field in IDENTIFIER_FIELDS)
        elif value is not None:  # null fits no filter
            yield name, _OPEN
