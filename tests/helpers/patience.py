"""How long a test waits for what may be late: one number for all, which no test waits out."""

import time
from collections.abc import Callable

#: Seconds. A busy machine is ten times as slow as an idle one; what takes longer is a deadlock.
PATIENCE = 120.0


def comes(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Return whether a condition becomes true within some time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
