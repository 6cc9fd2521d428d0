"""A reset while a delivery runs: the delivery's end belongs to a world that is gone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.delivery import Attempt, Outcome
from crmcom_kit.mock_server.endpoints import act
from crmcom_kit.mock_server.reading import RawRequest
from crmcom_kit.mock_server.states import State

RESEND = RawRequest(
    "POST",
    "webhook_requests/resend",
    body=b'{"token":"T","webhook_request_identifier":{"number":"7"}}',
)


class Held:
    """A receiver that answers each attempt when the test lets it."""

    def __init__(self) -> None:
        self.arrived: list[Callable[[Outcome], None]] = []
        self.changed = threading.Condition()

    def send(self, attempt: Attempt) -> Outcome:
        """Wait for the test's answer to this attempt."""
        del attempt
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
        before = pool.submit(act, world, RESEND)
        receiver.wait_for(1)
        world.reset()
        after = pool.submit(act, world, RESEND)
        receiver.wait_for(2)

        receiver.arrived[0](Outcome("success", None, None, 200))
        assert b'"life_cycle_state":"SUCCESSFUL"' in bytes(before.result(20).body)  # type: ignore[arg-type]
        record = world.store.get("number", "7")
        assert record is not None
        assert record.row.state is State.SENDING

        receiver.arrived[1](Outcome("timeout", "SocketTimeoutException", "late", None))
        assert b'"error_code":"SocketTimeoutException"' in bytes(after.result(20).body)  # type: ignore[arg-type]
    record = world.store.get("number", "7")
    assert record is not None
    assert record.row.state is State.REJECTED
