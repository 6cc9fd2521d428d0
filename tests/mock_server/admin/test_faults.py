"""Faults over the control API: what its document says is what holds."""

from typing import Any

from jsonschema import Draft202012Validator

from crmcom_kit.mock_server.admin.document import document
from crmcom_kit.mock_server.faults.presets import PRESETS

SPEC = {"match": {"operation": "show"}, "effect": {"delay": 0}, "times": 2}


def ask(mock: Any, verb: str, path: str, body: Any = None, world: str = "") -> Any:
    """The answer to a call of the control API: status and JSON."""
    answer = mock.client.open(f"{world}/__admin{path}", method=verb, json=body)
    return answer.status_code, answer.json


def held(schema: str, value: Any) -> bool:
    """Whether the document allows a value."""
    found = {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]}
    return Draft202012Validator(found).is_valid(value)


def test_a_fault_is_added_shown_and_removed(make_mock: Any) -> None:
    """What was posted is there with its id and what it has done, until it is deleted."""
    mock = make_mock()

    status, added = ask(mock, "POST", "/faults", SPEC)
    mock.show()

    (fault,) = added["faults"]
    assert (status, fault["id"], fault["hits"], fault["left"]) == (201, "fault-1", 0, 2)
    shown = {"faults": [{**fault, "calls": 1, "hits": 1, "left": 1}]}
    assert ask(mock, "GET", "/faults") == (200, shown)
    (other,) = ask(mock, "POST", "/faults", SPEC)[1]["faults"]
    assert ask(mock, "DELETE", "/faults?id=fault-1") == (200, {"faults": [other]})
    status, refused = ask(mock, "DELETE", "/faults?id=fault-1")
    assert (status, refused["parameter"]) == (404, "fault")
    assert ask(mock, "GET", "/faults") == (200, {"faults": [other]})


def test_presets_are_listed_and_added(make_mock: Any) -> None:
    """Each preset that is listed can be added, with the arguments that are listed or with none."""
    mock = make_mock()
    listed = ask(mock, "GET", "/faults/presets")[1]["presets"]

    assert [one["name"] for one in listed] == list(PRESETS)
    for one in listed:
        assert held("FaultPreset", one)
        bodies: list[Any] = [{}, one["arguments"]]
        for body in bodies:
            status, added = ask(mock, "POST", "/faults", {"preset": one["name"], **body})
            assert status == 201
            assert held("Faults", added)
            assert {fault["name"] for fault in added["faults"]} == {one["name"]}
