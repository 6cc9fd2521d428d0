"""Worlds that are driven at the same time end exactly as each would have ended alone."""

import json
import random
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from helpers.clocks import FixedClock
from helpers.threads import at_once
from werkzeug.test import Client

from crmcom_kit.fixtures import world as generated
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.schemas import API_PATH

WORLDS, CALLS = 16, 50
ENTRIES = list(generated(count=60, release="R12"))
LOGIN = {"username": "mpadministrator", "password": "crmcom-kit", "organisation": "CRMDEMO"}
LIST = f"{API_PATH}/webhook_requests/list?entity=ACTIVITIES&life_cycle_state=REJECTED"


CONTROL = [
    ("POST", "/reset", None),
    ("PUT", "/snapshots/kept", None),
    ("POST", "/snapshots/kept/restore", None),
    ("POST", "/clock/advance", {"seconds": 2500}),
    ("PUT", "/clock", {"mode": "frozen", "at": "2026-01-01T00:00:00Z"}),
    ("PUT", "/clock", {"mode": "real"}),
    ("POST", "/seed", {"count": 30}),
]


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


def drive(app: Any, name: str) -> list[tuple[int, bytes]]:
    """Drive one world through calls drawn from its name; return all answers, and what it holds."""
    client, draw, token = Client(app), random.Random(name), "T"
    answers: list[tuple[int, bytes]] = []

    def send(verb: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body)
        answer = client.open(f"/worlds/{name}{path}", method=verb, data=data)
        answers.append((answer.status_code, answer.get_data()))
        return answer

    for _ in range(CALLS):
        asked = {"token": token, "webhook_request_identifier": {"number": str(draw.randint(4, 66))}}
        match draw.choice(["login", "list", "resend", "resend", "delete", "control"]):
            case "login":
                answer = send("POST", f"{API_PATH}/authentication/token", LOGIN)
                token = draw.choice(["T", answer.json["data"]["token"]])
            case "list":
                send("GET", f"{LIST}&token={token}")
            case "control":
                verb, path, body = draw.choice(CONTROL)
                send(verb, f"/__admin{path}", body)
            case change:
                send("POST", f"{API_PATH}/webhook_requests/{change}", asked)
    for path in ("/state", "/clock", "/health", "/snapshots"):
        send("GET", f"/__admin{path}")
    return answers


@pytest.mark.usefixtures("hurried")
def test_worlds_together_end_as_each_alone() -> None:
    """Worlds at once, by all methods, resets between: the answers are those of runs alone."""
    names = [f"w{at}" for at in range(WORLDS)]
    together = server()
    found = at_once([partial(drive, together, name) for name in names])

    for name, answers in zip(names, found, strict=True):
        assert answers == drive(server(), name), name
    states = {answers[-4] for answers in found}
    assert len(states) > WORLDS // 2  # that is: they were not all doing the same
