"""The progress of long work, in a line on the terminal; nothing in a pipe or a file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Called with a text.
Show = Callable[[str], None]
#: Seconds of work without a line.
SILENT = 0.5


@contextmanager
def progress() -> Iterator[Show]:
    """Yield a function that shows a line on standard error, if that is a terminal.

    Call it often: it costs little. The first line comes after ``SILENT`` seconds; the block removes
    it at its end.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _text: None
        return
    with ExitStack() as stack:
        line: tuple[Progress, TaskID] | None = None
        start = time.monotonic() + SILENT

        def show(text: str) -> None:
            nonlocal line
            if line is None and time.monotonic() >= start:
                line = _begin(stack, text)
            if line is not None:
                line[0].update(line[1], description=text)

        yield show


def _begin(stack: ExitStack, text: str) -> "tuple[Progress, TaskID]":
    """Begin a line, which ``stack`` ends."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    # A server's text is not markup; a long text stays in its line.
    description = TextColumn(
        "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
    )
    console = Console(stderr=True)
    line = Progress(
        SpinnerColumn(),
        description,
        console=console,
        transient=True,
        redirect_stdout=False,  # otherwise output to a file would go to the terminal
        disable=not console.is_interactive,
    )
    task = line.add_task(text, total=None)
    return stack.enter_context(line), task
