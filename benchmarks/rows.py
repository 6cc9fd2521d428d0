"""The servers that are compared: the mock, a bare application on its server, a Flask stub."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.processes import BIN, BODY_FILE, CLIENT, HOST, KIT, WORK, NotMeasured, Server
from crmcom_kit.schemas import API_PATH

TOKEN = "benchmark"
MOCK, MIX, NO_LOG = "mock", "mock, mix of requests", "mock, --log off"
BARE, STUB = "bare ASGI on uvicorn", "Flask stub, flask run"


@dataclass(frozen=True, slots=True)
class Row:
    """One server, and what is requested of it."""

    name: str
    command: tuple[str, ...]  # a port follows it
    target: str
    script: Path | None = None
    is_peer: bool = False


def target(method: str, **parameters: object) -> str:
    """Return a target of the API as httpx writes it, with = and , encoded."""
    return f"{API_PATH}/webhook_requests/{method}?{urlencode({'token': TOKEN} | parameters)}"


def show(number: int, **parameters: object) -> str:
    """Return the target that shows a webhook request."""
    return target("show", webhook_request_identifier=f"number={number}", **parameters)


SHOW = show(7)


def mock_command(*options: str) -> tuple[str, ...]:
    """Return the command of the mock with its defaults, and with a fixed token."""
    return (*KIT, "serve", "--token", TOKEN, *options, "--port")


def write_body() -> bytes:
    """Ask the mock for ``SHOW``; return the body, and keep it for the servers that repeat it."""
    with Server(mock_command(), "body") as server:
        server.until_response(SHOW)
        body = CLIENT.get(server.origin + SHOW).content
    if b'"code":"OK"' not in body:
        msg = f"the mock responds to {SHOW} with {body[:300]!r}"
        raise NotMeasured(msg)
    BODY_FILE.write_bytes(body)
    return body


def own_rows() -> Iterator[Row]:
    """Yield the mock's rows, the bare application's and the stub's."""
    yield Row(MOCK, mock_command(), SHOW)
    yield Row(MIX, mock_command(), SHOW, script=_mix())
    yield Row(NO_LOG, mock_command("--log", "off"), SHOW)
    uvicorn = (str(BIN / "uvicorn"), "benchmarks.bare:asgi", "--lifespan", "off")
    yield Row(BARE, (*uvicorn, "--host", HOST, "--port"), SHOW)
    flask = (str(BIN / "flask"), "--app", "benchmarks.bare:flask_stub", "run", "--port")
    yield Row(STUB, flask, SHOW, is_peer=True)


def _mix() -> Path:
    """Write the script with which wrk sends the mix: six shows, a list, a wrong request, …."""
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
