"""The journal over the control API: entries, patterns, waits, HAR."""

import json
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.http.endings import ConnectionEnded
from crmcom_kit.mock_server.world.registry import MAX_WAITING, WorldRegistry

RESEND = {"operation": "resend"}


@pytest.fixture(name="admin")
def _admin(mock: Any, admin: Any) -> Any:
    """A client of a mock with three calls in its journal: a show, a resend, and one refused."""
    mock.show("number=7")
    mock.resend("7")
    mock.resend("7")
    return admin


def ids(found: Any) -> list[str]:
    return [one["id"] for one in found["requests"]]


def test_one_entry_has_everything(admin: Any) -> None:
    """Request, response, statement, trace, record, states, near miss: of a refused request."""
    body = admin.ask("GET", "/requests/0-3")

    sent, received = body["request"], body["response"]
    assert sent["method"] == "POST"
    assert json.loads(sent["body"]) == sent["parameters"]
    assert (received["status"], body["outcome"]) == (200, "refused")
    assert received["headers"]["X-Mock-Statement"] == body["statement"] == "resend.only_rejected"
    assert json.loads(received["body"])["status"]["code"] == body["code"]
    assert body["near_miss"]["allowed"] == "a webhook request that is REJECTED"
    assert (body["state_before"], body["state_after"]) == ("SUCCESSFUL", "SUCCESSFUL")
    assert [step["step"] for step in body["trace"]] == ["request"]
    assert (body["entity"], body["results"]) == ("ACTIVITIES", None)
    assert body["seconds"] >= 0
    assert admin.ask("GET", "/requests/3") == body
    assert admin.refused("GET", "/requests/0-4")[0] == 404


def test_entries_are_found_and_removed(mock: Any, admin: Any) -> None:
    """By pattern: those that fit, and no others; without a pattern, all of them."""
    body = admin.ask("POST", "/requests/find", RESEND)
    assert (body["count"], body["dropped"], ids(body)) == (2, 0, ["0-2", "0-3"])
    assert body["requests"][0] == admin.ask("GET", "/requests/0-2")
    mock.world.journal.max_entries = 3
    mock.show()
    body = admin.ask("POST", "/requests/find")
    assert (body["count"], body["dropped"]) == (3, 1)
    assert admin.refused("POST", "/verify", {"operation": "show", "times": 1})[0] == 400
    assert admin.ask("DELETE", "/requests") == {}
    assert admin.ask("GET", "/requests") == {"count": 0, "dropped": 0, "requests": []}


def test_only_so_many_wait(admin_of: Any) -> None:
    registry = WorldRegistry(make_world())
    admin = admin_of(create_app(registry).test_client())
    body = {"record": "7"}
    with ExitStack() as all_places:
        for _ in range(MAX_WAITING):
            all_places.enter_context(registry.wait_slot())
        assert admin.refused("POST", "/wait", body)[0] == 503
        assert admin.refused("GET", "/events")[0] == 503
        assert admin.send("POST", "/verify", {"times": 0}).status_code == 202
    assert admin.ask("POST", "/wait", body)["ok"]


def test_the_journal_is_a_har(admin: Any) -> None:
    """Every call is an entry with what HAR 1.2 asks for, and without its secrets."""
    log = admin.ask("GET", "/requests.har")["log"]
    assert (log["version"], log["_release"]) == ("1.2", "R9.0.0")
    assert len(log["entries"]) == 3
    for entry in log["entries"]:
        assert entry.keys() >= {"startedDateTime", "time", "request", "response", "timings"}
        assert entry["request"]["url"].startswith("http://localhost/crmapi/rest/v2/")
        assert entry["response"]["content"]["size"] == entry["response"]["bodySize"] > 0
    shown, sent, _ = [entry["request"] for entry in log["entries"]]
    assert shown["queryString"][0] == {"name": "token", "value": "$CRMCOM_TOKEN"}
    assert (shown["bodySize"], "postData" in shown) == (0, False)
    assert json.loads(sent["postData"]["text"])["token"] == "$CRMCOM_TOKEN"
    assert sent["bodySize"] > 0


def test_each_token_has_a_variable_in_a_har(mock: Any, admin: Any) -> None:
    """Each has its variable, wherever it is; one that nobody has issued is hidden."""
    tokens = [mock.login().data["token"], mock.login().data["token"]]
    for token in (*tokens, "made-up-token"):
        mock.client.get(f"/crmapi/rest/v2/webhook_requests/list?token={token}&entity=JOBS")

    text = admin.send("GET", "/requests.har").text

    entries = json.loads(text)["log"]["entries"]
    returned = [json.loads(each["response"]["content"]["text"])["data"] for each in entries[3:5]]
    assert returned == [{"token": "$CRMCOM_TOKEN_2"}, {"token": "$CRMCOM_TOKEN_3"}]
    used = [each["request"]["queryString"][0]["value"] for each in entries[5:]]
    assert used == ["$CRMCOM_TOKEN_2", "$CRMCOM_TOKEN_3", "$CRMCOM_OTHER_1"]
    assert not any(token in text for token in (*tokens, "made-up-token"))


