"""The parameters of a request: collected from query or body, checked, and read into values."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.fields import read_selection
from crmcom_kit.mock_server.protocol.filters import filters
from crmcom_kit.mock_server.protocol.request import (
    Members,
    Request,
    body_members,
    find_duplicates,
    query_pairs,
)
from crmcom_kit.redaction import is_secret
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.methods import Method, Parameter
from crmcom_kit.usage_errors import escaped, hint, json_type, quoted

REQUEST_IDENTIFIER = "webhook_request_identifier"
#: The values of a request's parameters, by name, without the token.
Values = Mapping[str, Any]
# Not allowed in a value: control characters, and surrogates.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_MAX_WARNINGS = 5


class Identifier(NamedTuple):
    """One identifier field and its value."""

    field: str
    value: str


@dataclass(slots=True)
class RawParameters:
    """The raw parameters of one request."""

    method: Method
    values: dict[str, Any]
    duplicates: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list)


class Parameters:
    """Reads the parameters of requests in one dialect."""

    def __init__(self, dialect: Dialect, entities: Collection[str]) -> None:
        """Read the dials of ``dialect`` for parameters."""
        self._dialect = dialect
        self._unknown_mode: str = dialect["requests.unknown_parameters"]
        self._repeated_mode: str = dialect["requests.repeated_parameters"]
        self._identifier_mode: str = dialect["identifiers.repeated"]
        self._filters = filters(dialect, entities)

    def collect(self, method: Method, request: Request) -> RawParameters:
        """Return the parameters of ``request`` from the query or the body, as ``method`` needs.

        Raises:
            VendorError: query or body cannot be read, or parameters are in the wrong place or
                too many (misplaced_parameter, invalid_value).
        """
        if request.verb == "POST":
            return self._collect_post(method, request)
        pairs: list[tuple[str, Any]] = [*query_pairs(request.query)]
        if request.body != b"":
            mode = self._dialect["requests.body_on_get"]
            if mode == "error":
                raise _misplaced("body", "one", "parameters in the query", "requests.body_on_get")
            if mode == "read":
                members = body_members(request)
                pairs += [(name, v) for name, v in members.items() if isinstance(v, str)]
        raw = RawParameters(method, {})
        self._take(raw, pairs)
        return raw

    def _collect_post(self, method: Method, request: Request) -> RawParameters:
        needs = {parameter.need for parameter in method.parameters.values()}
        needs_body = request.body != b"" or bool(needs & {"mandatory", "token"})
        members = body_members(request) if needs_body else Members([])
        raw = RawParameters(method, dict(members))
        raw.duplicates = frozenset(
            name for name in members.duplicates if self._mode(raw, name) == "error"
        )  # otherwise the last one counts in JSON
        pairs = query_pairs(request.query)
        if not pairs:
            return raw
        names = quoted(", ".join(dict.fromkeys(name for name, _ in pairs)))
        mode = self._dialect["requests.query_on_post"]
        if mode == "error":
            allowed = "parameters in the JSON body"
            raise _misplaced("query", names, allowed, "requests.query_on_post")
        if mode == "read":
            self._take(raw, [*raw.values.items(), *pairs])
        elif self._unknown_mode != "loose":
            raw.warnings.append(f"the query of a POST is ignored: {names}")
        return raw

    def _take(self, raw: RawParameters, pairs: list[tuple[str, Any]]) -> None:
        """Set the parameters of a request; a dial decides which value of a repeated one counts."""
        raw.values = dict(pairs)
        if len(raw.values) < len(pairs):
            for name in find_duplicates(name for name, _ in pairs):
                mode = self._mode(raw, name)
                if mode == "error":
                    raw.duplicates |= {name}
                elif mode == "first":
                    raw.values[name] = next(value for key, value in pairs if key == name)

    def _mode(self, raw: RawParameters, name: str) -> str:
        """Return the dial's value for a parameter that is repeated."""
        parameter = raw.method.parameters.get(name)
        is_identifier = parameter is not None and parameter.type == "object"
        return self._identifier_mode if is_identifier else self._repeated_mode

    def token(self, raw: RawParameters, authorization: str = "") -> str:
        """Return the token of the request.

        Raises:
            VendorError: there is none, or it is empty (missing_token), or it is not one string
                (wrong_type, duplicate_parameter).
        """
        allowed = "a token from a login method"
        if "token" not in raw.values:
            scheme, _, text = authorization.partition(" ")
            is_bearer = scheme.lower() == "bearer" and bool(text.strip())
            dial = "requests.token_in_header"
            if is_bearer and self._dialect[dial]:
                return text.strip()
            dials = (dial,) if is_bearer else ()
            raise VendorError(
                "missing_token",
                "token",
                case="in_header" if authorization else "",
                seen="nothing",
                allowed=allowed,
                dials=dials,
            )
        if "token" in raw.duplicates:
            raise _duplicate("token")
        token = raw.values["token"]
        if not isinstance(token, str):
            raise _wrong_type("token", token)
        if not token:
            raise VendorError(
                "missing_token", "token", variant="empty_token", value="", allowed=allowed
            )
        return token

    def read(self, raw: RawParameters) -> Values:
        """Return the values of the method's parameters, without the token.

        Raises:
            VendorError: a parameter is missing, invalid or unknown.
        """
        self._check_names(raw)
        values: dict[str, Any] = {}
        for name, parameter in raw.method.parameters.items():
            if name not in raw.values:
                if parameter.need == "mandatory":
                    raise _absence(parameter)
            elif name != "token":
                if name in raw.duplicates:
                    if parameter.type == "object":
                        raise _surplus(parameter, "several", "several", "identifiers.repeated")
                    raise _duplicate(name)
                from_body = raw.method.verb == "POST"
                values[name] = self._value(parameter, raw.values[name], from_body=from_body)
        return values

    def _check_names(self, raw: RawParameters) -> None:
        """Refuse parameters that the method does not have, or warn of them."""
        method = raw.method
        if self._unknown_mode == "loose" or raw.values.keys() <= method.parameters.keys():
            return
        allowed_names = {*method.parameters, "token"}
        names = [name for name in raw.values if name not in allowed_names]
        for name in names[:_MAX_WARNINGS]:
            remark = _hint(name, method)
            if self._unknown_mode == "strict":
                raise VendorError(
                    "unknown_parameter",
                    escaped(name),
                    seen="in the request",
                    allowed=f"one of {', '.join(method.parameters)}{remark}",
                    dials=("requests.unknown_parameters",),
                )
            text = f"{quoted(name)} is unknown to {method.name} and was ignored{remark}"
            raw.warnings.append(text)
        if len(names) > _MAX_WARNINGS:
            excess = len(names) - _MAX_WARNINGS
            raw.warnings.append(f"{excess} more unknown parameters were ignored")

    def _value(self, parameter: Parameter, value: Any, *, from_body: bool) -> Any:
        if parameter.type == "object":
            if from_body and not isinstance(value, str):
                return self._identifier_object(parameter, value)
            if from_body and self._dialect["requests.query_on_post"] != "read":
                raise _no_object(parameter, value)
            return _identifier(parameter, value)
        if parameter.name == "fields_set":
            return read_selection(value, self._dialect, from_body=from_body)
        text = _text(parameter.name, value)
        read = self._filters.get(parameter.name)
        return text if read is None else read(parameter, text)

    def _identifier_object(self, parameter: Parameter, value: Any) -> Identifier:
        """Read an identifier in a body: an object with one member."""
        fields = " or ".join(parameter.fields)
        if not isinstance(value, Members):
            raise _no_object(parameter, value)
        names = [name for name in value if name in parameter.fields]
        if len(names) > 1 or value.duplicates & set(parameter.fields):
            raise _surplus(parameter, " and ".join(names))
        unknown_names = [name for name in value if name not in parameter.fields]
        if unknown_names and not (names and self._dialect["identifiers.unknown_field"] == "ignore"):
            dials = ("identifiers.unknown_field",) if names else ()
            raise _unknown_field(parameter, unknown_names[0], fields, *dials)
        if not names:
            raise _empty_identifier(parameter, "an empty object", fields)
        name, text = names[0], value[names[0]]
        if isinstance(text, int) and not isinstance(text, bool):
            if not self._dialect["identifiers.json_number"]:
                raise _wrong_type(f"{parameter.name}.{name}", text, "identifiers.json_number")
            text = str(text)
        return Identifier(name, _text(f"{parameter.name}.{name}", text))


