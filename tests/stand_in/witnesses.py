"""For each fault a few requests that a sound server answers as documented, under the fault's name.

Each returns whether the responses were right.
"""

# ruff: noqa: D103 - the fault of the name says what is at stake

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from stand_in.client import LOGIN, Client, ok, refused
from stand_in.reading import FIELDS
from stand_in.server import WEB_API_KEY
from stand_in.world import REJECTED, SUCCESSFUL, Record

WITNESSES: dict[str, Callable[[Client], bool]] = {}
TOKEN, RELEASE = "authentication/token", "authentication/token/release"


def witness(function: Callable[[Client], bool]) -> Callable[[Client], bool]:
    WITNESSES[function.__name__] = function
    return function


def by_rule(record: Record) -> dict[str, str]:
    assert record.rule
    return {"workflow_rule_identifier": f"id={record.rule.id}"}


def by_definition(record: Record) -> dict[str, str]:
    return {"webhook_definition_identifier": f"id={record.definition.id}"}


def day(record: Record) -> str:
    return f"{record.created:%Y-%m-%d}"


# Effects.


@witness
def show_by_number_stale_after_resend(c: Client) -> bool:
    number = c.rejected.number
    c.show(number=number)
    sent = c.resend(number=number)
    return bool(c.show(number=number)["data"] == sent["data"])


@witness
def show_stale_after_delete(c: Client) -> bool:
    number = c.rejected.number
    c.show(number=number)
    c.delete(number=number)
    return refused(c.show(number=number))


