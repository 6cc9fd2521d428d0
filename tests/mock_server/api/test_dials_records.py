"""Each dial of records, resend, signing and logins does what it says; test_dials has the others."""

import base64
import json
import re
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from helpers.clocks import FixedClock
from helpers.dial_probes import Probe, hold, kind, seen

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.schemas import dials
from crmcom_kit.schemas.signing import ALGORITHMS, CANONICAL_FORMS, CHARSETS, ENCODINGS, verify

TOPICS = {"dates", "record", "resend", "delete", "delivery", "signing", "login", "tokens"}
#: The dials of real deliveries, which test_http_delivery knows.
REAL = {"delivery.timeout", "delivery.success"}
NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
OLD_URL, NEW_URL = "http://127.0.0.1/old", "http://127.0.0.1/new"
LONG = {"delivery.script": "timeout"}
LAZY = "LazyInitializationException"
STATE = ("life_cycle_state",)
FORMS_OF_CODE = {
    "algorithm": ALGORITHMS,
    "encoding": ENCODINGS,
    "canonical_form": CANONICAL_FORMS,
    "charset": CHARSETS,
}


def moved() -> list[Any]:
    """The sample world, where each definition has got another URL, and 7 was never updated."""
    entries = [json.loads(line) for line in sample_world_path().read_bytes().splitlines()]
    for entry in entries:
        if "webhook_definition" in entry:
            entry["webhook_definition"]["url"] = NEW_URL
        record = entry.get("webhook_request", {}).get("record", {})
        if record.get("number") == "7":
            del record["log_information"]["updated_date"]
            record["url"] = OLD_URL
    return entries


def log(mock: Any) -> Any:
    return mock.show().data["log_information"]


def spelled(value: Any) -> str:
    """What form a record's request or response has."""
    if not isinstance(value, str):
        return type(value).__name__
    if re.fullmatch("[0-9A-F]{32}", value):
        return "reference"
    return f"text of {type(json.loads(value)).__name__}"


def fits(mock: Any, form: str) -> list[str]:
    """The choices of a dial under which the code of record 15, with Greek in it, verifies."""
    code = mock.resend("15").data["authentication_code"]
    record = mock.world.store.get("number", "15")
    key = mock.world.current_epoch.reference_data.key_of(record.definition)
    data = json.loads(record.data)
    assert list(data) != sorted(data), "compact and sorted would be the same"
    return [choice for choice in FORMS_OF_CODE[form] if verify(code, data, key, **{form: choice})]


def resent(mock: Any, number: str = "7") -> Any:
    return seen(
        mock, mock.resend(number), lambda data: (data["life_cycle_state"], data["error_code"])
    )


def key_login(mock: Any, template: str) -> str:
    key = mock.world.config.credentials.api_key
    header = template.format(
        bare=base64.b64encode(key.encode()).decode(),
        colon=base64.b64encode(f"{key}:".encode()).decode(),
    )
    path = "authentication/web_api_key/token"
    return kind(mock, mock.send("POST", path, headers={"Authorization": header}))


def holds(mock: Any, token: str) -> str:
    query = f"token={token}&webhook_request_identifier=number=7"
    return kind(mock, mock.send("GET", "webhook_requests/show", query))


def first_tokens(mock: Any) -> list[str]:
    """Which of three tokens of one user hold after the third login."""
    tokens = [mock.login().data["token"] for _ in range(3)]
    return [holds(mock, token) for token in tokens]


def used_hour(mock: Any) -> str:
    """What comes of a token that was used after 50 minutes, and again 50 minutes later."""
    token = mock.login().data["token"]
    mock.world.clock.advance(50 * 60)
    holds(mock, token)
    mock.world.clock.advance(50 * 60)
    return holds(mock, token)


def released(mock: Any) -> list[str]:
    """What comes of releasing a token, and of a call with it afterwards."""
    token = mock.login().data["token"]
    reply = mock.send("POST", "authentication/token/release", body={"token": token})
    return [kind(mock, reply), holds(mock, token)]


def renewed(mock: Any) -> list[bool]:
    """Return whether request and response are new after a resend, and whether they are equal."""
    before, after = mock.show().data, mock.resend().data
    new = [before[name] != after[name] for name in ("request", "response")]
    return [*new, after["request"] == after["response"]]


def updated(mock: Any) -> tuple[str, str]:
    """The date and user of the last update after a resend."""
    log = mock.resend().data["log_information"]
    return log["updated_date"], log["updated_by_user"]["username"]


def members(field: str) -> Probe:
    """The probe of a members dial: what is chosen is what is there."""
    default = ("id", "name", "alternative_code")
    chosen = [default, (), ("name", "description"), (*default, "description", "life_cycle_state")]
    return Probe(
        lambda mock: sorted(mock.show().data[field]), {value: sorted(value) for value in chosen}
    )


