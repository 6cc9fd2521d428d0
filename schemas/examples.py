"""Examples of requests and responses, as they are in a release.

The files of ``examples/`` hold them by name, each with a description that says which part of it
was captured. One that belongs to some releases only is marked like a piece of a schema.
"""

from typing import Any

from crmcom_kit.schemas.files import names_in, read_json
from crmcom_kit.schemas.loader import load_schema
from crmcom_kit.schemas.releases import Release


def examples(name: str, release: Release) -> dict[str, dict[str, Any]]:
    """Return the examples called ``name`` in ``release``: summary, description and value of each.

    A name is that of a schema (``show_answer``), or of a method's request (``show_request``).
    There are none under a name without a file.
    """
    if name not in names_in("examples"):
        return {}
    renamed = _renamed_members(release)
    return {
        key: {
            "summary": entry["summary"],
            "description": entry["description"],
            "value": _with_members(entry["value"], renamed),
        }
        for key, entry in read_json(f"examples/{name}.json").items()
        if release.covers(entry)
    }


def _renamed_members(release: Release) -> dict[str, str]:
    """Return the members of log_information that have another name in ``release`` than in R9."""
    members = load_schema("log_information")["properties"]
    return {
        name: name.replace("_by_unit", "_by_business_unit")
        for name, piece in members.items()
        if name.endswith("_by_unit") and not release.covers(piece)
    }


def _with_members(value: Any, renamed: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_members(member, renamed) for member in value]
    if isinstance(value, dict):
        return {renamed.get(k, k): _with_members(member, renamed) for k, member in value.items()}
    return value
