"""Each way to use the kit, against servers that are right: nothing is accused, and nothing fails.

The server is the sound one of the tests. deploy/test_files.py checks a mock that is served.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.checking import check
from helpers.tools import FEWER_PLUGINS
from sound_server.client import Client
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, WEB_API_KEY, SoundServer
from sound_server.world import REJECTED, Record

BOTH = "resend,delete"
BY_NAME = ("--username", USERNAME, "--password", PASSWORD, "--organisation", ORGANISATION)
OF_R15 = ("--release", "R15", *BY_NAME)
FEW = ("--max-requests", "80")
Serve = Callable[..., str]
Options = Callable[[SoundServer], Sequence[str]]


@pytest.fixture
def sound() -> SoundServer:
    """A SoundServer without faults."""
    return SoundServer(release="R15")


def content(app: SoundServer) -> dict[str, str]:
    """Return a snapshot of all records."""
    return {key: repr(record) for key, record in app.records.items()}


def rejected(app: SoundServer) -> list[Record]:
    """Return the webhook requests that may be sent again."""
    return [record for record in app.records.values() if record.life_cycle_state == REJECTED]


def assert_passed(done: SimpleNamespace) -> None:
    """Nothing is broken, something is checked, and the run ends with 0."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken, 0 deviate as listed, " in done.stdout
    assert "PASSED: " in done.stdout


@pytest.mark.parametrize(
    ("release", "login"),
    [
        ("R9", lambda app: ("--token", Client(app).token)),
        ("R10", lambda _: ("--api-key", WEB_API_KEY)),
        ("R12", lambda _: BY_NAME),
        ("R15", lambda app: ("--api-key", WEB_API_KEY, "--token", Client(app).token)),
    ],
)
def test_each_login(release: str, login: Options, serve: Serve, tmp_path: Path) -> None:
    app = SoundServer(release=release)
    before, unit = content(app), app.world.people[1].unit["id"]
    options = ("--base-url", serve(app), "--release", release, *login(app))

    assert_passed(check(tmp_path, *options, *FEW, CRMCOM_UNIT=unit))

    assert content(app) == before


def test_a_scope(sound: SoundServer, serve: Serve, tmp_path: Path) -> None:
    before = content(sound)
    scope = f"definition={rejected(sound)[0].definition.name}"
    options = ("--base-url", serve(sound), *OF_R15, "--allow", BOTH, "--scope", scope)

    assert_passed(check(tmp_path, *options, *FEW))

    assert content(sound) != before


@pytest.mark.parametrize(
    ("only", "allow", "outcome", "exit_code"),
    [
        ("login.*", "none", "PASSED", 0),
        ("resend.*", "delete", "no statement was checked: needs --allow resend", 2),
    ],
)
def test_few_statements(
    only: str, allow: str, outcome: str, exit_code: int,
    sound: SoundServer, serve: Serve, tmp_path: Path,
) -> None:  # fmt: skip
    options = ("--base-url", serve(sound), *OF_R15, "--allow", allow)
    scope = () if allow == "none" else ("--scope", "all")

    done = check(tmp_path, *options, *scope, "--only", only, "--max-requests", "200")

    assert outcome in done.stdout
    assert done.returncode == exit_code


def test_under_pytest(sound: SoundServer, serve: Serve, tmp_path: Path) -> None:
    """The same options do under pytest: one worker runs the check and writes the report for all."""
    options = ["--base-url", serve(sound), *OF_R15, *FEW, "--allow", "delete"]
    options += ["--scope", f"number={rejected(sound)[0].number}"]
    pytest_options = [
        option.replace("--", "--crmcom-", 1) for option in [*options, "--json", "r.json"]
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRMCOM_")}

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--pyargs", "crmcom_kit.contract_tests", "-q"),
            *("-p", "no:cacheprovider", *FEWER_PLUGINS, "-n", "2"),
            *("--deselect", "suite/test_reads.py", *pytest_options),
        ],
        cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert sound.requests <= 80  # FEW: one worker runs the check for all
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["summary"]["outcome"] == "passed"
