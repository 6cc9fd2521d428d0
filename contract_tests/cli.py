"""``crmcom-kit check``: runs the suite and writes its reports."""

import datetime as dt
import os
import sys
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.options.commands import RunCommand, as_click, warn
from crmcom_kit.contract_tests.options.options import DEFAULTS, OPTIONS, REPORTS
from crmcom_kit.machine_time import utc_now
from crmcom_kit.progress import progress

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.run.results import Results

_INTERRUPTED = "Interrupted: the reports are being written; Ctrl-C again ends without the rest\n"


@click.command(
    cls=RunCommand,
    context_settings={"auto_envvar_prefix": "CRMCOM_CHECK"},
    params=[as_click(option) for option in OPTIONS if not option.is_variable],
)
def check(**values: Any) -> None:
    """Check a server against the contract, statement by statement.

    The server can be a mock, a real instance, or your own stubs. With --from-har, recorded traffic
    is checked instead: the server, and the client that sent it. The run is read-only unless
    --allow is given; a crmcom-kit mock on this machine is checked in a separate world. Pass
    credentials in environment variables. If GITHUB_STEP_SUMMARY is set, the report is added
    there.

    The first line of each report states the outcome, and the exit status follows from it. 0,
    PASSED: every statement that the run could test holds. 1, BROKEN: a statement is broken, an
    entry of --deviations no longer occurs, or the client of a recording made a mistake. 2, ERROR:
    the run itself failed, or was interrupted. 3, INCONCLUSIVE: nothing is broken, but the run saw
    too little. 0, UNCONFIRMED: a recording has suspicions that nothing confirms.
    """
    leave_environment(values)
    stop = Stop(notice=_INTERRUPTED)
    with stop.on_signals():
        sys.exit(_checked(values, stop))


def leave_environment(values: dict[str, Any]) -> None:
    """Ignore the variables of a server if a recording is read."""
    context = click.get_current_context()
    for option in OPTIONS if values["from_har"] else ():
        is_variable = option.is_variable or (
            context.get_parameter_source(option.key) is click.core.ParameterSource.ENVIRONMENT
        )
        if option.is_of_server and is_variable:
            values[option.key] = DEFAULTS[option.key]


def _checked(values: dict[str, Any], stop: Stop) -> int:
    """Run the suite, write the reports and return the exit code."""
    from crmcom_kit.contract_tests.reports import terminal
    from crmcom_kit.contract_tests.reports.files import check_files, write, writers
    from crmcom_kit.contract_tests.reports.report import Report

    files = {
        option.name: values[option.key]
        for option in OPTIONS
        if option.heading == REPORTS and values[option.key]
    }
    check_files(files, values["ledger"], values["from_har"])
    results = run_with(values, utc_now(), stop)
    report = Report(results)
    failures = write(writers(report), files)  # first: a terminal may go away
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            terminal.append_summary(report, path)
        except OSError as error:
            warn(f"GITHUB_STEP_SUMMARY: cannot write {path}: {error.strerror}")
    for failure in failures:
        click.echo(f"Error: {failure}", err=True)
    terminal.show(report, terminal.on_stdout())
    return 2 if failures else int(results.exit_code)


def run_with(values: dict[str, Any], now: dt.datetime, stop: Stop, **fields: Any) -> "Results":
    """Run with the values of options and ``fields`` of ``RunConfig``, and return the results.

    A dry run prints the planned requests and exits. Raises OptionsError.
    """
    from hypothesis.configuration import set_hypothesis_home_dir

    from crmcom_kit.contract_tests.run.config import prepared
    from crmcom_kit.contract_tests.run.run import dry_run, run

    # Hypothesis must not write its files into the user's folder, unless they name one for them.
    with TemporaryDirectory() as home, progress() as show:
        set_hypothesis_home_dir(os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY") or home)
        try:
            target, config = prepared(values, now=now)
            if values["dry_run"]:
                click.echo("\n".join([*dry_run(target, config), "Nothing was sent."]))
                sys.exit(0)
            return run(target, replace(config, stop=stop, progress=show, **fields))
        finally:
            set_hypothesis_home_dir(None)
