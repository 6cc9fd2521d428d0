"""Export and import: a world made from what another one exported is the same, byte for byte."""

import json
from typing import Any

from crmcom_kit.fixtures import world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.schemas import Dialect, dials
from crmcom_kit.schemas.dialect import Dial


def others(dial: Dial) -> list[Any]:
    """All that a dial may be, except for its default."""
    if dial.type == "choice":
        values = list(dial.choices)
    elif dial.type == "boolean":
        values = [True, False]
    elif dial.type == "members":
        values = [[], ["name"], ["id", "description", "life_cycle_state"]]
    else:
        values = ["-03:30"]
    return [value for value in values if value != dial.default]


#: Dials that decide how records look, or what a resend makes of them; each with all it may be.
TURNED = {
    key: others(dial)
    for key, dial in dials().items()
    if key.startswith(("record.", "resend.", "signing.", "envelope.key_order", "dates."))
}


def everything(mock: Any) -> dict[str, Any]:
    """All that a world shows of its content: records in order, rows, reference data."""
    reference_data = mock.world.current_epoch.reference_data
    store = mock.world.store
    return {
        "records": list(store.query(Query(indexed=()))),
        "rows": list(store.records()),
        "reference_data": {
            kind: list(reference_data.directory(kind))
            for kind in ("unit", "user", "secret_key", "webhook_definition", "workflow_rule")
        },
    }


def busy(mock: Any) -> None:
    """Resend and delete some records, so that the dialect has written them twice."""
    rejected = [n for n, r in mock.records().items() if r["life_cycle_state"] == "REJECTED"]
    for number in rejected[:6]:
        mock.resend(number)
    for number in rejected[4:8]:
        mock.delete(number)
    assert mock.world.delivery_queue.ended(20)  # a dial may have queued the resends


def copied(make_mock: Any, admin_of: Any, mock: Any, **options: Any) -> Any:
    """Another mock, empty at first, that imported what ``mock`` exports."""
    release = mock.world.config.release.name
    other = make_mock(release, dialect=mock.world.config.dialect, data=[], **options)
    exported = admin_of(mock.client).send("GET", "/state")
    answer = admin_of(other.client).ask("PUT", "/state", exported.data)
    assert answer == {"epoch": 1, "webhook_requests": len(mock.world.store)}
    return other


def test_no_dial_keeps_a_world_from_coming_back(make_mock: Any, admin_of: Any) -> None:
    """Whatever the dials hide or write differently, the copy's records are the same.

    All dials are turned at once, in as many worlds as the one with the most settings needs.
    """
    script = {"delivery.script": "timeout, success, http_500"}
    for at in range(max(map(len, TURNED.values()))):
        turned = {key: values[at % len(values)] for key, values in TURNED.items()}
        for release in ("R9", "R18"):
            dialect = Dialect("turned", {**turned, **script})
            mock = make_mock(release, dialect=dialect, data=world(count=40, release=release))
            busy(mock)
            other = copied(make_mock, admin_of, mock)
            assert everything(other) == everything(mock), (release, turned)


def test_order_comes_back_as_it_was(make_mock: Any, admin_of: Any) -> None:
    """A record that was added late and is older by its date stays the newest."""
    mock = make_mock()
    entry = json.loads(admin_of(mock.client).send("GET", "/state").text.splitlines()[-1])
    record = entry["webhook_request"]["record"]
    record |= {"id": "F" * 32, "number": "99999"}
    record["log_information"]["created_date"] = "1999-01-01T00:00:00"
    admin_of(mock.client).ask("POST", "/records", json.dumps(entry).encode())

    assert everything(copied(make_mock, admin_of, mock)) == everything(mock)
