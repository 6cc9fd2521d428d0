"""The pytest plugin: what it costs runs and tests, and how long a mock takes to stop.

Times of pytest are CPU times of whole runs in processes of their own, and the costs are differences
between two runs of one round, so that what pytest itself takes falls out. Other plugins are left
out, and compiled files are kept, as they are where people work.
"""

import resource
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import httpx

from benchmarks.options import SERVER_CORE, WORK, Options
from benchmarks.processes import pinned, run
from crmcom_kit.mock_server import crmcom_mock

WITHOUT, UNUSED = "pytest without the plugin", "pytest, plugin unused"
PLAIN, MOCK = "tests with a fixture of two lines", "tests with crmcom_mock"
IDLE, BUSY = "idle connections", "a call that runs for a minute"
_ENVIRONMENT = (
    "-u", "PYTHONDONTWRITEBYTECODE", f"PYTHONPYCACHEPREFIX={WORK / 'compiled'}",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
)  # fmt: skip
_FEW, _MANY, _QUICK = 50, 350, 100
_FILES = {
    UNUSED: "def test_it():\n    pass\n",
    PLAIN: "import pytest\n\n@pytest.fixture\ndef thing():\n    yield 1\n\n"
    "@pytest.mark.parametrize('at', range({count}))\ndef test_it(thing, at):\n    pass\n",
    MOCK: "import pytest\n\n"
    "@pytest.mark.parametrize('at', range({count}))\ndef test_it(crmcom_mock, at):\n    pass\n",
}


def measure(options: Options) -> dict[str, Any]:
    """Visit every row in every round; one visit of each before that warms the file cache."""
    many = _QUICK if options.quick else _MANY
    rows: dict[str, Callable[[], float]] = {
        WITHOUT: lambda: _cpu_ms(UNUSED, 1, with_plugin=False),
        UNUSED: lambda: _cpu_ms(UNUSED, 1),
        **{
            row_name(what, count): lambda what=what, count=count: _cpu_ms(what, count)
            for what in (PLAIN, MOCK)
            for count in (_FEW, many)
        },
        IDLE: lambda: _stop_ms(busy=False),
        BUSY: lambda: _stop_ms(busy=True),
    }
    found: dict[str, list[float]] = {name: [] for name in rows}
    for at in range(options.rounds * (1 if options.quick else 3) + 1):
        for name, visit in rows.items():
            took = visit()
            if at:
                found[name].append(took)
    for name, values in found.items():
        click.echo(f"plugin {name}: {min(values):.1f} ms at best")
    return {"few": _FEW, "many": many, "ms": found}


def row_name(what: str, count: int) -> str:
    """Return the name of a row of so many tests."""
    return f"{count} {what}"


def _cpu_ms(what: str, count: int, *, with_plugin: bool = True) -> float:
    """Return the CPU time of a whole run of pytest."""
    folder = WORK / "plugin"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    path = Path(folder / f"test_{list(_FILES).index(what)}_{count}.py")
    text = _FILES[what].format(count=count)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    flags = ["-p", "crmcom_kit.mock_server.pytest_plugin.plugin"] if with_plugin else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *flags, str(path)]
    before = _children()
    run(pinned(["env", *_ENVIRONMENT, *command], SERVER_CORE))
    return (_children() - before) * 1000


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _stop_ms(*, busy: bool) -> float:
    """Return how long a mock takes to stop."""
    with crmcom_mock(data=()) as mock, ExitStack() as open_ones:
        port = int(mock.origin.rpartition(":")[2])
        for _ in range(8):
            one = open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
            one.sendall(b"GET /__admin/health HTTP/1.1\r\nHost: mock\r\n\r\n")
            one.recv(65_536)
        if busy:
            mock.fail(delay=60_000)
            thread = threading.Thread(target=_call, args=(mock.url,))
            thread.start()
            open_ones.callback(thread.join)
            while not mock.emulated.faults.all()[0].hits:
                pass
        began = perf_counter()
        mock.stop()
        return (perf_counter() - began) * 1000


def _call(url: str) -> None:
    with suppress(httpx.HTTPError):
        httpx.get(f"{url}/webhook_requests/list", timeout=20)


# What the rows come to, by rounds.


def unused(part: Any) -> list[float]:
    """Return what the plugin adds to a run that does not use it, in ms."""
    return _differences(part, UNUSED, WITHOUT)


def a_test(part: Any) -> list[float]:
    """Return what a test more costs that uses ``crmcom_mock``, beyond a plain one, in ms."""
    few, many = part["few"], part["many"]
    whole, start = (_beyond(part, count) for count in (many, few))
    return [(b - a) / (many - few) for a, b in zip(start, whole, strict=True)]


def first_use(part: Any) -> list[float]:
    """Return what the first test of a run costs that uses ``crmcom_mock``, in ms."""
    few = part["few"]
    pairs = zip(_beyond(part, few), a_test(part), strict=True)
    return [start - few * each for start, each in pairs]


def _beyond(part: Any, count: int) -> list[float]:
    return _differences(part, row_name(MOCK, count), row_name(PLAIN, count))


def _differences(part: Any, over: str, under: str) -> list[float]:
    ms = part["ms"]
    return [a - b for a, b in zip(ms[over], ms[under], strict=True)]
