"""A reset while a delivery runs: the delivery's end belongs to a world that is gone."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import DataError, LocatedEntry, sample_entries
from crmcom_kit.usage_errors import Conflict

RESEND = Request(
    "POST",
    "webhook_requests/resend",
    body=b'{"token":"T","webhook_request_identifier":{"number":"7"}}',
)


class Held:
    """A receiver that answers each attempt when the test lets it."""

    def __init__(self) -> None:
        self.arrived: list[Callable[[Outcome], None]] = []
        self.changed = threading.Condition()

    def send(self, message: OutgoingMessage) -> Outcome:
        """Wait for the test's answer to this attempt."""
        del message
        answered = threading.Event()
        outcomes: list[Outcome] = []

        def answer(outcome: Outcome) -> None:
            outcomes.append(outcome)
            answered.set()

        with self.changed:
            self.arrived.append(answer)
            self.changed.notify_all()
        assert answered.wait(20)
        return outcomes[0]

    def reset(self) -> None:
        """Nothing to go back to."""

    def wait_for(self, attempts: int) -> None:
        """Return when so many attempts have arrived."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.arrived) >= attempts, timeout=20)


def test_a_delivery_from_before_a_reset_settles_nothing() -> None:
    """It neither changes the start's record nor ends the resend that was begun after the reset."""
    receiver = Held()
    world = make_world(tokens=["T"], delivery=receiver)
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(dispatch, world, RESEND)
        receiver.wait_for(1)
        world.reset()
        after = pool.submit(dispatch, world, RESEND)
        receiver.wait_for(2)

        receiver.arrived[0](Outcome("success", None, None, 200))
        assert b'"life_cycle_state":"SUCCESSFUL"' in bytes(before.result(20).body)  # type: ignore[arg-type]
        record = world.store.get("number", "7")
        assert record is not None
        assert record.state is State.SENDING

        receiver.arrived[1](Outcome("timeout", "SocketTimeoutException", "late", None))
        assert b'"error_code":"SocketTimeoutException"' in bytes(after.result(20).body)  # type: ignore[arg-type]
    record = world.store.get("number", "7")
    assert record is not None
    assert record.state is State.REJECTED


class HoldingClock:
    """A clock that holds one call just after it began, until the test lets it go on."""

    def __init__(self) -> None:
        self.holds = False
        self.held, self.goes_on = threading.Event(), threading.Event()

    def now(self) -> datetime:
        """Return always the same moment; the first who asks while it holds has to wait."""
        if self.holds:
            self.holds = False
            self.held.set()
            assert self.goes_on.wait(20)
        return datetime(2024, 5, 1, 10, tzinfo=UTC)


OVERTAKE = {
    "reset": World.reset,
    "restore": lambda world: world.restore("start"),
    "replace_content": lambda world: world.replace_content(list(sample_entries(world.release))),
}


@pytest.mark.parametrize("overtake", OVERTAKE.values())
@pytest.mark.parametrize("method", ["resend", "delete"])
def test_a_call_that_began_before_changes_nothing_after(method: str, overtake: Any) -> None:
    """Whatever puts the content in another's place, a call from before writes into the past."""
    clock = HoldingClock()
    world = make_world(tokens=["T"], clock=clock)
    world.save("start")
    start = [*world.store.records()]
    before = world.current_epoch
    clock.holds = True
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(dispatch, world, RESEND._replace(path=f"webhook_requests/{method}"))
        assert clock.held.wait(20)
        overtake(world)
        clock.goes_on.set()
        answer = call.result(20)

    assert b'"code":"OK"' in bytes(answer.body)  # type: ignore[arg-type]
    assert [*world.store.records()] == start
    assert [*before.store.records()] != start


@pytest.mark.parametrize("change", ["replace_content", "add", "restore"])
def test_new_content_that_was_overtaken_is_refused(change: str) -> None:
    """What was asked for before a reset does not come into the world after it."""
    world = make_world(tokens=["T"])
    world.save("start")
    entries = list(sample_entries(world.release))
    begun = world.current_epoch

    def slow() -> Iterator[LocatedEntry]:
        yield entries[0]
        world.reset()

    given: Any = slow()
    if change != "replace_content":
        read = list(given)
        given = "start" if change == "restore" else lambda _: read
    with pytest.raises(Conflict, match="seen epoch 1, while this call began in epoch 0"):
        getattr(world, change)(given, expected_epoch=begun)

    assert world.epoch_number == 1
    assert [*world.store.records()] == [*begun.store.records()]


def test_adding_and_deleting_and_resetting_race() -> None:
    """An epoch has what was added to it whole or not at all; after a reset there is none of it."""
    world = make_world(tokens=["T"], data=[])
    entries = list(sample_entries(world.release))
    whole = sum("webhook_request" in one.entry for one in entries)
    sizes = set()

    def add() -> None:
        begun = world.current_epoch
        with suppress(Conflict, DataError):
            world.add(lambda _: entries, expected_epoch=begun)

    def delete() -> None:
        dispatch(world, RESEND._replace(path="webhook_requests/delete"))

    def reset() -> None:
        sizes.add(len(world.current_epoch.store))
        world.reset()

    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(act_) for _ in range(15) for act_ in (add, delete, add, reset)]
    for one in done:
        one.result()

    assert sizes <= {0, whole, whole - 1}
    assert len(world.reset().store) == 0
