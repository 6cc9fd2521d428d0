"""What a call asks for: parameters by name, read as the release and the dialect say."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crmcom_kit.mock_server.errors import (
    SECRET_PARAMETERS,
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
    shown,
)
from crmcom_kit.mock_server.reading import (
    Members,
    RawRequest,
    body_members,
    json_type,
    query_pairs,
)
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.methods import Method, Parameter

# No value can have these: control characters, and halves of surrogate pairs.
_NEVER = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_REQUEST_IDENTIFIER = "webhook_request_identifier"
_SECOND_FIELD = re.compile(r"[,;&|\s]\s*(?:id|number)\s*=")


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

    def collect(self, method: Method, request: RawRequest) -> Given:
        """Return the parameters that ``request`` gives, wherever this method takes them from.

        Raises:
            RequestError, MisplacedParameter, InvalidValue: they cannot be read at all.
        """
        if request.verb != "POST":
            if request.body != b"" and self._dialect["requests.body_on_get"] == "error":
                raise MisplacedParameter("body", seen="a body", allowed="parameters in the query")
            return _given_by_query(method, query_pairs(request.query))
        given = self._given_by_body(method, request)
        if request.query:
            self._take_query(given, request.query)
        return given

    def _given_by_body(self, method: Method, request: RawRequest) -> Given:
        needs_none = not any(p.need in ("mandatory", "token") for p in method.parameters.values())
        if needs_none and request.body == b"":
            return Given(method, {}, frozenset(), from_body=True)
        members = body_members(request)
        return Given(method, dict(members), members.repeated, from_body=True)

    def _take_query(self, given: Given, query: bytes) -> None:
        pairs = query_pairs(query)
        names = ", ".join(dict.fromkeys(shown(name) for name, _ in pairs))
        mode = self._dialect["requests.query_on_post"]
        if mode == "error":
            raise MisplacedParameter("query", seen=names, allowed="parameters in the JSON body")
        if mode == "ignore":
            if self._mode != "loose":
                given.warnings.append(f"the query of a POST is ignored: {names}")
            return
        both = [*given.values.items(), *pairs]
        given.values = dict(both)
        given.repeated |= _repeated(both)

    def token(self, given: Given, authorization: str = "") -> str:
        """Return the token that the call carries.

        Raises:
            MissingToken: none, or an empty one.
            WrongType, DuplicateParameter: not one text.
        """
        allowed = "the token from a login method"
        if "token" not in given.values and self._dialect["requests.token_in_header"]:
            scheme, _, text = authorization.partition(" ")
            if scheme.lower() == "bearer" and text.strip():
                return text.strip()
        if "token" not in given.values:
            raise MissingToken("token", seen="no token", allowed=allowed)
        if "token" in given.repeated:
            raise DuplicateParameter("token", seen="token twice", allowed="one token")
        token = given.values["token"]
        if not isinstance(token, str):
            raise WrongType("token", seen=json_type(token), allowed="a string")
        if not token:
            raise MissingToken("token", seen="an empty text", allowed=allowed)
        return token

    def read(self, given: Given) -> dict[str, Any]:
        """Return the values of the method's own parameters, token left out.

        Raises:
            ParameterError: one is missing, wrong, or one too many.
        """
        method = given.method
        for name in given.values:
            if name not in method.parameters and name != "token":
                self._unknown(name, given)
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

    def _unknown(self, name: str, given: Given) -> None:
        method = given.method
        later = method.later.get(name)
        near = difflib.get_close_matches(name, method.parameters, n=1)
        if name in ("id", "number") and _REQUEST_IDENTIFIER in method.parameters:
            hint = f"did you mean {_REQUEST_IDENTIFIER}={name}=...?"
        elif later:
            hint = f"known from {later}"
        else:
            hint = f"did you mean {near[0]}?" if near else ""
        allowed = ", ".join(method.parameters)
        if self._mode == "strict":
            hint = f"{allowed} ({hint})" if hint else allowed
            raise UnknownParameter(shown(name).strip('"'), allowed=hint, seen="it in the call")
        if self._mode == "warn":
            text = f"{shown(name)} is unknown to {method.name} and was ignored; {hint}"
            given.warnings.append(text.rstrip("; "))

    def _by_type(self, parameter: Parameter) -> Reader:
        return self._identifier if parameter.type == "object" else read_text

    def _identifier(self, parameter: Parameter, value: Any, given: Given) -> Identifier:
        """Read an identifier: ``field=value`` in a query, an object in a body."""
        if given.from_body and not isinstance(value, str):
            return self._identifier_object(parameter, value)
        if given.from_body and self._dialect["requests.query_on_post"] != "read":
            raise WrongType(parameter.name, seen=json_type(value), allowed="an object")
        name, equals, text = value.partition("=")
        forms = " or ".join(f"{field}=..." for field in parameter.fields)
        if not value or (not equals and not value.strip('{}[]" ')):
            raise NoIdentifier(parameter.name, seen=shown(value), allowed=forms)
        if parameter.name == _REQUEST_IDENTIFIER and _SECOND_FIELD.search(value):
            raise SeveralIdentifiers(
                parameter.name, seen=shown(value), allowed=f"exactly one of {forms}"
            )
        if not equals:
            raise NoIdentifier(parameter.name, seen=shown(value), allowed=forms)
        if name not in parameter.fields:
            raise UnknownIdentifierField(parameter.name, seen=shown(name), allowed=forms)
        return Identifier(name, _text(f"{parameter.name}.{name}", text))

    def _identifier_object(self, parameter: Parameter, value: Any) -> Identifier:
        fields = " or ".join(parameter.fields)
        if not isinstance(value, Members):
            raise WrongType(parameter.name, seen=json_type(value), allowed="an object")
        known = [name for name in value if name in parameter.fields]
        if len(known) > 1 or value.repeated & set(parameter.fields):
            seen = " and ".join(known) if len(known) > 1 else f"{known[0]} twice"
            raise SeveralIdentifiers(parameter.name, seen=seen, allowed=f"exactly one of {fields}")
        unknown = [name for name in value if name not in parameter.fields]
        if unknown and not (known and self._dialect["identifiers.unknown_field"] == "ignore"):
            raise UnknownIdentifierField(parameter.name, seen=shown(unknown[0]), allowed=fields)
        if not known:
            raise NoIdentifier(parameter.name, seen="an empty object", allowed=fields)
        name, text = known[0], value[known[0]]
        number = isinstance(text, int) and not isinstance(text, bool)
        if number and self._dialect["identifiers.json_number"]:
            text = str(text)
        return Identifier(name, _text(f"{parameter.name}.{name}", text))


def _given_by_query(method: Method, pairs: list[tuple[str, str]]) -> Given:
    return Given(method, dict(pairs), _repeated(pairs), from_body=False)


def _repeated(pairs: list[tuple[str, Any]]) -> frozenset[str]:
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        return frozenset()
    return frozenset(name for name in names if names.count(name) > 1)


def _twice(parameter: Parameter) -> SeveralIdentifiers | DuplicateParameter:
    seen = f"{parameter.name} more than once"
    if parameter.type == "object":
        allowed = f"exactly one of {' or '.join(parameter.fields)}"
        return SeveralIdentifiers(parameter.name, seen=seen, allowed=allowed)
    return DuplicateParameter(parameter.name, seen=seen, allowed="it once")


def _missing(parameter: Parameter) -> NoIdentifier | MissingParameter:
    if parameter.type == "object":
        allowed = f"exactly one of {' or '.join(parameter.fields)}"
        return NoIdentifier(parameter.name, seen="no identifier", allowed=allowed)
    return MissingParameter(parameter.name, seen="no such parameter", allowed="a text")


def read_text(parameter: Parameter, value: Any, given: Given) -> str:
    """Read a text that must have something in it. Raises WrongType, EmptyValue, InvalidValue."""
    del given
    return _text(parameter.name, value)


def _text(name: str, value: Any) -> str:
    secret = name in SECRET_PARAMETERS
    if not isinstance(value, str):
        raise WrongType(name, seen=json_type(value), allowed="a string")
    if not value:
        raise EmptyValue(name, seen='""', allowed="a text with at least one character")
    if _NEVER.search(value):
        raise InvalidValue(
            name, seen=shown(value, secret=secret), allowed="a text without control characters"
        )
    return value
