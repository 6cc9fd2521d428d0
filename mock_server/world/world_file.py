"""Read a world: entries or plain webhook requests, in JSON Lines, an array or an object.

An entry has one member, named for its kind. A plain webhook request has the form of responses, and
stands for its entry. An object of arrays under the kinds' names is a complete world, and so is a
response of show or list.

A file without entries is an error: it is probably the output of a program that failed. An empty
world is ``{}``. The limits below apply to lines and documents, since a device or a pipe may never
end.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import orjson

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.schema_errors import check, strict_validator
from crmcom_kit.schemas import Release, load_schema, response_fields
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.formats import FORMATS
from crmcom_kit.schemas.loader import compiled
from crmcom_kit.schemas.releases import entities_since
from crmcom_kit.usage_errors import UsageError, hint, json_type, phrase, quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

Entry = dict[str, Any]
MAX_ENTRY = 16 * 1024 * 1024  # bytes of a line
MAX_DOCUMENT = 64 * 1024 * 1024  # bytes of an array or object, which must fit in memory
#: Members of a webhook request to add, in place of a date in log_information.
CREATED = ("age", "created_date")
ALLOWED_VALUES = "JSON with whole numbers of 64 bits, in UTF-8, less than 254 deep"
_BUFFER = 256 * 1024  # bytes; Python's default is smaller than many lines
_RECORD = "webhook_request"


class DataError(UsageError):
    """An error in the data of a world: the place, the value, the allowed values."""

    def __init__(self, text: str, parameter: str = "", **facts: str) -> None:
        """Set the message ``text``; ``parameter`` and ``facts`` are those of one member, if any."""
        super().__init__(parameter, **facts)
        self.args = (text,)

    @classmethod
    def of_member(cls, place: str, name: str, *, seen: str, allowed: str) -> "DataError":
        """Return the error that a member of the entry at ``place`` is wrong."""
        return cls(f"{place}: {phrase(name, seen, allowed)}", name, seen=seen, allowed=allowed)


class LocatedEntry(NamedTuple):
    """An entry, and its place for messages."""

    entry: Entry
    place: str


def locate(value: Any, place: str) -> LocatedEntry:
    """Return a value as an entry at a place; make an entry of a plain webhook request."""
    if isinstance(value, dict) and _is_plain(value):
        value = {_RECORD: {"record": value}}
    return LocatedEntry(value, place)


def _is_plain(value: Mapping[str, Any]) -> bool:
    return not _record_members().isdisjoint(value) or any(name in value for name in CREATED)


@cache
def _record_members() -> frozenset[str]:
    """Return the members of a webhook request that are not kinds of entries."""
    return frozenset(response_fields()) - frozenset(kinds())


def kinds() -> tuple[str, ...]:
    """Return the kinds of entries that a world has."""
    return tuple(read_json("objects/world_entry.json")["properties"])


# Sources of entries.


def sample_entries(release: Release) -> Iterator[LocatedEntry]:
    """Yield the packaged sample world, except entities that ``release`` does not have.

    It is not validated, since a test does that.
    """
    with sample_world_path().open("rb") as file:
        for located in read_entries(file, "sample world"):
            ((kind, value),) = located.entry.items()
            entity = value["record"]["entity"] if kind == _RECORD else value.get("entity")
            if entity is None or entity in release.entities:
                yield located


def entries_of(
    source: str | Path | Iterable[Mapping[str, Any]] | Mapping[str, Any],
    config: Config,
    name: str,
) -> Iterator[LocatedEntry]:
    """Return the entries of the file at a path, or of a value; messages call the source ``name``.

    Raises:
        DataError: the file cannot be read, or an entry does not fit the schema or the release.
    """
    if isinstance(source, str | Path):
        return check_entries(_file_entries(Path(source), name), config)
    if not isinstance(source, Iterable) or isinstance(source, bytes):
        allowed = "world entries, webhook requests, or the path of a file of them"
        raise DataError(phrase(name, quoted(source), allowed))
    name = f"{name} entry"
    entries = _of_object(source, name) if isinstance(source, Mapping) else locate_all(source, name)
    return validate(entries, config)


def locate_all(entries: Iterable[Mapping[str, Any]], name: str) -> Iterator[LocatedEntry]:
    """Return located entries; a place is ``name`` and a number."""
    return (locate(entry, f"{name} {index}") for index, entry in enumerate(entries))


def _file_entries(path: Path, name: str) -> Iterator[LocatedEntry]:
    place = f"{name} {path}"
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            yield from read_entries(file, place)
    except OSError as error:
        msg = f"{place}: cannot be read: {error.strerror}"
        raise DataError(msg) from None


def read_entries(file: IO[bytes], place: str) -> Iterator[LocatedEntry]:
    """Yield the entries in ``file``, which messages call ``place``, without checks.

    The first line that is not blank decides the form of the file. Raises DataError.
    """
    lines = iter(lambda: file.readline(MAX_ENTRY + 1), b"")
    for number, line in enumerate(lines, 1):
        start = line.removeprefix(BOM_UTF8) if number == 1 else line
        if start.strip():
            break
    else:
        raise _empty(place)
    if _begins_document(start):
        yield from _document(start + file.read(MAX_DOCUMENT + 1 - len(start)), place, number)
    else:
        yield from _lines(chain([start], lines), place, number)


def _begins_document(line: bytes) -> bool:
    """Return True if a file with this first line is one array or object."""
    character = line.lstrip()[:1]
    if character != b"{":
        return character == b"["
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return True
    return not _is_entry(value)


def _is_entry(value: Mapping[str, Any]) -> bool:
    """Return True if an object is a webhook request or an entry, and not a world."""
    return _is_plain(value) or (
        len(value) == 1 and not isinstance(next(iter(value.values())), list)
    )


def _empty(place: str) -> DataError:
    return DataError(f"{place}: it is empty; allowed is {_allowed()}; {{}} is an empty world")


_EXAMPLE = '{"webhook_request": {"record": {…}}}'


def _hint(name: str) -> str:
    """Return a hint at a similar kind of entry or member of a webhook request."""
    names = (*kinds(), *_record_members(), *CREATED)
    return "" if name in names else hint(name, sorted(names))


def _allowed() -> str:
    return (
        "webhook requests or entries of a world, as JSON Lines or in an array, or an object of "
        f"arrays under {', '.join(kinds())}; an entry is {_EXAMPLE}"
    )


def _lines(lines: Iterable[bytes], place: str, start: int) -> Iterator[LocatedEntry]:
    for number, line in enumerate(lines, start):
        line_place = f"{place} line {number}"
        if len(line) > MAX_ENTRY:
            msg = f"{line_place}: longer than {MAX_ENTRY:,} bytes"
            raise DataError(msg)
        text = line.rstrip()
        if text:
            yield locate(parse(text, place, number), line_place)


def _document(text: bytes, place: str, start: int) -> Iterator[LocatedEntry]:
    """Yield the entries of the document ``text``, which begins in line ``start``."""
    if len(text) > MAX_DOCUMENT:
        msg = f"{place}: a document longer than {MAX_DOCUMENT:,} bytes; JSON Lines have no limit"
        raise DataError(msg)
    document = parse(text, place, start)
    if isinstance(document, list):
        yield from _of_array(document, place, "")
    else:
        yield from _of_object(document, place)


def _of_array(values: list[Any], place: str, member: str) -> Iterator[LocatedEntry]:
    if not values:
        raise _empty(f"{place} {member}".rstrip())
    for number, value in enumerate(values):
        yield locate(value, f"{place} {member}/{number}")


def _of_object(value: Mapping[str, Any], place: str) -> Iterator[LocatedEntry]:
    """Yield the entries of one object: a webhook request, an entry, a response, or a world."""
    if _is_entry(value):
        yield locate(dict(value), place)
        return
    if value.keys() == {"status", "data"}:
        data = value["data"]
        yield from _of_array(data if isinstance(data, list) else [data], place, "/data")
        return
    for kind, entries in value.items():
        if kind not in kinds() or not isinstance(entries, list):
            problem = f"{quoted(kind)} with {json_type(entries)}"
            msg = f"{place}: {problem} is not allowed; allowed is {_allowed()}{_hint(kind)}"
            raise DataError(msg)
    for kind in kinds():  # reference data first
        for number, entry in enumerate(value.get(kind, ())):
            yield LocatedEntry({kind: entry}, f"{place} /{kind}/{number}")


def parse(text: bytes, place: str, start: int) -> Any:
    """Return the value of ``text``, which begins in line ``start``. Raises DataError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        position = f"{place} line {error.lineno + start - 1} column {error.colno}"
        msg = f"{position}: not JSON: {error.msg}"
        raise DataError(msg) from None


