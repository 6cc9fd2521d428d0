"""Deliveries that nobody waits for: queued, worked off, and given up at the end."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from helpers.patience import PATIENCE, comes

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.clock import FIRST_MOMENT
from crmcom_kit.mock_server.deliveries.attempts import Attempt, Attempts, Cause, Stage
from crmcom_kit.mock_server.deliveries.messages import Outcome, OutgoingMessage, outcome_of
from crmcom_kit.mock_server.deliveries.queue import WORKERS, DeliveryQueue
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.records import State
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import Dialect
from crmcom_kit.usage_errors import NotFound, UsageError

QUEUED = Dialect("queued", {"resend.delivery": "queued"})


class Held:
    """A receiver that responds when the test lets it."""

    def __init__(self) -> None:
        self.arrived: list[OutgoingMessage] = []
        self.release = threading.Event()
        self.stopped = threading.Event()

    def send(self, message: OutgoingMessage) -> Outcome:
        """Wait."""
        self.arrived.append(message)
        while not self.release.wait(0.01):
            if self.stopped.is_set():
                return outcome_of("reset", message.url)
        return Outcome("success", None, None, 200)


def soon(condition: Callable[[], bool]) -> None:
    assert comes(condition), "it never became so"


def arrived(held: Held, count: int) -> None:
    soon(lambda: len(held.arrived) == count)


def close(world: World) -> None:
    """Close the queue while deliveries run, which must be cut; wait until they have noticed."""
    world.delivery_queue.close(0.05)
    assert world.delivery_queue.wait_until_idle(PATIENCE)


def resend(world: World, number: str) -> Any:
    body = b'{"token":"T","webhook_request_identifier":{"number":"%b"}}' % number.encode()
    return dispatch(world, Request("POST", "webhook_requests/resend", body=body))


def rejected(world: World) -> list[str]:
    return [record.number for record in world.store.records() if record.state is State.REJECTED]


@pytest.fixture(name="held")
def _held() -> Held:
    return Held()


def made(held: Held, dialect: Dialect = QUEUED) -> World:
    """A world whose deliveries go to ``held``, and are cut when its queue is closed."""
    world = make_world(tokens=["T"], delivery=held, dialect=dialect)
    world.delivery_queue.on_stop = held.stopped.set
    return world


@pytest.fixture(name="world")
def _world(held: Held) -> World:
    return made(held)


def state(world: World, number: str) -> State:
    record = world.store.get("number", number)
    assert record is not None
    return record.state


def test_a_queued_resend_returns_the_record_before_its_delivery(world: World, held: Held) -> None:
    """It is still REJECTED in the response and in show, and no other resend gets it meanwhile."""
    before = world.store.get("number", "7")
    response = resend(world, "7")
    shown = world.store.get("number", "7")
    second = resend(world, "7")
    arrived(held, 1)

    assert before is not None
    assert shown is not None
    assert before.body in bytes(response.body)
    assert shown.body == before.body
    assert second.error.kind == "resend_under_way"
    assert state(world, "7") is State.SENDING
    held.release.set()
    soon(lambda: state(world, "7") is State.SUCCESSFUL)
    assert resend(world, "7").error.kind == "not_rejected"
    assert len(held.arrived) == 1


def test_a_reset_gives_up_what_waits(world: World, held: Held) -> None:
    """What was not begun is not sent any more; what was begun ends in the past."""
    numbers = rejected(world)[: WORKERS + 14]
    for number in numbers:
        resend(world, number)
    arrived(held, WORKERS)
    past = world.current_epoch.attempts.select()
    world.reset()
    held.release.set()
    soon(lambda: all(attempt.over for attempt in past))

    assert len(held.arrived) == WORKERS
    stages = [attempt.stage for attempt in past]
    assert (stages.count(Stage.ENDED), stages.count(Stage.ABANDONED)) == (WORKERS, 14)
    assert {state(world, number) for number in numbers} == {State.REJECTED}
    assert world.current_epoch.attempts.select() == []


def test_closing_leaves_every_record_as_its_attempts_explain(world: World, held: Held) -> None:
    """What waits is given up, what runs is cut; then nothing is sent until it is opened again."""
    numbers = rejected(world)[: WORKERS + 14]
    for number in numbers:
        resend(world, number)
    arrived(held, WORKERS)

    close(world)

    attempts = {attempt.record_number: attempt for attempt in world.current_epoch.attempts.select()}
    assert set(attempts) == set(numbers)
    assert {attempt.stage for attempt in attempts.values()} == {Stage.ABANDONED}
    assert {state(world, number) for number in numbers} == {State.REJECTED}
    after = resend(world, numbers[0])
    assert b'"life_cycle_state":"REJECTED"' in bytes(after.body)
    assert world.delivery_queue.wait_until_idle(PATIENCE)
    assert state(world, numbers[0]) is State.REJECTED

    held.stopped.clear()
    held.release.set()
    world.delivery_queue.reopen()
    resend(world, numbers[0])
    soon(lambda: state(world, numbers[0]) is State.SUCCESSFUL)
    assert len(held.arrived) == WORKERS + 1


def test_senders_that_raise_fail_their_attempts_and_no_worker() -> None:
    """Each attempt ends with the error in its record, and the queue goes on."""

    class Raising:
        def send(self, message: OutgoingMessage) -> Outcome:
            raise KeyError(message.url)

    world = make_world(tokens=["T"], delivery=Raising(), dialect=QUEUED)
    numbers = rejected(world)[:40]
    for number in numbers:
        resend(world, number)
    attempts = world.current_epoch.attempts
    soon(lambda: all(attempt.over for attempt in attempts.select()))

    outcomes = [attempt.outcome for attempt in attempts.select()]
    assert [outcome.error_code for outcome in outcomes if outcome] == ["KeyError"] * 40
    assert all(
        "raised by the delivery" in str(text and text.error_description) for text in outcomes
    )
    assert {state(world, number) for number in numbers} == {State.REJECTED}


def test_what_a_queued_delivery_raises_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """With its place, since no request waits for it; without its message, which may be secret."""
    secret = "S-0123"

    def deliver() -> None:
        raise UsageError("state", seen=secret, allowed="room")

    queue = DeliveryQueue()
    queue.put(deliver)
    assert queue.wait_until_idle(PATIENCE)
    (record,) = caplog.records
    assert record.getMessage().startswith("A queued delivery failed: UsageError\n")
    assert "in deliver" in record.getMessage()
    assert secret not in record.getMessage()


def test_a_waiting_resend_is_given_up_at_the_end(held: Held) -> None:
    """Synchronous or not: the response is the record as it was, and nothing hangs."""
    world = made(held, Dialect("usual"))
    responses: list[Any] = []
    thread = threading.Thread(target=lambda: responses.append(resend(world, "7")))
    thread.start()
    arrived(held, 1)

    close(world)
    thread.join(PATIENCE)

    assert b'"life_cycle_state":"REJECTED"' in bytes(responses[0].body)
    assert state(world, "7") is State.REJECTED
    assert world.current_epoch.attempts.select()[0].stage is Stage.ABANDONED


def test_attempts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crmcom_kit.mock_server.deliveries.attempts.MAX_BYTES", 60_000)
    attempts = Attempts("w")
    for _ in range(50):
        _begun(attempts)

    kept = attempts.select()
    assert len(kept) == 5
    assert kept[-1].number == attempts.last_number == 50
    with pytest.raises(NotFound, match="46 to 50"):
        attempts.get(1)


def _begun(attempts: Attempts) -> Attempt:
    attempt = Attempt(
        cause=Cause.RESEND,
        record_id="A",
        record_number="1",
        definition="D",
        at=FIRST_MOMENT,
        message=OutgoingMessage("http://x/", b"x" * 200, None),
    )
    return attempts.add(attempt)
