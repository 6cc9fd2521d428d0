"""On a target that can be reset, requests are combined, and what breaks is shrunk."""

from collections.abc import Callable
from typing import Any

import pytest
from broken_servers.toolkit import Answer, Asked, Forward, Memory, wrapped

from crmcom_kit.contract_tests.checks.world import Credentials
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.http import Client, Limits, TargetDown
from crmcom_kit.contract_tests.findings import Findings, Violation
from crmcom_kit.contract_tests.next.belief import Belief
from crmcom_kit.contract_tests.next.campaign import Campaign
from crmcom_kit.contract_tests.next.machine import explore
from crmcom_kit.contract_tests.next.oracle import Oracle
from crmcom_kit.contract_tests.next.session import Session
from crmcom_kit.contract_tests.next.shortening import shorten
from crmcom_kit.contract_tests.next.templates import Scene
from crmcom_kit.contract_tests.targets import Target, own_mock
from crmcom_kit.schemas.releases import release_names

#: What Hypothesis draws hangs on its version, too: no test relies on what one seed finds.
SEEDS = range(8)


class Run:
    """One run against a target: what it sent, and what it found."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.client = Client(target, Limits())
        self.findings = Findings()

    def fresh(self) -> Oracle:
        """An oracle that has observed nothing yet."""
        login = self.target.login
        known = Credentials(login.username, login.password, login.organisation, login.api_key)
        release, exclusive = self.target.release, self.target.exclusive
        return Oracle(Belief(release, exclusive=exclusive, credentials=known))

    def campaign(self, findings: Findings) -> Campaign:
        """A campaign that may change everything."""
        oracle = self.fresh()
        scene = Scene(
            oracle.belief, self.target.login, allowed=frozenset(("resend", "delete")),
            may_change=lambda _: True, everything=True,
        )  # fmt: skip
        return Campaign(Session(self.client, oracle, scene, findings))

    def begin(self, findings: Findings) -> Campaign:
        """A campaign that is logged in to a target that was reset."""
        assert self.target.renew is not None
        self.target.renew()
        campaign = self.campaign(findings)
        assert campaign.session.log_in()
        return campaign

    def explored(self, seed: int = 0, budget: int = 1000) -> "Run":
        """This run after requests were combined."""
        explore(self.begin, self.fresh, self.client, self.findings, seed=seed, budget=budget)
        return self

    @property
    def violations(self) -> list[Violation]:
        """One violation of each statement that broke."""
        found = self.findings.by_statement.values()
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


def test_what_two_changes_cause_is_found_and_shrunk(capsys: pytest.CaptureFixture[str]) -> None:
    """The witness has the two changes, and the list before and after; nothing is printed."""
    for seed in SEEDS:
        run = Run(own_mock("R9", wrap=wrapped(every_second_delete_hides_another))).explored(seed)
        assert not run.findings.crashes
        witnesses = [sent(each) for each in run.violations if each.layer == "machine"]
        if ["token", "list", "delete", "delete", "list"] in witnesses:
            assert capsys.readouterr() == ("", "")
            return
    pytest.fail(f"not found, or not shrunk, with any of {len(SEEDS)} seeds")


def test_several_violations_are_found_and_known_ones_are_not_repeated() -> None:
    """An example goes on after what is known to be broken."""
    for seed in SEEDS:
        run = Run(own_mock("R9", wrap=wrapped(a_delete_takes_the_next))).explored(seed, 2000)
        if len(run.violations) > 1:
            break
    else:
        pytest.fail(f"only one with each of {len(SEEDS)} seeds")
    assert all(each.breaks == 1 for each in run.findings.by_statement.values() if each.breaks)
    before = {each.statement for each in run.violations}
    run.explored(seed)
    assert all(run.findings.by_statement[name].breaks == 1 for name in before)


def test_the_seed_decides_what_is_sent() -> None:
    """With the same seed the calls are the same, and with another they differ."""

    def calls(seed: int) -> list[Any]:
        history = Run(own_mock("R10")).explored(seed, 200).client.history
        return [(e.call.method, e.call.query.partition("&")[2]) for e in history]

    assert calls(1) == calls(1) != calls(2)


@pytest.mark.parametrize("release", release_names())
def test_a_sound_server_passes_within_the_budget(release: str) -> None:
    """Nothing is held against the mock, and no more is sent than may be."""
    run = Run(own_mock(release)).explored(seed=3, budget=240)
    assert (run.violations, run.findings.crashes) == ([], [])
    assert 150 < run.client.sent <= 240
    assert run.findings.is_held("show.identifier.selects")
    assert run.client.limits == Limits()


def _failing_after(requests: int, error: Callable[[], Any]) -> Callable[..., Any]:
    def wrap(app: Any) -> Callable[..., Any]:
        broken = wrapped(every_second_delete_hides_another)(app)

        def answer(environ: Any, start_response: Any) -> Any:
            nonlocal requests
            requests -= 1
            return broken(environ, start_response) if requests else error()

        return answer

    return wrap


@pytest.mark.parametrize("error", [KeyboardInterrupt, TargetDown])
def test_what_ends_a_run_gets_through(error: type[BaseException]) -> None:
    """Ctrl-C, and a target that is down, end it at once; what was found is kept."""

    def fail() -> Any:
        raise error

    for seed in SEEDS:
        run = Run(own_mock("R9", wrap=_failing_after(800, fail)))
        with pytest.raises(error):
            run.explored(seed, 2000)
        assert run.client.sent < 1000
        if run.violations:
            return
    pytest.fail("nothing was found before the end")


# A violation of a campaign.


def _campaign_against(handle: Any) -> tuple[Run, list[Violation]]:
    run = Run(own_mock("R9", wrap=wrapped(handle)))
    run.client.limits = Limits(max_requests=1500)
    assert run.campaign(run.findings).run(0) is None
    return run, run.violations


def _methods(exchanges: tuple[Exchange, ...]) -> list[str]:
    return [each.call.method for each in exchanges]


def test_a_violation_of_a_campaign_is_cut_to_what_it_rests_on() -> None:
    """Of a thousand requests the login is left, the delete, and how it looked before and after."""
    run, violations = _campaign_against(a_delete_takes_the_next)
    violation = next(each for each in violations if each.statement == "delete.single_result")
    cut = shorten(violation, run.client.history, run.fresh)
    assert _methods(cut)[0] == "token"
    assert _methods(cut).count("delete") == 1
    assert cut[-1] is violation.exchanges[-1]
    assert len(cut) <= 4 < violation.exchanges[-1].number
    oracle = run.fresh()
    *before, last = [oracle.observe(each) for each in cut]
    statements = {one.statement for each in last.suspicions for one in each.hypotheses}
    assert "delete.single_result" in statements
    assert not any(each.suspicions for each in before)


def test_what_does_not_follow_from_the_log_is_left_as_it_is() -> None:
    """With a history that does not lead to it, a violation keeps its own exchanges."""
    run, violations = _campaign_against(a_delete_takes_the_next)
    violation = next(each for each in violations if each.statement == "delete.single_result")
    assert shorten(violation, run.client.history[:1], run.fresh) == violation.exchanges
