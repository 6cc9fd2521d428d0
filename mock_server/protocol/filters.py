"""The filters of list: entity, life_cycle_state, created_date, paging, read one by one."""

import re
from collections.abc import Callable, Collection
from datetime import datetime, time
from typing import Any

from crmcom_kit.mock_server.protocol.errors import (
    BadDate,
    BadLifeCycleState,
    BadPaging,
    ParameterError,
    UnsupportedEntity,
)
from crmcom_kit.mock_server.protocol.fields import read_selection
from crmcom_kit.mock_server.protocol.parameters import Given, Reader, read_text
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.formats import parse_date, parse_date_time
from crmcom_kit.schemas.methods import Parameter
from crmcom_kit.schemas.releases import entities_since

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_DAY = 86_400
_START = datetime(1970, 1, 1)  # noqa: DTZ001 - dates of this API have no zone


def readers(dialect: Dialect, entities: Collection[str]) -> dict[str, Reader]:
    """Return the readers of the parameters that are more than a text, by parameter."""

    def fields_set(parameter: Parameter, value: Any, given: Given) -> Any:
        del parameter
        return read_selection(value, dialect, from_body=given.from_body)

    return {
        "entity": _values(dialect, UnsupportedEntity, lambda _: entities),
        "life_cycle_state": _values(dialect, BadLifeCycleState, lambda p: p.choices),
        "created_date": _created_date(dialect),
        "number_of_results": _number_of_results(dialect),
        "offset": _offset(dialect),
        "fields_set": fields_set,
    }


def _values(
    dialect: Dialect, error: type[ParameterError], choices: Callable[[Parameter], Collection[str]]
) -> Reader:
    """Read one value of an enumeration, or several where the dialect takes them."""

    def read(parameter: Parameter, value: Any, given: Given) -> frozenset[str]:
        text = read_text(parameter, value, given)
        parts = text.split(",") if dialect["list.comma_lists"] else [text]
        if not dialect["list.case_sensitive"]:
            parts = [part.upper() for part in parts]
        allowed = choices(parameter)
        for part in parts:
            if part not in allowed:
                since = entities_since().get(part) if parameter.name == "entity" else None
                seen = f"{quoted(part)}, known from {since}" if since else quoted(part)
                raise error(parameter.name, seen=seen, allowed=f"one of {', '.join(allowed)}")
        return frozenset(parts)

    return read


def seconds(moment: datetime) -> int:
    """Return a date of this API as seconds since 1970, read as if it were UTC."""
    passed = moment - _START
    return passed.days * _DAY + passed.seconds


def _created_date(dialect: Dialect) -> Reader:
    """Read created_date as the span of seconds that it selects: from, before (None: open)."""
    form, match = dialect["list.created_date.form"], dialect["list.created_date.match"]
    forms = {"date": "yyyy-MM-dd", "date_time": "yyyy-MM-ddTHH:mm:ss"}
    allowed = forms.get(form, " or ".join(forms.values()))

    def read(parameter: Parameter, value: Any, given: Given) -> tuple[int, int | None]:
        text = read_text(parameter, value, given)
        try:
            if "T" in text and form != "date":
                moment = parse_date_time(text)
            elif "T" not in text and form != "date_time":
                moment = datetime.combine(parse_date(text), time())
            else:
                raise BadDate(parameter.name, seen=quoted(text), allowed=allowed)
        except ValueError:
            raise BadDate(parameter.name, seen=quoted(text), allowed=allowed) from None
        if match == "day":
            start = seconds(datetime.combine(moment.date(), time()))
            return start, start + _DAY
        start = seconds(moment)
        return start, None if match == "from" else start + 1

    return read


def _whole_number(parameter: Parameter, value: Any, given: Given) -> int:
    text = read_text(parameter, value, given)
    if not _WHOLE_NUMBER.fullmatch(text):
        allowed = "a whole number from 0 on, of at most 18 digits"
        raise BadPaging(parameter.name, seen=quoted(text), allowed=allowed)
    return int(text)


def _not_negative(dialect: Dialect, parameter: Parameter, number: int) -> bool:
    """Whether to use ``number``; a negative one is an error or ignored. Raises BadPaging."""
    if number < 0 and dialect["paging.negative"] == "error":
        raise BadPaging(parameter.name, seen=str(number), allowed="a whole number from 0 on")
    return number >= 0


def _number_of_results(dialect: Dialect) -> Reader:
    """Read number_of_results as a limit; None for no limit."""
    most, default = dialect["paging.maximum_results"], dialect["paging.default_results"]

    def read(parameter: Parameter, value: Any, given: Given) -> int | None:
        number = _whole_number(parameter, value, given)
        if not _not_negative(dialect, parameter, number):
            return default or None
        if number == 0 and dialect["paging.zero"] != "none":
            if dialect["paging.zero"] == "error":
                raise BadPaging(parameter.name, seen="0", allowed="a whole number from 1 on")
            return most or None
        if most and number > most:
            if dialect["paging.over_maximum"] == "error":
                raise BadPaging(parameter.name, seen=str(number), allowed=f"at most {most}")
            return int(most)
        return number

    return read


def _offset(dialect: Dialect) -> Reader:
    def read(parameter: Parameter, value: Any, given: Given) -> int:
        number = _whole_number(parameter, value, given)
        return number if _not_negative(dialect, parameter, number) else 0

    return read
