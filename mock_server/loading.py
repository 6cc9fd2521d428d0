"""Reading a world from a file: one entry a line, or one JSON document of arrays."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.schemas import Release, validator
from crmcom_kit.schemas.files import read_json

Entry = dict[str, Any]


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
            first = file.readline()
            placed = _lines(path, first, file) if _is_entry(first) else _document(path, file)
            yield from checked(placed, release)
    except OSError as error:
        msg = f"data {path}: cannot be read: {error.strerror}"
        raise DataError(msg) from None


def _is_entry(line: bytes) -> bool:
    try:
        value = orjson.loads(line)
    except ValueError:
        return False
    if not isinstance(value, dict) or len(value) != 1:
        return False
    return isinstance(next(iter(value.values())), dict)


def _lines(path: Path, first: bytes, rest: Iterable[bytes]) -> Iterator[Placed]:
    yield Placed(orjson.loads(first), f"data {path} line 1")
    for number, line in enumerate(rest, 2):
        if line.strip():
            place = f"data {path} line {number}"
            yield Placed(_parsed(line, place), place)


def _parsed(text: bytes, place: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError as error:
        msg = f"{place}: no JSON: {error}"
        raise DataError(msg) from None


def _document(path: Path, file: Any) -> Iterator[Placed]:
    file.seek(0)
    place = f"data {path}"
    value = _parsed(file.read(), place)
    allowed = f"JSON Lines of entries, or an object of arrays under {', '.join(kinds())}"
    if not isinstance(value, dict):
        msg = f"{place}: seen {type(value).__name__}; allowed is {allowed}"
        raise DataError(msg)
    for kind, entries in value.items():
        if kind not in kinds() or not isinstance(entries, list):
            msg = f"{place}: {kind!r} is not allowed; allowed is {allowed}"
            raise DataError(msg)
    # Whatever the document's order: what records refer to comes before the records.
    for kind in kinds():
        for at, entry in enumerate(value.get(kind, [])):
            yield Placed({kind: entry}, f"{place} /{kind}/{at}")


def checked(placed: Iterable[Placed], release: Release) -> Iterator[Placed]:
    """Yield entries that fit the schema and the release. Raises DataError for any other."""
    from jsonschema.exceptions import best_match

    check = validator("world_entry", "strict")
    for one in placed:
        if not check.is_valid(one.entry):
            error = best_match(check.iter_errors(one.entry))
            where = error.json_path if error else "$"
            reason = error.message if error else "no world entry"
            if len(reason) > 300:
                reason = f"{reason[:300]}…"
            msg = f"{one.place}: {where}: {reason}; allowed are entries of {', '.join(kinds())}"
            raise DataError(msg)
        entity = _entity(one.entry)
        if entity is not None and entity not in release.entities and "webhook_request" in one.entry:
            allowed = ", ".join(release.entities)
            msg = f"{one.place}: entity {entity} is not in {release.name}; allowed is {allowed}"
            raise DataError(msg)
        yield one
