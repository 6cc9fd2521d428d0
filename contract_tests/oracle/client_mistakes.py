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
from crmcom_kit.contract_tests.belief.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.findings import shortened
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
from crmcom_kit.schemas.methods import Method, Parameter, methods
from crmcom_kit.schemas.releases import Release, entities_since, release_names, resolve

#: What is taken for a misspelling has so much in common with the right spelling.
_LIKE, _LIKE_PATH = 0.8, 0.85
#: A value of the header Authorization: the token was removed from a recording, wherever it stood.
REMOVED = f"{MASK} removed"
_YOURS = "..."  # stands for a value that only the client knows
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_ID = re.compile(r"[0-9A-Fa-f]{32}")


class Kind(StrEnum):
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
    kind: Kind = Kind.MISTAKE


def remarks(call: Call, belief: Belief) -> list[Remark]:
    """Return what is wrong with a request, whatever the server has made of it."""
    sense = read(call, belief.release)
    if sense.method is None:
        return [*_of_path(call, belief.release)]
    request = _Request(call, sense, sense.method, belief.release)
    if sense.verb != sense.method.verb:
        why = f"{sense.name} is sent with {sense.verb}; it must be called with {sense.method.verb}"
        return [Remark("methods.verb", why, request.right({}))]
    if call.verb == "POST" and call.body and body_members(call.body) is None:
        return [*_of_body(request)]
    found = [*_of_token(request), *_of_key(request), *_of_names(request), *_of_values(request)]
    told = {each.statement for each in found if each.kind is Kind.MISTAKE}
    told |= {"login.credentials", *request.meant}  # nobody knows which ones are right
    if "access_token_identifier" in sense.given:  # an older page has it instead of a user
        told.add("parameters.mandatory")
    for statement, why in refusals(call, sense, belief):
        if statement not in told:
            found.append(Remark(statement, why, _right_of(statement, request)))
    return found


@dataclass(frozen=True, slots=True)
class _Request:
    call: Call
    sense: Sense
    method: Method
    release: Release

    @property
    def given(self) -> Mapping[str, Any]:
        """The parameters in their right place."""
        return self.sense.given

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
        names = {_near(name, known) for name in self.given if name not in known} - {None}
        found = {"token.required"} if "token" in names else set()
        found |= {"list.semi_optional.at_least_one"} if names & {*SEMI_OPTIONAL} else set()
        needs = {self.method.parameters[name].need for name in names if name is not None}
        return found | ({"parameters.mandatory"} if "mandatory" in needs else set())

    def right(self, changed: Mapping[str, Any], without: str = "") -> Call:
        """Return the request with all parameters in their place, and some of them changed."""
        given = {**self.misplaced, **self.given, **changed}
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


def _note(statement: str, why: str) -> Remark:
    return Remark(statement, why, kind=Kind.NOTE)


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
    for name in release_names():
        later = next((each for each in methods(resolve(name)).values() if each.path == path), None)
        if later is not None:
            why = f"{release.name} has no {later.name}, which is available from {name} on"
            yield Remark(f"{later.name}.available", why)
            return
    near = _near(path, tuple(each.path for each in known.values()), _LIKE_PATH)
    if near is not None:
        method = next(each for each in known.values() if each.path == near)
        given = {**dict(query_pairs(call.query)), **(body_members(call.body) or {})}
        right = _built(method, given) if call.verb == method.verb else None
        yield Remark("methods.known", f"no method has the path {path}; {near} is one", right)
    elif path.lower().startswith("webhook_requests/"):
        names = ", ".join(known[name].path for name in ("show", "list", "resend", "delete"))
        yield Remark("methods.known", f"no method has the path {path}; there are {names}")


def is_of_api(call: Call, release: Release) -> bool:
    """Whether a path that the release has not is meant for one of its methods."""
    return next(_of_path(call, release), None) is not None


def _of_body(request: _Request) -> Iterator[Remark]:
    text = (request.call.body or b"").decode("utf-8", "replace").strip()
    if re.match(r"[\w.]+=", text):
        given = dict(parse_qsl(text, keep_blank_values=True))
        why = "the body is a form; it must be one JSON object"
        yield Remark("parameters.body", why, _built(request.method, given))
    else:
        yield Remark("parameters.body", "the body is no JSON object")


# The token, and the Web API key.