@witness
def delete_hides_from_list_only(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    return refused(c.show(id=record.id))


@witness
def delete_hides_from_show_only(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    return record.id not in c.ids(**by_rule(record))


@witness
def list_cache_survives_delete(c: Client) -> bool:
    record = c.rejected
    c.search(entity=record.entity)
    c.delete(id=record.id)
    return record.id not in c.ids(entity=record.entity)


@witness
def list_stale_for_seconds(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    return record.id not in c.ids(entity=record.entity)


@witness
def deleted_comes_back(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    return all(refused(c.show(id=record.id)) for _ in range(15))


@witness
def resend_brings_deleted_back(c: Client) -> bool:
    first = c.rejected
    c.delete(id=first.id)
    other = next(r for r in c.records if r.definition is first.definition and r.error_code)
    c.resend(id=other.id)
    return refused(c.show(id=first.id))


@witness
def delete_by_id_keeps(c: Client) -> bool:
    record = c.successful
    c.delete(id=record.id)
    return refused(c.show(id=record.id))


@witness
def delete_with_fields_keeps(c: Client) -> bool:
    record = c.successful
    c.act("delete", {"id": record.id}, fields_set="id,number")
    return refused(c.show(id=record.id))


@witness
def delete_takes_same_second(c: Client) -> bool:
    pairs = zip(c.records, c.records[1:], strict=False)
    one, other = next((a, b) for a, b in pairs if a.created == b.created)
    c.delete(id=one.id)
    return ok(c.show(id=other.id))


@witness
def delete_by_number_takes_prefix(c: Client) -> bool:
    c.delete(number="6")
    return ok(c.show(number="61"))


@witness
def delete_unknown_takes_next(c: Client) -> bool:
    c.delete(number="7")
    c.delete(number="7")
    return ok(c.show(number="8"))


@witness
def delete_refuses_resent(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    return ok(c.delete(id=record.id))


@witness
def delete_returns_nothing(c: Client) -> bool:
    record = c.rejected
    return bool(c.delete(id=record.id)["data"].get("id") == record.id)


def two_fields(c: Client, method: str, other: Record) -> bool:
    return refused(c.act(method, {"id": c.rejected.id, "number": other.number}))


@witness
def resend_again_after_resend(c: Client) -> bool:
    record = c.rejected
    return ok(c.resend(id=record.id)) and refused(c.resend(id=record.id))


@witness
def resend_successful_of_old_definition(c: Client) -> bool:
    sent = [r for r in c.records if r.life_cycle_state == SUCCESSFUL]
    return refused(c.resend(id=next(r.id for r in sent if not r.definition.effective)))


@witness
def resend_sends_next_too(c: Client) -> bool:
    record = c.rejected
    before = c.ids(**by_definition(record), life_cycle_state=REJECTED)
    c.resend(id=record.id)
    after = c.ids(**by_definition(record), life_cycle_state=REJECTED)
    return len(before) == len(after) + 1


@witness
def resend_by_position(c: Client) -> bool:
    # Beyond the first gap no number is its record's position.
    record = next(r for r in c.records[20:] if r.life_cycle_state == REJECTED)
    answer = c.resend(number=record.number)
    return ok(answer) and answer["data"]["number"] == record.number


@witness
def resend_returns_another(c: Client) -> bool:
    record = c.rejected
    return bool(c.resend(number=record.number)["data"]["number"] == record.number)


@witness
def resend_keeps_description(c: Client) -> bool:
    data = c.resend(id=c.rejected.id)["data"]
    return data["life_cycle_state"] == REJECTED or data["error_description"] is None


@witness
def list_keeps_error_after_resend(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    rows = c.rows(**by_definition(record), life_cycle_state=SUCCESSFUL)
    return all(row["error_code"] is None for row in rows)


def kept_by_resend(c: Client, field: str, record: Record) -> bool:
    before = c.show(id=record.id)["data"][field]
    c.resend(id=record.id)
    return bool(c.show(id=record.id)["data"][field] == before)


@witness
def resend_fails_in_third_state(c: Client) -> bool:
    failing = next(r for r in c.records if r.definition.fails and r.error_code)
    return c.resend(id=failing.id)["data"]["life_cycle_state"] in (REJECTED, SUCCESSFUL)


@witness
def state_index_stale_after_resend(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    rows = c.rows(entity=record.entity, life_cycle_state=REJECTED)
    return {row["life_cycle_state"] for row in rows} == {REJECTED}


@witness
def delete_before_token_check(c: Client) -> bool:
    record, token = c.rejected, c.token
    c.token = "A" * 32
    assert refused(c.delete(id=record.id))
    return ok(c.show(id=record.id, token=token))


@witness
def resend_makes_copy(c: Client) -> bool:
    record = c.rejected
    before = len(c.rows(entity=record.entity))
    c.resend(id=record.id)
    return len(c.rows(entity=record.entity)) == before


@witness
def resend_refuses_without_error(c: Client) -> bool:
    rejected = [r for r in c.records if r.life_cycle_state == REJECTED]
    return ok(c.resend(id=next(r.id for r in rejected if r.error_description is None)))


@witness
def delete_refused_with_effect(c: Client) -> bool:
    record = c.rejected
    return two_fields(c, "delete", record) and ok(c.show(id=record.id))


@witness
def show_sends_again(c: Client) -> bool:
    record = c.rejected
    return bool(c.show(id=record.id) == c.show(id=record.id))


# Lists.


def all_have(rows: list[Any], field: str, *values: str) -> bool:
    return bool(rows) and all(row[field] in values for row in rows)


@witness
def rule_ignored_beside_definition(c: Client) -> bool:
    record = c.rejected
    rows = c.rows(**by_rule(record), **by_definition(record))
    return {row["workflow_rule"]["id"] for row in rows} == {record.rule and record.rule.id}


@witness
def created_date_ignored_beside_state(c: Client) -> bool:
    record = c.rejected
    wanted = {"entity": record.entity, "created_date": day(record)}
    narrow = c.ids(**wanted, life_cycle_state=REJECTED)
    return record.id in narrow and set(narrow) <= set(c.ids(**wanted))


@witness
def url_ignored_beside_definition(c: Client) -> bool:
    record = next(r for r in c.records if "activities/create" in r.url)
    rows = c.rows(**by_definition(record), url=record.url)
    return all_have(rows, "url", record.url)


@witness
def state_ignored_beside_fields(c: Client) -> bool:
    rows = c.rows(
        entity="JOBS", life_cycle_state=REJECTED, fields_set="life_cycle_state,error_code"
    )
    return all_have(rows, "life_cycle_state", REJECTED)


@witness
def state_ignored_beside_offset(c: Client) -> bool:
    rows = c.rows(entity="ACTIVITIES", life_cycle_state=REJECTED, offset=1)
    return all_have(rows, "life_cycle_state", REJECTED)


def definitions_seen(c: Client, identifier: str) -> set[str]:
    rows = c.rows(webhook_definition_identifier=identifier)
    return {row["webhook_definition"]["name"] for row in rows}


@witness
def rule_name_cut_at_comma(c: Client) -> bool:
    rows = c.rows(workflow_rule_identifier="name=On new activity, urgent")
    return {row["workflow_rule"]["name"] for row in rows} == {"On new activity, urgent"}


@witness
def state_read_from_error_text(c: Client) -> bool:
    rows = c.rows(entity="ACTIVITIES", life_cycle_state=SUCCESSFUL)
    return all_have(rows, "life_cycle_state", SUCCESSFUL)


def at(c: Client, time: str) -> Record:
    return next(r for r in c.records if f"{r.created:%H:%M:%S}" == time)


@witness
def last_second_of_day_missing(c: Client) -> bool:
    record = at(c, "23:59:59")
    moment = record.created.isoformat()
    return record.id in c.ids(entity=record.entity, created_date=moment)


@witness
def midnight_belongs_to_both_days(c: Client) -> bool:
    record = at(c, "00:00:00")
    before = f"{record.created - timedelta(days=1):%Y-%m-%d}"
    return record.id not in c.ids(entity=record.entity, created_date=before)


@witness
def created_date_is_updated_date(c: Client) -> bool:
    record = c.rejected
    wanted = {"entity": record.entity, "created_date": day(record)}
    c.resend(id=record.id)
    return record.id in c.ids(**wanted)


@witness
def url_cut_at_query(c: Client) -> bool:
    url = "http://hooks.example.com/in?to=old"
    rows = [row for entity in ("JOBS", "ACTIVITIES") for row in c.rows(entity=entity, url=url)]
    return all_have(rows, "url", url)


@witness
def url_scheme_ignored(c: Client) -> bool:
    url = "https://hooks.example.com/in"
    rows = [row for entity in ("JOBS", "ACTIVITIES") for row in c.rows(entity=entity, url=url)]
    return all_have(rows, "url", url)


@witness
def three_filters_refused(c: Client) -> bool:
    record = c.rejected
    wanted = {"entity": record.entity, "entity_id": record.entity_id}
    return c.ids(**wanted, **by_definition(record)) != []


@witness
def same_second_only_once(c: Client) -> bool:
    for record in c.records:
        c.app.records[record.id].rule = c.app.world.rules[0]
    return len(c.rows(**by_rule(c.rejected))) == len(c.records)


def none_missing(c: Client) -> bool:
    """Return whether the lists of all entities have every record that show finds."""
    entities = {record.entity for record in c.records}
    listed = {record_id for entity in entities for record_id in c.ids(entity=entity)}
    return {r.id for r in c.records if ok(c.show(id=r.id))} == listed


@witness
def empty_list_without_state(c: Client) -> bool:
    wanted = {"entity_id": c.rejected.entity_id, "life_cycle_state": SUCCESSFUL}
    while row := next(iter(c.rows(**wanted)), None):
        if row["life_cycle_state"] != SUCCESSFUL:
            return False
        c.delete(id=row["id"])
    return True


@witness
def every_fifth_list_without_state(c: Client) -> bool:
    wanted = {"entity": "ACTIVITIES", "life_cycle_state": REJECTED}
    return all(all_have(c.rows(**wanted), "life_cycle_state", REJECTED) for _ in range(5))


# Pages.


def walk(c: Client, size: int, **more: Any) -> list[str]:
    """Return the ids on all pages of ACTIVITIES."""
    found: list[str] = []
    for skip in range(0, 60, size):
        found += c.ids(entity="ACTIVITIES", number_of_results=size, offset=skip, **more)
    return found


def whole(c: Client, **more: Any) -> list[str]:
    return c.ids(entity="ACTIVITIES", **more)


@witness
def limit_ignored_beside_state(c: Client) -> bool:
    wanted = {"entity": "ACTIVITIES", "life_cycle_state": REJECTED}
    return len(c.ids(**wanted, number_of_results=2)) <= 2


@witness
def paged_before_state_filter(c: Client) -> bool:
    state = {"life_cycle_state": REJECTED}
    everything = whole(c, **state)
    return all(
        c.ids(entity="ACTIVITIES", offset=skip, number_of_results=4, **state)
        == everything[skip : skip + 4]
        for skip in range(5)
    )


@witness
def twice_beside_definition_and_rule(c: Client) -> bool:
    ids = c.ids(**by_rule(c.rejected), **by_definition(c.rejected))
    return len(ids) == len(set(ids))


# Views.


@witness
def number_finds_id(c: Client) -> bool:
    number = next(r.id for r in c.records if r.id.isdigit())
    return bool(c.show(number=number)["data"]["number"] == number)


@witness
def fourth_field_lost(c: Client) -> bool:
    names = "url,entity,number,error_code"
    return set(c.show(names, id=c.rejected.id)["data"]) == set(names.split(","))


@witness
def fields_stay_in_session(c: Client) -> bool:
    c.search(entity="JOBS", fields_set="id,url")
    return set(FIELDS) <= set(c.show(id=c.rejected.id)["data"])


@witness
def fields_cut_log(c: Client) -> bool:
    data = c.show("log_information", id=c.rejected.id)["data"]
    return {"created_by_user", "updated_by_user"} <= set(data["log_information"])


def shown(c: Client) -> list[Any]:
    return [c.show(id=record.id)["data"] for record in c.records]


@witness
def user_name_missing_after_resend(c: Client) -> bool:
    data = c.resend(id=c.rejected.id)["data"]
    return "username" in data["log_information"]["updated_by_user"]


@witness
def list_nests_one_definition(c: Client) -> bool:
    rows = c.rows(**by_rule(c.rejected))
    return all(c.show(id=row["id"])["data"] == row for row in rows)


@witness
def rule_shows_definition(c: Client) -> bool:
    rules = {rule.id for rule in c.app.world.rules}
    return all(data["workflow_rule"]["id"] in rules for data in shown(c))


@witness
def delete_shows_singular_entity(c: Client) -> bool:
    record = next(r for r in c.records if r.entity == "JOBS")
    return bool(c.delete(id=record.id)["data"]["entity"] == "JOBS")


@witness
def success_has_code_zero(c: Client) -> bool:
    rows = [data for data in shown(c) if data["life_cycle_state"] == SUCCESSFUL]
    return all(row["error_code"] is None for row in rows)


@witness
def one_result_is_object(c: Client) -> bool:
    ids = c.ids(entity="JOBS")
    for record_id in ids[1:]:
        c.delete(id=record_id)
    return isinstance(c.search(entity="JOBS")["data"], list)


@witness
def list_hides_code(c: Client) -> bool:
    rows = c.rows(entity="JOBS")
    return all(c.show(id=row["id"])["data"] == row for row in rows)


# Access.


def token_refused(c: Client, token: str) -> bool:
    return refused(c.show(number="1", token=token))


@witness
def token_unchecked_in_actions(c: Client) -> bool:
    c.token = "0" * 32
    return refused(c.resend(id=c.rejected.id))


@witness
def token_unchecked_after_resend(c: Client) -> bool:
    c.resend(id=c.rejected.id)
    return token_refused(c, "0" * 32)


def jwt_part(token: str, position: int) -> Any:
    part = token.split(".")[position]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@witness
def token_of_one_hour(c: Client) -> bool:
    claims = jwt_part(c.token, 1)
    return int(claims["exp"]) - int(claims["iat"]) == 7200


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in LOGIN.items() if key != name}


@witness
def login_unit_ignored(c: Client) -> bool:
    unit = c.app.world.people[1].unit
    token = c.post(TOKEN, {**LOGIN, "unit": unit["id"]})["data"]["token"]
    return bool(jwt_part(token, 1)["oun"] == unit["name"])


@witness
def key_login_without_key(c: Client) -> bool:
    path = "authentication/web_api_key/token"
    basic = base64.b64encode(f"{WEB_API_KEY}:".encode()).decode()
    return ok(c.post(path, {}, authorization=f"Basic {basic}")) and refused(c.post(path, {}))


@witness
def delete_by_get(c: Client) -> bool:
    record = c.rejected
    c.get("delete", webhook_request_identifier=f"id={record.id}")
    return ok(c.show(id=record.id))


@witness
def expired_token_accepted(c: Client) -> bool:
    c.app.clock.seconds += 3600  # type: ignore[attr-defined]
    return refused(c.search(entity="JOBS"))


# Those that need no more than one expression.
WITNESSES.update(
    {
        "delete_of_wildcard": lambda c: refused(c.delete(number="1%")) and ok(c.show(number="1")),
        "delete_only_rejected": lambda c: ok(c.delete(id=c.successful.id)),
        "delete_without_identifier_takes_oldest": lambda c: refused(c.act("delete", {})),
        "delete_takes_two_fields": lambda c: two_fields(c, "delete", c.rejected),
        "resend_takes_first_of_two_fields": lambda c: two_fields(c, "resend", c.successful),
        "resend_successful_by_number": lambda c: refused(c.resend(number=c.successful.number)),
        "resend_without_identifier_sends_last": lambda c: refused(
            c.post("webhook_requests/resend", {"token": c.token})
        ),
        "resend_loses_rule": lambda c: kept_by_resend(c, "workflow_rule", c.rejected),
        "resend_changes_definition": lambda c: all(
            kept_by_resend(c, "webhook_definition", c.pick(REJECTED)) for _ in range(5)
        ),
        "entity_id_empty_after_resend": lambda c: kept_by_resend(c, "entity_id", c.rejected),
        "entity_ignored_beside_entity_id": lambda c: all(
            all_have(c.rows(entity=r.entity, entity_id=r.entity_id), "entity", r.entity)
            for r in c.records
        ),
        "definition_name_is_prefix": lambda c: (
            definitions_seen(c, "name=Activity feed") == {"Activity feed"}
        ),
        "unknown_definition_selects_all": lambda c: (
            definitions_seen(c, "name=No such feed") == set()
        ),
        "entity_id_is_prefix": lambda c: all_have(c.rows(entity_id="1"), "entity_id", "1"),
        "entity_id_underscore_is_wildcard": lambda c: all_have(
            c.rows(entity_id="A_1"), "entity_id", "A_1"
        ),
        "entity_cut_to_six_letters": lambda c: all_have(
            c.rows(entity="WALLETS"), "entity", "WALLETS"
        ),
        "leads_not_supported": lambda c: ok(c.search(entity="LEADS")),
        "write_offs_not_supported": lambda c: ok(
            c.search(entity="WRITEOFFS", life_cycle_state=REJECTED)
        ),
        "unknown_entity_selects_all": lambda c: refused(c.search(entity="CONTRACTS")),
        "unknown_state_selects_all": lambda c: refused(
            c.search(entity="JOBS", life_cycle_state="PENDING")
        ),
        "url_alone_is_enough": lambda c: refused(c.search(url=c.rejected.url)),
        "state_and_date_are_enough": lambda c: refused(
            c.search(life_cycle_state=REJECTED, created_date=day(c.rejected))
        ),
        "no_filter_gives_empty_list": lambda c: refused(c.search()),
        "definition_and_rule_refused": lambda c: ok(
            c.search(**by_rule(c.rejected), **by_definition(c.rejected))
        ),
        "list_needs_rule": none_missing,
        "list_needs_effective_definition": none_missing,
        "list_needs_updater": none_missing,
        "offset_one_too_few": lambda c: (
            c.ids(entity="ACTIVITIES", offset=3, number_of_results=2) == whole(c)[3:5]
        ),
        "one_too_many_on_later_pages": lambda c: (
            len(c.ids(entity="ACTIVITIES", offset=3, number_of_results=2)) == 2
        ),
        "offset_at_end_repeats_last": lambda c: (
            c.ids(entity="ACTIVITIES", offset=len(whole(c))) == []
        ),
        "offset_beyond_end_starts_over": lambda c: (
            c.ids(entity="ACTIVITIES", offset=len(whole(c)) + 1) == []
        ),
        "offset_needs_limit": lambda c: c.ids(entity="ACTIVITIES", offset=2) == whole(c)[2:],
        "offset_counts_pages": lambda c: walk(c, 5) == whole(c),
        "last_page_only_if_full": lambda c: walk(c, 5) == whole(c),
        "later_pages_in_other_order": lambda c: walk(c, 5) == whole(c),
        "number_read_as_sql": lambda c: refused(c.show(number="7x")),
        "id_cut_to32": lambda c: refused(c.show(id=c.rejected.id + "A")),
        "show_of_wildcard": lambda c: refused(c.show(id="%")),
        "every_ninth_show_is_previous": lambda c: all(
            c.show(id=r.id)["data"]["id"] == r.id for r in c.records[:9]
        ),
        "list_adds_url": lambda c: set(c.rows(entity="JOBS", fields_set="number")[0]) == {"number"},
        "fields_ignored_on_later_pages": lambda c: (
            set(c.rows(entity="JOBS", offset=2, fields_set="number")[0]) == {"number"}
        ),
        "list_omits_description": lambda c: set(FIELDS) <= set(c.rows(entity="JOBS")[0]),
        "jobs_have_no_rule": lambda c: all(
            set(FIELDS) <= set(c.show(id=r.id)["data"]) for r in c.records
        ),
        "list_numbers_are_integers": lambda c: isinstance(c.rows(entity="JOBS")[0]["number"], str),
        "fields_set_is_array": lambda c: (
            not any(isinstance(data["fields_set"], list) for data in shown(c))
        ),
        "description_is_array_of_lines": lambda c: (
            not any(isinstance(data["error_description"], list) for data in shown(c))
        ),
        "ids_of_digits_are_numbers": lambda c: all(
            isinstance(data["id"], str) for data in shown(c)
        ),
        "list_log_is_text": lambda c: isinstance(c.rows(entity="JOBS")[0]["log_information"], dict),
        "old_unit_names_in_r18": lambda c: (
            "created_by_business_unit" in c.rows(entity="JOBS")[0]["log_information"]
        ),
        "list_states_lower_case": lambda c: all_have(
            c.rows(entity="JOBS"), "life_cycle_state", REJECTED, SUCCESSFUL
        ),
        "html_for_long_number": lambda c: refused(c.show(number="9" * 19)),
        "html_for_other_letters": lambda c: ok(
            c.search(webhook_definition_identifier="name=Jobs & Überwachung")
        ),
        "html_for_broken_json": lambda c: refused(
            c.call("POST", "webhook_requests/resend", "", b"number=7")
        ),
        "empty_body_beyond_end": lambda c: ok(c.search(entity="JOBS", offset=1000)),
        "line_break_in_text": lambda c: ok(
            c.search(entity="ACTIVITIES", life_cycle_state=REJECTED)
        ),
        "list_dates_in_other_form": lambda c: all(
            "T" in row["log_information"]["created_date"] for row in c.rows(entity="JOBS")
        ),
        "id_in_any_case": lambda c: refused(c.show(id=c.rejected.id.lower())),
        "unset_errors_absent_with_fields": lambda c: (
            "error_code" in c.show("error_code", id=c.successful.id)["data"]
        ),
        "unknown_record_is_null": lambda c: refused(c.show(number="987654")),
        "longer_token_accepted": lambda c: token_refused(c, c.token + "0"),
        "shorter_token_accepted": lambda c: token_refused(c, c.token[:-1]),
        "token_in_any_case": lambda c: token_refused(c, c.token.lower()),
        "token_unchecked_for_entity_id": lambda c: refused(c.search(entity_id="1", token="0" * 32)),
        "token_is_wildcard": lambda c: token_refused(c, "%"),
        "signature_unchecked": lambda c: token_refused(c, c.token.rpartition(".")[0] + ".AAAA"),
        "other_algorithm": lambda c: jwt_part(c.token, 0) == {"typ": "JWT", "alg": "HS256"},
        "unit_claim_missing": lambda c: "oun" in jwt_part(c.token, 1),
        "hex_token_in_r12": lambda c: c.token.count(".") == 2,
        "login_without_organisation": lambda c: refused(c.post(TOKEN, without("organisation"))),
        "login_without_password": lambda c: refused(c.post(TOKEN, without("password"))),
        "release_without_token": lambda c: refused(c.post(RELEASE, {})),
        "resend_not_available": lambda c: ok(c.resend(id=c.rejected.id)),
        "list_without_token": lambda c: refused(c.search(entity="JOBS", token="")),
        "released_token_shows": lambda c: (
            ok(c.post(RELEASE, {"token": c.token})) and token_refused(c, c.token)
        ),
        "password_cut_to_eight": lambda c: refused(
            c.post(TOKEN, {**LOGIN, "password": LOGIN["password"][:8]})
        ),
        "any_organisation": lambda c: refused(c.post(TOKEN, {**LOGIN, "organisation": "OTHER"})),
        "list_by_post": lambda c: refused(
            c.post("webhook_requests/list", {"token": c.token, "entity": "JOBS"})
        ),
    }
)
