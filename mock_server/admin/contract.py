"""What an operation of the control API is: a function, from which its contract is made.

    @operation("POST /clock/advance", "clock", examples={"a minute": {"seconds": 60}})
    def advance_clock(call: Call, body: Advance) -> Clock:

Its parameters are those of the path and of the query, and ``body`` is the JSON that is sent. Their
types are what is valid, the type that it returns is that of the response, and its docstring is the
text of the reference. A type may be a TypedDict; ``Annotated`` adds a description, as a string, or
``Keywords`` of JSON Schema.
"""

from collections.abc import Callable, Mapping
from enum import EnumType
from inspect import Parameter, cleandoc, signature
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from crmcom_kit.mock_server.admin.call import Reply
from crmcom_kit.schemas.statements import EVIDENCE

Schema = dict[str, Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class Keywords(dict[str, Any]):
    """Keywords of JSON Schema beside a type; they can be hashed, which unions of types need."""

    __hash__ = object.__hash__  # type: ignore[assignment]


Moment = Annotated[str, Keywords(format="date-time")]
Count = Annotated[int, Keywords(minimum=0)]
#: The number or the id of a webhook request.
Record = Annotated[str, Keywords(maxLength=100)]
#: A name, an alternative code or an id.
Name = Annotated[str, Keywords(maxLength=1000)]
Headers = dict[str, str]
JsonObject = dict[str, Any]
Evidence = Annotated[str, Keywords(enum=[*EVIDENCE])]

_JSON_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    NoneType: "null",
}


class Operation(NamedTuple):
    """A function that responds to a verb and a path below the prefix."""

    id: str
    verb: str
    path: str
    tag: str
    function: Callable[..., Any]
    returns: Any  # the type of the JSON that it returns; None if it is not JSON alone
    status: int
    others: Mapping[int, str]  # other statuses with JSON of this type, and what they mean
    media: str | None  # of a response that is not JSON
    stream: Any  # the type of a body that the function reads itself
    examples: Mapping[str, Any]  # of the body

    @property
    def has_body(self) -> bool:
        """Whether a body may be sent."""
        return self.stream is not None or "body" in signature(self.function).parameters


#: Every operation, by its id: the name of its function.
OPERATIONS: dict[str, Operation] = {}


def operation(
    route: str,
    tag: str,
    *,
    id: str = "",
    returns: Any = None,
    status: int = 200,
    others: Mapping[int, str] | None = None,
    media: str | None = None,
    stream: Any = None,
    examples: Mapping[str, Any] | None = None,
) -> Callable[[Function], Function]:
    """Return a decorator that makes a function an operation; ``Operation`` says what is what."""
    verb, path = route.split()

    def add(function: Function) -> Function:
        name = id or function.__name__
        annotated = get_type_hints(function, include_extras=True)["return"]
        OPERATIONS[name] = Operation(
            name,
            verb,
            path,
            tag,
            function,
            None if returns is None and annotated is Reply else returns or annotated,
            status,
            others or {},
            media,
            stream,
            examples or {},
        )
        return function

    return add


def described(one: Operation, components: dict[str, Schema]) -> Schema:
    """Return an operation as OpenAPI describes it; the schemas that it needs go to components."""
    summary, _, text = cleandoc(one.function.__doc__ or "").partition("\n\n")
    found: Schema = {
        "operationId": one.id,
        "tags": [one.tag],
        "summary": " ".join(summary.split()),
        "description": " ".join(text.split()),
    }
    hints = get_type_hints(one.function, include_extras=True)
    given = [p for name, p in signature(one.function).parameters.items() if name != "call"]
    found["parameters"] = [
        _parameter(p, hints[p.name], one.path, components) for p in given if p.name != "body"
    ]
    if one.has_body:
        required = {p.name for p in given if p.default is Parameter.empty}
        is_required = one.stream is not None or "body" in required
        schema = schema_of(hints["body"] if one.stream is None else one.stream, components)
        _close(schema, components)
        examples = {name: {"value": value} for name, value in one.examples.items()}
        content = {"schema": schema, "examples": examples}
        found["requestBody"] = {"required": is_required, "content": {"application/json": content}}
    content = {}
    if one.media is not None:
        content[one.media] = {"schema": {"type": "string"}}
    if one.returns is not None:
        content["application/json"] = {"schema": schema_of(one.returns, components)}
    found["responses"] = {
        str(status): {"description": text, "content": content}
        for status, text in {one.status: "The operation succeeded.", **one.others}.items()
    }
    return found


