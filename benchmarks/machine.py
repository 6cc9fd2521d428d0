"""What a run was made with: machine, interpreter, versions."""

import os
import platform
import sqlite3
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import gmtime, strftime

from benchmarks.options import LOAD_CORE
from benchmarks.peers import peer_versions
from benchmarks.processes import Failed, run

_PACKAGES = ("crmcom-kit", "Flask", "Werkzeug", "waitress", "granian", "orjson", "jsonschema-rs",
             "Faker", "mimesis")  # fmt: skip


def today() -> str:
    """Return the date and time in UTC."""
    return strftime("%Y-%m-%d %H:%M UTC", gmtime())


def load_average() -> str:
    """Return how many processes wanted to run in the last 1, 5 and 15 minutes, on average."""
    return " ".join(f"{one:.2f}" for one in os.getloadavg())


def keep_off_the_servers_core() -> None:
    """Let this process and its load run on the core that no server runs on."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {int(LOAD_CORE)})


def commit() -> str:
    """Return which commit is checked out, and whether files differ from it."""
    try:
        head = run(["git", "rev-parse", "--short", "HEAD"]).strip()
        return f"{head}, changed" if run(["git", "status", "--porcelain"]).strip() else head
    except Failed:
        return "no git checkout"


def described() -> dict[str, str]:
    """Return machine, interpreter and versions, by name."""
    return {
        "machine": f"{_cpu_model()}, {os.cpu_count()} cores, {_memory()}",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}, {build()}",
        "packages": ", ".join(_packages()),
        "peers": ", ".join(f"{name} {found}" for name, found in peer_versions().items()) or "none",
        "tools": ", ".join(_tools()),
    }


def build() -> str:
    """Return how the interpreter was compiled: it is worth as much as most tuning."""
    flags = " ".join(
        str(sysconfig.get_config_var(name) or "") for name in ("CONFIG_ARGS", "PY_CFLAGS")
    )
    pgo = "--enable-optimizations" in flags or "-fprofile-use" in flags
    lto = "--with-lto" in flags or "-flto" in flags
    return f"built {'with' if pgo else 'without'} PGO, {'with' if lto else 'without'} LTO"


def _packages() -> list[str]:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return [*found, f"sqlite {sqlite3.sqlite_version}"]


def _tools() -> list[str]:
    found = []
    for name, status in (("node", 0), ("java", 0), ("wrk", 1)):  # wrk prints its version and fails
        try:
            line = run([name, "--version"], status=status).splitlines()[0]
        except Failed:
            continue
        found.append(line.split("[")[0].strip() if line.startswith(name) else f"{name} {line}")
    return found


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return "memory unknown"
    return f"{pages / 2**30:.0f} GiB"
