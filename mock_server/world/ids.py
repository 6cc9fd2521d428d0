"""Identifiers from a seed: the same seed gives the same ids in the same order."""

import threading

from crmcom_kit.schemas.formats import derived_id


class Ids:
    """A source of ids: 32 upper-case hexadecimal digits, as in the vendor's examples."""

    def __init__(self, seed: int, world: str = "", count: int = 0) -> None:
        """Start in the world of that name after the first ``count`` ids of ``seed``."""
        self._seed = f"{seed}@{world}" if world else str(seed)
        self._lock = threading.Lock()
        self._count = count

    @property
    def count(self) -> int:
        """The number of ids that ``next`` has returned."""
        return self._count

    def next(self, purpose: str) -> str:
        """Return a new id; ``purpose`` separates kinds of ids."""
        with self._lock:
            self._count += 1
            count = self._count
        return self._make(f"{purpose}#{count}")

    def of(self, purpose: str, name: str) -> str:
        """Return the id that ``purpose`` and ``name`` always have with this seed."""
        return self._make(f"{purpose}/{name}")

    def _make(self, text: str) -> str:
        return derived_id(f"{self._seed}/{text}")
