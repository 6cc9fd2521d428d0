"""The file of ``serve --state``: the content of a world as a log of its changes.

The first line has the release and the dialect. Each further line is one of three: an entry of a
world file, which is new or replaces the one with its id; ``deleted``, with id and number of a
deleted record, which stay taken; or the end of a change, with the number of ids that were drawn.
Each line begins with a checksum of itself and all lines above it.

A change is written before it can be seen. Bytes after the last whole change are a change that was
not completed. It is ignored. A damaged file is refused. Nothing is forced to the disk: changes
outlive the process, however it ends, but not a loss of power.
"""

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple
from zlib import crc32

import orjson

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.reference_data import ReferenceData
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.entries import (
    exported,
    import_entries,
    record_line,
    reference_line,
)
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world_file import DataError, LocatedEntry, kinds
from crmcom_kit.output import open_private
from crmcom_kit.usage_errors import UsageError

_FORMAT = 3
_RECORD, _DELETED, _IDS = "webhook_request", "deleted", "ids"
_BUFFER = 256 * 1024  # bytes
#: The file has the keys that sign webhooks.
_opener = partial(open_private, follow_links=False)
_OTHER_DIAL = "delivery.script"  # says what deliveries will do, and nothing about the content
_MAX_DIALS = 3  # in a message
_WHOLE = (
    "a whole file made by --state of this version, or a name that no file has; --data reads a "
    "world file"
)


class NotWritten(UsageError):
    """The state file cannot be written; the content is as before."""

    status = 503


class KeptContent(NamedTuple):
    """What a state file has."""

    content: Store
    drawn: int  # ids
    cut_off: int  # bytes at the end of the file, of a change that was not completed


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
        made_by = {"state": _FORMAT, "release": config.release.name, "dialect": dialect}
        self._made_by = orjson.dumps(made_by) + b"\n"  # the first line
        self._lock = threading.Lock()  # taken while a store's lock is held, never before it
        self._epoch: Epoch | None = None  # whose changes are written
        self._file: IO[bytes] | None = None
        self._size = self._checksum = 0  # of all whole changes in the file
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
        file = open(path, "ab", opener=_opener)  # noqa: SIM115 - open until close()
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
                lines, cut_off = self._whole_changes(file)
        except OSError as error:
            seen = f"cannot be read: {error.strerror}"
            raise self._wrong(seen=seen, allowed="a readable file") from None
        self._check_maker(lines.pop(0))
        drawn: int = orjson.loads(lines[-1])[_IDS]
        last = _last_lines(lines)
        deleted, records = last.pop(_DELETED, {}), last.pop(_RECORD, {})
        entries = (
            LocatedEntry(orjson.loads(line), self._place)
            for line in chain(*map(dict.values, last.values()), records.values())
        )
        content = import_entries(self._config, entries, by_age=False)
        gone = (orjson.loads(line)[_DELETED] for line in deleted.values())
        content.insert_deleted((deletion["id"], deletion["number"]) for deletion in gone)
        return KeptContent(content, drawn, cut_off)

    def _whole_changes(self, file: IO[bytes]) -> tuple[list[bytes], int]:
        """Return the lines of all whole changes, and how many bytes follow them.

        Raises DataError unless these are the bytes that were written.
        """
        lines, whole = list[bytes](), 0
        position = checksum = 0
        for text in file:
            written, _, line = text.partition(b" ")
            checksum = crc32(line, checksum)
            if written != b"%08x" % checksum:
                if lines and not text.endswith(b"\n"):
                    break  # cut off
                seen = f"line {len(lines) + 1} is not as it was written"
                raise self._wrong(seen=seen, allowed=_WHOLE)
            position += len(text)
            lines.append(line)
            if line.startswith(b'{"ids":'):
                whole, self._size, self._checksum = len(lines), position, checksum
        if not whole:
            raise self._wrong(seen="it is empty, or its end is gone", allowed=_WHOLE)
        return lines[:whole], file.seek(0, os.SEEK_END) - self._size

    def _check_maker(self, made_by: bytes) -> None:
        """Raise DataError unless the first line is that of this release and dialect."""
        if made_by == self._made_by:
            return
        seen, mine = orjson.loads(made_by), orjson.loads(self._made_by)
        if seen["release"] != mine["release"]:
            allowed = f"{mine['release']}, the release of this mock"
            raise self._wrong(seen=f"seen release {seen['release']}", allowed=allowed)
        dials = seen["dialect"] | mine["dialect"]
        differing = [key for key in dials if seen["dialect"].get(key) != mine["dialect"].get(key)]
        allowed = f"the dialect of this mock, which differs in {', '.join(differing[:_MAX_DIALS])}"
        raise self._wrong(seen="seen another dialect", allowed=allowed)

    # Writing.

    def begin(self, epoch: Epoch) -> None:
        """Replace the file with the content of ``epoch``, whose changes are written from now on.

        Its store cannot change meanwhile. Changes of another epoch are not written any more.

        Raises NotWritten: the file is as before.
        """
        epoch.store.listen(partial(self._change, epoch), partial(self._replace, epoch))

    def go_on(self, epoch: Epoch) -> None:
        """Write the changes of ``epoch``, whose content was read, behind those in the file."""
        self._epoch = epoch
        epoch.store.listen(partial(self._change, epoch), lambda _: None)

    def _replace(self, epoch: Epoch, store: Store) -> None:
        new = self._path.with_name(f"{self._path.name}.new")
        with self._lock:
            try:
                new.unlink(missing_ok=True)  # left by a process that was killed, or a link
                with open(new, "xb", buffering=_BUFFER, opener=_opener) as file:
                    size, line = 0, b""
                    for line in _written(self._all_lines(store), epoch.ids.drawn, 0):
                        size += file.write(line)
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
            self._epoch, self._size, self._checksum = epoch, size, _checksum_in(line)

    def _all_lines(self, store: Store) -> Iterator[bytes]:
        """Yield the lines of a file that has the content of ``store``, except for the last."""
        yield self._made_by
        yield from exported(store)
        yield from (_deleted(*pair) for pair in store.deleted())

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
            data, lines = epoch.reference_data, list[bytes]()
            if reference_data is not None:
                lines += _new_lines(data, reference_data)
                data = reference_data
            lines += [record_line(record, data) for record in changed]
            lines += [_deleted(record.id, record.number) for record in deleted]
            self._append(list(_written(lines, epoch.ids.drawn, self._checksum)))

    def _append(self, lines: list[bytes]) -> None:
        change = b"".join(lines)
        try:
            if self._file is None:
                self._file = self._path.open("r+b", buffering=0)
            self._file.seek(self._size)
            self._file.truncate()  # what was written of a change that failed
            rest = memoryview(change)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._not_written(error) from None
        self._size += len(change)
        self._checksum = _checksum_in(lines[-1])

    def _not_written(self, error: OSError) -> NotWritten:
        seen = f"{self._path.name}: {error.strerror}"
        return NotWritten("state", seen=seen, allowed="a writable file")


