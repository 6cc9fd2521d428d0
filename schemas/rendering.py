"""How a webhook request, and the objects inside it, look in one dialect and one release."""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.schemas.dialect import Dialect
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.loader import load_schema
from crmcom_kit.schemas.releases import Release

Object = dict[str, Any]

#: Members that the short forms of units and users lack, and that a compatibility setting empties.
_SHORT_LACKS = {"unit": ("group_name", "community_name"), "user": ("email",)}
_EMPTIED = {"unit": ("group_name", "community_name"), "user": ("person_name", "email")}
_EMPTIED_SINCE = "R14.1.0"

_NULL_IF_UNKNOWN = ("alternative_code", "description")
_MAX_CACHED = 1_000


class Renderer:
    """Serializes objects as one dialect has them in one release."""

    def __init__(self, dialect: Dialect, release: Release) -> None:
        """Read the dials that decide how objects look."""
        self._dialect = dialect
        log_members = load_schema("log_information", release.name)["properties"]
        self._business_units = "created_by_business_unit" in log_members
        self._absent = dialect["record.unset_members"] == "absent"
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
        self._cache: dict[tuple[str, Any], tuple[Object, Object]] = {}  # by kind and id
        self._order = _key_orders(dialect["envelope.key_order"])
        emptied = dialect["record.emptied_names"] if release.at_least(_EMPTIED_SINCE) else "keep"
        self._emptied: str = emptied
        self._members = {
            "webhook_definition": dialect["record.definition_members"],
            "workflow_rule": dialect["record.rule_members"],
        }

    def ordered(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return ``value`` with its members in the dialect's order."""
        order = self._order.get(kind, ())
        if tuple(value) == order:  # as in most worlds
            return dict(value)
        named = {key: value[key] for key in order if key in value}
        if len(named) < len(value):
            named |= {key: value[key] for key in sorted(value.keys() - named.keys())}
        return named

    def record(self, record: Mapping[str, Any]) -> Object:
        """Return a whole webhook request as responses show it."""
        shown = dict(record)
        shown["fields_set"] = self.fields_set(shown.get("fields_set"))
        shown["webhook_definition"] = self.definition(record["webhook_definition"])
        shown["workflow_rule"] = self.rule(record["workflow_rule"])
        shown["log_information"] = self.log_information(record["log_information"])
        return self.ordered("webhook_request", self.without_unset(shown))

    def without_unset(self, shown: Object) -> Object:
        """Return a webhook request without members that have no value, if they are left out."""
        if not self._absent:
            return shown
        return {name: value for name, value in shown.items() if value is not None}

    def fields_set(self, names: str | None) -> str | None:
        """Return the fields set of a webhook definition as a webhook request shows it."""
        empty = names is None and self._dialect["record.no_fields_set"] == "empty"
        return "" if empty else names

    def definition(self, definition: Mapping[str, Any]) -> Object:
        """Return a webhook definition as a webhook request shows it."""
        return self._cached("webhook_definition", definition)

    def rule(self, rule: Mapping[str, Any]) -> Object:
        """Return a workflow rule as a webhook request shows it."""
        return self._cached("workflow_rule", rule)

    def unit(self, unit: Mapping[str, Any] | None) -> Object | None:
        """Return a unit as log_information shows it."""
        return None if unit is None else self._cached("unit", unit)

    def user(self, user: Mapping[str, Any] | None) -> Object | None:
        """Return a user as log_information shows it."""
        return None if user is None else self._cached("user", user)

    def _cached(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return an object inside a record: nearly all records of a world have the same few."""
        key = kind, value.get("id")
        cached = self._cache.get(key)
        if cached is not None and cached[0] == value:
            return cached[1].copy()
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        chosen = self._chosen(kind, value) if kind in self._members else self._formed(kind, value)
        made = self.ordered(kind, chosen)
        self._cache[key] = dict(value), made
        return made.copy()

    def _chosen(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return the members of a definition or rule that the dialect shows."""
        members = {name: value.get(name) for name in self._members[kind]}
        shown = {k: v for k, v in members.items() if v is not None or k in _NULL_IF_UNKNOWN}
        if str(shown.get("life_cycle_state")).startswith("NOT"):
            shown["life_cycle_state"] = self._dialect["record.not_effective"]
        return shown

    def _formed(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return a unit or user in its long or short form, with names emptied."""
        short = self._dialect[f"record.{kind}_form"] == "short"
        lacks = _SHORT_LACKS[kind] if short else ()
        if self._emptied == "absent":
            lacks += _EMPTIED[kind]
        shown = {key: each for key, each in value.items() if key not in lacks}
        if self._emptied in ("null", "empty"):
            blank = None if self._emptied == "null" else ""
            shown |= {key: blank for key in _EMPTIED[kind] if key in shown}
        return shown

    def log_information(self, log: Mapping[str, Any]) -> Object:
        """Return log information as responses show it.

        Its unit members have the names of the release. A date without a value is null or absent, as
        the dialect says.
        """
        shown: Object = {}
        for date_name, older_unit_name, newer_unit_name, user_name, unit_name in self._log_members:
            value = log.get(date_name)
            if value is not None or self._null_dates:
                shown[date_name] = value
            unit = log.get(older_unit_name, log.get(newer_unit_name))
            shown[unit_name] = self.unit(unit)
            shown[user_name] = self.user(log.get(user_name))
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
