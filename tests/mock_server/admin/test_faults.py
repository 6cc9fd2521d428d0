"""Faults over the control API: what its document says is what holds."""

from typing import Any

from jsonschema import Draft202012Validator

from crmcom_kit.mock_server.admin.document import document
from crmcom_kit.mock_server.faults.presets import PRESETS

SPEC = {"match": {"operation": "show"}, "effect": {"delay": 0}, "times": 2}


def test_a_fault_is_added_shown_and_removed(mock: Any, admin: Any) -> None:
    added = admin.send("POST", "/faults", SPEC)
    mock.show()

    (fault,) = added.json["faults"]
    assert added.status_code == 201
    assert (fault["id"], fault["hits"], fault["left"]) == ("fault-1", 0, 2)
    assert admin.ask("GET", "/faults") == {"faults": [{**fault, "calls": 1, "hits": 1, "left": 1}]}
    second = admin.send("POST", "/faults", SPEC).json
    assert admin.ask("DELETE", "/faults?id=fault-1") == second
    status, refused = admin.refused("DELETE", "/faults?id=fault-1")
    assert (status, refused["parameter"]) == (404, "fault")
    assert admin.ask("GET", "/faults") == second


def test_presets_are_listed_and_added(admin: Any) -> None:
    allowed = {"$ref": "#/components/schemas/FaultOfPreset", "components": document()["components"]}
    listed = admin.ask("GET", "/faults/presets")["presets"]

    assert [preset["name"] for preset in listed] == list(PRESETS)
    for preset in listed:
        body = {"preset": preset["name"], **preset["arguments"]}
        assert Draft202012Validator(allowed).is_valid(body)
        added = admin.send("POST", "/faults", body)
        assert (added.status_code, added.json["faults"][0]["name"]) == (201, preset["name"])
