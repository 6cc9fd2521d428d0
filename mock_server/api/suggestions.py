"""Reasons and suggestions: why a request was refused, and the smallest change that makes it valid.

Their words are in ``schemas.reasons``. A reason says what is allowed in general. A suggestion
corrects this request: it moves a value to its field, writes a number as a string or corrects a
misspelling. A header of the mock has it. It is None if the intention of the caller is not clear.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, RawParameters
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.records import RESENDABLE, Query, key_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.schemas.methods import Method, Parameter, methods
from crmcom_kit.schemas.reasons import Reason, reason
from crmcom_kit.schemas.releases import entities_since, release_names, resolve

_MAX_LENGTH = 100  # of a value that is read
_LOGIN = "POST authentication/token"
_PLACEHOLDER = "..."  # for a value that only the caller knows
_SPELLING = 0.75  # minimum similarity of a word and its misspelling, from 0 to 1
_MIN_PREFIX = 4  # characters that a shortened name has


def explain(
    error: VendorError,
    statement: str,
    method: Method | None,
    request: Request,
    raw: RawParameters | None,
    epoch: Epoch,
) -> tuple[Reason, str | None]:
    """Return why a request that breaks ``statement`` was refused, and a suggestion.

    ``method`` is None if the path has no method, ``raw`` if the parameters could not be read. The
    suggestion is None if the intention of the caller is not clear.
    """
    refusal = _Refusal(error, method, request, raw, epoch)
    case, allowed = error.case, error.allowed
    release = _later_release(refusal)
    if release:
        case, allowed = "later", f"{release} or later"
    elif not case:
        case = _misplacement(refusal)
    explanation = reason(
        statement, case, parameter=error.parameter, seen=error.seen, allowed=allowed
    )
    if case in ("form", "in_header", "in_query"):
        return explanation, explanation.remedy
    example: str | None = f"{allowed}: start the mock with --release {release}"
    if not release:
        find = _FINDERS.get(error.kind)
        example = None if find is None else find(refusal)
    return explanation, None if example is None else reason(statement, case, allowed=example).remedy


@dataclass(slots=True)
class _Refusal:
    """A refused request."""

    error: VendorError
    method: Method | None
    request: Request
    raw: RawParameters | None
    epoch: Epoch

    @property
    def name(self) -> str:
        """The wrong parameter, without the field in it."""
        return self.error.parameter.partition(".")[0]

    @property
    def parameter(self) -> Parameter | None:
        """The declaration of the wrong parameter by the method."""
        return None if self.method is None else self.method.parameters.get(self.name)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the wrong parameter may have, if it is an identifier."""
        return () if self.parameter is None else self.parameter.fields

    @property
    def resends(self) -> bool:
        """True if the wrong parameter names the record to resend."""
        is_resend = self.method is not None and self.method.name == "resend"
        return is_resend and self.name == REQUEST_IDENTIFIER

    def value(self, name: str) -> Any:
        """Return the value of a parameter in the request."""
        return None if self.raw is None else self.raw.values.get(name)

    def misspelled_value(self, name: str) -> Any:
        """Return the value of a parameter whose name is a misspelling of ``name``."""
        values = {} if self.raw is None else self.raw.values
        return next((value for key, value in values.items() if _find_candidate(key, [name])), None)

    def write(self, name: str, value: str, field: str = "") -> str:
        """Return a parameter and its value in the notation of the request."""
        if self.request.verb != "POST":
            return f"{name}={field}={value}" if field else f"{name}={value}"
        return f'"{name}": {{"{field}": "{value}"}}' if field else f'"{name}": "{value}"'


def _later_release(refusal: _Refusal) -> str | None:
    """Return the later release that introduces the method or entity; None if there is none."""
    if refusal.error.kind == "unknown_method":
        path = refusal.request.path
        for name in release_names():
            if any(method.path == path for method in methods(resolve(name)).values()):
                return name
    if refusal.error.kind == "unsupported_entity":
        value, since = str(refusal.value("entity")).upper(), entities_since()
        entity = _find_candidate(value, since)
        if entity is not None and entity not in refusal.epoch.config.release.entities:
            return since[entity]
    return None


def _misplacement(refusal: _Refusal) -> str:
    """Return the case of a request with its parameters in the wrong place; "" for others."""
    request = refusal.request
    if refusal.error.kind == "missing_token" and request.verb == "POST":
        return "in_query" if b"token=" in request.query else ""
    if refusal.error.kind == "bad_body":
        body = (request.body or b"").strip()
        if re.match(rb"\w+=", body):
            return "form"
        return "in_query" if request.query and not body else ""
    return ""


