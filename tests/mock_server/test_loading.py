"""Reading worlds: both forms of a file, in any layout, and the sample world."""

import json
import os
from codecs import BOM_UTF8
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import (
    LocatedEntry,
    checked,
    kinds,
    sample_entries,
)
from crmcom_kit.schemas import release_names, resolve

DEFINITION = {"id": "D1", "name": "Jobs", "secret_key_id": "K1"}
RULE = {"id": "R1", "name": "Job closed"}
KEY = {"id": "K1", "name": "Key", "key": "secret"}


def request(number: str = "1", /, **changes: Any) -> dict[str, Any]:
    """Make a webhook request of a world, with its data."""
    record = {
        "id": f"id{number}",
        "number": number,
        "life_cycle_state": "REJECTED",
        "entity": "JOBS",
        "entity_id": "J1",
        "url": "http://receiver/in",
        "webhook_definition": {"id": "D1"},
        "workflow_rule": {"id": "R1"},
        "log_information": {"created_date": "2015-11-01T12:00:00"},
    }
    data = changes.pop("data", {"id": "J1", "number": number})
    return {"record": {**record, **changes}, "data": data}


ENTRIES: list[dict[str, Any]] = [
    {"secret_key": KEY},
    {"webhook_definition": DEFINITION},
    {"workflow_rule": RULE},
    {"webhook_request": request("1")},
    {"webhook_request": request("2", life_cycle_state="SUCCESSFUL")},
]

Write = Callable[..., Path]


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Write:
    """Write a world file of lines or of bytes as they stand."""

    def write(content: bytes | list[Any]) -> Path:
        path = tmp_path / "world.jsonl"
        if isinstance(content, list):
            content = b"".join(json.dumps(entry).encode() + b"\n" for entry in content)
        path.write_bytes(content)
        return path

    return write


