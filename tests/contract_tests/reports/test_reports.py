"""The reports: true to the results, well-formed, and safe to show."""

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from helpers.chromium import rendered
from helpers.reports import all_reports, exchange, results
from jsonschema import Draft202012Validator

from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.options.deviations import Deviation, read_deviations
from crmcom_kit.contract_tests.oracle.findings import MAX_CAUSES, Findings, Verdict, Violation
from crmcom_kit.contract_tests.reports import draft, har, html, terminal
from crmcom_kit.contract_tests.reports.report import SCHEMA, Report
from crmcom_kit.contract_tests.run.results import Results, StatementResult
from crmcom_kit.contract_tests.suite import test_contract
from crmcom_kit.har import CUT
from crmcom_kit.schemas.statements import checked_statements

# Loads the report in a narrow window, goes to a statement, and says what is seen.
FRAME = """<!doctype html><body><output></output>
<iframe src="report.html#%s" style="border: 0; height: 800px; width: 390px"></iframe><script>
document.querySelector("iframe").onload = (event) => {
  const page = event.target.contentDocument;
  const all = (selector) => [...page.querySelectorAll(selector)];
  const open = all("details.statement[open]").map((each) => each.id);
  for (const each of all("details")) each.open = true;
  const widest = Math.max(...all("body *").map((each) => each.getBoundingClientRect().right));
  const copies = all("button.copy:not([hidden])").length;
  document.querySelector("output").textContent = JSON.stringify({open, widest, copies});
};
</script>"""
#: Rings, colors, moves, ends lines, turns them around, or is in no XML.
CONTROLS = "\a\b\t\v\r\x00\x1b[31m\x1b]0;title\a\x7f\x85\x9b2J\u2028\u202e\u2066\ud800\ufffe"
#: What a server may say, which no report takes for its own.
HOSTILE = f"<script>alert('x')</script> ]]> [red]&amp; {CONTROLS}"


#: The body of a response to a request that was served.
OK = b'{"status": {"code": "OK"}}'


def deviation(**changes: Any) -> Deviation:
    """Make a deviation."""
    values = {"statement": "show.single_result", "seen": "*", "reason": "told to the vendor"}
    return Deviation(**{**values, **changes})


def broken(statement: str, *seen: str, **more: Any) -> Findings:
    """Return findings with violations of one statement."""
    findings = Findings()
    for each in seen:
        findings.note_violation(
            Violation(statement, (exchange(),), expected="a text", seen=each, **more)
        )
    return findings


def every_verdict(**changes: Any) -> Results:
    """Make results with every verdict in them."""
    findings = broken("response.number", "7")
    findings.note_violation(
        Violation("list.no_duplicates", (exchange(),), expected="once", seen="twice")
    )
    findings.hold(["show.single_result", "envelope.json"], exchange())
    listed = [
        deviation(statement="list.no_duplicates", seen="tw*"),
        deviation(statement="envelope.json", seen="*"),
    ]
    return results(findings, listed, **{"history": (exchange(), exchange(number=2)), **changes})


def of(results: Results, statement: str) -> StatementResult:
    """Return what results say of a statement."""
    return next(each for each in results.statements if each.statement.id == statement)


@pytest.mark.parametrize(
    ("statement", "verdict", "why", "stale"),
    [
        ("show.single_result", Verdict.HOLDS, "", False),
        ("response.number", Verdict.BROKEN, "", False),
        ("list.no_duplicates", Verdict.DEVIATES, "told to the vendor", False),
        ("envelope.json", Verdict.HOLDS, "the listed deviation is stale, remove it: told", True),
        ("list.url.filter", Verdict.NOT_EXERCISED, "no request of this run tested it", False),
    ],
)
def test_every_statement_has_the_verdict_that_it_earned(
    statement: str, verdict: Verdict, why: str, *, stale: bool
) -> None:
    """Held, broken, as listed, stale, missed, never met: each has its verdict."""
    result = of(every_verdict(), statement)

    assert (result.verdict, result.stale) == (verdict, stale)
    assert result.why.startswith(why)
    assert bool(result.why) == bool(why)


