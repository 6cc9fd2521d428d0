"""Generated webhook requests a second, as JSON Lines, beside Faker."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from statistics import median
from time import process_time
from typing import Any

import orjson
from faker import Faker

from benchmarks.report import Plan, Section, number, ratio, spread
from crmcom_kit.fixtures import json_lines, stream, world

_OURS, _WORLD, _FAKER = "`fixtures`", "`fixtures --kind world`", "Faker, a call for each field"
_ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
_FIRST, _LAST = date(2015, 11, 1), date(2016, 2, 28)


def measure(plan: Plan) -> Section:
    """Visit every row in every round."""
    fake = Faker("en_GB")
    fake.seed_instance(7)
    many, few = plan.pick(20_000, 2_000), plan.pick(600, 100)
    rows: dict[str, tuple[int, Callable[[int], Iterable[bytes]]]] = {
        _OURS: (many, lambda count: json_lines(stream("webhook_request", count=count, seed=7))),
        _WORLD: (many, lambda count: json_lines(world(count=count, seed=7))),
        _FAKER: (few, lambda count: _by_faker(fake, count)),
    }
    rates: dict[str, list[float]] = {name: [] for name in rows}
    sizes: dict[str, float] = {}
    for _ in range(plan.rounds):
        for name, (count, lines) in rows.items():
            began = process_time()
            size = sum(map(len, lines(count)))
            rates[name].append(count / (process_time() - began))
            sizes[name] = size / count
    section = Section("Fixtures")
    section.table(
        ("generator", "records/s of CPU time", "`fixtures`, times as many", "bytes each"),
        (
            (name, spread(found), number(ratio(rates[_OURS], found)), number(sizes[name]))
            for name, found in rates.items()
        ),
    )
    ours, theirs = median(rates[_OURS]), median(rates[_FAKER])
    section.compare("fixtures", ours, "Faker", theirs, unit="records/s", more_is_better=True)
    return section


def _by_faker(fake: Faker, count: int) -> Iterator[bytes]:
    return (orjson.dumps(_record(fake)) + b"\n" for _ in range(count))


def _record(fake: Faker) -> dict[str, Any]:
    """Return a webhook request as Faker's documentation would make it."""

    def identifier() -> str:
        return str(fake.hexify("^" * 32, upper=True))

    def moment() -> str:
        return str(fake.date_time_between(_FIRST, _LAST).isoformat())

    def unit() -> dict[str, Any]:
        return {
            "community_name": fake.company(), "id": identifier(), "name": fake.city(),
            "group_name": fake.company(), "description": fake.sentence(),
            "alternative_code": fake.bothify("U## ???"),
        }  # fmt: skip

    def user() -> dict[str, Any]:
        return {
            "person_name": fake.name(), "username": fake.user_name(), "id": identifier(),
            "email": fake.email(),
        }  # fmt: skip

    def reference() -> dict[str, Any]:
        return {
            "id": identifier(), "name": fake.catch_phrase(),
            "alternative_code": fake.bothify("??? ###"),
        }  # fmt: skip

    rejected = fake.boolean(chance_of_getting_true=40)
    return {
        "response": identifier(), "entity": fake.random_element(_ENTITIES),
        "error_code": fake.word() if rejected else None,
        "error_description": fake.text(512) if rejected else None,
        "number": fake.numerify("%####"), "url": fake.url(), "request": identifier(),
        "log_information": {
            "updated_date": moment(), "created_date": moment(), "created_by_unit": unit(),
            "updated_by_unit": unit(), "created_by_user": user(), "updated_by_user": user(),
        },
        "authentication_code": fake.sha256(),
        "life_cycle_state": "REJECTED" if rejected else "SUCCESSFUL",
        "entity_id": identifier(), "id": identifier(), "webhook_definition": reference(),
        "fields_set": ",".join(fake.words(5)), "workflow_rule": reference(),
    }  # fmt: skip
