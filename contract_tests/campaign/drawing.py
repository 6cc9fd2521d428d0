"""Choose what is sent: the seed of a run repeats its choices.

A server that cannot be reset is no function to be tried on many examples. So Hypothesis draws once
for a run, and what it draws seeds all choices. It draws bits, since numbers would now and then be
constants of whatever modules are loaded, and the same seed would not repeat a run elsewhere.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from crmcom_kit.contract_tests.templates.table import Chooser

_BITS = 64


def weighted(choose: Chooser, values: Sequence[Any], weights: Sequence[int]) -> Any:
    """Return one of ``values``, each as likely as its weight."""
    sums = list(accumulate(weights))
    return values[bisect_right(sums, choose(range(sums[-1])))]


def chooser(seed: int) -> Chooser:
    """Return what chooses, the same for the same seed."""
    drawn: list[bool] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=2,  # the first one is the simplest, whatever the seed
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(st.lists(st.booleans(), min_size=_BITS, max_size=_BITS))
    def example(bits: list[bool]) -> None:
        drawn[:] = bits

    example()
    chance = Random(sum(bit << at for at, bit in enumerate(drawn)))
    return lambda values: values[chance.randrange(len(values))]
