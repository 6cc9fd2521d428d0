"""The mock in pytest: fixtures, options, strict tests, and a guard.

pytest loads this module in every run, so it imports nothing of the mock before a test uses it. The
hooks for tests that use the mock are in ``hooks``.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from crmcom_kit.mock_server.pytest_plugin import STRICTNESS, WOULD_FAIL

if TYPE_CHECKING:
    from crmcom_kit.mock_server.pytest_plugin.hooks import WatchedMock
    from crmcom_kit.mock_server.python_api import Mock, MockWorld

_STRICT = "crmcom_strict"
_PREFIX = "crmcom_mock_"
_STRICT_MODES = ("true", "false", "report")
_GUARD_MODES = ("auto", "always", "off")


class _Option(NamedTuple):
    """An option of the command line and of the configuration file."""

    name: str
    metavar: str
    help: str


_OPTIONS = (
    _Option("release", "RELEASE", "release that crmcom_mock emulates, R9 to R18 (default: R9)"),
    _Option("dialect", "NAME|FILE", "dialect of crmcom_mock: a built-in name or a TOML file"),
    _Option("profile", "FOLDER", "profile that crmcom_mock serves; crmcom-kit calibrate writes it"),
    _Option("data", "FILE", "world file that crmcom_mock starts from (default: the sample world)"),
    _Option("seed", "N", "seed of crmcom_mock's ids and tokens (default: 0)"),
    _Option(
        "guard",
        "auto|always|off",
        "block connections to the real CRM.COM: from the first use of crmcom_mock (auto, the "
        "default), from the start (always), or never (off)",
    ),
    _Option(
        "strict",
        "true|false|report",
        "fail a test for what it does not expect, such as a refused request or a fault that was "
        "never hit (true, the default), do not (false), or only list such tests (report)",
    ),
)
#: The name under which ``hooks.MockHooks`` is registered with pytest.
_HOOKS = "crmcom_mock_hooks"
_OUTPUT = "crmcom_mock_lines"
_REACHED = pytest.StashKey[list[str]]()
_KEYS = {
    _REACHED: "blocked: the real CRM.COM",
    WOULD_FAIL: "would fail with crmcom_mock_strict = true",
}
_MOCK_OPTIONS = pytest.StashKey[dict[str, Any]]()
_SUCCESS_CODES = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("crmcom-kit mock", "the mock of CRM.COM's Web API")
    for name, metavar, text in _OPTIONS:
        group.addoption(
            f"--crmcom-mock-{name}", dest=f"{_PREFIX}{name}", metavar=metavar, help=text
        )
        parser.addini(f"{_PREFIX}{name}", text)
    text = "hosts that the guard blocks (default: crm.com *.crm.com)"
    parser.addini("crmcom_mock_guard_hosts", text, type="args")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, refuse wrong options; start the guard if it is set to always."""
    config.addinivalue_line(
        "markers",
        f"{_STRICT}(strict=True): fail the test for what is unexpected in crmcom_mock's world, or "
        "do not (crmcom-kit)",
    )
    _mock_options(config)
    _one_of(config, "strict", _STRICT_MODES)
    if _one_of(config, "guard", _GUARD_MODES) == "always":
        _hooks(config, guards=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker without effect, as an error of its test; note how strict the test is."""
    for marker in item.iter_markers():
        if problem := _problem_of(marker, item.config):
            pytest.fail(f"{item.nodeid}: marker {marker.name}{problem}", pytrace=False)
    strict = item.get_closest_marker(_STRICT)
    configured = _one_of(item.config, "strict", _STRICT_MODES)
    item.config.stash[STRICTNESS] = configured if strict is None else str(_value_of(strict)).lower()


def _problem_of(marker: pytest.Mark, config: pytest.Config) -> str | None:
    """Return what is wrong with a marker of this plugin, also if its name is misspelled."""
    if marker.name == _STRICT and _value_of(marker) is None:
        seen = ", ".join(map(repr, (*marker.args, *marker.kwargs.items())))
        return f": seen {seen}; allowed is True, False or nothing"
    if any(re.match(rf"{re.escape(marker.name)}\b", line) for line in config.getini("markers")):
        return None
    if marker.name == "crmcom_fault":
        return " was removed; use crmcom_mock.fail(…) in the test or in a fixture"
    prefix, _, rest = marker.name.partition("_")
    if prefix == "crmcom" and get_close_matches(rest, ["strict"], cutoff=0.75):
        return f" is not registered; did you mean {_STRICT}?"
    return None


def _value_of(marker: pytest.Mark) -> bool | None:
    """Return True if a marker makes its test strict; None if its arguments are wrong."""
    values = (*marker.args, *marker.kwargs.values()) or (True,)
    is_known = len(values) == 1 and marker.kwargs.keys() <= {"strict"}
    return values[0] if is_known and isinstance(values[0], bool) else None


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect the lines of a worker of xdist."""
    for key, lines in zip(_KEYS, getattr(node, "workeroutput", {}).get(_OUTPUT, ()), strict=False):
        node.config.stash.setdefault(key, []).extend(lines)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that tried to reach a real host."""
    hooks = session.config.pluginmanager.get_plugin(_HOOKS)
    lines = session.config.stash.setdefault(_REACHED, [])
    lines += [] if hooks is None else hooks.attempt_lines()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OUTPUT] = [session.config.stash.get(key, []) for key in _KEYS]
    elif lines and session.exitstatus in _SUCCESS_CODES:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the attempts to reach a real host, and what would fail in a strict run."""
    for key, title in _KEYS.items():
        if lines := config.stash.get(key, []):
            terminalreporter.section(title, red=True, bold=True)
            for line in lines:
                terminalreporter.line(line)


def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    """Raise pytest.UsageError for a misspelled option, of which pytest only warns."""
    prefix, _, name = str(warning_message.message).strip().partition("Unknown config option: ")
    names = [f"{_PREFIX}{option.name}" for option in _OPTIONS]
    if not prefix and (matches := get_close_matches(name, names, n=1, cutoff=0.8)):
        msg = f"{name} is not the name of an option; did you mean {matches[0]}?"
        raise pytest.UsageError(msg)


def _mock_options(config: pytest.Config) -> dict[str, Any]:
    """Return the options of the mock that are set. Raises pytest.UsageError."""
    options: dict[str, Any] = {}
    for name in ("release", "dialect", "profile", "data", "seed"):
        value = config.getoption(f"crmcom_mock_{name}")
        folder = config.invocation_params.dir
        if value is None:
            value = config.getini(f"crmcom_mock_{name}") or None
            folder = config.rootpath if config.inipath is None else config.inipath.parent
        if value is not None:
            options[name] = _read(name, value, folder)
    return options


def _read(name: str, value: str, folder: Path) -> Any:
    from crmcom_kit import schemas
    from crmcom_kit.schemas.profile import ProfileError, read_profile

    if name == "seed":
        if not re.fullmatch("-?[0-9]{1,18}", value):
            msg = f"crmcom_mock_seed: {value!r} is not allowed; allowed is an integer"
            raise pytest.UsageError(msg)
        return int(value)
    if name == "data":
        return folder / value
    try:
        if name == "release":
            schemas.resolve(value)
            return value
        if name == "profile":
            read_profile(folder / value)
            return folder / value
        source = value if value in schemas.dialect_names() else folder / value
        schemas.load_dialect(source)
    except (schemas.UnknownRelease, schemas.DialectError, ProfileError) as error:
        msg = f"crmcom_mock_{name}: {error}"
        raise pytest.UsageError(msg) from None
    return source


def _one_of(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str:
    """Return the value of an option, by default the first choice. Raises pytest.UsageError."""
    name = f"{_PREFIX}{name}"
    value = str(config.getoption(name) or config.getini(name) or choices[0])
    if value.lower() not in choices:
        msg = f"{name}: {value!r} is not allowed; allowed is one of {', '.join(choices)}"
        raise pytest.UsageError(msg)
    return value.lower()


def _hooks(config: pytest.Config, *, guards: bool) -> Any:
    """Return the ``MockHooks`` of the run; register them at the first time."""
    hooks: Any = config.pluginmanager.get_plugin(_HOOKS)
    if hooks is None:
        from crmcom_kit.mock_server.pytest_plugin.hooks import MockHooks
        from crmcom_kit.mock_server.pytest_plugin.network_guard import HOSTS

        hooks = MockHooks((config.getini("crmcom_mock_guard_hosts") or HOSTS) if guards else ())
        config.pluginmanager.register(hooks, _HOOKS)
    return hooks


@pytest.fixture(scope="session")
def crmcom_mock_options(pytestconfig: pytest.Config) -> dict[str, Any]:
    """The options of the mock, see ``crmcom_kit.mock_server.crmcom_mock``.

    They come from the command line or the configuration file. Override this fixture in the
    conftest.py of the run to add others: all its tests have one mock.
    """
    return _mock_options(pytestconfig)


@pytest.fixture(scope="session")
def crmcom_mock_factory(
    pytestconfig: pytest.Config, crmcom_mock_options: dict[str, Any]
) -> "Callable[..., AbstractContextManager[Mock]]":
    """A function that makes another mock, with the options of the run and others.

    Its result is used in a ``with`` block, at whose end the mock stops. Strict tests are as strict
    about its requests as about those of ``crmcom_mock``, and a failed test's report has them.
    """
    hooks = _hooks(pytestconfig, guards=_one_of(pytestconfig, "guard", _GUARD_MODES) != "off")
    if not isinstance(crmcom_mock_options, Mapping) or "strict" in crmcom_mock_options:
        msg = (
            f"crmcom_mock_options: seen {crmcom_mock_options!r}; allowed are options of "
            "crmcom_mock, a dict, without strict, which crmcom_mock_strict sets"
        )
        pytest.fail(msg, pytrace=False)
    return partial(hooks.mock, pytestconfig, crmcom_mock_options)


@pytest.fixture(scope="session")
def _crmcom_mock_server(
    pytestconfig: pytest.Config,
    crmcom_mock_factory: "Callable[..., AbstractContextManager[Mock]]",
    crmcom_mock_options: dict[str, Any],
) -> "Iterator[WatchedMock]":
    """A mock for the whole run (one per worker of xdist), of which each test has a world."""
    from crmcom_kit.mock_server.pytest_plugin.hooks import WatchedMock

    del crmcom_mock_factory  # it has checked the options
    try:
        mock = WatchedMock(**crmcom_mock_options)
    except ValueError as error:  # its message names the option and the allowed values
        msg = f"crmcom_mock: {error}"
        raise pytest.fail.Exception(msg, pytrace=False) from None
    pytestconfig.stash[_MOCK_OPTIONS] = crmcom_mock_options
    with mock:
        yield mock


@pytest.fixture
def crmcom_mock(
    request: pytest.FixtureRequest,
    _crmcom_mock_server: "WatchedMock",
    crmcom_mock_options: dict[str, Any],
) -> "Iterator[MockWorld]":
    """A separate world for the test, with the mock's initial content; it ends with the test."""
    from crmcom_kit.mock_server.pytest_plugin.hooks import world_of_test

    if crmcom_mock_options != request.config.stash.get(_MOCK_OPTIONS, crmcom_mock_options):
        msg = (
            "crmcom_mock_options: these options differ from those of the run's mock; override "
            "it in the conftest.py of the whole run, or make a mock with other options in a "
            "fixture: with crmcom_mock_factory(…) as mock"
        )
        pytest.fail(msg, pytrace=False)
    with world_of_test(_crmcom_mock_server, request.node) as world:
        yield world
