"""The world of a server, from its responses: webhook requests and what they refer to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from crmcom_kit.contract_tests.belief.knowledge import typed
from crmcom_kit.contract_tests.belief.records import MAX_NAME, Record
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import Exchange, token_of
from crmcom_kit.contract_tests.oracle.logins import decoded
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS, REFERENCE_KINDS
from crmcom_kit.schemas.ordering import Key, sort_value, value_of

Entry = dict[str, Any]
_NUMBER = sort_value(Key("number"))


class World(NamedTuple):
    """The content of a server before the run changed anything."""

    records: dict[str, Record]  # by id, as they were first seen
    #: User and unit of the run's login, from a webhook request that it changed, or else guessed.
    user: Mapping[str, Any] | None
    unit: Mapping[str, Any] | None

    def entries(self) -> list[Entry]:
        """Return the entries of a world file: reference data, then webhook requests."""
        entries: list[Entry] = []
        for kind, caller in (("user", self.user), ("unit", self.unit)):
            # A mock logs in as the first user. The latest members of the caller count.
            candidates = [caller, *self._named_in_logs(kind), caller]
            by_key = {_key(data): data for data in candidates if data is not None}
            entries += [{kind: {**data, "id": key}} for key, data in by_key.items() if key]
        for kind in REFERENCE_KINDS:
            references: dict[str, Record] = {}
            for data in (typed(record).get(kind) for record in self.records.values()):
                if data and _key(data):
                    references.setdefault(_key(data), data)
            entries += [{kind: {**data, "id": key}} for key, data in references.items()]
        records = sorted(self.records.values(), key=self._position)
        return entries + [
            {"webhook_request": {"record": dict(record), "recorded": True}} for record in records
        ]

    @staticmethod
    def _position(record: Record) -> tuple[str, Any]:
        return str(value_of(record, "created_date") or ""), _NUMBER(record)

    def _named_in_logs(self, kind: str) -> Iterator[Mapping[str, Any]]:
        for record in self.records.values():
            for name, value in (typed(record).get("log_information") or {}).items():
                if name.endswith(f"_{kind}") and isinstance(value, dict):
                    yield value


def world_of(exchanges: Sequence[Exchange]) -> World:
    """Return the world that a server's responses show."""
    records: dict[str, Record] = {}
    numbers: set[str] = set()
    user = unit = None
    for exchange in exchanges:
        is_change = changing_method(exchange.call) is not None
        if not exchange.ok or "fields_set" in exchange.call.parameters:
            continue
        for record in exchange.records:
            key = record.get("id")
            if not isinstance(key, str) or not isinstance(record.get("number"), str):
                continue
            if record.get("life_cycle_state") not in ("SUCCESSFUL", "REJECTED"):
                continue
            old_record = records.get(key)
            if old_record is None:
                # A server may use the number of a deleted webhook request again.
                if not is_change and record["number"] not in numbers and _can_be_kept(record):
                    records[key] = record
                    numbers.add(record["number"])
            elif is_change and user is None and _can_be_kept(record):
                user, unit = _updater(old_record, record)
    if user is None:
        logs = [typed(record).get("log_information") or {} for record in records.values()]
        user, unit = _caller(exchanges, logs)
    return World(records, user, unit)


def _can_be_kept(record: Record) -> bool:
    """Return whether a mock can have a record: JSON in UTF-8 with a short number."""
    if len(record["number"]) > MAX_NAME:
        return False
    try:
        orjson.dumps(record)
    except TypeError:
        return False
    return True


def _updater(before: Record, after: Record) -> tuple[Any, Any]:
    """Return the user and the unit that a change has put into a webhook request."""
    old_log, log = (typed(record).get("log_information") for record in (before, after))
    if not (old_log and log) or old_log.get("updated_date") == log.get("updated_date"):
        return None, None
    unit = log.get("updated_by_unit", log.get("updated_by_business_unit"))
    return log.get("updated_by_user"), unit


def _caller(exchanges: Sequence[Exchange], logs: Sequence[Record]) -> tuple[Any, Any]:
    """Return the probable user and unit of the run's login, from logs and the token.

    If the login names no unit, the user's most frequent unit is returned.
    """
    login = next((exchange for exchange in exchanges if token_of(exchange)), None)
    if login is None:
        return None, None
    _, claims = decoded(token_of(login) or "") or ({}, {})
    name = login.call.parameters.get("username") or claims.get("usr")
    login_unit = login.call.parameters.get("unit") or claims.get("oun")
    pairs = [
        (log.get(f"{role}_user") or {}, log.get(f"{role}_unit", log.get(f"{role}_business_unit")))
        for log in logs for role in ("created_by", "updated_by")
    ]  # fmt: skip
    units = Counter[str]()
    by_key: dict[str, Any] = {}
    for user, unit in pairs:
        if unit and login_unit in (None, unit.get("id"), unit.get("name")):
            by_key[_key(unit)] = unit
            units[_key(unit)] += user.get("username") == name
    is_name = isinstance(name, str) and name.isprintable()
    default_user = {"username": name, "person_name": name} if is_name else None
    user = next((user for user, _ in pairs if user.get("username") == name), default_user)
    return user, by_key[max(units, key=lambda key: units[key])] if units else None


def _key(data: Mapping[str, Any]) -> str:
    names = (data.get(name) for name in (*IDENTIFIER_FIELDS, "username"))
    return next((name for name in names if name), "")
