"""Faults hit the requests they match, as often as they define, and no others."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.clocks import FixedClock

from crmcom_kit.mock_server.faults import registry
from crmcom_kit.mock_server.faults.registry import MAX_BODIES, FaultState
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import LimitExceeded, NotFound, UsageError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HARMLESS = {"effect": {"delay": 0}}  # so that the response itself is the usual one


@pytest.fixture
def mock(make_mock: Any) -> Any:
    return make_mock(clock=FixedClock(NOON))


def hits(*calls: Any) -> list[bool]:
    """Make calls; return which of them a fault hit."""
    return [call().headers.get("X-Mock-Fault") is not None for call in calls]


def test_a_match_chooses(mock: Any) -> None:
    """Method and webhook request say which requests a fault matches; no match is every request."""
    calls = (
        mock.show,
        lambda: mock.list("entity=JOBS"),
        mock.resend,
        lambda: mock.delete("14"),
        mock.login,
    )
    for match, expected in (
        ({}, "xxxxx"),
        ({"operation": "show"}, "x...."),
        ({"operation": ["resend", "delete"]}, "..xx."),
        ({"operation": "token"}, "....x"),
        ({"record": "7"}, "x.x.."),
        ({"record": 7}, "x.x.."),
    ):
        mock.world.reset()
        mock.world.faults.add({"match": match, **HARMLESS})
        assert "".join(".x"[hit] for hit in hits(*calls)) == expected, match


def test_a_record_that_is_gone_is_still_named(mock: Any) -> None:
    mock.delete("7")
    mock.world.faults.add({"match": {"record": "7"}, **HARMLESS})

    assert hits(mock.show, lambda: mock.show("number=14")) == [True, False]


def test_a_fault_takes_its_turn(mock: Any) -> None:
    """The n-th request, those after the first, so many times: counted among the matching ones."""
    turns: list[tuple[dict[str, Any], str]] = [
        ({"times": 2}, "xx..."),
        ({"match": {"nth": 3}}, "..x.."),
        ({"match": {"nth": [1, 4]}}, "x..x."),
        ({"match": {"after": 2}}, "..xxx"),
        ({"match": {"after": 2}, "times": 1}, "..x.."),
    ]
    for turn, expected in turns:
        mock.world.reset()
        match = {"operation": "show", **turn.get("match", {})}
        mock.world.faults.add({**turn, **HARMLESS, "match": match})

        hit = [hits(mock.login, mock.show)[1] for _ in range(5)]
        assert "".join(map(".x".__getitem__, hit)) == expected, turn


def test_the_first_fault_hits_and_all_count(mock: Any) -> None:
    """One fault a request, the one that was added first; a later one counts that request, too."""
    first = mock.world.faults.add({**HARMLESS, "name": "first", "times": 2})[0].fault
    second = mock.world.faults.add({**HARMLESS, "name": "second", "match": {"after": 3}})[0].fault

    named = [mock.show().headers.get("X-Mock-Fault") for _ in range(4)]

    assert named == ["fault-1 (first)", "fault-1 (first)", None, "fault-2 (second)"]
    states = [mock.world.faults.find(fault.id) for fault in (first, second)]
    assert [(s.matched, s.hits, s.left, s.over) for s in states] == [
        (2, 2, 0, True),
        (4, 1, None, False),
    ]


def test_times_are_exact_among_threads(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = FaultState.count_match

    def slowly(state: FaultState) -> bool:
        time.sleep(0.0002)  # so that other threads come in between, where they can
        return counted(state)

    monkeypatch.setattr(FaultState, "count_match", slowly)
    epoch = mock.world.current_epoch
    for _ in range(10):
        epoch.faults.add({**HARMLESS, "times": 5})
    request = Request("GET", "webhook_requests/show", b"token=T")

    with ThreadPoolExecutor(16) as pool:
        selected = pool.map(lambda _: epoch.faults.select(epoch.store.get, request), range(200))
        assert sum(fault is not None for fault in selected) == 50
    assert {state.hits for state in epoch.faults.all()} == {5}
    assert epoch.faults.has_active is False


def test_a_fault_is_over_by_the_worlds_clock(mock: Any) -> None:
    """It hits to its last millisecond; after that it is inactive, also if no request looks."""
    fault = mock.world.faults.add({**HARMLESS, "lifetime": 2.5})[0].fault

    mock.world.clock.advance(2.499)
    assert hits(mock.show) == [True]
    assert mock.world.faults.has_active is True
    mock.world.clock.advance(0.001)
    assert mock.world.faults.has_active is False
    assert hits(mock.show) == [False]
    state = mock.world.faults.find(fault.id)
    assert (state.hits, state.over) == (1, True)
    assert state.expires == datetime(2026, 1, 1, 12, 0, 2, 500_000, tzinfo=UTC)

    mock.world.faults.add(HARMLESS)
    assert mock.world.faults.has_active is True


def test_what_is_not_there_cannot_be_removed(mock: Any) -> None:
    """Unknown ids are refused, and an id is not given twice."""
    first = mock.world.faults.add(HARMLESS)[0].fault
    mock.world.faults.remove(first.id)

    with pytest.raises(NotFound, match="fault-1"):
        mock.world.faults.remove(first.id)
    with pytest.raises(NotFound):
        mock.world.faults.find("")
    assert mock.world.faults.add(HARMLESS)[0].fault.id == "fault-2"
    mock.world.faults.clear()


def test_the_number_of_faults_is_bounded(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world takes so many faults; those that are over make room, and no others."""
    monkeypatch.setattr(registry, "MAX_FAULTS", 3)
    for _ in range(2):
        mock.world.faults.add({**HARMLESS, "match": {"operation": "list"}})
    once = mock.world.faults.add({**HARMLESS, "times": 1})[0].fault
    with pytest.raises(LimitExceeded, match="at most 3"):
        mock.world.faults.add(HARMLESS)
    with pytest.raises(LimitExceeded):
        mock.world.faults.add_preset("slow_then_dead", {})

    assert hits(mock.show) == [True]
    mock.world.faults.add(HARMLESS)

    assert len(mock.world.faults.all()) == 3
    with pytest.raises(NotFound):
        mock.world.faults.find(once.id)


