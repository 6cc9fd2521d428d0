"""Wrong calls are refused with the parameter, what was seen and what is allowed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmcom_kit.mock_server.admin.contract import OPERATIONS

CLOCK = "/clock"
FAULTS = "/faults"
WAIT = b'{"operation": "list", %b}'
FROZEN = b'{"mode": "frozen"%b}'

#: (verb, path, body, parameter, a piece of what was seen, a piece of what is allowed)
REFUSED: list[tuple[str, str, Any, str, str, str]] = [
    ("GET", "/health?x=1", None, "x", "in the query", "none"),
    ("GET", "/records?limit=1&limit=2", None, "limit", "more than once", "once"),
    ("GET", "/records?limit=1001", None, "limit", "1001", "at most 1,000"),
    ("GET", "/records?state=rejected", None, "state", '"rejected"', "one of REJECTED, SUCCESSFUL"),
    ("GET", "/records?%FF=1", None, "%FF", "in the query", "one of"),
    ("GET", "/health", b"{}", "body", "a body", "no body"),
    ("PUT", CLOCK, None, "body", "nothing", "a JSON value"),
    ("PUT", CLOCK, b"{", "body", "not JSON from line 1, column 2", "a JSON value"),
    ("PUT", CLOCK, b"{}", "mode", "nothing", "one of real, frozen"),
    ("PUT", CLOCK, FROZEN % b', "x": NaN', "body", "not JSON from line 1, column", "JSON"),
    ("PUT", CLOCK, FROZEN % b', "at": "\\ud800"', "body", "not JSON from line 1, column", "JSON"),
    ("PUT", CLOCK, '{"mode": "real"}'.encode("utf-16"), "body", "the byte 0xff", "UTF-8"),
    ("PUT", CLOCK, b"[" * 70 + b"]" * 70, "body", "nesting that is too deep", "JSON"),
    ("PUT", CLOCK, b"[" * 100_000, "body", "not JSON from line 1, column", "JSON"),
    ("PUT", CLOCK, FROZEN % b', "x": 1', "x", "in the body", "one of mode, at"),
    ("PUT", CLOCK, FROZEN % b', "at": "9999-12-31T23:59:59-14:00"', "at", "9999", "2999"),
    ("POST", "/clock/advance", b'{"seconds": -1}', "seconds", "-1", "at least 0"),
    ("POST", "/clock/advance", b'{"seconds": 1e300}', "seconds", "1e+300", "ends in 2999"),
    ("POST", "/clock/advance", b'{"seconds": true}', "seconds", "true", "a number"),
    ("POST", "/seed", b'{"entities": ["X"]}', "entities[0]", '"X"', "one of ACTIVITIES"),
    ("POST", "/seed", b'{"scenario": "mixed_pages", "host": "h"}', "host", "scenario", "count"),
    ("POST", FAULTS, b"{}", "body", "an object", "an object with effect or an object with preset"),
    ("POST", FAULTS, b'{"match": {}, "efect": {}}', "efect", "in the body", "(nearest: effect)"),
    ("POST", FAULTS, b'{"operation": "list", "status": 503}', "operation", "in", "gs in match"),
    ("POST", FAULTS, b'{"status": 503}', "status", "in the body", "(status belongs in effect)"),
    ("POST", FAULTS, b'{"prest": "outage", "drop": true}', "prest", "in", "(nearest: preset)"),
    ("POST", FAULTS, b'{"operation": "list", "seconds": 1}', "preset", "nothing", "one of lost_"),
    ("POST", FAULTS, b'{"preset": "outage", "second": 1}', "second", "in the body",
     "one of preset, seconds, status, drop, operation (nearest: seconds)"),
    ("POST", FAULTS, b'{"preset": "outage", "requests": 1}', "requests", "with preset outage",
     "one of seconds, status, drop, operation"),
    ("POST", "/wait", WAIT % b'"timeout": 1000000000', "timeout", "1000000000", "at most 300"),
]  # fmt: skip


SEEN_BY = ("/health", "/worlds", CLOCK, FAULTS)


def test_an_invalid_value_is_named_and_changes_nothing(admin: Any) -> None:
    admin.ask("PUT", CLOCK, {"mode": "frozen"})
    before = [admin.ask("GET", each) for each in SEEN_BY]
    for verb, path, body, parameter, seen, allowed in REFUSED:
        status, error = admin.refused(verb, path, body)

        assert (status, error["parameter"]) == (400, parameter)
        assert seen in error["seen"]
        assert allowed in error["allowed"]
        assert len(error["error"]) < 1000
        assert [admin.ask("GET", each) for each in SEEN_BY] == before, error


def test_a_body_is_json_whatever_its_content_type(admin: Any) -> None:
    for content_type in ("application/x-www-form-urlencoded", "text/plain"):
        headers = {"Content-Type": content_type}
        assert admin.ask("PUT", CLOCK, {"mode": "frozen"}, headers=headers)["mode"] == "frozen"


@pytest.mark.parametrize(("verb", "path"), [("PUT", "/state"), ("POST", "/records")])
def test_a_world_may_be_long_but_not_endless(admin: Any, verb: str, path: str) -> None:
    """A world file may be longer than other bodies; its limit is checked before it is read."""
    assert admin.ask(verb, path, b'{"unit": {"id": "9"}}' + (b" " * 9_999 + b"\n") * 200)
    too_long = {"CONTENT_LENGTH": str(2**30 + 1)}
    status, error = admin.refused(verb, path, b"x", environ_overrides=too_long)
    assert (status, error["parameter"]) == (413, "body")
    assert "1,073,741,824 bytes" in error["allowed"]


@pytest.mark.parametrize("root", ["", "/worlds/a"])
def test_an_unknown_path_is_refused_in_json(mock: Any, admin_of: Any, root: str) -> None:
    for path in ("", "/", "/helth", "/health/", "/faults/a/b/c", "/%00", "/…"):
        status, error = admin_of(mock.client, root).refused("GET", path)

        assert status == 404
        assert error["error"].endswith("/__admin/docs lists all paths")
        assert ("nearest: /__admin/health" in error["error"]) == path.startswith("/he")


def test_a_wrong_verb_is_refused_with_the_allowed_ones(mock: Any) -> None:
    for verb, path, allowed in (
        ("GET", "/__admin/reset", "OPTIONS, POST"),
        ("BREW", "/", "GET, HEAD, OPTIONS"),
    ):
        response = mock.client.open(path, method=verb)

        assert (response.status_code, response.headers["Allow"]) == (405, allowed)
        assert response.json == {"error": f"{path} does not support {verb}; allowed is {allowed}"}


NAMES = ["mode", "at", "seconds", "seed", "count", "entities", "unit", "webhook_request", "record"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON_VALUES = st.recursive(
    LEAVES | st.sampled_from(["frozen", "real", "2024-05-01T00:00:00Z", "R9", "ACTIVITIES"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
    max_leaves=8,
)
BODIES = JSON_VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)


@pytest.fixture(name="shared", scope="module")
def _shared(make_mock: Any) -> Any:
    """One mock for all examples: what one leaves behind may break the next one."""
    return make_mock(data=[])


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_body_breaks_it(shared: Any, admin_of: Any, data: Any) -> None:
    """Whatever is sent, each response is one that the document promises, and none is a 500."""
    mine = ("put_clock", "advance_clock", "seed", "put_state", "post_records")
    operation = OPERATIONS[data.draw(st.sampled_from(mine))]

    response = admin_of(shared.client).send(operation.verb, operation.path, data.draw(BODIES))

    assert response.status_code in (200, 400), response.text
