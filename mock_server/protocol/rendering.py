"""From a full webhook request to the JSON bytes that answers carry.

Done once, when a record is written; reads copy bytes. How a dialect spells objects is the
contract's: see ``crmcom_kit.schemas.rendering``.
"""

import orjson


def compact_json(value: object) -> bytes:
    """Return ``value`` as JSON in exactly as much memory as it needs."""
    return bytes(memoryview(orjson.dumps(value)))  # orjson's own result keeps slack behind it