# Checks.


def validate(entries: Iterable[LocatedEntry], config: Config) -> Iterator[LocatedEntry]:
    """Return checked copies of entries from Python code.

    Raises:
        DataError: an entry is not JSON, or does not fit the schema or the release.
    """
    return check_entries((copy_entry(entry, config) for entry in entries), config)


def copy_entry(located: LocatedEntry, config: Config) -> LocatedEntry:
    """Return a copy of an entry through JSON. Raises DataError if it differs.

    A profile may have values that are not JSON, such as NaN, which become null.
    """
    try:
        copy: Entry = orjson.loads(orjson.dumps(located.entry))
        is_same = copy == located.entry or config.serves_profile
        reason = "" if is_same else "a value that is not JSON"
    except TypeError as error:
        reason = str(error)
    if reason:
        msg = f"{located.place}: {reason}; allowed is {ALLOWED_VALUES}"
        raise DataError(msg)
    return located._replace(entry=copy)


def missing_members(entry: Any) -> list[str]:
    """Return the required members that the webhook request of an entry does not have.

    A recorded webhook request requires only its identifiers.
    """
    value = entry.get(_RECORD) if isinstance(entry, dict) and len(entry) == 1 else None
    record = value.get("record") if isinstance(value, dict) and "recorded" not in value else None
    if not isinstance(record, dict):
        return []
    return [name for name in _required_members() if name not in record]


