"""Where the contract's data files are, and how they are read."""

import json
import stat
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parent
_MOST_DEPTH = 50
_MOST_BYTES = 1024 * 1024  # of a TOML file of a user's own


@cache
def read_json(path: str) -> Any:
    """Return the parsed JSON file at ``path`` (relative to this room). Treat it as read-only."""
    return json.loads((ROOM / path).read_bytes())


def read_toml(path: str) -> dict[str, Any]:
    """Return the parsed TOML file at ``path`` (relative to this room)."""
    return tomllib.loads((ROOM / path).read_text("utf-8"))


def read_own_toml(path: Path) -> dict[str, Any]:
    """Return the parsed TOML file of a user's own. Raises OSError, and ValueError for no such."""
    try:
        content = tomllib.loads(_bounded(path).decode())
    except RecursionError:
        content = None
    if content is None or _is_deep(content):
        msg = f"nested more than {_MOST_DEPTH} deep"
        raise ValueError(msg)
    return content


def _bounded(path: Path) -> bytes:
    """Return a file's bytes; a device, or a pipe that nobody writes into, would never end."""
    if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        msg = "not a regular file"
        raise ValueError(msg)
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        msg = f"longer than {_MOST_BYTES} bytes"
        raise ValueError(msg)
    return content


def _is_deep(content: Any) -> bool:
    """Whether a value is nested deeper than whoever walks it can go."""
    level = [content]
    for _ in range(_MOST_DEPTH):
        parts = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for part in parts for one in part if isinstance(one, dict | list)]
    return bool(level)


def names_in(folder: str, suffix: str = ".json") -> tuple[str, ...]:
    """Return the sorted names, without ``suffix``, of the files in ``folder`` of this room."""
    return tuple(sorted(file.stem for file in (ROOM / folder).glob(f"*{suffix}")))
