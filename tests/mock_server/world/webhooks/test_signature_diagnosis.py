"""Why an authentication code does not verify: each mistake that people make gets its own name."""

import json
from typing import Any

import pytest

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.deliveries.messages import old_key
from crmcom_kit.mock_server.signing import sign
from crmcom_kit.mock_server.world.webhooks.signature_diagnosis import Signature, check_code, keys_of
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.signing import canonical_bytes

DATA = {"number": "A1", "note": "Ω, ü", "amount": 1.5}


@pytest.fixture(name="world", scope="module")
def _world() -> World:
    return make_world(release="R15")


def definition(world: World, at: int = 0) -> str:
    """The id of a definition; those at 0 and -1 have other keys."""
    found = [
        one["id"]
        for one in world.current_epoch.reference_data.definitions
        if world.current_epoch.reference_data.key_of(one["id"])
    ]
    return str(found[at])


def key(world: World, at: int = 0) -> str:
    """The key of a definition."""
    found = world.current_epoch.reference_data.key_of(definition(world, at))
    assert found is not None
    return found


def signature(code: str | None, text: bytes) -> Signature:
    """A code of this text, made as the dialect says."""
    return Signature(code, text.decode(), len(text), "sha256", "hex")


def verdict(
    world: World, code: str | None, body: bytes | None = None, *, at: int | None = 0, **more: Any
) -> Any:
    """Judge a message with a code, for the definition at a place or for any."""
    if body is None:
        parts = {"authentication_code": code, "data": DATA}
        body = json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()
    arrived = world.config.exchanges.messages.read({}, body)
    keys = keys_of(
        world.current_epoch.reference_data, None if at is None else definition(world, at)
    )
    return check_code(world.config, arrived, body, keys, **more)


@pytest.mark.parametrize("at", [0, None])
def test_a_right_code_is_valid(world: World, at: int | None) -> None:
    """Also where it is not known which definition sent it."""
    code = sign(DATA, key(world))
    found = verdict(world, code, at=at)

    assert (found.valid, found.reason) == (True, "valid")
    assert found.seen == found.expected == signature(code, canonical_bytes(DATA))


@pytest.mark.parametrize(
    ("form", "charset"), [("sorted", "utf-8"), ("spaced", "utf-8"), ("compact", "ascii")]
)
def test_json_that_was_re_serialized(world: World, form: str, charset: str) -> None:
    """A code of the data as another program writes it is called so."""
    code = sign(DATA, key(world), canonical_form=form, charset=charset)
    found = verdict(world, code)

    assert (found.valid, found.reason) == (False, "reserialised_json")
    assert form in found.why
    text = canonical_bytes(DATA, canonical_form=form, charset=charset)
    assert found.seen == signature(code, text)
    right = signature(sign(DATA, key(world)), canonical_bytes(DATA))
    assert found.expected == right != found.seen


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (lambda right: sign(DATA, right, encoding="base64"), "wrong_encoding"),
        (lambda right: sign(DATA, right, encoding="hex_upper"), "wrong_encoding"),
        (lambda right: sign(DATA, right, algorithm="sha1"), "other_algorithm"),
        (lambda right: sign(DATA, right, algorithm="md5", encoding="base64"), "other_algorithm"),
        (lambda right: sign(DATA, old_key(right)), "old_key"),
        (lambda right: sign({"a": 1}, right), "wrong_key_or_data"),
        (lambda _: sign(DATA, "nobody's"), "wrong_key_or_data"),
        (lambda _: "", "wrong_key_or_data"),
        (lambda _: "Ω" * 100, "wrong_key_or_data"),
    ],
)
def test_a_code_made_in_another_way(world: World, code: Any, reason: str) -> None:
    """Encoding, algorithm and key are told apart; what no key makes is not explained away."""
    sent = code(key(world))
    found = verdict(world, sent)

    assert (found.valid, found.reason) == (False, reason)
    assert found.expected.code == sign(DATA, key(world))
    if reason == "wrong_key_or_data":
        assert found.seen == Signature(sent)


def test_a_way_that_writes_json_anew(world: World) -> None:
    """Members in another order than they were sent: right for what was sent, and said so."""
    turned = dict(reversed(DATA.items()))
    body = json.dumps({"authentication_code": sign(DATA, key(world)), "data": turned}).encode()

    assert verdict(world, None, body, sent=DATA).reason == "reserialised_json"
    body = body.replace(b"1.5", b"2.5")
    found = verdict(world, None, body, sent=DATA)
    assert found.reason == "changed_data"
    assert "1.5" in found.seen.bytes
    assert "2.5" in found.expected.bytes


