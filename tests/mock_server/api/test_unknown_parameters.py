"""Parameters that the method or the release does not know: refused, remarked on, or passed over."""

from typing import Any

import pytest

from crmcom_kit.schemas import Dialect


def strict(make_mock: Any, release: str = "R9") -> Any:
    return make_mock(release, dialect=Dialect("test", {"requests.unknown_parameters": "strict"}))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("offset", "(known from R13.0.0)"),
        ("entty", "(nearest: entity)"),
        ("Entity", "(nearest: entity)"),
        ("state", "(nearest: life_cycle_state)"),
        ("workflow_rule", "(nearest: workflow_rule_identifier)"),
        ("webhook_definition_identifier[name]", "(nearest: webhook_definition_identifier)"),
    ],
)
def test_a_similar_parameter_is_suggested(make_mock: Any, name: str, hint: str) -> None:
    """A name close to a known one brings that one up, one of a later release that release."""
    (warning,) = make_mock("R12").list(entity="JOBS", **{name: "1"}).warnings
    refused = strict(make_mock, "R12").list(entity="JOBS", **{name: "1"})

    assert warning.endswith(hint)
    assert refused.message.endswith(hint)


@pytest.mark.parametrize(
    "name", ["x\r\nX-Injected: yes", "\x00", "Σύνολο", "a" * 5000, "\u202e", '"', ""]
)
def test_no_name_can_spoil_a_header_or_a_message(make_mock: Any, name: str) -> None:
    """Line breaks, control characters, other alphabets and great length come out harmless."""
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}, name: 1}

    served = make_mock().send("POST", "webhook_requests/delete", body=body)
    refused = strict(make_mock).send("POST", "webhook_requests/delete", body=body)

    assert served.code == "OK"
    assert len(served.warnings[0]) <= 400
    assert "X-Injected" not in served.headers
    assert refused.message.isprintable()
    assert len(refused.text) < 4000


def test_a_great_many_are_no_burden(make_mock: Any) -> None:
    members = b",".join(b'"x%d":1' % at for at in range(80_000))
    body = b'{"token":"T","webhook_request_identifier":{"number":"0"},"x1":1,%b}' % members
    mock = make_mock()

    reply = mock.send("POST", "webhook_requests/delete", body=body)

    assert reply.code == mock.code_of("unknown_webhook_request")
    assert reply.warnings[-1] == "79995 more unknown parameters were ignored"
