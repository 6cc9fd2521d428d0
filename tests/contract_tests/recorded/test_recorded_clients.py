"""The client of a recording is checked by what came before, and is in every report."""

import html
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from helpers.conversations import request
from helpers.recordings import (
    DONE,
    HOST,
    IDENTIFIER,
    ONE,
    OTHER_TOKEN,
    TOKEN,
    Entry,
    archive,
    changed,
    checked,
    entry,
    listed,
    logged,
    login,
    mistakes,
    ok,
    record,
    refused,
    show,
)
from helpers.reports import all_reports
from jsonschema import Draft202012Validator

from crmcom_kit.contract_tests.oracle.client_mistakes import RemarkKind
from crmcom_kit.contract_tests.recorded import client_check
from crmcom_kit.contract_tests.recorded.reading import RecordingError
from crmcom_kit.contract_tests.reports.report import SCHEMA, Report
from crmcom_kit.contract_tests.run.results import Outcome

SHOW, TOKENLESS = "webhook_requests/show?token=T", "webhook_requests/list"
NUMBER = f"{IDENTIFIER}=number=7"
LOST: Entry = {"response": {"status": 0, "content": {}}}
NO_TOKEN = 401, '{"status": {"code": "E.TOKEN", "message": "", "description": ""}}'
RELEASE = logged("token_release", {"token": TOKEN}, ok({}))


RESENT, DELETED = changed("resend", DONE), changed("delete", ONE)
RESEND_REFUSED, SHOW_REFUSED = changed("resend", refused()), show(refused())
LOST_RESEND, OTHER_LOGIN = changed("resend", ONE, **LOST), login(OTHER_TOKEN)
LATE = changed("resend", DONE, time=3000)
BY_NUMBER = {"token": TOKEN, IDENTIFIER: {"number": "1"}}
SENT_ONES = listed([{"number": "1"}], entity="JOBS", life_cycle_state="SUCCESSFUL")


@pytest.mark.parametrize(
    ("expected", "entries"),
    [
        # What was resent, or deleted.
        (["resend.only_rejected"], [show(DONE), RESEND_REFUSED]),
        (["resend.only_rejected"], [show(ONE), RESENT, RESENT]),
        (["resend.only_rejected"], [RESENT, RESEND_REFUSED]),
        (["resend.only_rejected"],
         [changed("resend", {"life_cycle_state": "SUCCESSFUL"}), RESEND_REFUSED]),
        (["resend.only_rejected"], [SENT_ONES, logged("resend", BY_NUMBER, refused())]),
        ([], [SENT_ONES, listed([{"number": "1"}], entity="JOBS", life_cycle_state="REJECTED"),
              logged("resend", BY_NUMBER, ok(DONE))]),
        (["delete.gone"], [DELETED, changed("delete", refused())]),
        (["delete.gone"], [show(ONE), DELETED, changed("delete", refused())]),
        (["delete.gone"], [changed("delete", DONE), SHOW_REFUSED, RESEND_REFUSED]),
        (["delete.gone"],
         [listed([{"id": ONE["id"], "number": "1"}], entity="JOBS", fields_set="id,number"),
          logged("delete", BY_NUMBER, ok({"number": "1"})), RESEND_REFUSED]),
        ([], [DELETED, show(ONE), RESENT]),
        ([], [DELETED, listed([{"number": "1"}]), DELETED]),
        ([], [DELETED, SHOW_REFUSED, changed("delete", record(2), 2)]),
        ([], [RESENT, changed("delete", DONE)]),
        ([], [LATE, LATE, RESENT]),  # the first two are under way together
        ([], [show(ONE), changed("resend", ONE), RESENT]),
        ([], [show(DONE), show(ONE), RESENT]),
        # A response that was lost.
        (["resend.sends_again"], [LOST_RESEND, RESENT]),
        (["delete.single_result"], [changed("delete", ONE, **LOST), DELETED]),
        (["resend.sends_again"], [show(ONE), LOST_RESEND, show(record(2), 2), RESENT]),
        (["resend.sends_again"], [changed("resend", ONE, **LOST, time=3000), RESENT]),
        ([], [LOST_RESEND, show(ONE), RESENT]),
        ([], [LOST_RESEND, listed([ONE]), RESENT]),
        ([], [LOST_RESEND, changed("resend", record(2), 2)]),
        ([], [changed("resend", refused(502)), RESENT]),
        # A token that was released, or has ended.
        (["token_release.ends_token"], [login(), RELEASE, SHOW_REFUSED, OTHER_LOGIN]),
        ([], [login(), RELEASE, OTHER_LOGIN, show(ONE, token=OTHER_TOKEN)]),
        (["token.expiry"], [login(), show(ONE), show(NO_TOKEN), listed(NO_TOKEN)]),
        ([], [login(), show(ONE), show(NO_TOKEN), OTHER_LOGIN, show(ONE, token=OTHER_TOKEN)]),
        ([], [login(), show(NO_TOKEN), show(NO_TOKEN), show(ONE)]),
        ([], [login(), show(ONE), SHOW_REFUSED, SHOW_REFUSED]),
        (["token.expiry"], [login(), show(ONE), SHOW_REFUSED, OTHER_LOGIN,
                            show(ONE, token=OTHER_TOKEN), listed(refused())]),
        ([], [show(ONE, token="REDACTED"), show(NO_TOKEN, token="REDACTED")] * 2),
        # *** may stand for several tokens.
        ([], [login("***"), logged("token_release", {"token": "***"}, ok({})),
              show(NO_TOKEN, token="***")]),
    ],
)  # fmt: skip
def test_a_mistake_may_follow_from_what_came_before(
    tmp_path: Path, expected: list[str], entries: list[Entry]
) -> None:
    assert mistakes(checked(tmp_path, archive(entries), release="R10")) == expected


