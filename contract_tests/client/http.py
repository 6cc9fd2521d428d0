"""Send requests to a target, one at a time, and record every exchange.

This module keeps the timeout, the rate, the limits of requests, time and memory, and that of a
response's size, so no check can go around them. A request without a response has failed; several in
a row end the run: see ``MAX_UNANSWERED``.
"""

import math
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import httpcore
import httpx

from crmcom_kit.contract_tests.client.errors import (
    BudgetSpent,
    NoResponse,
    ResponseLost,
    ResponseTooLong,
    TargetDown,
    Unreachable,
)
from crmcom_kit.contract_tests.client.exchanges import OUTAGES, Call, Exchange, containers
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.options.options import DEFAULT_MAX_TIME
from crmcom_kit.deadline_streams import Deadline, DeadlineBackend

#: The maximum size of a response in bytes and in JSON containers: a list of 8,000 webhook requests
#: of 2 KB. Python takes up to 200 bytes for an empty container.
MAX_RESPONSE, MAX_CONTAINERS = 16 * 1024 * 1024, 100_000

#: The maximum number of bytes of query and body, which may be built of what a server has returned.
#: Servers refuse longer ones.
MAX_REQUEST = 8 * 1024
#: The maximum number of bytes of requests and responses that a run keeps, long bodies compressed.
MAX_KEPT = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of what a run sends to a target."""

    max_requests: int | None = None
    rate: float | None = None  # requests a second
    timeout: float = 60.0  # seconds to wait for one response, from first to last byte
    max_time: float = DEFAULT_MAX_TIME  # seconds that a run may take


TOO_MANY, UNAVAILABLE = 429, 503
_FOR_A_WHILE = (TOO_MANY, UNAVAILABLE)  # both are temporary, as HTTP has it

#: The maximum number of seconds that a Retry-After may ask for.
LONGEST_WAIT = 10.0
#: How often in a row a request is sent if a gateway responds. If a gateway responds to this many
#: changes in a row, the run ends, too.
MAX_TRIES = 5
#: How often in a row a request is sent to a target that asks to wait, or that refuses everything. A
#: limit of requests per minute has passed by then.
MAX_WAITS = 60
#: If more requests in a row get no response, the run ends. Only the first of them is sent twice,
#: since each may take the whole timeout.
MAX_UNANSWERED = 3

#: Seconds before a request is sent again that got no response of the server.
PAUSE = 0.5

#: Headers of every request. No coding is accepted, since a coded body may be a bomb.
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "crmcom-kit",
}


#: Seconds after which an idle connection is not used again: servers close theirs.
_IDLE = 5.0


class _Network(httpx.HTTPTransport):
    """Sends requests over the network; no exchange lasts longer than the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        # No initializer of httpx takes the backend of a pool.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            keepalive_expiry=_IDLE,
            network_backend=DeadlineBackend(deadline),
        )


