"""No changing call gets around the scope, the ledger, and what a server says of itself."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.far import BOTH, NAME, Wire, changing, config, everything, remote

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.calls import JSON, build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.findings import Unreachable, Withheld
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.reports.terminal import closing
from crmcom_kit.contract_tests.run import new_session, run
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.safety.scope import EVERYTHING, Guard, Scope
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.fixtures import webhook_request

NAMED = "webhook_request_identifier"


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
    ledger = tmp_path / "ledger"
    results = run(target, config(only="resend.*", allowed=BOTH, scope=scope, ledger=ledger))

    assert everything(wire, target) == before
    assert results.exit_code == 2
    assert "cannot be written: No space left" in str(results.trouble)


def test_the_ledger_holds_texts_that_are_not_whole(tmp_path: Path) -> None:
    """Half of a surrogate pair, which JSON can carry, is no reason to stop."""
    record = {"id": "\ud83d", "number": "ü"}

    Ledger(tmp_path / "ledger", "").note(record, "delete")

    assert json.loads((tmp_path / "ledger").read_text("utf-8"))["record"] == record


def test_a_ledger_that_cannot_be_opened_lets_nothing_be_sent(tmp_path: Path) -> None:
    """A folder, or a place in none, is told of before the first request."""
    for path in (tmp_path, tmp_path / "none" / "ledger"):
        target, wire = remote("R15")

        results = run(target, config(allowed=BOTH, scope=Scope(definition=NAME), ledger=path))

        assert not wire.requests
        assert results.exit_code == 2
        assert f"--ledger: {path} cannot be written" in str(results.trouble)


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True), ("127.8.0.9:8080", True), ("[::1]:8080", True), ("localhost", True),
        ("192.0.2.2", False), ("10.0.0.1", False), ("127.0.0.1.example.com", False),
        ("localhost.example.com", False), ("[2001:db8::1]", False), ("mock", False),
    ],
)  # fmt: skip
def test_only_a_near_server_is_believed_to_be_a_mock(host: str, *, near: bool) -> None:
    """A server elsewhere that says it is a mock of ours is not changed unless --allow says so."""
    target, wire = remote("R15")
    assert isinstance(target.transport, Wire)
    far = Wire(wire.inner, keep_header=True)
    base = target.base_url.replace("mock.invalid", host, 1)

    results = run(
        replace(target, base_url=base, transport=far),
        config(only="resend.*", limits=Limits(max_requests=60)),
    )

    assert bool(changing(far)) is near
    assert bool(results.changed) is near


def test_an_unknown_value_never_reaches_another_record() -> None:
    """The id of one record is the number of another: not even where all is in scope."""
    one = webhook_request(index=0, release="R15", id="7", number="5")
    other = webhook_request(index=1, release="R15", number="7")
    target, wire = remote("R15", data=[one, other])
    before = everything(wire, target)
    own_id = before["7"]
    session = new_session(target, config(allowed=BOTH, scope=EVERYTHING))
    session.tokens.enter()
    session.belief.records["7"] = own_id

    for _ in range(2):
        with pytest.raises(Unreachable, match="the number 7 was expected to be unknown"):
            session.call("delete", {NAMED: {"number": "7"}})
    assert everything(wire, target) == before
    assert session.call("delete", {NAMED: {"id": "7"}}).ok
    session.guard = Guard(session, may_find_more=True)  # as in a user's own tests
    assert session.call("delete", {NAMED: {"number": "7"}}).ok


@pytest.mark.parametrize("lost", [True, False])
def test_a_change_whose_answer_is_lost_is_reported(*, lost: bool) -> None:
    """What may have been changed is named beside what was, in the terminal and in JSON."""
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
    results = run(target, config(only="resend.*", allowed=BOTH, scope=Scope(definition=NAME)))

    after = everything(wire, target)
    changed = tuple(r["number"] for key, r in before.items() if after.get(key) != r)
    assert changed
    assert sorted(results.changed) == sorted(changed)
    assert results.exit_code == (2 if lost else 0)
    numbers = ", ".join(results.changed)
    assert any(numbers in line for line in closing(Report(results)))


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
            session.belief.records[record_id] = {"id": record_id, "number": number}
        return session

    @pytest.mark.parametrize(
        "identifier",
        [{"id": "B"}, {"number": "2"}, {"number": 2}, {"id": "A", "number": "2"}, {"x": ["B"]}],
    )
    @pytest.mark.parametrize("method", sorted(BOTH))
    def test_what_is_out_of_scope_is_not_named(
        self, session: Session, method: str, identifier: dict[str, Any]
    ) -> None:
        """In whatever way a call names it, it is not sent."""
        with pytest.raises(Withheld):
            session.call(method, {"webhook_request_identifier": identifier})

        assert session.client.sent == 0

    @pytest.mark.parametrize(
        "given",
        [
            {}, {NAMED: {}}, {NAMED: {"id": ""}}, {NAMED: {"id": "A", "number": "1"}},
            {NAMED: {"number": 1}}, {NAMED: {"id": ["A"]}}, {NAMED: [{"id": "A"}]}, {NAMED: "id=A"},
            {NAMED: {"id": "A", "name": "x"}}, {NAMED: {"entity_id": "A"}}, {NAMED: {"ID": "A"}},
            {NAMED: {"id": "A"}, "nosuch": "1"}, {NAMED: {"id": "A"}, "fields_set": ["id"]},
            {NAMED: {"id": "A"}, "fields_set": "id,nosuch"}, {NAMED: {"id": "A"}, "token": ["T"]},
            *({NAMED: {"id": each}} for each in ("a", "A%", "A' OR '1'='1", " A", "A,B", "_", "1")),
            *({NAMED: {"number": each}} for each in ("01", "1.0", "1x", "-1", "10", "A", "9" * 20)),
        ],
        ids=repr,
    )  # fmt: skip
    @pytest.mark.parametrize("method", sorted(BOTH))
    def test_what_might_name_another_one_is_not_sent(
        self, session: Session, method: str, given: dict[str, Any]
    ) -> None:
        """Under a scope no other members, types and values pass than documented and shown ones."""
        with pytest.raises(Withheld, match="--all-records"):
            session.call(method, given)

        assert session.client.sent == 0

    @pytest.mark.parametrize(
        "changed",
        [
            {"verb": "GET"}, {"verb": "DELETE"}, {"path": "webhook_requests/delete/"},
            {"path": "webhook_requests/Delete"}, {"path": "webhook_requests/%64elete"},
            {"path": "webhook_requests/delete_nosuch"}, {"path": "webhook_requests/show;delete"},
            {"query": "webhook_request_identifier=id=A"}, {"headers": ()}, {"body": None},
            {"headers": (*JSON, ("Authorization", "Bearer T"))},
            {"body": b'{"token": "T", "webhook_request_identifier": {"id": "A", "id": "B"}}'},
            {"body": b'[{"token": "T", "webhook_request_identifier": {"id": "A"}}]'},
        ],
        ids=repr,
    )  # fmt: skip
    def test_a_call_that_is_written_another_way_is_not_sent(
        self, session: Session, changed: dict[str, Any]
    ) -> None:
        """Under a scope no other verb, path, query, header or body passes than the documented."""
        right = build(session.method("delete"), {"token": "T", NAMED: {"id": "A"}})

        with pytest.raises(Withheld, match="only documented requests"):
            session.send(replace(right, method="", **changed))

        assert session.client.sent == 0

    def test_what_is_in_scope_passes(self, session: Session) -> None:
        """A call that names what is in scope is sent, and counted as touched."""
        session.call("resend", {"webhook_request_identifier": {"number": "1"}})

        assert [e.call.method for e in session.client.history].count("resend") == 1
        assert session.guard is not None
        assert list(session.guard.touched) == ["A"]

    @pytest.mark.parametrize("record_id", ["ID0==", "=", "a,b", "number=2", "a=b,c=d"])
    def test_an_id_may_look_like_a_list_of_fields(self, session: Session, record_id: str) -> None:
        """One with `=` or a comma in it is found in scope, and counted as touched."""
        session.belief.records[record_id] = {"id": record_id, "number": "1"}

        session.call("resend", {"webhook_request_identifier": {"id": record_id}})

        assert session.guard is not None
        assert list(session.guard.touched) == [record_id]

    @pytest.mark.parametrize(
        "query",
        ["webhook_request_identifier=number=2", "webhook_request_identifier=x=1,id=B",
         "webhook_request_identifier=C==", "webhook_request_identifier=id=C==", "a=B&a=A"],
    )  # fmt: skip
    def test_a_query_is_read_in_every_way(self, session: Session, query: str) -> None:
        """What is named in a text is counted as touched, too."""
        session.scene.may_change, session.scene.everything = EVERYTHING, True
        session.belief.records["C=="] = {"id": "C==", "number": "2"}
        path = session.method("delete").path

        session.send(Call("delete", "POST", path, query))

        assert session.guard is not None
        assert "2" in {each["number"] for each in session.guard.touched.values()}

    @pytest.mark.parametrize("scope", [Scope(numbers=frozenset({"1"})), Scope(everything=True)])
    def test_what_is_unknown_is_shown_first(self, session: Session, scope: Scope) -> None:
        """An identifier that nobody has looked up yet might name something after all."""
        session.scene.may_change, session.scene.everything = scope, scope.is_free
        nowhere = {"number": session.scene.nowhere["number"]}
        session.call("delete", {"webhook_request_identifier": nowhere})
        session.call("delete", {"webhook_request_identifier": nowhere})

        called = [exchange.call.method for exchange in session.client.history]
        shown = [each for each in session.client.history if each.call.method == "show"]
        assert called[:2] == ["show", "delete"]
        assert called.count("delete") == 2
        named = [each.call.parameters.get("webhook_request_identifier") for each in shown]
        assert named.count(nowhere) == 1
