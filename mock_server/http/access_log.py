"""The access log: one redacted line for each request, and for each webhook that is sent.

A thread writes lines in batches, so that requests do not wait for a file; on a terminal they appear
at once.
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
from crmcom_kit.redaction import Redactor, decoded, redact_query, redact_url, words_of

if TYPE_CHECKING:
    from crmcom_kit.mock_server.deliveries.attempts import Attempt
    from crmcom_kit.mock_server.world.world import World

LogForm = Literal["human", "json"]
#: Maximum seconds until a line is written.
BATCH_SECONDS = 0.1
_MAX_TARGET = 2_000
_MAX_CACHED = 200  # characters of a parameter whose redaction is cached


class Line(NamedTuple):
    """The content of a line about one request, or about one webhook that was sent."""

    world: "World"  # its secrets are redacted
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
    delivery: str | None = None  # of a webhook: its attempt and outcome


class AccessLog:
    """Writes lines to a stream; may be used from any thread."""

    def __init__(self, out: TextIO, *, form: LogForm, clock: Clock) -> None:
        """Write lines of ``form`` to ``out``."""
        self._out = out
        self._as_text = _text_line if form == "human" else _json_line
        self._clock = clock
        self._lines: deque[str] = deque()
        self._lock = threading.Lock()  # of the stream, for one batch at a time
        self._writes_at_once = _is_terminal(out)
        self._is_due = False  # True: a timer is going to write
        atexit.register(self.flush)

    def add(self, line: Line) -> None:
        """Write a line within BATCH_SECONDS."""
        # Redacted here: when the thread writes, a reset may have removed the tokens.
        target = _redact(line.world, str, line.path)
        if line.query:
            parts = [
                _redact(line.world, redact_query, parameter) for parameter in line.query.split("&")
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
        """Write a line about an attempt of ``world`` within BATCH_SECONDS."""
        url, _, query = attempt.message.url.partition("?")
        target = redact_url(url)
        outcome, seconds = attempt.outcome, attempt.seconds or 0.0
        status, size, name = 0, 0, "abandoned"
        if outcome is not None:
            status, size, name = outcome.status or 0, len(outcome.body), outcome.name
        delivery = f"delivery {attempt.number}: {name}"
        line = Line(world, "-", "POST", target, query, status, size, seconds, fault=attempt.fault)
        self.add(line._replace(delivery=delivery))

    def flush(self) -> None:
        """Write all lines now."""
        self._is_due = False  # for lines that are added later
        with self._lock:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if not lines:
                return
            with suppress(OSError, ValueError):  # its reader is gone; the server continues
                self._out.write("".join(lines))
                self._out.flush()


def _is_terminal(out: TextIO) -> bool:
    try:
        return out.isatty()
    except ValueError:  # it is closed
        return False


def _redact(world: "World", redact: Callable[[str], str], text: str) -> str:
    """Return a path, or one parameter of a query, without secrets.

    Paths and parameters recur, so results are cached; but their words may become tokens.
    """
    redactor = world.redactor
    if len(text) <= _MAX_CACHED:
        redacted_text, words = _redact_cached(redactor, redact, text)
        if not any(map(world.tokens.knows, words)):
            return redacted_text
    return redactor.redact_known(redact(text))


@lru_cache(maxsize=2048)
def _redact_cached(
    redactor: Redactor, redact: Callable[[str], str], text: str
) -> tuple[str, frozenset[str]]:
    """Return a string without the current secrets, and its words, which may become tokens."""
    redacted_text = redactor.redact_known(redact(text))
    return redacted_text, frozenset(
        words_of(redacted_text) | words_of(decoded(redacted_text, escapes=True))
    )


def _printable(text: str) -> str:
    """Return ``text`` as printable ASCII of limited length, which cannot forge a line."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if c.isascii() and c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= _MAX_TARGET else f"{text[:_MAX_TARGET]}..."


def _text_line(line: Line, time: str, target: str) -> str:
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


def _json_line(line: Line, time: str, target: str) -> str:
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
