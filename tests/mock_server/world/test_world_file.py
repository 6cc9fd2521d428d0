"""World files: both forms in any layout, the sample world, and what is refused."""

import gzip
import io
import json
import os
import re
import tracemalloc
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from crmcom_kit.fixtures import json_lines, sample_world_path, stream
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world import world_file
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import (
    DataError,
    LocatedEntry,
    file_entries,
    kinds,
    numbered,
    read_entries,
    sample_entries,
    validated,
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
    return world.store.query(Query())


def error_of(data: Path | str | list[Any], release: str = "R9") -> str:
    """Return what a world file, or entries of Python code, are refused with."""
    with pytest.raises(DataError) as caught:
        make_world(data=data, release=release)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 1500
    assert isinstance(data, list) or str(data) in text
    return text


# What can be read.


@pytest.mark.parametrize("release", ["R9", "R15", "R18"])
def test_plain_records_are_a_world(write: Write, release: str) -> None:
    """As lines, in an array, or one alone, in any layout: each is shown as it was given."""
    records = list(stream("webhook_request", count=30, seed=3, release=release))
    lines = b"".join(json_lines(records))
    array = b"[%b]" % lines.replace(b"\n", b",")[:-1]
    for text, expected in (
        (lines, records),
        (array, records),
        (json.dumps(records, indent=2).encode(), records),
        (lines.split(b"\n")[0], records[:1]),
        (json.dumps(records[0], indent=2).encode(), records[:1]),
        (b"[]", []),
    ):
        world = make_world(data=write(text), release=release)
        assert sorted(map(orjson.loads, content(world)), key=by_number) == expected
    for values, expected in (
        (records, records),
        (iter(records), records),
        (records[0], records[:1]),
    ):
        world = make_world(data=values, release=release)
        assert sorted(map(orjson.loads, content(world)), key=by_number) == expected
        for record in expected:
            definitions = world.current_epoch.reference_data.definitions
            assert definitions.find_any(record["webhook_definition"]["name"])


@pytest.mark.parametrize("indent", [None, 2])
def test_a_saved_response_is_a_world(write: Write, indent: int | None) -> None:
    """What show or list answered can be served, as a mock or a real instance sent it."""
    records = [request(number)["record"] for number in "12"]
    for data, count in ((records, 2), (records[0], 1), ([], 0)):
        response = {"status": {"code": "OK"}, "data": data}
        assert (
            len(content(make_world(data=write(json.dumps(response, indent=indent).encode()))))
            == count
        )
    refused = {"status": {"code": "INVALID"}, "data": None}
    assert "/data/0: entry: seen null" in error_of(write(json.dumps(refused).encode()))


def by_number(record: Any) -> int:
    """Return what records are sorted by."""
    return int(record["number"])


def test_plain_records_and_entries_may_be_mixed(write: Write) -> None:
    """A definition may come before or after the records that name it."""
    plain = make_world(data=ENTRIES)
    records = sorted(map(orjson.loads, content(plain)), key=by_number)
    definition = {**DEFINITION, "url": "http://receiver/in"}
    for entries in (
        [ENTRIES[0], {"webhook_definition": definition}, *records],
        [*records, ENTRIES[0], {"webhook_definition": definition}],
    ):
        world = make_world(data=write(entries))
        assert sorted(map(orjson.loads, content(world)), key=by_number) == records
        known = world.current_epoch.reference_data.definitions.find_any("Jobs")
        assert known == definition


def test_a_wrong_plain_record_is_refused_with_its_place(write: Write) -> None:
    """Line or position, the member, and what to do about another release."""
    good, wrong = request("1")["record"], {**request("2")["record"], "number": 7}
    later = {**request("2")["record"], "entity": "LEADS"}
    lacking = {"entity": "JOBS", "number": "2"}
    for second, said in (
        (wrong, "number: seen 7; allowed is a string"),
        (later, "it is known from R14.0.0; start the mock with --release R14"),
        (lacking, "the webhook request lacks id, life_cycle_state, entity_id"),
        ([1], "seen an array; allowed is one of unit"),
    ):
        for both, place in (
            ([good, second], "line 2: "),
            (json.dumps([good, second]).encode(), "/1: "),
            (json.dumps([good, second], indent=1).encode(), "/1: "),
        ):
            error = error_of(write(both))
            assert place in error
            assert said in error, error


def test_lines_document_and_entries_are_the_same_world(write: Write) -> None:
    """However a world is given, in any layout and order, it has the same records, to the byte."""
    expected = content(make_world(data=ENTRIES))
    assert len(expected) == 2
    assert b'"authentication_code":null' not in b"".join(expected)

    for order in permutations(ENTRIES[:4]):  # records before what they refer to, too
        assert content(make_world(data=write([*order, ENTRIES[4]]))) == expected
    for ending in (b"\n", b"\r\n", b"\n\n \t\n"):
        lines = ending.join(json.dumps(entry).encode() for entry in ENTRIES)
        for text in (lines, lines + ending, b"\n \n" + lines, BOM_UTF8 + lines):
            assert content(make_world(data=write(text))) == expected
    for members in permutations(document(ENTRIES).items()):
        for indent in (None, 1, 4):
            text = json.dumps(dict(members), indent=indent).encode()
            for whole in (text, b"\n \n" + text + b"\n\n", BOM_UTF8 + text):
                assert content(make_world(data=write(whole))) == expected


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_a_file(tmp_path: Path) -> None:
    """A world can come out of another program: nothing is read twice."""
    lines = "\n".join(map(json.dumps, ENTRIES))
    for at, text in enumerate((lines, json.dumps(document(ENTRIES)))):
        pipe = tmp_path / f"pipe{at}"
        os.mkfifo(pipe)
        writer = Thread(target=pipe.write_text, args=(text,), daemon=True)
        writer.start()
        assert len(content(make_world(data=pipe))) == 2
        writer.join(10)


def test_an_empty_document_is_an_empty_world(write: Write) -> None:
    """A world with nothing in it is written {}, or with empty arrays."""
    for text in (b"{}", b" {\n}\n", b'{"webhook_request":[],"unit":[ ]}'):
        assert content(make_world(data=write(text))) == []
    assert content(make_world(data=[])) == []


def test_every_kind_of_entry_can_be_loaded(write: Write) -> None:
    """Each kind is accepted; those that records do not need are there for the logins."""
    entries = [*ENTRIES, {"unit": {"id": "9", "name": "Ω"}}, {"user": {"id": "5", "username": "u"}}]
    world = make_world(data=write(entries))

    assert {next(iter(entry)) for entry in entries} == set(kinds())
    assert world.current_epoch.reference_data.units.find("name", "Ω") == {"id": "9", "name": "Ω"}
    assert world.current_epoch.reference_data.user_named("U") == {"id": "5", "username": "u"}


def test_entries_are_copied() -> None:
    """What happens to the entries later, or to the world, does not happen to the other one."""
    entries = json.loads(json.dumps(ENTRIES))
    world = make_world(data=entries)
    entries[1]["webhook_definition"]["secret_key_id"] = "other"

    assert entries[3]["webhook_request"]["record"]["webhook_definition"] == {"id": "D1"}
    assert world.current_epoch.reference_data.key_of("D1") == "secret"


def test_values_are_kept(write: Write) -> None:
    """Whole numbers of 64 bits, floats and any text come out of a file as they went in."""
    numbers = [2**63, 2**64 - 1, -(2**63), 0, 1.5, 1e300, 0.1234567890123456789, 10**18, 10.0**20]
    for number in numbers:
        entries = [*ENTRIES[:3], {"webhook_request": request("1", request={"n": [number]})}]
        for made in (entries, json.dumps(document(entries)).encode()):
            (body,) = content(make_world(data=write(made)))
            assert json.loads(body)["request"] == {"n": [number]}
    text = 'Σάμος \u0000 " \\ \u2028 👩\u200d🔧 \x7f'
    for ascii_only in (True, False):
        line = json.dumps({"webhook_request": request("Ω", url=text)}, ensure_ascii=ascii_only)
        record = make_world(data=write(line.encode())).store.get("number", "Ω")
        assert record is not None
        assert record.url == json.loads(record.body)["url"] == text


def test_lines_are_read_one_by_one(write: Write) -> None:
    """A large file of lines need not be in memory."""
    entries = file_entries(write([*ENTRIES, {"webhook_request": 5}]), resolve("R9"))
    assert [next(entries).entry for _ in ENTRIES] == ENTRIES
    with pytest.raises(DataError, match="line 6"):
        next(entries)


# The sample world.


def test_the_sample_world_passes_the_checks() -> None:
    """What a release gets of the sample world is what the checks of other files let through."""
    for release in map(resolve, ("R9", "R18")):
        entries = list(sample_entries(release))
        assert list(validated(entries, release)) == entries


def test_every_release_has_all_its_entities_in_the_sample_world() -> None:
    """Each entity that a release knows has records, and no other one has."""
    for release in map(resolve, release_names()):
        requests = [one.entry.get("webhook_request") for one in sample_entries(release)]
        assert {one["record"]["entity"] for one in requests if one} == set(release.entities)


def test_the_sample_world_is_all_of_its_file() -> None:
    """The newest release gets every line, located by its number; a copy is the same world."""
    lines = sample_world_path().read_bytes().splitlines()

    assert list(sample_entries(resolve("R18"))) == [
        LocatedEntry(json.loads(line), f"sample world, line {number}")
        for number, line in enumerate(lines, 1)
    ]
    assert content(make_world(release="R15", data=sample_world_path())) == content(
        make_world(release="R15")
    )


# What is refused.

DEEP = b'{"webhook_request":' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}"
UNIT = b'{"unit":{"id":"1"}}\n'


