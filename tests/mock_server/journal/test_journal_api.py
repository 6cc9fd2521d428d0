"""The journal over the control API: entries, patterns, waits, HAR."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.admin.document import document
from crmcom_kit.mock_server.world.registry import WorldRegistry

TOKEN = "a-token-of-tests"
API = "/crmapi/rest/v2/webhook_requests"
RESEND = {"operation": "resend"}


class Driven:
    """A mock with three calls in its journal: a show, a resend, and one that is refused."""

    def __init__(self) -> None:
        self.world = make_world(tokens=[TOKEN], release="R13")
        self.registry = WorldRegistry(self.world, waiting=2)
        self.client = create_app(self.registry).test_client()
        self.show()
        for _ in range(2):
            self.client.post(
                f"{API}/resend",
                json={"token": TOKEN, "webhook_request_identifier": {"number": "7"}},
            )

    def show(self) -> None:
        """Make one more call."""
        query = f"token={TOKEN}&webhook_request_identifier=number=7"
        self.client.get(f"{API}/show?{query}").get_data()

    def ask(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the control API; the response must be as its document says."""
        more = {} if body is None else {"json": body}
        answer = self.client.open(f"/__admin{path}", method=verb, **more)
        found = json.loads(answer.get_data())
        _hold(verb, path.partition("?")[0], answer.status_code, found)
        return answer.status_code, found


def _hold(verb: str, path: str, status: int, found: Any) -> None:
    """Fail if a response is not what the control API's document promises."""
    paths = document()["paths"]
    known = path if path in paths else path.rpartition("/")[0] + "/{id}"
    responses = paths[known][verb.lower()]["responses"]
    response = responses.get(str(status), responses["default"])
    if "$ref" in response:
        response = document()["components"]["responses"]["UsageError"]
    schema = response["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": document()["components"]}).validate(found)


@pytest.fixture(name="driven")
def _driven() -> Driven:
    return Driven()


def numbers(found: Any) -> list[str]:
    """The ids of the entries in a response."""
    return [one["id"] for one in found["requests"]]


def test_one_entry_has_everything(driven: Driven) -> None:
    """Request, response, statement, trace, record, states, near miss: of a refused request."""
    status, found = driven.ask("GET", "/requests/0-3")

    assert status == 200
    assert found["request"]["method"] == "POST"
    assert json.loads(found["request"]["body"]) == {
        "token": "***",
        "webhook_request_identifier": {"number": "7"},
    }
    assert found["request"]["parameters"]["webhook_request_identifier"] == {"number": "7"}
    assert found["response"]["status"] == 200
    assert found["response"]["headers"]["X-Mock-Statement"] == "resend.only_rejected"
    assert json.loads(found["response"]["body"])["status"]["code"] == found["code"]
    assert found["outcome"] == "refused"
    assert found["statement"] == "resend.only_rejected"
    assert found["near_miss"]["allowed"] == "a webhook request that is REJECTED"
    assert found["error_kind"] == "not_rejected"
    assert found["record"]["number"] == "7"
    assert (found["state_before"], found["state_after"]) == ("SUCCESSFUL", "SUCCESSFUL")
    (decision,) = found["trace"]
    assert (decision["step"], decision["outcome"]) == ("request", "broken")
    assert (decision["statement"], decision["evidence"]) == ("resend.only_rejected", "documented")
    assert {"errors.not_rejected.status", "errors.not_rejected.code"} <= decision["dials"].keys()
    assert (found["entity"], found["results"]) == ("ACTIVITIES", None)
    assert found["seconds"] >= 0
    assert driven.ask("GET", "/requests/3")[1] == found


