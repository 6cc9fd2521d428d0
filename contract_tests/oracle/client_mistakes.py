"""Read a request of somebody's client against the documents: what is wrong, and what is right.

What a run expects to be refused is a mistake here: see ``expectations``. Besides, a client has to
write requests as the documents do, and use names that they know. What they leave open is a note.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import SEMI_OPTIONAL, is_api_date
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.expectations import STATES, refusals
from crmcom_kit.contract_tests.oracle.sense import (
    FIELDS,
    IDENTIFIER,
    Sense,
    basic_text,
    body_members,
    identifier_in_query,
    query_pairs,
    read,
)
from crmcom_kit.redaction import MASK
from crmcom_kit.schemas.methods import API_PATH, Method, Parameter, methods
from crmcom_kit.schemas.reasons import Reason, reason
from crmcom_kit.schemas.releases import Release, entities_since, release_names, resolve
from crmcom_kit.usage_errors import quoted

#: What is taken for a misspelling has so much in common with the right spelling.
_LIKE, _LIKE_PATH = 0.8, 0.85
#: A value of the header Authorization: the token was removed from a recording, wherever it stood.
REMOVED = f"{MASK} removed"
_MAX_NAME = 60  # characters of a parameter's name that is shown as it is
_YOURS = "..."  # stands for a value that only the client knows
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_ID = re.compile(r"[0-9A-Fa-f]{32}")


class RemarkKind(StrEnum):
    """What a remark comes to."""

    MISTAKE = "mistake"
    TWICE = "may have happened twice"  # a mistake that may cost money
    NOTE = "note"  # the documents leave open what a server does with it


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong with a request."""

    statement: str  # the one that wants something else
    why: str
    right: Call | None = None  # the right request, if it can be told
    kind: RemarkKind = RemarkKind.MISTAKE


def remarks(call: Call, belief: Belief) -> list[Remark]:
    """Return what is wrong with a request, whatever the server has made of it."""
    sense = read(call, belief.release)
    if sense.method is None:
        return [*_of_path(call, belief.release)]
    request = _Request(call, sense, sense.method, belief.release)
    if sense.verb != sense.method.verb:
        statement, verb = "methods.verb", sense.method.verb
        why = reason(statement, parameter=sense.method.path, seen=sense.verb, allowed=verb)
        return [_mistake(statement, why, request.right({}))]
    if call.verb == "POST" and call.body and body_members(call.body) is None:
        return [_of_body(request)]
    found = [*_of_token(request), *_of_key(request), *_of_names(request), *_of_values(request)]
    told = {each.statement for each in found if each.kind is RemarkKind.MISTAKE}
    told |= {"login.credentials", *request.meant}  # nobody knows which ones are right
    if request.method.basic and request.header.startswith(MASK):  # the recording hides the key
        told.add("parameters.mandatory")
    if "access_token_identifier" in sense.parameters:  # an older page has it instead of a user
        told.add("parameters.mandatory")
    for statement, why in refusals(call, sense, belief):
        if statement not in told:
            found.append(Remark(statement, str(why), _right_of(statement, request)))
    return found


