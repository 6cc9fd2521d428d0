"""Send requests to a target, one at a time, and record every exchange.

Time-outs, the rate, the budget of requests and the bound of an answer's size are kept here; so
nothing that a check does can go around them. An answer that does not come is ``TargetDown``: the
run fails, no statement does.
"""

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from crmcom_kit.contract_tests.client.bodies import Bodies
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.in_process import Answer, InProcess
from crmcom_kit.contract_tests.client.network import FAILURES, Network
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.options import DEFAULT_TIMEOUT
from crmcom_kit.contract_tests.targets import Target


class TargetDown(Exception):
    """The target does not answer, or stopped answering."""


class BudgetSpent(Exception):
    """As many requests were sent as the run may send."""


class AnswerTooLong(Unreachable):
    """An answer that is longer than the run may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may ask of a target."""

    max_requests: int | None = None
    rate: float | None = None  # requests a second
    timeout: float = DEFAULT_TIMEOUT  # seconds to wait for one answer, from first to last byte
    longest_wait: float = 60.0  # seconds that a Retry-After may ask for
    longest_answer: int = 64 * 1024 * 1024  # bytes


#: So often in a row a target may ask to wait before the run gives up.
MAX_WAITS = 10

#: What stands in front of a server says these when it has none to pass a request to.
_OUTAGES = (502, 503, 504)

#: What every request says of its sender; nothing is asked for in a coding, which may be a bomb.
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "crmcom-kit",
}


