"""A mock with a profile: it is what the profile says, and shows webhook requests as they were."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.tables import raises_for

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.world.state_file import StateFile
from crmcom_kit.mock_server.world.world_file import DataError
from crmcom_kit.schemas import Dialect, resolve
from crmcom_kit.schemas.dialect_file import write_dialect
from crmcom_kit.schemas.profile import DIALECT, HEAD, WORLD, Profile, ProfileError, head_of
from crmcom_kit.usage_errors import UsageError

#: As an instance may show it: members that no page names, others left out, a zone, no rule.
ODD = {
    "x_tenant": {"region": "north"},
    "number": "WR-7",
    "id": "short",
    "life_cycle_state": "REJECTED",
    "workflow_rule": None,
    "webhook_definition": {"name": "Jobs"},
    "entity": "JOBS",
    "entity_id": "J1",
    "url": "http://host-1.example.com/in",
    "request": "AB",
    "response": "AB",
    "error_code": "SocketTimeoutException",
    "log_information": {
        "created_date": "2016-05-04T23:30:00-05:00",
        "created_by_user": {"id": "9", "username": "judy80", "x_role": "agent"},
    },
}
WORLD_ENTRIES = (
    {"user": {"id": "9", "username": "judy80"}},
    {"unit": {"id": "U", "name": "Team"}},
    {"webhook_definition": {"id": "Jobs", "name": "Jobs", "alternative_code": "J"}},
    {"webhook_request": {"record": ODD, "recorded": True}},
)


def profile(**dials: Any) -> Profile:
    """A profile of an R13 instance, and what it says of dials."""
    dialect = Dialect("profile", dials)
    return Profile(resolve("R13"), dialect, WORLD_ENTRIES, {"paging.zero": ["none", "all"]})


def written(folder: Path, made: Profile) -> Path:
    folder.mkdir()
    (folder / HEAD).write_text(head_of(made), "utf-8")
    (folder / DIALECT).write_text(write_dialect(made.dialect), "utf-8")
    lines = [f"{json.dumps(entry)}\n" for entry in WORLD_ENTRIES]
    (folder / WORLD).write_text("".join(lines), "utf-8")
    return folder


@pytest.fixture
def mock(make_mock: Any, tmp_path: Path) -> Any:
    """A mock with a profile from a folder; what it shows is in no schema."""
    made = profile(**{"record.unset_members": "absent", "resend.response": "own"})
    unchecked = type("Unchecked", (make_mock,), {"_hold": lambda *_: None})
    return unchecked("R13", profile=written(tmp_path / "p", made))


def test_a_webhook_request_is_shown_as_it_was(mock: Any) -> None:
    """Unknown members stay, what was left out is left out; it is found by what it shows."""
    assert mock.show("number=WR-7").data == ODD
    selected = {"webhook_definition_identifier": "name=Jobs"}, {"entity": "JOBS"}
    for filters in (*selected, {"entity": "JOBS", "created_date": "2016-05-05"}):  # in UTC
        assert mock.list(**filters).data == [ODD], filters
    assert mock.show("number=WR-7", fields_set="id,error_code").data == {
        "id": "short", "error_code": "SocketTimeoutException",
    }  # fmt: skip


def test_a_resend_follows_the_dials(mock: Any) -> None:
    """What is unset goes, the login's user is the first one; all the rest stays."""
    after = mock.resend("WR-7").data

    assert "error_code" not in after
    assert after["request"] != after["response"] != "AB"
    assert after["log_information"]["updated_by_user"] == WORLD_ENTRIES[0]["user"]
    assert after["x_tenant"] == ODD["x_tenant"]
    assert mock.world.config.unsettled == {"paging.zero": ["none", "all"]}


def test_it_comes_back_as_it_was(mock: Any, tmp_path: Path) -> None:
    """From an export, from a state file, and when one of its members was changed."""
    exported = mock.client.get("/__admin/state").data
    world = mock.world
    state = StateFile(tmp_path / "state", world.config)
    world.keep(state)

    done = mock.client.put("/__admin/state", data=exported, content_type="application/json")
    assert done.json["webhook_requests"] == 1
    assert mock.show("number=WR-7").data == ODD
    members = {"entity_id": "J2", "life_cycle_state": "SUCCESSFUL"}
    change = {"record": members, "data": {"a": 1}}
    changed = {**ODD, **members}
    del changed["error_code"], changed["workflow_rule"]
    asked = mock.client.patch("/__admin/records/WR-7", json=change)
    assert asked.json == {"record": changed, "data": {"a": 1}}
    assert mock.show("number=WR-7").data == changed
    assert b'"data":{"a":1}' in mock.client.get("/__admin/state").data
    state.close()
    kept = make_world(
        profile=profile(**{"record.unset_members": "absent", "resend.response": "own"})
    )
    again = StateFile(tmp_path / "state", kept.config)
    kept.keep(again)
    again.close()
    assert [json.loads(record.body) for record in kept.store.records()] == [changed]


