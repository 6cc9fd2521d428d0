"""How many of the broken servers Schemathesis finds, with the project's OpenAPI document.

One column of ``docs/kill-table.md`` is made from what it writes. Not part of any test, nor of
``make bench``: it needs Schemathesis, in an environment of its own, and takes an hour::

    python -m venv .work/schemathesis && .work/schemathesis/bin/pip install schemathesis
    python -m benchmarks.schemathesis_kills --schemathesis .work/schemathesis/bin/schemathesis

Each server is served by Werkzeug, and answers errors with HTTP 4xx (the dialect ``http``), which
Schemathesis can tell apart. It is handed the credentials, and sends about 450 requests: three times
what the kit's short run may send. It has found a server if it reports, of any operation, a kind of
failure that it does not report of that operation of the right server. The outcome is
``schemathesis_kills.json``, which the kill table shows beside the kit's own.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from werkzeug.serving import make_server

HERE = Path(__file__).resolve().parent
RESULT = HERE / "schemathesis_kills.json"
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

WsgiApp = Callable[..., Any]
Failures = set[tuple[str, str]]  # operation and check


def _broken_servers() -> Any:
    """Return the broken servers, which belong to the tests."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    from broken_servers.catalogue import broken_servers

    return broken_servers()


@contextmanager
def _served(release: str, make: Callable[[WsgiApp], WsgiApp]) -> Iterator[tuple[str, list[int]]]:
    """Serve a mock with ``make`` around it; yield its URL and a count of its requests."""
    from crmcom_kit.contract_tests.own_world import entries
    from crmcom_kit.mock_server import create_app, make_world
    from crmcom_kit.schemas import API_PATH, resolve

    data = entries(resolve(release))
    world = make_world(release=release, dialect="http", data=data, tokens=[TOKEN])
    app = make(create_app(world))
    count = [0]

    def counted(environ: Any, start_response: Any) -> Any:
        count[0] += 1
        return app(environ, start_response)

    server = make_server("127.0.0.1", 0, counted, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{API_PATH}", count
    finally:
        server.shutdown()
        server.server_close()


def _failures(tool: str, release: str, make: Callable[[WsgiApp], WsgiApp]) -> tuple[Failures, int]:
    """Return what Schemathesis reports of a server, and how many requests it made."""
    from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS

    with TemporaryDirectory() as folder, _served(release, make) as (url, count):
        place = Path(folder)
        document = place / "openapi.json"
        subprocess.run(  # noqa: S603 - the project's own command
            [
                sys.executable, "-m", "crmcom_kit", "openapi", "--release", release,
                "--dialect", "http", "--out", str(document),
            ],
            check=True,
        )  # fmt: skip
        known = {"token": TOKEN, "api_key": DEFAULT_CREDENTIALS.api_key}
        (place / "hooks.py").write_text(_HOOKS.replace("{token}", TOKEN))
        (place / "schemathesis.toml").write_text(_CONFIGURATION.format(**known))
        report = place / "report.json"
        subprocess.run(  # noqa: S603 - the tool that is compared
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
        return _read(json.loads(report.read_text())), count[0]


def _read(report: Any) -> Failures:
    return {
        (operation, failure["type"])
        for failure in report["failures"]
        for operation in failure["operations"]
    }


def _right(app: WsgiApp) -> WsgiApp:
    return app


@click.command()
@click.option("--schemathesis", "tool", required=True, help="The command of Schemathesis.")
@click.option("--all", "every", is_flag=True, help="Every server, not one for each statement.")
@click.option("--jobs", default=2, show_default=True, help="So many at once.")
def main(tool: str, *, every: bool, jobs: int) -> None:
    """Let Schemathesis look for the broken servers, and write down which it finds."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
    servers = _broken_servers()
    if not every:
        servers = list({each.statement: each for each in reversed(servers)}.values())[::-1]
    known: dict[str, Failures] = {}
    spent: dict[str, int] = {}
    for release in sorted({server.release for server in servers}):
        known[release], spent[release] = _failures(tool, release, _right)
        click.echo(f"{release}: {len(known[release])} failures of the right server")
    found: dict[str, bool] = {}

    def look(server: Any) -> None:
        new, requests = _failures(tool, server.release, server.make)
        found[server.name] = bool(new - known[server.release])
        spent[server.name] = requests
        click.echo(f"{server.name}: {sorted(new - known[server.release])}, {requests} requests")
        _write(_version(tool), spent, found)  # at once, so that what was found outlives an end

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(look, servers))
    click.echo(f"found {sum(found.values())} of {len(found)}")


def _write(version: str, spent: dict[str, int], found: dict[str, bool]) -> None:
    """Write down what was found so far."""
    result = {
        "schemathesis": version,
        "requests": round(sum(spent.values()) / len(spent)),
        "found": dict(sorted(found.items())),
    }
    text = json.dumps(result, indent=1) + "\n"
    RESULT.with_suffix(".part").write_text(text, encoding="utf-8")
    RESULT.with_suffix(".part").replace(RESULT)


def _version(tool: str) -> str:
    said = subprocess.run([tool, "--version"], capture_output=True, check=True, text=True)  # noqa: S603
    return said.stdout.split()[-1]


if __name__ == "__main__":
    main()
