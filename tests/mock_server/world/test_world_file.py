"""World files: both forms in any layout, the sample world, and what is refused."""

import io
import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from itertools import permutations
from math import inf
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.records import world_request as request

from crmcom_kit.fixtures import json_lines, stream
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world import world_file
from crmcom_kit.mock_server.world.entries import add_entries
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import (
    DataError,
    LocatedEntry,
    locate_all,
    read_entries,
    sample_entries,
    validate,
)

DEFINITION = {"id": "D1", "name": "Jobs", "secret_key_id": "K1"}
RULE = {"id": "R1", "name": "Job closed"}
KEY = {"id": "K1", "name": "Key", "key": "secret"}


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
    by_kind: dict[str, list[Any]] = {}
    for entry in entries:
        ((kind, value),) = entry.items()
        by_kind.setdefault(kind, []).append(value)
    return by_kind


def content(world: World) -> list[bytes]:
    return world.store.query(Query())


def error_of(data: Path | str | list[Any], release: str = "R9") -> str:
    with pytest.raises(DataError) as caught:
        make_world(data=data, release=release)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 1500
    assert isinstance(data, list) or str(data) in text
    return text


UNIT = b'{"unit":{"id":"1"}}\n'


def records_of(world: World) -> list[Any]:
    return sorted(map(orjson.loads, content(world)), key=lambda record: int(record["number"]))


def test_plain_records_are_a_world(write: Write) -> None:
    """As lines, in an array, or one alone, in any layout: each is shown as it was given."""
    records = list(stream("webhook_request", count=30, seed=3, release="R18"))
    lines = b"".join(json_lines(records))
    worlds: list[tuple[Any, list[Any]]] = [
        (lines, records),
        (b"[%b]" % lines.replace(b"\n", b",")[:-1], records),
        (json.dumps(records, indent=2).encode(), records),
        (json.dumps(records[0], indent=2).encode(), records[:1]),
        (iter(records), records),
        (records[0], records[:1]),
    ]
    for data, expected in worlds:
        source = write(data) if isinstance(data, bytes) else data
        assert records_of(make_world(data=source, release="R18")) == expected


@pytest.mark.parametrize("indent", [None, 2])
def test_a_saved_response_is_a_world(write: Write, indent: int | None) -> None:
    """A response of show or list can be served, as a mock or a real instance sent it."""
    records = [request(number)["record"] for number in "12"]
    for data, count in ((records, 2), (records[0], 1)):
        response = json.dumps({"status": {"code": "OK"}, "data": data}, indent=indent)
        assert len(content(make_world(data=write(response.encode())))) == count
    refused = b'{"status": {"code": "INVALID"}, "data": null}'
    assert "/data/0: entry: seen null" in error_of(write(refused))


def test_plain_records_and_entries_may_be_mixed(write: Write) -> None:
    """A definition comes before the records that name it, and has more than they show."""
    records = records_of(make_world(data=ENTRIES))
    definition = {**DEFINITION, "url": "http://receiver/in"}
    world = make_world(data=write([ENTRIES[0], {"webhook_definition": definition}, *records]))

    assert records_of(world) == records
    stored = world.current_epoch.reference_data.definitions.find_any("Jobs")
    assert stored == definition


def test_lines_document_and_entries_are_the_same_world(write: Write) -> None:
    """However a world is given, in any layout and order, it has the same records, to the byte."""
    expected = content(make_world(data=ENTRIES))
    assert len(expected) == 2
    assert b'"authentication_code":null' not in b"".join(expected)

    for order in permutations(ENTRIES[:3]):
        assert content(make_world(data=write([*order, *ENTRIES[3:]]))) == expected
    lines = b"\n \t\n".join(json.dumps(entry).encode() for entry in ENTRIES)
    whole = document(ENTRIES)
    pretty = json.dumps(dict(reversed(whole.items())), indent=4).encode()
    for text in (lines.replace(b"\n", b"\r\n"), lines, json.dumps(whole).encode(), pretty):
        for layout in (text, b"\n \n" + text + b"\n\n", BOM_UTF8 + text):
            assert content(make_world(data=write(layout))) == expected
    for text in (b"{}", b" {\n}\n", b'{"webhook_request":[],"unit":[ ]}'):
        assert content(make_world(data=write(text))) == []


def test_entries_are_copied() -> None:
    """What happens to the entries later, or to the world, does not happen to the other one."""
    entries = json.loads(json.dumps(ENTRIES))
    world = make_world(data=entries)
    entries[1]["webhook_definition"]["secret_key_id"] = "other"

    assert entries[3]["webhook_request"]["record"]["webhook_definition"] == {"id": "D1"}
    assert world.current_epoch.reference_data.key_of("D1") == "secret"


