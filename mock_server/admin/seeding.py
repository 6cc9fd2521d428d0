"""The operation that fills a world with generated data."""

from collections.abc import Iterator
from datetime import datetime, time
from itertools import chain
from typing import Any

from crmcom_kit.fixtures import Entry, FixtureError, world
from crmcom_kit.fixtures.webhook_requests import FIRST_NUMBER
from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import DataError, LocatedEntry
from crmcom_kit.schemas.formats import parse_date, parse_date_time

MAX_START = 10_000_000
_DATES = {"from": ("date_from", time.min), "to": ("date_to", time(23, 59, 59))}
_BESIDE_A_SCENARIO = ("scenario", "seed", "count")


def seed(call: Call) -> Any:
    """Fill the world with generated data, or add some to what is there."""
    asked = {"seed": call.world.settings.seed, "count": 200, **(call.body or {})}
    adds = asked.pop("add", False)
    try:
        if not adds:
            epoch = call.world.fill(_placed(_generated(call.world, asked)), begun=call.epoch)
            count = len(epoch.store)
            return {"epoch": epoch.number, "added": count, "webhook_requests": count}
        added = call.world.add_beside(lambda epoch: _placed(_more(epoch, asked)), begun=call.epoch)
    except FixtureError as error:
        raise DataError(_as_asked(str(error))) from None
    count = len(call.epoch.store)
    return {"epoch": call.epoch.number, "added": added, "webhook_requests": count}


def _as_asked(text: str) -> str:
    """Return the generator's error with the names that a caller of the control API knows."""
    for name, (knob, _) in _DATES.items():
        text = text.replace(knob, name)
    return text


def _placed(entries: Iterator[Entry]) -> list[LocatedEntry]:
    return [LocatedEntry(entry, f"generated entry {at}") for at, entry in enumerate(entries)]


def _generated(found: World, asked: dict[str, Any]) -> Iterator[Entry]:
    """Return the entries of a whole world."""
    release = found.release.name
    if "scenario" not in asked:
        return world(release=release, dialect=found.dialect, **_knobs(asked))
    from crmcom_kit.fixtures.scenarios import SCENARIOS

    beside = next((name for name in asked if name not in _BESIDE_A_SCENARIO), None)
    if beside is not None:
        raise UsageError(beside, seen="beside a scenario", allowed="seed and count there")
    make = SCENARIOS[asked["scenario"]]
    return make(seed=asked["seed"], count=asked["count"], release=release)


def _more(found: Epoch, asked: dict[str, Any]) -> Iterator[Entry]:
    """Return entries that go beside those that are there: new reference data, and records."""
    if "scenario" in asked:
        raise UsageError(
            "add", seen="true with a scenario", allowed="false, since it is a whole world"
        )
    knobs = _knobs(asked)
    count, start = knobs.pop("count"), knobs.pop("start", None)
    if start is None:
        start = found.promise_numbers(count, least=FIRST_NUMBER) - FIRST_NUMBER
    if start > MAX_START:
        seen = f"nothing, and webhook request number {start + FIRST_NUMBER - 1} is there"
        raise UsageError("start", seen=seen, allowed=f"at most {MAX_START:,}")
    reference_data, release = found.reference_data, found.release.name
    around = world(release=release, dialect=found.dialect, count=0, **knobs)
    new = (
        entry
        for entry in around
        for kind, value in entry.items()
        if reference_data.directory(kind).find("id", value["id"]) is None
    )
    records = world(release=release, dialect=found.dialect, count=count, start=start, **knobs)
    return chain(new, (entry for entry in records if "webhook_request" in entry))


def _knobs(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked for as the generator names it. Raises UsageError."""
    knobs = dict(asked)
    for name, (knob, at) in _DATES.items():
        if name in knobs:
            knobs[knob] = _moment(name, knobs.pop(name), at)
    return knobs


def _moment(name: str, text: str, at: time) -> datetime:
    try:
        return parse_date_time(text) if "T" in text else datetime.combine(parse_date(text), at)
    except ValueError:
        allowed = "yyyy-MM-dd or yyyy-MM-ddTHH:mm:ss, a day that there is"
        raise UsageError(name, seen=text, allowed=allowed) from None


OPERATIONS = {"seed": seed}