def _of_token(request: _Request) -> Iterator[Remark]:
    if "token" not in request.method.parameters or request.header == REMOVED:
        return
    token, verb = request.given.get("token"), request.call.verb
    place = "the query" if verb == "GET" else "the JSON body"
    if "token" in request.given:
        if not isinstance(token, str):
            yield Remark("parameters.values", "the token is no text")
        elif not token and request.method.name != "token_release":
            yield Remark("token.required", "the token is empty", request.right({"token": _YOURS}))
        return
    wrong = "the body" if verb == "GET" else "the query"
    if "token" not in request.misplaced:
        wrong = "the header Authorization" if request.header else ""
    if wrong:
        why = f"the token is in {wrong}; {verb} has it as the parameter token in {place}"
        yield Remark("parameters.place", why, request.right({"token": _YOURS}))


def _of_key(request: _Request) -> Iterator[Remark]:
    """Yield what is wrong with how a Web API key is written, unless it was removed."""
    text = basic_text(request.call)
    if not request.method.basic or not text:
        return
    key, colon, password = text.partition(":")
    if key and not colon:
        yield _note("login.web_api_key.colon", "no colon follows the Web API key")
    elif key and password:
        yield Remark("login.web_api_key.basic", "a password follows the Web API key")


# Names.


def _of_names(request: _Request) -> Iterator[Remark]:
    method, known = request.method, request.method.parameters
    for name in (name for name in request.misplaced if name in known and name != "token"):
        why = f"{name} is in the {'body of a GET' if method.verb == 'GET' else 'query of a POST'}"
        yield _note("parameters.place", why)
    for name, value in request.given.items():
        if name in known:
            continue
        short, near = shortened(name, 60), _near(name, tuple(known))
        if name in method.later:
            why = f"{method.name} has {name} from {method.later[name]} on"
            yield _note("parameters.known", f"{why}, and the release is {request.release.name}")
        elif near is not None:
            why = f"{method.name} has no parameter {short}; {near} is one"
            right = request.right({near: value}, without=name)
            yield Remark("parameters.known", why, right)
        else:
            yield _note("parameters.known", f"{method.name} has no parameter {short}")


# Values.


def _of_values(request: _Request) -> Iterator[Remark]:
    for name, value in request.given.items():
        parameter = request.method.parameters.get(name)
        if parameter is not None and name != "token":
            yield from _of_value(request, parameter, value)
    if request.sense.is_unusual and not request.call.path.endswith("/"):
        why = "the equals sign of an identifier is percent-encoded"
        yield _note("parameters.identifier_in_query", why)
    if [name for name in request.given if name in SEMI_OPTIONAL] == ["entity_id"]:
        yield _note("list.semi_optional.at_least_one", "entity_id is given without entity")
    times = Counter(name for name, _ in query_pairs(request.call.query))
    for name in (name for name in request.given if times[name] > 1):
        if name == IDENTIFIER:
            yield Remark("identifier.exactly_one", f"{name} is given twice")
        else:
            yield _note("parameters.once", f"{name} is given twice")


def _of_value(request: _Request, parameter: Parameter, value: Any) -> Iterator[Remark]:
    name, if_optional = parameter.name, Kind.MISTAKE
    if parameter.need == "optional":  # it may count as left out
        if_optional = Kind.NOTE
    if parameter.type == "object":
        yield from _of_identifier(request, parameter, value)
    elif name == "fields_set":
        yield from _of_fields(value)
    elif parameter.type != "integer" and not isinstance(value, str):
        kind = if_optional if value is None else Kind.MISTAKE
        yield Remark("parameters.values", f"{name} is no text", kind=kind)
    elif value == "" and request.method.name == "list":
        yield Remark("parameters.values", f"{name} is empty", kind=if_optional)
    elif name in _OF_VALUE:
        yield from _OF_VALUE[name](request, value)


def _of_identifier(request: _Request, parameter: Parameter, value: Any) -> Iterator[Remark]:
    name, fields = parameter.name, " or ".join(f"{each}=..." for each in parameter.fields)
    if isinstance(value, Mapping):
        yield from _of_members(parameter, value)
        return
    if request.call.verb == "POST":
        right = _guessed(request, parameter, value)
        yield Remark("parameters.identifier_in_body", f"{name} is no object", right)
        return
    parts = [part.partition("=")[0] for part in str(value).split(",")]
    if len(parts) < 2 or "" in parts:
        why = f"{name} is written {shortened(str(value), 60)}; it must be {fields}"
        yield Remark("parameters.identifier_in_query", why, _guessed(request, parameter, value))
    elif name == IDENTIFIER and {"id", "number"} <= set(parts):
        why = f"{name} has both id and number"
        yield Remark("identifier.exactly_one", why, _with_first(request, parameter, str(value)))
    else:
        yield _note("parameters.identifier_in_query", f"{name} has several fields")


