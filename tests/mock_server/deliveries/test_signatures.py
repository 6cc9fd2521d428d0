"""Whether an authentication code verifies, and what the right one would be."""

import json
from typing import Any

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.deliveries.verdicts import MAX_TEXT, Verdict, verdict_on
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.signing import canonical_bytes, sign

KEY = "KEY ONE"
DATA = {"number": "A1", "note": "Ω, ü", "amount": 1.5}
CODE = sign(DATA, KEY)


def verdict_of(code: Any, *, key: str | None = KEY, data: Any = DATA, **dials: Any) -> Verdict:
    """Return the verdict on a message with a code."""
    body = json.dumps({"authentication_code": code, "data": data}).encode()
    headers = {"X-Authentication-Code": code} if dials else {}
    exchanges = make_world(dialect=Dialect("test", dials)).config.exchanges
    return verdict_on(exchanges, key, headers, body)


def test_a_right_code_is_valid() -> None:
    """It says what the code signs."""
    text = canonical_bytes(DATA)
    verdict = verdict_of(CODE)

    assert verdict.valid
    assert verdict == ("valid", CODE, CODE, text.decode(), len(text))


def test_another_code_is_not() -> None:
    """The verdict has the right code."""
    for code, reason in (
        (sign(DATA, "KEY TWO"), "wrong_code"),
        (CODE.upper(), "wrong_code"),
        ("Ω" * 9, "wrong_code"),
        (None, "missing_code"),
    ):
        verdict = verdict_of(code)

        assert (verdict.valid, verdict.reason, verdict.code) == (False, reason, code)
        assert verdict.expected == CODE
        assert verdict.signed == canonical_bytes(DATA).decode()


def test_without_a_key_nothing_verifies() -> None:
    """The reason is that there is none, with or without a code."""
    assert verdict_of("00", key=None)[:3] == ("no_key", "00", None)
    assert verdict_of(None, key=None)[:3] == ("no_key", None, None)


def test_a_code_in_a_header() -> None:
    """Where the dialect has it there, it is checked like one in the body."""
    assert verdict_of(CODE, **{"message.code_place": "header"}).valid


def test_the_verdict_is_about_all_of_a_long_message() -> None:
    """Of what is signed, the beginning is shown."""
    data = {"number": "A1", "text": "x" * 900_000}
    verdict = verdict_of(sign(data, KEY), data=data)

    assert verdict.valid
    assert verdict.size is not None
    assert verdict.size > 900_000
    assert len(verdict.signed or "") == MAX_TEXT


def test_what_has_no_data() -> None:
    exchanges = make_world().config.exchanges
    for body in (b"", b'{"data":{"a":"', b"[1]", b'{"data":[]}'):
        assert verdict_on(exchanges, KEY, {}, body) == ("no_data", None, None, None, None)
