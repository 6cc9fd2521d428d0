"""Progress of long work: a line on a terminal, nothing elsewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from crmcom_kit import progress
from crmcom_kit.cli import main

#: Modules of commands that may take long.
COMMANDS = (
    "fixtures.cli",
    "contract_tests.cli",
    "contract_tests.calibration.calibrate_command",
)
WORK = """
from crmcom_kit import progress
progress.SILENT = 0
with progress.progress() as show:
    show("working")
    print("made")
"""


class _Shown(BaseException):
    """The line that a test waits for has come."""


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("fixtures --count 700 --out made.jsonl", "webhook_request: 500 of 700"),
        ("check", " of 1500 requests, 0 violations, about "),
        ("calibrate --max-requests 60 --out profile", "learning, round 1: dial 1 of "),
    ],
)
def test_a_command_shows_its_progress(
    command: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command that may take long is wired."""
    monkeypatch.chdir(tmp_path)

    def show(shown: str) -> None:
        if text in shown:
            raise _Shown

    @contextmanager
    def watched() -> Iterator[progress.Show]:
        yield show

    for name in COMMANDS:
        monkeypatch.setattr(import_module(f"crmcom_kit.{name}"), "progress", watched)
    with pytest.raises(_Shown):
        CliRunner().invoke(main, command.split())


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_what_is_printed_meanwhile_goes_where_it_should(tmp_path: Path) -> None:
    """What is written to a file is there, and not on the terminal that shows the line."""
    ours, theirs = os.openpty()
    with (tmp_path / "made").open("w") as file:
        environment = {**os.environ, "TERM": "xterm"}
        command = [sys.executable, "-c", WORK]
        subprocess.run(command, env=environment, stdout=file, stderr=theirs, check=True)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # how Linux ends what a terminal without a writer says
        while block := os.read(ours, 1 << 16):
            shown += block
    os.close(ours)

    assert b"working" in shown
    assert b"made" not in shown
    assert (tmp_path / "made").read_text("utf-8") == "made\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_line_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, is_terminal: bool
) -> None:
    """And only of work that takes a while; a server's text is no markup."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")  # which makes no terminal of a pipe
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)

    def shown(silent: float) -> str:
        monkeypatch.setattr(progress, "SILENT", silent)
        with progress.progress() as show:
            show("[red]records[/red]")
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err

    assert shown(silent=60) == ""
    assert ("[red]records[/red]" in shown(silent=0)) is is_terminal
