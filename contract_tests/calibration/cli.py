"""``crmcom-kit calibrate`` and ``crmcom-kit diff``."""

import datetime as dt
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import click

from crmcom_kit.config_file import config_option
from crmcom_kit.contract_tests.cli import HeadedCommand, Refused, as_click, run_with
from crmcom_kit.contract_tests.options import CHECKED, OPTIONS, REPORTS, RUN_OPTIONS
from crmcom_kit.contract_tests.stopping import Stop

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.calibration.report import Comparisons
    from crmcom_kit.contract_tests.results import Results

_OPTIONS = tuple(each for each in OPTIONS if each.heading not in (CHECKED, REPORTS))
_OUTPUT = "Output"
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
@config_option
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

    if out.exists():
        msg = f"--out: {out} exists; name a new folder"
        raise Refused(msg)
    if not out.absolute().parent.is_dir():
        msg = f"--out: {out.absolute().parent} is no folder"
        raise Refused(msg)
    stop = Stop()
    with stop.on_signals():
        results = _run(_values(given), stop)
        try:
            click.echo(f"{len(results.history)} exchanges; learning from them", err=True)
            made = calibrated(results)
            with _new_folder(out) as folder:
                for name, text in files(made, keep_personal_data=keep_personal_data).items():
                    (folder / name).write_text(text, "utf-8")
        except NothingToLearn as error:
            msg = f"nothing can be learned: {error}"
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


def _run(values: dict[str, Any], stop: Stop) -> "Results":
    """Run, or read a recording; exit with 2 if that fails."""
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the place that supplies the run's time
    results = run_with(values, now, stop)
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
    folder = Path(mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
    try:
        yield folder
        folder.chmod(0o755)
        folder.rename(out)
    except OSError as error:
        msg = f"--out: {out} cannot be written: {error.strerror}"
        raise Refused(msg) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
