"""``crmcom-kit calibrate`` and ``crmcom-kit diff``."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from crmcom_kit.config_file import Refused, config_option
from crmcom_kit.contract_tests.calibration.options import (
    DIFF_REQUESTS,
    OF_CALIBRATE,
    OF_DIFF,
    ManyOptions,
)
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.cli import check_files, leave_environment, run_with, write
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.options.options import (
    CHANGES,
    DEFAULTS,
    OF_REQUESTS,
    OPTIONS,
    OptionsError,
    check_url,
    check_values,
)
from crmcom_kit.machine_time import utc_now
from crmcom_kit.output import open_private
from crmcom_kit.progress import progress
from crmcom_kit.redaction import redact_url
from crmcom_kit.schemas.releases import UnknownRelease, resolve

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.calibration.calibrate import Calibration
    from crmcom_kit.contract_tests.calibration.diff import OtherServer
    from crmcom_kit.contract_tests.calibration.learning import Log
    from crmcom_kit.contract_tests.calibration.report import Comparisons
    from crmcom_kit.contract_tests.run.results import Results
    from crmcom_kit.schemas.profile import Profile

#: The part of --max-time that is kept for learning, which follows the requests.
_TO_LEARN = 0.25


@click.command(
    cls=ManyOptions,
    context_settings={"auto_envvar_prefix": "CRMCOM_CALIBRATE"},
    params=OF_CALIBRATE,
)
@config_option
def calibrate(out: Path, *, keep_personal_data: bool, har: Path | None, **given: Any) -> None:
    """Learn how a server responds, and write a profile for `crmcom-kit serve --profile`.

    The run is read-only unless --allow and --scope are given. A recording can be used instead of
    requests, or before them, with --from-har. The profile has the server's webhook requests, with
    people and hosts replaced; passwords, keys and tokens are never in it. report.json has no data
    of the server.

    Exit status 0: the profile is written. 2: the run failed, or was interrupted; nothing is.
    """
    from crmcom_kit.contract_tests.calibration.calibrate import (
        NothingToLearn,
        learn_profile,
        profile_files,
    )
    from crmcom_kit.contract_tests.calibration.learned import Grade

    folder = _checked_folder(out)
    check_files({} if har is None else {"har": har}, given["ledger"], given["from_har"])
    seconds, began, stop = given["max_time"], time.monotonic(), Stop()

    def is_time_up() -> bool:
        stop.check()
        return bool(time.monotonic() - began > seconds)

    with stop.on_signals():
        earlier = _recorded_before(given, stop)
        results = _run(given, stop, kept_time=0 if given["from_har"] else seconds * _TO_LEARN)
        if har is not None:
            _write_har(har, results)
        learned_from = len(results.history) + (0 if earlier is None else len(earlier.history))
        click.echo(f"learning from {counted(learned_from, 'exchange')}", err=True)
        try:
            with progress() as show:
                calibration = learn_profile(results, earlier, is_time_up=is_time_up, progress=show)
            texts = profile_files(calibration, keep_personal_data=keep_personal_data)
            _write("--out", folder, texts, stop)
        except NothingToLearn as error:
            raise _refused(results, f"nothing can be learned: {error}") from None
        except KeyboardInterrupt:
            text = f"interrupted; nothing was written{_changed(results)}"
            raise _refused(results, text) from None
    notes = [*(() if earlier is None else earlier.warnings), *results.warnings, *results.notes]
    if calibration.is_cut_short:
        untried = calibration.untried
        dials = f" before {counted(len(untried), 'dial')}: {', '.join(untried)}" if untried else ""
        notes.append(
            f"learning stopped after {seconds:g} s (--max-time){dials}; to go on from the same "
            f"exchanges, give --from-har {har or 'FILE, which --har FILE writes'}"
        )
    order = calibration.learned["list.order"]
    if order.grade is not Grade.OBSERVED:
        notes.append(f"list.order: {order.evidence}")
    notes += [*_on_responses(calibration), *_on_changes(calibration, results)]
    if unread := json.loads(texts["report.json"])["free_texts"]:
        notes.append(
            f"{counted(unread, 'different text')} of several words in {folder / 'world.jsonl'} may "
            "have names that stand nowhere else: nobody has read them; do before you share it"
        )
    printable = _printable(calibration.results)
    for note in notes:
        click.echo(f"Note: {printable(note)}")
    open_dials = len(calibration.profile.unsettled)
    click.echo(
        f"{folder}: release {calibration.log.release.name}, "
        f"{counted(len(calibration.log.first_seen), 'webhook request')}, "
        f"{counted(len(calibration.learned) - open_dials, 'dial')} settled, {open_dials} left open "
        f"({folder / 'report.html'})"
    )
    click.echo("\n".join(map(printable, calibration.compared.lines())))
    click.echo(f"Serve it: crmcom-kit serve --profile {folder}")


def _checked_folder(out: Path, option: str = "--out") -> Path:
    """Return the folder to write, which must be new. Raises Refused."""
    if os.path.lexists(out):
        msg = f"{option}: {out} exists; name a new folder"
        raise Refused(msg)
    parent = out.absolute().parent
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        msg = f"{option}: {parent} is no folder that can be written to"
        raise Refused(msg)
    return out


def _write_har(path: Path, results: "Results") -> None:
    """Write the exchanges of a run: learning can go on from them. Raises Refused."""
    from crmcom_kit.contract_tests.reports.har import render
    from crmcom_kit.contract_tests.reports.report import Report

    failure = _write_report("har", path, lambda: render(Report(results)))
    if failure is not None:
        msg = f"{failure}{_changed(results)}"
        raise Refused(msg)


def _write_report(name: str, path: Path, make: Callable[[], str | Iterator[str]]) -> str | None:
    """Write one report; return why it cannot be written, or None."""
    return next(iter(write({name: make}, {name: path})), None)


def _on_responses(calibration: "Calibration") -> Iterator[str]:
    """Yield why responses may have taught little."""
    from crmcom_kit.contract_tests.client.exchanges import LOGINS, token_of
    from crmcom_kit.contract_tests.oracle.envelope import is_readable

    exchanges, release = calibration.log.every_exchange, calibration.log.release
    if unreadable := sum(not is_readable(exchange) for exchange in exchanges):
        yield (
            f"{unreadable} of {len(exchanges)} responses have no status with code, message and "
            "description: little is learned from them; they are below as 'no envelope'"
        )
    tokens = [token_of(exchange) or "" for exchange in exchanges if exchange.call.method in LOGINS]
    if release.token.kind == "hex" and any(token.count(".") == 2 for token in tokens):
        yield (
            f"the server returns JSON Web Tokens, as from R12.0.0 on, and {release.name} was "
            "calibrated: is --release right?"
        )


def _on_changes(calibration: "Calibration", results: "Results") -> Iterator[str]:
    """Yield what there is to say of changes: which were not seen, and what they were made to."""
    called = {exchange.call.method for exchange in calibration.log.every_exchange}
    if unseen := [name for name in CHANGES if name not in called]:
        yield (
            f"no response to {' and '.join(unseen)} was seen, so the mock has its own errors "
            "there; allow them with --allow and --scope, or give a recording of them"
        )
    if results.changed and not results.target.own:  # a mock of the run's own has gone
        yield f"webhook requests that were or may be changed: {', '.join(results.changed)}"


def _recorded_before(given: dict[str, Any], stop: Stop) -> "Results | None":
    """Read the recording that is used before requests, if both are asked for. Raises Refused.

    A server that only the environment names does not count: a recording alone sends nothing, and
    all of --max-time is for learning.
    """
    if not given["from_har"]:
        return None
    source = click.get_current_context().get_parameter_source("base_url")
    is_named = given["base_url"] and source is not ParameterSource.ENVIRONMENT
    logs_in = given["token"] or given["username"] or given["api_key"]
    if not (is_named and logs_in):
        try:
            check_values(DEFAULTS | {"max_time": given["max_time"]})
        except OptionsError as error:
            raise Refused(str(error)) from None
        given["max_time"] = DEFAULTS["max_time"]
        return None
    of_requests = {o.key for o in OPTIONS if o.heading in OF_REQUESTS}
    alone = {key: value for key, value in given.items() if key not in of_requests}
    given["from_har"] = ()
    results = _run(alone, stop)
    given["release"] = results.target.release.name
    return results


@click.command(
    cls=ManyOptions, context_settings={"auto_envvar_prefix": "CRMCOM_DIFF"}, params=OF_DIFF
)
@config_option
def diff(
    *,
    profile: Path | None,
    other: str | None,
    fail_on: str,
    html: Path | None,
    update: Path | None,
    **given: Any,
) -> None:
    """Send the same requests to two servers, and show where their responses differ.

    The second one is a mock with a profile, whose dialect is compared with the server as it is
    now, or another server with the same webhook requests. Both are only read.

    Exit status 0: no documented request differs otherwise than the profile says. 1: some do. 2: the
    run failed, or was interrupted. 3: nothing differs, but too little was seen.
    """
    from crmcom_kit.contract_tests.calibration.report import SIDES, as_html

    _check_diff(profile, other, html, update, given)
    if not given["from_har"]:
        given["allow"] = "none"
        if given["max_requests"] is None:
            given["max_requests"] = DIFF_REQUESTS
    stop = Stop()
    with stop.on_signals():
        read = None if profile is None else _profile(profile, given)
        server = None if other is None else _other_server(other, given, stop)
        kept_time = given["max_time"] / 2 if server is not None else 0.0
        results = _run(given, stop, kept_time=kept_time)
        log, compared = _compared(results, read, server, stop)
    sides = SIDES if other is None else (results.target.name, redact_url(other))
    if read is not None and read.made:
        sides = f"the server at {results.began}", f"the mock as of {read.made}"
    click.echo("\n".join(map(_printable(results), compared.lines(sides))))
    if html is not None:
        facts = {"title": "Differences", "release": log.release.name}
        failure = _write_report("html", html, lambda: as_html(facts, compared, results, sides))
        if failure is not None:
            raise Refused(failure)
    if update is not None and read is not None:
        _update(update, read, results, stop)
    tallies = [compared.documented, *([compared.undocumented] if fail_on == "any" else [])]
    is_drift = any(tally.otherwise for tally in tallies)
    lacks = compared.lacks if read is not None and not is_drift else []
    if lacks:
        click.echo(f"INCONCLUSIVE: {'; '.join(lacks)}")
    sys.exit(1 if is_drift else 3 if lacks else 0)


def _check_diff(
    profile: Path | None,
    other: str | None,
    html: Path | None,
    update: Path | None,
    given: Mapping[str, Any],
) -> None:
    """Raise Refused if options of diff do not go together, or name what cannot be written."""
    if (profile is None) == (other is None):
        msg = "give either --profile or --other"
        raise Refused(msg)
    if update is not None:
        if profile is None or given["from_har"]:
            msg = "--update: allowed is a run with --profile, which is compared and then updated"
            raise Refused(msg)
        _checked_folder(update, "--update")
    if other is not None and given["token"]:
        msg = "--token is not allowed with --other: a token is valid on one server alone"
        raise Refused(msg)
    if other is not None and given["from_har"]:
        msg = "--from-har is not allowed with --other: compare a recording with a --profile"
        raise Refused(msg)
    try:
        check_url(other, "other")
    except OptionsError as error:
        raise Refused(str(error)) from None
    check_files({} if html is None else {"html": html}, None, given["from_har"])


def _update(folder: Path, before: "Profile", results: "Results", stop: Stop) -> None:
    """Write a new profile, and say what has changed. Raises Refused."""
    from crmcom_kit.contract_tests.calibration.calibrate import (
        learn_profile,
        profile_files,
        update_calibration,
    )

    calibration, changes = update_calibration(learn_profile(results), before)
    _write("--update", folder, profile_files(calibration, keep_personal_data=False), stop)
    click.echo(f"{folder}: {counted(len(changes), 'change')} since the profile before")
    for change in changes:
        click.echo(f"  {_printable(results)(change)}")


def _profile(folder: Path, given: dict[str, Any]) -> "Profile":
    """Return a profile of the run's release, with its world. Raises Refused."""
    import orjson

    from crmcom_kit.schemas.dialect import DialectError
    from crmcom_kit.schemas.profile import WORLD, ProfileError, read_profile

    source = click.get_current_context().get_parameter_source("release")
    try:
        profile = read_profile(folder)
        world = list(map(orjson.loads, (folder / WORLD).read_bytes().splitlines()))
        if source is ParameterSource.DEFAULT:
            given["release"] = profile.release.name
        release = resolve(given["release"])
    except (ProfileError, DialectError, UnknownRelease) as error:
        raise Refused(str(error)) from None
    except (OSError, ValueError) as error:
        msg = f"--profile: {folder / WORLD} cannot be read: {error}"
        raise Refused(msg) from None
    if release != profile.release:
        msg = f"--release: {given['release']} is not allowed; the profile is of "
        raise Refused(msg + profile.release.name)
    return replace(profile, world=[entry for entry in world if isinstance(entry, dict)])


