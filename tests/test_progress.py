"""Progress of long work: a line on a terminal, nothing elsewhere."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit import progress
from crmcom_kit.fixtures import json_lines, stream

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
#: Runs the command with its first line of progress at once.
AT_ONCE = """
from crmcom_kit import progress
progress.SILENT = 0
from crmcom_kit.cli import main
main()
"""


def shown_on_terminal(folder: Path, command: str, until: str = "", **streams: Any) -> str:
    """Return what a command shows if its standard error is a terminal.

    With ``until`` it is ended as soon as it has shown that.
    """
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", AT_ONCE, *command.split()],
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "150"},
        stderr=theirs,
        **{"stdout": subprocess.DEVNULL, **streams},
    ) as process:
        os.close(theirs)
        shown = ""
        with suppress(OSError):  # how Linux ends what a terminal without a writer says
            while not (until and until in shown) and (block := os.read(ours, 1 << 16)):
                shown += block.decode(errors="replace")
        process.terminate()
        os.close(ours)
    return shown


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("fixtures --count 700 --out made.jsonl", "webhook_request: 500 of 700"),
        ("serve --data world.jsonl --port 0 --log off", "reading world.jsonl"),
        ("check", " of 1500 requests, 0 violations, about "),
        ("calibrate --max-requests 60 --out profile", "learning, round 1: dial 1 of "),
    ],
)
def test_a_command_shows_its_progress(command: str, text: str, tmp_path: Path) -> None:
    """Each command that may take long is wired."""
    (tmp_path / "world.jsonl").write_bytes(b"".join(json_lines(stream("world", count=1))))

    assert text in shown_on_terminal(tmp_path, command, text)


def test_what_is_printed_meanwhile_goes_where_it_should(tmp_path: Path) -> None:
    """A dry run that is written to a file is there, and not on the terminal."""
    with (tmp_path / "plan.txt").open("w") as file:
        shown = shown_on_terminal(tmp_path, "check --dry-run", stdout=file)

    assert "Nothing was sent." not in shown
    assert (tmp_path / "plan.txt").read_text("utf-8").endswith("Nothing was sent.\n")


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
        with progress.progress(10) as show:
            show("[red]records[/red]", 5)
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err

    assert shown(silent=60) == ""
    assert ("[red]records[/red]" in shown(silent=0)) is is_terminal
