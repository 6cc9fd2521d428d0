"""Reading a world: entries or plain webhook requests, in JSON Lines, an array or an object.

An entry has one member, named for its kind. A plain webhook request is one as responses show it,
and stands for its entry. An object of arrays under the kinds' names is a whole world, and so is a
response of show or list.

An empty file is an error: it is more likely the output of a program that failed. An empty world
is written ``{}``. No line or document longer than the limits below is read: a device or a pipe
may never end.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import orjson

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.mock_server.protocol.request import json_type, why
from crmcom_kit.mock_server.protocol.schema_errors import check, strict_validator
from crmcom_kit.schemas import Release, load_schema, response_fields
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.formats import FORMATS
from crmcom_kit.schemas.releases import entities_since
from crmcom_kit.usage_errors import UsageError, phrase, quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

Entry = dict[str, Any]
MAX_ENTRY = 16 * 1024 * 1024  # bytes of a line
MAX_DOCUMENT = 256 * 1024 * 1024  # bytes of an array or object, which is in memory as a whole
MAX_VALUES = 16_000_000  # of a document, counted by its commas
ALLOWED_VALUES = "JSON with whole numbers of 64 bits, in UTF-8, less than 254 deep"
_BUFFER = 256 * 1024  # bytes; Python's own is smaller than many a line
# A number of 19 digits may be more than 64 bits hold. orjson makes a float of it, json does not.
_CLASSES = bytes.maketrans(b"0123456789[,- \t\r\n", b"0000000000:::::::")
_LONG_NUMBER = b":" + b"0" * 19  # in the classes of _CLASSES
_RECORD = "webhook_request"
#: The kinds of entries that get an id where they are added without one.
REFERENCES = ("webhook_definition", "workflow_rule")
NewId = Callable[[str], str]  # a new id for a kind
#: Members of reference data that the mock itself reads.
_READ = (
    *("name", "alternative_code", "username", "entity"),
    *("url", "fields_set", "secret_key_id", "key"),
)


class DataError(ValueError):
    """A world that cannot be loaded: where, what was seen, what is allowed."""


class LocatedEntry(NamedTuple):
    """An entry, and where it is, for messages."""

    entry: Entry
    place: str
    is_plain: bool = False  # True if it was given as a plain webhook request


def located(value: Any, place: str) -> LocatedEntry:
    """Return a value as an entry: a plain webhook request becomes one."""
    if isinstance(value, dict) and _is_plain(value):
        return LocatedEntry({_RECORD: {"record": value}}, place, is_plain=True)
    return LocatedEntry(value, place)


def _is_plain(value: Mapping[str, Any]) -> bool:
    return not _record_members().isdisjoint(value)


@cache
def _record_members() -> frozenset[str]:
    """Return the members of a webhook request that are no kind of an entry."""
    return frozenset(response_fields()) - frozenset(kinds())


def kinds() -> tuple[str, ...]:
    """Return the kinds of entries that a world has."""
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
    (value,) = entry.values()
    entity: str | None = value.get("record", value).get("entity")
    return entity


def given_entries(
    given: str | Path | Iterable[Mapping[str, Any]] | Mapping[str, Any],
    release: Release,
    name: str,
    *,
    of_profile: bool = False,
) -> Iterator[LocatedEntry]:
    """Return the entries of the file at a path, or of a value; messages call either ``name``.

    ``of_profile``: see ``checked``.

    Raises:
        DataError: the file cannot be read, or an entry does not fit the schema or the release.
    """
    if isinstance(given, str | Path):
        return _file_entries(Path(given), release, name, of_profile=of_profile)
    name = f"{name} entry"
    if isinstance(given, Mapping):
        return validated(_of_object(given, name), release)
    if of_profile:  # an instance may have shown what is no JSON, such as NaN
        return checked(numbered(map(dict, given), name), release, of_profile=True)
    return validated(numbered(given, name), release)


def numbered(entries: Iterable[Mapping[str, Any]], name: str) -> Iterator[LocatedEntry]:
    """Return entries whose places are ``name`` with their numbers."""
    return (located(entry, f"{name} {at}") for at, entry in enumerate(entries))


def _file_entries(
    path: Path, release: Release, name: str, *, of_profile: bool
) -> Iterator[LocatedEntry]:
    place = f"{name} {path}"
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            yield from read_entries(file, release, place=place, of_profile=of_profile)
    except OSError as error:
        msg = f"{place}: cannot be read: {error.strerror}"
        raise DataError(msg) from None


def _is_shown(entry: Any) -> bool:
    """Return True for what an instance has shown: reference data, and recorded webhook requests."""
    if not (isinstance(entry, dict) and len(entry) == 1):
        return False
    ((kind, value),) = entry.items()
    return isinstance(value, dict) and (kind != _RECORD or "recorded" in value)


def _check_shown(found: LocatedEntry) -> None:
    """Check what a mock needs of an entry that an instance has shown. Raises DataError."""
    ((kind, value),) = found.entry.items()
    if kind == _RECORD:
        value = value.get("record")
    required = ("id", "number", "life_cycle_state") if kind == _RECORD else ("id",)
    has_all = isinstance(value, dict) and all(isinstance(value.get(n), str) for n in required)
    if kind not in kinds() or not has_all:
        msg = f"{found.place}: allowed is an entry of a world that has {', '.join(required)}"
        raise DataError(msg)
    if kind != _RECORD:
        _check_read(kind, value, found.place)
    elif value["life_cycle_state"] not in ("SUCCESSFUL", "REJECTED"):
        state = quoted(value["life_cycle_state"])
        msg = f"{found.place}: life_cycle_state is {state}; allowed is SUCCESSFUL or REJECTED"
        raise DataError(msg)


def _check_read(kind: str, value: Entry, place: str) -> None:
    """Check the members of reference data that the mock itself reads. Raises DataError."""
    for name in _READ:
        if not isinstance(value.get(name), str | None):
            seen = json_type(value[name])
            msg = f"{place}: {phrase(f'{kind}.{name}', seen, 'a string or null')}"
            raise DataError(msg)
    triggered = value.get("webhook_definition_ids", [])
    if not (isinstance(triggered, list) and all(isinstance(one, str) for one in triggered)):
        name = f"{kind}.webhook_definition_ids"
        msg = f"{place}: {phrase(name, json_type(triggered), 'an array of strings')}"
        raise DataError(msg)


def read_entries(
    file: IO[bytes],
    release: Release,
    *,
    place: str,
    new_id: NewId | None = None,
    of_profile: bool = False,
) -> Iterator[LocatedEntry]:
    """Return the entries of a world in ``file``, each validated; messages call it ``place``.

    ``new_id`` and ``of_profile``: see ``checked``.

    Raises:
        DataError: an entry does not fit the schema or the release.
    """
    entries = _entries(file, place)
    return checked(entries, release, new_id=new_id, of_profile=of_profile)


def lacking(entry: Entry) -> list[str]:
    """Return the members that the webhook request of an entry needs and lacks."""
    value = entry.get(_RECORD) if isinstance(entry, dict) and len(entry) == 1 else None
    record = value.get("record") if isinstance(value, dict) else None
    if not isinstance(record, dict):
        return []
    return [name for name in _needed() if name not in record]


@cache
def _needed() -> tuple[str, ...]:
    return tuple(read_json("objects/webhook_request.json")["required"])


def validated(
    entries: Iterable[LocatedEntry],
    release: Release,
    *,
    new_id: NewId | None = None,
    of_profile: bool = False,
) -> Iterator[LocatedEntry]:
    """Return copies of entries that Python code made, each validated as ``checked`` does.

    Raises:
        DataError: an entry is not JSON, or does not fit the schema or the release.
    """
    copies = (one._replace(entry=_as_json(one)) for one in entries)
    return checked(copies, release, new_id=new_id, of_profile=of_profile)


def _entries(file: IO[bytes], place: str) -> Iterator[LocatedEntry]:
    """Find out from its first line which form the file has, and read it."""
    number, first = _first_line(file, place)
    if _begins_document(first):
        text = first + file.read(max(0, MAX_DOCUMENT + 1 - len(first)))
        yield from _document(text, place, number)
    else:
        rest = iter(lambda: file.readline(MAX_ENTRY + 1), b"")
        yield from _lines(chain([first], rest), place, number)


def _begins_document(first: bytes) -> bool:
    """Return True if a file that begins with this line is one array or object."""
    begin = first.lstrip()[:1]
    if begin != b"{":
        return begin == b"["
    try:
        value = _loads(first)
    except (ValueError, RecursionError):
        return True
    return not (isinstance(value, dict) and _is_entry(value))


def _is_entry(value: Mapping[str, Any]) -> bool:
    """Return True if an object is a webhook request or meant as an entry, and not a whole world."""
    return _is_plain(value) or (
        len(value) == 1 and not isinstance(next(iter(value.values())), list)
    )


def _first_line(file: IO[bytes], place: str) -> tuple[int, bytes]:
    """Return the first line that is not blank, and its number."""
    number = 1
    first = file.readline(MAX_ENTRY + 1).removeprefix(BOM_UTF8)
    while first and not first.strip():
        number += 1
        first = file.readline(MAX_ENTRY + 1)
    if not first:
        msg = f"{place}: it is empty; allowed is {_allowed()}; {{}} is an empty world"
        raise DataError(msg)
    return number, first


_EXAMPLE = '{"webhook_request": {"record": {…}}}'


def _allowed() -> str:
    return (
        "webhook requests or entries of a world, as JSON Lines or in an array, or an object of "
        f"arrays under {', '.join(kinds())}; an entry is {_EXAMPLE}"
    )


def _lines(lines: Iterable[bytes], place: str, start: int) -> Iterator[LocatedEntry]:
    for number, line in enumerate(lines, start):
        here = f"{place} line {number}"
        if len(line) > MAX_ENTRY:
            msg = f"{here}: longer than {MAX_ENTRY:,} bytes"
            raise DataError(msg)
        text = line.rstrip()
        if text:
            yield located(parsed(text, place, number), here)


def _document(text: bytes, place: str, start: int) -> Iterator[LocatedEntry]:
    """Yield the entries of the document ``text``, which begins in line ``start``."""
    if len(text) > MAX_DOCUMENT:
        msg = f"{place}: a document longer than {MAX_DOCUMENT:,} bytes; JSON Lines have no limit"
        raise DataError(msg)
    if text.count(b",") > MAX_VALUES:
        msg = f"{place}: a document of more than {MAX_VALUES:,} values; JSON Lines have no limit"
        raise DataError(msg)
    document = parsed(text, place, start)
    if isinstance(document, list):
        for number, value in enumerate(document):
            yield located(value, f"{place} /{number}")
    else:
        yield from _of_object(document, place)


def _of_object(value: Mapping[str, Any], place: str) -> Iterator[LocatedEntry]:
    """Yield the entries of one object: a webhook request, an entry, a response, or a world."""
    if _is_entry(value):
        yield located(dict(value), place)
        return
    if value.keys() == {"status", "data"}:
        data = value["data"]
        for number, record in enumerate(data if isinstance(data, list) else [data]):
            yield located(record, f"{place} /data/{number}")
        return
    for kind, entries in value.items():
        if kind not in kinds() or not isinstance(entries, list):
            seen = f"{quoted(kind)} with {json_type(entries)}"
            msg = f"{place}: {seen} is not allowed; allowed is {_allowed()}"
            raise DataError(msg)
    for kind, entries in value.items():
        for number, entry in enumerate(entries):
            yield LocatedEntry({kind: entry}, f"{place} /{kind}/{number}")


def parsed(text: bytes, place: str, start: int) -> Any:
    """Return the value of ``text``, which begins in line ``start``. Raises DataError."""
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        where = f"{place} line {error.lineno + start - 1} column {error.colno}"
        msg = f"{where}: not JSON: {error.msg}"
        raise DataError(msg) from None
    except (ValueError, RecursionError) as error:
        reason = why(error) if isinstance(error, ValueError) else error
        msg = f"{place} line {start}: not JSON: {reason}"
        raise DataError(msg) from None


def _loads(text: bytes) -> Any:
    long_number = _LONG_NUMBER in text.translate(_CLASSES)
    return json.loads(text) if long_number else orjson.loads(text)


def checked(
    entries: Iterable[LocatedEntry],
    release: Release,
    *,
    new_id: NewId | None = None,
    of_profile: bool = False,
) -> Iterator[LocatedEntry]:
    """Yield ``entries``. Raises DataError at one that does not fit the schema or the release.

    With ``new_id``, which makes one for a kind, entries may lack members: a definition or a rule
    gets an id, and a webhook request is not validated.

    A mock ``of_profile`` takes what an instance has shown as it is.

    A definition or a rule may be about an entity that the release lacks: no webhook request can
    refer to it then, and reference data can be shared between releases.
    """
    # Imported when needed: the packaged sample world is not validated.
    from crmcom_kit.schemas.loader import quick_validator

    fits = quick_validator("world_entry", "strict")
    for one in entries:
        entry, place, *_ = one
        if new_id is not None:
            if lacking(entry):
                yield one
                continue
            _add_id(entry, new_id)
        if of_profile and _is_shown(entry):
            _check_shown(one)
            yield one
            continue
        if not fits(entry):
            _refuse(one)
        if "webhook_request" in entry:
            entity = entry["webhook_request"]["record"]["entity"]
            if entity not in release.entities:
                since = entities_since()[entity]
                msg = (
                    f"{place}: entity {entity} is not in {release.name}; it is known from {since}; "
                    f"start the mock with --release {since.partition('.')[0]}"
                )
                raise DataError(msg)
        yield one


def _add_id(entry: Entry, new_id: NewId) -> None:
    """Give the definition or rule of an entry an id, if it lacks one."""
    for kind in REFERENCES:
        value = entry.get(kind) if isinstance(entry, dict) else None
        if isinstance(value, dict) and "id" not in value:
            entry[kind] = {"id": new_id(kind), **value}


def _refuse(wrong: LocatedEntry) -> None:
    """Say what is wrong with an entry, if anything is. Raises DataError."""
    needed = lacking(wrong.entry)
    if needed:
        msg = f"{wrong.place}: the webhook request lacks {', '.join(needed)}"
        raise DataError(msg)
    try:
        check(_validator(), wrong.entry, whole="entry")
    except UsageError as error:
        member, allowed = error.parameter, error.allowed
        if wrong.is_plain:
            member = member.removeprefix(f"{_RECORD}.record.")
        if not error.parameter.startswith(kinds()):
            allowed = f"one of {', '.join(kinds())}, such as {_EXAMPLE}"
        msg = f"{wrong.place}: {phrase(member, error.seen, allowed)}"
        raise DataError(msg) from None


@cache
def _validator() -> "Draft202012Validator":
    """Return what says why an entry is wrong; what finds wrong ones is quicker and says nothing."""
    schema = load_schema("world_entry", profile="strict")
    del schema["$schema"]  # it would make jsonschema fall back to its own validator class
    formats = {
        name: lambda value, read=read: not isinstance(value, str) or bool(read(value))
        for name, read in FORMATS.items()
    }
    return strict_validator(schema, formats)


def _as_json(given: LocatedEntry) -> Entry:
    """Return a copy of an entry as it comes back from JSON. Raises DataError if it differs."""
    try:
        copy: Entry = orjson.loads(orjson.dumps(given.entry))
        reason = "" if copy == given.entry else "a value that is not JSON"
    except TypeError as error:
        reason = str(error)
    if reason:
        msg = f"{given.place}: {reason}; allowed is {ALLOWED_VALUES}"
        raise DataError(msg)
    return copy
