"""Values of any JSON type at any place: checked or ignored, never an error of the kit itself."""

import copy
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from helpers.conversations import Conversation, exchange, request
from helpers.recordings import (
    IDENTIFIER,
    LOGIN,
    TOKEN,
    Entry,
    changed,
    listed,
    logged,
    ok,
    record,
    show,
)
from helpers.sound_servers import checked
from hypothesis import given
from hypothesis import strategies as st
from sound_server.choices import Choices
from sound_server.reading import Request
from sound_server.server import Reply, SoundServer

from crmcom_kit.contract_tests.calibration.calibrate import (
    NothingToLearn,
    learn_profile,
    profile_files,
)
from crmcom_kit.contract_tests.calibration.world import world_of
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.oracle import lists
from crmcom_kit.contract_tests.oracle.findings import MAX_TEXT, Violation
from crmcom_kit.contract_tests.recorded.reading import read_recording
from crmcom_kit.contract_tests.reports.files import write, writers
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.run import run
from crmcom_kit.schemas.methods import methods, response_fields

JOBS = {"entity": "JOBS"}
DEEP: Any = json.loads("[" * 190 + "]" * 190)
ODD = st.sampled_from(
    [None, True, 0, -1, 10**30, 10**400, 1e308, float("nan"), float("inf"), "", " ", "\ud800", "\0",
     "9" * 5000, "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00", "2016-02-30T00:00:00",
     [], {}, [[]], {"": None}, {"id": {}}, {"id": 5, "name": []}, DEEP, ...]
)  # fmt: skip
LOG = "log_information"
PLACES = [(name,) for name in response_fields()] + [
    (LOG, "created_date"), (LOG, "updated_date"), (LOG, "created_by_user"),
    (LOG, "created_by_user", "username"), (LOG, "created_by_unit", "name"),
    ("webhook_definition", "id"), ("workflow_rule", "name"),
]  # fmt: skip