@pytest.mark.parametrize("release", ["R9", "R18"])
def test_the_sample_world_passes_the_checks(release: str) -> None:
    """It is what the checks of other files let through, with records of each entity."""
    config = make_world(release=release).config
    own_release = config.release
    entries = list(sample_entries(own_release))
    assert list(validate(entries, config)) == entries
    requests = [request.entry.get("webhook_request") for request in entries]
    assert {request["record"]["entity"] for request in requests if request} == set(
        own_release.entities
    )


# What is refused.

DEEP = b'{"webhook_request":' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}"
NOT_WORLDS = [
    (b"", ": it is empty; allowed is webhook requests or .*{} is an empty world"),
    (b"[]", ": it is empty; allowed is webhook requests or .*{} is an empty world"),
    (b'{"status": {}, "data": []}', " /data: it is empty; allowed is webhook requests or .*"),
    ("\ufeff{}".encode("utf-16-le"), " line 1 column .*: not JSON"),
    (b"\n[" * 500_000, " line .*: not JSON"),
    (b'[{"id": "1"}, ', " line 1 column .*: not JSON"),
    (b"5\n" + UNIT, " line 1: entry: seen 5; allowed is"),
    (b'{"unit": [],\n "users": []}', ': "users" with an array is not allowed; .*unit, user,'),
    (b'{"unit": [{"id": "1"}],\n "user": [}', " line 2 column 11: not JSON"),
    (b'{"unit": [{"id": "1"}, 5]}', " /unit/1: unit: seen 5; allowed is an object"),
    (DEEP, " line 1 column .*not JSON"),
]
WRONG_LINES = [
    (b'{"unit":', "line 3 column 9: not JSON: "),
    (b'{"unit":{"id":"\xff"}}', "line 3 column .*: not JSON: .*UTF-8"),
    (b'{"unit":{"id":"\\ud800"}}', "line 3 column .*: not JSON: .*surrogate"),
    (b"{}", "line 3: entry: seen an object; allowed is one of unit, .* such as .*}}}$"),
    (b'{"units":{"id":"2"}}', r'line 3: units: seen in .* such as \{"web.* \(nearest: unit\)$'),
    (b'{"unit":{"id":"2","size":5}}', "line 3: unit.size: seen in the entry; allowed is one of id"),
    (b'{"unit":{"id":"2","%b":5}}' % (b"x" * 100_000), "line 3: unit.x{10,100}…"),
    (b'{"unit":{}}', "line 3: unit.id: seen nothing; allowed is a string"),
    (b'{"unit":{"id":"1","name":"other"}}', "line 3: unit 1 already exists with other"),
]


def test_a_wrong_file_is_refused(write: Write) -> None:
    """The error has the place, blank lines counted, what was seen and what is allowed."""
    in_lines = [(UNIT + b"\n" + line + b"\n" + UNIT, message) for line, message in WRONG_LINES]
    for text, message in (*NOT_WORLDS, *in_lines):
        assert re.search(message, error_of(write(text))), message


def test_no_key_is_quoted(write: Write) -> None:
    """However a key is spelled wrongly, the error says the place and the kind of value alone."""
    for wrong in (
        {"secret_key": {**KEY, "key": {"value": ["HUSH"]}}},
        {"secret_key": {**KEY, "key": 51423}},
        {"secret_key": "HUSH"},
        [{"secret_key": {**KEY, "key": "HUSH"}}],
    ):
        error = error_of(write([*ENTRIES, wrong]))
        assert not re.search("HUSH|51423", error)
        assert re.search("line 6: .*seen .*; allowed is", error)


WRONG_RECORDS: list[tuple[dict[str, Any], str]] = [
    ({"life_cycle_state": "SENDING"}, 'state: seen "SENDING"; allowed is one of SUCCESSFUL'),
    ({"a\nb": "red"}, "record.a.+nb: seen in the entry; allowed is one of"),
    ({"entity": "JOB"}, 'entity: seen "JOB"; allowed is one of'),
    ({"entity": "LEADS"}, "entity LEADS is not in R9.0.0; it is known from R14.0.0"),
    ({"log_information": {"created_date": "2015-02-30"}}, 'created_date: seen "2015-02-30'),
    ({"webhook_definition": {"name": "Jobs"}}, "definition of webhook request 1 has no id"),
    (
        {"webhook_definition": {"id": "D1", "name": "Other"}},
        'name of webhook_definition D1 is "Other" in webhook request 1, and "Jobs" before',
    ),
    (
        {"life_cycle_state": "SUCCESSFUL", "error_code": "ConnectException"},
        'error_code: seen "ConnectException"; allowed is null',
    ),
    ({"data": [1]}, "data: seen an array; allowed is an object or null"),
    ({"data": json.loads('{"a":' * 300 + "1" + "}" * 300)}, "less than 254 deep"),
]


