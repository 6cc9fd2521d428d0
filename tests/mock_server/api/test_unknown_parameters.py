"""Parameters that the method or the release does not know: refused, remarked on, or passed over."""

from typing import Any

import pytest

from crmcom_kit.schemas import Dialect

ODD_NAMES = ["x\r\nX-Injected: yes", "\x00", "Σύνολο", "a" * 5000, "\u202e", "é", '"', "%", ""]


def mock_with(make_mock: Any, mode: str, release: str = "R9") -> Any:
    """A mock whose dial for unknown parameters is set to ``mode``."""
    return make_mock(release, dialect=Dialect("test", {"requests.unknown_parameters": mode}))


def calls(mock: Any, name: str) -> list[Any]:
    """The replies to calls of each of the four methods with a parameter called ``name``."""
    return [
        mock.show(**{name: "1"}),
        mock.list(entity="JOBS", **{name: "1"}),
        mock.resend(**{name: "1"}),
        mock.delete(**{name: "1"}),
    ]


def test_warn_serves_with_a_remark(make_mock: Any) -> None:
    """By default an unknown parameter is ignored, and a header says so."""
    for reply in calls(make_mock(), "nonsense"):
        assert reply.code == "OK"
        (warning,) = reply.warnings
        assert warning.startswith('"nonsense" is unknown to ')
        assert warning.endswith(" and was ignored")


def test_strict_refuses_and_names_what_is_known(make_mock: Any) -> None:
    """With *strict* it is an error that names it and the parameters that there are."""
    mock = mock_with(make_mock, "strict")
    before = mock.state()

    for reply in calls(mock, "nonsense"):
        assert (reply.code, reply.statement) == (
            mock.code_of("unknown_parameter"),
            "parameters.known",
        )
        assert "nonsense: seen in the call; allowed is one of token, webhook_" in reply.message
    assert mock.state() == before


@pytest.mark.parametrize("release", ["R9", "R12"])
@pytest.mark.parametrize("name", ["number_of_results", "offset"])
def test_a_parameter_of_a_later_release_is_named_with_it(
    make_mock: Any, release: str, name: str
) -> None:
    """Paging before R13 is remarked on, or refused, with the release that brings it."""
    assert make_mock(release).list(entity="JOBS", **{name: "1"}).warnings == [
        f'"{name}" is unknown to list and was ignored; known from R13.0.0'
    ]
    strict = mock_with(make_mock, "strict", release).list(entity="JOBS", **{name: "1"})
    assert strict.message.endswith("(known from R13.0.0)")


def test_the_release_itself_knows_it(make_mock: Any) -> None:
    """In the release that brings a parameter nobody remarks on it."""
    assert make_mock("R13").list(entity="JOBS", number_of_results="1").warnings == []
    assert make_mock("R10").resend(fields_set="id").warnings == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("entty", "did you mean entity?"),
        ("Entity", "did you mean entity?"),
        ("fields", "did you mean fields_set?"),
        ("life_cycle", "did you mean life_cycle_state?"),
        ("workflow_rule", "did you mean workflow_rule_identifier=alternative_code=...?"),
        ("webhook_definition_identifier[name]", "did you mean webhook_definition_identifier="),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_a_suggestion(
    make_mock: Any, name: str, hint: str
) -> None:
    """A name close to a known one brings that one up."""
    (warning,) = make_mock().list(entity="JOBS", **{name: "1"}).warnings

    assert hint in warning


@pytest.mark.parametrize("name", ["number", "id"])
def test_a_bare_identifier_field_is_answered_with_the_right_form(make_mock: Any, name: str) -> None:
    """number=7 alone is not an identifier: the remark shows how one is written, in each place."""
    mock = make_mock()

    query = mock.get("show", **{name: "7"})
    body = mock.post("resend", **{name: "7"})

    assert query.code == body.code == mock.code_of("missing_parameter")
    assert f"did you mean webhook_request_identifier={name}=...?" in query.warnings[0]
    assert f'did you mean "webhook_request_identifier": {{"{name}": "..."}}?' in body.warnings[0]


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


@pytest.mark.parametrize("count", [1, 5, 6, 490])
def test_many_unknown_parameters_make_few_remarks(make_mock: Any, count: int) -> None:
    """Five are named, the others counted: HTTP clients read a hundred headers at most."""
    query = "&".join(f"x{at}=1" for at in range(count))

    warnings = make_mock().list(f"entity=JOBS&{query}").warnings

    assert len(warnings) == min(count, 6)
    if count > 5:
        assert warnings[-1] == f"{count - 5} more unknown parameters were ignored"


def test_a_great_many_are_no_burden(make_mock: Any) -> None:
    """A body full of members, one of them twice, is answered like any other."""
    members = b",".join(b'"x%d":1' % at for at in range(80_000))
    body = b'{"token":"T","webhook_request_identifier":{"number":"0"},"x1":1,%b}' % members
    mock = make_mock()

    reply = mock.send("POST", "webhook_requests/delete", body=body)

    assert reply.code == mock.code_of("unknown_webhook_request")
    assert reply.warnings[-1] == "79995 more unknown parameters were ignored"


def test_a_login_is_judged_like_any_method(make_mock: Any) -> None:
    """Logins remark on, or refuse, what they do not know; a token among it is nothing unknown."""
    assert "user" in make_mock().login(user="x").warnings[0]
    release = make_mock("R10").send(
        "POST", "authentication/token/release", body={"token": "T", "user": "x"}
    )
    assert "user" in release.warnings[0]
    strict = mock_with(make_mock, "strict")
    assert strict.login(user="x").code == strict.code_of("unknown_parameter")


def test_names_in_the_query_of_a_post_are_remarked_on(make_mock: Any) -> None:
    """By default the query of a POST is ignored, and the header names some of what was in it."""
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}}
    query = "&".join(["number=14", *(f"x{at}" for at in range(40))])

    reply = make_mock().send("POST", "webhook_requests/resend", query, body=body)

    assert reply.data["number"] == "7"
    assert reply.warnings == [
        'the query of a POST is ignored: "number", "x0", "x1", "x2", "x3" and 36 more'
    ]


@pytest.mark.parametrize("query", ["&", "&&&"])
@pytest.mark.parametrize("choice", ["ignore", "error", "read"])
def test_a_query_without_names_is_none(make_mock: Any, choice: str, query: str) -> None:
    """A query of separators alone has no parameter to remark on or to refuse."""
    mock = make_mock(dialect=Dialect("test", {"requests.query_on_post": choice}))
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}}

    reply = mock.send("POST", "webhook_requests/resend", query, body=body)

    assert (reply.code, reply.warnings) == ("OK", [])
