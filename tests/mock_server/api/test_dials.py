"""Each dial of requests and lists does what it says: a probe sees the difference for every choice.

The dials of records, resend and logins are in test_dials_records, those of the error kinds in
test_error_kinds; a dial or choice that no probe knows fails here.
"""

import json
from typing import Any

import pytest
from helpers.dial_probes import Probe, hold, kind, kinds_of, seen

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.schemas import Dialect, dials, response_fields

TOPICS = {"errors", "envelope", "list", "fields_set", "paging", "identifiers", "requests"}
ELSEWHERE = {
    *("dates", "record", "resend", "delete", "login", "tokens"),
    *("delivery", "signing", "message"),
}
SHOW = "webhook_requests/show"
NO_TOKEN = "token: seen nothing; allowed is a token from a login method"
NUMBER_0 = "webhook_request_identifier=number=0"
NUMBER_7 = "webhook_request_identifier=number=7"
MOMENT = "2015-11-02T16:03:33"  # when webhook request 7 was created
URL = "http://127.0.0.1:9080/crmapi/rest/v2/activities/create"


def entities(mock: Any, **filters: str) -> Any:
    return seen(mock, mock.list(**filters), lambda data: sorted({r["entity"] for r in data}))


def has_7(mock: Any, *wanted: str, name: str = "created_date") -> list[bool]:
    """Return whether lists by these values of a filter have webhook request 7."""
    lists = [mock.list(entity="ACTIVITIES", **{name: value}).data for value in wanted]
    return ["7" in [record["number"] for record in records] for records in lists]


def page(mock: Any, **paging: str) -> Any:
    """How many of the 45 subscriptions a page has, or the kind of its error."""
    return seen(mock, mock.list(entity="SUBSCRIPTIONS", **paging), len)


def fields(mock: Any, names: str) -> Any:
    """The fields that a fields_set selects, or the kind of its error."""
    return seen(mock, mock.show(fields_set=names), sorted)


def texts(reply: Any) -> list[Any]:
    return [reply.json["status"][name] for name in ("message", "description")]


def renumbered() -> list[Any]:
    """The sample world with numbers that are in no order of the records'."""
    entries = [json.loads(line) for line in sample_world_path().read_bytes().splitlines()]
    for entry in entries:
        if "webhook_request" in entry:
            record = entry["webhook_request"]["record"]
            record["number"] = str(int(record["number"]) * 7 % 211)
    return entries


ORDERS: dict[tuple[str, ...], Any] = {
    ("added",): lambda r: r["log_information"]["created_date"],
    ("number",): lambda r: int(r["number"]),
    ("number text",): lambda r: r["number"],
    ("id",): lambda r: r["id"],
    ("changed_date", "id"): lambda r: (r["log_information"]["updated_date"], r["id"]),
    ("life_cycle_state", "workflow_rule.name", "number text"): lambda r: (
        r["life_cycle_state"], r["workflow_rule"]["name"], r["number"],
    ),
}  # fmt: skip
DOWN = {tuple(f"{key} desc" for key in keys): value for keys, value in ORDERS.items()}


