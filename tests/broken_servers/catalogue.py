"""The list of broken servers, and how a function becomes one."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from broken_servers.toolkit import (
    RECORD_METHODS,
    Answer,
    Asked,
    Forward,
    Handle,
    Memory,
    Record,
    WsgiApp,
    wrapped,
)
from crmcom_kit.schemas.statements import statement

_HOMES = (
    "calling",
    "answering",
    "showing",
    "resending",
    "deleting",
    "listing",
    "selecting",
    "responses",
    "log_informations",
    "logins",
    "rare",
)


@dataclass(frozen=True, slots=True)
class BrokenServer:
    """One server that is wrong on purpose."""

    name: str
    statement: str  # the id of the one that it breaks
    release: str
    handle: Handle
    note: str  # what it does, in a sentence
    rare: bool  # it is wrong for few calls only

    @property
    def make(self) -> Callable[[WsgiApp], WsgiApp]:
        """What is put around the mock's application."""
        return wrapped(self.handle)


_SERVERS: dict[str, BrokenServer] = {}


def broken(
    breaks: str, *, release: str | None = None, rare: bool = False
) -> Callable[[Handle], Handle]:
    """Enter a function as the server that breaks the statement ``breaks``.

    Args:
        breaks: the statement's id.
        release: which release it serves; the first in which the statement is in force where
            left out.
        rare: it is wrong for few calls only.
    """
    serves = release or statement(breaks).since

    def enter(handle: Handle) -> Handle:
        name = handle.__name__
        assert name not in _SERVERS, name
        note = (handle.__doc__ or "").splitlines()[0]
        _SERVERS[name] = BrokenServer(name, breaks, serves, handle, note, rare)
        return handle

    return enter


def broken_record(
    breaks: str,
    *,
    release: str | None = None,
    rare: bool = False,
    of: tuple[str, ...] = RECORD_METHODS,
) -> Callable[[Callable[[Record], None]], Callable[[Record], None]]:
    """Enter a function that alters every record, in the answers of the methods ``of``."""

    def enter(alter: Callable[[Record], None]) -> Callable[[Record], None]:
        def handle(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
            answer = forward(asked)
            return answer.each(alter) if asked.method in of else answer

        handle.__name__, handle.__doc__ = alter.__name__, alter.__doc__
        broken(breaks, release=release, rare=rare)(handle)
        return alter

    return enter


def served_anyway(
    name: str, breaks: str, note: str, repair: Callable[[Asked, Forward], Asked]
) -> None:
    """Enter a server that serves what the mock refuses for the sake of the statement ``breaks``.

    Args:
        name: the server's name.
        breaks: the statement's id.
        note: what it does, in a sentence.
        repair: makes of the refused call one that the mock serves.
    """

    def handle(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
        answer = forward(asked)
        return forward(repair(asked, forward)) if answer.upholds == breaks else answer

    handle.__name__, handle.__doc__ = name, note
    broken(breaks)(handle)


def broken_servers() -> tuple[BrokenServer, ...]:
    """Return every broken server."""
    for home in _HOMES:
        import_module(f"broken_servers.{home}")
    return tuple(_SERVERS.values())
