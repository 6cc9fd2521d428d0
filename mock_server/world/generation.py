"""Generated content for a world: all of it, or the missing members of an entry."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from crmcom_kit.fixtures.content.timeline import EPOCH, slot
from crmcom_kit.fixtures.moments import is_age
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.reference_data import (
    Directory,
    Object,
    ReferenceData,
    name_of,
    object_hint,
)
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import (
    CREATED,
    DataError,
    LocatedEntry,
    check_entries,
    locate_all,
    missing_members,
    validate,
)
from crmcom_kit.schemas import response_fields
from crmcom_kit.schemas.formats import write_date_time
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS, REFERENCE_KINDS
from crmcom_kit.usage_errors import UsageError, quoted

if TYPE_CHECKING:
    from crmcom_kit.fixtures import Entry

_NAME = "generated entry"  # in messages
_KEY = "secret_key"
_SHOWN_IDS = 5  # in a message
_START = datetime(1970, 1, 1)  # noqa: DTZ001 - dates of this API have no zone
_LOG = "log_information"


def seed(
    world: World,
    scenario: str | None,
    options: Mapping[str, Any],
    *,
    expected_epoch: Epoch | None = None,
) -> Epoch:
    """Replace the content of a world with generated content; return the new epoch.

    ``scenario`` is a name of ``crmcom_kit.fixtures.scenarios.SCENARIOS``, which takes the options
    ``seed``, ``count``, ``since`` and ``until``; its delivery scripts replace those of the world.
    The other options are arguments of ``crmcom_kit.fixtures.world``; ``since`` and ``until`` may
    be ages, too.

    Raises:
        FixtureError: an option is not allowed, or there is no such scenario.
        UsageError: a scenario with other options, or one with scripts in a mock that really sends.
        Conflict: ``expected_epoch`` is not the current one; nothing has changed.
    """
    from crmcom_kit.fixtures import world as generate
    from crmcom_kit.fixtures.options import one_of
    from crmcom_kit.fixtures.scenarios import SCENARIOS

    config, present = world.config, world.current_epoch.present
    arguments = {"seed": config.seed, "release": config.release.name, **options}
    if scenario is None:
        arguments |= present.period(options.get("since"), options.get("until"))
        entries = locate_all(generate(**{"dialect": config.dialect, **arguments}), _NAME)
        return world.replace_content(entries, expected_epoch=expected_epoch)
    for name in options:
        if name not in ("seed", "count", "since", "until"):
            raise UsageError(name, seen="with a scenario", allowed="seed, count, since or until")
    plan = SCENARIOS[one_of("scenario", scenario, SCENARIOS)]
    dates = plan.dates(present, arguments.pop("since", None), arguments.pop("until", None))
    entries = locate_all(plan.entries(**arguments, **dates), _NAME)
    scripts = plan.scripts(options.get("count", plan.default_count))
    if scripts and world.current_epoch.sends:
        problem = f"{scenario}, which decides how deliveries end, while this mock really sends"
        raise UsageError("scenario", seen=problem, allowed="a mock without --deliver http")
    return world.replace_content(entries, scripts=scripts, expected_epoch=expected_epoch)


class Addition(NamedTuple):
    """The webhook requests that were added to a world."""

    number: int  # of webhook requests
    filled_in: list[Record]  # those with generated members


def add_partial(epoch: Epoch, world: World, entries: Iterable[LocatedEntry]) -> Addition:
    """Check entries and add them to a world: all, or none.

    A webhook request gets generated members for missing ones; a definition, rule or key gets an id.

    Raises:
        DataError: an entry is wrong, contradicts another one or the content, has a name in use, or
            refers to a missing object; nothing has changed.
        Conflict: ``epoch`` is not the current one; nothing has changed.
    """
    new_entries: list[LocatedEntry] = []  # without the lock: reading may be slow
    for index, located in enumerate(entries):
        if not missing_members(located.entry):
            _add_id(epoch, located.entry, index)
            next(check_entries([located], world.config))
        new_entries.append(located)
    partial_count = sum(bool(missing_members(located.entry)) for located in new_entries)
    filled_ids: list[str] = []
    with epoch.numbers(partial_count) as numbers:
        unused_numbers = iter(numbers)

        def complete(epoch: Epoch) -> list[LocatedEntry]:
            """Return the new entries without missing members, webhook requests last."""
            data, dates = _with_references(epoch.reference_data, new_entries), _Dates(epoch)
            result: list[LocatedEntry] = []
            for located in new_entries:
                if missing_members(located.entry):
                    parts = _fill_in(epoch, data, located, next(unused_numbers), dates)
                    filled_ids.append(parts[-1].entry["webhook_request"]["record"]["id"])
                    result += parts
                else:
                    result.append(located)
            return sorted(result, key=lambda located: "webhook_request" in located.entry)

        records = {record.id: record for record in world.add(complete, expected_epoch=epoch)}
    return Addition(len(records), [records[record_id] for record_id in filled_ids])


def _add_id(epoch: Epoch, entry: Any, index: int) -> None:
    """Add an id to the definition, rule or key of entry number ``index``, if it has none.

    Generate a secret key, too, if the entry has none.
    """
    for kind in (*REFERENCE_KINDS, _KEY):
        value = entry.get(kind) if isinstance(entry, dict) else None
        if not isinstance(value, dict):
            continue
        name = f"{index}/{value.get('name')}"
        if "id" not in value:
            value = entry[kind] = {"id": epoch.unused_id(kind, name), **value}
        if kind == _KEY and "key" not in value:
            entry[kind] = {**value, "key": epoch.ids.of("key", str(value["id"]))}


def _fill_in(
    epoch: Epoch, data: ReferenceData, located: LocatedEntry, number: int, dates: "_Dates"
) -> list[LocatedEntry]:
    """Return the entries for a webhook request with missing members: its references, then itself.

    It gets ``number`` if it has none, and may name a definition or a rule in ``data`` by its id,
    name or alternative code alone. Raises DataError: no webhook request can have its members.
    """
    from crmcom_kit.fixtures import FixtureError, Options, webhook_request_entries
    from crmcom_kit.fixtures.content.records import FIRST_NUMBER
    from crmcom_kit.fixtures.options import one_of

    entry = dict(located.entry["webhook_request"])
    members = dict(entry.pop("record"))
    data_object = entry.get("data")
    if isinstance(data_object, dict) and isinstance(data_object.get("id"), str):
        members.setdefault("entity_id", data_object["id"])
    for kind in REFERENCE_KINDS:
        _refer(data.directory(kind), members, kind, located.place)
    config = epoch.config
    options = Options(seed=config.seed, release=config.release.name, dialect=config.dialect)
    try:
        dates.decide(members, number - FIRST_NUMBER)
        for name in members:
            one_of("webhook_request", name, (*response_fields(), *CREATED))
        entries = webhook_request_entries(options=options, index=number - FIRST_NUMBER, **members)
    except (FixtureError, UsageError) as error:
        msg = f"{located.place}: {error}"
        raise DataError(msg) from None
    entries[-1]["webhook_request"] |= entry
    record = entries[-1]["webhook_request"]["record"]
    dates.limit(record["log_information"], members)
    if "id" not in members and epoch.store.ever_existed("id", record["id"]):
        # The generator does not know the numbers in use.
        record["id"] = epoch.unused_id("webhook_request", str(number))
    needs = (entry for entry in entries if "webhook_request" in entry or _is_new(epoch, entry))
    return list(validate((LocatedEntry(entry, located.place) for entry in needs), config))


def _refer(directory: Directory, members: dict[str, Any], kind: str, place: str) -> None:
    """Add all names, the entity and the URL of a known definition or rule to its members.

    Otherwise the generator adds the names of a generated one. Raises DataError if the name is
    unknown and there is no id, or if the definition or rule is about another entity.
    """
    value = members.get(kind)
    reference = value if isinstance(value, dict) else {}
    names = [reference[name] for name in IDENTIFIER_FIELDS if isinstance(reference.get(name), str)]
    target = next(filter(None, map(directory.find_any, names)), None)
    if target is None:
        if names and not {"id", "name"} <= reference.keys():  # others would be generated
            allowed = f"{object_hint(directory, kind, names[0])}; or a new one, by id and name"
            raise DataError.of_member(place, kind, seen=quoted(names[0]), allowed=allowed)
        return
    target_entity, entity = target.get("entity"), members.get("entity")
    if target_entity is not None and entity not in (None, target_entity):
        problem = f"{quoted(entity)}, while {kind} {name_of(target)} is about {target_entity}"
        raise DataError.of_member(place, "entity", seen=problem, allowed=target_entity)
    # A single name may be an id, a name or an alternative code.
    members[kind] = {name: target.get(name) for name in IDENTIFIER_FIELDS} | (
        reference if len(reference) > 1 else {}
    )
    for name in ("entity", "url"):
        if target.get(name) is not None:
            members.setdefault(name, target[name])


def _is_new(epoch: Epoch, entry: "Entry") -> bool:
    """Return True if a world does not have an entry of reference data."""
    ((kind, value),) = entry.items()
    return epoch.reference_data.directory(kind).find("id", value["id"]) is None


def _with_references(data: ReferenceData, entries: list[LocatedEntry]) -> ReferenceData:
    """Return reference data with the additions of entries; check definitions and rules.

    Raises:
        DataError: a name is in use, or an object that an entry refers to does not exist.
    """
    if not any(kind in located.entry for located in entries for kind in REFERENCE_KINDS):
        return data
    result = data.copy()
    for located in entries:
        ((kind, value),) = located.entry.items()
        if kind != "webhook_request" and result.directory(kind).find("id", value["id"]) is None:
            if kind in REFERENCE_KINDS:
                _check_names(result, kind, value, located.place)
            result.directory(kind).add(value)
    for located in entries:
        for kind in REFERENCE_KINDS:
            value = located.entry.get(kind, {})
            if value.get("secret_key_id") is not None:
                _check_id("secret_key_id", value["secret_key_id"], result.keys, located.place)
            for object_id in value.get("webhook_definition_ids", ()):
                _check_id("webhook_definition_ids", object_id, result.definitions, located.place)
    return result


def _check_names(data: ReferenceData, kind: str, value: Mapping[str, Any], place: str) -> None:
    for name in IDENTIFIER_FIELDS:
        text = value.get(name)
        if text is not None and (not text or data.directory(kind).find_any(text)):
            allowed = f"a string that no other {kind} has as id, name or alternative code"
            raise DataError.of_member(place, name, seen=quoted(text), allowed=allowed)


def _check_id(name: str, object_id: str, directory: Directory, place: str) -> None:
    if directory.find("id", object_id) is None:
        ids = ", ".join(sorted(value["id"] for value in directory)[:_SHOWN_IDS]) or "(none)"
        allowed = f"an id in this world: {ids}"
        raise DataError.of_member(place, name, seen=quoted(object_id), allowed=allowed)


class _Dates:
    """The dates of the webhook requests of one call."""

    def __init__(self, epoch: Epoch) -> None:
        """Continue after the newest webhook request of a world."""
        self._present = epoch.present
        self._now = self._present.written("now", "now")
        newest = epoch.store.newest()
        self._newest = None if newest == -inf else _START + timedelta(seconds=newest)

    def decide(self, members: Object, index: int) -> None:
        """Set the creation of a webhook request by ``age``, ``created_date`` or the world.

        Without a date it is after the newest one: at the generator's date for ``index``, or else
        an hour later, but not in the future. In a world without webhook requests it is now.

        Raises UsageError.
        """
        log = members.get(_LOG, {})
        dates = {name: members.pop(name) for name in CREATED if name in members}
        if not isinstance(log, Mapping):  # the schema refuses it
            return
        if "created_date" in log:
            dates[f"{_LOG}.created_date"] = log["created_date"]
        if len(dates) > 1:
            first, second, *_ = dates
            raise UsageError(first, seen=f"with {second}", allowed="one of them")
        for name in dates.keys() & CREATED:
            if name == "age" and not is_age(dates[name]):
                allowed = 'an age such as "100 days" or "12 hours"'
                raise UsageError(name, seen=quoted(dates[name]), allowed=allowed)
            self._put(members, self._present.written(name, dates[name]))
        if dates or "updated_date" in log:
            return
        if self._newest is None:
            self._put(members, self._now)
        elif EPOCH + timedelta(seconds=slot(index)[0]) < self._newest:
            date = min(self._newest + timedelta(hours=1), self._now)
            self._put(members, max(self._newest, date))

    def _put(self, members: Object, created: datetime) -> None:
        members[_LOG] = {**members.get(_LOG, {}), "created_date": write_date_time(created)}
        self._newest = max(self._newest or created, created)

    def limit(self, log: Object, members: Object) -> None:
        """Limit the generated update to now, unless the creation is later."""
        fixed_log, now = members.get(_LOG), write_date_time(self._now)
        if not isinstance(fixed_log, Mapping):
            return
        if fixed_log.get("created_date") and "updated_date" not in fixed_log:
            log["updated_date"] = max(log["created_date"], min(log["updated_date"], now))
