"""What the mock adds to a test run, and how long a run of the contract kit takes."""

import resource
import sys
from time import perf_counter, process_time

import httpx

from benchmarks.processes import CLIENT, KIT, WORK, run
from benchmarks.report import Plan, Section, spread
from crmcom_kit.mock_server import crmcom_mock

_TESTS = {
    "plain": "def test_it(thing, at):\n    pass\n",
    "mock": "def test_it(crmcom_mock, at):\n    pass\n",
}
_CONFTEST = "import pytest\n\n@pytest.fixture\ndef thing():\n    yield 1\n"
_MANY = 501
_CALLS = 200


def measure(plan: Plan) -> Section:
    """Measure runs of pytest, a mock in this process, and ``crmcom-kit check``."""
    section = Section("Tests")
    samples = (
        _pytest(plan) | _in_process(plan) | plan.visit({"a run of `crmcom-kit check`": _check})
    )
    section.table(("what", "ms"), ((name, spread(values)) for name, values in samples.items()))
    return section


def _pytest(plan: Plan) -> dict[str, list[float]]:
    """Return what a test costs that uses the plugin, beyond one with a fixture of two lines."""
    folder = WORK / "tests"
    folder.mkdir(exist_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(_CONFTEST)
    for kind in _TESTS:
        _pytest_ms(kind, 1)
    first, further = list[float](), list[float]()
    for _ in range(plan.rounds):
        first_only = {kind: _pytest_ms(kind, 1) for kind in _TESTS}
        many = {kind: _pytest_ms(kind, _MANY) for kind in _TESTS}
        first.append(first_only["mock"] - first_only["plain"])
        further.append((many["mock"] - many["plain"] - first[-1]) / (_MANY - 1))
    return {
        "pytest: the first test of a run with `crmcom_mock`, more CPU time": first,
        "pytest: each further one, more CPU time": further,
    }


def _pytest_ms(kind: str, count: int) -> float:
    """Return the CPU time of a whole run of pytest with so many tests."""
    path = WORK / "tests" / f"test_{kind}_{count}.py"
    mark = f"import pytest\n\n\n@pytest.mark.parametrize('at', range({count}))\n"
    path.write_text(mark + _TESTS[kind])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def _in_process(plan: Plan) -> dict[str, list[float]]:
    nothing = httpx.MockTransport(lambda _: httpx.Response(200, content=b"{}"))
    with (
        crmcom_mock() as mock,
        mock.client() as client,
        httpx.Client(transport=nothing, base_url=client.base_url) as bare,
    ):
        _first_response_ms()  # imports what a server needs
        return plan.visit(
            {
                "`crmcom_mock()` in process: create, serve, first response": _first_response_ms,
                "a `show` by `mock.client()`, CPU time": lambda: _show_ms(client),
                "of that httpx alone, with a transport that does nothing": lambda: _show_ms(bare),
            }
        )


def _first_response_ms() -> float:
    began = perf_counter()
    with crmcom_mock() as mock:
        CLIENT.get(f"{mock.url}/webhook_requests/show")  # the address starts the server
        return (perf_counter() - began) * 1000


def _show_ms(client: httpx.Client) -> float:
    query = {"token": "crmcom-mock-token", "webhook_request_identifier": "number=7"}
    began = process_time()
    for _ in range(_CALLS):
        client.get("webhook_requests/show", params=query)
    return (process_time() - began) / _CALLS * 1000


def _check() -> float:
    began = perf_counter()
    run([*KIT, "check"])
    return (perf_counter() - began) * 1000
