"""What ``crmcom-kit calibrate`` does: it runs, learns, writes a profile and prints what it is."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from crmcom_kit.contract_tests.calibration.calibrate import (
    Calibration,
    NothingToLearn,
    learn_profile,
    profile_files,
)
from crmcom_kit.contract_tests.calibration.learned import Grade
from crmcom_kit.contract_tests.calibration.profile_folder import check_is_new, write_folder
from crmcom_kit.contract_tests.calibration.runs import printable, refusal, results_of
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.client.exchanges import LOGINS, token_of
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.options.options import (
    CHANGES,
    DEFAULTS,
    OF_REQUESTS,
    OPTIONS,
    check_values,
)
from crmcom_kit.contract_tests.oracle.envelope import is_readable
from crmcom_kit.contract_tests.reports.files import check_files, write, writers
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.progress import progress

#: The part of --max-time that is kept for learning, which follows the requests.
_TO_LEARN = 0.25


def write_profile(values: dict[str, Any]) -> None:
    """Learn from a run, a recording or both, and write a profile. Raises Refused, OptionsError."""
    folder: Path = values["out"]
    check_is_new(folder, "--out")
    files = {"har": values["har"]} if values["har"] else {}
    check_files(files, values["ledger"], values["from_har"])
    seconds, began, stop = values["max_time"], time.monotonic(), Stop()

    def is_time_up() -> bool:
        stop.check()
        return bool(time.monotonic() - began > seconds)

    with stop.on_signals():
        recorded_results, results = _recorded_and_sent(values, stop)
        if files and (failures := write(writers(Report(results)), files)):
            raise refusal(results, failures[0])
        all_results = [results] if recorded_results is None else [recorded_results, results]
        exchanges = sum(len(part.history) for part in all_results)
        click.echo(f"learning from {counted(exchanges, 'exchange')}", err=True)
        try:
            with progress() as show:
                calibration = learn_profile(
                    results, recorded_results, is_time_up=is_time_up, progress=show
                )
            profile = profile_files(calibration, keep_personal_data=values["keep_personal_data"])
            write_folder(folder, "--out", profile.texts, stop)
        except NothingToLearn as error:
            raise refusal(results, f"nothing can be learned: {error}") from None
        except KeyboardInterrupt:
            raise refusal(results, "interrupted; nothing was written") from None
    notes = [
        *(warning for part in all_results for warning in part.warnings), *results.notes,
        *_notes_on_time(calibration, values), *notes_on_responses(calibration),
        *_notes_on_changes(calibration, results),
    ]  # fmt: skip
    if profile.free_texts:
        texts = counted(profile.free_texts, "different text")
        notes.append(
            f"{texts} of several words in {folder / 'world.jsonl'} may "
            "contain personal names that were not replaced: read them before you share the file"
        )
    _show(calibration, folder, notes)


def _show(calibration: Calibration, folder: Path, notes: Sequence[str]) -> None:
    """Print what there is to know of a calibration that was written."""
    fit = printable(calibration.results)
    for note in notes:
        click.echo(f"Note: {fit(note)}")
    open_dials = len(calibration.profile.unsettled)
    click.echo(
        f"{folder}: release {calibration.log.release.name}, "
        f"{counted(len(calibration.log.first_seen), 'webhook request')}, "
        f"{counted(len(calibration.learned) - open_dials, 'dial')} settled, {open_dials} left open "
        f"({folder / 'report.html'})"
    )
    click.echo("\n".join(map(fit, calibration.comparisons.lines())))
    click.echo(f"Serve it: crmcom-kit serve --profile {folder}")


def _recorded_and_sent(values: dict[str, Any], stop: Stop) -> tuple[Results | None, Results]:
    """Return the results of a recording that requests follow, if there is one, and of the run.

    A server that only the environment names does not count: then a recording alone is read, and
    all of --max-time is for learning. Raises Refused.
    """
    if not values["from_har"]:
        return None, results_of(values, stop, kept_time=values["max_time"] * _TO_LEARN)
    source = click.get_current_context().get_parameter_source("base_url")
    is_named = values["base_url"] and source is not ParameterSource.ENVIRONMENT
    has_login = values["token"] or values["username"] or values["api_key"]
    if not (is_named and has_login):
        check_values(DEFAULTS | {"max_time": values["max_time"]})
        return None, results_of(values | {"max_time": DEFAULTS["max_time"]}, stop)
    request_keys = {option.key for option in OPTIONS if option.heading in OF_REQUESTS}
    recording_values = {key: value for key, value in values.items() if key not in request_keys}
    recorded_results = results_of(recording_values, stop)
    release = recorded_results.target.release.name
    return recorded_results, results_of(values | {"from_har": (), "release": release}, stop)


def _notes_on_time(calibration: Calibration, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield why learning has stopped before its end, if it has."""
    if calibration.is_cut_short:
        names = calibration.untried_dials
        dials = f" before {counted(len(names), 'dial')}: {', '.join(names)}" if names else ""
        har = values["har"] or "FILE, which --har FILE writes"
        yield (
            f"learning stopped after {values['max_time']:g} s (--max-time){dials}; to go on from "
            f"the same exchanges, give --from-har {har}"
        )


def notes_on_responses(calibration: Calibration) -> Iterator[str]:
    """Yield why responses may have taught little."""
    order = calibration.learned["list.order"]
    if order.grade is not Grade.OBSERVED:
        yield f"list.order: {order.evidence}"
    exchanges, release = calibration.log.every_exchange, calibration.log.release
    if unreadable_count := sum(not is_readable(exchange) for exchange in exchanges):
        yield (
            f"{unreadable_count} of {len(exchanges)} responses have no status with code, message "
            "and description: little is learned from them; they are below as 'no envelope'"
        )
    tokens = [token_of(exchange) or "" for exchange in exchanges if exchange.call.method in LOGINS]
    if release.token.kind == "hex" and any(token.count(".") == 2 for token in tokens):
        yield (
            f"the server returns JSON Web Tokens, as from R12.0.0 on, and {release.name} was "
            "calibrated: is --release right?"
        )


def _notes_on_changes(calibration: Calibration, results: Results) -> Iterator[str]:
    """Yield which changes were not seen, and what was changed."""
    methods = {exchange.call.method for exchange in calibration.log.every_exchange}
    if unseen_methods := [name for name in CHANGES if name not in methods]:
        yield (
            f"no response to {' and '.join(unseen_methods)} was seen, so the mock has its own "
            "errors there; allow them with --allow and --scope, or give a recording of them"
        )
    if results.changed and not results.target.is_own:  # a mock of the run's own has gone
        yield f"webhook requests that were or may be changed: {', '.join(results.changed)}"
