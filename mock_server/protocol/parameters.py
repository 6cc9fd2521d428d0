"""The parameters of a request: collected from query or body, checked, and read into values."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import (
    Members,
    Request,
    body_members,
    json_type,
    query_pairs,
    repeated,
)
from crmcom_kit.redaction import is_secret
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.methods import Method, Parameter
from crmcom_kit.usage_errors import quoted

REQUEST_IDENTIFIER = "webhook_request_identifier"
# No value can have these: control characters, and halves of surrogate pairs.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
# The name of an identifier's field with what separates it from the value, in any notation.
_FIELD = re.compile(r"(?<!\w)(?:id|number)[\"'\s\]]*[=:]")
_MAX_LISTED = 5  # names in one message


class Identifier(NamedTuple):
    """One identifier field and its value."""

    field: str
    value: str


@dataclass(slots=True)
class Given:
    """The parameters of one request, not yet read."""

    method: Method
    values: dict[str, Any]
    repeated: frozenset[str]
    from_body: bool
    warnings: list[str] = field(default_factory=list)


Reader = Callable[[Parameter, Any, Given], Any]


class Parameters:
    """Reads the parameters of requests in one dialect."""

    def __init__(self, dialect: Dialect, readers: Mapping[str, Reader]) -> None:
        """Use ``readers`` for the parameters that they name, and the type's own for the others."""
        self._dialect = dialect
        self._unknown: str = dialect["requests.unknown_parameters"]
        self._repeated: str = dialect["requests.repeated_parameters"]
        self._readers = readers

    def collect(self, method: Method, request: Request) -> Given:
        """Return the parameters of ``request``, from where ``method`` takes them.

        Raises:
            VendorError: query or body cannot be read, or parameters are in the wrong place or
                too many (misplaced_parameter, invalid_value).
        """
        if request.verb != "POST":
            if request.body != b"" and self._dialect["requests.body_on_get"] == "error":
                raise _misplaced("body", "one", "parameters in the query", "requests.body_on_get")
            pairs = query_pairs(request.query)
            if request.body and self._dialect["requests.body_on_get"] == "read":
                pairs += [(n, v) for n, v in body_members(request).items() if isinstance(v, str)]
            return self._first_or_last(pairs, Given(method, {}, frozenset(), from_body=False))
        given = _from_body(method, request)
        if self._repeated != "error":  # the last one counts in JSON
            given.repeated = frozenset()
        if request.query:
            self._take_query(given, request.query)
        return given

    def _take_query(self, given: Given, query: bytes) -> None:
        """Handle the query of a POST as the dialect says."""
        pairs = query_pairs(query)
        if not pairs:
            return
        names = _listed([quoted(name) for name in dict.fromkeys(name for name, _ in pairs)])
        mode = self._dialect["requests.query_on_post"]
        if mode == "error":
            allowed = "parameters in the JSON body"
            raise _misplaced("query", names, allowed, "requests.query_on_post")
        if mode == "ignore":
            if self._unknown != "loose":
                given.warnings.append(f"the query of a POST is ignored: {names}")
            return
        self._first_or_last([*given.values.items(), *pairs], given)

    def _first_or_last(self, pairs: list[tuple[str, Any]], given: Given) -> Given:
        """Give a request its parameters; which counts of those that it has twice, is a dial."""
        given.values = dict(pairs)
        if len(given.values) < len(pairs):
            if self._repeated == "error":
                given.repeated |= repeated(name for name, _ in pairs)
            elif self._repeated == "first":
                given.values = dict(reversed(pairs))
        return given

    def token(self, given: Given, authorization: str = "") -> str:
        """Return the token of the request.

        Raises:
            VendorError: there is none, or it is empty (missing_token), or it is not one string
                (wrong_type, duplicate_parameter).
        """
        allowed = "a token from a login method"
        in_header = "requests.token_in_header"
        if "token" not in given.values:
            scheme, _, text = authorization.partition(" ")
            is_bearer = scheme.lower() == "bearer" and bool(text.strip())
            if is_bearer and self._dialect[in_header]:
                return text.strip()
            dials = (in_header,) if is_bearer else ()
            raise VendorError(
                "missing_token", "token", seen="nothing", allowed=allowed, dials=dials
            )
        if "token" in given.repeated:
            raise _duplicate("token")
        token = given.values["token"]
        if not isinstance(token, str):
            raise _wrong_type("token", token)
        if not token:
            raise VendorError("missing_token", "token", seen='""', allowed=allowed)
        return token

    def read(self, given: Given) -> dict[str, Any]:
        """Return the values of the method's parameters, without the token.

        Raises:
            VendorError: a parameter is missing, invalid or unknown.
        """
        self._check_names(given)
        values: dict[str, Any] = {}
        for name, parameter in given.method.parameters.items():
            if name not in given.values:
                if parameter.need == "mandatory":
                    raise _missing(parameter)
            elif name in given.repeated and name != "token":
                is_identifier = parameter.type == "object"
                raise _several(parameter, "more than one") if is_identifier else _duplicate(name)
            elif name != "token":
                read = self._readers.get(name)
                if read is None:
                    read = self._identifier if parameter.type == "object" else read_text
                values[name] = read(parameter, given.values[name], given)
        return values

    def _check_names(self, given: Given) -> None:
        """Refuse names that the method does not know, or warn of them."""
        known = given.method.parameters
        if self._unknown == "loose" or given.values.keys() <= known.keys():
            return
        unknown = [name for name in given.values if name not in known and name != "token"]
        if REQUEST_IDENTIFIER in given.values and REQUEST_IDENTIFIER in known:
            identifier = known[REQUEST_IDENTIFIER]
            for name in identifier.fields:
                if name in unknown:  # `identifier=number=7&id=...`: an & that was not encoded
                    seen = f"an identifier and {name}"
                    raise _several(identifier, seen, "requests.unknown_parameters")
        for name in unknown[:_MAX_LISTED]:
            hint = _hint(name, given)
            if self._unknown == "strict":
                raise _unknown(name, given.method, hint)
            text = f"{quoted(name)} is unknown to {given.method.name} and was ignored; {hint}"
            given.warnings.append(text.removesuffix("; "))
        if len(unknown) > _MAX_LISTED:
            more = len(unknown) - _MAX_LISTED
            given.warnings.append(f"{more} more unknown parameters were ignored")

    def _identifier(self, parameter: Parameter, value: Any, given: Given) -> Identifier:
        """Read an identifier: ``field=value`` in a query, an object in a body."""
        if given.from_body and not isinstance(value, str):
            return self._identifier_object(parameter, value)
        if given.from_body and self._dialect["requests.query_on_post"] != "read":
            raise _no_object(parameter, value)
        name, equals, text = value.partition("=")
        if parameter.name == REQUEST_IDENTIFIER and len(_FIELD.findall(value)) > 1:
            raise _several(parameter, quoted(value))
        if not equals or name not in parameter.fields:
            forms = " or ".join(f"{field}=..." for field in parameter.fields)
            if equals:
                raise _unknown_field(parameter, name, forms)
            raise VendorError("no_identifier", parameter.name, seen=quoted(value), allowed=forms)
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
            dials = ("identifiers.unknown_field",) if known else ()
            raise _unknown_field(parameter, unknown[0], fields, *dials)
        if not known:
            seen = "an empty object"
            raise VendorError("no_identifier", parameter.name, seen=seen, allowed=fields)
        name, text = known[0], value[known[0]]
        if isinstance(text, int) and not isinstance(text, bool):
            if not self._dialect["identifiers.json_number"]:
                raise _wrong_type(f"{parameter.name}.{name}", text, "identifiers.json_number")
            text = str(text)
        return Identifier(name, _text(f"{parameter.name}.{name}", text))


