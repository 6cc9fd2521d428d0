"""The state file: what it keeps, what it refuses, and what happens if it cannot be written."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
import pytest

from crmcom_kit.fixtures import webhook_request_entries
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.python_api.content import add_entry
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.entries import export
from crmcom_kit.mock_server.world.state_file import StateFile
from crmcom_kit.mock_server.world.webhooks.triggers import fire
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import DataError, locate_all
from crmcom_kit.schemas import API_PATH, Dialect

HIDING = Dialect("hiding", {"record.definition_members": ["name"], "record.rule_members": []})
DATA = {"id": "A1", "number": "ACT000001"}


def add(world: World, entries: Iterable[dict[str, Any]]) -> None:
    world.add(lambda _: locate_all(entries, "entry"))


class Keeper:
    """Makes worlds that keep their content in files, and lets go of the files at the end."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "world.state"
        self._folder = folder
        self._kept: list[World] = []

    def world(self, path: Path | None = None, **options: Any) -> World:
        world = make_world(tokens=["T"], **options)
        world.keep(StateFile(path or self.path, world.config))
        self._kept.append(world)
        return world

    def again(self, **options: Any) -> World:
        """Make a world from what the file has now, as after a kill."""
        copy = self._folder / f"copy{len(self._kept)}"
        shutil.copy(self.path, copy)
        return self.world(copy, **options)

    def end(self) -> None:
        for world in self._kept:
            world.close_state()


@pytest.fixture(name="keeper")
def _keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path)
    yield keeper
    keeper.end()


def content(world: World) -> Any:
    """All that is kept of a world's content, in its order."""
    epoch = world.current_epoch
    bodies = epoch.store.query(Query(newest_first=False))
    data = [record.data for record in epoch.store.records()]
    deleted = sorted(epoch.store.deleted_keys())
    return list(export(epoch.store)), bodies, data, deleted, epoch.ids.count


def call(world: World, method: str, number: str = "7") -> Any:
    """Send a request about a webhook request; return the response."""
    body = {"token": "T", "webhook_request_identifier": {"number": number}}
    client = create_app(world).test_client()
    return client.post(f"{API_PATH}/webhook_requests/{method}", json=body)


def change_everything(world: World) -> None:
    """Change a world in every way that adds to its file."""
    assert call(world, "resend").json["status"]["code"] == "OK"
    assert call(world, "delete", "8").json["status"]["code"] == "OK"
    fire(world.current_epoch, "ACTIVITIES", "ACT CREATE", DATA)
    add_entry(world, "webhook_request", {"record": {"entity": "JOBS"}})
    control = create_app(world).test_client()
    numbers = [record.number for record in world.current_epoch.store.records()]
    changed, deleted = [number for number in numbers if number not in ("7", "8")][:2]
    change = {"record": {"url": "https://new.example/"}}
    assert control.patch(f"/__admin/records/{changed}", json=change).status_code == 200
    new = {"name": "New", "entity": "JOBS", "url": "https://new.example/"}
    assert control.post("/__admin/records", json={"webhook_definition": [new]}).status_code == 200
    assert control.delete(f"/__admin/records/{deleted}").status_code == 200
    add(world, [{"unit": {"id": "U9", "name": "Nine"}}])
    assert call(world, "delete", "7").json["status"]["code"] == "OK"


@pytest.mark.parametrize("options", [{}, {"release": "R12", "dialect": HIDING, "seed": 5}])
def test_every_change_is_there_again(keeper: Keeper, options: dict[str, Any]) -> None:
    """Records in their order, reference data, deletions and drawn ids, byte for byte."""
    world = keeper.world(**options)
    change_everything(world)

    again = keeper.again(**options)

    assert content(again) == content(world)
    assert call(again, "show", "8").json["status"]["code"] != "OK"
    newest = fire(again.current_epoch, "ACTIVITIES", "ACT CREATE", DATA).record
    expected = fire(world.current_epoch, "ACTIVITIES", "ACT CREATE", DATA).record
    assert newest is not None
    assert expected is not None
    assert (newest.id, newest.number) == (expected.id, expected.number)


