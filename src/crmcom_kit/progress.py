"""The progress of long work, in a line on the terminal; nothing in a pipe or a file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Called with a text and the finished part of the total: ``show("records", 3_000)``.
Show = Callable[..., None]
#: Seconds of work without a line.
SILENT = 0.5


@contextmanager
def progress(total: int | None = None) -> Iterator[Show]:
    """Yield a function that shows a line on standard error, if that is a terminal.

    With a ``total``, the line has a bar, the finished share and the remaining time. Call it often:
    it costs little. The first line comes after ``SILENT`` seconds; the block removes it at its end.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _text, _done=0: None
        return
    with ExitStack() as stack:
        line: tuple[Progress, TaskID] | None = None
        start = time.monotonic() + SILENT

        def show(text: str, count: int = 0) -> None:
            nonlocal line
            if line is None and time.monotonic() >= start:
                line = _begin(stack, text, total)
            if line is not None:
                line[0].update(line[1], description=text, completed=count)

        yield show


def _begin(stack: ExitStack, text: str, total: int | None) -> "tuple[Progress, TaskID]":
    """Begin a line, which ``stack`` ends."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    # A server's text is not markup; a long text stays in its line.
    description = TextColumn(
        "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
    )
    share = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    line = Progress(
        *(SpinnerColumn(), description, *(share if total else ())),
        console=console,
        transient=True,
        redirect_stdout=False,  # otherwise output to a file would go to the terminal
        disable=not console.is_interactive,
    )
    task = line.add_task(text, total=total)
    return stack.enter_context(line), task