def _find_candidate(text: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``text`` misspells or abbreviates."""
    by_upper = {candidate.upper(): candidate for candidate in candidates}
    word = text[:_MAX_LENGTH].strip().upper()
    if word in by_upper:
        return by_upper[word]
    matches = difflib.get_close_matches(word, by_upper, n=1, cutoff=_SPELLING)
    if not matches and len(word) >= _MIN_PREFIX:
        matches = [candidate for candidate in by_upper if candidate.startswith(word)]
    return by_upper[matches[0]] if len(matches) == 1 else None


def _path(refusal: _Refusal) -> str | None:
    """Suggest the path whose folder and last part resemble those of the request."""
    folder, _, name = refusal.request.path.rpartition("/")
    by_path = refusal.epoch.config.methods
    folder_match = _find_candidate(folder, [path.rpartition("/")[0] for path in by_path])
    last_match = _find_candidate(name, [path.rpartition("/")[2] for path in by_path])
    method = by_path.get(f"{folder_match}/{last_match}")
    return None if method is None else f"{method.verb} {method.path}"


def _verb(refusal: _Refusal) -> str:
    verb = refusal.error.allowed
    place = "in the JSON body" if verb == "POST" else "in the query"
    return f"{verb}, with the parameters {place}"


def _token(refusal: _Refusal) -> str:
    login = "" if refusal.error.kind == "missing_token" else "a new login with "
    return f"{refusal.write('token', _PLACEHOLDER)} from {login}{_LOGIN}"


def _login(refusal: _Refusal) -> str:
    if refusal.method is not None and refusal.method.basic:
        return "the header Authorization: Basic base64(KEY:), with the key of --api-key"
    credentials = refusal.epoch.config.credentials
    members = {
        "username": credentials.username,
        "organisation": credentials.organisation,
        "password": _PLACEHOLDER,
    }
    parts = [refusal.write(name, value) for name, value in members.items()]
    return f"{', '.join(parts)} (the value of --password)"


def _identifier(refusal: _Refusal) -> str | None:
    """Suggest the documented form of an identifier that has another form."""
    pairs = [*_pairs(refusal)]
    valid_pairs = (
        (field, text)
        for _, text in pairs
        for field in reversed(refusal.fields)
        if _fits(refusal, field, text)
    )
    valid_pair = next(valid_pairs, None)
    if valid_pair is None and refusal.error.kind in _NO_SUCH:
        return _resend_hint(refusal)
    candidates = ((_find_candidate(field, refusal.fields), text) for field, text in pairs)
    field, text = valid_pair or next(
        ((field, text) for field, text in candidates if field is not None),
        ("number" if "number" in refusal.fields else "id", _PLACEHOLDER),
    )
    return refusal.write(refusal.name, text, field)


def _resend_hint(refusal: _Refusal) -> str | None:
    """Return the suggestion for a world without a record that can be resent; None for others."""
    store = refusal.epoch.store
    if not refusal.resends or not len(store) or store.query(Query(states=RESENDABLE, limit=1)):
        return None
    return "a webhook request that is REJECTED: none is now, so make a delivery fail (--deliver)"


def _pairs(refusal: _Refusal) -> Iterator[tuple[str, str]]:
    """Yield the fields and values of the request that may be its identifier."""
    value = refusal.value(refusal.name)
    if value is None:
        value = refusal.misspelled_value(refusal.name)
    if isinstance(value, str):
        field, equals, text = value.partition("=")
        value = {field: text} if equals else value
    fields = dict(value) if isinstance(value, dict) else {"": value}
    fields.update({name: refusal.value(name) for name in refusal.fields if refusal.value(name)})
    for field, part in fields.items():
        if isinstance(part, str | int) and not isinstance(part, bool):
            text = str(part).strip()
            if 0 < len(text) <= _MAX_LENGTH and text.isprintable():
                yield field, text


def _fits(refusal: _Refusal, field: str, value: str) -> bool:
    """Return True if an identifier makes the request valid."""
    store, directory = refusal.epoch.store, refusal.epoch.reference_data.directory
    if refusal.name != REQUEST_IDENTIFIER:
        return directory(refusal.name.removesuffix("_identifier")).find(field, value) is not None
    record = store.get(key_of(field), value)
    return record is not None and (not refusal.resends or record.state in RESENDABLE)


def _semi_optional(refusal: _Refusal) -> str:
    return refusal.write("entity", refusal.epoch.config.release.entities[0])


def _choice(refusal: _Refusal) -> str | None:
    """Suggest the entity or life_cycle_state that resembles the value."""
    choices = () if refusal.parameter is None else refusal.parameter.choices
    if refusal.name == "entity":
        choices = refusal.epoch.config.release.entities
    choice = _find_candidate(str(refusal.value(refusal.name)), choices)
    return None if choice is None else refusal.write(refusal.name, choice)


def _wrong_value(refusal: _Refusal) -> str | None:
    """Suggest a value in place of one that is missing, empty, unreadable or of a wrong type."""
    if refusal.fields:
        return _identifier(refusal)
    if refusal.name in ("username", "password", "organisation"):
        return _login(refusal)
    if refusal.name == "token":
        return _token(refusal)
    value = refusal.value(refusal.name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return refusal.write(refusal.name, str(value)[:_MAX_LENGTH]) if is_number else None


_NO_SUCH = (
    "unknown_webhook_request",
    "unknown_webhook_definition",
    "unknown_workflow_rule",
    "not_rejected",
)
#: The function that makes the suggestion for an error kind; other kinds have none.
_FINDERS: dict[str, Callable[[_Refusal], str | None]] = {
    "unknown_method": _path,
    "wrong_verb": _verb,
    **dict.fromkeys(("missing_token", "invalid_token", "expired_token", "released_token"), _token),
    "wrong_credentials": _login,
    **dict.fromkeys(
        ("no_identifier", "several_identifiers", "unknown_identifier_field"), _identifier
    ),
    **dict.fromkeys(_NO_SUCH, _identifier),
    "no_semi_optional": _semi_optional,
    **dict.fromkeys(
        ("missing_parameter", "empty_value", "wrong_type", "invalid_value"), _wrong_value
    ),
    "unsupported_entity": _choice,
    "bad_life_cycle_state": _choice,
}
