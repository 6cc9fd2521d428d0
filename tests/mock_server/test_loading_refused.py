"""Worlds that cannot be read: one clear line for each way a file or an entry can be wrong."""

import json
import os
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import (
    DataError,
    file_entries,
    kinds,
)
from crmcom_kit.schemas import resolve

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


def error_of(path: Path | str, release: str = "R9") -> str:
    """Return what a world file is refused with."""
    with pytest.raises(DataError) as caught:
        make_world(data=path, release=release)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 1500
    assert str(path) in text
    return text


DEEP = b'{"webhook_request":' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "it is empty; allowed is JSON Lines .*{} is an empty world"),
        (b"\n \n\t\n", "it is empty"),
        (BOM_UTF8, "it is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "line 1 column 1: no JSON"),
        (b"\xff\xfe{\0}\0", "line 1 column 1: no JSON"),
        (b'{"unit":{"id":"\xff"}}', "line 1 column .*: no JSON: .*UTF-8"),
        (b"id,number,url\n1,2,3\n", "line 1 column 1: no JSON"),
        (b"[]", "seen an array; allowed is JSON Lines of entries, or an object of arrays"),
        (b"5", "seen a number; allowed is"),
        (b'"unit"', "seen a string; allowed is"),
        (b"null", "seen null; allowed is"),
        (b'{"unit": [],\n "users": []}', '"users" with an array is not allowed; .*unit, user,'),
        (b'{"unit": [],\n "user": {}}', '"user" with an object is not allowed; .*arrays'),
        (b'{"unit": [{"id": "1"}],\n "user": [}', "line 2 column 11: no JSON"),
        (b'\n\n{"unit": [}', "line 3 column 11: no JSON"),
        (b'{"unit": [{"id": 1}]}', r"/unit/0: \$.unit.id: 1 is not of type 'string'"),
        (b'{"unit": [{"id": "1"}, 5]}', r"/unit/1: \$.unit: 5 is not of type 'object'"),
        (b'{"unit": []}\n{"unit": {"id": "1"}}', r"line 1: \$.unit: \[\] is not of type 'object'"),
        (b"{}\n{}", "line 1: "),
        (DEEP, "line 1"),
        (b'{"unit":{"id":' + b"9" * 5000 + b"}}", "line 1: no JSON: Exceeds the limit"),
    ],
)
def test_a_file_that_is_no_world(write: Write, text: bytes, said: str) -> None:
    """Each wrong file is refused with the place, what was seen and what is allowed."""
    assert re.search(f"line [0-9].*{said}|: {said}|{said}", error_of(write(text)))


UNIT = b'{"unit":{"id":"1"}}\n'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"unit":', "line 3 column 9: no JSON: "),
        (b'{"unit":{"id":"2"}},', "line 3 column 20: no JSON: "),
        (b"not JSON", "line 3 column .*: no JSON: "),
        (b'{"unit":{"id":"\xff"}}', "line 3 column .*: no JSON: .*UTF-8"),
        (b'{"unit":{"id":"\\ud800"}}', "line 3 column .*: no JSON: .*surrogate"),
        (b'{"unit":{"id":NaN}}', "line 3 column .*: no JSON: "),
        (b'{"unit":{"id":1e999}}', "line 3 column .*: no JSON: "),
        (b"[1, 2]", r"line 3: \$: an array is not of type 'object'"),
        (b"null", r"line 3: \$: None is not of type 'object'"),
        (b"{}", r"line 3: \$: 0 members; allowed are entries of unit, user, secret_key"),
        (b'{"unit":{"id":"2"},"user":{"id":"2"}}', r"line 3: \$: .*too many|line 3: \$: .*allowed"),
        (
            b'{"units":{"id":"2"}}',
            "line 3: .*'units' is no member known here.*allowed are entries of unit",
        ),
        (b'{"unit":{"id":"2","size":5}}', r"line 3: \$.unit.size: 'size' is no member known here"),
        (b'{"unit":{}}', r"line 3: \$.unit: 'id' is a required property"),
        (b'{"unit":{"id":2}}', r"line 3: \$.unit.id: 2 is not of type 'string'"),
        (b'{"unit":5}', r"line 3: \$.unit: 5 is not of type 'object'"),
        (b'{"secret_key":{"id":"1","name":"n","key":""}}', r"line 3: \$.secret_key.key: ''"),
        (b'{"unit":{"id":"1","name":"other"}}', "line 3: unit 1 is there already, with other"),
    ],
)
def test_a_wrong_line_is_named(write: Write, line: bytes, said: str) -> None:
    """Wherever a line is wrong, its number is told, blank lines counted."""
    assert re.search(said, error_of(write(UNIT + b"\n" + line + b"\n" + UNIT)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_key": {**KEY, "key": ["HUSH"]}},
        {"secret_key": {**KEY, "key": {"value": "HUSH"}}},
        {"secret_key": {**KEY, "description": ["HUSH"]}},
        {"secret_key": {**KEY, "key": 51423}},
        {"secret_key": "HUSH"},
        {"secret_key": ["HUSH"]},
        [{"secret_key": {**KEY, "key": "HUSH"}}],
    ],
    ids=str,
)
def test_no_key_is_quoted(write: Write, wrong: Any) -> None:
    """However a key is spelled wrongly, the error tells the place and the kind of value alone."""
    error = error_of(write([*ENTRIES, wrong]))

    assert not re.search("HUSH|51423", error)
    assert re.search(r"line 6: \$.*is not of type", error)


