"""Generated content for a world: all of it, or what an entry lacks."""

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
    checked,
    lacking,
    numbered,
    validated,
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
    knobs: Mapping[str, Any],
    *,
    expected_epoch: Epoch | None = None,
) -> Epoch:
    """Replace the content of a world by the generator's or a scenario's; return the new epoch.

    ``scenario`` is a name of ``crmcom_kit.fixtures.scenarios.SCENARIOS``, which takes the knobs
    ``seed``, ``count``, ``since`` and ``until``; its delivery scripts replace those of the world.
    The other knobs are arguments of ``crmcom_kit.fixtures.world``; ``since`` and ``until`` may be
    ages, too.

    Raises:
        FixtureError: a knob is not allowed, or there is no such scenario.
        UsageError: a scenario with other knobs, or with scripts for a mock that really sends.
        Conflict: ``expected_epoch`` is not the current one; nothing has changed.
    """
    from crmcom_kit.fixtures import world as generate
    from crmcom_kit.fixtures.options import one_of
    from crmcom_kit.fixtures.scenarios import SCENARIOS

    config, present = world.config, world.current_epoch.present
    arguments = {"seed": config.seed, "release": config.release.name, **knobs}
    if scenario is None:
        arguments |= present.period(knobs.get("since"), knobs.get("until"))
        generated = numbered(generate(**{"dialect": config.dialect, **arguments}), _NAME)
        return world.replace_content(generated, expected_epoch=expected_epoch)
    for name in knobs:
        if name not in ("seed", "count", "since", "until"):
            raise UsageError(name, seen="with a scenario", allowed="seed, count, since or until")
    chosen = SCENARIOS[one_of("scenario", scenario, SCENARIOS)]
    dates = chosen.dates(present, arguments.pop("since", None), arguments.pop("until", None))
    entries = numbered(chosen.entries(**arguments, **dates), _NAME)
    scripts = chosen.scripts(knobs.get("count", chosen.default_count))
    if scripts and world.current_epoch.sends:
        seen = f"{scenario}, which decides how deliveries end, while this mock really sends"
        raise UsageError("scenario", seen=seen, allowed="a mock without --deliver http")
    return world.replace_content(entries, scripts=scripts, expected_epoch=expected_epoch)


class Added(NamedTuple):
    """What was added to a world."""

    records: int  # how many webhook requests
    filled_in: list[Record]  # those of them that lacked members


def add_partial(epoch: Epoch, world: World, entries: Iterable[LocatedEntry]) -> Added:
    """Add entries, which are not checked yet, to a world: all, or none.

    A webhook request that lacks members gets generated ones; a definition, rule or key gets an id.

    Raises:
        DataError: an entry is wrong, contradicts another one or the content, has a name that is
            taken, or refers to nothing; nothing has changed.
        Conflict: ``epoch`` is not the current one; nothing has changed.
    """
    collected: list[LocatedEntry] = []  # not under the lock: reading them may be slow
    for at, located in enumerate(entries):
        if not lacking(located.entry):
            _add_id(epoch, located.entry, at)
            next(checked([located], world.config))
        collected.append(located)
    ids: list[str] = []  # of those that lacked members

    def entries_for(epoch: Epoch) -> list[LocatedEntry]:
        data = _with_references(epoch.reference_data, collected)
        dates = _Dates(epoch)
        whole: list[LocatedEntry] = []
        for located in collected:
            if lacking(located.entry):
                filled_in = _filled_in(epoch, data, located, next(free), dates)
                ids.append(filled_in[-1].entry["webhook_request"]["record"]["id"])
                whole += filled_in
            else:
                whole.append(located)
        return sorted(whole, key=lambda located: "webhook_request" in located.entry)  # the last

    with epoch.numbers(sum(bool(lacking(located.entry)) for located in collected)) as numbers:
        free = iter(numbers)
        added = {record.id: record for record in world.add(entries_for, expected_epoch=epoch)}
    return Added(len(added), [added[record_id] for record_id in ids])


def _add_id(epoch: Epoch, entry: Any, at: int) -> None:
    """Give the definition, rule or key of entry number ``at`` an id, if it lacks one.

    A secret key is generated, too, if it lacks the key itself.
    """
    for kind in (*REFERENCE_KINDS, _KEY):
        value = entry.get(kind) if isinstance(entry, dict) else None
        if not isinstance(value, dict):
            continue
        name = f"{at}/{value.get('name')}"
        if "id" not in value:
            value = entry[kind] = {"id": epoch.unused_id(kind, name), **value}
        if kind == _KEY and "key" not in value:
            entry[kind] = {**value, "key": epoch.ids.of("key", str(value["id"]))}


def _filled_in(
    epoch: Epoch, data: ReferenceData, located: LocatedEntry, number: int, dates: "_Dates"
) -> list[LocatedEntry]:
    """Return what a world needs to have a webhook request that lacks members, itself last.

    It gets ``number`` if it has none, and may name a definition or a rule in ``data`` by its id,
    name or alternative code alone. Raises DataError: no webhook request can have its members.
    """
    from crmcom_kit.fixtures import FixtureError, Options, webhook_request_entries
    from crmcom_kit.fixtures.content.records import FIRST_NUMBER
    from crmcom_kit.fixtures.options import one_of

    entry = dict(located.entry["webhook_request"])
    members = dict(entry.pop("record"))
    sent = entry.get("data")
    if isinstance(sent, dict) and isinstance(sent.get("id"), str):
        members.setdefault("entity_id", sent["id"])
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
        # The numbers are not the generator's.
        record["id"] = epoch.unused_id("webhook_request", str(number))
    new = (entry for entry in entries if "webhook_request" in entry or _is_new(epoch, entry))
    return list(validated((LocatedEntry(entry, located.place) for entry in new), config))


