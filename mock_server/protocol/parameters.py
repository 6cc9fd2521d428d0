"""What a call asks for: parameters by name, read as the release and the dialect say."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crmcom_kit.mock_server.protocol.errors import (
    DuplicateParameter,
    EmptyValue,
    InvalidValue,
    MisplacedParameter,
    MissingParameter,
    MissingToken,
    NoIdentifier,
    SeveralIdentifiers,
    UnknownIdentifierField,
    UnknownParameter,
    WrongType,
)
from crmcom_kit.mock_server.protocol.request import (
    Members,
    Request,
    body_members,
    json_type,
    query_pairs,
    repeated,
)
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.redaction import is_secret
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.methods import Method, Parameter

# No value can have these: control characters, and halves of surrogate pairs.
_NEVER = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
REQUEST_IDENTIFIER = "webhook_request_identifier"
# A field's name and what stands before its value, in any notation that people try.
_FIELD = re.compile(r"(?<!\w)(?:id|number)[\"'\s\]]*[=:]")
_MAX_SHOWN = 5  # of names that may be any number


class Identifier(NamedTuple):
    """One identifier field and its value."""

    field: str
    value: str


@dataclass(slots=True)
class Given:
    """The parameters of one request, not yet read, and what was odd about them."""

    method: Method
    values: dict[str, Any]
    repeated: frozenset[str]
    from_body: bool
    warnings: list[str] = field(default_factory=list)


Reader = Callable[[Parameter, Any, Given], Any]


class Parameters:
    """Reads calls of one release in one dialect."""

    def __init__(self, dialect: Dialect, readers: Mapping[str, Reader]) -> None:
        """Use ``readers`` for the parameters that they name, and each type's own for the others."""
        self._dialect = dialect
        self._mode: str = dialect["requests.unknown_parameters"]
        self._readers = readers

    def collect(self, method: Method, request: Request) -> Given:
        """Return the parameters that ``request`` gives, wherever this method takes them from.

        Raises:
            RequestError, MisplacedParameter, InvalidValue: they cannot be read at all.
        """
        if request.verb != "POST":
            if request.body != b"" and self._dialect["requests.body_on_get"] == "error":
                raise MisplacedParameter("body", seen="one", allowed="parameters in the query")
            return _given_by_query(method, query_pairs(request.query))
        given = self._given_by_body(method, request)
        if request.query:
            self._take_query(given, request.query)
        return given

    def _given_by_body(self, method: Method, request: Request) -> Given:
        needs_none = not any(p.need in ("mandatory", "token") for p in method.parameters.values())
        if needs_none and request.body == b"":
            return Given(method, {}, frozenset(), from_body=True)
        members = body_members(request)
        return Given(method, dict(members), members.repeated, from_body=True)

    def _take_query(self, given: Given, query: bytes) -> None:
        pairs = query_pairs(query)
        if not pairs:
            return
        names = _some([quoted(name) for name in dict.fromkeys(name for name, _ in pairs)])
        mode = self._dialect["requests.query_on_post"]
        if mode == "error":
            raise MisplacedParameter("query", seen=names, allowed="parameters in the JSON body")
        if mode == "ignore":
            if self._mode != "loose":
                given.warnings.append(f"the query of a POST is ignored: {names}")
            return
        both = [*given.values.items(), *pairs]
        given.values = dict(both)
        given.repeated |= repeated(name for name, _ in both)

    def token(self, given: Given, authorization: str = "") -> str:
        """Return the token that the call carries.

        Raises:
            MissingToken: none, or an empty one.
            WrongType, DuplicateParameter: not one text.
        """
        allowed = "a token from a login method"
        if "token" not in given.values and self._dialect["requests.token_in_header"]:
            scheme, _, text = authorization.partition(" ")
            if scheme.lower() == "bearer" and text.strip():
                return text.strip()
        if "token" not in given.values:
            raise MissingToken("token", seen="nothing", allowed=allowed)
        if "token" in given.repeated:
            raise DuplicateParameter("token", seen="more than one", allowed="one")
        token = given.values["token"]
        if not isinstance(token, str):
            raise WrongType("token", seen=json_type(token), allowed="a string")
        if not token:
            raise MissingToken("token", seen='""', allowed=allowed)
        return token

    def read(self, given: Given) -> dict[str, Any]:
        """Return the values of the method's own parameters, token left out.

        Raises:
            ParameterError: one is missing, wrong, or one too many.
        """
        method = given.method
        self._check_names(given)
        values: dict[str, Any] = {}
        for name, parameter in method.parameters.items():
            if name == "token":
                continue
            if name in given.repeated:
                raise _twice(parameter)
            if name in given.values:
                read = self._readers.get(name) or self._by_type(parameter)
                values[name] = read(parameter, given.values[name], given)
            elif parameter.need == "mandatory":
                raise _missing(parameter)
        return values

    def _check_names(self, given: Given) -> None:
        """Refuse, or note, names that the method or the release does not know."""
        if self._mode == "loose":
            return
        method = given.method
        unknown = [n for n in given.values if n not in method.parameters and n != "token"]
        if REQUEST_IDENTIFIER in given.values and REQUEST_IDENTIFIER in method.parameters:
            for name in _parameter_fields(method):
                if name in unknown:  # `identifier=number=7&id=...`: an & that was not encoded
                    seen = f"one, and {name} beside it"
                    raise _several(method.parameters[REQUEST_IDENTIFIER], seen)
        for name in unknown[:_MAX_SHOWN]:
            hint = _hint(name, given)
            if self._mode == "strict":
                allowed = f"one of {', '.join(method.parameters)}"
                allowed = f"{allowed} ({hint})" if hint else allowed
                raise UnknownParameter(quoted(name).strip('"'), seen="in the call", allowed=allowed)
            text = f"{quoted(name)} is unknown to {method.name} and was ignored; {hint}"
            given.warnings.append(text.removesuffix("; "))
        if len(unknown) > _MAX_SHOWN:
            more = len(unknown) - _MAX_SHOWN
            given.warnings.append(f"{more} more unknown parameters were ignored")

    def _by_type(self, parameter: Parameter) -> Reader:
        return self._identifier if parameter.type == "object" else read_text

    def _identifier(self, parameter: Parameter, value: Any, given: Given) -> Identifier:
        """Read an identifier: ``field=value`` in a query, an object in a body."""
        if given.from_body and not isinstance(value, str):
            return self._identifier_object(parameter, value)
        if given.from_body and self._dialect["requests.query_on_post"] != "read":
            raise _no_object(parameter, value)
        name, equals, text = value.partition("=")
        if parameter.name == REQUEST_IDENTIFIER and len(_FIELD.findall(value)) > 1:
            raise _several(parameter, quoted(value))
        forms = " or ".join(f"{field}=..." for field in parameter.fields)
        if not equals:
            raise NoIdentifier(parameter.name, seen=quoted(value), allowed=forms)
        if name not in parameter.fields:
            raise UnknownIdentifierField(parameter.name, seen=quoted(name), allowed=forms)
        return Identifier(name, _text(f"{parameter.name}.{name}", text))

    def _identifier_object(self, parameter: Parameter, value: Any) -> Identifier:
        fields = " or ".join(parameter.fields)
        if not isinstance(value, Members):
            raise _no_object(parameter, value)
        known = [name for name in value if name in parameter.fields]
        if len(known) > 1 or value.repeated & set(parameter.fields):
            seen = " and ".join(known) if len(known) > 1 else f"{known[0]} more than once"
            raise _several(parameter, seen)
        unknown = [name for name in value if name not in parameter.fields]
        if unknown and not (known and self._dialect["identifiers.unknown_field"] == "ignore"):
            raise UnknownIdentifierField(parameter.name, seen=quoted(unknown[0]), allowed=fields)
        if not known:
            raise NoIdentifier(parameter.name, seen="an empty object", allowed=fields)
        name, text = known[0], value[known[0]]
        number = isinstance(text, int) and not isinstance(text, bool)
        if number and self._dialect["identifiers.json_number"]:
            text = str(text)
        return Identifier(name, _text(f"{parameter.name}.{name}", text))


