"""What an operation of the control API is: a function, from which its contract is made.

    @operation("POST /clock/advance", "clock", examples={"a minute": {"seconds": 60}})
    def advance_clock(call: Call, body: Advance) -> Clock:

Its parameters are those of the path and of the query, and ``body`` is the JSON that is sent. Their
types are what is valid, the type that it returns is that of the response, and its docstring is the
text of the reference. ``protocol/typed_schemas`` says what a type may be.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, cleandoc, signature
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from crmcom_kit.mock_server.admin.call import Reply
from crmcom_kit.mock_server.protocol.typed_schemas import Keywords, Schema, close, schema_of
from crmcom_kit.schemas.statements import EVIDENCE

Function = TypeVar("Function", bound=Callable[..., Any])


Moment = Annotated[str, Keywords(format="date-time")]
Count = Annotated[int, Keywords(minimum=0)]
#: The number or the id of a webhook request.
RecordKey = Annotated[str, Keywords(maxLength=100)]
#: A name, an alternative code or an id.
Name = Annotated[str, Keywords(maxLength=1000)]
Headers = dict[str, str]
JsonObject = dict[str, Any]
Evidence = Annotated[str, Keywords(enum=[*EVIDENCE])]


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
        close(schema, components)
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