def test_replaced_content_replaces_the_file(keeper: Keeper) -> None:
    """A reset and an import; deliveries of before change nothing then."""
    world = keeper.world()
    beginning = content(world)
    change_everything(world)

    before = world.current_epoch
    world.reset()
    fire(before, "ACTIVITIES", "ACT CREATE", DATA)
    assert content(keeper.again()) == content(world) == beginning

    world.replace_content(locate_all(webhook_request_entries(index=3), "entry"))
    (number,) = (orjson.loads(body)["number"] for body in content(world)[1])
    call(world, "delete", number)
    assert content(keeper.again()) == content(world)


def test_a_change_that_was_cut_off_has_not_happened(keeper: Keeper) -> None:
    """Wherever a kill cuts it: none of its records is there, and the rest of the content is."""
    world = keeper.world(data=[])
    add(world, webhook_request_entries(index=1))
    expected, before = content(world), keeper.path.read_bytes()
    more = [entry for index in (2, 3) for entry in webhook_request_entries(index=index)]
    add(world, more)
    appended = keeper.path.read_bytes()[len(before) :]
    cut = keeper.path.with_name("cut")
    for end in (0, 1, *range(10, len(appended), 997), len(appended) - 1):
        cut.write_bytes(before + appended[:end])
        again = make_world(data=[])
        notes = again.keep(StateFile(cut, again.config))
        again.close_state()
        warnings = [f"the last change is incomplete; its {end} bytes are ignored"] if end else []
        assert (content(again), notes) == (expected, warnings)
        assert cut.stat().st_size <= len(before)


def test_a_damaged_file_is_refused_and_stays(keeper: Keeper) -> None:
    """Cut within what it began with, or with another byte anywhere."""
    world = keeper.world(data=webhook_request_entries(index=1))
    begun = keeper.path.stat().st_size
    add(world, webhook_request_entries(index=2))
    text = keeper.path.read_bytes()
    cut = [text[:end] for end in (0, 1, *range(10, begun, 997), begun - 1)]
    flipped = [
        text[:at] + bytes([text[at] ^ bit]) + text[at + 1 :]
        for at, bit in zip((*range(0, len(text) - 1, 131), len(text) - 2), cycle((1, 4, 16, 128)))
    ]
    bad, another = keeper.path.with_name("bad"), make_world(data=[])
    for damaged in (*cut, *flipped):
        bad.write_bytes(damaged)
        with pytest.raises(DataError, match=f"state {bad}: .*; allowed is a whole file"):
            keep_and_let_go(another, bad)
        assert bad.read_bytes() == damaged


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"release": "R10"}, "seen release R9.0.0; allowed is R10.0.0, the release"),
        ({"dialect": "http"}, "seen another dialect; allowed is the dialect of this mock"),
    ],
)
def test_a_file_of_another_mock_is_refused_and_stays(
    keeper: Keeper, options: dict[str, Any], words: str
) -> None:
    """Made by another release or dialect: one line says so."""
    keeper.world().close_state()
    text = keeper.path.read_bytes()
    with pytest.raises(DataError, match=f"state .*{words}"):
        keep_and_let_go(make_world(**options), keeper.path)
    assert keeper.path.read_bytes() == text


def test_what_lies_beside_the_file_gets_no_keys(keeper: Keeper) -> None:
    """A stale FILE.new, or a link in its place, is removed; only the owner can read the file."""
    victim = keeper.path.with_name("victim")
    victim.write_text("mine")
    new = keeper.path.with_name(f"{keeper.path.name}.new")
    new.symlink_to(victim)
    world = keeper.world()
    assert (victim.read_text(), new.exists()) == ("mine", False)

    new.write_text("stale")
    new.chmod(0o666)
    world.reset()

    assert keeper.path.stat().st_mode & 0o777 == 0o600
    assert content(keeper.again()) == content(world)


def keep_and_let_go(world: World, path: Path) -> None:
    """Keep a world in a file, if that is possible."""
    state = StateFile(path, world.config)
    try:
        world.keep(state)
    finally:
        state.close()


def test_places_without_a_file_are_refused(tmp_path: Path) -> None:
    """A folder, a file in a folder that is not there, and a link as the lock; nothing is made."""
    (tmp_path / "linked.lock").symlink_to(tmp_path / "elsewhere")
    for path, words in (
        (tmp_path, "no regular file"),
        (tmp_path / "a" / "b", "No such file"),
        (tmp_path / "linked", "cannot be used"),
    ):
        with pytest.raises(DataError, match=words):
            StateFile(path, make_world().config)
    assert [path.name for path in tmp_path.iterdir()] == ["linked.lock"]