def test_a_file_that_is_no_world(write: Write) -> None:
    """Each wrong file is refused with the place, what was seen and what is allowed."""
    for text, said in (
        (b"", ": it is empty; allowed is webhook requests or .*{} is an empty world"),
        (b"\n \n\t\n", ": it is empty"),
        (BOM_UTF8, ": it is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", " line 1 column 1: not JSON"),
        ("{}".encode("utf-16-le"), " line 1 column 2: not JSON"),
        ("\ufeff{}".encode("utf-16-le"), " line 1: seen UTF-16; allowed is UTF-8, not compressed"),
        ("\ufeff{}".encode("utf-16-be"), " line 1: seen UTF-16; allowed is UTF-8, not compressed"),
        (gzip.compress(UNIT, mtime=0), " line 1: seen gzip; allowed is UTF-8, not compressed"),
        (b'{"unit":{"id":"\xff"}}', " line 1 column .*: not JSON: .*UTF-8"),
        (b"id,number,url\n1,2,3\n", " line 1 column 1: not JSON"),
        (b"\n[" * 500_000, " line .*: not JSON"),
        (b'[{"id": "1"}, ', " line 1 column .*: not JSON"),
        (b"5\n" + UNIT, " line 1: entry: seen 5; allowed is"),
        (b'"unit"', " line 1: entry: seen .unit.; allowed is"),
        (b"null", " line 1: entry: seen null; allowed is"),
        (b'{"unit": [],\n "users": []}', ': "users" with an array is not allowed; .*unit, user,'),
        (b'{"unit": [],\n "user": {}}', ': "user" with an object is not allowed; .*arrays'),
        (b'{"unit": [{"id": "1"}],\n "user": [}', " line 2 column 11: not JSON"),
        (b'\n\n{"unit": [}', " line 3 column 11: not JSON"),
        (b'{"unit": [{"id": 1}]}', " /unit/0: unit.id: seen 1; allowed is a string"),
        (b'{"unit": [{"id": "1"}, 5]}', " /unit/1: unit: seen 5; allowed is an object"),
        (b'{"unit": []}\n' + UNIT, " line 2 column 1: not JSON: "),
        (b"{}\n{}", " line 2 column 1: not JSON: "),
        (b'{"unit":}\n' + UNIT, " line 1 column 9: not JSON"),
        (b'{"units":{}}\n' + UNIT, " line 1: units: seen in the entry; allowed is one of unit"),
        (DEEP, " line 1 column .*not JSON"),
        (b'{"unit":[' + DEEP + b"]}", " line 1 column .*not JSON"),
        (
            b'{"unit":{"id":' + b"9" * 5000 + b"}}",
            " line 1: not JSON: a number with too many digits$",
        ),
    ):
        assert re.search(said, error_of(write(text))), (text[:80], said)


