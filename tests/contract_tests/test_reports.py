"""The reports: true to the results, well-formed, and without a secret in them."""

import io
import json
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from helpers.chromium import rendered
from jsonschema import Draft202012Validator
from rich.console import Console

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.deviations import Deviation
from crmcom_kit.contract_tests.findings import MAX_CAUSES, Findings, Verdict, Violation
from crmcom_kit.contract_tests.reports import (
    har,
    html,
    job_summary,
    junit,
    terminal,
)
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import SCHEMA, Report
from crmcom_kit.contract_tests.results import Results, StatementResult, statement_results
from crmcom_kit.contract_tests.targets import Login, Target
from crmcom_kit.har import CUT
from crmcom_kit.schemas import resolve
from crmcom_kit.schemas.statements import checked_statements

SECRETS = ("s3cret token=+/", "pass 'word\" é", "KEY-0123456789")
LOGIN = Login(token=SECRETS[0], username="ann", password=SECRETS[1], api_key=SECRETS[2])
TARGET = Target(
    name="https://crm.example.com/crmapi/rest/v2",
    base_url="https://crm.example.com/crmapi/rest/v2",
    release=resolve("R9"),
    login=LOGIN,
)
# Loads the report in windows of two widths, goes to a statement, and says what is seen.
FRAMES = """<!doctype html><body><output></output><script>
const seen = [];
for (const width of [390, 1280]) {
  const frame = document.createElement("iframe");
  frame.style = `border: 0; height: 800px; width: ${width}px`;
  frame.src = "report.html#%s";
  frame.onload = () => {
    const page = frame.contentDocument, all = (selector) => [...page.querySelectorAll(selector)];
    const next = page.getElementById("all-statements").getBoundingClientRect().top;
    const folded = next - page.getElementById("violations").getBoundingClientRect().top;
    const open = all("details.statement[open]").map((each) => each.id);
    for (const each of all("details")) each.open = true;
    const widest = Math.max(...all("body *").map((each) => each.getBoundingClientRect().right));
    const copies = all("button.copy:not([hidden])").length;
    seen.push({width, folded, open, widest, copies});
    seen.sort((a, b) => a.width - b.width);
    document.querySelector("output").textContent = JSON.stringify(seen);
  };
  document.body.append(frame);
}
</script>"""
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
        )
    )
    findings.broke(Violation("list.no_duplicates", one, expected="once", seen="twice"))
    findings.hold("envelope.json", one)
    findings.miss("delete.gone", "delete is not allowed")
    findings.miss("resend.sends_again", "KeyError: 'x'")
    listed = [
        deviation(statement="list.no_duplicates", seen="tw*"),
        deviation(statement="envelope.json", seen="*"),
    ]
    values: dict[str, Any] = {
        "target": TARGET,
        "command": "crmcom-kit check --seed 3",
        "seed": 3,
        "began": "2026-11-24T20:00:00+00:00",
        "seconds": 1.5,
        "statements": statement_results(findings, TARGET.release, listed),
        "history": (one, exchange(2)),
    }
    return Results(**{**values, **changes})


def deviation(**changes: Any) -> Deviation:
    """Make a deviation."""
    values = {
        "statement": "show.single_result",
        "seen": "*",
        "reason": "told to the vendor",
    }
    return Deviation(**{**values, **changes})


