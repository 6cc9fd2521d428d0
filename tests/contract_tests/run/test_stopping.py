"""A run that Ctrl-C or SIGTERM stops, ends as interrupted, with its reports."""

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from click.testing import CliRunner
from helpers.far import config, remote
from helpers.serving import LOGIN

from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.options.commands import RunCommand
from crmcom_kit.contract_tests.reports.files import write
from crmcom_kit.contract_tests.run.run import run
from crmcom_kit.mock_server import create_app


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Let SIGINT interrupt: a job in the background of a script starts with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def swallowed(number: int) -> None:
    """Send a signal to this process while garbage is collected, where exceptions are lost."""

    def collecting(phase: str, _: Any) -> None:
        if phase == "start":  # a second one, late on a busy machine, would end the process
            signal.raise_signal(number)

    gc.callbacks.append(collecting)
    gc.collect()
    gc.callbacks.remove(collecting)


@pytest.mark.parametrize("at", [0, 60])
def test_a_swallowed_signal_stops_the_run_before_the_next_request(at: int) -> None:
    def hook(count: int, _: httpx.Request | None = None) -> None:
        if count == at:
            swallowed(signal.SIGINT)

    target, wire = remote("R15", hook)
    stop = Stop()

    with stop.on_signals():
        hook(0)
        results = run(target, config(stop=stop))

    assert results.trouble == "interrupted"
    assert results.exit_code == 2
    assert len(wire.requests) == at
    assert (results.achieved > 0) is (at > 0)


def test_a_signal_before_there_is_a_run_ends_the_command_with_2() -> None:
    """What a command imports takes a while."""

    @click.command(cls=RunCommand)
    def importing() -> None:
        signal.raise_signal(signal.SIGINT)

    done = CliRunner().invoke(importing)

    assert (done.exit_code, done.stderr) == (2, "Error: interrupted\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once(
    number: int, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With what a shell reports of it, which is no verdict; one that comes twice is no second.

    What was written by then is kept: all but what takes longest, of which nothing is there.
    """
    clock = iter([0.0, 0.1, 5.0])
    stop = Stop(lambda: next(clock), notice="writing\n")

    def slow() -> Iterator[str]:
        yield "half"
        signal.raise_signal(number)

    with stop.on_signals():
        signal.raise_signal(number)
        signal.raise_signal(number)
        files = {name: tmp_path / name for name in ("har", "json")}
        with pytest.raises(SystemExit) as ended:
            write({"har": slow, "json": lambda: "whole"}, files)

    assert ended.value.code == 128 + number
    assert [path.read_text("utf-8") for path in tmp_path.iterdir()] == ["whole"]
    assert capfd.readouterr().err.startswith("writing\nEnded at once")


def test_the_command_writes_its_reports(serve: Callable[..., str], tmp_path: Path) -> None:
    app, asked = create_app(release="R9"), 0
    started: list[subprocess.Popen[bytes]] = []

    def interrupting(environ: Any, start_response: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 20:
            os.kill(started[0].pid, signal.SIGTERM)
        return app(environ, start_response)

    base = serve(interrupting)
    command = [sys.executable, "-m", "crmcom_kit", "check", "--base-url", base, "--json", "r.json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, **LOGIN}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        started.append(process)
        output, notice = process.communicate(timeout=60)

    assert process.returncode == 2
    assert notice.startswith(b"Interrupted: the reports are being written")
    assert b"The run failed: interrupted" in output
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert report["summary"]["trouble"] == "interrupted"
    assert report["summary"]["requests"] in (18, 19)  # the mock was asked for a world before
