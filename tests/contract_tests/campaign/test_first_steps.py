"""What goes wrong first: a wrong release, base URL or login is named, and nobody is accused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.checking import check
from helpers.serving import LOGIN
from helpers.sound_servers import broken, checked
from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.mock_server import create_app
from crmcom_kit.schemas import API_PATH


@pytest.mark.parametrize("inside", ["", "/worlds/mine"])
def test_a_mock_of_another_release_is_not_checked(
    serve: Callable[..., str], tmp_path: Path, inside: str
) -> None:
    """A mock on this machine says what it serves: the error names both releases and the option."""
    base = serve(create_app(release="R15")).replace(API_PATH, f"{inside}{API_PATH}")

    done = check(tmp_path, "--base-url", base, "--release", "R13", **LOGIN)

    assert done.returncode == 2
    assert f"the mock at {base} serves R15, not R13: give --release R15" in done.stdout
    assert "✗" not in done.stdout


def says_not_found(_: Any, start_response: Any) -> list[bytes]:
    """Refuse everything in an envelope that looks like that of the API."""
    body = b'{"status": {"code": "NOT_FOUND"}}'
    start_response("404 Not Found", [("Content-Length", str(len(body)))])
    return [body]


@pytest.mark.parametrize("app", [create_app(release="R9"), says_not_found])
def test_a_base_url_without_the_path_gets_a_hint(
    app: Any, serve: Callable[..., str], tmp_path: Path
) -> None:
    """Nothing is held against the server."""
    base = serve(app)

    done = check(tmp_path, "--base-url", base.removesuffix(API_PATH), **LOGIN)

    assert done.returncode == 2
    assert f"--base-url must be the whole base URL of the API, such as {base}" in done.stdout
    assert " 0 broken" in done.stdout


def test_a_refused_login_is_no_violation(serve: Callable[..., str], tmp_path: Path) -> None:
    """Only their owner knows whether the credentials are right."""
    base = serve(create_app(release="R9"))

    done = check(tmp_path, "--base-url", base, **{**LOGIN, "CRMCOM_PASSWORD": "WRONG"})

    assert done.returncode == 2
    assert "refuses the login: HTTP " in done.stdout
    assert "$CRMCOM_PASSWORDCRED" not in done.stdout
    assert " 0 broken" in done.stdout


class AcceptsNoToken(SoundServer):
    def check_token(self, _token: Any, _call: Call) -> None:
        raise Refusal("invalid_token", "The token is not valid.")


def test_a_server_that_accepts_no_token_is_inconclusive() -> None:
    """Perhaps the user may not call list: nothing is accused, and nothing was seen."""
    results = checked(AcceptsNoToken(), limits=Limits(max_requests=300))

    assert broken(results) == []
    assert results.exit_code == 3
    assert any(line.startswith("list was sent ") for line in results.inconclusive)
