"""Check a request of a client: what the documents say against it, and the right request.

What a run expects to be refused is a mistake here: see ``expectations``. A client must also write
requests as the documents do, and use documented names. What the documents leave open is a note.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import SEMI_OPTIONAL, is_api_date
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.expectations import nearest, refusals
from crmcom_kit.contract_tests.oracle.parsing import (
    FIELDS,
    IDENTIFIER,
    RECORD_METHODS,
    Request,
    authorization,
    basic_text,
    body_members,
    documented_values,
    identifier_in_query,
    query_pairs,
    read,
)
from crmcom_kit.redaction import MASK
from crmcom_kit.schemas.methods import API_PATH, Method, Parameter, methods
from crmcom_kit.schemas.reasons import reason
from crmcom_kit.schemas.releases import Release, release_names, resolve
from crmcom_kit.usage_errors import json_type, quoted

#: The likeness from which on a path is taken for a misspelling of another.
_LIKE_PATH = 0.85
#: The header Authorization of a request whose token was removed from the recording.
REMOVED = f"{MASK} removed"
_MAX_NAME = 60  # characters of a parameter's name that is shown as it is
_VALUE_OF_CLIENT = "..."  # stands for a value that only the client knows
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_ID = re.compile(r"[0-9A-Fa-f]{32}")


class RemarkKind(StrEnum):
    """How serious a remark is."""

    #: The documents say that the request is refused, or that the right request is another.
    MISTAKE = "mistake"
    TWICE = "may have happened twice"  # a mistake that may repeat a change
    NOTE = "note"  # the documents leave open what a server does with the request


@dataclass(frozen=True, slots=True)
class Remark:
    """Something wrong with a request of a client, or left open."""

    statement: str  # that the remark is about
    why: str
    fix: Call | None = None  # the right request, if that is clear
    kind: RemarkKind = RemarkKind.MISTAKE

    @property
    def is_note(self) -> bool:
        """Whether it is no mistake."""
        return self.kind is RemarkKind.NOTE


def remarks(call: Call, belief: Belief) -> list[Remark]:
    """Return all remarks on a request, whether or not the server served it."""
    parsed = read(call, belief.release)
    if parsed.method is None:
        return [*_path_remarks(call, belief.release)]
    request = _ClientRequest(call, parsed, parsed.method, belief.release)
    if parsed.verb != parsed.method.verb:
        path, verb = parsed.method.path, parsed.method.verb
        fix = request.corrected({})
        return [_mistake("methods.verb", "", fix, parameter=path, seen=parsed.verb, allowed=verb)]
    if call.verb == "POST" and call.body and body_members(call.body) is None:
        return [_body_mistake(request)]
    all_remarks = [
        *_token_remarks(request),
        *_key_remarks(request),
        *_name_remarks(request),
        *_all_value_remarks(request),
    ]
    # The client's right credentials are not known.
    skipped_statements = {"login.credentials", *request.covered_by_misspelling}
    skipped_statements |= {remark.statement for remark in all_remarks if not remark.is_note}
    if request.method.basic and request.header.startswith(MASK):  # the recording hides the key
        skipped_statements.add("parameters.mandatory")
    if "access_token_identifier" in parsed.parameters:  # an older page has it instead of a user
        skipped_statements.add("parameters.mandatory")
    reasons = dict(refusals(call, parsed, belief))
    all_remarks += [
        Remark(statement, str(why), _fix(statement, request))
        for statement, why in reasons.items()
        if statement not in skipped_statements
    ]
    return [*all_remarks, *_undocumented_values(request)]


@dataclass(frozen=True, slots=True)
class _ClientRequest:
    call: Call
    parsed: Request
    method: Method
    release: Release

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters in the right place."""
        return self.parsed.parameters

    @property
    def misplaced(self) -> dict[str, Any]:
        """The parameters in the query of a POST, or in the body of a GET."""
        if self.call.verb == "GET":
            return body_members(self.call.body) or {}
        return dict(query_pairs(self.call.query))

    @property
    def header(self) -> str:
        """The value of the header Authorization."""
        return authorization(self.call)

    @property
    def covered_by_misspelling(self) -> set[str]:
        """The statements that require a parameter that is there, but misspelled."""
        documented_names = tuple(self.method.parameters)
        unknown_names = (name for name in self.parameters if name not in documented_names)
        likely_names = {nearest(name, documented_names) for name in unknown_names}
        names = {name for name in likely_names if name is not None}
        statements = {"token.required"} if "token" in names else set()
        statements |= {"list.semi_optional.at_least_one"} if names & {*SEMI_OPTIONAL} else set()
        needs = {self.method.parameters[name].need for name in names}
        return statements | ({"parameters.mandatory"} if "mandatory" in needs else set())

    def corrected(self, changes: Mapping[str, Any], without: str = "") -> Call:
        """Return the request with all parameters in the right place, and some of them changed."""
        parameters = {**self.misplaced, **self.parameters, **changes}
        parameters.pop(without, None)
        return _call_of(self.method, parameters)