def test_a_wrong_first_line_is_named(write: Write) -> None:
    """The first line is no exception, although it decides about the form."""
    for line in (b'{"unit":}', b"5", b'{"unit":[]}', b'{"units":{}}', b'{"unit":{"id":2}}'):
        assert re.search(r" line 1\b", error_of(write(line + b"\n" + UNIT)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"life_cycle_state": "PENDING"}, "life_cycle_state: 'PENDING' is not one of"),
        ({"life_cycle_state": "SENDING"}, "life_cycle_state: 'SENDING' is not one of"),
        ({"number": 7}, "number: 7 is not of type 'string'"),
        ({"url": None}, "url: None is not of type 'string'"),
        ({"colour": "red"}, "'colour' is no member known here"),
        ({"a\nb": "red"}, "is no member known here"),
        ({"entity": "JOB"}, "entity: 'JOB' is not one of"),
        ({"entity": "LEADS"}, "entity LEADS is not in R9.0.0; it is known from R14.0.0"),
        (
            {"log_information": {"created_date": "2015-11-01"}},
            'created_date: "2015-11-01" is no date and time of the form yyyy',
        ),
        ({"log_information": {"created_date": "2015-02-30T00:00:00"}}, 'created_date: "2015-02-30'),
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
            "error_code: 'ConnectException' is not of type 'null'",
        ),
        (
            {"life_cycle_state": "SUCCESSFUL", "error_description": ""},
            "error_description: '' is not of type 'null'",
        ),
        ({"data": [1]}, r"data: \[1\] is not of type 'object', 'null'"),
        ({"request": 5}, "request: 5 is not of type 'object', 'string', 'null'"),
        ({"request": {"n": 2**64}}, "64 bits"),
        ({"data": {"n": 10**30}}, "64 bits"),
        ({"data": {"n": -(2**63) - 1}}, "64 bits"),
        ({"data": json.loads('{"a":' * 300 + "1" + "}" * 300)}, "less than 254 deep"),
    ],
)
@pytest.mark.parametrize("form", [list, document])
def test_a_wrong_record_is_refused(
    write: Write, changes: dict[str, Any], said: str, form: Callable[[Any], Any]
) -> None:
    """Each thing that no record can be is named with its place, in both forms."""
    made = form([*ENTRIES[:3], {"webhook_request": request("1", **changes)}])
    text = made if isinstance(made, list) else json.dumps(made).encode()
    place = "line 4" if isinstance(made, list) else "/webhook_request/0"

    error = error_of(write(text))
    assert re.search(said, error)
    assert f" {place}: " in error


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (request("1", id="other"), "line 5: number: 1 is there already"),
        (request("2", id="id1"), "line 5: id: id1 is there already"),
    ],
)
def test_a_number_or_id_twice_is_refused(write: Write, second: dict[str, Any], said: str) -> None:
    """Two records with one number or one id are refused, whatever else they differ in."""
    assert said in error_of(write([*ENTRIES[:4], {"webhook_request": second}]))


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind != "webhook_request"])
def test_an_id_twice_with_other_members_is_refused(write: Write, kind: str) -> None:
    """Two entries of one kind with one id must say the same; then they count once."""
    entry = {"id": "X", "name": "n", "key": "k"} if kind == "secret_key" else {"id": "X"}
    if kind in ("webhook_definition", "workflow_rule"):
        entry["name"] = "n"
    other = {**entry, "username" if kind == "user" else "alternative_code": "other"}

    assert content(make_world(data=write([{kind: entry}, {kind: entry}]))) == []
    error = error_of(write([{kind: entry}, {kind: other}]))
    assert f"line 2: {kind} X is there already, with other members" in error


