"""Raise the garbage collector's thresholds while a run lasts."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Objects that are made between two looks at the young ones, and how many looks at these and at
#: the middle-aged ones come before the next look at older ones. What a run keeps are its
#: exchanges and what they carry; with Python's own numbers a tenth of a run went into looking
#: through them again and again. What no cycle holds is let go of at once in either case.
_THRESHOLDS = (50_000, 20, 100)


@contextmanager
def raised_gc_thresholds() -> Iterator[None]:
    """Have the collector look at what is kept only seldom."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
