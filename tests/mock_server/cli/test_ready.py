"""`/livez` and `/readyz`, and `crmcom-kit ready`, which asks for the latter."""

from typing import Any

from click.testing import CliRunner
from helpers.serving import origin_of, served

from crmcom_kit.cli import main
from crmcom_kit.mock_server import create_app, crmcom_mock, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH


def test_health_needs_no_token_and_reveals_nothing() -> None:
    """No admin token or known host name is needed; a mock that stops is alive, and not ready."""
    registry = WorldRegistry(make_world(), access=Access(admin_token="secret"))
    client = create_app(registry).test_client()
    for path in ("/livez", "/readyz"):
        result = client.get(path, headers={"Host": "10.0.0.7:8080"})
        assert (result.status_code, result.data) == (200, b"ok\n")
        assert client.head(path).data == b""

    registry.closing.set()  # then a balancer must send it nothing more
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_a_mock_that_is_there_is_ready() -> None:
    """Anything else is one line: 1 if it is not ready, 2 for a wrong option."""
    with crmcom_mock() as mock:
        base = origin_of(mock)
        for url, code, output in (
            (base, 0, ""),
            (f"{base}/crmapi", 1, f"{base}/crmapi/readyz: HTTP 200 is not the response of a mock"),
            ("http://127.0.0.1:1", 1, "http://127.0.0.1:1/readyz: "),
            ("127.0.0.1:8080", 2, "--url: 127.0.0.1:8080/readyz is not a URL"),
        ):
            result = CliRunner().invoke(main, ["ready", "--url", url])
            assert result.exit_code == code
            assert result.output.startswith(f"Error: {output}" if code else "")
            assert len(result.output.splitlines()) == bool(code)


def test_a_mock_that_starts_is_waited_for() -> None:
    asked: list[str] = []

    def app(environ: Any, start: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        start("200 OK" if len(asked) > 2 else "503 Starting", [])
        return [b"ok\n"]

    with served(app) as base:
        url = base.removesuffix(API_PATH)
        result = CliRunner().invoke(main, ["ready", "--url", url, "--wait", "60"])
    assert (result.exit_code, result.output) == (0, "")
    assert asked == ["/readyz"] * 3


def test_a_wait_ends_with_what_was_seen_last() -> None:
    command = ["ready", "--url", "http://127.0.0.1:1", "--wait", "0.3"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert result.output.endswith("Connection refused, after 0.3 seconds\n")
