"""The pytest fixtures target_url, target and records, in contract tests of a user's own."""

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.recordings import archive, login
from helpers.serving import LOGIN
from helpers.tools import FEWER_PLUGINS
from mutants.table import ROWS
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, SoundServer

# A run in this process forgets the modules that it has imported, but the packages that were there
# before keep them as attributes: then two copies of a class meet. So all of them are there before.
from crmcom_kit.contract_tests import pytest_fixtures as _pytest_fixtures
from crmcom_kit.contract_tests.options.options import RUN_OPTIONS
from crmcom_kit.contract_tests.plugin import as_in_pytest
from crmcom_kit.mock_server import create_app

pytest_plugins = ["pytester"]

CONFTEST = f'pytest_plugins = ["{_pytest_fixtures.__name__}"]\n'
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


@pytest.mark.parametrize("time", [1, 2])
def test_one_is_deleted(target, records, time):
    """Each time another one."""
    print("before:", len(records))
    assert delete(target, records[0]).ok


def test_the_rest_is_not_touched(target, records):
    """What is out of scope is never named to a changing method."""
    mine = [each["number"] for each in records]
    jobs = target.call("list", {"entity": "JOBS"}).records
    others = [each for each in jobs if each["number"] not in mine]
    print("others:", len(others))
    for record in others[:1]:
        delete(target, record)
