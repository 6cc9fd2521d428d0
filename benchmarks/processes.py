"""Starting, watching and ending the processes that are measured."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter, sleep
from types import TracebackType

import psutil

from benchmarks.loopback import ask
from benchmarks.options import ROOT

_MEGABYTE = 1_000_000
_SHOWN = 500  # characters of a log that a message shows


class Failed(Exception):
    """Something could not be measured: what, and what it said last."""


def run(command: Sequence[str], *, seconds: float = 120, status: int = 0) -> str:
    """Return what ``command`` prints. Raises Failed on another exit status, or after too long."""
    try:
        done = subprocess.run(  # noqa: S603 - command lines of this folder's own
            command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from None
    if done.returncode != status:
        msg = f"{command[0]}: {(done.stderr or done.stdout)[-_SHOWN:]}"
        raise Failed(msg)
    return done.stdout


def pinned(command: Sequence[str], core: str) -> list[str]:
    """Return ``command`` so that it runs on one core, where the machine can do that."""
    if shutil.which("taskset") is None or int(core) >= (os.cpu_count() or 1):
        return list(command)
    return ["taskset", "-c", core, *command]


def start(
    command: Sequence[str],
    *,
    core: str,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start ``command`` on ``core``; its output goes to ``log``, or to pipes without one."""
    out = subprocess.PIPE if log is None else log.open("w")
    try:
        return subprocess.Popen(  # noqa: S603 - command lines of this folder's own
            pinned(command, core),
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE if log is None else subprocess.DEVNULL,
            stdout=out,
            stderr=None if log is None else subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    finally:
        if log is not None:
            out.close()  # type: ignore[union-attr]


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all that it started."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory(pid: int) -> float:
    """Return the resident memory of a process tree in MB; shared pages count in each process."""
    found = 0
    for process in tree(pid):
        try:
            found += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return found / _MEGABYTE


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process tree has used."""
    found = 0.0
    for process in tree(pid):
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        found += used.user + used.system
    return found


def stop(process: subprocess.Popen[str]) -> None:
    """End a process and all that it started, by their ids."""
    everyone = tree(process.pid)
    for one in everyone:
        _signal(one, hard=False)
    _, alive = psutil.wait_procs(everyone, timeout=5)
    for one in alive:
        _signal(one, hard=True)
    process.wait(10)


def _signal(process: psutil.Process, *, hard: bool) -> None:
    try:
        process.kill() if hard else process.terminate()
    except psutil.NoSuchProcess:
        return


class Served:
    """A server that runs for the length of a ``with`` block."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        port: int,
        core: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Remember what to start; its output is kept in ``log``."""
        self.port = port
        self._command = command
        self._core = core
        self._log = log
        self._environment = environment

    def __enter__(self) -> "Served":
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._began = perf_counter()
        self._process = start(
            self._command, core=self._core, log=self._log, environment=self._environment
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stop(self._process)

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        return self._process.pid

    def first_answer(self, target: str, *, status: int = 200, limit: float = 60) -> float:
        """Return the seconds from the start to the first good answer, asked for every ms.

        Raises:
            Failed: the server ended, or gave no such answer in ``limit`` seconds.
        """
        while perf_counter() - self._began < limit:
            try:
                if ask(self.port, target).status == status:
                    return perf_counter() - self._began
            except OSError:
                pass
            if self._process.poll() is not None:
                break
            sleep(0.001)
        msg = f"no answer {status} within {limit:g} s; it said: {self.said()[-_SHOWN:]}"
        raise Failed(msg)

    def first_line(self, beginning: str, *, limit: float = 60) -> float:
        """Return the seconds from the start to a line that begins so. Raises Failed."""
        while perf_counter() - self._began < limit:
            if any(line.startswith(beginning) for line in self.said().splitlines()):
                return perf_counter() - self._began
            if self._process.poll() is not None:
                break
            sleep(0.001)
        msg = f"no line {beginning!r} within {limit:g} s; it said: {self.said()[-_SHOWN:]}"
        raise Failed(msg)

    def said(self) -> str:
        """Return what the server has printed."""
        return self._log.read_text(errors="replace")
