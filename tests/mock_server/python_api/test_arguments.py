"""Arguments of a wrong type are refused by name, as wrong values are."""

from collections.abc import Callable
from typing import Any

import pytest

from crmcom_kit.mock_server import crmcom_mock
from crmcom_kit.usage_errors import UsageError

NAN = float("nan")


CASES: list[tuple[str, Callable[[Any], Any]]] = [
    ("at", lambda m: m.clock.freeze(5)),
    ("by", lambda m: m.clock.advance("5")),
    ("by", lambda m: m.clock.advance(NAN)),
    ("seconds", lambda m: m.clock.advance(1e300)),
    ("hours", lambda m: m.clock.advance(hours="5")),
    ("hour", lambda m: m.clock.advance(hour=5)),
    ("by", lambda m: m.clock.advance()),
    ("life_cycle", lambda m: m.records.filter(life_cycle="REJECTED")),
    ("preset", lambda m: m.fail(5)),
    ("token", lambda _: crmcom_mock(token="T")),
    ("tokens", lambda _: crmcom_mock(tokens=[""])),
    ("allow_hosts", lambda _: crmcom_mock(allow_hosts=[5])),
    ("seed", lambda _: crmcom_mock(seed="x")),
    ("journal", lambda _: crmcom_mock(journal=-1)),
    ("journal", lambda _: crmcom_mock(journal="x")),
    ("credentials", lambda _: crmcom_mock(credentials="x")),
    ("port", lambda _: crmcom_mock(port=70_000)),
    ("colour", lambda _: crmcom_mock(colour="red")),
    ("lifetime", lambda m: m.fail(status=500, lifetime=True)),
    ("entries", lambda m: m.seed(5)),
    ("count", lambda m: m.seed(count="5")),
    ("timeout", lambda m: m.assert_called(timeout=5, operation="show")),
    ("timeout", lambda m: m.wait_for(record="7", timeout=None)),
    ("until", lambda m: m.wait_for(5)),
    ("until", lambda m: m.wait_for(lambda: True, times=3)),
    ("times", lambda m: m.wait_for(record="7", times=3)),
    ("operaton", lambda m: m.assert_not_called(operaton="resend")),
    ("times", lambda m: m.assert_not_called(operation="resend", times=1)),
    ("time", lambda m: m.assert_called(operation="resend", time=1)),
    ("wait", lambda m: m.wait_for()),
    ("until", lambda m: m.wait_for(lambda: True, operation="show")),
    ("record", lambda m: m.fail(drop=True, record={"number": "7"})),
    ("name", lambda m: m.snapshot(5)),
    ("name", lambda m: m.world(5)),
    ("fault", lambda m: m.fire("ACTIVITIES", "ACT CREATE", {}, fault="cut")),
    ("delivered", lambda m: m.wait_for(delivery="7", delivered="x")),
    ("number", lambda m: m.deliveries.replay(m.fire("ACTIVITIES", "ACT CREATE", {}).attempt)),
    ("statuses", lambda m: m.receiver.answer_with("200")),
    ("definition", lambda m: m.fire("ACTIVITIES", 5, {})),
    ("data", lambda m: m.fire("ACTIVITIES", "ACT CREATE", 5)),
    ("url", lambda m: m.fire("ACTIVITIES", "ACT CREATE", {}, url=5)),
]


@pytest.mark.parametrize(("named", "use"), CASES)
def test_a_wrong_type_is_refused_by_name(named: str, use: Callable[[Any], Any]) -> None:
    """The error names the argument, at the caller's own line; nothing has changed."""
    mock = crmcom_mock()

    with pytest.raises(UsageError, match=f"^{named}: seen .*allowed is") as refused:
        use(mock)

    assert refused.value.parameter == named
    frames = [entry.name for entry in refused.traceback.filter(refused)]
    assert frames == ["test_a_wrong_type_is_refused_by_name", "<lambda>"]
    assert mock.clock.state.mode == "real"
