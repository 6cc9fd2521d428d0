"""The ledger: each webhook request as it was before the run changed it, safe on the disk."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from crmcom_kit.contract_tests.safety.pool import Seen


def utc_now() -> str:
    """Return the present time, as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Ledger:
    """A JSON Lines file, one line a webhook request: time, target, method and the whole record."""

    def __init__(self, path: Path, target: str, *, now: Callable[[], str] = utc_now) -> None:
        """Write to the file at ``path``, behind what it holds.

        Args:
            path: the file; it is made when the first line is written.
            target: the base URL of the target, which stands in each line.
            now: returns the time, as ISO 8601.
        """
        self._path = path
        self._target = target
        self._now = now

    def note(self, record: Seen, method: str) -> None:
        """Write ``record`` down before ``method`` changes it. Raises OSError."""
        line = {"time": self._now(), "target": self._target, "method": method, "record": record}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
