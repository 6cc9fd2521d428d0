"""`/livez` and `/readyz`, and `crmcom-kit ready`, which asks for the latter."""

import pytest
from click.testing import CliRunner

from crmcom_kit.cli import main
from crmcom_kit.mock_server import create_app, crmcom_mock, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world.registry import WorldRegistry


def test_health_needs_no_token_and_tells_nothing() -> None:
    """No admin token or known host name is needed; a mock that stops is alive, and not ready."""
    registry = WorldRegistry(make_world(), access=Access(admin_token="secret"))
    client = create_app(registry).test_client()
    for path in ("/livez", "/readyz"):
        answer = client.get(path, headers={"Host": "10.0.0.7:8080"})
        assert (answer.status_code, answer.data) == (200, b"ok\n")
        assert client.head(path).data == b""

    registry.closing.set()  # then a balancer must send it nothing more
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize(
    ("url", "code", "output"),
    [
        ("{base}", 0, ""),
        ("{base}/crmapi", 1, "Error: {base}/crmapi/readyz: HTTP 200 is not the response of a mock"),
        ("http://127.0.0.1:1", 1, "Error: http://127.0.0.1:1/readyz: "),
        ("127.0.0.1:8080", 2, "Error: --url: 127.0.0.1:8080/readyz is not a URL"),
    ],
)
def test_a_mock_that_is_there_is_ready(url: str, code: int, output: str) -> None:
    """Anything else is said in one line: 1 if it is not ready, 2 for a wrong option."""
    with crmcom_mock() as mock:
        result = CliRunner().invoke(main, ["ready", "--url", url.format(base=mock.origin)])
        output = output.format(base=mock.origin)
    assert result.exit_code == code
    assert result.output.startswith(output)
    assert len(result.output.splitlines()) == bool(output)
