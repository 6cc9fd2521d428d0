"""The contract's data files: their folder, and reading them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parent


@cache
def read_json(path: str) -> Any:
    """Return the parsed JSON file at ``path`` (relative to this room). Treat it as read-only."""
    return json.loads((ROOM / path).read_bytes())


def names_in(folder: str, suffix: str = ".json") -> tuple[str, ...]:
    """Return the sorted names, without ``suffix``, of the files in ``folder`` of this room."""
    return tuple(sorted(file.stem for file in (ROOM / folder).glob(f"*{suffix}")))
