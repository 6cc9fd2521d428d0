"""``crmcom-kit check``: runs the suite and writes its reports."""

import datetime as dt
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from crmcom_kit.config_file import Refused, config_option
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.options.options import (
    DEFAULTS,
    OPTIONS,
    REPORTS,
    Option,
    OptionsError,
)
from crmcom_kit.machine_time import utc_now
from crmcom_kit.progress import progress

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.reports.report import Report
    from crmcom_kit.contract_tests.run.results import Results


#: Functions that make the reports, by the names of their options.
Writers = dict[str, Callable[[], str | Iterable[str]]]


_INTERRUPTED = "Interrupted: the reports are being written; Ctrl-C again ends without the rest\n"


class HeadedOption(click.Option):
    """An option that stands under a heading of its command's help; a rare one is only named."""

    def __init__(self, *args: Any, heading: str, is_rare: bool = False, **settings: Any) -> None:
        """Add the heading to what ``click.Option`` takes."""
        super().__init__(*args, **settings)
        self.heading, self.is_rare = heading, is_rare


class HeadedCommand(click.Command):
    """A command whose help has headings, and that Ctrl-C ends with status 2 from the start."""

    #: The heading above the names of rare options.
    rare_heading = "Rarely needed (the documentation explains them)"

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; a wrong option, or Ctrl-C before anything is sent, fails it with one line."""
        try:
            return super().invoke(ctx)
        except OptionsError as error:
            raise Refused(str(error)) from None
        except KeyboardInterrupt:
            msg = "interrupted"
            raise Refused(msg) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each heading, and the names of rare options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        names = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:  # it is hidden
                continue
            if isinstance(param, HeadedOption) and param.is_rare:
                names.append(record[0].partition(" ")[0])
            else:
                heading = param.heading if isinstance(param, HeadedOption) else "Other"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
        with formatter.section(self.rare_heading):
            lines = textwrap.wrap(" ".join(names), break_on_hyphens=False)
            formatter.write("".join(f"  {line}\n" for line in lines))


class _EmptyVariableIsAnError(HeadedOption):
    """An option that counts as given if its variable is empty, and is refused then.

    Otherwise a variable without a value on a CI server would turn the check of a server into one of
    the kit's own mock, which passes.
    """

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:  # noqa: ARG002 - as click calls it
        """Return the variable's value, even an empty one."""
        return os.environ.get(str(self.envvar))


_FLAG_OR_FILE = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.DEFAULT_MAP)


class _Variable(HeadedOption):
    """An option that only its environment variable gives; the flag goes with 0.5.0."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:  # noqa: ARG002 - as click calls it
        """Return the variable and its description, though the flag is hidden."""
        return str(self.envvar), self.help or ""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value, and warn of the flag and of the key in a file."""
        if ctx.get_parameter_source(self.name or "") in _FLAG_OR_FILE:
            _warn(f"{self.opts[0]} goes with 0.5.0: set {self.envvar}")
        return super().process_value(ctx, value)


_CLASSES = {"base-url": _EmptyVariableIsAnError}


def as_click(option: Option) -> click.Option:
    """Return an option for a command."""
    is_flag = option.type is bool
    return (_Variable if option.is_variable else _CLASSES.get(option.name, HeadedOption))(
        [f"--{option.name}", option.key],
        heading=option.heading,
        is_rare=option.is_rare,
        default=None if option.repeats else option.default,
        metavar=option.metavar,
        envvar=option.envvar,
        show_envvar=option.envvar is not None,
        show_default=option.default is not None and not is_flag,
        help=option.help,
        hidden=bool(option.scope) or option.is_variable,
        is_flag=is_flag,
        multiple=option.repeats,
        type=_FILE if option.heading == REPORTS else option.type,
    )


_FILE = click.Path(path_type=Path)


