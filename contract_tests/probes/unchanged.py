"""Probes of reading, which must change nothing."""

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import outcome
from crmcom_kit.contract_tests.probes.changing import neighbours, show
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


@probe("show.changes_nothing", "list.changes_nothing", layer="read", cost=8, afresh=True)
def reading_removes_nothing(session: Session) -> None:
    """After calls of show, and after calls of list, all that was listed is listed still."""
    record = session.record()
    first = neighbours(session, record)
    shown = [show(session, record["id"]) for _ in range(3)]
    lists = [neighbours(session, record) for _ in range(4)]
    if session.target.own and all(each.ok for each in (first, *lists)):
        for method, before, after in (("list", lists[0], lists[-1]), ("show", first, lists[0])):
            ids = ({str(each.get("id")) for each in listed.records} for listed in (before, after))
            lost = sorted(next(ids) - next(ids))
            kept = session.expect(
                f"{method}.changes_nothing",
                before,
                shown[-1],
                after,
                kept=not lost,
                expected="everything that was there before",
                seen=f"{len(lost)} webhook requests are gone",
                record=lost[0] if lost else None,
            )
            if not kept:
                break


@probe(
    "show.changes_nothing",
    "list.changes_nothing",
    "list.agrees_with_show",
    layer="read",
    cost=6,
    afresh=True,
)
def reading_changes_nothing(session: Session) -> None:
    """Show twice, list twice, and both once more: the memory compares each look with the last."""
    for state in ("REJECTED",) if session.small_budget else ("REJECTED", "SUCCESSFUL"):
        for record in list(session.pool.known(state))[:1]:
            neighbours(session, record)
            first = show(session, record["id"])
            second = show(session, record["id"])
            _expect_still_there(session, "show", record["id"], first, second)
            listed = neighbours(session, record)
            neighbours(session, record)
            _expect_still_there(session, "list", record["id"], listed, show(session, record["id"]))
    session.record()  # where there is none, nothing was tried


def _expect_still_there(
    session: Session, method: str, record_id: str, before: Exchange, after: Exchange
) -> None:
    """Check that reading a webhook request did not remove it."""
    if any(each.get("id") == record_id for each in before.records):
        kept = after.ok or not session.target.own  # elsewhere somebody else may delete it
        session.expect(
            f"{method}.changes_nothing",
            before,
            after,
            kept=kept,
            expected="the webhook request still there",
            seen=f"show is answered {outcome(after)}",
            record=record_id,
        )