@dataclass(frozen=True, slots=True)
class _Request:
    call: Call
    sense: Sense
    method: Method
    release: Release

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters in their right place."""
        return self.sense.parameters

    @property
    def misplaced(self) -> dict[str, Any]:
        """The parameters in the query of a POST, or in the body of a GET."""
        if self.call.verb == "GET":
            return body_members(self.call.body) or {}
        return dict(query_pairs(self.call.query))

    @property
    def header(self) -> str:
        """The value of the header Authorization."""
        pairs = ((name.lower(), value) for name, value in self.call.headers)
        return next((value for name, value in pairs if name == "authorization"), "")

    @property
    def meant(self) -> set[str]:
        """The statements that miss a parameter which is there by a name that is nearly right."""
        known = tuple(self.method.parameters)
        names = {_near(name, known) for name in self.parameters if name not in known} - {None}
        found = {"token.required"} if "token" in names else set()
        found |= {"list.semi_optional.at_least_one"} if names & {*SEMI_OPTIONAL} else set()
        needs = {self.method.parameters[name].need for name in names if name is not None}
        return found | ({"parameters.mandatory"} if "mandatory" in needs else set())

    def right(self, changed: Mapping[str, Any], without: str = "") -> Call:
        """Return the request with all parameters in their place, and some of them changed."""
        given = {**self.misplaced, **self.parameters, **changed}
        return _built(self.method, {n: value for n, value in given.items() if n != without})


def _built(method: Method, given: Mapping[str, Any]) -> Call:
    """Build a request of parameters; an identifier may be a text, as in a query."""
    return build(method, {
        name: identifier_in_query(value)
        if isinstance(value, str) and name in _identifiers(method) else value
        for name, value in given.items()
    })  # fmt: skip


def _identifiers(method: Method) -> list[str]:
    return [name for name, about in method.parameters.items() if about.type == "object"]


def _note(statement: str, why: object) -> Remark:
    return Remark(statement, str(why), kind=RemarkKind.NOTE)


def _mistake(statement: str, why: object, right: Call | None = None) -> Remark:
    return Remark(statement, str(why), right)


def _likeness(text: str, name: str) -> float:
    """Return how much two names have in common, 0 to 1, whatever their case and separators."""
    one, other = (re.sub(r"[^a-z0-9]", "", each.lower()) for each in (text[:100], name))
    return float(SequenceMatcher(None, one, other, autojunk=False).ratio())


@lru_cache(maxsize=1024)
def _near(text: str, names: tuple[str, ...], least: float = _LIKE) -> str | None:
    """Return the name that a text is most likely a misspelling of, or None."""
    found = max(names, key=lambda name: _likeness(text, name), default="")
    return found if _likeness(text, found) >= least else None


# The path, and the form of the body.


def _of_path(call: Call, release: Release) -> Iterator[Remark]:
    """Yield what is wrong with a path that the release has not, if it is one of webhook_requests.

    Paths of other methods of the API are nobody's mistake.
    """
    path, known = call.path.strip("/"), methods(release)
    end = next((each for each in known.values() if path.endswith(f"/{each.path}")), None)
    if end is not None:
        why = reason("methods.known", seen=quoted(path), allowed=f"{API_PATH}/{end.path}")
        yield _mistake("methods.path", why)
        return
    for name in release_names():
        later = next((each for each in methods(resolve(name)).values() if each.path == path), None)
        if later is not None:
            why = reason("methods.known", "later", seen=later.name, allowed=name)
            yield _mistake(f"{later.name}.available", why)
            return
    near = _near(path, tuple(each.path for each in known.values()), _LIKE_PATH)
    if near is not None:
        method = next(each for each in known.values() if each.path == near)
        given = {**dict(query_pairs(call.query)), **(body_members(call.body) or {})}
        right = _built(method, given) if call.verb == method.verb else None
        why = reason("methods.known", seen=quoted(path), allowed=near)
        yield _mistake("methods.known", why, right)
    elif path.lower().startswith("webhook_requests/"):
        yield _mistake("methods.known", reason("methods.known", seen=quoted(path)))


def is_of_api(call: Call, release: Release) -> bool:
    """Whether a path that the release has not is meant for one of its methods."""
    return next(_of_path(call, release), None) is not None


def _of_body(request: _Request) -> Remark:
    """Return what is wrong with the body of a POST that is no JSON object."""
    text = (request.call.body or b"").decode("utf-8", "replace").strip()
    if re.match(r"[\w.]+=", text):
        right = _built(request.method, dict(parse_qsl(text, keep_blank_values=True)))
        return _mistake("parameters.body", reason("parameters.body", "form"), right)
    why = reason("parameters.body", parameter="the body", seen="no JSON object")
    return _mistake("parameters.body", why)


# The token, and the Web API key.


def _of_token(request: _Request) -> Iterator[Remark]:
    if "token" not in request.method.parameters or request.header == REMOVED:
        return
    token, why = request.parameters.get("token"), None
    if token is not None and not isinstance(token, str):
        yield _mistake("parameters.values", _of_type("token", token))
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
        yield _mistake("token.required", why, request.right({"token": _YOURS}))


def _of_key(request: _Request) -> Iterator[Remark]:
    """Yield what is wrong with how a Web API key is written, unless it was removed."""
    text = basic_text(request.call)
    if not request.method.basic or not text:
        return
    key, colon, password = text.partition(":")
    if key and not colon:
        yield _note("login.web_api_key.colon", "no colon follows the Web API key; add one")
    elif key and password:
        why = "a password follows the Web API key; leave it empty"
        yield _mistake("login.web_api_key.basic", why)


# Names.


def _of_names(request: _Request) -> Iterator[Remark]:
    method, known, statement = request.method, request.method.parameters, "parameters.known"
    if any(name in known and name != "token" for name in request.misplaced):
        place = "body" if method.verb == "GET" else "query"
        yield _note("parameters.place", reason("parameters.place", parameter=place))
    for name, value in request.parameters.items():
        if name in known:
            continue
        shown = name if name.isidentifier() and len(name) < _MAX_NAME else quoted(name)
        near = _near(name, tuple(known))
        if name in method.later:
            since = f"a server of {method.later[name]}"
            yield _note(statement, reason(statement, parameter=shown, allowed=since))
        elif near is not None:
            right = request.right({near: value}, without=name)
            yield _mistake(statement, reason(statement, parameter=shown, allowed=near), right)
        else:
            yield _note(statement, reason(statement, parameter=shown))


# Values.


def _of_values(request: _Request) -> Iterator[Remark]:
    for name, value in request.parameters.items():
        parameter = request.method.parameters.get(name)
        if parameter is not None and name != "token":
            yield from _of_value(request, parameter, value)
    if request.sense.is_unusual and not request.call.path.endswith("/"):
        why = "the equals sign of an identifier is percent-encoded"
        yield _note("parameters.identifier_in_query", why)
    if [name for name in request.parameters if name in SEMI_OPTIONAL] == ["entity_id"]:
        statement = "list.semi_optional.at_least_one"
        yield _note(statement, reason(statement, "entity_id_alone"))
    times = Counter(name for name, _ in query_pairs(request.call.query))
    for name in (name for name in request.parameters if times[name] > 1):
        if name == IDENTIFIER:
            statement = "identifier.exactly_one"
            yield _mistake(statement, reason(statement, parameter=name))
        else:
            yield _note("parameters.once", reason("parameters.once", parameter=name))


def _of_value(request: _Request, parameter: Parameter, value: Any) -> Iterator[Remark]:
    name, may_be_left_out = parameter.name, parameter.need == "optional"
    if parameter.type == "object":
        yield from _of_identifier(request, parameter, value)
    elif name == "fields_set":
        yield from _of_fields(value)
    elif parameter.type != "integer" and not isinstance(value, str):
        found = _note if value is None and may_be_left_out else _mistake
        yield found("parameters.values", _of_type(name, value))
    elif value == "" and request.method.name == "list":
        found = _note if may_be_left_out else _mistake
        yield found("parameters.values", reason("parameters.values", parameter=name))
    elif name in _OF_VALUE:
        yield from _OF_VALUE[name](request, value)


def _of_type(name: str, value: object, allowed: str = "a string") -> Reason:
    """Return why a value of a wrong type is refused."""
    types = {bool: "a Boolean", dict: "an object", list: "an array", str: "a string"}
    seen = "null" if value is None else types.get(type(value), "a number")
    return reason("parameters.values", parameter=name, seen=seen, allowed=allowed)


def _of_identifier(request: _Request, parameter: Parameter, value: Any) -> Iterator[Remark]:
    name, forms = parameter.name, " or ".join(f"{each}=..." for each in parameter.fields)
    if isinstance(value, Mapping):
        yield from _of_members(parameter, value)
        return
    right = _guessed(request, parameter, value)
    if request.call.verb == "POST":
        why = _of_type(name, value, f'an object such as {{"{parameter.fields[-1]}": "..."}}')
        yield _mistake("parameters.identifier_in_body", why, right)
        return
    parts = [part.partition("=")[0] for part in str(value).split(",")]
    is_own, statement = name == IDENTIFIER, "parameters.identifier_in_query"
    if len(parts) < 2 or "" in parts:
        seen = quoted(str(value))
        why = reason("parameters.values", parameter=name, seen=seen, allowed=forms)
        yield _mistake(statement, why, right)
    elif is_own and {"id", "number"} <= set(parts):
        first, _, text = str(value).partition(",")[0].partition("=")
        why, statement = reason("identifier.exactly_one", parameter=name), "identifier.exactly_one"
        yield _mistake(statement, why, request.right({name: {first: text}}))
    else:
        yield _note(statement, reason("list.identifier.exactly_one", parameter=name))


def _of_members(parameter: Parameter, value: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield what is wrong with the fields of an identifier, beside what is refused anyway."""
    name, prefix = parameter.name, "" if parameter.name == IDENTIFIER else "list."
    known = [each for each in value if each in parameter.fields]
    if prefix and len(known) > 1:
        statement = "list.identifier.exactly_one"
        yield _note(statement, reason(statement, parameter=name))
    if known and len(value) > len(known):
        others = quoted(", ".join(each for each in value if each not in known))
        statement = f"{prefix}identifier.fields"
        yield _note(statement, reason(statement, parameter=name, seen=others))
    for each in known:
        is_number = isinstance(value[each], int) and not isinstance(value[each], bool)
        if is_number or (value[each] is not None and not isinstance(value[each], str)):
            found = _note if is_number else _mistake
            yield found("parameters.values", _of_type(f"{name}.{each}", value[each]))
    if prefix and all(each in (None, "") for each in value.values()):
        statement = "list.identifier.mandatory"
        yield _mistake(statement, reason(statement, parameter=name))


