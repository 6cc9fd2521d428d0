"""How a dialect spells a webhook request, and the objects inside it, in one release."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmcom_kit.schemas.dialect import Dialect
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.loader import load_schema
from crmcom_kit.schemas.releases import Release

Object = dict[str, Any]
_SHORT_UNIT_LACKS = ("group_name", "community_name")
_SHORT_USER_LACKS = ("email",)
_EMPTIED_OF_UNIT = ("group_name", "community_name")
_EMPTIED_OF_USER = ("person_name", "email")
_NULL_WHERE_UNKNOWN = ("alternative_code", "description")
_BUSINESS_UNITS_SINCE = "R18.0.0"
_EMPTIED_SINCE = "R14.1.0"
_MAX_REMEMBERED = 1_000


class Renderer:
    """Spells objects the way one dialect in one release does."""

    def __init__(self, dialect: Dialect, release: Release) -> None:
        """Read the dials that decide how objects look."""
        self._dialect = dialect
        self._business_units = release.at_least(_BUSINESS_UNITS_SINCE)
        self._null_dates = dialect["record.unset_dates"] == "null"
        self._log_members = [
            (
                f"{act}_date",
                f"{act}_by_unit",
                f"{act}_by_business_unit",
                f"{act}_by_user",
                self.unit_member(act),
            )
            for act in ("created", "updated")
        ]
        self._made: dict[tuple[str, Any], tuple[Object, Object]] = {}  # by kind and id
        self._order = _key_orders(dialect["envelope.key_order"])
        emptied = dialect["record.emptied_names"] if release.at_least(_EMPTIED_SINCE) else "keep"
        self._emptied: str = emptied
        self._unit_lacks = _SHORT_UNIT_LACKS if dialect["record.unit_form"] == "short" else ()
        self._user_lacks = _SHORT_USER_LACKS if dialect["record.user_form"] == "short" else ()

    def ordered(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return ``value`` with its members in the dialect's order."""
        order = self._order.get(kind, ())
        named = {key: value[key] for key in order if key in value}
        if len(named) < len(value):
            named |= {key: value[key] for key in sorted(value.keys() - named.keys())}
        return named

    def _remembered(
        self, kind: str, value: Mapping[str, Any], make: Callable[[Mapping[str, Any]], Object]
    ) -> Object:
        """Return ``make(value)``: nearly every record of a world has the same few objects in it."""
        key = kind, value.get("id")
        known = self._made.get(key)
        if known is not None and known[0] == value:
            return known[1].copy()
        if len(self._made) >= _MAX_REMEMBERED:
            self._made.clear()
        made = make(value)
        self._made[key] = dict(value), made
        return made.copy()

    def record(self, record: Mapping[str, Any]) -> Object:
        """Return a whole webhook request as answers show it."""
        shown = dict(record)
        shown["fields_set"] = self.fields_set(shown.get("fields_set"))
        shown["webhook_definition"] = self.definition(record["webhook_definition"])
        shown["workflow_rule"] = self.rule(record["workflow_rule"])
        shown["log_information"] = self.log_information(record["log_information"])
        return self.ordered("webhook_request", shown)

    def fields_set(self, names: str | None) -> str | None:
        """Return the fields set of a webhook definition as a webhook request shows it."""
        empty = names is None and self._dialect["record.no_fields_set"] == "empty"
        return "" if empty else names

    def definition(self, definition: Mapping[str, Any]) -> Object:
        """Return a webhook definition as a webhook request shows it."""
        return self._remembered("webhook_definition", definition, self._definition)

    def _definition(self, definition: Mapping[str, Any]) -> Object:
        members = self._members(definition, self._dialect["record.definition_members"])
        return self.ordered("webhook_definition", members)

    def rule(self, rule: Mapping[str, Any]) -> Object:
        """Return a workflow rule as a webhook request shows it."""
        return self._remembered("workflow_rule", rule, self._rule)

    def _rule(self, rule: Mapping[str, Any]) -> Object:
        members = self._members(rule, self._dialect["record.rule_members"])
        return self.ordered("workflow_rule", members)

    def _members(self, value: Mapping[str, Any], names: Iterable[str]) -> Object:
        found = {name: value.get(name) for name in names}
        shown = {k: v for k, v in found.items() if v is not None or k in _NULL_WHERE_UNKNOWN}
        if str(shown.get("life_cycle_state")).startswith("NOT"):
            shown["life_cycle_state"] = self._dialect["record.not_effective"]
        return shown

    def unit(self, unit: Mapping[str, Any] | None) -> Object | None:
        """Return a unit as log_information shows it."""
        return None if unit is None else self._remembered("unit", unit, self._unit)

    def _unit(self, unit: Mapping[str, Any]) -> Object:
        shown = {key: value for key, value in unit.items() if key not in self._unit_lacks}
        return self.ordered("unit", self._empty(shown, _EMPTIED_OF_UNIT))

    def user(self, user: Mapping[str, Any] | None) -> Object | None:
        """Return a user as log_information shows it."""
        return None if user is None else self._remembered("user", user, self._user)

    def _user(self, user: Mapping[str, Any]) -> Object:
        shown = {key: value for key, value in user.items() if key not in self._user_lacks}
        return self.ordered("user", self._empty(shown, _EMPTIED_OF_USER))

    def _empty(self, shown: Object, names: Iterable[str]) -> Object:
        if self._emptied == "keep":
            return shown
        if self._emptied == "absent":
            return {key: value for key, value in shown.items() if key not in names}
        blank = None if self._emptied == "null" else ""
        return {key: blank if key in names else value for key, value in shown.items()}

    def log_information(self, log: Mapping[str, Any]) -> Object:
        """Return log information as answers show it."""
        shown: Object = {}
        for date, older_unit, newer_unit, user, unit in self._log_members:
            moment = log.get(date)
            if moment is not None or self._null_dates:
                shown[date] = moment
            shown[unit] = self.unit(log.get(older_unit, log.get(newer_unit)))
            shown[user] = self.user(log.get(user))
        return self.ordered("log_information", shown)

    def unit_member(self, act: str) -> str:
        """Return the name of log_information's member for the unit that ``act`` was done for."""
        return f"{act}_by_business_unit" if self._business_units else f"{act}_by_unit"


def _key_orders(name: str) -> Mapping[str, tuple[str, ...]]:
    if name != "documented":
        orders: Mapping[str, tuple[str, ...]] = read_json("data/key_orders.json")[name]
        return orders
    kinds = (
        *("unit", "user", "status", "log_information", "envelope"),
        *("webhook_request", "webhook_definition", "workflow_rule"),
    )
    return {kind: tuple(load_schema(kind)["properties"]) for kind in kinds}
