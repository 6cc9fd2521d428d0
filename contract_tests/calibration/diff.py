"""Compare a server with a mock that has a profile of it, request by request."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import typed
from crmcom_kit.contract_tests.calibration.calibrate import compare, whole_log
from crmcom_kit.contract_tests.calibration.report import Comparisons
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.schemas.methods import REFERENCE_KINDS
from crmcom_kit.schemas.profile import Profile


def with_profile(results: Results, profile: Profile) -> Comparisons:
    """Compare a run's responses with those of a mock that has a profile's dialect.

    Its webhook requests are those that the run has seen: an instance's content changes. Definitions
    and rules last longer: it has those of the profile as well.

    Raises NothingToLearn: the run has seen no whole webhook request.
    """
    log = whole_log(results)
    return compare(log, replace(profile, world=[*_outlasting(profile, log.world), *log.world]))


def _outlasting(profile: Profile, world: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield definitions and rules that only the profile has."""
    for kind in REFERENCE_KINDS:
        seen_ids = {entry[kind]["id"] for entry in world if kind in entry}
        for entry in profile.world if isinstance(profile.world, list) else ():
            reference = typed(entry).get(kind)
            if reference and reference.get("id") and reference["id"] not in seen_ids:
                yield {kind: reference}
