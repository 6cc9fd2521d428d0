"""Read TOML files of users, which may be too long or nested too deep, or not be files."""

import stat
from pathlib import Path
from typing import Any

_MAX_DEPTH = 50
_MAX_BYTES = 1024 * 1024


def read_toml_file(path: Path) -> dict[str, Any]:
    """Return the parsed TOML file at ``path``.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not TOML in UTF-8, too long or nested too deep.
    """
    import tomllib  # imported here: most starts read no TOML

    text = _read_bytes(path).decode()
    try:
        content = tomllib.loads(text)
    except RecursionError:
        content = None
    if content is None or _is_deep(content):
        msg = f"nested more than {_MAX_DEPTH} levels deep"
        raise ValueError(msg)
    return content


def _read_bytes(path: Path) -> bytes:
    """Return a regular file's bytes; devices and pipes may never end."""
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