def _other_server(url: str, given: dict[str, Any], stop: Stop) -> "OtherServer":
    """Return the server of --other, which has what is left of --max-time. Raises Refused."""
    from crmcom_kit.contract_tests.calibration.diff import OtherServer
    from crmcom_kit.contract_tests.run.config import prepared

    now = utc_now()
    values = {**DEFAULTS, **given, "base_url": url, "max_requests": None, "from_har": ()}
    try:
        target, config = prepared(values, now=now)
    except OptionsError as error:
        raise Refused(str(error)) from None
    ends_at = config.now() + config.limits.max_time
    return OtherServer(target, replace(config, stop=stop), ends_at=ends_at)


def _compared(
    results: "Results", profile: "Profile | None", other: "OtherServer | None", stop: Stop
) -> "tuple[Log, Comparisons]":
    """Compare a run with the other side. Raises Refused."""
    from crmcom_kit.contract_tests.calibration.calibrate import NothingToLearn
    from crmcom_kit.contract_tests.calibration.diff import with_profile
    from crmcom_kit.contract_tests.client.errors import BudgetSpent, TargetDown, Unreachable

    try:
        if profile is not None:
            compared = with_profile(results, profile)
        else:
            assert other is not None  # noqa: S101 - for the type checker
            compared = other.compare(results)
        stop.check()
    except NothingToLearn as error:
        raise _refused(results, f"nothing can be compared: {error}") from None
    except KeyboardInterrupt:
        raise _refused(results, "interrupted") from None
    except (TargetDown, BudgetSpent, Unreachable) as error:
        raise _refused(results, f"--other: {error}") from None
    return compared


