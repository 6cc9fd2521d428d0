"""Reports of the pytest plugin: the calls of a failed test, and attempts to reach a real host."""

from typing import Any

import pytest

pytest_plugins = ["pytester"]

REACHING = """
import contextlib, socket, threading

def reach(host):
    with contextlib.suppress(Exception):
        socket.create_connection((host, 443), 5)

def test_careless(crmcom_mock):
    thread = threading.Thread(target=reach, args=("rest.crm.com",))
    thread.start()
    thread.join()

def test_without_the_mock():
    reach("crm.com")

def test_loud(crmcom_mock):
    socket.create_connection(("api.crm.com", 443), 5)

def test_fine(crmcom_mock):
    reach("127.0.0.1")
"""
BLOCKED = "*blocked: the real CRM.COM*"
NAMED = [
    "test_it.py::test_careless tried to reach rest.crm.com",
    "test_it.py::test_without_the_mock tried to reach crm.com",
    "test_it.py::test_loud tried to reach api.crm.com",
]


def test_a_test_that_reaches_a_real_host_fails_and_is_named(run: Any) -> None:
    """The test fails even where it swallows the error, and the end of the run names all."""
    result = run(REACHING)

    result.assert_outcomes(passed=1, failed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*RealHostReached: host: 'api.crm.com'*", BLOCKED, *NAMED])


def test_xdist_workers_report_blocked_hosts(run: Any) -> None:
    """The end of a parallel run names them, too, and it fails."""
    result = run(REACHING, "-n", "1", in_new_process=True)

    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines([BLOCKED, *NAMED])


def test_a_run_fails_where_no_test_is_to_blame(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is reached while tests are collected, or by a fixture's end, fails the run."""
    tests = """
import contextlib, socket

with contextlib.suppress(Exception):
    socket.getaddrinfo("crm.com", 443)

def test_fine():
    pass
"""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # of this test itself
    result = run(tests, ini="crmcom_mock_guard = always")

    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([BLOCKED, "something outside any test tried to reach crm.com"])


@pytest.mark.parametrize(
    ("fixture", "guard", "is_guarded"),
    [("", "auto", False), ("", "always", True), ("crmcom_mock", "off", False)],
)
def test_a_run_that_uses_no_mock_is_not_guarded(
    run: Any, fixture: str, guard: str, *, is_guarded: bool
) -> None:
    """Other people's tests do as they like, unless the guard is asked for."""
    tests = f"""
import contextlib, socket

def test_it({fixture}):
    with contextlib.suppress(OSError):
        socket.create_connection(("nobody.crm.invalid", 443), 5)
"""
    hosts = "crmcom_mock_guard_hosts = *.crm.invalid"
    result = run(tests, f"--crmcom-mock-guard={guard}", ini=hosts)
    result.assert_outcomes(passed=not is_guarded, failed=is_guarded)


def test_a_failed_test_shows_the_requests_to_its_world(run: Any) -> None:
    """With requests and responses, without secrets, also if a fixture's end fails."""
    result = run("""
@pytest.fixture
def late():
    yield
    assert False

def test_fails_late(late, crmcom_mock):
    show(crmcom_mock, "7")

def test_passes(crmcom_mock):
    show(crmcom_mock, "8")

def test_fails(crmcom_mock):
    show(crmcom_mock, "none")
    with crmcom_mock.fail(status=503):
        delete(crmcom_mock, "9")
    show(crmcom_mock.world("second"), "10")
    crmcom_mock.world("third")
    assert False
""")

    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*crmcom_mock: requests of world test_fails_late-*",
            "*webhook_requests/show*number%3D7* returned 200*",
            "*crmcom_mock: requests of world test_fails-*",
            "*GET */webhook_requests/show*number%3Dnone*",
            '*broke identifier.known: no webhook request has the number "none"; use *',
            "*POST */webhook_requests/delete returned 503 (fault status 503)",
            '*sent {"token":"*","webhook_request_identifier":{"number":"9"}}',
            "*crmcom_mock: requests of world second*",
            "*GET */webhook_requests/show*number%3D10*",
            "*crmcom_mock: requests of world third*",
            "none below /worlds/third/crmapi/rest/v2",
        ]
    )
    shown = result.stdout.str()
    assert shown.count("requests of world") == 4
    assert "crmcom-mock-token" not in shown.partition("requests of world")[2]
