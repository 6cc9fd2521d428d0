"""Whether an authentication code verifies, and what the right one would be."""

import json
from typing import Any

import pytest

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.deliveries.receiver import Verdict
from crmcom_kit.mock_server.signing import sign
from crmcom_kit.mock_server.world.webhooks.signatures import verdict_on_message
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.signing import canonical_bytes

DATA = {"number": "A1", "note": "Ω, ü", "amount": 1.5}
KEYS: list[dict[str, Any]] = [
    entry
    for name in ("ONE", "TWO")
    for entry in (
        {"secret_key": {"id": name, "name": name, "key": f"KEY {name}"}},
        {"webhook_definition": {"id": name, "name": name, "secret_key_id": name}},
    )
]
NO_KEYS = [{"webhook_definition": {"id": "ONE", "name": "ONE"}}]


def judged(
    code: Any,
    definition: str | None = "ONE",
    *,
    data: Any = DATA,
    entries: Any = KEYS,
    **dials: Any,
) -> Verdict:
    """Judge a message with a code, of a definition or of any, in a world with two keys."""
    world = make_world(data=entries, dialect=Dialect("test", dials))
    body = json.dumps({"authentication_code": code, "data": data}).encode()
    headers = {"x-authentication-code": code}
    return verdict_on_message(world.current_epoch, headers if dials else {}, body, definition)


@pytest.mark.parametrize(("key", "definition"), [("ONE", "ONE"), ("ONE", None), ("TWO", None)])
def test_a_right_code_is_valid(key: str, definition: str | None) -> None:
    """Also where it is not known which definition sent it; it says what the code signs."""
    code = sign(DATA, f"KEY {key}")
    text = canonical_bytes(DATA)
    found = judged(code, definition)

    assert found.valid
    assert found == ("valid", code, code, text.decode(), len(text))


@pytest.mark.parametrize(
    ("code", "definition", "reason"),
    [
        (sign(DATA, "KEY TWO"), "ONE", "wrong_code"),
        (sign(DATA, "KEY ONE").upper(), "ONE", "wrong_code"),
        ("", "ONE", "wrong_code"),
        ("Ω" * 9, "ONE", "wrong_code"),
        (None, "ONE", "missing_code"),
        ("00", None, "wrong_code"),
    ],
)
def test_another_code_is_not(code: Any, definition: str | None, reason: str) -> None:
    """The right code is told if only one key may be the right one."""
    found = judged(code, definition)
    expected = sign(DATA, "KEY ONE") if definition else None

    assert (found.valid, found.reason, found.expected) == (False, reason, expected)
    assert found.signed == canonical_bytes(DATA).decode()


def test_without_a_key_nothing_verifies() -> None:
    """It is said that the definition has none, whether there is a code or not."""
    assert judged("00", entries=NO_KEYS)[:3] == ("no_key", "00", None)
    assert judged(None, entries=NO_KEYS)[:3] == ("no_key", None, None)


def test_a_code_in_a_header() -> None:
    """Where the dialect has it there, it is judged like one in the body."""
    code = sign(DATA, "KEY ONE")
    assert judged(code, **{"message.code_place": "header"}).valid


def test_the_text_is_cut() -> None:
    """Of what a code signs the beginning is kept, and how long it is."""
    data = {"a": "x" * 100_000}
    found = judged(sign(data, "KEY ONE"), data=data)

    assert found.signed == canonical_bytes(data)[:65_536].decode()
    assert (found.reason, found.size) == ("valid", len(canonical_bytes(data)))


@pytest.mark.parametrize("body", [b"", b'{"data":{"a":"', b"hello", b"[1]", b'{"data":[]}'])
def test_what_has_no_data(body: bytes) -> None:
    """Nothing could be signed."""
    found = verdict_on_message(make_world(data=KEYS).current_epoch, {}, body, None)
    assert found == ("no_data", None, None, None, None)
