"""Deliveries, as the control API's document promises them."""

import json
from typing import Any

import pytest
from helpers.patience import PATIENCE
from helpers.receivers import listening, responding

EVENT = {"entity": "ACTIVITIES", "definition": "ACT CREATE", "data": {"number": "A1", "id": "A"}}


def test_a_resend_leaves_an_attempt(mock: Any, admin: Any) -> None:
    """It has what was sent, the outcome, and the request that caused it."""
    mock.resend()
    body = admin.ask("GET", "/deliveries")
    record = mock.show().data

    (only,) = body["deliveries"]
    assert only["id"] == 1
    assert (only["cause"], only["stage"], only["call"]) == ("resend", "ended", 1)
    assert (only["before"], only["after"]) == ("REJECTED", "SUCCESSFUL")
    assert only["webhook_request"] == {"id": record["id"], "number": "7"}
    message = json.loads(only["request"]["body"])
    assert message["authentication_code"] == record["authentication_code"]
    assert only["outcome"]["name"] == "success"
    shown = admin.ask("GET", "/deliveries/1")
    assert shown.pop("signature")["reason"] == "valid"
    assert shown == only
    admin.ask("POST", "/deliveries/1/replay")
    for query, ids in (("", [1, 2]), ("?record=7", [1, 2]), ("?record=8", [])):
        body = admin.ask("GET", f"/deliveries{query}")["deliveries"]
        assert [one["id"] for one in body] == ids


def test_what_cannot_be_done_is_refused(mock: Any, admin: Any) -> None:
    before = mock.state()
    for verb, path, body, status in (
        ("GET", "/deliveries/1", None, 404),
        ("GET", "/deliveries/x", None, 400),
        ("POST", "/deliveries/1/replay", None, 404),
        ("POST", "/deliveries/1/replay", {"fault": "fire"}, 400),
        ("POST", "/events/fire", {**EVENT, "fault": "cut_body"}, 400),
        ("POST", "/events/fire", {**EVENT, "definition": "ACT CREAT"}, 404),
        ("POST", "/events/fire", {**EVENT, "entity": "JOBS"}, 400),
        ("POST", "/events/fire", {**EVENT, "url": "http://127.0.0.1/"}, 400),
    ):
        seen, response = admin.refused(verb, path, body)

        assert seen == status
        assert response["error"]
        assert admin.ask("GET", "/deliveries") == {"deliveries": []}
        assert mock.state() == before


def test_a_reset_clears_attempts(mock: Any, admin: Any) -> None:
    """Their ids go on, so that none comes twice."""
    admin.ask("POST", "/events/fire", EVENT)
    admin.ask("POST", "/reset")

    assert admin.ask("GET", "/deliveries") == {"deliveries": []}
    mock.resend()
    assert admin.ask("GET", "/deliveries/2")["id"] == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://me:Zx81hush@127.0.0.1:{port}/in?token=Zx81hush#token=Zx81hush",
        "http://127.0.0.1:1/{known}/in?a={known}",
        "http://127.0.0.1:1/ü?secret=Zx81hush&a={known}",
        "me:Zx81hush@127.0.0.1",
    ],
)
def test_no_view_of_a_delivery_shows_a_secret(make_mock: Any, admin_of: Any, url: str) -> None:
    """Neither what its URL carries, nor a token that the message or the receiver's response has."""
    known = "Known-Ticket.of_World9"
    response = f"HTTP/1.1 500 No\r\nConnection: close\r\n\r\nno {known} token=Zx81hush"
    data = {"note": known, "token": "Zx81hush"}
    with listening(responding(response.encode())) as receiver:
        mock = make_mock(deliver="http")
        mock.world.add_secrets(known)
        admin = admin_of(mock.client)
        for place in (url.format(known=known, port=receiver.port), receiver.url):
            admin.ask("POST", "/events/fire", {**EVENT, "data": data, "url": place})
        admin.ask("POST", "/wait", {"delivery": True, "times": 2, "timeout": PATIENCE})

    paths = ("/deliveries", "/deliveries/1", "/deliveries/2")
    shown = [json.dumps(admin.ask("GET", path), ensure_ascii=False) for path in paths]
    for text in shown:
        assert known not in text
    attempts = list(mock.world.current_epoch.attempts.select())
    described = [one.outcome.error_description or "" for one in attempts]
    for text in (*shown, repr(attempts[0]), *described):
        assert "Zx81hush" not in text


def test_scripts_are_put_listed_and_ended(mock: Any, admin: Any) -> None:
    """What is put decides the next delivery; what cannot be a script changes nothing."""
    worlds = {"script": "success", "record": None, "used": 0}
    own = {"script": "timeout, success", "record": "7", "used": 0}

    shown = admin.ask("PUT", "/deliveries/script", {"script": "timeout, success", "record": "7"})
    assert shown == {"scripts": [worlds, own]}
    assert mock.resend("7").data["life_cycle_state"] == "REJECTED"
    shown = admin.ask("PUT", "/deliveries/script", {"script": None, "record": "7"})
    assert shown == {"scripts": [worlds]}
    for body, status in (({}, 400), ({"script": "success", "record": "nope"}, 404)):
        assert admin.refused("PUT", "/deliveries/script", body)[0] == status
    assert admin.ask("GET", "/deliveries/script") == shown
