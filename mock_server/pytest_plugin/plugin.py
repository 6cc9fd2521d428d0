"""The mock in pytest: fixtures, options, a marker for faults, and a guard.

pytest loads this module in every run, so it imports nothing of the mock before a test uses it. The
hooks for tests that use the mock are in ``hooks``.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from crmcom_kit.mock_server.python_api import Mock, MockWorld

_FAULT = "crmcom_fault"
_STRICT = "crmcom_strict"
_MODES = ("auto", "always", "off")


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
)
#: The name under which ``hooks.MockHooks`` is registered with pytest.
_HOOKS = "crmcom_mock_hooks"
_OUTPUT = "crmcom_mock_reached"
_ATTEMPTS = pytest.StashKey[list[str]]()
_MOCK_OPTIONS = pytest.StashKey[dict[str, Any]]()
_SUCCESS_CODES = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("crmcom-kit mock", "the mock of CRM.COM's Web API")
    for name, metavar, text in _OPTIONS:
        group.addoption(
            f"--crmcom-mock-{name}", dest=f"crmcom_mock_{name}", metavar=metavar, help=text
        )
        parser.addini(f"crmcom_mock_{name}", text)
    text = (
        "fail a test for refusals and parameters of its requests that it does not expect, for "
        "faults and scripts that were never used, and for expected refusals that never came"
    )
    group.addoption("--crmcom-mock-strict", action="store_true", help=text)
    parser.addini("crmcom_mock_strict", text, type="bool", default=False)
    text = "hosts that the guard blocks (default: crm.com *.crm.com)"
    parser.addini("crmcom_mock_guard_hosts", text, type="args")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, refuse wrong options; start the guard if it is set to always."""
    config.addinivalue_line(
        "markers",
        f"{_FAULT}(preset, **fault): inject a fault into crmcom_mock's world during the test; the "
        "arguments are those of its fail() (crmcom-kit)",
    )
    config.addinivalue_line(
        "markers",
        f"{_STRICT}(strict=True): fail the test for what is unexpected in crmcom_mock's world, or "
        "do not (crmcom-kit)",
    )
    _mock_options(config)
    if _guard_mode(config) == "always":
        _register_hooks(config, guards=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker without effect, as an error of its test."""
    for marker in item.iter_markers():
        if ours := _misspelled(marker.name, item.config):
            msg = f"{item.nodeid}: marker {marker.name} is not registered; did you mean {ours}?"
            pytest.fail(msg, pytrace=False)
        if marker.name == _STRICT and _strict(marker) is None:
            args = ", ".join(map(repr, (*marker.args, *marker.kwargs.items())))
            msg = f"{item.nodeid}: marker {_STRICT}: seen {args}; allowed is True, False or nothing"
            pytest.fail(msg, pytrace=False)
    if item.get_closest_marker(_FAULT) and "crmcom_mock" not in getattr(item, "fixturenames", ()):
        msg = (
            f"{item.nodeid}: marker {_FAULT} without crmcom_mock; "
            "add crmcom_mock to the test's arguments"
        )
        pytest.fail(msg, pytrace=False)


def _misspelled(name: str, config: pytest.Config) -> str | None:
    """Return the marker of this plugin that an unregistered marker resembles, or None."""
    prefix, _, rest = name.partition("_")
    if prefix != "crmcom" or name in (_FAULT, _STRICT):
        return None
    if any(re.match(rf"{re.escape(name)}\b", line) for line in config.getini("markers")):
        return None
    matches = get_close_matches(rest, ("fault", "strict"), n=1, cutoff=0.75)
    return f"crmcom_{matches[0]}" if matches else None


def _strict(marker: pytest.Mark) -> bool | None:
    """Return True if a marker makes its test strict; None if its arguments are wrong."""
    values = (*marker.args, *marker.kwargs.values()) or (True,)
    is_known = len(values) == 1 and marker.kwargs.keys() <= {"strict"}
    return values[0] if is_known and isinstance(values[0], bool) else None


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect the attempts in a worker of xdist."""
    lines = getattr(node, "workeroutput", {}).get(_OUTPUT, ())
    node.config.stash.setdefault(_ATTEMPTS, []).extend(lines)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that tried to reach a real host."""
    lines = _attempt_lines(session.config)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OUTPUT] = lines
    elif lines and session.exitstatus in _SUCCESS_CODES:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the attempts to reach a real host."""
    lines = _attempt_lines(config)
    if lines:
        terminalreporter.section("blocked: the real CRM.COM", red=True, bold=True)
        for line in lines:
            terminalreporter.line(line)


def _attempt_lines(config: pytest.Config) -> list[str]:
    """Return one line for each attempt to reach a real host, also in workers of xdist."""
    hooks = config.pluginmanager.get_plugin(_HOOKS)
    lines = [] if hooks is None else hooks.attempt_lines()
    return [*lines, *config.stash.get(_ATTEMPTS, [])]


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
    if config.getoption("crmcom_mock_strict") or config.getini("crmcom_mock_strict"):
        options["strict"] = True
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


def _guard_mode(config: pytest.Config) -> str:
    mode = str(config.getoption("crmcom_mock_guard") or config.getini("crmcom_mock_guard"))
    if mode not in ("", *_MODES):
        msg = f"crmcom_mock_guard: {mode!r} is not allowed; allowed is one of {', '.join(_MODES)}"
        raise pytest.UsageError(msg)
    return mode or "auto"


def _register_hooks(config: pytest.Config, *, guards: bool) -> None:
    """Register the hooks for tests that use the mock, once."""
    if not config.pluginmanager.has_plugin(_HOOKS):
        from crmcom_kit.mock_server.pytest_plugin.hooks import MockHooks
        from crmcom_kit.mock_server.pytest_plugin.network_guard import HOSTS

        hosts = (config.getini("crmcom_mock_guard_hosts") or HOSTS) if guards else ()
        config.pluginmanager.register(MockHooks(hosts), _HOOKS)


@pytest.fixture(scope="session")
def crmcom_mock_options(pytestconfig: pytest.Config) -> dict[str, Any]:
    """The options of the mock, see ``crmcom_kit.mock_server.crmcom_mock``.

    They come from the command line or the configuration file. Override this fixture in the
    conftest.py of the run to add others: all its tests have one mock.
    """
    return _mock_options(pytestconfig)


@pytest.fixture(scope="session")
def crmcom_mock_server(
    pytestconfig: pytest.Config, crmcom_mock_options: dict[str, Any]
) -> "Iterator[Mock]":
    """A mock for the whole run (one per worker of xdist); tests share its default world."""
    from crmcom_kit.mock_server.python_api import crmcom_mock

    _register_hooks(pytestconfig, guards=_guard_mode(pytestconfig) != "off")
    options = {**crmcom_mock_options}
    options.pop("strict", None)  # it applies to tests
    try:
        mock = crmcom_mock(**options)
    except ValueError as error:  # its message names the option and the allowed values
        msg = f"crmcom_mock: {error}"
        raise pytest.fail.Exception(msg, pytrace=False) from None
    pytestconfig.stash[_MOCK_OPTIONS] = crmcom_mock_options
    with mock:
        yield mock


@pytest.fixture
def crmcom_mock(
    request: pytest.FixtureRequest, crmcom_mock_server: "Mock", crmcom_mock_options: dict[str, Any]
) -> "Iterator[MockWorld]":
    """A separate world for the test, with the mock's initial content; it ends with the test."""
    from crmcom_kit.mock_server.pytest_plugin.hooks import world_of_test

    if crmcom_mock_options != request.config.stash.get(_MOCK_OPTIONS, crmcom_mock_options):
        msg = (
            "crmcom_mock_options: these options differ from those of the run's mock; override "
            "it in the conftest.py of the whole run, or make a mock with other options in a "
            "fixture: with crmcom_kit.mock_server.crmcom_mock(…) as mock"
        )
        pytest.fail(msg, pytrace=False)
    marks = reversed([*request.node.iter_markers(_FAULT)])
    faults = [(mark.args, mark.kwargs) for mark in marks]
    mark = request.node.get_closest_marker(_STRICT)
    is_strict = crmcom_mock_options.get("strict", False)
    if mark is not None:
        is_strict = _strict(mark)
    with world_of_test(crmcom_mock_server, request.node, faults, strict=is_strict) as world:
        yield world
