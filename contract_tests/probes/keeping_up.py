"""The probe of lists after a resend: they must show what it did, as show does.

A resend that is queued, or that failed again, leaves its webhook request REJECTED: of that nothing
is expected.
"""

from crmcom_kit.contract_tests.checks.history import IDENTIFIER
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.changing import show, take
from crmcom_kit.contract_tests.probes.filtering import may_be_cut
from crmcom_kit.contract_tests.probes.helpers import breadth, steady, whole_list
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.session import Session

_FILTER, _AGREES = "list.life_cycle_state.filter", "list.agrees_with_show"
#: Where one of these is broken, what a list has or lacks tells nothing of a resend.
_NEEDED = ("list.entity.filter", "list.entity_id.filter", "list.several_results")


@probe(_FILTER, _AGREES, layer="resend", cost=6)
def lists_keep_up_with_resend(session: Session) -> None:
    """What was sent again with success is SUCCESSFUL in lists at once, and REJECTED in none."""
    steady(session)
    if session.findings.is_broken(*_NEEDED, _FILTER, _AGREES):
        msg = "lists are wrong before anything was sent again, as other checks tell"
        raise Unreachable(msg)
    for _ in range(breadth(session, 1, 3)):
        record, answer = _sent(session)
        if _is_done(answer, record) or _is_done(show(session, record["id"]), record):
            _check(session, record, answer)
            return
    msg = "no resend was successful; it takes a receiver that takes them"
    raise Unreachable(msg)


def _sent(session: Session) -> tuple[Record, Exchange]:
    """Send a webhook request again; return it as it was before, and the answer."""
    record = take(session, "REJECTED")
    session.memory.setdefault("resent", []).append(record["id"])
    return record, session.call("resend", {IDENTIFIER: {"id": record["id"]}})


def _row(exchange: Exchange, record: Record) -> Record | None:
    """Return ``record`` as an answer shows it, or None."""
    return next((each for each in exchange.records if each.get("id") == record["id"]), None)


def _is_done(exchange: Exchange, record: Record) -> bool:
    shown = _row(exchange, record)
    return shown is not None and shown.get("life_cycle_state") == "SUCCESSFUL"


def _check(session: Session, record: Record, answer: Exchange) -> None:
    """Look for the webhook request in lists of either state, and in one of both."""
    narrow = {"entity": record["entity"]}
    rejected = session.call("list", {**narrow, "life_cycle_state": "REJECTED"})
    if not session.target.own:
        narrow["entity_id"] = record["entity_id"]  # there may be many
    filters = {**narrow, "life_cycle_state": "SUCCESSFUL"}
    (successful, *_), found = whole_list(session, filters)
    plain = session.call("list", narrow)
    shown = show(session, record["id"])
    if not _is_done(shown, record):
        return  # somebody else was at it; or other checks tell
    session.pool.learn(shown.data)
    if not _agree(session, record, answer, (rejected, successful, plain)):
        return
    number = record.get("number", record["id"])
    late = _row(rejected, record) is not None
    lacking = (
        successful.ok and record["id"] not in found and not may_be_cut(session, filters, found)
    )
    session.expect(
        _FILTER,
        answer,
        rejected if late else successful,
        kept=not (late or lacking),
        expected=f"number {number} SUCCESSFUL in lists: it was sent again with success",
        seen="it is among the REJECTED" if late else "it is not among the SUCCESSFUL",
        record=record["id"],
    )


def _agree(session: Session, record: Record, answer: Exchange, lists: tuple[Exchange, ...]) -> bool:
    """Check that no list has the webhook request as it was before; return whether that is so."""
    rows = [(each, _row(each, record)) for each in lists]
    stale = [each for each, row in rows if row and row.get("life_cycle_state") == "REJECTED"]
    return session.expect(
        _AGREES,
        answer,
        *(stale[:1] or lists[-1:]),
        kept=not stale,
        expected="the webhook request SUCCESSFUL, as resend has made it and show returns it",
        seen="list returns it REJECTED, as it was before",
        record=record["id"],
    )
