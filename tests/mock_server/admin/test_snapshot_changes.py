"""What has changed since a snapshot: which webhook requests, which members, by which request."""

from typing import Any

import pytest
from helpers.records import made
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server import crmcom_mock
from crmcom_kit.mock_server.store.contents import Contents
from crmcom_kit.schemas import Dialect
from crmcom_kit.usage_errors import NotFound

CHANGES = "/snapshots/before/changes"


@pytest.fixture(name="admin")
def _admin(mock: Any, admin_of: Any) -> Any:
    admin = admin_of(mock.client)
    admin.ask("PUT", "/snapshots/before")
    return admin


def fields_of(change: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs, by name."""
    return {one["name"]: (one["before"], one["after"]) for one in change["fields"]}


def test_a_resend_is_shown_with_its_request(mock: Any, admin: Any) -> None:
    """Only members that differ are there; a request that was refused did not change anything."""
    mock.show("number=7")
    mock.resend("7")
    mock.resend("7")

    (found,) = admin.ask("GET", CHANGES)["changes"]

    assert (found["webhook_request"]["number"], found["change"]) == ("7", "changed")
    assert found["call"] == "0-2"
    differ = fields_of(found)
    assert differ["life_cycle_state"] == ("REJECTED", "SUCCESSFUL")
    assert differ["error_code"] == ("LazyInitializationException", None)
    assert "log_information.updated_date" in differ
    assert not differ.keys() & {"id", "number", "entity", "log_information", "data"}


def test_what_was_added_and_deleted_is_shown(mock: Any, admin: Any) -> None:
    """The newest comes first, what was deleted last; both have all members that are not null."""
    before = admin.ask("GET", "/records/7")
    mock.delete("7")
    entry = admin.ask("POST", "/records", {"webhook_request": [{"record": {}}]})["filled_in"][0]

    added, deleted = admin.ask("GET", CHANGES)["changes"]

    assert (added["change"], added["call"]) == ("added", None)
    assert fields_of(added)["number"] == (None, entry["record"]["number"])
    assert fields_of(added)["data"] == (None, entry["data"])
    assert (deleted["change"], deleted["call"]) == ("deleted", "0-1")
    kept = {**before["record"], "data": before["data"]}
    shown = {name: old for name, (old, _) in fields_of(deleted).items()}
    assert shown == {name: value for name, value in kept.items() if value is not None}


def test_a_change_by_the_control_api_has_no_request(mock: Any, admin: Any) -> None:
    """Requests from before the snapshot are not blamed; members of the data have names with it."""
    mock.resend("7")
    admin.ask("PUT", "/snapshots/before")
    data = admin.ask("GET", "/records/7")["data"]
    admin.ask("PATCH", "/records/7", {"data": {**data, "number": "J1"}})

    (found,) = admin.ask("GET", CHANGES)["changes"]

    assert found["call"] is None
    assert fields_of(found)["data.number"] == (data["number"], "J1")


def test_a_queued_resend_is_blamed(make_mock: Any, admin_of: Any) -> None:
    """The response to it had the record as it was before."""
    mock = make_mock(dialect=Dialect("queued", {"resend.delivery": "queued"}))
    admin = admin_of(mock.client)
    admin.ask("PUT", "/snapshots/before")
    assert mock.resend("7").data["life_cycle_state"] == "REJECTED"
    admin.ask("POST", "/wait", {"record": "7", "state": "SUCCESSFUL"})

    (found,) = admin.ask("GET", CHANGES)["changes"]

    assert found["call"] == "0-1"


def test_requests_after_a_reset_are_all_since(mock: Any, admin: Any) -> None:
    """The journal begins anew with a reset; its numbers do not count as those of before."""
    for _ in range(3):
        mock.show("number=7")
    admin.ask("PUT", "/snapshots/before")
    admin.ask("POST", "/reset")
    mock.resend("7")

    assert admin.ask("GET", CHANGES)["changes"][0]["call"] == "1-1"
    admin.ask("DELETE", "/requests")
    assert admin.ask("GET", CHANGES)["changes"][0]["call"] is None


def test_only_so_many_changes_are_shown(mock: Any, admin: Any) -> None:
    """The first ones in their order; the response says whether there are more."""
    for number in ("7", "8", "9"):
        mock.delete(number)

    whole = admin.ask("GET", CHANGES)
    assert (len(whole["changes"]), whole["more"]) == (3, False)
    assert admin.ask("GET", f"{CHANGES}?limit=3") == whole
    assert admin.ask("GET", f"{CHANGES}?limit=2") == {"changes": whole["changes"][:2], "more": True}


def test_a_bad_call_is_refused(admin: Any) -> None:
    """An unknown snapshot, and a limit that is none."""
    status, found = admin.refused("GET", "/snapshots/after/changes")
    assert (status, found["error"]) == (404, 'snapshot: seen "after"; allowed is "before"')
    status, found = admin.refused("GET", f"{CHANGES}?limit=0")
    assert (status, found["parameter"]) == (400, "limit")


def test_python_has_the_same(mock: Any, admin: Any) -> None:
    """``changes`` returns what the control API shows."""
    python = crmcom_mock()
    python.snapshot("before")
    assert python.changes("before") == []
    python.remove("7")
    mock.world.current_epoch.store.delete("number", "7")

    (found,) = python.changes("before")

    (shown,) = admin.ask("GET", CHANGES)["changes"]
    assert (found.number, found.change, found.call) == ("7", shown["change"], shown["call"])
    assert [one._asdict() for one in found.fields] == shown["fields"]
    with pytest.raises(NotFound, match="snapshot: seen"):
        python.changes("after")


RECORDS = st.dictionaries(st.integers(0, 5), st.sampled_from(["http://a", "http://b"]))


@given(before=RECORDS, after=RECORDS, kept=st.booleans())
def test_a_comparison_finds_what_differs(
    before: dict[int, str], after: dict[int, str], *, kept: bool
) -> None:
    """By id, whether the contents are copies of one another or were made apart."""
    then, now = Contents(), Contents()
    then.add([made(n, url=url) for n, url in before.items()])
    if kept:
        now = then.copy()
        for n, url in before.items():
            at = now.positions["id"][f"id{n}"]
            if n not in after:
                now.remove(at)
            elif after[n] != url:
                now.replace(at, made(n, url=after[n]))
        now.add([made(n, url=url) for n, url in after.items() if n not in before])
    else:
        now.add([made(n, url=url) for n, url in after.items()])

    found = {(old or new).number: (old, new) for old, new in now.changes_since(then)}  # type: ignore[union-attr]

    assert found == {
        str(n): tuple(
            None if side.get(n) is None else made(n, url=side[n]) for side in (before, after)
        )
        for n in before.keys() | after.keys()
        if before.get(n) != after.get(n)
    }
