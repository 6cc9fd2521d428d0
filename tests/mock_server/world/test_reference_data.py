"""Reference data of a world: found by each name, and what records refer to."""

from typing import Any

import pytest

from crmcom_kit.mock_server.world.reference_data import (
    Directory,
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


def test_an_object_is_found_by_each_of_its_names() -> None:
    """Id, name and alternative code lead to the same object, and only in their own field."""
    jobs = reference_data().definitions.find("id", "D1")

    assert jobs is not None
    assert reference_data().definitions.find("name", "Jobs") == jobs
    assert reference_data().definitions.find("alternative_code", "J 1") == jobs
    assert reference_data().definitions.find("name", "D1") is None
    assert reference_data().definitions.find("id", "d1") is None
    for name in ("D1", "Jobs", "J 1"):
        assert reference_data().definitions.find_any(name) == jobs
    assert reference_data().definitions.find_any("d1") is None


def test_of_two_with_one_name_the_first_is_found_by_it() -> None:
    """Names need not be unique; each of the two is still found by its id."""
    directory = Directory(("id", "name"))
    directory.add({"id": "1", "name": "Admin Unit"})
    directory.add({"id": "2", "name": "Admin Unit"})

    assert directory.find("name", "Admin Unit") == {"id": "1", "name": "Admin Unit"}
    assert directory.find("id", "2") == {"id": "2", "name": "Admin Unit"}
    assert directory.find_any("Admin Unit") == {"id": "1", "name": "Admin Unit"}
    assert len(list(directory)) == 2


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
