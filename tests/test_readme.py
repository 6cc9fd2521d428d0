"""README tells the truth: its sessions and snippets run as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

README = Path(__file__).parent.parent / "README.md"
DEFAULT_PORT = "8080"
_MARKER = re.compile(r"<!-- (session: crmcom-kit (?P<serve>serve.*?)|run) -->")
_FENCE = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)


class Block(NamedTuple):
    """A fenced block of README that a test runs."""

    language: str
    text: str


class Part(NamedTuple):
    """What stands behind one marker: blocks that share a shell, and the server that they need."""

    name: str
    serve: str | None
    blocks: list[Block]


def parts() -> list[Part]:
    """Return README's runnable parts: from a marker to the next marker or heading."""
    text = README.read_text("utf-8")
    found = []
    for marker in _MARKER.finditer(text):
        rest = text[marker.end() :]
        end = re.search(r"\n## |<!-- |\n\*\*", rest)
        body = rest[: end.start()] if end else rest
        blocks = [Block(*fence.groups()) for fence in _FENCE.finditer(body)]
        serve = marker["serve"]
        found.append(Part(f"{len(found)} {serve or blocks[0].language}", serve, blocks))
    return found


def steps(block: Block) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each with the output that README shows."""
    for step in re.split(r"(?m)^\$ ", block.text)[1:]:
        command, _, output = step.partition("\n")
        yield command, output


def fits(output: str, shown: str) -> bool:
    """Whether README shows ``output``, in which … stands for anything."""
    pattern = ".*".join(re.escape(piece) for piece in shown.strip().split("…"))
    return re.fullmatch(pattern, output.strip().replace("\r\n", "\n"), re.DOTALL) is not None


@pytest.fixture(name="serving")
def _serving() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


def _start(arguments: str, serving: list[subprocess.Popen[str]]) -> str:
    """Start the mock on a free port; return the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "crmcom_kit", *arguments.split(), "--port", "0", "--log", "off"],
        stdout=subprocess.PIPE,
        text=True,
    )
    serving.append(process)
    assert process.stdout is not None
    ready = re.match(r"READY http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
    assert ready is not None
    return ready[1]


def _run(commands: list[str], port: str, folder: Path) -> list[str]:
    """Run commands in one shell; return what each printed."""
    mark = "@@next@@"
    script = "".join(f"{command}\nprintf '{mark}'\n" for command in commands)
    bin_folder = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-c", script.replace(f":{DEFAULT_PORT}", f":{port}")],
        cwd=folder,
        env={**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    return done.stdout.split(mark)[:-1]


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.name)
def test_what_readme_shows_is_what_happens(
    part: Part, serving: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Every command behind a marker prints what README shows; every Python snippet runs."""
    port = _start(part.serve, serving) if part.serve else DEFAULT_PORT
    shown = [step for block in part.blocks if block.language == "console" for step in steps(block)]
    outputs = _run([command for command, _ in shown], port, tmp_path) if shown else []
    for (command, expected), output in zip(shown, outputs, strict=True):
        assert fits(output, expected), f"$ {command}\n{output}\nREADME shows:\n{expected}"
    for block in part.blocks:
        if block.language == "python":
            subprocess.run([sys.executable, "-W", "error", "-c", block.text], check=True)


def test_readme_has_the_sessions_that_a_newcomer_plays() -> None:
    """Nothing is left out by a marker that is gone: both releases, look-ups and Python are run."""
    found = parts()

    assert [part.serve for part in found if part.serve] == ["serve", "serve --release R15"]
    assert all(part.blocks for part in found)
    assert sum(len(list(steps(b))) for part in found for b in part.blocks) >= 20
    assert any(block.language == "python" for part in found for block in part.blocks)


def test_a_difference_is_seen() -> None:
    """The comparison refuses another output, and … stands for any text."""
    assert fits('{"a":1,"b":2}\n', '{"a":1,…}')
    assert not fits('{"a":1,"b":2}\n', '{"a":2,…}')
    assert not fits("", "anything")
