"""Parameters that the method or the release does not know: refused, remarked on, or passed over."""

from typing import Any

import pytest

from crmcom_kit.schemas import Dialect

ODD_NAMES = ["x\r\nX-Injected: yes", "\x00", "Σύνολο", "a" * 5000, "\u202e", "é", '"', "%", ""]


def mock_with(make_mock: Any, mode: str, release: str = "R9") -> Any:
    """A mock whose dial for unknown parameters is set to ``mode``."""
    return make_mock(release, dialect=Dialect("test", {"requests.unknown_parameters": mode}))


CALLS: dict[str, Any] = {
    "show": lambda mock, **more: mock.show(**more),
    "list": lambda mock, **more: mock.list(entity="JOBS", **more),
    "resend": lambda mock, **more: mock.resend(**more),
    "delete": lambda mock, **more: mock.delete(**more),
    "token": lambda mock, **more: mock.login(**more),
}


@pytest.mark.parametrize("method", CALLS)
def test_an_unknown_parameter_is_remarked_on_or_refused(make_mock: Any, method: str) -> None:
    """By default it is ignored, and a header says so; *strict* makes it an error."""
    served = CALLS[method](make_mock(), nonsense="1")
    assert (served.code, served.warnings) == (
        "OK",
        [f'"nonsense" is unknown to {method} and was ignored'],
    )

    mock = mock_with(make_mock, "strict")
    before = mock.state()
    refused = CALLS[method](mock, nonsense="1")
    assert refused.code == mock.code_of("unknown_parameter")
    assert refused.statement == "parameters.known"
    assert "nonsense: seen in the call; allowed is one of " in refused.message
    assert mock.state() == before


@pytest.mark.parametrize("name", ["number_of_results", "offset"])
def test_a_parameter_of_a_later_release_is_named_with_it(make_mock: Any, name: str) -> None:
    """Paging before R13 is remarked on, or refused, with the release that brings it."""
    assert make_mock("R12").list(entity="JOBS", **{name: "1"}).warnings == [
        f'"{name}" is unknown to list and was ignored (known from R13.0.0)'
    ]
    strict = mock_with(make_mock, "strict", "R12").list(entity="JOBS", **{name: "1"})
    assert strict.message.endswith("(known from R13.0.0)")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("entty", "did you mean entity?"),
        ("Entity", "did you mean entity?"),
        ("life_cycle", "did you mean life_cycle_state?"),
        ("workflow_rule", "did you mean workflow_rule_identifier?"),
        ("webhook_definition_identifier[name]", "did you mean webhook_definition_identifier?"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_a_suggestion(
    make_mock: Any, name: str, hint: str
) -> None:
    """A name close to a known one brings that one up."""
    (warning,) = make_mock().list(entity="JOBS", **{name: "1"}).warnings

    assert hint in warning


@pytest.mark.parametrize("mode", ["warn", "strict"])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_name_can_spoil_a_header_or_a_message(make_mock: Any, mode: str, name: str) -> None:
    """Line breaks, control characters, other alphabets and great length come out harmless."""
    mock = mock_with(make_mock, mode, "R10")
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}, name: 1}

    reply = mock.send("POST", "webhook_requests/delete", body=body)

    assert "X-Injected" not in reply.headers
    assert all(character.isprintable() for character in reply.message)
    assert len(reply.text) < 4000
    if mode == "warn":
        assert reply.code == "OK"
        assert len(reply.warnings[0]) <= 400


def test_a_great_many_are_no_burden(make_mock: Any) -> None:
    """A body full of members, one of them twice, is answered like any other."""
    members = b",".join(b'"x%d":1' % at for at in range(80_000))
    body = b'{"token":"T","webhook_request_identifier":{"number":"0"},"x1":1,%b}' % members
    mock = make_mock()

    reply = mock.send("POST", "webhook_requests/delete", body=body)

    assert reply.code == mock.code_of("unknown_webhook_request")
    assert reply.warnings[-1] == "79995 more unknown parameters were ignored"


def test_names_in_the_query_of_a_post_are_remarked_on(make_mock: Any) -> None:
    """By default the query of a POST is ignored, and the header names some of what was in it."""
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}}
    query = "&".join(["number=14", *(f"x{at}" for at in range(40))])
    names = ", ".join(f"x{at}" for at in range(40))

    reply = make_mock().send("POST", "webhook_requests/resend", query, body=body)

    assert reply.data["number"] == "7"
    assert reply.warnings == [
        f'the query of a POST is ignored: "number, {names[:72]}? ({len(names) + 8} characters)"'
    ]
