"""How a run goes about its target: what ends it, in which order it works, and what it spares."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from helpers.far import BOTH, Wire, changing, config, remote
from helpers.sound_servers import alarms, checked
from sound_server.legal import VARIANTS
from sound_server.reading import Request
from sound_server.server import Reply, SoundServer

from crmcom_kit.contract_tests.client import http
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.targets import Login, Target, own_mock
from crmcom_kit.contract_tests.options.scope import EVERYTHING
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.reports.terminal import summary_lines
from crmcom_kit.contract_tests.run.results import Outcome, Results
from crmcom_kit.contract_tests.run.run import run
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH, resolve


def test_a_run_that_can_read_nothing_fails_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def respond(_: int, request: httpx.Request) -> httpx.Response | None:
        is_list = request.url.path.endswith("/list") and "no-token" not in str(request.url)
        large = b'{"data": "' + b"x" * 50_000 + b'"}'
        return httpx.Response(200, content=large) if is_list else None

    target, _ = remote("R15", respond)

    monkeypatch.setattr(http, "MAX_RESPONSE", 50_000)
    results = run(target, config())

    assert results.exit_code == 2
    trouble = str(results.trouble)
    assert trouble.startswith("no list could be read: the response to GET webhook_requests/list is")
    assert any("no list could be read" in line for line in summary_lines(Report(results)))


def test_an_error_while_results_are_made_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("crmcom_kit.contract_tests.run.run.statement_results", fail)
    results = run(own_mock("R9"), config(limits=Limits(max_requests=50), only="show.*"))

    assert results.exit_code == 2
    assert results.trouble == "an internal error of crmcom-kit: KeyError: 'oops'"
    assert results.history


class Time:
    """A clock that each wait moves, and each request, maybe by a bit more than the one before."""

    def __init__(self, each: float = 0.0, more: float = 0.0) -> None:
        self.seconds = 0.0
        self.each, self.more = each, more

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds

    def target(self, wrong: str = "") -> Target:
        """Return a target whose time this is; what ends with ``wrong`` has a wrong response."""

        def respond(number: int, request: httpx.Request) -> httpx.Response | None:
            self.seconds += self.each + number * self.more
            is_wrong = wrong and request.url.path.endswith(wrong)
            return httpx.Response(200, text="no JSON") if is_wrong else None

        return remote("R9", respond)[0]

    def run(self, target: Target, **limits: Any) -> Results:
        options = {"allowed": BOTH, "scope": EVERYTHING, "limits": Limits(**limits)}
        return run(target, config(now=self, sleep=self.pass_by, **options))


@pytest.mark.parametrize(("wrong", "exit_code"), [("", 3), ("/show", 1)])
def test_a_run_ends_when_its_time_is_over(wrong: str, exit_code: int) -> None:
    clock = Time(more=0.001)

    results = clock.run(clock.target(wrong), max_time=30.0)

    assert clock.seconds <= 31
    assert results.exit_code == exit_code
    assert results.trouble is None
    assert any(
        "the time limit ended the run after" in each and "--max-time 30" in each
        for each in results.warnings
    )
    assert any(
        each.verdict is Verdict.NOT_EXERCISED and "the time of the run is over" in each.why
        for each in results.statements
    )
    assert any("The time limit ended the run" in each for each in summary_lines(Report(results)))


@pytest.mark.parametrize("max_time", [15.0, 55.0], ids=["a login", "some lists"])
def test_a_run_without_time_to_read_anything_fails(max_time: float) -> None:
    """What logins and empty lists show is no success of a server that was not looked at."""
    clock = Time()

    class Nothing(SoundServer):
        def set_up(self) -> None:
            self.records.clear()

        def handle(self, request: Request) -> Reply:
            clock.pass_by(10.0)
            return super().handle(request)

    results = checked(Nothing(), now=clock, limits=Limits(max_time=max_time))

    assert results.achieved > 0
    assert results.exit_code == 2
    assert "the time of the run is over" in str(results.trouble)
    assert "no webhook request was read" in str(results.trouble)


def test_a_run_plans_for_the_requests_that_fit_into_its_time() -> None:
    """With a rate they are its budget, and it says so; a lower budget stays as it is."""
    clock = Time()
    target = clock.target()

    planned = clock.run(target, rate=2.0, max_time=60.0)
    took = clock.seconds
    lower = clock.run(target, rate=2.0, max_time=60.0, max_requests=30)

    assert len(planned.history) <= 120
    assert took <= 60
    assert any("a request takes 0.5 s: about 1" in each for each in planned.notes)
    assert len(lower.history) <= 30
    assert not any("fit into" in each for each in lower.notes)
    assert {each.call.method for each in planned.history} > {"show", "list", "resend", "delete"}


@pytest.mark.parametrize(
    ("name", "budget"),
    [("busy_maintenance_one_code", 450), ("busy_limit_429", 200), ("busy_now_and_then", 300)],
)
def test_a_server_that_refuses_whatever_comes_for_a_while_is_waited_for(
    name: str, budget: int
) -> None:
    results = checked(VARIANTS[name].server(), limits=Limits(max_requests=budget))

    if name == "busy_now_and_then":  # everything is sent again until it is served
        assert results.outcome is Outcome.PASSED
    assert alarms(results) == []
    assert len({each.call.method for each in results.history[-100:]}) > 2
    is_429 = name.endswith("429")  # which HTTP says, so that there is nothing to find out
    assert ("and served the same later: a limit, or maintenance" in str(results.notes)) != is_429


def test_a_gateway_that_fails_now_and_then_does_not_end_the_run() -> None:
    results = checked(VARIANTS["hiccup_after"].server(), limits=Limits(max_requests=150))

    assert alarms(results) == []
    assert results.achieved > 60
    assert any("a gateway returned HTTP 50" in each for each in results.warnings)


#: Enough to change something.
FEW = Limits(max_requests=80)


class TestSeparateWorld:
    """A mock on this machine, which is somebody's own."""

    def mock(self, admin_token: str | None = None) -> tuple[Target, WorldRegistry]:
        """A mock at a loopback address, as a target; and its worlds."""
        default = make_world(tokens=["T"])
        registry = WorldRegistry(default, access=Access(admin_token))
        wire = Wire(httpx.WSGITransport(create_app(registry)), keep_header=True)
        base = f"http://127.0.0.1:8080{API_PATH}"
        login = own_mock().login
        target = Target(
            name=base, base_url=base, release=resolve("R9"), login=login, transport=wire
        )
        return target, registry

    def worlds(self, registry: WorldRegistry) -> dict[str, int]:
        return {each.name: len(each.journal.entries()) for each in registry.worlds()}

    @pytest.mark.parametrize("token", [None, "hush"])
    def test_the_default_world_is_left_alone(self, token: str | None) -> None:
        """Everything is tried in a world of the run alone, which is ended; the token opens it."""
        target, registry = self.mock(token)

        results = run(replace(target, admin_token=token), config(world="check-x", limits=FEW))

        assert results.exit_code == 0
        assert results.history
        assert "/worlds/check-x/" in results.target.base_url
        assert any("used a world of its own, check-x" in each for each in results.warnings)
        assert self.worlds(registry) == {"default": 0}

    @pytest.mark.parametrize(
        ("changes", "token", "admin_token", "why"),
        [
            ({}, "hush", None, "CRMCOM_ADMIN_TOKEN"),
            ({"login": Login(token="of a login")}, None, None, "is not valid in other worlds"),
        ],
    )
    def test_without_a_world_of_its_own_it_only_reads(
        self, changes: dict[str, Any], token: str | None, admin_token: str | None, why: str
    ) -> None:
        target, _ = self.mock(token)

        results = run(replace(target, admin_token=admin_token, **changes), config(limits=FEW))

        assert isinstance(target.transport, Wire)
        assert not changing(target.transport)
        assert any(
            "only read the default world" in each and why in each for each in results.warnings
        )
        assert "hush" not in Report(results).as_json()

    def test_a_mock_of_the_runs_own_is_changed_unless_the_options_say_less(self) -> None:
        assert run(own_mock(), config(limits=FEW)).changed
        assert not run(own_mock(), config(limits=FEW, allowed=frozenset())).changed

    def test_the_world_of_a_broken_server_is_kept(self) -> None:
        """Its journal is worth a look, and the curl lines of the report go there."""
        target, registry = self.mock()
        assert isinstance(target.transport, Wire)
        target.transport.hook = lambda _, request: (
            httpx.Response(200, text="no JSON") if request.url.path.endswith("/show") else None
        )

        results = run(target, config(world="check-x", limits=FEW))

        assert results.exit_code == 1
        assert set(self.worlds(registry)) == {"default", "check-x"}

    def test_a_world_that_the_base_url_names_is_the_one_to_check(self) -> None:
        target, registry = self.mock()
        base = target.base_url.replace(API_PATH, f"/worlds/mine{API_PATH}")

        results = run(replace(target, base_url=base), config(limits=FEW))

        assert results.history
        assert set(self.worlds(registry)) == {"default", "mine"}
