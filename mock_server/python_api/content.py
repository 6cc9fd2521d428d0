"""The content of a world for tests: its records and seed data."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Unpack

import orjson

from crmcom_kit.fixtures.moments import as_text
from crmcom_kit.mock_server.journal.patterns import SHOWN_STATES, check_one_of
from crmcom_kit.mock_server.python_api.arguments import integer, methods_hide_our_frames
from crmcom_kit.mock_server.python_api.handle import WorldHandle
from crmcom_kit.mock_server.python_api.keywords import RecordMembers, SeedArguments
from crmcom_kit.mock_server.store.records import KEYS
from crmcom_kit.mock_server.store.reference_data import object_hint
from crmcom_kit.mock_server.world.changes import change_record, remove_record
from crmcom_kit.mock_server.world.generation import add_partial, seed
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import LocatedEntry, copy_entry, entries_of
from crmcom_kit.schemas import response_fields
from crmcom_kit.schemas.methods import REFERENCE_KINDS
from crmcom_kit.usage_errors import NotFound, UsageError, hint, quoted

Record = dict[str, Any]
Entries = str | Path | Iterable[dict[str, Any]] | dict[str, Any]
_MAX_RECORDS = 10_000_000


@methods_hide_our_frames
class RecordsView:
    """The records in the form of responses, oldest first, read from the world on each use.

    Each record is a copy: changing it does not change the world.
    """

    __slots__ = ("_world",)

    def __init__(self, world: Callable[[], World]) -> None:
        """Read the world that ``world`` returns."""
        self._world = world

    def __len__(self) -> int:
        return len(self._world().store)

    def __iter__(self) -> Iterator[Record]:
        return (orjson.loads(record.body) for record in self._world().store.records())

    def __contains__(self, key: object) -> bool:
        """Return True if there is a record with that number or id."""
        return self.get(key) is not None

    def __getitem__(self, key: str | int) -> Record:
        """Return the record with that number or id. Raises KeyError."""
        __tracebackhide__ = True
        try:
            record = self._world().current_epoch.find_record(str(key))
        except NotFound as error:
            raise KeyError(str(error)) from None
        view: Record = orjson.loads(record.body)
        return view

    def get(self, key: object) -> Record | None:
        """Return the record with that number or id, None if there is none."""
        try:
            return self[str(key)]
        except KeyError:
            return None

    def filter(self, **members: object) -> list[Record]:
        """Return the records with these members.

        A definition or rule is named by its id, name or alternative code.

        Raises:
            NotFound: there never was a webhook request with that number or id.
            UsageError: webhook requests have no member of that name, or none of the mock can have
                that life cycle state, entity, error code, definition or rule.
        """
        from crmcom_kit.fixtures.content.failures import failure_codes

        epoch, records, names = self._world().current_epoch, [*self], response_fields()
        choices: dict[str, Collection[str]] = {
            "life_cycle_state": SHOWN_STATES,
            "entity": epoch.config.release.entities,
            "error_code": failure_codes(),
        }
        references: dict[str, Mapping[str, Any]] = {}
        for name, value in [*members.items()]:
            if name not in names:
                allowed = f"a member of a webhook request: {', '.join(names)}{hint(name, names)}"
                raise UsageError(name, seen="as a member", allowed=allowed)
            if name in REFERENCE_KINDS and isinstance(value, str):
                directory = epoch.reference_data.directory(name)
                target = directory.find_any(value)
                if target is None:
                    allowed = object_hint(directory, name, value)
                    raise UsageError(name, seen=quoted(value), allowed=allowed)
                references[name] = target
                del members[name]
            elif name in KEYS:  # a number may be an int, as in `records[7]`
                members[name] = str(value)
                if not epoch.store.ever_existed(name, str(value)):
                    epoch.find_record(str(value))
            elif (
                name in choices
                and value is not None
                and all(record.get(name) != value for record in records)
            ):
                check_one_of(name, value, choices[name])
        return [
            record
            for record in records
            if all(record.get(name) == value for name, value in members.items())
            and all(record[name].items() <= target.items() for name, target in references.items())
        ]

    def __repr__(self) -> str:
        return f"<{len(self)} webhook requests>"


@methods_hide_our_frames
class WorldContent(WorldHandle):
    """The content of a world: webhook requests, reference data, export and import."""

    __slots__ = ()

    def seed(
        self,
        entries: Entries | None = None,
        /,
        *,
        scenario: str | None = None,
        **options: Unpack[SeedArguments],
    ) -> int:
        """Replace the world's content, and return the new number of webhook requests.

            mock.seed(count=50, rejected=0.5, entities=["JOBS"])
            mock.seed(since="100 days", until="now")
            mock.seed(scenario="receiver_outage", since="10 days")
            mock.seed("world.jsonl")
            mock.seed([])

        Journal, faults and clock stay; delivery scripts stay unless a scenario replaces them.

        Args:
            entries: the path of a world file, or its content: world entries, or webhook requests
                in the form of responses, several or one.
            scenario: a name of ``crmcom_kit.fixtures.scenarios.SCENARIOS``. It also sets the
                outcomes of deliveries; ``deliveries.script("success")`` ends that.
            options: arguments of ``crmcom_kit.fixtures.world``; ``since`` and ``until`` may also
                be ages: "100 days" or a timedelta before the world's time, or "now". A scenario
                takes ``seed`` and ``count``, and these two unless it has its own dates.

        Raises:
            DataError, FixtureError: the content is not allowed; nothing has changed.
            UsageError: entries with other arguments.
        """
        world = self.emulated
        if isinstance(entries, str) and not Path(entries).exists():
            from crmcom_kit.fixtures.scenarios import SCENARIOS  # takes time

            if entries in SCENARIOS:
                allowed = f"the path of a world file; or scenario={entries!r}"
                raise UsageError("entries", seen=repr(entries), allowed=allowed)
        if entries is not None and not isinstance(entries, Iterable | Path):
            allowed = 'world entries, or a file of them; by name, count=50 or scenario="…"'
            raise UsageError("entries", seen=repr(entries), allowed=allowed)
        if entries is not None and (scenario is not None or options):
            allowed = "either entries, or a scenario or options"
            raise UsageError("entries", seen="entries with other arguments", allowed=allowed)
        _check_options(options)
        if entries is None:
            return len(seed(world, scenario, options).store)
        return len(world.replace_content(entries_of(entries, world.config, "data")).store)

    def add(
        self,
        *,
        age: str | timedelta | None = None,
        created_date: str | date | None = None,
        **members: Unpack[RecordMembers],
    ) -> Record:
        """Add one realistic webhook request with the given members, and return it.

            mock.add(entity="JOBS", life_cycle_state="REJECTED")
            mock.add(age="100 days")
            mock.add(created_date="2026-11-01")

        Without a date, the webhook request is created after all others of the world, or now if
        there are none. Without ``life_cycle_state`` it may be SUCCESSFUL or REJECTED.

        Args:
            age: its creation, as the time before the world's time.
            created_date: its creation, as a date, or a date and time; without a time zone, in the
                zone of the server's dates.
            members: its members by name, as for ``crmcom_kit.fixtures.webhook_request``. ``data``
                is the data object that was sent. To refer to a definition or rule of this world,
                as in ``webhook_definition={"id": …}``, the id, the name or the alternative code
                is enough.

        Raises:
            DataError: no webhook request can have these members, or it contradicts the world's
                content; nothing has changed.
        """
        moments = {"age": age, "created_date": created_date}
        dates = {name: as_text(moment) for name, moment in moments.items() if moment is not None}
        return add_entry(self.emulated, "webhook_request", _entry({**members, **dates}))

    def change(self, record: str | int, /, **members: Unpack[RecordMembers]) -> Record:
        """Change members of a webhook request, by its number or id, and return it.

            mock.change("7", life_cycle_state="SUCCESSFUL")
            mock.change("7", log_information={"created_date": "2024-05-01T10:00:00"})

        Args:
            record: its number or id.
            members: its members by name; ``log_information`` is merged into the present one.
                ``data`` is the data object that is sent. Dependent members follow: a SUCCESSFUL
                record has no error, a REJECTED one has a timeout unless ``error_code`` says
                otherwise.

        Raises:
            NotFound: there is no such webhook request.
            UsageError, DataError: the change is not allowed; nothing has changed.
            Conflict: it is being sent, or another change came first.
        """
        world = self.emulated
        record_after = change_record(world, world.current_epoch, str(record), _entry(members))
        view: Record = orjson.loads(record_after.body)
        return view

    def data_of(self, record: str | int) -> Any:
        """Return the data object of a webhook request, by its number or id; None if it has none.

        Raises NotFound.
        """
        data = self.emulated.current_epoch.find_record(str(record)).data
        return None if data is None else orjson.loads(data)

    def remove(self, record: str | int) -> Record:
        """Remove a webhook request, by its number or id, and return it. Raises NotFound."""
        view: Record = orjson.loads(remove_record(self.emulated.current_epoch, str(record)).body)
        return view

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """The webhook definitions, in the order in which they were added; copies."""
        return deepcopy(list(self.emulated.current_epoch.reference_data.definitions))

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The workflow rules, in the order in which they were added; copies."""
        return deepcopy(list(self.emulated.current_epoch.reference_data.rules))

    def add_definition(self, **members: Any) -> dict[str, Any]:
        """Add a webhook definition, and return it; it gets an id if it has none.

            mock.add_definition(name="Jobs", entity="JOBS", url="http://127.0.0.1:5002/hook")

        Args:
            members: ``id``, ``name``, ``alternative_code``, ``description``, ``life_cycle_state``,
                ``entity``, ``url``, ``fields_set`` and ``secret_key_id``.

        Raises:
            DataError: it is not allowed; nothing has changed.
        """
        return add_entry(self.emulated, "webhook_definition", members)

    def add_rule(self, **members: Any) -> dict[str, Any]:
        """Add a workflow rule, and return it; it gets an id if it has none.

        Args:
            members: those of a definition up to ``entity``, and ``webhook_definition_ids``.

        Raises:
            DataError: it is not allowed; nothing has changed.
        """
        return add_entry(self.emulated, "workflow_rule", members)

    @property
    def secret_keys(self) -> list[dict[str, Any]]:
        """The keys that sign webhooks, with ``key``, in the order of their addition; copies."""
        return deepcopy(list(self.emulated.current_epoch.reference_data.keys))

    def add_secret_key(self, **members: Any) -> dict[str, Any]:
        """Add a key that signs webhooks, and return it; id and key are generated by default.

            key = mock.add_secret_key(name="Mine", key="for tests only")
            mock.add_definition(name="Jobs", entity="JOBS", secret_key_id=key["id"])

        Args:
            members: ``id``, ``name``, ``alternative_code``, ``description``, ``url_endpoint`` and
                ``key``.

        Raises:
            DataError: it is not allowed; nothing has changed.
        """
        return add_entry(self.emulated, "secret_key", members)

    def reset(self) -> None:
        """Restore the initial content; also reset ids, clock, journal, faults and deliveries."""
        self.emulated.reset()

    def export(self) -> bytes:
        """Return the content as a world file, for ``load`` and ``crmcom-kit serve --data``.

            before = mock.export()
            mock.remove("7")
            mock.load(before)

        It has no tokens, clock, journal, faults and delivery scripts.
        """
        return b"".join(self.emulated.export())

    def load(self, state: bytes) -> None:
        """Replace the content with one that ``export`` returned; its records keep their order.

        Journal, faults, clock and delivery scripts stay.

        Raises:
            DataError, LimitExceeded: the content is not allowed; nothing has changed.
        """
        if not isinstance(state, bytes):
            raise UsageError("state", seen=repr(state), allowed="the bytes that export() returned")
        self.emulated.load(BytesIO(state), "state")


def _entry(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a world file with these members, and their data."""
    record = {**members}
    data = {"data": record.pop("data")} if "data" in record else {}
    return {"record": record, **data}


def add_entry(world: World, kind: str, value: dict[str, Any]) -> Record:
    """Add an entry to a world, and return a copy of the added object. Raises DataError.

    A webhook request gets its missing members, a definition or rule an id.
    """
    epoch = world.current_epoch
    copy = copy_entry(LocatedEntry({kind: value}, f"the {kind}"), world.config)
    filled_in = add_partial(epoch, world, [copy]).filled_in
    content = copy.entry[kind]
    view: Record = orjson.loads(filled_in[0].body) if filled_in else content.get("record", content)
    return deepcopy(view)


def _check_options(options: Mapping[str, Any]) -> None:
    for name in ("release", "dialect"):
        if name in options:
            raise UsageError(
                name, seen="as an option", allowed="only the mock's own, from its start"
            )
    if "count" in options:
        integer("count", options["count"], 0, _MAX_RECORDS)
