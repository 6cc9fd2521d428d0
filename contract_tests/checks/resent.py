"""Check what a webhook request shows that was sent again with success."""

from collections.abc import Iterator

from crmcom_kit.contract_tests.checks.sense import RECORD_METHODS, Sense
from crmcom_kit.contract_tests.checks.world import World
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation

ERROR_FIELDS = ("error_code", "error_description")


def check_resent(exchange: Exchange, sense: Sense, world: World) -> Iterator[str | Violation]:
    """Check resend.clears_error in every response that shows such a webhook request."""
    if sense.name not in (*RECORD_METHODS, "list") or not exchange.ok:
        return
    for record in exchange.records:
        key = record.get("id")
        resent = sense.name == "resend" or (isinstance(key, str) and key in world.before_resend)
        if not resent or record.get("life_cycle_state") != "SUCCESSFUL":
            continue
        left = [name for name in ERROR_FIELDS if record.get(name)]
        if left:
            yield Violation(
                "resend.clears_error", exchange,
                expected="error_code and error_description null after a successful resend",
                seen=", ".join(f"{name} {record[name]!r}" for name in left),
                record=key if isinstance(key, str) else None,
            )  # fmt: skip
            return
        yield "resend.clears_error"
