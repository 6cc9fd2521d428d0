"""One generator in a process of its own: ``python -m benchmarks.generator_child ROW``."""

import sys
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import orjson

from benchmarks import children
from benchmarks.generators import FAKER, MIMESIS, OURS

Lines = Callable[[int, int], Iterator[bytes]]
_ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
_DAYS = ("2015-11-01", "2016-02-28")


def _ours(count: int, start: int) -> Iterator[bytes]:
    from crmcom_kit.fixtures import json_lines, stream

    return json_lines(stream("webhook_request", count=count, start=start, seed=7))


def _faker() -> Lines:
    """Call Faker for each field, as its documentation shows."""
    from datetime import date

    from faker import Faker

    fake = Faker("en_GB")
    fake.seed_instance(7)
    first, last = map(date.fromisoformat, _DAYS)

    def identifier() -> str:
        return str(fake.hexify("^" * 32, upper=True))

    def moment() -> str:
        return str(fake.date_time_between(first, last).isoformat())

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

    def record() -> dict[str, Any]:
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

    return lambda count, _start: _written(record, count)


def _mimesis() -> Lines:
    """Call mimesis for each field, as its documentation shows."""
    from mimesis import Generic
    from mimesis.enums import Algorithm
    from mimesis.locales import Locale

    fake = Generic(locale=Locale.EN_GB, seed=7)
    choose = fake.random.choice

    def identifier() -> str:
        return str(fake.cryptographic.hash(Algorithm.MD5)).upper()

    def moment() -> str:
        return str(fake.datetime.datetime(start=2015, end=2016).isoformat(timespec="seconds"))

    def unit() -> dict[str, Any]:
        return {
            "community_name": fake.finance.company(), "id": identifier(),
            "name": fake.address.city(), "group_name": fake.finance.company(),
            "description": fake.text.sentence(),
            "alternative_code": fake.random.generate_string_by_mask("U## @@@"),
        }  # fmt: skip

    def user() -> dict[str, Any]:
        return {
            "person_name": fake.person.full_name(), "username": fake.person.username(),
            "id": identifier(), "email": fake.person.email(),
        }  # fmt: skip

    def reference() -> dict[str, Any]:
        return {
            "id": identifier(), "name": fake.text.title(),
            "alternative_code": fake.random.generate_string_by_mask("@@@ ###"),
        }  # fmt: skip

    def record() -> dict[str, Any]:
        rejected = fake.random.random() < 0.4
        return {
            "response": identifier(), "entity": choose(_ENTITIES),
            "error_code": fake.text.word() if rejected else None,
            "error_description": fake.text.text(quantity=5)[:512] if rejected else None,
            "number": str(fake.numeric.integer_number(1, 99_999)), "url": fake.internet.url(),
            "request": identifier(),
            "log_information": {
                "updated_date": moment(), "created_date": moment(), "created_by_unit": unit(),
                "updated_by_unit": unit(), "created_by_user": user(), "updated_by_user": user(),
            },
            "authentication_code": fake.cryptographic.hash(Algorithm.SHA256),
            "life_cycle_state": "REJECTED" if rejected else "SUCCESSFUL",
            "entity_id": identifier(), "id": identifier(), "webhook_definition": reference(),
            "fields_set": ",".join(fake.text.words(quantity=5)), "workflow_rule": reference(),
        }  # fmt: skip

    return lambda count, _start: _written(record, count)


def _written(record: Callable[[], dict[str, Any]], count: int) -> Iterator[bytes]:
    return (orjson.dumps(record(), option=orjson.OPT_APPEND_NEWLINE) for _ in range(count))


def main() -> None:
    """Make records whenever asked to."""
    name = sys.argv[1]
    lines: Lines = {OURS: lambda: _ours, FAKER: _faker, MIMESIS: _mimesis}[name]()

    def make(count: int, start: int) -> dict[str, float]:
        before = process_time()
        size = children.count(lines(count, start))
        seconds = process_time() - before
        return {"records_per_second": count / seconds, "bytes": size / count}

    def memory(small: int, large: int) -> dict[str, Any]:
        """By how much making many records, and making a few, raises the peak of memory."""
        found = {}
        for count in (small, large):
            found[str(count)] = children.extra_memory(
                lambda count=count: children.count(lines(count, 0))
            )[1]
        return found

    children.serve({"make": make, "memory": memory})


if __name__ == "__main__":
    main()
