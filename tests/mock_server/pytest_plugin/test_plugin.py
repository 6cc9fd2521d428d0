"""The pytest plugin, in runs of their own: fixtures, options, the marker for faults, reports."""

from typing import Any

import pytest

pytest_plugins = ["pytester"]


def test_each_test_has_a_world_of_its_own(run: Any) -> None:
    """What a test does to its world, and to worlds made through it, ends with the test."""
    run("""
@pytest.mark.parametrize("turn", ["b/c é", "x" * 200])
def test_alone(crmcom_mock, crmcom_mock_server, turn):
    assert crmcom_mock.name.startswith("test_alone-")
    assert crmcom_mock.emulated is not crmcom_mock_server.emulated
    assert crmcom_mock.clock.state.mode == "real"
    assert delete(crmcom_mock).json()["status"]["code"] == "OK"
    crmcom_mock.clock.freeze()
    crmcom_mock.fail(status=500)
    crmcom_mock.world("another").clock.freeze()

def test_nothing_is_left(crmcom_mock_server):
    assert [each.name for each in crmcom_mock_server._registry.worlds()] == ["default"]
    assert "7" in crmcom_mock_server.records
""").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ("", "R15.0.0 0 3 http"),
        ("--crmcom-mock-release=R18 --crmcom-mock-seed 4", "R18.0.0 0 4 http"),
        ("--crmcom-mock-dialect mine.toml --crmcom-mock-data empty.json", "R15.0.0 0 3 *mine*"),
    ],
)
def test_options_come_from_the_configuration_or_the_command_line(
    run: Any, flags: str, shown: str
) -> None:
    """The command line wins; files are found from where they are named."""
    (run.folder / "empty.json").write_text("{}", "utf-8")
    (run.folder / "mine.toml").write_text("[list]\norder = ['added']\n", "utf-8")
    tests = """
def test_options(crmcom_mock, crmcom_mock_options):
    config = crmcom_mock.emulated.config
    assert crmcom_mock.release == crmcom_mock_options["release"] + ".0.0"
    print(crmcom_mock.release, len(crmcom_mock.records), config.seed, config.dialect.name)
"""
    ini = """
crmcom_mock_release = R15
crmcom_mock_data = empty.json
crmcom_mock_seed = 3
crmcom_mock_dialect = http
"""
    run(tests, "-rP", *flags.split(), ini=ini).stdout.fnmatch_lines([shown])


def test_options_of_a_module_are_not_ignored(run: Any) -> None:
    """A run has one mock: a test that asks for another one fails, with what to do."""
    tests = """
@pytest.fixture(scope="session")
def crmcom_mock_options(crmcom_mock_options):
    return {**crmcom_mock_options, "release": "R18"}

def test_first(crmcom_mock):
    assert crmcom_mock.release == "R9.0.0"
"""
    run.folder.joinpath("test_a.py").write_text("def test_other(crmcom_mock): ...\n", "utf-8")
    done = run(tests)
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["crmcom_mock_options: these options differ from those of *"])


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--crmcom-mock-release=R1", "ERROR: crmcom_mock_release: *R1*"),
        ("--crmcom-mock-dialect=nope", "ERROR: crmcom_mock_dialect: *nope*"),
        ("--crmcom-mock-profile=nope", "ERROR: crmcom_mock_profile: *nope*"),
        ("--crmcom-mock-seed=x", "ERROR: crmcom_mock_seed: 'x'*"),
        ("--crmcom-mock-guard=maybe", "*crmcom_mock_guard: 'maybe'*auto, always*"),
    ],
)
def test_a_wrong_option_is_refused_by_name(run: Any, flag: str, message: str) -> None:
    result = run("def test_it(): pass", flag)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_a_world_that_cannot_be_read_is_one_line(run: Any) -> None:
    """Tests that need the mock say why there is none, without a traceback; others run."""
    tests = "def test_it(crmcom_mock): pass\ndef test_another(): pass"
    result = run(tests, "--crmcom-mock-data=none.jsonl")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*crmcom_mock: *none.jsonl*cannot be read*"])
    result.stdout.no_fnmatch_line("*loading.py*")
    result.stdout.no_fnmatch_line("*another exception*")


def test_faults_are_set_by_a_marker(run: Any) -> None:
    result = run(
        """
@pytest.mark.crmcom_fault(status=503, operation="show", times=1)
class TestFaults:
    @pytest.mark.crmcom_fault("lost_response", operation="delete")
    def test_both(self, crmcom_mock):
        import httpx
        assert show(crmcom_mock).status_code == 503
        assert show(crmcom_mock).status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            delete(crmcom_mock)
        assert "7" not in crmcom_mock.records

def test_none(crmcom_mock):
    assert show(crmcom_mock).status_code == 200
""",
        "--strict-markers",
    )
    result.assert_outcomes(passed=2)


