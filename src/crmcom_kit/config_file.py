"""Options from a file: ``crmcom-kit.toml``, or ``[tool.crmcom-kit]`` in ``pyproject.toml``.

A file has a table for each command, with the command's long options without the hyphens in front. A
flag has precedence over the environment, and the environment over the file.
"""

import os
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

import click

from crmcom_kit.removed_names import remedy
from crmcom_kit.toml_files import read_toml_file
from crmcom_kit.usage_errors import hint

#: The commands that have a table in the file.
CONFIGURED = ("serve", "check", "calibrate", "diff", "fixtures")
OWN_FILE, PROJECT_FILE = Path("crmcom-kit.toml"), Path("pyproject.toml")

#: Options whose values no message shows.
_SECRETS = frozenset(("token", "password", "api-key", "admin-token", "secret-key", "expired-token"))


class Refused(click.ClickException):
    """A command cannot do what its options say: one line, exit status 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        """Join the lines of ``message``."""
        super().__init__(" ".join(message.splitlines()))


def _read_config(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
    """Set the defaults of the command from the file. Raises Refused."""
    if ctx.resilient_parsing:  # completion: it must not fail
        return
    _check_environment(ctx)
    path = path or ctx.find_root().params.get("config")
    path = path or next((file for file in (OWN_FILE, PROJECT_FILE) if file.is_file()), None)
    if path is None:
        return
    name, tables = str(path), _document(path)
    if path.name == PROJECT_FILE.name:
        tool = _table(f"{path}: tool", tables.get("tool", {}))
        name = f"{path}: tool.crmcom-kit"
        tables = _table(name, tool.get("crmcom-kit", {}))
    for table in tables.keys() - set(CONFIGURED):
        raise Refused(_unknown_name(f"{name}: {table}", table, CONFIGURED, "table"))
    command = ctx.command.name or ""
    place = f"{name}: {command}"
    ctx.default_map = _defaults(ctx, place, _table(place, tables.get(command, {})))


def _check_environment(ctx: click.Context) -> None:
    """Raise Refused if a variable with the command's prefix names no option."""
    prefix = f"{ctx.auto_envvar_prefix}_"
    variables = {f"{prefix}{(param.name or '').upper()}" for param in ctx.command.params}
    variables |= {param.envvar for param in ctx.command.params if isinstance(param.envvar, str)}
    allowed = tuple(sorted(name for name in variables if name.startswith(prefix)))
    for name in sorted(os.environ):
        if name.startswith(prefix) and name not in variables:
            raise Refused(_unknown_name(name, name, allowed, "variable"))


def _document(path: Path) -> Mapping[str, Any]:
    """Return the content of a file. Raises Refused."""
    try:
        return read_toml_file(path)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise Refused(msg) from None
    except ValueError as error:
        msg = f"{path}: not a TOML document: {error}"
        raise Refused(msg) from None


def _table(place: str, table: Any) -> Mapping[str, Any]:
    """Return ``table``. Raises Refused if it is not a table."""
    if not isinstance(table, Mapping):
        msg = f"{place}: {table!r} is not allowed; allowed is a table"
        raise Refused(msg)
    return table


def _defaults(ctx: click.Context, place: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table's values by the names of the parameters. Raises Refused."""
    options = options_of(ctx.command)
    defaults = {}
    for key, raw_value in table.items():
        param = options.get(key)
        if param is None:
            raise Refused(_unknown_name(f"{place}.{key}", key, tuple(options), "option"))
        value = _as_text(raw_value)
        mistake = _mistake(ctx, param, value)
        if mistake is not None:
            text = mistake if key not in _SECRETS else "a hidden value of the wrong type"
            msg = f"{place}.{key}: {text}"
            raise Refused(msg)
        defaults[param.name or key] = value
    return defaults


def options_of(command: click.Command) -> dict[str, click.Option]:
    """Return the options that a file may set for a command, by their names in the file."""
    return {
        param.opts[0].removeprefix("--"): param
        for param in command.params
        if isinstance(param, click.Option) and param.opts[0] != "--config"
    }


def _as_text(value: Any) -> Any:
    """Return a date of TOML as text, as in a command line; other values unchanged."""
    return value.isoformat() if isinstance(value, date | time) else value


def _mistake(ctx: click.Context, param: click.Option, value: Any) -> str | None:
    """Return the mistake in a value of a file, or None."""
    if param.multiple != isinstance(value, list):
        allowed = "a list" if param.multiple else "a single value"
        return f"{value!r} is not allowed; allowed is {allowed}"
    for element in value if isinstance(value, list) else [value]:
        if param.is_flag != isinstance(element, bool) or isinstance(element, list | dict):
            allowed = "true or false" if param.is_flag else "a string or a number"
            return f"{element!r} is not allowed; allowed is {allowed}"
    try:
        param.process_value(ctx, value)
    except click.BadParameter as error:
        return error.message
    return None


def _unknown_name(place: str, name: str, names: tuple[str, ...], kind: str) -> str:
    article = "an" if kind[0] in "aeiou" else "a"
    removed_name = f"--{name}" if kind == "option" else name
    end = remedy(removed_name) or hint(name, names) or f"; allowed are {', '.join(names)}"
    return f"{place} is not the name of {article} {kind}{end}"


#: Lets a command take options from the file. ``crmcom-kit --config`` names it; behind the command,
#: the option will be removed in 0.5.0.
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    hidden=True,
    deprecated="Write it before the command: crmcom-kit --config FILE COMMAND.",
    is_eager=True,
    expose_value=False,
    callback=_read_config,
)