def test_fixed_responses_are_bounded(mock: Any) -> None:
    """Their bodies have so much room in a world; those of faults that are over make room."""
    large = {"effect": {"respond": {"body": "x" * (MAX_BODIES // 2)}}}
    for _ in range(2):
        mock.world.faults.add({**large, "times": 1})
    with pytest.raises(LimitExceeded, match="at most 16,777,216 bytes"):
        mock.world.faults.add(large)

    mock.client.get(f"{API_PATH}/webhook_requests/show")
    mock.world.faults.add(large)
    mock.world.faults.clear()
    bodies = [entry.fault.fixed for entry in mock.world.journal.entries()]
    bodies += [state.fault.fixed for state in mock.world.faults.never_hit()]
    assert bodies == [None] * 3


RESPOND = "effect.respond"
#: What no fault can be, the member that is wrong, and what is seen.
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"effect": {"drop": True}, "x": 1}, "x", "in the fault"),
    ({"effect": {"status": 503, "drop": True}}, "effect", "status and drop"),
    ({"effect": {"delay": float("nan")}}, "effect.delay", "nan"),
    ({"effect": {"retry_after": 3, "drop": True}}, "effect.retry_after", "one without status"),
    ({"effect": {"respond": {}, "status": 503}}, "effect", "status and respond"),
    ({"effect": {"respond": {"status": 204}}}, f"{RESPOND}.status", "204"),
    ({"effect": {"respond": {"content_type": "a\r\nb"}}}, f"{RESPOND}.content_type", '"a\\r\\nb"'),
    ({"effect": {"respond": {"headers": {"A b": "c"}}}}, f"{RESPOND}.headers", '"A b"'),
    ({"effect": {"respond": {"headers": {"content-length": "3"}}}},
     f"{RESPOND}.headers.content-length",
     "a header that frames the response, or is the mock's own"),
    ({"effect": {"respond": {"headers": {"A": "b\r\nC: d"}}}},
     f"{RESPOND}.headers.A", '"b\\r\\nC: d"'),
    ({"effect": {"respond": {"body": {1}}}},
     f"{RESPOND}.body", '"Object of type set is not JSON serializable"'),
    ({"effect": {"respond": {"body": "***", "encoding": "base64"}}},
     f"{RESPOND}.body", '"Only base64 data is allowed"'),
    ({**HARMLESS, "match": {"nth": [0]}}, "match.nth[0]", "0"),
    ({"effect": {"cut": 5}, "when": "before_commit"}, "when", '"before_commit"'),
    ({**HARMLESS, "match": {"operation": "fly"}}, "match.operation", '"fly"'),
    ({**HARMLESS, "match": {"operation": ["show", "list"], "record": "7"}},
     "match.operation", '"list"'),
    ({"effect": {"delete_record": True}, "match": {"operation": "list"}},
     "match.operation", '"list"'),
    ({"effect": {"expire_token": True}, "match": {"operation": "token"}},
     "match.operation", '"token"'),
    ({**HARMLESS, "match": {"operation": "web_api_key_token"}},
     "match.operation", "web_api_key_token in R9.0.0"),
    ({**HARMLESS, "match": {"nth": 1, "after": 1}}, "match.after", "after together with nth"),
]  # fmt: skip


def test_a_bad_specification_is_refused(mock: Any) -> None:
    for spec, parameter, seen in REFUSED:
        with pytest.raises(UsageError) as caught:
            mock.world.faults.add(HARMLESS, spec)

        assert (caught.value.parameter, caught.value.seen) == (parameter, seen)
        assert mock.world.faults.all() == ()
