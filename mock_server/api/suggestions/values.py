"""Suggestions for parameters: missing, empty, of a wrong type, misspelled, out of range."""

import difflib
import re
from collections.abc import Sequence
from datetime import datetime

from crmcom_kit.mock_server.api.suggestions.identifiers import identifier, missing_identifier
from crmcom_kit.mock_server.api.suggestions.refused_call import RefusedCall, leave_out, rename
from crmcom_kit.mock_server.protocol.response import PLACEHOLDER, Change, Suggestion
from crmcom_kit.schemas.formats import write_date_time
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import entities_since

_MAX_LENGTH = 64
_WHOLE = re.compile(r"\s*(\d{1,6})(?:\.0*)?\s*")
_LOGINS = ("username", "organisation")


def _near(text: str, known: Sequence[str]) -> str | None:
    """Return the one of ``known`` that ``text`` is a misspelling of."""
    plain = text[:_MAX_LENGTH].strip(" '\"").upper().replace(" ", "_").replace("-", "_")
    by_upper = {candidate.upper(): candidate for candidate in known}
    found = difflib.get_close_matches(plain, by_upper, n=1)
    return by_upper[found[0]] if found else None


def _without_or_example(call: RefusedCall, name: str) -> Suggestion:
    """Suggest to leave out a value that cannot be guessed, or an example of it."""
    need = call.parameter.need if call.parameter else "optional"
    if need == "optional" or (need == "semi-optional" and call.has_other_semi_optional(name)):
        return leave_out(name)
    return call.set_to(name, _example(call, name))


def _example(call: RefusedCall, name: str) -> str:
    if name == "entity":
        return call.epoch.config.entities[0]
    if name in _LOGINS:
        return str(getattr(call.epoch.config.credentials, name))
    return PLACEHOLDER


def _choices(call: RefusedCall) -> Sequence[str]:
    """Return the values that the wrong parameter may have; none if it is not an enumeration."""
    if call.base == "entity":
        return call.epoch.config.entities
    return call.parameter.choices if call.parameter else ()


def _empty_or_invalid(call: RefusedCall) -> Suggestion:
    """Suggest a value instead of one that is empty or has control characters."""
    name, value = call.base, call.value(call.base)
    if call.wrong_identifier:
        return identifier(call)
    if name == "query":
        return Suggestion("send at most 500 parameters")
    if isinstance(value, str) and name not in ("token", "password", *_LOGINS):
        clean = "".join(c for c in value[:200] if c.isprintable()).strip()
        known = _choices(call)
        if clean not in ("", value) and (not known or clean in known):
            return call.set_to(name, clean)
    return _without_or_example(call, name)


def _wrong_type(call: RefusedCall) -> Suggestion:
    if call.wrong_identifier:
        return identifier(call)
    if call.base == "fields_set":
        return _bad_fields_set(call)
    return _without_or_example(call, call.base)


def _missing_parameter(call: RefusedCall) -> Suggestion:
    name = call.base
    if call.wrong_identifier:
        return missing_identifier(call)
    return _misspelled(call, (name,)) or call.set_to(name, _example(call, name))


def _no_semi_optional(call: RefusedCall) -> Suggestion:
    found = _misspelled(call, call.epoch.config.semi_optional)
    return found or call.set_to("entity", call.epoch.config.entities[0])


def _misspelled(call: RefusedCall, names: Sequence[str]) -> Suggestion | None:
    """Suggest the right name for a parameter that could be meant as one of ``names``."""
    for wrong in call.unknown_names:
        right = _near(wrong, names)
        if right is not None:
            return rename(wrong, right, call.value(wrong))
    return None


def _duplicate_parameter(call: RefusedCall) -> Suggestion:
    name = call.base
    value = PLACEHOLDER if name == "token" else call.value(name)
    changes = (Change("set", name, value),) if isinstance(value, str) else ()
    return Suggestion(f"give {name} once", changes)


