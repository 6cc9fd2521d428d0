"""A server that is not ours: what a run changes there, what it writes down, and how it ends."""

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmcom_kit.contract_tests.findings import Unreachable, Verdict
from crmcom_kit.contract_tests.kit import Kit
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.safety.pool import Pool
from crmcom_kit.contract_tests.safety.scope import Guard, Scope
from crmcom_kit.contract_tests.sending.client import Client, Limits
from crmcom_kit.contract_tests.sending.exchanges import Call
from crmcom_kit.contract_tests.suite import Plan, run
from crmcom_kit.contract_tests.targets import Login, Target, own_mock
from crmcom_kit.contract_tests.worlds import entries
from crmcom_kit.schemas import load_dialect, resolve

NAME = "New = changed & renewed, 100%"  # of a webhook definition with four webhook requests each
BOTH = frozenset(("resend", "delete"))

Hook = Callable[[int, httpx.Request], httpx.Response | None]


class Wire(httpx.BaseTransport):
    """The way to a mock that does not say that it is one; ``hook`` may answer in its place."""

    def __init__(self, inner: httpx.BaseTransport, hook: Hook | None = None) -> None:
        self.inner = inner
        self.hook = hook
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        self.requests.append(request)
        answer = self.hook(len(self.requests), request) if self.hook else None
        if answer is None:
            answer = self.inner.handle_request(request)
            answer.headers.pop("X-Crmcom-Mock", None)
        return answer


def remote(release: str = "R15", hook: Hook | None = None, **options: Any) -> tuple[Target, Wire]:
    """A target that is a mock, and does not look like one."""
    mock = own_mock(release, data=entries(resolve(release)), **options)
    assert mock.transport is not None
    wire = Wire(mock.transport, hook)
    return replace(mock, name="somebody's server", own=False, transport=wire), wire


def ask(wire: Wire, target: Target, method: str, **parameters: Any) -> httpx.Response:
    """Call a target beside the run, as somebody else does."""
    with httpx.Client(transport=wire.inner, base_url=target.base_url) as other:
        login = {name: getattr(target.login, name) for name in ("username", "password")}
        login["organisation"] = target.login.organisation
        token = other.post("authentication/token", json=login).json()["data"]["token"]
        if method == "list":
            return other.get("webhook_requests/list", params={"token": token, **parameters})
        return other.post(f"webhook_requests/{method}", json={"token": token, **parameters})


def everything(wire: Wire, target: Target) -> dict[str, Any]:
    """All webhook requests of a target, by id."""
    found = {}
    for entity in target.release.entities:
        for record in ask(wire, target, "list", entity=entity).json()["data"]:
            found[record["id"]] = record
    return found


def plan(**given: Any) -> Plan:
    """A plan with few generated calls."""
    return Plan(max_examples=0, **given)


def violations(results: Results) -> list[str]:
    """All that is broken or went wrong."""
    wrong = (Verdict.BROKEN, Verdict.ERROR)
    return [
        f"{each.statement.id}: {each.why} {[str(v) for v in each.violations]}"
        for each in results.statements
        if each.verdict in wrong
    ]


def changing(wire: Wire) -> list[httpx.Request]:
    """The requests that went to resend and delete."""
    return [each for each in wire.requests if each.url.path.endswith(("/resend", "/delete"))]


@pytest.mark.parametrize("release", ["R9", "R15"])
def test_nothing_is_changed_unless_allowed(release: str) -> None:
    """Without --allow neither resend nor delete is called."""
    target, wire = remote(release)
    before = everything(wire, target)

    results = run(target, plan())

    assert not violations(results)
    assert not changing(wire)
    assert everything(wire, target) == before
    assert not results.changed
    assert "all are the same" in results.inventory


@pytest.mark.parametrize("release", ["R9", "R15"])
def test_only_what_is_in_scope_is_changed(release: str, tmp_path: Path) -> None:
    """Nothing outside the scope differs afterwards, and the ledger has all that was changed."""
    ledger = tmp_path / "ledger.jsonl"
    target, wire = remote(release)
    before = everything(wire, target)
    noted: list[set[str]] = []

    def watch(_: int, request: httpx.Request) -> None:
        if request.url.path.endswith(("/resend", "/delete")):
            lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
            noted.append({json.loads(line)["record"]["number"] for line in lines})

    wire.hook = watch
    results = run(target, plan(allowed=BOTH, scope=Scope(definition=NAME), ledger=ledger))
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
    assert "all are the same" in results.inventory