def test_a_wrong_line_is_named(write: Write) -> None:
    """The number of a wrong line is given; blank lines count."""
    for line, said in (
        (b'{"unit":', "line 3 column 9: not JSON: "),
        (b'{"unit":{"id":"2"}},', "line 3 column 20: not JSON: "),
        (b"not JSON", "line 3 column .*: not JSON: "),
        (b'{"unit":{"id":"\xff"}}', "line 3 column .*: not JSON: .*UTF-8"),
        (b'{"unit":{"id":"\\ud800"}}', "line 3 column .*: not JSON: .*surrogate"),
        (b'{"unit":{"id":NaN}}', "line 3 column .*: not JSON: "),
        (b'{"unit":{"id":1e999}}', "line 3 column .*: not JSON: "),
        (b"[1, 2]", "line 3: entry: seen an array; allowed is one of unit, user"),
        (b"null", "line 3: entry: seen null; allowed is one of unit, user"),
        (b"{}", "line 3: entry: seen an empty object; allowed is one of unit, user, secret_key"),
        (
            b'{"unit":{"id":"2"},"user":{"id":"2"}}',
            "line 3: entry: seen an object; allowed is one of unit",
        ),
        (b'{"units":{"id":"2"}}', "line 3: units: seen in the entry; allowed is one of unit"),
        (
            b'{"unit":{"id":"2","size":5}}',
            "line 3: unit.size: seen in the entry; allowed is one of id, name",
        ),
        (b'{"unit":{}}', "line 3: unit.id: seen nothing; allowed is a string"),
        (b'{"unit":{"id":2}}', "line 3: unit.id: seen 2; allowed is a string"),
        (b'{"unit":5}', "line 3: unit: seen 5; allowed is an object"),
        (
            b'{"secret_key":{"id":"1","name":"n","key":""}}',
            "line 3: secret_key.key: seen a hidden value; allowed is",
        ),
        (b'{"unit":{"id":"1","name":"other"}}', "line 3: unit 1 already exists with other"),
    ):
        error = error_of(write(UNIT + b"\n" + line + b"\n" + UNIT))
        assert re.search(said, error), (line, error)


