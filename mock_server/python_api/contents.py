"""What a world holds, as a test fills it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from crmcom_kit.fixtures.options import one_of
from crmcom_kit.mock_server.python_api.arguments import whole
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import LocatedEntry, file_entries, validated

_MAX_RECORDS = 10_000_000

Entries = str | Path | Iterable[dict[str, Any]]


def filled(
    world: World, entries: Entries | None, scenario: str | None, knobs: Mapping[str, Any]
) -> int:
    """Fill a world with entries, a scenario or generated data; return how many records it has.

    Raises:
        DataError, FixtureError: it cannot be filled so, and nothing has changed.
        UsageError: more than one of the three is asked for, or another release or dialect.
    """
    if entries is not None and not isinstance(entries, Iterable | Path):
        raise UsageError("entries", seen=repr(entries), allowed="world entries, or a file of them")
    if entries is not None and (scenario is not None or knobs):
        raise UsageError(
            "entries", seen="beside others", allowed="them alone, or a scenario or knobs"
        )
    placed = _generated(world, scenario, knobs) if entries is None else _given(world, entries)
    return len(world.fill(placed).store)


def _given(world: World, entries: Entries) -> Iterator[LocatedEntry]:
    if isinstance(entries, str | Path):
        return file_entries(Path(entries), world.release)
    placed = (LocatedEntry(entry, f"entry {at}") for at, entry in enumerate(entries))
    return validated(placed, world.release)


def _generated(
    world: World, scenario: str | None, knobs: Mapping[str, Any]
) -> Iterator[LocatedEntry]:
    from crmcom_kit.fixtures import world as generated
    from crmcom_kit.fixtures.scenarios import SCENARIOS

    for name in ("release", "dialect"):
        if name in knobs:
            raise UsageError(name, seen="among the knobs", allowed="that of the mock alone")
    if "count" in knobs:
        whole("count", knobs["count"], 0, _MAX_RECORDS)
    for name in () if scenario is None else knobs.keys() - {"seed", "count"}:
        raise UsageError(name, seen="beside a scenario", allowed="seed or count")
    given = {"seed": world.settings.seed, "release": world.release.name, **knobs}
    if scenario is None:
        made = generated(**{"dialect": world.dialect, **given})
    else:
        made = SCENARIOS[one_of("scenario", scenario, SCENARIOS)](**given)
    return (LocatedEntry(entry, f"generated entry {at}") for at, entry in enumerate(made))


def added(world: World, index: int | None, overrides: Mapping[str, Any]) -> bytes:
    """Add a webhook request with members of the test's own choice; return its body.

    Raises:
        FixtureError: no webhook request can have these members.
        DataError: it contradicts what is there, and nothing has changed.
    """
    from crmcom_kit.fixtures import Options, webhook_request_entries
    from crmcom_kit.fixtures.webhook_requests import FIRST_NUMBER

    options = Options(seed=world.settings.seed, release=world.release.name, dialect=world.dialect)
    ids = []

    def made(epoch: Epoch) -> Iterator[LocatedEntry]:
        at = index
        if at is None:
            at = epoch.promise_numbers(1, least=FIRST_NUMBER) - FIRST_NUMBER
        entries = webhook_request_entries(options=options, index=at, **overrides)
        ids.append(entries[-1]["webhook_request"]["record"]["id"])
        new = [entry for entry in entries if not _is_there(epoch, entry)]
        return validated(
            [LocatedEntry(entry, "the webhook request") for entry in new], world.release
        )

    world.add_beside(made)
    body = world.store.body("id", ids[0])
    assert body is not None  # noqa: S101 - it was added just now
    return body


def _is_there(epoch: Epoch, entry: dict[str, Any]) -> bool:
    ((kind, value),) = entry.items()
    if kind == "webhook_request":
        return False
    return epoch.reference_data.directory(kind).find("id", value["id"]) is not None