@click.command(
    cls=HeadedCommand,
    context_settings={"auto_envvar_prefix": "CRMCOM_CHECK"},
    params=[as_click(option) for option in OPTIONS],
)
@config_option
@click.option("--verbose", "-v", is_flag=True, help="List every statement and its evidence.")
def check(**values: Any) -> None:
    """Check a server against the contract, statement by statement.

    The server can be a mock, a real instance, or your own stubs. With --from-har, recorded traffic
    is checked instead: the server, and the client that sent it. The run is read-only unless
    --allow is given; a crmcom-kit mock on this machine is checked in a separate world. Pass
    credentials in environment variables. If GITHUB_STEP_SUMMARY is set, a summary is added there;
    if GITHUB_ACTIONS is true, annotations show what fails.

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
        source = context.get_parameter_source(option.key)
        if option.is_of_server and source is click.core.ParameterSource.ENVIRONMENT:
            values[option.key] = DEFAULTS[option.key]


def _checked(values: dict[str, Any], stop: Stop) -> int:
    """Run the suite, write the reports and return the exit code."""
    from crmcom_kit.contract_tests.reports import job_summary, terminal
    from crmcom_kit.contract_tests.reports.report import Report

    files = {
        option.name: values[option.key]
        for option in OPTIONS
        if option.heading == REPORTS and values[option.key]
    }
    check_files(files, values["ledger"], values["from_har"])
    now = utc_now()
    results = run_with(values, now, stop)
    report = Report(results)
    failures = write(writers(report), files)  # first: a terminal may go away
    if step_summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        _append_summary(report, Path(step_summary))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for command in job_summary.annotations(report, os.environ):
            click.echo(command, err=True)
    for failure in failures:
        click.echo(f"Error: {failure}", err=True)
    terminal.show(report, terminal.on_stdout(), verbose=values["verbose"])
    return 2 if failures else int(results.exit_code)


def check_files(files: Mapping[str, Path], ledger: str | None, recordings: Iterable[str]) -> None:
    """Check that files can be written, and are different ones. Raises Refused."""
    taken = {os.path.realpath(path): "from-har" for path in recordings}
    if ledger:
        taken[os.path.realpath(ledger)] = "ledger"
    for name, path in files.items():
        if path.is_dir():
            msg = f"--{name}: {path} cannot be written: it is a folder"
            raise Refused(msg)
        if path.exists() and not path.is_file():
            continue  # a device or a pipe may get several reports
        if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
            msg = f"--{name}: {path} cannot be written: its folder is missing or not writable"
            raise Refused(msg)
        earlier = taken.setdefault(os.path.realpath(path), name)
        if earlier != name:
            verb = "reads" if earlier == "from-har" else "writes"
            msg = f"--{name}: {path} is the file that --{earlier} {verb}; name another one"
            raise Refused(msg)


def run_with(values: dict[str, Any], now: dt.datetime, stop: Stop, **fields: Any) -> "Results":
    """Run with the values of options and ``fields`` of ``RunConfig``, and return the results.

    A dry run prints the planned requests and exits. Raises OptionsError.
    """
    from hypothesis.configuration import set_hypothesis_home_dir

    from crmcom_kit.contract_tests.options.options import with_scope
    from crmcom_kit.contract_tests.run.config import prepared
    from crmcom_kit.contract_tests.run.run import dry_run, run

    # Hypothesis must not write its files into the user's folder, unless they name one for them.
    with TemporaryDirectory() as home, progress() as show:
        set_hypothesis_home_dir(os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY") or home)
        try:
            target, config = prepared(with_scope(values, _warn), now=now)
            if values["dry_run"]:
                click.echo("\n".join([*dry_run(target, config), "Nothing was sent."]))
                sys.exit(0)
            return run(target, replace(config, stop=stop, progress=show, **fields))
        finally:
            set_hypothesis_home_dir(None)


def _warn(text: str) -> None:
    click.echo(f"Warning: {text}", err=True)


def _append_summary(report: "Report", path: Path) -> None:
    """Append the job summary for the CI server; if that fails, warn."""
    from crmcom_kit.contract_tests.reports import job_summary
    from crmcom_kit.output import open_private

    try:
        with open(path, "a", encoding="utf-8", errors="replace", opener=open_private) as file:
            file.write(job_summary.render(report))
    except OSError as error:
        click.echo(f"Warning: GITHUB_STEP_SUMMARY: cannot write {path}: {error.strerror}", err=True)


def write(made_by: Writers, files: Mapping[str, Path]) -> list[str]:
    """Write all files that can be written; return a line for each that cannot."""
    from crmcom_kit.output import OutputError, opened

    failures = []
    # The archive comes last: it takes longest, and Ctrl-C then costs no other report.
    for name, path in sorted(files.items(), key=lambda item: item[0] == "har"):
        try:
            written = made_by[name]()
            with opened(path, private=True) as file:
                for piece in [written] if isinstance(written, str) else written:
                    file.write(piece.encode("utf-8", "replace"))
        except (OutputError, OSError) as error:
            failures.append(f"--{name}: {error}")
        except Exception as error:  # noqa: BLE001 - the other reports are written all the same
            failures.append(f"--{name}: no report: {type(error).__name__}: {error}")
    return failures


def writers(report: "Report") -> Writers:
    """Return the functions that make the reports, by the names of their options."""
    from crmcom_kit.contract_tests.reports import draft, har, html, junit

    return {
        "junit": lambda: junit.render(report),
        "json": report.as_json,
        "html": lambda: html.render(report),
        "har": lambda: har.render(report),
        "write-deviations": lambda: draft.render(report),
    }
