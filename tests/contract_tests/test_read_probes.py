"""Probes exercise every statement; no dial's choice is a violation, and each seen is noted."""

from typing import Any

import pytest

from crmcom_kit.contract_tests.calibration.dialect_out import settled
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import RunConfig, run
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.schemas.dialect import Dialect, dials, error_kinds

FIXED = RunConfig(max_examples=0)


def wrong(results: Results) -> list[str]:
    """All that is broken or went wrong."""
    found = [
        f"{each.statement.id}: {each.why} {[str(v) for v in each.violations]}"
        for each in results.statements
        if each.verdict is Verdict.BROKEN
    ]
    return found + results.findings.crashes + ([results.trouble] if results.trouble else [])


def test_only_what_is_asked_for_has_a_verdict() -> None:
    """Checks come by other statements, too; of these nothing is said, as under pytest."""
    results = run(own_mock("R9"), RunConfig(only="list.*", max_examples=0))

    assert {each.statement.id.partition(".")[0] for each in results.statements} == {"list"}
    assert results.exit_code == 0


@pytest.mark.parametrize(
    ("release", "dialect"),
    [("R9", "default"), ("R12", "http"), ("R15", "default"), ("R18", "http")],
)  # fmt: skip
def test_every_statement_is_exercised(release: str, dialect: str) -> None:
    """On a mock of our own each statement that a client can check holds, and none is left out."""
    results = run(own_mock(release, dialect), FIXED)

    assert not wrong(results)
    checked = [each for each in results.statements if each.statement.unchecked is None]
    assert [each.statement.id for each in checked if each.verdict is not Verdict.HOLDS] == []
    assert "all are unchanged" in results.inventory
    assert results.changed


#: Dialects in which nothing is as by default, as far as it goes together.
_DIALECTS: list[tuple[str, dict[str, Any]]] = [
    ("R15", {"errors.data": "object", "errors.token_first": False, "envelope.key_order": "newer",
             "list.created_date.match": "instant", "list.url.match": "prefix",
             "fields_set.unknown_name": "ignore", "paging.default_results": 3,
             "requests.unknown_parameters": "strict", "record.exchange_form": "object",
             "record.unit_form": "short", "record.user_form": "short",
             "requests.query_on_post": "read", "login.basic_without_colon": True}),
    ("R15", {"errors.data": "null", "errors.description": "detail", "list.case_sensitive": False,
             "list.comma_lists": True, "list.url.match": "contains", "list.combine": "any",
             "fields_set.nested": "select", "fields_set.spaces": "keep",
             "fields_set.duplicates": "error", "paging.maximum_results": 3,
             "requests.body_on_get": "error", "requests.token_in_header": True,
             "record.emptied_names": "null", "resend.updates_log": False}),
    ("R15", {"errors.description": "null", "envelope.empty_text": "null",
             "list.created_date.match": "from", "list.created_date.form": "date",
             "list.unknown_reference": "empty", "list.empty": "null",
             "fields_set.empty": "error", "fields_set.always_id": True,
             "paging.zero": "all", "paging.negative": "ignore", "identifiers.json_number": True,
             "identifiers.unknown_field": "ignore", "requests.query_on_post": "error",
             "record.definition_members": ["name"], "record.emptied_names": "absent",
             "record.rule_members": ["id", "description"], "login.basic_any_case": False}),
    ("R15", {"list.created_date.form": "date_time", "list.entity_id_alone": False,
             "list.empty": "absent", "list.order": "oldest_first", "paging.maximum_results": 2,
             "paging.over_maximum": "error", "fields_set.array_in_body": False,
             "requests.unknown_parameters": "loose", "record.exchange_form": "text",
             "envelope.content_type": "text/plain;charset=UTF-8", "login.unit_by_name": True,
             "record.no_fields_set": "empty", "resend.definition_not_effective": "error"}),
    ("R9", {"envelope.login_empty_text": "empty", "envelope.key_order": "documented",
            "resend.exchange": "kept", "signing.algorithm": "md5", "signing.encoding": "base64"}),
    ("R12", {"tokens.release_from_r12": "ignored", "signing.canonical_form": "sorted"}),
    ("R13", {"requests.rewardoffers_since": "R11.0.0", "paging.zero": "error",
             "tokens.release_from_r12": "withdrawn", "signing.charset": "ascii",
             "record.exchange_form": "null"}),
]  # fmt: skip


@pytest.mark.parametrize(("release", "changes"), _DIALECTS, ids=str)
def test_choices_are_noted_and_no_violation(release: str, changes: dict[str, Any]) -> None:
    """A mock that speaks another dialect passes, and is noted to speak it."""
    results = run(own_mock(release, Dialect("other", changes)), FIXED)

    assert not wrong(results)
    noted = settled(results.findings)
    assert {dial: noted.get(dial) for dial in changes} == changes
    everything = {key: dial.default for key, dial in dials().items()} | changes
    assert {k: v for k, v in noted.items() if _plain(v) != _plain(everything[k])} == {}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def test_one_token_at_a_time_is_a_choice() -> None:
    """The run's own token may end with each login: it gets another, and nothing is broken."""
    results = run(own_mock("R12", Dialect("other", {"tokens.live_at_once": 1})), FIXED)

    assert not wrong(results)


def test_withdrawn_methods_are_a_choice() -> None:
    """A release that may have withdrawn the methods breaks nothing by it."""
    dialect = Dialect("other", {"requests.deprecated_methods": "withdraw"})
    results = run(own_mock("R18", dialect), FIXED)

    assert not wrong(results)
    assert settled(results.findings)["requests.deprecated_methods"] == "withdraw"


#: Kinds of error that these runs do not come by.
_UNSEEN = {
    "expired_token", "unknown_unit", "missing_parameter", "unknown_parameter",
    "misplaced_parameter", "resend_under_way", "released_token", "definition_not_effective",
    "delivery_failed", "body_too_large", "method_withdrawn",
}  # fmt: skip


def test_the_spelling_of_errors_is_noted() -> None:
    """Status, code and text of every kind of error that a probe makes are noted."""
    changes: dict[str, Any] = {"errors.description": "detail"}
    for at, kind in enumerate(error_kinds()):
        changes[f"errors.status.{kind}"] = 450 + at
        changes[f"errors.code.{kind}"] = f"E{at}"
        changes[f"errors.message.{kind}"] = f"Sorry: {kind.replace('_', ' ')}."
    results = run(own_mock("R15", Dialect("other", changes)), FIXED)
    assert not wrong(results)
    noted = settled(results.findings)
    wanted = {key: v for key, v in changes.items() if key.rpartition(".")[2] not in _UNSEEN}
    assert {key: noted.get(key) for key in wanted} == wanted


def test_one_code_for_everything_is_fine() -> None:
    """A target need not tell one error from another."""
    same: dict[str, Any] = {f"errors.code.{kind}": "ERROR" for kind in error_kinds()}
    same |= {f"errors.message.{kind}": "Error." for kind in error_kinds()}
    assert not wrong(run(own_mock("R15", Dialect("other", same)), FIXED))
