"""Deliveries and the receiver, as the control API's document promises them."""

import json
from typing import Any

import pytest
from helpers.patience import PATIENCE
from helpers.receivers import listening, responding

from crmcom_kit.mock_server import create_app
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.deliveries.receiver import MAX_BODY, MAX_KEPT
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas.signing import sign

RECEIVER = "/__admin/receiver/in"
KEY = "AF9394A7DC7DD359344BC8B223E59A00"  # the sample world's, for activities
GUARD = "a-secret-of-27-characters-1"
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
    for query, ids in (("", [1, 2]), ("?record=7", [1, 2]), ("?record=nobody", [])):
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
        ("PUT", "/receiver", {"statuses": [500, 100]}, 400),
    ):
        seen, response = admin.refused(verb, path, body)

        assert seen == status
        assert response["error"]
        assert admin.ask("GET", "/deliveries") == {"deliveries": []}
        assert admin.ask("GET", "/receiver")["statuses"] == [200]
        assert mock.state() == before


def test_a_reset_clears_attempts_and_receiver(mock: Any, admin: Any) -> None:
    """All are what they were at the start; ids of attempts go on, so that none comes twice."""
    admin.ask("PUT", "/receiver", {"statuses": [500]})
    admin.ask("POST", "/events/fire", EVENT)
    assert mock.client.put(RECEIVER, data=b"x").status_code == 500
    assert admin.ask("GET", "/receiver/requests")["requests"][0]["method"] == "PUT"
    admin.ask("POST", "/reset")

    assert admin.ask("GET", "/deliveries") == {"deliveries": []}
    assert admin.ask("GET", "/receiver")["received"] == 0
    assert admin.ask("GET", "/receiver")["statuses"] == [200]
    mock.resend()
    assert admin.ask("GET", "/deliveries/2")["id"] == 2


def test_the_receiver_keeps_a_bounded_and_redacted_log(mock: Any, admin: Any) -> None:
    """The oldest requests go, and secrets in headers are not shown."""
    secret = {"Authorization": "Bearer hush", "X-Api-Key": "hush", "Cookie": "hush"}
    for _ in range(MAX_KEPT + 5):
        mock.client.post(RECEIVER, data=b"x", headers=secret)
    kept = admin.ask("GET", "/receiver/requests")["requests"]

    assert (len(kept), kept[0]["id"]) == (MAX_KEPT, 6)
    assert "hush" not in json.dumps(kept)


def test_the_verdict_is_about_all_of_a_long_message(mock: Any, admin: Any) -> None:
    """It is found when the message arrives; of the body, the beginning is shown."""
    data = {"number": "A1", "text": "x" * 900_000}
    body = json.dumps({"data": data, "authentication_code": sign(data, KEY)})
    mock.client.post(RECEIVER, data=body)
    mock.client.post(RECEIVER, data=body[:500_000])
    admin.ask("PUT", "/state", b'{"unit":{"id":"9"}}\n')  # a world without keys
    whole, half = admin.ask("GET", "/receiver/requests")["requests"]

    assert (whole["cut"], whole["size"], whole["body"]) == (True, len(body), body[:MAX_BODY])
    assert (whole["signature"]["reason"], half["signature"]["reason"]) == ("valid", "no_data")
    assert whole["signature"]["size"] > 900_000
    assert len(whole["signature"]["signed"]) == MAX_BODY


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
    headers = {"X-Odd": known, "Referer": "http://127.0.0.1/?token=Zx81hush"}
    mock.client.post(RECEIVER, json=data, headers=headers)

    paths = ("/deliveries", "/deliveries/1", "/deliveries/2", "/receiver/requests")
    shown = [json.dumps(admin.ask("GET", path), ensure_ascii=False) for path in paths]
    for text in shown:
        assert known not in text
    attempts = list(mock.world.current_epoch.attempts.select())
    described = [one.outcome.error_description or "" for one in attempts]
    for text in (*shown, repr(attempts[0]), *described):
        assert "Zx81hush" not in text


def test_a_secret_url_opens_the_receiver_of_a_guarded_mock(make_mock: Any, admin_of: Any) -> None:
    """It does from anywhere, except for web pages and other calls; a restart keeps the URL."""

    def started(token: str) -> tuple[Any, str]:
        registry = WorldRegistry(make_mock().world, access=Access(token))
        client = create_app(registry).test_client()
        headers = {"X-Mock-Admin-Token": token}
        url = admin_of(client).ask("GET", "/receiver", headers=headers)["url"]
        return client, url.removeprefix("http://localhost")

    client, path = started(GUARD)
    _, other = started("another-token")
    far = {"REMOTE_ADDR": "10.1.1.1"}

    assert started(GUARD)[1] == path
    assert GUARD not in path
    assert client.post(path, data=b"x", environ_overrides=far).status_code == 200
    assert client.post(path, data=b"x", headers={"Origin": "http://a.example"}).status_code == 403
    assert client.post(RECEIVER, headers={"X-Mock-Admin-Token": GUARD}).status_code == 200
    assert client.post(path.replace("/worlds/default", "/worlds/b")).status_code == 404
    for refused in (RECEIVER, f"{RECEIVER}?secret=", f"{RECEIVER}?secret={GUARD}", other):
        response = client.post(refused, data=b"x", environ_overrides=far)
        assert response.status_code == 401
        assert "GET /__admin/receiver" in response.text
    assert client.get(f"/__admin/receiver?{path.partition('?')[2]}").status_code == 401


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
