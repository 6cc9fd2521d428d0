"""Where the contract's data files are, and how they are read."""

import json
from functools import cache
from pathlib import Path
from typing import Any

_ROOM = Path(__file__).parent


@cache
def read_json(path: str) -> Any:
    """Return the parsed JSON file at ``path`` (relative to this room). Treat it as read-only."""
    return json.loads((_ROOM / path).read_bytes())


def read_toml(path: str) -> dict[str, Any]:
    """Return the parsed TOML file at ``path`` (relative to this room)."""
    import tomllib  # the default dialect needs none: a mock with it starts sooner

    return tomllib.loads((_ROOM / path).read_text("utf-8"))


def names_in(folder: str, suffix: str = ".json") -> tuple[str, ...]:
    """Return the sorted names, without ``suffix``, of the files in ``folder`` of this room."""
    return tuple(sorted(file.stem for file in (_ROOM / folder).glob(f"*{suffix}")))
