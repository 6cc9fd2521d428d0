"""JSON Schemas made from Python's types, for requests and responses.

A type may be a TypedDict; ``Annotated`` adds a description, as a string, or ``Keywords`` of JSON
Schema.
"""

from enum import EnumType
from inspect import cleandoc
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Schema = dict[str, Any]


class Keywords(dict[str, Any]):
    """Keywords of JSON Schema for a type; hashable, since unions of types need that."""

    __hash__ = object.__hash__  # type: ignore[assignment]


_JSON_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    NoneType: "null",
}


def schema_of(hint: Any, components: dict[str, Schema]) -> Schema:
    """Return the JSON Schema of a type; those of TypedDicts go to components."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        schema = dict(schema_of(arguments[0], components))
        for annotation in arguments[1:]:
            schema |= {"description": annotation} if isinstance(annotation, str) else annotation
        return schema
    if origin in (Required, NotRequired):
        return schema_of(arguments[0], components)
    if origin is Literal:
        return {"enum": [*arguments]}
    if origin in (Union, UnionType):
        return _one_of([schema_of(argument, components) for argument in arguments])
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0], components)}
    if origin is dict:
        value_schema = schema_of(arguments[1], components)
        return {"type": "object", "additionalProperties": value_schema or True}
    return _plain(hint, components)


def _plain(hint: Any, components: dict[str, Schema]) -> Schema:
    """Return the JSON Schema of a type without arguments."""
    if is_typeddict(hint):
        if hint.__name__ not in components:
            components[hint.__name__] = {}  # a type may refer to itself
            components[hint.__name__] = _object(hint, components)
        return {"$ref": f"#/components/schemas/{hint.__name__}"}
    if isinstance(hint, EnumType):
        return {"enum": [*map(str, hint.__members__.values())]}
    return {} if hint is Any else {"type": _JSON_TYPES[hint]}


def _one_of(options: list[Schema]) -> Schema:
    """Return the schema of a union: plain types, also null, become a list of types."""
    *first, last = options
    if last == {"type": "null"} and len(first) == 1 and isinstance(first[0].get("type"), str):
        return {**first[0], "type": [first[0]["type"], "null"]}
    if all(option.keys() == {"type"} for option in options):
        return {"type": [option["type"] for option in options]}
    return {"anyOf": options}


def _object(hint: Any, components: dict[str, Schema]) -> Schema:
    members = get_type_hints(hint, include_extras=True)
    schema: Schema = {
        "type": "object",
        "description": cleandoc(hint.__doc__ or ""),
        "properties": {name: schema_of(member, components) for name, member in members.items()},
    }
    required = [name for name in members if name in hint.__required_keys__]
    return {**schema, "required": required} if required else schema


def close(schema: Any, components: dict[str, Schema]) -> None:
    """Refuse unknown members in a schema of a request, and in those that it refers to."""
    if isinstance(schema, list):
        for part in schema:
            close(part, components)
    elif isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        component = components.get(name, {})
        if "properties" in component and "additionalProperties" not in component:
            component["additionalProperties"] = False
            close(component, components)
        for part in schema.values():
            close(part, components)
