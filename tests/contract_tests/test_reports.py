"""The reports: true to the results, well-formed, and without a secret in them."""

import io
import json
import re
import shlex
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.console import Console

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.deviations import Deviation, Deviations
from crmcom_kit.contract_tests.findings import Findings, Verdict, Violation
from crmcom_kit.contract_tests.reports import har, html, json_report, junit, terminal
from crmcom_kit.contract_tests.reports.curl import curl, shell
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.results import Results, statement_results
from crmcom_kit.contract_tests.targets import Login, Target
from crmcom_kit.schemas import resolve

SECRETS = ("s3cret token=+/", "pass 'word\" é", "KEY-0123456789")
LOGIN = Login(token=SECRETS[0], username="ann", password=SECRETS[1], api_key=SECRETS[2])
TARGET = Target(
    name="https://crm.example.com/crmapi/rest/v2",
    base_url="https://crm.example.com/crmapi/rest/v2",
    release=resolve("R9"),
    login=LOGIN,
)
HOSTILE = "<script>alert('x')</script>\x00\x1b[31m\ud800 ]]> [red]&amp;"


def exchange(number: int = 1, **changes: Any) -> Exchange:
    """Make an exchange whose query, body, headers and answer all hold secrets."""
    call = Call(
        "show",
        "GET",
        "webhook_requests/show",
        "token=s3cret%20token%3D%2B%2F&webhook_request_identifier=number=7",
        json.dumps({"token": SECRETS[0], "password": SECRETS[1]}).encode(),
        (("Authorization", "Basic S0VZLTAxMjM0NTY3ODk6"), ("X-Key", SECRETS[2])),
    )
    content = json.dumps({"status": {"code": "OK"}, "data": {"token": SECRETS[0], "x": HOSTILE}})
    values = {
        "number": number,
        "call": call,
        "status": 200,
        "headers": (("Content-Type", "application/json"), ("Set-Cookie", "sid=1")),
        "content": content.encode("utf-8", "surrogatepass"),
        "seconds": 0.25,
    }
    return Exchange(**{**values, **changes})


def made(**changes: Any) -> Results:
    """Make results with every verdict in them."""
    findings = Findings()
    one = exchange()
    findings.hold("show.single_result", one)
    findings.broke(
        Violation(
            "response.number",
            one,
            expected="a text",
            seen=f"{HOSTILE} {SECRETS[0]}",
            record="A1",
            layer="judge",
        )
    )
    findings.broke(Violation("list.no_duplicates", one, expected="once", seen="twice"))
    findings.hold("envelope.json", one)
    findings.miss(["delete.gone"], "delete is not allowed")
    findings.miss(["resend.sends_again"], "KeyError: 'x'")
    findings.chose("errors.data", "absent")
    listed = [
        deviation(statement="list.no_duplicates", seen="tw*"),
        deviation(statement="envelope.json", seen="*"),
    ]
    values: dict[str, Any] = {
        "target": TARGET,
        "options": {"rate": 5},
        "command": "crmcom-kit check --seed 3",
        "seed": 3,
        "began": "2026-11-24T20:00:00+00:00",
        "seconds": 1.5,
        "statements": statement_results(findings, TARGET.release, Deviations(listed)),
        "history": (one, exchange(2)),
        "findings": findings,
    }
    return Results(**{**values, **changes})


def deviation(**changes: Any) -> Deviation:
    """Make a deviation."""
    import datetime as dt

    values = {
        "statement": "show.single_result",
        "kind": "vendor-bug",
        "seen": "*",
        "reason": "told to the vendor",
        "date": dt.date(2026, 11, 1),
    }
    return Deviation(**{**values, **changes})


def all_reports(results: Results) -> dict[str, str]:
    """Write every report."""
    out = io.StringIO()
    terminal.show(results, Console(file=out, width=100), every=True)
    terminal.show_statistics(results, Console(file=out, width=100))
    return {
        "json": json_report.written(results),
        "junit": junit.written(results).decode(),
        "har": har.written(results),
        "html": html.written(results),
        "terminal": out.getvalue(),
    }


