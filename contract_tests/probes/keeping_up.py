"""The probe of lists after a resend: they tell of what it did, as show does.

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
from crmcom_kit.contract_tests.safety.pool import Seen
from crmcom_kit.contract_tests.session import Kit

_FILTER, _AGREES = "list.life_cycle_state.filter", "list.agrees_with_show"
#: Where one of these is broken, what a list has or lacks tells nothing of a resend.
_NEEDED = ("list.entity.filter", "list.entity_id.filter", "list.several_results")


@probe(_FILTER, _AGREES, layer="resend", cost=6)
def lists_keep_up_with_resend(kit: Kit) -> None:
    """What was sent again with success is SUCCESSFUL in lists at once, and REJECTED in none."""
    steady(kit)
    if kit.findings.is_broken(*_NEEDED, _FILTER, _AGREES):
        msg = "lists are wrong before anything was sent again, as other checks tell"
        raise Unreachable(msg)
    for _ in range(breadth(kit, 1, 3)):
        record, answer = _sent(kit)
        if _is_done(answer, record) or _is_done(show(kit, record["id"]), record):
            _check(kit, record, answer)
            return
    msg = "no resend was successful; it takes a receiver that takes them"
    raise Unreachable(msg)


def _sent(kit: Kit) -> tuple[Seen, Exchange]:
    """Send a webhook request again; return it as it was before, and the answer."""
    record = take(kit, "REJECTED")
    kit.memory.setdefault("resent", []).append(record["id"])
    return record, kit.call("resend", {IDENTIFIER: {"id": record["id"]}})


def _row(exchange: Exchange, record: Seen) -> Seen | None:
    """Return ``record`` as an answer shows it, or None."""
    return next((each for each in exchange.records if each.get("id") == record["id"]), None)


def _is_done(exchange: Exchange, record: Seen) -> bool:
    shown = _row(exchange, record)
    return shown is not None and shown.get("life_cycle_state") == "SUCCESSFUL"


def _check(kit: Kit, record: Seen, answer: Exchange) -> None:
    """Look for the webhook request in lists of either state, and in one of both."""
    narrow = {"entity": record["entity"]}
    rejected = kit.call("list", {**narrow, "life_cycle_state": "REJECTED"})
    if not kit.target.own:
        narrow["entity_id"] = record["entity_id"]  # there may be many
    filters = {**narrow, "life_cycle_state": "SUCCESSFUL"}
    (successful, *_), found = whole_list(kit, filters)
    plain = kit.call("list", narrow)
    shown = show(kit, record["id"])
    if not _is_done(shown, record):
        return  # somebody else was at it; or other checks tell
    kit.pool.learn(shown.data)
    if not _agree(kit, record, answer, (rejected, successful, plain)):
        return
    number = record.get("number", record["id"])
    late = _row(rejected, record) is not None
    lacking = successful.ok and record["id"] not in found and not may_be_cut(kit, filters, found)
    kit.expect(
        _FILTER,
        answer,
        rejected if late else successful,
        kept=not (late or lacking),
        expected=f"number {number} SUCCESSFUL in lists: it was sent again with success",
        seen="it is among the REJECTED" if late else "it is not among the SUCCESSFUL",
        record=record["id"],
    )


def _agree(kit: Kit, record: Seen, answer: Exchange, lists: tuple[Exchange, ...]) -> bool:
    """Check that no list has the webhook request as it was before; return whether that is so."""
    rows = [(each, _row(each, record)) for each in lists]
    stale = [each for each, row in rows if row and row.get("life_cycle_state") == "REJECTED"]
    return kit.expect(
        _AGREES,
        answer,
        *(stale[:1] or lists[-1:]),
        kept=not stale,
        expected="the webhook request SUCCESSFUL, as resend has made it and show returns it",
        seen="list returns it REJECTED, as it was before",
        record=record["id"],
    )
