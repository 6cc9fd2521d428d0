"""The pytest plugin, in runs of their own: fixtures, options, the marker for faults, reports."""

from typing import Any

import pytest

pytest_plugins = ["pytester"]


def test_each_test_has_a_world_of_its_own(run: Any) -> None:
    """What a test does to its world, and to worlds made through it, ends with the test."""
    run(
        """
@pytest.mark.parametrize("turn", ["b/c é", "x" * 200])
def test_alone(crmcom_mock, turn):
    assert crmcom_mock.name.startswith("test_alone-")
    assert crmcom_mock.clock.state.mode == "real"
    assert delete(crmcom_mock).json()["status"]["code"] == "OK"
    crmcom_mock.clock.freeze()
    crmcom_mock.fail(status=500)
    crmcom_mock.world("another").clock.freeze()

def test_nothing_is_left(_crmcom_mock_server):
    assert [world.name for world in _crmcom_mock_server.worlds()] == ["default"]
    assert "7" in _crmcom_mock_server.records
""",
        ini="crmcom_mock_strict = false",
    ).assert_outcomes(passed=3)


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
        ("--crmcom-mock-strict=yess", "*crmcom_mock_strict: 'yess'*true, false, report"),
    ],
)
def test_a_wrong_option_is_refused_by_name(run: Any, flag: str, message: str) -> None:
    result = run("def test_it(): pass", flag)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_a_misspelled_option_of_the_file_is_refused(run: Any) -> None:
    result = run("def test_it(): pass", "-Wdefault", ini="crmcom_mock_strickt = false")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: crmcom_mock_strickt is not *mean crmcom_mock_strict[?]"])


def test_a_world_that_cannot_be_read_is_one_line(run: Any) -> None:
    """Tests that need the mock say why there is none, without a traceback; others run."""
    tests = "def test_it(crmcom_mock): pass\ndef test_another(): pass"
    result = run(tests, "--crmcom-mock-data=none.jsonl")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*crmcom_mock: *none.jsonl*cannot be read*"])
    result.stdout.no_fnmatch_line("*loading.py*")
    result.stdout.no_fnmatch_line("*another exception*")


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

def test_of_another_world(crmcom_mock):
    import httpx
    origin = crmcom_mock.url.partition("/worlds/")[0]
    httpx.post(f"{origin}/crmapi/rest/v2/webhook_requests/delete", json={
        "token": crmcom_mock.token, "webhook_request_identifier": {"number": "7"}})
    httpx.post(f"{origin}/__admin/faults", json={"effect": {"drop": True}})
    httpx.post(f"{crmcom_mock.admin_url}/fault")
    httpx.get(f"{origin}/worlds/typo/crmapi/rest/v2/webhook_requests/show")

def test_expected(crmcom_mock):
    crmcom_mock.expect_refusal("show", times=1)
    show(crmcom_mock, "none")

@pytest.mark.crmcom_strict(False)
def test_lenient(crmcom_mock):
    show(crmcom_mock, "none")

def test_nothing_is_left(_crmcom_mock_server):
    assert "7" in _crmcom_mock_server.records
    assert not _crmcom_mock_server.emulated.faults.all()
"""
UNEXPECTED = (
    "world test_refused-*: request 1, show: refused (unknown_webhook_request): *",
    "world other: fault never hit: drop (list) hit 0 of 0 matching requests",
    "world default: fault never hit: drop (any request) hit 0 of 0 matching requests",
    "world test_of_another_world-*: control API, POST /fault: *faults*",
    "world typo: request 1, show: refused (*",
    "world default: *POST /crmapi/rest/v2/webhook_requests/delete*: *crmcom_mock.url",
)


def test_a_test_fails_for_what_it_does_not_expect(run: Any) -> None:
    """A refusal, a fault that was never hit; unless the test says so, or is not strict."""
    result = run(STRICT)

    result.assert_outcomes(passed=3, failed=3)
    for line in UNEXPECTED:
        result.stdout.fnmatch_lines([f"*{line}"])
    result.stdout.fnmatch_lines(
        [
            "crmcom_strict: unexpected: world test_refused-*",
            "*expect_refusal*crmcom_mock_strict = false*",
            "*crmcom_mock: requests of world test_refused-*",
            "*crmcom_mock: faults that hit no request of world other*",
        ]
    )


@pytest.mark.parametrize("flags", [[], ["-n", "1"]])
def test_a_run_lists_what_would_fail(run: Any, flags: list[str]) -> None:
    result = run(STRICT, "--crmcom-mock-strict=report", *flags, in_new_process=bool(flags))

    result.assert_outcomes(passed=6)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*would fail with crmcom_mock_strict = true*"])
    for line in UNEXPECTED:
        result.stdout.fnmatch_lines([f"test_it.py::test_*: {line}"])


def test_a_marker_makes_a_test_strict(run: Any) -> None:
    tests = STRICT.replace("def test_refused", "@pytest.mark.crmcom_strict\ndef test_refused")
    tests = tests.replace("strict(False)", "strict(strict=False)")
    run(tests, ini="crmcom_mock_strict = false").assert_outcomes(passed=5, failed=1)


FACTORY = """
import httpx

