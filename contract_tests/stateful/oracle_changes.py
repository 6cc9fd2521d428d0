"""The oracle for resend and delete, and for webhook requests that have changed."""

from collections.abc import Iterator, Sequence

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.session import shortened
from crmcom_kit.contract_tests.stateful.model import Model, differing, is_whole, lasting


def resent(exchange: Exchange, known: Record, record: Record) -> Iterator[str | Violation]:
    """Check what resend returned, against the webhook request as it was before."""
    before, after = lasting(known), lasting(record)
    name = differing(before, after)
    if name is None:
        yield "resend.identity_kept"
        return
    yield Violation(
        "resend.identity_kept", exchange,
        expected=f"{name} is kept: {shortened(repr(before[name]), 80)}",
        seen=shortened(repr(after[name]), 80), record=known["id"],
    )  # fmt: skip


def take_in(model: Model, method: str, exchange: Exchange, known: Record | None) -> None:
    """Bring ``model`` in step with a call of resend or delete; ``known`` is what it named."""
    if known is None:
        return
    key = known["id"]
    if method == "delete":
        if exchange.ok:
            model.forget(key)
        return
    if known.get("life_cycle_state") != "REJECTED" and not exchange.ok:
        return  # it was refused, as it has to be, and is as it was
    record = exchange.data if exchange.ok and isinstance(exchange.data, dict) else {}
    # Queued, or it failed again and may have a new error: open until an answer shows it.
    if record.get("life_cycle_state") != "SUCCESSFUL" or not is_whole(record):
        model.unsettle(key)


def agreeing(
    model: Model, method: str, exchange: Exchange, records: Sequence[Record]
) -> Iterator[str | Violation]:
    """Check whether the webhook requests in an answer are as they are known."""
    settled = model.settled()
    compared = False
    for record in records:
        key = record.get("id")
        known = settled.get(key) if isinstance(key, str) else None
        if known is None:
            continue
        compared = True
        name = differing(known, record)
        if name is not None:
            yield Violation(
                culprit(model, method, str(key)), exchange,
                expected=f"{name} of {record.get('number', key)} as it was: "
                f"{shortened(repr(known[name]), 80)}",
                seen=shortened(repr(record[name]), 120), record=str(key),
            )  # fmt: skip
            return
    if compared and method in ("show", "list"):
        yield "list.agrees_with_show"


def culprit(model: Model, method: str, key: str) -> str:
    """Return the statement that is broken where a webhook request is found changed.

    The changes since it was seen last tell: a resend of it, of another one, a delete, a call
    that was refused. Where there was none, two reading methods disagree, or reading changes it.
    """
    seen_by, changes = model.since(key)
    own = [each for each in changes if each.record == key]
    if seen_by == "resend" or any(each.method == "resend" and each.served for each in own):
        return "resend.same_record"
    served = [each.method for each in changes if each.served]
    if served:  # deleting takes away, it changes nothing that stays
        return f"{'resend' if 'resend' in served else 'delete'}.single_result"
    if changes:
        return "errors.change_nothing"
    if method == "delete":
        return "delete.returns_record"
    return "list.agrees_with_show" if method != seen_by else f"{method}.changes_nothing"


def lost(model: Model, key: str) -> str | None:
    """Return the statement that is broken where a webhook request is gone unasked.

    None on a target that others use as well, where one of them may have deleted it.
    """
    _, changes = model.since(key)
    if not model.complete:
        return None
    served = [each for each in changes if each.served]
    if not served:
        return "errors.change_nothing" if changes else "list.changes_nothing"
    if served[-1].method == "resend" and served[-1].record == key:
        return "resend.same_record"
    deleting = any(each.method == "delete" for each in served)
    return f"{'delete' if deleting else 'resend'}.single_result"
