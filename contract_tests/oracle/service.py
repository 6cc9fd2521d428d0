"""How requests were met: what was never served, and where HTTP says that the server failed.

A status of 500 to 599 says that the server failed at a request that may have been right. Some
servers refuse with it, which is a dial (``errors.KIND.status``): it counts against a server only
for a request that must be served, or if the server refuses other requests with a status below 500;
and only if it comes each time. Nothing is sent from here: ``to_repeat`` says what to send again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief, TokenState
from crmcom_kit.contract_tests.belief.knowledge import value_at
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Violation, counted, outcome
from crmcom_kit.contract_tests.oracle.envelope import is_readable
from crmcom_kit.contract_tests.oracle.expectations import Expectation, Must
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
#: From so many requests on it is no chance that a method, or a form of an identifier, is refused.
_OFTEN = 5


class _Kind(NamedTuple):
    """What requests have in common that are expected to be met alike."""

    method: str
    must: Must
    statement: str
    names: tuple[str, ...]  # of the parameters, with the field of an identifier


class _Failure(NamedTuple):
    """A response with a status of 500 to 599."""

    exchange: Exchange
    moment: int  # how many other responses there were before


@dataclass(slots=True)
class _Met:
    """How the requests of one kind were met."""

    otherwise: int = 0
    failures: dict[tuple[str, ...], list[_Failure]] = field(default_factory=dict)  # by request

    def repeated(self) -> list[_Failure]:
        """Return failures that came each time, of all or of the same request; or nothing."""
        groups = [each for each in self.failures.values() if len(each) >= _MIN_SAME]
        if not self.otherwise:
            every = chain.from_iterable(self.failures.values())
            groups.append(sorted(every, key=lambda each: each.exchange.number))
        # The server responded otherwise in between: it was not down for a moment.
        apart = (each for each in groups if each and each[0].moment < each[-1].moment)
        return next(apart, [])


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
        self._tallies: dict[str, _Tally] = {}  # by method
        self._recovered = 0  # failures that did not come again
        #: Resends that may be served, by the form of their identifier: with the definition's id.
        self._resends: dict[str, list[tuple[str, Exchange]]] = {"id": [], "number": []}

    def _covers(self, expected: Expectation) -> bool:
        """Whether the pages say what a request means, and that its method is in service."""
        sense, belief = expected.sense, self._belief
        method = sense.method
        if method is None or not sense.is_clear or sense.is_unusual:
            return False
        if expected.statement == "methods.verb" or (method.deprecated and not belief.records):
            return False
        if expected.must is not Must.EITHER or "token" not in method.parameters:
            return True
        return belief.token_state(sense.token) is TokenState.LIVE

    def see(self, exchange: Exchange, expected: Expectation) -> Iterator[str]:
        """Take note of a request."""
        if not self._covers(expected):
            return
        sense, must = expected.sense, expected.must
        if must is Must.SERVE or (must is Must.EITHER and sense.name != "list"):
            tally = self._tallies.setdefault(sense.name, _Tally())
            tally.sent += 1
            tally.served += exchange.ok
            tally.last = outcome(exchange)
        if not is_readable(exchange):
            return  # which another check tells of
        known = self._belief.find(sense.record)
        is_open = sense.name == "resend" and must is Must.EITHER
        if is_open and sense.record is not None and known is not None and not known.moving:
            definition = str(value_at(known.record, "webhook_definition.id"))
            self._resends[sense.record.field].append((definition, exchange))
        kind = _Kind(sense.name, must, expected.statement, _names(sense))
        met = self._kinds.setdefault(kind, _Met())
        failed = exchange.status >= 500
        is_before = sense.name in _LOGINS or kind.statement.startswith(_BEFORE_METHODS)
        if must is Must.REFUSE and not is_before:
            self._refuses_above |= failed
            self._refuses_below |= not failed and not exchange.ok
        request = _request(exchange.call)
        if not failed or (sense.name == "resend" and exchange.status in _ELSEWHERE):
            self._responses += 1
            met.otherwise += 1
            self._recovered += len(met.failures.pop(request, ()))
            yield from () if failed else (STATEMENT,)
            return
        same = met.failures.setdefault(request, [])
        same.append(_Failure(exchange, self._responses))
        del same[_MAX_SAME:-1]  # the first ones and the last one tell enough
        if len(met.failures) > _MAX_SAME:
            del met.failures[next(iter(met.failures))]

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
            for same in list(met.failures.values())[-2:]
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
            definitions = {definition for definition, _ in served}
            refused = [each for key, each in self._resends[form] if key in definitions]
            if min(len(refused), len(served)) < _OFTEN:
                continue
            if all(each.ok for _, each in served) and not any(each.ok for each in refused):
                expected = f"OK: {other} is served each time, and {form} identifies as well"
                seen = outcome(refused[-1])
                yield Violation("identifier.fields", refused[-1], expected=expected, seen=seen)

    def recovered(self) -> tuple[str, ...]:
        """Say in a line how many failures did not come again; nothing if there are none."""
        number = counted(self._recovered, "response")
        said = f"{number} had a status of 500 to 599, and the same request was met otherwise later"
        return (said,) if self._recovered else ()

    # What was never served.

    def unserved(self) -> tuple[str, ...]:
        """Return the methods that were sent often, and never served: nothing is known of them."""
        tallies = self._tallies.items()
        return tuple(name for name, each in tallies if not each.served and each.sent >= _OFTEN)

    def is_never_served(self, method: str) -> bool:
        """Return whether a method was sent, and never served."""
        return method in self._tallies and not self._tallies[method].served

    def never_served(self) -> tuple[str, ...]:
        """Say in a line each which methods were sent, and never served."""
        return tuple(
            f"{method} was sent {'once' if each.sent == 1 else f'{each.sent} times'} and never "
            f"served; seen last: {each.last}"
            for method, each in self._tallies.items()
            if not each.served
        )


def _names(sense: Sense) -> tuple[str, ...]:
    """Return what is given, less the token; of an identifier its fields as well."""
    return tuple(
        f"{name}={','.join(map(str, value))}" if isinstance(value, dict) else name
        for name, value in sorted(sense.given.items(), key=lambda each: each[0])
        if name != "token"
    )


def _request(call: Call) -> tuple[str, ...]:
    return call.verb, call.path, call.query, str(call.body)
