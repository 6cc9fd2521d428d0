"""The readers of list's filters and paging: entity, life_cycle_state, dates, numbers.

A filter takes a parameter and its text in a request, and returns the value for list.
"""

import re
from collections.abc import Callable, Collection
from datetime import datetime, time
from typing import Any

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.formats import offset_seconds, parse_date, parse_date_time
from crmcom_kit.schemas.methods import Parameter
from crmcom_kit.schemas.releases import disputes, entities_since

Filter = Callable[[Parameter, str], Any]

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_DAY = 86_400
_START = datetime(1970, 1, 1)  # noqa: DTZ001 - dates of this API have no zone
_DATE_FORMS = {"date": "yyyy-MM-dd", "date_time": "yyyy-MM-ddTHH:mm:ss"}


def filters(dialect: Dialect, entities: Collection[str]) -> dict[str, Filter]:
    """Return the readers of list's parameters that are not plain strings, by parameter."""
    return {
        "entity": _values(dialect, "unsupported_entity", entities),
        "life_cycle_state": _values(dialect, "bad_life_cycle_state"),
        "created_date": _created_date(dialect),
        "number_of_results": _number_of_results(dialect),
        "offset": lambda parameter, text: _whole_number(dialect, parameter, text) or 0,
    }


def _values(dialect: Dialect, kind: str, choices: Collection[str] = ()) -> Filter:
    """Return a reader of values of an enumeration; of several only if the dialect allows it.

    Without ``choices``, the parameter has them.
    """
    is_list, is_exact = dialect["list.comma_lists"], dialect["list.case_sensitive"]

    def read(parameter: Parameter, text: str) -> frozenset[str]:
        parts = text.split(",") if is_list else [text]
        if not is_exact:
            parts = [part.upper() for part in parts]
        allowed = choices or parameter.choices
        for part in parts:
            if part not in allowed:
                raise _not_allowed(kind, parameter, part, allowed)
        return frozenset(parts)

    return read


def _not_allowed(
    kind: str, parameter: Parameter, value: str, allowed: Collection[str]
) -> VendorError:
    is_entity = parameter.name == "entity"
    since = entities_since().get(value) if is_entity else None
    dials = []
    if value.upper() in allowed:
        dials.append("list.case_sensitive")
    if "," in value:
        dials.append("list.comma_lists")
    if is_entity and value in disputes():
        dials.append(disputes()[value].dial)
    allowed_names = f"one of {', '.join(allowed)}"
    error = VendorError(
        kind, parameter.name, value=value, allowed=allowed_names, dials=tuple(dials)
    )
    if since:
        error.seen += f", known from {since}"
    return error


def seconds(moment: datetime) -> int:
    """Return a date of this API as seconds since 1970, read as UTC."""
    duration = moment - _START
    return duration.days * _DAY + duration.seconds


def read_date(text: str) -> datetime:
    """Read a date and time of this API, or a date at its first second. Raises ValueError."""
    return parse_date_time(text) if "T" in text else datetime.combine(parse_date(text), time())


def _created_date(dialect: Dialect) -> Filter:
    """Return a reader of created_date: the first second and the end (None: open)."""
    form, match = dialect["list.created_date.form"], dialect["list.created_date.match"]
    offset = offset_seconds(dialect["list.created_date.utc_offset"])
    allowed = _DATE_FORMS.get(form, " or ".join(_DATE_FORMS.values()))
    if form == "neither":
        allowed = "no created_date"

    def bad_date(parameter: Parameter, text: str, *dials: str) -> VendorError:
        return VendorError("bad_date", parameter.name, value=text, allowed=allowed, dials=dials)

    def read(parameter: Parameter, text: str) -> tuple[int, int | None]:
        try:
            moment = read_date(text)
        except ValueError:
            raise bad_date(parameter, text) from None
        if form in ("date" if "T" in text else "date_time", "neither"):
            raise bad_date(parameter, text, "list.created_date.form")
        if match == "day":
            start = seconds(datetime.combine(moment.date(), time())) - offset
            return start, start + _DAY
        start = seconds(moment) - offset
        return start, None if match == "from" else start + 1

    return read


def _bad_paging(parameter: Parameter, text: str, allowed: str, *dials: str) -> VendorError:
    return VendorError("bad_paging", parameter.name, value=text, allowed=allowed, dials=dials)


def _whole_number(dialect: Dialect, parameter: Parameter, text: str) -> int | None:
    """Read a whole number; return None for other text that the dialect ignores."""
    is_number = _WHOLE_NUMBER.fullmatch(text) is not None
    if is_number and int(text) >= 0:
        return int(text)
    dial = "paging.negative" if is_number else "paging.not_a_number"
    if dialect[dial] == "ignore":
        return None
    raise _bad_paging(parameter, text, "a whole number from 0 on, of at most 18 digits", dial)


def _number_of_results(dialect: Dialect) -> Filter:
    """Return a reader of number_of_results: the limit; None for no limit."""
    maximum, default = dialect["paging.maximum_results"], dialect["paging.default_results"]
    above_maximum, zero = dialect["paging.over_maximum"], dialect["paging.zero"]

    def read(parameter: Parameter, text: str) -> int | None:
        number = _whole_number(dialect, parameter, text)
        if number is None:
            return default or None
        if number == 0 and zero == "error":
            raise _bad_paging(parameter, text, "a whole number from 1 on", "paging.zero")
        if number == 0 and zero == "all":
            return maximum or None
        if not maximum or number <= maximum:
            return number
        if above_maximum == "error":
            dials = ("paging.over_maximum", "paging.maximum_results")
            raise _bad_paging(parameter, text, f"at most {maximum}", *dials)
        return int(maximum)

    return read
