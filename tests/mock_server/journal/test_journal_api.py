"""The journal over the control API: entries, patterns, waits, HAR."""

import json
import threading
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


def test_the_calls_are_listed_newest_first(driven: Driven) -> None:
    """All of them, those after one, the newest few, or those that broke a restriction."""
    for query, ids, total in [
        ("", ["0-3", "0-2", "0-1"], 3),
        ("?limit=1", ["0-3"], 3),
        ("?limit=0", [], 3),
        ("?since=1", ["0-3", "0-2"], 2),
        ("?since=0-2", ["0-3"], 1),
        ("?since=7-2", ["0-3", "0-2", "0-1"], 3),
        ("?since=2000-01-01T00:00:00", ["0-3", "0-2", "0-1"], 3),
        ("?since=2990-01-01T00:00:00%2B02:00", [], 0),
        ("?outcome=refused", ["0-3"], 1),
    ]:
        status, found = driven.ask("GET", f"/requests{query}")
        assert (status, numbers(found), found["count"]) == (200, ids, total)


def test_a_list_that_makes_no_sense_is_refused(driven: Driven) -> None:
    """What cannot be read is named."""
    for query in ["since=x", "limit=-1", "limit=x", "outcome=lost", "since=1-2-3"]:
        status, found = driven.ask("GET", f"/requests?{query}")
        assert (status, found["parameter"]) == (400, query.partition("=")[0])


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
    assert found["statement"] == found["near_miss"]["statement"] == "resend.only_rejected"
    assert found["error_kind"] == "not_rejected"
    assert found["record"]["number"] == "7"
    assert (found["state_before"], found["state_after"]) == ("SUCCESSFUL", "SUCCESSFUL")
    (decision,) = found["trace"]
    assert (decision["step"], decision["outcome"]) == ("request", "broken")
    assert (decision["statement"], decision["evidence"]) == ("resend.only_rejected", "documented")
    assert {"errors.status.not_rejected", "errors.code.not_rejected"} <= decision["dials"].keys()
    assert driven.ask("GET", "/requests/3")[1] == found


def test_a_call_that_is_not_there_is_not_found(driven: Driven) -> None:
    """An id of no entry is answered with 404 and an id that there is."""
    for id in ["0-9", "1-1", "x", "0", "-", "9" * 30]:
        status, found = driven.ask("GET", f"/requests/{id}")
        assert status == 404
        assert "0-3" in found["allowed"]


def test_calls_are_found_and_removed(driven: Driven) -> None:
    """By pattern: those that fit, and no others; without a pattern, all of them."""
    found = driven.ask("POST", "/requests/find", RESEND)[1]
    assert (found["count"], found["dropped"], numbers(found)) == (2, 0, ["0-2", "0-3"])
    assert found["requests"][0] == driven.ask("GET", "/requests/0-2")[1]
    assert driven.ask("POST", "/requests/find")[1]["count"] == 3
    assert driven.ask("DELETE", "/requests") == (200, {})
    assert driven.ask("GET", "/requests")[1]["requests"] == []


def test_verify_says_yes_or_no(driven: Driven) -> None:
    """202 where it is as expected, 406 with a readable message where it is not."""
    status, found = driven.ask("POST", "/verify", {**RESEND, "times": 2})
    assert (status, found["ok"], found["count"]) == (202, True, 2)
    status, found = driven.ask("POST", "/verify", {**RESEND, "times": {"at_most": 1}})
    assert (status, found["ok"]) == (406, False)
    assert found["message"].startswith("expected at most 1 call, found 2: operation resend")
    status, found = driven.ask("POST", "/verify", {"operation": "delete"})
    assert (status, "nearest of 3 other calls:" in found["message"]) == (406, True)


def test_what_cannot_be_asked_is_refused(driven: Driven) -> None:
    """A question that makes no sense is answered with 400, at once, and names its fault."""
    cases: list[tuple[str, Any]] = [
        ("/verify", {"operatio": "x"}),
        ("/verify", {"times": -1}),
        ("/verify", {"times": {"at_least": 2, "at_most": 1}}),
        ("/verify", {"fault": "typo"}),
        ("/verify", {"timeout": 10**9}),
        ("/wait", {}),
        ("/wait", {"record": {}}),
        ("/wait", {"record": "1", "times": 2}),
        ("/wait", {"state": "REJECTED", "operation": "list"}),
        ("/wait", {"operation": "list", "since": "x"}),
        ("/requests/find", {"method": "POTS"}),
        ("/requests/find", {"operation": {"equals": "x"}}),
        ("/requests/find", {"parameters": {"entty": "JOBS"}}),
        ("/requests/find", {"where": "x"}),
    ]
    for path, body in cases:
        status, found = driven.ask("POST", path, body)
        assert status == 400, body
        assert found["parameter"], body
        assert found["allowed"], body


def test_wait_ends_with_what_it_waits_for(driven: Driven) -> None:
    """200 with what fits; 408 with what is nearest, when time is over."""
    later = threading.Timer(0.05, driven.show)
    later.start()
    calls = {"operation": "show", "since": "0-3"}
    status, found = driven.ask("POST", "/wait", {**calls, "timeout": 60})
    later.join()
    assert (status, found["why"], numbers(found)) == (200, "held", ["0-4"])
    status, found = driven.ask("POST", "/wait", {"operation": "delete", "timeout": 0.01})
    assert (status, found["why"]) == (408, "time over")
    assert "nearest of 4 other calls:" in found["message"]
    asked = {"record": "7", "state": "REJECTED", "timeout": 0.01}
    status, found = driven.ask("POST", "/wait", asked)
    assert (status, found["state"]) == (408, "SUCCESSFUL")
    asked = {"state": "REJECTED", "times": {"at_least": 1}}
    assert driven.ask("POST", "/wait", asked)[0] == 200


def test_only_so_many_wait(driven: Driven) -> None:
    """Where all places are taken, one more is refused with 503, and a place is given back."""
    body = {"operation": {"absent": False}, "timeout": 0.01}
    with driven.registry.waiting, driven.registry.waiting:
        assert driven.ask("POST", "/wait", body)[0] == 503
        assert driven.ask("POST", "/verify", {"timeout": 0.01})[0] == 503
        assert driven.ask("POST", "/verify", {})[0] == 202
        assert driven.client.get("/__admin/events").status_code == 503
    assert driven.ask("POST", "/wait", body)[0] == 200


def test_a_wait_is_for_deliveries(driven: Driven) -> None:
    """One resend was delivered: it is there by number, none is of another, and none failed."""
    assert driven.ask("POST", "/wait", {"delivery": "7"})[1]["count"] == 1
    assert driven.ask("POST", "/wait", {"delivery": True, "delivered": True})[0] == 200
    for other in ({"delivery": "8"}, {"delivered": False}, {"times": {"exactly": 2}}):
        status, found = driven.ask("POST", "/wait", {"delivery": True, **other, "timeout": 0.001})
        assert (status, found["why"]) == (408, "time over")


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
