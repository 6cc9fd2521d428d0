"""Reference data of a world: found by each name, and what records refer to."""

from typing import Any

import pytest

from crmcom_kit.mock_server.world.reference_data import (
    ReferenceData,
    is_effective,
)


def reference_data(**definition: Any) -> ReferenceData:
    """Make reference data with one definition, one rule, one key and two users."""
    found = ReferenceData()
    found.definitions.add({"id": "D1", "name": "Jobs", "alternative_code": "J 1", **definition})
    found.rules.add({"id": "R1", "name": "Job closed"})
    found.keys.add({"id": "K1", "name": "Key", "key": "secret"})
    found.users.add({"id": "1", "username": "MPAdministrator"})
    found.users.add({"id": "2"})
    return found


@pytest.mark.parametrize(
    ("state", "effective"),
    [("EFFECTIVE", True), ("NOT EFFECTIVE", False), ("NOT_EFFECTIVE", False), (None, True)],
)
def test_a_definition_sends_unless_it_is_not_effective(
    state: str | None, *, effective: bool
) -> None:
    """Both spellings of that state say that it does not send; one without a state does."""
    assert is_effective({"id": "D1", "life_cycle_state": state}) == effective
    assert is_effective({"id": "D1"})


@pytest.mark.parametrize(
    ("definition", "rule", "key_id", "known"),
    [
        ("D1", "R1", None, True),
        ("D1", "R1", "K1", True),
        ("D1", "R1", "K2", False),
        ("D2", "R1", None, False),
        ("D1", "R2", None, False),
    ],
)
def test_a_record_is_known_when_all_it_refers_to_is_there(
    definition: str, rule: str, key_id: str | None, *, known: bool
) -> None:
    """Definition, rule and the definition's key must be there; references without id are not."""
    record = {"webhook_definition": {"id": definition}, "workflow_rule": {"id": rule}}

    assert reference_data(secret_key_id=key_id).has_references_of(record) == known
    assert not reference_data().has_references_of(
        {**record, "workflow_rule": {"name": "Job closed"}}
    )
