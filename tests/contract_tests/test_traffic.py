"""All checks together, over traffic that is written down here: nothing is sent.

Each case is a short conversation with a server, and the statements that it breaks.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from crmcom_kit.contract_tests.checks.checker import Checker, CheckFailed

from crmcom_kit.contract_tests.belief.belief import Credentials, TokenState, World
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.schemas import resolve
from crmcom_kit.schemas.examples import examples
from crmcom_kit.schemas.methods import methods

EXAMPLE = next(iter(examples("show_answer", resolve("R9")).values()))["value"]["data"]
OK = {"code": "OK", "message": "", "description": ""}
ERROR = {"status": {"code": "E1", "message": None, "description": None}}
IDENTIFIER = "webhook_request_identifier"

Step = tuple[str, Mapping[str, Any], Any]


def record(number: int, **changed: Any) -> dict[str, Any]:
    """A webhook request as the documents show one."""
    made: dict[str, Any] = copy.deepcopy(EXAMPLE)
    made |= {"id": f"ID{number}", "number": str(number), "life_cycle_state": "REJECTED"}
    made |= {"entity": "ACTIVITIES", "entity_id": "E1", "error_code": "X"} | changed
    if made["life_cycle_state"] == "SUCCESSFUL":
        made |= {"error_code": None, "error_description": None}
    return made


def at(moment: str, number: int = 1) -> dict[str, Any]:
    """A webhook request created at a moment."""
    made = record(number)
    made["log_information"] = {
        **made["log_information"],
        "created_date": moment,
        "updated_date": moment,
    }
    return made


def ok(data: Any) -> dict[str, Any]:
    """A response of success."""
    return {"status": OK, "data": data}


def show(answer: Any, **identifier: str) -> Step:
    """A show by an identifier; number 1 without one."""
    return "show", {IDENTIFIER: identifier or {"number": "1"}}, answer


def listed(answer: Any, **filters: Any) -> Step:
    """A list by filters; all activities without any."""
    return "list", filters or {"entity": "ACTIVITIES"}, answer


def resend(answer: Any, **more: Any) -> Step:
    """A resend of number 1."""
    return "resend", {IDENTIFIER: {"number": "1"}, **more}, answer


def delete(answer: Any, **more: Any) -> Step:
    """A delete of number 1."""
    return "delete", {IDENTIFIER: {"number": "1"}, **more}, answer


ONE, DONE, TWO = record(1), record(1, life_cycle_state="SUCCESSFUL"), record(2)
SHORT = {"fields_set": "number"}

BROKEN: dict[str, tuple[str, Sequence[Step]]] = {
    "another one is shown": ("identifier.selects", [show(ok(ONE)), show(ok(TWO))]),
    "an unknown one is shown": (
        "identifier.known",
        [show(ok(ONE)), show(ok(ONE), number="11")],
    ),
    "a state is listed that was not asked for": (
        "list.life_cycle_state.filter",
        [
            listed(
                ok([ONE, DONE | {"id": "ID3", "number": "3"}]),
                entity="ACTIVITIES",
                life_cycle_state="REJECTED",
            )
        ],
    ),
    "short records are known not to fit": (
        "list.entity.filter",
        [show(ok(ONE)), listed(ok([{"id": "ID1"}]), entity="JOBS", fields_set="id"), show(ok(ONE))],
    ),
    "one that fits is missing": (
        "list.entity.filter",
        [
            listed(ok([ONE, TWO, record(3)]), entity="ACTIVITIES"),
            listed(ok([ONE])),
            show(ok(TWO), number="2"),
        ],
    ),
    "one is listed twice": ("list.no_duplicates", [listed(ok([ONE, ONE]))]),
    "list and show differ": (
        "list.agrees_with_show",
        [show(ok(ONE)), listed(ok([record(1, url="https://other.example/")])), show(ok(ONE))],
    ),
    "show changes by itself and back": (
        "show.changes_nothing",
        [show(ok(ONE)), show(ok(record(1, entity_id="E9"))), show(ok(ONE))],
    ),
    "a resend loses the rule": (
        "resend.identity_kept",
        [show(ok(ONE)), resend(ok(DONE | {"workflow_rule": {"id": "other"}}))],
    ),
    "a successful one is sent again": ("resend.only_rejected", [show(ok(DONE)), resend(ok(DONE))]),
    "a resend had no effect": (
        "resend.sends_again",
        [show(ok(ONE)), resend(ok(DONE)), show(ok(ONE))],
    ),
    "the list is stale after a resend": (
        "list.agrees_with_show",
        [show(ok(ONE)), resend(ok(DONE)), show(ok(DONE)), listed(ok([ONE])), show(ok(DONE))],
    ),
    "a deleted one is shown": (
        "delete.gone",
        [show(ok(ONE)), delete(ok(ONE)), show(ok(ONE))],
    ),
    "a deleted one is listed": (
        "delete.gone",
        [show(ok(ONE)), delete(ok({"number": "1"}), **SHORT), listed(ok([ONE]))],
    ),
    "a delete returns another entity": (
        "delete.returns_record",
        [show(ok(ONE)), delete(ok(record(1, entity_id="E9")))],
    ),
    "no token is asked for": (
        "token.required",
        [("show", {"token": None, IDENTIFIER: {"id": "ID1"}}, ok(ONE))],
    ),
    "any token will do": (
        "token.from_login",
        [("show", {"token": "U", IDENTIFIER: {"id": "ID1"}}, ok(ONE))],
    ),
    "two fields are taken": ("identifier.exactly_one", [show(ok(ONE), id="ID1", number="1")]),
    "a list without a filter": (
        "list.semi_optional.at_least_one",
        [listed(ok([ONE]), url=ONE["url"])],
    ),
    "an entity that does not exist": (
        "list.entity.supported_values",
        [listed(ok([]), entity="CARS")],
    ),
    "more than asked for": (
        "list.paging.number_of_results",
        [listed(ok([ONE, TWO]), entity="ACTIVITIES", number_of_results=1)],
    ),
    "two pages with the same one": (
        "list.paging.offset",
        [
            listed(ok([ONE]), entity="ACTIVITIES", number_of_results=1),
            listed(ok([ONE]), entity="ACTIVITIES", number_of_results=1, offset=1),
        ]
        * 4,
    ),
    "a field too many": (
        "fields_set.selects",
        [
            (
                "show",
                {IDENTIFIER: {"id": "ID1"}, "fields_set": "number"},
                ok({"id": "ID1", "number": "1", "url": "u"}),
            )
        ],
    ),
    "a second one breaks what the first kept": (
        "response.url",
        [show(ok(ONE)), show(ok(record(2, url=7)), number="2")],
    ),
    "an error with code OK": (
        "errors.code_not_ok",
        [show({"status": {"code": None, "message": "no", "description": ""}})],
    ),
}

#: Broken if nobody else is at work; otherwise it may be their doing.
BROKEN_ALONE: dict[str, tuple[str, Sequence[Step]]] = {
    "a page is short": (
        "list.paging.number_of_results",
        [
            listed(ok([ONE, TWO, record(3)])),
            listed(ok([ONE]), entity="ACTIVITIES", number_of_results=2),
        ],
    ),
    "a resend makes a new one": (
        "resend.same_record",
        [
            listed(ok([ONE]), entity="ACTIVITIES", entity_id="E1"),
            resend(ok(DONE)),
            listed(ok([DONE, TWO])),
        ],
    ),
    "filters combine as any, and one that fits is missing": (
        "list.several_results",
        [
            listed(ok([ONE, record(2, entity_id="E2"), record(3, entity_id="E2")])),
            listed(ok([ONE, record(2, entity_id="E2")]), entity="ACTIVITIES", entity_id="E1"),
            show(ok(record(3, entity_id="E2")), number="3"),
        ],
    ),
}

LEGAL: dict[str, Sequence[Step]] = {
    "error texts are null": [show(ERROR)],
    "somebody else changes one": [show(ok(ONE)), listed(ok([DONE])), show(ok(DONE))],
    "somebody else deletes one": [show(ok(ONE)), listed(ok([TWO]))],
    "somebody else adds one": [listed(ok([ONE])), listed(ok([ONE, TWO])), listed(ok([ONE, TWO]))],
    "a resend is queued": [
        show(ok(ONE)),
        resend(ok(ONE)),
        show(ok(ONE)),
        listed(ok([ONE])),
        show(ok(DONE)),
    ],
    "a resend fails": [show(ok(ONE)), resend(ERROR), show(ok(record(1, error_code="Y")))],
    "a resend renews request, code and date": [
        show(ok(ONE)),
        resend(ok(DONE | {"request": "A" * 32, "authentication_code": "B"})),
    ],
    "delete touches the date": [
        show(ok(at("2016-10-03T10:00:00"))),
        delete(ok(at("2016-10-03T10:00:00") | {"error_code": "X"})),
    ],
    "a second delete is answered with OK": [show(ok(ONE)), delete(ok(ONE)), delete(ok(ONE))],
    "dates with zones": [show(ok(at("2016-10-03T10:00:00+02:00")))],
    "a day in another zone": [
        listed(ok([at("2016-10-03T23:30:00")]), entity="ACTIVITIES", created_date="2016-10-04"),
    ],
    "filters combine as any": [
        listed(ok([ONE, record(2, entity_id="E2")]), entity="ACTIVITIES", entity_id="E1"),
    ],
    "url is a prefix": [listed(ok([ONE]), entity="ACTIVITIES", url=ONE["url"][:-3])],
    "an unknown definition is an error": [
        listed(ERROR, webhook_definition_identifier={"name": "no such one"}),
    ],
    "an entity in another case": [listed(ok([ONE]), entity="activities")],
    "an order without order": [
        listed(ok([ONE]), entity="ACTIVITIES", number_of_results=1),
        listed(ok([ONE]), entity="ACTIVITIES", number_of_results=1, offset=1),
        listed(ok([TWO]), entity="ACTIVITIES", number_of_results=1),
    ],
    "two servers that take turns, each with an order of its own": [
        listed(ok([ONE]), entity="ACTIVITIES", number_of_results=1),
        listed(ok([ONE]), entity="ACTIVITIES", number_of_results=1, offset=1),
        listed(ok([ONE]), entity="ACTIVITIES", number_of_results=1),
        listed(ok([ONE]), entity="ACTIVITIES", number_of_results=1, offset=1),
    ],
    "a token in a header": [
        ("show", {"token": None, "Authorization": "Bearer T", IDENTIFIER: {"id": "ID1"}}, ok(ONE))
    ],
}


def conversation(steps: Sequence[Step], *, exclusive: bool = False) -> tuple[set[str], set[str]]:
    """Have a conversation checked; return what is kept and what is broken."""
    world = World(resolve("R13"), exclusive=exclusive, credentials=Credentials())
    world.set_token("T", TokenState.LIVE)
    checker = Checker(world)
    kept: set[str] = set()
    broken: set[str] = set()
    for number, (method, parameters, answer) in enumerate(steps, 1):
        call = _call(method, {"token": "T", **parameters})
        exchange = Exchange(number, call, 200, (), json.dumps(answer).encode(), 0.0)
        for verdict in checker.check(exchange)[1]:
            assert not isinstance(verdict, CheckFailed), verdict
            if isinstance(verdict, Violation):
                broken.add(verdict.statement)
            else:
                kept.add(verdict)
    broken |= {violation.statement for violation in checker.history.conclude()}
    return kept, broken


def _call(name: str, parameters: Mapping[str, Any]) -> Call:
    """A request as it comes from a recording: nothing but bytes."""
    method = methods(resolve("R13"))[name]
    given = {key: value for key, value in parameters.items() if value is not None}
    header = given.pop("Authorization", None)
    headers = (("Authorization", header),) if header else ()
    if method.verb == "POST":
        return Call(name, "POST", method.path, "", json.dumps(given).encode(), headers)
    parts = (f"{key}={quote(_written(value), safe='=,')}" for key, value in given.items())
    return Call(name, "GET", method.path, "&".join(parts), None, headers)


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={each}" for name, each in value.items())
    return str(value)


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    """Exactly the statement is named that the conversation breaks."""
    statement, steps = BROKEN[name]
    assert conversation(steps)[1] == {statement}


@pytest.mark.parametrize("name", BROKEN_ALONE)
def test_broken_alone(name: str) -> None:
    """The statement is named if nobody else is at work, and nothing if somebody may be."""
    statement, steps = BROKEN_ALONE[name]
    assert conversation(steps, exclusive=True)[1] == {statement}
    assert conversation(steps)[1] == set()


@pytest.mark.parametrize("name", LEGAL)
def test_legal(name: str) -> None:
    """What the documents leave open breaks nothing."""
    assert conversation(LEGAL[name])[1] == set()


def test_one_defect_hides_no_other() -> None:
    """Numbers as integers and an ignored filter are both told."""
    wrong = record(3, life_cycle_state="SUCCESSFUL") | {"number": 3}
    steps = [listed(ok([wrong]), entity="ACTIVITIES", life_cycle_state="REJECTED")]
    assert conversation(steps)[1] == {"response.number", "list.life_cycle_state.filter"}


def test_a_difference_is_told_by_both_values() -> None:
    """The violation has the value that was known, and the one that was received."""
    world = World(resolve("R13"))
    world.set_token("T", TokenState.LIVE)
    checker = Checker(world)
    found: list[Violation] = []
    for number, step in enumerate([show(ok(ONE)), delete(ok(record(1, entity_id="E9")))], 1):
        method, parameters, answer = step
        call = _call(method, {"token": "T", **parameters})
        exchange = Exchange(number, call, 200, (), json.dumps(answer).encode(), 0.0)
        found += [each for each in checker.check(exchange)[1] if isinstance(each, Violation)]
    assert [(each.expected, each.seen) for each in found] == [
        ("entity_id of 1 unchanged: 'E1'", "'E9'")
    ]


@pytest.mark.parametrize("last", ["show", "list"])
def test_what_is_gone_was_there_at_the_last_look(last: str) -> None:
    """If nobody else is at work, the method that showed it last is to blame."""
    world = World(resolve("R13"), exclusive=True)
    world.set_token("T", TokenState.LIVE)
    checker = Checker(world)
    looks = sorted([show(ok(ONE)), listed(ok([ONE]))], key=lambda step: step[0] == last)
    for number, (method, parameters, answer) in enumerate(looks, 1):
        call = _call(method, {"token": "T", **parameters})
        exchange = Exchange(number, call, 200, (), json.dumps(answer).encode(), 0.0)
        checker.check(exchange)
    gone = list(checker.history.gone("ID1", exchange))
    assert [each.statement for each in gone] == [f"{last}.changes_nothing"]


def test_twice_is_no_accident() -> None:
    """What goes along with two deletes was deleted by them, if nobody else is at work."""
    rest = [record(number) for number in range(1, 7)]
    steps: list[Step] = [listed(ok(rest))]
    for number, along in ((1, 2), (3, 4)):
        named = {IDENTIFIER: {"number": str(number)}}
        steps += [("delete", named, ok(record(number))), show(ERROR, number=str(along))]
    world = World(resolve("R13"))
    world.set_token("T", TokenState.LIVE)
    checker = Checker(world)
    for at_, (method, parameters, answer) in enumerate(steps, 1):
        call = _call(method, {"token": "T", **parameters})
        checker.check(Exchange(at_, call, 200, (), json.dumps(answer).encode(), 0.0))
        if answer is ERROR:  # list does not have it either
            exchange = Exchange(at_, call, 200, (), json.dumps(answer).encode(), 0.0)
            assert (
                list(checker.history.gone(f"ID{parameters[IDENTIFIER]['number']}", exchange)) == []
            )
    assert [each.statement for each in checker.history.conclude()] == ["delete.single_result"]
    world.others["ID6"] = "somebody else was here"
    assert list(checker.history.conclude()) == []
