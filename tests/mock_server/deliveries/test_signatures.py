"""Whether an authentication code verifies, and what the right one would be."""

import json
from typing import Any

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.deliveries.receiver import Verdict, verdict_on
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.signing import canonical_bytes, sign

DATA = {"number": "A1", "note": "Ω, ü", "amount": 1.5}
ONE, TWO = sign(DATA, "KEY ONE"), sign(DATA, "KEY TWO")
KEYS: list[dict[str, Any]] = [
    entry
    for name in ("ONE", "TWO")
    for entry in (
        {"secret_key": {"id": name, "name": name, "key": f"KEY {name}"}},
        {"webhook_definition": {"id": name, "name": name, "secret_key_id": name}},
    )
]


def verdict_of(
    code: Any, definition: str | None = "ONE", *, entries: Any = KEYS, **dials: Any
) -> Verdict:
    """Return the verdict on a message with a code, in a world with two keys."""
    world = make_world(data=entries, dialect=Dialect("test", dials))
    body = json.dumps({"authentication_code": code, "data": DATA}).encode()
    headers = {"X-Authentication-Code": code} if dials else {}
    return verdict_on(
        world.config.exchanges, world.current_epoch.reference_data, headers, body, definition
    )


def test_a_right_code_is_valid() -> None:
    """Also where it is not known which definition sent it; it says what the code signs."""
    text = canonical_bytes(DATA)
    for code, definition in ((ONE, "ONE"), (ONE, None), (TWO, None)):
        verdict = verdict_of(code, definition)

        assert verdict.valid
        assert verdict == ("valid", code, code, text.decode(), len(text))


def test_another_code_is_not() -> None:
    """The verdict has the right code if only one key may be the right one."""
    for code, definition, reason in (
        (TWO, "ONE", "wrong_code"),
        (ONE.upper(), "ONE", "wrong_code"),
        ("Ω" * 9, "ONE", "wrong_code"),
        (None, "ONE", "missing_code"),
        ("00", None, "wrong_code"),
    ):
        verdict = verdict_of(code, definition)

        assert (verdict.valid, verdict.reason, verdict.code) == (False, reason, code)
        assert verdict.expected == (ONE if definition else None)
        assert verdict.signed == canonical_bytes(DATA).decode()


def test_without_a_key_nothing_verifies() -> None:
    """The reason is that the definition has none, with or without a code."""
    entries = [{"webhook_definition": {"id": "ONE", "name": "ONE"}}]
    assert verdict_of("00", entries=entries)[:3] == ("no_key", "00", None)
    assert verdict_of(None, entries=entries)[:3] == ("no_key", None, None)


def test_a_code_in_a_header() -> None:
    """Where the dialect has it there, it is checked like one in the body."""
    assert verdict_of(ONE, **{"message.code_place": "header"}).valid


def test_what_has_no_data() -> None:
    world = make_world(data=KEYS)
    reference_data = world.current_epoch.reference_data
    for body in (b"", b'{"data":{"a":"', b"[1]", b'{"data":[]}'):
        verdict = verdict_on(world.config.exchanges, reference_data, {}, body, None)
        assert verdict == ("no_data", None, None, None, None)
