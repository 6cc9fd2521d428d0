"""Each kind of vendor error is provoked by a real request; its three dials change its answer."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.schemas import dials, load_dialect
from crmcom_kit.schemas.dialect import error_kinds, statement_of_error
from crmcom_kit.schemas.statements import statement

NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
RESEND = "webhook_requests/resend"
SEVEN = {"token": "T", "webhook_request_identifier": {"number": "7"}}


class Provocation(NamedTuple):
    """What brings about a kind of error."""

    dispatch: Callable[[Any], Any]
    release: str = "R10"
    besides: Mapping[str, Any] = MappingProxyType({})


class ReentrantDelivery:
    """A receiver that asks for the same resend while it is being sent to."""

    mock: Any
    reply: Any = None

    def send(self, _: Any) -> Outcome:
        """Resend again, and accept."""
        self.reply = self.mock.resend()
        return Outcome("success", None, None, 200)

    def reset(self) -> None:
        """Forget nothing."""


def expired(mock: Any) -> Any:
    """A call with a token of yesterday."""
    token = mock.login().data["token"]
    mock.world.clock.advance(86_400)
    return mock.send("GET", "webhook_requests/list", f"token={token}&entity=JOBS")


def released(mock: Any) -> Any:
    """A call with a token that was released."""
    assert mock.send("POST", "authentication/token/release", body={"token": "T"}).code == "OK"
    return mock.show()


def under_way(mock: Any) -> Any:
    """A resend during a resend."""
    mock.world.current_epoch.delivery.mock = mock
    assert mock.resend().data["life_cycle_state"] == "SUCCESSFUL"
    return mock.world.current_epoch.delivery.reply


PROVOCATIONS: dict[str, Provocation] = {
    "missing_token": Provocation(lambda mock: mock.send("GET", "webhook_requests/show")),
    "invalid_token": Provocation(lambda mock: mock.send("GET", "webhook_requests/show", "token=x")),
    "expired_token": Provocation(expired),
    "released_token": Provocation(released),
    "wrong_credentials": Provocation(lambda mock: mock.login(password="x")),
    "unknown_unit": Provocation(lambda mock: mock.login(unit="x")),
    "missing_parameter": Provocation(
        lambda mock: mock.send("POST", "authentication/token", body={})
    ),
    "no_identifier": Provocation(lambda mock: mock.show("7")),
    "several_identifiers": Provocation(lambda mock: mock.show("number=7,id=8")),
    "unknown_identifier_field": Provocation(lambda mock: mock.show("name=7")),
    "no_semi_optional": Provocation(lambda mock: mock.list("url=x")),
    "empty_value": Provocation(lambda mock: mock.show("number=")),
    "wrong_type": Provocation(lambda mock: mock.delete(number=7)),
    "invalid_value": Provocation(lambda mock: mock.show("number=%00")),
    "duplicate_parameter": Provocation(lambda mock: mock.list("entity=JOBS&entity=JOBS")),
    "unknown_parameter": Provocation(
        lambda mock: mock.list("entty=JOBS"), besides={"requests.unknown_parameters": "strict"}
    ),
    "misplaced_parameter": Provocation(
        lambda mock: mock.send("POST", RESEND, "token=T", body=SEVEN),
        besides={"requests.query_on_post": "error"},
    ),
    "unsupported_entity": Provocation(lambda mock: mock.list("entity=LEADS")),
    "bad_life_cycle_state": Provocation(lambda mock: mock.list("entity=JOBS&life_cycle_state=x")),
    "bad_date": Provocation(lambda mock: mock.list("entity=JOBS&created_date=x")),
    "bad_fields_set": Provocation(lambda mock: mock.show(fields_set="x")),
    "bad_paging": Provocation(lambda mock: mock.list("entity=JOBS&offset=x"), "R13"),
    "unknown_webhook_request": Provocation(lambda mock: mock.delete("0")),
    "unknown_webhook_definition": Provocation(
        lambda mock: mock.list("webhook_definition_identifier=name=x")
    ),
    "unknown_workflow_rule": Provocation(lambda mock: mock.list("workflow_rule_identifier=name=x")),
    "not_rejected": Provocation(lambda mock: mock.resend("14")),
    "resend_under_way": Provocation(under_way),
    "definition_not_effective": Provocation(
        lambda mock: mock.resend("82"), besides={"resend.definition_not_effective": "error"}
    ),
    "delivery_failed": Provocation(
        lambda mock: mock.resend(),
        besides={"resend.failed": "error", "delivery.script": "timeout"},
    ),
    "bad_body": Provocation(lambda mock: mock.send("POST", RESEND, body=b"x")),
    "bad_charset": Provocation(lambda mock: mock.send("POST", RESEND, body=b"\xff")),
    "body_too_large": Provocation(lambda mock: mock.send("POST", RESEND, body=b" " * 2_000_000)),
    "unknown_method": Provocation(lambda mock: mock.send("GET", "webhook_requests/update")),
    "wrong_verb": Provocation(lambda mock: mock.send("DELETE", "webhook_requests/delete")),
    "method_withdrawn": Provocation(
        lambda mock: mock.show(), "R18", {"requests.deprecated_methods": "withdraw"}
    ),
}


@pytest.fixture
def provoke(make_mock: Any) -> Callable[..., Any]:
    """Return the answer to what provokes an error of a kind, in a dialect with these changes."""

    def reply(kind: str, changes: Mapping[str, Any], dialect: str = "default") -> Any:
        provocation = PROVOCATIONS[kind]
        changed = load_dialect(dialect).changed({**provocation.besides, **changes})
        delivery = ReentrantDelivery() if kind == "resend_under_way" else None
        mock = make_mock(
            provocation.release, dialect=changed, clock=FixedClock(NOON), delivery=delivery
        )
        return provocation.dispatch(mock)

    return reply


def test_every_kind_is_provoked() -> None:
    """No kind of error is without a request that brings it about, and each has three dials."""
    assert sorted(PROVOCATIONS) == sorted(error_kinds())
    prefixes = {key.rpartition(".")[0] for key in dials() if key.count(".") > 1}
    found = {prefix for prefix in prefixes if prefix.startswith("errors.")}
    assert found == {"errors.status", "errors.code", "errors.message"}


@pytest.mark.parametrize("dialect", ["default", "http"])
@pytest.mark.parametrize("kind", PROVOCATIONS)
def test_a_kind_has_its_dialects_answer(provoke: Any, kind: str, dialect: str) -> None:
    """An error has the status, code and sentence of its dialect, and facts, and a statement.

    The message is a sentence, and then: "parameter: seen …; allowed is …". The statement is about
    the method that was called.
    """
    dials_now = load_dialect(dialect)

    reply = provoke(kind, {}, dialect)

    assert reply.http == dials_now[f"errors.status.{kind}"]
    assert reply.code == dials_now[f"errors.code.{kind}"]
    sentence = dials_now[f"errors.message.{kind}"]
    assert reply.message.startswith(sentence)
    facts = reply.message.removeprefix(f"{sentence} ")
    parameter, _, rest = facts.partition(": seen ")
    seen, _, allowed = rest.partition("; allowed is ")
    assert all((parameter, seen, allowed)), reply.message
    assert "  " not in reply.message
    assert "None" not in reply.message

    upheld = statement(reply.statement)
    assert upheld.id in {statement_of_error(kind, method) for method in upheld.methods}


@pytest.mark.parametrize("kind", PROVOCATIONS)
def test_the_three_dials_of_a_kind_change_its_answer(provoke: Any, kind: str) -> None:
    """The status, code and message dials of a kind set just that, whatever the characters."""
    usual = provoke(kind, {}).message.removeprefix(error_kinds()[kind]["message"]).strip()
    changes = {
        f"errors.status.{kind}": 418,
        f"errors.code.{kind}": 'ΣΦΑΛΜΑ "1"',
        f"errors.message.{kind}": "Δεν γίνεται.\n",
    }

    reply = provoke(kind, changes)

    assert (reply.http, reply.code) == (418, 'ΣΦΑΛΜΑ "1"')
    assert reply.message == f"Δεν γίνεται.\n {usual}"


def test_without_a_sentence_the_facts_remain(provoke: Any) -> None:
    """An empty message dial leaves what the mock has to say."""
    reply = provoke("unknown_webhook_request", {"errors.message.unknown_webhook_request": ""})

    assert reply.message.startswith('webhook_request_identifier.number: seen "0"; allowed is ')