def document(entries: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Make the document that says the same as ``entries``."""
    found: dict[str, list[Any]] = {}
    for entry in entries:
        ((kind, value),) = entry.items()
        found.setdefault(kind, []).append(value)
    return found


def content(world: World) -> list[bytes]:
    """Return the bodies of all records of a world."""
    return world.store.query(Query(indexed=()))


# What can be read.


def test_lines_and_document_are_the_same_world(write: Write) -> None:
    """The two forms of a file make the same records, to the byte."""
    lines = content(make_world(data=write(ENTRIES)))
    whole = json.dumps(document(ENTRIES)).encode()

    assert len(lines) == 2
    assert content(make_world(data=write(whole))) == lines
    assert content(make_world(data=ENTRIES)) == lines


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_a_document_may_be_written_in_any_layout(write: Write, indent: int | None) -> None:
    """On one line or many, with blank lines around it, a document is a document."""
    text = json.dumps(document(ENTRIES), indent=indent)

    for whole in (text, f"\n \n{text}\n\n"):
        assert len(content(make_world(data=write(whole.encode())))) == 2


def test_the_order_of_a_document_does_not_matter(write: Write) -> None:
    """Whichever kind comes first in a document, the world is the same."""
    expected = content(make_world(data=ENTRIES))

    for order in permutations(document(ENTRIES).items()):
        assert content(make_world(data=write(json.dumps(dict(order)).encode()))) == expected


def test_the_order_of_kinds_in_lines_does_not_matter(write: Write) -> None:
    """A record may stand before its definition, rule and key, and is still signed with the key."""
    expected = content(make_world(data=ENTRIES))

    for order in permutations(ENTRIES[:4]):
        assert content(make_world(data=write([*order, ENTRIES[4]]))) == expected
    assert b'"authentication_code":null' not in b"".join(expected)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\n\n \t\n"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_may_end_in_any_way(write: Write, ending: bytes, *, last: bool) -> None:
    """Line ends of any system, blank lines and a missing last line end are all one."""
    lines = ending.join(json.dumps(entry).encode() for entry in ENTRIES)

    assert len(content(make_world(data=write(lines + (ending if last else b""))))) == 2


@pytest.mark.parametrize("form", [list, document])
def test_a_byte_order_mark_does_no_harm(write: Write, form: Callable[[Any], Any]) -> None:
    """A file that an editor began with a byte order mark is read like any other."""
    made = form(ENTRIES)
    lines = made if isinstance(made, list) else [made]
    text = b"\n".join(json.dumps(line).encode() for line in lines)

    assert len(content(make_world(data=write(BOM_UTF8 + text)))) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("form", [list, document])
def test_a_pipe_is_a_file(tmp_path: Path, form: Callable[[Any], Any]) -> None:
    """A world can come out of another program: nothing is read twice."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    made = form(ENTRIES)
    lines = made if isinstance(made, list) else [made]
    text = "\n".join(map(json.dumps, lines))
    writer = Thread(target=pipe.write_text, args=(text,), daemon=True)
    writer.start()

    assert len(content(make_world(data=pipe))) == 2
    writer.join(10)


def test_an_empty_document_is_an_empty_world(write: Write) -> None:
    """Who wants a world with nothing in it writes {} (or empty arrays)."""
    for text in (b"{}", b" {\n}\n", b'{"webhook_request":[],"unit":[]}'):
        assert content(make_world(data=write(text))) == []
    assert content(make_world(data=[])) == []


def test_every_kind_of_entry_can_be_loaded(write: Write) -> None:
    """Each kind is accepted; those that records do not need are there for the logins."""
    entries = [*ENTRIES, {"unit": {"id": "9", "name": "Ω"}}, {"user": {"id": "5", "username": "u"}}]
    world = make_world(data=write(entries))

    assert {next(iter(entry)) for entry in entries} == set(kinds())
    assert world.reference_data.units.find("name", "Ω") == {"id": "9", "name": "Ω"}
    assert world.reference_data.user_named("U") == {"id": "5", "username": "u"}


def test_entries_are_copied() -> None:
    """What happens to the entries later, or to the world, does not happen to the other one."""
    entries = json.loads(json.dumps(ENTRIES))
    world = make_world(data=entries)
    entries[1]["webhook_definition"]["secret_key_id"] = "other"

    assert entries[3]["webhook_request"]["record"]["webhook_definition"] == {"id": "D1"}
    assert world.reference_data.key_of("D1") == "secret"


@pytest.mark.parametrize(
    "number", [2**63, 2**64 - 1, -(2**63), 0, 1.5, 1e300, 0.1234567890123456789]
)
def test_numbers_keep_their_value(write: Write, number: float) -> None:
    """Whole numbers of 64 bits and any float come out of a file as they went in."""
    entries = [*ENTRIES[:3], {"webhook_request": request("1", request={"n": number})}]

    (body,) = content(make_world(data=write(entries)))
    assert json.loads(body)["request"] == {"n": number}


def test_any_text_is_kept(write: Write) -> None:
    """Letters of any alphabet, escapes, NUL and emoji come out of a file as they went in."""
    text = 'Σάμος \u0000 " \\ \u2028 👩\u200d🔧 \x7f'
    raw = json.dumps({"webhook_request": request("Ω", url=text)}, ensure_ascii=False).encode()
    escaped = json.dumps({"webhook_request": request("Ω", url=text)}).encode()

    for line in (raw, escaped):
        world = make_world(data=write(line))
        record = world.store.get("number", "Ω")
        assert record is not None
        assert record.url == json.loads(record.body)["url"] == text


# The sample world.


@pytest.mark.parametrize("release", ["R9", "R18"])
def test_the_sample_world_passes_the_checks(release: str) -> None:
    """What a release gets of the sample world is what the checks of other files let through."""
    known = resolve(release)
    entries = list(sample_entries(known))

    assert list(checked(entries, known)) == entries


@pytest.mark.parametrize("release", release_names())
def test_every_release_has_all_its_entities_in_the_sample_world(release: str) -> None:
    """Each entity that a release knows has records, and no other one has."""
    requests = [one.entry.get("webhook_request") for one in sample_entries(resolve(release))]
    entities = {one["record"]["entity"] for one in requests if one}

    assert entities == set(resolve(release).entities)


def test_the_sample_world_is_all_of_its_file() -> None:
    """The newest release gets every line, and its place is its line."""
    lines = sample_world_path().read_bytes().splitlines()

    assert list(sample_entries(resolve("R18"))) == [
        LocatedEntry(json.loads(line), f"sample world, line {number}")
        for number, line in enumerate(lines, 1)
    ]


def test_the_sample_world_as_a_file_is_the_same_world() -> None:
    """Who starts from a copy of the packaged file gets the packaged world."""
    assert content(make_world(release="R15", data=sample_world_path())) == content(
        make_world(release="R15")
    )
