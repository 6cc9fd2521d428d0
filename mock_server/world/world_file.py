"""Reading a world: entries or plain webhook requests, in JSON Lines, an array or an object.

An entry has one member, named for its kind. A plain webhook request is one as responses show it,
and stands for its entry. An object of arrays under the kinds' names is a whole world.

An empty file is an error: it is more likely the output of a program that failed. An empty world
is written ``{}``. A file is read no further than its first error, and no line, document or run of
blank lines longer than the limits below: a device or a pipe may never end.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import orjson

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.mock_server.protocol.request import encoding_of, json_type, why
from crmcom_kit.schemas import Release, response_fields, validator
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.releases import entities_since
from crmcom_kit.usage_errors import quoted

if TYPE_CHECKING:
    from jsonschema import ValidationError

Entry = dict[str, Any]
MAX_BLANK = 1024 * 1024  # bytes of blank lines before the first entry
MAX_ENTRY = 16 * 1024 * 1024  # bytes of a line
MAX_DOCUMENT = 512 * 1024 * 1024  # bytes of a document, whose text is in memory as a whole
MAX_VALUES = 16_000_000  # of a document that is read at once, counted by its commas
ALLOWED_VALUES = "JSON with whole numbers of 64 bits, in UTF-8, less than 254 deep"
_FORMS = {
    "crm-date-time": "a date and time of the form yyyy-MM-ddTHH:mm:ss",
    "crm-date": "a date of the form yyyy-MM-dd",
}
_MAX_REASON = 300
_BUFFER = 256 * 1024  # bytes; Python's own is smaller than many a line
# A number of 19 digits may be more than 64 bits hold. orjson makes a float of it, json does not.
_CLASSES = bytes.maketrans(b"0123456789[,- \t\r\n", b"0000000000:::::::")
_LONG_NUMBER = b":" + b"0" * 19  # in the classes of _CLASSES
# How an array of a document begins, and where an entry of it may end.
_ARRAY = re.compile(rb'\s*[{,]\s*"(\w+)"\s*:\s*\[\s*')
_BARE_ARRAY = re.compile(rb"\s*\[\s*")
_ENTRY_END = re.compile(rb"\}\s*(?:,\s*(?=\{)|(?=\]))")
_MAX_ATTEMPTS = 20  # to find the end of an entry
_ENTRY = re.compile(rb'\s*\{\s*"[^"]*"\s*:\s*\{')  # how a line with an entry begins


_RECORD = "webhook_request"


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
    given: str | Path | Iterable[Entry] | Entry, release: Release, name: str
) -> Iterator[LocatedEntry]:
    """Return the entries of the file at a path, or of a value that messages call ``name``.

    Raises:
        DataError: the file cannot be read, or an entry does not fit the schema or the release.
    """
    if isinstance(given, str | Path):
        return file_entries(Path(given), release)
    if isinstance(given, Mapping):
        return validated(_of_object(given, name), release)
    return validated(numbered(given, name), release)


def numbered(entries: Iterable[Entry], name: str) -> Iterator[LocatedEntry]:
    """Return entries whose places are ``name`` with their numbers."""
    return (located(entry, f"{name} {at}") for at, entry in enumerate(entries))


def file_entries(path: Path, release: Release) -> Iterator[LocatedEntry]:
    """Yield the entries of the world in the file at ``path``, each validated.

    Raises:
        DataError: the file cannot be read, or an entry does not fit the schema or the release.
    """
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            yield from read_entries(file, release, place=f"data {path}")
    except OSError as error:
        msg = f"data {path}: cannot be read: {error.strerror}"
        raise DataError(msg) from None


def read_entries(
    file: IO[bytes], release: Release, *, place: str, may_lack: bool = False
) -> Iterator[LocatedEntry]:
    """Return the entries of a world in ``file``, each validated; messages call it ``place``.

    With ``may_lack``, a webhook request that lacks members is not validated.

    Raises:
        DataError: an entry does not fit the schema or the release.
    """
    return checked(_entries(file, place), release, may_lack=may_lack)


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


def validated(entries: Iterable[LocatedEntry], release: Release) -> Iterator[LocatedEntry]:
    """Return copies of entries that Python code made, each validated.

    Raises:
        DataError: an entry is not JSON, or does not fit the schema or the release.
    """
    return checked((one._replace(entry=_as_json(one)) for one in entries), release)


def _entries(file: IO[bytes], place: str) -> Iterator[LocatedEntry]:
    """Find out from its first line which form the file has, and read it."""
    number, first = _first_line(file, place)
    if _is_whole(first):
        rest = iter(lambda: file.readline(MAX_ENTRY + 1), b"")
        yield from _lines(chain([first], rest), place, number)
    elif first.lstrip()[:1] in (b"{", b"["):
        text = first + file.read(max(0, MAX_DOCUMENT + 1 - len(first)))
        yield from _document(text, place, number)
    else:
        here = f"{place} line {number}"
        msg = f"{here}: seen {json_type(_start(first, here))}; allowed is {_allowed()}"
        raise DataError(msg)


def _is_whole(first: bytes) -> bool:
    """Return True if a first line is an entry or a webhook request, or meant as an entry."""
    if _ENTRY.match(first):
        return True
    if _ARRAY.match(first) or not first.lstrip().startswith(b"{"):
        return False
    try:
        return bool(_loads(first))
    except (ValueError, RecursionError):
        return False


def _first_line(file: IO[bytes], place: str) -> tuple[int, bytes]:
    """Return the first line that is not blank, and its number."""
    number, blank = 1, 0
    first = file.readline(MAX_ENTRY + 1).removeprefix(BOM_UTF8)
    while first and not first.strip():
        number, blank = number + 1, blank + len(first)
        if blank > MAX_BLANK:
            msg = f"{place}: it begins with more than {MAX_BLANK:,} bytes of blank lines"
            raise DataError(msg)
        first = file.readline(MAX_ENTRY + 1)
    if not first:
        msg = f"{place}: it is empty; allowed is {_allowed()}; {{}} is an empty world"
        raise DataError(msg)
    encoding = encoding_of(first)
    if encoding is not None:
        msg = f"{place} line {number}: seen {encoding.name}; allowed is UTF-8, not compressed"
        raise DataError(msg)
    return number, first


def _start(first: bytes, here: str) -> object:
    """Return the value that a file begins with. Raises DataError if it is not JSON."""
    try:
        return orjson.loads(first[:_MAX_REASON])
    except orjson.JSONDecodeError as error:
        msg = f"{here} column {error.colno}: not JSON: {error.msg}"
        raise DataError(msg) from None


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
    count = 0
    try:
        for one in _one_by_one(text, place):
            yield one
            count += 1
    except _Unusual:
        yield from islice(_at_once(text, place, start), count, None)


class _Unusual(Exception):
    """A document that cannot be read entry by entry, or is not valid."""


def _one_by_one(text: bytes, place: str) -> Iterator[LocatedEntry]:
    """Yield the entries of a document while the next ones are still text.

    Raises _Unusual at the first thing that is not written as usual.
    """
    bare = _BARE_ARRAY.match(text)
    if bare:
        at = yield from _elements(text, bare.end(), place, None)
    else:
        at = 0
        while (array := _ARRAY.match(text, at)) and array[1].decode() in kinds():
            at = yield from _elements(text, array.end(), place, array[1].decode())
    if text[at:].strip() != (b"" if bare else b"}"):
        raise _Unusual


def _elements(
    text: bytes, at: int, place: str, kind: str | None
) -> Generator[LocatedEntry, None, int]:
    """Yield the elements of an array of one kind or of any; return where it ends."""
    where = f"{place} " if kind is None else f"{place} /{kind}"
    number = 0
    while text.startswith(b"{", at):
        value, at = _next_entry(text, at)
        yield located(value if kind is None else {kind: value}, f"{where}/{number}")
        number += 1
    if not text.startswith(b"]", at):
        raise _Unusual
    return at + 1


def _next_entry(text: bytes, start: int) -> tuple[Any, int]:
    """Return the entry that begins at ``start``, and where what follows it begins.

    It ends at the first place where it can end and what is read is valid: no part of an object that
    ends earlier is.
    """
    end = start
    for _ in range(_MAX_ATTEMPTS):
        found = _ENTRY_END.search(text, end, start + MAX_ENTRY)
        if found is None:
            break
        end = found.start() + 1
        try:
            return _loads(text[start:end]), found.end()
        except (ValueError, RecursionError):
            continue
    raise _Unusual


def _at_once(text: bytes, place: str, start: int) -> Iterator[LocatedEntry]:
    """Yield the entries of a document after reading all of it. Raises DataError."""
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
    """Yield the entries of one object: a webhook request, an entry, or a world in arrays."""
    is_entry = len(value) == 1 and not isinstance(next(iter(value.values())), list)
    if _is_plain(value) or (is_entry and next(iter(value)) in kinds()):
        yield located(dict(value), place)
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
    entries: Iterable[LocatedEntry], release: Release, *, may_lack: bool = False
) -> Iterator[LocatedEntry]:
    """Yield ``entries``. Raises DataError at one that does not fit the schema or the release.

    A definition or a rule may be about an entity that the release lacks: no webhook request can
    refer to it then, and reference data can be shared between releases.
    """
    # Imported when needed: the packaged sample world is not validated.
    from crmcom_kit.schemas.loader import quick_validator

    fits = quick_validator("world_entry", "strict")
    for one in entries:
        entry, place, _ = one
        if may_lack and lacking(entry):
            yield one
            continue
        if not fits(entry):
            _explain(one)
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


def _explain(wrong: LocatedEntry) -> None:
    """Say what is wrong with an entry, if anything is. Raises DataError."""
    from jsonschema.exceptions import best_match

    best = best_match(validator("world_entry", "strict").iter_errors(wrong.entry))
    if best is None:
        return
    together = [best]
    if best.validator == "required" and best.parent is None:  # name all that are missing at once
        errors = validator("world_entry", "strict").iter_errors(wrong.entry)
        together = [error for error in errors if error.json_path == best.json_path]
    reasons = "; ".join(dict.fromkeys(_reason(error) for error in together))
    path = best.json_path
    if wrong.is_plain:
        path = path.replace(f"$.{_RECORD}.record", "$", 1)
    msg = f"{wrong.place}: {_short(f'{path}: {reasons}')}"
    raise DataError(msg)


def _reason(error: "ValidationError") -> str:
    """Return what is wrong, with the value shortened."""
    seen: Any = error.instance
    if error.validator == "format":
        return f"{quoted(seen)} is not {_FORMS[str(error.validator_value)]}"
    allowed = f"; allowed are entries of {', '.join(kinds())}, such as {_EXAMPLE}"
    if error.validator in ("minProperties", "maxProperties"):
        return f"{len(seen)} members{allowed}"
    if error.validator == "additionalProperties" and len(error.absolute_path) == 1:
        return f"{error.message}{allowed}"
    value = repr(seen)
    if seen and _may_be_secret(*error.absolute_path):
        safe = quoted(seen, secret=True) if isinstance(seen, str) else json_type(seen)
        return error.message.replace(value, safe)
    return error.message.replace(value, quoted(seen)) if len(value) > 40 else error.message


def _may_be_secret(kind: object = "secret_key", *members: object) -> bool:
    """Return True if a place in an entry may hold a key: the entry, or a part of unknown kind."""
    return kind == "secret_key" and members[:1] not in (("id",), ("name",))


def _short(text: str) -> str:
    """Return ``text`` as one printable line of limited length."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_MAX_REASON])
    return line if len(text) <= _MAX_REASON else f"{line}…"


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
