"""The file of ``serve --state``: the content of a world as a log of its changes.

The first line says how long the log is, how many ids were drawn, and the checksum of both; it is
written anew after each change. The second says which release and dialect made the file. Then
an entry of a world file is new, or takes the place of the one with the same id, and ``deleted``
has id and number of a record that is gone, which stay taken.

A change is written before it can be seen: first its lines, then the first line of the file. Bytes
beyond the length that this one says are a change that was not completed, and has not happened. A
file that is shorter, or has other bytes, is damaged, and refused. Nothing is forced to the disk:
what a process has written outlives the process, whichever way that ends, but not a machine that
loses its power.
"""

import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn
from zlib import crc32

import orjson

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.export import exported, record_line, reference_line
from crmcom_kit.mock_server.world.import_ import import_entries
from crmcom_kit.mock_server.world.reference_data import Content, ReferenceData
from crmcom_kit.mock_server.world.world_file import (
    DataError,
    LocatedEntry,
    checked,
    kinds,
    parsed,
)
from crmcom_kit.usage_errors import UsageError

_FORMAT = 2
_FIRST_LINE = re.compile(
    rb'\{"state":(\d+),"bytes": *(\d{1,15}),"ids": *(\d{1,15}),"crc32": *(\d{1,10})\}\n'
)
_RECORD, _DELETED = "webhook_request", "deleted"
_BUFFER = 256 * 1024  # bytes
_OTHER_DIAL = "delivery.script"  # says what deliveries will do, and nothing about the content
_MAX_DIALS = 3  # in a message


class NotWritten(UsageError):
    """The state file cannot be written; nothing has changed."""

    status = 503


class KeptContent(NamedTuple):
    """What a state file has."""

    content: Content
    drawn: int  # ids
    cut_off: int  # bytes at the end of the file, of a change that was not completed


class _Extent(NamedTuple):
    """The first line of a state file: how much of the file counts."""

    size: int  # bytes of the whole file
    ids: int  # how many were drawn
    checksum: int  # of all other lines

    def line(self) -> bytes:
        """Return the line, which has the same length for all files."""
        checksum = crc32(b"%d %d" % (self.size, self.ids), self.checksum)
        numbers = _FORMAT, self.size, self.ids, checksum
        return b'{"state":%d,"bytes":%15d,"ids":%15d,"crc32":%10d}\n' % numbers

    def after(self, lines: bytes, ids: int) -> "_Extent":
        """Return the extent of a file to which ``lines`` were appended."""
        return _Extent(self.size + len(lines), ids, crc32(lines, self.checksum))


_HEAD = len(_Extent(0, 0, 0).line())
_NEW = _Extent(_HEAD, 0, 0)


# The lines of a state file that still say something: by kind and id, each with its number.
_Lines = dict[tuple[str, str], tuple[int, bytes]]