@cache
def _required_members() -> tuple[str, ...]:
    return tuple(read_json("objects/webhook_request.json")["required"])


def check_entries(entries: Iterable[LocatedEntry], config: Config) -> Iterator[LocatedEntry]:
    """Yield ``entries``. Raises DataError if one does not fit the schema or the release.

    A mock of a profile accepts recorded data unchanged, except the members that it reads.

    A definition or a rule may be about an entity that the release does not have: releases can
    share reference data, and no webhook request can refer to it.
    """
    for located in entries:
        is_recorded = config.serves_profile and _is_recorded(located.entry)
        if not _quick_validator(is_recorded=is_recorded)(located.entry):
            _raise_mistake(located, _validator(is_recorded=is_recorded))
        if not is_recorded and _RECORD in located.entry:
            _check_entity(located, config.release)
        yield located


def _is_recorded(entry: Any) -> bool:
    """Return True for data of an instance: reference data, and recorded webhook requests."""
    if not (isinstance(entry, dict) and len(entry) == 1):
        return False
    ((kind, value),) = entry.items()
    return isinstance(value, dict) and (kind != _RECORD or "recorded" in value)


def _check_entity(located: LocatedEntry, release: Release) -> None:
    """Raise DataError if a webhook request has an entity that the release does not have."""
    entity = located.entry[_RECORD]["record"]["entity"]
    if entity not in release.entities:
        since = entities_since()[entity]
        msg = (
            f"{located.place}: entity {entity} is not in {release.name}; it is known from {since}; "
            f"start the mock with --release {since.partition('.')[0]}"
        )
        raise DataError(msg)


def _raise_mistake(located: LocatedEntry, validator: "Draft202012Validator") -> None:
    """Raise DataError with the mistake in an entry, if it has one."""
    names = missing_members(located.entry)
    if names:
        msg = f"{located.place}: the webhook request lacks {', '.join(names)}"
        raise DataError(msg)
    try:
        check(validator, located.entry, root="entry")
    except UsageError as error:
        allowed = error.allowed
        kind = error.parameter.partition(".")[0]
        if kind not in kinds():
            hint_at_kind = "" if kind == "entry" else _hint(error.parameter)
            allowed = f"one of {', '.join(kinds())}, such as {_EXAMPLE}{hint_at_kind}"
        raise DataError.of_member(
            located.place, error.parameter, seen=error.seen, allowed=allowed
        ) from None


@cache
def _quick_validator(*, is_recorded: bool) -> Callable[[Any], bool]:
    """Return a check for entries that is two hundred times as fast as ``_validator``."""
    if is_recorded:
        import jsonschema_rs  # only a mock of a profile needs it

        validator: Any = jsonschema_rs.validator_for(_recorded_schema())
    else:
        validator = compiled("world_entry", "strict")
    is_valid: Callable[[Any], bool] = validator.is_valid
    return is_valid


@cache
def _validator(*, is_recorded: bool) -> "Draft202012Validator":
    """Return the validator that explains the mistake in an entry."""
    if is_recorded:
        return strict_validator(_recorded_schema())
    schema = load_schema("world_entry", profile="strict")
    del schema["$schema"]  # it would make jsonschema fall back to its own validator class
    formats = {
        name: lambda value, read=read: not isinstance(value, str) or bool(read(value))
        for name, read in FORMATS.items()
    }
    return strict_validator(schema, formats)


def _recorded_schema() -> dict[str, Any]:
    """Return the schema of recorded data: it checks the members that the mock reads."""
    text, text_or_null = {"type": "string"}, {"type": ["string", "null"]}
    names = ("name", "alternative_code", "username", "entity", "url", "fields_set", "secret_key_id")
    reference = {
        "required": ["id"],
        "properties": {
            "id": text,
            **dict.fromkeys((*names, "key"), text_or_null),
            "webhook_definition_ids": {"type": "array", "items": text},
        },
    }
    record = {
        "type": "object",
        "required": ["id", "number", "life_cycle_state"],
        "properties": {
            "id": text,
            "number": text,
            "life_cycle_state": {"enum": ["SUCCESSFUL", "REJECTED"]},
        },
    }
    webhook_request = {"required": ["record"], "properties": {"record": record}}
    properties = {**dict.fromkeys(kinds(), reference), _RECORD: webhook_request}
    return {"properties": properties, "additionalProperties": False}
