"""The mock in pytest: fixtures, options, a marker for faults, and a guard.

pytest loads this module in every run, so it imports nothing of the mock before a test asks for it.
What it does for tests that use the mock is in ``plugin_watch``.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from crmcom_kit.mock_server.python_api import Mock, MockWorld

_FAULT = "crmcom_fault"
_GUARDED = ("auto", "always", "off")
# Name, metavar, help. Each is an option of the command line, and of the configuration file.
_OPTIONS = (
    ("release", "RELEASE", "release that crmcom_mock emulates, R9 to R18; R9 where left out"),
    ("dialect", "NAME|FILE", "dialect that crmcom_mock speaks"),
    ("data", "FILE", "world file that crmcom_mock starts from; the sample world where left out"),
    ("seed", "N", "what crmcom_mock makes ids and tokens from; 0 where left out"),
    (
        "guard",
        "auto|always|off",
        "keep tests from reaching the real CRM.COM: once one has used crmcom_mock, from the start, "
        "or never; auto where left out",
    ),
)
#: How the one that watches the tests is called among pytest's plugins.
_WATCH = "crmcom_mock_watch"
_OUTPUT = "crmcom_mock_reached"
_REACHED = pytest.StashKey[list[str]]()
_FINE = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options."""
    group = parser.getgroup("crmcom-kit mock", "the mock of CRM.COM's Web API")
    for name, metavar, text in _OPTIONS:
        group.addoption(
            f"--crmcom-mock-{name}", dest=f"crmcom_mock_{name}", metavar=metavar, help=text
        )
        parser.addini(f"crmcom_mock_{name}", text)
    text = "hosts that the guard takes for the real CRM.COM; crm.com *.crm.com where left out"
    parser.addini("crmcom_mock_guard_hosts", text, type="args")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, refuse wrong options; guard from the start where that is asked for."""
    config.addinivalue_line(
        "markers",
        f"{_FAULT}(preset, **fault): what goes wrong in crmcom_mock's world during the test; the "
        "arguments are those of its fail() (crmcom-kit)",
    )
    _given(config)
    if _guarding(config) == "always":
        _watch(config, guards=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a fault that would hit nothing, as an error of the one test that wants it."""
    if item.get_closest_marker(_FAULT) and "crmcom_mock" not in getattr(item, "fixturenames", ()):
        msg = f"{item.nodeid}: marker {_FAULT} without crmcom_mock; the test must ask for it"
        pytest.fail(msg, pytrace=False)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of xdist has seen."""
    seen = getattr(node, "workeroutput", {}).get(_OUTPUT, ())
    node.config.stash.setdefault(_REACHED, []).extend(seen)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which something tried to reach a real host."""
    reached = _reached(session.config)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OUTPUT] = reached
    elif reached and session.exitstatus in _FINE:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which test tried to reach which real host."""
    reached = _reached(config)
    if reached:
        terminalreporter.section("blocked: the real CRM.COM", red=True, bold=True)
        for line in reached:
            terminalreporter.line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let everything through again."""
    watch = config.pluginmanager.get_plugin(_WATCH)
    if watch is not None:
        watch.end()


def _reached(config: pytest.Config) -> list[str]:
    """Return who tried to reach which real host, workers of xdist included; one text each."""
    watch = config.pluginmanager.get_plugin(_WATCH)
    here = [] if watch is None else watch.reached()
    return [*here, *config.stash.get(_REACHED, [])]


def _given(config: pytest.Config) -> dict[str, Any]:
    """Return the mock's options that are given; imports nothing where there are none."""
    names = [name for name, _, _ in _OPTIONS if name != "guard"]
    keys = [f"crmcom_mock_{name}" for name in names]
    if not any(config.getoption(key) is not None or config.getini(key) for key in keys):
        return {}
    from crmcom_kit.mock_server.pytest_plugin.options import given_options

    return given_options(config, names)


def _guarding(config: pytest.Config) -> str:
    found = str(config.getoption("crmcom_mock_guard") or config.getini("crmcom_mock_guard"))
    if found not in ("", *_GUARDED):
        msg = (
            f"crmcom_mock_guard: {found!r} is not allowed; allowed is one of {', '.join(_GUARDED)}"
        )
        raise pytest.UsageError(msg)
    return found or "auto"


def _watch(config: pytest.Config, *, guards: bool) -> None:
    """Watch the tests from now on."""
    if not config.pluginmanager.has_plugin(_WATCH):
        from crmcom_kit.mock_server.pytest_plugin.hooks import Watch

        hosts = config.getini("crmcom_mock_guard_hosts") if guards else None
        config.pluginmanager.register(Watch(hosts), _WATCH)


@pytest.fixture(scope="session")
def crmcom_mock_options(pytestconfig: pytest.Config) -> dict[str, Any]:
    """The options of the mock, those of ``crmcom_kit.mock_server.crmcom_mock``.

    They come from the command line or the configuration file; a fixture of the same name in a
    conftest.py can add others.
    """
    return _given(pytestconfig)


@pytest.fixture(scope="session")
def crmcom_mock_server(
    pytestconfig: pytest.Config, crmcom_mock_options: dict[str, Any]
) -> "Iterator[Mock]":
    """A mock for the whole run, one in each worker of xdist; tests share its default world."""
    from crmcom_kit.mock_server.python_api import crmcom_mock

    _watch(pytestconfig, guards=_guarding(pytestconfig) != "off")
    try:
        mock = crmcom_mock(**crmcom_mock_options)
    except ValueError as error:  # its text says which option, what was seen and what is allowed
        msg = f"crmcom_mock: {error}"
        raise pytest.fail.Exception(msg, pytrace=False) from None
    with mock:
        yield mock


@pytest.fixture
def crmcom_mock(
    request: pytest.FixtureRequest, crmcom_mock_server: "Mock"
) -> "Iterator[MockWorld]":
    """A world of the test's own, which begins as the mock began and is ended with the test."""
    from crmcom_kit.mock_server.pytest_plugin.hooks import lent

    marks = reversed([*request.node.iter_markers(_FAULT)])
    with lent(crmcom_mock_server, request.node, [(mark.args, mark.kwargs) for mark in marks]) as it:
        yield it
