"""Reasons and suggestions: why a request was refused, and what makes it valid in its own terms.

Their words are in ``schemas.reasons``. A reason says what is allowed in general. A suggestion says
what this caller means: a value under the right field, a number as a string, a word for a state. It
is sent in a header of the mock's own. It is None unless it is sure: another record is no remedy.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.filters import read_date
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, RawParameters
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.life_cycle import RESENDABLE
from crmcom_kit.mock_server.store.records import Query, key_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.schemas.methods import Method, Parameter, methods
from crmcom_kit.schemas.reasons import Reason, reason
from crmcom_kit.schemas.releases import entities_since, release_names, resolve

_MAX_LENGTH = 100  # of a value that is read
_LOGIN = "POST authentication/token"
_YOURS = "..."  # stands for a value that only the caller knows
_SPELLING = 0.75  # how alike two words are, from 0 to 1, if one is a misspelling of the other
_MIN_PREFIX = 4  # characters that a shortened name has
#: A date whose year comes first, which is never ambiguous, and a time without a zone.
_DATE = re.compile(r"(\d{4})[-/. ](\d\d?)[-/. ](\d\d?)(?:[T ]+(\d\d?:\d\d)(:\d\d)?)?", re.ASCII)
#: Other words for the values of life_cycle_state, and for the last part of a path.
_MEANINGS = {
    "REJECTED": "DECLINED DENIED ERROR ERRORS FAIL FAILED FAILING FAILURE NOT_SENT PENDING REFUSED "
    "TO_RETRY UNDELIVERED UNSENT UNSUCCESSFUL",
    "SUCCESSFUL": "ACCEPTED COMPLETE COMPLETED DELIVERED DONE OK PROCESSED SENT SUCCEEDED SUCCESS",
    "show": "get read view",
    "list": "all find query search",
    "resend": "replay repeat retry send",
    "delete": "remove",
}


def explain(
    error: VendorError,
    statement: str,
    method: Method | None,
    request: Request,
    raw: RawParameters | None,
    epoch: Epoch,
) -> tuple[Reason, str | None]:
    """Return why a request was refused that breaks ``statement``, and what makes it valid.

    ``method`` is None if the path has no method, ``raw`` if the parameters could not be read. The
    suggestion is None if it is not sure what the caller meant.
    """
    refused = _Refused(error, method, request, raw, epoch)
    case, allowed = error.case, error.allowed
    later = _later(refused)
    if later:
        case, allowed = "later", f"{later} or later"
    elif not case:
        case = _misplaced(refused)
    why = reason(statement, case, parameter=error.parameter, seen=error.seen, allowed=allowed)
    if later:
        example: str | None = f"{allowed}: start the mock with --release {later}"
    elif case in ("form", "in_header", "in_query"):
        return why, why.remedy
    else:
        find = _FINDERS.get(error.kind)
        example = None if find is None else find(refused)
    return why, None if example is None else reason(statement, case, allowed=example).remedy


@dataclass(slots=True)
class _Refused:
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
        """What the method says of the wrong parameter."""
        return None if self.method is None else self.method.parameters.get(self.name)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the wrong parameter may have, if it is an identifier."""
        return () if self.parameter is None else self.parameter.fields

    @property
    def resends(self) -> bool:
        """Whether the wrong parameter names a record that is to be sent again."""
        is_resend = self.method is not None and self.method.name == "resend"
        return is_resend and self.name == REQUEST_IDENTIFIER

    def value(self, name: str) -> Any:
        """Return the value of a parameter in the request."""
        return None if self.raw is None else self.raw.values.get(name)

    def misspelled(self, name: str) -> Any:
        """Return the value of a parameter whose name is a misspelling of ``name``."""
        values = {} if self.raw is None else self.raw.values
        return next((value for key, value in values.items() if _near(key, [name])), None)

    def written(self, name: str, value: str, field: str = "") -> str:
        """Return a parameter and its value as the caller would write them."""
        if self.request.verb != "POST":
            return f"{name}={field}={value}" if field else f"{name}={value}"
        return f'"{name}": {{"{field}": "{value}"}}' if field else f'"{name}": "{value}"'


def _later(refused: _Refused) -> str | None:
    """Return the release that brings the method or the entity, if it is a later one."""
    if refused.error.kind == "unknown_method":
        path = refused.request.path
        for release in release_names():
            if any(method.path == path for method in methods(resolve(release)).values()):
                return release
    if refused.error.kind == "unsupported_entity":
        value, since = str(refused.value("entity")).upper(), entities_since()
        entity = _near(value, since)
        if entity is not None and entity not in refused.epoch.config.release.entities:
            return since[entity]
    return None


def _misplaced(refused: _Refused) -> str:
    """Return the case of a request whose parameters are elsewhere; "" if they are not."""
    request = refused.request
    if refused.error.kind == "missing_token" and request.verb == "POST":
        return "in_query" if b"token=" in request.query else ""
    if refused.error.kind == "bad_body":
        body = (request.body or b"").strip()
        if re.match(rb"\w+=", body):
            return "form"
        return "in_query" if request.query and not body else ""
    return ""


