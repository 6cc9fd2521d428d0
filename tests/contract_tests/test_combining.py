"""Where the target can be reset, requests are combined; what breaks is cut to few requests."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from helpers.far import BOTH, Wire
from odd_servers.toolkit import Answer, Asked, Forward, Memory, wrapped

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.machine import explore
from crmcom_kit.contract_tests.campaign.planning import Plan
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.shortening import fresh_oracle, shorten
from crmcom_kit.contract_tests.client.http import BudgetSpent, Limits, TargetDown
from crmcom_kit.contract_tests.client.in_process import InProcess
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.run import new_session
from crmcom_kit.contract_tests.safety.scope import EVERYTHING
from crmcom_kit.contract_tests.separate_world import separate_world
from crmcom_kit.contract_tests.targets import Target, own_mock
from crmcom_kit.contract_tests.templates import all_templates
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas.methods import API_PATH
from crmcom_kit.schemas.releases import release_names, resolve

#: What Hypothesis draws hangs on its version, too: no test relies on what one seed finds.
SEEDS = range(8)


def session_on(target: Target, **limits: Any) -> Session:
    """A session that has sent nothing yet."""
    return new_session(target, RunConfig(limits=Limits(**limits)))


def explored(session: Session, seed: int = 0, budget: int = 1000) -> Session:
    """The session after requests were combined."""
    assert session.target.renew is not None
    explore(session, all_templates(), session.target.renew, seed=seed, budget=budget)
    return session


def found_by(session: Session) -> list[Violation]:
    """One violation of each statement that broke."""
    found = session.findings.by_statement.values()
    return [each.violations[0] for each in found if each.violations]


def sent(violation: Violation) -> list[str]:
    """The methods of the calls that show a violation."""
    return [each.method for each in violation.calls]


def every_second_delete_hides_another(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Every second delete of a run takes one more webhook request out of the lists."""
    answer = forward(asked)
    if asked.method == "delete" and answer.ok:
        memory["deletes"] = memory.get("deletes", 0) + 1
    if asked.method != "list" or not answer.ok or "entity_id" in asked.parameters:
        return answer
    return answer.with_data(answer.records[memory.get("deletes", 0) // 2 :])


def a_delete_takes_the_next(asked: Asked, forward: Forward, _: Memory) -> Answer:
    """A delete by number takes the one with the next number as well."""
    answer = forward(asked)
    number = asked.identifier.get("number", "")
    if asked.method == "delete" and answer.ok and number.isdigit():
        forward(asked.naming(number=str(int(number) + 1)))
    return answer


def a_null_error_and_an_empty_list(asked: Asked, forward: Forward, _: Memory) -> Answer:
    """Lists by state are empty, and refusals have no code."""
    answer = forward(asked)
    if asked.method == "list" and answer.ok and "life_cycle_state" in asked.parameters:
        return answer.with_data([])
    return answer if answer.ok else answer.saying({**answer.json, "status": {"code": None}})


def test_what_two_changes_cause_is_found_and_shrunk(capsys: pytest.CaptureFixture[str]) -> None:
    """The witness has the two changes, and a list before and after; nothing is printed."""
    for seed in SEEDS:
        target = own_mock("R9", wrap=wrapped(every_second_delete_hides_another))
        session = explored(session_on(target), seed, 600)
        assert not session.findings.crashes
        witnesses = [sorted(sent(each)) for each in found_by(session) if each.layer == "machine"]
        if ["delete", "delete", "list", "list", "token"] in witnesses:
            assert capsys.readouterr() == ("", "")
            return
    pytest.fail(f"not found, or not shrunk, with any of {len(SEEDS)} seeds")


def test_several_violations_are_found_and_known_ones_are_not_repeated() -> None:
    """After what is found, and on what is known to be broken, it goes on."""
    target = own_mock("R9", wrap=wrapped(a_null_error_and_an_empty_list))
    session = explored(session_on(target), budget=400)
    before = {name: each.breaks for name, each in session.findings.by_statement.items()}
    assert sum(map(bool, before.values())) > 1
    explored(session, budget=100)
    after = session.findings.by_statement
    assert all(after[name].breaks == breaks for name, breaks in before.items() if breaks)


def test_the_seed_decides_what_is_sent() -> None:
    """With the same seed the calls are the same, and with another they differ."""

    def calls(seed: int) -> list[Any]:
        history = explored(session_on(own_mock("R10")), seed, 200).client.history
        return [(e.call.method, e.call.query.partition("&")[2]) for e in history]

    assert calls(1) == calls(1) != calls(2)


@pytest.mark.parametrize("release", release_names())
def test_a_sound_server_passes_within_the_budget(release: str) -> None:
    """Nothing is held against the mock, and no more is sent than may be."""
    session = explored(session_on(own_mock(release), max_requests=500), seed=3, budget=200)
    assert (found_by(session), session.findings.crashes) == ([], [])
    assert 100 < session.client.sent <= 200
    assert session.findings.by_statement["list.entity.filter"].held
    assert session.client.left == 500 - session.client.sent


def test_a_world_of_a_mock_is_reset_for_each_example() -> None:
    """A mock at a loopback address resets the world of the run; the default world is left alone."""
    registry = WorldRegistry(make_world(release="R13"))
    base = f"http://127.0.0.1:8080{API_PATH}"
    target = Target(
        name=base, base_url=base, release=resolve("R13"), login=own_mock().login,
        transport=Wire(InProcess(lambda: create_app(registry)), keep_header=True),
    )  # fmt: skip
    world = separate_world(target, "check-x")
    session = new_session(world.target, RunConfig(allowed=BOTH, scope=EVERYTHING))
    explore(session, all_templates(), world.reset, seed=0, budget=300)
    assert (found_by(session), session.findings.crashes) == ([], [])
    assert len(session.client.renewed) > 1
    epochs = {each.world.name: each.world.current_epoch.number for each in registry.worlds()}
    assert epochs == {"default": 0, "check-x": len(session.client.renewed)}
    too_long = f"http://127.0.0.1:8080/worlds/{'x' * 500}{API_PATH}"
    with pytest.raises(TargetDown, match="cannot be reset: the mock's control API returned HTTP"):
        replace(world, target=replace(world.target, base_url=too_long)).reset()


def _failing_after(requests: int, error: type[BaseException]) -> Callable[..., Any]:
    def wrap(app: Any) -> Callable[..., Any]:
        broken = wrapped(every_second_delete_hides_another)(app)

        def answer(environ: Any, start_response: Any) -> Any:
            nonlocal requests
            requests -= 1
            if requests < 0:
                raise error
            return broken(environ, start_response)

        return answer

    return wrap


@pytest.mark.parametrize("error", [KeyboardInterrupt, TargetDown])
def test_what_ends_a_run_gets_through(error: type[BaseException]) -> None:
    """Ctrl-C, and a target that is down, end it at once; what was found is kept."""
    for seed in SEEDS:
        session = session_on(own_mock("R9", wrap=_failing_after(250, error)))
        with pytest.raises(error):
            explored(session, seed, 1000)
        assert session.client.sent == 251
        if found_by(session):
            return
    pytest.fail("nothing was found before the end")


@pytest.fixture(scope="module", name="checked")
def _checked() -> tuple[Session, Violation]:
    """A campaign against a server that deletes one too many, and what it found."""
    target = own_mock("R9", wrap=wrapped(a_delete_takes_the_next))
    session = session_on(target, max_requests=600)
    session.tokens.enter()
    discover(session, None)
    changes = [each for each in all_templates() if each.layer == "delete" and each.spends]
    plan = {each: 6 for each in all_templates() if each.layer == "read"}
    campaign = Campaign(session, Plan(plan | dict.fromkeys(changes, 6)))
    with suppress(BudgetSpent):
        campaign.run(0)
    found = [each for each in found_by(session) if each.statement == "delete.single_result"]
    assert found
    return session, found[0]


def test_a_violation_of_a_campaign_is_cut_to_what_it_rests_on(
    checked: tuple[Session, Violation],
) -> None:
    """Of some hundred requests the login is left, the delete, and a few looks."""
    session, violation = checked
    cut = shorten(violation, session.client.history, session)
    assert cut[-1] is violation.exchanges[-1]
    assert sorted(each.call.method for each in cut if each.call.method != "list") == [
        "delete", "token",
    ]  # fmt: skip
    assert len(cut) <= 6
    assert cut[-1].number > 100
    oracle = fresh_oracle(session)
    *before, last = [oracle.observe(each).suspicions for each in cut]
    assert not any(before)
    assert violation.statement in {one.statement for each in last for one in each.hypotheses}


def test_what_does_not_follow_from_the_log_is_left_as_it_is(
    checked: tuple[Session, Violation],
) -> None:
    """With a history that does not lead to it, a violation keeps its own exchanges."""
    session, violation = checked
    assert shorten(violation, session.client.history[:1], session) == violation.exchanges
