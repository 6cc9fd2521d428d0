"""Observe what resend and delete return, and bring the belief in step with what they did."""

from collections.abc import Iterator

from crmcom_kit.contract_tests.belief.belief import Belief, Known, Record
from crmcom_kit.contract_tests.belief.knowledge import differing, lasting, value_at
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import shortened
from crmcom_kit.contract_tests.oracle.expectations import Expectation
from crmcom_kit.contract_tests.oracle.sense import is_whole
from crmcom_kit.contract_tests.oracle.sights import hypotheses_of_change
from crmcom_kit.contract_tests.oracle.suspicions import (
    Closely,
    Effect,
    Hypothesis,
    Seen,
    Suspicion,
)

#: Whether delete notes who deleted a webhook request is open.
_NOTED = ("log_information.updated",)


def observe(exchange: Exchange, expected: Expectation, belief: Belief) -> Iterator[Seen]:
    """Observe one request of resend or delete; the belief follows, also what is wrongly served."""
    sense = expected.sense
    known = belief.known.get(str(expected.record)) if sense.verb == "POST" else None
    change = belief.changes[-1]
    if not exchange.ok:
        if known is not None and sense.name == "resend" and known.state == "REJECTED":
            known.moving = True  # the error may be about the delivery, which was tried
        return
    answered: Record = exchange.data if isinstance(exchange.data, dict) else {}
    if known is None or not known.exists or answered.get("id", known.id) != known.id:
        for key in change.named:
            if key in belief.records:
                belief.lose(key)  # what became of it, the next look tells
        return
    if sense.name == "delete":
        yield from _returned(known, known.certain, answered, exchange)
        belief.delete(known.id)
        return
    yield from _kept(known, answered, exchange)
    known.resent = True
    if known.state == "REJECTED":
        known.untraced = known.record
    is_done = answered.get("life_cycle_state") == "SUCCESSFUL"
    if is_whole(sense) and is_done and "id" in answered:
        belief.see(answered, "resend", exchange)
    else:
        known.moving = True  # it is queued, or failed again: open until a response shows it


def _returned(known: Known, was: Record, answered: Record, exchange: Exchange) -> Iterator[Seen]:
    paths = [each for each in differing(was, answered) if not each.startswith(_NOTED)]
    if not paths:
        yield "delete.returns_record"
        return
    yield _other("delete.returns_record", known, answered, paths[0], exchange)


def _kept(known: Known, answered: Record, exchange: Exchange) -> Iterator[Seen]:
    """Observe what sending again must keep."""
    paths = differing(lasting(known.record), lasting(answered))
    if not paths:
        if "id" in answered and "number" in answered:
            yield from ("resend.identity_kept", "resend.same_record")
        return
    yield _other("resend.identity_kept", known, answered, paths[0], exchange)


def _other(
    statement: str, known: Known, answered: Record, path: str, exchange: Exchange
) -> Suspicion:
    was, is_now = value_at(known.record, path), value_at(answered, path)
    return Suspicion(
        exchange, f"{path} of {known.number} unchanged: {shortened(repr(was), 80)}",
        shortened(repr(is_now), 120), (Hypothesis(statement, Effect(exchange)),), known.id,
        (known.seen,), path,
    )  # fmt: skip


def hypotheses_of_loss(known: Known, belief: Belief) -> Iterator[Hypothesis]:
    """Yield what may have taken away a webhook request that show refuses."""
    yield from hypotheses_of_change(known, belief, lost=True)
    yield Hypothesis("show.changes_nothing", Closely(known, "show_changes"))
