"""Minimizing: the shortest sequence of calls is cut out of a history."""

from collections.abc import Sequence

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.stateful import expectations
from crmcom_kit.contract_tests.stateful.cases import Case, with_token
from crmcom_kit.contract_tests.stateful.minimizing import MAX_TRIES, cut, touching
from crmcom_kit.contract_tests.stateful.model import Model

RECORDS = [{"id": f"ID{n}", "number": str(n), "life_cycle_state": "REJECTED"} for n in range(9)]
KNOWN = Model({str(each["id"]): each for each in RECORDS}, {}, complete=True)


def traced(*cases: Case) -> list[tuple[Case, Exchange]]:
    """Return a history in which each case was answered with OK."""
    content = b'{"status":{"code":"OK"}}'
    return [
        (case, Exchange(n, Call(case.method, "GET", "", parameters=case.parameters), 200, (),
                        content, 0.0))
        for n, case in enumerate(cases, 1)
    ]  # fmt: skip


def shows(*numbers: int) -> list[Case]:
    """Return a show of each number."""
    return [expectations.known("show", RECORDS[number], "number") for number in numbers]


def about(record: str | None, trace: Sequence[tuple[Case, Exchange]]) -> Violation:
    """Return a violation of the last call."""
    return Violation("delete.gone", trace[-1][1], expected="", seen="", record=record)


def test_calls_that_do_not_touch_the_record_are_left_out() -> None:
    """Only those that name it stay, and the last one."""
    trace = traced(*shows(1, 2, 3, 2, 5))
    assert touching(trace, about("ID2", trace), KNOWN) == [1, 3, 4]


def test_without_a_record_the_changes_stay() -> None:
    """What changed anything may be the cause."""
    deleted = expectations.known("delete", RECORDS[3], "id")
    trace = traced(*shows(1, 2), deleted, *shows(4))
    assert touching(trace, about(None, trace), KNOWN) == [2, 3]


def test_what_is_not_needed_is_left_out_by_trying() -> None:
    """On a fresh mock calls are left out as long as the rest still breaks the statement."""
    cases = shows(2, 2, 2, 1, 2, 2, 2)
    trace = traced(*cases)
    needed = {id(cases[2]), id(cases[6])}
    tried: list[int] = []

    def breaks(given: Sequence[Case]) -> bool:
        tried.append(len(given))
        return needed <= {id(case) for case in given}

    found = cut(trace, about("ID2", trace), KNOWN, breaks)
    assert found == (trace[2][1].call, trace[6][1].call)
    assert len(tried) <= MAX_TRIES


def test_a_call_of_another_record_may_be_the_cause() -> None:
    """Where the calls that touch the record show nothing, the others come back."""
    cases = shows(1, 2, 3, 2)
    trace = traced(*cases)

    def breaks(given: Sequence[Case]) -> bool:
        return any(case is cases[2] for case in given)

    assert cut(trace, about("ID2", trace), KNOWN, breaks) == (trace[2][1].call, trace[3][1].call)


def test_a_call_is_made_once_more_with_another_token() -> None:
    """The token is put in the place of the old one, in query and body."""
    call = Call("show", "GET", "x", "token=a%2Bb&x=1", b'{"token": "a+b"}', (), {"token": "a+b"})
    new = with_token(call, "a+b", "c/d")
    assert (new.query, new.body) == ("token=c%2Fd&x=1", b'{"token": "c/d"}')
    assert new.parameters["token"] == "c/d"
