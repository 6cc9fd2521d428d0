"""Many callers at once: of two of a kind one is taken, and no delivery holds up the others."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from threading import Event
from typing import Any

import pytest
from helpers.threads import PATIENCE, at_once

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.world import World

pytestmark = pytest.mark.usefixtures("hurried")

THREADS = 64
EVERYTHING = Query(indexed=())
OK = Outcome("success", None, None, 200)


class Caller:
    """Calls the methods of a world and says what came of it: OK or the kind of error."""

    def __init__(self, **options: Any) -> None:
        self.world: World = make_world(tokens=["T"], **options)
        dialect = self.world.dialect
        self._kinds = {
            dialect[key]: key.removeprefix("errors.code.")
            for key in dialect
            if key.startswith("errors.code.")
        }

    def call(self, verb: str, method: str, number: str) -> tuple[str, Any]:
        """Return OK or the kind of error, and the answer's data."""
        path = f"webhook_requests/{method}"
        if verb == "GET":
            query = f"token=T&webhook_request_identifier=number={number}".encode()
            answer = dispatch(self.world, Request(verb, path, query))
        else:
            body = {"token": "T", "webhook_request_identifier": {"number": number}}
            answer = dispatch(self.world, Request(verb, path, b"", json.dumps(body).encode()))
        assert isinstance(answer.body, bytes)
        found = json.loads(answer.body)
        code = found["status"]["code"]
        return ("OK" if code == "OK" else self._kinds[code]), found.get("data")

    def show(self, number: str) -> tuple[str, Any]:
        """Show a record."""
        return self.call("GET", "show", number)

    def resend(self, number: str) -> tuple[str, Any]:
        """Send a record again."""
        return self.call("POST", "resend", number)

    def delete(self, number: str) -> tuple[str, Any]:
        """Delete a record."""
        return self.call("POST", "delete", number)

    def numbers(self, *states: str) -> list[str]:
        """Return the numbers of all records in one of these states, or of all."""
        query = Query(indexed=(), states=frozenset(states) if states else None)
        return [json.loads(body)["number"] for body in self.world.store.query(query)]


class Gate:
    """A receiver that holds every attempt until it is told what to do with it."""

    def __init__(self) -> None:
        self.arrived = Event()
        self.opened = Event()
        self.failure: BaseException | None = None
        self.attempts: list[OutgoingMessage] = []

    def send(self, message: OutgoingMessage) -> Outcome:
        """Wait, then take it or raise."""
        self.attempts.append(message)
        self.arrived.set()
        assert self.opened.wait(PATIENCE)
        if self.failure is not None:
            raise self.failure
        return OK

    def reset(self) -> None:
        """Forget nothing."""


class Running:
    """A resend that is held on its way."""

    def __init__(self, caller: Caller, gate: Gate, number: str) -> None:
        self.gate = gate
        self._result = ThreadPoolExecutor(1).submit(caller.resend, number)
        assert gate.arrived.wait(PATIENCE)

    def end(self) -> Any:
        """Let the delivery end; return what came of the resend."""
        self.gate.opened.set()
        return self._result.result(PATIENCE)


@pytest.fixture(name="gate")
def _gate() -> Gate:
    """Make a receiver that holds what it gets."""
    return Gate()


@pytest.fixture(name="held")
def _held(gate: Gate) -> Caller:
    """Make a world whose deliveries are held."""
    return Caller(delivery=gate)


@pytest.mark.parametrize("threads", [2, THREADS])
def test_of_concurrent_resends_exactly_one_is_taken(threads: int) -> None:
    """However many resend a record at once, it is sent once, and the others are refused."""
    caller = Caller()
    for number in caller.numbers("REJECTED")[:8]:
        results = at_once([partial(caller.resend, number)] * threads)
        kinds = Counter(kind for kind, _ in results)

        assert kinds.pop("OK") == 1
        assert set(kinds) <= {"not_rejected", "resend_under_way"}
        assert caller.show(number)[1]["life_cycle_state"] == "SUCCESSFUL"


def test_while_one_runs_all_others_are_refused_as_under_way(held: Caller, gate: Gate) -> None:
    """63 resends during one delivery all learn that one is under way, and send nothing."""
    number = held.numbers("REJECTED")[0]
    running = Running(held, gate, number)
    results = at_once([partial(held.resend, number)] * (THREADS - 1))

    assert Counter(kind for kind, _ in results) == {"resend_under_way": THREADS - 1}
    assert len(gate.attempts) == 1
    assert running.end()[0] == "OK"
    assert held.resend(number)[0] == "not_rejected"


