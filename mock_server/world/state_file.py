"""The file of ``serve --state``: the content of a world as a log of its changes.

Each line is a JSON object with one member. The first says what made the file (``state``). An entry
of a world file is new, or takes the place of the one with the same id. ``deleted`` has id and
number of a record that is gone, which stay taken. ``end`` ends a change, and has how many ids were
drawn: what follows the last one is a change that was not written completely, and has not happened.

A change is written before it can be seen. It is not forced to the disk: what a process has written
outlives the process, whichever way that ends, but not a machine that loses its power.
"""

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.export import entries_of, record_entry, reference_entry
from crmcom_kit.mock_server.world.import_ import InitialContent, import_entries
from crmcom_kit.mock_server.world.reference_data import ReferenceData
from crmcom_kit.mock_server.world.world_file import (
    MAX_ENTRY,
    DataError,
    LocatedEntry,
    checked,
    kinds,
    parsed,
)
from crmcom_kit.usage_errors import UsageError

_FORMAT = 1
_RECORD = "webhook_request"
_BUFFER = 256 * 1024  # bytes
_OTHER_DIAL = "delivery.script"  # says what deliveries will do, and nothing about the content
_MAX_DIALS = 3  # in a message


class NotWritten(UsageError):
    """The state file cannot be written; nothing has changed."""

    status = 503


class KeptContent(NamedTuple):
    """What a state file has."""

    content: InitialContent
    drawn: int  # ids
    cut_off: int  # bytes at the end of the file that are not a complete change


class _Lines(NamedTuple):
    """The lines of a state file that still say something, each with its number."""

    reference_data: list[tuple[int, bytes]]
    records: dict[str, tuple[int, bytes]]  # by id, in the order in which they were new
    deleted: dict[str, tuple[int, bytes]]  # by id