@pytest.fixture(scope="module")
def shared(crmcom_mock_factory):
    with crmcom_mock_factory(deliver="timeout") as mock:
        yield mock

def test_configured(shared):
    assert (shared.release, shared.emulated.config.seed) == ("R15.0.0", 3)
    show(shared)

def test_refused(shared):
    show(shared.world("second"), "none")

def test_innocent(shared):
    show(shared)

def test_own(crmcom_mock_factory):
    with crmcom_mock_factory(release="R9") as mock:
        mock.fail(operation="list", drop=True)
        show(mock)

def test_ended(shared):
    shared.fail(operation="list", drop=True)

def test_nothing_is_left(crmcom_mock_factory):
    pass
"""


def test_another_mock_is_configured_and_strict_like_the_first(run: Any) -> None:
    """Its requests fail the test that sends them, and are in its report; the rest is told last."""
    result = run(FACTORY, ini="crmcom_mock_release = R15\ncrmcom_mock_seed = 3")

    result.assert_outcomes(passed=4, failed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*_ ERROR at teardown of test_nothing_is_left _*",
            "*world default: fault never hit: drop (list) hit 0 of 0 matching requests",
            "*_ test_refused _*",
            "crmcom_strict: unexpected: world second: request 1, show: refused (unknown_*",
            "*crmcom_mock: requests of world second*",
            "*webhook_requests/show*number%3Dnone*",
            "*_ test_own _*",
            "*world default: fault never hit: drop (list) hit 0 of 0 matching requests",
            "*crmcom_mock: requests of world default*",
            "*webhook_requests/show*number%3D7*",
        ]
    )


@pytest.mark.parametrize("options", ["None", "{'strict': True}"])
def test_options_must_be_a_dict_without_strict(run: Any, options: str) -> None:
    tests = """
@pytest.fixture(scope="session")
def crmcom_mock_options():
    return OPTIONS

def test_it(crmcom_mock): pass
"""
    result = run(tests.replace("OPTIONS", options))

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["crmcom_mock_options: seen *; allowed are *"])


def test_a_strict_marker_takes_a_bool(run: Any) -> None:
    """Anything else would make the test strict, or not, by its truth."""
    wrong = ["'no'", "0", "True, False", "strict=None", "strcit=True"]
    test = "@pytest.mark.crmcom_strict({})\ndef test_{}(crmcom_mock):\n    pass\n"
    done = run("".join(test.format(arguments, at) for at, arguments in enumerate(wrong)))

    done.assert_outcomes(errors=5)
    message = "*marker crmcom_strict: seen *; allowed is True, False or nothing"
    done.stdout.fnmatch_lines([message] * 5)


def test_a_misspelled_or_removed_marker_is_refused(run: Any) -> None:
    """Pytest only warns of it, and it would do nothing. Tests may have other markers."""
    test = "@pytest.mark.{0}('outage')\ndef test_{0}(crmcom_mock):\n    pass\n"
    tests = "".join(map(test.format, ("crmcom_fault", "crmcom_strickt", "crmcom_live")))
    for ini, errors in (("", 2), ("markers = crmcom_fault(name): of the tests", 1)):
        done = run(tests, "-W", "ignore", ini=ini)
        done.assert_outcomes(errors=errors, passed=3 - errors)
        done.stdout.fnmatch_lines(["*marker crmcom_strickt is not registered; did you mean *[?]"])
