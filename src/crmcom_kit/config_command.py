"""``crmcom-kit config``: print which options are in force, and where each comes from."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from typing import Any

import click
from click.core import ParameterSource

from crmcom_kit.config_file import CONFIGURED, SECRETS, file_of, options_of


@click.command(
    name="config",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("command", type=click.Choice(CONFIGURED), required=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def config(command: str | None, options: tuple[str, ...]) -> None:
    """Print the options of commands that are in force, and where each comes from.

    A value comes from the first of these that sets it: a flag, an environment variable, the
    configuration file, the default. The output is itself a valid configuration file, with secrets
    hidden. Name a command to print only its options; its flags may follow:
    crmcom-kit config serve --port 0
    """
    for at, name in enumerate((command,) if command else CONFIGURED):
        click.echo("\n" * bool(at) + "\n".join(_lines(name, list(options))))


def _lines(name: str, flags: list[str]) -> Iterator[str]:
    from crmcom_kit.cli import COMMANDS

    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    prefix, parent = f"CRMCOM_{name.upper()}", click.get_current_context()
    with command.make_context(name, flags, parent, auto_envvar_prefix=prefix) as ctx:
        yield f"[{name}]"
        for key, param in options_of(command).items():
            value = ctx.params.get(param.name or "")
            source = _source(ctx, param)
            if value is None or value == ():
                yield f"# {key} is not set"
            else:
                yield f"{key} = {_text(key, value)}  # {source}"


def _source(ctx: click.Context, param: click.Option) -> str:
    source = ctx.get_parameter_source(param.name or "")
    if source is ParameterSource.COMMANDLINE:
        return "flag"
    if source is ParameterSource.ENVIRONMENT:
        return _variable(ctx, param)
    if source is ParameterSource.DEFAULT_MAP:
        return str(file_of(ctx))
    return "default"


def _variable(ctx: click.Context, param: click.Option) -> str:
    """Return the name of the environment variable that gives an option."""
    named = [param.envvar] if isinstance(param.envvar, str) else list(param.envvar or ())
    return next(
        (name for name in named if name in os.environ),
        f"{ctx.auto_envvar_prefix}_{(param.name or '').upper()}",
    )


def _text(key: str, value: Any) -> str:
    """Return a value as TOML has it; never a secret."""
    if isinstance(value, tuple):
        return f"[{', '.join(_text(key, each) for each in value)}]"
    if key in SECRETS:
        return '"(hidden)"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):  # of an option that takes a day
        return f'"{value.date()}"'
    return str(value) if isinstance(value, int | float) else json.dumps(str(value))
