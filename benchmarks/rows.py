"""The servers that are compared: the mock, and bare applications on its server."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.processes import BIN, CLIENT, HOST, WORK, NotMeasured, Server
from crmcom_kit.schemas import API_PATH as BASE

TOKEN = "benchmark"
MOCK, MIX, NO_LOG = "mock", "mock, mix of requests", "mock, --log off"
BARE, BARE_LOGGED = "bare ASGI on uvicorn, log off", "bare ASGI on uvicorn"
BARE_WSGI, STUB = "bare WSGI on uvicorn", "Flask stub, flask run"
BODY_FILE = WORK / "show.json"
KIT = [str(BIN / "crmcom-kit")]


@dataclass(frozen=True, slots=True)
class Row:
    """One server, and what it is asked."""

    name: str
    command: Callable[[int], Sequence[str]]
    target: str
    script: Path | None = None
    is_peer: bool = False


def target(method: str, **parameters: object) -> str:
    """Return a target of the API as httpx writes it, with = and , encoded."""
    return f"{BASE}/webhook_requests/{method}?{urlencode({'token': TOKEN} | parameters)}"


def show(number: int, **parameters: object) -> str:
    """Return the target that shows a webhook request."""
    return target("show", webhook_request_identifier=f"number={number}", **parameters)


SHOW = show(7)


def mock_command(port: int, *options: str) -> list[str]:
    """Return the command of the mock with its defaults, and with a fixed token."""
    return [*KIT, "serve", "--port", str(port), "--token", TOKEN, *options]


def write_body() -> bytes:
    """Ask the mock for ``SHOW``; return the body, and keep it for the servers that repeat it."""
    WORK.mkdir(exist_ok=True)
    with Server(mock_command, "body") as server:
        server.until_answer(SHOW)
        body = CLIENT.get(server.origin + SHOW).content
    if b'"code":"OK"' not in body:
        msg = f"the mock answers {body[:300]!r} to {SHOW}"
        raise NotMeasured(msg)
    BODY_FILE.write_bytes(body)
    os.environ["BENCHMARK_BODY"] = str(BODY_FILE)
    return body


def own_rows() -> Iterator[Row]:
    """Yield the mock's rows, the bare applications' and the stub's."""
    yield Row(MOCK, mock_command, SHOW)
    yield Row(MIX, mock_command, SHOW, script=_mix())
    yield Row(NO_LOG, lambda port: mock_command(port, "--log", "off"), SHOW)
    yield Row(BARE_LOGGED, lambda port: _uvicorn(port, "benchmarks.bare:asgi"), SHOW)
    yield Row(BARE, lambda port: [*_uvicorn(port, "benchmarks.bare:asgi"), "--no-access-log"], SHOW)
    yield Row(
        BARE_WSGI,
        lambda port: [*_uvicorn(port, "benchmarks.bare:wsgi"), "--interface", "wsgi"],
        SHOW,
    )
    flask = [str(BIN / "flask"), "--app", "benchmarks.bare:flask_stub", "run", "--port"]
    yield Row(STUB, lambda port: [*flask, str(port)], SHOW, is_peer=True)


def _uvicorn(port: int, app: str) -> list[str]:
    return [str(BIN / "uvicorn"), "--host", HOST, "--port", str(port), "--lifespan", "off", app]


def _mix() -> Path:
    """Write the script with which wrk sends a mix: six shows, a list, a wrong request, …."""
    shows = [show(number) for number in range(7, 31)]
    lists = [
        target("list", entity="ACTIVITIES", life_cycle_state="REJECTED"),
        target("list", entity="JOBS", fields_set="id,number,life_cycle_state"),
        target("list", entity="SERVICEREQUESTS"),
        target("list", entity="SUBSCRIPTIONS", fields_set="number,error_code,url"),
    ]
    wrong = [show(7, token="wrong"), show(0), target("show"), target("list", entity="NOTHING")]
    groups = zip(*[iter(shows)] * 6, lists, wrong, strict=True)
    targets = ", ".join(f'"{one}"' for group in groups for one in group)
    path = WORK / "mix.lua"
    path.write_text(
        f"local targets, at = {{{targets}}}, 0\n"
        "function request()\n  at = at % #targets + 1\n"
        '  return wrk.format("GET", targets[at])\nend\n'
    )
    return path
