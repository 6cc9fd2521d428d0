"""The JUnit report: one test case for each statement, as CI servers read it."""

import re
from xml.etree import ElementTree as ET

from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.reports.report import (
    Entry,
    Report,
    fails,
    failure_details,
    failure_message,
)

# What XML 1.0 cannot hold, not even as a character reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(report: Report) -> bytes:
    """Return the report as an XML document."""
    target, run = report.document["target"], report.document["run"]
    cases = [_case(each) for each in report.document["statements"]]
    suite = ET.Element(
        "testsuite",
        name=f"crmcom-kit check of {_safe(target['name'])}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{report.results.seconds:.3f}",
        timestamp=run["began"],
    )
    facts = {name: target[name] for name in ("release", "base_url")}
    facts |= {name: str(run[name]) for name in ("version", "seed", "command")}
    suite.append(_properties(facts | {"trouble": report.document["summary"]["trouble"] or ""}))
    suite.extend(cases)
    if lines := report.document["never_served"]:
        said = ET.SubElement(suite, "system-out")
        said.text = "\n".join(_safe(f"{line}.") for line in lines)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _case(entry: Entry) -> ET.Element:
    group = entry["id"].partition(".")[0]
    case = ET.Element("testcase", classname=f"crmcom_kit.{group}", name=entry["id"])
    names = ("text", "source", "evidence", "verdict", "requests")
    case.append(_properties({name: str(entry[name]) for name in names}))
    verdict, why = entry["verdict"], entry["why"]
    if fails(entry):
        said = _safe(failure_message(entry))
        failure = ET.SubElement(case, "failure", message=said, type=verdict)
        failure.text = _safe(failure_details(entry))
    elif verdict == Verdict.ERROR:
        ET.SubElement(case, "error", message=_safe(why), type="error")
    elif verdict != Verdict.HOLDS:
        ET.SubElement(case, "skipped", message=_safe(f"{verdict}: {why}"))
    return case


def _properties(facts: dict[str, str]) -> ET.Element:
    properties = ET.Element("properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=_safe(value))
    return properties


def _safe(text: str) -> str:
    """Return ``text`` with what XML cannot hold written as escapes."""
    return _FORBIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