def test_a_reason_of_several_deviations_is_given_once() -> None:
    """A draft has an entry for each method, often with one cause."""
    listed = [deviation(statement="response.number", seen=each) for each in ("7", "*")]

    result = of(results(broken("response.number", "7"), listed), "response.number")

    assert (result.verdict, result.why) == (Verdict.DEVIATES, listed[0].reason)


LETTERS = [f"{each} times" for each in "abcdefghijklm"]


@pytest.mark.parametrize(
    ("seen", "pattern", "verdict"),
    [
        (["twice"] * 30, "twice", Verdict.DEVIATES),
        (["thrice"], "twice", Verdict.BROKEN),
        (["twice"] * MAX_CAUSES * 2 + ["thrice"], "twice", Verdict.BROKEN),
        ([*LETTERS, "thrice"], "* times", Verdict.BROKEN),
        (LETTERS, "* times", Verdict.DEVIATES),
    ],
)
def test_a_deviation_explains_every_violation_or_none(
    seen: list[str], pattern: str, verdict: Verdict
) -> None:
    """One that looks otherwise is broken, however many came before it, and is named."""
    listed = [deviation(statement="list.no_duplicates", seen=pattern)]

    result = of(results(broken("list.no_duplicates", *seen), listed), "list.no_duplicates")

    assert result.verdict is verdict
    assert result.why.endswith("does not cover this: thrice") == (verdict is Verdict.BROKEN)
    assert sum(each.times for each in result.findings.causes.values()) == len(seen)


def test_violations_of_one_cause_are_one_entry() -> None:
    """Whatever records and values differ; another cause is another one."""
    findings = broken("response.number", "no url", "no url", "HTTP 500", "HTTP 502", record_id="A1")
    for number in range(14):
        seen, record = f"number {number}, 'of {number}'", f"A{number}"
        violation = Violation(
            "response.number", (exchange(),), expected="1", seen=seen, record_id=record
        )
        findings.note_violation(violation)
    reports = all_reports(results(findings))
    (violations,) = filter(
        None, (each["violations"] for each in json.loads(reports["json"])["statements"])
    )

    assert [(each["seen"], each["times"], each["records"]) for each in violations] == [
        ("no url", 2, 1), ("HTTP 500", 1, 1), ("HTTP 502", 1, 1), ("number 0, 'of 0'", 14, 14),
    ]  # fmt: skip
    for name in ("terminal", "html", "junit"):
        assert "(and 1 more time)" in reports[name]
        assert "and 13 more records" in reports[name] or name == "terminal"  # which shows three


LACKS = ("Show was sent twice and never served", "no resend became SUCCESSFUL")


@pytest.mark.parametrize(
    ("holds", "broke", "stale", "changes", "exit_code", "headline"),
    [
        (2, 0, 0, {}, 0, "PASSED: 2 of "),
        (1, 1, 0, {}, 1, "BROKEN: 1 statement is broken."),
        (1, 2, 1, {}, 1, "BROKEN: 2 statements are broken, and 1 listed deviation no longer "),
        (1, 0, 1, {}, 1, "BROKEN: 1 listed deviation no longer occurs."),
        (1, 0, 0, {"stale": ("delete was seen",)}, 1, "BROKEN: delete was seen."),
        (1, 1, 0, {"trouble": "no response"}, 2, "ERROR: The run failed: no response"),
        (1, 0, 0, {"inconclusive": LACKS}, 3, f"INCONCLUSIVE: {LACKS[0]}; {LACKS[1]}."),
        (1, 1, 0, {"inconclusive": LACKS}, 1, "BROKEN: 1 statement is broken."),
        (1, 0, 0, {"unconfirmed": 1}, 0, "UNCONFIRMED: 1 of "),
    ],
)
def test_every_report_for_people_begins_with_the_outcome(
    holds: int, broke: int, stale: int, changes: dict[str, Any], exit_code: int, headline: str
) -> None:
    """In the same sentence, first of all; a terminal shows it at the end once more.

    A run that failed or saw too little is an error in JUnit, which some CI servers read alone;
    under pytest it is a test that fails. So is what was expected not to be seen, and was.
    """
    findings = Findings()
    ids = [each.id for each in checked_statements("R9")]
    findings.hold(ids[: holds + stale], exchange())
    for name in ids[holds + stale :][:broke]:
        findings.note_violation(Violation(name, (exchange(),), expected="a", seen="b"))
    listed = [deviation(statement=name) for name in ids[holds:][:stale]]
    run_results = results(findings, listed, **changes)

    reports = all_reports(run_results)

    assert run_results.exit_code == exit_code
    outcome, sentence = headline.split(": ", 1)
    assert reports["terminal"].startswith(headline)
    assert reports["terminal"].splitlines()[-1].startswith(headline)
    assert json.loads(reports["json"])["summary"]["outcome"] == outcome.lower()
    assert f"<h1>{outcome.capitalize()}: {sentence}" in reports["html"]
    assert headline in reports["summary"]
    assert ("0 broken" in reports["terminal"]) == (not broke)
    assert ('<b class="broken">' in reports["html"]) == bool(broke)
    suite = ET.fromstring(reports["junit"])[0]  # noqa: S314 - our own text
    itself = suite.find("testcase[@name='the run itself']")
    document = json.loads(reports["json"])
    if exit_code in (2, 3) or changes.get("stale"):
        assert itself is not None
        assert itself[0].get("message", "").startswith(headline)
        assert itself[0].tag == ("failure" if exit_code == 1 else "error")
        with pytest.raises(pytest.fail.Exception, match=re.escape(headline)):
            test_contract.test_the_run_itself(document)
    else:
        assert itself is None
        test_contract.test_the_run_itself(document)
    assert suite.get("errors") == str(len(suite.findall("testcase/error")))
    assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
    assert suite.get("tests") == str(len(suite.findall("testcase")))


