"""``crmcom-kit serve --state``: each change with a response is kept, however the process ended."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.fixtures import webhook_request_entries
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.cli.options import resolve_options
from crmcom_kit.mock_server.cli.serve import registry_of, serve
from crmcom_kit.mock_server.world.state_file import StateFile
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH

CHANGES = 150  # before the kill, at least
EVENT = {"entity": "ACTIVITIES", "definition": "ACT CREATE", "data": {"id": "A", "text": "x" * 999}}


def test_a_killed_server_keeps_every_change_it_responded_to(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    """Killed amid changes, its file has every webhook request as it was last returned.

    Only the one request without a response may have been carried out or not.
    """
    known: dict[str, str] = {}  # number → the last response
    enough = threading.Event()
    file = tmp_path / "world.state"
    first = start_server("--state", str(file), "--token", "T", "--log", "off")

    def change() -> None:
        with suppress(OSError, HTTPException):
            while True:
                fired = first.ask("POST", "/__admin/events/fire", EVENT)[1]
                number = fired["webhook_request"]["number"]
                known[number] = fired["life_cycle_state"]
                if len(known) % 3 == 0:
                    known[number] = "no response"
                    asked = {"token": "T", "webhook_request_identifier": {"number": number}}
                    first.ask("POST", f"{API_PATH}/webhook_requests/delete", asked)
                    known[number] = "deleted"
                if len(known) >= CHANGES:
                    enough.set()

    thread = threading.Thread(target=change)
    thread.start()
    assert enough.wait(60)
    first.process.kill()
    first.process.wait(60)  # its connections may end before its lock on the file
    thread.join()

    world = make_world()
    world.keep(StateFile(file, world.config))
    world.close_state()
    states = {record.number: record.state for record in world.store.records()}
    for number, state in known.items():
        assert state == "no response" or states.get(number, "deleted") == state, number


def test_data_is_for_a_new_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a file has wins; a change that is incomplete in it is ignored, with a warning."""
    data, state = tmp_path / "data.jsonl", tmp_path / "world.state"
    entries = webhook_request_entries(index=1)
    data.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")

    def started() -> World:
        options = serve.make_context("serve", ["--state", str(state), "--data", str(data)]).params
        resolve_options(options)
        return registry_of(options).default

    first = started()
    assert len(first.store) == 1
    create_app(first).test_client().post("/__admin/records", json={"entity": "JOBS"})
    first.close_state()
    with state.open("ab") as file:
        file.write(b'{"deleted":')

    second = started()
    assert len(second.store) == 2
    second.close_state()
    ignored = f"state {state}: the last change is incomplete; its 11 bytes are ignored\n"
    assert capsys.readouterr().err == ignored
