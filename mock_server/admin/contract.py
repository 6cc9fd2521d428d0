"""An operation of the control API: a function of a call, from which its contract is made.

    @operation("POST /clock/advance", "clock", examples={"a minute": {"seconds": 60}})
    def advance_clock(call: Call, body: Advance) -> Clock:

Its parameters are those of the path and of the query, and ``body`` is the JSON that is sent. Their
types say which values are valid. Its return type is that of the response, and its docstring is the
text of the reference. ``typed_schemas`` describes the types.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import KW_ONLY, dataclass, field
from inspect import Parameter, cleandoc, signature
from types import NoneType
from typing import (
    IO,
    Annotated,
    Any,
    Generic,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from crmcom_kit.mock_server.clock import IsOver
from crmcom_kit.mock_server.typed_schemas import Keywords, Schema, close, schema_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas.statements import EVIDENCE

Function = TypeVar("Function", bound=Callable[..., Any])
Payload = TypeVar("Payload")

Moment = Annotated[str, Keywords(format="date-time")]
Count = Annotated[int, Keywords(minimum=0)]
#: The number or the id of a webhook request.
RecordKey = Annotated[str, Keywords(maxLength=100)]
#: A name, an alternative code or an id.
Name = Annotated[str, Keywords(maxLength=1000)]
JsonObject = dict[str, Any]
Evidence = Annotated[str, Keywords(enum=[*EVIDENCE])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call; its parameters and body are the arguments of its operation."""

    registry: WorldRegistry
    world: World
    epoch: Epoch  # the world's current epoch when the call began
    is_over: IsOver  # the server stops, or the client has left: the call must stop waiting
    root: str  # the part of the path that names the world
    origin: str  # scheme, host and port of the server, as the client wrote them
    stream: IO[bytes]  # the body, if the operation reads it

    def may_send(self) -> AbstractContextManager[None]:
        """Take a slot for a call in which the mock may send and wait for the receiver.

        Raises LimitExceeded on entry. Without a limit, such calls could take all threads of the
        server and leave none to a receiver that calls the mock.
        """
        return self.registry.wait_slot() if self.epoch.sends else nullcontext()


class Reply(NamedTuple, Generic[Payload]):
    """A response that is more than a JSON value with the status of its operation."""

    payload: Payload  # a JSON value; or bytes, or an iterator of bytes, sent unchanged
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Operation:
    """Decorates a function that responds to a verb and a path below the prefix."""

    route: str
    tag: str
    _: KW_ONLY
    id: str = ""  # the function's name by default
    status: int = 200
    others: Mapping[int, str] = field(default_factory=dict)  # other statuses and their meanings
    media: str = ""  # of a response that is not JSON
    stream: Any = None  # the type of a body that the function reads itself
    examples: Mapping[str, Any] = field(default_factory=dict)  # of the body

    def __call__(self, function: Function) -> Function:
        """Register the function's operation, and return the function."""
        self.function = function
        self.id = self.id or function.__name__
        self.verb, self.path = self.route.split()
        #: The types of the function's parameters and of its result.
        self.hints = get_type_hints(function, include_extras=True)
        self.has_body = self.stream is not None or "body" in self.hints
        OPERATIONS[self.id] = self
        return function


operation = Operation
#: Every operation, by its id.
OPERATIONS: dict[str, Operation] = {}


def openapi_of(operation: Operation, components: dict[str, Schema]) -> Schema:
    """Return an operation as OpenAPI describes it; add the schemas that it needs to components."""
    summary, _, text = cleandoc(operation.function.__doc__ or "").partition("\n\n")
    document: Schema = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": " ".join(summary.split()),
        "description": " ".join(text.split()),
    }
    parameters = [p for p in signature(operation.function).parameters.values() if p.name != "call"]
    document["parameters"] = [
        _parameter(p, operation, components) for p in parameters if p.name != "body"
    ]
    if operation.has_body:
        body = [p for p in parameters if p.name == "body"]
        schema = schema_of(operation.hints["body"] if body else operation.stream, components)
        close(schema, components)
        examples = {name: {"value": value} for name, value in operation.examples.items()}
        content = {"application/json": {"schema": schema, "examples": examples}}
        is_required = all(p.default is Parameter.empty for p in body)
        document["requestBody"] = {"required": is_required, "content": content}
    if operation.media:
        content = {operation.media: {"schema": {"type": "string"}}}
    else:
        result = operation.hints["return"]
        if get_origin(result) is Reply:
            (result,) = get_args(result)
        content = {"application/json": {"schema": schema_of(result, components)}}
    statuses = {operation.status: "The operation succeeded.", **operation.others}
    document["responses"] = {
        str(status): {"description": meaning, "content": content}
        for status, meaning in statuses.items()
    }
    return document


def _parameter(parameter: Parameter, operation: Operation, components: dict[str, Schema]) -> Schema:
    is_in_path = f"{{{parameter.name}}}" in operation.path
    hint = operation.hints[parameter.name]
    if parameter.default is None:  # it may be omitted, but is never null
        hint = Union[tuple(kind for kind in get_args(hint) if kind is not NoneType)]  # noqa: UP007
    schema = dict(schema_of(hint, components))
    text = schema.pop("description", "")
    if parameter.default not in (Parameter.empty, None):
        schema["default"] = parameter.default
    return {
        "name": parameter.name,
        "in": "path" if is_in_path else "query",
        "required": is_in_path,
        "description": text,
        "schema": schema,
    }