'''


PytestOn = Callable[..., pytest.RunResult]


@pytest.fixture(name="pytest_on")
def _pytest_on(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> PytestOn:
    """Runs a user's tests in a folder of their own, in this process, which is quicker."""

    def run(text: str, *arguments: str, **variables: str) -> pytest.RunResult:
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(test_ours=text)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return pytester.runpytest_inprocess("-q", "-rP", "-p", "no:cacheprovider", *arguments)

    return run


def test_on_a_mock_of_its_own_everything_may_be_used(pytest_on: PytestOn) -> None:
    """Without a base URL the records are those of a mock in this process."""
    done = pytest_on(READING + CHANGING, "--crmcom-release", "R15")

    assert done.ret == 0, str(done.stdout) + str(done.stderr)
    assert "known: 200 None" in str(done.stdout)
    # A fresh mock for each test: what one deletes, the next one has.
    assert str(done.stdout).count("before: 200") == 2


def test_elsewhere_only_what_is_in_scope_is_changed_and_once(
    serve: Callable[..., str], pytest_on: PytestOn
) -> None:
    """With --allow and a scope the records are those in scope; each test gets unused ones."""
    base = serve(create_app(release="R9"))
    scope = ("--crmcom-allow", "delete", "--crmcom-scope", "number=7", "--crmcom-scope", "number=8")

    done = pytest_on(CHANGING, *scope, CRMCOM_BASE_URL=base, **LOGIN)

    assert done.ret == 1, str(done.stdout) + str(done.stderr)
    assert [f"before: {count}" in str(done.stdout) for count in (2, 1)] == [True, True]
    assert "others: " in str(done.stdout)
    assert "is out of scope, so it is not changed" in str(done.stdout)


def test_elsewhere_nothing_is_changed_unasked(
    serve: Callable[..., str], pytest_on: PytestOn
) -> None:
    """With nothing allowed all is read."""
    deletes = []
    app = create_app(release="R9")

    def foreign(environ: Any, start_response: Any) -> Any:
        """Count deletes, and hide that this is a mock."""

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [(name, value) for name, value in headers if not name.startswith("X-")]
            return start_response(status, kept, *more)

        deletes.extend(environ["PATH_INFO"].split("/delete")[1:])
        return app(environ, start)

    done = pytest_on(READING + CHANGING, CRMCOM_BASE_URL=serve(foreign), **LOGIN)

    assert done.ret == 1
    assert "known: " in str(done.stdout)
    assert "delete is not allowed; allow it with --allow delete" in str(done.stdout)
    assert deletes == []


def test_a_login_that_fails_shows_no_password(
    serve: Callable[..., str], pytest_on: PytestOn
) -> None:
    """Not even where the server repeats what it was sent."""

    def echo(environ: Any, start_response: Any) -> list[bytes]:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        body = json.dumps({"status": {"code": f"ERR {sent}", "message": sent}}).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    variables = {**LOGIN, "CRMCOM_PASSWORD": "hush", "CRMCOM_BASE_URL": serve(echo)}
    done = pytest_on(READING, **variables)

    assert done.ret == 1
    assert "refuses the login" in str(done.stdout)
    assert "hush" not in str(done.stdout) + str(done.stderr)


def wrong_in_show(environ: Any, start_response: Any) -> Any:
    """A mock that shows one webhook request with a number that is no text, and a wrong state."""
    started: list[Any] = []
    parts = _APP(environ, lambda *arguments: started.extend(arguments))
    body = b"".join(parts)
    if environ["PATH_INFO"].endswith("/show") and b'"number":"7"' in body:
        body = body.replace(b'"number":"7"', b'"number":7').replace(b"REJECTED", b"SENT")
    kept = [
        each for each in started[1] if each[0].lower() not in ("content-length", "x-crmcom-mock")
    ]
    start_response(started[0], [*kept, ("Content-Length", str(len(body)))])
    return [body]


_APP: Any = create_app(release="R9")
SHOWING = """
import warnings
import pytest
from hypothesis import given, strategies as st
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.pytest_fixtures import Target

SEVEN = {"webhook_request_identifier": {"number": "7"}}


@pytest.mark.parametrize("checked", [True, False])
def test_call(target: Target, checked):
    assert target.call("show", SEVEN, checked=checked).ok


def test_another_has_nothing_to_do_with_it(target):
    assert target.call("show", {"webhook_request_identifier": {"number": "8"}}).ok


@given(number=st.integers(5, 9))
def test_check(target, scene, number):
    parameters = {"token": scene.token, "webhook_request_identifier": {"number": str(number)}}
    print("sent", number)
    assert target.check(build(scene.methods["show"], parameters)).ok


def test_scene_stays_as_it_is(target, scene):
    before = len(scene.records())
    target.fresh()
    assert before == len(scene.records()) > 0
    assert len(target.records()) >= before
"""


def test_what_is_wrong_with_a_response_fails_the_test_that_sent_the_request(
    serve: Callable[..., str], pytest_on: PytestOn
) -> None:
    """At its end, or at once in ``check``, whatever the test asserts itself; and no other test."""
    done = pytest_on(SHOWING, "-rfE", CRMCOM_BASE_URL=serve(wrong_in_show), **LOGIN)

    text = str(done.stdout).partition("short test summary info")[0]  # on a CI it says all again
    done.assert_outcomes(failed=2, passed=3)
    lines = [line.strip().removeprefix("E").strip() for line in text.splitlines()]
    found = [line for line in lines if "broken by" in line and not line.startswith("FAILED")]
    name = "response.number is broken by show"
    assert found == [
        name,
        f"crmcom_kit.contract_tests.oracle.findings.BrokenResponseNumber: {name}",
    ]
    shown = "webhook_requests/show?token=$CRMCOM_TOKEN&webhook_request_identifier=number=7"
    assert lines.count(f"GET {shown}") == 2
    assert "number=7," in lines  # of what Hypothesis has drawn
    assert "scene=<scene: 122 webhook requests, R9.0.0>," in lines


OVERRIDING = """
import pytest


@pytest.fixture(scope="session")
def target_url():
    return "{base}"


def test_it(report):
    assert report["target"]["base_url"].startswith("{base}".partition("/crmapi")[0])
"""


def test_the_report_is_of_the_server_that_a_test_names(
    serve: Callable[..., str], pytest_on: PytestOn
) -> None:
    """An own target_url counts for the suite's run as it does for target."""
    text = OVERRIDING.format(base=serve(create_app(release="R9")))

    done = pytest_on(text, "--crmcom-max-requests", "20", **LOGIN)

    assert done.ret == 0, str(done.stdout) + str(done.stderr)


SUITE = ("--pyargs", "crmcom_kit.contract_tests", "-q", "-p", "no:cacheprovider")
LOGGING_IN = """
import time
from pathlib import Path


def test_with_both(target, report):
    assert report["summary"]["exit_code"] == 0
    assert target.call("list", {"entity": "JOBS"}).ok


def test_later(request):
    deadline = time.monotonic() + 60
    while not Path("a worker has ended").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    test_with_both(request.getfixturevalue("target"), request.getfixturevalue("report"))
"""
ENDING = """
from pathlib import Path


def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        folder = session.config.workerinput["crmcom_folder"]
        Path("a worker has ended").write_text(folder)
"""


def test_both_fixtures_log_in_together_as_seldom_as_a_run(
    serve: Callable[..., str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One login and one beside it, with two wrong passwords, in all processes together.

    The token stays as long as one of them may need it, and no longer.
    """
    monkeypatch.setenv("TMPDIR", str(pytester.path))
    logins: list[bool] = []

    class Counting(SoundServer):
        def do_login(self, call: Any) -> Any:
            parameters = call.parameters
            if parameters.get("username") == USERNAME:
                logins.append(parameters.get("password") == PASSWORD and len(parameters) == 3)
                logins[-1] &= parameters.get("organisation") == ORGANISATION
            return super().do_login(call)

    pytester.makeconftest(CONFTEST + ENDING)
    pytester.makepyfile(test_ours=LOGGING_IN)
    options = [
        *("--crmcom-base-url", serve(Counting()), "--crmcom-username", USERNAME),
        *("--crmcom-password", PASSWORD, "--crmcom-organisation", ORGANISATION),
        *("--crmcom-max-requests", "150"),
    ]

    done = pytester.runpytest_subprocess("-q", "-n", "2", *FEWER_PLUGINS, *options)

    done.assert_outcomes(passed=2)
    assert logins == [True, False, True, False]
    folder = Path(pytester.path.joinpath("a worker has ended").read_text())
    assert (folder.parent, folder.exists()) == (pytester.path, False)


def test_the_suite_has_the_statements_of_a_recordings_release(pytester: pytest.Pytester) -> None:
    """They are collected before anything is checked."""
    pytester.path.joinpath("r.har").write_text(archive([login()], _release="R15.0.0"))
    more = ("--crmcom-only", "entities.r15", "--collect-only")
    done = pytester.runpytest_inprocess(*SUITE, "--crmcom-from-har", "r.har", *more)
    done.stdout.fnmatch_lines("*::test_statement[[]entities.r15[]]")


def test_a_suite_that_cannot_run_has_one_error(pytester: pytest.Pytester) -> None:
    """An option that cannot be followed is one error, and so is a server that is not there."""
    pytester.path.joinpath("r.har").write_text(archive([login(), login("X", organisation="B")]))
    nowhere = ("--crmcom-base-url", "http://127.0.0.1:9/x", "--crmcom-token", "T")
    refused = {
        ("--crmcom-rate", "0"): "*--crmcom-rate: 0.0 is not allowed*",
        ("--crmcom-deviations", "no.toml"): "*--crmcom-deviations: no.toml cannot be read*",
        ("--crmcom-from-har", "r.har"): "*--crmcom-from-har: several organisations log in*",
        ("--crmcom-html", "no/such.html"): "*--crmcom-html: no/such.html cannot be written*",
    }

    for options, error in refused.items():
        done = pytester.runpytest_inprocess(*SUITE, *options)
        done.assert_outcomes(errors=1)
        done.stdout.fnmatch_lines(error)
    down = pytester.runpytest_inprocess(*SUITE, *nowhere, "--crmcom-only", "show.*")
    down.assert_outcomes(failed=1, skipped=5)
    down.stdout.fnmatch_lines("ERROR: The run failed: http://127.0.0.1:9/x does not respond*")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_the_suite_writes_reports_as_the_command_does(pytester: pytest.Pytester) -> None:
    """Each is for its owner; the outcome is theirs; what fails costs no test its result."""
    names = {"json": "r.json", "har": "r.har", "html": "/dev/full"}
    files = [part for name, file in names.items() for part in (f"--crmcom-{name}", file)]

    done = pytester.runpytest_inprocess(*SUITE, *files, "--crmcom-max-requests", "20")

    summary = json.loads((pytester.path / "r.json").read_text("utf-8"))["summary"]
    assert summary["outcome"] == "inconclusive"
    done.stdout.fnmatch_lines(f"INCONCLUSIVE: {as_in_pytest(summary['headline'])}")
    done.stdout.fnmatch_lines("--crmcom-html: cannot write /dev/full: *")
    counts = done.parseoutcomes()
    assert (counts["failed"], counts["passed"], counts["errors"]) == (1, summary["holds"], 1)
    entries = json.loads((pytester.path / "r.har").read_text("utf-8"))["log"]["entries"]
    assert len(entries) == summary["requests"]
    for name in ("r.json", "r.har"):
        assert (pytester.path / name).stat().st_mode & 0o077 == 0


def test_a_red_test_shows_its_script_whole(
    serve: Callable[..., str], pytester: pytest.Pytester
) -> None:
    """Line by line as the JSON report has it; what a note says of options is as pytest has them."""
    server = serve(ROWS["business_units_null_in_show"].server())
    user = ("--crmcom-username", USERNAME, "--crmcom-password", PASSWORD)
    login = ("--crmcom-base-url", server, *user, "--crmcom-organisation", ORGANISATION)

    done = pytester.runpytest_inprocess(
        *SUITE, *login, "--crmcom-max-requests", "100", "--crmcom-json", "r.json", "-rs"
    )

    assert done.ret == 1
    statements = json.loads((pytester.path / "r.json").read_text("utf-8"))["statements"]
    broken = [each for each in statements if each["verdict"] == "broken"]
    shown = str(done.stdout)
    assert broken
    for violation in (violation for each in broken for violation in each["violations"]):
        assert "curl" in violation["script"]
        assert "\n".join(f"  {line}" for line in violation["script"].splitlines()) in shown
    assert "needs --crmcom-allow resend" in shown


@pytest.mark.parametrize("lacks", [None, "hypothesis"])
def test_pytest_offers_the_options_only_with_the_extra(
    lacks: str | None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each help names options as pytest has them; a project without the extra sees none."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == lacks else find(name)
    )

    text = str(pytester.runpytest_inprocess("--help").stdout)

    assert "--crmcom-mock-release" in text
    assert ("--crmcom-base-url" in text) == (lacks is None)
    names = "|".join(option.name for option in RUN_OPTIONS)
    assert not re.search(rf"--({names})\b", text)
