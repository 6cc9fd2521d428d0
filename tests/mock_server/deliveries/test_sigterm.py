"""A served mock that is told to stop while it sends: what is left fits what was sent."""

import json
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from helpers.receivers import OK, listening

from crmcom_kit.schemas import resolve

RESENDS = 60
#: How many deliveries are answered before the server is told to stop, and how many in its last
#: seconds; those that are under way then, and those that wait, are more.
BEFORE, AFTER = 5, 8

DIALECT = """
[resend]
delivery = "queued"
destination = "definition"
[delivery]
read_timeout = 600_000
overall_timeout = 600_000
"""

#: ``crmcom-kit serve`` whose worlds are looked into once it has ended.
TELLING = """
import json, sys
from crmcom_kit.mock_server.world import registry
from crmcom_kit.mock_server.cli.serve import serve

class Told(registry.WorldRegistry):
    def __init__(self, world, **options):
        super().__init__(world, **options)
        told.append(world)
        for definition in world.current_epoch.reference_data.definitions:
            definition["url"] = sys.argv[1]

told = []
registry.WorldRegistry = Told
serve.main(["--port", "0", *sys.argv[2:]], standalone_mode=False)
present = told[0].current_epoch
attempts = [
    {
        "number": attempt.record_number,
        "stage": attempt.stage,
        "outcome": attempt.outcome and attempt.outcome.name,
    }
    for attempt in present.attempts.list()
]
states = {record.number: record.state.name for record in present.store.records()}
print("TOLD", json.dumps({"notes": attempts, "states": states}))
"""


def test_sigterm_leaves_every_record_as_its_attempts_explain(
    start_server: Any, tmp_path: Path
) -> None:
    """With deliveries waiting and under way, it ends in time; each record tells of its attempt."""
    dialect = tmp_path / "queued.toml"
    dialect.write_text(DIALECT, "utf-8")
    may, answered = threading.Semaphore(BEFORE), threading.Semaphore(0)

    def slow(connection: Any) -> None:
        may.acquire()
        answered.release()
        connection.sendall(OK)

    with listening(slow) as receiver:
        command = (sys.executable, "-c", TELLING, receiver.url)
        flags = ("--release", "R15", "--token", "T", "--log", "off", "--deliver", "http")
        server = start_server(*flags, "--dialect", str(dialect), command=command)
        with httpx.Client(base_url=server.base, trust_env=False, timeout=30) as client:
            numbers = _rejected(client)[:RESENDS]
            for number in numbers:
                given = {"token": "T", "webhook_request_identifier": {"number": number}}
                shown = client.post("webhook_requests/resend", json=given).json()
                assert shown["data"]["life_cycle_state"] == "REJECTED"
        for _ in range(BEFORE):
            assert answered.acquire(timeout=60)
        server.process.send_signal(signal.SIGTERM)
        may.release(AFTER)
        status, out, err = server.end()
        may.release(RESENDS)

    assert (status, err) == (0, "")
    told = json.loads(next(line for line in out.splitlines() if line.startswith("TOLD"))[4:])
    stages = Counter(attempt["stage"] for attempt in told["notes"])
    sent = {attempt["number"] for attempt in told["notes"] if attempt["outcome"] == "success"}
    assert set(stages) == {"ended", "abandoned"}
    # A server that is slow to stop may have cut what its receiver has answered.
    assert 0 < stages["ended"] == len(sent) <= BEFORE + AFTER
    assert stages.total() == len(numbers) == len(set(numbers))
    assert {n for n in numbers if told["states"][n] == "SUCCESSFUL"} == sent


def _rejected(client: httpx.Client) -> list[str]:
    numbers: list[str] = []
    for entity in resolve("R15").entities:
        query = f"token=T&life_cycle_state=REJECTED&fields_set=number&entity={entity}"
        listed = client.get(f"webhook_requests/list?{query}").json()["data"]
        numbers += [one["number"] for one in listed]
    return numbers
