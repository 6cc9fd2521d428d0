"""HTTP 5xx is no refusal, unless it is the server's way to refuse; what is never served is said."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from helpers.conversations import Conversation
from helpers.recordings import TOKEN, listed, ok, record, refused, said
from helpers.stand_ins import alarms, broken, checked
from helpers.tables import looped
from stand_in.choices import Choices
from stand_in.reading import Call, Refusal, Request
from stand_in.server import Reply, StandIn

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.reports.report import Report

STATEMENT = "errors.no_server_error"
#: Enough to send each kind of request.
FEW: dict[str, Any] = {"only": "errors.*", "limits": Limits(max_requests=400)}
#: When a request fails, by what it is.
Fails = Callable[[StandIn, Call], bool]


@dataclass
class Failing(StandIn):
    """A sound server that fails at some requests with an error object."""

    fails: Fails = lambda _server, _call: False
    status: int = 500
    times: int = 1_000_000  # so often, and then no more

    def run(self, call: Call) -> Any:
        """Fail, or answer as a sound server."""
        if call.method in ("resend", "list", "show"):
            self.authenticate(call)
            self.read_arguments(call)
            if self.times and self.fails(self, call):
                self.times -= 1
                raise Refusal("bad_parameter", "Failed.")
        return super().run(call)

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Return an error; one of a failure has the status of it."""
        reply = super().refusal(request, refusal)
        return replace(reply, status=self.status) if refusal.text == "Failed." else reply


class RefusedLoginsFail(StandIn):
    """Every login that is refused is answered with HTTP 500."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Return an error."""
        reply = super().refusal(request, refusal)
        return replace(reply, status=500) if refusal.kind == "wrong_credentials" else reply


def resends(server: StandIn, call: Call) -> bool:
    """Whether a REJECTED webhook request is to be sent again."""
    return call.method == "resend" and server.find(call).life_cycle_state == "REJECTED"


def dated(_server: StandIn, call: Call) -> bool:
    """Whether a list has a created_date."""
    return call.method == "list" and "created_date" in call.filters


def entities(server: StandIn, call: Call) -> bool:
    """Whether a list of one entity is wanted; so is the first request with a token."""
    del server
    return call.method == "list" and [*call.filters] == ["entity"]


def failing(fails: Fails, *, status: int = 500, times: int = 1_000_000, **choices: Any) -> Failing:
    """Return a server that fails."""
    return Failing(Choices(**choices), fails=fails, status=status, times=times)


@pytest.mark.parametrize(
    "server",
    [
        failing(resends),
        failing(resends, error_http="by_kind"),
        failing(dated),
        RefusedLoginsFail(),
    ],
    ids=["resends", "resends, by kind", "dates", "refused logins"],
)
def test_a_failure_each_time_is_a_violation(server: StandIn) -> None:
    """A server whose other errors are below 500 does not pass with HTTP 500 to one kind."""
    assert broken(checked(server, **FEW)) == [STATEMENT]


def test_what_must_be_served_is_a_violation_as_well() -> None:
    """A list that fails breaks the statement that promises it; and a status says what it is."""
    found = broken(checked(failing(entities), **{**FEW, "only": "[el]*"}))

    assert STATEMENT in found


@pytest.mark.parametrize(
    "server",
    [
        failing(resends, error_http="500"),
        failing(dated, error_http="500"),
        failing(resends, status=502),
        StandIn(Choices(error_http="500"), "R18"),
        StandIn(Choices(error_http="500", r18="refused"), "R18"),
    ],
    ids=["resends", "dates", "the receiver fails", "all errors", "withdrawn"],
)
def test_a_server_that_refuses_so_is_not_accused(server: StandIn) -> None:
    """Which status errors have is open, and so is how a failed delivery is reported."""
    assert alarms(checked(server, **FEW)) == []


@looped("fails", [dated, entities])
def test_a_failure_that_does_not_come_again_is_a_note(fails: Fails) -> None:
    """A gateway's hiccup breaks no statement."""
    results = checked(failing(fails, times=1), **FEW)

    assert alarms(results) == []
    assert any("500 to 599" in note for note in results.notes)
    assert results.never_served == ()


@pytest.mark.parametrize(
    ("fails", "status", "said"),
    [
        (resends, 200, "resend was sent "),
        (resends, 502, "resend was sent "),
        (dated, 200, "list refused each of "),
        (dated, 400, "list refused each of "),
    ],
)
def test_what_is_never_served_is_said(fails: Fails, status: int, said: str) -> None:
    """A method that served nothing, or a parameter that was always refused, has a line."""
    results = checked(failing(fails, status=status), **FEW)

    assert alarms(results) == []
    (line,) = results.never_served
    assert line.startswith(said)
    assert ("but the server never served resend" in Report(results).headline) == (fails is resends)
    assert ("never served" if fails is resends else " with created_date") in line


@pytest.mark.parametrize(("refuses", "suspected"), [("number", True), ("id", True), ("", False)])
def test_resend_takes_both_forms_of_an_identifier(refuses: str, *, suspected: bool) -> None:
    """A delivery may fail, and be reported as an error; not each one that is named in one form."""
    records = [record(at) for at in range(1, 9)]
    conversation = Conversation(listed(records))
    for at, each in enumerate(records):
        form = ("id", "number")[at % 2]
        given = {"token": TOKEN, IDENTIFIER: {form: each[form]}}
        answer = refused() if form == refuses else ok({**each, "life_cycle_state": "SUCCESSFUL"})
        conversation.hear(said("resend", given, answer))

    found = [each.statement for each in conversation.oracle.service.conclude()]
    assert found == ["identifier.fields"] * suspected


def test_of_a_sound_server_nothing_is_said() -> None:
    """What is refused as it should be is no method, and no parameter, that is never served."""
    assert checked(StandIn(release="R15"), **FEW).never_served == ()
