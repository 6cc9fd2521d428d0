"""Suggestions for parameters: missing, empty, of a wrong type, misspelled, out of range."""

import difflib
import re
from datetime import datetime
from functools import lru_cache

from crmcom_kit.mock_server.protocol.response import PLACEHOLDER, Change, Suggestion
from crmcom_kit.mock_server.suggestions.identifiers import identifier, missing_identifier
from crmcom_kit.mock_server.suggestions.refused_call import RefusedCall, leave_out, rename, set_to
from crmcom_kit.schemas.formats import write_date_time
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import entities_since

_MAX_LENGTH = 64
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[./](\d{1,2})[./](\d{1,2})")
_WHOLE = re.compile(r"\s*(\d{1,6})(?:\.0*)?\s*")
_LOGINS = ("username", "organisation")


@lru_cache(maxsize=2048)
def _near(text: str, known: tuple[str, ...]) -> str | None:
    """Return the one of ``known`` that ``text`` is a misspelling of."""
    plain = text.strip(" '\"").upper().replace(" ", "_").replace("-", "_")
    for candidate in known:
        if candidate.upper() == plain:
            return candidate
    by_upper = {candidate.upper(): candidate for candidate in known}
    found = difflib.get_close_matches(plain, by_upper, n=1, cutoff=0.6)
    return by_upper[found[0]] if found else None


def _optional(call: RefusedCall, name: str) -> bool:
    """Return whether the request may leave a parameter out."""
    parameter = call.method.parameters.get(name) if call.method else None
    if parameter is None or parameter.need == "optional":
        return True
    if parameter.need != "semi-optional" or call.given is None:
        return False
    others = call.given.values.keys() & set(call.epoch.config.semi_optional) - {name}
    return bool(others)


def _without_or_example(call: RefusedCall, name: str) -> Suggestion:
    """Suggest to leave out a value that cannot be guessed, or an example of it."""
    if _optional(call, name):
        return leave_out(name)
    return set_to(call, name, _example(call, name))


def _example(call: RefusedCall, name: str) -> str:
    if name == "entity":
        return call.epoch.config.entities[0]
    if name in _LOGINS:
        return str(getattr(call.epoch.config.credentials, name))
    return PLACEHOLDER


def _empty_or_invalid(call: RefusedCall) -> Suggestion:
    """Suggest a value in place of one that is empty or has control characters."""
    name = call.base
    if call.parameter is not None and call.parameter.type == "object":
        return identifier(call)
    value = call.value(name)
    if name != "token" and isinstance(value, str):
        clean = "".join(c for c in value[:200] if c.isprintable()).strip()
        known: tuple[str, ...] = ()
        if name == "entity":
            known = tuple(call.epoch.config.entities)
        elif call.parameter is not None:
            known = call.parameter.choices
        fits = clean and clean != value and (not known or clean in known)
        if fits and name not in ("password", "username", "organisation"):
            return set_to(call, name, clean)
    if name == "query":
        return Suggestion("at most 500 parameters: leave out the others")
    return _without_or_example(call, name)


def _wrong_type(call: RefusedCall) -> Suggestion:
    name, value = call.base, call.value(call.base)
    if call.parameter is not None and call.parameter.type == "object":
        return identifier(call)
    if name == "token":
        return Suggestion(
            f"{call.written(name, PLACEHOLDER)}, a text", (Change("set", name, PLACEHOLDER),)
        )
    if isinstance(value, list) and name == "fields_set":
        texts = [one for one in value if isinstance(one, str) and one in response_fields()]
        if texts:
            return set_to(call, name, ",".join(texts))
    return _without_or_example(call, name)


def _missing_parameter(call: RefusedCall) -> Suggestion:
    name = call.base
    if call.parameter is not None and call.parameter.type == "object":
        return missing_identifier(call)
    for wrong in call.unknown_names:
        if _near(wrong[:_MAX_LENGTH], (name,)):
            return rename(wrong, name, call.value(wrong))
    return set_to(call, name, _example(call, name))


def _no_semi_optional(call: RefusedCall) -> Suggestion:
    semi = call.epoch.config.semi_optional
    for wrong in call.unknown_names:
        right = _near(wrong[:_MAX_LENGTH], semi)
        if right is not None:
            value = call.value(wrong)
            if right != "entity" or value in call.epoch.config.entities:
                return rename(wrong, right, value)
    return set_to(call, "entity", call.epoch.config.entities[0])


def _duplicate_parameter(call: RefusedCall) -> Suggestion:
    name = call.base
    value = PLACEHOLDER if name == "token" else call.value(name)
    if not isinstance(value, str):
        return Suggestion(f"give {name} once")
    return Suggestion(f"give {name} once", (Change("set", name, value),))