def _guessed(request: _Request, parameter: Parameter, value: Any) -> Call | None:
    """Return the request with the identifier that a bare value stands for, if that is clear."""
    text = str(value).strip()
    pair = identifier_in_query(text)
    if isinstance(pair, dict) and pair and pair.keys() <= {*parameter.fields}:
        return request.right({parameter.name: pair})
    if _ID.fullmatch(text):
        return request.right({parameter.name: {"id": text}})
    is_number = "number" in parameter.fields and text.isascii() and text.isdigit()
    return request.right({parameter.name: {"number": text}}) if is_number else None


def _of_fields(value: Any) -> Iterator[Remark]:
    statement = "fields_set.names"
    if not isinstance(value, str):
        yield _note(statement, _of_type("fields_set", value))
    elif unknown := [name for name in value.split(",") if name not in FIELDS]:
        yield _note(statement, reason(statement, seen=quoted(", ".join(unknown))))


def _of_number(name: str, _: _Request, value: Any) -> Iterator[Remark]:
    text, statement = str(value), "list.paging.numbers"
    why = reason(statement, parameter=name, seen=quoted(text))
    if not _NUMBER.fullmatch(text):
        yield _mistake(statement, why)
    elif not text.isdigit() or (name == "number_of_results" and not text.strip("0")):
        yield _note(statement, why)


