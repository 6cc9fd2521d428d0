"""Reads requests: parameters, identifiers, filters, fields_set and paging."""

import json
import re
from dataclasses import dataclass, field
from datetime import MINYEAR, UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import unquote, unquote_plus
from zoneinfo import ZoneInfo

from sound_server.choices import Choices
from sound_server.world import REJECTED, SUCCESSFUL, Named, World, entities_of

LOGIN_METHODS = ("login", "release_token", "key_login")
CREDENTIALS = ("username", "password", "organisation")
IDENTIFIER = "webhook_request_identifier"
SEMI_OPTIONAL = ("webhook_definition_identifier", "workflow_rule_identifier", "entity", "entity_id")
OPTIONAL = ("url", "life_cycle_state", "created_date")
PAGING = ("number_of_results", "offset")
FIELDS = (
    "id",
    "number",
    "life_cycle_state",
    "entity",
    "entity_id",
    "url",
    "authentication_code",
    "fields_set",
    "request",
    "response",
    "error_code",
    "error_description",
    "webhook_definition",
    "workflow_rule",
    "log_information",
)


class Refusal(Exception):
    """A request is refused, for a reason of some kind."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


@dataclass(frozen=True)
class Request:
    """One HTTP request; names of headers are in lower case."""

    verb: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Call:
    """A request for a method, with its parameters; below them what they were read as."""

    method: str
    verb: str
    headers: dict[str, str]
    parameters: dict[str, Any]
    written: dict[str, str]  # the parameters of the query as they were written
    identifier: tuple[str, str] = ("", "")
    fields: list[str] | None = None
    filters: dict[str, Any] = field(default_factory=dict)
    limit: int | None = None
    skip: int = 0


def wsgi_request(environ: dict[str, Any]) -> Request:
    """Return the request of a WSGI environment."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    path = environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    return Request(environ["REQUEST_METHOD"], path, query, headers, body)


