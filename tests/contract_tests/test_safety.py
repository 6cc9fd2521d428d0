"""A server that is not ours: what a run changes there, what it writes down, and how it ends."""

import json
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from helpers.far import BOTH, NAME, ask, changing, config, everything, remote

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import run
from crmcom_kit.contract_tests.safety.scope import Scope
from crmcom_kit.schemas import load_dialect


def violations(results: Results) -> list[str]:
    """All that is broken or went wrong."""
    return [
        f"{each.statement.id}: {each.why} {[str(v) for v in each.violations]}"
        for each in results.statements
        if each.verdict is Verdict.BROKEN
    ]


def test_only_what_is_in_scope_is_changed(tmp_path: Path) -> None:
    """Nothing outside the scope differs afterwards, and the ledger has all that was changed."""
    ledger = tmp_path / "ledger.jsonl"
    target, wire = remote("R15")
    before = everything(wire, target)
    noted: list[set[str]] = []

    def watch(_: int, request: httpx.Request) -> None:
        if request.url.path.endswith(("/resend", "/delete")):
            lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
            noted.append({json.loads(line)["record"]["number"] for line in lines})

    wire.hook = watch
    results = run(target, config(allowed=BOTH, scope=Scope(definition=NAME), ledger=ledger))
    after = everything(wire, target)

    assert not violations(results)
    changed = {key for key in before if after.get(key) != before[key]}
    assert changed
    assert {before[key]["webhook_definition"]["name"] for key in changed} == {NAME}
    assert not set(after) - set(before)
    lines = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    assert all(before[line["record"]["id"]] == line["record"] for line in lines)
    assert changed <= {line["record"]["id"] for line in lines}
    assert {before[key]["number"] for key in changed} == set(results.changed)
    for at, request in enumerate(changing(wire)):
        text = request.content.decode("utf-8", "replace")
        named = {r["number"] for r in before.values() if f'"{r["id"]}"' in text}
        assert named <= noted[at], "written down before it is named"
    assert "all are unchanged" in results.inventory


def test_the_budget_is_kept_and_the_inventory_has_its_share() -> None:
    """No more requests go out than allowed, and what was not to be changed is still compared."""
    target, wire = remote("R15")

    results = run(
        target,
        config(allowed=BOTH, scope=Scope(definition=NAME), limits=Limits(max_requests=90)),
    )

    assert len(wire.requests) <= 90
    assert not violations(results)
    assert "all are unchanged" in results.inventory
    assert any("90 requests" in each.why for each in results.statements)


def test_a_token_that_ends_in_mid_run_is_renewed() -> None:
    """The run logs in once more; no POST is sent twice, and nothing is a violation."""
    dialect = load_dialect("default").changed({"tokens.live_at_once": 1})
    target, wire = remote("R15", dialect=dialect)

    def end_the_token(at: int, _: httpx.Request) -> None:
        if at in (40, 80, 120):
            ask(wire, target, "list", entity="JOBS")  # somebody else logs in

    wire.hook = end_the_token
    limits = Limits(max_requests=200)
    results = run(target, config(allowed=BOTH, scope=Scope(everything=True), limits=limits))

    assert results.trouble is None
    assert not violations(results)
    bodies = [each.content for each in changing(wire)]
    served = [e for e in results.history if e.ok and e.call.method in BOTH]
    assert len({e.call.body for e in served}) == len(served), bodies


def test_a_token_alone_cannot_be_renewed() -> None:
    """Where only a token was given, its end ends the run; a wrong one ends it at once."""
    target, wire = remote("R15")
    wrong = replace(target, login=replace(target.login, token="wrong", username=None, api_key=None))

    results = run(wrong, config())

    assert results.exit_code == 2
    assert "does not accept the given token: HTTP 200, code COM.CRM." in str(results.trouble)
    assert len(wire.requests) < 5


@pytest.mark.parametrize("at", [1, 90])
def test_an_outage_is_no_violation(at: int) -> None:
    """A target that goes away ends the run with an error, whenever it does."""

    def go_away(count: int, request: httpx.Request) -> None:
        if count >= at:
            msg = "gone"
            raise httpx.ConnectError(msg, request=request)

    target, _ = remote("R15", go_away)

    results = run(target, config(allowed=BOTH, scope=Scope(definition=NAME)))

    assert results.exit_code == 2
    assert "does not respond" in str(results.trouble)
    assert not violations(results)


def test_a_dry_run_sends_nothing() -> None:
    """It says what would be called, and how many webhook requests it takes."""
    target, wire = remote("R15")

    results = run(target, config(dry_run=True, allowed=BOTH, scope=Scope(definition=NAME)))

    assert not wire.requests
    assert results.exit_code == 0
    assert any("webhook_requests/list" in note for note in results.notes)
    needed = r"about \d+ REJECTED webhook requests in scope are used for resend at first"
    assert any(re.fullmatch(needed, note) for note in results.notes)


def test_a_dry_run_says_what_depends_on_leave() -> None:
    """Whether a target is a mock that may be changed anyway turns out only when it answers."""
    target, _ = remote("R15")

    results = run(target, config(dry_run=True, allowed=frozenset()))

    assert any(note.startswith("if delete is allowed") for note in results.notes)


def test_a_mock_of_ours_may_be_changed_by_default() -> None:
    """A target that says it is a mock of ours is changed, unless something else is said."""
    target, wire = remote("R9")
    open_mock = replace(target, transport=wire.inner)

    changed = run(open_mock, config(only="delete.*"))
    kept = run(open_mock, config(only="delete.*", allowed=frozenset()))

    assert changed.changed
    assert not violations(changed)
    assert not kept.changed