def _run(given: dict[str, Any], stop: Stop, **more: Any) -> "Results":
    """Run, or read a recording; exit with 2 if that fails."""
    leave_environment(given)
    now = utc_now()
    results = run_with(DEFAULTS | given, now, stop, is_check=False, **more)
    if results.trouble is not None:
        raise _refused(results, f"{results.trouble}{_changed(results)}")
    return results


def _printable(results: "Results") -> Callable[[str], str]:
    """Return what makes a text about a run fit to print: in one line, and without secrets.

    A server may repeat the password where it refuses a login.
    """
    from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
    from crmcom_kit.contract_tests.reports.report import one_line

    redactor = ReportRedactor(results.target, results.history)
    return lambda text: one_line(redactor.text(text))


def _refused(results: "Results", text: str) -> Refused:
    """Return the error of a run, with a text that is fit to print."""
    return Refused(_printable(results)(text))


def _changed(results: "Results") -> str:
    """Say what a run that ends for nothing has changed."""
    if results.target.own:  # a mock that has gone with the run
        return ""
    numbers = ", ".join(results.changed)
    return f"; webhook requests that it may have changed: {numbers}" if numbers else ""


def _write(option: str, out: Path, texts: Mapping[str, str], stop: Stop) -> None:
    """Write files into a new folder for its owner: all of them, or none.

    Raises Refused, KeyboardInterrupt.
    """
    folder = None
    try:
        folder = Path(mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
        for name, text in texts.items():
            with open(folder / name, "wb", opener=open_private) as file:
                file.write(text.encode("utf-8", "replace"))
        stop.check()
        folder.rename(out)
    except OSError as error:
        msg = f"{option}: {out} cannot be written: {error.strerror}"
        raise Refused(msg) from None
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
