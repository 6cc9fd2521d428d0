"""Find a short sequence of requests that breaks a statement: send parts of a longer one again.

On a mock of the kit's own each try starts from a fresh world; requests are left out until none can
go, and then parameters of those that stay.

On anybody else's server what was resent or deleted stays so, and a sequence cannot be tried twice
from one state. So only requests are kept that name the webhook request concerned, or the last ones
that changed any if the violation is about none. If one of these changes something, they are not
tried; otherwise parts of them are sent again, within a budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import quote

from crmcom_kit.contract_tests.checks.sense import identifying_values
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import Call

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
    kept = _touching(calls, concerned)
    if not fresh:
        kept = (*kept[:-1][1 - MAX_KEPT :], *kept[-1:])
        if any(changing_method(each) for each in kept):
            return kept
    left = MAX_REQUESTS if fresh else MAX_REQUESTS_ELSEWHERE

    def broken(tried: Calls) -> bool:
        nonlocal left
        left -= len(tried)
        return left >= 0 and breaks(tried)

    if broken(calls[-1:]):
        return _plainer(calls[-1:], broken)
    start = calls if fresh and not broken(kept) else kept
    return _plainer(_shortest(start, broken), broken)


def _shortest(calls: Calls, broken: Breaks) -> Calls:
    """Leave out parts, half of them first and single requests last, while the rest still breaks."""
    size = max(1, (len(calls) - 1) // 2)
    while size:
        at = 0
        while at < len(calls) - 1:  # the last request stays
            rest = calls[:at] + calls[min(at + size, len(calls) - 1) :]
            if broken(rest):
                calls = rest
            else:
                at += size
        size //= 2
    return calls


def _plainer(calls: Calls, broken: Breaks) -> Calls:
    """Leave out parameters in queries, while the rest still breaks."""
    for at in range(len(calls)):
        for name in [name for name in calls[at].parameters if name != "token"]:
            plainer = _without(calls[at], name)
            tried = (*calls[:at], plainer, *calls[at + 1 :])
            if plainer != calls[at] and broken(tried):
                calls = tried
    return calls


def _without(call: Call, name: str) -> Call:
    """Return ``call`` without a parameter if it is in the query, and not the only one there."""
    pairs = call.query.split("&")
    rest = [pair for pair in pairs if not pair.startswith(f"{name}=")]
    if len(rest) == len(pairs) or not rest:
        return call
    given = {each: value for each, value in call.parameters.items() if each != name}
    return replace(call, query="&".join(rest), parameters=given)


def _touching(calls: Sequence[Call], record: Record | None) -> Calls:
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
