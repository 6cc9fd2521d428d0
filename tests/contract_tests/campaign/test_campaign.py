"""What a run plans, shows, and says of what it could not try."""

import hmac
import importlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.conversations import Conversation
from helpers.far import BOTH, everything, remote, token_of
from helpers.recordings import listed, record
from helpers.sound_servers import broken, checked
from sound_server.choices import Choices
from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

from crmcom_kit.contract_tests.campaign import planning
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.targets import Login, own_mock
from crmcom_kit.contract_tests.options.scope import Scope
from crmcom_kit.contract_tests.oracle.expectations import Must, expectation_of
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.contract_tests.run.run import new_session, run
from crmcom_kit.contract_tests.templates import Scene, Template, all_templates
from crmcom_kit.contract_tests.templates.near_misses import near_misses


def why(results: Results, statement: str) -> str:
    (result,) = (result for result in results.statements if result.statement.id == statement)
    assert result.verdict is Verdict.NOT_EXERCISED
    return result.why


def held(results: Results) -> set[str]:
    """Return the ids of the statements that hold."""
    return {row.statement.id for row in results.statements if row.verdict is Verdict.HOLDS}


def test_few_requests_are_spread_over_all_templates() -> None:
    lines: list[str] = []

    limits = Limits(max_requests=150)
    results = run(own_mock("R9"), RunConfig(limits=limits, progress=lines.append))

    assert results.exit_code == 0
    assert len(results.history) <= 150
    methods = {exchange.call.method for exchange in results.history}
    assert methods > {"show", "list", "resend", "delete"}
    assert held(results) > {"identifier.mandatory", "resend.sends_again", "delete.gone"}
    assert re.match(r"\d+ of 150 requests, 0 violations, about \d+ s left: ", lines[-1])


def test_a_run_comes_to_changes_however_long_its_reads_take() -> None:
    seconds = 0.0

    class SlowPages(SoundServer):
        def do_list(self, call: Call) -> Any:
            nonlocal seconds
            seconds += 5.0 * ("number_of_results" in call.parameters)
            return super().do_list(call)

    reached: dict[str, float] = {}
    results = checked(
        SlowPages(Choices(), "R15"),
        limits=Limits(max_requests=300, max_time=100),
        now=lambda: seconds,
        progress=lambda line: reached.setdefault(line.partition(": ")[2], seconds),
    )

    assert broken(results) == []
    assert reached["delete: one of each state"] < 50
    assert held(results) > {"delete.gone", "resend.sends_again"}


def test_each_documented_reason_to_refuse_has_a_template() -> None:
    """Otherwise a statement would never be tried, and the report would blame the budget."""
    session = new_session(own_mock("R9"), RunConfig())
    session.tokens.enter()
    discover(session)
    scene = session.scene

    tried = {
        asked.statement
        for template in all_templates()
        for variant in template.choices(scene)
        if (call := template.draw(scene, variant, lambda values: values[0])) is not None
        and (asked := expectation_of(call, session.belief)).must is Must.REFUSE
    }

    assert tried == {
        "identifier.exactly_one", "identifier.fields", "identifier.known", "identifier.mandatory",
        "list.entity.supported_values", "list.identifier.fields",
        "list.life_cycle_state.supported_values", "list.semi_optional.at_least_one",
        "login.credentials", "methods.verb", "parameters.mandatory", "resend.only_rejected",
        "token.from_login", "token.required",
    }  # fmt: skip


def test_those_that_are_named_like_others() -> None:
    """A server may change the other one."""
    (named_alike,) = (
        template for template in all_templates() if template.name == "delete: one named like others"
    )
    assert named_alike.select is not None
    for names, wanted in (
        ([("a", "1"), ("b", "2")], ""),
        ([("a", "1"), ("b", "21")], "a"),  # a number is a part of another one
        ([("a", "1"), ("b", "1")], "ab"),
        ([("a", "b"), ("b", "2")], "ab"),  # a number is the id of another one
        ([("a", "a"), ("b", "2")], ""),  # and not of its own
        ([("a", "a"), ("b", "a")], "ab"),
    ):
        records = [record(1) | {"id": key, "number": number} for key, number in names]
        scene = Scene(Conversation(listed(records)).belief)
        ids = {selected["id"] for selected in named_alike.select(scene, scene.records())}
        assert ids == {*wanted}


