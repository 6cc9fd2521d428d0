"""Members by dotted names, as facts and in texts."""

from typing import Any

import pytest

from crmcom_kit.schemas.members import ABSENT, fact_of, filled, member_at, members_of

RECORD = {"id": "A", "on": True, "n": None, "log": {"user": {"id": 7}}, "tries": [1, {"at": "x"}]}


@pytest.mark.parametrize(
    ("path", "member", "fact", "form"),
    [
        ("id", "A", "A", "a text"), ("log.user.id", 7, "7", "a number"),
        ("on", True, "True", "a boolean"), ("n", None, "null", "null"),
        ("tries.1.at", "x", "x", "a text"), ("tries", RECORD["tries"], "an array", "an array"),
        ("log", RECORD["log"], "an object", "an object"), ("id.x", ABSENT, "absent", "absent"),
        ("tries.2", ABSENT, "absent", "absent"), ("nosuch", ABSENT, "absent", "absent"),
    ],
)  # fmt: skip
def test_a_member_has_a_name_and_a_fact(path: str, member: Any, fact: str, form: str) -> None:
    """Inside objects and arrays; its form is a fact, too."""
    assert member_at(RECORD, path) == member
    assert (fact_of(RECORD, path), fact_of(RECORD, f"{path}:form")) == (fact, form)


def test_members_are_named_within_limits() -> None:
    assert [name for name, _ in members_of(RECORD)] == [
        *("id", "on", "n", "log", "log.user", "log.user.id"),
        *("tries", "tries.0", "tries.1", "tries.1.at"),
    ]
    assert len(members_of({"long": [*range(10_000)], "more": 1})) == 200


def test_a_text_is_filled_with_members() -> None:
    assert filled("{id} of {log.user.id}, {nosuch} {}", RECORD) == "A of 7, {nosuch} {}"
