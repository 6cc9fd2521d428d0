"""Find a short sequence of requests that breaks a statement: send parts of a longer one again.

On a mock of the kit's own this comes after Hypothesis, which has made the values of an example
smaller as far as its budget went: here whole requests are left out, each time on a fresh world,
until no part can go.

On anybody else's server it replaces Hypothesis. What was resent or deleted there stays so, and a
sequence cannot be tried twice from one state. So only requests are kept that name the webhook
request concerned, or the last ones that changed any if the violation is about none. If one of these
changes something, they are not tried; otherwise parts of them are sent again, within a budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import quote

from crmcom_kit.contract_tests.checks.sense import identifying_values
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.session import changing_method

#: Requests that may be sent again for one statement, on a mock of our own and elsewhere.
MAX_REQUESTS, MAX_REQUESTS_ELSEWHERE = 400, 24
#: So many requests are kept elsewhere, the last ones.
MAX_KEPT = 8

Calls = tuple[Call, ...]
Breaks = Callable[[Calls], bool]


def minimized(calls: Calls, breaks: Breaks, *, concerned: Record | None, fresh: bool) -> Calls:
    """Return the shortest sequence that is found; its last request is that of ``calls``.

    Args:
        calls: a sequence that broke a statement.
        breaks: sends a sequence, and says whether it broke the statement again.
        concerned: the webhook request that the violation is about.
        fresh: each sequence starts from the same state.
    """
    kept = touching(calls, concerned)
    if not fresh:
        kept = (*kept[:-1][1 - MAX_KEPT :], *kept[-1:])
        if any(changing_method(each) for each in kept):
            return kept
    tries = _Tries(breaks, MAX_REQUESTS if fresh else MAX_REQUESTS_ELSEWHERE)
    if tries.broken(calls[-1:]):
        return calls[-1:]
    start = calls if fresh and not tries.broken(kept) else kept
    return _shortest(start, tries)


class _Tries:
    """Tries sequences as long as there are requests left."""

    def __init__(self, breaks: Breaks, requests: int) -> None:
        self._breaks, self._left = breaks, requests

    def broken(self, calls: Calls) -> bool:
        """Whether the sequence breaks the statement; False once the requests are spent."""
        self._left -= len(calls)
        return self._left >= 0 and self._breaks(calls)


def _shortest(calls: Calls, tries: _Tries) -> Calls:
    """Leave out parts, half of them first and single requests last, while the rest still breaks."""
    size = max(1, (len(calls) - 1) // 2)
    while size:
        at = 0
        while at < len(calls) - 1:  # the last request stays
            rest = calls[:at] + calls[min(at + size, len(calls) - 1) :]
            if tries.broken(rest):
                calls = rest
            else:
                at += size
        size //= 2
    return calls


def touching(calls: Sequence[Call], record: Record | None) -> Calls:
    """Return the requests that name a webhook request, or that may change any; and the last one."""
    names = {record.get("id"), record.get("number")} if record else set()
    kept = [
        each
        for each in calls[:-1]
        if (_names(each) & names if names else changing_method(each) is not None)
    ]
    return (*kept, *calls[-1:])


def _names(call: Call) -> frozenset[str]:
    return identifying_values([call.parameters.get("webhook_request_identifier")])


def with_token(call: Call, old: str, new: str) -> Call:
    """Return ``call`` with another token: how one that was made in another world is told."""
    if not old or old == new:
        return call
    given = dict(call.parameters)
    if given.get("token") == old:
        given["token"] = new
    return replace(
        call,
        query=call.query.replace(quote(old, safe=""), quote(new, safe="")),
        body=call.body.replace(old.encode(), new.encode()) if call.body else call.body,
        parameters=given,
    )
