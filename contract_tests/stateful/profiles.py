"""Hypothesis profiles: how many examples the machine runs, from which seed, and what is remembered."""

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from crmcom_kit.contract_tests.options import Profile

#: ci: the same requests for the same seed. dev: what broke before is tried first, then new requests each time.
#: explore: many requests, of another seed each time.
_TIMES = {"ci": 1, "dev": 1, "explore": 20}

#: Where dev keeps what broke, below the working directory.
EXAMPLES = ".hypothesis/crmcom-kit"

#: How fast a machine draws tells nothing of the server that is checked. All other health checks are on.
_SUPPRESSED = (HealthCheck.too_slow,)


def examples(profile: Profile, max_examples: int) -> int:
    """Return how many examples the machine runs in a profile."""
    return max_examples * _TIMES[profile]


def resolve_seed(profile: Profile, given: int | None, *, fresh: Callable[[], int]) -> int:
    """Return the seed of a run: the one that was given, else 0, or in explore another each time.

    Args:
        profile: the profile of the run.
        given: the seed that was asked for; None: none was.
        fresh: returns a seed that was not used before.
    """
    if given is not None:
        return given
    return fresh() if profile == "explore" else 0


def uses_seed(profile: Profile) -> bool:
    """Whether the seed decides: Hypothesis does not use its example database with a seed."""
    return profile != "dev"


def machine_settings(profile: Profile, max_examples: int, steps: int) -> settings:
    """Return the settings of the machine.

    Args:
        profile: one of ``options.PROFILES``.
        max_examples: how many examples, at most.
        steps: rules in one example.
    """
    phases = [Phase.generate, Phase.shrink]
    if profile == "dev":
        phases.insert(0, Phase.reuse)
    return settings(
        max_examples=max_examples,
        stateful_step_count=steps,
        phases=phases,  # no target: an example that scores well is no better at finding faults
        database=DirectoryBasedExampleDatabase(EXAMPLES) if profile == "dev" else None,
        derandomize=False,  # the seed of the run decides
        deadline=None,  # a slow server breaks no statement
        print_blob=False,
        report_multiple_bugs=False,  # each statement gets a round of its own, see ``layer``
        verbosity=Verbosity.quiet,
        suppress_health_check=_SUPPRESSED,
    )
