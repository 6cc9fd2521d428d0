"""The pytest plugin, in runs of their own: fixtures, options, the marker for faults, reports."""

import re

import pytest
from helpers.inner_runs import Run

from crmcom_kit.mock_server.pytest_plugin.hooks import world_name

pytest_plugins = ["pytester"]


@pytest.fixture(name="run")
def _run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    return Run(pytester)


ISOLATED = """
@pytest.mark.parametrize("turn", ["a", "b/c d", "é"])
def test_alone(crmcom_mock, crmcom_mock_server, turn):
    assert crmcom_mock.emulated is not crmcom_mock_server.emulated
    assert crmcom_mock.clock.state.mode == "real"
    assert delete(crmcom_mock).json()["status"]["code"] == "OK"
    crmcom_mock.clock.freeze()
    crmcom_mock.fail(status=500)
    crmcom_mock.world("another").clock.freeze()

def test_nothing_is_left(crmcom_mock_server):
    assert [each.name for each in crmcom_mock_server._registry.worlds()] == ["default"]
    assert "7" in crmcom_mock_server.records
"""


def test_each_test_has_a_world_of_its_own(run: Run) -> None:
    """What a test does to its world, and to worlds made through it, ends with the test."""
    run(ISOLATED).assert_outcomes(passed=4)


def test_the_world_is_named_after_the_test() -> None:
    """Names are readable, and differ between tests, however these are called."""
    tests = [f"test_it.py::test_name[{turn}]" for turn in ("a", "a b", "a/b", "x" * 200, "…")]
    names = [world_name(test) for test in [*tests, "test_it.py::TestOther::test_name[a]"]]

    assert names[0].startswith("test_name-a-")
    assert len(set(names)) == 6
    assert all(re.fullmatch(r"[\w.-]{1,64}", name) for name in names)


def test_options_come_from_the_configuration_or_the_command_line(run: Run) -> None:
    """The command line wins; files are found from where they are named."""
    (run.folder / "empty.json").write_text("{}", "utf-8")
    (run.folder / "mine.toml").write_text("[list]\norder = 'oldest_first'\n", "utf-8")
    tests = """
def test_options(crmcom_mock, crmcom_mock_options):
    world = crmcom_mock.emulated
    assert crmcom_mock.release == crmcom_mock_options["release"] + ".0.0"
    config = world.config
    seed, dialect = config.seed, config.dialect.name
    print(crmcom_mock.release, len(crmcom_mock.records), seed, dialect)
"""
    ini = """
crmcom_mock_release = R15
crmcom_mock_data = empty.json
crmcom_mock_seed = 3
crmcom_mock_dialect = http
"""
    given = ["--crmcom-mock-release=R18", "--crmcom-mock-seed", "4"]
    run(tests, "-rP", ini=ini).stdout.fnmatch_lines(["R15.0.0 0 3 http"])
    run(tests, "-rP", *given, ini=ini).stdout.fnmatch_lines(["R18.0.0 0 4 http"])
    given = ["--crmcom-mock-dialect", "mine.toml", "--crmcom-mock-data", "empty.json"]
    run(tests, "-rP", *given, "--crmcom-mock-release=R9").stdout.fnmatch_lines(
        ["R9.0.0 0 0 *mine*"]
    )


def test_a_wrong_option_is_refused_by_name(run: Run) -> None:
    """The run says at its start what was seen and what is allowed."""
    for flag, message in (
        ("--crmcom-mock-release=R1", "ERROR: crmcom_mock_release: *R1 is older than R9*"),
        ("--crmcom-mock-dialect=nope", "ERROR: crmcom_mock_dialect: *nope is neither*"),
        ("--crmcom-mock-seed=x", "ERROR: crmcom_mock_seed: 'x' is not allowed*"),
        ("--crmcom-mock-guard=maybe", "*crmcom_mock_guard: 'maybe' is not allowed*auto, always*"),
    ):
        found = run("def test_it(): pass", flag)
        assert found.ret == pytest.ExitCode.USAGE_ERROR
        found.stderr.fnmatch_lines([message])


def test_a_world_that_cannot_be_read_is_one_line(run: Run) -> None:
    """Tests that need the mock say why there is none, without a traceback; others run."""
    tests = "def test_it(crmcom_mock): pass\ndef test_another(): pass"
    found = run(tests, "--crmcom-mock-data=none.jsonl")

    found.assert_outcomes(passed=1, errors=1)
    found.stdout.fnmatch_lines(["*crmcom_mock: *none.jsonl*cannot be read*"])
    found.stdout.no_fnmatch_line("*loading.py*")
    found.stdout.no_fnmatch_line("*another exception*")


def test_faults_are_set_by_a_marker(run: Run) -> None:
    """Each marker is a fault of the test's world: presets, arguments, of class and function."""
    tests = """
@pytest.mark.crmcom_fault(status=503, operation="show", times=1)
class TestFaults:
    @pytest.mark.crmcom_fault("lost_answer", operation="delete")
    def test_both(self, crmcom_mock):
        import httpx
        assert show(crmcom_mock).status_code == 503
        assert show(crmcom_mock).status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            delete(crmcom_mock)
        assert "7" not in crmcom_mock.records

def test_none(crmcom_mock):
    assert show(crmcom_mock).status_code == 200
"""
    run(tests, "--strict-markers").assert_outcomes(passed=2)


def test_a_marker_that_hits_nothing_is_refused(run: Run) -> None:
    """A test that does not use its world's mock cannot be thought to survive a fault."""
    tests = """
@pytest.mark.crmcom_fault(drop=True)
def test_it(): pass

def test_another(): pass
"""
    found = run(tests)

    found.assert_outcomes(passed=1, errors=1)
    found.stdout.fnmatch_lines(["*test_it.py::test_it: marker crmcom_fault without crmcom_mock*"])
    found.stdout.no_fnmatch_line("*plugin.py*")


def test_a_wrong_fault_fails_the_test_that_wants_it(run: Run) -> None:
    """The error says what is wrong with the marker's arguments, and the world is cleaned up."""
    found = run("""
@pytest.mark.crmcom_fault(colour="red")
def test_it(crmcom_mock): pass

@pytest.mark.crmcom_fault("outage", 30)
def test_two(crmcom_mock): pass

@pytest.mark.crmcom_fault("outtage")
def test_three(crmcom_mock): pass

def test_nothing_is_left(crmcom_mock_server):
    assert [each.name for each in crmcom_mock_server._registry.worlds()] == ["default"]
""")

    found.assert_outcomes(errors=3, passed=1)
    for message in ("colour: seen as an argument of", "preset: seen 2", "preset: seen ?outtage"):
        found.stdout.fnmatch_lines([f"*marker crmcom_fault: {message}*"])
    found.stdout.no_fnmatch_line("*hooks.py*")


def test_it_loads_nothing_before_it_is_asked_for(run: Run) -> None:
    """A run that does not use the mock imports nothing of it but the plugin."""
    tests = """
import sys

def test_it():
    found = [name for name in sys.modules if name.startswith("crmcom_kit.mock_server.")]
    assert sorted(found) == [
        "crmcom_kit.mock_server.pytest_plugin",
        "crmcom_kit.mock_server.pytest_plugin.plugin",
    ]
    assert not {"httpx", "flask", "jsonschema", "uvicorn"} & set(sys.modules)
"""
    run(tests, "-p", "no:schemathesis", apart=True).assert_outcomes(passed=1)
