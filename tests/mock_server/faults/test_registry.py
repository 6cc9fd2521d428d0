"""Faults hit whom they are for, as often as they say, and nobody else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.clocks import FixedClock

from crmcom_kit.mock_server.faults.registry import MAX_FAULTS, FaultState
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.usage_errors import LimitExceeded, NotFound, UsageError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HARMLESS = {"effect": {"delay": 0}}  # so that the answer itself is the usual one


@pytest.fixture
def mock(make_mock: Any) -> Any:
    """A mock with a clock that stands."""
    return make_mock(clock=FixedClock(NOON))


def hits(*calls: Any) -> list[bool]:
    """Make calls; return which of them a fault hit."""
    return [call().headers.get("X-Mock-Fault") is not None for call in calls]


def shows(mock: Any, times: int) -> list[bool]:
    """Ask for one record so many times; return which of the calls a fault hit."""
    return hits(*[mock.show] * times)


#: What a fault matches → whether it hits show 7, list JOBS, resend 7, delete 12, login.
MATCHES: list[tuple[dict[str, Any], str]] = [
    ({}, "xxxxx"),
    ({"operation": "show"}, "x...."),
    ({"operation": ["resend", "delete"]}, "..xx."),
    ({"operation": "token"}, "....x"),
    ({"record": "7"}, "x.x.."),
    ({"record": 7}, "x.x.."),
]


def test_a_match_chooses(mock: Any) -> None:
    """Method and webhook request say which requests a fault matches; no match is every request."""
    calls = (
        mock.show,
        lambda: mock.list("entity=JOBS"),
        mock.resend,
        lambda: mock.delete("14"),
        mock.login,
    )
    found = []
    for match, _ in MATCHES:
        mock.world.reset()
        mock.world.faults.add({"match": match, **HARMLESS})
        found.append((match, "".join(".x"[hit] for hit in hits(*calls))))

    assert found == MATCHES


def test_a_record_that_is_gone_is_still_named(mock: Any) -> None:
    """Also requests that name a deleted record are hit by the fault for it."""
    mock.delete("7")
    mock.world.faults.add({"match": {"record": "7"}, **HARMLESS})

    assert hits(mock.show, lambda: mock.show("number=14")) == [True, False]


#: When a fault is due → whether it hits each of five requests that it matches.
TURNS: list[tuple[dict[str, Any], str]] = [
    ({"times": 2}, "xx..."),
    ({"match": {"nth": 3}}, "..x.."),
    ({"match": {"nth": [1, 4]}}, "x..x."),
    ({"match": {"after": 2}}, "..xxx"),
    ({"match": {"after": 2}, "times": 1}, "..x.."),
]


def test_a_fault_takes_its_turn(mock: Any) -> None:
    """The n-th request, those after the first, so many times: counted among the matching ones."""
    found = []
    for turn, _ in TURNS:
        mock.world.reset()
        match = {"operation": "show", **turn.get("match", {})}
        mock.world.faults.add({**turn, **HARMLESS, "match": match})
        seen = []
        for _ in range(5):
            mock.login()
            seen += shows(mock, 1)
        found.append((turn, "".join(".x"[hit] for hit in seen)))

    assert found == TURNS


def test_the_first_fault_hits_and_all_count(mock: Any) -> None:
    """One fault a call, the one that was added first; a later one counts that call all the same."""
    first = mock.world.faults.add({**HARMLESS, "name": "first", "times": 2})[0].fault
    second = mock.world.faults.add({**HARMLESS, "name": "second", "match": {"after": 3}})[0].fault

    named = [mock.show().headers.get("X-Mock-Fault") for _ in range(4)]

    assert named == ["fault-1 (first)", "fault-1 (first)", None, "fault-2 (second)"]
    states = [mock.world.faults.find(fault.id) for fault in (first, second)]
    assert [(s.calls, s.hits, s.left, s.over) for s in states] == [
        (2, 2, 0, True),
        (4, 1, None, False),
    ]


def test_times_are_exact_among_threads(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the requests of 64 threads each fault hits as many as it says, and none more."""
    times = 5
    counted = FaultState.count_match

    def slowly(state: FaultState) -> bool:
        time.sleep(0.0002)  # so that other threads come in between, where they can
        return counted(state)

    monkeypatch.setattr(FaultState, "count_match", slowly)
    for _ in range(10):
        mock.world.faults.add({**HARMLESS, "times": times})
    epoch = mock.world.current_epoch
    request = Request("GET", "webhook_requests/show", b"token=T")
    barrier = threading.Barrier(64)

    def calls(_: int) -> int:
        barrier.wait(20)
        return sum(epoch.faults.select(epoch.store.get, request) is not None for _ in range(times))

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(calls, range(64))) == 10 * times
    assert {state.hits for state in epoch.faults.all()} == {times}
    assert epoch.faults.has_active is False


