"""``crmcom-kit calibrate`` and ``crmcom-kit diff``."""

import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import click

from crmcom_kit.contract_tests.cli import (
    HeadedCommand,
    Refused,
    as_click,
    leave_environment,
    run_with,
)
from crmcom_kit.contract_tests.findings import counted
from crmcom_kit.contract_tests.options import CHECKED, OPTIONS, REPORTS, RUN_OPTIONS
from crmcom_kit.contract_tests.stopping import Stop
from crmcom_kit.schemas.releases import resolve

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.calibration.learning import Log
    from crmcom_kit.contract_tests.calibration.report import Comparisons
    from crmcom_kit.contract_tests.results import Results
    from crmcom_kit.schemas.profile import Profile

#: So many requests are compared if nothing else is said.
_DIFF_REQUESTS = 600
_OPTIONS = tuple(each for each in OPTIONS if each.heading not in (CHECKED, REPORTS))
_FOLDER = click.Path(path_type=Path)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """Return a value for each option of a run: those of the check alone have their defaults."""
    defaults = {each.key: () if each.repeats else each.default for each in RUN_OPTIONS}
    return defaults | given


@click.command(
    cls=HeadedCommand,
    context_settings={"auto_envvar_prefix": "CRMCOM_CALIBRATE"},
    params=[as_click(option) for option in _OPTIONS],
)
@click.option("--out", type=_FOLDER, required=True, help="The folder to write; it must be new.")
@click.option(
    "--keep-personal-data",
    is_flag=True,
    help="Keep names, e-mail addresses, user names and hosts; by default they are replaced.",
)
def calibrate(out: Path, *, keep_personal_data: bool, **given: Any) -> None:
    """Learn how a server responds, and write a profile for `crmcom-kit serve --profile`.

    The run is read-only unless --allow and a scope are given. A recording can be used instead of
    requests, with --from-har. The profile has the server's webhook requests, with people and hosts
    replaced; passwords, keys and tokens are never in it. report.json has no data of the server.

    Exit status 0: the profile is written. 2: the run failed, or was interrupted; nothing is.
    """
    from crmcom_kit.contract_tests.calibration.calibrate import NothingToLearn, calibrated, files

    if os.path.lexists(out):
        msg = f"--out: {out} exists; name a new folder"
        raise Refused(msg)
    parent = out.absolute().parent
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        msg = f"--out: {parent} is no folder that can be written to"
        raise Refused(msg)
    stop = Stop()
    with stop.on_signals():
        results = _run(given, stop)
        try:
            exchanges = counted(len(results.history), "exchange")
            click.echo(f"learning from {exchanges}", err=True)
            made = calibrated(results, stop.check)
            with _new_folder(out) as folder:
                for name, text in files(made, keep_personal_data=keep_personal_data).items():
                    (folder / name).write_text(text, "utf-8")
        except NothingToLearn as error:
            msg = f"nothing can be learned: {error}"
            raise Refused(msg) from None
        except KeyboardInterrupt:
            msg = "interrupted; nothing was written"
            raise Refused(msg) from None
    for warning in (*results.warnings, *results.notes):
        click.echo(f"Note: {warning}")
    open_dials = len(made.profile.unsettled)
    click.echo(
        f"{out}: {len(made.log.original)} webhook requests, {len(made.observed)} dials settled, "
        f"{open_dials} left open ({out / 'report.html'})"
    )
    _say(made.compared, "of those that nothing was learned from, ")
    click.echo(f"Serve it: crmcom-kit serve --profile {out}")


