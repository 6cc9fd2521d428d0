"""Read what a request asks for, from its URL and body alone.

Nothing else is known of a request, so those of a run and those of a recording are checked alike.
``Request.unclear`` names the parameters that no page says how to read.
"""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from crmcom_kit.contract_tests.belief.interpretations import SEMI_OPTIONAL, Identifier, is_api_date
from crmcom_kit.contract_tests.client.exchanges import Call, parsed
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS, Method, methods, response_fields
from crmcom_kit.schemas.releases import Release

IDENTIFIER = "webhook_request_identifier"
RECORD_METHODS = ("show", "resend", "delete")
READ_METHODS = ("show", "list")
FIELDS = response_fields()
STATES = ("REJECTED", "SUCCESSFUL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a request asks for."""

    method: Method | None  # None: its path belongs to no method of the release
    verb: str
    parameters: Mapping[str, Any] = field(default_factory=dict)  # identifiers as mappings
    unclear: frozenset[str] = frozenset()  # names of parameters that no page says how to read
    #: Whether its body is no JSON object, or a parameter has no name: it may ask for anything.
    is_unreadable: bool = False
    identifier: Identifier | None = None  # of webhook_request_identifier
    filters: Mapping[str, Any] = field(default_factory=dict)  # of list, by name
    fields: tuple[str, ...] | None = None  # of fields_set; None: every field
    limit: int | None = None  # number_of_results; None: as many as there are
    offset: int = 0
    #: Whether its identifier is encoded or its path ends with a slash: a server may refuse that.
    is_unusual: bool = False

    @property
    def name(self) -> str:
        """The name of the method, or an empty string."""
        return self.method.name if self.method is not None else ""

    @property
    def token(self) -> Any:
        """The token, or None."""
        return self.parameters.get("token")

    @property
    def is_clear(self) -> bool:
        """Whether every part of the request has one meaning."""
        return not (self.unclear or self.is_unreadable)

    @property
    def is_paged(self) -> bool:
        """Whether the request asks for a part of a list."""
        return self.limit is not None or self.offset > 0


def read(call: Call, release: Release) -> Request:
    """Return what ``call`` asks for in ``release``."""
    method = _by_path(release).get(call.path.strip("/"))
    if method is None:
        return Request(method=None, verb=call.verb)
    body = body_members(call.body)
    parameters, unclear = _parameters(call, method, body or {})
    unclear |= parameters.keys() - method.parameters.keys()  # no page says what these do
    is_named = IDENTIFIER not in unclear
    identifier = _identifier(parameters.get(IDENTIFIER), ("id", "number")) if is_named else None
    fields = _fields(parameters, unclear)
    of_list = _list_values(parameters, unclear, release) if method.name == "list" else {}
    return Request(
        method=method, verb=call.verb, parameters=parameters, identifier=identifier, fields=fields,
        unclear=frozenset(unclear), is_unreadable=body is None or "" in unclear,
        is_unusual=call.path.endswith("/") or _is_encoded(call.query, method), **of_list,
    )  # fmt: skip


@cache
def _by_path(release: Release) -> dict[str, Method]:
    return {method.path: method for method in methods(release).values()}


def _parameters(
    call: Call, method: Method, body: dict[str, Any]
) -> tuple[dict[str, Any], set[str]]:
    """Return the parameters of a request, and which of them are unclear."""
    unclear: set[str] = set()
    if any(name.lower() == "authorization" for name, _ in call.headers) and not method.basic:
        unclear.add("token")
    query = query_pairs(call.query)
    if call.verb == "GET":
        unclear |= body.keys()
        times = Counter(name for name, _ in query)
        unclear |= {name for name in times if times[name] > 1}
        parameters = {
            name: identifier_in_query(value) if _is_identifier(name, method) else value
            for name, value in query
        }
        return parameters, unclear
    unclear |= {name for name, _ in query}
    return body, unclear


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query; a lone surrogate is kept if it is encoded."""
    try:
        return parse_qsl(query, keep_blank_values=True, errors="surrogatepass")
    except UnicodeDecodeError:
        return parse_qsl(query, keep_blank_values=True)


def body_members(body: bytes | None) -> dict[str, Any] | None:
    """Return the members of a body; None if it is no JSON object."""
    value = parsed(body) if body else {}
    return value if isinstance(value, dict) else None


def _is_encoded(query: str, method: Method) -> bool:
    """Return whether the equals sign of an identifier is percent-encoded."""
    pairs = (part.partition("=") for part in query.split("&"))
    return any(
        "=" not in value and "%3d" in value.lower()
        for name, _, value in pairs
        if _is_identifier(name, method)
    )


def _is_identifier(name: str, method: Method) -> bool:
    parameter = method.parameters.get(name)
    return parameter is not None and parameter.type == "object"


def identifier_in_query(text: str) -> Any:
    """Return the fields of an identifier in a query, or the text if it is not ``name=value``.

    No page shows how to write several fields, so a text that may have several is returned as it is.
    """
    if not text:
        return {}
    pairs = [part.partition("=") for part in text.split(",")]
    if len(pairs) > 1 and all(equals and name.isidentifier() for name, equals, _ in pairs):
        return text
    name, equals, value = text.partition("=")
    return {name: value} if equals else text


def _identifier(value: Any, fields: Sequence[str]) -> Identifier | None:
    """Return an identifier; None unless it has one field, with a text."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((name, text),) = value.items()
    return Identifier(name, text) if name in fields and isinstance(text, str) and text else None


def _list_values(
    parameters: Mapping[str, Any], unclear: set[str], release: Release
) -> dict[str, Any]:
    """Return what ``Request`` holds of a request of list; add to ``unclear``."""
    names = (*SEMI_OPTIONAL, "url", "life_cycle_state", "created_date")
    filters = {
        name: _filter(name, parameters[name])
        for name in names
        if name in parameters and name not in unclear
    }
    paging = {
        name: _number(parameters[name], minimum)
        for name, minimum in (("number_of_results", 1), ("offset", 0))
        if name in parameters
    }
    unclear |= {name for name, value in (filters | paging).items() if value is None}
    filters = {name: value for name, value in filters.items() if value is not None}
    for name, values in documented_values(release).items():
        value = str(filters.get(name, values[0]))
        upper_names = (*values, *release.disputed_entities)
        if value not in values and ("," in value or value.upper() in upper_names):
            unclear.add(name)  # a value in another case, or several: what it selects is open
    return {
        "filters": filters,
        "limit": paging.get("number_of_results"),
        "offset": paging.get("offset") or 0,
    }


def documented_values(release: Release) -> Mapping[str, tuple[str, ...]]:
    """Return the filters of list with a documented set of values, with these values."""
    return {"entity": release.entities, "life_cycle_state": STATES}


def _filter(name: str, value: Any) -> Identifier | str | None:
    """Return the value of a filter; None if no page says how it is read."""
    if name.endswith("_identifier"):
        identifier = _identifier(value, IDENTIFIER_FIELDS)
        # No page shows how to write a comma in a value.
        return None if identifier is None or "," in identifier.value else identifier
    if not isinstance(value, str) or not value or value != value.strip():
        return None
    return None if name == "created_date" and not is_api_date(value) else value


def _number(value: Any, minimum: int) -> int | None:
    """Return a parameter for paging as a number; None unless it is a whole number in range."""
    text = str(value) if not isinstance(value, bool) else ""
    is_whole_number = text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if is_whole_number and int(text) >= minimum else None


def _fields(parameters: Mapping[str, Any], unclear: set[str]) -> tuple[str, ...] | None:
    """Return the names in fields_set, or None; add it to ``unclear`` if it has other names."""
    value = parameters.get("fields_set")
    if "fields_set" not in parameters or "fields_set" in unclear:
        return None
    names = value.split(",") if isinstance(value, str) else []
    if names and set(names) <= set(FIELDS) and len(set(names)) == len(names):
        return tuple(names)
    unclear.add("fields_set")
    return None


def identifying_values(values: Iterable[Any]) -> frozenset[str]:
    """Return every text in the values of parameters that may name a webhook request."""
    texts: set[str] = set()
    for value in values:
        if isinstance(value, Mapping):
            texts |= identifying_values(value.values())
        elif isinstance(value, list | tuple):
            texts |= identifying_values(value)
        elif isinstance(value, str):
            texts.add(value)
            for part in value.split(",") if "://" not in value else ():  # a URL has no fields
                texts |= {part, part.partition("=")[2]}
        elif isinstance(value, int) and not isinstance(value, bool):
            texts.add(str(value))
    return frozenset(texts - {""})


def names_of(request: Request) -> frozenset[str]:
    """Return every text by which a request may name a webhook request."""
    names = (IDENTIFIER, "")  # the other one is of a parameter without a name
    return identifying_values(request.parameters.get(name) for name in names)


def authorization(call: Call) -> str:
    """Return the value of the header Authorization, or an empty string."""
    return next((value for name, value in call.headers if name.lower() == "authorization"), "")


def basic_key(call: Call) -> str | None:
    """Return the user name of HTTP Basic authentication, a Web API key; None without one."""
    text = basic_text(call)
    return None if text is None else text.partition(":")[0]


def basic_text(call: Call) -> str | None:
    """Return what HTTP Basic authentication encodes; None without it."""
    scheme, _, credentials = authorization(call).partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        return None


def without(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request except one."""
    return {key: value for key, value in parameters.items() if key != name}


def is_whole(request: Request) -> bool:
    """Return whether a request asks for every field of its webhook requests."""
    names = {*request.parameters, *request.unclear}
    return not request.is_unreadable and "fields_set" not in names
