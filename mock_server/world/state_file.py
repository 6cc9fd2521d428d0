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
from typing import IO, NamedTuple
from zlib import crc32

import orjson

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.reference_data import ReferenceData
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.export import exported, record_line, reference_line
from crmcom_kit.mock_server.world.import_ import import_entries
from crmcom_kit.mock_server.world.world_file import DataError, LocatedEntry, kinds
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

    content: Store
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


class StateFile:
    """The state file of one world. No other process may use it until this one ends."""

    def __init__(self, path: Path, config: Config) -> None:
        """Lock the file at ``path``, which need not exist, for a world of ``config``.

        Raises DataError: it is in use, or no file.
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
        try:
            self._process_lock = self._locked()
        except OSError as error:
            seen, allowed = f"cannot be used: {error.strerror}", "a file in a writable folder"
            raise self._wrong(seen=seen, allowed=allowed) from None

    def _locked(self) -> IO[bytes]:
        """Lock a file beside the state file, which is replaced now and then; return it.

        The system unlocks it when the process ends, killed or not.
        """
        if self._path.exists() and not self._path.is_file():
            raise self._wrong(seen="no regular file", allowed="a file in a writable folder")
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
            seen = "another process uses it"
            allowed = "another file, or this one once that process has ended"
            raise self._wrong(seen=seen, allowed=allowed) from None
        return file

    def _wrong(self, *, seen: str, allowed: str) -> DataError:
        return DataError(f"{self._place}: {seen}; allowed is {allowed}")

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
        if not self._path.exists():
            return None
        try:
            with self._path.open("rb", buffering=_BUFFER) as file:
                extent, lines = self._lines(file)
                cut_off = file.seek(0, os.SEEK_END) - extent.size
        except OSError as error:
            seen = f"cannot be read: {error.strerror}"
            raise self._wrong(seen=seen, allowed="a readable file") from None
        self._check_maker(lines.pop(0))
        last = _last_lines(lines)
        entries = (
            LocatedEntry(orjson.loads(line), self._place)
            for (kind, _), line in last.items()
            if kind != _DELETED
        )
        content = import_entries(self._config, entries, by_age=False)
        deleted = (orjson.loads(line)[kind] for (kind, _), line in last.items() if kind == _DELETED)
        content.insert_deleted((one["id"], one["number"]) for one in deleted)
        return KeptContent(content, extent.ids, cut_off)

    def _lines(self, file: IO[bytes]) -> tuple[_Extent, list[bytes]]:
        """Return what the first line says, and all others, without a change that was cut off.

        Raises DataError unless these are the bytes that were written.
        """
        first = file.readline(_HEAD)
        found = _FIRST_LINE.fullmatch(first)
        if found is None:
            seen = (
                "it is empty" if not first else "it is not a state file, or its beginning is gone"
            )
            allowed = (
                "a file made by --state, or a name that no file has; --data reads a world file"
            )
            raise self._wrong(seen=seen, allowed=allowed)
        made_in, size, ids, _ = map(int, found.groups())
        if made_in != _FORMAT:
            raise self._wrong(seen=f"seen format {made_in}", allowed=str(_FORMAT))
        extent, lines = _NEW, list[bytes]()
        for line in file:
            if extent.size >= size:
                break
            lines.append(line)
            extent = extent.after(line, ids)
        damage = ""
        if extent.size < size:
            damage = f"it has {extent.size:,} of {size:,} bytes"
        elif extent.line() != first:
            damage = "its bytes are not those that were written"
        if damage:
            allowed = "a copy of it that is whole, or a name that no file has"
            raise self._wrong(seen=f"it is damaged: {damage}", allowed=allowed)
        return extent, lines

    def _check_maker(self, made_by: bytes) -> None:
        """Raise DataError unless the second line is that of this release and dialect."""
        if made_by == self._made_by:
            return
        seen, mine = orjson.loads(made_by), orjson.loads(self._made_by)
        if seen["release"] != mine["release"]:
            allowed = f"{mine['release']}, the release of this mock"
            raise self._wrong(seen=f"seen release {seen['release']}", allowed=allowed)
        dials = seen["dialect"] | mine["dialect"]
        other = [key for key in dials if seen["dialect"].get(key) != mine["dialect"].get(key)]
        allowed = f"the dialect of this mock, which differs in {', '.join(other[:_MAX_DIALS])}"
        raise self._wrong(seen="seen another dialect", allowed=allowed)

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
                    for line in self._all_lines(store):
                        file.write(line)
                        extent = extent.after(line, epoch.ids.drawn)
                    file.seek(0)
                    file.write(extent.line())
                    file.flush()
                    os.fsync(file.fileno())  # once; so that no crash leaves an empty file
                if self._file is not None:  # Windows wants it closed
                    self._file.close()
                    self._file = None
                new.replace(self._path)
            except OSError as error:
                with suppress(OSError):
                    new.unlink(missing_ok=True)
                raise self._not_written(error) from None
            self._epoch, self._extent = epoch, extent

    def _all_lines(self, store: Store) -> Iterator[bytes]:
        """Yield the lines of a file that has the content of ``store``, from the second one on."""
        yield self._made_by
        yield from exported(store)
        yield from (_deleted(*one) for one in store.deleted())

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
            known, lines = epoch.reference_data, list[bytes]()
            if reference_data is not None:
                lines += _new_lines(known, reference_data)
                known = reference_data
            lines += [record_line(one, known) for one in changed]
            lines += [_deleted(one.id, one.number) for one in deleted]
            self._append(b"".join(lines), epoch.ids.drawn)

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


def _new_lines(before: ReferenceData, after: ReferenceData) -> Iterator[bytes]:
    """Yield the line of each object of ``after`` that is new, or known better than before."""
    for kind in kinds():
        if kind != _RECORD:
            for value in after.directory(kind):
                if before.directory(kind).find("id", value["id"]) is not value:
                    yield reference_line(kind, value)


def _last_lines(lines: Iterable[bytes]) -> dict[tuple[str, str], bytes]:
    """Return the lines that still say something, by kind and id."""
    found: dict[tuple[str, str], bytes] = {}
    # Kept as bytes: as values they would take several times as much memory.
    for line in lines:
        ((kind, value),) = orjson.loads(line).items()
        own_id = (value["record"] if kind == _RECORD else value)["id"]
        if kind == _DELETED:
            found.pop((_RECORD, own_id), None)
        found[kind, own_id] = line
    return found
