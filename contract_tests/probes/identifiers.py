"""Probes of webhook_request_identifier: of show, and of resend and delete as far as they refuse."""

from crmcom_kit.contract_tests.kit import Kit
from crmcom_kit.contract_tests.probing import probe


@probe("show.identifier.selects", "show.single_result", layer="read", cost=2)
def show_returns_the_one_asked_for(kit: Kit) -> None:
    """Show returns the webhook request whose id or number was given."""
    record = kit.record()
    for field in ("id", "number"):
        exchange = kit.call("show", {"webhook_request_identifier": {field: record[field]}})
        kit.expect(
            "show.identifier.selects",
            exchange,
            kept=isinstance(exchange.data, dict) and exchange.data.get("id") == record["id"],
            expected=f"the webhook request {record['id']}",
            seen=exchange.data,
            record=record["id"],
        )
