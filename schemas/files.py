"""Where the contract's data files are, and how they are read."""

import json
import re
import stat
from functools import cache
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parent
_MAX_DEPTH = 50
_QUOTED = re.compile(r"""'[^'\n]*'|"(?:[^"\\\n]|\\.)*"|#.*""")
_MAX_BYTES = 1024 * 1024  # of a user's TOML file


@cache
def read_json(path: str) -> Any:
    """Return the parsed JSON file at ``path`` (relative to this room). Treat it as read-only."""
    return json.loads((ROOM / path).read_bytes())


def read_toml(path: str) -> dict[str, Any]:
    """Return the parsed TOML file at ``path`` (relative to this room)."""
    import tomllib  # the default dialect needs none: a mock with it starts sooner

    return tomllib.loads((ROOM / path).read_text("utf-8"))


def read_own_toml(path: Path) -> dict[str, Any]:
    """Return the parsed TOML file of a user.

    Raises OSError, and ValueError if it is no TOML, too long or nested too deep.
    """
    import tomllib

    text = _bounded(path).decode()
    try:
        content = None if _has_deep_key(text) else tomllib.loads(text)
    except RecursionError:
        content = None
    if content is None or _is_deep(content):
        msg = f"nested more than {_MAX_DEPTH} deep"
        raise ValueError(msg)
    return content


def _has_deep_key(text: str) -> bool:
    """Whether a line has more dots outside of quotes than a key may have.

    tomllib takes memory by the square of the dots of a key.
    """
    lines = _QUOTED.sub("", text).splitlines()
    return any(line.count(".") > _MAX_DEPTH for line in lines)


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
    """Whether a value is nested deeper than whoever walks it can go."""
    level = [content]
    for _ in range(_MAX_DEPTH):
        parts = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for part in parts for one in part if isinstance(one, dict | list)]
    return bool(level)


def names_in(folder: str, suffix: str = ".json") -> tuple[str, ...]:
    """Return the sorted names, without ``suffix``, of the files in ``folder`` of this room."""
    return tuple(sorted(file.stem for file in (ROOM / folder).glob(f"*{suffix}")))
