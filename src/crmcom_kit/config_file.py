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
from click.core import ParameterSource

from crmcom_kit.removed_names import remedy
from crmcom_kit.toml_files import read_toml_file
from crmcom_kit.usage_errors import hint

#: The commands that have a table in the file.
CONFIGURED = ("serve", "check", "calibrate", "diff", "fixtures")
OWN_FILE, PROJECT_FILE = Path("crmcom-kit.toml"), Path("pyproject.toml")

#: The key of the table's name in the metadata of a context.
_PLACE = f"{__name__}.place"
#: Options whose values no message shows.
_SECRETS = frozenset(("token", "password", "api-key", "admin-token", "secret-key", "expired-token"))


class Refused(click.ClickException):
    """A command cannot do what its options say: one line, exit status 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        """Join the lines of ``message``."""
        super().__init__(" ".join(message.splitlines()))


def configure(ctx: click.Context, command: click.Command) -> None:
    """Set the defaults of a command from the file, and check the names in the environment.

    Args:
        ctx: the context of ``crmcom-kit``; its ``default_map`` is set.
        command: the command to run.

    Raises:
        Refused: the file, a table, an option or a variable is not allowed.
    """
    name = command.name or ""
    path = ctx.params.get("config")
    if name not in CONFIGURED:
        if ctx.get_parameter_source("config") is ParameterSource.COMMANDLINE:
            msg = f"--config: not allowed with {name}; allowed are {', '.join(CONFIGURED)}"
            raise Refused(msg)
        return
    _check_environment(command)
    path = path or next((file for file in (OWN_FILE, PROJECT_FILE) if file.is_file()), None)
    if path is None:
        return
    place, tables = str(path), _document(path)
    if path.name == PROJECT_FILE.name:
        tool = _table(f"{path}: tool", tables.get("tool", {}))
        place = f"{path}: tool.crmcom-kit"
        tables = _table(place, tool.get("crmcom-kit", {}))
    for table in tables.keys() - set(CONFIGURED):
        raise Refused(_unknown_name(f"{place}: {table}", table, CONFIGURED, "table"))
    place = f"{place}: {name}"
    ctx.default_map = {name: _defaults(command, place, _table(place, tables.get(name, {})))}
    ctx.meta[_PLACE] = place


def place_of(error: click.UsageError) -> str:
    """Return the table whose value click refuses, for the beginning of a message; or ""."""
    ctx, param = error.ctx, getattr(error, "param", None)
    if ctx is None or param is None:
        return ""
    is_from_file = ctx.get_parameter_source(param.name) is ParameterSource.DEFAULT_MAP
    return f"{ctx.meta[_PLACE]}: " if is_from_file else ""


def _check_environment(command: click.Command) -> None:
    """Raise Refused if a variable with the command's prefix names no option."""
    prefix = f"{command.context_settings['auto_envvar_prefix']}_"
    variables = {f"{prefix}{(param.name or '').upper()}" for param in command.params}
    variables |= {param.envvar for param in command.params if isinstance(param.envvar, str)}
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


def _defaults(command: click.Command, place: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table's values by the names of the parameters; click checks them later.

    Raises Refused for an unknown option, and for a value that no flag could have.
    """
    options = options_of(command)
    defaults = {}
    for key, value in table.items():
        param = options.get(key)
        if param is None:
            raise Refused(_unknown_name(f"{place}.{key}", key, tuple(options), "option"))
        elements = value if isinstance(value, list) and param.multiple else [value]
        if param.multiple and not isinstance(value, list):
            allowed = "a list"
        elif param.is_flag:
            allowed = "" if isinstance(value, bool) else "true or false"
        else:
            is_allowed = not any(isinstance(element, bool | list | dict) for element in elements)
            allowed = "" if is_allowed else "a string or a number"
        if allowed:
            seen = "a hidden value" if key in _SECRETS else repr(value)
            msg = f"{place}.{key}: {seen} is not allowed; allowed is {allowed}"
            raise Refused(msg)
        # a date of TOML is a text, as in a command line
        defaults[param.name or key] = value.isoformat() if isinstance(value, date | time) else value
    return defaults


def options_of(command: click.Command) -> dict[str, click.Option]:
    """Return the options that a file may set for a command, by their names in the file."""
    return {
        param.opts[0].removeprefix("--"): param
        for param in command.params
        if isinstance(param, click.Option)
    }


def _unknown_name(place: str, name: str, names: tuple[str, ...], kind: str) -> str:
    article = "an" if kind[0] in "aeiou" else "a"
    removed_name = f"--{name}" if kind == "option" else name
    end = remedy(removed_name) or hint(name, names) or f"; allowed are {', '.join(names)}"
    return f"{place} is not the name of {article} {kind}{end}"
