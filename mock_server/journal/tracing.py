"""The trace of a request: the chain of causes from the request to the final state.

The response has the statement and dials of the decision. The record and the delivery attempts show
the effects.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import orjson

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.faults.matching import Fault
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.store.records import State
from crmcom_kit.schemas.dialect import dials
from crmcom_kit.schemas.statements import statement


class TraceStep(TypedDict):
    """One link of the chain of causes."""

    step: Literal["fault", "request", "change", "attempt", "receiver"]
    outcome: NotRequired[Annotated[Literal["held", "broken", "skipped"], "Of a request."]]
    statement: NotRequired[Annotated[str | None, "The statement that decided a request."]]
    evidence: NotRequired[str | None]
    dials: NotRequired[Annotated[dict[str, Any], "The dials that decided, and their settings."]]
    before: NotRequired[Annotated[str | None, "The state before the change."]]
    after: NotRequired[Annotated[str | None, "The state after the change."]]
    id: NotRequired[Annotated[int, "The id of the delivery of an attempt."]]
    name: NotRequired[Annotated[str, "The outcome of the delivery, for a receiver's response."]]
    status: NotRequired[Annotated[int | None, "The HTTP status of a receiver's response."]]


def trace(
    config: Config, fault: Fault | None, result: Response | None, attempts: Sequence[Attempt]
) -> list[TraceStep]:
    """Return the chain of causes of one request, which caused these attempts to deliver.

    ``fault`` hit the request. Without ``result`` (still running), or after an internal error, there
    is no decision.
    """
    steps: list[TraceStep] = [] if fault is None else [{"step": "fault"}]
    if result is None or result.is_internal_error:
        return steps
    steps.append(_decision(config, fault, result))
    for attempt in attempts:
        steps += _attempt_steps(attempt)
    before = result.before
    if not attempts and before is not None and result.after is None:  # a delete
        steps.append(_change(orjson.loads(before)["life_cycle_state"], "DELETED"))
    return steps


def _decision(config: Config, fault: Fault | None, response: Response) -> TraceStep:
    """Return the decision on the request, with its statement and dials."""
    if fault is not None and fault.replaces_response and not fault.after_commit:
        return {"step": "request", "outcome": "skipped"}
    error, statement_id, dial_names = response.error, response.statement, response.dials
    # An error without a statement comes from a fault: the request broke nothing.
    is_broken = error is not None and statement_id is not None
    if error is not None and is_broken:
        dial_names = (
            *error.dials,
            *(f"errors.{error.response_kind}.{part}" for part in ("status", "code")),
        )
    statement_in_force = evidence = None
    if statement_id is not None:
        rule = statement(statement_id)
        statement_in_force = rule.id if rule.in_force(config.release) else None
        evidence = rule.evidence
    if statement_in_force is None:
        evidence = dials()[dial_names[0]].evidence if dial_names else None
    return {
        "step": "request",
        "outcome": "broken" if is_broken else "held",
        "statement": statement_in_force,
        "evidence": evidence,
        "dials": {name: config.dialect[name] for name in dial_names},
    }


def _attempt_steps(attempt: Attempt) -> Iterator[TraceStep]:
    """Yield the steps of an attempt, in order: state, attempt, receiver's response, state."""
    before, after, outcome = attempt.before, attempt.after, attempt.outcome
    if before is not None:
        yield _change(before, State.SENDING)
    yield {"step": "attempt", "id": attempt.number}
    if outcome is not None:
        yield {"step": "receiver", "name": outcome.name, "status": outcome.status}
    if attempt.over and (before is not None or after is not None):
        yield _change(None if before is None else State.SENDING, before if after is None else after)


def _change(old_state: str | None, new_state: str | None) -> TraceStep:
    return {"step": "change", "before": old_state, "after": new_state}
