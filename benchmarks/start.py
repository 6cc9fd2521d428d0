"""Starts: of the servers, of a mock in a test, of the contract kit's run."""

import resource
import sys
from statistics import median
from time import perf_counter

from benchmarks.peers import peer_rows
from benchmarks.processes import CLIENT, SERVER_CORE, WORK, NotMeasured, Server, run
from benchmarks.report import Plan, Section, spread
from benchmarks.rows import BARE_LOGGED, KIT, MOCK, STUB, own_rows, write_body
from crmcom_kit.mock_server import crmcom_mock

_TESTS = {
    "plain": "def test_it(thing, at):\n    pass\n",
    "fixture": "def test_it(crmcom_mock, at):\n    pass\n",
    "call": "def test_it(crmcom_mock, at):\n    with crmcom_mock.client() as client:\n"
    "        client.get('webhook_requests/show')\n",
}
_MANY = 501


def measure(plan: Plan) -> Section:
    """Visit every row in every round; a visit before that warms the file cache."""
    section = Section("Starts")
    _servers(plan, section)
    rows = [*_tests(plan), *_mocks(plan)]
    try:
        rows.append(("`crmcom-kit check`: a whole run", _checks(plan)))
    except NotMeasured as error:
        section.missing.append(str(error))
    section.table(("what", "ms"), ((name, spread(values)) for name, values in rows))
    return section


def _servers(plan: Plan, section: Section) -> None:
    body = write_body()
    rows = [row for row in own_rows() if row.name in (MOCK, BARE_LOGGED, STUB)]
    rows += peer_rows(body, section.missing)
    first: dict[str, list[float]] = {}
    ready: list[float] = []
    memory: dict[str, float] = {}
    for at in range(plan.rounds + 1):
        for row in rows:
            try:
                with Server(row.command, row.name) as server:
                    seconds = server.until_ready() if row.name == MOCK else 0.0
                    answered = server.until_answer(row.target)
                    memory[row.name] = server.memory_mb()
            except NotMeasured as error:
                section.missing.append(f"start of {row.name} ({error})")
                continue
            if at:
                first.setdefault(row.name, []).append(answered * 1000)
                ready += [seconds * 1000] if seconds else []
    section.lines += [f"The mock prints READY {spread(ready)} ms after its process starts.", ""]
    section.table(
        ("server", "first answer, ms", "idle, MB"),
        ((name, spread(values), f"{memory[name]:.0f}") for name, values in first.items()),
    )
    for row in rows:
        if row.is_peer and row.name in first:
            ours, theirs = median(first[MOCK]), median(first[row.name])
            section.compare("start", ours, row.name, theirs, unit="ms", more_is_better=False)
            ours, theirs = memory[MOCK], memory[row.name]
            section.compare("idle", ours, row.name, theirs, unit="MB", more_is_better=False)


def _tests(plan: Plan) -> list[tuple[str, list[float]]]:
    """Return what a test costs that uses the plugin, beyond one with a fixture of two lines."""
    folder = WORK / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef thing():\n    yield 1\n"
    )
    for kind in _TESTS:
        _pytest_ms(kind, 1)
    first, fixture, call = list[float](), list[float](), list[float]()
    for _ in range(plan.rounds):
        one = {kind: _pytest_ms(kind, 1) for kind in _TESTS}
        many = {kind: _pytest_ms(kind, _MANY) for kind in _TESTS}
        each = {kind: (many[kind] - one[kind]) / (_MANY - 1) for kind in _TESTS}
        first.append(one["fixture"] - one["plain"])
        fixture.append(each["fixture"] - each["plain"])
        call.append(each["call"] - each["plain"])
    return [
        ("pytest: the first test of a run with `crmcom_mock`, more CPU time", first),
        ("pytest: each further one, more CPU time", fixture),
        ("pytest: each further one that makes a call by a client of its own", call),
    ]


def _pytest_ms(kind: str, count: int) -> float:
    """Return the CPU time of a whole run of pytest with so many tests."""
    path = WORK / "tests" / f"test_{kind}_{count}.py"
    mark = f"import pytest\n\n\n@pytest.mark.parametrize('at', range({count}))\n"
    path.write_text(mark + _TESTS[kind])
    plugins = ["-p", "no:cacheprovider"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run([sys.executable, "-m", "pytest", "-q", *plugins, str(path)], core=SERVER_CORE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def _checks(plan: Plan) -> list[float]:
    """Return how long the kit takes to check a mock of its own. Raises NotMeasured."""
    took = []
    for _ in range(plan.pick(3, 1)):
        began = perf_counter()
        run([*KIT, "check"], core=SERVER_CORE)
        took.append((perf_counter() - began) * 1000)
    return took


def _mocks(plan: Plan) -> list[tuple[str, list[float]]]:
    """Return how long a mock in this process takes to start, and to stop."""
    starting, stopping = list[float](), list[float]()
    for _ in range(plan.rounds * 2):
        began = perf_counter()
        with crmcom_mock() as mock:
            CLIENT.get(f"{mock.url}/webhook_requests/show")  # the address starts the server
            starting.append((perf_counter() - began) * 1000)
            began = perf_counter()
            mock.stop()
            stopping.append((perf_counter() - began) * 1000)
    return [
        ("`crmcom_mock()` in process: create, serve, first answer", starting),
        ("`crmcom_mock()` in process: stop, with an idle connection", stopping),
    ]
