"""The JUnit report: one test case for each statement, as CI servers read it."""

import re
from xml.etree import ElementTree as ET

from crmcom_kit import __version__
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.wording import failure_details, failure_message
from crmcom_kit.contract_tests.results import Results, StatementResult

# What XML 1.0 cannot hold, not even as a character reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(results: Results) -> bytes:
    """Return the report as an XML document."""
    redactor = ReportRedactor(results.target, results.history)
    cases = [_case(result, results, redactor) for result in results.statements]
    suite = ET.Element(
        "testsuite",
        name=f"crmcom-kit check of {_safe(redactor.text(results.target.name))}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{results.seconds:.3f}",
        timestamp=results.began,
    )
    facts = {
        "release": results.target.release.name,
        "base_url": redactor.text(results.target.base_url),
        "version": __version__,
        "seed": str(results.seed),
        "command": redactor.text(results.command),
        "trouble": redactor.text(results.trouble or ""),
    }
    suite.append(_properties(facts))
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _case(result: StatementResult, results: Results, redactor: ReportRedactor) -> ET.Element:
    about = result.statement
    group = about.id.partition(".")[0]
    case = ET.Element("testcase", classname=f"crmcom_kit.{group}", name=about.id)
    facts = {
        "text": about.text,
        "source": about.source,
        "evidence": about.evidence,
        "verdict": str(result.verdict),
        "requests": str(result.requests),
    }
    case.append(_properties(facts))
    why = redactor.text(result.why)
    if result.verdict is Verdict.BROKEN or result.stale:
        said = failure_message(result, redactor)
        failure = ET.SubElement(case, "failure", message=_safe(said), type=str(result.verdict))
        failure.text = _safe(failure_details(result, results, redactor))
    elif result.verdict is Verdict.ERROR:
        ET.SubElement(case, "error", message=_safe(why), type="error")
    elif result.verdict in (Verdict.NOT_EXERCISED, Verdict.DEVIATES):
        ET.SubElement(case, "skipped", message=_safe(f"{result.verdict}: {why}"))
    return case


def _properties(facts: dict[str, str]) -> ET.Element:
    properties = ET.Element("properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=_safe(value))
    return properties


def _safe(text: str) -> str:
    """Return ``text`` with what XML cannot hold written as escapes."""
    return _FORBIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
