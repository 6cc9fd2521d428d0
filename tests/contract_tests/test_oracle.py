"""The oracle: what it says of made-up answers, without any server."""

import json
from typing import Any

import pytest

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.stateful import expectations
from crmcom_kit.contract_tests.stateful.cases import Case, Named
from crmcom_kit.contract_tests.stateful.model import Model
from crmcom_kit.contract_tests.stateful.oracle import Oracle, kept_and_broken
from crmcom_kit.schemas.releases import resolve

RELEASE = resolve("R15")


def record(number: int, entity: str, entity_id: str, state: str = "REJECTED") -> dict[str, Any]:
    """Return a webhook request as an answer shows it."""
    return {
        "id": f"ID{number}",
        "number": str(number),
        "entity": entity,
        "entity_id": entity_id,
        "life_cycle_state": state,
        "url": f"https://example.com/{entity.lower()}",
        "log_information": {"created_date": f"2016-02-2{number}T23:59:59"},
    }


RECORDS = [
    record(1, "JOBS", "A"),
    record(2, "JOBS", "B", "SUCCESSFUL"),
    record(3, "ACTIVITIES", "A"),
    record(4, "ACTIVITIES", "C", "SUCCESSFUL"),
]


def oracle(largest: int = 4) -> Oracle:
    """Return an oracle that knows ``RECORDS`` and a deleted one, and has seen so long a list."""
    known = {each["id"]: each for each in RECORDS}
    model = Model(known, {"ID9": record(9, "JOBS", "A")}, complete=True)
    model.largest[False] = largest
    return Oracle(model)


def answer(case: Case, data: Any, code: str = "OK") -> Exchange:
    """Return the exchange of a case that was answered so."""
    envelope = {"status": {"code": code, "message": "", "description": ""}, "data": data}
    call = Call(case.method, "GET", "", parameters=case.parameters)
    return Exchange(1, call, 200, (), json.dumps(envelope).encode(), 0.0)


def broken(tested: Oracle, case: Case, data: Any, code: str = "OK") -> list[str]:
    """Return the statements that an answer breaks; the oracle learns from it."""
    exchange = answer(case, data, code)
    _, found = kept_and_broken(tested.check(case, exchange))
    tested.take_in(case, exchange)
    return [violation.statement for violation in found]


def jobs(**more: Any) -> Case:
    """Return a list of jobs with more filters."""
    return expectations.listing({"entity": "JOBS", **more}, RELEASE)


def test_a_right_list_keeps_its_promises() -> None:
    """What fits is found, nothing else, in any order."""
    kept, found = kept_and_broken(oracle().check(jobs(), answer(jobs(), RECORDS[1::-1])))
    assert not found
    assert {"list.entity.filter", "list.several_results", "delete.gone"} <= set(kept)


@pytest.mark.parametrize(
    ("data", "statement"),
    [
        (RECORDS[:3], "list.entity.filter"),
        (RECORDS[:1], "list.entity.filter"),
        ([*RECORDS[:2], record(9, "JOBS", "A")], "delete.gone"),
        ([RECORDS[0] | {"life_cycle_state": "SUCCESSFUL"}, RECORDS[1]], "list.changes_nothing"),
    ],
)
def test_a_wrong_list_breaks_one_statement(data: Any, statement: str) -> None:
    """A surplus one, a missing one, a deleted one, a changed one."""
    assert broken(oracle(), jobs(), data) == [statement]


def test_either_way_to_combine_filters_is_right_but_not_both() -> None:
    """A server reads several filters as all or as any of them, and stays with it."""
    case = jobs(entity_id="A")
    every, some = [RECORDS[0]], RECORDS[:3]
    assert broken(oracle(), case, every) == []
    assert broken(oracle(), case, some) == []
    tested = oracle()
    assert broken(tested, case, every) == []
    assert broken(tested, case, some) != []
    tested = oracle()
    assert broken(tested, case, some) == []
    assert broken(tested, case, every) != []


def test_a_filter_that_is_ignored_beside_another_is_named() -> None:
    """An answer that no way to combine explains names the filter that its records do not fit."""
    assert broken(oracle(), jobs(entity_id="A"), RECORDS[:2]) == ["list.entity_id.filter"]


