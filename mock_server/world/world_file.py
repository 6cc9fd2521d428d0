"""Reading a world: entries or plain webhook requests, in JSON Lines, an array or an object.

An entry has one member, named for its kind. A plain webhook request is one as responses show it,
and stands for its entry. An object of arrays under the kinds' names is a whole world, and so is a
response of show or list.

A file without entries is an error: it is more likely the output of a program that failed. An empty
world is written ``{}``. No line or document longer than the limits below is read: a device or a
pipe may never end.
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
from crmcom_kit.mock_server.schema_errors import check, json_type, strict_validator
from crmcom_kit.schemas import Release, load_schema, response_fields
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.formats import FORMATS
from crmcom_kit.schemas.loader import compiled
from crmcom_kit.schemas.releases import entities_since
from crmcom_kit.usage_errors import UsageError, hint, phrase, quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

Entry = dict[str, Any]
MAX_ENTRY = 16 * 1024 * 1024  # bytes of a line
MAX_DOCUMENT = 64 * 1024 * 1024  # bytes of an array or object, which is in memory as a whole
#: What a webhook request that is added may have instead of a date in log_information.
CREATED = ("age", "created_date")
ALLOWED_VALUES = "JSON with whole numbers of 64 bits, in UTF-8, less than 254 deep"
#: Gets how many bytes of a file were read.
Progress = Callable[[int], None]
_AT_ONCE = 500  # entries between two looks at the progress
_BUFFER = 256 * 1024  # bytes; Python's own is smaller than many a line
_RECORD = "webhook_request"


class DataError(UsageError):
    """A world that cannot be loaded: where, what was seen, what is allowed."""

    def __init__(self, text: str, parameter: str = "", **facts: str) -> None:
        """Say ``text``; ``parameter`` and ``facts`` are in it if it is about one member."""
        super().__init__(parameter, **facts)
        self.args = (text,)

    @classmethod
    def of_member(cls, place: str, name: str, *, seen: str, allowed: str) -> "DataError":
        """Return the error that a member of the entry at ``place`` is wrong."""
        return cls(f"{place}: {phrase(name, seen, allowed)}", name, seen=seen, allowed=allowed)


class LocatedEntry(NamedTuple):
    """An entry, and where it is, for messages."""

    entry: Entry
    place: str


def as_located(value: Any, place: str) -> LocatedEntry:
    """Return a value as an entry: a plain webhook request becomes one."""
    if isinstance(value, dict) and _is_plain(value):
        value = {_RECORD: {"record": value}}
    return LocatedEntry(value, place)


def _is_plain(value: Mapping[str, Any]) -> bool:
    return not _record_members().isdisjoint(value) or any(name in value for name in CREATED)


@cache
def _record_members() -> frozenset[str]:
    """Return the members of a webhook request that are no kind of an entry."""
    return frozenset(response_fields()) - frozenset(kinds())


def kinds() -> tuple[str, ...]:
    """Return the kinds of entries that a world has."""
    return tuple(read_json("objects/world_entry.json")["properties"])


# Where entries come from.


def sample_entries(release: Release) -> Iterator[LocatedEntry]:
    """Yield the packaged sample world, as far as ``release`` knows its entities.

    It is not validated: a test holds that it is valid.
    """
    with sample_world_path().open("rb") as file:
        for located in read_entries(file, "sample world"):
            ((kind, value),) = located.entry.items()
            entity = value["record"]["entity"] if kind == _RECORD else value.get("entity")
            if entity is None or entity in release.entities:
                yield located


def given_entries(
    source: str | Path | Iterable[Mapping[str, Any]] | Mapping[str, Any],
    config: Config,
    name: str,
    progress: Progress | None = None,
) -> Iterator[LocatedEntry]:
    """Return the entries of the file at a path, or of a value; messages call either ``name``.

    ``progress`` gets how many bytes of the file were read, now and then.

    Raises:
        DataError: the file cannot be read, or an entry does not fit the schema or the release.
    """
    if isinstance(source, str | Path):
        return checked(_file_entries(Path(source), name, progress), config)
    if not isinstance(source, Iterable) or isinstance(source, bytes):
        allowed = "world entries, webhook requests, or the path of a file of them"
        raise DataError(phrase(name, quoted(source), allowed))
    name = f"{name} entry"
    entries = _of_object(source, name) if isinstance(source, Mapping) else numbered(source, name)
    return validated(entries, config)


def numbered(entries: Iterable[Mapping[str, Any]], name: str) -> Iterator[LocatedEntry]:
    """Return entries whose places are ``name`` with their numbers."""
    return (as_located(entry, f"{name} {at}") for at, entry in enumerate(entries))


def _file_entries(path: Path, name: str, progress: Progress | None) -> Iterator[LocatedEntry]:
    place = f"{name} {path}"
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            for at, entry in enumerate(read_entries(file, place)):
                if progress is not None and at % _AT_ONCE == 0 and file.seekable():
                    progress(file.tell())
                yield entry
    except OSError as error:
        msg = f"{place}: cannot be read: {error.strerror}"
        raise DataError(msg) from None


def read_entries(file: IO[bytes], place: str) -> Iterator[LocatedEntry]:
    """Yield the entries in ``file``, which messages call ``place``; they are not checked.

    The first line that is not blank decides its form. Raises DataError.
    """
    lines = iter(lambda: file.readline(MAX_ENTRY + 1), b"")
    for number, line in enumerate(lines, 1):
        first = line.removeprefix(BOM_UTF8) if number == 1 else line
        if first.strip():
            break
    else:
        raise _empty(place)
    if _begins_document(first):
        yield from _document(first + file.read(MAX_DOCUMENT + 1 - len(first)), place, number)
    else:
        yield from _lines(chain([first], lines), place, number)


def _begins_document(first: bytes) -> bool:
    """Return True if a file that begins with this line is one array or object."""
    begin = first.lstrip()[:1]
    if begin != b"{":
        return begin == b"["
    try:
        value = orjson.loads(first)
    except orjson.JSONDecodeError:
        return True
    return not _is_entry(value)


def _is_entry(value: Mapping[str, Any]) -> bool:
    """Return True if an object is a webhook request or meant as an entry, and not a whole world."""
    return _is_plain(value) or (
        len(value) == 1 and not isinstance(next(iter(value.values())), list)
    )


def _empty(place: str) -> DataError:
    return DataError(f"{place}: it is empty; allowed is {_allowed()}; {{}} is an empty world")


_EXAMPLE = '{"webhook_request": {"record": {…}}}'


def _nearest(name: str) -> str:
    """Return the kind of an entry or the member of a webhook request that is probably meant."""
    known = (*kinds(), *_record_members(), *CREATED)
    return "" if name in known else hint(name, sorted(known))


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
            yield as_located(parsed(text, place, number), here)


def _document(text: bytes, place: str, start: int) -> Iterator[LocatedEntry]:
    """Yield the entries of the document ``text``, which begins in line ``start``."""
    if len(text) > MAX_DOCUMENT:
        msg = f"{place}: a document longer than {MAX_DOCUMENT:,} bytes; JSON Lines have no limit"
        raise DataError(msg)
    document = parsed(text, place, start)
    if isinstance(document, list):
        yield from _of_array(document, place, "")
    else:
        yield from _of_object(document, place)


def _of_array(values: list[Any], place: str, member: str) -> Iterator[LocatedEntry]:
    if not values:
        raise _empty(f"{place} {member}".rstrip())
    for number, value in enumerate(values):
        yield as_located(value, f"{place} {member}/{number}")


def _of_object(value: Mapping[str, Any], place: str) -> Iterator[LocatedEntry]:
    """Yield the entries of one object: a webhook request, an entry, a response, or a world."""
    if _is_entry(value):
        yield as_located(dict(value), place)
        return
    if value.keys() == {"status", "data"}:
        data = value["data"]
        yield from _of_array(data if isinstance(data, list) else [data], place, "/data")
        return
    for kind, entries in value.items():
        if kind not in kinds() or not isinstance(entries, list):
            seen = f"{quoted(kind)} with {json_type(entries)}"
            msg = f"{place}: {seen} is not allowed; allowed is {_allowed()}{_nearest(kind)}"
            raise DataError(msg)
    for kind in kinds():  # reference data first
        for number, entry in enumerate(value.get(kind, ())):
            yield LocatedEntry({kind: entry}, f"{place} /{kind}/{number}")


def parsed(text: bytes, place: str, start: int) -> Any:
    """Return the value of ``text``, which begins in line ``start``. Raises DataError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = f"{place} line {error.lineno + start - 1} column {error.colno}"
        msg = f"{where}: not JSON: {error.msg}"
        raise DataError(msg) from None