def test_a_contradiction_between_two_records_is_refused(write: Write) -> None:
    """Where no entry tells a definition's name, records that name it must agree on it."""
    names = [{"id": "D1"}, {"id": "D1", "name": "A"}, {"id": "D1"}, {"id": "D1", "name": "A"}]
    entries = [
        {"webhook_request": request(str(n), webhook_definition=name)}
        for n, name in enumerate(names, 1)
    ]
    world = make_world(data=write(entries))
    found = world.reference_data.definitions.find("name", "A")
    assert found is not None
    assert found["id"] == "D1"

    late = {"webhook_request": request("5", webhook_definition={"id": "D1", "name": "B"})}
    with pytest.raises(DataError, match="line 5: name of webhook_definition D1"):
        make_world(data=write([*entries[1:], entries[0], late]))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """No file and a folder are told in the system's words."""
    assert error_of(tmp_path / "none.jsonl").endswith("cannot be read: No such file or directory")
    assert error_of(tmp_path).endswith("cannot be read: Is a directory")
    assert error_of(str(tmp_path / "none" / "none")).endswith("No such file or directory")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a file it may not read")
def test_a_file_that_may_not_be_read(write: Write) -> None:
    """A file of somebody else's is told in the system's words."""
    path = write(ENTRIES)
    path.chmod(0)

    assert error_of(path).endswith("cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "a value that is no JSON"),
        ((1, 2), "a value that is no JSON"),
        ({1, 2}, "set"),
        (b"bytes", "bytes"),
        ("\ud800", "surrogates"),
        (2**64, "64-bit"),
        ({1: 2}, "key must be str"),
    ],
)
def test_entries_from_python_must_be_json(value: object, said: str) -> None:
    """A value that JSON cannot carry is refused, rather than changed or left for later."""
    entries = [*ENTRIES[:3], {"webhook_request": request("1", data={"a": value})}]

    with pytest.raises(DataError, match=f"^data entry 3: .*{said}.*allowed is JSON"):
        make_world(data=entries)


@pytest.mark.parametrize("entry", [5, None, [], "unit", {}])
def test_entries_from_python_must_be_entries(entry: Any) -> None:
    """Anything but an entry is refused with its position."""
    with pytest.raises(DataError, match=r"^data entry 1: \$: "):
        make_world(data=[{"unit": {"id": "1"}}, entry])


def test_a_long_value_does_not_fill_the_message(write: Write) -> None:
    """The message stays readable, whatever the size of what is wrong."""
    text = error_of(write([{"unit": {"id": "1", "name": ["x" * 100_000]}}]))

    assert re.search(
        r"line 1: \$.unit.name: .{0,200}… \(\d+ characters\) is not of type 'string'", text
    )


def test_nothing_is_read_before_it_is_needed(write: Write) -> None:
    """Entries come one by one, so that a large file need not be in memory."""
    path = write([*ENTRIES, {"unit": 5}])
    entries = file_entries(path, resolve("R9"))

    assert [next(entries).entry for _ in ENTRIES] == ENTRIES
    with pytest.raises(DataError, match="line 6"):
        next(entries)
