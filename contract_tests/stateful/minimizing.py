"""Minimize a recorded sequence of calls that shows a violation.

First every call is left out that does not touch the webhook request concerned. Where a fresh mock
can be had, the rest is tried there, and calls are left out as long as the same statement breaks.
"""

from collections.abc import Callable, Sequence

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.stateful.cases import Case
from crmcom_kit.contract_tests.stateful.model import Model

Trace = Sequence[tuple[Case, Exchange]]

#: Says whether a sequence of cases, made on a fresh mock, breaks the statement again.
Breaks = Callable[[Sequence[Case]], bool]

#: So many sequences are tried on fresh mocks.
MAX_TRIES = 40


def touching(trace: Trace, violation: Violation, model: Model) -> list[int]:
    """Return the places in ``trace`` of the calls that name the webhook request concerned.

    The last call, which broke the statement, is always among them. Where the violation is about
    no webhook request, every call that was served and changes one is kept.
    """
    record = model.records.get(violation.record or "") or model.deleted.get(violation.record or "")
    last = len(trace) - 1
    return [
        at
        for at, (case, exchange) in enumerate(trace)
        if at == last or (_names(exchange.call, record) if record else _changes(case, exchange))
    ]


def _names(call: Call, record: Record) -> bool:
    identifier = call.parameters.get("webhook_request_identifier")
    given = identifier.values() if isinstance(identifier, dict) else ()
    return any(value in (record.get("id"), record.get("number")) for value in given)


def _changes(case: Case, exchange: Exchange) -> bool:
    return case.method in ("resend", "delete") and exchange.ok


def cut(
    trace: Trace, violation: Violation, model: Model, breaks: Breaks | None = None
) -> tuple[Call, ...]:
    """Return the shortest sequence that is found.

    Args:
        trace: the calls from a fresh start to the one that broke the statement.
        violation: what it broke.
        model: what was known of the webhook requests then.
        breaks: tries a sequence on a fresh mock; None where there is none.
    """
    kept = touching(trace, violation, model)
    if breaks is not None:
        every = list(range(len(trace)))
        tries = _Tries(breaks, trace)
        if not tries.broken(kept):
            kept = every if tries.broken(every) else kept
        kept = _shortest(kept, tries)
    return tuple(trace[at][1].call for at in kept)


class _Tries:
    def __init__(self, breaks: Breaks, trace: Trace) -> None:
        self._breaks, self._trace = breaks, trace
        self._left = MAX_TRIES

    def broken(self, places: Sequence[int]) -> bool:
        """Whether the calls at ``places`` break the statement; False once tries are spent."""
        if self._left == 0:
            return False
        self._left -= 1
        return self._breaks([self._trace[at][0] for at in places])


def _shortest(kept: list[int], tries: _Tries) -> list[int]:
    """Leave out parts, half of them first and single calls last, while the rest still breaks."""
    size = max(1, (len(kept) - 1) // 2)
    while size:
        at = 0
        while at < len(kept) - 1:  # the last call stays
            rest = kept[:at] + kept[min(at + size, len(kept) - 1) :]
            if tries.broken(rest):
                kept = rest
            else:
                at += size
        size //= 2
    return kept