def test_json_has_the_shape_that_its_schema_gives() -> None:
    """The JSON report fits its schema, and says what the results say."""
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    report = json.loads(Report(every_verdict()).as_json())

    assert not list(Draft202012Validator(schema).iter_errors(report))
    summary = report["summary"]
    names = ("broken", "deviates", "exit_code", "requests")
    assert [summary[name] for name in names] == [1, 1, 1, 2]
    assert report["target"]["release"] == "R9.0.0"


def test_junit_is_xml_with_a_case_for_each_statement() -> None:
    """Broken and stale ones fail, what was not tried is skipped."""
    run_results = every_verdict()
    (suite,) = ET.fromstring(all_reports(run_results)["junit"])  # noqa: S314 - our own text
    cases = {case.get("name"): case for case in suite.iter("testcase")}

    assert len(cases) == len(run_results.statements) == int(suite.get("tests", ""))
    assert cases["envelope.json"].find("failure") is not None
    assert cases["delete.gone"].find("skipped") is not None
    assert cases["show.single_result"].find("failure") is None
    failure = cases["response.number"].find("failure")
    assert failure is not None
    assert of(run_results, "response.number").statement.source in str(failure.text)


def test_har_has_every_exchange() -> None:
    """The archive has all exchanges in order, with what HAR 1.2 asks for."""
    asked = Call("show", "GET", "webhook_requests/show", "webhook_request_identifier=number=7")
    history = (exchange(asked), exchange(asked, number=2))
    log = json.loads(all_reports(every_verdict(history=history))["har"])["log"]

    assert log["version"] == "1.2"
    assert [entry["comment"] for entry in log["entries"]] == ["1: show", "2: show"]
    assert log["entries"][1]["startedDateTime"] == "2026-11-24T20:00:00.250+00:00"
    for entry in log["entries"]:
        assert set(entry) >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        assert entry["request"]["queryString"][0]["value"] == "number=7"
        assert "comment" not in entry["response"]["content"]
    assert json.loads(all_reports(every_verdict(history=()))["har"])["log"]["entries"] == []