def test_one_process_at_a_time(keeper: Keeper) -> None:
    """A second use is refused until the first one ends, through a link as well."""
    world = keeper.world()
    link = keeper.path.with_name("link")
    link.symlink_to(keeper.path)
    for path in (keeper.path, link):
        with pytest.raises(DataError, match="another process uses it"):
            StateFile(path, world.config)
    world.close_state()
    StateFile(link, world.config).close()


def test_a_script_of_deliveries_may_differ(keeper: Keeper) -> None:
    keeper.world(deliver="timeout").close_state()
    assert keeper.world(dialect=Dialect("mine", {"delivery.script": "success"})).store


class FullDisk:
    """A file of which half of each write reaches the disk, until there is room again."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("r+b", buffering=0)
        self.full = True

    def write(self, text: memoryview) -> int:
        """Write, or fail after a part of it."""
        if not self.full:
            return int(self.file.write(text))
        self.file.write(text[: len(text) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_a_change_that_cannot_be_written_is_refused(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not made; the response says why, and what was sent. Once there is room, it is made."""
    world = make_world(tokens=["T"])
    state = StateFile(keeper.path, world.config)
    world.keep(state)
    disk = FullDisk(keeper.path)
    monkeypatch.setattr(state, "_file", disk)
    expected = content(world)[:4]

    sent = ", after the delivery: it was delivered, webhook request 7 is as before"
    for method, more in (("delete", ""), ("resend", sent)):
        refused = call(world, method)
        assert refused.status_code == 503
        assert refused.json["error"] == (
            f"state: seen world.state: No space left on device{more}; allowed is a writable file"
        )
    resent = world.reader.views()[-1]
    (attempt,) = (world.current_epoch.attempts.get(number) for number in resent.deliveries)
    assert (attempt.stage, attempt.delivered, attempt.after) == ("ended", True, None)
    assert [step["step"] for step in resent.trace] == [
        "request", "change", "attempt", "receiver", "change",
    ]  # fmt: skip
    assert (resent.state_before, resent.state_after) == ("REJECTED", "REJECTED")
    with pytest.raises(ValueError, match="No space left"):
        add_entry(world, "webhook_request", {"record": {}})
    with pytest.raises(ValueError, match="No space left"):
        add(world, [{"unit": {"id": "U9", "name": "Nine"}}])
    assert content(world)[:4] == expected
    assert content(keeper.again())[:4] == expected

    disk.full = False
    change_everything(world)
    assert content(keeper.again()) == content(world)
    disk.file.close()
    monkeypatch.undo()
    world.close_state()


def test_a_mock_goes_on_with_a_file_that_cannot_be_written_anew(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start on a full disk says so; changes are added as far as there is room."""
    change_everything(keeper.world())
    keeper.end()
    with keeper.path.open("ab") as file:
        file.write(b"the beginning of a change")

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    world = make_world(tokens=["T"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        notes = world.keep(StateFile(keeper.path, world.config))
    assert notes == [
        "the last change is incomplete; its 25 bytes are ignored",
        "it is continued, but cannot be rewritten: world.state: No space left on device",
    ]
    call(world, "delete", "9")
    assert content(keeper.again()) == content(world)
    world.close_state()


def test_content_that_cannot_be_written_replaces_nothing(keeper: Keeper) -> None:
    """A reset and an import are refused; the content stays, and changes go on."""
    world = keeper.world()
    call(world, "delete", "8")
    expected = content(world)
    blocked = keeper.path.with_name(f"{keeper.path.name}.new")
    blocked.mkdir()
    client = create_app(world).test_client()

    for verb, path, body in (("POST", "/reset", None), ("PUT", "/state", b"{}")):
        refused = client.open(f"/__admin{path}", method=verb, data=body)
        assert (refused.status_code, "Is a directory" in refused.text) == (503, True)
        assert world.current_epoch.number == 0
    assert content(world) == expected

    call(world, "delete", "9")
    blocked.rmdir()
    assert content(keeper.again()) == content(world)