@pytest.mark.parametrize("threads", [2, THREADS])
@pytest.mark.parametrize("state", ["REJECTED", "SUCCESSFUL"])
def test_of_concurrent_deletes_exactly_one_is_taken(threads: int, state: str) -> None:
    """However many delete a record at once, one gets it and the others find none."""
    caller = Caller()
    for number in caller.numbers(state)[:8]:
        before = caller.show(number)[1]
        results = at_once([partial(caller.delete, number)] * threads)

        assert Counter(kind for kind, _ in results) == {
            "OK": 1,
            "unknown_webhook_request": threads - 1,
        }
        assert [data for kind, data in results if kind == "OK"] == [before]


def test_no_lock_is_held_while_a_delivery_runs(held: Caller, gate: Gate) -> None:
    """During a delivery everything else works: the record still shows REJECTED, others change."""
    first, second, *_ = held.numbers("REJECTED")
    before = held.show(first)
    running = Running(held, gate, first)

    assert held.show(first) == before
    assert first in held.numbers("REJECTED")
    assert first not in held.numbers("SUCCESSFUL")
    assert held.resend(first)[0] == "resend_under_way"
    assert held.delete(second)[0] == "OK"
    assert len(held.world.store.query(EVERYTHING)) == len(held.world.store)
    assert held.world.tokens.issue(held.world.current_epoch.session(), held.world.release.token)
    held.world.store.copy()

    kind, data = running.end()
    assert kind == "OK"
    assert data["life_cycle_state"] == "SUCCESSFUL"
    assert held.show(first) == ("OK", data)


def test_two_records_can_be_on_their_way_at_once(held: Caller, gate: Gate) -> None:
    """A delivery that hangs holds up no other record's."""
    first, second, *_ = held.numbers("REJECTED")
    running = Running(held, gate, first)
    gate.arrived.clear()
    other = Running(held, gate, second)

    assert len(gate.attempts) == 2
    assert (running.end()[0], other.end()[0]) == ("OK", "OK")


@pytest.mark.parametrize("fails", [True, False])
def test_a_record_deleted_on_its_way_stays_gone(held: Caller, gate: Gate, *, fails: bool) -> None:
    """A delete during a delivery works; the resend finds no record, and brings none back."""
    number = held.numbers("REJECTED")[0]
    before, size = held.show(number), len(held.world.store)
    running = Running(held, gate, number)
    gate.failure = ZeroDivisionError() if fails else None

    assert held.delete(number) == before
    assert running.end()[0] == "unknown_webhook_request"
    assert held.show(number)[0] == "unknown_webhook_request"
    assert held.resend(number)[0] == "unknown_webhook_request"
    assert number not in held.numbers()
    assert len(held.world.store) == size - 1


def test_a_delivery_that_breaks_leaves_a_record_that_can_be_sent(held: Caller, gate: Gate) -> None:
    """If a delivery raises, the attempt has failed, and the next resend is taken."""
    number = held.numbers("REJECTED")[0]
    running = Running(held, gate, number)
    gate.failure = ZeroDivisionError()

    kind, failed = running.end()
    assert (kind, failed["error_code"]) == ("OK", "ZeroDivisionError")
    assert "raised by the delivery" in failed["error_description"]
    assert number in held.numbers("REJECTED")
    gate.failure = None
    assert held.resend(number)[0] == "OK"


def test_a_world_loses_and_doubles_nothing() -> None:
    """64 threads call all methods: each record is sent once and deleted once at most."""
    caller = Caller(release="R15")
    numbers, rejected = caller.numbers(), set(caller.numbers("REJECTED"))

    def work(at: int) -> list[tuple[str, str]]:
        draw, done = Random(at), []
        for _ in range(25):
            number = draw.choice(numbers)
            name = draw.choice(["show", "resend", "resend", "delete"])
            kind, data = getattr(caller, name)(number)
            assert kind in ("OK", "unknown_webhook_request", "not_rejected", "resend_under_way")
            if kind == "OK":
                assert data["number"] == number
                done.append((name, number))
        return done

    done = at_once([partial(work, at) for at in range(THREADS)])
    times = Counter(each for some in done for each in some if each[0] != "show")
    sent = {number for name, number in times if name == "resend"}
    deleted = {number for name, number in times if name == "delete"}

    assert set(times.values()) == {1}
    assert sent <= rejected
    assert set(caller.numbers()) == set(numbers) - deleted
    assert len(caller.numbers()) == len(caller.world.store)
    assert set(caller.numbers("REJECTED")) == rejected - deleted - sent
    for number in caller.numbers("REJECTED"):
        assert caller.resend(number)[0] == "OK"