def by_id(results: Results) -> dict[str, Any]:
    """Return the results of statements by id."""
    return {result.statement.id: result for result in results.statements}


def test_every_statement_has_the_verdict_that_it_earned() -> None:
    """Held, broken, as listed, stale, missed, failed, never met: each is told apart."""
    found = by_id(made())

    assert found["show.single_result"].verdict is Verdict.HOLDS
    assert found["response.number"].verdict is Verdict.BROKEN
    assert found["list.no_duplicates"].verdict is Verdict.DEVIATES
    assert found["list.no_duplicates"].why == "told to the vendor"
    assert found["envelope.json"].verdict is Verdict.HOLDS
    assert found["envelope.json"].stale
    assert found["delete.gone"].verdict is Verdict.NOT_EXERCISED
    assert found["delete.gone"].why == "delete is not allowed"
    assert found["resend.sends_again"].verdict is Verdict.NOT_EXERCISED
    assert found["token.expiry"].verdict is Verdict.NOT_EXERCISED
    assert "hour" in found["token.expiry"].why
    assert found["list.url.filter"].why == "nothing in this run came by it"


def test_a_deviation_that_looks_otherwise_is_broken() -> None:
    """A listed statement that is broken in a third way is not excused."""
    findings = Findings()
    findings.broke(Violation("list.no_duplicates", exchange(), expected="once", seen="thrice"))
    listed = Deviations([deviation(statement="list.no_duplicates", seen="twice")])

    (found,) = [
        each for each in statement_results(findings, TARGET.release, listed) if each.violations
    ]

    assert found.verdict is Verdict.BROKEN


@pytest.mark.parametrize(
    ("marks", "code"),
    [
        ([], 2),
        (["held"], 0),
        (["held", "missed"], 0),
        (["broken", "held"], 1),
    ],
)
def test_exit_codes(marks: list[str], code: int) -> None:
    """0: all that was tried holds; 1: one is broken; 2: the run itself failed."""
    findings = Findings()
    if "held" in marks:
        findings.hold("show.single_result", exchange())
    if "missed" in marks:
        findings.miss(["delete.gone"], "not allowed")
    if "broken" in marks:
        findings.broke(Violation("response.number", exchange(), expected="a", seen="b"))
    found = statement_results(findings, TARGET.release, Deviations())

    assert made(statements=found).exit_code == code
    assert made(statements=found, trouble="down").exit_code == 2


def test_a_stale_deviation_is_exit_code_1() -> None:
    """A listed statement that holds has to be taken off the list."""
    findings = Findings()
    findings.hold("show.single_result", exchange())

    found = statement_results(findings, TARGET.release, Deviations([deviation()]))

    assert made(statements=found).exit_code == 1


def test_no_report_holds_a_secret() -> None:
    """However a secret is spelled, in a query, a body, an answer or a header, it is not shown."""
    for name, text in all_reports(made()).items():
        for secret in (*SECRETS, "s3cret", "pass 'word", "S0VZLTAx", "sid=1"):
            assert secret not in text, f"{name}: {secret}"
        assert "CRMCOM_TOKEN" in text or name == "terminal"


def test_tokens_of_logins_are_secrets_too() -> None:
    """A token that the target gave during the run is masked."""
    login = exchange(
        call=Call("token", "POST", "authentication/token"),
        content=b'{"status":{"code":"OK"},"data":{"token":"given-in-the-run"}}',
    )

    for text in all_reports(made(history=(login,))).values():
        assert "given-in-the-run" not in text


