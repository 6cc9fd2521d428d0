"""Patterns ask what they say, and one that no request can match is refused."""

from typing import Any

import pytest

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.journal.patterns import Pattern
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

TOKEN = "a-token-of-tests"
API = "/crmapi/rest/v2/webhook_requests"
SHOW, LIST, RESEND, AGAIN, BROKEN, LOST = range(6)
ALL = {SHOW, LIST, RESEND, AGAIN, BROKEN, LOST}


@pytest.fixture(scope="module", name="world")
def _world() -> World:
    world = make_world(tokens=[TOKEN], release="R13")
    client = create_app(world).test_client()
    client.get(f"{API}/show?token={TOKEN}&webhook_request_identifier=number=7")
    client.get(f"{API}/list?token={TOKEN}&entity=JOBS&number_of_results=2")
    for _ in range(2):
        client.post(
            f"{API}/resend", json={"token": TOKEN, "webhook_request_identifier": {"number": "7"}}
        )
    client.post(f"{API}/resend", data=b'{"token": "abc"')
    world.faults.add({"name": "busy", "effect": {"status": 503}, "times": 1})
    client.get(f"{API}/show?token={TOKEN}&webhook_request_identifier=number=8")
    return world


NOT_REJECTED = "COM.CRM.EXCEPTION.WEBHOOKS.ONLYREJECTEDWEBHOOKREQUESTSCANBERESENTEXCEPTION"

#: Patterns, and the requests that match each.
MATCHING: list[tuple[dict[str, Any], set[int]]] = [
        ({}, ALL),
        ({"operation": "resend"}, {RESEND, AGAIN, BROKEN}),
        ({"record": "7"}, {SHOW, RESEND, AGAIN}),
        ({"record": "8"}, {LOST}),
        ({"record": {"absent": True}}, {LIST, BROKEN}),
        ({"parameters": {"entity": "JOBS", "number_of_results": 2}}, {LIST}),
        ({"parameters": {"entity": {"absent": True}}}, ALL - {LIST}),
        ({"parameters": {"webhook_request_identifier": "number=7"}}, {SHOW, RESEND, AGAIN}),
        ({"outcome": "refused"}, {AGAIN, BROKEN}),
        ({"outcome": "accepted"}, {SHOW, LIST, RESEND, LOST}),
        ({"status": 200, "code": "OK"}, {SHOW, LIST, RESEND}),
        ({"code": {"absent": True}}, {LOST}),
        ({"state_before": "REJECTED", "state_after": "SUCCESSFUL"}, {RESEND}),
        ({"fault": False, "outcome": "accepted"}, {SHOW, LIST, RESEND}),
        ({"fault": True}, {LOST}),
        ({"fault": "busy"}, {LOST}),
]  # fmt: skip


def test_a_pattern_matches_the_requests_that_fit_all_members(world: World) -> None:
    """Each member selects the requests that it speaks of; the others differ from the pattern."""
    calls = world.reader.views()
    for members, matching in MATCHING:
        pattern = Pattern(world.reader, members)

        assert {at for at, call in enumerate(calls) if pattern.matches(call)} == matching, members
        for at, call in enumerate(calls):
            assert bool(pattern.differences(call)) == (at not in matching), members


#: Patterns that cannot be read, the member that is wrong, and a part of what is allowed.
REFUSED: list[tuple[dict[str, Any], str, str]] = [
        ({"metod": "GET"}, "metod", "one of operation, record, parameters, outcome"),
        ({"operation": "resned"}, "operation", "one of delete, list, resend, show"),
        ({"operation": {"absent": True, "contains": "x"}}, "operation", '{"absent": true}'),
        ({"record": "number=7"}, "record", 'such as "7"'),
        ({"record": True}, "record", 'such as "7"'),
        ({"parameters": "entity"}, "parameters", '{"entity": "JOBS"}'),
        ({"parameters": {"entty": "JOBS"}}, "parameters", "one of webhook_request_identifier, "),
        ({"parameters": {"webhook_request_identifier": "7"}},
         "parameters.webhook_request_identifier", "number=7"),
        ({"parameters": {"token": "HUSH"}}, "parameters", "entity"),
        ({"status": 2000}, "status", "an HTTP status"),
        ({"code": "ok"}, "code", "one of OK, "),
        ({"state_after": "DELETED"}, "state_after", '{"absent": true}'),
        ({"fault": "buzy"}, "fault", "busy"),
        ({"code": "ok"}, "code", "…"),
        ({"operation": "list", "record": "7"}, "operation", "some of show, resend, delete"),
        ({"operation": "token", "state_after": "SUCCESSFUL"}, "operation", "some of show, resend"),
        ({"operation": "resend", "parameters": {"entity": "JOBS"}}, "parameters", "one of token"),
        ({"operation": "list", "parameters": {"entity": "JOB"}}, "parameters.entity", "JOBS"),
        ({"operation": "list", "code": NOT_REJECTED}, "code", "one of OK, "),
]  # fmt: skip


def test_what_no_request_can_match_is_refused(world: World) -> None:
    """The error names the member and what is allowed, and shows no secret."""
    for members, parameter, allowed in REFUSED:
        with pytest.raises(UsageError) as refused:
            Pattern(world.reader, members)
        assert refused.value.parameter == parameter
        assert allowed in refused.value.allowed
        assert "HUSH" not in str(refused.value)
