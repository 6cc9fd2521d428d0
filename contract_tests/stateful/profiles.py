"""Hypothesis profiles: how many examples each generated layer tries."""

from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from crmcom_kit.contract_tests.options import Profile

#: ci: the same calls each time; dev: remembers what broke; explore: other calls, and many.
_TIMES = {"ci": 1, "dev": 1, "explore": 20}

#: Where dev keeps what broke, below the working directory.
EXAMPLES = ".hypothesis/crmcom-kit"


def examples(profile: Profile, max_examples: int) -> int:
    """Return how many examples a layer makes in a profile."""
    return max_examples * _TIMES[profile]


def layer_settings(profile: Profile, max_examples: int, *, shrink: bool, **more: Any) -> settings:
    """Return the settings of one layer.

    Args:
        profile: one of ``options.PROFILES``.
        max_examples: how many calls, or runs of the state machine, at most.
        shrink: whether calls may be spent on making what broke smaller.
        more: other settings of Hypothesis.
    """
    phases = [Phase.generate]
    if profile == "dev" and shrink:
        phases.insert(0, Phase.reuse)
    if shrink:
        phases.append(Phase.shrink)
    database: ExampleDatabase | None = None
    if profile == "dev":
        database = DirectoryBasedExampleDatabase(EXAMPLES)
    return settings(
        max_examples=max_examples,
        phases=phases,
        database=database,
        derandomize=False,  # the seed of the run decides, see ``Plan.seed``
        deadline=None,
        print_blob=False,
        report_multiple_bugs=True,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        **more,
    )
