"""Load by wrk, on the other core."""

import re
from dataclasses import asdict, dataclass
from time import perf_counter

from benchmarks.loopback import HOST
from benchmarks.options import LOAD_CORE
from benchmarks.processes import Failed, cpu_seconds, pinned, run

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one run of wrk found."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # CPU time of the server's process tree, by requests answered
    busy: float  # the share of a core that the server used
    not_ok: int
    socket_errors: str

    def as_dict(self) -> dict[str, float | int | str]:
        """Return it as JSON has it."""
        return asdict(self)


def load(port: int, target: str, pid: int, *, connections: int, seconds: int) -> Load:
    """Ask for ``target`` for some seconds. Raises Failed."""
    command = pinned(wrk_command(port, target, connections, seconds), LOAD_CORE)
    cpu, began = cpu_seconds(pid), perf_counter()
    printed = run(command, seconds=seconds + 30)
    cpu, elapsed = cpu_seconds(pid) - cpu, perf_counter() - began
    requests = int(_found(r"(\d+) requests in", printed))
    not_ok = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    socket_errors = re.search(r"Socket errors: (.*)", printed)
    return Load(
        requests_per_second=float(_found(r"Requests/sec:\s+([\d.]+)", printed)),
        p50_ms=_milliseconds(_found(r"\n\s+50%\s+(\S+)", printed)),
        p99_ms=_milliseconds(_found(r"\n\s+99%\s+(\S+)", printed)),
        cpu_us=cpu / max(1, requests) * 1_000_000,
        busy=cpu / elapsed,
        not_ok=int(not_ok[1]) if not_ok else 0,
        socket_errors=socket_errors[1] if socket_errors else "",
    )


def wrk_command(port: int, target: str, connections: int, seconds: int) -> list[str]:
    """Return wrk's command line."""
    url = f"http://{HOST}:{port}{target}"
    return ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]


def _found(pattern: str, printed: str) -> str:
    found = re.search(pattern, printed)
    if found is None:
        msg = f"wrk printed no {pattern}: {printed[-500:]}"
        raise Failed(msg)
    return found[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]
