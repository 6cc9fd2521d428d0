"""PASSED means only what was seen: each server that shows too little, with its first line."""

from functools import partial
from typing import Any

import pytest
from helpers.far import BOTH
from helpers.reports import all_reports
from helpers.sound_servers import alarms, broken, checked
from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.records import TrackedRecords
from crmcom_kit.contract_tests.belief.shared_parts import Memory
from crmcom_kit.contract_tests.belief.tokens import KnownTokens
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.options.deviations import NotSeen
from crmcom_kit.contract_tests.options.scope import Scope
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.run import run as running
from crmcom_kit.contract_tests.run.results import Outcome, Results
from crmcom_kit.schemas.releases import Release

FEW = Limits(max_requests=120)


class Without(SoundServer):
    """Has no permission for some methods."""

    missing: tuple[str, ...] = ()

    def run(self, call: Call) -> Any:
        if call.method in self.missing:
            raise Refusal("unknown_path", "You must not.")
        return super().run(call)


def without(*methods: str) -> SoundServer:
    """Return a server that refuses some methods each time."""
    kind: type[SoundServer] = type("Refusing", (Without,), {"missing": methods})
    return kind()


def first_line(results: Results) -> str:
    """Return the first line of the terminal's report; page and JUnit have it, too."""
    reports = all_reports(results)
    headline = Report(results).headline
    assert f": {headline}</h1>" in reports["html"] or "&" in reports["html"]
    assert headline in reports["junit"] or results.outcome is Outcome.PASSED
    return reports["terminal"].splitlines()[0]


@pytest.mark.parametrize("method", ["show", "list", "resend", "delete"])
def test_a_method_that_is_never_served_is_no_pass(method: str) -> None:
    """The first line names it; nothing is accused."""
    results = checked(without(method), limits=FEW)

    assert alarms(results) == []
    assert (results.outcome, results.exit_code) == (Outcome.INCONCLUSIVE, 3)
    line = first_line(results)
    assert line.startswith("INCONCLUSIVE: ")
    assert f"{method} was sent " in line.replace(method.capitalize(), method)


class NoSuccess(SoundServer):
    """Sends again, and each attempt fails as before."""

    def succeed(self, record: Any) -> None:
        pass


def test_a_resend_that_never_succeeds_is_no_pass() -> None:
    """It may be that all receivers are dead; but what a success does was not seen."""
    results = checked(NoSuccess(), limits=FEW)

    assert alarms(results) == []
    assert "no resend became SUCCESSFUL" in Report(results).headline.replace("No", "no")


def test_what_is_expected_to_be_missing_is_a_pass_and_stale_once_it_is_seen() -> None:
    listed = (NotSeen(what="delete", reason="this user must not"),)
    whole = Limits(max_requests=300)
    without_delete = checked(without("delete"), limits=whole, not_seen=listed)
    with_delete = checked(SoundServer(), limits=FEW, not_seen=listed)

    assert without_delete.exit_code == 0
    assert "delete was not seen, as listed (this user must not)" in Report(without_delete).headline
    assert with_delete.exit_code == 1
    assert "delete was seen, which is listed as not seen" in Report(with_delete).headline


def test_a_scope_that_matches_nothing_is_an_error_before_any_change() -> None:
    server = SoundServer()
    results = checked(server, limits=FEW, scope=Scope(definition="Nope"))

    assert results.exit_code == 2
    assert "none of the 60 webhook requests that were found is in scope" in str(results.trouble)
    assert "Activity feed" in str(results.trouble)
    assert {exchange.call.method for exchange in results.history} <= {"token", "list", "show"}


def test_a_scope_that_is_used_up_is_no_error() -> None:
    """One webhook request: it is deleted, and what needs more was not sent."""
    server = SoundServer()
    records = server.records.values()
    rejected = next(record for record in records if record.life_cycle_state == "REJECTED")
    scope = Scope(numbers=frozenset((rejected.number,)))
    results = checked(server, limits=FEW, scope=scope, allowed=frozenset(("delete",)))

    assert alarms(results) == []
    assert results.exit_code == 0
    assert results.changed == (rejected.number,)


class NumbersAsNumbers(SoundServer):
    """Shows the number of one webhook request as a number in each list."""

    def do_list(self, call: Call) -> Any:
        return [
            {**view, "number": int(view["number"])} if view.get("number") == "2" else view
            for view in super().do_list(call)
        ]


def test_a_wrong_type_in_a_response_does_not_stop_the_run() -> None:
    """It is a violation, and the rest is tried as well."""
    results = checked(NumbersAsNumbers(), limits=FEW, allowed=BOTH)

    assert results.exit_code == 1
    assert len(results.history) > 100


class Chatty(SoundServer):
    """Shows with each webhook request a long response, and what it was shown as, each time anew."""

    looks = 0

    def view(self, record: Any, call: Call) -> dict[str, Any]:
        self.looks += 1
        return super().view(record, call) | {"response": f"{self.looks} {'x' * 3_000}"}


class DoesNothing(Chatty):
    """Says of each resend that it was done."""

    def do_resend(self, call: Call) -> Any:
        sent = {"life_cycle_state": "SUCCESSFUL", "error_code": None, "error_description": None}
        return super().do_show(call) | sent


def test_what_changes_with_each_look_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right server is seen to the end, and one that sends nothing again is not."""
    room = partial(Memory, max_bytes=150_000)  # for 60 webhook requests without that text

    def in_little_room(release: Release, tokens: KnownTokens) -> Belief:
        return Belief(release, tokens, TrackedRecords(memory=room()))

    monkeypatch.setattr(running, "Belief", in_little_room)
    right, wrong = checked(Chatty(), limits=FEW), checked(DoesNothing(), limits=FEW)

    assert alarms(right) == []
    assert right.outcome is Outcome.PASSED
    assert "resend.sends_again" in broken(wrong)


ROOM = (
    "INCONCLUSIVE: 10 webhook requests were untracked at some time: "
    "not every change of them would show."
)


def test_what_got_no_room_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for new either, nor is it reported as unchanged."""
    few = TrackedRecords(max_count=50)
    monkeypatch.setattr(running, "Belief", partial(Belief, records=few))
    results = checked(SoundServer(), limits=FEW, scope=Scope(definition="Activity feed"))

    assert alarms(results) == []
    assert results.outcome is Outcome.INCONCLUSIVE
    assert first_line(results) == ROOM
    assert "10 webhook requests are untracked, and may have changed" in results.inventory