def test_no_key_is_quoted(write: Write) -> None:
    """However a key is spelled wrongly, the error says the place and the kind of value alone."""
    for wrong in (
        {"secret_key": {**KEY, "key": ["HUSH"]}},
        {"secret_key": {**KEY, "key": {"value": "HUSH"}}},
        {"secret_key": {**KEY, "description": ["HUSH"]}},
        {"secret_key": {**KEY, "key": 51423}},
        {"secret_key": "HUSH"},
        {"secret_key": ["HUSH"]},
        [{"secret_key": {**KEY, "key": "HUSH"}}],
    ):
        error = error_of(write([*ENTRIES, wrong]))
        assert not re.search("HUSH|51423", error)
        assert re.search("line 6: .*seen .*; allowed is", error)


def test_a_wrong_record_is_refused(write: Write) -> None:
    """Each thing that no record can be is named with its place, in both forms."""
    for changes, said in (
        (
            {"life_cycle_state": "PENDING"},
            'life_cycle_state: seen "PENDING"; allowed is one of SUCCESSFUL',
        ),
        (
            {"life_cycle_state": "SENDING"},
            'life_cycle_state: seen "SENDING"; allowed is one of SUCCESSFUL',
        ),
        ({"number": 7}, "number: seen 7; allowed is a string"),
        ({"url": None}, "url: seen null; allowed is a string"),
        ({"colour": "red"}, "record.colour: seen in the entry; allowed is one of"),
        ({"a\nb": "red"}, "record.a.+nb: seen in the entry; allowed is one of"),
        ({"entity": "JOB"}, 'entity: seen "JOB"; allowed is one of'),
        ({"entity": "LEADS"}, "entity LEADS is not in R9.0.0; it is known from R14.0.0"),
        (
            {"log_information": {"created_date": "2015-11-01"}},
            'created_date: seen "2015-11-01"; allowed is a date and time, yyyy',
        ),
        (
            {"log_information": {"created_date": "2015-02-30T00:00:00"}},
            'created_date: seen "2015-02-30',
        ),
        ({"webhook_definition": {}}, "webhook_definition of webhook request 1 has no id"),
        ({"webhook_definition": {"name": "Jobs"}}, "webhook_definition of webhook request 1 has"),
        ({"workflow_rule": {}}, "workflow_rule of webhook request 1 has no id"),
        (
            {"webhook_definition": {"id": "D1", "name": "Other"}},
            'name of webhook_definition D1 is "Other" in webhook request 1, and "Jobs" before',
        ),
        (
            {"workflow_rule": {"id": "R1", "name": "Other"}},
            'name of workflow_rule R1 is "Other" in webhook request 1, and "Job closed" before',
        ),
        (
            {"life_cycle_state": "SUCCESSFUL", "error_code": "ConnectException"},
            'error_code: seen "ConnectException"; allowed is null',
        ),
        (
            {"life_cycle_state": "SUCCESSFUL", "error_description": ""},
            'error_description: seen ""; allowed is null',
        ),
        ({"data": [1]}, "data: seen an array; allowed is an object or null"),
        ({"request": 5}, "request: seen 5; allowed is an object or a string or null"),
        ({"request": {"n": 2**64}}, "64 bits"),
        ({"data": {"n": 10**30}}, "64 bits"),
        ({"data": {"n": [-(2**63) - 1]}}, "64 bits"),
        ({"data": json.loads('{"a":' * 300 + "1" + "}" * 300)}, "less than 254 deep"),
    ):
        entries = [*ENTRIES[:3], {"webhook_request": request("1", **changes)}]
        for made, place in (
            (entries, "line 4"),
            (json.dumps(document(entries)).encode(), "/webhook_request/0"),
        ):
            error = error_of(write(made))
            assert re.search(said, error), error
            assert f" {place}: " in error


