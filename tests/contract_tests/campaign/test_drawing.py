"""Reads that Hypothesis draws: what they show is confirmed, and shrunk to one request."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from helpers.sound_servers import alarms, checked
from sound_server.reading import Call, Request
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, Reply, SoundServer

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.run.results import Results

pytest_plugins = ["pytester"]


class CrashesBefore1900(SoundServer):
    """It fails at dates before 1900, most of which only Hypothesis draws."""

    failed = 0
    body, content_type = b"<html>Server Error</html>", "text/html"

    def answer(self, request: Request) -> Reply:
        text = request.query.partition("created_date=")[2]
        if text[:4].isdigit() and int(text[:4]) < 1900:
            self.failed += 1
            return Reply(500, self.content_type, self.body)
        return super().answer(request)


class RefusesWith500(CrashesBefore1900):
    """It fails with an envelope: a single response may be a refusal."""

    content_type = "application/json"
    body = json.dumps({"status": {"code": "X", "message": "", "description": ""}}).encode()


class FailsOnce(RefusesWith500):
    """It fails at the first such request only."""

    def answer(self, request: Request) -> Reply:
        return SoundServer.answer(self, request) if self.failed else super().answer(request)


def of_reads(app: SoundServer, **config: Any) -> Results:
    return checked(app, limits=Limits(max_requests=250), allowed=frozenset(), scope=None, **config)


@pytest.mark.parametrize(
    ("server", "statement"),
    [(CrashesBefore1900, "errors.json"), (RefusesWith500, "errors.no_server_error")],
)
def test_a_fault_that_no_list_knows_is_shrunk_to_one_request(
    server: type[SoundServer], statement: str
) -> None:
    """The script has a login, and the simplest request that shows the fault."""
    results = of_reads(server())

    (broken,) = (row for row in results.statements if row.verdict is Verdict.BROKEN)
    assert broken.statement.id == statement
    reported = Report(results).document["statements"]
    (violations,) = (row["violations"] for row in reported if row["verdict"] == "broken")
    script = violations[0]["script"]
    assert script.count("webhook_requests/") == 1
    assert "created_date=0001-02-28" in script or "created_date=0001-01-" in script
    assert len(results.history) <= 250


def test_a_failure_that_is_not_repeated_is_no_violation() -> None:
    app = FailsOnce()

    results = of_reads(app)

    assert app.failed == 1
    assert alarms(results) == []


DEVIATIONS = """
[[deviation]]
statement = "errors.json"
seen = "HTTP 500: '<html>Server Error</html>'"
reason = "dates"
"""


class CrashesAtDates(SoundServer):
    """It fails at each list by a date, and notes the methods that are called."""

    def set_up(self) -> None:
        self.called: set[str] = set()

    def answer(self, request: Request) -> Reply:
        if "created_date=" in request.query:
            return Reply(500, "text/html", CrashesBefore1900.body)
        return super().answer(request)

    def run(self, call: Call) -> Any:
        self.called.add(call.method)
        return super().run(call)


def test_under_pytest_they_are_tests_of_hypothesis(
    serve: Callable[..., str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options apply; what is broken and the failing request are shown, without a secret."""
    app = CrashesAtDates()
    storage = pytester.path / ".hypothesis"
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(storage))
    pytester.path.joinpath("known.toml").write_text(DEVIATIONS)
    options = [
        *("--pyargs", "crmcom_kit.contract_tests.suite.test_reads", "-p", "no:cacheprovider"),
        *("--crmcom-base-url", serve(app), "--crmcom-username", USERNAME),
        *("--crmcom-password", PASSWORD, "--crmcom-organisation", ORGANISATION),
    ]

    done = pytester.runpytest_subprocess(*options, "--hypothesis-show-statistics")
    known = ("--crmcom-deviations", "known.toml")
    listed = pytester.runpytest_inprocess(*options, "-k", "list", *known)
    few = pytester.runpytest_inprocess(*options, "--crmcom-max-requests", "40", "-rs")

    done.assert_outcomes(failed=1, passed=1)
    shown = str(done.stdout)
    done.stdout.fnmatch_lines("*Draw 1: <Call GET webhook_requests/list?token=*&created_date=*>")
    done.stdout.fnmatch_lines("*BrokenErrorsJson: errors.json is broken by list*")
    done.stdout.fnmatch_lines("*GET webhook_requests/list?token=$CRMCOM_TOKEN&*created_date=*")
    done.stdout.fnmatch_lines("*- during generate phase*")
    assert not any(token in shown for token in app.tokens.known)
    assert PASSWORD not in shown
    assert app.called == {"login", "show", "list"}
    if not os.environ.get("CI"):  # where Hypothesis keeps no examples
        assert storage.joinpath("examples").is_dir()
    listed.assert_outcomes(passed=1)
    few.assert_outcomes(skipped=2)
    few.stdout.fnmatch_lines("*the run may send no more than 40 requests")
