"""The control API and the home page: who may call, health, reset, home page."""

from typing import Any

import pytest

from crmcom_kit import __version__

PLACES = [("GET", "/__admin/health"), ("GET", "/__admin/worlds"), ("POST", "/__admin/reset")]


def ask(mock: Any, verb: str, path: str, address: str | None = "127.0.0.1") -> Any:
    """The answer to a request that seems to come from ``address``."""
    overrides = {} if address is None else {"REMOTE_ADDR": address}
    return mock.client.open(path, method=verb, environ_overrides=overrides)


def test_health_says_what_runs(make_mock: Any) -> None:
    """Health names release and dialect, and counts the records."""
    mock = make_mock("R14.1", dialect="http")

    assert ask(mock, "GET", "/__admin/health").json == {
        "status": "healthy",
        "version": __version__,
        "release": "R14.1.0",
        "dialect": "http",
        "seed": 0,
        "world": "default",
        "base_path": "/crmapi/rest/v2",
        "epoch": 0,
        "webhook_requests": len(mock.state()),
    }
    mock.delete()
    assert ask(mock, "GET", "/__admin/health").json["webhook_requests"] == len(mock.state())


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200), ("127.8.8.8", 200), ("::1", 200), (None, 200),
        ("::ffff:127.0.0.1", 200),
        ("10.0.0.1", 403), ("0.0.0.0", 403), ("::", 403), ("::ffff:10.0.0.1", 403),  # noqa: S104
        ("2001:db8::1", 403), ("garbage", 403), ("", 403), ("localhost", 403),
        ("127.0.0.1, 10.0.0.1", 403), ("127.1", 403),
    ],
)  # fmt: skip
def test_it_answers_this_machine_alone(make_mock: Any, address: str | None, status: int) -> None:
    """Any notation of this machine's own address may call; for others nothing happens."""
    mock = make_mock()
    mock.delete()
    before = mock.state()
    for verb, path in (*PLACES, ("GET", "/__admin/x")):
        answer = ask(mock, verb, path, address)
        if status == 403:
            assert answer.status_code == 403
            assert f"callers on this machine; seen {address};" in answer.json["error"]
            assert mock.state() == before
        elif path != "/__admin/x":
            assert answer.status_code == 200


def test_a_wrong_verb_is_answered_with_the_right_ones(make_mock: Any) -> None:
    """Outside the API a wrong verb is a plain 405 in JSON."""
    client = make_mock().client
    for verb, path, allowed in (
        ("GET", "/__admin/reset", "OPTIONS, POST"),
        ("DELETE", "/__admin/health", "GET, HEAD, OPTIONS"),
        ("BREW", "/", "GET, HEAD, OPTIONS"),
    ):
        answer = client.open(path, method=verb)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
        assert answer.json == {"error": f"{path} does not support {verb}; allowed is {allowed}"}
