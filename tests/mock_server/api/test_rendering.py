"""Rendering: what the dials and the release make of a record, which stays valid."""

import pytest

from crmcom_kit.schemas import load_dialect, resolve
from crmcom_kit.schemas.rendering import Renderer

UNIT = {
    "id": "9",
    "name": "Unit",
    "alternative_code": "U",
    "description": None,
    "group_name": "Group",
    "community_name": "Community",
}
MEMBERS = {"record.definition_members": ["name", "description", "life_cycle_state"]}


@pytest.mark.parametrize(("release", "name"), [("R17", "unit"), ("R18", "business_unit")])
def test_units_are_business_units_from_r18_on(release: str, name: str) -> None:
    """The members' names are the release's, whichever of the two a world was written with."""
    for written in ("unit", "business_unit"):
        log = {f"created_by_{written}": UNIT, f"updated_by_{written}": None}

        shown = Renderer(load_dialect(), resolve(release)).log_information(log)

        units = {member: unit for member, unit in shown.items() if member.endswith("unit")}
        assert units == {f"created_by_{name}": UNIT, f"updated_by_{name}": None}


def test_unknown_members_are_null_where_they_may_be() -> None:
    """A description is null where unknown; name and state cannot be null, and go."""
    renderer = Renderer(load_dialect().changed(MEMBERS), resolve("R9"))

    for unknown in ({}, {"name": None, "life_cycle_state": None}):
        assert renderer.definition({"id": "D1", **unknown}) == {"description": None}


def test_members_that_no_order_names_follow_by_name() -> None:
    """What an order does not name comes behind, sorted, so that the bytes are always the same."""
    renderer = Renderer(load_dialect(), resolve("R9"))

    made = renderer.sort_members("user", {"z": 1, "id": "1", "a": 2, "username": "u"})

    assert list(made) == ["username", "id", "a", "z"]
