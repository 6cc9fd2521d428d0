"""Let Hypothesis choose what is sent: the seed of a run repeats its choices.

A server that cannot be reset is no function to be tried on many examples. So a run is cut into
chunks, and each chunk is one example: Hypothesis draws bits, which seed the choices of the chunk,
and nothing is ever replayed. It draws no numbers, since some of those would be constants of
whatever modules are loaded, and the same seed would not repeat a run elsewhere.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import Any, Protocol

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

#: So many steps one example has.
STEPS_IN_CHUNK = 250
_BITS = 64


class Chooser(Protocol):
    """Chooses among several."""

    def __call__(self, values: Sequence[Any]) -> Any:
        """Return one of ``values``."""
        ...


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
    @hypothesis.given(st.lists(st.booleans(), min_size=_BITS, max_size=_BITS))
    def example(bits: list[bool]) -> None:
        nonlocal going
        if not any(bits):
            return  # the simplest example comes first, and always draws the same
        chance = Random(sum(bit << at for at, bit in enumerate(bits)))
        try:
            for _ in range(STEPS_IN_CHUNK):
                going = step(lambda values: values[chance.randrange(len(values))])
                if not going:
                    break
        except BaseException as error:  # noqa: BLE001 - Hypothesis would send everything again
            raised.append(error)

    example()
    if raised:
        raise raised[0]
    return going