def test_a_wrong_fault_fails_the_test_that_wants_it(run: Any) -> None:
    """The error says what is wrong with the marker, and the world is cleaned up."""
    result = run("""
@pytest.mark.crmcom_fault(drop=True)
def test_no_mock(): pass

@pytest.mark.crmcom_fault(colour="red")
def test_it(crmcom_mock): pass

@pytest.mark.crmcom_fault("outage", 30)
def test_two(crmcom_mock): pass

@pytest.mark.crmcom_fault("outtage")
def test_three(crmcom_mock): pass

def test_nothing_is_left(crmcom_mock_server):
    assert [each.name for each in crmcom_mock_server._registry.worlds()] == ["default"]
""")

    result.assert_outcomes(errors=4, passed=1)
    for message in (" without", ": colour: seen as an", ": preset: seen 2", ": preset: seen ?outt"):
        result.stdout.fnmatch_lines([f"*marker crmcom_fault{message}*"])
    for module in ("hooks", "plugin"):
        result.stdout.no_fnmatch_line(f"*{module}.py*")


def test_it_loads_nothing_before_it_is_asked_for(run: Any) -> None:
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
    run(tests, "-p", "no:schemathesis", in_new_process=True).assert_outcomes(passed=1)


STRICT = """
def test_refused(crmcom_mock):
    show(crmcom_mock, "none")

def test_never_hit(crmcom_mock):
    crmcom_mock.world("other").fail(operation="list", drop=True)

def test_expected(crmcom_mock):
    crmcom_mock.expect_refusal("show", times=1)
    show(crmcom_mock, "none")

@pytest.mark.crmcom_strict(False)
def test_lenient(crmcom_mock):
    show(crmcom_mock, "none")
"""


@pytest.mark.parametrize(
    ("flag", "ini"), [("--crmcom-mock-strict", ""), ("", "crmcom_mock_strict = true")]
)
def test_a_strict_test_fails_for_what_it_does_not_expect(run: Any, flag: str, ini: str) -> None:
    """A refusal, a fault that was never hit; unless the test says so, or is not strict."""
    done = run(STRICT, *flag.split(), ini=ini)

    done.assert_outcomes(passed=2, failed=2)
    done.stdout.fnmatch_lines(
        [
            "crmcom_strict: world test_refused-*: unexpected:",
            "*request 1, show: refused (unknown_webhook_request): *",
            "*crmcom_mock: requests of world test_refused-*",
            "crmcom_strict: world other: unexpected:",
            "*fault never hit: drop (list) hit 0 of 0 matching requests",
            "*crmcom_mock: faults that hit no request of world other*",
        ]
    )


def test_a_marker_makes_a_test_strict(run: Any) -> None:
    tests = STRICT.replace("def test_refused", "@pytest.mark.crmcom_strict\ndef test_refused")
    tests = tests.replace("strict(False)", "strict(strict=False)")
    run(tests).assert_outcomes(passed=3, failed=1)


def test_a_strict_marker_takes_a_bool(run: Any) -> None:
    """Anything else would make the test strict, or not, by its truth."""
    wrong = ["'no'", "0", "True, False", "strict=None", "strcit=True"]
    test = "@pytest.mark.crmcom_strict({})\ndef test_{}(crmcom_mock):\n    pass\n"
    done = run("".join(test.format(arguments, at) for at, arguments in enumerate(wrong)))

    done.assert_outcomes(errors=5)
    message = "*marker crmcom_strict: seen *; allowed is True, False or nothing"
    done.stdout.fnmatch_lines([message] * 5)


def test_only_a_misspelled_marker_is_refused(run: Any) -> None:
    """Pytest only warns of it, and it would do nothing. Tests may have other markers."""
    test = "@pytest.mark.{0}('outage')\ndef test_{0}(crmcom_mock):\n    pass\n"
    tests = "".join(map(test.format, ("crmcom_faults", "crmcom_strickt", "crmcom_live")))
    for ini, errors in (("", 2), ("markers = crmcom_faults(name): of the tests", 1)):
        done = run(tests, "-W", "ignore", ini=ini)
        done.assert_outcomes(errors=errors, passed=3 - errors)
        done.stdout.fnmatch_lines(["*marker crmcom_strickt is not registered; did you mean *[?]"])
