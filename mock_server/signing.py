"""Authentication codes for the tests of a receiver: ``sign``, ``verify``, ``canonical_bytes``."""

from crmcom_kit.schemas.signing import canonical_bytes, sign, verify

__all__ = ["canonical_bytes", "sign", "verify"]
