"""Processes that are measured: servers on one core, the load and all else on the other.

Linux only: CPU time and memory are read from /proc.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, sleep

import httpx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = HERE / ".work"
BODY_FILE = WORK / "show.json"  # what bare applications and peers return
BIN = Path(sys.executable).parent
KIT = [str(BIN / "crmcom-kit")]
HOST = "127.0.0.1"
SERVER_CORE, LOAD_CORE = "0", "1"

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
#: One client for all requests that are not load: creating one takes longer than most of them.
CLIENT = httpx.Client(trust_env=False, verify=False, timeout=60)  # noqa: S501 - loopback, no TLS


class NotMeasured(Exception):
    """A row or a part could not be measured; the text says why."""


def run(command: Sequence[str]) -> str:
    """Run a command and return what it prints. Raises NotMeasured if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - the commands of this folder
            command, cwd=ROOT, capture_output=True, check=True, text=True, timeout=900
        )
    except subprocess.CalledProcessError as error:
        msg = f"{' '.join(command)}: status {error.returncode}: {error.stderr[-300:].strip()}"
        raise NotMeasured(msg) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMeasured(str(error)) from None
    return done.stdout


class Server:
    """A server on the servers' core; it runs until the end of a ``with`` block."""

    def __init__(self, command: Sequence[str], name: str) -> None:
        """Start ``command`` with a port at its end; what it prints, its log too, goes to a file."""
        with socket.create_server((HOST, 0)) as probe:
            port = probe.getsockname()[1]
        self.origin = f"http://{HOST}:{port}"
        self._log = WORK / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.log"
        with self._log.open("w") as log:
            self._began = perf_counter()
            pinned = ["taskset", "-c", SERVER_CORE, *command, str(port)]
            self._process = subprocess.Popen(  # noqa: S603 - the commands of this folder
                pinned, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    def until_ready(self) -> float:
        """Return the seconds from the start to the line READY. Raises NotMeasured."""
        return self._until(lambda: self._log.read_text().startswith("READY"))

    def until_response(self, target: str) -> float:
        """Return the seconds from the start to the first response 200. Raises NotMeasured."""

        def responds() -> bool:
            try:
                return CLIENT.get(self.origin + target).status_code == 200
            except httpx.TransportError:
                return False

        return self._until(responds)

    def _until(self, happened: Callable[[], bool]) -> float:
        while perf_counter() - self._began < 300 and self._process.poll() is None:
            if happened():
                return perf_counter() - self._began
            sleep(0.001)
        msg = f"it did not start: {self._log.read_text(errors='replace')[-300:].strip()}"
        raise NotMeasured(msg)

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process, all of its threads included."""
        return sum(map(int, self._stat()[11:13])) / _TICKS

    def memory_mb(self) -> float:
        """Return the resident memory of the process."""
        return int(self._stat()[21]) * _PAGE_MB

    def _stat(self) -> list[str]:
        """Return what /proc says of the process, from its state on."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()


def load(
    server: Server, target: str, *, connections: int, seconds: int, script: Path | None = None
) -> dict[str, float]:
    """Send requests with wrk for some seconds: ``target``, or what ``script`` draws.

    Returns:
        Requests a second, the server's CPU time by requests answered, and two percentiles.

    Raises:
        NotMeasured: wrk failed, or a response had another status than 200.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += [] if script is None else ["-s", str(script)]
    before = server.cpu_seconds()
    printed = run([*command, server.origin + target])
    cpu = server.cpu_seconds() - before
    requests = re.search(r"(\d+) requests in", printed)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    latencies = dict(re.findall(r"\n\s+(\d+)%\s+(\S+)", printed))
    bad = re.search(r"(Non-2xx|Socket errors).*", printed)
    if bad or requests is None or rate is None or requests[1] == "0":
        msg = bad[0] if bad else f"wrk printed {printed[-200:]}"
        raise NotMeasured(msg)

    def milliseconds(text: str) -> float:
        value = text.rstrip("mus")
        return float(value) * _MS[text.removeprefix(value)]

    return {
        "per_second": float(rate[1]),
        "cpu_us": cpu / int(requests[1]) * 1e6,
        "p50_ms": milliseconds(latencies["50"]),
        "p99_ms": milliseconds(latencies["99"]),
    }
