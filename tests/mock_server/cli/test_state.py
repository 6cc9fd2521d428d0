"""``crmcom-kit serve --state``: what was answered is there again, however the process ended."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from crmcom_kit.fixtures import webhook_request_entries
from crmcom_kit.schemas import API_PATH

CHANGES = 300  # before the kill, at least
EVENT = {"entity": "ACTIVITIES", "definition": "ACT CREATE", "data": {"id": "A", "text": "x" * 999}}


def ask(connection: HTTPConnection, path: str, body: Any) -> Any:
    """Return the JSON that a request is answered with."""
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())


def test_a_killed_server_has_lost_nothing_that_it_answered(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    """Killed amid changes, the next start has every webhook request as it was last answered.

    Only the one request that was not answered may have happened or not.
    """
    flags = ("--state", str(tmp_path / "world.state"), "--token", "T", "--log", "off")
    known: dict[str, str] = {}  # number → what was answered last
    enough = threading.Event()

    def change() -> None:
        connection = HTTPConnection("127.0.0.1", first.port, timeout=20)
        with suppress(OSError, HTTPException):
            while True:
                fired = ask(connection, "/__admin/events/fire", EVENT)
                number = fired["webhook_request"]["number"]
                known[number] = fired["life_cycle_state"]
                if len(known) % 3 == 0:
                    known[number] = "unanswered"
                    asked = {"token": "T", "webhook_request_identifier": {"number": number}}
                    ask(connection, f"{API_PATH}/webhook_requests/delete", asked)
                    known[number] = "deleted"
                if len(known) >= CHANGES:
                    enough.set()

    first = start_server(*flags)
    thread = threading.Thread(target=change)
    thread.start()
    assert enough.wait(60)
    first.process.kill()
    thread.join()

    second = start_server(*flags)
    found = second.ask("GET", "/__admin/records?limit=1000&entity=ACTIVITIES")[1]["records"]
    states = {one["record"]["number"]: one["record"]["life_cycle_state"] for one in found}
    for number, state in known.items():
        assert state == "unanswered" or states.get(number, "deleted") == state, number


def test_data_is_for_a_new_file_and_for_a_reset(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    """What the file has wins; a reset goes back to the data, in the file as well."""
    data, state = tmp_path / "data.jsonl", tmp_path / "world.state"
    entries = webhook_request_entries(index=1)
    data.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")
    flags = ("--data", str(data), "--state", str(state), "--log", "off")
    sizes = []

    first = start_server(*flags)
    sizes.append(records_of(first))
    for _ in range(2):
        first.ask("POST", "/__admin/records", {"entity": "JOBS"})
    assert first.end(signal.SIGTERM)[0] == 0
    second = start_server(*flags)
    sizes.append(records_of(second))
    refused = subprocess.run(
        [sys.executable, "-m", "crmcom_kit", "serve", "--port", "0", *flags],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    second.ask("POST", "/__admin/reset")
    sizes.append(records_of(second))
    second.end(signal.SIGTERM)
    with state.open("ab") as file:
        file.write(b'{"deleted":')
    third = start_server(*flags)
    sizes.append(records_of(third))

    assert sizes == [1, 3, 1, 1]
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"Error: state {state}: another process uses it; allowed is ")
    ignored = f"state {state}: the last change is incomplete; its 11 bytes are ignored\n"
    assert third.end(signal.SIGTERM)[2] == ignored


def records_of(server: Any) -> int:
    """How many webhook requests a server has."""
    return int(server.ask("GET", "/__admin/health")[1]["webhook_requests"])