def entries(entry: dict[str, Any], _: Epoch) -> Iterator[LocatedEntry]:
    """Return the one entry that is to be added."""
    return numbered([entry], "entry")


def test_names_of_one_id_that_contradict_each_other_are_refused(write: Write) -> None:
    """Also if the first record names a definition or a rule by its id alone, now or before."""
    for kind in ("webhook_definition", "workflow_rule"):
        by_id, a, b = (
            {"webhook_request": request(number, **{kind: {"id": "N1", **named}})}
            for number, named in (("1", {}), ("2", {"name": "A"}), ("3", {"name": "B"}))
        )
        said = f'name of {kind} N1 is "B" in webhook request 3, and "A" before'
        assert said in error_of(write([by_id, a, b]))

        world = make_world(data=[by_id])
        world.add(partial(entries, a))
        with pytest.raises(DataError, match=re.escape(said)):
            world.add(partial(entries, b))
        assert len(world.store) == 2


def test_reference_data_may_be_of_a_later_release(write: Write) -> None:
    """Definitions and rules about an entity that the release lacks do no harm."""
    for kind in ("webhook_definition", "workflow_rule"):
        entry = {kind: {"id": "X", "name": "n", "entity": "LEADS"}}
        assert len(content(make_world(data=write([*ENTRIES, entry]), release="R9"))) == 2


def test_what_is_there_twice_is_refused(write: Write) -> None:
    """Ids and numbers of records are unique; other entries with one id must say the same."""
    for second, said in (
        (request("1", id="other"), "line 5: number: 1 is given twice"),
        (request("2", id="id1"), "line 5: id: id1 is given twice"),
    ):
        assert said in error_of(write([*ENTRIES[:4], {"webhook_request": second}]))
    for kind in (kind for kind in kinds() if kind != "webhook_request"):
        entry = {"id": "X", "name": "n", "key": "k"} if kind == "secret_key" else {"id": "X"}
        if kind in ("webhook_definition", "workflow_rule"):
            entry["name"] = "n"
        other = {**entry, "username" if kind == "user" else "alternative_code": "other"}
        assert content(make_world(data=write([{kind: entry}, {kind: entry}]))) == []
        error = error_of(write([{kind: entry}, {kind: other}]))
        assert f"line 2: {kind} X already exists with other members" in error