def _written(lines: Iterable[bytes], drawn: int, checksum: int) -> Iterator[bytes]:
    """Yield the lines of a change as they are written; ``checksum`` is that of those above."""
    for line in chain(filter(None, lines), [b'{"ids":%d}\n' % drawn]):
        checksum = crc32(line, checksum)
        yield b"%08x %b" % (checksum, line)


def _checksum_in(written: bytes) -> int:
    return int(written[:8], 16)


def _deleted(own_id: str, number: str) -> bytes:
    return orjson.dumps({_DELETED: {"id": own_id, "number": number}}) + b"\n"


def _new_lines(before: ReferenceData, after: ReferenceData) -> Iterator[bytes]:
    """Yield the line of each object of ``after`` that is new, or known better than before."""
    for kind in kinds():
        if kind != _RECORD:
            for value in after.directory(kind):
                if before.directory(kind).find("id", value["id"]) is not value:
                    yield reference_line(kind, value)


def _last_lines(lines: Iterable[bytes]) -> dict[str, dict[str, bytes]]:
    """Return the last line of each object, by kind and id."""
    last: dict[str, dict[str, bytes]] = {}
    # Kept as bytes: as values they would take several times as much memory.
    for line in lines:
        ((kind, value),) = orjson.loads(line).items()
        if kind == _IDS:
            continue
        own_id = (value["record"] if kind == _RECORD else value)["id"]
        if kind == _DELETED:
            last.get(_RECORD, {}).pop(own_id, None)
        last.setdefault(kind, {})[own_id] = line
    return last
