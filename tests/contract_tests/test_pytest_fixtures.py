"""The pytest fixtures target_url, target and records, in contract tests of a user's own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.serving import LOGIN

from crmcom_kit.mock_server import create_app

CONFTEST = 'pytest_plugins = ["crmcom_kit.contract_tests.pytest_fixtures"]\n'
READING = '''
def test_all_are_known(target_url, target, records):
    """Each one is shown as it was listed."""
    for record in records[:3]:
        shown = target.call("show", {"webhook_request_identifier": {"id": record["id"]}})
        assert shown.data == record
    print("known:", len(records), target_url)
'''
CHANGING = '''
import pytest


def delete(target, record):
    return target.call("delete", {"webhook_request_identifier": {"id": record["id"]}})


@pytest.mark.changes
@pytest.mark.parametrize("time", [1, 2])
def test_one_is_deleted(target, records, time):
    """Each time another one."""
    print("before:", len(records))
    assert delete(target, records[0]).ok


@pytest.mark.changes
def test_the_rest_is_not_touched(target, records):
    """What is out of scope is never named to a changing method."""
    others = [each for each in target.pool.known() if not target.pool.may_change(each)]
    print("others:", len(others))
    for record in others[:1]:
        delete(target, record)
'''


def pytest_on(
    folder: Path, text: str, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a user's tests in a folder of their own."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_ours.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rP", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_on_a_mock_of_its_own_everything_may_be_used(tmp_path: Path) -> None:
    """Without a base URL the records are those of a mock in this process."""
    done = pytest_on(tmp_path, READING + CHANGING, "--crmcom-release", "R15")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "known: 116 None" in done.stdout
    # A fresh mock for each test: what one deletes, the next one has.
    assert done.stdout.count("before: 116") == 2


def test_elsewhere_only_what_is_in_scope_is_changed_and_once(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    """With --allow and a scope the records are those in scope; each test gets unused ones."""
    base = serve(create_app(release="R9"))
    scope = ("--crmcom-allow", "delete", "--crmcom-only-number", "7", "--crmcom-only-number", "8")

    done = pytest_on(tmp_path, CHANGING, *scope, CRMCOM_BASE_URL=base, **LOGIN)

    assert done.returncode == 1, done.stdout + done.stderr
    assert [f"before: {count}" in done.stdout for count in (2, 1)] == [True, True]
    assert "others: " in done.stdout
    assert "is out of scope, and is not touched" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("-m", "not changes", "--crmcom-allow", "delete")])
def test_elsewhere_nothing_is_changed_unasked(
    serve: Callable[..., str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Without --allow, or without a test that says that it changes things, records are read."""
    deletes = []
    app = create_app(release="R9")

    def foreign(environ: Any, start_response: Any) -> Any:
        """Count deletes, and do not tell that this is a mock."""

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [(name, value) for name, value in headers if not name.startswith("X-")]
            return start_response(status, kept, *more)

        deletes.extend(environ["PATH_INFO"].split("/delete")[1:])
        return app(environ, start)

    unmarked = CHANGING.replace("@pytest.mark.changes\n", "") if arguments else CHANGING
    scope = ("--crmcom-all-records", *arguments)
    done = pytest_on(tmp_path, READING + unmarked, *scope, CRMCOM_BASE_URL=serve(foreign), **LOGIN)

    assert done.returncode == 1
    assert "known: " in done.stdout
    assert "delete is not allowed; allow it with --allow delete" in done.stdout
    assert deletes == []


def test_a_login_that_fails_shows_no_password(serve: Callable[..., str], tmp_path: Path) -> None:
    """Not even where the server repeats what it was sent."""

    def echo(environ: Any, start_response: Any) -> list[bytes]:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        body = json.dumps({"status": {"code": f"ERR {sent}", "message": sent}}).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    variables = {**LOGIN, "CRMCOM_PASSWORD": "hush", "CRMCOM_BASE_URL": serve(echo)}
    done = pytest_on(tmp_path, READING, **variables)

    assert done.returncode == 1
    assert "gives no token" in done.stdout
    assert "hush" not in done.stdout + done.stderr


DYING = """
from crmcom_kit.contract_tests import pytest_fixtures


def die(values):
    pytest_fixtures.os._exit(9)


pytest_fixtures._made = die
"""


def test_who_waits_for_a_worker_that_died_is_told(tmp_path: Path) -> None:
    """Under xdist the others end with it, and do not ask the target again."""
    asking = "def test_{}(report):\n    pass\n\n\n"
    text = DYING + "".join(asking.format(name) for name in "abcd")

    done = pytest_on(tmp_path, text, "-n", "2")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "the worker that checks the target has died" in done.stdout
