"""What a mock in Python holds: filled with generated data, with entries, or one by one."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.fixtures import world
from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.mock_server.world.world_file import DataError
from crmcom_kit.schemas import load_dialect
from crmcom_kit.usage_errors import UsageError


def test_content_is_generated_or_comes_from_a_list_or_a_file(mock: Mock, tmp_path: Path) -> None:
    """What the generator or another program wrote is taken as it is; none at all is allowed."""
    options: dict[str, Any] = {"seed": 9, "count": 30, "rejected": 1.0, "entities": ["JOBS"]}
    assert mock.seed(**options) == 30
    assert len(mock.records.filter(life_cycle_state="REJECTED", entity="JOBS")) == 30
    generated = list(mock.records)
    mock.seed(world(release="R9", **options))
    assert list(mock.records) == generated
    entries = list(world(count=3, release="R9"))
    path = tmp_path / "world.jsonl"
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")

    assert mock.seed(entries) == 3
    first = list(mock.records)
    assert mock.seed([]) == 0
    assert mock.seed(path) == 3
    assert list(mock.records) == first


def test_a_record_is_changed_and_removed(mock: Mock) -> None:
    """The world has what is returned; the rest of the record stays."""
    before = mock.records["7"]
    changed = mock.change("7", url="http://a.example/")

    assert changed == mock.records["7"]
    assert {name for name in before if before[name] != changed[name]} == {"url"}
    changed = mock.change(7, error_code="ConnectException")
    assert changed["error_description"].startswith("java.net.ConnectException")
    change: Any = mock.change
    for wrong in ("ConnectExeption", 7):
        with pytest.raises(UsageError, match=r"error_code: seen .*; or any other code, if"):
            change(7, error_code=wrong)
    assert mock.change(7, error_code="X", error_description="Y")["error_description"] == "Y"
    assert mock.change(7, life_cycle_state="SUCCESSFUL", data={"a": 1})["error_code"] is None
    assert mock.data_of(7) == {"a": 1}
    assert mock.remove(7)["url"] == "http://a.example/"
    assert "7" not in mock.records


def test_a_secret_key_can_be_read_and_added(mock: Mock) -> None:
    """It signs what its definition sends; what is not given is generated."""
    given = mock.add_secret_key(name="Mine", key="K")
    generated = mock.add_secret_key(name="Another")
    assert mock.secret_keys[-2:] == [given, generated]
    assert given["key"] == "K"
    assert generated["key"] not in ("", "K", generated["id"])

    definition = mock.add_definition(
        name="Jobs", entity="JOBS", secret_key_id=given["id"], url="http://127.0.0.1:1/"
    )
    mock.add_rule(name="Job", entity="JOBS", webhook_definition_ids=[definition["id"]])
    record = mock.fire("JOBS", "Jobs", {"number": "J1"}).attempt
    assert record is not None
    code = hmac.new(b"K", b'{"number":"J1"}', "sha256").hexdigest()
    assert str(record.message.authentication_code).lower() == code


def test_definitions_and_rules_can_be_added(mock: Mock) -> None:
    """What is returned, and what was read, is a copy."""
    definition = mock.add_definition(name="Done", entity="JOBS")
    rule = mock.add_rule(name="When done", webhook_definition_ids=[definition["id"]])
    definition["name"] = mock.definitions[-1]["name"] = "changed"

    assert mock.definitions[-1]["name"] == "Done"
    assert mock.rules[-1] == rule


def test_an_export_that_is_read_again_can_grow(mock: Mock) -> None:
    """The ids that the mock made for it are in the way of no new one, though ids begin anew."""
    for turn in range(3):
        mock.fire("ACTIVITIES", "ACT CREATE", {"status": "COMPLETED"})
        mock.add_definition(name=f"definition {turn}")
        mock.add_rule(name=f"rule {turn}")
        mock.add()
        export = [json.loads(line) for line in mock.export().splitlines()]
        assert mock.seed(export) == len(mock.records)
    assert len(mock.definitions) == len({one["id"] for one in mock.definitions})


@pytest.mark.parametrize("names", [("id", "id"), ("name", "name"), ("alternative_code", "id")])
def test_one_name_of_a_definition_or_rule_is_enough(mock: Mock, names: tuple[str, str]) -> None:
    """What a webhook request leaves out of them comes from the world, and so do entity and URL."""
    whole = {"name": "Done", "alternative_code": "D", "entity": "JOBS", "url": "http://a.example/"}
    definition = mock.add_definition(**whole)
    rule = mock.add_rule(name="When done")
    added = mock.add(
        webhook_definition={names[0]: definition[names[0]]},
        workflow_rule={names[1]: rule[names[1]]},
    )

    assert (added["entity"], added["url"]) == ("JOBS", "http://a.example/")
    shown = {"id": definition["id"], "name": "Done", "alternative_code": "D"}
    assert added["webhook_definition"] == shown
    assert added["workflow_rule"]["id"] == rule["id"]
    assert added["workflow_rule"]["name"] == "When done"


def test_the_state_is_taken_and_put_back(mock: Mock) -> None:
    before, numbers = mock.export(), [record["number"] for record in mock.records]
    mock.seed(count=3)
    mock.load(before)
    assert [record["number"] for record in mock.records] == numbers
    with pytest.raises(DataError, match="state line 1"):
        mock.load(b"{}{" + before)
    assert mock.export() == before


def test_a_number_of_any_form_is_in_the_way_of_no_later_one(mock: Mock) -> None:
    """The generator counts by whole numbers; another one may have the id that it makes next."""
    mock.add(number="A1")
    mock.load(mock.export())
    ids = {mock.records["A1"]["id"], mock.add()["id"], mock.add()["id"]}

    assert len(ids) == 3


@pytest.mark.parametrize("digits", [100, 5_000])
def test_a_number_of_any_length_is_a_number(digits: int) -> None:
    """The next ones can be added, also in loaded content; a list is in the order of numbers."""
    dialect = load_dialect("default").changed({"list.order": ["number desc"]})
    with crmcom_mock(dialect=dialect) as mock, mock.client() as client:
        mock.add(number="9" * digits, entity="JOBS")
        for _ in range(2):
            mock.add()
            mock.load(mock.export())
        mock.add()
        query = {"token": mock.token, "entity": "JOBS"}
        listed = client.get("webhook_requests/list", params=query).json()["data"]
    lengths = [len(record["number"]) for record in listed]
    assert lengths == sorted(lengths, reverse=True)
    assert digits in lengths