def test_calls_are_found_and_removed(driven: Driven) -> None:
    """By pattern: those that fit, and no others; without a pattern, all of them."""
    found = driven.ask("POST", "/requests/find", RESEND)[1]
    assert (found["count"], found["dropped"], numbers(found)) == (2, 0, ["0-2", "0-3"])
    assert found["requests"][0] == driven.ask("GET", "/requests/0-2")[1]
    driven.world.journal.max_entries = 3
    driven.show()
    found = driven.ask("POST", "/requests/find")[1]
    assert (found["count"], found["dropped"]) == (3, 1)
    assert driven.ask("POST", "/verify", {"operation": "show", "times": 1})[0] == 400
    assert driven.ask("DELETE", "/requests") == (200, {})
    found = driven.ask("GET", "/requests")[1]
    assert found == {"count": 0, "dropped": 0, "requests": []}


def test_only_so_many_wait(driven: Driven) -> None:
    """Where all places are taken, one more is refused with 503, and a place is given back."""
    body = {"operation": {"absent": False}, "timeout": 0.01}
    with driven.registry.waiting, driven.registry.waiting:
        assert driven.ask("POST", "/wait", body)[0] == 503
        assert driven.ask("POST", "/verify", {})[0] == 202
        assert driven.client.get("/__admin/events").status_code == 503
    assert driven.ask("POST", "/wait", body)[0] == 200


def test_the_journal_is_a_har(driven: Driven) -> None:
    """Every call is an entry with what HAR 1.2 asks for, and without its secrets."""
    _, found = driven.ask("GET", "/requests.har")
    log = found["log"]
    assert log["version"] == "1.2"
    assert len(log["entries"]) == 3
    for entry in log["entries"]:
        assert entry.keys() >= {"startedDateTime", "time", "request", "response", "timings"}
        assert entry["request"]["url"].startswith("http://localhost/crmapi/rest/v2/")
        assert entry["response"]["content"]["size"] == entry["response"]["bodySize"]
    query = log["entries"][0]["request"]["queryString"]
    assert query[0] == {"name": "token", "value": "***"}
    assert json.loads(log["entries"][1]["request"]["postData"]["text"])["token"] == "***"
    assert TOKEN not in json.dumps(found)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["0-3", "0-2", "0-1"]),
        ("?limit=1", ["0-3"]),
        ("?limit=0", []),
        ("?since=1", ["0-3", "0-2"]),
        ("?since=0-2", ["0-3"]),
        ("?since=7-2", ["0-3", "0-2", "0-1"]),
    ],
)
def test_requests_are_listed_newest_first(driven: Driven, query: str, ids: list[str]) -> None:
    """All of them, those after one, or the newest few."""
    assert numbers(driven.ask("GET", f"/requests{query}")[1]) == ids


@pytest.mark.parametrize(
    ("path", "body", "status", "members"),
    [
        ("/verify", {**RESEND, "times": 2}, 202, {"ok": True, "count": 2}),
        ("/verify", {**RESEND, "times": {"at_most": 1}}, 406, {"ok": False, "count": 2}),
        ("/wait", {"operation": "delete", "timeout": 0.01}, 408, {"why": "time over"}),
        ("/wait", {"record": "7", "state": "REJECTED", "timeout": 0}, 408, {"state": "SUCCESSFUL"}),
        ("/wait", {"state": "REJECTED", "times": {"at_least": 1}}, 200, {"why": "held"}),
        ("/wait", {"delivery": "7"}, 200, {"count": 1}),
        ("/wait", {"delivery": True, "delivered": True}, 200, {"count": 1}),
        ("/wait", {"delivery": "8", "timeout": 0}, 408, {"why": "time over"}),
        ("/wait", {"delivery": True, "delivered": False, "timeout": 0}, 408, {"count": 0}),
    ],
)
def test_to_verify_and_to_wait_have_their_statuses(
    driven: Driven, path: str, body: Any, status: int, members: dict[str, Any]
) -> None:
    """202 or 406 for a verdict; 200 for what came, 408 when time is over, with what is there."""
    found = driven.ask("POST", path, body)
    assert found[0] == status
    assert found[1].items() >= members.items()
