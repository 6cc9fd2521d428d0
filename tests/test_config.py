"""Options from the environment and from a file, and the command that tells where they come from."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmcom_kit.cli import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*args: str, **environment: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, args, env=environment)


def in_force(*args: str, **environment: str) -> dict[str, str]:
    """Return the lines of `crmcom-kit config serve` by option."""
    result = run("config", "serve", *args, **environment)
    assert result.exit_code == 0, result.output
    tomllib.loads(result.output)
    return dict(line.split(" = ", 1) for line in result.output.splitlines() if " = " in line)


def test_a_flag_precedes_the_environment_and_that_the_file() -> None:
    """A flag counts, else a variable, else the file, else the default."""
    assert in_force()["port"] == "8080  # default"
    Path("pyproject.toml").write_text("[tool.crmcom-kit.serve]\nport = 1\n")
    assert in_force()["port"] == "1  # pyproject.toml: tool.crmcom-kit"
    Path("crmcom-kit.toml").write_text("[serve]\nport = 2\n")
    assert in_force()["port"] == "2  # crmcom-kit.toml"
    Path("other.toml").write_text("[serve]\nport = 3\n")
    assert in_force("--config", "other.toml")["port"] == "3  # other.toml"
    assert in_force(CRMCOM_CONFIG="other.toml")["port"] == "3  # other.toml"
    assert in_force(CRMCOM_SERVE_PORT="4")["port"] == "4  # CRMCOM_SERVE_PORT"
    assert in_force("--port", "5", CRMCOM_SERVE_PORT="4")["port"] == "5  # flag"


def test_what_is_printed_is_a_file_with_the_same_effect() -> None:
    """`crmcom-kit config` prints a configuration file."""
    Path("crmcom-kit.toml").write_text(
        """
        [serve]
        release = "R15"
        allow-name = ["one", "two"]
        journal = 15
        [fixtures]
        from = 2024-01-02
        [check]
        verbose = true
        """
    )
    first = run("config").output
    Path("crmcom-kit.toml").write_text(first)
    values = [line.partition("  #")[0] for line in first.splitlines()]
    again = run("config").output
    assert [line.partition("  #")[0] for line in again.splitlines()] == values
    assert 'from = "2024-01-02"' in values
    assert "verbose = true" in values


def test_secrets_are_never_printed() -> None:
    """Neither with their values nor in a message."""
    Path("crmcom-kit.toml").write_text('[serve]\npassword = "hush"\ntoken = ["hush"]\n')
    result = run("config", CRMCOM_ADMIN_TOKEN="hush", CRMCOM_TOKEN="hush")
    assert "hush" not in result.output
    assert result.output.count("(hidden)") == 9
    Path("crmcom-kit.toml").write_text('[serve]\npassword = ["hush"]\n')
    assert "hush" not in run("serve").output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[serve]\nprt = 1",
            "crmcom-kit.toml: serve.prt is not the name of an option; did",
        ),
        ("[server]", "crmcom-kit.toml: server is not the name of a table; did you mean serve?"),
        ("serve = 1", "crmcom-kit.toml: serve: 1 is not allowed; allowed is a table"),
        ('[serve]\nport = "x"', "crmcom-kit.toml: serve.port: 'x' is not"),
        ("[serve]\nport = true", "serve.port: True is not allowed"),
        ("[serve]\nport = [1]", "serve.port: [1] is not allowed; allowed is a single value"),
        ("[serve]\nport = 70000", "serve.port: 70000 is not in the range"),
        ('[serve]\nallow-name = "a"', "serve.allow-name: 'a' is not allowed; allowed is a list"),
        ("[serve]\nport = ", "crmcom-kit.toml: not a TOML document"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused_in_one_line(text: str, told: str) -> None:
    """By the names of the file and the option; nothing is started."""
    Path("crmcom-kit.toml").write_text(text)
    for args in (["serve"], ["config", "serve"]):
        result = run(*args)
        assert result.exit_code == 2
        assert told in result.output
        assert result.output.count("\n") == 1


def test_a_file_that_is_asked_for_must_be_there() -> None:
    """Only what is looked for by default may be missing."""
    result = run("serve", "--config", "none.toml")
    assert result.exit_code == 2
    assert result.output == "Error: none.toml: cannot be read: No such file or directory\n"


@pytest.mark.parametrize("command", ["serve", "check", "fixtures"])
def test_a_variable_that_names_no_option_is_refused(command: str) -> None:
    """Else a typo would leave the default in force; the nearest name is told."""
    prefix = f"CRMCOM_{command.upper()}"
    result = run(command, **{f"{prefix}_RELASE": "R9"})
    assert result.exit_code == 2
    assert f"{prefix}_RELASE" in result.output
    assert f"did you mean {prefix}_RELEASE?" in result.output


def test_other_commands_follow_the_file_and_the_environment() -> None:
    """Not only serve does."""
    Path("crmcom-kit.toml").write_text(
        "[fixtures]\ncount = 3\n[check]\nonly = 'none'\n[calibrate]\nout = '.'\n"
        "[diff]\nother = 'x'\n[proxy]\nbase-url = 'y'\n"
    )
    assert run("calibrate").output == "Error: --out: . exists; name a new folder\n"
    assert "--other: 'x' is not allowed" in run("diff").output
    assert "--base-url: 'y' is not allowed" in run("proxy").output
    assert len(run("fixtures").output.splitlines()) == 3
    assert len(run("fixtures", CRMCOM_FIXTURES_COUNT="4").output.splitlines()) == 4
    assert "--only: 'none' is not allowed" in run("check").output
    assert "--only: 'any' is not allowed" in run("check", CRMCOM_CHECK_ONLY="any").output


@pytest.mark.parametrize(("shell", "typed"), [("bash", "2"), ("zsh", "2"), ("fish", "--rel")])
def test_shells_complete_options(shell: str, typed: str) -> None:
    """The completion that the documentation shows."""
    words = {"COMP_WORDS": "crmcom-kit serve --rel", "COMP_CWORD": typed}
    complete = {"_CRMCOM_KIT_COMPLETE": f"{shell}_complete", **words}
    result = CliRunner().invoke(main, [], env=complete, prog_name="crmcom-kit")
    assert "--release" in result.output
