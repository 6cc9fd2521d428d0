"""Find a short sequence of requests that breaks a statement, on a server that cannot be started again.

What was resent or deleted stays so: a sequence cannot be tried twice from the same state, as Hypothesis would. So first
only the requests are kept that name the webhook request concerned, or that changed any, where it is about none. If none
of these changes anything, they are sent again, fewer each time, within a budget; if the last one alone breaks the
statement, that is the sequence. Where one of them does change something, the sequence is not tried.
"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from crmcom_kit.contract_tests.checks.sense import identifying_values
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.session import Session, changing_method

#: So many requests are kept; older ones are left out.
MAX_KEPT = 8

#: Requests that may be sent again for one statement.
MAX_REQUESTS = 24


def minimized(session: Session, violation: Violation) -> tuple[Call, ...]:
    """Return the shortest sequence that was found; ``violation.witness`` is what is there so far.

    Raises:
        BudgetSpent, TargetDown: see ``Session.send``.
    """
    kept = touching(session, violation)
    if any(changing_method(each) for each in kept):
        return kept
    end, left = kept[-1:], MAX_REQUESTS
    size = 0
    while size < len(kept) - 1 and left > size:
        sequence = (*kept[len(kept) - 1 - size : -1], *end)
        left -= len(sequence)
        if _breaks(session, sequence, violation.statement):
            return sequence
        size = size * 2 + 1
    return kept


def touching(session: Session, violation: Violation) -> tuple[Call, ...]:
    """Return the requests of a sequence that concern what a violation is about, and the last one."""
    calls, world = violation.witness, session.world
    record = world.records.get(violation.record or "") or world.deleted.get(violation.record or "")
    names = {record.get("id"), record.get("number")} if record else set()
    kept = [
        each
        for each in calls[:-1]
        if (_names(each) & names if names else changing_method(each) is not None)
    ]
    return (*kept[1 - MAX_KEPT :], *calls[-1:])


def _names(call: Call) -> frozenset[str]:
    return identifying_values([call.parameters.get("webhook_request_identifier")])


def _breaks(session: Session, sequence: Sequence[Call], statement: str) -> bool:
    """Whether requests that only read break a statement when they are sent again."""
    before = session.findings.breaks
    for each in sequence:
        session.send(each)
    return session.findings.breaks > before and session.findings.is_broken(statement)


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