def read_call(choices: Choices, key: tuple[int, int], method: str, request: Request) -> Call:
    """Return the call of a method that a request is."""
    written = dict[str, str]()
    for part in filter(None, request.query.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name in written and choices.repeated_parameter == "error" and request.verb == "GET":
            raise Refusal("bad_parameter", f"{name} is given twice.")
        if name not in written or choices.repeated_parameter == "last":
            written[name] = value
    query: dict[str, Any] = {name: unquote_plus(value) for name, value in written.items()}
    if request.verb == "GET":
        merged = choices.get_body == "merged" and request.body
        parameters = {**(json_object(request.body) if merged else {}), **query}
    else:
        # The methods with a Web API key need no body.
        body = json_object(request.body or b"{}" if method == "key_login" else request.body)
        parameters = {**query, **body} if choices.post_query == "merged" else body
    if choices.unknown_parameter == "error":
        for name in parameters:
            if name not in names_of(method, key):
                raise Refusal("bad_parameter", f"{name} is not a parameter of this method.")
    return Call(method, request.verb, request.headers, parameters, written)


def names_of(method: str, key: tuple[int, int]) -> set[str]:
    """Return the parameters that a method has in a release."""
    if method in LOGIN_METHODS:
        return {*CREDENTIALS, "unit", "token"}
    if method == "list":
        paging = PAGING if key >= (13, 0) else ()
        return {"token", "fields_set", *SEMI_OPTIONAL, *OPTIONAL, *paging}
    # Whether the first release knew fields_set for resend and delete is decided elsewhere.
    return {"token", "fields_set", IDENTIFIER}


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refusal("bad_json", "The body is not a JSON object.")
    return value


def read_arguments(choices: Choices, key: tuple[int, int], world: World, call: Call) -> None:
    """Read the parameters of a method of webhook_requests into the call."""
    if call.method == "list":
        read_filters(choices, world, call)
        read_paging(choices, key, call)
    else:
        pairs = identifier_pairs(choices, call, IDENTIFIER, ("id", "number"))
        if len(pairs) > 1:
            raise Refusal("two_identifier_fields", f"{IDENTIFIER} may have only one field.")
        call.identifier = pairs[0]
    call.fields = read_fields(choices, key, call)


def identifier_object(choices: Choices, call: Call, parameter: str) -> dict[str, Any]:
    """Return an identifier as an object, in whichever way it is written."""
    value = call.parameters.get(parameter)
    if value is None:
        raise Refusal("missing_parameter", f"{parameter} is mandatory.")
    if call.verb == "GET" and isinstance(value, str):
        encoded = re.match("[^=]*%3d", call.written.get(parameter, ""), re.IGNORECASE)
        if encoded and choices.encoded_equals_sign == "error":
            raise Refusal("bad_parameter", f"{parameter} is written field=value.")
        name, _, text = value.partition("=")
        return {name: text}
    if not isinstance(value, dict):
        raise Refusal("bad_parameter", f"{parameter} must be an object.")
    return value


def identifier_pairs(
    choices: Choices, call: Call, parameter: str, known: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Return the fields of an identifier, at least one."""
    pairs = []
    for name, value in identifier_object(choices, call, parameter).items():
        if name not in known:
            if choices.unknown_identifier_field == "error":
                raise Refusal("bad_parameter", f"{name} is no field of {parameter}.")
            continue
        counts = type(value) is int and choices.number_as_json_number == "accepted"
        text = str(value) if counts and name == "number" else value
        if not isinstance(text, str) or not text:
            raise Refusal("bad_parameter", f"{name} of {parameter} must be a text.")
        pairs.append((name, text))
    if not pairs:
        raise Refusal("no_identifier_field", f"{parameter} must have one of {', '.join(known)}.")
    return pairs


def read_filters(choices: Choices, world: World, call: Call) -> None:
    """Read the filters of list; each value is what a record is compared with."""
    parameters = {name: value for name, value in call.parameters.items() if value is not None}
    counting = [name for name in SEMI_OPTIONAL if name in parameters]
    if not counting or (counting == ["entity_id"] and not choices.entity_id_alone):
        raise Refusal("missing_parameter", f"One of {', '.join(SEMI_OPTIONAL)} is mandatory.")
    for name, things in zip(SEMI_OPTIONAL, (world.definitions, world.rules), strict=False):
        if name in parameters:
            call.filters[name] = referred(choices, call, name, things)
    for name in ("entity", "entity_id", *OPTIONAL):
        if name in parameters:
            text = parameters[name]
            if not isinstance(text, str) or not text:
                raise Refusal("bad_parameter", f"{name} must be a text.")
            call.filters[name] = read_filter(choices, world, name, text)


def read_filter(choices: Choices, world: World, name: str, text: str) -> Any:
    """Return what a record is compared with for a filter that is a text."""
    if name == "entity":
        allowed = entities_of(world.release, choices)
        values = text.split(",") if choices.entity_comma_lists else [text]
        values = [value.upper() for value in values] if choices.entity_any_case else values
        if not set(values) <= set(allowed):
            raise Refusal("bad_entity", f"entity must be one of {', '.join(allowed)}.")
        return values
    if name == "life_cycle_state":
        state = text.upper() if choices.state_any_case else text
        if state not in (SUCCESSFUL, REJECTED):
            raise Refusal("bad_state", "life_cycle_state must be SUCCESSFUL or REJECTED.")
        return [state]
    if name == "created_date":
        return read_span(choices, text)
    if name == "url":
        return unquote(text) if choices.url_decoded_twice else text
    return [text]


def referred(choices: Choices, call: Call, parameter: str, things: list[Named]) -> list[Named]:
    """Return the definitions or rules that an identifier names."""
    pairs = identifier_pairs(choices, call, parameter, ("id", "name", "alternative_code"))
    if len(pairs) > 1 and choices.list_identifier_of_two == "error":
        raise Refusal("two_identifier_fields", f"{parameter} may have only one field.")
    if choices.list_identifier_of_two == "first":
        pairs = pairs[:1]
    selected = [
        thing
        for thing in things
        if all(is_called(choices, thing, name, text) for name, text in pairs)
    ]
    if not selected and choices.unknown_definition == "error":
        raise Refusal("unknown_definition", f"{parameter} names nothing that exists.")
    return selected


def is_called(choices: Choices, thing: Named, name: str, text: str) -> bool:
    """Return whether a definition or rule has this id, name or code."""
    own = str(getattr(thing, name))
    return own == text or (choices.names_any_case and name != "id" and own.lower() == text.lower())


def url_matches(choices: Choices, url: str, wanted: str) -> bool:
    """Return whether a URL is one that the filter selects."""
    if choices.url_match == "prefix":
        return url.startswith(wanted)
    return wanted in url if choices.url_match == "contains" else url == wanted


def read_span(choices: Choices, text: str) -> tuple[datetime, datetime | None]:
    """Return from when until before when a record must have been created, in UTC."""
    begin = read_local(choices, text)
    cut = choices.created_date_cut if ":" in text else "no"
    end = later(in_utc(begin), timedelta(seconds=1))
    if cut == "minute":
        begin = begin.replace(second=0)
        end = later(in_utc(begin), timedelta(minutes=1))
    if cut == "day" or choices.created_date_meaning == "day":
        begin = begin.replace(hour=0, minute=0, second=0)
        end = in_utc(later(begin, timedelta(days=1)))  # a day may have another hour or one less
    return in_utc(begin), None if choices.created_date_meaning == "from" else end


def in_utc(moment: datetime) -> datetime:
    """Return a moment as the records have it, at the latest the end of the calendar."""
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        end = datetime.max if moment.year > MINYEAR else datetime.min  # noqa: DTZ901 - it is UTC
        return end.replace(microsecond=0)


def later(moment: datetime, span: timedelta) -> datetime:
    """Return a moment so much later, at the latest the end of the calendar."""
    try:
        return moment + span
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


def read_date(choices: Choices, text: str) -> datetime:
    """Return a date as the records have it."""
    return in_utc(read_local(choices, text))


def read_local(choices: Choices, text: str) -> datetime:
    """Return a date in the zone of created_date."""
    zone = ZoneInfo(choices.created_date_zone)
    for form in choices.created_date_formats:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
    if choices.created_date_accepts_zone and re.search(r"T[\d:]+(Z|[+-]\d\d:\d\d)$", text):
        try:
            return datetime.fromisoformat(text).astimezone(zone)
        except (ValueError, OverflowError):
            pass
    raise Refusal("bad_date", f"{text} is not a date.")


def read_fields(choices: Choices, key: tuple[int, int], call: Call) -> list[str] | None:
    """Return the names in fields_set, or None for all fields."""
    value = call.parameters.get("fields_set")
    if value is None:
        return None
    if call.method in ("resend", "delete") and key < (10, 0):
        if choices.fields_set_in_r9_actions == "error":
            raise Refusal("bad_parameter", "fields_set is not a parameter of this method.")
        if choices.fields_set_in_r9_actions == "ignored":
            return None
    if isinstance(value, list) and choices.fields_array == "accepted":
        value = ",".join(map(str, value))
    if not isinstance(value, str):
        raise Refusal("bad_parameter", "fields_set must be a text.")
    if not value and choices.empty_fields_set != "error":
        return None if choices.empty_fields_set == "all" else []
    return field_names(choices, value)


def field_names(choices: Choices, text: str) -> list[str]:
    """Return the names in a text with commas between them."""
    names = text.split(",")
    if choices.field_spaces == "trimmed":
        names = [name.strip() for name in names]
    if len(set(names)) < len(names) and choices.field_twice == "error":
        raise Refusal("bad_field", "fields_set names a field twice.")
    for name in names:
        head = name if choices.dotted_field == "unknown" else name.partition(".")[0]
        if head not in FIELDS and choices.unknown_field == "error":
            raise Refusal("bad_field", f"{name} is not a field.")
    return names


def read_paging(choices: Choices, key: tuple[int, int], call: Call) -> None:
    """Read number_of_results and offset."""
    if key < (13, 0):
        if choices.page_before_r13 == "error" and any(n in call.parameters for n in PAGING):
            raise Refusal("bad_parameter", "Paging is not available.")
        return
    limit = paging_number(choices, call, "number_of_results")
    if limit is None:
        limit = choices.page_default
    elif limit == 0 and choices.page_zero != "nothing":
        if choices.page_zero == "error":
            raise Refusal("bad_paging", "number_of_results must be at least 1.")
        limit = None
    maximum = choices.page_maximum
    if maximum is not None and (limit is None or limit > maximum):
        if choices.page_above_maximum == "error" and limit is not None:
            raise Refusal("bad_paging", f"number_of_results may be at most {maximum}.")
        limit = maximum
    call.limit = limit
    call.skip = paging_number(choices, call, "offset") or 0


def paging_number(choices: Choices, call: Call, name: str) -> int | None:
    """Return a number of paging, or None if there is none to heed."""
    text = call.parameters.get(name)
    if text is None:
        return None
    digits = re.fullmatch(r"(-?)([0-9]+)", str(text))
    if digits is None:
        if choices.page_not_a_number == "error":
            raise Refusal("bad_paging", f"{name} must be a number.")
        return None
    if digits[1] and int(digits[2][:18]):
        if choices.page_negative == "error":
            raise Refusal("bad_paging", f"{name} must not be negative.")
        return None
    return int(digits[2].lstrip("0")[:18] or 0)


@cache
@cache
def in_hash_order(names: tuple[str, ...], *, newer: bool) -> list[str]:
    """Return names in the order in which a hash table of Java has them."""
    return sorted(names, key=lambda name: _bucket(name, len(names), newer=newer))


def _bucket(name: str, size: int, *, newer: bool) -> int:
    """Return where the table keeps a name, by the number of names."""
    value = 0
    for letter in name:
        value = (31 * value + ord(letter)) & 0xFFFFFFFF
    return (value ^ (value >> 16 if newer else 0)) & (31 if size > 12 else 15)