@pytest.mark.parametrize(
    ("date", "found"),
    [
        ("2016-02-22", [1]),  # of that day
        ("2016-02-22", []),  # of that second
        ("2016-02-22", [1, 3]),  # from then on
        ("2016-02-22T23:59:59", [1]),
    ],
)
def test_every_reading_of_a_date_is_right(date: str, found: list[int]) -> None:
    """Of the same day, of that second, or from then on."""
    case = expectations.listing({"entity": "ACTIVITIES", "created_date": date}, RELEASE)
    known = {each["id"]: {**each, "entity": "ACTIVITIES"} for each in RECORDS[1::2]}
    tested = Oracle(Model(known, {}, complete=True))
    data = [{**RECORDS[at], "entity": "ACTIVITIES"} for at in found]
    assert broken(tested, case, data) == []


def test_a_limit_on_answers_is_legal_if_it_is_one() -> None:
    """Answers may have so many results at most; then none has more."""
    case = expectations.listing({"entity_id": "A"}, RELEASE)
    tested = oracle(largest=0)
    assert broken(tested, case, [RECORDS[0]]) == []
    assert broken(tested, jobs(), RECORDS[:1]) == []
    tested = oracle(largest=0)
    assert broken(tested, jobs(), RECORDS[:2]) == []
    assert broken(tested, case, [RECORDS[0]]) == ["list.entity_id.filter"]


def test_show_returns_the_one_that_is_named() -> None:
    """Another one breaks the statement of the identifier."""
    case = expectations.known("show", RECORDS[0], "number")
    assert broken(oracle(), case, RECORDS[0]) == []
    assert broken(oracle(), case, RECORDS[1]) == ["show.identifier.selects"]
    assert broken(oracle(), case, None, "ERROR") == ["show.identifier.selects"]


def test_what_nobody_has_may_exist_after_all() -> None:
    """Of an unknown number, a webhook request with just that number is no violation."""
    case = expectations.stranger("show", "number", "77")
    assert broken(oracle(), case, record(77, "JOBS", "A")) == []
    assert broken(oracle(), case, RECORDS[0]) == ["show.identifier.known"]


def test_a_resend_that_fails_is_legal_and_a_second_success_is_not() -> None:
    """REJECTED again, an error, queued: all legal; a SUCCESSFUL one is not sent again."""
    sent = RECORDS[0] | {"life_cycle_state": "SUCCESSFUL"}
    first = expectations.known("resend", RECORDS[0], "id")
    assert broken(oracle(), first, None, "ERROR") == []
    tested = oracle()
    assert broken(tested, first, RECORDS[0]) == []
    assert broken(tested, expectations.known("show", RECORDS[0], "id"), sent) == []
    assert broken(tested, expectations.known("resend", sent, "id"), sent) == [
        "resend.only_rejected"
    ]
    other = sent | {"entity_id": "Z"}
    assert broken(oracle(), first, other) == ["resend.identity_kept"]


def test_a_deleted_one_is_gone() -> None:
    """It is neither shown nor listed, and a list without it is right."""
    tested = oracle()
    assert broken(tested, expectations.known("delete", RECORDS[0], "number"), RECORDS[0]) == []
    assert broken(tested, expectations.gone("show", RECORDS[0], "id"), RECORDS[0]) == [
        "delete.gone"
    ]
    assert broken(tested, jobs(), RECORDS[1:2]) == []
    assert broken(tested, jobs(), RECORDS[:2]) == ["delete.gone"]


def test_of_an_answer_without_an_envelope_nothing_is_said() -> None:
    """The checks have said what is wrong with it."""
    call = Call("list", "GET", "", parameters=jobs().parameters)
    assert oracle().check(jobs(), Exchange(1, call, 500, (), b"<html>", 0.0)) == []


def test_a_name_of_two_definitions_is_open() -> None:
    """Which of them is meant, no page says."""
    twins = {
        each["id"]: {**each, "webhook_definition": {"id": each["id"], "name": "Twin"}}
        for each in RECORDS[:2]
    }
    tested = Oracle(Model(twins, {}, complete=True))
    filters = {"webhook_definition_identifier": Named("name", "Twin")}
    assert broken(tested, expectations.listing(filters, RELEASE), [twins["ID1"]]) == []
