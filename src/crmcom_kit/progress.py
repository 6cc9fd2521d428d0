"""How far long work has come, in a line on the terminal; nothing of it in a pipe or a file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Called with what is done now, and how much of the total is done: ``show("records", 3_000)``.
Show = Callable[..., None]
#: Seconds of work without a line: what ends by then needs none.
SILENT = 0.5


@contextmanager
def progress(total: int | None = None) -> Iterator[Show]:
    """Yield what shows a line on standard error, if that is a terminal; the line goes at the end.

    With a ``total`` the line has a bar, the share that is done, and the time left. Call it often:
    it costs little, and the first line comes after ``SILENT`` seconds.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _text, _done=0: None
        return
    with ExitStack() as stack:
        line: tuple[Progress, TaskID] | None = None
        first = time.monotonic() + SILENT

        def show(text: str, done: int = 0) -> None:
            nonlocal line
            if line is None and time.monotonic() >= first:
                line = _begun(stack, text, total)
            if line is not None:
                line[0].update(line[1], description=text, completed=done)

        yield show


def _begun(stack: ExitStack, text: str, total: int | None) -> "tuple[Progress, TaskID]":
    """Begin a line that ends with ``stack``."""
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

    # A server's text is no markup, and a long one stays in its line.
    what = TextColumn(
        "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
    )
    share = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    line = Progress(
        *(SpinnerColumn(), what, *(share if total else ())),
        console=console,
        transient=True,
        redirect_stdout=False,  # or what goes to a file would come to the terminal
        disable=not console.is_interactive,
    )
    task = line.add_task(text, total=total)
    return stack.enter_context(line), task
