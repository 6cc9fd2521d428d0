"""The JUnit report: one test case for each statement, as CI servers read it."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.reports.report import (
    Entry,
    Report,
    fails,
    failure_details,
    failure_of_run,
    first_failure,
    mistake_details,
    visible,
)
from crmcom_kit.contract_tests.run.results import Outcome


def render(report: Report) -> str:
    """Return the report as an XML document."""
    cases = [_case(entry) for entry in report.document["statements"]]
    client = report.document["client"]
    failure = failure_of_run(report.document)
    if failure and not (client and client["mistakes"]):  # mistakes have cases of their own
        case = ET.Element("testcase", classname="crmcom_kit", name="the run itself")
        kind = "failure" if report.results.outcome is Outcome.BROKEN else "error"
        ET.SubElement(case, kind, message=visible(failure), type=report.results.outcome)
        cases.append(case)
    name = f"crmcom-kit check of {report.document['target']['name']}"
    suite = _suite(report, name, cases)
    if lines := report.document["never_served"]:
        output = ET.SubElement(suite, "system-out")
        output.text = "\n".join(visible(f"{line}.") for line in lines)
    root = ET.Element("testsuites")
    root.append(suite)
    if client is not None:
        root.append(_suite(report, f"{name}: the client", [*_of_client(client)]))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, "unicode")}\n'


def _suite(report: Report, name: str, cases: list[ET.Element]) -> ET.Element:
    suite = ET.Element(
        "testsuite",
        name=visible(name),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{report.results.seconds:.3f}",
        timestamp=visible(report.document["run"]["began"]),
    )
    suite.extend(cases)
    return suite


def _of_client(client: Entry) -> Iterator[ET.Element]:
    """Yield a failed case for each mistake of a client, or one that passes."""
    if not client["mistakes"]:
        name = f"no mistake in {counted(client['requests'], 'request')}"
        yield ET.Element("testcase", classname="crmcom_kit.client", name=name)
    for number, mistake in enumerate(client["mistakes"], 1):
        name = visible(f"{number}: {mistake['statement']}, {mistake['method']}")
        case = ET.Element("testcase", classname="crmcom_kit.client", name=name)
        failure = ET.SubElement(
            case, "failure", message=visible(mistake["mistake"]), type=visible(mistake["kind"])
        )
        failure.text = "\n".join(mistake_details(mistake))
        yield case


def _case(entry: Entry) -> ET.Element:
    group = entry["id"].partition(".")[0]
    case = ET.Element("testcase", classname=f"crmcom_kit.{group}", name=entry["id"])
    verdict, why = entry["verdict"], entry["why"]
    if fails(entry):
        message = visible(first_failure(entry))
        failure = ET.SubElement(case, "failure", message=message, type=verdict)
        failure.text = "\n".join(failure_details(entry))
    elif verdict != Verdict.HOLDS:
        ET.SubElement(case, "skipped", message=visible(f"{verdict}: {why}"))
    return case
