"""Hypothesis profiles: how many examples the machine runs, and what is remembered."""

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.database import (
    DirectoryBasedExampleDatabase,
    ExampleDatabase,
    InMemoryExampleDatabase,
)

from crmcom_kit.contract_tests.options import Profile

#: ci: the same requests for the same seed. dev: the same, after what broke in an earlier run.
#: explore: many requests, and another seed each time unless one is given, see ``options``.
_TIMES = {"ci": 1, "dev": 1, "explore": 20}

#: Where dev keeps what broke, below the working directory.
EXAMPLES = ".hypothesis/crmcom-kit"

#: How fast a machine draws tells nothing of a server. All other health checks are on.
_SUPPRESSED = (HealthCheck.too_slow,)


def examples(profile: Profile, max_examples: int) -> int:
    """Return how many examples the machine runs in a profile."""
    return max_examples * _TIMES[profile]


def machine_settings(profile: Profile, max_examples: int, steps: int) -> settings:
    """Return the settings of the machine.

    Args:
        profile: one of ``options.PROFILES``.
        max_examples: how many examples, at most.
        steps: rules in one example.
    """
    database: ExampleDatabase = InMemoryExampleDatabase()
    if profile == "dev":
        database = DirectoryBasedExampleDatabase(EXAMPLES)
    return settings(
        max_examples=max_examples,
        stateful_step_count=steps,
        phases=(Phase.reuse, Phase.shrink),  # the layer draws the examples, see there
        database=database,
        deadline=None,  # a slow server breaks no statement
        print_blob=False,
        report_multiple_bugs=False,  # one statement is made smaller at a time
        verbosity=Verbosity.quiet,
        suppress_health_check=_SUPPRESSED,
    )
