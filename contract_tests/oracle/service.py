"""Service of a server: methods that it never served, and requests at which it failed.

A status of 500 to 599, or no response, says that the server failed. Some servers refuse with such
a status, which is a dial (``errors.KIND.status``). So it counts against a server only for a request
that must be served, or if the server refuses other requests with a status below 500; and only if it
comes each time. Nothing is sent from here: ``to_repeat`` says what to send again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.client.exchanges import NO_RESPONSE, Call, Exchange
from crmcom_kit.contract_tests.client.wording import counted, never_served, outcome
from crmcom_kit.contract_tests.oracle.envelope import is_of_http, is_readable
from crmcom_kit.contract_tests.oracle.expectations import Expectation, Must
from crmcom_kit.contract_tests.oracle.findings import Violation
from crmcom_kit.contract_tests.oracle.parsing import Request, without
from crmcom_kit.contract_tests.oracle.suspicions import Held

STATEMENT = "errors.no_server_error"

#: Statements that something in front of the methods may enforce, with a status of its own.
_BEFORE_METHODS = ("methods.", "token.", "token_release.", "web_api_key_token.", "login.")
_LOGINS = ("token", "token_release", "web_api_key_token")  # the same holds for their refusals
#: The statuses by which resend may report that the receiver has failed.
_ELSEWHERE = (502, 504)
#: The number of failures of one request from which on it counts: a gateway may fail once or twice.
_MIN_SAME = 3
_MAX_SAME = 20  # failures that are kept of one request, and requests of one kind
_MAX_REPEATED = 12  # requests that are sent again


class _Kind(NamedTuple):
    """What requests have in common that a server should serve or refuse alike."""

    method: str
    must: Must
    statement: str
    names: tuple[str, ...]  # of the parameters, with the field of an identifier


class _Failure(NamedTuple):
    """A response with a status of 500 to 599, or none."""

    exchange: Exchange
    earlier_non_failures: int


@dataclass(slots=True)
class _Responses:
    """How a server responded to the requests of one kind."""

    non_failures: int = 0
    failures: dict[tuple[str, ...], list[_Failure]] = field(default_factory=dict)  # by request

    def note_failure(self, exchange: Exchange, earlier_non_failures: int) -> None:
        """Keep the failures of a request: the first ones and the last one are enough."""
        failures = self.failures.setdefault(_key(exchange.call), [])
        failures.append(_Failure(exchange, earlier_non_failures))
        del failures[_MAX_SAME:-1]
        if len(self.failures) > _MAX_SAME:
            del self.failures[next(iter(self.failures))]

    def repeated(self) -> list[_Failure]:
        """Return the failures of one request, or of all if there were only failures."""
        groups = [*self.failures.values()]
        failures = next(filter(_is_repeated, groups), [])
        if failures or self.non_failures:
            return failures
        failures = sorted(chain.from_iterable(groups), key=lambda failure: failure.exchange.number)
        return failures if _are_apart(failures) else []


def _is_repeated(failures: Sequence[_Failure]) -> bool:
    return len(failures) >= _MIN_SAME and _are_apart(failures)


def _are_apart(failures: Sequence[_Failure]) -> bool:
    """Return whether the server responded otherwise in between: it was not down for a moment."""
    return bool(failures) and failures[0].earlier_non_failures < failures[-1].earlier_non_failures


@dataclass(slots=True)
class _Tally:
    request_count: int = 0
    last_outcome: str = ""


class Service:
    """What a server makes of requests whose meaning is clear."""

    def __init__(self, belief: Belief) -> None:
        """Start without requests."""
        self._belief = belief
        self._refuses_below = self._refuses_above = False  # a status of 500
        self._non_failures = 0  # of all kinds
        self._kinds: dict[_Kind, _Responses] = {}
        self._concluded: set[_Kind] = set()
        self._tallies: dict[str, _Tally] = {}  # by method
        self._served_methods: set[str] = set()

    def _covers(self, expectation: Expectation) -> bool:
        """Return whether a request has a documented meaning, and its method is in service."""
        request, belief = expectation.request, self._belief
        method = request.method
        if method is None or not request.is_clear or request.is_unusual:
            return False
        may_be_withdrawn = method.deprecated and not belief.records.condensed
        if expectation.statement == "methods.verb" or may_be_withdrawn:
            return False
        if expectation.must is not Must.EITHER or "token" not in method.parameters:
            return True
        return belief.tokens.state(request.token) is TokenState.LIVE

    def see(self, exchange: Exchange, expectation: Expectation) -> Iterator[Held]:
        """Note a request and its response."""
        request, must = expectation.request, expectation.must
        # A webhook request that nobody has seen yet may exist: in a recording most do.
        if exchange.ok and (must is not Must.REFUSE or expectation.statement == "identifier.known"):
            self._served_methods.add(request.name)
        if not self._covers(expectation) or is_of_http(exchange):
            return
        if must is Must.SERVE or (must is Must.EITHER and request.name != "list"):
            tally = self._tallies.setdefault(request.name, _Tally())
            tally.request_count += 1
            tally.last_outcome = outcome(exchange)
        is_answered = exchange.status != NO_RESPONSE
        if is_answered and not is_readable(exchange):
            return  # another check reports that
        kind = _Kind(request.name, must, expectation.statement, _names(request))
        responses = self._kinds.setdefault(kind, _Responses())
        has_failed = exchange.status >= 500 or not is_answered
        is_before = request.name in _LOGINS or kind.statement.startswith(_BEFORE_METHODS)
        if must is Must.REFUSE and not is_before and is_answered:
            self._refuses_above |= has_failed
            self._refuses_below |= not has_failed and not exchange.ok
        if has_failed and not (request.name == "resend" and exchange.status in _ELSEWHERE):
            responses.note_failure(exchange, self._non_failures)
            return
        self._non_failures += 1
        responses.non_failures += 1
        responses.failures.pop(_key(exchange.call), None)
        if not has_failed:
            yield Held(STATEMENT)

    def _counts(self, failure: _Failure, kind: _Kind) -> bool:
        """Return whether a failure of a request of some kind is no way to refuse it."""
        if failure.exchange.status == NO_RESPONSE or self._refuses_below:
            return True
        return kind.must is Must.SERVE and not self._refuses_above

    def to_repeat(self) -> list[Call]:
        """Return failed requests that only read: do they fail at another moment, too?"""
        calls = [
            failures[-1].exchange.call
            for kind, responses in self._kinds.items()
            if kind not in self._concluded
            for failures in list(responses.failures.values())[-2:]
            if failures[-1].exchange.call.verb == "GET" and self._counts(failures[-1], kind)
        ]
        return calls[:_MAX_REPEATED]

    def conclude(self) -> Iterator[Violation]:
        """Yield a violation for each kind of request that the server fails at each time."""
        for kind, responses in self._kinds.items():
            failures = [] if kind in self._concluded else responses.repeated()
            if failures and self._counts(failures[-1], kind):
                self._concluded.add(kind)
                yield _violation(kind, failures[0].exchange, failures[-1].exchange)

    def failure(self, call: Call) -> Violation | None:
        """Return the violation that a request failed each time, or None."""
        for kind, responses in self._kinds.items():
            failures = responses.failures.get(_key(call), [])
            if _is_repeated(failures) and self._counts(failures[-1], kind):
                return _violation(kind, failures[-1].exchange)
        return None

    def unanswered(self) -> Iterator[str]:
        """Yield a line for each kind of request that never got a response."""
        for kind, responses in self._kinds.items():
            failures = [*chain.from_iterable(responses.failures.values())]
            statuses = {failure.exchange.status for failure in failures}
            if statuses == {NO_RESPONSE} and not responses.non_failures:
                names = " and ".join(kind.names) or "nothing but a token"
                times = "once" if len(failures) == 1 else f"{len(failures)} times"
                yield f"{kind.method} with {names} was sent {times} and never got a response"

    # What was never served.

    def is_sent(self, method: str) -> bool:
        """Return whether a method was sent in a way that a server might serve."""
        return method in self._tallies

    def is_served(self, method: str) -> bool:
        """Return whether a method was served at least once."""
        return method in self._served_methods

    def never_served_line(self, method: str) -> str:
        """Return a line that a method was sent and never served; empty if that is not so."""
        if not self.is_sent(method) or self.is_served(method):
            return ""
        tally = self._tallies[method]
        return never_served(method, tally.request_count, tally.last_outcome)

    def never_served(self) -> tuple[str, ...]:
        """Return a line for each method that was sent and never served."""
        return tuple(line for method in self._tallies if (line := self.never_served_line(method)))


def failures(history: Iterable[Exchange]) -> Iterator[str]:
    """Yield a sentence for each HTTP status of 500 to 599: how often, and by which methods."""
    by_status: dict[int, list[Exchange]] = defaultdict(list)
    for exchange in history:
        if exchange.status >= 500:
            by_status[exchange.status].append(exchange)
    for status, exchanges in sorted(by_status.items()):
        methods = Counter(exchange.call.method or exchange.call.path for exchange in exchanges)
        by_method = ", ".join(f"{method} {times}" for method, times in methods.items())
        count, number = counted(len(exchanges), "response"), exchanges[0].number
        yield f"{count} had HTTP {status} ({by_method}; the first to request {number})"


def _violation(kind: _Kind, *exchanges: Exchange) -> Violation:
    exchange = exchanges[-1]
    expected = "a response" if exchange.status == NO_RESPONSE else "a status below 500"
    if kind.must is Must.SERVE:
        expected += f": {kind.statement} wants the request served"
    else:
        expected += ", as other errors have"
    return Violation(STATEMENT, exchanges, expected, outcome(exchange))


def _names(request: Request) -> tuple[str, ...]:
    """Return the names of the parameters except the token, an identifier with its fields."""
    parameters = without("token", request.parameters)
    return tuple(
        f"{name}={','.join(map(str, value))}" if isinstance(value, dict) else name
        for name, value in sorted(parameters.items(), key=itemgetter(0))
    )


def _key(call: Call) -> tuple[str, ...]:
    return call.verb, call.path, call.query, str(call.body)