def _from_body(method: Method, request: Request) -> Given:
    needs = {parameter.need for parameter in method.parameters.values()}
    if request.body == b"" and not needs & {"mandatory", "token"}:
        return Given(method, {}, frozenset(), from_body=True)
    members = body_members(request)
    return Given(method, dict(members), members.repeated, from_body=True)


def _hint(name: str, given: Given) -> str:
    """Return what the caller may have meant by a parameter that the method does not know."""
    method = given.method
    if name in method.later:
        return f"known from {method.later[name]}"
    start = re.split(r"[\[.:]", name, maxsplit=1)[0]  # identifier[number], identifier.number
    near = difflib.get_close_matches(start, method.parameters, n=1)
    identifier = method.parameters.get(REQUEST_IDENTIFIER)
    if identifier is not None and name in identifier.fields:
        near = [REQUEST_IDENTIFIER]
    return f"did you mean {near[0]}?" if near else ""


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + more


def _one_of(parameter: Parameter) -> str:
    return f"exactly one of {' or '.join(parameter.fields)}"


def _missing(parameter: Parameter) -> VendorError:
    allowed = _one_of(parameter) if parameter.type == "object" else "a string"
    return VendorError("missing_parameter", parameter.name, seen="nothing", allowed=allowed)


def _misplaced(parameter: str, seen: str, allowed: str, dial: str) -> VendorError:
    return VendorError("misplaced_parameter", parameter, seen=seen, allowed=allowed, dials=(dial,))


def _duplicate(name: str) -> VendorError:
    dials = ("requests.repeated_parameters",)
    return VendorError(
        "duplicate_parameter", name, seen="more than one", allowed="one", dials=dials
    )


def _several(parameter: Parameter, seen: str, *dials: str) -> VendorError:
    kind, allowed = "several_identifiers", _one_of(parameter)
    return VendorError(kind, parameter.name, seen=seen, allowed=allowed, dials=dials)


def _unknown(name: str, method: Method, hint: str) -> VendorError:
    allowed = f"one of {', '.join(method.parameters)}"
    return VendorError(
        "unknown_parameter",
        quoted(name).strip('"'),
        seen="in the call",
        allowed=f"{allowed} ({hint})" if hint else allowed,
        dials=("requests.unknown_parameters",),
    )


def _unknown_field(parameter: Parameter, name: str, allowed: str, *dials: str) -> VendorError:
    kind, seen = "unknown_identifier_field", quoted(name)
    return VendorError(kind, parameter.name, seen=seen, allowed=allowed, dials=dials)


def _no_object(parameter: Parameter, value: Any) -> VendorError:
    return VendorError(
        "wrong_type",
        parameter.name,
        seen=json_type(value),
        allowed=f'an object such as {{"{parameter.fields[-1]}": "..."}}',
        dials=("requests.query_on_post",) if isinstance(value, str) else (),
    )


def _wrong_type(name: str, value: Any, *dials: str) -> VendorError:
    return VendorError("wrong_type", name, seen=json_type(value), allowed="a string", dials=dials)


def read_text(parameter: Parameter, value: Any, given: Given) -> str:
    """Read a string that must not be empty. Raises VendorError."""
    del given
    return _text(parameter.name, value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(name, value)
    if not value:
        allowed = "a string with at least one character"
        raise VendorError("empty_value", name, seen='""', allowed=allowed)
    if _FORBIDDEN.search(value):
        seen = quoted(value, secret=is_secret(name))
        allowed = "a string without control characters"
        raise VendorError("invalid_value", name, seen=seen, allowed=allowed)
    return value
