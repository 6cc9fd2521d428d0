"""Probes of reading: no dial's choice is a violation, and each that a client sees is noted."""

from typing import Any

import pytest

from crmcom_kit.contract_tests.calibration.dialect_out import settled
from crmcom_kit.contract_tests.checks.all_checks import CHECKS
from crmcom_kit.contract_tests.checks.history import RecordHistory
from crmcom_kit.contract_tests.client.http import Client, Limits
from crmcom_kit.contract_tests.findings import Findings, Unreachable
from crmcom_kit.contract_tests.login import log_in
from crmcom_kit.contract_tests.probes.registry import probes
from crmcom_kit.contract_tests.run import RunConfig, run
from crmcom_kit.contract_tests.safety.discovery import discover
from crmcom_kit.contract_tests.safety.pool import Pool
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.schemas.dialect import Dialect, dials, error_kinds
from crmcom_kit.schemas.statements import statements

_HOMES = {
    "connectivity", "identifiers", "fields_sets", "lists", "filters", "values", "paging", "calling",
    "refusals", "undocumented", "unchanged", "refused",
}  # fmt: skip
_OF_OTHERS = (
    "login.", "web_api_key_token.", "token_release.", "token.parameters", "resend.", "delete.",
    "response.authentication_code.hmac",
)  # fmt: skip
_REFUSALS = ("parameters.mandatory", "identifier.fields", "identifier.mandatory",
             "identifier.exactly_one", "identifier.known")  # fmt: skip


def test_only_what_is_asked_for_has_a_verdict() -> None:
    """Checks come by other statements, too; of these nothing is said, as under pytest."""
    results = run(own_mock("R9"), RunConfig(only="list.*", max_examples=0))

    assert {each.statement.id.partition(".")[0] for each in results.statements} == {"list"}
    assert results.exit_code == 0


def _read(release: str, dialect: Any = "default", **options: Any) -> Findings:
    """Run the probes of these homes alone on a mock, and return what they find."""
    client = Client(own_mock(release, dialect, **options), Limits())
    session = Session(
        client,
        allowed=frozenset(("resend", "delete")),
        pool=Pool(lambda _: True),
        checks=(*CHECKS, RecordHistory()),
        findings=Findings(),
    )
    log_in(session)
    discover(session)
    for each in probes():
        home = each.run.__module__.rpartition(".")[2]
        if home in _HOMES:
            try:
                each.run(session)
            except Unreachable as missed:
                session.findings.miss(each.statements, missed.why)
    client.close()
    return session.findings


def _broken(findings: Findings) -> dict[str, str]:
    return {
        name: str(found.violations[0])
        for name, found in findings.by_statement.items()
        if found.breaks
    }


@pytest.mark.parametrize("dialect", ["default", "http"])
@pytest.mark.parametrize("release", ["R9", "R12", "R13", "R15", "R18"])
def test_every_promise_of_reading_holds(release: str, dialect: str) -> None:
    """The mock keeps them all, and each one is tried."""
    findings = _read(release, dialect)
    assert _broken(findings) == {}
    wanted = {
        each.id
        for each in statements(release)
        if each.unchecked is None
        and (
            not each.id.startswith(_OF_OTHERS)
            or (
                each.id.startswith(("resend.", "delete."))
                and each.id.partition(".")[2] in _REFUSALS
            )
        )
    }
    held = {name for name, found in findings.by_statement.items() if found.held}
    assert wanted - held == {"parameters.identifier_in_body"}  # a served resend shows it


