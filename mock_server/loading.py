"""Reading a world from a file: one entry a line, or one JSON document of arrays.

An empty file is an error: it is more likely a program's output that never came. An empty world
is written ``{}``.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.mock_server.errors import shown
from crmcom_kit.mock_server.reading import json_type
from crmcom_kit.schemas import Release, validator
from crmcom_kit.schemas.files import read_json

Entry = dict[str, Any]
_LONGEST_REASON = 300
# Worth reading with Python's own reader, where orjson's makes a float of a long whole number.
_LONG_NUMBER = re.compile(rb"\d{19}")


class DataError(ValueError):
    """A world that cannot be loaded: where, what was seen, what is allowed."""


class Placed(NamedTuple):
    """An entry and where it stood, for messages."""

    entry: Entry
    place: str


def kinds() -> tuple[str, ...]:
    """The kinds of entries that a world has."""
    return tuple(read_json("objects/world_entry.json")["properties"])


def sample_entries(release: Release) -> Iterator[Placed]:
    """Yield the packaged sample world, as far as ``release`` knows its entities.

    It is not validated: a test holds that it is valid.
    """
    with sample_world_path().open("rb") as lines:
        for number, line in enumerate(lines, 1):
            entry = orjson.loads(line)
            if _entity(entry) in (None, *release.entities):
                yield Placed(entry, f"sample world, line {number}")


def _entity(entry: Entry) -> str | None:
    for value in entry.values():
        entity = (value.get("record") or value).get("entity")
        return None if entity is None else str(entity)
    return None


def file_entries(path: Path, release: Release) -> Iterator[Placed]:
    """Yield the entries of the world in the file at ``path``, each validated.

    Raises:
        DataError: it cannot be read, or an entry does not fit the schema or the release.
    """
    try:
        with path.open("rb") as file:
            yield from checked(_placed(path, file), release)
    except OSError as error:
        msg = f"data {path}: cannot be read: {error.strerror}"
        raise DataError(msg) from None


def _placed(path: Path, file: BinaryIO) -> Iterator[Placed]:
    """Find out from its first line which of the two forms the file has, and read it."""
    blank, first = b"", file.readline().removeprefix(BOM_UTF8)
    while first and not first.strip():
        blank, first = blank + first, file.readline()
    try:
        value = orjson.loads(first)
    except ValueError:
        yield from _document(path, blank + first + file.read())
        return
    start = blank.count(b"\n") + 1
    if _is_entry(value):
        yield from _lines(path, first, file, start)
    elif file.read().strip():  # no document goes on behind its end: these were meant to be lines
        yield Placed(value, f"data {path} line {start}")
    else:
        yield from _document(path, blank + first)


def _is_entry(value: object) -> bool:
    return (
        isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), dict)
    )


def _lines(path: Path, first: bytes, rest: Iterable[bytes], start: int) -> Iterator[Placed]:
    for number, line in enumerate(chain([first], rest), start):
        text = line.rstrip()
        if text:
            yield Placed(_parsed(text, f"data {path}", number), f"data {path} line {number}")


def _parsed(text: bytes, place: str, start: int = 1) -> Any:
    """Return the value of ``text``, which begins in line ``start``."""
    try:
        return json.loads(text) if _LONG_NUMBER.search(text) else orjson.loads(text)
    except json.JSONDecodeError as error:
        where = f"{place} line {error.lineno + start - 1} column {error.colno}"
        msg = f"{where}: no JSON: {error.msg}"
        raise DataError(msg) from None
    except (ValueError, RecursionError) as error:
        msg = f"{place} line {start}: no JSON: {error}"
        raise DataError(msg) from None


def _document(path: Path, text: bytes) -> Iterator[Placed]:
    place = f"data {path}"
    allowed = f"JSON Lines of entries, or an object of arrays under {', '.join(kinds())}"
    if not text.strip():
        msg = f"{place}: the file is empty; allowed is {allowed}; {{}} is an empty world"
        raise DataError(msg)
    value = _parsed(text, place)
    if not isinstance(value, dict):
        msg = f"{place}: seen {json_type(value)}; allowed is {allowed}"
        raise DataError(msg)
    for kind, entries in value.items():
        if kind not in kinds() or not isinstance(entries, list):
            seen = f"{shown(kind)} with {json_type(entries)}"
            msg = f"{place}: {seen} is not allowed; allowed is {allowed}"
            raise DataError(msg)
    # Whatever the document's order: what records refer to comes before the records.
    for kind in kinds():
        for at, entry in enumerate(value.get(kind, [])):
            yield Placed({kind: entry}, f"{place} /{kind}/{at}")


def checked(placed: Iterable[Placed], release: Release) -> Iterator[Placed]:
    """Yield entries that fit the schema and the release. Raises DataError for any other."""
    from jsonschema.exceptions import best_match

    check = validator("world_entry", "strict")
    for given in placed:
        one = Placed(_as_json(given), given.place)
        if not check.is_valid(one.entry):
            error = best_match(check.iter_errors(one.entry))
            seen = f"{error.json_path}: {error.message}" if error else "no world entry"
            msg = f"{one.place}: {_short(seen)}; allowed are entries of {', '.join(kinds())}"
            raise DataError(msg)
        entity = _entity(one.entry)
        if entity is not None and entity not in release.entities and "webhook_request" in one.entry:
            allowed = ", ".join(release.entities)
            msg = f"{one.place}: entity {entity} is not in {release.name}; allowed is {allowed}"
            raise DataError(msg)
        yield one


def _short(text: str) -> str:
    """Return ``text`` as one line that is not too long, whatever a file put into it."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_LONGEST_REASON])
    return line if len(text) <= _LONGEST_REASON else f"{line}…"


def _as_json(placed: Placed) -> Entry:
    """Return a copy of an entry as it comes back from JSON. Raises DataError where it differs."""
    try:
        copy: Entry = orjson.loads(orjson.dumps(placed.entry))
        reason = "" if copy == placed.entry else "a value that is no JSON"
    except TypeError as error:
        reason = str(error)
    if reason:
        allowed = "JSON with whole numbers of 64 bits, in UTF-8, less than 254 deep"
        msg = f"{placed.place}: {reason}; allowed is {allowed}"
        raise DataError(msg)
    return copy
