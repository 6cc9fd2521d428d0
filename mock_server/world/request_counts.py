"""How many requests the worlds of a server have had, with which status, and how long each took.

Plain numbers since the start of the server, for those who watch it. They are counted for all worlds
together: their names are the callers' own, without end, and would make a series each.
"""

import threading
from bisect import bisect_left
from dataclasses import dataclass, field

#: Upper bounds of the durations that are counted together, in seconds; longer ones are the rest.
BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


@dataclass
class MethodCounts:
    """The requests of one method."""

    statuses: dict[int, int] = field(default_factory=dict)  # requests by status
    #: Requests by duration: up to each of the ``BOUNDS``, and the rest.
    durations: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0  # that all of them took


class RequestCounts:
    """Counts; may be used from any thread."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._methods: dict[str, MethodCounts] = {}

    def add(self, method: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            method: the name of a method of the API, or another of a few words.
            status: the HTTP status of its response; 0: none was sent.
            seconds: how long it took, until its response was sent.
        """
        with self._lock:
            counts = self._methods.get(method)
            if counts is None:
                counts = self._methods[method] = MethodCounts()
            counts.statuses[status] = counts.statuses.get(status, 0) + 1
            counts.durations[bisect_left(BOUNDS, seconds)] += 1
            counts.seconds += seconds

    def methods(self) -> dict[str, MethodCounts]:
        """Return a copy of all counts, by method."""
        with self._lock:
            return {
                name: MethodCounts(dict(one.statuses), list(one.durations), one.seconds)
                for name, one in sorted(self._methods.items())
            }