# What is allowed.


def validated(entries: Iterable[LocatedEntry], config: Config) -> Iterator[LocatedEntry]:
    """Return copies of entries that Python code made, each checked.

    Raises:
        DataError: an entry is not JSON, or does not fit the schema or the release.
    """
    return checked((copied(entry, config) for entry in entries), config)


def copied(located: LocatedEntry, config: Config) -> LocatedEntry:
    """Return a copy of an entry as it comes back from JSON. Raises DataError if it differs.

    An instance may have shown what is no JSON, such as NaN: a mock of its profile shows null.
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


def lacking(entry: Any) -> list[str]:
    """Return the members that the webhook request of an entry needs and lacks.

    One that is recorded needs only those by which it is found.
    """
    value = entry.get(_RECORD) if isinstance(entry, dict) and len(entry) == 1 else None
    record = value.get("record") if isinstance(value, dict) and "recorded" not in value else None
    return [name for name in _needed() if name not in record] if isinstance(record, dict) else []


@cache
def _needed() -> tuple[str, ...]:
    return tuple(read_json("objects/webhook_request.json")["required"])


def checked(entries: Iterable[LocatedEntry], config: Config) -> Iterator[LocatedEntry]:
    """Yield ``entries``. Raises DataError at one that does not fit the schema or the release.

    A mock of a profile takes what an instance has shown as it is, except for what the mock reads.

    A definition or a rule may be about an entity that the release lacks: no webhook request can
    refer to it then, and reference data can be shared between releases.
    """
    for located in entries:
        recorded = config.serves_profile and _is_recorded(located.entry)
        if not _quick_validator(recorded=recorded)(located.entry):
            _refuse(located, _validator(recorded=recorded))
        if not recorded and _RECORD in located.entry:
            _check_entity(located, config.release)
        yield located


def _is_recorded(entry: Any) -> bool:
    """Return True for what an instance has shown: reference data, and recorded webhook requests."""
    if not (isinstance(entry, dict) and len(entry) == 1):
        return False
    ((kind, value),) = entry.items()
    return isinstance(value, dict) and (kind != _RECORD or "recorded" in value)


def _check_entity(located: LocatedEntry, release: Release) -> None:
    """Raise DataError if a webhook request is about an entity that the release lacks."""
    entity = located.entry[_RECORD]["record"]["entity"]
    if entity not in release.entities:
        since = entities_since()[entity]
        msg = (
            f"{located.place}: entity {entity} is not in {release.name}; it is known from {since}; "
            f"start the mock with --release {since.partition('.')[0]}"
        )
        raise DataError(msg)


def _refuse(wrong: LocatedEntry, validator: "Draft202012Validator") -> None:
    """Say what is wrong with an entry, if anything is. Raises DataError."""
    needed = lacking(wrong.entry)
    if needed:
        msg = f"{wrong.place}: the webhook request lacks {', '.join(needed)}"
        raise DataError(msg)
    try:
        check(validator, wrong.entry, root="entry")
    except UsageError as error:
        allowed = error.allowed
        if not error.parameter.startswith(kinds()):
            allowed = f"one of {', '.join(kinds())}, such as {_EXAMPLE}"
            allowed += _nearest(error.parameter)
        raise DataError.of_member(
            wrong.place, error.parameter, seen=error.seen, allowed=allowed
        ) from None


@cache
def _quick_validator(*, recorded: bool) -> Callable[[Any], bool]:
    """Return what finds wrong entries, some two hundred times as quickly as ``_validator``."""
    if recorded:
        import jsonschema_rs  # when needed: only a mock of a profile does

        validator: Any = jsonschema_rs.validator_for(_recorded_schema())
    else:
        validator = compiled("world_entry", "strict")
    fits: Callable[[Any], bool] = validator.is_valid
    return fits


@cache
def _validator(*, recorded: bool) -> "Draft202012Validator":
    """Return what says why an entry is wrong."""
    if recorded:
        return strict_validator(_recorded_schema())
    schema = load_schema("world_entry", profile="strict")
    del schema["$schema"]  # it would make jsonschema fall back to its own validator class
    formats = {
        name: lambda value, read=read: not isinstance(value, str) or bool(read(value))
        for name, read in FORMATS.items()
    }
    return strict_validator(schema, formats)


def _recorded_schema() -> dict[str, Any]:
    """Return the schema of what an instance has shown: what the mock reads has its type."""
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
