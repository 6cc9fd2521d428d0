"""Many threads at the same moment."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import Any

from helpers.patience import PATIENCE


def at_once(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each task in a thread of its own, all at the same moment; return what they return."""
    barrier = Barrier(len(tasks))
    results: list[Any] = [None] * len(tasks)
    errors: list[BaseException] = []

    def run(at: int, task: Callable[[], Any]) -> None:
        try:
            barrier.wait(PATIENCE)
            results[at] = task()
        except BaseException as error:
            errors.append(error)
            raise

    threads = [Thread(target=run, args=pair, daemon=True) for pair in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not [thread for thread in threads if thread.is_alive()], "a thread is stuck"
    assert not errors
    return results
