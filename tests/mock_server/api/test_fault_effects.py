"""What a fault does: to the caller, to the record, to the journal."""

import base64
import json
import threading
from typing import Any

import pytest
from helpers.patience import PATIENCE, comes
from helpers.records import entries_like_one
from helpers.shells import CALLS, DELETE, LIST, RESEND, SHOW, Seen, Shell

from crmcom_kit.mock_server.protocol.response import MAX_JOINED


@pytest.fixture
def shell() -> Shell:
    """A world whose clock is frozen, behind the Flask application."""
    return Shell()


def code(seen: Seen) -> str:
    return str(json.loads(seen.body)["status"]["code"])


@pytest.mark.parametrize(
    ("status", "line"), [(503, "503 SERVICE"), (299, "299 UNKNOWN"), (500, "500 INTERNAL")]
)
def test_a_status_is_a_gateways_page(shell: Shell, status: int, line: str) -> None:
    shell.world.faults.add({"effect": {"status": status, "retry_after": 7}})

    seen = shell.call(RESEND)

    assert seen.status.startswith(line)
    assert seen.headers["Content-Type"] == "text/html"
    assert int(seen.headers["Content-Length"]) == len(seen.body)
    assert seen.headers["Retry-After"] == "7"
    assert seen.body.startswith(b"<html>")


@pytest.mark.parametrize(
    ("call", "effect"),
    [
        ("resend", {"drop": True}),
        ("resend", {"status": 502}),
        ("resend", {"error": "delivery_failed"}),
        ("resend", {"respond": {"body": "{}"}}),
        ("delete", {"drop": True}),
    ],
)
def test_a_fault_comes_before_the_commit_or_after_it(call: str, effect: Any) -> None:
    """Before it the request can be repeated; after it all is done, and the journal has both."""
    before, after, usual = Shell(), Shell(), Shell()
    start = before.state()
    usual.call(CALLS[call])
    for shell, when in ((before, "before_commit"), (after, "after_commit")):
        shell.world.faults.add({"effect": effect, "when": when, "times": 1})
        seen = shell.call(CALLS[call])
        assert b'"data"' not in seen.body
        assert seen.ended == (seen.body == b"") == ("drop" in effect)

    assert before.state() == start
    assert code(before.call(CALLS[call])) == "OK"
    assert after.state() == usual.state()
    response, expected = after.last.response, usual.last.response
    assert after.last.fault.id == "fault-1"
    assert (response.before, response.after) == (expected.before, expected.after)
    assert response.before is not None
    again = {"resend": "not_rejected", "delete": "unknown_webhook_request"}[call]
    assert code(after.call(CALLS[call])) == after.world.config.dialect[f"errors.{again}.code"]


def test_a_fixed_response_is_sent_as_it_is(shell: Shell) -> None:
    """Status, type, headers and bytes; the journal shows what was sent, but no secret header."""
    body = base64.b64encode(b"\xff{").decode()
    headers = {"X-Request": "7", "Set-Cookie": "session=hunter2"}
    respond = {"status": 299, "headers": headers, "body": body, "encoding": "base64"}
    shell.world.faults.add({"effect": {"respond": respond}})

    seen = shell.call(LIST)

    assert (seen.status, seen.body) == ("299 UNKNOWN", b"\xff{")
    assert seen.headers["Content-Type"] == shell.world.config.dialect["envelope.content_type"]
    assert (seen.headers["X-Request"], seen.headers["Content-Length"]) == ("7", "2")
    shown: Any = shell.world.reader.views()[-1].as_json()
    assert shown["fault"]["effect"] == {"respond": {"status": 299, "body": "(2 bytes)"}}
    assert shown["trace"] == [{"step": "fault"}, {"step": "request", "outcome": "skipped"}]
    assert (shown["code"], shown["response"]["body"]) == (None, "\\xff{")
    assert shown["response"]["headers"]["Set-Cookie"] == "***"


