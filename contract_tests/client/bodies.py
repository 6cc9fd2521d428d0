"""Keep large response bodies out of memory: all except the latest wait in a temporary file.

Below R13 a list has no pages, and may have everything that a target was ever told. A run asks for
hundreds of lists, and reads most of them once.
"""

import weakref
import zlib
from collections import deque
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from crmcom_kit.contract_tests.client.exchanges import Exchange

#: So many bytes of large bodies stay in memory; what is read from them takes several times as much.
MAX_IN_MEMORY = 64 * 1024 * 1024

#: Bodies of fewer bytes always stay.
_LARGE = 16 * 1024


class Bodies:
    """Lets go of old bodies, and fetches them again when they are asked for."""

    def __init__(self, maximum: int = MAX_IN_MEMORY, *, least: int = _LARGE) -> None:
        """Let ``maximum`` bytes of large bodies stay, and always the latest.

        A body of ``least`` bytes is a large one.
        """
        self._maximum = maximum
        self._least = least
        self._size = 0
        self._here: deque[Exchange] = deque()  # those whose bodies are in memory, latest last
        self._places: dict[int, tuple[int, int]] = {}  # by number: where in the file, how long
        self._file: IO[bytes] | None = None

    def keep(self, exchange: Exchange) -> None:
        """Keep the body of ``exchange``, and put old ones away where that makes too many."""
        size = len(exchange.content)
        if size < self._least:
            return
        self._here.append(exchange)
        self._size += size
        while self._size > self._maximum and len(self._here) > 1:
            oldest = self._here.popleft()
            self._size -= len(oldest.content)
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
        return at, len(packed)

    def _fetch(self, exchange: Exchange) -> None:
        """Give ``exchange`` its body back."""
        assert self._file is not None  # noqa: S101 - for the type checker
        at, length = self._places[exchange.number]
        self._file.seek(at)
        exchange.take_back(zlib.decompress(self._file.read(length)))
        self.keep(exchange)
