"""Generated content for a world: all of it, or a single record."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.references import check_references
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import (
    DataError,
    LocatedEntry,
    lacking,
    numbered,
    validated,
)
from crmcom_kit.schemas import response_fields
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from crmcom_kit.fixtures import Entry

#: How many webhook requests can be filled in at once.
MAX_FILLED_IN = 1_000
_NAME = "generated entry"  # in messages


def generated(
    world: World, scenario: str | None, knobs: Mapping[str, Any]
) -> Iterator[LocatedEntry]:
    """Return entries for the whole content of a world, from the generator or a scenario.

    ``scenario`` is a name of ``crmcom_kit.fixtures.scenarios.SCENARIOS``, which takes the knobs
    ``seed`` and ``count``. The others are arguments of ``crmcom_kit.fixtures.world``.

    Raises:
        FixtureError: a knob is not allowed, or there is no such scenario.
        UsageError: a scenario with other knobs.
    """
    from crmcom_kit.fixtures import world as generate
    from crmcom_kit.fixtures.options import one_of
    from crmcom_kit.fixtures.scenarios import SCENARIOS

    given = {"seed": world.config.seed, "release": world.release.name, **knobs}
    if scenario is None:
        return numbered(generate(**{"dialect": world.dialect, **given}), _NAME)
    for name in knobs:
        if name not in ("seed", "count"):
            raise UsageError(name, seen="with a scenario", allowed="seed or count")
    return numbered(SCENARIOS[one_of("scenario", scenario, SCENARIOS)](**given), _NAME)


class Added(NamedTuple):
    """What was added to a world."""

    records: int  # how many webhook requests
    filled_in: list[Record]  # those of them that lacked members


def add_partial(epoch: Epoch, world: World, entries: Iterable[LocatedEntry]) -> Added:
    """Add entries to a world; a webhook request that lacks members gets generated ones.

    All are added, or none.

    Raises:
        DataError: no webhook request can have the given members, or an entry contradicts another
            one or the content, has a name that is taken, or refers to nothing; nothing has changed.
        UsageError: too many of them lack members.
        Conflict: ``epoch`` is not the current one; nothing has changed.
    """
    from crmcom_kit.fixtures import FixtureError

    given = list(_few_partial(entries))  # not under the lock: reading them may be slow
    ids: list[str] = []

    def entries_for(epoch: Epoch) -> Iterator[LocatedEntry]:
        check_references(epoch.reference_data, given)
        for one in given:
            if not lacking(one.entry):
                yield one
                continue
            try:
                filled_in = _filled_in(epoch, one.entry["webhook_request"], one.place)
            except FixtureError as error:
                msg = f"{one.place}: {error}"
                raise DataError(msg) from None
            ids.append(_id_of(filled_in))
            yield from filled_in

    added = world.add(entries_for, expected_epoch=epoch)
    records = (epoch.store.get("id", one) for one in ids)  # None if it was deleted meanwhile
    return Added(added, [record for record in records if record is not None])


def _few_partial(entries: Iterable[LocatedEntry]) -> Iterator[LocatedEntry]:
    """Yield entries. Raises UsageError if too many lack members."""
    left = MAX_FILLED_IN
    for located in entries:
        left -= bool(lacking(located.entry))
        if left < 0:
            allowed = f"at most {MAX_FILLED_IN:,}"
            raise UsageError(
                "body", seen="more webhook requests that lack members", allowed=allowed
            )
        yield located


def _filled_in(epoch: Epoch, given: Mapping[str, Any], place: str) -> list[LocatedEntry]:
    """Return what a world needs to have a webhook request, itself last.

    ``given`` is an entry's value: a record with some members, and the data object if that is given.
    Raises FixtureError: no webhook request can have its members.
    """
    from crmcom_kit.fixtures import Options, webhook_request_entries
    from crmcom_kit.fixtures.content.records import FIRST_NUMBER
    from crmcom_kit.fixtures.options import one_of

    members = dict(given["record"])
    for name in members:
        one_of("webhook_request", name, response_fields())
    others = {name: value for name, value in given.items() if name != "record"}
    if isinstance(others.get("data"), dict) and isinstance(others["data"].get("id"), str):
        members.setdefault("entity_id", others["data"]["id"])
    config = epoch.config
    options = Options(seed=config.seed, release=config.release.name, dialect=config.dialect)
    at = epoch.next_number(minimum=FIRST_NUMBER) - FIRST_NUMBER
    entries = webhook_request_entries(options=options, index=at, **members)
    entries[-1]["webhook_request"] |= others
    new = (entry for entry in entries if "webhook_request" in entry or _is_new(epoch, entry))
    return list(validated((LocatedEntry(one, place) for one in new), config.release))


def _id_of(entries: list[LocatedEntry]) -> str:
    """Return the id of the webhook request that is the last of ``entries``."""
    found: str = entries[-1].entry["webhook_request"]["record"]["id"]
    return found


def _is_new(epoch: Epoch, entry: "Entry") -> bool:
    """Return True if a world lacks an entry of reference data."""
    ((kind, value),) = entry.items()
    return epoch.reference_data.directory(kind).find("id", value["id"]) is None