def _refer(directory: Directory, members: dict[str, Any], kind: str, place: str) -> None:
    """Let members that name a known definition or rule have all its names, its entity and URL.

    Otherwise the generator adds the names of one of its own. Raises DataError if a name is known
    to none, and there is no id, or if the one that it names is about another entity.
    """
    named = members.get(kind)
    reference = named if isinstance(named, dict) else {}
    names = [reference[name] for name in IDENTIFIER_FIELDS if isinstance(reference.get(name), str)]
    target = next(filter(None, map(directory.find_any, names)), None)
    if target is None:
        if names and "id" not in reference:  # one of its own would have another name
            allowed = (
                f"{object_hint(directory, kind, names[0])}; or a new one, if it is added first"
            )
            raise DataError.of_member(place, kind, seen=quoted(names[0]), allowed=allowed)
        return
    about, entity = target.get("entity"), members.get("entity")
    if about is not None and entity not in (None, about):
        seen = f"{quoted(entity)}, while {kind} {name_of(target)} is about {about}"
        raise DataError.of_member(place, "entity", seen=seen, allowed=about)
    # A single name may be of any kind.
    members[kind] = {name: target.get(name) for name in IDENTIFIER_FIELDS} | (
        reference if len(reference) > 1 else {}
    )
    for name in ("entity", "url"):
        if target.get(name) is not None:
            members.setdefault(name, target[name])


def _is_new(epoch: Epoch, entry: "Entry") -> bool:
    """Return True if a world lacks an entry of reference data."""
    ((kind, value),) = entry.items()
    return epoch.reference_data.directory(kind).find("id", value["id"]) is None


def _with_references(data: ReferenceData, entries: list[LocatedEntry]) -> ReferenceData:
    """Return reference data with what entries add to it; definitions and rules are checked.

    Raises:
        DataError: a name is taken, or something that one refers to does not exist.
    """
    if not any(kind in located.entry for located in entries for kind in REFERENCE_KINDS):
        return data
    grown = data.copy()
    for located in entries:
        ((kind, value),) = located.entry.items()
        if kind != "webhook_request" and grown.directory(kind).find("id", value["id"]) is None:
            if kind in REFERENCE_KINDS:
                _check_names(grown, kind, value, located.place)
            grown.directory(kind).add(value)
    for located in entries:
        for kind in REFERENCE_KINDS:
            value = located.entry.get(kind, {})
            if value.get("secret_key_id") is not None:
                _check_id("secret_key_id", value["secret_key_id"], grown.keys, located.place)
            for wanted in value.get("webhook_definition_ids", ()):
                _check_id("webhook_definition_ids", wanted, grown.definitions, located.place)
    return grown


def _check_names(data: ReferenceData, kind: str, value: Mapping[str, Any], place: str) -> None:
    for name in IDENTIFIER_FIELDS:
        text = value.get(name)
        if text is not None and (not text or data.directory(kind).find_any(text)):
            allowed = f"a string that no other {kind} has as id, name or alternative code"
            raise DataError.of_member(place, name, seen=quoted(text), allowed=allowed)


def _check_id(name: str, wanted: str, directory: Directory, place: str) -> None:
    if directory.find("id", wanted) is None:
        some = ", ".join(sorted(value["id"] for value in directory)[:_SHOWN_IDS]) or "(none)"
        allowed = f"an id in this world: {some}"
        raise DataError.of_member(place, name, seen=quoted(wanted), allowed=allowed)


class _Dates:
    """The dates of the webhook requests that one call adds."""

    def __init__(self, epoch: Epoch) -> None:
        """Go on after the newest one of a world."""
        self._present = epoch.present
        self._now = self._present.written("now", "now")
        newest = epoch.store.newest()
        self._newest = None if newest == -inf else _START + timedelta(seconds=newest)

    def decide(self, members: Object, index: int) -> None:
        """Let ``age``, ``created_date`` or the world decide when a webhook request is created.

        Without a date it comes after the newest one: when the generator creates the one of that
        ``index``, or else an hour later, but not in the future. In a world without any it is
        created now.

        Raises UsageError.
        """
        log = members.get(_LOG, {})
        dates = {name: members.pop(name) for name in CREATED if name in members}
        if not isinstance(log, Mapping):  # the schema says what is wrong with it
            return
        if "created_date" in log:
            dates[f"{_LOG}.created_date"] = log["created_date"]
        if len(dates) > 1:
            first, second, *_ = dates
            raise UsageError(first, seen=f"with {second}", allowed="one of them")
        for name in dates.keys() & CREATED:
            created = self._present.written(name, dates[name])
            if name == "age" and not is_age(dates[name]):
                allowed = 'an age such as "100 days" or "12 hours"'
                raise UsageError(name, seen=quoted(dates[name]), allowed=allowed)
            self._put(members, created)
        if dates or "updated_date" in log:
            return
        if self._newest is None:
            self._put(members, self._now)
        elif EPOCH + timedelta(seconds=slot(index)[0]) < self._newest:
            later = min(self._newest + timedelta(hours=1), self._now)
            self._put(members, max(self._newest, later))

    def _put(self, members: Object, created: datetime) -> None:
        members[_LOG] = {**members.get(_LOG, {}), "created_date": write_date_time(created)}
        self._newest = max(self._newest or created, created)

    def limit(self, log: Object, members: Object) -> None:
        """Let the change that is generated be no later than now, if the creation is not."""
        chosen, now = members.get(_LOG), write_date_time(self._now)
        if not isinstance(chosen, Mapping):
            return
        if chosen.get("created_date") and "updated_date" not in chosen:
            log["updated_date"] = max(log["created_date"], min(log["updated_date"], now))