def _of_members(parameter: Parameter, value: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield what is wrong with the fields of an identifier, beside what is refused anyway."""
    name = parameter.name
    known = [each for each in value if each in parameter.fields]
    if name != IDENTIFIER and len(known) > 1:
        yield _note("list.identifier.exactly_one", f"{name} has {' and '.join(known)}")
    if known and len(value) > len(known):
        others = ", ".join(each for each in value if each not in known)
        yield _note("identifier.fields", f"{name} has {shortened(others, 60)} as well")
    for each in known:
        if isinstance(value[each], int) and not isinstance(value[each], bool):
            yield _note("parameters.values", f"{name}.{each} is a JSON number")
        elif value[each] is not None and not isinstance(value[each], str):
            yield Remark("parameters.values", f"{name}.{each} is no text")
        elif name != IDENTIFIER and value[each] in (None, "") and len(known) == 1:
            yield Remark("list.identifier.mandatory", f"{name}.{each} is empty")
    if name != IDENTIFIER and not value:
        yield Remark("list.identifier.mandatory", f"{name} has no field")


def _guessed(request: _Request, parameter: Parameter, value: Any) -> Call | None:
    """Return the request with the identifier that a bare value stands for, if that is clear."""
    text = str(value).strip()
    if (pair := identifier_in_query(text)) and isinstance(pair, dict):
        return request.right({parameter.name: pair})
    if _ID.fullmatch(text):
        return request.right({parameter.name: {"id": text}})
    is_number = "number" in parameter.fields and text.isascii() and text.isdigit()
    return request.right({parameter.name: {"number": text}}) if is_number else None


def _with_first(request: _Request, parameter: Parameter, text: str) -> Call:
    name, _, value = text.partition(",")[0].partition("=")
    return request.right({parameter.name: {name: value}})


def _of_fields(value: Any) -> Iterator[Remark]:
    if not isinstance(value, str):
        yield _note("fields_set.names", "fields_set is no text")
        return
    unknown = [shortened(name, 40) for name in value.split(",") if name not in FIELDS]
    if unknown:
        yield _note("fields_set.names", f"no field is named {', '.join(map(repr, unknown[:3]))}")


def _of_number(name: str, request: _Request, value: Any) -> Iterator[Remark]:
    text = str(value) if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text):
        yield Remark(
            "list.paging.numbers", f"{name} is {shortened(text, 40)!r}, which is no number"
        )
    elif not text.isdigit() or (name == "number_of_results" and not int(text[:20])):
        yield _note("list.paging.numbers", f"{request.method.name} has {name} {text[:20]}")


def _of_date(_: _Request, value: str) -> Iterator[Remark]:
    if not re.search(r"\d", value):
        why = f"created_date is {shortened(value, 40)!r}, which is no date"
        yield Remark("list.created_date.filter", why)
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?", value):
        yield _note("list.created_date.filter", "created_date is in another form than in responses")


def _of_entity(request: _Request, value: str) -> Iterator[Remark]:
    statement, release = "list.entity.supported_values", request.release
    known, disputed = release.entities, release.disputed_entities
    if value in known:
        return
    if "," in value or value.upper() in (*known, *disputed):
        yield _note(statement, f"whether a server takes the entity {shortened(value, 60)} is open")
        return
    since = entities_since().get(value)
    later = f", which is available from {since} on" if since is not None else ""
    near = _near(value, known)
    right = request.right({"entity": near}) if near is not None and since is None else None
    why = f"{release.name} has no entity {shortened(value, 60)!r}{later}"
    yield Remark(statement, why, right)


def _of_state(request: _Request, value: str) -> Iterator[Remark]:
    statement = "list.life_cycle_state.supported_values"
    if value in STATES:
        return
    if "," in value or value.upper() in STATES:
        yield _note(statement, f"whether a server takes the state {shortened(value, 60)} is open")
        return
    near = _near(value, STATES)
    right = request.right({"life_cycle_state": near}) if near is not None else None
    yield Remark(statement, f"{shortened(value, 60)!r} is no life cycle state", right)


_OF_VALUE: dict[str, Callable[[_Request, Any], Iterator[Remark]]] = {
    "number_of_results": partial(_of_number, "number_of_results"),
    "offset": partial(_of_number, "offset"),
    "created_date": _of_date,
    "entity": _of_entity,
    "life_cycle_state": _of_state,
}


def _right_of(statement: str, request: _Request) -> Call | None:
    """Return the right request for one that the documents refuse, if it can be told."""
    given = request.given
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
