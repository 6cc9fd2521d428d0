"""Sends calls to a target, one at a time, and records every exchange.

Time-outs, the rate and the budget of requests are kept here; so nothing that a check does can
go around them. An answer that does not come is ``TargetDown``: the run fails, no statement does.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from crmcom_kit.contract_tests.exchanges import Call, Exchange
from crmcom_kit.contract_tests.targets import Target


class TargetDown(Exception):
    """The target does not answer, or stopped answering."""


class BudgetSpent(Exception):
    """As many requests were sent as the run may send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may ask of a target."""

    max_requests: int | None = None
    rate: float | None = None  # requests a second
    timeout: float = 30.0  # seconds to wait for one answer
    longest_wait: float = 60.0  # seconds that a Retry-After may ask for


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
        self.sent = 0
        self._now, self._sleep = now, sleep
        self._next = now()
        self._http = httpx.Client(
            transport=target.transport,
            timeout=limits.timeout,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": "application/json", "User-Agent": "crmcom-kit"},
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def left(self) -> int | None:
        """How many requests may still be sent; None where there is no limit."""
        limit = self.limits.max_requests
        return None if limit is None else max(0, limit - self.sent)

    def send(self, call: Call) -> Exchange:
        """Send ``call`` and return the exchange.

        Raises:
            BudgetSpent: the run may send no more requests.
            TargetDown: no answer came.
        """
        answer, seconds = self._answer(call)
        while answer.status_code == 429:  # the target asks for patience; nothing was done
            self._wait_as_told(answer)
            answer, seconds = self._answer(call)
        exchange = Exchange(
            number=len(self.history) + 1,
            call=call,
            status=answer.status_code,
            headers=tuple(answer.headers.multi_items()),
            content=answer.content,
            seconds=seconds,
        )
        self.history.append(exchange)
        return exchange

    def _answer(self, call: Call) -> tuple[httpx.Response, float]:
        if self.left == 0:
            msg = f"all {self.limits.max_requests} requests are spent"
            raise BudgetSpent(msg)
        self._keep_the_rate()
        self.sent += 1
        url = f"{self.target.base_url}/{call.path}"
        began = self._now()
        try:
            answer = self._http.request(
                call.verb,
                f"{url}?{call.query}" if call.query else url,
                content=call.body,
                headers=list(call.headers),
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            msg = f"{self.target.name} does not answer: {type(error).__name__}: {error}"
            raise TargetDown(msg) from None
        return answer, self._now() - began

    def _keep_the_rate(self) -> None:
        if self.limits.rate:
            now = self._now()
            if now < self._next:
                self._sleep(self._next - now)
            self._next = max(now, self._next) + 1 / self.limits.rate

    def _wait_as_told(self, answer: httpx.Response) -> None:
        told = answer.headers.get("Retry-After", "1")
        seconds = float(told) if told.isdigit() else 1.0
        if seconds > self.limits.longest_wait:
            msg = f"{self.target.name} asks to wait {seconds:.0f} s, and allowed is a wait of "
            msg += f"{self.limits.longest_wait:.0f} s"
            raise TargetDown(msg)
        self._sleep(seconds)
