"""The file of ``serve --state``: the content of a world as a log of its changes.

The first line has the release and the dialect. Each other line is one of three: an entry of a world
file, which is new or replaces the entry with its id; ``deleted``, with the id and number of a
deleted record, which stay in use; or the end of a change, with the number of ids drawn so far. Each
line begins with a checksum of itself and all lines above it.

A change is written before other requests can read it. Bytes after the last complete change are an
incomplete change, which is ignored. A damaged file is refused. Changes are not flushed to the disk:
they survive every end of the process, but not a loss of power.
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
from crmcom_kit.mock_server.world.entries import export, import_entries, record_line, reference_line
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world_file import DataError, LocatedEntry, kinds
from crmcom_kit.output import open_private
from crmcom_kit.usage_errors import UsageError

_FORMAT = 3
_RECORD, _DELETED, _IDS = "webhook_request", "deleted", "ids"
_BUFFER = 256 * 1024  # bytes
#: Private, since the file has the keys that sign webhooks.
_opener = partial(open_private, follow_links=False)
_OTHER_DIAL = "delivery.script"  # decides future deliveries, not the content
_MAX_DIALS = 3  # in a message
_COMPLETE_FILE = (
    "a whole file made by --state of this version, or a name that no file has; --data reads a "
    "world file"
)


class NotWritten(UsageError):
    """The state file cannot be written; the content is as before."""

    status = 503


class StateContent(NamedTuple):
    """The content of a state file."""

    content: Store
    id_count: int  # ids drawn so far
    excess: int  # bytes of an incomplete change at the end of the file


class StateFile:
    """The state file of one world, locked against other processes."""

    def __init__(self, path: Path, config: Config) -> None:
        """Lock the file at ``path``, which need not exist, for a world of ``config``.

        Raises DataError: it is in use, or not a file.
        """
        self._path = Path(os.path.realpath(path))  # a link stays a link
        self._config = config
        self._place = f"state {path}"
        dialect = config.dialect.changes()
        dialect.pop(_OTHER_DIAL, None)
        header = {"state": _FORMAT, "release": config.release.name, "dialect": dialect}
        self._header = orjson.dumps(header) + b"\n"  # the first line
        self._lock = threading.Lock()  # taken while a store's lock is held, never before it
        self._epoch: Epoch | None = None  # of the changes to write
        self._file: IO[bytes] | None = None
        self._size = self._checksum = 0  # of all complete changes in the file
        try:
            self._process_lock = self._lock_file()
        except OSError as error:
            problem, allowed = f"cannot be used: {error.strerror}", "a file in a writable folder"
            raise self._error(seen=problem, allowed=allowed) from None

    def _lock_file(self) -> IO[bytes]:
        """Lock a second file, since the state file may be replaced; return it.

        The system unlocks it when the process ends in any way.
        """
        if self._path.exists() and not self._path.is_file():
            raise self._error(seen="no regular file", allowed="a file in a writable folder")
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
            problem = "another process uses it"
            allowed = "another file, or this one once that process has ended"
            raise self._error(seen=problem, allowed=allowed) from None
        return file

    def _error(self, *, seen: str, allowed: str) -> DataError:
        return DataError(f"{self._place}: {seen}; allowed is {allowed}")

    def close(self) -> None:
        """Stop writing changes, and unlock the file."""
        with self._lock:
            self._epoch = None
            for file in (self._file, self._process_lock):
                if file is not None:
                    file.close()

    # Reading.

    def read(self) -> StateContent | None:
        """Return the content of the file; None if there is no file. Raises DataError."""
        if not self._path.exists():
            return None
        try:
            with self._path.open("rb", buffering=_BUFFER) as file:
                lines, excess = self._complete_changes(file)
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
            raise self._error(seen=problem, allowed="a readable file") from None
        self._check_maker(lines.pop(0))
        id_count: int = orjson.loads(lines[-1])[_IDS]
        lines_by_kind = _last_lines(lines)
        deletion_lines = lines_by_kind.pop(_DELETED, {})
        record_lines = lines_by_kind.pop(_RECORD, {})
        entries = (
            LocatedEntry(orjson.loads(line), self._place)
            for line in chain(*map(dict.values, lines_by_kind.values()), record_lines.values())
        )
        content = import_entries(self._config, entries, by_age=False)
        deletions = (orjson.loads(line)[_DELETED] for line in deletion_lines.values())
        content.insert_deleted((deletion["id"], deletion["number"]) for deletion in deletions)
        return StateContent(content, id_count, excess)

    def _complete_changes(self, file: IO[bytes]) -> tuple[list[bytes], int]:
        """Return the lines of all complete changes, and the number of bytes after them.

        Raises DataError if the file is damaged.
        """
        lines, count = list[bytes](), 0
        position = checksum = 0
        for text in file:
            checksum_text, _, line = text.partition(b" ")
            checksum = crc32(line, checksum)
            if checksum_text != b"%08x" % checksum:
                if lines and not text.endswith(b"\n"):
                    break  # cut off
                problem = f"line {len(lines) + 1} is not as it was written"
                raise self._error(seen=problem, allowed=_COMPLETE_FILE)
            position += len(text)
            lines.append(line)
            if line.startswith(b'{"ids":'):
                count, self._size, self._checksum = len(lines), position, checksum
        if not count:
            raise self._error(seen="it is empty, or its end is gone", allowed=_COMPLETE_FILE)
        return lines[:count], file.seek(0, os.SEEK_END) - self._size

    def _check_maker(self, header: bytes) -> None:
        """Raise DataError unless the first line has this release and dialect."""
        if header == self._header:
            return
        file, mock = orjson.loads(header), orjson.loads(self._header)
        if file["release"] != mock["release"]:
            allowed = f"{mock['release']}, the release of this mock"
            raise self._error(seen=f"seen release {file['release']}", allowed=allowed)
        dials = file["dialect"] | mock["dialect"]
        keys = [key for key in dials if file["dialect"].get(key) != mock["dialect"].get(key)]
        allowed = f"the dialect of this mock, which differs in {', '.join(keys[:_MAX_DIALS])}"
        raise self._error(seen="seen another dialect", allowed=allowed)

    # Writing.

    def begin(self, epoch: Epoch) -> None:
        """Replace the file with the content of ``epoch``, and write its later changes.

        Its store cannot change in the meantime. Changes of other epochs are not written any more.

        Raises NotWritten: the file is unchanged.
        """
        epoch.store.listen(partial(self._change, epoch), partial(self._replace, epoch))

    def continue_with(self, epoch: Epoch) -> None:
        """Append the changes of ``epoch``, whose content is that of the file."""
        self._epoch = epoch
        epoch.store.listen(partial(self._change, epoch), lambda _: None)

    def _replace(self, epoch: Epoch, store: Store) -> None:
        new_path = self._path.with_name(f"{self._path.name}.new")
        with self._lock:
            try:
                new_path.unlink(missing_ok=True)  # from a killed process, or a link
                with open(new_path, "xb", buffering=_BUFFER, opener=_opener) as file:
                    size, line = 0, b""
                    for line in _encode(self._all_lines(store), epoch.ids.count, 0):
                        size += file.write(line)
                    file.flush()
                    os.fsync(file.fileno())  # once: a crash must not leave an empty file
                if self._file is not None:  # Windows requires that it is closed
                    self._file.close()
                    self._file = None
                new_path.replace(self._path)
            except OSError as error:
                with suppress(OSError):
                    new_path.unlink(missing_ok=True)
                raise self._write_error(error) from None
            self._epoch, self._size, self._checksum = epoch, size, _checksum_in(line)

    def _all_lines(self, store: Store) -> Iterator[bytes]:
        """Yield the lines of a file with the content of ``store``, except the last one."""
        yield self._header
        yield from export(store)
        yield from (_deletion_line(*pair) for pair in store.deleted_keys())

    def _change(
        self,
        epoch: Epoch,
        records: Iterable[Record],
        deleted_records: Iterable[Record],
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
            lines += [record_line(record, data) for record in records]
            lines += [_deletion_line(record.id, record.number) for record in deleted_records]
            self._append(list(_encode(lines, epoch.ids.count, self._checksum)))

    def _append(self, lines: list[bytes]) -> None:
        change = b"".join(lines)
        try:
            if self._file is None:
                self._file = self._path.open("r+b", buffering=0)
            self._file.seek(self._size)
            self._file.truncate()  # the part of a failed change
            remaining = memoryview(change)
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
        except OSError as error:
            raise self._write_error(error) from None
        self._size += len(change)
        self._checksum = _checksum_in(lines[-1])

    def _write_error(self, error: OSError) -> NotWritten:
        problem = f"{self._path.name}: {error.strerror}"
        return NotWritten("state", seen=problem, allowed="a writable file")


def _encode(lines: Iterable[bytes], id_count: int, checksum: int) -> Iterator[bytes]:
    """Yield the lines of a change with checksums; ``checksum`` is that of the lines above."""
    for line in chain(filter(None, lines), [b'{"ids":%d}\n' % id_count]):
        checksum = crc32(line, checksum)
        yield b"%08x %b" % (checksum, line)


def _checksum_in(line: bytes) -> int:
    return int(line[:8], 16)


def _deletion_line(record_id: str, number: str) -> bytes:
    return orjson.dumps({_DELETED: {"id": record_id, "number": number}}) + b"\n"


def _new_lines(old_data: ReferenceData, new_data: ReferenceData) -> Iterator[bytes]:
    """Yield the line of each object of ``new_data`` that is new or changed."""
    for kind in kinds():
        if kind != _RECORD:
            for value in new_data.directory(kind):
                if old_data.directory(kind).find("id", value["id"]) is not value:
                    yield reference_line(kind, value)


def _last_lines(lines: Iterable[bytes]) -> dict[str, dict[str, bytes]]:
    """Return the last line of each object, by kind and id."""
    result: dict[str, dict[str, bytes]] = {}
    # Bytes: values would take several times as much memory.
    for line in lines:
        ((kind, value),) = orjson.loads(line).items()
        if kind == _IDS:
            continue
        object_id = (value["record"] if kind == _RECORD else value)["id"]
        if kind == _DELETED:
            result.get(_RECORD, {}).pop(object_id, None)
        result.setdefault(kind, {})[object_id] = line
    return result
