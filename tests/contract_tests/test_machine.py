"""The state machine finds what only combinations of requests reveal, on any server."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from odd_servers.toolkit import Answer, Asked, Forward, Handle, Memory, wrapped

from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import Client, Limits, TargetDown
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.login import log_in, token_of
from crmcom_kit.contract_tests.safety.discovery import discover
from crmcom_kit.contract_tests.safety.scope import EVERYTHING, Guard, Scope
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful import layer, run_stateful
from crmcom_kit.contract_tests.stateful.minimizing import MAX_REQUESTS_ELSEWHERE, minimized
from crmcom_kit.contract_tests.targets import Target, own_mock
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.releases import resolve

#: What Hypothesis draws hangs on its version, too: no test relies on what one seed finds.
SEEDS = range(8)

BOTH = frozenset(("resend", "delete"))
STATE, OFFSET = "life_cycle_state", "offset"


def somebody_elses(target: Target) -> Target:
    """The same server, which the kit must not start anew."""
    return replace(target, own=False, entries=())


def session_on(
    target: Target, *, scope: Scope = EVERYTHING, allowed: frozenset[str] = BOTH, **limits: Any
) -> Session:
    """A session that is logged in, and knows what there is."""
    session = Session(Client(target, Limits(**limits)), allowed=allowed)
    session.guard = Guard(session)
    session.pool.may_change = scope
    log_in(session)
    discover(session, scope)
    return session


def explored(session: Session, seed: int = 0, times: int = 15, only: str = "*") -> Session:
    """The session after the machine has used it."""
    run_stateful(session, max_examples=times, seed=seed, only=only)
    return session


def found_by(session: Session) -> dict[str, Violation]:
    """The first violation of each statement that broke."""
    by_statement = session.findings.by_statement
    return {name: each.violations[0] for name, each in by_statement.items() if each.violations}


def _tokens(session: Session) -> set[str]:
    """The tokens that logins of the run returned: reports redact these."""
    logins = [each for each in session.client.history if each.call.method == "token"]
    return {token for each in logins if (token := token_of(each)) is not None}


# Servers that are wrong for combinations only. They stand here, and in no catalogue.


def state_is_ignored_on_pages(asked: Asked, forward: Forward, _: Memory) -> Answer:
    """A list by state does not look at the state if fields_set and a page are asked for."""
    if asked.method == "list" and {"fields_set", OFFSET, STATE} <= asked.parameters.keys():
        return forward(asked.given(life_cycle_state=None))
    return forward(asked)


def a_wildcard_is_understood(asked: Asked, forward: Forward, _: Memory) -> Answer:
    """Wildcards in entity_id stand for anything, if the entity is given as well."""
    if asked.method == "list" and {"%", "_"} & {*asked.parameters.get("entity_id", "")}:
        return forward(asked.given(entity_id=None))
    return forward(asked)


def half_a_token_will_do(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Show by number takes a token of which it knows a part, in either case."""
    token = (asked.token or "").lower()
    if asked.method == "show" and "number" in asked.identifier and token:
        for known in memory:
            if known.lower().find(token) >= 0 or token.find(known.lower()) >= 0:
                return forward(asked.given(token=known))
    answer = forward(asked)
    if answer.ok and asked.token:
        memory[asked.token] = True
    return answer


