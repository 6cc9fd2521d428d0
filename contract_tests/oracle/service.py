"""How requests were met: what was never served, and where HTTP says that the server failed.

A status of 500 to 599 says that the server failed at a request that may have been right. Some
servers refuse with it, which is a dial (``errors.KIND.status``): it counts against a server only
for a request that must be served, or if the server refuses other requests with a status below 500;
and only if it comes each time. Nothing is sent from here: ``to_repeat`` says what to send again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief, TokenState
from crmcom_kit.contract_tests.belief.knowledge import value_at
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Violation, counted, outcome
from crmcom_kit.contract_tests.oracle.envelope import is_readable
from crmcom_kit.contract_tests.oracle.expectations import (
    Expectation,
    Must,
    has_fields_set,
    is_familiar,
)
from crmcom_kit.contract_tests.oracle.sense import Sense

STATEMENT = "errors.no_server_error"

#: Refusals that something in front of the methods may decide, in a way of its own.
_BEFORE_METHODS = ("methods.", "token.", "token_release.", "web_api_key_token.", "login.")
_LOGINS = ("token", "token_release", "web_api_key_token")  # so may theirs
#: HTTP's words for a failure elsewhere: so resend may report that the receiver has failed.
_ELSEWHERE = (502, 504)
#: A request that a gateway failed at once, or twice, may be served the next time.
_MIN_SAME = 3
_MAX_SAME = 20  # requests of one kind
_MAX_REPEATED = 12
#: So often each form of an identifier is tried before one of them counts as unknown to resend: a
#: delivery that fails may be reported as an error as well.
_MIN_TRIED = 4
#: From so many requests on it is no chance that a method is never served.
_OFTEN = 5


class _Kind(NamedTuple):
    """What requests have in common that are expected to be met alike."""

    method: str
    must: Must
    statement: str
    names: tuple[str, ...]  # of the parameters, with the field of an identifier


class _Resend(NamedTuple):
    """A resend of a REJECTED webhook request, and the definition that sent this one."""

    exchange: Exchange
    definition: str


class _Failure(NamedTuple):
    """A response with a status of 500 to 599."""

    exchange: Exchange
    moment: int  # how many other responses there were before


@dataclass(slots=True)
class _Met:
    """How the requests of one kind were met."""

    otherwise: int = 0
    failures: list[_Failure] = field(default_factory=list)
    same: dict[tuple[str, ...], list[_Failure]] = field(default_factory=dict)  # by request

    def repeated(self) -> list[_Failure]:
        """Return failures that came each time, of all or of the same request; or nothing."""
        if not self.otherwise and _are_apart(self.failures):
            return self.failures
        groups = (each for each in self.same.values() if len(each) >= _MIN_SAME)
        return next(filter(_are_apart, groups), [])


def _are_apart(failures: list[_Failure]) -> bool:
    """Whether the server responded otherwise in between: it was not down for a moment."""
    return len(failures) > 1 and failures[0].moment < failures[-1].moment


@dataclass(slots=True)
class _Tally:
    sent: int = 0
    served: int = 0
    last: str = ""


class Service:
    """Notes how requests were met whose meaning is clear."""

    def __init__(self, belief: Belief) -> None:
        """Note nothing yet."""
        self._belief = belief
        self._refuses_below = self._refuses_above = False
        self._responses = 0  # with a status below 500
        self._kinds: dict[_Kind, _Met] = {}
        self._told: set[_Kind] = set()
        self._tallies: dict[tuple[str, frozenset[str]], _Tally] = {}
        self._recovered = 0  # failures that did not come again
        self._resends: dict[str, list[_Resend]] = {"id": [], "number": []}  # of REJECTED ones

    def covers(self, expected: Expectation) -> bool:
        """Whether the pages say what a request means, and that its method is in service."""
        sense, belief = expected.sense, self._belief
        method = sense.method
        if method is None or not sense.is_clear or sense.open_because:
            return False
        if expected.statement == "methods.verb" or (method.deprecated and not belief.records):
            return False
        if expected.must is not Must.EITHER or "token" not in method.parameters:
            return True
        return belief.token_state(sense.token) is TokenState.LIVE

    def see(self, exchange: Exchange, expected: Expectation) -> Iterator[str]:
        """Take note of a request that is covered."""
        sense, must = expected.sense, expected.must
        if must is not Must.REFUSE and _is_as_documented(sense, self._belief):
            names = frozenset(sense.given.keys() - {"token"})
            tally = self._tallies.setdefault((sense.name, names), _Tally())
            tally.sent += 1
            tally.served += exchange.ok
            tally.last = tally.last if exchange.ok else outcome(exchange)
        if not is_readable(exchange):
            return  # which another check tells of
        if sense.name == "resend" and sense.record is not None and must is Must.EITHER:
            known = self._belief.named(sense.record)
            if known is not None and known.exists and not known.moving:
                definition = value_at(known.record, "webhook_definition.id")
                self._resends[sense.record.field].append(_Resend(exchange, str(definition)))
        kind = _Kind(sense.name, must, expected.statement, _names(sense))
        met = self._kinds.setdefault(kind, _Met())
        failed = exchange.status >= 500
        is_before = sense.name in _LOGINS or kind.statement.startswith(_BEFORE_METHODS)
        if must is Must.REFUSE and not is_before:
            self._refuses_above |= failed
            self._refuses_below |= not failed and not exchange.ok
        if not failed or (sense.name == "resend" and exchange.status in _ELSEWHERE):
            self._responses += 1
            met.otherwise += 1
            self._recovered += len(met.same.pop(_request(exchange.call), ()))
            yield from () if failed else (STATEMENT,)
            return
        failure = _Failure(exchange, self._responses)
        met.failures.append(failure)
        same = met.same.setdefault(_request(exchange.call), [])
        same.append(failure)
        for failures in (met.failures, same):
            del failures[_MAX_SAME:-1]  # the first ones and the last one tell enough
        if len(met.same) > _MAX_SAME:
            del met.same[next(iter(met.same))]

    def _counts(self, kind: _Kind) -> bool:
        """Whether HTTP 5xx to requests of a kind is no way of this server to refuse."""
        if kind.must is not Must.SERVE:
            return self._refuses_below
        return self._refuses_below or not self._refuses_above

    def to_repeat(self) -> list[Call]:
        """Return requests that only read, and that failed: do they fail at another moment, too?"""
        found = [
            same[-1].exchange.call
            for kind, met in self._kinds.items()
            if kind not in self._told and self._counts(kind)
            for same in list(met.same.values())[-2:]
            if same[-1].exchange.call.verb == "GET"
        ]
        return found[:_MAX_REPEATED]

    def conclude(self) -> Iterator[Violation]:
        """Yield a violation for each kind of request that the server fails at each time."""
        for kind, met in self._kinds.items():
            failures = met.repeated() if kind not in self._told and self._counts(kind) else []
            if not failures:
                continue
            self._told.add(kind)
            expected = "a status below 500, as other errors have"
            if kind.must is Must.SERVE:
                expected = f"a status below 500: {kind.statement} wants the request served"
            first, last = failures[0].exchange, failures[-1].exchange
            yield Violation(STATEMENT, first, last, expected=expected, seen=outcome(last))
        yield from self._of_forms()

    def _of_forms(self) -> Iterator[Violation]:
        """Yield a violation if resend takes one form of an identifier only, as each one shows."""
        for form, other in (("id", "number"), ("number", "id")):
            served = self._resends[other]
            # A server may refuse what a definition has sent that is no longer effective.
            definitions = {each.definition for each in served}
            refused = [each for each in self._resends[form] if each.definition in definitions]
            if min(len(refused), len(served)) < _MIN_TRIED:
                continue
            if all(each.exchange.ok for each in served) and not any(e.exchange.ok for e in refused):
                expected = f"OK: {other} is served each time, and {form} identifies as well"
                last = refused[-1].exchange
                yield Violation("identifier.fields", last, expected=expected, seen=outcome(last))

    def recovered(self) -> tuple[str, ...]:
        """Say in a line how many failures did not come again; nothing if there are none."""
        number = counted(self._recovered, "response")
        said = f"{number} had a status of 500 to 599, and the same request was met otherwise later"
        return (said,) if self._recovered else ()

    # What was never served.

    def unserved(self) -> tuple[str, ...]:
        """Return the methods that were sent often, and never served: nothing is known of them."""
        methods = dict.fromkeys(method for method, _ in self._tallies)
        return tuple(each for each in methods if self._is_unserved(each))

    def _is_unserved(self, method: str) -> bool:
        tallies = [each for (name, _), each in self._tallies.items() if name == method]
        return not _served(tallies) and _sent(tallies) >= _OFTEN

    def never_served(self) -> tuple[str, ...]:
        """Say in a line each which methods and parameters were sent, and never served."""
        by_method: dict[str, dict[frozenset[str], _Tally]] = {}
        for (method, names), tally in self._tallies.items():
            by_method.setdefault(method, {})[names] = tally
        return tuple(
            line for method, tallies in by_method.items() for line in _unserved(method, tallies)
        )


def _unserved(method: str, tallies: dict[frozenset[str], _Tally]) -> Iterator[str]:
    if not _served(tallies.values()):
        sent, last = _sent(tallies.values()), [*tallies.values()][-1].last
        times = "once" if sent == 1 else f"{sent} times"
        yield f"{method} was sent {times} and never served; seen last: {last}"
        return
    refused: list[str] = []
    with_name = {
        name: [tally for names, tally in tallies.items() if name in names]
        for name in sorted(frozenset().union(*tallies))
    }
    for name, found in sorted(with_name.items(), key=lambda each: -_sent(each[1])):
        others = [names for names in tallies if name in names and names.isdisjoint(refused)]
        if others and not _served(found) and _sent(found) > 1:
            refused.append(name)
            yield f"{method} refused each of {_sent(found)} requests with {name}"


def _sent(tallies: Iterable[_Tally]) -> int:
    return sum(each.sent for each in tallies)


def _served(tallies: Iterable[_Tally]) -> int:
    return sum(each.served for each in tallies)


def _is_as_documented(sense: Sense, belief: Belief) -> bool:
    """Whether the release has all that is sent, and the server has shown each value."""
    if "fields_set" in sense.given and not has_fields_set(sense.name, belief.release):
        return False
    return all(is_familiar(name, wanted, belief) for name, wanted in sense.filters.items())


def _names(sense: Sense) -> tuple[str, ...]:
    """Return what is given, less the token; of an identifier its fields as well."""
    return tuple(
        f"{name}={','.join(map(str, value))}" if isinstance(value, dict) else name
        for name, value in sorted(sense.given.items(), key=lambda each: each[0])
        if name != "token"
    )


def _request(call: Call) -> tuple[str, ...]:
    return call.verb, call.path, call.query, str(call.body)
