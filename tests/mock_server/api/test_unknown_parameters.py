"""Parameters that the method or the release does not know: refused, remarked on, or passed over."""

from typing import Any

import pytest

from crmcom_kit.schemas import Dialect


@pytest.fixture(name="mocks", scope="module")
def _mocks(make_mock: Any) -> tuple[Any, Any]:
    """A mock that remarks on them, and one that refuses them."""
    strict = Dialect("test", {"requests.unknown_parameters": "strict"})
    return make_mock("R12"), make_mock("R12", dialect=strict)


def test_a_similar_parameter_is_suggested(mocks: tuple[Any, Any]) -> None:
    """A name close to a known one brings that one up, one of a later release that release."""
    for name, hint in {
        "offset": "(known from R13.0.0)",
        "entty": "(nearest: entity)",
        "Entity": "(nearest: entity)",
        "state": "(nearest: life_cycle_state)",
        "workflow_rule": "(nearest: workflow_rule_identifier)",
        "webhook_definition_identifier[name]": "(nearest: webhook_definition_identifier)",
    }.items():
        served, refused = (mock.list(entity="JOBS", **{name: "1"}) for mock in mocks)
        assert [warning.endswith(hint) for warning in served.warnings] == [True], name
        assert refused.message.endswith(hint)


@pytest.mark.parametrize(
    "name", ["x\r\nX-Injected: yes", "\x00", "Σύνολο", "a" * 5000, "\u202e", '"', ""]
)
def test_no_name_can_spoil_a_header_or_a_message(mocks: tuple[Any, Any], name: str) -> None:
    """Line breaks, control characters, other alphabets and great length come out harmless."""
    mocks[0].world.reset()
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}, name: 1}
    served, refused = (mock.send("POST", "webhook_requests/delete", body=body) for mock in mocks)

    assert served.code == "OK"
    assert len(served.warnings[0]) <= 400
    assert "X-Injected" not in served.headers
    assert refused.message.isprintable()
    assert len(refused.text) < 4000


def test_a_great_many_are_no_burden(mocks: tuple[Any, Any]) -> None:
    members = b",".join(b'"x%d":1' % at for at in range(20_000))
    body = b'{"token":"T","webhook_request_identifier":{"number":"0"},"x1":1,%b}' % members

    reply = mocks[0].send("POST", "webhook_requests/delete", body=body)

    assert reply.code == mocks[0].code_of("unknown_webhook_request")
    assert reply.warnings[-1] == "19995 more unknown parameters were ignored"
