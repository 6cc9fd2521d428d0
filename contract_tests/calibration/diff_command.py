"""What ``crmcom-kit diff`` does: it runs, compares, and prints in what responses differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.belief.knowledge import typed
from crmcom_kit.contract_tests.calibration.calibrate import (
    NothingToLearn,
    compare,
    learn_profile,
    profile_files,
    update_calibration,
    whole_log,
)
from crmcom_kit.contract_tests.calibration.options import DIFF_REQUESTS
from crmcom_kit.contract_tests.calibration.profile_folder import check_is_new, write_folder
from crmcom_kit.contract_tests.calibration.report import SIDES, Comparisons, as_html
from crmcom_kit.contract_tests.calibration.runs import printable, refusal, results_of
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.reports.files import check_files, write
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.schemas.dialect import DialectError
from crmcom_kit.schemas.methods import REFERENCE_KINDS
from crmcom_kit.schemas.profile import WORLD, Profile, ProfileError, read_profile


def exit_code(values: dict[str, Any]) -> int:
    """Compare a server with a profile, print in what they differ, and return the exit code.

    Raises Refused, OptionsError.
    """
    files = {"html": values["html"]} if values["html"] else {}
    _check(values, files)
    if not values["from_har"]:
        # A mock of the run's own may be changed; it ends with the run.
        values["allow"] = "none" if values["base_url"] else None
        if values["max_requests"] is None:
            values["max_requests"] = DIFF_REQUESTS
    stop = Stop()
    with stop.on_signals():
        profile = _profile(values)
        release = profile.release.name.removesuffix(".0.0")
        remedy = f"calibrate again, or compare with a server of {release}"
        results = results_of(values, stop, remedy=remedy)
        comparisons = _compared(results, profile, stop)
    sides = SIDES
    if profile.made:
        sides = f"the server at {results.began}", f"the mock as of {profile.made}"
    click.echo("\n".join(map(printable(results), comparisons.lines(sides))))
    facts = {"title": "Differences", "release": profile.release.name}
    if failures := write({"html": lambda: as_html(facts, comparisons, results, sides)}, files):
        raise Refused(failures[0])
    if values["update"] is not None:
        _update(values["update"], profile, results, stop)
    if comparisons.documented.otherwise:
        return 1
    if lacks := comparisons.lacks:
        click.echo(f"INCONCLUSIVE: {'; '.join(lacks)}")
        return 3
    return 0


def _check(values: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """Check that options go together, and that what they name can be written. Raises Refused."""
    if values["update"] is not None:
        if values["from_har"]:
            msg = "--update is not allowed with --from-har, which sends nothing"
            raise Refused(msg)
        check_is_new(values["update"], "--update")
    check_files(files, None, values["from_har"])


def _profile(values: dict[str, Any]) -> Profile:
    """Return a profile with its world; the run has its release. Raises Refused."""
    folder: Path = values["profile"]
    try:
        profile = read_profile(folder)
        world = list(map(orjson.loads, (folder / WORLD).read_bytes().splitlines()))
        values["release"] = profile.release.name
    except (ProfileError, DialectError) as error:
        raise Refused(str(error)) from None
    except (OSError, ValueError) as error:
        msg = f"--profile: {folder / WORLD} cannot be read: {error}"
        raise Refused(msg) from None
    return replace(profile, world=[entry for entry in world if isinstance(entry, dict)])


def _compared(results: Results, profile: Profile, stop: Stop) -> Comparisons:
    """Compare a run with a mock that has a profile. Raises Refused."""
    try:
        comparisons = with_profile(results, profile)
        stop.check()
    except NothingToLearn as error:
        raise refusal(results, f"nothing can be compared: {error}") from None
    except KeyboardInterrupt:
        raise refusal(results, "interrupted") from None
    return comparisons


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


def _update(folder: Path, before: Profile, results: Results, stop: Stop) -> None:
    """Write a new profile, and print what has changed. Raises Refused."""
    calibration, changes = update_calibration(learn_profile(results), before)
    files = profile_files(calibration, keep_personal_data=False)
    write_folder(folder, "--update", files.texts, stop)
    click.echo(f"{folder}: {counted(len(changes), 'change')} since the profile before")
    for change in map(printable(results), changes):
        click.echo(f"  {change}")