@pytest.mark.parametrize("call", ["list", "resend"])
@pytest.mark.parametrize(
    ("effect", "share", "ended"),
    [
        ({"cut": 10}, lambda _: 10, True),
        ({"cut": 10**9}, lambda whole: whole - 1, True),
        ({"malformed": True}, lambda whole: whole // 2, False),
    ],
)
def test_a_body_is_not_whole(
    shell: Shell, call: str, effect: Any, share: Any, *, ended: bool
) -> None:
    """A cut one has the length of the whole and ends too soon; a malformed one is sent whole."""
    usual = Shell()
    whole = usual.call(CALLS[call]).body
    shell.world.faults.add({"effect": effect})

    seen = shell.call(CALLS[call])

    assert (seen.status, seen.ended) == ("200 OK", ended)
    assert seen.body == whole[: share(len(whole))]
    assert int(seen.headers["Content-Length"]) == len(whole if ended else seen.body)
    assert shell.state() == usual.state()


@pytest.mark.parametrize("selection", ["", "&fields_set=number,id"])
def test_a_streamed_list_is_not_whole(selection: str) -> None:
    """A list that is sent in parts ends where any other does, with the length that it has."""
    entries, entity = entries_like_one(MAX_JOINED + 44)
    shell = Shell(data=entries)
    call = ("GET", f"list?token=T&entity={entity}{selection}", None)
    whole = shell.call(call).body

    for effect in ({"cut": 5_000}, {"malformed": True}, {"drop": True}):
        shell.world.faults.add({"effect": effect, "times": 1, "when": "after_commit"})
    cut, malformed, dropped = (shell.call(call) for _ in range(3))

    assert (cut.ended, cut.body) == (True, whole[:5_000])
    assert cut.headers["Content-Length"] == str(len(whole))
    assert malformed.body == whole[: len(whole) // 2]
    assert dropped.ended


def test_a_token_expires(shell: Shell) -> None:
    """Before the commit the call itself is refused, after it the next; without a token none is."""
    shell.world.faults.add({"effect": {"expire_token": True}, "when": "after_commit", "times": 1})
    codes = [code(shell.call(SHOW)) for _ in range(2)]
    assert codes == ["OK", shell.world.config.dialect["errors.expired_token.code"]]

    shell.world.reset()
    shell.world.faults.add({"effect": {"expire_token": True}})
    shell.call(("GET", "show?webhook_request_identifier=number=7", None))
    assert shell.last.fault is None
    assert code(shell.call(RESEND)) == codes[1]


@pytest.mark.parametrize("call", ["show", "resend", "delete"])
def test_a_record_is_deleted_first(shell: Shell, call: str) -> None:
    """Another user deletes what the request names, by default before the request finds it."""
    record = shell.world.store.get("number", "7")
    assert record is not None
    shell.world.faults.add({"effect": {"delete_record": True}})

    seen = shell.call(CALLS[call])

    assert code(seen) == shell.world.config.dialect["errors.unknown_webhook_request.code"]
    assert shell.world.store.get("number", "7") is None
    assert shell.last.response.before == record.body
    assert shell.last.response.after is None
    shell.call(LIST)
    assert shell.last.fault is None


def test_a_record_is_deleted_afterwards(shell: Shell) -> None:
    shell.world.faults.add({"effect": {"delete_record": True}, "when": "after_commit"})

    assert code(shell.call(SHOW)) == "OK"
    assert shell.world.store.get("number", "7") is None


@pytest.mark.parametrize("beside", [{}, {"expire_token": True}, {"delete_record": True}])
def test_a_reset_ends_the_delay_of_a_request(beside: Any) -> None:
    """A request that waits in the old epoch ends soon after a reset, and changes nothing."""
    shell = Shell()
    shell.world.faults.add({"effect": {"delay": 300, **beside}})
    before = shell.state()
    thread = threading.Thread(target=shell.call, args=(DELETE,))
    thread.start()
    assert comes(lambda: shell.world.faults.all()[0].hits)

    shell.world.reset()
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert shell.state() == before
    assert code(shell.call(SHOW)) == "OK"