def _of_date(_: _Request, value: str) -> Iterator[Remark]:
    statement = "list.created_date.filter"
    if not re.search("[0-9]", value):
        yield _mistake(statement, reason(statement, seen=quoted(value)))
    elif not is_api_date(value):
        yield _note(statement, f"whether a server reads created_date {quoted(value)} is open")


def _of_entity(request: _Request, value: str) -> Iterator[Remark]:
    statement, release = "list.entity.supported_values", request.release
    known, since = release.entities, entities_since().get(value)
    if value in known:
        return
    if "," in value or value.upper() in (*known, *release.disputed_entities):
        yield _note(statement, f"whether a server takes the entity {quoted(value)} is open")
    elif since is not None:
        yield _mistake(statement, reason(statement, "later", seen=quoted(value), allowed=since))
    else:
        yield _misspelled("entity", statement, request, value, known)


def _of_state(request: _Request, value: str) -> Iterator[Remark]:
    statement = "list.life_cycle_state.supported_values"
    if value in STATES:
        return
    if "," in value or value.upper() in STATES:
        yield _note(statement, f"whether a server takes the state {quoted(value)} is open")
    else:
        yield _misspelled("life_cycle_state", statement, request, value, STATES)


def _misspelled(
    name: str, statement: str, request: _Request, value: str, known: tuple[str, ...]
) -> Remark:
    """Return what is wrong with a value that is none of a few."""
    near = _near(value, known)
    right = None if near is None else request.right({name: near})
    return _mistake(statement, reason(statement, seen=quoted(value), allowed=near or ""), right)


_OF_VALUE: dict[str, Callable[[_Request, Any], Iterator[Remark]]] = {
    "number_of_results": partial(_of_number, "number_of_results"),
    "offset": partial(_of_number, "offset"),
    "created_date": _of_date,
    "entity": _of_entity,
    "life_cycle_state": _of_state,
}


def _right_of(statement: str, request: _Request) -> Call | None:
    """Return the right request for one that the documents refuse, if it can be told."""
    given = request.parameters
    if statement == "token.required":
        return request.right({"token": _YOURS})
    identifier = given.get(IDENTIFIER)
    if (
        statement == "identifier.fields"
        and isinstance(identifier, Mapping)
        and len(identifier) == 1
    ):
        return _guessed(request, request.method.parameters[IDENTIFIER], *identifier.values())
    if statement == "identifier.exactly_one":
        return request.right({IDENTIFIER: {"id": given[IDENTIFIER]["id"]}})
    if statement == "parameters.mandatory" and request.method.name in ("show", "resend", "delete"):
        for name in ("id", "number"):
            if isinstance(given.get(name), str):
                return request.right({IDENTIFIER: {name: given[name]}}, without=name)
    return None
