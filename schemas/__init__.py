"""The contract as data: JSON Schemas, statements, releases, dialects.

The emulator, the contract kit, the OpenAPI document and the docs read the same files, so that each
fact is in one place. This room also has the form of records, envelopes and signatures in a dialect
(``rendering``, ``exchanges``, ``envelopes``, ``signing``), which emulator and fixtures share.
"""

from crmcom_kit.schemas.dialect import Dialect, DialectError, dialect_names, dials, load_dialect
from crmcom_kit.schemas.loader import UnknownSchema, load_schema, schema_names, validator
from crmcom_kit.schemas.methods import API_PATH, methods, response_fields
from crmcom_kit.schemas.releases import Release, UnknownRelease, release_names, resolve

__all__ = [
    "API_PATH",
    "Dialect",
    "DialectError",
    "Release",
    "UnknownRelease",
    "UnknownSchema",
    "dialect_names",
    "dials",
    "load_dialect",
    "load_schema",
    "methods",
    "release_names",
    "resolve",
    "response_fields",
    "schema_names",
    "validator",
]