def _call_of(method: Method, parameters: Mapping[str, Any]) -> Call:
    """Return a request with parameters; an identifier may be a text, as in a query."""
    return build(method, {
        name: identifier_in_query(value)
        if isinstance(value, str) and name in _identifiers(method) else value
        for name, value in parameters.items()
    })  # fmt: skip


def _identifiers(method: Method) -> list[str]:
    return [name for name, parameter in method.parameters.items() if parameter.type == "object"]


def _mistake(statement: str, case: str = "", fix: Call | None = None, **values: str) -> Remark:
    """Return the mistake that breaks a statement; ``case`` and ``values`` are those of a reason."""
    return Remark(statement, str(reason(statement, case, **values)), fix)


def _note(statement: str, case: str = "", **values: str) -> Remark:
    """Return a note on a statement; ``case`` and ``values`` are those of a reason."""
    return Remark(statement, str(reason(statement, case, **values)), kind=RemarkKind.NOTE)


def _left_open(statement: str, why: str) -> Remark:
    """Return a note on what the documents leave open, in words of its own."""
    return Remark(statement, why, kind=RemarkKind.NOTE)


# The path and the body.


def _path_remarks(call: Call, release: Release) -> Iterator[Remark]:
    """Yield remarks on a path that the release does not have.

    Paths of other methods of the API are no mistake.
    """
    path, release_methods = call.path.strip("/"), methods(release)
    ends = (method.path for method in release_methods.values() if path.endswith(f"/{method.path}"))
    if (end := next(ends, None)) is not None:
        why = reason("methods.known", seen=quoted(path), allowed=f"{API_PATH}/{end}")
        yield Remark("methods.path", str(why))
        return
    for name in release_names():
        later_methods = methods(resolve(name)).values()
        later_method = next((method for method in later_methods if method.path == path), None)
        if later_method is not None:
            why = reason("methods.known", "later", seen=later_method.name, allowed=name)
            yield Remark(f"{later_method.name}.available", str(why))
            return
    by_path = {method.path: method for method in release_methods.values()}
    likely_path = nearest(path, tuple(by_path), _LIKE_PATH)
    if likely_path is not None:
        method = by_path[likely_path]
        parameters = {**dict(query_pairs(call.query)), **(body_members(call.body) or {})}
        fix = _call_of(method, parameters) if call.verb == method.verb else None
        yield _mistake("methods.known", fix=fix, seen=quoted(path), allowed=likely_path)
    elif path.lower().startswith("webhook_requests/"):
        yield _mistake("methods.known", seen=quoted(path))


def is_of_api(call: Call, release: Release) -> bool:
    """Return whether a path that the release lacks is most likely meant for one of its methods."""
    return next(_path_remarks(call, release), None) is not None


def _body_mistake(request: _ClientRequest) -> Remark:
    """Return the mistake of a POST whose body is no JSON object."""
    text = (request.call.body or b"").decode("utf-8", "replace").strip()
    if re.match(r"[\w.]+=", text):
        fix = _call_of(request.method, dict(parse_qsl(text, keep_blank_values=True)))
        return _mistake("parameters.body", "form", fix)
    return _mistake("parameters.body", parameter="the body", seen="no JSON object")


# The token and the Web API key.


def _token_remarks(request: _ClientRequest) -> Iterator[Remark]:
    if "token" not in request.method.parameters or request.header == REMOVED:
        return
    token, why = request.parameters.get("token"), None
    if token is not None and not isinstance(token, str):
        yield _wrong_type("token", token)
    elif "token" in request.parameters:
        if not token and request.method.name != "token_release":
            why = reason("token.required")
    elif "token" in request.misplaced:
        is_post = request.call.verb == "POST"
        in_body = reason("parameters.place", parameter="body")
        why = reason("token.required", "in_query") if is_post else in_body
    elif request.header:
        why = reason("token.required", "in_header")
    if why is not None:
        fix = request.corrected({"token": _VALUE_OF_CLIENT})
        yield Remark("token.required", str(why), fix)


