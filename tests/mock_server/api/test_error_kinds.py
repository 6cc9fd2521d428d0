"""Each kind of vendor error is provoked by a real request; its dials change its response."""

from typing import Any

import pytest
from helpers.mistakes import LOGIN, MISTAKES, RIGHT, ask, last_call, post, resend
from helpers.receivers import During

from crmcom_kit.schemas import Dialect, dials, load_dialect
from crmcom_kit.schemas.dialect import error_kinds, statement_of_error
from crmcom_kit.schemas.statements import statement

CODE, MESSAGE = 'ΣΦΑΛΜΑ "1"', "Δεν γίνεται.\n"
TURNED = load_dialect().changed(
    {
        **{f"errors.{kind}.status": 418 for kind in error_kinds()},
        **{f"errors.{kind}.code": CODE for kind in error_kinds()},
        **{f"errors.{kind}.message": MESSAGE for kind in error_kinds()},
        "errors.bad_date.message": "",
        "errors.description": "detail",
    }
)


def provoke(make_mock: Any, kind: str, dialect: Dialect) -> tuple[Any, Any]:
    """Return a mock in this dialect, and its reply to what provokes an error of a kind."""
    mistake = MISTAKES[kind]
    asked = mistake.asked
    replies: list[Any] = []  # to the same resend, asked for while it is being sent
    delivery = During(lambda: replies.append(ask(mock, resend(number="7"))))
    is_held = kind == "resend_under_way"
    if mistake.dials:
        dialect = dialect.changed(mistake.dials)
    mock = make_mock(mistake.release, dialect=dialect, delivery=delivery if is_held else None)
    if kind in ("expired_token", "released_token"):
        token = ask(mock, post(LOGIN, RIGHT)).data["token"]
        asked = asked._replace(query=(("token", token), *asked.query[1:]))
        if kind == "released_token":
            mock.world.tokens.release(token)
        mock.world.clock.advance(0 if kind == "released_token" else 86_400)
    if mistake.before is not None:
        assert ask(mock, mistake.before).code == "OK"
    reply = ask(mock, asked)
    return mock, replies[0] if is_held else reply


def test_every_kind_is_provoked() -> None:
    assert sorted(MISTAKES) == sorted(error_kinds())
    keys = [dial.key for dial in dials().values() if dial.error_kind]
    parts = ("status", "code", "message")
    assert keys == [f"errors.{kind}.{part}" for kind in error_kinds() for part in parts]


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_kind_has_the_error_of_its_dials(make_mock: Any, kind: str) -> None:
    """Status, code and sentence, then facts: "parameter: seen …; allowed is …"; a statement.

    The trace names the same statement and dials. The dials change all but the facts.
    """
    settings = load_dialect()
    mock, reply = provoke(make_mock, kind, settings)

    assert reply.http == settings[f"errors.{kind}.status"]
    assert reply.code == settings[f"errors.{kind}.code"]
    sentence = settings[f"errors.{kind}.message"]
    assert reply.message.startswith(sentence)
    facts = reply.message.removeprefix(f"{sentence} ")
    parameter, _, rest = facts.partition(": seen ")
    seen, _, allowed = rest.partition("; allowed is ")
    assert all((parameter, seen, allowed)), facts
    assert "  " not in facts
    assert "None" not in facts
    upheld = statement(reply.statement)
    assert upheld.id in {statement_of_error(kind, method) for method in upheld.methods}

    call = last_call(mock)
    assert call.error_kind == error_kinds()[kind].get("like", kind)
    (step,) = [step for step in call.trace if step["step"] == "request"]
    assert (step["outcome"], step["statement"]) == ("broken", upheld.id)
    assert step["evidence"] == upheld.evidence
    for part, value in (("status", reply.http), ("code", reply.code)):
        assert step["dials"][f"errors.{kind}.{part}"] == value

    _, turned = provoke(make_mock, kind, TURNED)
    assert (turned.http, turned.code) == (418, CODE)
    assert turned.message == (facts if kind == "bad_date" else f"{MESSAGE} {facts}")
    assert turned.json["status"]["description"] == facts
