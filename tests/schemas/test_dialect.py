"""Dialects: what may be set, what is refused with which words, and the file that explains them."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmcom_kit.schemas import Dialect, DialectError, dials, load_dialect
from crmcom_kit.schemas.dialect import Dial, read_script
from crmcom_kit.schemas.dialect_file import write_dialect

#: For each type of dial, values that are not of it, or not among its choices.
ILL_TYPED: dict[str, list[Any]] = {
    "choice": ["", "nonsense", 1, True, None, ["day"]],
    "boolean": ["true", 0, 1, None, []],
    "integer": ["1", 1.5, True, -1, 10**9, None],
    "text": [1, True, None, ["a"], "half \ud800"],
    "cases": [
        *("", [{}], [{"kind": "bad_body"}], [{"kind": "bad_body", "seen": "nothing"}], None),
        *(
            [{"code": "E"}],
            [{"kind": "success", "code": "E"}],
            [{"kind": "success", "data": "null"}],
        ),
        *([{"kind": "success", "results": "few", "message": ""}],),
        *([{"kind": "bad_body", "message": "half \ud800"}],),
        *([{"kind": "nosuch", "seen": "nothing", "code": "E"}],),
        *([{"kind": "bad_body", "seen": "nosuch", "code": "E"}],),
        *([{"kind": "bad_body", "seen": "nothing", "code": "OK"}],),
        *([{"kind": "bad_body", "seen": "nothing", "code": "E", "more": "x"}],),
    ],
    "status": [204, 205, 304, 199, 600, "200", 200.0, True, None],
    "code": ["", " ", "OK", " OK ", 1.5, None, "\udfff"],
    "pattern": ["", "0000", "+99:99", 1, None],
    "order": ["", "id", [], ["no order"], ["id"] * 5, [1], None],
    "members": ["id", ["nonsense"], ["id", "nonsense"], 1, None],
    "script": ["", "nonsense", "0*timeout", "timeout,,success", "timeout;success", 1, None],
}
SCRIPTS = ["success", "timeout, success", "3*refused,http_500", " 2 * bad_tls , internal"]

ORDERED_BY = ("added", "entity", "number text desc", "webhook_definition.name unset high")
CASE = {"kind": "bad_body", "seen": "a form", "status": 415, "code": 7}
DONE = {"kind": "success", "state": "REJECTED", "message": '"{number}"\n', "description": "{null}"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.just("\"'\\\x7f\n\u2028")
STRUCTURES: dict[str, st.SearchStrategy[Any]] = {
    "script": st.sampled_from(SCRIPTS),
    "order": st.lists(st.sampled_from(ORDERED_BY), min_size=1, max_size=4),
    "cases": st.lists(st.sampled_from([CASE, {**CASE, "method": "show\n"}, DONE])),
}


def allowed_values(dial: Dial) -> st.SearchStrategy[Any]:
    match dial.type:
        case "choice":
            return st.sampled_from(dial.choices)
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(*dial.choices)
        case "members":
            return st.lists(st.sampled_from(dial.choices), unique=True)
        case "pattern":
            return st.from_regex(re.compile(dial.choices, re.ASCII), fullmatch=True)
        case "status":
            return st.sampled_from([200, 201, 299, 400, 418, 500, 599])
        case "code":
            return st.text(st.characters(exclude_categories=["Cs", "Zs", "Cc"]), min_size=3)
    return STRUCTURES.get(dial.type, TEXTS)


@settings(max_examples=20)
@given(data=st.data())
def test_a_changed_dialect_survives_its_file(data: st.DataObject) -> None:
    """Whatever a dialect is changed to, its file has all values in it, as they are."""
    made = {}
    for type_ in ILL_TYPED:  # a dial of each type, set to what it may be set to
        dial = data.draw(st.sampled_from([dial for dial in dials().values() if dial.type == type_]))
        made[dial.key] = data.draw(allowed_values(dial), label=dial.key)
    dialect = Dialect("changed", made)

    read = tomllib.loads(write_dialect(dialect))

    for key, value in dict(dialect).items():
        found: Any = read
        for part in key.split("."):
            found = found[part]
        assert (tuple(found) if isinstance(found, list) else found) == value


def test_the_file_explains_every_dial() -> None:
    text = write_dialect(load_dialect())
    whole = " ".join(line.lstrip("# ") for line in text.splitlines())

    for dial in dials().values():
        assert dial.text in whole
        assert f"Evidence: {dial.evidence} ({dial.source})." in whole
        assert f"Allowed: {dial.allowed()}." in whole


def test_the_default_and_every_choice_are_allowed() -> None:
    for dial in dials().values():
        assert dial.accepts(dial.default), dial
        if dial.type in ("choice", "integer"):
            assert all(map(dial.accepts, dial.choices)), dial


def test_an_ill_typed_value_is_named_with_the_choices() -> None:
    for dial in dials().values():
        for value in ILL_TYPED[dial.type]:
            with pytest.raises(DialectError) as refused:
                Dialect("mine", {dial.key: value})
            message = f"dialect mine: {dial.key} = {value!r} is not allowed; allowed is "
            assert str(refused.value) == message + dial.allowed()


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("list.ordr", "list.order"),
        ("errors.not_reject.status", "errors.not_rejected.status"),
        ("fields_set.unknown_names", "fields_set.unknown_name"),
        ("xyz", "`crmcom-kit dialect` prints all keys"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(key: str, near: str) -> None:
    with pytest.raises(DialectError, match=f"^dialect mine: unknown key {key}; .*{near}"):
        Dialect("mine", {key: 1})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[list]\norder = 'sideways'\n", "list.order = 'sideways' is not allowed"),
        (b"list = 3\n", "unknown key list"),
        (b"[list.orders]\n", "unknown key list.orders; nearest: list.order"),
        (b"[list\n", "not a TOML file in UTF-8"),
        (
            b"a = " + b"[" * 5000 + b"]" * 5000,
            "not a TOML file in UTF-8: nested more than 50 levels",
        ),
        (b"a = " + b"[" * 60 + b"]" * 60, "nested more than 50 levels deep"),
        (b".".join([b"a"] * 1000) + b" = 1", "nested more than 50 levels deep"),
        (b".".join([b"a"] * 50) + b" = 1", "unknown key a.a.a"),
        (b"[errors.bad_date]\nmessage = '\xff'\n", "not a TOML file in UTF-8"),
    ],
)
def test_a_bad_file_is_refused_by_name(content: bytes, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(content)

    with pytest.raises(DialectError) as refused:
        load_dialect(file)

    assert str(refused.value).startswith(f"dialect {file}: ")
    assert complaint in str(refused.value)


def test_a_file_names_only_what_differs(tmp_path: Path) -> None:
    """Dials that a file leaves out are the default's, and a key may be written with dots."""
    file = tmp_path / "mine.toml"
    file.write_text('list.order = ["entity", "number desc"]\n', encoding="utf-8")

    expected = dict(load_dialect()) | {"list.order": ("entity", "number desc")}
    assert dict(load_dialect(str(file))) == expected


def test_a_dialect_can_be_changed_again() -> None:
    once = Dialect("mine", {"list.order": ["added"]})

    twice = once.changed({"list.empty": "null"})

    assert (twice["list.order"], twice["list.empty"]) == (("added",), "null")
    assert once["list.empty"] == "array"
    with pytest.raises(DialectError, match="allowed is one of"):
        once.changed({"list.empty": "nothing"})


def test_a_script_is_read_step_by_step() -> None:
    assert read_script("success") == ((1, "success"),)
    assert read_script(" 2 * http_500 ,refused") == ((2, "http_500"), (1, "refused"))
    assert read_script("Success") is None
    assert read_script("-1*success") is None
