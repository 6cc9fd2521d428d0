"""Worlds that are driven at the same time end exactly as each would have ended alone."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import Client

from crmcom_kit.fixtures import world as generated
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.schemas import API_PATH

WORLDS = 16
CALLS = 50
ENTRIES = list(generated(count=60, release="R12"))
LOGIN = {"username": "mpadministrator", "password": "crmcom-kit", "organisation": "CRMDEMO"}


def server() -> Any:
    """A server as ``serve`` makes it, at a moment that stands, with a script of deliveries."""
    world = make_world(
        release="R12",
        data=ENTRIES,
        tokens=["T"],
        deliveries="timeout, success, http_500, success",
        clock=FixedClock(datetime(2024, 5, 1, 10, tzinfo=UTC)),
    )
    return create_app(world)


class Driver:
    """Drives one world through calls drawn from its name, and keeps all answers."""

    def __init__(self, app: Any, name: str) -> None:
        self.client = Client(app)
        self.draw = random.Random(name)
        self.by_header = self.draw.random() < 0.5
        self.name = name
        self.token = "T"
        self.answers: list[tuple[int, bytes]] = []

    def send(self, verb: str, path: str, body: Any = None) -> Any:
        """Send one call to the world; keep and return its answer."""
        headers = {"X-Mock-World": self.name} if self.by_header else {}
        url = path if self.by_header else f"/worlds/{self.name}{path}"
        data = None if body is None else json.dumps(body)
        answer = self.client.open(url, method=verb, data=data, headers=headers)
        self.answers.append((answer.status_code, answer.get_data()))
        return answer

    def run(self) -> tuple[Any, ...]:
        """Make all calls; return every answer, and all that the world holds at the end."""
        for _ in range(CALLS):
            self.draw.choice(
                [self.login, self.show, self.list, self.resend, self.resend, self.delete, self.rule]
            )()
        for path in ("/state", "/clock", "/health", "/snapshots", "/settings"):
            self.send("GET", f"/__admin{path}")
        return tuple(self.answers)

    def login(self) -> None:
        """Log in, and use the new token now and then."""
        token = self.send("POST", f"{API_PATH}/authentication/token", LOGIN).json["data"]["token"]
        self.token = self.draw.choice(["T", token])

    def show(self) -> None:
        """Show one record."""
        number = self.draw.randint(4, 66)
        query = f"token={self.token}&webhook_request_identifier=number={number}"
        self.send("GET", f"{API_PATH}/webhook_requests/show?{query}")

    def list(self) -> None:
        """List all rejected records of an entity."""
        query = f"token={self.token}&entity=ACTIVITIES&life_cycle_state=REJECTED"
        self.send("GET", f"{API_PATH}/webhook_requests/list?{query}")

    def resend(self) -> None:
        """Resend one record."""
        self.change("resend")

    def delete(self) -> None:
        """Delete one record."""
        self.change("delete")

    def change(self, method: str) -> None:
        """Call a method that changes one record."""
        number = str(self.draw.randint(4, 66))
        body = {"token": self.token, "webhook_request_identifier": {"number": number}}
        self.send("POST", f"{API_PATH}/webhook_requests/{method}", body)

    def rule(self) -> None:
        """Use the control API: time, resets, snapshots, other content."""
        verb, path, body = self.draw.choice(
            [
                ("POST", "/reset", None),
                ("PUT", "/snapshots/kept", None),
                ("POST", "/snapshots/kept/restore", None),
                ("POST", "/clock/advance", {"seconds": self.draw.randint(1, 5000)}),
                ("PUT", "/clock", {"mode": "frozen", "at": "2026-01-01T00:00:00Z"}),
                ("PUT", "/clock", {"mode": "real"}),
                ("POST", "/seed", {"count": 3, "seed": self.draw.randint(0, 9), "add": True}),
                ("POST", "/seed", {"count": 30, "seed": self.draw.randint(0, 9)}),
            ]
        )
        self.send(verb, f"/__admin{path}", body)


@pytest.mark.usefixtures("hurried")
def test_worlds_together_end_as_each_alone() -> None:
    """Worlds at once, by all methods, resets between: the answers are those of runs alone."""
    names = [f"w{at}" for at in range(WORLDS)]
    together = server()
    with ThreadPoolExecutor(WORLDS) as pool:
        found = list(pool.map(lambda name: Driver(together, name).run(), names))

    for name, answers in zip(names, found, strict=True):
        assert answers == Driver(server(), name).run(), name
    states = {answers[-5] for answers in found}
    assert len(states) > WORLDS // 2  # that is: they were not all doing the same