def _unknown_parameter(call: RefusedCall) -> Suggestion:
    name, method = call.error.parameter, call.method
    wrong = next((n for n in call.unknown_names if n.startswith(name[:20])), name)
    if method is None:
        return leave_out(wrong)
    if wrong in method.later:
        release = method.later[wrong]
        return leave_out(wrong, f": known from {release}, start the mock with --release {release}")
    near = _near(re.split(r"[\[.:]", wrong[:_MAX_LENGTH], maxsplit=1)[0], tuple(method.parameters))
    if near is not None and call.given is not None and near not in call.given.values:
        return rename(wrong, near, call.value(wrong))
    return leave_out(wrong)


def _unsupported_entity(call: RefusedCall) -> Suggestion:
    return _choice(call, tuple(call.epoch.config.entities))


def _bad_life_cycle_state(call: RefusedCall) -> Suggestion:
    return _choice(call, call.parameter.choices if call.parameter else ())


def _choice(call: RefusedCall, known: tuple[str, ...]) -> Suggestion:
    name, value = call.base, call.value(call.base)
    if not isinstance(value, str):
        return _without_or_example(call, name)
    parts = [part.strip() for part in value[:_MAX_LENGTH].split(",")]
    wrong = next((part for part in parts if part not in known), parts[0])
    since = entities_since().get(wrong.upper()) if name == "entity" else None
    if since is not None and wrong.upper() not in known:
        text = f"{wrong.upper()} is known from {since}: start the mock with --release {since}"
        return Suggestion(text)
    fitting = [part for part in parts if part in known]
    if fitting:
        return set_to(call, name, fitting[0], value)
    near = _near(wrong[:_MAX_LENGTH], known)
    return _without_or_example(call, name) if near is None else set_to(call, name, near, value)


def _bad_date(call: RefusedCall) -> Suggestion:
    name, value = call.base, call.value(call.base)
    moment = _read_date(value) if isinstance(value, str) else None
    if moment is None:
        return leave_out(name, ", or write it as 2026-01-31")
    form = call.epoch.config.dialect["list.created_date.form"]
    whole = form == "date_time" or (form == "either" and ("T" in str(value) or ":" in str(value)))
    text = write_date_time(moment) if whole else write_date_time(moment)[:10]
    return set_to(call, name, text, value)


def _read_date(value: str) -> datetime | None:
    text = value[:_MAX_LENGTH].strip()
    found = _DAY_FIRST.fullmatch(text)
    try:
        if found is not None:
            day, month, year = map(int, found.groups())
            return datetime(year, month, day)  # noqa: DTZ001 - dates of this API have no zone
        found = _YEAR_FIRST.fullmatch(text)
        if found is not None:
            year, month, day = map(int, found.groups())
            return datetime(year, month, day)  # noqa: DTZ001
        return datetime.fromisoformat(text).replace(tzinfo=None, microsecond=0)
    except ValueError:
        return None


def _bad_fields_set(call: RefusedCall) -> Suggestion:
    name, value = call.base, call.value(call.base)
    names = value if isinstance(value, list) else str(value)[:1000].split(",")
    known = response_fields()
    right: list[str] = []
    for one in names[:50]:
        text = str(one)[:_MAX_LENGTH].strip()
        near = text if text in known else _near(text.partition(".")[0], known) if text else None
        if near is not None and near not in right:
            right.append(near)
    if not right:
        return leave_out(name, ", for all fields")
    return set_to(call, name, ",".join(right), value if isinstance(value, str) else None)


def _bad_paging(call: RefusedCall) -> Suggestion:
    name, value = call.base, call.value(call.base)
    dialect = call.epoch.config.dialect
    found = _WHOLE.fullmatch(str(value)[:_MAX_LENGTH])
    number = None if found is None else int(found[1])
    if name == "number_of_results" and number is not None:
        most = dialect["paging.maximum_results"]
        number = max(number, 1 if dialect["paging.zero"] == "error" else 0)
        number = min(number, most) if most else number
    if number is None:
        return leave_out(name)
    return set_to(call, name, str(number), value)


FINDERS = {
    "missing_parameter": _missing_parameter,
    "empty_value": _empty_or_invalid,
    "wrong_type": _wrong_type,
    "invalid_value": _empty_or_invalid,
    "duplicate_parameter": _duplicate_parameter,
    "unknown_parameter": _unknown_parameter,
    "no_semi_optional": _no_semi_optional,
    "unsupported_entity": _unsupported_entity,
    "bad_life_cycle_state": _bad_life_cycle_state,
    "bad_date": _bad_date,
    "bad_fields_set": _bad_fields_set,
    "bad_paging": _bad_paging,
}