def _key_remarks(request: _ClientRequest) -> Iterator[Remark]:
    """Yield remarks on how a Web API key is written, unless it was removed."""
    text = basic_text(request.call)
    if not request.method.basic or not text:
        return
    key, colon, password = text.partition(":")
    if key and not colon:
        yield _left_open("login.web_api_key.colon", "no colon follows the Web API key; add one")
    elif key and password:
        why = "a password follows the Web API key; leave it empty"
        yield Remark("login.web_api_key.basic", why)


# Names.


def _name_remarks(request: _ClientRequest) -> Iterator[Remark]:
    method, documented_names = request.method, request.method.parameters
    statement = "parameters.known"
    if any(name in documented_names and name != "token" for name in request.misplaced):
        place = "body" if method.verb == "GET" else "query"
        yield _note("parameters.place", parameter=place)
    for name, value in request.parameters.items():
        if name in documented_names:
            continue
        label = name if name.isidentifier() and len(name) < _MAX_NAME else quoted(name)
        likely_name = nearest(name, tuple(documented_names))
        if name in method.later:
            since = f"a server of {method.later[name]}"
            yield _note(statement, parameter=label, allowed=since)
        elif likely_name is not None:
            fix = request.corrected({likely_name: value}, without=name)
            yield _mistake(statement, fix=fix, parameter=label, allowed=likely_name)
        else:
            yield _note(statement, parameter=label)


# Values.


def _all_value_remarks(request: _ClientRequest) -> Iterator[Remark]:
    for name, value in request.parameters.items():
        parameter = request.method.parameters.get(name)
        if parameter is not None and name != "token":
            yield from _value_remarks(request, parameter, value)
    if request.parsed.is_unusual and not request.call.path.endswith("/"):
        why = "the equals sign of an identifier is percent-encoded"
        yield _left_open("parameters.identifier_in_query", why)
    if [name for name in request.parameters if name in SEMI_OPTIONAL] == ["entity_id"]:
        yield _note("list.semi_optional.at_least_one", "entity_id_alone")
    times = Counter(name for name, _ in query_pairs(request.call.query))
    for name in (name for name in request.parameters if times[name] > 1):
        if name == IDENTIFIER:
            yield _mistake("identifier.exactly_one", parameter=name)
        else:
            yield _note("parameters.once", parameter=name)


def _value_remarks(request: _ClientRequest, parameter: Parameter, value: Any) -> Iterator[Remark]:
    name, may_be_left_out = parameter.name, parameter.need == "optional"
    if parameter.type == "object":
        yield from _identifier_remarks(request, parameter, value)
    elif name == "fields_set":
        yield from _field_remarks(value)
    elif parameter.type != "integer" and not isinstance(value, str):
        yield _wrong_type(name, value, is_open=value is None and may_be_left_out)
    elif value == "" and request.method.name == "list":
        make_remark = _note if may_be_left_out else _mistake
        yield make_remark("parameters.values", parameter=name)
    elif name in ("number_of_results", "offset"):
        yield from _number_remarks(name, str(value))
    elif name == "created_date":
        yield from _date_remarks(value)


def _undocumented_values(request: _ClientRequest) -> Iterator[Remark]:
    """Yield remarks on values of filters that are nearly documented, or several in one."""
    for name, values in documented_values(request.release).items():
        value = request.parameters.get(name)
        is_unclear = name in request.method.parameters and name in request.parsed.unclear
        if not is_unclear or not isinstance(value, str):
            continue
        statement, kind = f"list.{name}.supported_values", name.rpartition("_")[2]
        if value != value.strip():
            likely_value = nearest(value, values)
            fix = None if likely_value is None else request.corrected({name: likely_value})
            yield _mistake(statement, fix=fix, seen=quoted(value), allowed=likely_value or "")
        elif value not in ("", *values):
            yield _left_open(
                statement, f"whether a server takes the {kind} {quoted(value)} is open"
            )


def _wrong_type(name: str, value: object, *, is_open: bool = False) -> Remark:
    """Return the remark on a value that is no string."""
    make_remark = _note if is_open else _mistake
    return make_remark(
        "parameters.values", parameter=name, seen=json_type(value), allowed="a string"
    )


