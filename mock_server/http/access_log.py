"""The access log: one redacted line for each request, and for each webhook that is sent.

Lines are written in batches by a thread, so that a request does not wait for a file;
on a terminal they appear at once.
"""

import atexit
import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

from crmcom_kit.mock_server.clock import Clock
from crmcom_kit.redaction import (
    Redactor,
    decoded,
    redact_query,
    redact_url,
    words_of,
)

if TYPE_CHECKING:
    from crmcom_kit.mock_server.deliveries.attempts import Attempt
    from crmcom_kit.mock_server.world.world import World

LogForm = Literal["human", "json"]
#: Seconds after which a line is written at the latest.
BATCH_SECONDS = 0.1
_MAX_TARGET = 2_000
_MAX_CACHED = 200  # characters of a parameter that is worth remembering


class Line(NamedTuple):
    """What a line says of one request, or of one webhook that was sent."""

    world: "World"  # whose secrets are kept out of the line
    client: str  # "-" for a webhook
    verb: str
    path: str  # of a webhook: the URL up to its query
    query: str
    status: int  # 0: no response came
    bytes: int
    seconds: float
    statement: str | None = None
    fault: str | None = None
    warnings: Sequence[str] = ()
    ending: str | None = None  # how a fault ended the connection
    trace_id: str | None = None  # of a request of the API: its entry in the journal of its world
    delivery: str | None = None  # of a webhook: its attempt and what came of it


class AccessLog:
    """Writes lines to a stream; may be used from any thread."""

    def __init__(self, out: TextIO, *, form: LogForm, clock: Clock) -> None:
        """Write lines of ``form`` to ``out``."""
        self._out = out
        self._as_text = _human if form == "human" else _json
        self._clock = clock
        self._lines: deque[str] = deque()
        self._lock = threading.Lock()  # of the stream: batches are written one after the other
        self._writes_at_once = _is_terminal(out)
        self._is_due = False  # whether a thread is going to write
        atexit.register(self.flush)

    def add(self, line: Line) -> None:
        """Write a line, soon."""
        # Redacted here and not by the writer: a reset in between would forget the tokens.
        target = _redacted(line.world, str, line.path)
        if line.query:
            parts = [
                _redacted(line.world, redact_query, parameter)
                for parameter in line.query.split("&")
            ]
            target = f"{target}?{'&'.join(parts)}"
        target = _printable(target)
        if line.warnings or line.fault:  # they quote the caller
            redact = line.world.redactor.text
            fault = line.fault and redact(line.fault)
            warnings = [redact(text) for text in line.warnings]
            line = line._replace(warnings=warnings, fault=fault)
        time = self._clock.now().isoformat(timespec="milliseconds")
        self._lines.append(self._as_text(line, time, target))
        if self._writes_at_once:
            self.flush()
        elif not self._is_due:
            self._is_due = True
            timer = threading.Timer(BATCH_SECONDS, self.flush)
            timer.daemon = True
            timer.start()

    def add_attempt(self, world: "World", attempt: "Attempt") -> None:
        """Write a line about a webhook that ``world`` sent, or tried to, soon."""
        url, _, query = attempt.message.url.partition("?")
        target = redact_url(url)
        outcome, seconds = attempt.outcome, attempt.seconds or 0.0
        status, size, name = 0, 0, "abandoned"
        if outcome is not None:
            status, size, name = outcome.status or 0, len(outcome.answer), outcome.name
        delivery = f"delivery {attempt.number}: {name}"
        line = Line(world, "-", "POST", target, query, status, size, seconds, fault=attempt.fault)
        self.add(line._replace(delivery=delivery))

    def flush(self) -> None:
        """Write all lines now."""
        self._is_due = False  # whatever is added from now on
        with self._lock:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if not lines:
                return
            with suppress(OSError, ValueError):  # its reader is gone; the server goes on
                self._out.write("".join(lines))
                self._out.flush()


def _is_terminal(out: TextIO) -> bool:
    try:
        return out.isatty()
    except ValueError:  # it is closed
        return False


def _redacted(world: "World", by_names: Callable[[str], str], text: str) -> str:
    """Return a path, or one parameter of a query, without secrets.

    Paths and parameters recur, and the secrets in them do; only tokens come and go.
    """
    redactor = world.redactor
    if len(text) <= _MAX_CACHED:
        shown, words = _analyzed(redactor, by_names, text)
        if not any(map(world.tokens.knows, words)):
            return shown
    return redactor.hide(by_names(text))


@lru_cache(maxsize=2048)
def _analyzed(
    redactor: Redactor, by_names: Callable[[str], str], text: str
) -> tuple[str, frozenset[str]]:
    """Return a string without the secrets of the moment, and its words, which may become tokens."""
    shown = redactor.hide(by_names(text))
    return shown, frozenset(words_of(shown) | words_of(decoded(shown, escapes=True)))


def _printable(text: str) -> str:
    """Return ``text`` so that it cannot forge another line, nor fill the log."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if c.isascii() and c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= _MAX_TARGET else f"{text[:_MAX_TARGET]}..."


def _human(line: Line, time: str, target: str) -> str:
    parts = (
        time,
        line.client,
        _printable(line.verb),
        target,
        str(line.status),
        f"{line.bytes}B",
        f"{line.seconds * 1000:.1f}ms",
        line.statement,
        *(f"({text})" for text in line.warnings),
        line.fault,
        line.ending,
        line.trace_id and f"#{line.trace_id}",
        line.delivery and f"({line.delivery})",
    )
    return " ".join(filter(None, parts)) + "\n"


def _json(line: Line, time: str, target: str) -> str:
    members: dict[str, Any] = {
        "status": line.status,
        "bytes": line.bytes,
        "statement": line.statement,
        "fault": line.fault,
        "warnings": [*line.warnings],
        "seconds": round(line.seconds, 6),
        "target": target,
        "verb": _printable(line.verb),
        "time": time,
        "client": line.client,
    }
    for name in ("ending", "trace_id", "delivery"):
        if (value := getattr(line, name)) is not None:
            members[name] = value
    return json.dumps(members) + "\n"
