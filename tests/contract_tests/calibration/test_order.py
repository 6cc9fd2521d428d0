"""The order of lists is learned from the lists: keys, or two lists that contradict each other."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from helpers.conversations import of_call
from helpers.recordings import ok

from crmcom_kit.contract_tests.calibration.learned import Grade
from crmcom_kit.contract_tests.calibration.order import Order, learned_order
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange

CHANCE = Random(3)
RECORDS: list[dict[str, Any]] = [
    {
        "id": f"{CHANCE.getrandbits(64):X}",
        "number": str(at),
        "entity": CHANCE.choice(("JOBS", "LEADS", "ACTIVITIES")),
        "error_code": CHANCE.choice((None, None, "Refused", "Timeout")),
        "webhook_definition": {"name": CHANCE.choice("abc"), "calls": CHANCE.choice((2, 9, 10))},
        "log_information": {
            "created_date": f"2016-01-{1 + at // 3:02}",
            "updated_date": CHANCE.choice((None, "2016-03-01", "2016-04-01")),
        },
    }
    for at in range(60)
]


def listed(*lists: Sequence[dict[str, Any]]) -> list[Exchange]:
    """Exchanges that show some lists."""
    call = Call("list", "GET", "webhook_requests/list")
    return [of_call(call, ok(records), at) for at, records in enumerate(lists, 1)]


def samples(key: Callable[[dict[str, Any]], Any]) -> list[list[dict[str, Any]]]:
    """Forty lists of some of the records, sorted."""
    chance = Random(4)
    return [sorted(chance.sample(RECORDS, 12), key=key) for _ in range(40)]


def log(record: dict[str, Any], name: str) -> Any:
    return record["log_information"][name]


ORDERS: dict[tuple[str, ...], Callable[[dict[str, Any]], Any]] = {
    ("entity", "number desc"): lambda r: (r["entity"], -int(r["number"])),
    ("created_date", "id"): lambda r: (log(r, "created_date"), r["id"]),
    ("number text",): lambda r: r["number"],
    ("webhook_definition.calls", "entity", "id"): lambda r: (
        r["webhook_definition"]["calls"], r["entity"], r["id"],
    ),
    ("updated_date unset high", "id"): lambda r: (log(r, "updated_date") or "9", r["id"]),
    ("error_code", "webhook_definition.name", "id"): lambda r: (
        r["error_code"] or "", r["webhook_definition"]["name"], r["id"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("keys", ORDERS)
def test_keys_that_explain_all_lists_are_found(keys: tuple[str, ...]) -> None:
    """Numbers as numbers or texts, members inside others, and what has no value."""
    order = learned_order(listed(*samples(ORDERS[keys])), frozenset())

    assert (order.keys, order.grade) == (keys, Grade.OBSERVED)
    assert "no key" not in order.reason


def test_ties_that_no_key_explains_are_counted() -> None:
    """What remains in any order is noted, beside the keys."""
    same = {each["id"]: {**RECORDS[0], "id": each["id"]} for each in RECORDS[:2]}
    lists = [[*same.values()][::way] for way in (1, -1)] * 2

    order = learned_order(listed(*lists, *samples(lambda r: int(r["number"]))), frozenset())

    assert order.keys == ("number",)
    assert order.reason.endswith("no key explains 2 of them")


def test_lists_that_contradict_each_other_are_named() -> None:
    """No order fits then; others' changes do not count."""
    lists = [*samples(lambda r: r["id"]), *samples(lambda r: -int(r["number"]))]

    order = learned_order(listed(*lists), frozenset())

    assert order.grade is Grade.UNSETTLED
    assert order.reason.startswith("no order fits: requests ")
    first, second = (int(word) for word in order.reason.split() if word.isdecimal())
    places = [[each["id"] for each in lists[at - 1]] for at in (first, second)]
    both = [key for key in places[0] if key in places[1]]
    assert both != [key for key in places[1] if key in places[0]]
    assert learned_order([], frozenset()) == Order(
        (), Grade.UNSETTLED, "no list of several was seen"
    )


def test_two_orders_that_fit_are_both_named() -> None:
    """Nothing was changed, so the lists do not tell which of the two dates decides."""
    records = [
        each | {"log_information": dict.fromkeys(("created_date", "updated_date"), f"2016-{at:02}")}
        for at, each in enumerate(RECORDS)
    ]

    order = learned_order(listed(records), frozenset())

    assert (order.keys, order.rival) == (("created_date",), ("updated_date",))
    assert order.grade is Grade.UNSETTLED
    assert order.reason == "two orders fit: created_date; or updated_date"


def test_an_order_that_no_members_explain_is_kept_itself() -> None:
    """The profile has the webhook requests in the order that all lists have."""
    shuffled = Random(5).sample(RECORDS, len(RECORDS))
    places = {record["id"]: at for at, record in enumerate(shuffled)}
    lists = [*samples(lambda record: places[record["id"]]), shuffled]

    order = learned_order(listed(*lists), frozenset())

    assert (order.keys, order.ids) == (("added",), tuple(places))
