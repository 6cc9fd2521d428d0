"""Connections that ask one thing after another, and judge every answer; loopback only."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter

from benchmarks.loopback import HOST, content_length

#: Requests on one connection before it is closed and a new one opened.
_LIFE = 300
_PATIENCE = 10.0

Explained = Mapping[str, frozenset[str]]
Ask = Callable[[random.Random], tuple[str, bytes]]  # → the kind of request, and its bytes


@dataclass(slots=True)
class Tally:
    """What was asked and what came back."""

    answers: Counter[str] = field(default_factory=Counter)  # by kind of request
    outcomes: Counter[str] = field(default_factory=Counter)  # OK, or the statement that explains
    unexplained: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)

    def judge(self, kind: str, head: bytes, body: bytes, explained: Explained) -> None:
        """Count one answer; ``explained`` says which statements may stand in the way of a kind."""
        self.answers[kind] += 1
        statement = header(head, b"x-mock-statement")
        if head[9:12] == b"200" and b'"code":"OK"' in body[:200] and kind != "error":
            self.outcomes["OK"] += 1
        elif statement in explained[kind] and head[9:10] in b"24":
            self.outcomes[statement] += 1
        else:
            text = f"{kind}: {head[:15].decode(errors='replace')} {body[:120]!r}"
            self.unexplained[text] += 1


def header(head: bytes, name: bytes) -> str:
    """Return a header's value; nothing where it is not there."""
    for line in head.split(b"\r\n")[1:]:
        found, _, value = line.partition(b":")
        if found.lower() == name:
            return value.strip().decode("latin-1")
    return ""


async def drive(
    port: int, ask: Ask, *, connections: int, seconds: float, explained: Explained
) -> Tally:
    """Ask from many connections for some seconds, each waiting for its answers."""
    tally = Tally()
    until = perf_counter() + seconds
    users = [
        _user(port, ask, random.Random(at), until=until, tally=tally, explained=explained)
        for at in range(connections)
    ]
    await asyncio.gather(*users)
    return tally


async def _user(
    port: int,
    ask: Ask,
    draws: random.Random,
    *,
    until: float,
    tally: Tally,
    explained: Explained,
) -> None:
    """Use one connection after the other until the time is over."""
    while perf_counter() < until:
        try:
            reader, writer = await asyncio.open_connection(HOST, port, limit=2**20)
        except OSError as error:
            tally.unexplained[f"connect: {type(error).__name__}"] += 1
            await asyncio.sleep(0.1)
            continue
        kind = "none"
        try:
            for _ in range(_LIFE):
                if perf_counter() >= until:
                    break
                kind, request = ask(draws)
                began = perf_counter()
                writer.write(request)
                head, body = await asyncio.wait_for(_answer(reader), _PATIENCE)
                tally.milliseconds.append((perf_counter() - began) * 1000)
                tally.judge(kind, head, body, explained)
                if header(head, b"connection").lower() == "close":
                    break
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            tally.unexplained[f"{kind}: {type(error).__name__}"] += 1
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one answer. Raises EOFError or ValueError where it is none."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = content_length(head)
    if length is not None:
        return head, await reader.readexactly(length)
    if header(head, b"transfer-encoding").lower() != "chunked":
        msg = "neither a length nor chunks"
        raise ValueError(msg)
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return head, b"".join(parts)
