"""Keyword arguments of a world, as a type checker sees them."""

from typing import TYPE_CHECKING

from crmcom_kit.fixtures import Options
from crmcom_kit.mock_server import MockWorld
from crmcom_kit.mock_server.faults.specification import (
    FaultEffect,
    FaultMatch,
    FaultPresetArguments,
    FaultSpec,
    RefusalSpec,
)
from crmcom_kit.mock_server.python_api import keywords
from crmcom_kit.schemas import response_fields

if TYPE_CHECKING:  # `make types` sees these: strict mypy refuses an ignored error that is none

    def right(mock: MockWorld) -> None:
        """Takes what is right."""
        mock.fail("outage", seconds=30, status=503)
        mock.fail(operation=["list", "show"], respond={"status": 200, "body": b"["}, times=1)
        mock.assert_called("resend", record=7, served=True, times={"at_least": 1})
        mock.assert_not_called(operation="delete", fault={"absent": True})
        mock.expect_refusal(operation="resend", error="not_rejected", times=1)
        mock.wait_for(record="7", state="SUCCESSFUL", timeout=10)
        mock.wait_for(lambda: len(mock.records) < 3)
        mock.seed(count=50, rejected=0.5, entities=["JOBS"])
        mock.seed(since="100 days", until="now")
        mock.add(age="1 hour", number="4711")
        mock.change(7, **mock.add(entity="JOBS", webhook_definition={"name": "Jobs"}))

    def misspelled(mock: MockWorld) -> None:
        """Has a mistake in each line."""
        mock.fail(operaton="list", drop=True)  # type: ignore[call-arg]
        mock.fail(operation="list", respond={"stauts": 200})  # type: ignore[arg-type]
        mock.assert_called(operaton="resend")  # type: ignore[call-arg]
        mock.assert_not_called(recrod="7")  # type: ignore[call-arg]
        mock.wait_for(recrod="7")  # type: ignore[call-arg]
        mock.expect_refusal(eror="not_rejected")  # type: ignore[call-arg]
        mock.seed(cuont=3)  # type: ignore[call-arg]
        mock.add(entty="JOBS")  # type: ignore[call-arg]
        mock.change("7", entty="JOBS")  # type: ignore[call-arg]


def test_the_keywords_are_those_that_the_methods_know() -> None:
    """So that no name is forgotten when one is added."""
    spec = (FaultSpec, FaultMatch, FaultEffect, FaultPresetArguments)
    of_faults = {name for one in spec for name in one.__annotations__} - {"match", "effect"}
    assert {*keywords.FaultArguments.__annotations__} == of_faults
    effects, text = FaultEffect.__annotations__, str(MockWorld.fail.__doc__)
    assert not [name for name in effects if f"``{name}``" not in text]
    asked = {"operation", *keywords.RefusalArguments.__annotations__}
    assert asked == {*RefusalSpec.__annotations__}
    members = {*keywords.RecordMembers.__annotations__} - {"data"}
    assert members == {*response_fields()}
    options = {*Options.__dataclass_fields__} - {"release", "dialect"}
    assert {*keywords.SeedArguments.__annotations__} - {"count"} == options
