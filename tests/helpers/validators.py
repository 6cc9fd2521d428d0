"""A second opinion on the schemas."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs

from crmcom_kit.schemas import load_schema, schema_names
from crmcom_kit.schemas.formats import FORMATS


def rust_validator(name: str, release: str) -> Any:
    """Return jsonschema-rs's validator of the same files, in the strict profile."""

    def asserting(reader: Callable[[str], object]) -> Callable[[str], bool]:
        def holds(text: str) -> bool:
            try:
                reader(text)
            except ValueError:
                return False
            return True

        return holds

    schemas = [load_schema(one, release) for one in schema_names()]
    base = load_schema(name)["$id"]
    unknown = {"unknown": {"$dynamicAnchor": "unknown", "not": {}}}
    return jsonschema_rs.Draft202012Validator(
        {"$id": f"{base}/strict", "$ref": base, "$defs": unknown},
        registry=jsonschema_rs.Registry([(one["$id"], one) for one in schemas]),
        formats={name: asserting(reader) for name, reader in FORMATS.items()},
        validate_formats=True,
    )
