"""A server that is not ours: what a run changes there, what it writes down, and how it ends."""

import errno
import json
import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.far import BOTH, NAME, Wire, ask, changing, config, everything, remote
from helpers.reports import exchange, target
from helpers.sound_servers import broken

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.calls import JSON, build
from crmcom_kit.contract_tests.client.errors import Unreachable, Withheld
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.targets import Login, Target
from crmcom_kit.contract_tests.options.scope import EVERYTHING, Scope
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.reports.terminal import summary_lines
from crmcom_kit.contract_tests.run.results import Outcome
from crmcom_kit.contract_tests.run.run import dry_run, new_session, run
from crmcom_kit.contract_tests.safety.guard import Guard
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.fixtures import webhook_request
from crmcom_kit.schemas import load_dialect, resolve

NAMED = "webhook_request_identifier"
JOB_BOARD = Scope(definition=NAME)


def test_only_what_is_in_scope_is_changed(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    target, wire = remote("R15")
    before = everything(wire, target)
    noted: list[set[str]] = []

    def watch(_: int, request: httpx.Request) -> None:
        if request.url.path.endswith(("/resend", "/delete")):
            lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
            noted.append({json.loads(line)["record"]["number"] for line in lines})

    wire.hook = watch
    limits = Limits(max_requests=90)
    results = run(target, config(allowed=BOTH, scope=JOB_BOARD, ledger=ledger, limits=limits))
    after = everything(wire, target)

    assert broken(results) == []
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
    assert "nothing has changed" in results.inventory
    assert len(wire.requests) <= 90
    assert any("90 requests" in each.why for each in results.statements)


def test_a_token_that_ends_in_mid_run_is_renewed() -> None:
    """The run logs in once more; no POST is sent twice, and nothing is a violation."""
    dialect = load_dialect("default").changed({"tokens.live_at_once": 1})
    target, wire = remote("R15", dialect=dialect)

    def end_the_token(at: int, _: httpx.Request) -> None:
        if at in (40, 80, 120):
            ask(wire, target, "list", entity="JOBS")  # somebody else logs in

    wire.hook = end_the_token
    limits = Limits(max_requests=130)
    results = run(target, config(allowed=BOTH, scope=Scope(everything=True), limits=limits))

    assert results.trouble is None
    assert broken(results) == []
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


@pytest.mark.parametrize("at", [1, 40])
def test_an_outage_is_no_violation(at: int) -> None:
    def go_away(count: int, request: httpx.Request) -> None:
        if count >= at:
            msg = "gone"
            raise httpx.ConnectError(msg, request=request)

    target, _ = remote("R15", go_away)

    results = run(target, config(allowed=BOTH, scope=JOB_BOARD))

    assert results.exit_code == 2
    assert "does not respond" in str(results.trouble)
    assert broken(results) == []


def test_a_dry_run_sends_nothing() -> None:
    target, wire = remote("R15")

    lines = dry_run(target, config(allowed={"resend"}, scope=JOB_BOARD))

    assert not wire.requests
    assert any("webhook_requests/list" in line for line in lines)
    assert "resend: a rejected one (REJECTED), with looks before and after it" in lines
    assert "delete: none" in lines
    assert not any("delete: one" in line for line in lines)


def test_a_login_that_the_release_does_not_have_is_named() -> None:
    """R9 knows no Web API key: a run fails, and a dry run says that nothing would be sent."""
    target, wire = remote("R9")
    target = replace(target, login=Login(api_key="K"))

    planned, results = dry_run(target, config()), run(target, config())

    assert not wire.requests
    assert "no login with --api-key" in planned[0]
    assert "no login with --api-key" in str(results.trouble)


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
    options = {"allowed": BOTH, "scope": JOB_BOARD, "ledger": tmp_path / "ledger"}
    results = run(target, config(only="resend.*", **options))

    assert everything(wire, target) == before
    assert results.exit_code == 2
    assert "cannot be written: No space left" in str(results.trouble)


def test_the_ledger_holds_texts_that_are_not_whole(tmp_path: Path) -> None:
    """Half of a surrogate pair, which JSON can carry, is no reason to stop."""
    record = {"id": "\ud83d", "number": "ü"}

    Ledger(tmp_path / "ledger", target()).note(record, "delete")

    assert json.loads((tmp_path / "ledger").read_text("utf-8"))["record"] == record
    assert (tmp_path / "ledger").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", [".", "none/ledger"])
def test_a_ledger_that_cannot_be_opened_lets_nothing_be_sent(place: str, tmp_path: Path) -> None:
    """A folder, or a path in none, is refused before the first request."""
    target, wire = remote("R15")
    path = tmp_path / place

    results = run(target, config(allowed=BOTH, scope=JOB_BOARD, ledger=path))

    assert not wire.requests
    assert results.exit_code == 2
    assert f"--ledger: {path} cannot be written" in str(results.trouble)


def test_a_loopback_address_is_near() -> None:
    """Nothing else is: a name can be anybody's."""
    hosts = {
        True: ("127.0.0.1", "127.8.0.9:8080", "[::1]:8080", "localhost"),
        False: ("192.0.2.2", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com",
                "[2001:db8::1]", "mock"),
    }  # fmt: skip
    r9 = resolve("R9")
    for is_near, names in hosts.items():
        for host in names:
            target = Target(name="", base_url=f"http://{host}/x", release=r9, login=Login())
            assert target.is_near is is_near, host


@pytest.mark.parametrize(
    ("host", "allowed", "changes"),
    [("localhost", None, True), ("localhost", (), False), ("192.0.2.2", None, False)],
)
def test_only_a_near_server_is_believed_to_be_a_mock(
    host: str, allowed: Collection[str] | None, *, changes: bool
) -> None:
    """One that says it is a mock is changed without leave if it is near, and not forbidden."""
    target, wire = remote("R15")
    far = Wire(wire.inner, keep_header=True)
    base = target.base_url.replace("mock.invalid", host, 1)

    results = run(
        replace(target, base_url=base, transport=far),
        config(only="resend.*", limits=Limits(max_requests=60), allowed=allowed),
    )

    assert bool(changing(far)) is changes
    assert bool(results.changed) is changes


def test_an_unknown_value_never_reaches_another_record() -> None:
    """The id of one record is the number of another: not even where all is in scope."""
    first = webhook_request(index=0, release="R15", id="7", number="5")
    second = webhook_request(index=1, release="R15", number="7")
    target, wire = remote("R15", data=[first, second])
    before = everything(wire, target)
    own_id = before["7"]
    session = new_session(target, config(allowed=BOTH, scope=EVERYTHING))
    session.tokens.enter()
    session.belief.see(own_id, "show", exchange())

    for _ in range(2):
        with pytest.raises(Unreachable, match="the number 7 was expected to be unknown"):
            session.call("delete", {NAMED: {"number": "7"}})
    assert everything(wire, target) == before
    assert session.call("delete", {NAMED: {"id": "7"}}).ok
    session.guard = Guard(
        session.scene, session.client, session.call, may_find_more=True
    )  # as in a user's own tests
    assert session.call("delete", {NAMED: {"number": "7"}}).ok


@pytest.mark.parametrize("lost", [True, False])
def test_a_change_whose_response_is_lost_is_reported(*, lost: bool) -> None:
    target, wire = remote("R15")
    before = everything(wire, target)

    def act_and_drop(_: int, request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/resend"):
            return None
        ok = b'"OK"' in wire.inner.handle_request(request).read()
        if ok and lost:
            msg = "dropped"
            raise httpx.RemoteProtocolError(msg, request=request)
        return httpx.Response(502, text="Bad gateway") if ok else None

    wire.hook = act_and_drop
    few = Limits(max_requests=80)
    results = run(target, config(only="resend.*", allowed=BOTH, scope=JOB_BOARD, limits=few))

    after = everything(wire, target)
    changed = tuple(r["number"] for key, r in before.items() if after.get(key) != r)
    assert changed
    assert sorted(results.changed) == sorted(changed)
    assert results.outcome is Outcome.INCONCLUSIVE  # no resend was served
    assert ("no response came to POST" in str(results.warnings)) == lost
    numbers = ", ".join(results.changed)
    assert any(numbers in line for line in summary_lines(Report(results)))


@pytest.fixture(scope="module", name="target")
def _target() -> Target:
    """A target that refuses the token of the calls to it, so that tests can share it."""
    return remote("R15")[0]


class TestGuard:
    """The guard, which no changing call gets around."""

    @pytest.fixture
    def session(self, target: Target) -> Session:
        """A session that knows one webhook request in scope, and one that is not."""
        session = new_session(target, config(allowed=BOTH, scope=Scope(numbers=frozenset({"1"}))))
        session.scene.token = "none"
        for number, record_id in (("1", "A"), ("2", "B")):
            session.belief.see({"id": record_id, "number": number}, "list", exchange())
        return session

    def test_an_identifier_that_may_name_another_record_is_not_sent(self, session: Session) -> None:
        """Under a scope no members, types and values pass but documented ones of what is in it."""
        undocumented: Sequence[dict[str, Any]] = (
            {NAMED: {"id": "B"}}, {NAMED: {"number": "2"}}, {NAMED: {"x": ["B"]}},
            {}, {NAMED: {}}, {NAMED: {"id": ""}}, {NAMED: {"id": "A", "number": "1"}},
            {NAMED: {"number": 1}}, {NAMED: {"id": ["A"]}}, {NAMED: [{"id": "A"}]}, {NAMED: "id=A"},
            {NAMED: {"id": "A", "name": "x"}}, {NAMED: {"entity_id": "A"}}, {NAMED: {"ID": "A"}},
            {NAMED: {"id": "A"}, "nosuch": "1"}, {NAMED: {"id": "A"}, "fields_set": ["id"]},
            {NAMED: {"id": "A"}, "fields_set": "id,nosuch"}, {NAMED: {"id": "A"}, "token": ["T"]},
            *({NAMED: {"id": each}} for each in ("a", "A%", "A' OR '1'='1", " A", "A,B", "_", "1")),
            *({NAMED: {"number": each}} for each in ("01", "1.0", "1x", "-1", "10", "A", "9" * 20)),
        )  # fmt: skip
        for method, parameters in product(BOTH, undocumented):
            with pytest.raises(Withheld, match=r"--scope all|is out of scope"):
                session.call(method, parameters)
            assert session.client.sent == 0, parameters

    def test_an_undocumented_form_of_a_change_is_not_sent(self, session: Session) -> None:
        """Under a scope no other verb, path, query, header or body passes than the documented."""
        right = build(session.method("delete"), {"token": "T", NAMED: {"id": "A"}})
        changes: Sequence[dict[str, Any]] = (
            {"verb": "GET"}, {"verb": "DELETE"}, {"path": "webhook_requests/delete/"},
            {"path": "webhook_requests/Delete"}, {"path": "webhook_requests/%64elete"},
            {"path": "webhook_requests/delete_nosuch"}, {"path": "webhook_requests/show;delete"},
            {"query": "webhook_request_identifier=id=A"}, {"headers": ()}, {"body": None},
            {"headers": (*JSON, ("Authorization", "Bearer T"))},
            {"body": b'{"token": "T", "webhook_request_identifier": {"id": "A", "id": "B"}}'},
            {"body": b'[{"token": "T", "webhook_request_identifier": {"id": "A"}}]'},
        )  # fmt: skip
        for changed in changes:
            with pytest.raises(Withheld, match="only documented requests"):
                session.send(replace(right, method="", **changed))
            assert session.client.sent == 0, changed

    @pytest.mark.parametrize("record_id", ["A", "ID0==", "=", "a,b", "number=2", "a=b,c=d"])
    def test_what_is_in_scope_passes(self, session: Session, record_id: str) -> None:
        """It is sent, and counted as touched, even if its id looks like a list of fields."""
        session.belief.see({"id": record_id, "number": "1"}, "list", exchange())

        session.call("resend", {NAMED: {"id": record_id}})

        assert [e.call.method for e in session.client.history].count("resend") == 1
        assert list(session.guard.touched_records) == [record_id]

    @pytest.mark.parametrize(
        ("changes", "unclear"), [({}, {"A"}), ({"max_requests": 0}, set()), ({"ends_at": 0}, set())]
    )
    def test_what_a_spent_budget_keeps_from_being_sent_is_not_changed(
        self, session: Session, changes: dict[str, Any], unclear: set[str]
    ) -> None:
        """Only the webhook request of a request that went out may have changed."""
        session.client.ends_at = changes.get("ends_at", math.inf)
        session.client.limits = Limits(max_requests=changes.get("max_requests"))
        call = build(session.method("delete"), {"token": "T", NAMED: {"id": "A"}})

        session.guard(call)

        assert session.guard.unclear_ids == unclear

    def test_a_number_of_several_is_not_sent(self, session: Session) -> None:
        """It is no identifier of the one in scope; its id is."""
        for each in ("A", "C"):
            session.belief.see({"id": each, "number": "1"}, "list", exchange())

        with pytest.raises(Withheld, match="the number of several"):
            session.call("delete", {NAMED: {"number": "1"}})
        session.call("delete", {NAMED: {"id": "A"}})

    @pytest.mark.parametrize(
        "query",
        ["webhook_request_identifier=number=2", "webhook_request_identifier=x=1,id=B",
         "webhook_request_identifier=C==", "webhook_request_identifier=id=C==", "a=B&a=A"],
    )  # fmt: skip
    def test_a_query_is_read_in_every_way(self, session: Session, query: str) -> None:
        """What is named in a text is counted as touched, too."""
        session.scene.scope = EVERYTHING
        session.belief.see({"id": "C==", "number": "2"}, "list", exchange())
        path = session.method("delete").path

        session.send(Call("delete", "POST", path, query))

        assert "2" in {each["number"] for each in session.guard.touched_records.values()}

    @pytest.mark.parametrize("scope", [Scope(numbers=frozenset({"1"})), Scope(everything=True)])
    def test_what_is_unknown_is_shown_first(self, session: Session, scope: Scope) -> None:
        """An identifier that nobody has looked up yet might name something after all."""
        session.scene.scope = scope
        nowhere = {"number": session.scene.nowhere["number"]}
        session.call("delete", {NAMED: nowhere})
        session.call("delete", {NAMED: nowhere})

        called = [exchange.call.method for exchange in session.client.history]
        shown = [each for each in session.client.history if each.call.method == "show"]
        assert called[:2] == ["show", "delete"]
        assert called.count("delete") == 2
        named = [each.call.parameters.get(NAMED) for each in shown]
        assert named.count(nowhere) == 1
