"""The commands that have the options of a run, and their help."""

import os
import textwrap
from pathlib import Path
from typing import Any

import click

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.options.options import REPORTS, Option, OptionsError


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
    """An option that only its environment variable gives; the flag will be removed in 0.5.0."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:  # noqa: ARG002 - as click calls it
        """Return the variable and its description, though the flag is hidden."""
        return str(self.envvar), self.help or ""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value, and warn of the flag and of the key in a file."""
        if ctx.get_parameter_source(self.name or "") in _FLAG_OR_FILE:
            warn(f"{self.opts[0]} will be removed in 0.5.0: set {self.envvar}")
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
        type=click.Path(path_type=Path) if option.heading == REPORTS else option.type,
    )


def warn(text: str) -> None:
    """Print a warning on standard error."""
    click.echo(f"Warning: {text}", err=True)
