"""Why an authentication code does not verify, found by trying what people get wrong.

The dialect says how a code is made (``signing.*``). A code that does not verify is compared with
the codes of other keys, hashes, encodings and bytes; the first that is equal is the reason.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import orjson

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.deliveries.messages import LABEL_HEADER, message_of, old_key
from crmcom_kit.mock_server.deliveries.receiver import MAX_BODY
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import ReferenceData
from crmcom_kit.schemas.signing import (
    ALGORITHMS,
    CANONICAL_FORMS,
    CHARSETS,
    ENCODINGS,
    canonical_bytes,
    sign,
)
from crmcom_kit.schemas.third_party import Arrived

_MAX_KEYS = 100
_MAX_TRIED = 800_000  # bytes of a body times keys, for a diagnosis of half a second


class Signature(NamedTuple):
    """A code, and how it is made as far as that is known; the beginnings of long ones."""

    code: str | None
    bytes: str | None = None  # what it is the code of, as text
    size: int | None = None  # how many bytes there are
    algorithm: str | None = None
    encoding: str | None = None


class Verdict(NamedTuple):
    """Whether a code verifies, and why not."""

    reason: str  # a word for programs; ``valid`` if it is valid
    why: str  # a sentence for people
    #: The right one for the message; None if it has no data. No code if any of several keys may be
    #: the right one.
    expected: Signature | None
    seen: Signature  # the one that was checked; only its code if nothing explains it

    @property
    def valid(self) -> bool:
        """Whether the code verifies."""
        return self.reason == "valid"

    def as_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        expected = None if self.expected is None else self.expected._asdict()
        members = {**self._asdict(), "expected": expected, "seen": self.seen._asdict()}
        return {"valid": self.valid, **members}


class Key(NamedTuple):
    """A secret key, whose it is, and the reason that it means; none if it is a right one."""

    text: str
    name: str
    reason: str = ""


class _Way(NamedTuple):
    """How a code is made."""

    canonical_form: str
    charset: str
    algorithm: str
    encoding: str


class _Text(NamedTuple):
    """Bytes that a code may be of, and what that means; no reason if they are the right ones."""

    text: bytes
    reason: str = ""
    why: str = ""


def labeled_attempt(epoch: Epoch, headers: Mapping[str, str]) -> Attempt | None:
    """Return the attempt that a message is, by the label in its headers; names are lower-case."""
    world, _, number = headers.get(LABEL_HEADER.lower(), "").rpartition("/")
    if world != epoch.name or not number.isdecimal() or len(number) > 18:
        return None
    return epoch.attempts.find(int(number))


def diagnose_attempt(epoch: Epoch, attempt: Attempt) -> Verdict:
    """Return whether the code that an attempt sends verifies, and if not, why."""
    message = message_of(epoch.config.exchanges.messages, attempt.message)
    return diagnose(epoch, dict(message.headers), message.body, attempt)


def diagnose(
    epoch: Epoch, headers: Mapping[str, str], body: bytes, attempt: Attempt | None = None
) -> Verdict:
    """Return whether a message's authentication code verifies, and if not, why.

    Right is the key of the attempt's definition, or else any. By default the attempt is the one
    that the message's label names.
    """
    named = {name.lower(): value for name, value in headers.items()}
    arrived = epoch.config.exchanges.messages.read(named, body)
    definition = sent = None
    attempt = attempt or labeled_attempt(epoch, named)
    if attempt is not None:
        definition = attempt.definition
        sent = None if attempt.message.data is None else orjson.loads(attempt.message.data)
    return check_code(epoch.config, arrived, body, keys_of(epoch.reference_data, definition), sent)


def keys_of(reference_data: ReferenceData, definition: str | None) -> list[Key]:
    """Return the keys that may have signed, those of the definition first; None is any."""
    found: dict[str, Key] = {}
    for one in sorted(reference_data.definitions, key=lambda one: one["id"] != definition):
        text, name = reference_data.key_of(one["id"]), one.get("name") or one["id"]
        if text is None or len(found) >= _MAX_KEYS:
            continue
        is_right = definition in (None, one["id"])
        reason = "" if is_right else "wrong_key"
        found.setdefault(text, Key(text, f"the key of definition {name}", reason))
        if is_right:
            old = Key(old_key(text), f"a key that definition {name} no longer has", "old_key")
            found.setdefault(old.text, old)
    return list(found.values())


def check_code(
    config: Config,
    arrived: Arrived,
    body: bytes,
    keys: Sequence[Key],
    sent: Mapping[str, Any] | None = None,
) -> Verdict:
    """Return whether a message verifies with one of ``keys``, and if not, why.

    ``arrived`` is what was found in the message with that body, ``sent`` the data object that was
    sent, if known.
    """
    seen = Signature(None if arrived.code is None else arrived.code[:MAX_BODY])
    if arrived.data is None:
        return Verdict(*_no_data(body), None, seen)
    way = _Way(*(config.dialect[f"signing.{name}"] for name in _Way._fields))
    text = canonical_bytes(arrived.data, canonical_form=way.canonical_form, charset=way.charset)
    codes = {key: _code(text, key, way) for key in keys if not key.reason}
    only = next(iter(codes.values())) if len(codes) == 1 else None
    expected = _signature(only, text, way)
    if arrived.code is None:
        return Verdict("missing_code", "the message has no authentication code", expected, seen)
    for key, code in codes.items():
        if _same(arrived.code, code):
            right = expected._replace(code=code)
            return Verdict("valid", f"signed with {key.name}", right, right)
    if len(body) * len(keys) > _MAX_TRIED:
        why = "the code does not match, and the body is too long for a diagnosis"
        return Verdict("unknown", why, expected, seen)
    if not keys:
        return Verdict("no_key", "no webhook definition of this world has a key", expected, seen)
    # The smallest difference is tried first: the key, then the hash, then the bytes.
    algorithms = sorted(ALGORITHMS, key=lambda one: one != way.algorithm)
    encodings = sorted(ENCODINGS, key=lambda one: one != way.encoding)
    texts = list(_texts(arrived, body, way, sent))
    for tried, algorithm, key, encoding in product(texts, algorithms, keys, encodings):
        other = way._replace(algorithm=algorithm, encoding=encoding)
        if _same(arrived.code, _code(tried.text, key, other)):
            expected = expected._replace(code=codes.get(key, expected.code))
            seen = _signature(arrived.code, tried.text, other)
            return Verdict(*_differences(tried, key, other, way), expected, seen)
    why = "no key of this world gives this code for this data, with any hash and encoding"
    return Verdict("wrong_key_or_data", why, expected, seen)


def _differences(text: _Text, key: Key, other: _Way, way: _Way) -> tuple[str, str]:
    """Return the reason and the sentence that name what differs from the right way."""
    hashed, written = other.algorithm, other.encoding
    is_other, is_wrong = hashed != way.algorithm, written != way.encoding
    differences = (
        (key.reason, f"is made with {key.name}"),
        (is_other and "other_algorithm", f"is an HMAC with {hashed}; it must be {way.algorithm}"),
        (is_wrong and "wrong_encoding", f"is written in {written}; it must be {way.encoding}"),
        (text.reason, text.why),
    )
    found = [(reason, why) for reason, why in differences if reason]
    return found[0][0], "the code " + ", and ".join(why for _, why in found)


def _no_data(body: bytes) -> tuple[str, str]:
    """Return the reason and the sentence for a message without data."""
    if not body.strip():
        return "empty", "the body is empty"
    if body.lstrip().startswith(b"{") and not body.rstrip().endswith(b"}"):
        return "cut_body", "the body ends in the middle of JSON"
    return "no_data", "the body has no data object where the dialect expects it"


def _code(text: bytes, key: Key, way: _Way) -> str:
    return sign(text, key.text, algorithm=way.algorithm, encoding=way.encoding)


def _same(code: str, other: str) -> bool:
    return hmac.compare_digest(code.encode("utf-8", "replace"), other.encode())


def _signature(code: str | None, text: bytes, way: _Way) -> Signature:
    beginning = text[:MAX_BODY].decode("utf-8", "replace")
    return Signature(code, beginning, len(text), way.algorithm, way.encoding)


def _texts(
    arrived: Arrived, body: bytes, way: _Way, sent: Mapping[str, Any] | None
) -> Iterator[_Text]:
    """Yield the bytes that the code may be of, the right ones first."""
    right, reason = (way.canonical_form, way.charset), "reserialised_json"
    for form, charset in sorted(product(CANONICAL_FORMS, CHARSETS), key=lambda one: one != right):
        text = canonical_bytes(arrived.data or {}, canonical_form=form, charset=charset)
        why = f"was computed from the data re-serialized as JSON, {form} in {charset}"
        why = f"{why}; it must be {' in '.join(right)}"
        yield _Text(text) if (form, charset) == right else _Text(text, reason, why)
    if sent is not None:
        text = canonical_bytes(sent, canonical_form=way.canonical_form, charset=way.charset)
        why = "is right for the data as it was sent; its JSON was re-serialized on the way"
        if sent != arrived.data:
            reason = "changed_data"
            why = "is right for the data that was sent; the data was changed on the way"
        yield _Text(text, reason, why)
    if arrived.raw is not None:
        yield _Text(arrived.raw, "raw_bytes", "was computed from the data's bytes as they arrived")
    for whole in (body, body.strip()):
        why = "was computed from the whole body instead of its data object"
        yield _Text(whole, "whole_body", why)
