"""The methods of the API and their parameters, read from the parameter schemas."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from crmcom_kit.schemas.files import names_in, read_json
from crmcom_kit.schemas.releases import Release

#: Below this path stand all methods of the API.
API_PATH = "/crmapi/rest/v2"

_COMMON = "common#/$defs/"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method, in one release."""

    name: str
    need: str  # token, mandatory, semi-optional or optional
    type: str  # string, integer or object (an identifier)
    choices: tuple[str, ...]  # of an enumeration
    fields: tuple[str, ...]  # of an identifier
    since: str | None
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API, in one release."""

    name: str
    path: str
    verb: str
    answer: str
    summary: str
    deprecated: bool
    basic: bool  # logs in by HTTP Basic authentication
    parameters: dict[str, Parameter]
    later: dict[str, str]  # parameters of later releases: name → release that brings them


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Put the shared piece that a parameter refers to in place of the reference."""
    target = schema.get("$ref", "")
    if not target.startswith(_COMMON):
        return schema
    shared = read_json("objects/common.json")["$defs"][target.removeprefix(_COMMON)]
    return {**shared, **{key: value for key, value in schema.items() if key != "$ref"}}


def _parameter(name: str, schema: dict[str, Any], release: Release) -> Parameter:
    full = _resolved(schema)
    since = full.get("x-enum-since", {})
    return Parameter(
        name=name,
        need=full["x-need"],
        type=full["type"],
        choices=tuple(
            value
            for value in full.get("enum", ())
            if value not in since or release.at_least(since[value])
        ),
        fields=tuple(full.get("properties", ())),
        since=full.get("x-since"),
        schema=full,
    )


@cache
def methods(release: Release) -> dict[str, Method]:
    """Return the methods that ``release`` knows, by name."""
    found = {}
    for name in names_in("parameters"):
        schema = read_json(f"parameters/{name}.json")
        about = schema["x-method"]
        if not release.at_least(about.get("since", "R9.0.0")):
            continue
        properties = schema["properties"]
        deprecated = about.get("deprecated_since")
        found[about["name"]] = Method(
            name=about["name"],
            path=about["path"],
            verb=about["verb"],
            answer=about["answer"],
            summary=about["summary"],
            deprecated=deprecated is not None and release.at_least(deprecated),
            basic=about.get("basic", False),
            parameters={
                key: _parameter(key, piece, release)
                for key, piece in properties.items()
                if release.covers(piece)
            },
            later={k: p["x-since"] for k, p in properties.items() if not release.covers(p)},
        )
    return found


def response_fields() -> tuple[str, ...]:
    """The fields of a webhook request, in the order of the documents."""
    selection = read_json("objects/webhook_request_selection.json")
    return tuple(selection["$defs"]["members"]["properties"])
