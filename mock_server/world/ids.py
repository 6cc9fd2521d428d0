"""Identifiers from a seed: the same seed gives the same ids in the same order."""

import threading

from crmcom_kit.schemas.formats import id_of


class Ids:
    """A source of 32-digit upper-case hexadecimal ids, the form that the vendor's examples show."""

    def __init__(self, seed: int, world: str = "", drawn: int = 0) -> None:
        """Start in the world of that name after the first ``drawn`` ids of ``seed``."""
        self._seed = f"{seed}@{world}" if world else str(seed)
        self._lock = threading.Lock()
        self._drawn = drawn

    def clone(self) -> "Ids":
        """Return an independent source that continues from here."""
        clone = Ids(0)
        with self._lock:
            clone._seed, clone._drawn = self._seed, self._drawn
        return clone

    @property
    def drawn(self) -> int:
        """How many ids ``next`` has returned."""
        return self._drawn

    def next(self, purpose: str) -> str:
        """Return an id that was never returned before; ``purpose`` separates kinds of ids."""
        with self._lock:
            self._drawn += 1
            drawn = self._drawn
        return self._made(f"{purpose}#{drawn}")

    def of(self, purpose: str, name: str) -> str:
        """Return the id that ``purpose`` and ``name`` always have with this seed."""
        return self._made(f"{purpose}/{name}")

    def _made(self, text: str) -> str:
        return id_of(f"{self._seed}/{text}")