def test_a_fault_is_over_by_the_worlds_clock(mock: Any) -> None:
    """Its time to live is the world's: it hits to the last millisecond, and nothing after."""
    fault = mock.world.faults.add({**HARMLESS, "lifetime": 2.5})[0].fault

    assert shows(mock, 1) == [True]
    mock.world.clock.advance(2.499)
    assert shows(mock, 1) == [True]
    mock.world.clock.advance(0.001)
    assert shows(mock, 1) == [False]
    assert mock.world.faults.has_active is False
    state = mock.world.faults.find(fault.id)
    assert (state.hits, state.over) == (2, True)
    assert state.expires == datetime(2026, 1, 1, 12, 0, 2, 500_000, tzinfo=UTC)


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


def test_the_number_of_faults_is_bounded(mock: Any) -> None:
    """A world takes so many faults; those that are over make room, and no others."""
    for _ in range(MAX_FAULTS - 1):
        mock.world.faults.add({**HARMLESS, "match": {"operation": "list"}})
    once = mock.world.faults.add({**HARMLESS, "times": 1})[0].fault
    with pytest.raises(LimitExceeded, match="at most 1,000"):
        mock.world.faults.add(HARMLESS)
    with pytest.raises(LimitExceeded):
        mock.world.faults.add_preset("slow_then_dead", {})

    assert shows(mock, 1) == [True]
    mock.world.faults.add(HARMLESS)

    assert len(mock.world.faults.all()) == MAX_FAULTS
    with pytest.raises(NotFound):
        mock.world.faults.find(once.id)


def test_expired_faults_are_not_active(mock: Any) -> None:
    """Without a request that looks at it, a fault is inactive once its time to live has passed."""
    mock.world.faults.add({**HARMLESS, "lifetime": 1})
    lasting = mock.world.faults.add({**HARMLESS, "times": 1})[0].fault
    assert mock.world.faults.has_active is True
    mock.world.clock.advance(1)
    assert mock.world.faults.has_active is True

    mock.world.faults.remove(lasting.id)

    assert mock.world.faults.has_active is False
    mock.world.faults.add({**HARMLESS, "lifetime": 1})
    assert mock.world.faults.has_active is True
    mock.world.clock.advance(1)
    assert mock.world.faults.has_active is False


#: A specification → how the message about it begins.
REFUSED: list[tuple[Any, str]] = [
    (None, "fault: seen null; allowed is an object"),
    ({"effect": {"drop": True}, "x": 1}, "x: seen in the fault; allowed is one of name, match"),
    ({"effect": {"status": 503, "drop": True}}, "effect: seen status and drop"),
    ({"effect": {"status": 204}}, "effect.status: seen 204; allowed is a status"),
    ({"effect": {"delay": float("nan")}}, "effect.delay: seen nan"),
    ({"effect": {"retry_after": 3, "drop": True}}, "effect.retry_after: seen one without status"),
    ({"effect": {"cut": {}}}, "effect.cut: seen an object; allowed is a whole number"),
    ({**HARMLESS, "match": {"nth": [0]}}, "match.nth[0]: seen 0; allowed is at least 1"),
    ({"effect": {"cut": 5}, "when": "before_commit"}, 'when: seen "before_commit"; allowed'),
    ({**HARMLESS, "times": True}, "times: seen true"),
    ({**HARMLESS, "match": {"operation": "fly"}}, 'match.operation: seen "fly"; allowed'),
    ({**HARMLESS, "match": {"nth": 1, "after": 1}}, "match.after: seen after together with nth"),
]


def test_a_bad_specification_is_refused(mock: Any) -> None:
    """What is not allowed is named with what was seen and what is allowed; no fault is added."""
    found = []
    for spec, message in REFUSED:
        with pytest.raises(UsageError) as caught:
            mock.world.faults.add(HARMLESS, spec)
        found.append(str(caught.value)[: len(message)])

    assert found == [message for _, message in REFUSED]
    assert mock.world.faults.all() == ()