def test_an_error_of_the_kit_fails_the_run_and_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: object) -> None:
        raise KeyError("oops")

    wrong = Template("show: crash", "read", "show", crash, lambda _: (None,))
    monkeypatch.setattr(planning, "all_templates", lambda: (wrong, *all_templates()))

    results = run(own_mock(), RunConfig(limits=Limits(max_requests=100)))

    assert results.exit_code == 2
    trouble = Report(results).document["summary"]["trouble"]
    assert "the template show: crash: KeyError: 'oops'" in trouble
    verdicts = {row.verdict for row in results.statements}
    assert Verdict.HOLDS in verdicts
    assert Verdict.BROKEN not in verdicts


def test_what_was_not_tried_has_its_reason() -> None:
    target, wire = remote("R15")
    few = Limits(max_requests=60)
    nobody = Scope(definition="Nobody's")

    reads = run(replace(target, login=Login(token=token_of(wire, target))), RunConfig(limits=few))
    changes = run(target, RunConfig(limits=few, allowed=BOTH, scope=nobody))

    assert "--allow resend" in why(reads, "resend.only_rejected")
    assert "--username" in why(reads, "token_release.available")
    assert "--api-key" in why(reads, "login.web_api_key.basic")
    assert "no webhook request is in scope" in why(changes, "resend.sends_again")


def test_a_scope_without_a_rejected_one_is_the_reason() -> None:
    """Not the number of requests, nor that those in scope are deleted by the end of the run."""
    target, wire = remote("R15")
    records = everything(wire, target).values()
    sent = next(r["number"] for r in records if r["life_cycle_state"] == "SUCCESSFUL")
    scope = Scope(numbers=frozenset([sent]))

    results = run(target, RunConfig(limits=Limits(max_requests=150), allowed=BOTH, scope=scope))

    assert results.exit_code == 0
    assert results.changed == (sent,)
    assert "no webhook request in scope is REJECTED" in why(results, "resend.sends_again")
    assert "no webhook request in scope is REJECTED, so resend was not" in Report(results).headline


def test_a_method_that_is_never_served_is_the_reason() -> None:
    def missing(_: int, request: httpx.Request) -> httpx.Response | None:
        is_release = request.url.path.endswith("token/release")
        return httpx.Response(404, text="Not Found") if is_release else None

    target, _ = remote("R15", missing)

    results = run(target, RunConfig(limits=Limits(max_requests=100), only="token_release.*"))

    assert "never served token_release" in why(results, "token_release.available")


class SignsItsData(SoundServer):
    """It shows what it has signed."""

    def code(self, record: Record) -> str:
        """Return the code of the data that ``exchanged`` shows."""
        data = json.dumps({"id": record.entity_id}, separators=(",", ":")).encode()
        return hmac.new(b"the key", data, "sha256").hexdigest()


@pytest.mark.parametrize(("key", "verdict"), [("the key", Verdict.HOLDS), ("no", Verdict.BROKEN)])
def test_authentication_codes_are_checked_with_a_secret_key(key: str, verdict: Verdict) -> None:
    """Each must be an HMAC of the data that is shown, in any form."""
    app = SignsItsData(Choices(request_form="object"))
    keys = {definition.id: key for definition in app.world.definitions}

    results = checked(app, only="response.*", limits=Limits(max_requests=40), secret_keys=keys)

    codes = "response.authentication_code.hmac"
    (result,) = (row for row in results.statements if row.statement.id == codes)
    assert result.verdict is verdict


def test_the_seed_repeats_the_order_of_a_run_whatever_else_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hypothesis also draws constants of loaded modules, but only in the reads that it draws."""
    monkeypatch.setattr(planning, "OPEN_SHARE", 0)

    def sent() -> list[tuple[str, str]]:
        results = run(own_mock("R13"), RunConfig(limits=Limits(max_requests=100)))
        calls = [exchange.call for exchange in results.history]
        return [(call.method, str({**call.parameters, "token": ""})) for call in calls]

    before = sent()
    (tmp_path / "many_numbers.py").write_text(f"NUMBERS = {list(range(200))}")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("many_numbers")
    assert sent() == before


def test_near_misses_are_other_values_each_once() -> None:
    for text in ("7", "A1b2", "a name", "%", ""):
        near = list(near_misses(text))
        assert len(near) == len(set(near))
        assert not {"", text} & set(near)
    wanted = {"A1b20", "0A1b2", "A1b", "1b2", "a1B2", "A1b%", "A1b_", "%", "01b2", "A1b0"}
    assert wanted <= set(near_misses("A1b2"))
