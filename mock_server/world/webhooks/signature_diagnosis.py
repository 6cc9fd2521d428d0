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
from crmcom_kit.mock_server.deliveries.faults import old_key
from crmcom_kit.mock_server.deliveries.receiver import MAX_BODY, Received
from crmcom_kit.mock_server.deliveries.senders import LABEL_HEADER, message_of
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

_SIGNING = ("algorithm", "encoding", "canonical_form", "charset")
_MAX_KEYS = 100
_MAX_TRIED = 800_000  # bytes of a body times keys, for a diagnosis of half a second


class Signature(NamedTuple):
    """A code, and how it is made as far as that is known."""

    code: str | None
    text: bytes | None = None  # what it is the code of
    algorithm: str | None = None
    encoding: str | None = None
    size: int | None = None  # bytes of the text, if only its beginning is kept

    def beginning(self) -> "Signature":
        """Return it with the beginnings of a long code and a long text."""
        code = None if self.code is None else self.code[:MAX_BODY]
        if self.text is None or len(self.text) <= MAX_BODY:
            return self._replace(code=code)
        return self._replace(code=code, text=self.text[:MAX_BODY], size=len(self.text))

    def as_json(self) -> dict[str, Any]:
        """Return it as the control API shows it, with the beginning of a long text."""
        code, text, algorithm, encoding, size = self.beginning()
        return {
            "code": code,
            "bytes": None if text is None else text.decode("utf-8", "replace"),
            "size": size if size is not None or text is None else len(text),
            "algorithm": algorithm,
            "encoding": encoding,
        }


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

    @property
    def size(self) -> int:
        """How long its codes and texts are."""
        found = [part for one in (self.expected, self.seen) if one for part in one[:2] if part]
        return sum(map(len, found))

    def as_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        return {
            "valid": self.valid,
            "reason": self.reason,
            "why": self.why,
            "expected": None if self.expected is None else self.expected.as_json(),
            "seen": self.seen.as_json(),
        }


class Key(NamedTuple):
    """A secret key and its description."""

    text: str
    name: str
    expected: bool = False  # whether it is the right key for the message


class _Candidate(NamedTuple):
    """Bytes that a code may be of, and what that means; no reason for the right bytes."""

    text: bytes
    reason: str
    why: str


def attempt_of_request(epoch: Epoch, received: Received) -> Attempt | None:
    """Return the attempt that a received request is, by the label in its headers."""
    return _attempt_of(epoch, received.named)


def _attempt_of(epoch: Epoch, headers: Mapping[str, str]) -> Attempt | None:
    world, _, number = headers.get(LABEL_HEADER.lower(), "").rpartition("/")
    if world != epoch.name or not number.isdecimal() or len(number) > 18:
        return None
    return epoch.attempts.find(int(number))


def diagnose_arrived(epoch: Epoch, headers: Mapping[str, str], body: bytes) -> Verdict:
    """Return the verdict on a message that the built-in receiver gets, as it is kept."""
    named = {name.lower(): value for name, value in headers.items()}
    verdict = diagnose(epoch, named, body, attempt=_attempt_of(epoch, named))
    expected = None if verdict.expected is None else verdict.expected.beginning()
    return verdict._replace(expected=expected, seen=verdict.seen.beginning())


def diagnose(
    epoch: Epoch,
    headers: dict[str, str],
    body: bytes,
    *,
    attempt: Attempt | None = None,
    definition: str | None = None,
    code: str | None = None,
) -> Verdict:
    """Return whether a message's authentication code verifies, and if not, why.

    ``headers`` are by name in lower case. The key of the attempt's definition is right, or of the
    ``definition`` with that id, by default any. ``code`` is checked instead of the message's own.
    """
    arrived = epoch.config.exchanges.messages.read(headers, body)
    if code is not None:
        arrived = arrived._replace(code=code)
    sent = None
    if attempt is not None:
        definition = attempt.definition
        sent = None if attempt.message.data is None else orjson.loads(attempt.message.data)
    return check_code(epoch.config, arrived, body, keys_of(epoch.reference_data, definition), sent)


def diagnose_attempt(epoch: Epoch, attempt: Attempt) -> Verdict:
    """Return whether the code that an attempt sends verifies, and if not, why."""
    message = message_of(epoch.config.exchanges.messages, attempt.message)
    headers = {name.lower(): value for name, value in message.headers}
    return diagnose(epoch, headers, message.body, attempt=attempt)