def test_what_a_profile_has_cannot_be_given_as_well() -> None:
    """A profile of one release is not served as another."""
    options: list[dict[str, Any]] = [{"release": "R9"}, {"dialect": "default"}, {"data": []}]
    for given in options:
        with pytest.raises(UsageError) as caught:
            make_world(profile=profile(), **given)
        assert caught.value.parameter == next(iter(given))


HEAD_START = 'format = 1\nrelease = "R9.0.0"\n[unsettled]\n'


DAMAGED = [
    (HEAD, None, HEAD),
    (HEAD, HEAD_START.replace("1", "99", 1), HEAD),
    (HEAD, HEAD_START.replace("R9.0.0", "R1"), HEAD),
    (HEAD, f'{HEAD_START}"no.such" = [1]\n', HEAD),
    (HEAD, f'derived = ["show"]\n{HEAD_START}', "derived: seen"),
    (HEAD, f'{HEAD_START}[differs]\n"list" = [1]\n', HEAD),
    (DIALECT, None, f"{DIALECT} cannot be read"),
    (DIALECT, "# nothing\n", f"{DIALECT}: seen no dial"),
]


def test_a_damaged_profile_is_refused(tmp_path: Path) -> None:
    """The file that is wrong, or missing, is named."""
    for at, (name, text, named) in enumerate(DAMAGED):
        folder = written(tmp_path / str(at), profile())
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text, "utf-8")

        with raises_for((name, text), ProfileError, match=named):
            make_world(profile=folder)


def test_a_webhook_request_needs_a_name_and_a_state() -> None:
    """What cannot be found, or is in no state of the life cycle, is refused with its place."""
    lacking: list[dict[str, Any]] = [
        {"id": None}, {"number": 7}, {"life_cycle_state": "SENT"}, {"life_cycle_state": []},
    ]  # fmt: skip
    for lacks in lacking:
        entries = [{"webhook_request": {"record": {**ODD, **lacks}, "recorded": True}}]
        with raises_for(lacks, DataError, match="profile entry 0"):
            make_world(profile=Profile(resolve("R9"), Dialect("p"), entries))


def test_what_the_mock_reads_has_its_type(mock: Any) -> None:
    """A mock of a profile takes other members as they are."""
    for kind, member, value in (
        ("webhook_definition", "name", {}),
        ("webhook_definition", "secret_key_id", [1]),
        ("workflow_rule", "webhook_definition_ids", 5),
        ("workflow_rule", "webhook_definition_ids", [5]),
    ):
        body: Any = {kind: [{"id": "A", "odd": {}, member: value}]}
        response = mock.client.post("/__admin/records", json=body)

        assert response.status_code == 400
        assert member in response.json["error"]


DEEP = "[" * 300 + "]" * 300
START = '{"webhook_request": {"recorded": true, "record": {"id": "A", "number": "1", '


def test_what_cannot_be_written_is_refused(mock: Any) -> None:
    """It can be read, but not be kept."""
    for entry in (
        f'{{"unit": {{"id": "U", "x": {DEEP}}}}}',
        f'{START}"life_cycle_state": "REJECTED", "x": {DEEP}}}}}}}',
    ):
        response = mock.client.put("/__admin/state", data=entry)
        assert response.status_code == 400
        assert response.json["error"].startswith("body line 1: ")


def test_names_that_are_no_texts_name_nothing(mock: Any) -> None:
    """A webhook definition is known by those of its names that are texts."""
    shown = {**ODD, "webhook_definition": {"id": 5, "name": [], "alternative_code": "J9"}}
    entry = {"webhook_request": {"record": shown, "recorded": True}}
    assert mock.client.put("/__admin/state", json=entry).status_code == 200
    assert mock.show("number=WR-7").data == shown
    page = mock.client.get("/__admin/records?definition=J9").json
    assert [webhook_request["record"] for webhook_request in page["records"]] == [shown]


def test_what_is_no_entry_is_refused(mock: Any) -> None:
    for entry in (1, {}, {"webhook_request": 1}, {"webhook_request": None}):
        response = mock.client.post("/__admin/records", json=[entry])
        assert (response.status_code, response.json["error"][:9]) == (400, "body /0: ")
