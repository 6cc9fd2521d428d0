"""Under a scope nothing else changes, whatever a server makes of what it is sent.

The servers here find more than one webhook request by an identifier that is not quite one: as SQL
that is put together from texts does, or a pattern, or a number that is read from a text.
"""

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from helpers.sound_servers import broken, checked
from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer
from sound_server.world import FIRST_DAY, REJECTED, SUCCESSFUL, Record

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.options.scope import Scope

CHANGING = ("resend", "delete")
#: Records in the server, and of each state in scope. The first records have shorter numbers.
RECORDS, IN_SCOPE = 130, {REJECTED: 4, SUCCESSFUL: 2}


def _digits(text: str) -> int:
    """Return the number that a text begins with, as MySQL reads it."""
    digits = re.match(r"\s*[-+]?\d+", text)
    return int(digits[0]) if digits else 0


def _like(asked: str, has: str) -> bool:
    pattern = re.escape(asked).replace("%", ".*").replace("_", ".")
    return re.fullmatch(pattern, has, re.IGNORECASE | re.DOTALL) is not None


def finds(asked: str, has: str) -> bool:
    """Return whether a lenient way to read an identifier finds a record that has another one."""
    return (
        re.search("' OR '1'='1$", asked) is not None
        or _like(asked, has)
        or has.startswith(asked)
        or has in [each.strip() for each in asked.split(",")]
        or (has.isdigit() and _digits(asked) == _digits(has))
    )


@dataclass
class Injectable(SoundServer):
    """Changes every webhook request that an identifier finds in any way."""

    def set_up(self) -> None:
        while len(self.records) < RECORDS:
            self.world.add_record(FIRST_DAY)

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        if call.method not in CHANGING:
            return super().names(record, name, value, call)
        return finds(value, getattr(record, name))

    def _found(self, call: Call) -> list[Record]:
        records = [e for e in self.records.values() if self.names(e, *call.identifier, call)]
        if not records:
            raise Refusal("unknown_record", "No webhook request has this identifier.")
        return records

    def do_resend(self, call: Call) -> Any:
        records = self._found(call)
        rejected = [each for each in records if each.life_cycle_state == REJECTED]
        if not rejected:
            raise Refusal("not_rejected", "Only rejected webhook requests can be sent again.")
        for record in rejected:
            self.send_again(record)
        return self.trimmed(rejected[0], call)

    def do_delete(self, call: Call) -> Any:
        records = self._found(call)
        for record in records:
            self.remove(record)
        return self.trimmed(records[0], call)


@pytest.mark.parametrize("seed", range(2))
def test_what_only_changing_methods_find_is_not_changed(seed: int) -> None:
    """If show is right, nothing shows that resend and delete find more, and nothing is accused.

    Some of the last webhook requests of each state are in scope; something has to be changed.
    """
    app = Injectable(release="R15", seed=seed)
    before = deepcopy(app.records)
    last = [*before.values()][::-1]
    in_scope = {
        record.number
        for state, count in IN_SCOPE.items()
        for record in [each for each in last if each.life_cycle_state == state][:count]
    }

    results = checked(
        app,
        scope=Scope(numbers=frozenset(in_scope)),
        limits=Limits(max_requests=300),
        only="[dr]e[ls]e*",
        seed=seed,
    )

    assert results.trouble is None
    assert broken(results) == []
    changed = {r.number for key, r in before.items() if app.records.get(key) != r}
    assert changed
    assert changed <= in_scope