def _near(text: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``text`` means, begins or misspells."""
    by_upper = {candidate.upper(): candidate for candidate in candidates}
    wanted = text[:_MAX_LENGTH].strip().upper()
    if wanted in by_upper:
        return by_upper[wanted]
    for candidate in by_upper.values():
        if wanted.replace(" ", "_") in _MEANINGS.get(candidate, "").upper().split():
            return candidate
    near = difflib.get_close_matches(wanted, by_upper, n=1, cutoff=_SPELLING)
    if not near and len(wanted) >= _MIN_PREFIX:
        near = [candidate for candidate in by_upper if candidate.startswith(wanted)]
    return by_upper[near[0]] if len(near) == 1 else None


def _path(refused: _Refused) -> str | None:
    """Suggest a path whose folder and last part both mean those of the request."""
    folder, _, last = refused.request.path.rpartition("/")
    by_path = refused.epoch.config.methods
    near_folder = _near(folder, [path.rpartition("/")[0] for path in by_path])
    near_last = _near(last, [path.rpartition("/")[2] for path in by_path])
    method = by_path.get(f"{near_folder}/{near_last}")
    return None if method is None else f"{method.verb} {method.path}"


def _verb(refused: _Refused) -> str:
    verb = refused.error.allowed
    place = "in the JSON body" if verb == "POST" else "in the query"
    return f"{verb}, with the parameters {place}"


def _token(refused: _Refused) -> str:
    new = "" if refused.error.kind == "missing_token" else "a new login with "
    return f"{refused.written('token', _YOURS)} from {new}{_LOGIN}"


def _login(refused: _Refused) -> str:
    if refused.method is not None and refused.method.basic:
        return "the header Authorization: Basic base64(KEY:), with the key of --api-key"
    right = refused.epoch.config.credentials
    members = {"username": right.username, "organisation": right.organisation, "password": _YOURS}
    parts = [refused.written(name, value) for name, value in members.items()]
    return f"{', '.join(parts)} (the value of --password)"


def _identifier(refused: _Refused) -> str | None:
    """Suggest the documented form of the identifier that the request has, if only that is wrong."""
    pairs = [*_pairs(refused)]
    fitting = (
        (field, text)
        for _, text in pairs
        for field in reversed(refused.fields)
        if _fits(refused, field, text)
    )
    fit = next(fitting, None)
    if fit is None and refused.error.kind in _NO_SUCH:
        return _none_left(refused)
    meant = ((_near(field, refused.fields), text) for field, text in pairs)
    field, text = fit or next(
        ((field, text) for field, text in meant if field is not None),
        ("number" if "number" in refused.fields else "id", _YOURS),
    )
    return refused.written(refused.name, text, field)


def _none_left(refused: _Refused) -> str | None:
    """Say that no record can be resent, if that is so."""
    store = refused.epoch.store
    if not refused.resends or not len(store) or store.query(Query(states=RESENDABLE, limit=1)):
        return None
    return "a webhook request that is REJECTED: none is now, so make a delivery fail (--deliver)"


def _pairs(refused: _Refused) -> Iterator[tuple[str, str]]:
    """Yield the fields and values that the request may mean as its identifier."""
    value = refused.value(refused.name)
    if value is None:
        value = refused.misspelled(refused.name)
    if isinstance(value, str):
        field, equals, text = value.partition("=")
        value = _json_object(value) or ({field: text} if equals else value)
    fields = dict(value) if isinstance(value, dict) else {"": value}
    fields.update({name: refused.value(name) for name in refused.fields if refused.value(name)})
    for field, part in fields.items():
        if isinstance(part, str | int) and not isinstance(part, bool):
            text = str(part).strip()
            if 0 < len(text) <= _MAX_LENGTH and text.isprintable():
                yield field, text


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _fits(refused: _Refused, field: str, value: str) -> bool:
    """Return whether the request would be valid with an identifier."""
    store, directory = refused.epoch.store, refused.epoch.reference_data.directory
    if refused.name != REQUEST_IDENTIFIER:
        return directory(refused.name.removesuffix("_identifier")).find(field, value) is not None
    record = store.get(key_of(field), value)
    return record is not None and (not refused.resends or record.state in RESENDABLE)


def _semi_optional(refused: _Refused) -> str:
    return refused.written("entity", refused.epoch.config.release.entities[0])


def _choice(refused: _Refused) -> str | None:
    """Suggest the value of entity or life_cycle_state that the caller means."""
    choices = () if refused.parameter is None else refused.parameter.choices
    if refused.name == "entity":
        choices = refused.epoch.config.release.entities
    meant = _near(str(refused.value(refused.name)), choices)
    return None if meant is None else refused.written(refused.name, meant)


def _date(refused: _Refused) -> str | None:
    """Suggest a date in the form that the dialect reads, if it is sure which day is meant."""
    form = refused.epoch.config.dialect["list.created_date.form"]
    parts = _DATE.fullmatch(str(refused.value(refused.name)).strip())
    if parts is None or form == "neither":
        return None
    year, month, day, minute, second = parts.groups()
    text = f"{year}-{month:>02}-{day:>02}"
    if form == "date_time" or (minute and form != "date"):
        text += f"T{minute or '0:00':>05}{second or ':00'}"
    try:
        read_date(text)
    except ValueError:
        return None
    return refused.written(refused.name, text)


def _wrong_value(refused: _Refused) -> str | None:
    """Suggest something else than a value that is missing, empty, unreadable or of a wrong type."""
    if refused.fields:
        return _identifier(refused)
    if refused.name in ("username", "password", "organisation"):
        return _login(refused)
    if refused.name == "token":
        return _token(refused)
    value = refused.value(refused.name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return refused.written(refused.name, str(value)[:_MAX_LENGTH]) if is_number else None


_NO_SUCH = (
    "unknown_webhook_request",
    "unknown_webhook_definition",
    "unknown_workflow_rule",
    "not_rejected",
)
#: What finds the suggestion for a kind of error; the others have none.
_FINDERS: dict[str, Callable[[_Refused], str | None]] = {
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
    "bad_date": _date,
}