def test_nothing_is_changed_once_the_ledger_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk ends the run before the change that could not be written down."""
    target, wire = remote("R15")
    before = everything(wire, target)

    def full(_: int) -> None:
        if (tmp_path / "ledger").read_text("utf-8"):  # there is room to open it, and no more
            raise OSError(errno.ENOSPC, "No space left")

    monkeypatch.setattr("crmcom_kit.contract_tests.safety.ledger.os.fsync", full)
    scope = Scope(definition=NAME)
    results = run(target, plan(allowed=BOTH, scope=scope, ledger=tmp_path / "ledger"))

    assert everything(wire, target) == before
    assert results.exit_code == 2
    assert "cannot be written: No space left" in str(results.trouble)


def test_a_ledger_that_cannot_be_opened_lets_nothing_be_sent(tmp_path: Path) -> None:
    """A folder, or a place in none, is told of before the first request."""
    for path in (tmp_path, tmp_path / "none" / "ledger"):
        target, wire = remote("R15")

        results = run(target, plan(allowed=BOTH, scope=Scope(definition=NAME), ledger=path))

        assert not wire.requests
        assert results.exit_code == 2
        assert f"the ledger {path} cannot be written" in str(results.trouble)


def test_numbers_can_be_the_scope() -> None:
    """Only the webhook requests with these numbers are changed."""
    target, wire = remote("R15")
    before = everything(wire, target)

    results = run(target, plan(allowed=BOTH, scope=Scope(numbers=frozenset({"1", "2"}))))
    after = everything(wire, target)

    assert not violations(results)
    assert {before[key]["number"] for key in before if after.get(key) != before[key]} <= {"1", "2"}
    assert set(results.changed) <= {"1", "2"}


def test_the_budget_is_kept_and_the_inventory_has_its_share() -> None:
    """No more requests go out than allowed, and what was not to be changed is still compared."""
    target, wire = remote("R15")

    results = run(
        target,
        plan(allowed=BOTH, scope=Scope(definition=NAME), limits=Limits(max_requests=90)),
    )

    assert len(wire.requests) <= 90
    assert not violations(results)
    assert "all are the same" in results.inventory
    assert any("90 requests" in each.why for each in results.statements)


def test_a_token_that_ends_in_mid_run_is_renewed() -> None:
    """The run logs in once more; no POST is sent twice, and nothing is a violation."""
    dialect = load_dialect("default").changed({"tokens.live_at_once": 1})
    target, wire = remote("R15", dialect=dialect)

    def end_the_token(at: int, _: httpx.Request) -> None:
        if at in (40, 80, 120):
            ask(wire, target, "list", entity="JOBS")  # somebody else logs in

    wire.hook = end_the_token
    results = run(target, plan(allowed=BOTH, scope=Scope(everything=True)))

    assert results.trouble is None
    assert not violations(results)
    bodies = [each.content for each in changing(wire)]
    served = [e for e in results.history if e.ok and e.call.method in BOTH]
    assert len({e.call.body for e in served}) == len(served), bodies


def test_a_token_alone_cannot_be_renewed() -> None:
    """Where only a token was given, its end ends the run; a wrong one ends it at once."""
    target, wire = remote("R15")
    wrong = replace(target, login=replace(target.login, token="wrong", username=None, api_key=None))

    results = run(wrong, plan())

    assert results.exit_code == 2
    assert "does not accept the token" in str(results.trouble)
    assert len(wire.requests) < 5


@pytest.mark.parametrize("at", [1, 30, 200])
def test_an_outage_is_no_violation(at: int) -> None:
    """A target that goes away ends the run with an error, whenever it does."""

    def go_away(count: int, request: httpx.Request) -> None:
        if count >= at:
            msg = "gone"
            raise httpx.ConnectError(msg, request=request)

    target, _ = remote("R15", go_away)

    results = run(target, plan(allowed=BOTH, scope=Scope(definition=NAME)))

    assert results.exit_code == 2
    assert "does not answer" in str(results.trouble)
    assert not violations(results)


def test_ctrl_c_ends_with_a_report() -> None:
    """What was found until then is reported."""

    def interrupt(count: int, _: httpx.Request) -> None:
        if count == 60:
            raise KeyboardInterrupt

    target, _ = remote("R15", interrupt)

    results = run(target, plan())

    assert results.trouble == "interrupted"
    assert results.achieved > 0
    assert len(results.history) == 59


def test_waits_are_respected_in_mid_run() -> None:
    """Each request that is told to wait comes again, and the run is none the worse for it."""
    told: set[int] = set()

    def busy(count: int, _: httpx.Request) -> httpx.Response | None:
        if count % 10 == 0 and count - 1 not in told:
            told.add(count)
            return httpx.Response(429, headers={"Retry-After": "0"}, text="slow down")
        return None

    target, wire = remote("R15", busy)

    results = run(target, plan())

    assert told
    assert not violations(results)
    assert len(wire.requests) == len(results.history) + len(told)


@pytest.mark.parametrize("login", [{}, {"token": "T"}])
def test_a_base_url_without_its_path_is_told_so(login: dict[str, str]) -> None:
    """Who forgets the path is told, and no statement is broken by a server that is no API."""
    target, _ = remote("R15", lambda *_: httpx.Response(404, json={"error": "no such path"}))
    given = Login(**login) if login else target.login
    target = replace(target, base_url="http://mock", login=given)

    results = run(target, plan())

    assert "ends in /crmapi/rest/v2: http://mock/crmapi/rest/v2" in str(results.trouble)
    assert not violations(results)
    assert results.exit_code == 2


def test_a_dry_run_sends_nothing() -> None:
    """It says what would be called, and how many webhook requests it takes."""
    target, wire = remote("R15")

    results = run(target, plan(dry_run=True, allowed=BOTH, scope=Scope(definition=NAME)))

    assert not wire.requests
    assert results.exit_code == 0
    assert any("webhook_requests/list" in note for note in results.notes)
    assert any(note.startswith("needed for resend: 7 REJECTED") for note in results.notes)


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        (None, "called only on a mock of this project, unless --allow none: "),
        (frozenset(), "not called, since delete is not allowed: "),
    ],
)
def test_a_dry_run_says_what_it_cannot_know(allowed: frozenset[str] | None, told: str) -> None:
    """Whether a target is a mock that may be changed anyway turns out only when it answers."""
    target, _ = remote("R15")

    results = run(target, plan(dry_run=True, allowed=allowed))

    assert any(note.startswith(told) and "(delete." in note for note in results.notes)


def test_a_mock_of_ours_may_be_changed_by_default() -> None:
    """A target that says it is a mock of ours is changed, unless something else is said."""
    target, wire = remote("R9")
    open_mock = replace(target, transport=wire.inner)

    changed = run(open_mock, plan())
    kept = run(open_mock, plan(allowed=frozenset()))

    assert changed.changed
    assert not violations(changed)
    assert not kept.changed


def test_what_somebody_else_changes_is_no_violation() -> None:
    """A webhook request that another client sends again meanwhile is noted."""
    target, wire = remote("R15")
    done: list[str] = []

    def send_another(count: int, request: httpx.Request) -> None:
        if count == 30 and not request.url.path.endswith("token"):
            record = next(
                each
                for each in everything(wire, target).values()
                if each["life_cycle_state"] == "REJECTED"
            )
            ask(wire, target, "resend", webhook_request_identifier={"id": record["id"]})
            done.append(record["number"])

    wire.hook = send_another
    results = run(target, plan())

    assert done
    wrong = {each.statement.id for each in results.statements if each.verdict is Verdict.BROKEN}
    assert not wrong & {"show.changes_nothing", "list.changes_nothing", "list.agrees_with_show"}


class TestGuard:
    """The guard, which no changing call gets around."""

    @pytest.fixture
    def kit(self) -> Kit:
        """A kit that knows one webhook request in scope, and one that is not."""
        target, _ = remote("R15")
        pool = Pool(Scope(numbers=frozenset({"1"})))
        kit = Kit(Client(target, Limits()), allowed=BOTH, pool=pool)
        kit.token = "none"
        for number, record_id in (("1", "A"), ("2", "B")):
            pool.learn({"id": record_id, "number": number})
        kit.guard = Guard(kit)
        return kit

    @pytest.mark.parametrize(
        "identifier",
        [{"id": "B"}, {"number": "2"}, {"number": 2}, {"id": "A", "number": "2"}, {"x": ["B"]}],
    )
    @pytest.mark.parametrize("method", sorted(BOTH))
    def test_what_is_out_of_scope_is_not_named(
        self, kit: Kit, method: str, identifier: dict[str, Any]
    ) -> None:
        """In whatever way a call names it, it is not sent."""
        with pytest.raises(Unreachable, match="number 2 is out of scope"):
            kit.call(method, {"webhook_request_identifier": identifier})

        assert kit.client.sent == 0

    def test_what_is_in_scope_passes(self, kit: Kit) -> None:
        """A call that names what is in scope is sent, and counted as touched."""
        kit.call("resend", {"webhook_request_identifier": {"number": "1"}})

        assert kit.client.sent == 1
        assert kit.guard is not None
        assert list(kit.guard.touched) == ["A"]  # type: ignore[attr-defined]

    @pytest.mark.parametrize("record_id", ["ID0==", "=", "a,b", "number=2", "a=b,c=d"])
    def test_an_id_may_look_like_a_list_of_fields(self, kit: Kit, record_id: str) -> None:
        """One with `=` or a comma in it is found in scope, and counted as touched."""
        kit.pool.learn({"id": record_id, "number": "1"})

        kit.call("resend", {"webhook_request_identifier": {"id": record_id}})

        assert kit.guard is not None
        assert list(kit.guard.touched) == [record_id]

    @pytest.mark.parametrize(
        "query",
        ["webhook_request_identifier=number=2", "webhook_request_identifier=x=1,id=B",
         "webhook_request_identifier=C==", "webhook_request_identifier=id=C==", "a=B&a=A"],
    )  # fmt: skip
    def test_a_query_is_read_in_every_way(self, kit: Kit, query: str) -> None:
        """What is out of scope is found in a text, too."""
        kit.pool.learn({"id": "C==", "number": "2"})
        path = kit.method("delete").path

        with pytest.raises(Unreachable, match="number 2 is out of scope"):
            kit.send(Call("delete", "POST", path, query))

    def test_what_is_unknown_is_shown_first(self, kit: Kit) -> None:
        """An identifier that nobody has looked up yet might name something after all."""
        kit.call("delete", {"webhook_request_identifier": {"number": "77"}})
        kit.call("delete", {"webhook_request_identifier": {"number": "77"}})

        called = [exchange.call.method for exchange in kit.client.history]
        assert called == ["show", "delete", "delete"]
