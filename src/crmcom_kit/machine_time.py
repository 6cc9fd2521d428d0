"""The machine's date and time. Only entry points use it; they pass it on."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

#: Return the current time in UTC. A partial, since each request of a mock calls it.
utc_now: Callable[[], datetime] = partial(datetime.now, UTC)