def test_a_lost_change_is_no_other_kind_of_mistake(tmp_path: Path) -> None:
    results = checked(tmp_path, archive([show(ONE), LOST_RESEND, RESENT]))
    assert results.client is not None
    (finding,) = results.client.mistakes
    assert finding.remark.kind is RemarkKind.TWICE
    assert finding.remark.fix is not None
    assert finding.remark.fix.method == "show"


def test_requests_without_a_response_are_checked(tmp_path: Path) -> None:
    """Only what a server did with them is not known, and a wrong path has no statement."""
    bare = request("GET", f"webhook_request/list?token={TOKEN}&entity=JOBS")
    entries = [listed(refused(), url="x") | LOST, bare | LOST, listed([ONE])]
    results = checked(tmp_path, archive(entries))
    assert mistakes(results) == ["list.semi_optional.at_least_one", "methods.known"]
    assert len(results.history) == 1
    alone = checked(tmp_path, archive(entries[:1]))
    assert alone.outcome is Outcome.BROKEN
    assert mistakes(alone) == ["list.semi_optional.at_least_one"]


@pytest.mark.parametrize("path", ["/crmapi/rest/v1", "/crmapi/rest", "/crmapi/rest/v2/v2"])
def test_a_path_that_goes_astray(tmp_path: Path, path: str) -> None:
    """It has the end of a method's, on the host that has the API; elsewhere it is no mistake."""
    url = f"{path}/{TOKENLESS}?token={TOKEN}&entity=JOBS"
    astray = entry("GET", f"{HOST}{url}", 404, "")
    others = entry("GET", f"https://app.example.com{url}", 404, "")
    results = checked(tmp_path, archive([listed([ONE]), astray]))
    assert mistakes(results) == ["methods.path"]
    if path != "/crmapi/rest/v2/v2":
        assert mistakes(checked(tmp_path, archive([listed([ONE]), others]))) == []


def test_a_secret_that_was_removed_is_not_missing(tmp_path: Path) -> None:
    """A login that was served had a password; a key may be hidden."""
    by_name = logged("token", {"username": "ann"}, ok({"token": TOKEN}))
    by_key = logged("web_api_key_token", {}, refused())
    by_key["request"]["headers"].append({"name": "Authorization", "value": "***"})
    entries = [by_name, by_key, listed([ONE])]
    assert mistakes(checked(tmp_path, archive(entries), release="R10")) == []


def test_a_form_with_a_hidden_token_is_whole(tmp_path: Path) -> None:
    """It is shorter than what was sent."""
    form = f"token=$CRMCOM_TOKEN_2&{NUMBER}"
    made = changed("delete", refused())
    sent = {"mimeType": "application/x-www-form-urlencoded", "text": form}
    made["request"] |= {"postData": sent, "bodySize": len(form) + 9}
    assert mistakes(checked(tmp_path, archive([made, listed([ONE])]))) == ["parameters.body"]


# Which side, and what was expected.

WRONG = listed(refused(), url="x")


def test_one_side_alone_can_be_checked(tmp_path: Path) -> None:
    """The other one then decides nothing, and the first line says whose fault it is."""
    broken = listed([DONE], entity="JOBS", life_cycle_state="REJECTED")
    text = archive([login(), WRONG, broken])
    of_client = checked(tmp_path, text, side="client")
    assert (of_client.statements, mistakes(of_client)) == ((), ["list.semi_optional.at_least_one"])
    of_server = checked(tmp_path, text, side="server")
    assert (of_server.client, of_server.outcome) == (None, Outcome.BROKEN)
    assert checked(tmp_path, archive([login(), broken]), side="client").outcome == Outcome.PASSED
    assert checked(tmp_path, archive([WRONG, listed([ONE])]), side="server").exit_code == 0


