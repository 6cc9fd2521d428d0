"""The `crmcom-kit` command: names every sub-command, and imports only the one to run."""

import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from crmcom_kit import __version__

#: Sub-command → its `module:attribute`, and its line in `crmcom-kit --help`.
COMMANDS = {
    "serve": ("crmcom_kit.mock_server.cli.serve:serve", "Run the mock."),
    "fixtures": ("crmcom_kit.fixtures.cli:fixtures", "Generate fixture data."),
    "check": (
        "crmcom_kit.contract_tests.cli:check",
        "Check a server against the contract.",
    ),
    "calibrate": (
        "crmcom_kit.contract_tests.calibration.cli:calibrate",
        "Learn how a server responds, for the mock.",
    ),
    "diff": (
        "crmcom_kit.contract_tests.calibration.cli:diff",
        "Compare a server with its profile.",
    ),
    "schemas": ("crmcom_kit.schemas.cli:schemas", "List or print the JSON Schemas."),
    "openapi": (
        "crmcom_kit.schemas.cli:openapi",
        "Print the OpenAPI document of a release.",
    ),
    "dialect": (
        "crmcom_kit.schemas.cli:dialect",
        "Print a dialect as a commented TOML file.",
    ),
}

#: Packages that only an extra installs → the extra.
EXTRAS = {
    "faker": "faker",
    "filelock": "check",
    "httpx": "check",
    "hypothesis": "check",
    "pytest": "check",
}

#: The exit code of a program that SIGPIPE ended. 0 and 1 have other meanings for `check`: every
#: statement holds, or one is broken.
READER_WENT_AWAY = 128 + 13
#: The exit code after Ctrl-C.
INTERRUPTED = 128 + 2


class LazyCommand(click.Command):
    """A sub-command that is known by name and one line of help until it is loaded."""

    def __init__(self, name: str, location: str, *, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self.location = location

    def load(self) -> click.Command:
        """Import the sub-command."""
        module, _, attribute = self.location.partition(":")
        gc.disable()  # imported objects stay: searching them for garbage takes time
        try:
            command: click.Command = getattr(import_module(module), attribute)
        finally:
            gc.freeze()
            gc.enable()
        return command


class LazyGroup(click.Group):
    """A group that imports no sub-command for help, completion and suggestions."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the sub-command to run, and set its defaults from the configuration file."""
        name, command, remaining_args = super().resolve_command(ctx, args)
        if isinstance(command, LazyCommand):
            command = command.load()
            if not ctx.resilient_parsing:  # completion must not fail
                from crmcom_kit.config_file import configure

                configure(ctx, command)
        return name, command, remaining_args

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the command line; `--help` and `--version` print here."""
        with _internal_errors(), _output_may_fail(), _mistakes_in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command."""
        with _internal_errors(), _output_may_fail(), _mistakes_in_one_line():
            return super().invoke(ctx)


@contextmanager
def _internal_errors() -> Iterator[None]:
    """End with status 2: Python's 1 would be a verdict of `check`.

    Show where an error was raised, but not its message, which may have secrets.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the status of every error counts
        import traceback

        traceback.print_tb(error.__traceback__)
        msg = f"an internal error of crmcom-kit: {type(error).__name__}"
        raise _refusal(msg) from None


@contextmanager
def _mistakes_in_one_line() -> Iterator[None]:
    """Turn usage errors and Ctrl-C into one line; a group without a sub-command shows help."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        from crmcom_kit.config_file import place_of
        from crmcom_kit.removed_names import remedy

        name = getattr(error, "option_name", error.message.partition("'")[2].partition("'")[0])
        if name == "--config":
            name = "COMMAND --config"
        message, instead = f"{place_of(error)}{error.format_message()}", remedy(name)
        raise _refusal(message.removesuffix(".") + instead if instead else message) from None
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = EXTRAS.get(package)
        if extra is None:
            raise
        from crmcom_kit.usage_errors import not_installed

        raise _refusal(not_installed(package, extra)) from None
    except KeyboardInterrupt:  # click would exit with 1
        click.echo("Interrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _refusal(text: str) -> click.ClickException:
    from crmcom_kit.config_file import Refused  # `--help` imports nothing

    return Refused(text)


@contextmanager
def _output_may_fail() -> Iterator[None]:
    """End quietly if a pipe's reader stops, as in `… | head`; with one line on a full disk."""
    try:
        yield
        if sys.stdout is not None:  # a shell can close it: >&-
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        raise click.exceptions.Exit(READER_WENT_AWAY) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _discard_output()
        msg = f"cannot write {error.filename or 'output'}: {error.strerror}"
        raise _refusal(msg) from None


def _discard_output() -> None:
    """Discard further output: Python flushes again at exit, which must not fail, too."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},  # sub-commands take them over
    commands=[
        LazyCommand(name, location, short_help=short_help)
        for name, (location, short_help) in COMMANDS.items()
    ],
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    envvar="CRMCOM_CONFIG",
    help="TOML file with options of commands (or CRMCOM_CONFIG).  [default: crmcom-kit.toml, "
    "pyproject.toml]",
)
@click.version_option(__version__, prog_name="crmcom-kit", message="%(prog)s %(version)s")
def main(config: Path | None) -> None:  # config_file takes it from the context
    """Mock the webhook requests of the CRM.COM Web API, and check servers against the contract."""
