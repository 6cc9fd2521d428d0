"""Export and import: a world made from what another one exported is the same, byte for byte."""

from typing import Any

from helpers.patience import PATIENCE

from crmcom_kit.fixtures import world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.schemas import Dialect, dials

#: What dials of some types may be.
VALUES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "members": [[], ["name"], ["id", "description", "life_cycle_state"]],
    "pattern": ["-03:30"],
}
#: Dials that decide how records look, or what a resend makes of them; each with all it may be
#: besides its default.
TURNED = {
    key: [each for each in VALUES.get(dial.type, dial.choices) if each != dial.default]
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
    """Resend and delete some records, which writes them anew; add one that is old by its date."""
    rejected = [n for n, r in mock.records().items() if r["life_cycle_state"] == "REJECTED"]
    for number in rejected[:6]:
        mock.resend(number)
    for number in rejected[4:8]:
        mock.delete(number)
    assert mock.world.delivery_queue.wait_until_idle(PATIENCE)  # a dial may have queued the resends
    old = {"log_information": {"created_date": "1999-01-01T00:00:00"}}
    assert mock.client.post("/__admin/records", json=old).status_code == 200


def test_no_dial_keeps_a_world_from_coming_back(make_mock: Any, admin_of: Any) -> None:
    """Whatever the dials hide or write differently, records and their order are the same.

    All dials are turned at once, in as many worlds as the one with the most settings needs.
    """
    script = {"delivery.script": "timeout, success, http_500"}
    for at in range(max(map(len, TURNED.values()))):
        turned = {key: values[at % len(values)] for key, values in TURNED.items()}
        for release in ("R9", "R18"):
            dialect = Dialect("turned", {**turned, **script})
            mock = make_mock(release, dialect=dialect, data=world(count=40, release=release))
            busy(mock)
            other = make_mock(release, dialect=dialect, data=[])
            exported = admin_of(mock.client).send("GET", "/state").data
            response = admin_of(other.client).ask("PUT", "/state", exported)
            assert response == {"epoch": 1, "webhook_requests": len(mock.world.store)}
            assert everything(other) == everything(mock), (release, turned)
