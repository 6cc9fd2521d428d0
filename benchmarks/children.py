"""Measured processes of their own, which answer questions one at a time.

Each is asked by one JSON line and answers by one, so that several can hold their memory at once
and be measured in turns.
"""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from select import select
from types import TracebackType
from typing import Any

import psutil

from benchmarks.options import SERVER_CORE
from benchmarks.processes import Failed, start, stop

Answers = dict[str, Callable[..., Any]]


class Child:
    """A process that runs ``python -m benchmarks.MODULE`` for the length of a ``with`` block."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Remember what to run."""
        self._command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]

    def __enter__(self) -> "Child":
        self._process = start(self._command, core=SERVER_CORE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stop(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def ask(self, question: str, *arguments: Any, seconds: float = 900) -> Any:
        """Return the answer to a question. Raises Failed."""
        sent, back = self._process.stdin, self._process.stdout
        if sent is None or back is None:
            raise Failed(question)
        try:
            sent.write(json.dumps([question, *arguments]) + "\n")
            sent.flush()
        except BrokenPipeError:
            msg = f"{question}: the process has ended"
            raise Failed(msg) from None
        if not select([back], [], [], seconds)[0]:
            msg = f"{question}: no answer in {seconds} seconds"
            raise Failed(msg)
        line = back.readline()
        if not line:
            msg = f"{question}: the process has ended"
            raise Failed(msg)
        return json.loads(line)


def serve(answers: Answers) -> None:
    """Answer questions from standard input until it ends."""
    for line in sys.stdin:
        question, *arguments = json.loads(line)
        sys.stdout.write(json.dumps(answers[question](*arguments)) + "\n")
        sys.stdout.flush()


def own_memory() -> int:
    """Return this process's resident memory in bytes."""
    return int(psutil.Process().memory_info().rss)


def extra_memory(work: Callable[[], Any]) -> tuple[Any, int | None]:
    """Return what ``work`` returns, and by how many bytes it raised the peak of resident memory.

    None in the second place where the machine does not tell peaks (it does on Linux).
    """
    peak = Path("/proc/self/clear_refs")
    try:
        peak.write_text("5")  # forget the peak so far
    except OSError:
        return work(), None
    before = own_memory()
    found = work()
    status = Path("/proc/self/status").read_text()
    highest = int(status.split("VmHWM:")[1].split()[0]) * 1024
    return found, highest - before


def count(parts: Iterable[bytes]) -> int:
    """Return how many bytes a streamed answer has, and keep none of them."""
    return sum(map(len, parts))