def test_a_wrong_record_is_refused(write: Write) -> None:
    """Each thing that no record can be is named with its place, in both forms."""
    for changes, message in WRONG_RECORDS:
        entries = [*ENTRIES[:3], {"webhook_request": request("1", **changes)}]
        for made, place in (
            (entries, "line 4"),
            (json.dumps(document(entries)).encode(), "/webhook_request/0"),
        ):
            assert re.search(f" {place}: .*{message}", error_of(write(made))), message


@pytest.mark.parametrize("kind", ["webhook_definition", "workflow_rule"])
def test_names_of_one_id_that_contradict_each_other_are_refused(write: Write, kind: str) -> None:
    """Also if the first record names a definition or a rule by its id alone, now or before."""
    by_id, a, b = (
        {"webhook_request": request(number, **{kind: {"id": "N1", **named}})}
        for number, named in (("1", {}), ("2", {"name": "A"}), ("3", {"name": "B"}))
    )
    message = f'name of {kind} N1 is "B" in webhook request 3, and "A" before'
    assert message in error_of(write([by_id, a, b]))

    world = make_world(data=[by_id])
    world.add(lambda _: locate_all([a], "entry"))
    with pytest.raises(DataError, match=re.escape(message)):
        world.add(lambda _: locate_all([b], "entry"))
    assert len(world.store) == 2


def test_an_error_of_one_member_has_its_facts() -> None:
    """Its name, what was seen and what is allowed, as every usage error; others have a text."""
    with pytest.raises(DataError) as caught:
        make_world(data=[{"unit": {}}])
    facts = {"parameter": "unit.id", "seen": "nothing", "allowed": "a string"}
    assert caught.value.facts() == {"error": str(caught.value), **facts}

    with pytest.raises(DataError) as caught:
        make_world(data="nowhere")
    assert caught.value.facts() == {"error": str(caught.value)}


def test_a_record_that_is_there_twice_is_refused(write: Write) -> None:
    second = {"webhook_request": request("1", id="other")}
    assert "line 5: number: 1 is given twice" in error_of(write([*ENTRIES[:4], second]))


@pytest.mark.parametrize("at", [0, 1, 2])
def test_what_comes_after_webhook_requests_is_refused(write: Write, at: int) -> None:
    """They may refer to it; what is known already may come again."""
    ((kind, value),) = ENTRIES[at].items()
    others = [entry for entry in ENTRIES if entry != ENTRIES[at]]
    error = error_of(write([*others, {kind: {**value, "id": "late"}}]))
    assert f"line 5: {kind} late comes after webhook requests; allowed is above" in error
    assert len(content(make_world(data=write([*ENTRIES, ENTRIES[at]])))) == 2


def test_what_is_known_already_undoes_nothing() -> None:
    """A webhook request that brings nothing new leaves what others add meanwhile."""
    world = make_world(data=ENTRIES)

    def entries(_: Epoch) -> Iterator[LocatedEntry]:
        yield from locate_all([{"webhook_request": request("9")}], "entry")
        unit = locate_all([{"unit": {"id": "other"}}], "entry")
        add_entries(world.config, world.store, unit, inf)

    world.add(entries)
    assert world.store.reference_data.units.find("id", "other")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert error_of(tmp_path / "none.jsonl").endswith("cannot be read: No such file or directory")
    assert error_of(str(tmp_path)).endswith("cannot be read: Is a directory")


def test_entries_from_python_must_be_json() -> None:
    """A value that JSON cannot carry is refused, rather than changed or left for later."""
    for value, message in (
        (float("nan"), "a value that is not JSON"),
        ((1, 2), "a value that is not JSON"),
        (b"bytes", "bytes"),
        ("\ud800", "surrogates"),
        (2**64, "64-bit"),
        ({1: 2}, "key must be str"),
    ):
        entries = [*ENTRIES[:3], {"webhook_request": request("1", data={"a": value})}]
        assert re.match(f"data entry 3: .*{message}.*allowed is JSON", error_of(entries)), value


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device or a pipe that never ends is read up to a limit, whatever comes out of it."""
    monkeypatch.setattr(world_file, "MAX_ENTRY", 300_000)
    monkeypatch.setattr(world_file, "MAX_DOCUMENT", 500_000)
    for start, repeated, message in (
        (b"", b"\0", " line 1: longer than 300,000 bytes"),
        (UNIT, b"x", " line 2: longer than 300,000 bytes"),
        (b'{"unit":{', b" ", ": a document longer than 500,000 bytes"),
        (b'{"unit":[', b"[],", ": a document longer than 500,000 bytes; JSON Lines have no limit"),
        (b'{"unit":[\n', b"\n", ": a document longer than 500,000 bytes; JSON Lines have no limit"),
    ):
        file = io.BytesIO(start + repeated * 700_000)
        with pytest.raises(DataError, match=f"^it{message}"):
            list(read_entries(file, "it"))
        assert file.tell() < 600_000
