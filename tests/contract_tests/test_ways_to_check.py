"""Each way to use the kit, against servers that are right: nothing is accused, and nothing fails.

The servers are the independent one of the tests, and the mock as `crmcom-kit serve` serves it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from helpers.checking import check
from helpers.serving import LOGIN, served
from helpers.stand_ins import set_clock
from stand_in.server import ORGANISATION, PASSWORD, USERNAME, WEB_API_KEY, StandIn
from stand_in.world import REJECTED

from crmcom_kit.mock_server import create_app

BOTH = "resend,delete"
BY_NAME = ("--username", USERNAME, "--password", PASSWORD, "--organisation", ORGANISATION)
FEW = ("--max-requests", "80")


class Sound:
    """The sound server at a URL, with what options say of it."""

    def __init__(self, app: StandIn, base_url: str) -> None:
        self.app, self.base_url = app, base_url
        self.options = ("--base-url", base_url, "--release", app.release)

    @property
    def content(self) -> dict[str, str]:
        """All that the server has."""
        return {key: repr(record) for key, record in self.app.records.items()}

    def login(self, way: str) -> list[str]:
        """Return the options of a way to log in; ways may be combined with `+`."""
        login = {"username": USERNAME, "password": PASSWORD, "organisation": ORGANISATION}
        response = httpx.post(f"{self.base_url}/authentication/token", json=login)
        ways = {
            "name": BY_NAME,
            "unit": ("--unit", self.app.world.people[1].unit["id"]),
            "key": ("--api-key", WEB_API_KEY),
            "token": ("--token", response.json()["data"]["token"]),
        }
        return [each for part in way.split("+") for each in ways[part]]

    def scope(self, kind: str) -> list[str]:
        """Return the options of a scope; kinds may be combined with `+`."""
        rejected = [r for r in self.app.records.values() if r.life_cycle_state == REJECTED]
        kinds = {
            "definition": ["--only-definition", rejected[0].definition.name],
            "number": ["--only-number", rejected[0].number],
            "numbers": [f"--only-number={record.number}" for record in rejected[:6]],
            "all": ["--all-records"],
        }
        return [each for part in kind.split("+") for each in kinds[part]]


@pytest.fixture
def sound(request: pytest.FixtureRequest) -> Iterator[Sound]:
    """The sound server; its release is the parameter, or R15."""
    app = StandIn(release=getattr(request, "param", "R15"))
    set_clock(app)
    with served(app) as base_url:
        yield Sound(app, base_url)


def assert_passed(done: SimpleNamespace) -> None:
    """Nothing is broken, something is checked, and the run ends with 0."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken, 0 deviate as listed, " in done.stdout
    assert "PASSED: " in done.stdout


@pytest.mark.parametrize(
    ("sound", "way"),
    [
        ("R9", "token"), ("R12", "name+unit"), ("R18", "name"), ("R10", "key"),
        ("R15", "key+token"),
    ],
    indirect=["sound"],
)  # fmt: skip
def test_each_login(sound: Sound, way: str, tmp_path: Path) -> None:
    """A token, a user name and a Web API key do; without leave nothing is changed."""
    before = sound.content

    assert_passed(check(tmp_path, *sound.options, *sound.login(way), *FEW))

    assert sound.content == before


@pytest.mark.parametrize(
    ("kind", "allow"),
    [("definition+numbers", BOTH), ("number", "delete"), ("all", "resend")],
)
def test_each_scope(kind: str, allow: str, sound: Sound, tmp_path: Path) -> None:
    """Each scope allows changes in it."""
    before = sound.content
    options = ["--allow", allow, *sound.scope(kind)]

    assert_passed(check(tmp_path, *sound.options, *BY_NAME, *options, *FEW))

    assert sound.content != before


@pytest.mark.parametrize(
    ("only", "allow", "exit_code"),
    [
        ("login.*", "none", 0),
        ("delete.gone", BOTH, 0),
        ("resend.*", "delete", 2),
    ],
)
def test_few_statements(
    only: str, allow: str, exit_code: int, sound: Sound, tmp_path: Path
) -> None:
    """Some statements can be checked alone; if none of them can be, the run says why."""
    scope = () if allow == "none" else sound.scope("definition")
    options = ["--allow", allow, *scope, "--only", only, "--max-requests", "200"]

    done = check(tmp_path, *sound.options, *BY_NAME, *options)

    if exit_code == 0:
        assert_passed(done)
        return
    method = only.partition(".")[0]
    assert done.returncode == exit_code, done.stdout
    assert f"no statement was checked: needs --allow {method}" in done.stdout


def test_a_mock_that_is_served(tmp_path: Path) -> None:
    """The mock is checked in a world of the run, whatever the scope is."""
    scope = ("--allow", BOTH, "--only-definition", "Nobody's")
    with served(create_app(release="R9")) as base:
        assert_passed(check(tmp_path, "--base-url", base, *scope, *FEW, **LOGIN))


def test_a_scope_of_nothing_is_said(sound: Sound, tmp_path: Path) -> None:
    """A mistyped number passes with the methods untried, and with a line that says why."""
    options = (*sound.options, *sound.login("name"), "--allow", BOTH, *FEW)
    said = "None of the webhook requests that the run saw is in its scope"

    done = check(tmp_path, *options, "--only-number", "999999")

    assert_passed(done)
    assert said in done.stdout


def test_under_pytest(sound: Sound, tmp_path: Path) -> None:
    """The same options do under pytest, with several processes, of which one checks the server."""
    given = [*sound.options, *BY_NAME, *FEW, "--allow", BOTH, *sound.scope("numbers")]
    options = [each.replace("--", "--crmcom-", 1) for each in given]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRMCOM_")}

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--pyargs", "crmcom_kit.contract_tests", "-q"),
            *("-p", "no:cacheprovider", "-n", "2", *options),
        ],
        cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert sound.app.requests <= 81  # one worker has checked it for all
