"""``--watch``: files are looked at twice a second, and reloaded once they have changed."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import click

INTERVAL = 0.5  # seconds
_Stamp = tuple[int, int, int] | None  # None: the file cannot be found


class Files:
    """The files that are watched."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Remember how they are now; they are to be read after that, not before."""
        self._paths = list(paths)
        self._read = self._now()

    def watch(
        self, reload: Callable[[], str], closing: threading.Event, interval: float = INTERVAL
    ) -> None:
        """Call ``reload`` after each change, until ``closing`` is set; print what it returns.

        A change is over when two looks, ``interval`` seconds apart, see the same: nobody reads a
        file while an editor writes it. If ``reload`` raises a ClickException, that is printed.
        """
        before = self._read
        while not closing.wait(interval):
            now = self._now()
            if now == before and now != self._read:
                self._read = now
                try:
                    line = reload()
                except click.ClickException as error:
                    line = f"not reloaded, nothing has changed: {error.format_message()}"
                click.echo(line, err=True)
            before = now

    def _now(self) -> list[_Stamp]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> _Stamp:
    """Return what differs when a file was written, or another one has its name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