class Client:
    """Sends calls and keeps the history of a run."""

    def __init__(
        self,
        target: Target,
        limits: Limits,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Send to ``target`` within ``limits``; nothing is sent yet."""
        self.target = target
        self.limits = limits
        self.history: list[Exchange] = []
        self.renewed: set[int] = set()  # exchanges before which the target got new content
        self.sent = 0
        self.reserved = 0  # requests that are kept for the end of the run
        self.now = now  # seconds that only go forward
        self._sleep = sleep
        self._next = now()
        self._base_path = urlsplit(target.base_url).path
        self._transport = target.transport or Network(limits.timeout, now)
        self._in_process = isinstance(self._transport, InProcess)
        self._bodies = Bodies()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    @property
    def left(self) -> int | None:
        """How many requests may still be sent; None where there is no limit."""
        limit = self.limits.max_requests
        return None if limit is None else max(0, limit - self.sent - self.reserved)

    def send(self, call: Call) -> Exchange:
        """Send ``call`` and return the exchange.

        Raises:
            BudgetSpent: the run may send no more requests.
            TargetDown: no answer came.
            AnswerTooLong: the answer is longer than ``limits`` allows.
        """
        exchange = self.ask(call)
        waits = 0
        while self._asks_for_patience(exchange):
            waits += 1
            if waits > MAX_WAITS:
                msg = f"{self.target.name} asked the run to wait {MAX_WAITS} times in a row"
                raise TargetDown(msg)
            self._wait_as_asked(exchange)
            exchange = self.ask(call)
        if exchange.status in _OUTAGES and exchange.code is None:  # a gateway may speak JSON, too
            msg = f"{self.target.name} is down: HTTP {exchange.status} without an envelope"
            raise TargetDown(msg)
        self.history.append(exchange)
        if not self._in_process:  # whose worlds are small
            self._bodies.keep(exchange)
        return exchange

    @staticmethod
    def _asks_for_patience(exchange: Exchange) -> bool:
        """Whether to send the same again: nothing was done, or a GET may be repeated."""
        if exchange.status == 429:
            return True
        may_repeat = exchange.status == 503 and exchange.call.verb == "GET"
        return may_repeat and exchange.header("Retry-After") is not None

    def ask(self, call: Call) -> Exchange:
        """Send ``call`` once, whatever comes, and leave the exchange out of the history.

        Raises: see ``send``.
        """
        if self.left == 0:
            msg = f"the run has sent all {self.limits.max_requests} requests that it may send"
            raise BudgetSpent(msg)
        self._keep_the_rate()
        self.sent += 1
        began = self.now()
        if isinstance(self._transport, InProcess):  # without all that connections need
            path = f"{self._base_path}/{call.path}"
            answer = self._transport.ask(call.verb, path, call.query, call.body, call.headers)
            self._bound(answer.content, call)
        else:
            answer = self._over_network(call, began)
        number, took = len(self.history) + 1, self.now() - began
        return Exchange(number, call, answer.status, answer.headers, answer.content, took)

    def _over_network(self, call: Call, began: float) -> Answer:
        url = f"{self.target.base_url}/{call.path}"
        url = f"{url}?{call.query}" if call.query else url
        try:
            answer = self._transport.handle_request(_request(call, url))
            try:
                content = self._read(answer, call, began)
            finally:
                answer.close()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OverflowError, *FAILURES) as error:
            msg = f"{self.target.name} does not respond: {type(error).__name__}: {error}"
            raise TargetDown(msg) from None
        return Answer(answer.status_code, tuple(answer.headers.multi_items()), content)

    def _read(self, answer: httpx.Response, call: Call, began: float) -> bytes:
        """Return an answer's body. Raises AnswerTooLong; TargetDown where it never ends."""
        content = bytearray()
        assert isinstance(answer.stream, httpx.SyncByteStream)  # noqa: S101 - for the type checker
        for chunk in answer.stream:
            content += chunk
            self._bound(content, call)
            if self.now() - began > self.limits.timeout:
                msg = (
                    f"{self.target.name} did not end its response within {self.limits.timeout:g} s"
                )
                raise TargetDown(msg)
        plain = _plain(bytes(content), answer, self.limits.longest_answer)
        self._bound(plain, call)
        return plain

    def _bound(self, content: bytes | bytearray, call: Call) -> None:
        longest = self.limits.longest_answer
        if len(content) > longest:
            msg = (
                f"the response to {call.method or call.path} is longer than {longest} bytes; "
                "narrow "
            )
            msg += "the scope with --only-…"
            raise AnswerTooLong(msg)

    def _keep_the_rate(self) -> None:
        if self.limits.rate:
            now = self.now()
            if now < self._next:
                self._sleep(self._next - now)
            self._next = max(now, self._next) + 1 / self.limits.rate

    def _wait_as_asked(self, exchange: Exchange) -> None:
        seconds = retry_after_seconds(exchange)
        if seconds > self.limits.longest_wait:
            msg = f"{self.target.name} asks the run to wait {seconds:.0f} s; it waits at most "
            msg += f"{self.limits.longest_wait:.0f} s"
            raise TargetDown(msg)
        self._sleep(seconds)


def ask_once(target: Target, call: Call, limits: Limits) -> Exchange | None:
    """Send a request apart from the run; None if nothing comes, or something too long."""
    client = Client(target, limits)
    try:
        return client.ask(call)
    except (TargetDown, Unreachable):
        return None
    finally:
        if target.transport is None:
            client.close()


def _request(call: Call, url: str) -> httpx.Request:
    headers = httpx.Headers(_HEADERS)
    headers.update(list(call.headers))
    return httpx.Request(call.verb, url, headers=headers, content=call.body)


def _plain(content: bytes, answer: httpx.Response, longest: int) -> bytes:
    """Return a body without the gzip that a gateway may put around it unasked, up to a bound.

    Any other coding was not asked for either: it stays, and what is in it is no JSON.
    """
    if answer.headers.get("Content-Encoding", "").strip().lower() not in ("gzip", "x-gzip"):
        return content
    try:
        return zlib.decompressobj(wbits=31).decompress(content, longest + 1)
    except zlib.error:
        return content


def retry_after_seconds(exchange: Exchange) -> float:
    """Return how long an answer asks to wait: 1 s where it does not say, or not clearly.

    Retry-After is a number of seconds or a date; a date is read by the clock of the one who
    wrote it, the Date header of the same answer.
    """
    header = (exchange.header("Retry-After") or "").strip()
    if header.isascii() and header.isdigit():
        return float(header)
    until, now = http_date(header), http_date(exchange.header("Date"))
    return 1.0 if until is None or now is None else max(0.0, until - now)


def http_date(text: str | None) -> float | None:
    """Return the seconds since 1970 of a date as HTTP headers write it, or None."""
    try:
        return None if not text else parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
