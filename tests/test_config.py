"""Options from the environment and from a file."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmcom_kit.cli import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*args: str, **environment: str) -> Result:
    return CliRunner().invoke(main, args, env=environment)


def test_a_flag_precedes_the_environment_and_that_the_file() -> None:
    def generated(*args: str, **environment: str) -> int:
        return len(run("fixtures", *args, **environment).output.splitlines())

    assert generated() == 10
    Path("pyproject.toml").write_text("[tool.crmcom-kit.fixtures]\ncount = 1\n")
    assert generated() == 1
    Path("crmcom-kit.toml").write_text("[fixtures]\ncount = 2\nsince = 2024-01-02\n")
    assert generated() == 2
    Path("other.toml").write_text("[fixtures]\ncount = 3\n")
    assert generated(CRMCOM_CONFIG="other.toml") == 3
    assert len(run("--config", "other.toml", "fixtures").stdout.splitlines()) == 3
    assert generated(CRMCOM_FIXTURES_COUNT="4") == 4
    assert generated("--count", "5", CRMCOM_FIXTURES_COUNT="4") == 5


def test_no_message_shows_a_secret() -> None:
    Path("crmcom-kit.toml").write_text('[serve]\npassword = ["hush"]\n')
    output = run("serve").output
    assert "serve.password" in output
    assert "hush" not in output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[serve]\nprt = 1",
            "crmcom-kit.toml: serve.prt is not the name of an option (nearest: port)",
        ),
        ("[server]", "crmcom-kit.toml: server is not the name of a table (nearest: serve)"),
        ("serve = 1", "crmcom-kit.toml: serve: 1 is not allowed; allowed is a table"),
        ('[serve]\nport = "x"', "crmcom-kit.toml: serve: Invalid value for '--port': 'x' is not"),
        ("[serve]\nport = true", "serve.port: True is not allowed"),
        ("[serve]\nport = [1]", "serve.port: [1] is not allowed; allowed is a string or a number"),
        (
            "[serve]\nport = 70000",
            "crmcom-kit.toml: serve: Invalid value for '--port': 70000 is not in the range",
        ),
        ('[serve]\nallow-name = "a"', "serve.allow-name: 'a' is not allowed; allowed is a list"),
        ("[serve]\nport = ", "crmcom-kit.toml: not a TOML document"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused_in_one_line(text: str, message: str) -> None:
    """By the names of the file and the option; nothing is started."""
    Path("crmcom-kit.toml").write_text(text)
    result = run("serve")
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1


def test_a_file_that_is_asked_for_must_be_there() -> None:
    """Only what is looked for by default may be missing."""
    result = run("--config", "none.toml", "serve")
    assert result.exit_code == 2
    assert result.output == "Error: none.toml: cannot be read: No such file or directory\n"


def test_a_command_that_takes_nothing_from_a_file_refuses_one() -> None:
    Path("some.toml").write_text("[serve]\nport = 0\n")
    result = run("--config", "some.toml", "dialect")
    assert result.exit_code == 2
    allowed = "serve, check, calibrate, diff, fixtures"
    assert result.output == f"Error: --config: not allowed with dialect; allowed are {allowed}\n"
    assert run("dialect", CRMCOM_CONFIG="some.toml").exit_code == 0  # for other commands


def test_a_variable_that_names_no_option_is_refused() -> None:
    """Otherwise a typo would leave the default in force; the error has the nearest name."""
    result = run("check", CRMCOM_CHECK_RELASE="R9")
    assert result.exit_code == 2
    assert "CRMCOM_CHECK_RELASE" in result.output
    assert "(nearest: CRMCOM_CHECK_RELEASE)" in result.output


def test_other_commands_follow_the_file_and_the_environment() -> None:
    Path("crmcom-kit.toml").write_text(
        "[check]\nonly = 'none'\n[calibrate]\nout = '.'\n[diff]\nprofile = 'x'\n"
    )
    assert run("calibrate").output == "Error: --out: . exists; name a new folder\n"
    assert "Error: profile x: profile.toml cannot be read" in run("diff").output
    assert "--only: 'none' is not allowed" in run("check").output
    assert "--only: 'any' is not allowed" in run("check", CRMCOM_CHECK_ONLY="any").output


def test_a_shell_completes_options() -> None:
    """The completion that the documentation shows; it is click's for each shell."""
    words = {"COMP_WORDS": "crmcom-kit serve --rel", "COMP_CWORD": "2"}
    complete = {"_CRMCOM_KIT_COMPLETE": "bash_complete", **words}
    result = CliRunner().invoke(main, [], env=complete, prog_name="crmcom-kit")
    assert "--release" in result.output