def _given_by_query(method: Method, pairs: list[tuple[str, str]]) -> Given:
    return Given(method, dict(pairs), repeated(name for name, _ in pairs), from_body=False)


def _parameter_fields(method: Method) -> tuple[str, ...]:
    return method.parameters[REQUEST_IDENTIFIER].fields


def _hint(name: str, given: Given) -> str:
    """Return what the caller may have meant by a parameter that the method does not know."""
    method = given.method
    if name in method.later:
        return f"known from {method.later[name]}"
    start = re.split(r"[\[.:]", name, maxsplit=1)[0]  # identifier[number], identifier.number
    near = difflib.get_close_matches(start, method.parameters, n=1)
    if REQUEST_IDENTIFIER in method.parameters and name in _parameter_fields(method):
        near = [REQUEST_IDENTIFIER]
    if not near:
        return ""
    fields = method.parameters[near[0]].fields
    if not fields:
        return f"did you mean {near[0]}?"
    field = name if name in fields else fields[-1]
    form = f'"{near[0]}": {{"{field}": "..."}}' if given.from_body else f"{near[0]}={field}=..."
    return f"did you mean {form}?"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return ", ".join(names[:_MAX_SHOWN]) + more


def _several(parameter: Parameter, seen: str) -> SeveralIdentifiers:
    allowed = f"exactly one of {' or '.join(parameter.fields)}"
    return SeveralIdentifiers(parameter.name, seen=seen, allowed=allowed)


def _no_object(parameter: Parameter, value: Any) -> WrongType:
    allowed = f'an object such as {{"{parameter.fields[-1]}": "..."}}'
    return WrongType(parameter.name, seen=json_type(value), allowed=allowed)


def _twice(parameter: Parameter) -> SeveralIdentifiers | DuplicateParameter:
    if parameter.type == "object":
        return _several(parameter, "more than one")
    return DuplicateParameter(parameter.name, seen="more than one", allowed="one")


def _missing(parameter: Parameter) -> NoIdentifier | MissingParameter:
    if parameter.type == "object":
        allowed = f"exactly one of {' or '.join(parameter.fields)}"
        return NoIdentifier(parameter.name, seen="nothing", allowed=allowed)
    return MissingParameter(parameter.name, seen="nothing", allowed="a text")


def read_text(parameter: Parameter, value: Any, given: Given) -> str:
    """Read a text that must have something in it. Raises WrongType, EmptyValue, InvalidValue."""
    del given
    return _text(parameter.name, value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise WrongType(name, seen=json_type(value), allowed="a string")
    if not value:
        raise EmptyValue(name, seen='""', allowed="a text with at least one character")
    if _NEVER.search(value):
        raise InvalidValue(
            name,
            seen=quoted(value, secret=is_secret(name)),
            allowed="a text without control characters",
        )
    return value
