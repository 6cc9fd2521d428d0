"""Let Hypothesis choose what is sent: the seed of a run repeats its choices.

A server that cannot be reset is no function to be tried on many examples. So a run is cut into
chunks, and each chunk is one example: Hypothesis draws, and nothing is ever replayed.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import Any, Protocol

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Frozen, StopTest

#: So many steps one example has: Hypothesis bounds what it draws for one.
STEPS_IN_CHUNK = 250


class Chooser(Protocol):
    """Chooses among several."""

    def __call__(self, values: Sequence[Any]) -> Any:
        """Return one of ``values``."""
        ...


class Drawn:
    """Chooses as Hypothesis draws; once that has drawn enough, a step is brought to its end."""

    def __init__(self, data: st.DataObject, rest: Random) -> None:
        """Draw from ``data``, and in the end from ``rest``."""
        self._data, self._rest = data, rest
        self.stop: StopTest | None = None  # by which Hypothesis has said that it is enough

    def __call__(self, values: Sequence[Any]) -> Any:
        """Return one of ``values``."""
        if self.stop is None:
            try:
                return values[self._data.draw(st.integers(0, len(values) - 1))]
            except StopTest as stop:
                self.stop = stop
            except Frozen:
                pass  # the chunk is over: what is settled after the last one draws from the rest
        return values[self._rest.randrange(len(values))]


def weighted(choose: Chooser, values: Sequence[Any], weights: Sequence[int]) -> Any:
    """Return one of ``values``, each as likely as its weight."""
    sums = list(accumulate(weights))
    return values[bisect_right(sums, choose(range(sums[-1])))]


def in_chunks(seed: int, step: Callable[[Chooser], bool]) -> None:
    """Call ``step`` until it returns False; what it raises ends the chunks, and is raised."""
    number, going = 0, True
    while going:
        going = _chunk(hash((seed, number)), step)
        number += 1


def _chunk(seed: int, step: Callable[[Chooser], bool]) -> bool:
    """Run one example; return whether there is more to do."""
    going, raised = True, list[BaseException]()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=2,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(st.data())
    def example(data: st.DataObject) -> None:
        nonlocal going
        if data.draw(st.integers(0, 2**32)) == 0:
            return  # the simplest example comes first, and always draws the same
        choose = Drawn(data, Random(seed))
        try:
            for _ in range(STEPS_IN_CHUNK):
                going = step(choose)
                if not going or choose.stop is not None:
                    break
        except BaseException as error:  # noqa: BLE001 - Hypothesis would send everything again
            raised.append(error)
        if choose.stop is not None:
            raise choose.stop

    example()
    if raised:
        raise raised[0]
    return going
