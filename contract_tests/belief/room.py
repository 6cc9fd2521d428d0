"""The room that the belief has: equal parts of webhook requests are kept once, and all counted."""

from collections.abc import Mapping
from sys import getsizeof
from typing import Any

#: So many bytes of equal parts are kept.
MAX_SHARED = 8 * 1024 * 1024
#: About what is kept of a webhook request beside what it has: places in tables.
_BESIDE = 900
#: The texts that many webhook requests have alike.
_ALIKE = ("entity", "life_cycle_state", "url", "error_code")


class _Shared(dict[str, Any]):
    """An object that several webhook requests have."""

    __slots__ = ()


class Room:
    """Shares equal definitions, rules, users, units and texts, and knows the size of the rest."""

    def __init__(self) -> None:
        """Share nothing yet."""
        self._parts: dict[Any, Any] = {}
        self._left = MAX_SHARED

    def shared(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a webhook request, of what ``kept`` leaves, with parts that others have, too."""
        for name, value in record.items():
            if name == "log_information" and isinstance(value, dict):
                for inside, inner in value.items():
                    if isinstance(inner, dict):
                        value[inside] = self._part(tuple(inner.items()), inner)
            elif isinstance(value, dict):
                record[name] = self._part(tuple(value.items()), value)
            elif name in _ALIKE and isinstance(value, str):
                record[name] = self._part(value, value)
        return record

    def _part(self, key: Any, value: Any) -> Any:
        try:
            known = self._parts.get(key)
        except TypeError:  # something in it is an array
            return value
        if known is not None or self._left <= 0:
            return value if known is None else known
        self._left -= self.size(value)
        self._parts[key] = part = _Shared(value) if isinstance(value, dict) else value
        return part

    def size(self, value: Any) -> int:
        """Return about how many bytes a webhook request takes, or a part that is not shared."""
        if isinstance(value, _Shared):
            return 0
        if isinstance(value, dict):
            return getsizeof(value) + sum(map(self.size, value.values()))
        if isinstance(value, list):
            return getsizeof(value) + sum(map(self.size, value))
        if value is None or isinstance(value, bool) or self._parts.get(value) is value:
            return 0
        return getsizeof(value)

    def size_of(self, record: Mapping[str, Any]) -> int:
        """Return about how many bytes the belief takes for a webhook request."""
        return _BESIDE + self.size(record)
