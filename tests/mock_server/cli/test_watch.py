"""``crmcom-kit serve --watch``: changed files are reloaded, broken ones change nothing."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from crmcom_kit.fixtures import webhook_request_entries
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.cli.watch import Files
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH

LOOK = 0.01  # seconds
BAD = "bad one"
SECONDS = 20.0  # until something that must happen has not


def lines(*indexes: int) -> str:
    """Return a world file with generated webhook requests."""
    entries = [entry for index in indexes for entry in webhook_request_entries(index=index)]
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(LOOK)


class Watching:
    """Watches a file in a thread, and notes each text that is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read: list[str] = []
        self.closing = threading.Event()
        files = Files([path])
        self.thread = threading.Thread(target=files.watch, args=(self.reload, self.closing, LOOK))
        self.thread.start()

    def has_read_more_than(self, count: int) -> Callable[[], bool]:
        """Return what says whether the file was read more often."""
        return lambda: len(self.read) > count

    def reload(self) -> str:
        """Read the file; refuse it if it is bad."""
        self.read.append(self.path.read_text("utf-8"))
        if self.read[-1] == BAD:
            msg = "the reason"
            raise click.ClickException(msg)
        return f"read {self.read[-1]}"


@pytest.fixture(name="watching")
def _watching(tmp_path: Path) -> Iterator[Watching]:
    path = tmp_path / "file"
    path.write_text("first", "utf-8")
    watching = Watching(path)
    yield watching
    watching.closing.set()
    watching.thread.join(SECONDS)
    assert not watching.thread.is_alive()


def test_each_change_is_read_once(watching: Watching, capsys: pytest.CaptureFixture[str]) -> None:
    """A written, a refused, a replaced file, and one that is away for a moment."""
    for text in ("second", BAD, "the third"):  # each longer than the one before
        count = len(watching.read)
        with watching.path.open("r+b", buffering=0) as file:
            file.write(text.encode())  # in one step: a file that is emptied first may be seen empty
        until(watching.has_read_more_than(count))
    other = watching.path.with_name("other")
    other.write_text("the fourth", "utf-8")
    other.replace(watching.path)
    until(lambda: watching.read[-1] == "the fourth")

    watching.closing.set()
    watching.thread.join(SECONDS)
    assert watching.read == ["second", BAD, "the third", "the fourth"]
    assert capsys.readouterr().err.splitlines() == [
        "read second",
        "not reloaded, nothing has changed: the reason",
        "read the third",
        "read the fourth",
    ]


def test_a_file_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    """What is read is what two looks have seen."""
    path = tmp_path / "file"
    path.write_text("", "utf-8")
    files = Files([path])
    looks = iter(["a", "ab", "abc", "abc", "abc", None])

    class Closing(threading.Event):
        """Lets a writer write between two looks."""

        def wait(self, timeout: float | None = None) -> bool:
            del timeout
            text = next(looks)
            if text not in (None, path.read_text("utf-8")):
                path.write_text(str(text), "utf-8")
            return text is None

    read: list[str] = []

    def reload() -> str:
        read.append(path.read_text("utf-8"))
        return ""

    files.watch(reload, Closing())
    assert read == ["abc"]


def numbers(world: World) -> set[str]:
    """The numbers of a world's webhook requests."""
    return {record.number for record in world.store.records()}


def test_other_data_replaces_the_content_and_no_more(tmp_path: Path) -> None:
    """As an import does; a reset and new named worlds go on from it, other worlds stay."""
    data = tmp_path / "data.jsonl"
    data.write_text(lines(1), "utf-8")
    world = make_world(data=data, tokens=["T"])
    registry = WorldRegistry(world)
    client = create_app(world).test_client()
    client.get(f"{API_PATH}/webhook_requests/list?token=T")
    old, before = registry.get("old"), numbers(world)
    world.save("mine")

    data.write_text(lines(2, 3), "utf-8")
    epoch = world.reload(make_world(data=data, tokens=["T"]))

    assert (epoch.number, len(epoch.store)) == (1, 2)
    assert len(world.journal.entries()) == 1
    assert numbers(old) == before
    assert numbers(registry.get("new")) == numbers(world)
    now = numbers(world)
    world.restore("mine")
    assert numbers(world) == before
    world.reset()
    assert numbers(world) == now


def test_another_dialect_starts_the_world_anew() -> None:
    """Requests are answered in it; journal, snapshots and tokens from logins are gone."""
    world = make_world(tokens=["T"])
    closing = world.config.closing
    client = create_app(world).test_client()
    login = {
        "username": "mpadministrator",
        "password": "crmcom-kit",
        "organisation": "CRMDEMO",
    }
    answer: Any = client.post(f"{API_PATH}/authentication/token", json=login).json
    token = answer["data"]["token"]
    show = f"{API_PATH}/webhook_requests/show?webhook_request_identifier=number=99999&token="
    assert client.get(f"{show}{token}").status_code == 200
    world.save("mine")

    world.reload(make_world(tokens=["T"], dialect="http"))

    assert client.get(f"{show}T").status_code == 404
    assert client.get(f"{show}{token}").status_code == 401
    assert len(world.journal.entries()) == 2
    assert world.snapshots() == {}
    assert world.config.closing is closing


def test_the_command_reloads(tmp_path: Path, start_server: Callable[..., Any]) -> None:
    """Data and dialect; a broken file is named on standard error, and the content stays."""
    data, dialect = tmp_path / "data.jsonl", tmp_path / "mine.toml"
    data.write_text(lines(1), "utf-8")
    dialect.write_text("", "utf-8")
    flags = ("--data", str(data), "--dialect", str(dialect), "--watch", "--token", "T")
    server = start_server(*flags, "--log", "off")

    data.write_text(lines(2, 3), "utf-8")
    until(lambda: server.ask("GET", "/__admin/health")[1]["webhook_requests"] == 2)
    data.write_text("{oops\n", "utf-8")
    line = server.process.stderr.readline()
    assert line == "reloaded: 2 webhook requests, dialect " + f"{dialect}\n"
    line = server.process.stderr.readline()
    assert line.startswith(f"not reloaded, nothing has changed: data {data} line 1 ")
    assert server.ask("GET", "/__admin/health")[1]["webhook_requests"] == 2

    data.write_text(lines(2), "utf-8")
    dialect.write_text("errors.status.unknown_webhook_request = 404\n", "utf-8")
    path = f"{API_PATH}/webhook_requests/show?webhook_request_identifier=number=99999&token=T"
    until(lambda: server.ask("GET", path)[0] == 404)
    until(lambda: server.ask("GET", "/__admin/health")[1]["webhook_requests"] == 1)
