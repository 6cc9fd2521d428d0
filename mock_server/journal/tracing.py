"""The trace of a request: the chain of causes from the request to the state that it left.

What decided (statement and dials) is taken from the response, which has it from the place where
the decision was made. What came of it is read from the record and from the attempts to deliver.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.faults.model import Fault
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.schemas.dialect import dials
from crmcom_kit.schemas.statements import statement

HELD, BROKEN, SKIPPED = "held", "broken", "skipped"


class Step(NamedTuple):
    """One link of the chain."""

    step: str  # fault, request, change, attempt or receiver
    outcome: str  # held, broken or skipped
    statement: str | None = None  # what decided, if the documents say
    evidence: str | None = None  # how sure that is
    dials: dict[str, Any] = {}  # noqa: RUF012 - the dials that decided, and their settings
    facts: dict[str, Any] = {}  # noqa: RUF012 - of a change, an attempt or a receiver's response

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        members = self._asdict()
        facts = members.pop("facts")
        return {**members, **facts}


def _steps_of(attempt: Attempt) -> Iterator[Step]:
    """Yield what happened in an attempt, in order: state, attempt, receiver's response, state."""
    before, after, outcome = attempt.before, attempt.after, attempt.outcome
    if before is not None:
        yield _change(before, State.SENDING)
    yield Step("attempt", HELD, facts={"id": attempt.number})
    if outcome is not None:
        yield Step("receiver", HELD, facts={"name": outcome.name, "status": outcome.status})
    if attempt.over and (before is not None or after is not None):
        yield _change(None if before is None else State.SENDING, before if after is None else after)


def _change(before: str | None, after: str | None) -> Step:
    return Step("change", HELD, facts={"before": before, "after": after})


def trace(
    config: Config, fault: Fault | None, result: Response | None, attempts: Sequence[Attempt]
) -> tuple[Step, ...]:
    """Return the chain of causes of one request, which caused these attempts to deliver.

    ``fault`` hit it. A request without ``result`` is running, and nothing is decided yet.
    """
    steps = [] if fault is None else [Step("fault", BROKEN)]
    if result is None:
        return tuple(steps)
    steps.append(_decision(config, fault, result))
    for attempt in attempts:
        steps += _steps_of(attempt)
    before = result.before
    if not attempts and before is not None and result.after is None:  # a delete
        steps.append(_change(orjson.loads(before)["life_cycle_state"], "DELETED"))
    return tuple(steps)


def _decision(config: Config, fault: Fault | None, response: Response) -> Step:
    """Return how the request was decided: by which statement, and by which dials."""
    if fault is not None and fault.instead and not fault.after_commit:
        return Step("request", SKIPPED)
    error, decided, names = response.error, response.statement, response.dials
    # An error without a statement is a fault's: the request broke nothing.
    broken = error is not None and decided is not None
    if error is not None and broken:
        names = (*error.dials, f"errors.{error.kind}.status", f"errors.{error.kind}.code")
    governing = evidence = None
    if decided is not None:
        found = statement(decided)
        governing = found.id if found.in_force(config.release) else None
        evidence = found.evidence
    if governing is None:
        evidence = dials()[names[0]].evidence if names else None
    settings = {name: config.dialect[name] for name in names}
    return Step("request", BROKEN if broken else HELD, governing, evidence, settings)