class Client:
    """Sends requests, and keeps the history of a run."""

    def __init__(
        self,
        target: Target,
        limits: Limits,
        *,
        ends_at: float = math.inf,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Send to ``target`` within ``limits``, until ``now()`` is ``ends_at``."""
        self.target = target
        self.limits = limits
        self.history: list[Exchange] = []
        self.sent = 0
        self.kept_requests = 0  # requests that are kept for the end of the run
        self.kept_time = 0.0  # seconds that are kept for it
        self.ends_at = ends_at
        self.is_time_up = False  # whether a request was not sent for lack of time
        #: Responses that could not be read, by method: how many, and why.
        self.too_long: dict[str, tuple[int, str]] = {}
        self.hiccups: Counter[int] = Counter()  # responses of a gateway, by status
        self.silences: Counter[str] = Counter()  # requests without a response, by verb and path
        self.now = now  # seconds that never go back
        self.sleep = sleep
        self._next = now()
        self._deadline = Deadline(limits.timeout, now)
        self._transport = target.transport or _Network(self._deadline)
        self._kept_bytes = 0  # of requests and responses
        self._lost_count = 0  # responses of a gateway in a row to requests that are sent only once
        self._unanswered_count = 0  # requests in a row without a response

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    @property
    def left(self) -> int | None:
        """How many requests may still be sent; None if there is no limit."""
        limit = self.limits.max_requests
        return None if limit is None else max(0, limit - self.sent - self.kept_requests)

    @property
    def seconds_left(self) -> float:
        """How many seconds the run may still take."""
        return max(0.0, self.ends_at - self.kept_time - self.now())

    def send(self, call: Call, *, once: bool = False) -> Exchange:
        """Send ``call`` and return the exchange; if a gateway responds, send it again.

        Args:
            call: the request.
            once: do not send it again if it may have been done.

        Raises:
            BudgetSpent: the run may send no more, or has no time left.
            TargetDown: several requests in a row got no response, or a gateway responds each time.
            NoResponse: this request got no response.
            ResponseTooLong: the response is longer than ``MAX_RESPONSE``.
            ResponseLost: a gateway has responded to a request that is sent only once.
        """
        tries = 0
        while True:
            exchange = self._responded(call, once=once)
            seconds = self._seconds_to_wait(exchange, once=once)
            if seconds is None:
                self.history.append(exchange)
                self._kept_bytes += exchange.size
                return exchange
            tries += 1
            if tries == (MAX_WAITS if exchange.status in _FOR_A_WHILE else MAX_TRIES):
                msg = f"{self.target.name} is down: it responded {tries} times in a row with HTTP "
                msg += f"{exchange.status} to {call.verb} {call.path}"
                raise TargetDown(msg)
            self.pause(seconds)

    def _responded(self, call: Call, *, once: bool) -> Exchange:
        """Send a request, and perhaps again if no response comes. Raises as ``send`` does."""
        try:
            exchange = self.ask(call)
        except NoResponse as error:
            self.silences[f"{call.verb} {call.path}"] += 1
            if not self.history:
                msg = f"{error}; check the base URL, and that the server is running"
                raise TargetDown(msg) from None
            if not (once or self._unanswered_count):
                self._unanswered_count = 1
                self.pause(PAUSE)
                return self._responded(call, once=True)
            self._unanswered_count += 1
            if self._unanswered_count <= MAX_UNANSWERED:
                raise
            msg = f"{error}; nor to the {MAX_UNANSWERED} requests before"
            raise TargetDown(msg) from None
        self._unanswered_count = 0
        return exchange

    def _seconds_to_wait(self, exchange: Exchange, *, once: bool) -> float | None:
        """Return the seconds after which to send a request again; None if it got its response.

        Raises: see ``send``.
        """
        must_wait = exchange.status == UNAVAILABLE and exchange.header("Retry-After") is not None
        if exchange.status == TOO_MANY or (must_wait and not once):
            seconds = retry_after_seconds(exchange)
            if seconds > LONGEST_WAIT:
                msg = f"{self.target.name} asks the run to wait {seconds:.0f} s; it waits at most "
                msg += f"{LONGEST_WAIT:.0f} s: send fewer requests per second with --rate"
                raise TargetDown(msg)
            return seconds
        if exchange.status not in OUTAGES or exchange.code is not None:
            self._lost_count = 0 if once else self._lost_count
            return None
        self.hiccups[exchange.status] += 1
        if not once:
            return PAUSE
        self._lost_count += 1
        msg = f"a gateway returned HTTP {exchange.status}, and {exchange.call.path} is never sent "
        msg += "twice"
        if self._lost_count < MAX_TRIES:
            raise ResponseLost(msg)
        msg = f"{self.target.name} is down: {MAX_TRIES} times in a row {msg}"
        raise TargetDown(msg)

    def ask(self, call: Call) -> Exchange:
        """Send ``call`` once, whatever the response, and leave the exchange out of the history.

        Raises: see ``send``.
        """
        if self.left == 0:
            limit = counted(self.limits.max_requests or 0, "request")
            msg = f"the run may send no more than {limit}"
            raise BudgetSpent(msg)
        self._keep_the_rate()
        self.pause(0)
        if self._kept_bytes > MAX_KEPT:
            msg = "the run has received as many bytes as it keeps"
            raise BudgetSpent(msg)
        length = len(call.query) + len(call.body or b"")
        if length > MAX_REQUEST:
            msg = f"not sent: a request of {length} bytes, more than {MAX_REQUEST}"
            raise Unreachable(msg)
        request = _request(call, self.target.base_url)
        self.sent += 1
        start = self.now()
        self._deadline.restart(min(self.limits.timeout, self.seconds_left))
        try:
            response = self._transport.handle_request(request)
            try:
                content = self._read(response, call)
            finally:
                response.close()
        except (httpx.HTTPError, OverflowError) as error:
            self.pause(0)  # the time of the run may be over
            msg = f"{self.target.name} does not respond: {type(error).__name__}: {error} "
            msg += f"({call.verb} {call.path})"
            raise NoResponse(msg) from None
        number, headers = len(self.history) + 1, tuple(response.headers.multi_items())
        return Exchange(number, call, response.status_code, headers, content, self.now() - start)

    def _read(self, response: httpx.Response, call: Call) -> bytes:
        """Return a response's body. Raises ResponseTooLong, BudgetSpent."""
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - for the type checker
        content = bytearray()
        for chunk in response.stream:
            content += chunk
            if len(content) > MAX_RESPONSE:
                break
            self.pause(0)
        coding, excess = response.headers.get("Content-Encoding", ""), ""
        body = unzipped(bytes(content), coding, MAX_RESPONSE)
        if max(len(content), len(body)) > MAX_RESPONSE:  # a longer gzip was cut
            excess = f"is longer than {MAX_RESPONSE} bytes, which is the limit"
        elif len(body) > MAX_CONTAINERS and (count := containers(body)) > MAX_CONTAINERS:
            excess = f"has {count} JSON objects and arrays in {len(body)} bytes; the limit is "
            excess += f"{MAX_CONTAINERS}"
        if excess:
            msg = f"the response to {call.verb} {call.path} {excess}"
            times, _ = self.too_long.get(call.method, (0, ""))
            self.too_long[call.method] = times + 1, excess
            raise ResponseTooLong(msg)
        return body

    def _keep_the_rate(self) -> None:
        if self.limits.rate:
            moment = self.now()
            if moment < self._next:
                self.pause(self._next - moment)
            self._next = max(moment, self._next) + 1 / self.limits.rate

    def pause(self, seconds: float) -> None:
        """Wait. Raises BudgetSpent if the run has no more than so many seconds left."""
        if self.seconds_left <= seconds:
            self.is_time_up = True
            msg = f"the time of the run is over (--max-time {self.limits.max_time:g})"
            raise BudgetSpent(msg)
        if seconds:
            self.sleep(seconds)


def ask_once(target: Target, call: Call, limits: Limits) -> Exchange | None:
    """Send a request apart from a run; None if no response comes, or one that is too long."""
    client = Client(target, limits)
    try:
        return client.ask(call)
    except (TargetDown, Unreachable):
        return None
    finally:
        if target.transport is None:
            client.close()


def _request(call: Call, base_url: str) -> httpx.Request:
    """Return a request as httpx sends it. Raises Unreachable if HTTP has no way to."""
    url = f"{base_url}/{call.path}" + (f"?{call.query}" if call.query else "")
    try:
        headers = httpx.Headers(_HEADERS)
        headers.update(list(call.headers))
        if call.verb == "GET" and call.body:
            headers["Connection"] = "close"  # a server that leaves this body unread reads it next
        return httpx.Request(call.verb, url, headers=headers, content=call.body)
    except (UnicodeError, httpx.InvalidURL) as error:
        msg = f"not sent: {call.verb} {call.path} has what no URL or header can hold: "
        raise Unreachable(f"{msg}{type(error).__name__}") from None


def unzipped(content: bytes, coding: str, longest: int) -> bytes:
    """Return a body without the gzip that a gateway may add unasked, up to ``longest`` + 1 bytes.

    Any other coding stays: nobody asked for it, and the body is not JSON.
    """
    if coding.strip().lower() not in ("gzip", "x-gzip"):
        return content
    try:
        return zlib.decompressobj(wbits=31).decompress(content, longest + 1)
    except zlib.error:
        return content


def retry_after_seconds(exchange: Exchange) -> float:
    """Return how long a response asks to wait: 1 s unless it has a number of seconds."""
    header = (exchange.header("Retry-After") or "").strip()
    return float(header) if header.isascii() and header.isdigit() else 1.0