def all_reports(results: Results) -> dict[str, str]:
    """Write every report."""
    out = io.StringIO()
    terminal.show(Report(results), Console(file=out, width=100), every=True)
    return {
        "json": Report(results).as_json(),
        "junit": junit.written(Report(results)),
        "har": "".join(har.written(Report(results))),
        "html": html.written(Report(results)),
        "summary": job_summary.written(Report(results)),
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
    assert "token.expiry" not in found  # no request can test it
    assert found["list.url.filter"].why == "no request of this run tested it"


@pytest.mark.parametrize(
    ("seen", "pattern", "verdict"),
    [
        (["twice"] * 30, "twice", Verdict.DEVIATES),
        (["thrice"], "twice", Verdict.BROKEN),
        (["twice"] * MAX_CAUSES * 2 + ["thrice"], "twice", Verdict.BROKEN),
        ([*(f"{each} times" for each in "abcdefghijklm"), "thrice"], "* times", Verdict.BROKEN),
        ([f"{each} times" for each in "abcdefghijklm"], "* times", Verdict.DEVIATES),
    ],
)
def test_a_deviation_explains_every_violation_or_none(
    seen: list[str], pattern: str, verdict: Verdict
) -> None:
    """One that looks otherwise is broken, however many came before it; and what it is is said."""
    findings = Findings()
    for each in seen:
        findings.broke(Violation("list.no_duplicates", exchange(), expected="once", seen=each))
    listed = [deviation(statement="list.no_duplicates", seen=pattern)]

    found = {
        each.statement.id: each for each in statement_results(findings, TARGET.release, listed)
    }["list.no_duplicates"]

    assert found.verdict is verdict
    if "thrice" in seen and pattern == "twice":
        assert found.why.endswith("does not cover this: thrice")
    if pattern == "twice":
        assert {each.violation.seen: each.times for each in found.found.causes.values()} == Counter(
            seen
        )
    causes = found.found.causes.values()
    assert sum(each.times for each in causes) == len(seen)


def test_violations_of_one_cause_are_one_entry() -> None:
    """Whatever records and values differ; another cause is another one."""
    findings = Findings()

    def broke(seen: str, record: str) -> None:
        asked = exchange(call=Call("show", "GET", "webhook_requests/show"))
        findings.broke(
            Violation("response.number", asked, expected="as it was", seen=seen, record=record)
        )

    for number in range(14):
        broke(f"number {number}, 'of {number}'", f"A{number}")
    for _ in range(3):
        broke("no url", "A1")
    broke("HTTP 500", "A1")
    broke("HTTP 502", "A1")
    (found,) = (
        each["violations"]
        for each in Report(made(statements=results_of(findings))).document["statements"]
        if each["violations"]
    )

    assert [(v["seen"], v["times"], v["records"]) for v in found] == [
        ("number 0, 'of 0'", 14, 14), ("no url", 3, 1), ("HTTP 500", 1, 1), ("HTTP 502", 1, 1),
    ]  # fmt: skip
    text = all_reports(made(statements=results_of(findings)))
    for name in ("terminal", "html", "junit"):
        assert "and 13 more records" in text[name]
        assert "and 2 more times" in text[name]


def results_of(findings: Findings) -> tuple[StatementResult, ...]:
    """Return what follows of findings without deviations."""
    return statement_results(findings, TARGET.release, ())


@pytest.mark.parametrize(
    ("marks", "code"),
    [
        ([], 2),
        (["held"], 0),
        (["held", "missed"], 0),
        (["broken", "held"], 1),
        (["held", "listed"], 1),
    ],
)
def test_exit_codes(marks: list[str], code: int) -> None:
    """0: all tried holds; 1: one is broken, or a listed one holds; 2: the run itself failed."""
    findings = Findings()
    if "held" in marks:
        findings.hold("show.single_result", exchange())
    if "missed" in marks:
        findings.miss("delete.gone", "not allowed")
    if "broken" in marks:
        findings.broke(Violation("response.number", exchange(), expected="a", seen="b"))
    listed = [deviation()] if "listed" in marks else []
    found = statement_results(findings, TARGET.release, listed)

    assert made(statements=found).exit_code == code
    assert made(statements=found, trouble="down").exit_code == 2


def test_no_report_holds_a_secret() -> None:
    """However a secret is spelled, in a query, a body, an answer or a header, it is not shown."""
    for name, text in all_reports(made()).items():
        for secret in (*SECRETS, "s3cret", "pass 'word", "S0VZLTAx", "sid=1"):
            assert secret not in text, f"{name}: {secret}"
        assert "CRMCOM_TOKEN" in text or name == "terminal"


def test_json_has_the_shape_that_its_schema_gives() -> None:
    """The JSON report fits its schema, and says what the results say."""
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    report = json.loads(Report(made()).as_json())

    assert not list(Draft202012Validator(schema).iter_errors(report))
    assert report["summary"]["broken"] == 1
    assert report["summary"]["deviates"] == 1
    assert report["summary"]["exit_code"] == 1
    assert report["target"]["release"] == "R9.0.0"


def test_junit_is_xml_with_a_case_for_each_statement() -> None:
    """Broken and stale ones fail, what was not tried is skipped."""
    results = made()
    root = ET.fromstring(junit.written(Report(results)))  # noqa: S314 - our own text
    (suite,) = root
    cases = {case.get("name"): case for case in suite.iter("testcase")}

    assert len(cases) == len(results.statements) == int(suite.get("tests", ""))
    assert cases["envelope.json"].find("failure") is not None
    assert cases["delete.gone"].find("skipped") is not None
    assert cases["show.single_result"].find("failure") is None
    failure = cases["response.number"].find("failure")
    assert failure is not None
    assert by_id(results)["response.number"].statement.source in str(failure.text)


def test_har_has_every_exchange() -> None:
    """The archive has all exchanges in order, with what HAR 1.2 asks for."""
    log = json.loads("".join(har.written(Report(made()))))["log"]

    assert log["version"] == "1.2"
    assert [entry["comment"] for entry in log["entries"]] == ["1: show", "2: show"]
    assert log["entries"][1]["startedDateTime"] == "2026-11-24T20:00:00.250+00:00"
    for entry in log["entries"]:
        assert set(entry) >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        assert entry["request"]["queryString"][1]["value"] == "number=7"
        assert "comment" not in entry["response"]["content"]
    assert json.loads("".join(har.written(Report(made(history=())))))["log"]["entries"] == []


def test_har_of_large_bodies_is_small() -> None:
    """Bodies are cut, which is said, and no more than one of them is worked on at a time."""
    body = b'{"data": "' + b"x" * 4_000_000 + b'"}'
    history = tuple(exchange(at, content=body) for at in range(1, 9))
    results, pieces = made(history=history), 0

    tracemalloc.start()
    size = 0
    for piece in har.written(Report(results)):
        size += len(piece)
        pieces += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert pieces > len(history)
    assert size < 8 * 2 * har.MAX_BODY
    assert peak < 3 * len(body)
    (entry,) = json.loads("".join(har.written(Report(made(history=history[:1])))))["log"]["entries"]
    content = entry["response"]["content"]
    assert content["size"] == len(body)
    assert len(content["text"]) == har.MAX_BODY
    assert content["comment"] == f"{CUT}the first {har.MAX_BODY} of {len(body)} bytes"


@pytest.mark.parametrize("spell", [str, lambda text: "".join(f"\\u{ord(c):04x}" for c in text)])
def test_a_secret_at_the_end_of_what_is_cut_is_hidden(spell: Callable[[str], str]) -> None:
    """It is looked for before the body is cut, whatever was redacted in front of it."""
    redactor = ReportRedactor(TARGET)
    secret = spell("KEY-0123456789")
    for at in range(500 - len(secret) - 2, 502):
        text = "y" * (at - 1) + f" {secret}"
        for end in (0, 1, 5_000):
            shown = redactor.beginning(f"{text}{' ' * end}".encode(), 500)
            assert secret[:8] not in shown
            assert len(shown) <= 500 or at + len(secret) + end <= 500
    assert secret[:8] not in redactor.beginning(f"{secret} ".encode() * 10_000, 500)


def test_summary_shows_what_a_server_says_as_text() -> None:
    """Its text stands in one block of code, which does not end early."""
    findings = Findings()
    call = Call("show", "GET", "webhook_requests/show", "x=```\n</details>")
    findings.broke(Violation("response.number", exchange(call=call), expected="<img>", seen="b"))
    statements = statement_results(findings, TARGET.release, ())

    lines = job_summary.written(Report(made(statements=statements))).splitlines()

    assert lines[0] == "## ❌ crmcom-kit check: failed"
    assert [lines.index(each) for each in ("````text", "````")] == [2, len(lines) - 1]


def test_summary_is_bounded() -> None:
    """However much is broken, GitHub takes it, and it says that there is more."""
    findings = Findings()
    for statement in checked_statements("R9"):
        for method in statement.methods:
            wide = {"expected": "|" * 5000, "seen": "é" * 5000, "method": method}
            findings.broke(Violation(statement.id, exchange(), **wide))
    results = made(statements=statement_results(findings, TARGET.release, ()))

    text = job_summary.written(Report(results))

    assert len(text.encode()) <= 1024 * 1024
    assert "see the HTML or JSON report" in text


@pytest.mark.parametrize(
    ("holds", "broken", "stale", "changes", "said"),
    [
        (2, 0, 0, {}, "PASSED: All 2 checked statements hold."),
        (1, 1, 0, {}, "FAILED: 1 statement is broken."),
        (1, 2, 1, {}, "FAILED: 2 statements are broken, and 1 listed deviation no longer occurs"),
        (0, 0, 0, {}, "ERROR: Nothing could be checked."),
        (1, 1, 0, {"trouble": "no answer"}, "ERROR: The run failed: no answer"),
        (0, 0, 0, {"dry_run": True}, "DRY RUN: Nothing was sent."),
    ],
)
def test_every_report_for_people_says_the_outcome(
    holds: int, broken: int, stale: int, changes: dict[str, Any], said: str
) -> None:
    """In the same sentence: the terminal and the job summary at their end, the page in front."""
    findings = Findings()
    ids = [each.id for each in checked_statements("R9")]
    for name in ids[: holds + stale]:
        findings.hold(name, exchange())
    for name in ids[holds + stale :][:broken]:
        findings.broke(Violation(name, exchange(), expected="a", seen="b"))
    listed = [deviation(statement=name) for name in ids[holds:][:stale]]
    found = statement_results(findings, TARGET.release, listed)

    reports = all_reports(made(statements=found, **changes))

    outcome, sentence = said.split(": ", 1)
    assert f"\n{said}" in reports["terminal"]
    assert f"<h1>{outcome.capitalize()}: {sentence}" in reports["html"]
    assert said in reports["summary"]
    assert ("0 broken" in reports["terminal"]) == (not broken and "dry_run" not in changes)
    assert ('<b class="broken">' in reports["html"]) == bool(broken)


#: Rings, colors, moves, ends lines, turns them around, or is in no XML.
CONTROLS = "\a\b\t\v\r\x00\x1b[31m\x1b]0;title\a\x7f\x85\x9b2J\u2028\u202e\u2066\ud800\ufffe"


def test_no_report_has_control_characters_of_the_target() -> None:
    """Whatever a server says, no report moves a cursor, and the XML and JSON are well-formed."""
    findings, hostile = Findings(), f"it{CONTROLS}said"
    name = "response.number"
    asked = Call("show", "GET", f"webhook_requests/show{CONTROLS}", f"x={CONTROLS}")
    said = exchange(content=json.dumps({"status": {"code": hostile}}).encode(), call=asked)
    findings.broke(Violation(name, said, expected=hostile, seen=hostile))
    findings.miss("token.expiry", hostile)
    results = made(
        statements=statement_results(findings, TARGET.release, ()),
        notes=(hostile,), warnings=(hostile,), never_served=(hostile,), trouble=hostile,
        inventory=hostile, command=hostile, began="", history=(said,),
    )  # fmt: skip
    reports = all_reports(results)

    for kind in ("terminal", "html", "summary", "junit", "json"):
        odd = {sign for sign in reports[kind] if sign != "\n" and not sign.isprintable()}
        assert not odd, kind
    assert ET.fromstring(reports["junit"]) is not None  # noqa: S314 - our own text
    said_of = hostile.replace("\ud800", "\\ud800")
    assert json.loads(reports["json"])["never_served"] == [said_of]


def test_a_run_that_failed_is_an_error_in_test_reports() -> None:
    """A CI server that reads JUnit alone sees that the run did not do its work."""
    nothing = statement_results(Findings(), TARGET.release, ())
    for failed in (True, False):
        changes: dict[str, Any] = (
            {"trouble": "it does not respond"} if failed else {"dry_run": True}
        )
        reports = all_reports(made(statements=nothing, **changes))
        suite = ET.fromstring(reports["junit"]).find("testsuite")  # noqa: S314 - our own text
        assert suite is not None
        assert suite.get("errors") == str(int(failed))
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        errors = [case.get("name") for case in suite if case.find("error") is not None]
        assert errors == ["the run itself"] * failed


def test_what_was_never_served_stands_in_every_report() -> None:
    """It has a line of its own, which for people comes before the outcome."""
    line = "resend was sent 6 times and never served"
    reports = all_reports(made(never_served=(line,)))

    for name in ("json", "junit", "html", "summary", "terminal"):
        assert line in reports[name], name
    assert reports["terminal"].index(line) < reports["terminal"].index(" not exercised.")
    system_out = ET.fromstring(reports["junit"]).find("testsuite/system-out")  # noqa: S314
    assert system_out is not None
    assert system_out.text == f"{line}."


def test_html_is_one_file_that_runs_nothing_of_the_target() -> None:
    """The page names every statement, loads nothing, and escapes what the target said."""
    page = html.written(Report(made()))

    assert "<script>alert" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|url\(""", page)
    for result in made().statements:
        assert result.statement.id in page


def test_html_fits_its_window_and_opens_a_statement(tmp_path: Path) -> None:
    """At 390 and 1280 pixels nothing is wider than the window; a link opens its statement."""
    findings = Findings()
    names = [each.id for each in checked_statements("R9")][:24]
    for at, name in enumerate(names):
        for number in range(3):
            wide = f"{'W' * 150} {number}"
            findings.broke(Violation(name, exchange(at + 1), expected="a" * 200, seen=wide))
    results = made(statements=statement_results(findings, TARGET.release, ()))
    (tmp_path / "report.html").write_text(html.written(Report(results)), "utf-8", "replace")
    (tmp_path / "frame.html").write_text(FRAMES % names[5], "utf-8")

    page = rendered((tmp_path / "frame.html").as_uri(), "--allow-file-access-from-files")

    seen = json.loads(page.partition("<output>")[2].partition("</output>")[0])
    assert [each["width"] for each in seen] == [390, 1280]
    for each in seen:
        assert each["folded"] < 5_000  # px of 24 statements, one of them unfolded
        assert each["widest"] <= each["width"]
        assert each["copies"] == 24 + 1
        assert each["open"] == [names[5]]


def test_verdicts_and_deviations_are_by_method() -> None:
    """A statement about several methods may hold for one and deviate for another."""
    findings = Findings()
    delete = exchange(call=Call("delete", "POST", "webhook_requests/delete"))
    findings.hold_all(["token.required"], exchange())
    findings.broke(Violation("token.required", delete, expected="an error", seen="OK"))

    def result(*methods: str | None) -> StatementResult:
        listed = [deviation(statement="token.required", method=method) for method in methods]
        results = statement_results(findings, TARGET.release, listed)
        return next(each for each in results if each.statement.id == "token.required")

    unlisted = result()
    assert unlisted.verdict is Verdict.BROKEN
    assert [unlisted.by_method[name] for name in ("show", "delete", "list")] == [
        Verdict.HOLDS, Verdict.BROKEN, Verdict.NOT_EXERCISED,
    ]  # fmt: skip
    assert result(None).verdict is result("delete").verdict is Verdict.DEVIATES
    assert result("list").verdict is Verdict.BROKEN
    stale = result("delete", "show")
    assert stale.stale
    assert "of show is stale" in stale.why
    for name in ("terminal", "html", "junit"):
        report = all_reports(made(statements=(unlisted,)))[name]
        assert "show: holds" in report
        assert "delete: broken" in report
