"""Faults over the control API: what its document says is what holds."""

from typing import Any

from jsonschema import Draft202012Validator

from crmcom_kit.mock_server.admin.document import document
from crmcom_kit.mock_server.faults.presets import PRESETS
from crmcom_kit.mock_server.faults.validation import errors

OPERATIONS = ("delete", "list", "resend", "show", "token", "token_release", "web_api_key_token")
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


def test_all_are_removed_at_once(make_mock: Any) -> None:
    """DELETE of all leaves none, and the world as if there had been none."""
    mock = make_mock()
    for _ in range(3):
        ask(mock, "POST", "/faults", SPEC)

    assert ask(mock, "DELETE", "/faults") == (200, {"faults": []})
    assert "X-Mock-Fault" not in mock.show().headers


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


#: Path and body → status and the parameter that is named.
REFUSED: list[tuple[str, Any, int, str]] = [
    ("/faults", None, 400, "body"),
    ("/faults", [], 400, "body"),
    ("/faults", {}, 400, "body"),
    ("/faults", {"effect": {"drop": True}, "odd": 1}, 400, "odd"),
    ("/faults", {"effect": {"error": "gone"}}, 400, "effect.error"),
    ("/faults", {"effect": {"drop": True, "cut": 5}}, 400, "effect"),
    ("/faults", {**SPEC, "match": {"operation": "token_release"}}, 400, "match.operation"),
    ("/faults", {"preset": "nonsense"}, 400, "preset"),
    ("/faults", {"preset": "outage", "times": 1}, 400, "times"),
    ("/faults", {"preset": "outage", "seconds": -1}, 400, "seconds"),
    ("/faults", {"preset": "lost_answer", "operation": "token_release"}, 400, "operation"),
]


def test_what_is_wrong_is_named(make_mock: Any) -> None:
    """A refusal names the parameter, and adds nothing."""
    mock = make_mock()
    found = []
    for path, body, _, _ in REFUSED:
        status, answer = ask(mock, "POST", path, body)
        found.append((path, body, status, answer["parameter"]))

    assert found == REFUSED
    assert ask(mock, "GET", "/faults")[1] == {"faults": []}


def test_the_document_takes_its_lists_from_where_they_are() -> None:
    """Kinds of errors and methods in the document are those of the contract's own data."""
    schemas = document()["components"]["schemas"]

    assert schemas["FaultEffect"]["properties"]["error"]["enum"] == list(errors())
    assert sorted(schemas["FaultOperation"]["enum"]) == sorted(OPERATIONS)
    assert schemas["FaultPreset"]["properties"]["name"]["enum"] == list(PRESETS)
    arguments = {name for preset in PRESETS.values() for name in preset.arguments}
    assert set(schemas["FaultPresetArguments"]["properties"]) == arguments
