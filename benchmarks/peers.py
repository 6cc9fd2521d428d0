"""The other mock servers; ``python -m benchmarks.peers`` installs them into benchmarks/.peers."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.processes import HERE, HOST, KIT, WORK, NotMeasured, run
from benchmarks.rows import SHOW, Row
from crmcom_kit.schemas import API_PATH

_FOLDER = HERE / ".peers"
_MODULES = _FOLDER / "node_modules"
_SHOW_PATH = "/webhook_requests/show"


def peer_rows(body: bytes, missing: list[str]) -> Iterator[Row]:
    """Yield a row for each peer that is installed; name the others in ``missing``."""
    for name, peer in _PEERS.items():
        description = _MODULES / peer.package / "package.json"
        if shutil.which(peer.program) is None:
            missing.append(f"{name} (it needs {peer.program})")
        elif not description.exists():
            missing.append(f"{name} (make bench-peers installs it)")
        else:
            version = json.loads(description.read_text())["version"]
            command, target = peer.prepare(body)
            yield Row(f"{name} {version}", command, target, is_peer=True)


# Each of these writes what a peer needs to respond with ``body``. It returns the command with the
# peer's own defaults, its request log included, and the target.


def _prism(body: bytes) -> tuple[tuple[str, ...], str]:
    document = json.loads(run([*KIT, "openapi", "--release", "R9"]))
    content = document["paths"][_SHOW_PATH]["get"]["responses"]["200"]["content"]
    for media in content.values():
        media.pop("example", None)
        media["examples"] = {"shown": {"value": json.loads(body)}}
    path = _write("openapi.json", document)
    command = (str(_MODULES / ".bin" / "prism"), "mock", "-h", HOST, str(path), "-p")
    return command, SHOW.removeprefix(API_PATH)  # Prism serves a document without its base path


def _json_server(body: bytes) -> tuple[tuple[str, ...], str]:
    path = _write("db.json", {"webhook_requests": [{"id": 1, **json.loads(body)}]})
    command = (str(_MODULES / ".bin" / "json-server"), "--host", HOST, str(path), "--port")
    return command, "/webhook_requests/1"


def _wiremock(body: bytes) -> tuple[tuple[str, ...], str]:
    headers = {"Content-Type": "application/json"}
    response = {"status": 200, "body": body.decode(), "headers": headers}
    request = {"method": "GET", "urlPath": API_PATH + _SHOW_PATH}
    mapping = {"request": request, "response": response}
    folder = _write("wiremock/mappings/show.json", mapping).parents[1]
    jar = next((_MODULES / "wiremock" / "build").glob("wiremock-standalone-*.jar"))
    command = ("java", "-jar", str(jar), "--bind-address", HOST, "--root-dir", str(folder))
    return (*command, "--port"), SHOW


def _mockoon(body: bytes) -> tuple[tuple[str, ...], str]:
    headers = [{"key": "Content-Type", "value": "application/json"}]
    response = {"uuid": "response", "body": body.decode(), "headers": headers}
    path = {"method": "get", "endpoint": (API_PATH + _SHOW_PATH).removeprefix("/")}
    route = {"uuid": "route", "type": "http", **path, "responses": [response]}
    tree = [{"type": "route", "uuid": "route"}]
    file = _write("mockoon.json", {"name": "show", "routes": [route], "rootChildren": tree})
    command = (str(_MODULES / ".bin" / "mockoon-cli"), "start", "--data", str(file), "--repair")
    return (*command, "--hostname", HOST, "--port"), SHOW


def _write(name: str, value: Any) -> Path:
    path = WORK / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class _Peer:
    package: str
    version: str
    program: str
    prepare: Callable[[bytes], tuple[tuple[str, ...], str]]


_PEERS = {
    "Prism": _Peer("@stoplight/prism-cli", "5", "node", _prism),
    "json-server": _Peer("json-server", "0.17.4", "node", _json_server),  # 1.0 is still a beta
    "Mockoon": _Peer("@mockoon/cli", "9", "node", _mockoon),
    "WireMock": _Peer("wiremock", "3", "java", _wiremock),  # the package holds the jar
}


def main() -> None:
    """Install the peers. Raises click.ClickException if npm fails or is not there."""
    _FOLDER.mkdir(exist_ok=True)
    command = ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(_FOLDER)]
    packages = [f"{peer.package}@{peer.version}" for peer in _PEERS.values()]
    try:
        click.echo(run([*command, *packages]))
    except NotMeasured as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