def test_a_har_has_durations_unless_the_clock_is_frozen(mock: Any, admin: Any) -> None:
    """They show which requests ran together; frozen, all begin at one moment."""
    entries = admin.ask("GET", "/requests.har")["log"]["entries"]
    assert all(each["time"] > 0 for each in entries)

    mock.world.clock.freeze()
    entries = admin.ask("GET", "/requests.har")["log"]["entries"]
    assert {each["time"] for each in entries} == {0}
    assert all(each["_seconds"] > 0 for each in entries)


def test_a_har_has_responses_as_the_client_got_them(mock: Any, admin: Any) -> None:
    """A fault may drop or cut one: a recording must not show what it would have been."""
    path = "/crmapi/rest/v2/webhook_requests/list?token=T&entity=JOBS"
    for effect in ({"drop": True}, {"cut": 20}):
        admin.send("POST", "/faults", {"effect": effect, "times": 1})
        with suppress(ConnectionEnded):
            mock.client.get(path)

    entries = admin.ask("GET", "/requests.har")["log"]["entries"]
    dropped, cut = [each["response"] for each in entries[-2:]]

    assert (dropped["status"], dropped["content"]["text"], dropped["_error"]) == (0, "", "dropped")
    assert (cut["status"], cut["content"]["size"], cut["_error"]) == (200, 20, "cut")
    assert cut["content"]["text"] == '{"status":{"message"'


def test_a_path_is_shown_as_it_was_sent(mock: Any, admin: Any) -> None:
    """A typo in it must be seen by its author."""
    mock.client.post("/crmapi/rest/v2/authentication/tokens")

    body = admin.ask("GET", "/requests/0-4")

    assert body["near_miss"]["seen"] == '"authentication/tokens"'
    assert body["url"] == "/crmapi/rest/v2/authentication/tokens"


def test_entries_contain_no_directional_characters(mock: Any, admin: Any) -> None:
    """A terminal may show it: JSON has its escapes for control and bidirectional characters."""
    mock.client.post("/crmapi/rest/v2/webhook_requests/resend", data="\u202e\x9bé".encode())

    shown = admin.send("GET", "/requests.har").data

    assert rb"\u202e\u009b" + "é".encode() in shown


def test_requests_are_listed_newest_first(admin: Any) -> None:
    for query, expected in (
        ("", ["0-3", "0-2", "0-1"]),
        ("?limit=1", ["0-3"]),
        ("?since=1", ["0-3", "0-2"]),
        ("?since=0-2", ["0-3"]),
        ("?since=7-2", ["0-3", "0-2", "0-1"]),
    ):
        assert ids(admin.ask("GET", f"/requests{query}")) == expected, query


def test_to_verify_and_to_wait_have_their_statuses(admin: Any) -> None:
    """202 or 406 for a verdict; 200 for what came, 408 when time is over, with what is there."""
    for path, body, status, members in (
        ("/verify", {**RESEND, "times": 2}, 202, {"ok": True, "count": 2}),
        ("/verify", {**RESEND, "times": {"at_most": 1}}, 406, {"ok": False, "count": 2}),
        ("/wait", {**RESEND, "times": 2}, 200, {"why": "held", "count": 2}),
        ("/wait", {"operation": "delete", "timeout": 0.01}, 408, {"why": "time over"}),
        ("/wait", {"record": "7", "state": "REJECTED", "timeout": 0}, 408, {"state": "SUCCESSFUL"}),
        ("/wait", {"delivery": True, "delivered": True}, 200, {"count": 1}),
        ("/wait", {"delivery": "8", "timeout": 0}, 408, {"why": "time over"}),
        ("/wait", {"delivery": True, "delivered": False, "timeout": 0}, 408, {"count": 0}),
    ):
        response = admin.send("POST", path, body)
        assert response.status_code == status, body
        assert response.json.items() >= members.items()


def test_refusals_are_expected_over_http(mock: Any, admin: Any) -> None:
    """What is expected is marked in the journal and its archive, and what is not is listed."""
    admin.ask("POST", "/reset")
    added = admin.send("POST", "/expected_refusals", {"operation": "show", "times": 1})
    assert (added.status_code, added.json["ok"]) == (201, False)
    mock.show("number=none")

    expected = [{"operation": ["show"], "times": 1, "count": 1, "ok": True}]
    assert admin.ask("GET", "/unexpected") == {"ok": True, "unexpected": [], "expected": expected}
    assert admin.ask("GET", "/requests/1")["expected_refusal"] is True
    (entry,) = admin.ask("GET", "/requests.har")["log"]["entries"]
    assert entry["_expected_refusal"] is True
    mock.show("number=none")
    (line,) = admin.ask("GET", "/unexpected")["unexpected"]
    assert line.startswith("request 2, show: refused (unknown_webhook_request): ")
    admin.ask("POST", "/reset")
    assert admin.ask("GET", "/unexpected") == {"ok": True, "unexpected": [], "expected": []}
