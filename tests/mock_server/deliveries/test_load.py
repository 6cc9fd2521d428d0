"""Many deliveries at once: those who read do not wait for them."""

import threading
from time import monotonic
from typing import Any

import httpx
from helpers.receivers import answering, listening
from helpers.served import TOKEN, served_mock

from crmcom_kit.mock_server.deliveries.attempts import Stage
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.schemas import API_PATH, Dialect

READERS, READS, RESENDS = 16, 20, 60
DIALECT = Dialect(
    "queued",
    {
        "resend.delivery": "queued",
        "resend.destination": "definition",
        "delivery.read_timeout": 60_000,
        "delivery.overall_timeout": 60_000,
    },
)


def rejected_numbers(client: httpx.Client, base: str, entities: tuple[str, ...]) -> list[str]:
    """The numbers of all rejected records."""
    numbers = []
    for entity in entities:
        query = f"token={TOKEN}&life_cycle_state=REJECTED&fields_set=number&entity={entity}"
        listed = client.get(f"{base}/list?{query}").json()["data"]
        numbers += [one["number"] for one in listed]
    return numbers


def test_no_reader_waits_for_a_delivery() -> None:
    """While every delivery hangs, lists and shows are answered; then all are settled."""
    release = threading.Event()

    def hang(connection: Any) -> None:
        release.wait(60)
        answering()(connection)

    with listening(hang) as receiver, served_mock("R15", dialect=DIALECT, threads=8) as mock:
        mock.send_all_to(receiver.url)
        base = f"{mock.base}{API_PATH}/webhook_requests"
        numbers = rejected_numbers(mock.client, base, mock.world.config.entities)[:RESENDS]
        assert len(numbers) > 40
        for number in numbers:
            assert mock.resend(number)["data"]["life_cycle_state"] == "REJECTED"
        answered: list[str] = []

        def read(at: int) -> None:
            with httpx.Client(trust_env=False, timeout=60) as client:
                for turn in range(READS):
                    number = numbers[(at + turn) % len(numbers)]
                    query = f"show?token={TOKEN}&webhook_request_identifier=number={number}"
                    query = query if turn % 2 else f"list?token={TOKEN}&entity=JOBS"
                    answered.append(client.get(f"{base}/{query}").json()["status"]["code"])

        threads = [threading.Thread(target=read, args=(at,)) for at in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        before = [attempt.stage for attempt in mock.world.current_epoch.attempts.list()]
        release.set()
        deadline = monotonic() + 60
        while not all(attempt.over for attempt in mock.world.current_epoch.attempts.list()):
            assert monotonic() < deadline
            threading.Event().wait(0.02)

        assert answered == ["OK"] * (READERS * READS)
        assert not {Stage.ENDED, Stage.ABANDONED} & set(before)
        assert len(receiver.got) == len(numbers)
        for number in numbers:
            record = mock.world.store.get("number", number)
            assert record is not None
            assert record.state is State.SUCCESSFUL
