"""Wrong in log_information, the same in every answer."""

from collections.abc import Callable
from typing import Any

from broken_servers.catalogue import broken_record
from broken_servers.toolkit import Record

Log = dict[str, Any]
UNITS = (
    "created_by_unit",
    "updated_by_unit",
    "created_by_business_unit",
    "updated_by_business_unit",
)
USERS = ("created_by_user", "updated_by_user")
DATES = ("created_date", "updated_date")


def _enter(
    breaks: str, name: str, note: str, change: Callable[[Log], Any], release: str | None = None
) -> None:
    def alter(record: Record) -> None:
        if isinstance(record.get("log_information"), dict):
            changed = change(record["log_information"])
            if changed is not None:
                record["log_information"] = changed

    alter.__name__, alter.__doc__ = name, note
    broken_record(breaks, release=release)(alter)


def _each(members: tuple[str, ...], change: Callable[[Any], Any]) -> Callable[[Log], Log]:
    def changed(log: Log) -> Log:
        return {n: change(v) if n in members and v is not None else v for n, v in log.items()}

    return changed


def _renamed(names: dict[str, str]) -> Callable[[Log], Log]:
    return lambda log: {names.get(name, name): value for name, value in log.items()}


_enter(
    "response.log_information",
    "log_information_is_text",
    "log_information is a text.",
    lambda log: f"created {log.get('created_date')}",
)
_enter(
    "response.log_information",
    "log_information_is_an_array",
    "log_information is an array of what happened.",
    lambda log: [log],
)
_enter(
    "response.log_information.dates",
    "dates_have_other_names",
    "The dates of log_information are called createdDate and updatedDate.",
    _renamed({"created_date": "createdDate", "updated_date": "updatedDate"}),
)
_enter(
    "response.log_information.dates",
    "updates_have_another_name",
    "The later date of log_information is called update_date.",
    _renamed({"updated_date": "update_date"}),
)
_enter(
    "response.log_information.date_form",
    "dates_are_numbers",
    "The dates of log_information are seconds since 1970.",
    _each(DATES, lambda _: 1454900761),
)
_enter(
    "response.log_information.date_form",
    "dates_have_fractions",
    "A date in log_information has milliseconds.",
    _each(DATES, lambda date: f"{date}.000"),
)
_enter(
    "response.log_information.date_form",
    "dates_have_a_space",
    "A date in log_information has a space between day and time.",
    _each(DATES, lambda date: date.replace("T", " ")),
)


def _swapped(log: Log) -> Log:
    dates = [log[name] for name in DATES if log.get(name)]
    if len(dates) < len(DATES):
        return log
    return {**log, "created_date": max(dates), "updated_date": "2001-01-01T00:00:00"}


_enter(
    "response.log_information.dates_in_order",
    "updated_before_created",
    "updated_date is in 2001, long before created_date.",
    _swapped,
)
_enter(
    "response.log_information.users",
    "users_are_names",
    "The users of log_information are texts.",
    _each(USERS, lambda user: user.get("username", "")),
)
_enter(
    "response.log_information.users",
    "users_have_other_names",
    "The users of log_information are called createdByUser and updatedByUser.",
    _renamed({"created_by_user": "createdByUser", "updated_by_user": "updatedByUser"}),
)
_enter(
    "response.log_information.user_members",
    "user_ids_are_numbers",
    "The id of a user is a number.",
    _each(USERS, lambda user: {**user, "id": 1}),
)
_enter(
    "response.log_information.user_members",
    "person_names_are_objects",
    "The person_name of a user is an object.",
    _each(USERS, lambda user: {**user, "person_name": {"first": user.get("person_name")}}),
)
_enter(
    "response.log_information.units",
    "units_are_names",
    "The units of log_information are texts.",
    _each(UNITS, lambda unit: unit.get("name", "")),
)
_enter(
    "response.log_information.units",
    "business_units_too_early",
    "The units of log_information have the names that they have from R18 on.",
    _renamed(dict(zip(UNITS[:2], UNITS[2:], strict=True))),
)
_enter(
    "response.log_information.unit_members",
    "unit_descriptions_are_arrays",
    "The description of a unit is an array.",
    _each(UNITS, lambda unit: {**unit, "description": []}),
)
_enter(
    "response.log_information.unit_members",
    "group_names_are_objects",
    "The group_name of a unit is an object.",
    _each(UNITS, lambda unit: {**unit, "group_name": {"name": unit.get("group_name")}}),
)
_enter(
    "response.log_information.business_units",
    "units_have_their_old_names",
    "The units of log_information have the names that they had before R18.",
    _renamed(dict(zip(UNITS[2:], UNITS[:2], strict=True))),
)
_enter(
    "response.log_information.business_units",
    "business_units_are_names",
    "The units of log_information are texts.",
    _each(UNITS, lambda unit: unit.get("name", "")),
)
