"""For each fault a few requests that a right server answers as documented: a function of its name.

Each returns whether the answers were right.
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
def delete_of_wildcard(c: Client) -> bool:
    return refused(c.delete(number="1%")) and ok(c.show(number="1"))


@witness
def delete_only_rejected(c: Client) -> bool:
    return ok(c.delete(id=c.successful.id))


@witness
def delete_refuses_resent(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    return ok(c.delete(id=record.id))


@witness
def delete_returns_nothing(c: Client) -> bool:
    record = c.rejected
    return bool(c.delete(id=record.id)["data"].get("id") == record.id)


@witness
def delete_without_identifier_takes_oldest(c: Client) -> bool:
    return refused(c.act("delete", {}))


def two_fields(c: Client, method: str, other: Record) -> bool:
    return refused(c.act(method, {"id": c.rejected.id, "number": other.number}))


@witness
def delete_takes_two_fields(c: Client) -> bool:
    return two_fields(c, "delete", c.rejected)


@witness
def resend_takes_first_of_two_fields(c: Client) -> bool:
    return two_fields(c, "resend", c.successful)


@witness
def resend_successful_by_number(c: Client) -> bool:
    return refused(c.resend(number=c.successful.number))


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
def resend_without_identifier_sends_last(c: Client) -> bool:
    return refused(c.post("webhook_requests/resend", {"token": c.token}))


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
def resend_loses_rule(c: Client) -> bool:
    return kept_by_resend(c, "workflow_rule", c.rejected)


@witness
def resend_changes_definition(c: Client) -> bool:
    return all(kept_by_resend(c, "webhook_definition", c.pick(REJECTED)) for _ in range(5))


@witness
def entity_id_empty_after_resend(c: Client) -> bool:
    return kept_by_resend(c, "entity_id", c.rejected)


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
def entity_ignored_beside_entity_id(c: Client) -> bool:
    return all(
        all_have(c.rows(entity=r.entity, entity_id=r.entity_id), "entity", r.entity)
        for r in c.records
    )


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
def definition_name_is_prefix(c: Client) -> bool:
    return definitions_seen(c, "name=Activity feed") == {"Activity feed"}


@witness
def unknown_definition_selects_all(c: Client) -> bool:
    return definitions_seen(c, "name=No such feed") == set()


@witness
def rule_name_cut_at_comma(c: Client) -> bool:
    rows = c.rows(workflow_rule_identifier="name=On new activity, urgent")
    return {row["workflow_rule"]["name"] for row in rows} == {"On new activity, urgent"}


@witness
def entity_id_is_prefix(c: Client) -> bool:
    return all_have(c.rows(entity_id="1"), "entity_id", "1")


@witness
def entity_id_underscore_is_wildcard(c: Client) -> bool:
    return all_have(c.rows(entity_id="A_1"), "entity_id", "A_1")


@witness
def entity_cut_to_six_letters(c: Client) -> bool:
    return all_have(c.rows(entity="WALLETS"), "entity", "WALLETS")


@witness
def leads_not_supported(c: Client) -> bool:
    return ok(c.search(entity="LEADS"))


@witness
def write_offs_not_supported(c: Client) -> bool:
    return ok(c.search(entity="WRITEOFFS", life_cycle_state=REJECTED))


@witness
def unknown_entity_selects_all(c: Client) -> bool:
    return refused(c.search(entity="CONTRACTS"))


@witness
def unknown_state_selects_all(c: Client) -> bool:
    return refused(c.search(entity="JOBS", life_cycle_state="PENDING"))


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
def url_alone_is_enough(c: Client) -> bool:
    return refused(c.search(url=c.rejected.url))


@witness
def state_and_date_are_enough(c: Client) -> bool:
    return refused(c.search(life_cycle_state=REJECTED, created_date=day(c.rejected)))


@witness
def no_filter_gives_empty_list(c: Client) -> bool:
    return refused(c.search())


@witness
def definition_and_rule_refused(c: Client) -> bool:
    return ok(c.search(**by_rule(c.rejected), **by_definition(c.rejected)))


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
def list_needs_rule(c: Client) -> bool:
    return none_missing(c)


@witness
def list_needs_effective_definition(c: Client) -> bool:
    return none_missing(c)


@witness
def list_needs_updater(c: Client) -> bool:
    return none_missing(c)


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
def offset_one_too_few(c: Client) -> bool:
    return c.ids(entity="ACTIVITIES", offset=3, number_of_results=2) == whole(c)[3:5]


@witness
def one_too_many_on_later_pages(c: Client) -> bool:
    return len(c.ids(entity="ACTIVITIES", offset=3, number_of_results=2)) == 2


@witness
def offset_at_end_repeats_last(c: Client) -> bool:
    return c.ids(entity="ACTIVITIES", offset=len(whole(c))) == []


@witness
def offset_beyond_end_starts_over(c: Client) -> bool:
    return c.ids(entity="ACTIVITIES", offset=len(whole(c)) + 1) == []


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
def offset_needs_limit(c: Client) -> bool:
    return c.ids(entity="ACTIVITIES", offset=2) == whole(c)[2:]


@witness
def offset_counts_pages(c: Client) -> bool:
    return walk(c, 5) == whole(c)


@witness
def last_page_only_if_full(c: Client) -> bool:
    return walk(c, 5) == whole(c)


@witness
def later_pages_in_other_order(c: Client) -> bool:
    return walk(c, 5) == whole(c)


@witness
def twice_beside_definition_and_rule(c: Client) -> bool:
    ids = c.ids(**by_rule(c.rejected), **by_definition(c.rejected))
    return len(ids) == len(set(ids))


# Views.


@witness
def number_read_as_sql(c: Client) -> bool:
    return refused(c.show(number="7x"))


@witness
def id_cut_to32(c: Client) -> bool:
    return refused(c.show(id=c.rejected.id + "A"))


@witness
def number_finds_id(c: Client) -> bool:
    number = next(r.id for r in c.records if r.id.isdigit())
    return bool(c.show(number=number)["data"]["number"] == number)


@witness
def show_of_wildcard(c: Client) -> bool:
    return refused(c.show(id="%"))


@witness
def every_ninth_show_is_previous(c: Client) -> bool:
    return all(c.show(id=r.id)["data"]["id"] == r.id for r in c.records[:9])


@witness
def fourth_field_lost(c: Client) -> bool:
    names = "url,entity,number,error_code"
    return set(c.show(names, id=c.rejected.id)["data"]) == set(names.split(","))


@witness
def list_adds_url(c: Client) -> bool:
    return set(c.rows(entity="JOBS", fields_set="number")[0]) == {"number"}


@witness
def fields_ignored_on_later_pages(c: Client) -> bool:
    return set(c.rows(entity="JOBS", offset=2, fields_set="number")[0]) == {"number"}


@witness
def list_omits_description(c: Client) -> bool:
    return set(FIELDS) <= set(c.rows(entity="JOBS")[0])


@witness
def jobs_have_no_rule(c: Client) -> bool:
    return all(set(FIELDS) <= set(c.show(id=r.id)["data"]) for r in c.records)


@witness
def fields_stay_in_session(c: Client) -> bool:
    c.search(entity="JOBS", fields_set="id,url")
    return set(FIELDS) <= set(c.show(id=c.rejected.id)["data"])


@witness
def fields_cut_log(c: Client) -> bool:
    data = c.show("log_information", id=c.rejected.id)["data"]
    return {"created_by_user", "updated_by_user"} <= set(data["log_information"])


@witness
def list_numbers_are_integers(c: Client) -> bool:
    return isinstance(c.rows(entity="JOBS")[0]["number"], str)


def shown(c: Client) -> list[Any]:
    return [c.show(id=record.id)["data"] for record in c.records]


@witness
def fields_set_is_array(c: Client) -> bool:
    return not any(isinstance(data["fields_set"], list) for data in shown(c))


@witness
def description_is_array_of_lines(c: Client) -> bool:
    return not any(isinstance(data["error_description"], list) for data in shown(c))


@witness
def ids_of_digits_are_numbers(c: Client) -> bool:
    return all(isinstance(data["id"], str) for data in shown(c))


@witness
def list_log_is_text(c: Client) -> bool:
    return isinstance(c.rows(entity="JOBS")[0]["log_information"], dict)


@witness
def user_name_missing_after_resend(c: Client) -> bool:
    data = c.resend(id=c.rejected.id)["data"]
    return "username" in data["log_information"]["updated_by_user"]


@witness
def old_unit_names_in_r18(c: Client) -> bool:
    return "created_by_business_unit" in c.rows(entity="JOBS")[0]["log_information"]


@witness
def list_nests_one_definition(c: Client) -> bool:
    rows = c.rows(**by_rule(c.rejected))
    return all(c.show(id=row["id"])["data"] == row for row in rows)


@witness
def rule_shows_definition(c: Client) -> bool:
    rules = {rule.id for rule in c.app.world.rules}
    return all(data["workflow_rule"]["id"] in rules for data in shown(c))


@witness
def list_states_lower_case(c: Client) -> bool:
    return all_have(c.rows(entity="JOBS"), "life_cycle_state", REJECTED, SUCCESSFUL)


@witness
def delete_shows_singular_entity(c: Client) -> bool:
    record = next(r for r in c.records if r.entity == "JOBS")
    return bool(c.delete(id=record.id)["data"]["entity"] == "JOBS")


@witness
def success_has_code_zero(c: Client) -> bool:
    rows = [data for data in shown(c) if data["life_cycle_state"] == SUCCESSFUL]
    return all(row["error_code"] is None for row in rows)


@witness
def html_for_long_number(c: Client) -> bool:
    return refused(c.show(number="9" * 19))


@witness
def html_for_other_letters(c: Client) -> bool:
    return ok(c.search(webhook_definition_identifier="name=Jobs & Überwachung"))


@witness
def html_for_broken_json(c: Client) -> bool:
    return refused(c.call("POST", "webhook_requests/resend", "", b"number=7"))


@witness
def empty_body_beyond_end(c: Client) -> bool:
    return ok(c.search(entity="JOBS", offset=1000))


@witness
def line_break_in_text(c: Client) -> bool:
    return ok(c.search(entity="ACTIVITIES", life_cycle_state=REJECTED))


@witness
def list_dates_in_other_form(c: Client) -> bool:
    return all("T" in row["log_information"]["created_date"] for row in c.rows(entity="JOBS"))


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


@witness
def id_in_any_case(c: Client) -> bool:
    return refused(c.show(id=c.rejected.id.lower()))


@witness
def unset_errors_absent_with_fields(c: Client) -> bool:
    return "error_code" in c.show("error_code", id=c.successful.id)["data"]


@witness
def unknown_record_is_null(c: Client) -> bool:
    return refused(c.show(number="987654"))


# Access.


def token_refused(c: Client, token: str) -> bool:
    return refused(c.show(number="1", token=token))


@witness
def longer_token_accepted(c: Client) -> bool:
    return token_refused(c, c.token + "0")


@witness
def shorter_token_accepted(c: Client) -> bool:
    return token_refused(c, c.token[:-1])


@witness
def token_in_any_case(c: Client) -> bool:
    return token_refused(c, c.token.lower())


@witness
def token_unchecked_in_actions(c: Client) -> bool:
    c.token = "0" * 32
    return refused(c.resend(id=c.rejected.id))


@witness
def token_unchecked_for_entity_id(c: Client) -> bool:
    return refused(c.search(entity_id="1", token="0" * 32))


@witness
def token_unchecked_after_resend(c: Client) -> bool:
    c.resend(id=c.rejected.id)
    return token_refused(c, "0" * 32)


@witness
def token_is_wildcard(c: Client) -> bool:
    return token_refused(c, "%")


@witness
def signature_unchecked(c: Client) -> bool:
    return token_refused(c, c.token.rpartition(".")[0] + ".AAAA")


def jwt_part(token: str, position: int) -> Any:
    part = token.split(".")[position]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@witness
def other_algorithm(c: Client) -> bool:
    return bool(jwt_part(c.token, 0) == {"typ": "JWT", "alg": "HS256"})


@witness
def unit_claim_missing(c: Client) -> bool:
    return "oun" in jwt_part(c.token, 1)


@witness
def token_of_one_hour(c: Client) -> bool:
    claims = jwt_part(c.token, 1)
    return int(claims["exp"]) - int(claims["iat"]) == 7200


@witness
def hex_token_in_r12(c: Client) -> bool:
    return c.token.count(".") == 2


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in LOGIN.items() if key != name}


@witness
def login_without_organisation(c: Client) -> bool:
    return refused(c.post(TOKEN, without("organisation")))


@witness
def login_without_password(c: Client) -> bool:
    return refused(c.post(TOKEN, without("password")))


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
def release_without_token(c: Client) -> bool:
    return refused(c.post(RELEASE, {}))


@witness
def delete_by_get(c: Client) -> bool:
    record = c.rejected
    c.get("delete", webhook_request_identifier=f"id={record.id}")
    return ok(c.show(id=record.id))


@witness
def resend_not_available(c: Client) -> bool:
    return ok(c.resend(id=c.rejected.id))


@witness
def list_without_token(c: Client) -> bool:
    return refused(c.search(entity="JOBS", token=""))


@witness
def released_token_shows(c: Client) -> bool:
    return ok(c.post(RELEASE, {"token": c.token})) and token_refused(c, c.token)


@witness
def expired_token_accepted(c: Client) -> bool:
    c.app.clock.seconds += 3600  # type: ignore[attr-defined]
    return refused(c.search(entity="JOBS"))


@witness
def password_cut_to_eight(c: Client) -> bool:
    return refused(c.post(TOKEN, {**LOGIN, "password": LOGIN["password"][:8]}))


@witness
def any_organisation(c: Client) -> bool:
    return refused(c.post(TOKEN, {**LOGIN, "organisation": "OTHER"}))


@witness
def list_by_post(c: Client) -> bool:
    return refused(c.post("webhook_requests/list", {"token": c.token, "entity": "JOBS"}))
