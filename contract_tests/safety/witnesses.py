"""Witnesses: webhook requests that a run leaves alone although all may be changed.

Where every record is in scope, nothing would be left to show that a change reached others, too.
"""

from collections.abc import Iterable

from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.safety.discovery import NEEDS

#: So many are kept of each state.
EACH_STATE = 2


def witnesses(records: Iterable[Record], allowed: frozenset[str]) -> frozenset[str]:
    """Return the ids of the webhook requests that are never named in changing requests.

    They are the last ones known of each state, as far as there are more than the layers of
    ``allowed`` methods work with: a run that has few webhook requests uses them all.

    Args:
        records: all that is known when the run begins to change things.
        allowed: the changing methods that may be called.
    """
    known = [record for record in records if nameable(record)]
    chosen: list[str] = []
    for state in ("REJECTED", "SUCCESSFUL"):
        ids = [record["id"] for record in known if record.get("life_cycle_state") == state]
        needed = sum(count for layer in allowed for each, count, _ in NEEDS[layer] if each == state)
        spare = max(0, len(ids) - needed)
        chosen += ids[len(ids) - min(spare, EACH_STATE) :]
    return frozenset(chosen)
