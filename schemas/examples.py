"""Examples of requests and responses of a release.

The files of ``examples/`` have them by name; a description says which part was captured. An example
of some releases is marked like a piece of a schema.
"""

from typing import Any

from crmcom_kit.schemas.files import names_in, read_json
from crmcom_kit.schemas.loader import load_schema
from crmcom_kit.schemas.releases import Release


def examples(name: str, release: Release) -> dict[str, dict[str, Any]]:
    """Return the examples called ``name`` in ``release``: summary, description and value of each.

    ``name`` is that of a schema (``show_answer``) or of a method's request (``show_request``). A
    name without a file has no examples.
    """
    if name not in names_in("examples"):
        return {}
    new_names = _new_names(release)
    return {
        key: {
            "summary": entry["summary"],
            "description": entry["description"],
            "value": _rename_members(entry["value"], new_names),
        }
        for key, entry in read_json(f"examples/{name}.json").items()
        if release.covers(entry)
    }


def _new_names(release: Release) -> dict[str, str]:
    """Return the new names of log_information's members that ``release`` renames."""
    members = load_schema("log_information")["properties"]
    return {
        name: name.replace("_by_unit", "_by_business_unit")
        for name, piece in members.items()
        if name.endswith("_by_unit") and not release.covers(piece)
    }


def _rename_members(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_rename_members(member, names) for member in value]
    if isinstance(value, dict):
        return {names.get(k, k): _rename_members(member, names) for k, member in value.items()}
    return value