class StateFile:
    """The state file of one world. No other process may use it until this one ends."""

    def __init__(self, path: Path, config: Config) -> None:
        """Lock the file at ``path``, which need not exist, for a world of ``config``.

        Raises DataError: it is in use, made by another release or dialect, or not a state file.
        """
        self._path = Path(os.path.realpath(path))  # a link stays a link
        self._config = config
        self._place = f"state {path}"
        self._lock = threading.Lock()  # taken while a store's lock is held, never before it
        self._epoch: Epoch | None = None  # whose changes are written
        self._file: IO[bytes] | None = None
        self._size = 0
        self._torn = False  # True if the last change was written in part, and did not happen
        self._reference_data = ReferenceData()
        try:
            if self._exists():
                with self._path.open("rb") as file:
                    self._check_first_line(file)  # before there is a lock beside another's file
            self._process_lock = self._locked()
        except OSError as error:
            msg = (
                f"{self._place}: cannot be used: {error.strerror}; "
                "allowed is a file in a writable folder"
            )
            raise DataError(msg) from None

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self._size

    def _exists(self) -> bool:
        """Return False if there is no file, or an empty one. Raises OSError, DataError."""
        if not self._path.exists():
            return False
        if not self._path.is_file():
            msg = f"{self._place}: it is not a regular file"
            raise DataError(msg)
        return self._path.stat().st_size > 0

    def _locked(self) -> IO[bytes]:
        """Lock a file beside the state file, which is replaced now and then; return it.

        The system unlocks it when the process ends, killed or not.
        """
        file = self._path.with_name(f"{self._path.name}.lock").open("ab")
        try:
            if sys.platform == "win32":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            file.close()
            msg = f"{self._place}: another process uses it; stop that process, or name another file"
            raise DataError(msg) from None
        return file

    def close(self) -> None:
        """Write no more changes, and let other processes use the file."""
        with self._lock:
            self._epoch = None
            for file in (self._file, self._process_lock):
                if file is not None:
                    file.close()

    # Reading.

    def read(self) -> KeptContent | None:
        """Return the content of the file; None if it is new or empty. Raises DataError."""
        try:
            if not self._exists():
                return None
            with self._path.open("rb", buffering=_BUFFER) as file:
                self._check_first_line(file)
                lines, drawn, end = self._lines(file)
                cut_off = file.seek(0, os.SEEK_END) - end
        except OSError as error:
            msg = f"{self._place}: cannot be read: {error.strerror}"
            raise DataError(msg) from None
        entries = checked(self._entries(lines), self._config.release)
        content = import_entries(self._config, entries, by_age=False)
        deleted = [self._id_and_number(*one) for one in lines.deleted.values()]
        store = content.store
        for own_id, number in deleted:
            if store.ever_existed("id", own_id) or store.ever_existed("number", number):
                msg = f"{self._place}: webhook request {number} is both deleted and present"
                raise DataError(msg)
        store.insert_deleted(deleted)
        return KeptContent(content, drawn, cut_off)

    def _entries(self, lines: _Lines) -> Iterator[LocatedEntry]:
        for number, line in (*lines.reference_data, *lines.records.values()):
            yield LocatedEntry(parsed(line, self._place, number), self._line(number))

    def _id_and_number(self, number: int, line: bytes) -> tuple[str, str]:
        value = parsed(line, self._place, number)["deleted"]
        return value["id"], str(value.get("number"))

    def _line(self, number: int) -> str:
        return f"{self._place} line {number}"

    def _first_line(self) -> dict[str, Any]:
        dialect = self._config.dialect.changes()
        dialect.pop(_OTHER_DIAL, None)
        made_by = {"format": _FORMAT, "release": self._config.release.name, "dialect": dialect}
        return {"state": made_by}

    def _check_first_line(self, file: IO[bytes]) -> None:
        """Read the first line. Raises DataError unless this release and dialect have made it."""
        try:
            here = orjson.loads(file.readline(MAX_ENTRY))["state"]
            made_in, release, dialect = here["format"], here["release"], dict(here["dialect"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            msg = (
                f"{self._place}: it is not a state file; allowed is a file made by --state, "
                "or a new name; --data reads a world file"
            )
            raise DataError(msg) from None
        mine = orjson.loads(orjson.dumps(self._first_line()))["state"]
        if made_in != _FORMAT:
            msg = f"{self._place}: seen format {made_in}; allowed is {_FORMAT}"
            raise DataError(msg)
        if release != mine["release"]:
            msg = (
                f"{self._place}: seen release {release}; allowed is {mine['release']}, "
                "the release of this mock"
            )
            raise DataError(msg)
        if dialect != mine["dialect"]:
            keys = sorted(dialect.keys() | mine["dialect"].keys())
            other = [key for key in keys if dialect.get(key) != mine["dialect"].get(key)]
            more = "" if len(other) <= _MAX_DIALS else f" and {len(other) - _MAX_DIALS} more"
            named = f"{', '.join(other[:_MAX_DIALS])}{more}"
            msg = (
                f"{self._place}: seen another dialect; allowed is the dialect of this mock, "
                f"which differs in {named}"
            )
            raise DataError(msg)

    def _lines(self, file: IO[bytes]) -> tuple[_Lines, int, int]:
        """Read the changes; return them, how many ids were drawn, and where the last one ends."""
        found, drawn, end = _Lines([], {}, {}), 0, file.tell()
        # Bytes, since the first change of a file is all that a world had then.
        change: list[tuple[int, bytes, str, str]] = []
        for number, line in enumerate(iter(partial(file.readline, MAX_ENTRY + 1), b""), 2):
            if not line.endswith(b"\n"):
                if len(line) > MAX_ENTRY:
                    msg = f"{self._line(number)}: longer than {MAX_ENTRY:,} bytes"
                    raise DataError(msg)
                break  # cut off
            try:
                ((kind, value),) = parsed(line, self._place, number).items()
                if kind == "end":
                    for one in change:
                        _apply(found, *one)
                    drawn, end, change = int(value["ids"]), file.tell(), []
                else:
                    own_id = (value["record"] if kind == _RECORD else value)["id"]
                    change.append((number, line, kind, own_id))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                if isinstance(error, DataError):
                    raise
                msg = f"{self._line(number)}: it is not a line of a state file"
                raise DataError(msg) from None
        return found, drawn, end

    # Writing.

    def begin(self, epoch: Epoch) -> None:
        """Replace the file with the content of ``epoch``, whose changes are written from now on.

        Its store cannot change meanwhile. Changes of another epoch are not written any more.

        Raises NotWritten: the file is as before.
        """
        epoch.store.listen(partial(self._change, epoch), partial(self._replace, epoch))

    def _replace(self, epoch: Epoch, store: Store) -> None:
        new = self._path.with_name(f"{self._path.name}.new")
        with self._lock:
            try:
                with open(new, "wb", buffering=_BUFFER, opener=_for_its_owner) as file:
                    file.write(orjson.dumps(self._first_line()) + b"\n")
                    entries = entries_of(epoch.reference_data, store.records())
                    file.writelines(entry + b"\n" for _, entry in entries)
                    file.writelines(_deleted(*one) for one in store.deleted())
                    file.write(_end(epoch))
                    size = file.tell()
                    file.flush()
                    os.fsync(file.fileno())  # once; so that no crash leaves an empty file
                self._swap(new)
            except OSError as error:
                with suppress(OSError):
                    new.unlink(missing_ok=True)
                raise self._not_written(error) from None
            self._epoch, self._size, self._torn = epoch, size, False
            self._reference_data = epoch.reference_data

    def _swap(self, new: Path) -> None:
        """Put the file at ``new`` in place; Windows wants the one before closed."""
        if self._file is not None:
            self._file.close()
            self._file = None
        new.replace(self._path)

    def _change(
        self,
        epoch: Epoch,
        changed: Iterable[Record],
        deleted: Iterable[Record],
        reference_data: ReferenceData | None,
    ) -> None:
        """Append a change. Raises NotWritten."""
        with self._lock:
            if epoch is not self._epoch:
                return
            known, new = self._reference_data, list[bytes | None]()
            if reference_data is not None:
                new += self._new_in(reference_data)
                known = reference_data if new else known
            lines = [entry + b"\n" for entry in new if entry is not None]
            lines += [record_entry(one, known) + b"\n" for one in changed]
            lines += [_deleted(one.id, one.number) for one in deleted]
            self._append(b"".join((*lines, _end(epoch))))
            self._reference_data = known

    def _new_in(self, reference_data: ReferenceData) -> Iterator[bytes | None]:
        """Yield the entry of each object that was not there before; objects are only added."""
        for kind in kinds():
            if kind != _RECORD:
                before = len(self._reference_data.directory(kind))
                for value in islice(reference_data.directory(kind), before, None):
                    yield reference_entry(kind, value)

    def _append(self, lines: bytes) -> None:
        try:
            if self._file is None:
                self._file = self._path.open("ab", buffering=0)
            if self._torn:
                self._file.truncate(self._size)
            self._torn = True
            rest = memoryview(lines)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._not_written(error) from None
        self._torn = False
        self._size += len(lines)

    def _not_written(self, error: OSError) -> NotWritten:
        seen = f"{self._path.name}: {error.strerror}"
        return NotWritten("state", seen=seen, allowed="a writable file")


def _for_its_owner(path: str, flags: int) -> int:
    """Open a file that no other user may read: it has the keys that sign webhooks."""
    return os.open(path, flags, 0o600)


def _apply(found: _Lines, number: int, line: bytes, kind: str, own_id: str) -> None:
    """Add a line of a complete change to those found. Raises TypeError if it has no proper id."""
    if kind == _RECORD:
        found.records[own_id] = (number, line)
    elif kind == "deleted":
        found.records.pop(own_id, None)
        found.deleted[own_id] = (number, line)
    else:
        found.reference_data.append((number, line))


def _deleted(own_id: str, number: str) -> bytes:
    return orjson.dumps({"deleted": {"id": own_id, "number": number}}) + b"\n"


def _end(epoch: Epoch) -> bytes:
    return b'{"end":{"ids":%d}}\n' % epoch.ids.drawn
