"""The commands that have the options of a run, and their help."""

import os
from pathlib import Path
from typing import Any

import click

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.options.options import (
    DEFAULTS,
    REPORTS,
    VARIABLES,
    Option,
    OptionsError,
)
from crmcom_kit.headed_help import HeadedCommand, HeadedOption


class RunCommand(HeadedCommand):
    """A command that takes rare credentials from environment variables alone.

    A wrong option, and Ctrl-C before it sends anything, end it with status 2.
    """

    @property
    def _variables(self) -> list[Option]:
        return [option for option in VARIABLES if self.name in option.commands]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Describe the variables behind the options."""
        super().format_options(ctx, formatter)
        with formatter.section("Environment variables without an option"):
            formatter.write_dl([(str(option.envvar), option.help) for option in self._variables])

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. Raises Refused."""
        for option in self._variables:
            ctx.params[option.key] = option.in_environment() or DEFAULTS[option.key]
        try:
            return super().invoke(ctx)
        except OptionsError as error:
            raise Refused(str(error)) from None
        except KeyboardInterrupt:
            msg = "interrupted"
            raise Refused(msg) from None


class _EmptyVariableIsAnError(HeadedOption):
    """An option that counts as given if its variable is empty, and is refused then.

    Otherwise a variable without a value on a CI server would turn the check of a server into one of
    the kit's own mock, which passes.
    """

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:  # noqa: ARG002 - as click calls it
        """Return the variable's value, even an empty one."""
        return os.environ.get(str(self.envvar))


_CLASSES = {"base-url": _EmptyVariableIsAnError}


def as_click(option: Option) -> click.Option:
    """Return an option for a command."""
    is_flag = option.type is bool
    return _CLASSES.get(option.name, HeadedOption)(
        [f"--{option.name}", option.key],
        heading=option.heading,
        is_rare=option.is_rare,
        default=None if option.repeats else option.default,
        metavar=option.metavar,
        envvar=option.envvar,
        show_envvar=option.envvar is not None,
        show_default=option.default is not None and not is_flag,
        help=option.help,
        is_flag=is_flag,
        multiple=option.repeats,
        type=click.Path(path_type=Path) if option.heading == REPORTS else option.type,
    )


def warn(text: str) -> None:
    """Print a warning on standard error."""
    click.echo(f"Warning: {text}", err=True)