_DIALS = [
    ("R15", {"errors.data": "object"}),
    ("R15", {"errors.data": "null", "errors.description": "detail"}),
    ("R15", {"errors.description": "null", "envelope.empty_text": "null"}),
    ("R15", {"errors.token_first": False}),
    ("R9", {"envelope.login_empty_text": "empty"}),
    ("R15", {"envelope.key_order": "newer"}),
    ("R15", {"envelope.key_order": "documented"}),
    ("R15", {"envelope.content_type": "text/plain;charset=UTF-8"}),
    ("R15", {"list.created_date.match": "instant"}),
    ("R15", {"list.created_date.match": "from", "list.created_date.form": "date"}),
    ("R15", {"list.created_date.form": "date_time"}),
    ("R15", {"list.case_sensitive": False, "list.comma_lists": True}),
    ("R15", {"list.url.match": "prefix"}),
    ("R15", {"list.url.match": "contains", "list.combine": "any"}),
    ("R15", {"list.entity_id_alone": False}),
    ("R15", {"list.unknown_reference": "empty", "list.empty": "null"}),
    ("R15", {"list.empty": "absent", "list.order": "oldest_first"}),
    ("R15", {"fields_set.unknown_name": "ignore", "fields_set.nested": "select"}),
    ("R15", {"fields_set.spaces": "keep", "fields_set.duplicates": "error"}),
    ("R15", {"fields_set.empty": "error", "fields_set.always_id": True}),
    ("R15", {"fields_set.array_in_body": False}),
    ("R15", {"paging.default_results": 3}),
    ("R15", {"paging.maximum_results": 3}),
    ("R15", {"paging.maximum_results": 2, "paging.over_maximum": "error"}),
    ("R15", {"paging.zero": "all", "paging.negative": "ignore"}),
    ("R15", {"paging.zero": "error"}),
    ("R15", {"identifiers.json_number": True, "identifiers.unknown_field": "ignore"}),
    ("R15", {"requests.unknown_parameters": "strict", "requests.query_on_post": "read"}),
    ("R15", {"requests.unknown_parameters": "loose", "requests.query_on_post": "error"}),
    ("R15", {"requests.body_on_get": "error", "requests.token_in_header": True}),
    ("R13", {"requests.rewardoffers_since": "R11.0.0"}),
    ("R15", {"record.definition_members": ["name"], "record.rule_members": ["id", "description"]}),
    ("R15", {"record.unit_form": "short", "record.user_form": "short"}),
    ("R15", {"record.emptied_names": "null"}),
    ("R15", {"record.emptied_names": "absent"}),
    ("R15", {"record.exchange_form": "object", "record.no_fields_set": "empty"}),
    ("R15", {"record.exchange_form": "text"}),
    ("R15", {"record.exchange_form": "null"}),
]  # fmt: skip


@pytest.mark.parametrize(("release", "changes"), _DIALS, ids=str)
def test_a_dial_is_noted_and_no_violation(release: str, changes: dict[str, Any]) -> None:
    """A mock that speaks another dialect passes, and is noted to speak it."""
    findings = _read(release, Dialect("other", changes))
    assert _broken(findings) == {}
    noted = settled(findings)
    assert {dial: noted.get(dial) for dial in changes} == changes
    everything = {key: dial.default for key, dial in dials().items()} | changes
    assert {k: v for k, v in noted.items() if _plain(v) != _plain(everything[k])} == {}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def test_withdrawn_methods_are_a_choice() -> None:
    """A release that may have withdrawn the methods breaks nothing by it."""
    findings = _read("R18", Dialect("other", {"requests.deprecated_methods": "withdraw"}))
    assert _broken(findings) == {}
    assert settled(findings)["requests.deprecated_methods"] == "withdraw"


#: Kinds of error that reading, and what resend and delete refuse, cannot make.
_UNSEEN = {
    "expired_token", "released_token", "wrong_credentials", "unknown_unit", "missing_parameter",
    "unknown_parameter", "misplaced_parameter", "not_rejected", "resend_under_way",
    "definition_not_effective", "delivery_failed", "body_too_large", "method_withdrawn",
}  # fmt: skip


@pytest.mark.parametrize("description", ["empty", "detail"])
def test_the_spelling_of_errors_is_noted(description: str) -> None:
    """Status, code and text of every kind of error that a probe makes are noted."""
    changes: dict[str, Any] = {"errors.description": description}
    for at, kind in enumerate(error_kinds()):
        changes[f"errors.status.{kind}"] = 450 + at
        changes[f"errors.code.{kind}"] = f"E{at}"
        changes[f"errors.message.{kind}"] = f"Sorry: {kind.replace('_', ' ')}."
    findings = _read("R15", Dialect("other", changes))
    assert _broken(findings) == {}
    noted = settled(findings)
    wanted = {key: v for key, v in changes.items() if key.rpartition(".")[2] not in _UNSEEN}
    assert {key: noted.get(key) for key in wanted} == wanted


def test_one_code_for_everything_is_fine() -> None:
    """A target need not tell one error from another."""
    same: dict[str, Any] = {f"errors.code.{kind}": "ERROR" for kind in error_kinds()}
    same |= {f"errors.message.{kind}": "Error." for kind in error_kinds()}
    assert _broken(_read("R15", Dialect("other", same))) == {}
