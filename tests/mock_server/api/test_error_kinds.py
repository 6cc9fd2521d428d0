"""Each kind of vendor error is provoked by a real request; its dials change its response."""

from collections.abc import Mapping
from typing import Any

import pytest
from helpers.mistakes import LOGIN, MISTAKES, RIGHT, ask, post, resend
from helpers.receivers import During

from crmcom_kit.schemas import dials, load_dialect
from crmcom_kit.schemas.dialect import error_kinds, statement_of_error
from crmcom_kit.schemas.statements import statement


def provoke(make_mock: Any, kind: str, changes: Mapping[str, Any], dialect: str = "default") -> Any:
    """Return the reply to what provokes an error of a kind, in a dialect with these changes."""
    mistake = MISTAKES[kind]
    asked = mistake.asked
    replies: list[Any] = []  # to the same resend, asked for while it is being sent
    delivery = During(lambda: replies.append(ask(mock, resend(number="7"))))
    changed = load_dialect(dialect).changed({**mistake.dials, **changes})
    is_held = kind == "resend_under_way"
    mock = make_mock(mistake.release, dialect=changed, delivery=delivery if is_held else None)
    if kind in ("expired_token", "released_token"):
        token = ask(mock, post(LOGIN, RIGHT)).data["token"]
        asked = asked._replace(query=(("token", token), *asked.query[1:]))
        if kind == "released_token":
            mock.world.tokens.release(token)
        mock.world.clock.advance(0 if kind == "released_token" else 86_400)
    if mistake.before is not None:
        assert ask(mock, mistake.before).code == "OK"
    reply = ask(mock, asked)
    return replies[0] if is_held else reply


def test_every_kind_is_provoked() -> None:
    assert sorted(MISTAKES) == sorted(error_kinds())
    keys = [dial.key for dial in dials().values() if dial.error_kind]
    parts = ("status", "code", "message")
    assert keys == [f"errors.{kind}.{part}" for kind in error_kinds() for part in parts]


@pytest.mark.parametrize("dialect", ["default", "http"])
@pytest.mark.parametrize("kind", MISTAKES)
def test_a_kind_has_the_error_of_its_dialect(make_mock: Any, kind: str, dialect: str) -> None:
    """Status, code and sentence, then facts: "parameter: seen …; allowed is …"; a statement."""
    dials_now = load_dialect(dialect)

    reply = provoke(make_mock, kind, {}, dialect)

    assert reply.http == dials_now[f"errors.{kind}.status"]
    assert reply.code == dials_now[f"errors.{kind}.code"]
    sentence = dials_now[f"errors.{kind}.message"]
    assert reply.message.startswith(sentence)
    facts = reply.message.removeprefix(f"{sentence} ")
    parameter, _, rest = facts.partition(": seen ")
    seen, _, allowed = rest.partition("; allowed is ")
    assert all((parameter, seen, allowed)), facts
    assert "  " not in facts
    assert "None" not in facts

    upheld = statement(reply.headers["X-Mock-Statement"])
    assert upheld.id in {statement_of_error(kind, method) for method in upheld.methods}


@pytest.mark.parametrize("kind", MISTAKES)
def test_the_dials_of_a_kind_change_its_error(make_mock: Any, kind: str) -> None:
    """Status, code and message are just that, whatever the characters; the facts remain."""
    message = "" if kind == "bad_date" else "Δεν γίνεται.\n"
    usual = provoke(make_mock, kind, {}).message
    facts = usual.removeprefix(error_kinds()[kind]["message"]).strip()
    changes = {
        f"errors.{kind}.status": 418,
        f"errors.{kind}.code": 'ΣΦΑΛΜΑ "1"',
        f"errors.{kind}.message": message,
        "errors.description": "detail",
    }

    reply = provoke(make_mock, kind, changes)

    assert (reply.http, reply.code) == (418, 'ΣΦΑΛΜΑ "1"')
    assert reply.message == (f"{message} {facts}" if message else facts)
    assert reply.json["status"]["description"] == facts
