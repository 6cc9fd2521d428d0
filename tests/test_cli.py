"""The `crmcom-kit` command as a whole; each room tests its own sub-commands."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from crmcom_kit.cli import COMMANDS, READER_WENT_AWAY, main

#: Each costs a user tens of milliseconds that a page of help doesn't need.
SLOW_TO_IMPORT = {"faker", "flask", "httpx", "hypothesis", "jsonschema", "referencing", "rich"}


def test_help_names_every_sub_command_with_its_line() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    for name, (_, short_help) in COMMANDS.items():
        assert f"  {name} " in result.output
        assert short_help in result.output


def test_rooms_and_slow_libraries_are_imported_only_where_needed() -> None:
    """Help needs none of them, and these commands no slow library, one after the other."""
    script = (
        "import sys\n"
        "from crmcom_kit.cli import main\n"
        "for command in ('--help', 'schemas', 'openapi --help', 'dialect', 'fixtures'):\n"
        "    main(command.split(), standalone_mode=False)\n"
        "    print(*sys.modules, file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    of_help, *_, of_all = [set(line.split()) for line in run.stderr.splitlines()]
    assert {name for name in of_help if name.startswith("crmcom_kit.")} == {"crmcom_kit.cli"}
    assert "crmcom_kit.fixtures" in of_all
    assert not of_all & SLOW_TO_IMPORT


def test_every_sub_command_is_in_the_module_of_the_table() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "-h"])
        assert result.exit_code == 0, result.output
        assert f"Usage: main {name} " in result.output


def test_ctrl_c_ends_with_the_status_of_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with the status that a shell gives it: 1 would mean a broken statement."""

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crmcom_kit.cli.import_module", interrupt)

    assert CliRunner().invoke(main, ["check"]).exit_code == 130


def test_an_internal_error_is_no_verdict_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: str) -> None:
        raise ZeroDivisionError(secret)

    secret = "S-0123"
    monkeypatch.setattr("crmcom_kit.cli.import_module", fail)

    result = CliRunner().invoke(main, ["check"])

    assert result.exit_code == 2
    assert "in fail" in result.stderr
    assert result.stderr.endswith("Error: an internal error of crmcom-kit: ZeroDivisionError\n")
    assert secret not in result.output


def test_a_removed_command_is_refused_with_its_replacement() -> None:
    result = CliRunner().invoke(main, ["proxy", "--base-url", "http://127.0.0.1:1"])

    assert result.exit_code == 2
    assert "No such command 'proxy'; 0.5 removed it: record with mitmproxy" in result.output


def test_an_unknown_sub_command_is_refused_with_a_suggestion() -> None:
    result = CliRunner().invoke(main, ["serv"])

    assert result.exit_code == 2
    assert "No such command 'serv'" in result.output
    assert "Did you mean 'serve'?" in result.output


def test_version_is_the_installed_one() -> None:
    result = CliRunner().invoke(main, ["--version"])

    assert result.output == f"crmcom-kit {version('crmcom-kit')}\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`crmcom-kit … | head` ends without a traceback, and with the status of a broken pipe."""
    command = [sys.executable, "-m", "crmcom_kit", "schemas"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()

    assert complaint == b""
    assert process.returncode == READER_WENT_AWAY


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("arguments", "unbuffered"), [("--help", ""), ("openapi", "1"), ("fixtures --count 1", "")]
)
def test_a_full_disk_is_an_error_of_one_line(arguments: str, unbuffered: str) -> None:
    """What cannot be written is no success, whether Python keeps output back or not."""
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            [sys.executable, "-m", "crmcom_kit", *arguments.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )

    assert run.returncode == 2
    assert run.stderr.startswith("Error: cannot write ")
    assert run.stderr.endswith(": No space left on device\n")
    assert run.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="Windows starts no process without standard output")
def test_closed_standard_output_is_an_error() -> None:
    command = '"$0" -m crmcom_kit schemas >&-'
    run = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable], capture_output=True, text=True, check=False
    )

    assert run.returncode == 2
    assert run.stderr == "Error: cannot write standard output: it is closed\n"
