"""The commands that have the options of a run, and their help."""

import os
from pathlib import Path
from typing import Any

import click

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.options.options import REPORTS, Option, OptionsError
from crmcom_kit.headed_help import HeadedCommand, HeadedOption


class RunCommand(HeadedCommand):
    """A command whose wrong options, and Ctrl-C before it sends anything, end it with status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. Raises Refused."""
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


_FLAG_OR_FILE = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.DEFAULT_MAP)


class _Variable(HeadedOption):
    """An option that only its environment variable gives; the flag will be removed in 0.5.0."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:  # noqa: ARG002 - as click calls it
        """Return the variable and its description, though the flag is hidden."""
        return str(self.envvar), self.help or ""

    def handle_parse_result(self, ctx: click.Context, *args: Any) -> tuple[Any, list[str]]:
        """Return the value and the rest, and warn of the flag and of the key in a file."""
        result = super().handle_parse_result(ctx, *args)
        if ctx.get_parameter_source(self.name or "") in _FLAG_OR_FILE:
            warn(f"{self.opts[0]} will be removed in 0.5.0: set {self.envvar}")
        return result


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
        type=click.Path(path_type=Path) if option.heading == REPORTS else option.type,
    )


def warn(text: str) -> None:
    """Print a warning on standard error."""
    click.echo(f"Warning: {text}", err=True)