def orders_of_a_list(mock: Any) -> list[tuple[str, ...]]:
    """What a list is in the order of, after one of its records was sent again."""
    records = [r for r in mock.records().values() if r["entity"] == "JOBS"]
    rejected = sorted(r["number"] for r in records if r["life_cycle_state"] == "REJECTED")
    mock.resend(rejected[len(rejected) // 2])
    listed = mock.list(entity="JOBS").data
    up = [keys for keys, value in ORDERS.items() if listed == sorted(listed, key=value)]
    return up + [
        keys for keys, value in DOWN.items() if listed == sorted(listed, key=value, reverse=True)
    ]


def with_warnings(mock: Any, reply: Any) -> tuple[str, int]:
    """What comes of a call, and how many warnings."""
    return kind(mock, reply), len(reply.warnings)


PROBES: dict[str, Probe] = {
    "errors.data": Probe(lambda mock: mock.show("number=0").json.get("data", "absent"),
        {"absent": "absent", "null": None, "object": {}, "array": [], "empty": "", "false": False}),
    "errors.description": Probe(lambda mock: texts(mock.send("GET", SHOW))[1],
        {"empty": "", "null": None, "detail": NO_TOKEN}),
    "errors.message_form": Probe(lambda mock: texts(mock.send("GET", SHOW))[0],
        {"text": f"A token is mandatory. {NO_TOKEN}", "empty": "", "null": None}),
    "errors.token_first": Probe(kinds_of(lambda mock: mock.send("GET", SHOW)),
        {True: ["missing_token"], False: ["missing_parameter"]}),
    "envelope.empty_text": Probe(
        lambda mock: texts(mock.show()), {"empty": ["", ""], "null": [None, None]}),
    "envelope.login_empty_text": Probe(
        lambda mock: texts(mock.login()), {"null": [None, None], "empty": ["", ""]}),
    "envelope.key_order": Probe(
        lambda mock: [*mock.show().json, *mock.show().json["status"], next(iter(mock.show().data))],
        {"older": ["status", "data", "message", "description", "code", "response"],
         "newer": ["data", "status", "code", "description", "message", "request"],
         "documented": ["status", "data", "code", "message", "description", "id"]}),
    "envelope.content_type": Probe(
        lambda mock: [reply.headers["Content-Type"] for reply in (mock.show(), mock.show(""))],
        {choice: [choice] * 2 for choice in dials()["envelope.content_type"].choices}),
    "list.created_date.match": Probe(lambda mock: has_7(
            mock, MOMENT, "2015-11-02T16:03:32", "2015-11-02T16:03:34", "2015-11-02", "2015-11-01"),
        {"day": [True, True, True, True, False],
         "instant": [True, False, False, False, False],
         "from": [True, True, False, True, True]}),
    "list.created_date.form": Probe(kinds_of(
            lambda mock: mock.list(entity="JOBS", created_date=MOMENT[:10]),
            lambda mock: mock.list(entity="JOBS", created_date=MOMENT)),
        {"either": ["OK", "OK"],
         "date": ["OK", "bad_date"],
         "date_time": ["bad_date", "OK"],
         "neither": ["bad_date", "bad_date"]}),
    "list.created_date.utc_offset": Probe(
        lambda mock: has_7(mock, MOMENT, "2015-11-03T00:03:33", "2015-11-02T02:03:33"),
        {"+00:00": [True, False, False],
         "+08:00": [False, True, False],
         "-14:00": [False, False, True]}, besides={"list.created_date.match": "instant"}),
    "list.case_sensitive": Probe(lambda mock: [entities(mock, entity="jobs"),
            entities(mock, entity="JOBS", life_cycle_state="rejected")],
        {True: ["unsupported_entity", "bad_life_cycle_state"], False: [["JOBS"], ["JOBS"]]}),
    "list.comma_lists": Probe(lambda mock: [entities(mock, entity="JOBS,ACTIVITIES"),
            entities(mock, entity="JOBS", life_cycle_state="REJECTED,SUCCESSFUL")],
        {False: ["unsupported_entity", "bad_life_cycle_state"],
         True: [["ACTIVITIES", "JOBS"], ["JOBS"]]}),
    "list.url.match": Probe(lambda mock: has_7(mock, URL, URL[:-1], URL[1:], name="url"),
        {"exact": [True, False, False],
         "prefix": [True, True, False],
         "contains": [True, True, True]}),
    "list.entity_id_alone": Probe(kinds_of(lambda mock: mock.list(entity_id="1"),
            lambda mock: mock.list(entity_id="1", entity="JOBS")),
        {True: ["OK", "OK"], False: ["no_semi_optional", "OK"]}),
    "list.combine": Probe(lambda mock: entities(
            mock, entity="JOBS", workflow_rule_identifier="alternative_code=ACT DONE"),
        {"all": [], "any": ["ACTIVITIES", "JOBS"]}),
    "list.unknown_reference": Probe(lambda mock: [
            entities(mock, webhook_definition_identifier="id=0"),
            entities(mock, workflow_rule_identifier="id=0")],
        {"error": ["unknown_webhook_definition", "unknown_workflow_rule"], "empty": [[], []]}),
    "list.empty": Probe(lambda mock: mock.list(entity_id="0").json.get("data", "absent"),
        {"array": [], "null": None, "absent": "absent"}),
    "list.order": Probe(orders_of_a_list,
        {keys: [keys] for keys in (*ORDERS, *DOWN)}, "R15", data=renumbered),
    "fields_set.unknown_name": Probe(lambda mock: fields(mock, "id,nonsense"),
        {"error": "bad_fields_set", "ignore": ["id"]}),
    "fields_set.nested": Probe(lambda mock: seen(mock,
            mock.show(fields_set="log_information.created_date,number"),
            lambda data: len(data["log_information"])),
        {"error": "bad_fields_set", "select": 1, "whole": 6}),
    "fields_set.spaces": Probe(lambda mock: fields(mock, " id , number"),
        {"strip": ["id", "number"], "keep": "bad_fields_set"}),
    "fields_set.duplicates": Probe(lambda mock: fields(mock, "id,number,id"),
        {"accept": ["id", "number"], "error": "bad_fields_set"}),
    "fields_set.empty": Probe(lambda mock: [fields(mock, ""), fields(mock, " ")],
        {"all": [sorted(response_fields())] * 2,
         "error": ["bad_fields_set"] * 2,
         "none": [[], []]}),
    "fields_set.always_id": Probe(
        lambda mock: fields(mock, "number"), {False: ["number"], True: ["id", "number"]}),
    "fields_set.array_in_body": Probe(kinds_of(lambda mock: mock.delete(fields_set=["id"])),
        {True: ["OK"], False: ["wrong_type"]}, "R10"),
    "paging.default_results": Probe(lambda mock: [page(mock), page(mock, number_of_results="5")],
        {0: [45, 5], 1: [1, 5], 44: [44, 5]}, "R13"),
    "paging.maximum_results": Probe(
        lambda mock: [page(mock, number_of_results=size) for size in ("2", "10")],
        {0: [2, 10], 1: [1, 1], 4: [2, 4]}, "R13"),
    "paging.over_maximum": Probe(
        lambda mock: [page(mock, number_of_results=size) for size in ("4", "5")],
        {"cut": [4, 4], "error": [4, "bad_paging"]}, "R13", {"paging.maximum_results": 4}),
    "paging.zero": Probe(lambda mock: page(mock, number_of_results="0"),
        {"none": 0, "all": 45, "error": "bad_paging"}, "R13"),
    "paging.negative": Probe(
        lambda mock: [page(mock, number_of_results="-1"), page(mock, offset="-1")],
        {"error": ["bad_paging"] * 2, "ignore": [45, 45]}, "R13"),
    "paging.not_a_number": Probe(
        lambda mock: [page(mock, number_of_results="x"), page(mock, offset="1.5")],
        {"error": ["bad_paging"] * 2, "ignore": [45, 45]}, "R13"),
    "identifiers.json_number": Probe(kinds_of(lambda mock: mock.delete(7),
            lambda mock: mock.delete(7.0),
            lambda mock: mock.delete(number=True)),
        {False: ["wrong_type"] * 3, True: ["OK", "wrong_type", "wrong_type"]}),
    "identifiers.repeated": Probe(kinds_of(lambda mock: mock.show(f"number=0&{NUMBER_7}"),
            lambda mock: mock.show(f"number=7&{NUMBER_0}")),
        {"error": ["several_identifiers"] * 2,
         "first": ["unknown_webhook_request", "OK"],
         "last": ["OK", "unknown_webhook_request"]}),
    "identifiers.unknown_field": Probe(kinds_of(
            lambda mock: mock.post("delete", webhook_request_identifier={"number": "7", "x": "1"}),
            lambda mock: mock.post("delete", webhook_request_identifier={"x": "1"})),
        {"error": ["unknown_identifier_field"] * 2,
         "ignore": ["OK", "unknown_identifier_field"]}),
    "requests.unknown_parameters": Probe(lambda mock: with_warnings(mock, mock.show(nonsense="1")),
        {"strict": ("unknown_parameter", 0), "warn": ("OK", 1), "loose": ("OK", 0)}),
    "requests.query_on_post": Probe(lambda mock: with_warnings(
            mock, mock.send("POST", "webhook_requests/resend", "token=T&fields_set=id", body={})),
        {"ignore": ("missing_token", 1),
         "read": ("missing_parameter", 0),
         "error": ("misplaced_parameter", 0)}, "R10"),
    "requests.repeated_parameters": Probe(
        lambda mock: entities(mock, query="entity=JOBS&entity=ACTIVITIES"),
        {"error": "duplicate_parameter", "first": ["JOBS"], "last": ["ACTIVITIES"]}),
    "requests.body_on_get": Probe(lambda mock: [
            kind(mock, mock.send("GET", SHOW, query, body={"webhook_request_identifier": "id=x"}))
            for query in (f"token=T&{NUMBER_7}", "token=T")],
        {"ignore": ["OK", "missing_parameter"],
         "error": ["misplaced_parameter"] * 2,
         "read": ["several_identifiers", "unknown_webhook_request"]}),
    "requests.token_in_header": Probe(lambda mock: [
            kind(mock, mock.send("GET", SHOW, NUMBER_7, headers={"Authorization": value}))
            for value in ("Bearer T", "bearer  T", "Bearer x", "Bearer", "Basic T", "T")],
        {False: ["missing_token"] * 6,
         True: ["OK", "OK", "invalid_token"] + ["missing_token"] * 3}),
    "requests.rewardoffers_since": Probe(kinds_of(lambda mock: mock.list(entity="REWARDOFFERS")),
        {"R15.0.0": ["unsupported_entity"], "R11.0.0": ["OK"]}, "R11"),
    "requests.deprecated_methods": Probe(kinds_of(lambda mock: mock.show(),
            lambda mock: mock.list(entity="JOBS"),
            lambda mock: mock.resend(),
            lambda mock: mock.delete()),
        {"serve": ["OK"] * 4, "withdraw": ["method_withdrawn"] * 4}, "R18"),
}  # fmt: skip


def test_every_dial_is_probed() -> None:
    all_dials = dials().values()
    mine = [
        dial.key
        for dial in all_dials
        if dial.key.partition(".")[0] in TOPICS and not (dial.error_kind or dial.type == "cases")
    ]
    assert sorted(PROBES) == sorted(mine)
    assert {key.partition(".")[0] for key in dials()} == TOPICS | ELSEWHERE


@pytest.mark.parametrize("key", PROBES)
def test_each_value_of_a_dial_has_its_effect(make_mock: Any, key: str) -> None:
    hold(make_mock, key, PROBES[key])


def test_an_empty_fields_set_may_select_the_id_alone(make_mock: Any) -> None:
    """If it selects no field, and the id is always shown."""
    dials = {"fields_set.empty": "none", "fields_set.always_id": True}

    assert fields(make_mock(dialect=Dialect("id", dials)), "") == ["id"]


def test_a_success_has_the_texts_of_its_case(make_mock: Any) -> None:
    """With what the response is about in place of placeholders; without a text it is empty."""
    cases = [
        {"method": "show", "message": "{number} is {id}"},
        {"method": "list", "results": "none", "message": "None of {matches}"},
        {"method": "list", "results": "one", "message": "One", "description": "{null}"},
        {"method": "list", "results": "part", "message": "{results} of {matches}, {nosuch}"},
        {"method": "resend", "message": "{life_cycle_state}: {webhook_definition.name}"},
        {"state": "REJECTED", "description": "Rejected again"},
        {"method": "token", "description": "Welcome"},
    ]
    dialect = Dialect("texts", {
        "envelope.cases": [{"kind": "success", **case} for case in cases],
        "delivery.script": "success, timeout",
    })  # fmt: skip
    mock = make_mock("R13", dialect=dialect)
    records = mock.records()
    rejected = [n for n, r in records.items() if r["life_cycle_state"] == "REJECTED"]
    shown, name = mock.show(), records[rejected[0]]["webhook_definition"]["name"]
    of = mock.list(entity="JOBS").data

    assert texts(shown)[0] == f"{shown.data['number']} is {shown.data['id']}"
    assert texts(mock.show(fields_set="url")) == texts(shown)
    assert texts(mock.list(entity="JOBS")) == ["", ""]
    assert (
        texts(mock.list(entity="JOBS", number_of_results="2"))[0] == f"2 of {len(of)}, {{nosuch}}"
    )
    assert texts(mock.list(entity="JOBS", number_of_results="0")) == [f"None of {len(of)}", ""]
    assert texts(mock.list(entity="JOBS", entity_id=of[0]["entity_id"]))[1] == ""
    assert texts(mock.resend(rejected[0])) == [f"SUCCESSFUL: {name}", ""]
    assert texts(mock.resend(rejected[1]))[1] == "Rejected again"
    assert texts(mock.delete(rejected[2]))[0] == ""
    assert texts(mock.login()) == ["", "Welcome"]


SERVED = [
    {"kind": "unsupported_entity", "served": "empty"},
    {"kind": "bad_date", "served": "without"},
    {"kind": "empty_value", "parameter": "entity", "served": "no"},
    {"kind": "empty_value", "served": "without"},
    {"kind": "unknown_unit", "served": "without"},
    {"kind": "invalid_token", "method": "token_release", "served": "empty"},
    {"kind": "unknown_webhook_request", "served": "empty"},
    {"kind": "missing_parameter", "served": "without"},
]


def test_an_error_may_be_served(make_mock: Any) -> None:
    """Without the parameter, or with an empty result; never if it needs the parameter."""
    cases = [{"kind": "success", "results": "none", "message": "None"}, *SERVED]
    mock = make_mock("R10", dialect=Dialect("served", {"envelope.cases": cases}))
    usual = mock.list(entity="JOBS").data

    assert (mock.list(entity="NOSUCH").data, texts(mock.list(entity="NOSUCH"))[0]) == ([], "None")
    assert mock.list(entity="JOBS", created_date="soon", url="").data == usual
    assert mock.list(created_date="soon").code == mock.code_of("no_semi_optional")
    assert mock.list(entity="").code == mock.code_of("empty_value")
    assert mock.login(unit="NOSUCH").code == "OK"
    released = mock.send("POST", "authentication/token/release", body={"token": "NOSUCH"})
    assert released.data == {}
    assert mock.show("number=0").code == mock.code_of("unknown_webhook_request")
    assert mock.show("").code != "OK"


CASES = [
    {"kind": "bad_body", "seen": "a form", "status": 415, "code": "FORM"},
    {"kind": "bad_body", "seen": "not JSON", "code": 7, "description": "{null}"},
    {"kind": "bad_body", "data": "object"},
    {"kind": "bad_body", "method": "delete", "message": "No. {details} {message}"},
    {"kind": "empty_value", "parameter": "url", "code": "NO URL"},
    {"kind": "empty_value", "method": "list", "code": "NO VALUE"},
    {"kind": "wrong_credentials", "parameter": "organisation", "code": "NOT THERE"},
    {"kind": "bad_date", "seen": "nothing", "code": "NO DATE"},
]
FORM = {"content_type": "application/x-www-form-urlencoded"}


def test_the_first_case_with_a_part_decides(make_mock: Any) -> None:
    """What none says is as for all errors of the kind."""
    mock = make_mock(dialect=Dialect("cases", {"envelope.cases": CASES}))
    path = "/crmapi/rest/v2/webhook_requests"
    usual = mock.code_of("bad_body")

    def post(method: str, body: str, **more: str) -> tuple[int, Any, Any]:
        response = mock.client.post(f"{path}/{method}", data=body, **more)
        status = response.json["status"]
        return response.status_code, status["code"], status["description"]

    assert post("resend", "a=b", **FORM) == (415, "FORM", "")
    assert post("resend", "{") == (200, 7, None)
    assert post("resend", "[]") == (200, usual, "")
    assert post("delete", "{") == (200, 7, None)
    deleted = mock.client.post(f"{path}/delete", data="[]").json
    assert deleted["status"]["message"].startswith("No. body: seen")
    assert deleted["data"] == {}
    assert mock.list(entity="JOBS", url="").code == "NO URL"
    assert mock.list(entity="").code == "NO VALUE"
    assert mock.list(entity="JOBS", created_date="nothing").code == mock.code_of("bad_date")
    assert mock.login(organisation="OTHER").code == "NOT THERE"
    assert mock.login(password="x").code == mock.code_of("wrong_credentials")
