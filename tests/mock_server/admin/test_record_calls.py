"""Single webhook requests, definitions and rules: added, shown, changed, removed; refusals."""

from typing import Any
from urllib.parse import quote

from helpers.receivers import During

from crmcom_kit.schemas.signing import sign

KEY = "AF9394A7DC7DD359344BC8B223E59A00"  # the sample world's, for activities


def added(admin: Any, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """Add webhook requests of which little is given; return what they became."""
    body = {"webhook_request": [{"record": one} for one in records]}
    filled_in = admin.ask("POST", "/records", body)["filled_in"]
    return [one["record"] for one in filled_in]


def test_a_number_may_have_slashes(admin: Any) -> None:
    """Encoded, they are part of the number for each call about one webhook request."""
    for number in ("A/7", "/7", "7/", "a/b/c"):
        added(admin, {"number": number})
        path = f"/records/{quote(number, safe='')}"

        assert admin.ask("GET", path)["record"]["number"] == number
        changed = admin.ask("PATCH", path, {"record": {"url": "http://a.example/"}})
        assert (changed["record"]["number"], changed["record"]["url"]) == (
            number,
            "http://a.example/",
        )
        assert admin.ask("DELETE", path)["record"] == changed["record"]
        assert admin.refused("GET", path)[0] == 404


def test_a_change_is_merged(mock: Any, admin: Any) -> None:
    """What is given changes, what depends on it follows, and everything else stays."""
    before = admin.ask("GET", "/records/7")
    created = {"log_information": {"created_date": "2024-05-01T10:00:00"}}

    shown = admin.ask("PATCH", "/records/7", {"record": created})
    log = {**before["record"]["log_information"], "created_date": "2024-05-01T10:00:00"}
    assert shown == {**before, "record": {**before["record"], "log_information": log}}

    data = {"number": "J1"}
    whole = {**shown["record"], "life_cycle_state": "SUCCESSFUL"}
    shown = admin.ask("PATCH", "/records/7", {"record": whole, "data": data})
    assert shown["data"] == data
    code = shown["record"]["authentication_code"]
    assert code == sign(data, KEY)
    assert (shown["record"]["error_code"], shown["record"]["error_description"]) == (None, None)
    assert mock.resend("7").code != "OK"
    shown = admin.ask("PATCH", "/records/7", {"record": {"life_cycle_state": "REJECTED"}})
    assert shown["record"]["error_code"] == "SocketTimeoutException"
    assert mock.resend("7").data["life_cycle_state"] == "SUCCESSFUL"
    other = admin.ask("GET", "/definitions")["definitions"][1]
    change = {"record": {"webhook_definition": {"id": other["id"]}}}
    shown = admin.ask("PATCH", "/records/7", change)
    assert shown["record"]["webhook_definition"]["name"] == other["name"]


def test_what_is_being_sent_is_not_changed(make_mock: Any, admin_of: Any) -> None:
    """The outcome of its delivery would overwrite the change."""
    seen: list[Any] = []
    change = {"record": {"url": "http://b/"}}

    def change_it() -> None:
        seen.append(admin_of(mock.client).refused("PATCH", "/records/7", change))

    mock = make_mock(delivery=During(change_it))
    mock.resend("7")

    ((status, found),) = seen
    assert (status, found["parameter"]) == (409, "record")
    assert "being sent" in found["seen"]


def test_definitions_and_rules_are_listed_and_added(admin: Any) -> None:
    """What was added can send: an event is fired with it, signed with its key."""
    key = admin.ask("GET", "/definitions")["definitions"][0]["secret_key_id"]
    definition = {"id": "D1", "name": "Done", "url": "http://a/", "secret_key_id": key}
    rule = {"name": "When done", "webhook_definition_ids": ["D1"]}
    admin.ask("POST", "/records", {"workflow_rule": [rule], "webhook_definition": [definition]})

    body = admin.ask("GET", "/definitions")
    assert body["definitions"][-1] == definition
    added = body["rules"][-1]
    assert added == {"id": added["id"], **rule}
    admin.ask("POST", "/records", {"workflow_rule": [added]})  # which is there already
    assert admin.ask("GET", "/definitions") == body
    event = {"entity": "JOBS", "definition": "Done", "data": {"id": "J"}}
    number = admin.ask("POST", "/events/fire", event)["webhook_request"]["number"]
    record = admin.ask("GET", f"/records/{number}")["record"]
    assert record["workflow_rule"]["id"] == added["id"]
    assert record["authentication_code"]


STATE = {"life_cycle_state": "SUCCESSFUL"}
UNIT = {"unit": {"id": "1", "name": "a"}}
NAMED = {"name": "x"}
TRIGGERS = {"webhook_definition_ids": ["y"]}
#: (verb, path, body, status, what the error says)
REFUSED: list[tuple[str, str, Any, int, tuple[str, ...]]] = [
    ("PUT", "/state", [UNIT, {"unit": {}}], 400, ("body /1: unit.id",)),
    ("POST", "/seed", {"entities": ["LEADS"]}, 400, ("entities: ",)),
    ("GET", "/records/nope", None, 404, ('record: seen "nope"', "number or the id")),
    ("PATCH", "/records/7", {}, 400, ("at least 1",)),
    ("PATCH", "/records/7", {"record": {"number": "8"}}, 400, ('seen "8"', 'is "7"')),
    ("PATCH", "/records/7", {"record": {"url": 5}}, 400, ("record.url: seen 5",)),
    ("PATCH", "/records/7", {"record": {**STATE, "error_code": "E"}}, 400, ("error_code",)),
    ("PATCH", "/records/7", {"record": {"log_information": {"x": 1}}}, 400, ("log_information.x",)),
    ("PATCH", "/records/7", {"record": {"webhook_definition": {"name": "x"}}}, 400, ("no id",)),
    ("POST", "/records", {"webhook_requests": []}, 400, ("(nearest: webhook_request)",)),
    ("POST", "/records", {"webhook_request": [{"record": {"x": 1}}]}, 400, ("'x' is not",)),
    ("POST", "/records", {"webhook_request": [{"record": {"number": "7"}}]}, 400, ("already",)),
    ("POST", "/records", {"webhook_definition": [{}]}, 400, ("/0: webhook_definition.name",)),
    ("POST", "/records", {"webhook_definition": [NAMED, NAMED]}, 400, ('/1: name: seen "x"',)),
    ("POST", "/records", {"webhook_definition": [{"name": "ACT CREATE"}]}, 400, ("no other",)),
    ("POST", "/records", {"webhook_definition": [{"id": "", "name": "x"}]}, 400, ('id: seen ""',)),
    ("POST", "/records", {"webhook_definition": [{**NAMED, "secret_key_id": "y"}]}, 400, ("key",)),
    ("POST", "/records", {"workflow_rule": [{**NAMED, **TRIGGERS}]}, 400, ('_ids: seen "y"',)),
]


def test_an_invalid_control_request_is_refused_and_changes_nothing(admin: Any) -> None:
    before = admin.send("GET", "/state").data
    for verb, path, body, status, says in REFUSED:
        seen, error = admin.refused(verb, path, body)

        assert seen == status
        assert [piece for piece in says if piece not in error["error"]] == []
        assert admin.send("GET", "/state").data == before, error


def test_a_definition_without_a_name_is_named_by_its_id(admin: Any) -> None:
    """Webhook requests may name a definition by its id alone; no rule triggers it then."""
    admin.ask("PATCH", "/records/7", {"record": {"webhook_definition": {"id": "D9"}}})
    event = {"entity": "JOBS", "definition": "D9", "data": {}}

    status, error = admin.refused("POST", "/events/fire", event)

    assert (status, error["seen"]) == (404, "no workflow rule that triggers D9")
