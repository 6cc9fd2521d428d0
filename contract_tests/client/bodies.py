"""Keep response bodies out of memory: all except the latest wait in a temporary file.

Below R13 a list has no pages, and may have everything that a target was ever told. A run asks for
hundreds of lists, and reads most of them once.
"""

import weakref
import zlib
from collections import deque
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from crmcom_kit.contract_tests.client.exchanges import Exchange, containers

#: So many bytes the bodies in memory may take, with what was read from them.
MAX_IN_MEMORY = 64 * 1024 * 1024
#: So many bytes the file may have.
MAX_IN_FILE = 1024 * 1024 * 1024
#: So many bytes of requests and headers a run may keep, all of them in memory.
MAX_HEADS = 64 * 1024 * 1024

#: What Python takes for each byte of a JSON text, and for each object or array in it.
_OF_BYTE, _OF_CONTAINER = 4, 200


class Bodies:
    """Lets go of old bodies, and fetches them again when they are asked for."""

    def __init__(self, maximum: int = MAX_IN_MEMORY, *, in_file: int = MAX_IN_FILE) -> None:
        """Let bodies that take ``maximum`` bytes stay, and always the latest."""
        self._maximum, self._in_file = maximum, in_file
        self._size = self._heads = self._written = 0
        self._here: deque[tuple[Exchange, int]] = deque()  # those in memory, and what they take
        self._places: dict[int, tuple[int, int]] = {}  # by number: where in the file, how long
        self._file: IO[bytes] | None = None

    @property
    def is_full(self) -> bool:
        """Whether a run should end, since there is no room for more."""
        return self._written > self._in_file or self._heads > MAX_HEADS

    def add(self, exchange: Exchange) -> None:
        """Keep a new exchange, and put old bodies away if that makes too many."""
        call = exchange.call
        self._heads += sum(len(name) + len(value) for name, value in exchange.headers)
        self._heads += len(call.query) + len(call.body or b"")
        self._keep(exchange)

    def _keep(self, exchange: Exchange) -> None:
        content = exchange.content
        size = len(content) * _OF_BYTE + containers(content) * _OF_CONTAINER
        self._here.append((exchange, size))
        self._size += size
        while self._size > self._maximum and len(self._here) > 1:
            oldest, size = self._here.popleft()
            self._size -= size
            if oldest.number not in self._places:
                self._places[oldest.number] = self._write(oldest.content)
            oldest.put_away(partial(self._fetch, oldest))

    def _write(self, content: bytes) -> tuple[int, int]:
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 - as long as anybody has an exchange
            weakref.finalize(self, self._file.close)
        packed = zlib.compress(content, 1)
        at = self._file.seek(0, 2)
        self._file.write(packed)
        self._written = at + len(packed)
        return at, len(packed)

    def _fetch(self, exchange: Exchange) -> None:
        """Give ``exchange`` its body back."""
        assert self._file is not None  # noqa: S101 - for the type checker
        at, length = self._places[exchange.number]
        self._file.seek(at)
        exchange.take_back(zlib.decompress(self._file.read(length)))
        self._keep(exchange)
