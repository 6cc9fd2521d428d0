"""The other mock servers; ``python -m benchmarks.peers`` installs them into benchmarks/.peers."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks.processes import HERE, HOST, WORK, NotMeasured, run
from benchmarks.rows import BASE, KIT, SHOW, Row

_FOLDER = HERE / ".peers"
_MODULES = _FOLDER / "node_modules"
#: Name to npm package. json-server 1.0 is still a beta. WireMock's package holds the jar.
_PACKAGES = {
    "Prism": "@stoplight/prism-cli@5",
    "json-server": "json-server@0.17.4",
    "WireMock": "wiremock@3",
}
_SHOW_PATH = "/webhook_requests/show"


def peer_rows(body: bytes, missing: list[str]) -> Iterator[Row]:
    """Yield a row for each peer that is installed; name the others in ``missing``."""
    for name, package in _PACKAGES.items():
        program = "java" if name == "WireMock" else "node"
        if shutil.which(program) is None:
            missing.append(f"{name} (it needs {program})")
        elif not (_MODULES / package.rpartition("@")[0]).exists():
            missing.append(f"{name} (make bench-peers installs it)")
        else:
            yield _row(name, body)


def _row(name: str, body: bytes) -> Row:
    """Return the row of a peer with its own defaults, its request log on if it has one."""
    answer = json.loads(body)
    if name == "Prism":
        document = json.loads(run([*KIT, "openapi", "--release", "R9"]))
        content = document["paths"][_SHOW_PATH]["get"]["responses"]["200"]["content"]
        for media in content.values():
            media.pop("example", None)
            media["examples"] = {"shown": {"value": answer}}
        path = _write("openapi.json", document)
        command = [str(_MODULES / ".bin" / "prism"), "mock", "-h", HOST, str(path), "-p"]
        target = SHOW.removeprefix(BASE)  # Prism serves a document without its base path
    elif name == "json-server":
        path = _write("db.json", {"webhook_requests": [{"id": 1, **answer}]})
        command = [str(_MODULES / ".bin" / "json-server"), "--host", HOST, str(path), "--port"]
        target = "/webhook_requests/1"
    else:
        headers = {"Content-Type": "application/json"}
        response = {"status": 200, "body": body.decode(), "headers": headers}
        request = {"method": "GET", "urlPath": BASE + _SHOW_PATH}
        mapping = {"request": request, "response": response}
        folder = _write("wiremock/mappings/show.json", mapping).parents[1]
        jar = next((_MODULES / "wiremock" / "build").glob("wiremock-standalone-*.jar"))
        command = ["java", "-jar", str(jar), "--bind-address", HOST, "--root-dir", str(folder)]
        command += ["--port"]
        target = SHOW
    package = _MODULES / _PACKAGES[name].rpartition("@")[0] / "package.json"
    version = json.loads(package.read_text())["version"]
    return Row(f"{name} {version}", lambda port: [*command, str(port)], target, is_peer=True)


def _write(name: str, value: Any) -> Path:
    path = WORK / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def main() -> None:
    """Install the peers. Raises click.ClickException if npm fails or is not there."""
    _FOLDER.mkdir(exist_ok=True)
    command = ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(_FOLDER)]
    try:
        click.echo(run([*command, *_PACKAGES.values()]))
    except NotMeasured as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
