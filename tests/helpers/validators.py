"""A second opinion on the schemas."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs

from crmcom_kit.schemas import load_schema
from crmcom_kit.schemas.formats import FORMATS


def rust_validator(name: str, release: str) -> Any:
    """Return jsonschema-rs's validator of a schema in the strict profile."""

    def asserting(reader: Callable[[str], object]) -> Callable[[str], bool]:
        def holds(text: str) -> bool:
            try:
                reader(text)
            except ValueError:
                return False
            return True

        return holds

    return jsonschema_rs.validator_for(
        load_schema(name, release, profile="strict"),
        formats={name: asserting(reader) for name, reader in FORMATS.items()},
        validate_formats=True,
    )