def _parameter(parameter: Parameter, hint: Any, path: str, components: dict[str, Schema]) -> Schema:
    is_in_path = f"{{{parameter.name}}}" in path
    schema = dict(schema_of(_without_none(hint), components))
    text = schema.pop("description", "")
    if parameter.default not in (Parameter.empty, None):
        schema["default"] = parameter.default
    return {
        "name": parameter.name.rstrip("_"),
        "in": "path" if is_in_path else "query",
        "required": is_in_path,
        "description": text,
        "schema": schema,
    }


def _without_none(hint: Any) -> Any:
    """Return the type of a parameter that may be omitted."""
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(one for one in get_args(hint) if one is not NoneType)]  # noqa: UP007
    return hint


def schema_of(hint: Any, components: dict[str, Schema]) -> Schema:
    """Return the JSON Schema of a type; those of TypedDicts go to components."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        found = dict(schema_of(arguments[0], components))
        for about in arguments[1:]:
            found |= {"description": about} if isinstance(about, str) else about
        return found
    if origin in (Required, NotRequired):
        return schema_of(arguments[0], components)
    if origin is Literal:
        return {"enum": [*arguments]}
    if origin in (Union, UnionType):
        return _one_of([schema_of(one, components) for one in arguments])
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0], components)}
    if origin is dict:
        inner = schema_of(arguments[1], components)
        return {"type": "object", "additionalProperties": inner or True}
    return _plain(hint, components)


def _plain(hint: Any, components: dict[str, Schema]) -> Schema:
    """Return the JSON Schema of a type without arguments."""
    if is_typeddict(hint):
        if hint.__name__ not in components:
            components[hint.__name__] = {}  # for one that refers to itself
            components[hint.__name__] = _object(hint, components)
        return {"$ref": f"#/components/schemas/{hint.__name__}"}
    if isinstance(hint, EnumType):
        return {"enum": [*map(str, hint.__members__.values())]}
    return {} if hint is Any else {"type": _JSON_TYPES[hint]}


def _one_of(options: list[Schema]) -> Schema:
    """Return the schema of a union: types are listed, and null is a further type."""
    *first, last = options
    if last == {"type": "null"} and len(first) == 1 and isinstance(first[0].get("type"), str):
        return {**first[0], "type": [first[0]["type"], "null"]}
    if all(option.keys() == {"type"} for option in options):
        return {"type": [option["type"] for option in options]}
    return {"anyOf": options}


def _object(hint: Any, components: dict[str, Schema]) -> Schema:
    members = get_type_hints(hint, include_extras=True)
    found: Schema = {
        "type": "object",
        "description": cleandoc(hint.__doc__ or ""),
        "properties": {name: schema_of(one, components) for name, one in members.items()},
    }
    required = [name for name in members if name in hint.__required_keys__]
    return {**found, "required": required} if required else found


def _close(schema: Any, components: dict[str, Schema]) -> None:
    """Refuse unknown members in a schema of what is sent, and in those that it refers to."""
    if isinstance(schema, list):
        for part in schema:
            _close(part, components)
    elif isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        found = components.get(name, {})
        if "properties" in found and "additionalProperties" not in found:
            found["additionalProperties"] = False
            _close(found, components)
        for part in schema.values():
            _close(part, components)
