"""Mistakes in a test are refused by name, at the test's own line."""

from collections.abc import Callable
from typing import Any

import pytest
from helpers.tables import raises_for

from crmcom_kit.mock_server import crmcom_mock

NAN = float("nan")

#: What is named, and what is wrong.
CASES: list[tuple[str, Callable[[Any], Any]]] = [
    ("at", lambda m: m.clock.freeze(5)),
    ("by", lambda m: m.clock.advance(-1)),
    ("by", lambda m: m.clock.advance("5")),
    ("by", lambda m: m.clock.advance(by=False)),
    ("by", lambda m: m.clock.advance(NAN)),
    ("seconds", lambda m: m.clock.advance(1e300)),
    ("hours", lambda m: m.clock.advance(hours="5")),
    ("hour", lambda m: m.clock.advance(hour=5)),
    ("by", lambda m: m.clock.advance()),
    ("life_cycle", lambda m: m.records.filter(life_cycle="REJECTED")),
    ("life_cycle_state", lambda m: m.records.filter(life_cycle_state="REJCTED")),
    ("error_code", lambda m: m.records.filter(error_code="SocketTimeout")),
    ("webhook_definition", lambda m: m.records.filter(webhook_definition="ACT CREAT")),
    ("record", lambda m: m.records.filter(number="99999")),
    ("record", lambda m: m.deliveries.of("99999")),
    ("error", lambda m: m.fail(operation="list", error="not_rejected")),
    ("preset", lambda m: m.fail(5)),
    ("fail", lambda m: m.fail()),
    ("fail", lambda m: m.fail(expire_token=False)),
    ("colour", lambda m: m.fail(colour="red")),
    ("lifetime", lambda m: m.fail(drop=True, lifetime=0)),
    ("release", lambda _: crmcom_mock(release=9)),
    ("dialect", lambda _: crmcom_mock(dialect={"list.order": ["id"]})),
    ("profile nowhere", lambda _: crmcom_mock(profile="nowhere")),
    ("data", lambda _: crmcom_mock(data=5)),
    ("tokens", lambda _: crmcom_mock(tokens=[""])),
    ("allow_hosts", lambda _: crmcom_mock(allow_hosts=[5])),
    ("seed", lambda _: crmcom_mock(seed="x")),
    ("journal", lambda _: crmcom_mock(journal=-1)),
    ("credentials", lambda _: crmcom_mock(credentials="x")),
    ("port", lambda _: crmcom_mock(port=70_000)),
    ("colour", lambda _: crmcom_mock(colour="red")),
    ("entries", lambda m: m.seed(5)),
    ("entries", lambda m: m.seed("receiver_outage")),
    ("count", lambda m: m.seed(count="5")),
    ("release", lambda m: m.seed(release="R9")),
    ("the webhook_request: life_cycle_state", lambda m: m.add(life_cycle_state="LOST")),
    ("timeout", lambda m: m.assert_called(timeout=5, operation="show")),
    ("timeout", lambda m: m.wait_for(record="7", timeout=None)),
    ("strict", lambda _: crmcom_mock(strict="yes")),
    ("until", lambda m: m.wait_for(5)),
    ("until", lambda m: m.wait_for("resend")),
    ("served", lambda m: m.assert_called(served="yes")),
    ("operation", lambda m: m.expect_refusal("resent")),
    ("error", lambda m: m.expect_refusal(error="not_there")),
    ("times", lambda m: m.expect_refusal(times=0)),
    ("age", lambda m: m.change("7", age="1 day")),
    (
        "the webhook_request: webhook_definition",
        lambda m: m.add(webhook_definition={"name": "ACT CREAT"}),
    ),
    (
        "the webhook_request: webhook_definition",
        lambda m: m.add(webhook_definition={"id": "NOPE"}),
    ),
    (
        "the webhook_request: entity",
        lambda m: m.add(entity="JOBS", webhook_definition={"name": "ACT CREATE"}),
    ),
    ("operaton", lambda m: m.assert_not_called(operaton="resend")),
    ("times", lambda m: m.assert_not_called(operation="resend", times=1)),
    ("record", lambda m: m.wait_for(operation="resend", record=None)),
    ("until", lambda m: m.wait_for(lambda: True, operation="show")),
    ("record", lambda m: m.fail(drop=True, record={"number": "7"})),
    ("state", lambda m: m.load("x")),
    ("world", lambda m: m.end()),
    ("number", lambda m: m.deliveries.replay(m)),
    ("definition", lambda m: m.fire("ACTIVITIES", 5, {})),
    ("data", lambda m: m.fire("ACTIVITIES", "ACT CREATE", 5)),
    ("url", lambda m: m.fire("ACTIVITIES", "ACT CREATE", {}, url=5)),
]


def test_a_mistake_is_refused_by_name() -> None:
    """The error says which argument and what is allowed; nothing has changed."""
    mock = crmcom_mock()
    for named, use in CASES:
        with pytest.raises(ValueError, match=f"^{named}: ") as refused:
            use(mock)

        assert "; allowed " in str(refused.value)
        frames = [entry.name for entry in refused.traceback.filter(refused)]
        assert frames == ["test_a_mistake_is_refused_by_name", "<lambda>"], named
        assert (mock.clock.state.mode, len(mock.records)) == ("real", 122)
        assert not mock.emulated.faults.has_active


@pytest.mark.parametrize("part", ["", "clock", "records", "requests", "deliveries"])
def test_an_attribute_that_does_not_exist_cannot_be_set(part: str) -> None:
    mock: Any = crmcom_mock()
    with pytest.raises(AttributeError, match="frozen"):
        (getattr(mock, part) if part else mock).frozen = True


#: What is meant by a misspelled argument.
MISSPELLED: list[tuple[str, Callable[[Any], Any]]] = [
    ("respond", lambda m: m.fail(respnd={"body": ""})),
    ("operation", lambda m: m.fail(opration="list", drop=True)),
    ("lost_response", lambda m: m.fail("lost anser")),
    ("seconds", lambda m: m.fail("outage", second=3)),
    ("error", lambda m: m.expect_refusal(eror="not_rejected")),
    ("operation", lambda m: m.assert_called(operaton="resend")),
    ("JOBS", lambda m: m.add(entity="jobs")),
    ("life_cycle_state", lambda m: m.add(state="REJECTED")),
    ("error_code", lambda m: m.add(error_cod="SocketTimeoutException", x=1)),
    ("SocketTimeoutException", lambda m: m.add(error_code="SocketTimeout")),
]


def test_a_misspelled_argument_names_the_nearest_one() -> None:
    mock = crmcom_mock()
    for meant, use in MISSPELLED:
        with raises_for(meant, ValueError, match=rf"\(nearest: {meant}\)$"):
            use(mock)
