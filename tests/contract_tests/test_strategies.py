"""Generated calls: every kind is drawn, and none fails a server that keeps the contract."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from crmcom_kit.contract_tests.client.http import Client, Limits
from crmcom_kit.contract_tests.login import log_in
from crmcom_kit.contract_tests.safety.discovery import discover
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.cases import Case, Must
from crmcom_kit.contract_tests.stateful.layers import run_generated_layers
from crmcom_kit.contract_tests.stateful.model import Model
from crmcom_kit.contract_tests.stateful.strategies import Calls
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.schemas.dialect import load_dialect

RELEASES = ("R9", "R12", "R13", "R15", "R18")


def started(release: str, dialect: object = "default") -> Session:
    """Return a session on a mock of its own, which knows what there is."""
    client = Client(own_mock(release, dialect), Limits())
    session = Session(client, allowed=frozenset(("resend", "delete")))
    log_in(session)
    discover(session)
    return session


def alarms(session: Session) -> list[str]:
    """Return every violation that was found."""
    found = session.findings.by_statement.values()
    return [str(violation) for each in found for violation in each.violations]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("dialect", ["default", "http"])
def test_a_mock_keeps_what_is_generated(release: str, dialect: str) -> None:
    """Neither single calls nor sequences find anything wrong."""
    session = started(release, dialect)
    run_generated_layers(session, max_examples=12)
    assert alarms(session) == []
    assert session.findings.by_statement["list.entity.filter"].held > 0
    assert session.findings.by_statement["delete.gone"].held > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"list.combine": "any", "list.url.match": "contains", "list.created_date.match": "from"},
        {"list.url.match": "prefix", "list.created_date.match": "instant"},
        {"list.entity_id_alone": False, "list.unknown_reference": "empty", "list.empty": "null"},
        {"list.created_date.form": "date", "list.order": "oldest_first", "list.empty": "absent"},
        {"paging.default_results": 1},
        {"paging.default_results": 1, "paging.maximum_results": 1},
        {"paging.maximum_results": 2, "paging.zero": "all", "paging.negative": "ignore"},
        {"paging.maximum_results": 1, "paging.over_maximum": "error", "paging.zero": "error"},
        {
            "fields_set.always_id": True,
            "fields_set.unknown_name": "ignore",
            "resend.failed": "error",
        },
        {"delivery.script": "2*timeout, success, internal", "resend.destination": "definition"},
        {"delivery.script": "timeout", "resend.failed": "error", "tokens.live_at_once": 1},
        {"requests.unknown_parameters": "strict", "identifiers.unknown_field": "ignore"},
        {"requests.unknown_parameters": "loose", "record.definition_members": ["name"]},
        {"list.case_sensitive": False, "list.comma_lists": True, "dates.utc_offset": "+03:00"},
    ],
    ids=",".join,
)
def test_what_the_documents_leave_open_is_no_violation(changes: dict[str, object]) -> None:
    """A server that reads an open question another way passes."""
    session = started("R15", load_dialect("default").changed(changes))
    run_generated_layers(session, max_examples=12)
    assert alarms(session) == []


def test_a_run_can_be_repeated() -> None:
    """The same seed makes the same calls, another seed makes others."""
    made = []
    for seed in (1, 1, 2):
        session = started("R13")
        run_generated_layers(session, max_examples=6, number=seed)
        calls = [exchange.call for exchange in session.client.history]
        made.append([(c.method, repr(c.parameters).replace(str(session.token), "")) for c in calls])
    assert len(made[0]) == len(made[1])
    assert made[0] != made[2]


def test_a_budget_is_kept_and_its_end_is_no_error() -> None:
    """The generated layers stop when the requests are spent."""
    session = started("R15")
    session.client.limits = Limits(max_requests=session.client.sent + 60)
    run_generated_layers(session, max_examples=500)
    assert session.client.left is not None
    assert alarms(session) == []


def test_every_kind_of_call_is_drawn() -> None:
    """Calls that must be served, that must be refused, and open ones; and both encodings."""
    session = started("R15")
    records = dict(session.pool.records)
    gone = [records.popitem() for _ in range(3)]
    calls = Calls(Model(records, dict(gone), complete=True), session.release, session.token)
    seen: Counter[str] = Counter()

    @settings(max_examples=400, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(calls.shows(), calls.lists())
    def draw(show: Case, listing: Case) -> None:
        for case in (show, listing):
            seen[f"{case.method} {case.must}"] += 1
            seen[f"raw {case.raw}"] += 1
            if case.must is Must.REFUSE:
                seen[case.statement] += 1

    draw()
    kinds = {f"{method} {must}" for method in ("show", "list") for must in Must}
    statements = {
        "token.required", "token.from_login", "delete.gone", "list.semi_optional.at_least_one",
        "list.entity.supported_values", "list.life_cycle_state.supported_values",
        *(f"show.identifier.{name}" for name in ("known", "mandatory", "exactly_one", "fields")),
        "show.parameters.mandatory",
    }  # fmt: skip
    assert kinds | statements | {"raw True", "raw False"} <= set(seen)