PROBES: dict[str, Probe] = {
    "dates.utc_offset": Probe(lambda mock: mock.resend().data["log_information"]["updated_date"],
        {"+00:00": "2016-05-04T12:00:00",
         "+02:00": "2016-05-04T14:00:00",
         "-03:30": "2016-05-04T08:30:00",
         "+14:00": "2016-05-05T02:00:00"}),
    "record.definition_members": members("webhook_definition"),
    "record.rule_members": members("workflow_rule"),
    "record.unit_form": Probe(
        lambda mock: {"group_name", "community_name"} & log(mock)["created_by_unit"].keys(),
        {"long": {"group_name", "community_name"}, "short": set()}),
    "record.user_form": Probe(
        lambda mock: "email" in log(mock)["created_by_user"], {"long": True, "short": False}),
    "record.emptied_names": Probe(lambda mock: [
            log(mock)["created_by_unit"].get("group_name", "absent"),
            log(mock)["created_by_user"].get("person_name", "absent")],
        {"keep": ["Retail Network", "m_user"],
         "null": [None, None],
         "empty": ["", ""],
         "absent": ["absent", "absent"]}, "R14.1"),
    "record.exchange_form": Probe(lambda mock: [spelled(record[name])
            for record in (mock.show("number=32").data, mock.resend().data)
            for name in ("request", "response")],
        {"reference": ["reference"] * 4,
         "object": ["dict"] * 4,
         "text": ["text of dict"] * 4,
         "null": ["NoneType"] * 4}),
    "record.code_on_internal_failure": Probe(
        lambda mock: type(mock.show().data["authentication_code"]),
        {"null": type(None), "code": str}),
    "record.no_fields_set": Probe(lambda mock: [mock.show("number=31").data["fields_set"],
            mock.show("number=31", fields_set="fields_set").data["fields_set"]],
        {"null": [None, None], "empty": ["", ""]}),
    "record.not_effective": Probe(
        lambda mock: mock.show("number=116").data["webhook_definition"]["life_cycle_state"],
        {"NOT EFFECTIVE": "NOT EFFECTIVE", "NOT_EFFECTIVE": "NOT_EFFECTIVE"},
        besides={"record.definition_members": STATE}),
    "record.unset_dates": Probe(lambda mock: log(mock).get("updated_date", "absent"),
        {"null": None, "absent": "absent"}, "R15", data=moved),
    "resend.delivery": Probe(
        resent, {"synchronous": ("SUCCESSFUL", None), "queued": ("REJECTED", LAZY)}),
    "resend.failed": Probe(resent,
        {"ok_rejected": ("REJECTED", "SocketTimeoutException"),
         "error": "delivery_failed"}, besides=LONG),
    "resend.updates_log": Probe(updated,
        {True: ("2016-05-04T12:00:00", "MPAdministrator"),
         False: ("2015-11-02T16:03:41", "m_user")}),
    "resend.request": Probe(renewed, {"renewed": [True, True, True], "kept": [False, True, False]}),
    "resend.response": Probe(renewed,
        {"renewed": [True, True, True],
         "own": [True, True, False],
         "kept": [True, False, False],
         "null": [True, True, False]}),
    "delete.updates_log": Probe(lambda mock: mock.delete().data["log_information"]["updated_date"],
        {True: "2016-05-04T12:00:00", False: "2015-11-02T16:03:41"}),
    "record.unset_members": Probe(lambda mock: mock.resend().data.get("error_code", "absent"),
        {"null": None, "absent": "absent"}),
    "resend.destination": Probe(lambda mock: mock.resend().data["url"],
        {"stored": OLD_URL, "definition": NEW_URL}, "R15", data=moved),
    "resend.definition_not_effective": Probe(lambda mock: [resent(mock, "116"), resent(mock, "7")],
        {"send": [("SUCCESSFUL", None)] * 2,
         "error": ["definition_not_effective", ("SUCCESSFUL", None)]}),
    "delivery.script": Probe(lambda mock: [resent(mock), resent(mock)],
        {"success": [("SUCCESSFUL", None), "not_rejected"],
         "timeout, success": [("REJECTED", "SocketTimeoutException"), ("SUCCESSFUL", None)],
         "2*refused": [("REJECTED", "ConnectException")] * 2}),
    "delivery.description_limit": Probe(
        lambda mock: min(100, len(mock.resend().data["error_description"])),
        {512: 100, 1: 1, 50: 50}, besides=LONG),
    **{f"signing.{form}": Probe(partial(fits, form=form), {choice: [choice] for choice in choices})
        for form, choices in FORMS_OF_CODE.items()},
    "login.basic_without_colon": Probe(
        lambda mock: [key_login(mock, "Basic {bare}"), key_login(mock, "Basic {colon}")],
        {False: ["wrong_credentials", "OK"], True: ["OK", "OK"]}, "R10"),
    "login.basic_any_case": Probe(lambda mock: [
            key_login(mock, f"{scheme} {{colon}}") for scheme in ("basic", "BASIC", "Basic")],
        {True: ["OK"] * 3, False: ["wrong_credentials"] * 2 + ["OK"]}, "R10"),
    "tokens.live_at_once": Probe(first_tokens,
        {0: ["OK"] * 3,
         1: ["invalid_token", "invalid_token", "OK"],
         2: ["invalid_token", "OK", "OK"]}),
    "tokens.hour_before_r12": Probe(used_hour, {"renewed": "OK", "fixed": "expired_token"}),
    "tokens.release_from_r12": Probe(released,
        {"works": ["OK", "released_token"],
         "ignored": ["OK", "OK"],
         "withdrawn": ["unknown_method", "OK"]}, "R12"),
}  # fmt: skip


def test_every_dial_is_probed() -> None:
    mine = [key for key in dials() if key.partition(".")[0] in TOPICS and key not in REAL]
    assert sorted(PROBES) == sorted(mine)


@pytest.mark.parametrize("key", PROBES)
def test_each_value_of_a_dial_has_its_effect(make_mock: Any, key: str) -> None:
    hold(make_mock, key, PROBES[key], clock=FixedClock(NOON))
