"""How many requests a second each token may make: a limit as gateways have it.

No page of CRM.COM tells of one; it is for clients that have to cope with HTTP 429.
"""

import threading
from collections import OrderedDict
from datetime import datetime
from math import ceil

#: Tokens whose requests are counted at the same time; the one that has been idle longest goes.
MAX_COUNTED = 10_000


class RateLimit:
    """A bucket for each token: it holds one second's requests, and fills as time passes."""

    def __init__(self, per_second: float) -> None:
        """Allow so many requests a second, at least one at a time."""
        self._rate = per_second
        self._size = max(1.0, per_second)
        self._lock = threading.Lock()
        #: token -> how many requests are left, and when that was
        self._left: OrderedDict[str | None, tuple[float, datetime]] = OrderedDict()

    def wait(self, token: str | None, now: datetime) -> int:
        """Count a request; return 0 if it is allowed, else after how many seconds one will be."""
        with self._lock:
            left, since = self._left.pop(token, (self._size, now))
            left = min(self._size, left + max(0.0, (now - since).total_seconds()) * self._rate)
            allowed = left >= 1
            self._left[token] = (left - 1 if allowed else left, now)
            if len(self._left) > MAX_COUNTED:
                self._left.popitem(last=False)
        return 0 if allowed else max(1, ceil((1 - left) / self._rate))
