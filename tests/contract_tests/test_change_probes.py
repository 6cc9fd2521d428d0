"""Resend, delete, and what must change nothing: on mocks that keep their word, and others."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest

from crmcom_kit.contract_tests.calibration.codes import data_of, fitting, forms
from crmcom_kit.contract_tests.belief.knowledge import changed_members
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.run import RunConfig, run
from crmcom_kit.contract_tests.safety.scope import Scope
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.schemas import load_dialect
from crmcom_kit.schemas.signing import sign


@pytest.mark.parametrize(
    ("release", "deliveries", "failed"),
    [("R9", "timeout", "ok_rejected"), ("R15", "2*http_503, success", "error"),
     ("R9", "success, internal", "error"), ("R15", "timeout", "error")],
)  # fmt: skip
def test_deliveries_may_fail(release: str, deliveries: str, failed: str) -> None:
    """No outcome of a delivery is a violation; what needs a success is left out without one."""
    dialect = load_dialect("default").changed({"resend.failed": failed})
    config = RunConfig(only="resend.*", max_examples=0)
    results = run(own_mock(release, dialect, deliveries=deliveries), config)

    verdicts = {each.statement.id: each.verdict for each in results.statements}
    assert results.trouble is None
    assert not [name for name, found in results.findings.by_statement.items() if found.breaks]
    assert verdicts["resend.sends_again"] is Verdict.HOLDS
    if deliveries == "timeout":
        assert verdicts["resend.clears_error"] is Verdict.NOT_EXERCISED
    assert list(results.findings.choices["resend.failed"]) == [repr(failed)]


# Servers that go wrong: a rewriting of what they answer.

Memory = dict[Any, Any]  # by id, or by None if a response has no id
Rewrite = Callable[[str, dict[str, Any], Memory], None]


def rewriting(rewrite: Rewrite) -> Callable[[Any], Any]:
    """Put ``rewrite`` around a WSGI application.

    It gets the method, each webhook request that is answered, and a memory of its own.
    """

    def wrap(app: Any) -> Any:
        memory: Memory = {}

        def other(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            said: list[Any] = []
            content = b"".join(app(environ, lambda *given: said.extend(given)))
            envelope = json.loads(content)
            data = envelope.get("data")
            for record in data if isinstance(data, list) else [data]:
                if isinstance(record, dict) and "life_cycle_state" in record:
                    rewrite(environ["PATH_INFO"].rpartition("/")[2], record, memory)
            content = json.dumps(envelope).encode()
            headers = [(n, v) for n, v in said[1] if n.lower() != "content-length"]
            start_response(said[0], [*headers, ("Content-Length", str(len(content)))])
            return [content]

        return other

    return wrap


def _touches(which: str) -> Rewrite:
    def rewrite(method: str, record: dict[str, Any], memory: Memory) -> None:
        times = memory.setdefault(record.get("id"), 0)
        if "log_information" in record and times:
            record["log_information"]["updated_date"] = f"2030-01-01T00:00:{times % 60:02}"
        if method == which:
            memory[record.get("id")] += 1

    return rewrite


def _list_differs(method: str, record: dict[str, Any], _: Memory) -> None:
    if method == "list" and "entity_id" in record:
        record["entity_id"] = record["entity_id"].lower()


def _keeps_error(method: str, record: dict[str, Any], memory: Memory) -> None:
    if record.get("error_code"):
        memory[record.get("id")] = record["error_code"]
    elif method != "delete" and record.get("id") in memory and "error_code" in record:
        record["error_code"] = memory[record["id"]]


def _wrong_code(_method: str, record: dict[str, Any], _memory: Memory) -> None:
    if record.get("number") == "4" and record.get("authentication_code"):
        record["authentication_code"] = "0" * 64


def _loses_rule(method: str, record: dict[str, Any], _memory: Memory) -> None:
    if method == "delete":
        record.pop("workflow_rule", None)


@pytest.mark.parametrize(
    ("statement", "rewrite"),
    [
        ("show.changes_nothing", _touches("show")),
        ("list.changes_nothing", _touches("list")),
        ("list.agrees_with_show", _list_differs),
        ("resend.clears_error", _keeps_error),
        ("response.authentication_code.hmac", _wrong_code),
        ("delete.returns_record", _loses_rule),
    ],
)
def test_the_right_statement_is_named(statement: str, rewrite: Rewrite) -> None:
    """The statement that is broken is named, whatever else follows of it."""
    only = "*" if rewrite is _list_differs else statement  # which the whole run tells apart
    results = run(own_mock("R9", wrap=rewriting(rewrite)), RunConfig(only=only, max_examples=0))

    broken = [each.statement.id for each in results.statements if each.verdict is Verdict.BROKEN]
    assert statement in broken


def _resends_by_number(environ: dict[str, Any]) -> bool:
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = BytesIO(body)
    return environ["PATH_INFO"].endswith("/resend") and b'"number"' in body


def test_a_form_of_resend_that_does_nothing_is_found() -> None:
    """Elsewhere, too: what resend by number leaves as it was, resend by id changes at once."""

    def wrap(app: Any) -> Any:
        def other(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if not _resends_by_number(environ):
                return list(app(environ, start_response))
            given = json.loads(environ["wsgi.input"].read())
            parameters = urlencode(
                {"token": given["token"], "webhook_request_identifier": "number="
                 + str(given["webhook_request_identifier"].get("number"))}, safe="=",
            )  # fmt: skip
            path = environ["PATH_INFO"].replace("/resend", "/show")
            shown = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": parameters}
            return list(app({**environ, **shown}, start_response))

        return other

    target = replace(own_mock("R9", wrap=wrap), own=False, entries=())
    everything = Scope(everything=True)
    allowed = frozenset(("resend",))
    config = RunConfig(only="resend.*", max_examples=0, allowed=allowed, scope=everything)
    results = run(target, config)

    found = {each.statement.id: each for each in results.statements}["resend.sends_again"]
    assert found.verdict is Verdict.BROKEN


# Pieces.


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"id": "1", "url": None}, {"id": "1"}, []),
        ({"workflow_rule": {"id": "1", "name": "2"}}, {"workflow_rule": {"id": "1"}}, []),
        ({"workflow_rule": {"id": "1"}}, {"workflow_rule": {"id": "2"}}, ["workflow_rule.id"]),
        ({"url": None, "request": {"a": 1}}, {"url": "t", "request": {}}, ["request", "url"]),
        (
            {"log_information": {"created_by_unit": {"id": "1", "name": "2"}}},
            {"log_information": {"created_by_unit": {"id": "1", "name": "3"}}},
            ["log_information.created_by_unit.name"],
        ),
        ({"id": "1", "etag": 1, "workflow_rule": {"x": 1}}, {"id": "1", "etag": 2}, []),
    ],
)
def test_changed_members_are_of_what_both_have(
    before: Any, after: Any, expected: list[str]
) -> None:
    """What one of the two leaves out is no difference, nor is a member that no page knows."""
    assert sorted(changed_members(before, after)) == expected


def test_the_kits_own_hmac_agrees_with_the_projects() -> None:
    """Every form is found by the kit in what the project's signing makes."""
    data = {"b": "Ελ", "a": [1, {"z": None}]}
    for form in forms():
        assert form in fitting(sign(data, "key", **form._asdict()), data, "key")
        assert not fitting(sign(data, "key", **form._asdict()), data, "other")


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        ({"data": {"a": 1}}, {"a": 1}),
        ('{"data": {"a": 1}}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ("5C1D", None),
        (None, None),
    ],
)
def test_the_data_object_is_found_in_a_request(request_: Any, data: Any) -> None:
    """Shown as an object or as text; a reference shows none."""
    assert data_of(request_) == data
