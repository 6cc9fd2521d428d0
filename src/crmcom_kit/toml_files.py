"""Reads TOML files of users, which may be too long, nested too deep, or no files at all."""

import stat
from pathlib import Path
from typing import Any

_MAX_DEPTH = 50
_MAX_BYTES = 1024 * 1024


def read_toml_file(path: Path) -> dict[str, Any]:
    """Return the parsed TOML file at ``path``.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no TOML in UTF-8, too long or nested too deep.
    """
    import tomllib  # here, since most starts read no such file

    text = _bounded(path).decode()
    try:
        content = tomllib.loads(text)
    except RecursionError:
        content = None
    if content is None or _is_deep(content):
        msg = f"nested more than {_MAX_DEPTH} levels deep"
        raise ValueError(msg)
    return content


def _bounded(path: Path) -> bytes:
    """Return a file's bytes; a device, or a pipe that nobody writes into, would never end."""
    if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        msg = "not a regular file"
        raise ValueError(msg)
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        msg = f"longer than {_MAX_BYTES} bytes"
        raise ValueError(msg)
    return content


def _is_deep(content: Any) -> bool:
    """Return True if a value is nested deeper than the maximum."""
    level = [content]
    for _ in range(_MAX_DEPTH):
        parts = [value.values() if isinstance(value, dict) else value for value in level]
        level = [value for part in parts for value in part if isinstance(value, dict | list)]
    return bool(level)