@click.command(
    cls=HeadedCommand,
    context_settings={"auto_envvar_prefix": "CRMCOM_DIFF"},
    params=[as_click(option) for option in _OPTIONS],
)
@click.option("--profile", type=_FOLDER, metavar="FOLDER", help="Compare with this profile.")
@click.option("--other", metavar="URL", help="Compare with this server, by the same login.")
@click.option(
    "--fail-on",
    type=click.Choice(["documented", "any"]),
    default="documented",
    show_default=True,
    help="Which requests must not differ for exit status 0.",
)
@click.option("--html", type=_FOLDER, metavar="FILE", help="Write a page with examples.")
def diff(
    profile: Path | None, other: str | None, fail_on: str, html: Path | None, **given: Any
) -> None:
    """Send the same requests to two servers, and show where their responses differ.

    The second one is a mock with a profile, whose dialect is compared with the server as it is
    now, or another server with the same webhook requests. The run is read-only unless --allow and
    a scope are given; with --other, they count for both servers.

    Exit status 0: nothing differs. 1: some responses do. 2: the run failed.
    """
    from crmcom_kit.contract_tests.calibration.calibrate import NothingToLearn, group_rows
    from crmcom_kit.contract_tests.calibration.report import as_html

    if (profile is None) == (other is None):
        msg = "give either --profile or --other"
        raise Refused(msg)
    if other is not None and given["token"]:
        msg = "--token is not allowed with --other: a token is valid on one server alone"
        raise Refused(msg)
    if given["max_requests"] is None:
        given["max_requests"] = _DIFF_REQUESTS
    stop = Stop()
    with stop.on_signals():
        read = None if profile is None else _profile(profile, given)
        results = _run(given, stop)
        try:
            log, compared = _compared(results, read, other, given, stop)
        except NothingToLearn as error:
            msg = f"nothing can be compared: {error}"
            raise Refused(msg) from None
    _say(compared, "")
    if html is not None:
        facts = {"title": "Differences", "release": log.release.name, **compared.as_json()}
        names = {"names": ("server", "mock" if other is None else "other"), "settled": {}}
        rows = list(group_rows(compared, results, {}))
        _write(html, as_html({**facts, **names, "unsettled": {}}, rows))
    tallies = [compared.documented, *([compared.undocumented] if fail_on == "any" else [])]
    sys.exit(int(any(each.different for each in tallies)))


def _profile(folder: Path, given: dict[str, Any]) -> "Profile":
    """Return a profile of the run's release. Raises Refused."""
    from crmcom_kit.schemas.dialect import DialectError
    from crmcom_kit.schemas.profile import ProfileError, read_profile

    try:
        profile = read_profile(folder)
    except (ProfileError, DialectError) as error:
        raise Refused(str(error)) from None
    source = click.get_current_context().get_parameter_source("release")
    if source is click.core.ParameterSource.DEFAULT:
        given["release"] = profile.release.name
    elif resolve(given["release"]) != profile.release:
        msg = f"--release: {given['release']} is not allowed; the profile is of "
        raise Refused(msg + profile.release.name)
    return profile


def _compared(
    results: "Results",
    profile: "Profile | None",
    other: str | None,
    given: dict[str, Any],
    stop: Stop,
) -> "tuple[Log, Comparisons]":
    """Compare a run with the other side. Raises Refused, NothingToLearn."""
    from crmcom_kit.contract_tests.calibration.diff import with_profile, with_server
    from crmcom_kit.contract_tests.client.http import BudgetSpent, TargetDown
    from crmcom_kit.contract_tests.config import prepared
    from crmcom_kit.contract_tests.findings import Unreachable
    from crmcom_kit.contract_tests.options import OptionsError

    if profile is not None:
        return with_profile(results, profile)
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the place that supplies the run's time
    values = {**_values(given), "base_url": other, "max_requests": None, "from_har": ()}
    try:
        target, config = prepared(values, now=now)
        return with_server(results, target, replace(config, stop=stop))
    except (OptionsError, TargetDown, BudgetSpent, Unreachable) as error:
        msg = f"--other: {error}"
        raise Refused(msg) from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        msg = f"--html: {path} cannot be written: {error.strerror}"
        raise Refused(msg) from None


def _run(given: dict[str, Any], stop: Stop) -> "Results":
    """Run, or read a recording; exit with 2 if that fails."""
    leave_environment(given)
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the place that supplies the run's time
    results = run_with(_values(given), now, stop)
    if results.dry_run:
        for note in results.notes:
            click.echo(note)
        sys.exit(0)
    if results.trouble is not None:
        raise Refused(results.trouble)
    return results


def _say(compared: "Comparisons", which: str) -> None:
    for at, line in enumerate(compared.lines()):
        click.echo(f"{which if at == 0 else ''}{line}")


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """Return a folder to write into, which becomes ``out`` once everything is in it."""
    folder = None
    try:
        folder = Path(mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
        yield folder
        folder.chmod(0o755)
        folder.rename(out)
    except OSError as error:
        msg = f"--out: {out} cannot be written: {error.strerror}"
        raise Refused(msg) from None
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
