"""Let Hypothesis choose what is sent: the seed of a run repeats its choices.

A server that cannot be reset is no function to be tried on many examples. So a run is cut into
chunks, and each chunk is one example: Hypothesis draws, and nothing is ever replayed.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

#: So many steps one example has: Hypothesis bounds what it draws for one.
STEPS_IN_CHUNK = 250


class Chooser(Protocol):
    """Chooses among several."""

    def __call__(self, values: Sequence[Any]) -> Any:
        """Return one of ``values``."""
        ...


class Drawn:
    """Chooses as Hypothesis draws."""

    def __init__(self, data: st.DataObject) -> None:
        """Draw from ``data``."""
        self._data = data

    def __call__(self, values: Sequence[Any]) -> Any:
        """Return one of ``values``."""
        return values[self._data.draw(st.integers(0, len(values) - 1))]


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
        choose = Drawn(data)
        try:
            for _ in range(STEPS_IN_CHUNK):
                going = step(choose)
                if not going:
                    return
        except hypothesis.errors.StopTest:
            raise  # Hypothesis has drawn enough: on with the next chunk
        except BaseException as error:  # noqa: BLE001 - Hypothesis would send everything again
            raised.append(error)

    example()
    if raised:
        raise raised[0]
    return going
