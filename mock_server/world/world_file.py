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
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import orjson

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.schemas import Release, validator
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.formats import parse_date_time
from crmcom_kit.schemas.releases import entities_since

if TYPE_CHECKING:
    from jsonschema import ValidationError

Entry = dict[str, Any]
_FORMS = {
    "crm-date-time": "date and time of the form yyyy-MM-ddTHH:mm:ss",
    "crm-date": "date of the form yyyy-MM-dd",
}
_MAX_REASON = 300
# Worth reading with Python's own reader, where orjson's makes a float of a long whole number.
_LONG_NUMBER = re.compile(rb"\d{19}")


class DataError(ValueError):
    """A world that cannot be loaded: where, what was seen, what is allowed."""


class LocatedEntry(NamedTuple):
    """An entry and where it stood, for messages."""

    entry: Entry
    place: str


def kinds() -> tuple[str, ...]:
    """The kinds of entries that a world has."""
    return tuple(read_json("objects/world_entry.json")["properties"])


def sample_entries(release: Release) -> Iterator[LocatedEntry]:
    """Yield the packaged sample world, as far as ``release`` knows its entities.

    It is not validated: a test holds that it is valid.
    """
    with sample_world_path().open("rb") as lines:
        for number, line in enumerate(lines, 1):
            entry = orjson.loads(line)
            if _entity(entry) in (None, *release.entities):
                yield LocatedEntry(entry, f"sample world, line {number}")


def _entity(entry: Entry) -> str | None:
    for value in entry.values():
        entity = (value.get("record") or value).get("entity")
        return None if entity is None else str(entity)
    return None


def file_entries(path: Path, release: Release) -> Iterator[LocatedEntry]:
    """Yield the entries of the world in the file at ``path``, each validated.

    Raises:
        DataError: it cannot be read, or an entry does not fit the schema or the release.
    """
    try:
        with path.open("rb") as file:
            yield from read_entries(file, release, place=f"data {path}")
    except OSError as error:
        msg = f"data {path}: cannot be read: {error.strerror}"
        raise DataError(msg) from None


def read_entries(file: IO[bytes], release: Release, *, place: str) -> Iterator[LocatedEntry]:
    """Yield the entries of a world in ``file``, each validated; messages call it ``place``.

    Raises:
        DataError: an entry does not fit the schema or the release.
    """
    yield from checked(_placed(file, place), release)


def _placed(file: IO[bytes], place: str) -> Iterator[LocatedEntry]:
    """Find out from its first line which of the two forms the file has, and read it."""
    blank, first = b"", file.readline().removeprefix(BOM_UTF8)
    while first and not first.strip():
        blank, first = blank + first, file.readline()
    try:
        value = orjson.loads(first)
    except ValueError:
        yield from _document(blank + first + file.read(), place)
        return
    start = blank.count(b"\n") + 1
    if _is_entry(value):
        yield from _lines(chain([first], file), place, start)
    elif file.read().strip():  # no document goes on behind its end: these were meant to be lines
        yield LocatedEntry(value, f"{place} line {start}")
    else:
        yield from _document(blank + first, place)


def _is_entry(value: object) -> bool:
    return (
        isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), dict)
    )


def _lines(lines: Iterable[bytes], place: str, start: int) -> Iterator[LocatedEntry]:
    for number, line in enumerate(lines, start):
        text = line.rstrip()
        if text:
            yield LocatedEntry(_parsed(text, place, number), f"{place} line {number}")


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


def _document(text: bytes, place: str) -> Iterator[LocatedEntry]:
    allowed = f"JSON Lines of entries, or an object of arrays under {', '.join(kinds())}"
    if not text.strip():
        msg = f"{place}: it is empty; allowed is {allowed}; {{}} is an empty world"
        raise DataError(msg)
    value = _parsed(text, place)
    if not isinstance(value, dict):
        msg = f"{place}: seen {json_type(value)}; allowed is {allowed}"
        raise DataError(msg)
    for kind, entries in value.items():
        if kind not in kinds() or not isinstance(entries, list):
            seen = f"{quoted(kind)} with {json_type(entries)}"
            msg = f"{place}: {seen} is not allowed; allowed is {allowed}"
            raise DataError(msg)
    # Whatever the document's order: what records refer to comes before the records.
    for kind in kinds():
        for at, entry in enumerate(value.get(kind, [])):
            yield LocatedEntry({kind: entry}, f"{place} /{kind}/{at}")


def checked(placed: Iterable[LocatedEntry], release: Release) -> Iterator[LocatedEntry]:
    """Yield entries that fit the schema and the release. Raises DataError for any other."""
    from crmcom_kit.schemas.quick import quick_judge

    surely_fits = quick_judge("world_entry", "strict")
    for given in placed:
        one = LocatedEntry(_as_json(given), given.place)
        if not (surely_fits(one.entry) and _dates_exist(one.entry)):
            _check_slowly(one)
        entity = _entity(one.entry)
        if entity is not None and entity not in release.entities and "webhook_request" in one.entry:
            since = entities_since()[entity]
            msg = f"{one.place}: entity {entity} is not in {release.name}; it is known from {since}"
            raise DataError(msg)
        yield one


def _dates_exist(entry: Entry) -> bool:
    """Whether every date of an entry is a day that the calendar has."""
    record = entry.get("webhook_request", {}).get("record", {})
    log = record.get("log_information", {})
    try:
        for name in ("created_date", "updated_date"):
            if log.get(name) is not None:
                parse_date_time(log[name])
    except ValueError:
        return False
    return True


def _check_slowly(one: LocatedEntry) -> None:
    """Say what is wrong with an entry, if anything is. Raises DataError."""
    from jsonschema.exceptions import best_match

    best = best_match(validator("world_entry", "strict").iter_errors(one.entry))
    if best is None:
        return
    together = [best]
    if best.validator == "required" and best.parent is None:  # name all that are missing at once
        errors = validator("world_entry", "strict").iter_errors(one.entry)
        together = [error for error in errors if error.json_path == best.json_path]
    reasons = "; ".join(dict.fromkeys(_reason(error) for error in together))
    msg = f"{one.place}: {_short(f'{best.json_path}: {reasons}')}"
    raise DataError(msg)


def _reason(error: "ValidationError") -> str:
    """Return what is wrong, with the value no longer than a message can bear."""
    seen: Any = error.instance
    if error.validator == "format":
        return f"{quoted(seen)} is no {_FORMS[str(error.validator_value)]}"
    allowed = f"; allowed are entries of {', '.join(kinds())}"
    if error.validator in ("minProperties", "maxProperties"):
        return f"{len(seen)} members{allowed}"
    if error.validator == "unevaluatedProperties" and len(error.absolute_path) == 1:
        return f"{error.message}{allowed}"
    value = repr(seen)
    if seen and _may_be_secret(*error.absolute_path):
        safe = quoted(seen, secret=True) if isinstance(seen, str) else json_type(seen)
        return error.message.replace(value, safe)
    return error.message.replace(value, quoted(seen)) if len(value) > 40 else error.message


def _may_be_secret(kind: object = "secret_key", *members: object) -> bool:
    """Whether a place in an entry may hold a key: the entry, or a part that does not tell which."""
    return kind == "secret_key" and members[:1] not in (("id",), ("name",))


def _short(text: str) -> str:
    """Return ``text`` as one line that is not too long, whatever a file put into it."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_MAX_REASON])
    return line if len(text) <= _MAX_REASON else f"{line}…"


def _as_json(placed: LocatedEntry) -> Entry:
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
