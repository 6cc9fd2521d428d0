"""Generated content for a world: all of it, more of it, or a single record."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import LocatedEntry, numbered, validated
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from crmcom_kit.fixtures import Entry

#: Largest index of a generated record.
MAX_START = 10_000_000
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


def generated_more(
    epoch: Epoch, count: int, start: int | None, knobs: Mapping[str, Any]
) -> Iterator[LocatedEntry]:
    """Return entries to add to a world: new reference data, and ``count`` records.

    ``start`` is the index of the first record, by default the one after the largest number in the
    world; ``knobs`` are other arguments of ``crmcom_kit.fixtures.world``.

    Raises:
        FixtureError: a knob is not allowed.
        UsageError: the largest number in the world leaves no room.
    """
    from crmcom_kit.fixtures import world as generate
    from crmcom_kit.fixtures.content.records import FIRST_NUMBER

    if start is None:
        start = epoch.reserve_numbers(count, minimum=FIRST_NUMBER) - FIRST_NUMBER
    if start > MAX_START:
        seen = f"no start, and number {start + FIRST_NUMBER - 1} exists already"
        raise UsageError("start", seen=seen, allowed=f"at most {MAX_START:,}")
    given = {"release": epoch.config.release.name, "dialect": epoch.config.dialect, **knobs}
    reference_data = (entry for entry in generate(**given, count=0) if _is_new(epoch, entry))
    records = generate(**given, count=count, start=start)
    new = chain(reference_data, (one for one in records if "webhook_request" in one))
    return numbered(new, _NAME)


def add_generated(world: World, index: int | None, members: Mapping[str, Any]) -> bytes:
    """Add a generated webhook request, some of whose members are given; return its body.

    ``index`` says which of the records generated from the world's seed, by default the one after
    the largest number in the world; ``members`` are as for ``crmcom_kit.fixtures.webhook_request``.

    Raises:
        FixtureError: no webhook request can have these members.
        DataError: it contradicts the world's content; nothing has changed.
    """
    from crmcom_kit.fixtures import Options, webhook_request_entries
    from crmcom_kit.fixtures.content.records import FIRST_NUMBER

    options = Options(seed=world.config.seed, release=world.release.name, dialect=world.dialect)
    ids = []

    def entries_for(epoch: Epoch) -> Iterator[LocatedEntry]:
        at = index
        if at is None:
            at = epoch.reserve_numbers(1, minimum=FIRST_NUMBER) - FIRST_NUMBER
        entries = webhook_request_entries(options=options, index=at, **members)
        ids.append(entries[-1]["webhook_request"]["record"]["id"])
        new = (entry for entry in entries if "webhook_request" in entry or _is_new(epoch, entry))
        return validated((LocatedEntry(one, "the webhook request") for one in new), world.release)

    world.add_built_for(entries_for)
    body = world.store.body("id", ids[0])
    assert body is not None  # noqa: S101 - it was added just now
    return body


def _is_new(epoch: Epoch, entry: "Entry") -> bool:
    """Return True if a world lacks an entry of reference data."""
    ((kind, value),) = entry.items()
    return epoch.reference_data.directory(kind).find("id", value["id"]) is None
