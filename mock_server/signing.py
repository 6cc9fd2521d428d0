"""Authentication codes for the tests of a receiver: ``sign``, ``verify``, ``canonical_bytes``."""

from crmcom_kit.schemas.signing import (
    ALGORITHMS,
    CANONICAL_FORMS,
    CHARSETS,
    ENCODINGS,
    canonical_bytes,
    sign,
    verify,
)

__all__ = [
    "ALGORITHMS",
    "CANONICAL_FORMS",
    "CHARSETS",
    "ENCODINGS",
    "canonical_bytes",
    "sign",
    "verify",
]
