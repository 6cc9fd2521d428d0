"""``crmcom-kit fire``: from a file to a delivered webhook request, and clear mistakes."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.served import ServedMock, served_mock

from crmcom_kit.cli import main

URL = "--url must be the address of the mock"
DATA = '{"id": "A1", "number": "ACT1", "status": "COMPLETED"}'


@pytest.fixture(name="mock", scope="module")
def _mock() -> Iterator[ServedMock]:
    with served_mock() as mock:
        yield mock


def fire(mock: ServedMock, *flags: str, stdin: str | bytes = DATA, **more: Any) -> Result:
    """Run the command against the mock, with the data on standard input."""
    right = {
        "--url": mock.base, "--entity": "ACTIVITIES", "--definition": "ACT CREATE", "--data": "-",
        "--to": mock.receiver,
    }  # fmt: skip
    wanted = right | {f"--{name}": text for name, text in more.items()}
    given = [part for pair in wanted.items() for part in pair]
    return CliRunner().invoke(main, ["fire", *given, *flags], input=stdin)


def test_an_event_is_fired(mock: ServedMock) -> None:
    """What came of it is printed, the receiver has it, and the status is 0."""
    before = mock.admin("GET", "/receiver")["received"]
    result = fire(mock)
    found = json.loads(result.stdout)

    assert result.exit_code == 0, result.output
    assert found["life_cycle_state"] == "SUCCESSFUL"
    assert mock.admin("GET", "/receiver")["received"] == before + 1
    assert mock.show(found["webhook_request"]["number"])["entity_id"] == "A1"


def test_the_data_can_be_a_file_and_the_world_another(mock: ServedMock, tmp_path: Path) -> None:
    """A named world gets the record, with the entity id that was asked for."""
    path = tmp_path / "activity.json"
    path.write_text(DATA)
    result = fire(mock, "--entity-id", "E9", "--world", "other", data=str(path))
    number = json.loads(result.stdout)["webhook_request"]["number"]
    record = mock.registry.find("other").store.get("number", number)

    assert result.exit_code == 0, result.output
    assert record is not None
    assert record.entity_id == "E9"


def test_a_refused_delivery_is_a_failure(mock: ServedMock) -> None:
    """The receiver does not take it: printed all the same, and the status is 1."""
    mock.admin("PUT", "/receiver", {"answers": [{"status": 500}]})
    result = fire(mock)
    mock.admin("PUT", "/receiver", {"answers": []})

    assert result.exit_code == 1
    assert json.loads(result.stdout)["life_cycle_state"] == "REJECTED"
    assert result.stderr.strip() == "Error: not delivered: HttpResponseException"


def test_a_blocked_host_says_how_to_allow_it(mock: ServedMock) -> None:
    """The reason is in the mock's own words."""
    result = fire(mock, to="http://hooks.example.com/in")

    assert result.exit_code == 1
    assert "allow it: --allow-host hooks.example.com" in result.stderr
    assert json.loads(result.stdout)["sent"] is False


def test_a_script_is_not_taken_for_a_receiver() -> None:
    """A mock that only plays says SUCCESSFUL, and the command that nothing was sent."""
    with served_mock(deliver="scripted") as mock:
        result = fire(mock, to="http://127.0.0.1:1/in")

    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["sent"], found["life_cycle_state"]) == (False, "SUCCESSFUL")
    assert "Warning: nothing was sent: a script decides" in result.stderr
    assert "--deliver http" in result.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"definition": "ACT CREAT"}, "nearest: "),
        ({"entity": "NONSENSE"}, "allowed is one of ACTIVITIES"),
        ({"url": "127.0.0.1:8080"}, "missing an 'http://'"),
        ({"data": "nope.json"}, "nope.json"),
        ({"stdin": "no json"}, "--data: seen a string that is not JSON"),
        ({"stdin": "[1]"}, "--data: seen an array; allowed is a JSON object"),
        ({"stdin": gzip.compress(DATA.encode())}, "--data: seen gzip; allowed is a JSON object"),
        ({"stdin": "[" * 100_000}, "--data: seen nesting that is too deep; allowed is"),
        # The API answers there, in its own way.
        ({"url": "{base}/crmapi"}, f"is not the control API of a mock; {URL}"),
    ],
)
def test_a_mistake_is_one_line(mock: ServedMock, changes: dict[str, Any], words: str) -> None:
    """It says what is wrong, with status 2 and no traceback."""
    if "url" in changes:
        changes = {"url": changes["url"].format(base=mock.base)}

    result = fire(mock, **changes)

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr


@pytest.fixture(name="answering")
def _answering() -> Iterator[Any]:
    """A server of something else, which answers every POST with what is in ``body``."""

    class Handler(BaseHTTPRequestHandler):
        body = b""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"sent": true}',
        b'{"sent": true, "delivery": {"stage": "ended"}}',
        b'{"sent": true, "delivery": {"stage": "ended", "outcome": {}}}',
        b"[" * 100_000,
        b"<html>",
    ],
    ids=lambda body: body[:20],
)
def test_another_server_is_recognized(mock: ServedMock, answering: Any, body: bytes) -> None:
    """Whatever answers there, it ends in one line."""
    handler, url = answering
    handler.body = body

    result = fire(mock, url=url)

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert URL in result.stderr


def test_a_token_that_no_header_carries_is_not_shown(mock: ServedMock) -> None:
    """It is refused by the flag's name, before any request."""
    for token in ("a\nHUSH", "a HUSH", "HUSH\x7f", "HUSH\u00dc"):
        result = fire(mock, "--admin-token", token)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "--admin-token: a hidden value" in result.stderr
        assert "HUSH" not in result.stderr


def test_without_a_mock_it_says_how_to_start_one() -> None:
    """A port where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        flags = ["--entity", "JOBS", "--definition", "X", "--data", "-", "--url", url]
        result = CliRunner().invoke(main, ["fire", *flags], input="{}")

    assert result.exit_code == 2
    assert "crmcom-kit serve --deliver http" in result.stderr
