"""One tenant of the emulator: its records, scenery, clock, ids, tokens and rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from crmcom_kit.mock_server.clock import Clock
from crmcom_kit.mock_server.delivery import Delivery, ScriptedDelivery
from crmcom_kit.mock_server.errors import shown
from crmcom_kit.mock_server.filters import readers, seconds
from crmcom_kit.mock_server.ids import Ids
from crmcom_kit.mock_server.loading import DataError, Placed
from crmcom_kit.mock_server.memory_store import MemoryStore
from crmcom_kit.mock_server.parameters import Parameters
from crmcom_kit.mock_server.rendering import sealed
from crmcom_kit.mock_server.scenery import Object, Scenery
from crmcom_kit.mock_server.states import State
from crmcom_kit.mock_server.store import DuplicateRecord, Record, Row, Store
from crmcom_kit.mock_server.tokens import Session, Tokens
from crmcom_kit.mock_server.wire import Wire
from crmcom_kit.schemas import Dialect, Release, methods, resolve
from crmcom_kit.schemas.exchanges import Exchanges, status_of
from crmcom_kit.schemas.formats import parse_date_time, write_date_time
from crmcom_kit.schemas.methods import Method
from crmcom_kit.schemas.rendering import Renderer


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller must know to log in."""

    username: str
    password: str
    organisation: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a world is made from, besides its data."""

    release: Release
    dialect: Dialect
    credentials: Credentials
    seed: int = 0
    fixed_tokens: tuple[str, ...] = ()


class World:
    """A tenant: everything that one call can see or change."""

    def __init__(
        self,
        settings: Settings,
        entries: Iterable[Placed],
        *,
        clock: Clock,
        delivery: Delivery | None = None,
        store: Store | None = None,
    ) -> None:
        """Fill the world with ``entries``.

        Raises:
            DataError: entries contradict each other.
        """
        dialect = settings.dialect
        self.settings = settings
        self.release = settings.release
        self.dialect = dialect
        self.clock = clock
        self.ids = Ids(settings.seed)
        self.store: Store = MemoryStore() if store is None else store
        self.scenery = Scenery()
        self.renderer = Renderer(dialect, self.release)
        self.wire = Wire(dialect, self.release, self.renderer)
        self.exchanges = Exchanges(dialect)
        self.parameters = Parameters(dialect, readers(dialect, self.entities))
        if delivery is None:
            limit = dialect["delivery.description_limit"]
            delivery = ScriptedDelivery(dialect["delivery.script"], description_limit=limit)
        self.delivery: Delivery = delivery
        self._sessions: dict[str, Session] = {}
        self._fill(entries)
        self._start = self.store.snapshot()
        # Ids of their own, so that tokens outlive a reset and are never given out twice.
        self.tokens = Tokens(
            clock=clock,
            ids=Ids(settings.seed),
            live_at_once=dialect["tokens.live_at_once"],
            renews=dialect["tokens.hour_before_r12"] == "renewed",
        )
        for token in settings.fixed_tokens:
            self.tokens.add_fixed(token, self.session())
        self.epoch = 0

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities that the world supports."""
        return self.release.entities

    @cached_property
    def methods(self) -> dict[str, Method]:
        """The methods that the world answers, by their path below the API's base path."""
        known = methods(self.release)
        if self.dialect["requests.fields_set_in_r9"] and not self.release.at_least("R10.0.0"):
            known = known | _with_fields_set(known)
        found = {method.path: method for method in known.values()}
        release = known.get("token_release")
        withdrawn = self.dialect["tokens.release_from_r12"] == "withdrawn"
        if release and release.deprecated and withdrawn:
            del found[release.path]
        return found

    @cached_property
    def semi_optional(self) -> tuple[str, ...]:
        """The parameters of list of which a call needs at least one."""
        parameters = methods(self.release)["list"].parameters.values()
        return tuple(one.name for one in parameters if one.need == "semi-optional")

    @cached_property
    def _utc_offset(self) -> timedelta:
        text = self.dialect["dates.utc_offset"]
        hours, minutes = text[1:].split(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return -offset if text.startswith("-") else offset

    def date_time(self) -> str:
        """Return the present moment as the server writes dates."""
        return write_date_time(self.clock.now() + self._utc_offset)

    def session(self, unit: Object | None = None) -> Session:
        """Return the session of the user of the credentials, for ``unit`` or the first unit."""
        unit = unit or self.scenery.units.first()
        name = "" if unit is None else unit["id"]
        if name not in self._sessions:  # one a unit, however many log in
            self._sessions[name] = self._new_session(unit)
        return self._sessions[name]

    def _new_session(self, unit: Object | None) -> Session:
        name = self.settings.credentials.username
        user = self.scenery.user_named(name) or {
            "id": "1",
            "username": name,
            "person_name": name,
            "email": None,
        }
        rendered = self.renderer.user(user) or {}
        return Session(
            rendered,
            self.renderer.unit(unit),
            self.settings.credentials.organisation,
        )

    def reset(self) -> None:
        """Go back to the start: records, ids, delivery script, fixed tokens. Logins still hold."""
        self.epoch += 1  # first, so that whoever sees records of the start sees it, too
        self.store.restore(self._start)
        self.ids = Ids(self.settings.seed)
        self.delivery.reset()
        self.tokens.restore_fixed()

    def _fill(self, entries: Iterable[Placed]) -> None:
        records: list[tuple[Record, str]] = []
        early: list[Placed] = []  # webhook requests that came before what they refer to
        for placed in entries:
            ((kind, value),) = placed.entry.items()
            if kind != "webhook_request":
                self._add(kind, value, placed.place)
            elif early or not self.scenery.know(value["record"]):
                early.append(placed)
            else:
                records.append((self._record(value, placed.place), placed.place))
        for entry, place in early:
            records.append((self._record(entry["webhook_request"], place), place))
        # The store's order is the order of creation; a record without a date is an old one.
        records.sort(key=lambda found: _age(found[0].row))
        for record, place in records:
            try:
                self.store.insert(record)
            except DuplicateRecord as error:
                msg = f"{place}: {error}"
                raise DataError(msg) from None

    def _add(self, kind: str, value: Object, place: str) -> None:
        directory = self.scenery.directory(kind)
        found = directory.find("id", value["id"])
        if found is not None and found != value:
            msg = f"{place}: {kind} {value['id']} is there already, with other members"
            raise DataError(msg)
        directory.add(value)

    def _record(self, value: dict[str, Any], place: str) -> Record:
        """Return the record of one entry, with what sending it must have left in it."""
        record, data = dict(value["record"]), value.get("data")
        for name in ("fields_set", "error_code", "error_description"):
            record.setdefault(name, None)
        definition = self._referred("webhook_definition", record, place)
        rule = self._referred("workflow_rule", record, place)
        error_code = record["error_code"]
        if "authentication_code" not in record:
            key = self.scenery.key_of(definition)
            record["authentication_code"] = self.exchanges.code(data, key, error_code)
        reference = self.ids.of("exchange", record["id"])
        if "request" not in record:
            code = record["authentication_code"]
            record["request"] = self.exchanges.request(data, code, reference)
        if "response" not in record:
            record["response"] = self.exchanges.response(status_of(record), reference)
        created = record["log_information"].get("created_date")
        row = Row(
            id=record["id"],
            number=record["number"],
            state=State(record["life_cycle_state"]),
            definition=definition,
            rule=rule,
            entity=record["entity"],
            entity_id=record["entity_id"],
            url=record["url"],
            created=None if created is None else seconds(parse_date_time(created)),
        )
        body = sealed(self.renderer.record(record))
        return Record(row, body, None if data is None else sealed(data))

    def _referred(self, kind: str, record: dict[str, Any], place: str) -> str:
        """Return the id of the definition or rule that a record names; add it if it is new.

        The record gets the members that it leaves out.
        """
        named, directory = record[kind], self.scenery.directory(kind)
        if "id" not in named:
            msg = f"{place}: {kind} of webhook request {record['number']} has no id"
            raise DataError(msg)
        found = directory.find("id", named["id"])
        if found is None:
            directory.add(named)
            return str(named["id"])
        for member in ("name", "alternative_code"):
            here, before = named.get(member), found.get(member)
            if here is not None and before is not None and here != before:
                msg = (
                    f"{place}: {member} of {kind} {named['id']} is {shown(here)} in webhook "
                    f"request {record['number']}, and {shown(before)} before"
                )
                raise DataError(msg)
        record[kind] = found | named
        directory.add(record[kind])  # it may be the first to tell the name
        return str(named["id"])


def _with_fields_set(known: Mapping[str, Method]) -> dict[str, Method]:
    """Return resend and delete with the parameter that R10.0.0 gave them."""
    parameter = methods(resolve("R10"))["resend"].parameters["fields_set"]
    return {
        name: replace(
            known[name],
            parameters={**known[name].parameters, "fields_set": parameter},
            later={k: v for k, v in known[name].later.items() if k != "fields_set"},
        )
        for name in ("resend", "delete")
    }


def _age(row: Row) -> tuple[bool, int]:
    return row.created is not None, row.created or 0
