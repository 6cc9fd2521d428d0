"""Many callers at once, and resets: of two of a kind one is taken, and none is half done."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from helpers.patience import PATIENCE
from helpers.threads import at_once

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.deliveries.messages import Outcome, OutgoingMessage
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.records import Query, State
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import LocatedEntry, sample_entries
from crmcom_kit.schemas import resolve
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.usage_errors import Conflict

pytestmark = pytest.mark.usefixtures("hurried")

THREADS = 64
OK = Outcome("success", None, None, 200)
ENTRIES = list(sample_entries(resolve("R9")))


class Caller:
    """Calls the methods of a world and says what came of it: OK or the kind of error."""

    def __init__(self, **options: Any) -> None:
        self.world: World = make_world(tokens=["T"], **options)
        self._kinds = {
            self.world.config.dialect[f"errors.{kind}.code"]: kind for kind in error_kinds()
        }

        self.show = partial(self.call, "show")
        self.resend = partial(self.call, "resend")
        self.delete = partial(self.call, "delete")

    def call(self, method: str, number: str) -> tuple[str, Any]:
        """Return OK or the kind of error, and the data of the response."""
        path = f"webhook_requests/{method}"
        query = f"token=T&webhook_request_identifier=number={number}".encode()
        body = b'{"token":"T","webhook_request_identifier":{"number":"%b"}}' % number.encode()
        request = Request("POST", path, body=body)
        if method == "show":
            request = Request("GET", path, query)
        response = dispatch(self.world, request).body
        assert isinstance(response, bytes)
        decoded = json.loads(response)
        code = decoded["status"]["code"]
        return ("OK" if code == "OK" else self._kinds[code]), decoded.get("data")

    def numbers(self, *states: str) -> list[str]:
        """Return the numbers of all records in one of these states, or of all."""
        query = Query(indexed=(), states=frozenset(states) if states else None)
        return [json.loads(body)["number"] for body in self.world.store.query(query)]


class HeldReceiver:
    """A receiver that responds to each attempt when the test says how."""

    def __init__(self) -> None:
        self.attempts: list[Future[Outcome]] = []
        self.changed = threading.Condition()

    def send(self, message: OutgoingMessage) -> Outcome:
        """Wait for the outcome that the test sets for this attempt."""
        del message
        outcome: Future[Outcome] = Future()
        with self.changed:
            self.attempts.append(outcome)
            self.changed.notify_all()
        return outcome.result(PATIENCE)


class HeldCaller(Caller):
    def __init__(self) -> None:
        self.receiver = HeldReceiver()
        super().__init__(delivery=self.receiver)

    def begin(self, number: str) -> tuple[Future[Outcome], Future[Any]]:
        """Begin a resend; return its attempt, which waits for its outcome, and the response."""
        attempts, changed = self.receiver.attempts, self.receiver.changed
        before = len(attempts)
        resend = ThreadPoolExecutor(1).submit(self.resend, number)
        with changed:
            assert changed.wait_for(lambda: len(attempts) > before, PATIENCE)
        return attempts[before], resend


@pytest.fixture(name="held")
def _held() -> HeldCaller:
    return HeldCaller()


@pytest.mark.parametrize(
    ("method", "state", "refused"),
    [
        ("resend", "REJECTED", {"not_rejected", "resend_under_way"}),
        ("delete", "REJECTED", {"unknown_webhook_request"}),
        ("delete", "SUCCESSFUL", {"unknown_webhook_request"}),
    ],
)
def test_of_many_at_once_exactly_one_is_taken(method: str, state: str, refused: set[str]) -> None:
    caller = Caller()
    for number in caller.numbers(state)[:8]:
        results = at_once([partial(caller.call, method, number)] * THREADS)
        kinds = Counter(kind for kind, _ in results)

        assert kinds.pop("OK") == 1
        assert set(kinds) <= refused


def test_no_lock_is_held_while_a_delivery_runs(held: HeldCaller) -> None:
    """Everything else works: the record still shows REJECTED, others change and are sent."""
    first, second, third, *_ = held.numbers("REJECTED")
    before = held.show(first)
    attempt, resend = held.begin(first)

    kinds = Counter(kind for kind, _ in at_once([partial(held.resend, first)] * (THREADS - 1)))
    assert kinds == {"resend_under_way": THREADS - 1}
    assert held.show(first) == before
    assert first in held.numbers("REJECTED")
    assert held.delete(second)[0] == "OK"
    other_attempt, other = held.begin(third)
    assert len(held.numbers()) == len(held.world.store)
    held.world.store.copy()
    assert len(held.receiver.attempts) == 2

    attempt.set_result(OK)
    kind, data = resend.result(PATIENCE)
    assert (kind, data["life_cycle_state"]) == ("OK", "SUCCESSFUL")
    assert held.show(first) == (kind, data)
    assert held.resend(first)[0] == "not_rejected"
    other_attempt.set_result(OK)
    assert other.result(PATIENCE)[0] == "OK"


@pytest.mark.parametrize("fails", [True, False])
def test_a_record_deleted_on_its_way_stays_gone(held: HeldCaller, *, fails: bool) -> None:
    number = held.numbers("REJECTED")[0]
    before, size = held.show(number), len(held.world.store)
    attempt, resend = held.begin(number)

    assert held.delete(number) == before
    attempt.set_exception(ZeroDivisionError()) if fails else attempt.set_result(OK)
    for kind, _ in (resend.result(PATIENCE), held.show(number), held.resend(number)):
        assert kind == "unknown_webhook_request"
    assert number not in held.numbers()
    assert len(held.world.store) == size - 1


def test_a_delivery_from_before_a_reset_settles_nothing(held: HeldCaller) -> None:
    """It neither changes the start's record nor ends the resend that was begun after the reset."""
    attempt, resend = held.begin("7")
    held.world.reset()
    later_attempt, later = held.begin("7")

    attempt.set_result(OK)
    assert resend.result(PATIENCE)[1]["life_cycle_state"] == "SUCCESSFUL"
    record = held.world.store.get("number", "7")
    assert record is not None
    assert record.state is State.SENDING

    later_attempt.set_result(Outcome("timeout", "SocketTimeoutException", "late", None))
    assert later.result(PATIENCE)[1]["error_code"] == "SocketTimeoutException"
    assert held.show("7")[1]["life_cycle_state"] == "REJECTED"


@pytest.mark.parametrize(
    "overtake",
    [World.reset, lambda world: world.replace_content(ENTRIES)],
)
def test_a_request_of_an_old_epoch_changes_no_new_one(held: HeldCaller, overtake: Any) -> None:
    """A request that began before the content was replaced changes only the old epoch."""
    world = held.world
    start, before = [*world.store.records()], world.current_epoch
    attempt, resend = held.begin("7")
    overtake(world)
    attempt.set_result(OK)

    assert resend.result(PATIENCE)[0] == "OK"
    assert [*world.store.records()] == start
    assert [*before.store.records()] != start


@pytest.mark.parametrize("change", ["replace_content", "add"])
def test_new_content_that_was_overtaken_is_refused(change: str) -> None:
    world = make_world(tokens=["T"])
    begun = world.current_epoch

    def read() -> Iterator[LocatedEntry]:
        world.reset()
        yield from ENTRIES

    argument: Any = read()
    if change != "replace_content":  # which reads before it changes anything
        entries = list(argument)
        argument = lambda _: entries  # noqa: E731
    with pytest.raises(Conflict, match="seen epoch 1, while this call began in epoch 0"):
        getattr(world, change)(argument, expected_epoch=begun)

    assert world.current_epoch.number == 1
    assert [*world.store.records()] == [*begun.store.records()]
