"""The memory that the belief takes: equal parts of webhook requests are kept once, and counted."""

from collections.abc import Mapping
from sys import getsizeof
from typing import Any

#: The maximum number of bytes of all webhook requests, and of the parts that they share.
MAX_BYTES, MAX_SHARED = 64 * 1024 * 1024, 8 * 1024 * 1024
#: About how many bytes a webhook request takes beside its members, in tables.
_OVERHEAD = 900
#: The members with a text that many webhook requests share.
_SHARED_TEXTS = ("entity", "life_cycle_state", "url", "error_code")


class _Shared(dict[str, Any]):
    """An object that several webhook requests share."""

    __slots__ = ()


class Memory:
    """Shares equal definitions, rules, users, units and texts, and counts the bytes of the rest."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Start without webhook requests, which may take ``max_bytes`` together."""
        self.max_bytes = max_bytes
        self._parts: dict[Any, Any] = {}
        self._bytes_left = MAX_SHARED  # for shared parts
        self._sizes: dict[str, int] = {}  # of webhook requests in bytes, by id
        self._total_size = 0  # the sum of these

    def has_room(self, key: str, size: int) -> bool:
        """Return whether a webhook request of a size fits, instead of what it takes now."""
        return self._total_size - self._sizes.get(key, 0) + size <= self.max_bytes

    def count(self, key: str, size: int) -> None:
        """Count what a webhook request takes from now on; 0 if it is forgotten."""
        self._total_size += size - self._sizes.pop(key, 0)
        if size:
            self._sizes[key] = size

    def shared(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a condensed webhook request, in which equal parts are replaced by shared ones."""
        for name, value in record.items():
            if name == "log_information" and isinstance(value, dict):
                for inside, inner in value.items():
                    if isinstance(inner, dict):
                        value[inside] = self._part(tuple(inner.items()), inner)
            elif isinstance(value, dict):
                record[name] = self._part(tuple(value.items()), value)
            elif name in _SHARED_TEXTS and isinstance(value, str):
                record[name] = self._part(value, value)
        return record

    def _part(self, key: Any, value: Any) -> Any:
        try:
            part = self._parts.get(key)
        except TypeError:  # something in it is an array
            return value
        if part is not None:
            return part
        if self._bytes_left <= 0:
            return value
        self._bytes_left -= self.size(value)
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
        return _OVERHEAD + self.size(record)
