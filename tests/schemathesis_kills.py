"""Which of the broken servers Schemathesis finds, with the project's OpenAPI document.

``make measure`` shows what this writes, ``schemathesis_kills.json``, in a column of the kill table.
It needs Schemathesis, in an environment of its own, and takes an hour::

    python -m venv .work/schemathesis && .work/schemathesis/bin/pip install schemathesis
    python tests/schemathesis_kills.py .work/schemathesis/bin/schemathesis

Of each statement one server is tried. It answers errors with HTTP 4xx (the dialect ``http``), which
Schemathesis can tell apart. Schemathesis is handed the credentials, and sends about three times the
requests that the kit's short run may send. It has found a server if it reports, of any operation, a
kind of failure that it does not report of that operation of the right server.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from broken_servers.catalogue import BrokenServer, broken_servers
from broken_servers.toolkit import WsgiApp
from helpers.serving import served

from crmcom_kit.contract_tests.own_world import entries
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS
from crmcom_kit.schemas import resolve

RESULT = Path(__file__).with_suffix(".json")
TOKEN = "0123456789ABCDEF0123456789ABCDEF"
#: Of each operation, in its fuzzing phase.
EXAMPLES = 30

#: What a careful user would set: credentials, in place of drawn ones that are always refused.
_CONFIGURATION = """
[auth.openapi.token]
api_key = "{token}"

[auth.openapi.web_api_key]
username = "{api_key}"
password = ""
"""
_HOOKS = """
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, dict) and "token" in case.body:
        case.body["token"] = "{token}"
"""

Failures = set[tuple[str, str]]  # operation and check


def _failures(tool: str, release: str, server: BrokenServer | None) -> tuple[Failures, int]:
    """Return what Schemathesis reports, of the right server or another, and its requests."""
    data = entries(resolve(release))
    world = make_world(release=release, dialect="http", data=data, tokens=[TOKEN])
    app: WsgiApp = create_app(world)
    app = server.make(app) if server else app
    requests = []

    def counted(environ: Any, start_response: Any) -> Any:
        requests.append(environ["PATH_INFO"])
        return app(environ, start_response)

    with TemporaryDirectory() as folder, served(counted) as url:
        place = Path(folder)
        document, report = place / "openapi.json", place / "report.json"
        making = ["openapi", "--release", release, "--dialect", "http", "--out", str(document)]
        subprocess.run([sys.executable, "-m", "crmcom_kit", *making], check=True)
        (place / "hooks.py").write_text(_HOOKS.replace("{token}", TOKEN))
        credentials = {"token": TOKEN, "api_key": DEFAULT_CREDENTIALS.api_key}
        (place / "schemathesis.toml").write_text(_CONFIGURATION.format(**credentials))
        subprocess.run(
            [
                tool, "run", str(document), "--url", url, "--seed", "1", "--no-shrink",
                "--max-examples", str(EXAMPLES), "--continue-on-failure",
                "--report-json-path", str(report),
            ],
            cwd=place,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": folder},
            capture_output=True,
            check=False,
        )  # fmt: skip
        failures = json.loads(report.read_text())["failures"]
    found = {(operation, each["type"]) for each in failures for operation in each["operations"]}
    return found, len(requests)


@click.command()
@click.argument("tool")
@click.option("--jobs", default=2, show_default=True, help="So many at once.")
def main(tool: str, jobs: int) -> None:
    """Let TOOL, the command of Schemathesis, look for the broken servers."""
    servers = [*{each.statement: each for each in reversed(broken_servers())}.values()]
    known = {
        release: _failures(tool, release, None)[0]
        for release in {server.release for server in servers}
    }
    found: dict[str, bool] = {}
    spent: list[int] = []
    with ThreadPoolExecutor(jobs) as pool:
        looks = pool.map(lambda server: _failures(tool, server.release, server), servers)
        for server, (failures, requests) in zip(servers, looks, strict=True):
            found[server.name] = bool(failures - known[server.release])
            spent.append(requests)
            click.echo(f"{server.name}: {'found' if found[server.name] else 'not found'}")
    version = subprocess.run([tool, "--version"], capture_output=True, check=True, text=True)
    result = {
        "schemathesis": version.stdout.split()[-1],
        "requests": round(sum(spent) / len(spent)),
        "found": dict(sorted(found.items())),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    click.echo(f"found {sum(found.values())} of {len(found)}")


if __name__ == "__main__":
    main()