def _identifier(parameter: Parameter, value: str) -> Identifier:
    """Read an identifier in a query: ``field=value``."""
    name, equals, text = value.partition("=")
    if name not in parameter.fields or not equals:
        forms = " or ".join(f"{field}=..." for field in parameter.fields)
        if equals:
            raise _unknown_field(parameter, name, forms)
        if not value:
            raise _empty_identifier(parameter, '""', forms, "empty")
        raise VendorError("no_identifier", parameter.name, value=value, allowed=forms)
    if "," in text and any(f",{field}=" in text for field in parameter.fields):
        raise _surplus(parameter, quoted(value), "several in a text")
    return Identifier(name, _text(f"{parameter.name}.{name}", text))


def _text(name: str, value: Any) -> str:
    """Read a string that must not be empty. Raises VendorError."""
    if not isinstance(value, str):
        raise _wrong_type(name, value)
    if not value:
        allowed = "a string with at least one character"
        raise VendorError("empty_value", name, value="", allowed=allowed)
    if _FORBIDDEN.search(value):
        quoted_value = quoted(value, secret=is_secret(name))
        allowed = "a string without control characters"
        raise VendorError("invalid_value", name, seen=quoted_value, allowed=allowed)
    return value


def _hint(name: str, method: Method) -> str:
    """Return a hint at the parameter that an unknown name may mean."""
    if name in method.later:
        return f" (known from {method.later[name]})"
    return hint(name, method.parameters)


def _one_of(parameter: Parameter) -> str:
    return f"exactly one of {' or '.join(parameter.fields)}"


def _absence(parameter: Parameter) -> VendorError:
    allowed = _one_of(parameter) if parameter.type == "object" else "a string"
    return VendorError("missing_parameter", parameter.name, seen="nothing", allowed=allowed)


def _misplaced(parameter: str, seen: str, allowed: str, dial: str) -> VendorError:
    return VendorError("misplaced_parameter", parameter, seen=seen, allowed=allowed, dials=(dial,))


def _duplicate(name: str) -> VendorError:
    kind, dials = "duplicate_parameter", ("requests.repeated_parameters",)
    return VendorError(kind, name, seen="more than one", allowed="one", dials=dials)


def _surplus(parameter: Parameter, seen: str, form: str = "several", *dials: str) -> VendorError:
    kind, allowed = "several_identifiers", _one_of(parameter)
    return VendorError(kind, parameter.name, seen=seen, allowed=allowed, form=form, dials=dials)


def _unknown_field(parameter: Parameter, name: str, allowed: str, *dials: str) -> VendorError:
    kind, form = "unknown_identifier_field", "several" if dials else ""
    return VendorError(kind, parameter.name, value=name, allowed=allowed, form=form, dials=dials)


def _empty_identifier(parameter: Parameter, seen: str, allowed: str, form: str = "") -> VendorError:
    kind, variant = "no_identifier", "empty_identifier"
    return VendorError(kind, parameter.name, variant=variant, seen=seen, allowed=allowed, form=form)


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
