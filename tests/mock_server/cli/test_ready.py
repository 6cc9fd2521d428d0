"""`/livez` and `/readyz`, and `crmcom-kit ready`, which waits for the latter."""

import threading
import time

import pytest
from click.testing import CliRunner, Result
from helpers.mock_processes import reserved_port
from helpers.served import served_mock

from crmcom_kit.cli import main
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world.registry import WorldRegistry


def ready(*args: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["ready", *args])


def test_health_needs_no_token_and_tells_nothing() -> None:
    """Neither the admin token nor a known host name is needed."""
    registry = WorldRegistry(make_world(), access=Access(admin_token="secret"))
    client = create_app(registry).test_client()
    for path in ("/livez", "/readyz"):
        answer = client.get(path, headers={"Host": "10.0.0.7:8080"})
        assert (answer.status_code, answer.data) == (200, b"ok\n")
        assert client.head(path).data == b""


def test_a_mock_that_stops_is_alive_and_not_ready() -> None:
    """So that a balancer sends it nothing more."""
    registry = WorldRegistry(make_world())
    registry.closing.set()
    client = create_app(registry).test_client()
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_a_mock_that_is_there_is_ready() -> None:
    """Over a real connection."""
    with served_mock() as mock:
        assert ready("--url", mock.base).exit_code == 0


def test_a_mock_that_comes_later_is_waited_for() -> None:
    """Not for the whole time, and not in vain."""
    results: list[Result] = []
    with reserved_port() as port:
        args = ("--url", f"http://127.0.0.1:{port}", "--wait", "60")
        waiting = threading.Thread(target=lambda: results.append(ready(*args)))
        waiting.start()
        time.sleep(0.3)
        assert not results
        with served_mock(port=port):
            waiting.join(60)
    assert results[0].exit_code == 0, results[0].output


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["--url", "http://127.0.0.1:1"], 1, "Error: http://127.0.0.1:1/readyz: "),
        (["--url", "127.0.0.1:8080"], 2, "Error: --url: 127.0.0.1:8080/readyz is not a URL"),
        (["--wait", "-1"], 2, "'--wait': -1.0 is not in the range"),
    ],
)
def test_what_went_wrong_is_told_in_one_line(args: list[str], code: int, told: str) -> None:
    """A mock that does not answer is 1, a wrong option 2."""
    result = ready(*args)
    assert result.exit_code == code
    assert told in result.output
    assert result.output.count("\n") == 1
