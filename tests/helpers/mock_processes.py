"""`crmcom-kit serve` in processes of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from crmcom_kit.mock_server.http.server import bound_socket


@contextmanager
def reserved_port() -> Iterator[int]:
    """Keep a port on which nothing listens, as long as the block lasts; yield it.

    On Linux, a socket that is bound and does not listen leaves the port to a server that asks for
    it by its number, and keeps the kernel from giving it to another test.
    """
    with bound_socket("127.0.0.1", 0) as reserved:
        port = int(reserved.getsockname()[1])
        if sys.platform != "linux":
            reserved.close()
        yield port


class MockProcess:
    """A mock that is ready for requests, until it is stopped."""

    def __init__(
        self, *options: str, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it, and wait for its READY line."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crmcom_kit", "serve", *options, "--log", "off"],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        ready = re.match(r"READY (http://[^/]*:(\d+))/", line)
        assert ready is not None, line
        self.base, self.port = ready[1], int(ready[2])

    def stop(self) -> int:
        """End it as an operator would; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        return self.process.returncode