def test_the_kits_own_requests_are_no_clients(tmp_path: Path) -> None:
    """Many are wrong on purpose; in one recording with a client's they are left aside."""
    of_kit = archive([WRONG, listed([ONE])], "crmcom-kit check")
    results = checked(tmp_path, of_kit)
    assert (results.client, results.exit_code) == (None, 0)
    with pytest.raises(RecordingError, match="--side client needs the traffic of a client"):
        checked(tmp_path, of_kit, side="client")
    results = checked(tmp_path, of_kit, archive([show(ONE)], "crmcom-kit"))
    assert results.client is not None
    assert (results.client.requests, mistakes(results)) == (1, [])


def test_an_expected_refusal_is_no_mistake(tmp_path: Path) -> None:
    results = checked(tmp_path, archive([WRONG | {"_expected_refusal": True}, listed([ONE])]))
    assert results.client is not None
    assert (mistakes(results), results.client.expected, results.exit_code) == ([], 1, 0)


LISTED = """
[[expected_refusal]]
method = "list"
parameters = { url = "http*", entity = "" }
reason = "a test of ours"
"""


@pytest.mark.parametrize(
    ("filters", "exit_code"),
    [({"url": "https://a"}, 0), ({"url": "ftp://a"}, 1), ({"url": "http://a", "entity": "X"}, 1)],
)
def test_the_deviations_file_names_expected_refusals(
    tmp_path: Path, filters: dict[str, str], exit_code: int
) -> None:
    """By method and patterns of parameters; one that matches no mistake is stale."""
    (tmp_path / "known.toml").write_text(LISTED)
    text = archive([listed(refused(), **filters), listed([ONE])])
    results = checked(tmp_path, text, deviations=str(tmp_path / "known.toml"))
    assert results.exit_code == exit_code
    stale = "the expected refusal of list is no mistake of any request: a test of ours"
    assert results.stale == ((stale,) if exit_code else ())


def test_every_report_has_both_parts(tmp_path: Path) -> None:
    bare = request("GET", f"{SHOW}&{IDENTIFIER}=7") | {"response": WRONG["response"]}
    results = checked(tmp_path, archive([login(), bare, listed([ONE], limit="5", entity="JOBS")]))
    reports = all_reports(results)
    line = "client: 1 mistake; server: all"
    for name in ("json", "junit", "html", "summary", "terminal"):
        text = html.unescape(reports[name])
        assert "parameters.identifier_in_query" in text, name
        assert NUMBER in text, name
        assert "GET alerts/show example, R9.0.0" in text, name
        assert name == "junit" or line in text, name
    document = json.loads(reports["json"])
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert [note["statement"] for note in document["client"]["notes"]] == ["parameters.known"]
    suites = [*ET.fromstring(reports["junit"])]  # noqa: S314 - we made it
    assert [suite.get("failures") for suite in suites] == ["0", "1"]
    assert "the method has no parameter limit" in html.unescape(reports["html"])


def test_a_variable_stands_in_the_right_request_as_in_the_one_that_was_sent(tmp_path: Path) -> None:
    """The mock writes it for the token; in a query that is built of it, it would be encoded."""
    bare = request("GET", f"webhook_requests/show?token=$CRMCOM_TOKEN&{IDENTIFIER}=7")
    results = checked(tmp_path, archive([bare | {"response": WRONG["response"]}, listed([ONE])]))
    (mistake,) = Report(results).document["client"]["mistakes"]
    assert f"?token=$CRMCOM_TOKEN&{IDENTIFIER}=7" in mistake["sent"]
    assert f"?token=$CRMCOM_TOKEN&{IDENTIFIER}=number=7" in mistake["right"]


def test_mistakes_that_differ_in_values_alone_are_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a bound on all others, so that a report stays readable."""
    monkeypatch.setattr(client_check, "MAX_KINDS", 2)
    states = [listed([], entity="JOBS", life_cycle_state=f"S{at}") for at in range(3)]
    odd = [listed([ONE], entity="JOBS", **{name: "x"}) for name in ("urll", "urls")]
    results = checked(tmp_path, archive([*states, *odd, listed([ONE])]))
    assert results.client is not None
    assert [mistake.times for mistake in results.client.mistakes] == [3, 2]
