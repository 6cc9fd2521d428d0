"""Authentication codes: the HMAC of a data object with a secret key.

The documents state that the data object is signed, and with which key (webhook_requests/show
R9.0.0). Algorithm, encoding and exact bytes are dials (``signing.*``), and arguments of these
functions, which the tests of a receiver can use, too.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
ENCODINGS = ("hex", "hex_upper", "base64")
CANONICAL_FORMS = ("compact", "sorted", "spaced")
CHARSETS = ("utf-8", "ascii")


def _check(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        msg = f"{name}: {value!r} is not allowed; allowed is one of {', '.join(allowed)}"
        raise ValueError(msg)


def _check_type(name: str, value: object, types: tuple[type, ...], allowed: str) -> None:
    if not isinstance(value, types):
        msg = f"{name}: {type(value).__name__} is not allowed; allowed is {allowed}"
        raise TypeError(msg)


@lru_cache(maxsize=64)  # making an HMAC takes longer than signing with it
def _new_hmac(key: str | bytes, algorithm: str) -> hmac.HMAC:
    if not key:
        msg = "key: an empty key is not allowed; it would sign nothing"
        raise ValueError(msg)
    secret = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
    return hmac.new(secret, digestmod=algorithm)


def signed_form(dialect: Mapping[str, Any]) -> dict[str, str]:
    """Return the arguments of ``canonical_bytes`` that a dialect sets."""
    return {name: dialect[f"signing.{name}"] for name in ("canonical_form", "charset")}


def canonical_bytes(
    data: Mapping[str, Any], *, canonical_form: str = "compact", charset: str = "utf-8"
) -> bytes:
    r"""Return the bytes of ``data`` that are signed.

    Args:
        data: the JSON object that is sent.
        canonical_form: *compact* (no spaces, in the given order), *sorted* (no spaces, by name) or
            *spaced* (a space after each comma and colon).
        charset: *utf-8*, or *ascii* for ``\u`` escapes.

    Raises:
        ValueError: an argument is not one of its choices, or ``data`` is not valid JSON.
        TypeError: ``data`` is not an object.
    """
    _check("canonical_form", canonical_form, CANONICAL_FORMS)
    _check("charset", charset, CHARSETS)
    _check_type("data", data, (Mapping,), "a JSON object, or its bytes")
    try:
        return json.dumps(
            dict(data),
            separators=(", ", ": ") if canonical_form == "spaced" else (",", ":"),
            sort_keys=canonical_form == "sorted",
            ensure_ascii=charset == "ascii",
            allow_nan=False,
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"data: not valid as JSON in UTF-8: {error}"
        raise ValueError(msg) from None


def sign(
    data: Mapping[str, Any] | bytes,
    key: str | bytes,
    *,
    algorithm: str = "sha256",
    encoding: str = "hex",
    canonical_form: str = "compact",
    charset: str = "utf-8",
) -> str:
    """Return the authentication code of ``data`` under ``key``.

    Args:
        data: the data object, or its bytes.
        key: the secret key of the webhook definition; a text is encoded as UTF-8.
        algorithm: hash function: *md5*, *sha1*, *sha256* or *sha512*.
        encoding: *hex*, *hex_upper* or *base64*.
        canonical_form: see ``canonical_bytes``.
        charset: see ``canonical_bytes``.

    Raises:
        ValueError: an argument is not one of its choices, ``data`` is not valid JSON, or ``key`` is
            empty.
        TypeError: ``data`` or ``key`` is of another type.
    """
    _check("algorithm", algorithm, ALGORITHMS)
    _check("encoding", encoding, ENCODINGS)
    _check("canonical_form", canonical_form, CANONICAL_FORMS)
    _check("charset", charset, CHARSETS)
    _check_type("key", key, (str, bytes), "a string or bytes")
    if not isinstance(data, bytes):
        data = canonical_bytes(data, canonical_form=canonical_form, charset=charset)
    return signature(data, key, algorithm, encoding)


def signature(data: bytes, key: str | bytes, algorithm: str, encoding: str) -> str:
    """Return the authentication code of bytes; checks only ``key``."""
    hmac_ = _new_hmac(key, algorithm).copy()
    hmac_.update(data)
    digest = hmac_.digest()
    if encoding == "base64":
        return base64.b64encode(digest).decode()
    return digest.hex().upper() if encoding == "hex_upper" else digest.hex()


def verify(
    code: str,
    data: Mapping[str, Any] | bytes,
    key: str | bytes,
    *,
    algorithm: str = "sha256",
    encoding: str = "hex",
    canonical_form: str = "compact",
    charset: str = "utf-8",
) -> bool:
    """Return True if ``code`` is the authentication code of ``data``; compares in constant time.

    Arguments and errors are those of ``sign``.
    """
    _check_type("code", code, (str,), "a string")
    correct_code = sign(
        data,
        key,
        algorithm=algorithm,
        encoding=encoding,
        canonical_form=canonical_form,
        charset=charset,
    )
    return hmac.compare_digest(correct_code.encode(), code.encode("utf-8", "surrogatepass"))