def a_deleted_one_is_listed(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """A list by state and workflow rule has deleted webhook requests, a while after the delete."""
    if asked.method == "delete":
        answer = forward(asked)
        if answer.ok:
            memory.setdefault("gone", {}).update({r["id"]: r for r in answer.records if "url" in r})
        return answer
    answer = forward(asked)
    given = asked.parameters
    if asked.method != "list" or not {STATE, "workflow_rule_identifier"} <= given.keys():
        return answer
    gone = [each for each in memory.get("gone", {}).values() if each[STATE] == given[STATE]]
    return answer.with_data([*answer.records, *gone]) if answer.ok and len(gone) > 1 else answer


def by_number_the_old_one_is_shown(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Show by number, with fields_set, has a webhook request as it was before its resend."""
    old = memory.setdefault("old", {})
    if asked.method == "resend" and len(asked.identifier) == 1:
        shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
        answer = forward(asked)
        if answer.ok and shown.ok:
            old[shown.records[0]["number"]] = shown.records[0]
        return answer
    answer = forward(asked)
    before = old.get(asked.identifier.get("number"))
    fields = asked.parameters.get("fields_set")
    if asked.method == "show" and answer.ok and before and fields and STATE in fields:
        return answer.with_data({each: before[each] for each in fields.split(",")})
    return answer


FAULTS: tuple[tuple[Handle, str, set[str]], ...] = (
    (state_is_ignored_on_pages, "R13", {"list.life_cycle_state.filter"}),
    (a_wildcard_is_understood, "R9", {"list.entity_id.filter"}),
    (half_a_token_will_do, "R9", {"token.from_login"}),
    (a_deleted_one_is_listed, "R9", {"delete.gone"}),
    (
        by_number_the_old_one_is_shown,
        "R9",
        {"show.changes_nothing", "list.agrees_with_show", "resend.sends_again"},
    ),
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_combinations_is_found(fault: tuple[Handle, str, set[str]]) -> None:
    """The statement is named, and a short sequence of requests shows it, on anybody's server."""
    handle, release, statements = fault
    for seed in SEEDS:
        session = session_on(somebody_elses(own_mock(release, wrap=wrapped(handle))))
        assert not found_by(session)
        found = found_by(explored(session, seed, times=30))
        for name in statements & found.keys():
            violation = found[name]
            assert violation.layer == "machine"
            assert 1 <= len(violation.witness) <= 8
            last = violation.witness[-1]
            sent = f"{last.query}{last.body!r}".lower()
            assert any(token[1:-1].lower() in sent for token in _tokens(session))
            assert not session.findings.crashes
            return
    pytest.fail(f"not found with any of {len(SEEDS)} seeds")


def test_a_server_that_is_right_breaks_nothing() -> None:
    """Neither our own mock nor the same server as somebody else's is accused."""
    for target in (
        own_mock("R9"), somebody_elses(own_mock("R13")), somebody_elses(own_mock("R18")),
    ):  # fmt: skip
        session = explored(session_on(target), seed=1, times=5)
        assert not found_by(session)
        assert not session.findings.crashes


def test_a_run_makes_use_of_everything() -> None:
    """On our own mock and elsewhere there are all kinds of requests."""
    for target in (own_mock("R10"), somebody_elses(own_mock("R10"))):
        session = explored(session_on(target), times=25)
        expected = {
            *(f"{name}, {outcome}" for name in ("show", "list", "resend", "delete", "token")
              for outcome in ("served", "refused") if (name, outcome) != ("list", "served")),
            "list by 1, several found", "list by 2, several found", "list by 3, none found",
            "token_release, served",
        }  # fmt: skip
        assert {f"machine: {each}" for each in expected} <= session.findings.events.keys()


# What cannot run is told.


class Empty(RuleBasedStateMachine):
    """A machine that can draw nothing."""

    @rule(value=st.nothing())
    def never(self, value: Any) -> None:
        """Cannot be drawn."""


class Faulty(RuleBasedStateMachine):
    """A machine with an error of its own."""

    @rule()
    def fail(self) -> None:
        """Fail as a rule with a mistake in it does."""
        raise ZeroDivisionError


@pytest.mark.parametrize("machine", [Empty, Faulty])
def test_a_layer_that_cannot_run_says_so(
    machine: type[RuleBasedStateMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty strategy or a mistake is an error of the run, not silence."""
    monkeypatch.setattr(layer, "_machine", lambda _: machine)
    for target in (own_mock("R9"), somebody_elses(own_mock("R9"))):
        session = explored(session_on(target))
        assert len(session.findings.crashes) == 1
        assert "state machine" in session.findings.crashes[0]


def test_a_server_that_stops_answering_ends_the_run() -> None:
    """TargetDown leaves the layer, and the session is as it was."""

    def failing(app: Any) -> Callable[..., Any]:
        answered = iter(range(10_000))

        def answer(environ: Any, start_response: Any) -> Any:
            if next(answered) > 60:
                start_response("503 Service Unavailable", [])
                return [b""]
            return app(environ, start_response)

        return answer

    session = session_on(somebody_elses(own_mock("R9", wrap=failing)))
    client, findings = session.client, session.findings
    with pytest.raises(TargetDown):
        explored(session)
    assert (session.client, session.findings) == (client, findings)


# Scope and budget.


def _everything(target: Target) -> dict[str, Any]:
    session = session_on(target, allowed=frozenset())
    return dict(session.pool.records)


def test_nothing_out_of_scope_is_changed() -> None:
    """On somebody else's server only what is in scope is changed, and a witness stays."""
    target = somebody_elses(own_mock("R15"))
    before = _everything(target)
    numbers = frozenset(each["number"] for each in list(before.values())[:30])
    session = session_on(target, scope=Scope(numbers=numbers))
    explored(session, times=40)
    after = _everything(target)

    differing = {key for key in before if before[key] != after.get(key)}
    assert len(differing) > 5
    assert {before[key]["number"] for key in differing} <= numbers
    assert len(before.keys() - after.keys()) <= 12


def test_without_permission_nothing_is_changed() -> None:
    """Without --allow the machine only reads and logs in."""
    target = somebody_elses(own_mock("R9"))
    session = explored(session_on(target, allowed=frozenset()))
    sent = {each.call.method for each in session.client.history}
    assert sent == {"token", "show", "list"}


@pytest.mark.parametrize("left", [1, 7, 40, 150])
def test_a_budget_is_kept(left: int) -> None:
    """The layer uses what is left, and ends without a word."""
    for target in (own_mock("R9"), somebody_elses(own_mock("R9"))):
        session = session_on(target)
        session.client.limits = Limits(max_requests=session.client.sent + left)
        explored(session)
        assert session.client.left == 0
        assert not session.findings.crashes


# The choice of requests.


def _sent(seed: int) -> list[tuple[str, str]]:
    session = session_on(own_mock("R9"))
    began = session.client.sent
    run_stateful(session, max_examples=1, seed=seed)
    return [(e.call.path, e.call.query.partition("&")[2]) for e in session.client.history[began:]]


def test_a_seed_repeats_the_requests() -> None:
    """With one seed the requests are the same; with another they differ."""
    sent = _sent(1)
    assert _sent(1) == sent
    assert _sent(2) != sent


def test_only_keeps_the_rules_that_tell_of_the_statements() -> None:
    """With --only, other requests are not made; with none that can tell, nothing is sent."""
    methods_sent = {}
    for only in ("delete.*", "login.*", "list.url.filter", "no.such.statement"):
        session = session_on(own_mock("R9"))
        began = session.client.sent
        explored(session, only=only, times=5)
        methods_sent[only] = {e.call.method for e in session.client.history[began:]}
        assert not session.findings.crashes
    assert "delete" in methods_sent["delete.*"]
    assert methods_sent["list.url.filter"] == {"token", "list"}
    assert "token" in methods_sent["login.*"]
    assert methods_sent["no.such.statement"] == set()


# Minimizing.


def _calls() -> tuple[Call, ...]:
    known = methods(resolve("R9"))
    show = [
        build(known["show"], {"webhook_request_identifier": {"number": str(n)}}) for n in range(9)
    ]
    delete = build(known["delete"], {"webhook_request_identifier": {"number": "3"}})
    return (*show[:5], delete, *show[5:], show[3])


def test_requests_are_left_out_as_long_as_the_rest_breaks() -> None:
    """The shortest sequence has what is needed, and ends with the request that showed it."""
    calls = _calls()

    def breaks(tried: tuple[Call, ...]) -> bool:
        return calls[0] in tried and calls[5] in tried  # one of them names another webhook request

    made = minimized(calls, breaks, concerned={"number": "3"}, fresh=True)
    assert made == (calls[0], calls[5], calls[-1])
    assert minimized(calls, lambda _: True, concerned=None, fresh=True) == calls[-1:]


def test_parameters_that_are_not_needed_are_left_out() -> None:
    """The last request has what breaks the statement, and its token."""
    given = {"token": "T", "entity": "JOBS", "url": "https://a.example", "fields_set": "id"}
    listed = build(methods(resolve("R9"))["list"], given)

    def breaks(tried: tuple[Call, ...]) -> bool:
        return "url" in tried[-1].parameters

    made = minimized((listed,), breaks, concerned=None, fresh=True)
    assert made[-1] == build(methods(resolve("R9"))["list"], {"token": "T", "url": given["url"]})


def test_elsewhere_nothing_that_changes_is_tried_again() -> None:
    """A sequence with a delete is cut without sending it; one that only reads has a budget."""
    calls, tried = _calls(), []

    def breaks(sequence: tuple[Call, ...]) -> bool:
        tried.append(sequence)
        return False

    made = minimized(calls, breaks, concerned={"number": "3"}, fresh=False)
    assert made == (calls[3], calls[5], calls[-1])
    assert not tried
    minimized(calls[:5] * 9, breaks, concerned={"number": "3"}, fresh=False)
    assert 0 < sum(map(len, tried)) <= MAX_REQUESTS_ELSEWHERE