class StateFile:
    """The state file of one world. No other process may use it until this one ends."""

    def __init__(self, path: Path, config: Config) -> None:
        """Lock the file at ``path``, which need not exist, for a world of ``config``.

        Raises DataError: it is in use, or not a state file.
        """
        self._path = Path(os.path.realpath(path))  # a link stays a link
        self._config = config
        self._place = f"state {path}"
        dialect = config.dialect.changes()
        dialect.pop(_OTHER_DIAL, None)
        made_by = {"release": config.release.name, "dialect": dialect}
        self._made_by = orjson.dumps(made_by) + b"\n"  # the second line
        self._lock = threading.Lock()  # taken while a store's lock is held, never before it
        self._epoch: Epoch | None = None  # whose changes are written
        self._file: IO[bytes] | None = None
        self._extent = _NEW
        self._reference_data = ReferenceData()
        try:
            if self._exists():
                with self._path.open("rb") as file:
                    self._first_line(file)  # before there is a lock beside another's file
            self._process_lock = self._locked()
        except OSError as error:
            msg = (
                f"{self._place}: cannot be used: {error.strerror}; "
                "allowed is a file in a writable folder"
            )
            raise DataError(msg) from None

    def _exists(self) -> bool:
        """Return whether there is a file. Raises OSError, DataError."""
        if not self._path.exists():
            return False
        if not self._path.is_file():
            msg = f"{self._place}: it is not a regular file"
            raise DataError(msg)
        return True

    def _locked(self) -> IO[bytes]:
        """Lock a file beside the state file, which is replaced now and then; return it.

        The system unlocks it when the process ends, killed or not.
        """
        path = self._path.with_name(f"{self._path.name}.lock")
        file = open(path, "ab", opener=_for_its_owner)  # noqa: SIM115 - open until close()
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
        """Return the content of the file; None if there is no file. Raises DataError."""
        try:
            if not self._exists():
                return None
            with self._path.open("rb", buffering=_BUFFER) as file:
                extent = self._check(file)
                lines = self._lines(file, extent)
                cut_off = file.seek(0, os.SEEK_END) - extent.size
        except OSError as error:
            msg = f"{self._place}: cannot be read: {error.strerror}"
            raise DataError(msg) from None
        entries = checked(
            self._entries(lines), self._config.release, of_profile=self._config.serves_profile
        )
        content = import_entries(self._config, entries, by_age=False)
        content.store.insert_deleted(
            (own_id, str(self._value(*line)["number"]))
            for (kind, own_id), line in lines.items()
            if kind == _DELETED
        )
        return KeptContent(content, extent.ids, cut_off)

    def _entries(self, lines: _Lines) -> Iterator[LocatedEntry]:
        for (kind, _), (number, line) in lines.items():
            if kind != _DELETED:
                place = f"{self._place} line {number}"
                yield LocatedEntry(parsed(line, self._place, number), place)

    def _value(self, number: int, line: bytes) -> Any:
        """Return the value of an entry without the kind around it."""
        (value,) = parsed(line, self._place, number).values()
        return value

    def _check(self, file: IO[bytes]) -> _Extent:
        """Return what the first line says, once the second has been read.

        Raises DataError unless the file has the bytes that were written, for this release and
        dialect.
        """
        first, size, ids = self._first_line(file)
        checksum = 0
        while part := file.read(min(_BUFFER, max(0, size - file.tell()))):
            checksum = crc32(part, checksum)
        extent = _Extent(size, ids, checksum)
        if file.tell() < size:
            self._refuse(f"it has {file.tell():,} of {size:,} bytes")
        if extent.line() != first:
            self._refuse("its bytes are not those that were written")
        file.seek(_HEAD)
        self._check_maker(file.readline())
        return extent

    def _first_line(self, file: IO[bytes]) -> tuple[bytes, int, int]:
        """Return the first line, and which size of the file and number of ids it has.

        Raises DataError unless it is that of a state file.
        """
        first = file.readline(_HEAD)
        found = _FIRST_LINE.fullmatch(first)
        if found is None:
            seen = (
                "it is empty" if not first else "it is not a state file, or its beginning is gone"
            )
            msg = (
                f"{self._place}: {seen}; allowed is a file made by --state, or a name that no file "
                "has; --data reads a world file"
            )
            raise DataError(msg)
        made_in, size, ids, _ = map(int, found.groups())
        if made_in != _FORMAT:
            msg = f"{self._place}: seen format {made_in}; allowed is {_FORMAT}"
            raise DataError(msg)
        return first, size, ids

    def _check_maker(self, made_by: bytes) -> None:
        """Raise DataError unless the second line is that of this release and dialect."""
        if made_by == self._made_by:
            return
        seen, mine = orjson.loads(made_by), orjson.loads(self._made_by)
        allowed = f"{mine['release']}, the release of this mock"
        text = f"release {seen['release']}"
        if seen["release"] == mine["release"]:
            dials = seen["dialect"] | mine["dialect"]
            other = [key for key in dials if seen["dialect"].get(key) != mine["dialect"].get(key)]
            text = "another dialect"
            allowed = f"the dialect of this mock, which differs in {', '.join(other[:_MAX_DIALS])}"
        msg = f"{self._place}: seen {text}; allowed is {allowed}"
        raise DataError(msg)

    def _refuse(self, seen: str) -> NoReturn:
        allowed = "a copy of it that is whole, or a name that no file has"
        msg = f"{self._place}: it is damaged: {seen}; allowed is {allowed}"
        raise DataError(msg)

    def _lines(self, file: IO[bytes], extent: _Extent) -> _Lines:
        """Return the lines of a file from the third one on, to which ``_check`` has come."""
        found: _Lines = {}
        at = file.tell()
        # Kept as bytes: as values they would take several times as much memory.
        for number, line in enumerate(file, 3):
            at += len(line)
            if at > extent.size:
                break
            ((kind, value),) = parsed(line, self._place, number).items()
            own_id = (value["record"] if kind == _RECORD else value)["id"]
            if kind == _DELETED:
                found.pop((_RECORD, own_id), None)
            found[kind, own_id] = (number, line)
        return found

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
                new.unlink(missing_ok=True)  # left by a process that was killed, or a link
                with open(new, "xb", buffering=_BUFFER, opener=_for_its_owner) as file:
                    extent = _NEW
                    file.write(extent.line())
                    for line in self._all_lines(epoch, store):
                        file.write(line)
                        extent = extent.after(line, epoch.ids.drawn)
                    file.seek(0)
                    file.write(extent.line())
                    file.flush()
                    os.fsync(file.fileno())  # once; so that no crash leaves an empty file
                self._swap(new)
            except OSError as error:
                with suppress(OSError):
                    new.unlink(missing_ok=True)
                raise self._not_written(error) from None
            self._epoch, self._extent = epoch, extent
            self._reference_data = epoch.reference_data

    def _all_lines(self, epoch: Epoch, store: Store) -> Iterator[bytes]:
        """Yield the lines of a file that has the content of ``epoch``, from the second one on."""
        yield self._made_by
        yield from exported(Content(store, epoch.reference_data))
        yield from (_deleted(*one) for one in store.deleted())

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
            known, lines = self._reference_data, list[bytes]()
            if reference_data is not None:
                lines += self._new_in(reference_data)
                known = reference_data
            lines += [record_line(one, known) for one in changed]
            lines += [_deleted(one.id, one.number) for one in deleted]
            self._append(b"".join(lines), epoch.ids.drawn)
            self._reference_data = known

    def _new_in(self, reference_data: ReferenceData) -> Iterator[bytes]:
        """Yield the line of each object that is new, or known better than before."""
        for kind in kinds():
            if kind != _RECORD:
                before = self._reference_data.directory(kind)
                for value in reference_data.directory(kind):
                    if before.find("id", value["id"]) is not value:
                        yield reference_line(kind, value)

    def _append(self, lines: bytes, ids: int) -> None:
        extent = self._extent.after(lines, ids)
        try:
            if self._file is None:
                self._file = self._path.open("r+b", buffering=0)
            for at, text in ((self._extent.size, lines), (0, extent.line())):
                self._file.seek(at)
                rest = memoryview(text)
                while rest:
                    rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._not_written(error) from None
        self._extent = extent

    def _not_written(self, error: OSError) -> NotWritten:
        seen = f"{self._path.name}: {error.strerror}"
        return NotWritten("state", seen=seen, allowed="a writable file")


def _for_its_owner(path: str, flags: int) -> int:
    """Open a file that no other user may read, since it has the keys that sign webhooks.

    A link is refused: it may be another user's, and lead anywhere.
    """
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _deleted(own_id: str, number: str) -> bytes:
    return orjson.dumps({_DELETED: {"id": own_id, "number": number}}) + b"\n"
