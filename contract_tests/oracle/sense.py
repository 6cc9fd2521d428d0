"""Read what a request asks for, from its URL and body alone.

The one who sends a request tells nothing more about it: so a run's request and one from a
recording are checked alike. What no page says how to read is named in ``Sense.unclear``.
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
from crmcom_kit.schemas.methods import Method, methods, response_fields
from crmcom_kit.schemas.releases import Release

IDENTIFIER = "webhook_request_identifier"
RECORD_METHODS = ("show", "resend", "delete")
FIELDS = response_fields()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """What a request asks for."""

    method: Method | None  # None: its path belongs to no method of the release
    verb: str
    parameters: Mapping[str, Any] = field(default_factory=dict)  # identifiers as mappings
    unclear: frozenset[str] = frozenset()  # parameters that no page says how to read
    #: Whether its body is no JSON object, or a parameter has no name: any parameter may be there.
    is_unreadable: bool = False
    record: Identifier | None = None  # of webhook_request_identifier
    filters: Mapping[str, Any] = field(default_factory=dict)  # of list, by name
    fields: tuple[str, ...] | None = None  # of fields_set; None: every field
    limit: int | None = None  # number_of_results; None: as many as there are
    offset: int = 0
    #: Whether its identifier is encoded, or its path ends with a slash: a server may refuse that.
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


def read(call: Call, release: Release) -> Sense:
    """Return what ``call`` asks for in ``release``."""
    method = _by_path(release).get(call.path.strip("/"))
    if method is None:
        return Sense(method=None, verb=call.verb)
    body = body_members(call.body)
    given, unclear = _parameters(call, method, body or {})
    known = method.parameters.keys()
    unclear |= given.keys() - known  # no page says what becomes of others
    sense = _of_list if method.name == "list" else _of_record
    found: dict[str, Any] = {}
    if method.name == "list" or method.name in RECORD_METHODS:
        found = sense(given, unclear)
        if "fields_set" in given and "fields_set" not in unclear:
            found["fields"] = _fields(given["fields_set"], unclear)
    return Sense(
        method=method, verb=call.verb, parameters=given,
        unclear=frozenset(unclear), is_unreadable=body is None or "" in unclear,
        is_unusual=call.path.endswith("/") or _is_encoded(call.query, method), **found,
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
        unclear |= {name for name, times in Counter(n for n, _ in query).items() if times > 1}
        given = {name: identifier_in_query(value) if _is_identifier(name, method) else value
                 for name, value in query}  # fmt: skip
        return given, unclear
    unclear |= {name for name, _ in query}
    return body, unclear


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query; half a character is what it was written from."""
    try:
        return parse_qsl(query, keep_blank_values=True, errors="surrogatepass")
    except UnicodeDecodeError:
        return parse_qsl(query, keep_blank_values=True)


def body_members(body: bytes | None) -> dict[str, Any] | None:
    """Return the members of a body; None where it is no JSON object."""
    found = parsed(body) if body else {}
    return found if isinstance(found, dict) else None


def _is_encoded(query: str, method: Method) -> bool:
    """Whether the equals sign of an identifier is percent-encoded."""
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
    """Return the fields of an identifier in a query; the text where it has not that form.

    How several fields are written is shown nowhere, so text that may be that has no such form.
    """
    if not text:
        return {}
    pairs = [part.partition("=") for part in text.split(",")]
    if len(pairs) > 1 and all(equals and name.isidentifier() for name, equals, _ in pairs):
        return text
    name, equals, value = text.partition("=")
    return {name: value} if equals else text


def _of_record(given: Mapping[str, Any], unclear: set[str]) -> dict[str, Any]:
    named = _named(given.get(IDENTIFIER), ("id", "number"))
    return {"record": named} if named is not None and IDENTIFIER not in unclear else {}


def _named(value: Any, fields: Sequence[str]) -> Identifier | None:
    """Return what an identifier names; None unless it is one field with a text."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((name, inner),) = value.items()
    return Identifier(name, inner) if name in fields and isinstance(inner, str) and inner else None


def _of_list(given: Mapping[str, Any], unclear: set[str]) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    for name in (*SEMI_OPTIONAL, "url", "life_cycle_state", "created_date"):
        if name not in given or name in unclear:
            continue
        value = given[name]
        if name.endswith("_identifier"):
            value = _named(value, ("id", "name", "alternative_code"))
            if value is not None and "," in value.value:
                value = None  # how one is written inside a value is shown nowhere
        elif (
            not isinstance(value, str)
            or not value
            or value != value.strip()
            or (name == "created_date" and not is_api_date(value))
        ):
            value = None
        if value is None:
            unclear.add(name)
        else:
            filters[name] = value
    limit = _number(given.get("number_of_results"), 1)
    offset = _number(given.get("offset"), 0)
    unclear |= {
        name
        for name, read_ in (("number_of_results", limit), ("offset", offset))
        if name in given and read_ is None
    }
    return {"filters": filters, "limit": limit, "offset": offset or 0}


def _number(value: Any, least: int) -> int | None:
    """Return a whole number as a page of list may have it, or None."""
    text = str(value) if not isinstance(value, bool) else ""
    plain = text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if plain and int(text) >= least else None


def _fields(value: Any, unclear: set[str]) -> tuple[str, ...] | None:
    names = value.split(",") if isinstance(value, str) else []
    if names and set(names) <= set(FIELDS) and len(set(names)) == len(names):
        return tuple(names)
    unclear.add("fields_set")
    return None


def identifying_values(given: Iterable[Any]) -> frozenset[str]:
    """Return every text in parameters that may name a webhook request."""
    found: set[str] = set()
    for value in given:
        if isinstance(value, Mapping):
            found |= identifying_values(value.values())
        elif isinstance(value, list | tuple):
            found |= identifying_values(value)
        elif isinstance(value, str):
            found.add(value)
            for part in value.split(",") if "://" not in value else ():  # a URL has no fields
                found |= {part, part.partition("=")[2]}
        elif isinstance(value, int) and not isinstance(value, bool):
            found.add(str(value))
    return frozenset(found - {""})


def names_of(sense: Sense) -> frozenset[str]:
    """Return every text by which a request may name a webhook request."""
    unnamed = sense.parameters.get("")  # of a parameter without a name
    return identifying_values([sense.parameters.get(IDENTIFIER), unnamed])


def basic_key(call: Call) -> str | None:
    """Return the user name of HTTP Basic authentication, a Web API key; None without one."""
    text = basic_text(call)
    return None if text is None else text.partition(":")[0]


def basic_text(call: Call) -> str | None:
    """Return what HTTP Basic authentication encodes; None without it."""
    header = next((value for name, value in call.headers if name.lower() == "authorization"), "")
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(coded, validate=True).decode()
    except ValueError:
        return None


def is_whole(sense: Sense) -> bool:
    """Whether a request asks for every field of its webhook requests."""
    names = {*sense.parameters, *sense.unclear}
    return not sense.is_unreadable and "fields_set" not in names
