"""The form of webhook requests and of objects inside them, in one dialect and release."""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.schemas.dialect import Dialect
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.loader import load_schema
from crmcom_kit.schemas.releases import Release

Object = dict[str, Any]

#: Members that the short forms of units and users lack, and members that a compatibility setting
#: empties.
_SHORT_LACKS = {"unit": ("group_name", "community_name"), "user": ("email",)}
_EMPTIED = {"unit": ("group_name", "community_name"), "user": ("person_name", "email")}
_EMPTIED_SINCE = "R14.1.0"

#: The kinds of objects whose members have an order.
_ORDERED = ("unit", "user", "status", "log_information", "envelope",
            "webhook_request", "webhook_definition", "workflow_rule")  # fmt: skip
_NULL_IF_UNKNOWN = ("alternative_code", "description")
_MAX_CACHED = 1_000


class Renderer:
    """Serializes objects in the form of one dialect and release."""

    def __init__(self, dialect: Dialect, release: Release) -> None:
        """Read the dials of the form of objects."""
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
        empty_form = dialect["record.emptied_names"] if release.at_least(_EMPTIED_SINCE) else "keep"
        self._empty_form: str = empty_form
        self._members = {
            "webhook_definition": dialect["record.definition_members"],
            "workflow_rule": dialect["record.rule_members"],
        }

    def sort_members(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return ``value`` with its members in the dialect's order."""
        order = self._order.get(kind, ())
        if tuple(value) == order:  # as in most worlds
            return dict(value)
        members = {key: value[key] for key in order if key in value}
        if len(members) < len(value):
            members |= {key: value[key] for key in sorted(value.keys() - members.keys())}
        return members

    def record(self, record: Mapping[str, Any]) -> Object:
        """Return a complete webhook request in the form of responses."""
        view = dict(record)
        view["fields_set"] = self.fields_set(view.get("fields_set"))
        view["webhook_definition"] = self.definition(record["webhook_definition"])
        view["workflow_rule"] = self.rule(record["workflow_rule"])
        view["log_information"] = self.log_information(record["log_information"])
        return self.sort_members("webhook_request", self.drop_unset(view))

    def drop_unset(self, record: Object) -> Object:
        """Return a webhook request without unset members, if the dialect leaves them out."""
        if not self._absent:
            return record
        return {name: value for name, value in record.items() if value is not None}

    def fields_set(self, names: str | None) -> str | None:
        """Return the fields set of a webhook definition in the form of a webhook request."""
        is_empty = names is None and self._dialect["record.no_fields_set"] == "empty"
        return "" if is_empty else names

    def definition(self, definition: Mapping[str, Any]) -> Object:
        """Return a webhook definition in the form of a webhook request."""
        return self._render("webhook_definition", definition)

    def rule(self, rule: Mapping[str, Any]) -> Object:
        """Return a workflow rule in the form of a webhook request."""
        return self._render("workflow_rule", rule)

    def unit(self, unit: Mapping[str, Any] | None) -> Object | None:
        """Return a unit in the form of log_information."""
        return None if unit is None else self._render("unit", unit)

    def user(self, user: Mapping[str, Any] | None) -> Object | None:
        """Return a user in the form of log_information."""
        return None if user is None else self._render("user", user)

    def _render(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return an object inside a record, from the cache: most records have the same few."""
        key = kind, value.get("id")
        entry = self._cache.get(key)
        if entry is not None and entry[0] == value:
            return entry[1].copy()
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        members = self._select(kind, value) if kind in self._members else self._shorten(kind, value)
        view = self.sort_members(kind, members)
        self._cache[key] = dict(value), view
        return view.copy()

    def _select(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return the members of a definition or rule that the dialect selects."""
        members = {name: value.get(name) for name in self._members[kind]}
        view = {k: v for k, v in members.items() if v is not None or k in _NULL_IF_UNKNOWN}
        if str(view.get("life_cycle_state")).startswith("NOT"):
            view["life_cycle_state"] = self._dialect["record.not_effective"]
        return view

    def _shorten(self, kind: str, value: Mapping[str, Any]) -> Object:
        """Return a unit or user in its long or short form, with names emptied."""
        is_short = self._dialect[f"record.{kind}_form"] == "short"
        absent_names = _SHORT_LACKS[kind] if is_short else ()
        if self._empty_form == "absent":
            absent_names += _EMPTIED[kind]
        view = {key: member for key, member in value.items() if key not in absent_names}
        if self._empty_form in ("null", "empty"):
            blank = None if self._empty_form == "null" else ""
            view |= {key: blank for key in _EMPTIED[kind] if key in view}
        return view

    def log_information(self, log: Mapping[str, Any]) -> Object:
        """Return log information in the form of responses.

        Its unit members have the names of the release. The dialect decides whether an unset date is
        null or absent.
        """
        view: Object = {}
        for date_name, older_unit_name, newer_unit_name, user_name, unit_name in self._log_members:
            value = log.get(date_name)
            if value is not None or self._null_dates:
                view[date_name] = value
            unit = log.get(older_unit_name, log.get(newer_unit_name))
            view[unit_name] = self.unit(unit)
            view[user_name] = self.user(log.get(user_name))
        return self.sort_members("log_information", view)

    def unit_member(self, act: str) -> str:
        """Return the name of log_information's member for the unit of ``act``."""
        return f"{act}_by_business_unit" if self._business_units else f"{act}_by_unit"


def _key_orders(name: str) -> Mapping[str, tuple[str, ...]]:
    if name != "documented":
        orders: Mapping[str, tuple[str, ...]] = read_json("data/key_orders.json")[name]
        return orders
    return {kind: tuple(load_schema(kind)["properties"]) for kind in _ORDERED}
