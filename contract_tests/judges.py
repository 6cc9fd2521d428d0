"""Judges: what every answer must keep, whichever call it answers."""

from collections.abc import Iterator

from crmcom_kit.contract_tests.exchanges import NOT_JSON, Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.kit import Judge, Kit


def is_json(exchange: Exchange, _kit: Kit) -> Iterator[str | Violation]:
    """Every answer is JSON."""
    if exchange.json is NOT_JSON:
        yield Violation(
            "envelope.json", exchange, expected="JSON", seen=f"{exchange.content[:80]!r}"
        )
    else:
        yield "envelope.json"


JUDGES: tuple[Judge, ...] = (is_json,)