def _unknown_parameter(call: RefusedCall) -> Suggestion:
    name, method = call.error.parameter, call.method
    wrong = next((n for n in call.unknown_names if n.startswith(name[:20])), name)
    if method is None:
        return leave_out(wrong)
    if wrong in method.later:
        release = method.later[wrong]
        return leave_out(wrong, f": known from {release}, start the mock with --release {release}")
    plain = re.split(r"[\[.:]", wrong, maxsplit=1)[0]
    near = _near(plain, [one for one in method.parameters if call.lacks(one)])
    return leave_out(wrong) if near is None else rename(wrong, near, call.value(wrong))


def _bad_choice(call: RefusedCall) -> Suggestion:
    name, value, known = call.base, call.value(call.base), _choices(call)
    if not isinstance(value, str):
        return _without_or_example(call, name)
    parts = [part.strip() for part in value[:_MAX_LENGTH].split(",")]
    wrong = next((part for part in parts if part not in known), parts[0])
    since = entities_since().get(wrong.upper()) if name == "entity" else None
    if since is not None and wrong.upper() not in known:
        text = f"{wrong.upper()} is known from {since}: start the mock with --release {since}"
        return Suggestion(text)
    fitting = next((part for part in parts if part in known), None) or _near(wrong, known)
    if fitting is None:
        return _without_or_example(call, name)
    return call.set_to(name, fitting, value)


def _bad_date(call: RefusedCall) -> Suggestion:
    name, value = call.base, str(call.value(call.base))
    moment = _read_date(value[:_MAX_LENGTH].strip())
    if moment is None:
        return leave_out(name, ", or write it as 2026-01-31")
    form = call.epoch.config.dialect["list.created_date.form"]
    whole = form == "date_time" or (form == "either" and ("T" in value or ":" in value))
    text = write_date_time(moment) if whole else write_date_time(moment)[:10]
    return call.set_to(name, text, value)


def _read_date(text: str) -> datetime | None:
    parts = re.split("[./-]", text)
    if len(parts) == 3 and all(map(str.isdecimal, parts)):
        if len(parts[2]) == 4:  # day and month before the year
            parts.reverse()
        text = "{}-{:0>2}-{:0>2}".format(*parts)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None, microsecond=0)
    except ValueError:
        return None


def _bad_fields_set(call: RefusedCall) -> Suggestion:
    name, value = call.base, call.value(call.base)
    known = response_fields()
    right: list[str] = []
    for one in (value if isinstance(value, list) else str(value)[:1000].split(","))[:50]:
        text = str(one).strip()
        near = text if text in known else _near(text.partition(".")[0], known)
        if near is not None and near not in right:
            right.append(near)
    if not right:
        return leave_out(name, ", for all fields")
    return call.set_to(name, ",".join(right), value if isinstance(value, str) else None)


def _bad_paging(call: RefusedCall) -> Suggestion:
    name, value = call.base, call.value(call.base)
    dialect = call.epoch.config.dialect
    found = _WHOLE.fullmatch(str(value)[:_MAX_LENGTH])
    if found is None:
        return leave_out(name)
    number = int(found[1])
    if name == "number_of_results":
        number = max(number, 1 if dialect["paging.zero"] == "error" else 0)
        number = min(number, dialect["paging.maximum_results"] or number)
    return call.set_to(name, str(number), value)


FINDERS = {
    "missing_parameter": _missing_parameter,
    "empty_value": _empty_or_invalid,
    "wrong_type": _wrong_type,
    "invalid_value": _empty_or_invalid,
    "duplicate_parameter": _duplicate_parameter,
    "unknown_parameter": _unknown_parameter,
    "no_semi_optional": _no_semi_optional,
    "unsupported_entity": _bad_choice,
    "bad_life_cycle_state": _bad_choice,
    "bad_date": _bad_date,
    "bad_fields_set": _bad_fields_set,
    "bad_paging": _bad_paging,
}