def test_a_contradiction_between_two_records_is_refused(write: Write) -> None:
    """If no entry gives a definition's name, records that name it must agree on it."""
    names = [{"id": "D1"}, {"id": "D1", "name": "A"}, {"id": "D1"}, {"id": "D1", "name": "A"}]
    entries = [
        {"webhook_request": request(str(n), webhook_definition=name)}
        for n, name in enumerate(names, 1)
    ]
    world = make_world(data=write(entries))
    found = world.current_epoch.reference_data.definitions.find("name", "A")
    assert found is not None
    assert found["id"] == "D1"

    late = {"webhook_request": request("5", webhook_definition={"id": "D1", "name": "B"})}
    with pytest.raises(DataError, match="line 5: name of webhook_definition D1"):
        make_world(data=write([*entries[1:], entries[0], late]))


def test_a_file_that_cannot_be_read(tmp_path: Path, write: Write) -> None:
    """No file, a folder and a file of somebody else's are refused in the system's words."""
    assert error_of(tmp_path / "none.jsonl").endswith("cannot be read: No such file or directory")
    assert error_of(tmp_path).endswith("cannot be read: Is a directory")
    assert error_of(str(tmp_path / "none" / "none")).endswith("No such file or directory")
    if os.name == "posix" and os.geteuid() != 0:
        path = write(ENTRIES)
        path.chmod(0)
        assert error_of(path).endswith("cannot be read: Permission denied")


def test_entries_from_python_must_be_json() -> None:
    """A value that JSON cannot carry is refused, rather than changed or left for later."""
    for value, said in (
        (float("nan"), "a value that is not JSON"),
        ((1, 2), "a value that is not JSON"),
        ({1, 2}, "set"),
        (b"bytes", "bytes"),
        ("\ud800", "surrogates"),
        (2**64, "64-bit"),
        ({1: 2}, "key must be str"),
    ):
        entries = [*ENTRIES[:3], {"webhook_request": request("1", data={"a": value})}]
        assert re.match(f"data entry 3: .*{said}.*allowed is JSON", error_of(entries))
    entry: Any
    for entry in (5, None, [], "unit", {}):
        assert re.match("data entry 1: entry: ", error_of([{"unit": {"id": "1"}}, entry]))


def test_a_long_value_does_not_fill_the_message(write: Write) -> None:
    """The message stays readable, whatever the size of what is wrong."""
    text = error_of(write([{"unit": {"id": "1", "x" * 100_000: "1"}}]))

    assert re.search("line 1: unit.x{10,100}…", text)


# What never ends, or takes more memory than it is worth.


class Endless(io.RawIOBase):
    """A file that repeats some bytes, and counts how many were read."""

    def __init__(self, start: bytes, repeated: bytes) -> None:
        self.start = start
        self.repeated = repeated
        self.read_bytes = 0

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``."""
        part = self.start or self.repeated * (len(buffer) // len(self.repeated) or 1)
        part, self.start = part[: len(buffer)], b""
        buffer[: len(part)] = part
        self.read_bytes += len(part)
        return len(part)


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device or a pipe that never ends is read up to a limit, whatever comes out of it."""
    monkeypatch.setattr(world_file, "MAX_ENTRY", 300_000)
    monkeypatch.setattr(world_file, "MAX_DOCUMENT", 500_000)
    for start, repeated, said in (
        (b"", b"\0", " line 1: longer than 300,000 bytes"),
        (b"", b"\n", ": it begins with more than 1,048,576 bytes of blank lines"),
        (b"", b" ", ": it begins with more than 1,048,576 bytes of blank lines"),
        (UNIT, b"x", " line 2: longer than 300,000 bytes"),
        (b'{"unit":{', b" ", ": a document longer than 500,000 bytes"),
        (b'{"unit":[', b"[],", ": a document longer than 500,000 bytes; JSON Lines have no limit"),
        (b'{"unit":[\n', b"\n", ": a document longer than 500,000 bytes; JSON Lines have no limit"),
    ):
        raw = Endless(start, repeated)
        file = io.BufferedReader(raw, 65_536)
        with pytest.raises(DataError, match=f"^it{said}"):
            list(read_entries(file, resolve("R9"), place="it"))
        assert raw.read_bytes < 2_000_000


def test_arrays_of_many_values_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short text that would be very many values takes no more memory than its bytes."""
    monkeypatch.setattr(world_file, "MAX_VALUES", 100_000)
    text = b"[" + b"[]," * 700_000 + b"[]]"
    entries = read_entries(io.BytesIO(text), resolve("R9"), place="it")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="more than 100,000 values"):
            next(entries)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(text) + 1_000_000
