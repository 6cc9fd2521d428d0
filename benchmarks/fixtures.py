"""Generated webhook requests a second, as JSON Lines, beside Faker."""

from collections.abc import Callable, Iterable
from datetime import date
from statistics import median
from time import process_time
from typing import Any

import orjson
from faker import Faker

from benchmarks.report import Plan, Section, ratio, spread
from crmcom_kit.fixtures import json_lines, stream

_OURS, _FAKER = "`crmcom-kit fixtures`", "Faker, a call for each field"
_ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
_FIRST, _LAST = date(2015, 11, 1), date(2016, 2, 28)


def measure(plan: Plan) -> Section:
    """Make records of our own, and as Faker's documentation would make them."""
    fake = Faker("en_GB")
    fake.seed_instance(7)
    many, few = plan.pick(20_000, 2_000), plan.pick(600, 100)

    def ours() -> Iterable[bytes]:
        return json_lines(stream("webhook_request", count=many, seed=7))

    def fakers() -> Iterable[bytes]:
        return (orjson.dumps(_record(fake)) + b"\n" for _ in range(few))

    found = plan.visit(
        {_OURS: lambda: _per_second(many, ours), _FAKER: lambda: _per_second(few, fakers)}
    )
    section = Section("Fixtures")
    section.table(
        ("generator", "records/s of CPU time"),
        ((name, spread(each)) for name, each in found.items()),
    )
    sizes = [sum(map(len, ours())) / many, sum(map(len, fakers())) / few]
    section.lines.append(
        f"{ratio(found[_OURS], found[_FAKER]):.0f} times as many; a record has {sizes[0]:,.0f} "
        f"bytes, and {sizes[1]:,.0f} by Faker."
    )
    rates = median(found[_OURS]), median(found[_FAKER])
    section.compare("records/s", rates[0], "Faker", rates[1], more_is_better=True)
    return section


def _per_second(count: int, lines: Callable[[], Iterable[bytes]]) -> float:
    began = process_time()
    for _ in lines():
        pass
    return count / (process_time() - began)


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