def keys_of(reference_data: ReferenceData, definition: str | None) -> list[Key]:
    """Return the keys that may have signed: the definition's, its old one, and the others."""
    found: list[Key] = []
    right = None if definition is None else reference_data.key_of(definition)
    if right is not None:
        found.append(Key(right, "the definition's key", expected=True))
        found.append(Key(old_key(right), "a key that the definition no longer has"))
    for one in reference_data.definitions:
        key = reference_data.key_of(one["id"])
        if key is None or any(key == seen.text for seen in found):
            continue
        name = f"the key of definition {one.get('name') or one['id']}"
        found.append(Key(key, name, expected=right is None))
        if right is None:
            found.append(Key(old_key(key), f"a key that {one.get('name')} no longer has"))
        if len(found) >= _MAX_KEYS:
            break
    return found


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
    seen = Signature(arrived.code)
    if arrived.data is None:
        return Verdict(*_no_data(body), None, seen)
    ways = {name: config.dialect[f"signing.{name}"] for name in _SIGNING}
    form, charset = ways["canonical_form"], ways["charset"]
    text = canonical_bytes(arrived.data, canonical_form=form, charset=charset)
    how = (ways["algorithm"], ways["encoding"])
    codes = {key: _code(text, key, *how) for key in keys if key.expected}
    expected = Signature(next(iter(codes.values())) if len(codes) == 1 else None, text, *how)
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
    texts = list(_texts(arrived, body, ways, sent))
    algorithms = sorted(ALGORITHMS, key=lambda one: one != ways["algorithm"])
    encodings = sorted(ENCODINGS, key=lambda one: one != ways["encoding"])
    # The smallest difference is tried first: the key, then the hash, then the bytes.
    for tried, algorithm, key, encoding in product(texts, algorithms, keys, encodings):
        if _same(arrived.code, _code(tried.text, key, algorithm, encoding)):
            reason, why = _differences(tried, algorithm, encoding, key, ways)
            expected = expected._replace(code=codes.get(key, expected.code))
            seen = Signature(arrived.code, tried.text, algorithm, encoding)
            return Verdict(reason, why, expected, seen)
    why = "no key of this world gives this code for this data, with any hash and encoding"
    return Verdict("wrong_key_or_data", why, expected, seen)


def _no_data(body: bytes) -> tuple[str, str]:
    """Return the reason and the sentence for a message without data."""
    if not body.strip():
        return "empty", "the body is empty"
    if body.lstrip().startswith(b"{") and not body.rstrip().endswith(b"}"):
        return "cut_body", "the body ends in the middle of JSON"
    return "no_data", "the body has no data object where the dialect expects it"


def _code(text: bytes, key: Key, algorithm: str, encoding: str) -> str:
    return sign(text, key.text, algorithm=algorithm, encoding=encoding)


def _same(code: str, other: str) -> bool:
    return hmac.compare_digest(code.encode("utf-8", "replace"), other.encode())


def _texts(
    arrived: Arrived, body: bytes, ways: Mapping[str, str], sent: Mapping[str, Any] | None
) -> Iterator[_Candidate]:
    """Yield the bytes that the code may be of, the right ones first."""
    data = arrived.data or {}
    right = (ways["canonical_form"], ways["charset"])
    forms = sorted(product(CANONICAL_FORMS, CHARSETS), key=lambda one: one != right)
    for form, charset in forms:
        why = f"was computed from the data re-serialized as JSON, {form} in {charset}"
        why = f"{why}; it must be {' in '.join(right)}"
        text = canonical_bytes(data, canonical_form=form, charset=charset)
        yield _Candidate(text, "" if (form, charset) == right else "reserialised_json", why)
    if sent is not None:
        text = canonical_bytes(sent, canonical_form=right[0], charset=right[1])
        if sent == data:
            why = "is right for the data as it was sent; its JSON was re-serialized on the way"
            yield _Candidate(text, "reserialised_json", why)
        else:
            why = "is right for the data that was sent; the data was changed on the way"
            yield _Candidate(text, "changed_data", why)
    if arrived.raw is not None:
        why = "was computed from the data's bytes as they arrived"
        yield _Candidate(arrived.raw, "raw_bytes", why)
    why = "was computed from the whole body instead of its data object"
    yield _Candidate(body, "whole_body", why)
    yield _Candidate(body.strip(), "whole_body", why)


def _differences(
    text: _Candidate, algorithm: str, encoding: str, key: Key, ways: Mapping[str, str]
) -> tuple[str, str]:
    """Return the reason and the sentence that name what differs from the right way."""
    parts: list[tuple[str, str]] = []
    if not key.expected:
        reason = "old_key" if "no longer" in key.name else "wrong_key"
        parts.append((reason, f"is made with {key.name}"))
    if algorithm != ways["algorithm"]:
        why = f"is an HMAC with {algorithm}; it must be {ways['algorithm']}"
        parts.append(("other_algorithm", why))
    if encoding != ways["encoding"]:
        why = f"is written in {encoding}; it must be {ways['encoding']}"
        parts.append(("wrong_encoding", why))
    if text.reason:
        parts.append((text.reason, text.why))
    why = "the code " + ", and ".join(part for _, part in parts)
    return parts[0][0], why
