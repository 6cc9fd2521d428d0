"""The methods of the API and their parameters, read from the parameter schemas."""

from dataclasses import dataclass
from functools import cache

from crmcom_kit.schemas.files import names_in
from crmcom_kit.schemas.loader import Schema, load_schema
from crmcom_kit.schemas.releases import Release, release_names

#: The base path of the API.
API_PATH = "/crmapi/rest/v2"
#: The kinds of objects that webhook requests refer to, and their identifier fields.
REFERENCE_KINDS = ("webhook_definition", "workflow_rule")
IDENTIFIER_FIELDS = ("id", "name", "alternative_code")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method, in one release."""

    name: str
    need: str  # token, mandatory, semi-optional or optional
    type: str  # string, integer or object (an identifier)
    choices: tuple[str, ...]  # of an enumeration
    fields: tuple[str, ...]  # of an identifier
    description: str


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API, in one release."""

    name: str
    path: str
    verb: str
    response_schema: str
    summary: str
    deprecated: bool
    basic: bool  # logs in by HTTP Basic authentication
    parameters: dict[str, Parameter]
    later: dict[str, str]  # parameters of later releases: name → release


@cache
def methods(release: Release) -> dict[str, Method]:
    """Return the methods that ``release`` knows, by name."""
    by_name = {}
    for name in names_in("parameters"):
        full_schema, schema = load_schema(name), load_schema(name, release.name)
        annotation = schema["x-method"]
        if not release.at_least(annotation.get("since", release_names()[0])):
            continue
        deprecation = annotation.get("deprecated_since")
        by_name[annotation["name"]] = Method(
            name=annotation["name"],
            path=annotation["path"],
            verb=annotation["verb"],
            response_schema=annotation["answer"],
            summary=annotation["summary"],
            deprecated=deprecation is not None and release.at_least(deprecation),
            basic=annotation.get("basic", False),
            parameters={key: _parameter(key, schema) for key in schema["properties"]},
            later={
                key: piece["x-since"]
                for key, piece in full_schema["properties"].items()
                if key not in schema["properties"]
            },
        )
    return by_name


def _parameter(name: str, schema: Schema) -> Parameter:
    """Return the parameter ``name`` of the schema of a method's parameters."""
    piece = schema["properties"][name]
    definition = schema["$defs"][piece["$ref"].rpartition("/")[2]] if "$ref" in piece else {}
    keywords = definition | piece
    return Parameter(
        name=name,
        need=keywords["x-need"],
        type=keywords["type"],
        choices=tuple(keywords.get("enum", ())),
        fields=tuple(keywords.get("properties", ())),
        description=keywords["description"],
    )


@cache
def response_fields() -> tuple[str, ...]:
    """Return the fields of a webhook request, in the order of the documents."""
    return tuple(load_schema("webhook_request_selection")["properties"])
