"""Have the traffic that passes by checked, one exchange at a time, and keep it for reports."""

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import httpx

from crmcom_kit.contract_tests.client.exchanges import Call, containers
from crmcom_kit.contract_tests.client.http import MAX_CONTAINERS, MAX_RESPONSE, unzipped
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Findings, Violation, counted
from crmcom_kit.contract_tests.options import CHANGES
from crmcom_kit.contract_tests.oracle.sense import read
from crmcom_kit.contract_tests.recorded.reading import (
    UNKNOWN_METHOD,
    Recorded,
    RecordingError,
    Response,
    Skip,
    recorded,
)
from crmcom_kit.contract_tests.recorded.recording import WITH_EFFECT, Observer
from crmcom_kit.contract_tests.results import Results, statement_results
from crmcom_kit.contract_tests.targets import Target

#: So many bytes of bodies are kept, with some more for each exchange: what else is known of it.
MAX_KEPT, _EACH = 128 * 1024 * 1024, 4 * 1024
#: Why an exchange is not checked, beside what a recording may lack.
LONG = "with a body that is too long"
CODED = "with a response in a content coding other than gzip"
BEYOND = "beyond what the proxy keeps"
_NONE = httpx.Headers()


@dataclass(slots=True)
class Copy:
    """What has passed by of a body, up to a bound."""

    content: bytearray = field(default_factory=bytearray)
    is_long: bool = False  # and so no longer kept

    def add(self, chunk: bytes) -> None:
        """Add what comes next."""
        self.is_long |= len(self.content) + len(chunk) > MAX_RESPONSE
        if self.is_long:
            self.content.clear()
        else:
            self.content += chunk

    def whole(self) -> bytes:
        """Return all of it. Raises Skip: it is not kept."""
        if self.is_long:
            raise Skip(LONG)
        return bytes(self.content)


@dataclass(slots=True, eq=False)
class Flight:
    """A request that is under way."""

    call: Call
    began: float  # seconds that only go forward
    is_known: bool  # whether it is of a method that the release has
    has_effect: bool
    alone: bool = False  # whether it has no place in the order: others with effects overlap it
    sent: Copy = field(default_factory=Copy)
    received: Copy = field(default_factory=Copy)

    def __post_init__(self) -> None:
        """Keep nothing of what is not checked."""
        self.sent.is_long = self.received.is_long = not self.is_known


class Traffic:
    """The requests through a proxy: those under way, and those that were checked.

    Exchanges are checked in a thread of their own, in the order in which they were complete.
    """

    def __init__(
        self,
        target: Target,
        config: RunConfig,
        tell: Callable[[Results | str], None],
        began: dt.datetime,
    ) -> None:
        """Know nothing of the server.

        Args:
            target: the server.
            config: what is checked.
            tell: is given the results that show a new violation, or a line about the proxy itself.
            began: the present moment.
        """
        self._target, self._config, self._tell = target, config, tell
        self._observer = Observer(target.release, self._found)
        self._started, self._started_at = time.monotonic(), began.timestamp()
        self._under_way: set[Flight] = set()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._kept = self._unzipped = 0  # bytes; the second is what codings have saved
        self._is_full, self._skipped = False, Counter[str]()
        self._trouble: str | None = None
        #: What was checked, and what may have had an effect without a response, as it came.
        self.checked: list[Recorded] = []

    def begin(self, call: Call) -> Flight:
        """Take note of a request before it is sent."""
        name = read(call, self._target.release).name
        flight = Flight(call, time.monotonic(), bool(name), name in WITH_EFFECT)
        for other in self._under_way:
            flight.alone |= other.has_effect
            other.alone |= flight.has_effect
        self._under_way.add(flight)
        return flight

    def end(self, flight: Flight, status: int = 0, headers: httpx.Headers = _NONE) -> None:
        """Take note of a request's response, all of which has come; 0: none will come.

        What is said first is what counts.
        """
        if flight not in self._under_way:
            return
        self._under_way.remove(flight)
        if self._is_full or not flight.is_known:
            self._skipped[BEYOND if flight.is_known else UNKNOWN_METHOD] += 1
            return
        self._kept += len(flight.sent.content) + len(flight.received.content) + _EACH
        if self._kept + self._unzipped > MAX_KEPT:
            self._is_full = True
            megabytes = f"{MAX_KEPT >> 20} MB"
            self._tell(f"From now on nothing is checked: {megabytes} are kept. Forwarding goes on.")
        seconds = time.monotonic() - flight.began
        self._thread.submit(self._check, flight, status, headers, seconds)

    def _check(self, flight: Flight, status: int, headers: httpx.Headers, seconds: float) -> None:
        """Check an exchange; runs in the thread, for one after the other."""
        start = self._started_at + flight.began - self._started
        pairs, coding = tuple(headers.multi_items()), headers.get("content-encoding", "")
        try:
            call = replace(flight.call, body=flight.sent.whole() or None)
            response = Response(status, pairs, lambda: self._plain(flight.received, coding))
            one = recorded(call, response, self._target.release, start, seconds)
            is_known = not one.missing or one.exchange.call.method in CHANGES
            if self._trouble is None and is_known:
                self._observer.know_login(one.exchange)
                self._observer.follow(one, alone=flight.alone)
                self.checked.append(one)
            self._skipped.update([one.missing] if one.missing else [])
        except Skip as why:
            self._skipped[str(why)] += 1
        except RecordingError as error:
            self._trouble = error.what
            self._tell(f"Nothing more is checked: {error.what}.")
        except Exception as error:  # noqa: BLE001 - the next exchange is checked all the same
            self.crashed(error)

    def crashed(self, error: Exception) -> None:
        """Note an error of the kit itself."""
        self._observer.findings.crash("the proxy", error)

    def _plain(self, received: Copy, coding: str) -> bytes:
        """Return a response's body without its coding. Raises Skip: it is not checked."""
        coding = coding.strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise Skip(CODED)
        content = unzipped(received.whole(), coding, MAX_RESPONSE)
        if len(content) > MAX_RESPONSE or containers(content) > MAX_CONTAINERS:
            raise Skip(LONG)
        self._unzipped += len(content) - len(received.content)
        return content

    def _found(self, violation: Violation) -> None:
        """Tell of a violation of a kind that was not seen before."""
        one, config = Findings(), self._config
        one.broke(violation)
        found = statement_results(one, self._target.release, config.deviations, config.only)
        results = Results(
            target=self._target,
            command="",
            seed=0,
            began="",
            seconds=0.0,
            statements=found,
            history=tuple(self._observer.history),
        )
        try:
            self._tell(results)
        except Exception as error:  # noqa: BLE001 - the results have it all the same
            self.crashed(error)

    def finish(self) -> Results:
        """Return the results, once all is checked that is complete."""
        self._thread.shutdown()
        warnings = [f"{counted(len(self._observer.history), 'exchange')} through the proxy checked"]
        if self._skipped:
            reasons = ", ".join(f"{n} {why}" for why, n in sorted(self._skipped.items()))
            warnings.append(f"not checked: {reasons}")
        seconds = time.monotonic() - self._started
        return self._observer.results(
            self._target, self._config, seconds, "through the proxy", self._trouble, warnings
        )