def spoiled(original: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return a copy with another value at a place, or without it if the value is ``...``."""
    changed_copy = copy.deepcopy(original)
    inside: Any = changed_copy
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    if value is ...:
        del inside[path[-1]]
    return changed_copy


def all_methods(odd: dict[str, Any]) -> Iterator[Entry]:
    """Yield requests of each method whose responses have an odd webhook request."""
    for filters in (
        {}, {**JOBS, "created_date": "2015-11-02"}, {**JOBS, "url": record(1)["url"]},
        {**JOBS, "number_of_results": 1}, {**JOBS, "fields_set": "id,url"},
        {"workflow_rule_identifier": {"name": "Activity is created"}, "entity_id": "E1"},
    ):  # fmt: skip
        yield listed([odd, record(2)], **filters)
    yield show(odd)
    yield show(odd, fields_set="id,number")
    yield changed("resend", odd)
    yield show(odd)
    yield changed("delete", odd)
    yield listed([odd, odd])
    yield logged("delete", {"token": TOKEN, IDENTIFIER: {"number": "1"}}, ok(odd))


@given(place=st.sampled_from(PLACES), value=ODD, known=st.booleans())
def test_a_webhook_request_may_hold_anything(
    *, place: tuple[str, ...], value: Any, known: bool
) -> None:
    """Each method may return one with an odd member, before a right one was seen and after."""
    conversation = Conversation(*([listed([record(1), record(2)])] if known else []))
    for made in all_methods(spoiled(record(1), place, value)):
        conversation.hear(made)  # which fails on an error of the oracle


@given(place=st.sampled_from(["code", "message", "description"]), value=ODD, data=ODD)
def test_an_envelope_may_hold_anything(*, place: str, value: Any, data: Any) -> None:
    """Its texts and its data may be of any type, or missing, of a success and of an error."""
    conversation = Conversation(listed([record(1)]))
    status = spoiled({"code": "OK", "message": "", "description": ""}, (place,), value)
    body = {"status": status} if data is ... else {"status": status, "data": data}
    for made in (*all_methods({}), logged("token", LOGIN, ok({}))):
        made["response"]["content"]["text"] = json.dumps(body)
        conversation.hear(made)


@given(
    value=ODD.filter(lambda value: value is not ...), name=st.sampled_from(["id", "number", "x"])
)
def test_a_request_may_ask_for_anything(*, value: Any, name: str) -> None:
    """A recording may have any identifier and any parameters; a body or none."""
    conversation = Conversation(listed([record(1)]))
    for method in ("resend", "delete", "token", "token_release"):
        about = methods(conversation.belief.release)[method]
        for body in ({IDENTIFIER: {name: value}}, {IDENTIFIER: value}, {"token": value}, value):
            sent = {"token": TOKEN, **body} if isinstance(body, dict) else body
            conversation.hear(request("POST", about.path, json.dumps(sent)))


def test_a_query_may_be_anything() -> None:
    """A query that parsers read differently is unclear, and accuses no server."""
    for query in (
        "", "&&=&", "%", "%ZZ=%FF", f"{IDENTIFIER}=%ED%A0%80", "entity=%00", "a" * 10_000, "é=é",
        "created_date=0000-00-00&entity=JOBS", "created_date=9999-12-31&entity=JOBS",
        "created_date=0001-01-01T00:00:00&entity=JOBS", "number_of_results=٣&entity=JOBS",
    ):  # fmt: skip
        conversation = Conversation(listed([record(1)]))
        for method in ("show", "list"):
            made = request("GET", f"webhook_requests/{method}?token={TOKEN}&{query}")
            made["response"]["content"]["text"] = ok([record(1)])[1]
            conversation.hear(made)


def test_an_error_of_a_check_is_not_an_error_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the run has the name of the check; the other checks go on."""

    def fail(*_: object) -> None:
        msg = "no such thing"
        raise LookupError(msg)

    conversation = Conversation(listed([record(1)]))
    monkeypatch.setattr(lists, "observe", fail)
    wrong = listed([record(1, url=5), record(2)])
    seen = conversation.oracle.observe(exchange(wrong, 2))
    assert [(name, str(error)) for name, error in seen.errors] == [("lists", "no such thing")]
    assert seen.suspicions[0].hypotheses[0].statement == "response.url"
    assert record(2)["id"] in conversation.belief.records.by_id


def test_texts_of_a_report_have_an_end() -> None:
    """However long the names and values of a server are."""
    shown = exchange(show(record(1)), 1)
    violation = Violation(
        "show.single_result", (shown,), expected="y" * 100_000, seen="z" * 100_000
    )
    assert max(len(violation.expected), len(violation.seen)) <= MAX_TEXT
    changed_url = Conversation(show(record(1)), show(record(1, url="9" * 100_000)))
    for suspicion in changed_url.suspicions:
        assert len(suspicion.expected) + len(suspicion.seen) <= MAX_TEXT


def test_no_surrogate_is_learned() -> None:
    """A unit with a surrogate in its name is not the run's own in a calibrated mock."""
    log = record(1)["log_information"] | {"updated_date": "2026-01-01T00:00:00"}
    for name in ("Main", "\ud800"):
        done = record(1, log_information=log | {"updated_by_unit": {"id": "9", "name": name}})
        seen = Conversation(show(record(1)), changed("resend", done)).exchanges
        assert (world_of(seen).unit is None) == (name != "Main")


def test_no_endless_number_is_learned() -> None:
    """Python reads no number of more than some thousand digits."""
    many = [record(at) | {"number": f"{'9' * 5_000}{at}"} for at in (1, 2)]
    assert world_of(Conversation(listed([*many, record(3)])).exchanges).records == {
        record(3)["id"]: record(3)
    }


# Whole runs.


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        yield (*path, name)
        if isinstance(member, dict | list):
            yield from places(member, (*path, name))


class Spoiling(SoundServer):
    """A sound server behind something that puts odd values into its responses."""

    def behind_gateway(self, request: Request) -> Reply:
        reply, random = super().behind_gateway(request), Random(f"{self.seed} {self.requests}")
        is_login = "authentication" in request.path
        if random.random() < (0.95 if is_login else 0.6):
            return reply
        body = json.loads(reply.body)
        odd = [None, 7, float("nan"), "", "\ud800", "9" * 5000, [], {"id": {}}, [{"id": "x"}], DEEP]
        path = random.choice([*places(body)])
        inside = body
        for name in path[:-1]:
            inside = inside[name]
        inside[path[-1]] = random.choice([*odd, "9999-12-31T23:59:59-02:00"])
        return replace(reply, body=json.dumps(body).encode())


@pytest.mark.parametrize("seed", range(6 if os.environ.get("CI") else 2))
def test_no_value_ends_a_run(seed: int, tmp_path: Path) -> None:
    """Nor a report, a calibration, or a recording."""
    server = Spoiling(Choices(), ("R13", "R9", "R18")[seed % 3], seed)
    results = checked(server, seed=seed, limits=Limits(max_requests=150))
    assert "internal error" not in str(results.trouble)
    har = tmp_path / "r.har"
    assert not write(writers(Report(results)), {"har": har, "html": tmp_path / "r.html"})

    recording = read_recording([har], results.target.release)
    again = run(results.target, RunConfig(recording=recording))
    assert "internal error" not in str(again.trouble)

    ticks = iter(range(100))
    with suppress(NothingToLearn):
        calibration = learn_profile(results, again, is_time_up=lambda: next(ticks, None) is None)
        profile_files(calibration, keep_personal_data=bool(seed % 2))