def _identifier_remarks(
    request: _ClientRequest, parameter: Parameter, value: Any
) -> Iterator[Remark]:
    name, statement = parameter.name, "parameters.identifier_in_query"
    if isinstance(value, Mapping):
        yield from _member_remarks(parameter, value)
        return
    fix = _guessed(request, parameter, value)
    if request.call.verb == "POST":
        allowed = f'an object such as {{"{parameter.fields[-1]}": "..."}}'
        why = reason("parameters.values", parameter=name, seen=json_type(value), allowed=allowed)
        yield Remark("parameters.identifier_in_body", str(why), fix)
        return
    parts = [part.partition("=") for part in str(value).split(",")]
    fields = [field for field, _, _ in parts]
    if len(parts) < 2 or "" in fields:
        allowed = " or ".join(f"{field}=..." for field in parameter.fields)
        seen = quoted(str(value))
        why = reason("parameters.values", parameter=name, seen=seen, allowed=allowed)
        yield Remark(statement, str(why), fix)
    elif name == IDENTIFIER and {"id", "number"} <= set(fields):
        field, _, text = parts[0]
        fix = request.corrected({name: {field: text}})
        yield _mistake("identifier.exactly_one", fix=fix, parameter=name)
    else:
        yield _left_open(statement, str(reason("list.identifier.exactly_one", parameter=name)))


def _member_remarks(parameter: Parameter, value: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield remarks on the fields of an identifier that ``refusals`` does not give."""
    name, prefix = parameter.name, "" if parameter.name == IDENTIFIER else "list."
    fields = [field for field in value if field in parameter.fields]
    if prefix and len(fields) > 1:
        yield _note("list.identifier.exactly_one", parameter=name)
    if fields and len(value) > len(fields):
        others = quoted(", ".join(field for field in value if field not in fields))
        yield _note(f"{prefix}identifier.fields", parameter=name, seen=others)
    for field in fields:
        if value[field] is not None and not isinstance(value[field], str):
            is_number = isinstance(value[field], int) and not isinstance(value[field], bool)
            yield _wrong_type(f"{name}.{field}", value[field], is_open=is_number)
    if prefix and all(text in (None, "") for text in value.values()):
        yield _mistake("list.identifier.mandatory", parameter=name)


def _guessed(request: _ClientRequest, parameter: Parameter, value: Any) -> Call | None:
    """Return the request whose identifier is guessed from a bare value, or None."""
    text = str(value).strip()
    pair = identifier_in_query(text)
    if isinstance(pair, dict) and pair and pair.keys() <= {*parameter.fields}:
        return request.corrected({parameter.name: pair})
    if _ID.fullmatch(text):
        return request.corrected({parameter.name: {"id": text}})
    is_number = "number" in parameter.fields and text.isascii() and text.isdigit()
    return request.corrected({parameter.name: {"number": text}}) if is_number else None


def _field_remarks(value: Any) -> Iterator[Remark]:
    statement = "fields_set.names"
    if not isinstance(value, str):
        why = reason(
            "parameters.values", parameter="fields_set", seen=json_type(value), allowed="a string"
        )
        yield _left_open(statement, str(why))
    elif unknown := [name for name in value.split(",") if name not in FIELDS]:
        yield _note(statement, seen=quoted(", ".join(unknown)))


def _number_remarks(name: str, text: str) -> Iterator[Remark]:
    statement = "list.paging.numbers"
    if not _NUMBER.fullmatch(text):
        yield _mistake(statement, parameter=name, seen=quoted(text))
    elif not text.isdigit() or (name == "number_of_results" and not text.strip("0")):
        yield _note(statement, parameter=name, seen=quoted(text))


def _date_remarks(value: str) -> Iterator[Remark]:
    statement = "list.created_date.filter"
    if not re.search("[0-9]", value):
        yield _mistake(statement, seen=quoted(value))
    elif not is_api_date(value):
        yield _left_open(statement, f"whether a server reads created_date {quoted(value)} is open")


def _fix(statement: str, request: _ClientRequest) -> Call | None:
    """Return the right request for one that breaks a statement, or None if that is not clear."""
    parameters = request.parameters
    if statement == "token.required":
        return request.corrected({"token": _VALUE_OF_CLIENT})
    if statement == "identifier.fields" and len(parameters[IDENTIFIER]) == 1:
        (value,) = parameters[IDENTIFIER].values()
        return _guessed(request, request.method.parameters[IDENTIFIER], value)
    if statement == "identifier.exactly_one":
        return request.corrected({IDENTIFIER: {"id": parameters[IDENTIFIER]["id"]}})
    for name, values in documented_values(request.release).items():
        if statement == f"list.{name}.supported_values":
            likely_value = nearest(parameters[name], values)
            return None if likely_value is None else request.corrected({name: likely_value})
    if statement == "parameters.mandatory" and request.method.name in RECORD_METHODS:
        for name in ("id", "number"):
            if isinstance(parameters.get(name), str):
                return request.corrected({IDENTIFIER: {name: parameters[name]}}, without=name)
    return None
