"""A served mock that gets SIGTERM while it sends."""

import signal
import threading
from pathlib import Path
from typing import Any

from helpers.receivers import OK, listening

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.world.state_file import StateFile

DIALECT = """
[resend]
delivery = "queued"
[delivery]
timeout = 600_000
"""
QUEUED = 40  # more than there are workers


def test_sigterm_ends_deliveries_that_wait_and_that_run(start_server: Any, tmp_path: Path) -> None:
    """It sends nothing more, waits for no receiver, and its state file has what was sent."""
    dialect, state = tmp_path / "queued.toml", tmp_path / "world.state"
    dialect.write_text(DIALECT, "utf-8")
    flags = ("--token", "T", "--log", "off", "--state", str(state), "--dialect", str(dialect))
    may, over = threading.Semaphore(1), threading.Event()

    def slow(connection: Any) -> None:
        if may.acquire(blocking=False) or over.wait(120):
            connection.sendall(OK)

    with listening(slow) as receiver:
        server = start_server(*flags, "--deliver", "http")
        event = {"entity": "ACTIVITIES", "definition": "ACT CREATE", "data": {"id": "A"}}
        for _ in range(QUEUED):
            server.ask("POST", "/__admin/events/fire", {**event, "url": receiver.url})
        server.ask("POST", "/__admin/wait", {"delivery": True, "delivered": True, "timeout": 60})
        status, _, err = server.end(signal.SIGTERM)
        sent = len(receiver.got)
        over.set()

    world = make_world(dialect=dialect)
    world.keep(StateFile(state, world.config))
    world.close_state()
    fired = [record.state for record in world.store.records() if record.url == receiver.url]
    assert (status, err) == (0, "")
    assert sent == len(receiver.got) < QUEUED
    assert sorted(fired) == ["REJECTED"] * (QUEUED - 1) + ["SUCCESSFUL"]