def test_har_of_large_bodies_is_small() -> None:
    """Bodies are cut, with a mark, and no more than one of them is worked on at a time."""
    body = b'{"data": "' + b"x" * 4_000_000 + b'"}'
    history = tuple(exchange(content=body, number=at) for at in range(1, 9))
    run_results = every_verdict(history=history)

    tracemalloc.start()
    size = sum(len(piece) for piece in har.render(Report(run_results)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size < 8 * 2 * har.MAX_BODY
    assert peak < 3 * len(body)
    text = "".join(har.render(Report(every_verdict(history=history[:1]))))
    content = json.loads(text)["log"]["entries"][0]["response"]["content"]
    assert content["size"] == len(body)
    assert len(content["text"]) == har.MAX_BODY
    assert content["comment"] == f"{CUT}the first {har.MAX_BODY} of {len(body)} bytes"


def test_the_summary_escapes_texts_of_the_server() -> None:
    """Its text stands in one block of code, which does not end early."""
    findings = broken("response.number", "```\n</details>")

    lines = terminal.summary(Report(results(findings))).splitlines()

    assert [lines.index(each) for each in ("````text", "````")] == [0, len(lines) - 1]


def test_summary_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is broken, it ends, and says that there is more."""
    assert terminal.MAX_SUMMARY * 4 < 1024 * 1024
    monkeypatch.setattr(terminal, "MAX_SUMMARY", 100)

    text = terminal.summary(Report(results(broken("response.number", "é" * 5000))))

    assert len(text) < 300
    assert "see the HTML or JSON report" in text


def test_no_line_begins_with_a_text_of_the_server() -> None:
    """Where a log is read by line, as on GitHub, it would be a command to the runner."""
    text = all_reports(results(broken("response.number", "7\n::add-mask::x")))["terminal"]

    assert "::add-mask::x" in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]


def test_no_report_has_control_characters_of_the_target() -> None:
    """Whatever a server says, no report moves a cursor, and XML, JSON and HTML are well-formed."""
    asked = Call("show", "GET", f"webhook_requests/show{CONTROLS}", f"x={CONTROLS}")
    seen = exchange(asked, json.dumps({"status": {"code": HOSTILE}}).encode())
    findings = Findings()
    findings.note_violation(Violation("response.number", (seen,), expected=HOSTILE, seen=HOSTILE))
    listed = [deviation(statement="response.number", seen="another")]
    run_results = results(
        findings, listed, notes=(HOSTILE,), warnings=(HOSTILE,), never_served=(HOSTILE,),
        trouble=HOSTILE, inventory=HOSTILE, command=HOSTILE, began="", history=(seen,),
    )  # fmt: skip
    reports = all_reports(run_results)

    for kind in ("terminal", "html", "summary", "junit", "json", "har"):
        odd = {sign for sign in reports[kind] if sign != "\n" and not sign.isprintable()}
        assert not odd, kind
    assert ET.fromstring(reports["junit"]) is not None  # noqa: S314 - our own text
    assert json.loads(reports["json"])["never_served"] == [HOSTILE.replace("\ud800", "\\ud800")]
    assert "<script>alert" not in reports["html"]


def test_what_was_never_served_stands_in_every_report() -> None:
    """It has a line of its own, which for people comes before the outcome."""
    line = "resend was sent 6 times and never served"
    reports = all_reports(every_verdict(never_served=(line,)))

    for name in ("json", "junit", "html", "summary", "terminal"):
        assert line in reports[name], name
    assert reports["terminal"].index(line) < reports["terminal"].index(" not exercised.")


def test_html_is_one_file_with_every_statement() -> None:
    """The page names every statement, and loads nothing."""
    page = html.render(Report(every_verdict()))

    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|url\(""", page)
    for result in every_verdict().statements:
        assert result.statement.id in page


def test_html_fits_its_window_and_opens_a_statement(tmp_path: Path) -> None:
    """At 390 pixels nothing is wider than the window; a link opens its statement."""
    findings = Findings()
    names = [each.id for each in checked_statements("R9")][:24]
    for name in names:
        wide = "W" * 150
        findings.note_violation(Violation(name, (exchange(),), expected="a" * 200, seen=wide))
    page = html.render(Report(results(findings)))
    (tmp_path / "report.html").write_text(page, "utf-8", "replace")
    (tmp_path / "frame.html").write_text(FRAME % names[5], "utf-8")

    page = rendered((tmp_path / "frame.html").as_uri(), "--allow-file-access-from-files")

    seen = json.loads(page.partition("<output>")[2].partition("</output>")[0])
    assert seen["widest"] <= 390
    assert seen["copies"] == 24 + 1
    assert seen["open"] == [names[5]]


def drafted(run_results: Results, folder: Path) -> tuple[Deviation, ...]:
    """Return the deviations that a run drafts."""
    path = folder / "known.toml"
    path.write_text(draft.render(Report(run_results)), "utf-8")
    return read_deviations(path)[0]


def test_what_is_drafted_can_be_read(tmp_path: Path) -> None:
    """A drafted file explains all that was seen of each broken statement, by method."""
    quoted = 'a "quoted" \\ * [text] \x7f é?'
    seen = {
        "list.no_duplicates": [("list", quoted)],
        "response.number": [("show", "number 7 is no text"), ("show", "number 77 is no text")],
        "response.url": [("show", "no url"), ("list", "7")],
        "identifier.known": [("show", "OK, with 7"), ("resend", "OK, with 7")],
    }
    findings = Findings()
    for name, kinds in seen.items():
        for method, text in kinds:
            violation = Violation(name, (exchange(),), expected="-", seen=text, method=method)
            findings.note_violation(violation)

    deviations = drafted(results(findings), tmp_path)

    assert sorted((each.statement, each.method, each.seen) for each in deviations) == [
        ("identifier.known", "resend", "OK, with *"),
        ("identifier.known", "show", "OK, with *"),
        ("list.no_duplicates", "list", quoted),
        ("response.number", "show", "number * is no text"),
        ("response.url", "list", "7"),
        ("response.url", "show", "no url"),
    ]
    again = results(findings, deviations)
    assert {of(again, name).verdict for name in seen} == {Verdict.DEVIATES}
    (listed,) = (each for each in deviations if each.statement == "list.no_duplicates")
    assert not listed.explains(listed.statement, "list", "7")


def test_what_only_changes_show_is_not_stale_without_them(tmp_path: Path) -> None:
    """A read that breaks a statement after a resend deviates as listed once one is sent again."""
    resent = exchange(Call("resend", "POST", "webhook_requests/resend"), OK, number=2)
    before, after = exchange(number=1), exchange(number=3)
    findings = Findings()
    for name, at in (("response.url", before), ("response.number", after)):
        findings.note_violation(Violation(name, (at,), expected="a", seen="b"))
    listed = drafted(results(findings, history=(before, resent, after)), tmp_path)
    held = Findings()
    held.hold(["response.url", "response.number"], before)

    assert {each.statement: each.after for each in listed} == {
        "response.url": None, "response.number": "resend",
    }  # fmt: skip
    reading = results(held, listed)
    held.hold(["envelope.json"], resent)
    changing = results(held, listed)
    assert [of(reading, each.statement).stale for each in listed] == [False, True]
    assert [of(changing, each.statement).stale for each in listed] == [True, True]


def test_verdicts_and_deviations_are_by_method() -> None:
    """A statement about several methods may hold for one and deviate for another."""
    name = "token.required"
    findings = Findings()
    findings.hold([name], exchange())
    delete = exchange(Call("delete", "POST", "webhook_requests/delete"))
    findings.note_violation(Violation(name, (delete,), expected="an error", seen="OK"))

    def listing(*methods: str | None) -> Results:
        return results(findings, [deviation(statement=name, method=each) for each in methods])

    def result(*methods: str | None) -> StatementResult:
        return of(listing(*methods), name)

    assert result().verdict is result("list").verdict is Verdict.BROKEN
    assert [result().by_method[each] for each in ("show", "delete", "list")] == [
        Verdict.HOLDS, Verdict.BROKEN, Verdict.NOT_EXERCISED,
    ]  # fmt: skip
    assert result(None).verdict is result("delete").verdict is Verdict.DEVIATES
    stale = result("delete", "show")
    assert stale.stale
    assert "of show is stale" in stale.why
    with pytest.raises(pytest.fail.Exception, match="of show is stale"):
        test_contract.test_statement(name, Report(listing("delete", "show")).document)
    with pytest.raises(pytest.skip.Exception, match="deviates"):
        test_contract.test_statement(name, Report(listing("delete")).document)
    reports = all_reports(results(findings))
    for kind in ("terminal", "html", "junit"):
        assert "show: holds" in reports[kind]
        assert "delete: broken" in reports[kind]
