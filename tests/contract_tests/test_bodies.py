"""Large answers: out of memory once there are too many, and whole whenever they are asked for."""

import json

from crmcom_kit.contract_tests.client.bodies import Bodies
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange

CALL = Call("list", "GET", "webhook_requests/list")


def answer(number: int, size: int = 20_000) -> Exchange:
    """An answer to list with one webhook request, which has this number."""
    status = {"code": "OK", "message": "", "description": ""}
    data = [{"number": str(number), "response": "x" * size}]
    content = json.dumps({"status": status, "data": data}).encode()
    return Exchange(number, CALL, 200, (), content, 0.1)


def in_memory(exchanges: list[Exchange]) -> list[int]:
    """The numbers of the answers that hold a body, or anything that was read from it."""
    names = {"content", "json", "envelope", "records"}
    return [each.number for each in exchanges if names & vars(each).keys()]


def test_old_bodies_leave_memory_and_come_back() -> None:
    """Of what is too much the oldest go; each is as it was when it is asked for, and goes again."""
    bodies = Bodies(maximum=200_000)
    exchanges = [answer(number) for number in range(1, 6)]
    for each in exchanges:
        assert each.records
        bodies.add(each)
    assert in_memory(exchanges) == [4, 5]

    for each in exchanges:
        assert each.content == answer(each.number).content
        assert each.records[0]["number"] == str(each.number)
    assert in_memory(exchanges) == [4, 5]


def test_what_is_small_is_known_without_the_body() -> None:
    """Whether it was served, and how many it carries, need no look into the body."""
    bodies = Bodies(maximum=1)
    exchanges = [answer(1), answer(2)]
    for each in exchanges:
        bodies.add(each)

    assert exchanges[0].ok
    assert exchanges[0].count == 1
    assert in_memory(exchanges) == [2]


def test_no_more_room_is_said() -> None:
    """What waits in the file does so up to a bound, and then the run should end."""
    bodies = Bodies(maximum=1, in_file=200)

    bodies.add(answer(1))
    assert not bodies.is_full
    for number in range(2, 5):
        bodies.add(answer(number))

    assert bodies.is_full