def test_json_has_the_shape_that_its_schema_gives() -> None:
    """The JSON report fits its schema, and says what the results say."""
    schema = json.loads(json_report.SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    report = json.loads(json_report.written(made()))

    assert not list(Draft202012Validator(schema).iter_errors(report))
    assert report["summary"]["broken"] == 1
    assert report["summary"]["deviates"] == 1
    assert report["summary"]["error"] == 0
    assert report["summary"]["exit_code"] == 1
    assert report["choices"] == [{"dial": "errors.data", "seen": ["'absent'"]}]
    assert report["target"]["release"] == "R9.0.0"


def test_junit_is_xml_with_a_case_for_each_statement() -> None:
    """Broken and stale ones fail, what was not tried is skipped."""
    results = made()
    root = ET.fromstring(junit.written(results))  # noqa: S314 - our own text
    (suite,) = root
    cases = {case.get("name"): case for case in suite.iter("testcase")}

    assert len(cases) == len(results.statements) == int(suite.get("tests", ""))
    assert cases["response.number"].find("failure") is not None
    assert cases["envelope.json"].find("failure") is not None
    assert cases["delete.gone"].find("skipped") is not None
    assert cases["show.single_result"].find("failure") is None
    sources = [
        each.get("value") for each in cases["response.number"].iter("property")
        if each.get("name") == "source"
    ]  # fmt: skip
    assert sources == [by_id(results)["response.number"].statement.source]


def test_har_has_every_exchange() -> None:
    """The archive has all exchanges in order, with what HAR 1.2 asks for."""
    log = json.loads(har.written(made()))["log"]

    assert log["version"] == "1.2"
    assert [entry["comment"] for entry in log["entries"]] == ["1: show", "2: show"]
    assert log["entries"][1]["startedDateTime"] == "2026-11-24T20:00:00.250+00:00"
    for entry in log["entries"]:
        assert set(entry) >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        assert entry["request"]["queryString"][1]["value"] == "number=7"


def test_html_is_one_file_that_runs_nothing_of_the_target() -> None:
    """The page names every statement, loads nothing, and escapes what the target said."""
    page = html.written(made())

    assert "<script>alert" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    for result in made().statements:
        assert result.statement.id in page


def test_html_breaks_no_words_of_its_own() -> None:
    """In the table only ids and what a target said may break inside a word."""
    page = html.written(made())

    assert "th, td.plain { white-space: nowrap; }" in page
    assert not re.search(r"th, td \{[^}]*overflow-wrap: anywhere", page)
    assert re.search(r'<td class="broken plain">', page)


def test_terminal_shows_violations_whole() -> None:
    """A broken statement is shown with its source, expected, seen, and a curl line."""
    out = io.StringIO()
    terminal.show(made(), Console(file=out, width=80))
    text = out.getvalue()

    for part in ("✗ response.number", "expected  a text", "source", "curl -sS", "reachable"):
        assert part in text
    assert "delete.gone" not in text
    assert "[red]&amp;" in text
    assert "\x1b[31m" not in text


@given(st.lists(st.sampled_from(["$CRMCOM_TOKEN", "'", '"', " ", "a", "\\", "`", "\n", "é"])))
def test_a_shell_reads_what_was_quoted(parts: list[str]) -> None:
    """Whatever stands in a call, a shell gives it to curl unchanged."""
    text = "".join(parts)

    assert shlex.split(shell(text)) == ([text] if text else [])


def test_curl_can_be_pasted() -> None:
    """Secrets are variables, and the address of a mock of the kit's own is one, too."""
    line = curl(exchange().call, TARGET, ReportRedactor(TARGET))

    assert shlex.split(line)[-1].startswith("https://crm.example.com/crmapi/rest/v2/webhook_")
    assert '-u "$CRMCOM_API_KEY:"' in line
    own = Target(name="m", base_url="http://mock/x", release=TARGET.release, login=LOGIN, own=True)
    pasted = shlex.split(curl(exchange().call, own, ReportRedactor(own)))[-1]
    assert pasted.startswith("$CRMCOM_BASE_URL/webhook_requests/show?")
