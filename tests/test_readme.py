"""README and docs/ are right: their sessions and snippets run as they stand there.

A marker (`<!-- run -->` or `<!-- session: crmcom-kit serve … -->`) says that the blocks behind it,
up to the next marker or heading, are run; `<!-- go on -->` adds blocks to the part before it, with
its shell and its server. What one document's blocks make is there for the later ones; a block
that begins with `# name.py` or `// name.mjs` is a file of that name.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.tools import FEWER_PLUGINS, PATIENT, tool

TESTS = Path(__file__).parent
ROOT = TESTS.parent
README = ROOT / "README.md"
DOCUMENTS = (README, *sorted((ROOT / "docs").glob("[a-z]*/*.md")))
DEFAULT_PORT = "8080"
_MARKER = re.compile(r"<!-- (session: crmcom-kit (?P<serve>serve.*?)|run|(?P<on>go on)) -->")
_FENCE = re.compile(r"```(console|python|javascript)\n(.*?)```", re.DOTALL)
_FILE = re.compile(r"(?:#|//) ([\w.-]+\.(?:py|mjs))\n")


class Block(NamedTuple):
    """A fenced block that a test runs."""

    language: str
    text: str


class Part(NamedTuple):
    """What stands behind one marker: blocks that share a shell, and the server that they need."""

    serve: str | None
    blocks: list[Block]


def parts(text: str) -> list[Part]:
    """Return the runnable parts of a document: from a marker to the next marker or heading."""
    found: list[Part] = []
    for marker in _MARKER.finditer(text):
        rest = text[marker.end() :]
        end = re.search(r"\n##+ |<!-- |\n\*\*", rest)
        body = rest[: end.start()] if end else rest
        blocks = [Block(*each.groups()) for each in _FENCE.finditer(body)]
        if marker["on"]:
            found[-1].blocks.extend(blocks)
        else:
            found.append(Part(marker["serve"], blocks))
    return found


def steps(block: Block) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each with the output that is shown."""
    for step in re.split(r"(?m)^\$ ", block.text)[1:]:
        command, _, output = step.partition("\n")
        yield command, output


def fits(output: str, shown: str) -> bool:
    """Return whether ``shown`` shows ``output``, with … for anything."""
    pattern = ".*".join(re.escape(piece) for piece in shown.strip().split("…"))
    return re.fullmatch(pattern, output.strip().replace("\r\n", "\n"), re.DOTALL) is not None


@pytest.fixture(name="serving")
def _serving() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


def _start(arguments: str, serving: list[subprocess.Popen[str]], folder: Path) -> str:
    """Start the mock on a free port; return the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "crmcom_kit", *arguments.split(), "--port", "0", "--log", "off"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    serving.append(process)
    assert process.stdout is not None
    ready = re.match(r"READY http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
    assert ready is not None
    return ready[1]


def _environment() -> dict[str, str]:
    """Return the environment of what a document shows: the project's commands, a plain locale."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C",
        "CRMCOM_SERVE_PORT": "0",  # the default port may be taken
        "CI": "true",  # so Hypothesis has no deadline, which a busy machine breaks
        "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(TESTS)))),
        "PYTEST_ADDOPTS": " ".join((*FEWER_PLUGINS, *PATIENT)),
        # Dask warns when a worker takes more than 4 s to end, as on a busy machine.
        "DASK_LOGGING__DISTRIBUTED": "error",
    }


def _run(commands: list[str], port: str, folder: Path) -> list[str]:
    """Run commands in one shell; return what each printed."""
    mark = "@@next@@"
    script = "".join(f"{command}\nprintf '{mark}'\n" for command in commands)
    done = subprocess.run(
        ["bash", "-c", script.replace(f":{DEFAULT_PORT}", f":{port}")],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=280,
        check=True,
    )
    return done.stdout.split(mark)[:-1]


@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if _MARKER.search(path.read_text("utf-8"))],
    ids=lambda path: path.name,
)
def test_what_is_shown_is_what_happens(
    document: Path, serving: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    for part in parts(document.read_text("utf-8")):
        port = _start(part.serve, serving, tmp_path) if part.serve else DEFAULT_PORT
        _play(part, port, tmp_path)


def _play(part: Part, port: str, folder: Path) -> None:
    if any(block.language == "javascript" for block in part.blocks):
        tool("node")
    snippets = [block for block in part.blocks if block.language != "console"]
    files = {found[1]: block for block in snippets if (found := _FILE.match(block.text))}
    for name, block in files.items():
        (folder / name).write_text(block.text, encoding="utf-8")
    shown = [step for block in part.blocks if block.language == "console" for step in steps(block)]
    outputs = _run([command for command, _ in shown], port, folder) if shown else []
    for (command, expected), output in zip(shown, outputs, strict=True):
        assert fits(output, expected), f"$ {command}\n{output}\nWhat is shown:\n{expected}"
    for block in snippets:
        if block not in files.values():
            assert block.language == "python", "JavaScript needs a file's name"
            subprocess.run(
                [sys.executable, "-W", "error", "-c", block.text], cwd=folder, check=True
            )


def test_newcomers_play_sessions_that_run() -> None:
    """Also if a block lost both its marker and its language."""
    for name, least in {"README.md": 6, "tour.md": 16, "first-test.md": 6}.items():
        (path,) = (path for path in DOCUMENTS if path.name == name)
        blocks = [block for part in parts(path.read_text("utf-8")) for block in part.blocks]
        assert sum(len(list(steps(block))) for block in blocks) >= least, name


def test_every_block_that_could_be_run_is_run() -> None:
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        found = parts(text)
        assert all(part.blocks for part in found), document
        assert sum(len(part.blocks) for part in found) == len(_FENCE.findall(text)), document


def test_a_difference_is_seen() -> None:
    """The comparison refuses another output, and … stands for any text."""
    assert fits('{"a":1,"b":2}\n', '{"a":1,…}')
    assert not fits('{"a":1,"b":2}\n', '{"a":2,…}')
    assert not fits("", "anything")