def test_the_right_code_is_not_guessed(world: World) -> None:
    """If any of several keys may be the right one, its code is told once one of them is found."""
    unknown = verdict(world, "00", at=None)
    assert unknown.expected == signature(None, canonical_bytes(DATA))
    right = key(world, -1)
    found = verdict(world, sign(DATA, right, encoding="base64"), at=None)
    assert (found.reason, found.expected.code) == ("wrong_encoding", sign(DATA, right))
    old = verdict(world, sign(DATA, old_key(right)), at=None)
    assert (old.reason, old.expected.code) == ("old_key", None)


def test_a_verdict_shows_no_key_and_only_so_much(world: World) -> None:
    """As JSON a long text is cut, and says how long it is; keys are in none of it."""
    data = {"a": "x" * 100_000}
    code = sign(data, key(world), algorithm="sha1", encoding="base64")
    body = json.dumps({"authentication_code": code, "data": data}).encode()

    shown = verdict(world, None, body).as_json()

    assert (shown["valid"], shown["reason"]) == (False, "other_algorithm")
    assert shown["expected"] == {
        "code": sign(data, key(world)),
        "bytes": canonical_bytes(data)[:65_536].decode(),
        "size": len(canonical_bytes(data)),
        "algorithm": "sha256",
        "encoding": "hex",
    }
    assert shown["seen"] == {
        **shown["expected"],
        "code": code,
        "algorithm": "sha1",
        "encoding": "base64",
    }
    assert not [one for one in (key(world), old_key(key(world))) if one in json.dumps(shown)]


def test_another_definitions_key() -> None:
    """The reason names the definition whose key it is."""
    entries: list[dict[str, Any]] = []
    for id_ in ("ONE", "TWO"):
        entries.append({"secret_key": {"id": id_, "name": id_, "key": f"KEY {id_}"}})
        entries.append({"webhook_definition": {"id": id_, "name": id_, "secret_key_id": id_}})
    found = verdict(make_world(data=entries), sign(DATA, "KEY TWO"))

    assert (found.valid, found.reason) == (False, "wrong_key")
    assert "the key of definition TWO" in found.why


@pytest.mark.parametrize(
    ("body", "options", "reason"),
    [
        # A code of all that came in, and not of its data object.
        (b'{"data":{"number":"A1"}}', {}, "whole_body"),
        # There is nothing to verify with.
        (b'{"data":{"a":1}}', {"data": [{"unit": {"id": "1", "name": "Unit"}}]}, "no_key"),
    ],
)
def test_a_code_in_a_header(body: bytes, options: Any, reason: str) -> None:
    """Where the dialect has it there, it is judged like one in the body."""
    dialect = Dialect("test", {"message.code_place": "header"})
    world = make_world(release="R15", dialect=dialect, **options)
    keys = keys_of(world.current_epoch.reference_data, None)
    code = sign(body, key(world)) if reason == "whole_body" else "AA"
    arrived = world.config.exchanges.messages.read({"x-authentication-code": code}, body)

    found = check_code(world.config, arrived, body, keys)
    assert (found.valid, found.reason) == (False, reason)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b'{"authentication_code":"', "cut_body"),
        (b"hello", "no_data"),
        (b"[1]", "no_data"),
        (b'{"data":[]}', "no_data"),
        (b'{"data":{"a":1}}', "missing_code"),
        (b'{"authentication_code":null,"data":{"a":1}}', "missing_code"),
    ],
)
def test_what_is_no_message(world: World, body: bytes, reason: str) -> None:
    """What is missing is named."""
    found = verdict(world, None, body)
    assert found.reason == reason
    assert (found.expected is None) == (reason != "missing_code")
    assert found.seen.bytes is None


def test_a_very_long_body_is_not_tried_at_length(world: World) -> None:
    """A wrong code of much data costs one HMAC a key, and is told from a right one."""
    data = {"a": "x" * 300_000}
    body = json.dumps({"authentication_code": "00", "data": data}).encode()
    right = json.dumps({"authentication_code": sign(data, key(world)), "data": data}).encode()

    assert verdict(world, None, body).reason == "unknown"
    assert verdict(world, None, right).valid
