"""The reasons: one text for each statement that a request can break, and no copy of it."""

import string
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.reasons import reason
from crmcom_kit.schemas.statements import statement

ROOT = Path(__file__).parent.parent.parent
REASONS: dict[str, dict[str, Any]] = read_json("data/reasons.json")["reasons"]
CASES = [(name, case) for name, texts in REASONS.items() for case in ("", *texts.get("cases", ()))]
_MIN_WORDS = 3  # of a text that nobody writes again by chance


def test_a_reason_is_a_sentence_without_gaps() -> None:
    """It says what is wrong and what to do, whether the caller knows what is allowed or not."""
    values = {"parameter": "entity.id", "seen": '"{x}"'}
    without = [reason(name, case, **values) for name, case in CASES]
    for why in (*without, *(reason(name, case, **values, allowed="{y}") for name, case in CASES)):
        assert str(why) == f"{why.wrong}; {why.remedy}"
        assert not {"{", "}"} & set(str(why).replace('"{x}"', "").replace("{y}", ""))
        assert "None" not in str(why)
        assert not why.wrong.endswith(".")


def test_every_statement_that_a_request_can_break_has_one() -> None:
    """Those that errors are about, and the one that only the kit can tell from another."""
    broken = {kind[key] for kind in error_kinds().values() for key in ("statement", "of_list")
              if key in kind}  # fmt: skip
    assert {*REASONS} == broken | {"delete.gone"}
    assert all(statement(name).text for name in REASONS)


def _texts(constant: object) -> Iterator[str]:
    """Yield the texts in a constant of compiled code, or in the code of a module."""
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, CodeType | tuple | frozenset):
        for inner in constant.co_consts if isinstance(constant, CodeType) else constant:
            yield from _texts(inner)


def test_neither_side_has_a_copy_of_its_own() -> None:
    """What the texts of the reasons say is in no string of the mock's or the kit's code."""
    parts = {
        literal.strip(" ,;:")
        for texts in REASONS.values()
        for case in (texts, *texts.get("cases", {}).values())
        for key in ("wrong", "remedy")
        for literal, *_ in string.Formatter().parse(case.get(key, ""))
        if len(literal.split()) >= _MIN_WORDS
    }
    assert parts
    copies = [
        f"{path.relative_to(ROOT)}: {part}"
        for room in ("mock_server", "contract_tests")
        for path in sorted((ROOT / room).rglob("*.py"))
        for text in _texts(compile(path.read_text("utf-8"), path, "exec", optimize=2))
        for part in parts
        if part in text
    ]
    assert copies == []
