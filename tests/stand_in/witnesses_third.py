"""Witnesses of the third set of faults; see ``witnesses``."""

import base64
from collections import Counter
from typing import Any

from stand_in.client import LOGIN, Client, ok, refused
from stand_in.reading import FIELDS
from stand_in.server import WEB_API_KEY
from stand_in.witnesses import (
    RELEASE,
    TOKEN,
    all_have,
    at,
    by_definition,
    by_rule,
    day,
    jwt_part,
    kept_by_resend,
    none_missing,
    token_refused,
    walk,
    whole,
    witness,
)
from stand_in.witnesses_second import (
    ENTITIES,
    WITNESSES,
    agrees,
    by_url,
    failing,
    gone,
    kept_by_fields,
    of_third_definition,
    state,
)
from stand_in.world import REJECTED, SUCCESSFUL, Record

__all__ = ["WITNESSES"]

RULES, DEFINITIONS = "workflow_rule_identifier", "webhook_definition_identifier"
KEY_LOGIN = "authentication/web_api_key/token"


def data(c: Client, record: Record) -> Any:
    return c.show(id=record.id)["data"]


def others(c: Client, record: Record) -> list[Any]:
    """Return what show has of all records but one."""
    return [c.show(id=other.id) for other in c.records if other.id != record.id]


def listed_on_own_day(c: Client) -> bool:
    return all(r.id in c.ids(entity=r.entity, created_date=day(r)) for r in c.records)


def listed_at_own_moment(c: Client) -> bool:
    return all(
        r.id in c.ids(entity=r.entity, created_date=r.created.isoformat()) for r in c.records
    )


def two_of(c: Client, field: str) -> list[Record]:
    """Return two records that have the same value."""
    found: dict[Any, list[Record]] = {}
    for record in c.records:
        same = found.setdefault(getattr(record, field), [])
        same.append(record)
        if len(same) == 2:
            return same
    raise AssertionError(field)


# Lists.


@witness
def definition_or_rule(c: Client) -> bool:
    rows = c.rows(**by_rule(c.rejected), **by_definition(c.rejected))
    return {row["webhook_definition"]["id"] for row in rows} == {c.rejected.definition.id}


@witness
def date_compared_by_month(c: Client) -> bool:
    rows = c.rows(entity="JOBS", created_date="2016-10-05")
    return {row["log_information"]["created_date"][:10] for row in rows} == {"2016-10-05"}


@witness
def created_or_updated_on_day(c: Client) -> bool:
    record = at(c, "23:59:59")
    after = at(c, "00:00:00")
    return record.id not in c.ids(**by_rule(record), created_date=day(after))


@witness
def entity_id_of_first_entity(c: Client) -> bool:
    counts = Counter(r.entity_id for r in c.records)
    return all(len(c.ids(entity_id=entity_id)) == counts[entity_id] for entity_id in counts)


@witness
def definition_name_may_be_code(c: Client) -> bool:
    answer = c.search(webhook_definition_identifier="name=AF2")
    return refused(answer) or not answer["data"]


@witness
def state_inverted_beside_rule(c: Client) -> bool:
    rows = c.rows(**by_rule(c.rejected), life_cycle_state=REJECTED)
    return all_have(rows, "life_cycle_state", REJECTED)


@witness
def url_compared_by_host(c: Client) -> bool:
    url = c.records[0].url
    return all_have(by_url(c, url), "url", url)


@witness
def fourth_filter_dropped(c: Client) -> bool:
    for r in c.records:
        wanted = {**by_rule(r), **by_definition(r), "entity": r.entity}
        rows = c.rows(**wanted, entity_id=r.entity_id)
        if not all_have(rows, "entity_id", r.entity_id):
            return False
    return True


@witness
def records_without_rule_in_every_rule(c: Client) -> bool:
    return all(row["workflow_rule"] for row in c.rows(workflow_rule_identifier="name=on job"))


@witness
def only_newest_per_thing(c: Client) -> bool:
    ids = {row for r in c.records[:4] for row in c.ids(**by_definition(r))}
    return ids == {r.id for r in c.records}


@witness
def fields_named_in_asked_order(c: Client) -> bool:
    row = c.rows(entity="JOBS", fields_set="number,id")[0]
    return ok(c.show(id=row["id"]))


@witness
def page_counts_joined_rows(c: Client) -> bool:
    everything = whole(c)
    return all(
        c.ids(entity="ACTIVITIES", number_of_results=3, offset=skip) == everything[skip : skip + 3]
        for skip in range(len(everything))
    )


@witness
def offset_counts_deleted(c: Client) -> bool:
    c.delete(id=whole(c)[0])
    return walk(c, 3) == whole(c)


@witness
def nothing_found_is_refused(c: Client) -> bool:
    wanted = {"life_cycle_state": REJECTED, "entity_id": c.successful.entity_id}
    for record_id in c.ids(**wanted):
        c.delete(id=record_id)
    return ok(c.search(**wanted))


# Effects.


@witness
def resend_gives_new_number(c: Client) -> bool:
    return kept_by_resend(c, "number", c.rejected)


@witness
def resend_takes_next_url(c: Client) -> bool:
    return kept_by_resend(c, "url", c.rejected)


@witness
def resend_answers_with_first(c: Client) -> bool:
    c.resend(id=c.rejected.id)
    record = c.rejected
    return bool(c.resend(id=record.id)["data"]["id"] == record.id)


@witness
def resend_touches_record_before(c: Client) -> bool:
    record = c.rejected
    before = others(c, record)
    c.resend(id=record.id)
    return others(c, record) == before


@witness
def resent_in_both_states(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    rows = c.rows(entity=record.entity, life_cycle_state=REJECTED)
    return record.id not in [row["id"] for row in rows]


@witness
def resend_clears_to_empty_text(c: Client) -> bool:
    return c.resend(id=c.rejected.id)["data"]["error_code"] is None


@witness
def resend_only_once(c: Client) -> bool:
    record = failing(c)
    return ok(c.resend(id=record.id)) and ok(c.resend(id=record.id))


@witness
def failed_resend_answered_as_successful(c: Client) -> bool:
    record = failing(c)
    answer = c.resend(id=record.id)["data"]
    return bool(answer["life_cycle_state"] == state(c, record))


@witness
def resend_changes_creator(c: Client) -> bool:
    record = next(r for r in c.records if r.created_by is None and r.error_code)
    c.resend(id=record.id)
    return data(c, record)["log_information"]["created_by_user"] is None


@witness
def resend_date_in1970(c: Client) -> bool:
    log = c.resend(id=c.rejected.id)["data"]["log_information"]
    return bool(log["updated_date"] >= log["created_date"])


@witness
def refused_resend_touches_log(c: Client) -> bool:
    record = c.successful
    before = data(c, record)
    return refused(c.resend(id=record.id)) and data(c, record) == before


@witness
def resend_compares_floats(c: Client) -> bool:
    record = c.pick(REJECTED, 3)
    c.resend(number=record.number)
    return bool(state(c, record) == SUCCESSFUL)


def delete_leaves_others(c: Client) -> bool:
    record = c.records[0]
    before = others(c, record)
    c.delete(id=record.id)
    return others(c, record) == before


@witness
def delete_drops_next_from_index(c: Client) -> bool:
    one, other = two_of(c, "entity_id")
    c.delete(id=one.id)
    return other.id in c.ids(entity_id=other.entity_id)


@witness
def delete_by_number_takes_last_shown(c: Client) -> bool:
    shown, named = c.rejected, c.successful
    c.show(id=shown.id)
    c.delete(number=named.number)
    return ok(c.show(id=shown.id)) and gone(c, named)


@witness
def empty_list_shows_deleted(c: Client) -> bool:
    record = c.rejected
    wanted = {"entity_id": record.entity_id, **by_rule(record), "created_date": day(record)}
    for record_id in c.ids(**wanted):
        c.delete(id=record_id)
    return c.rows(**wanted) == []


@witness
def delete_answers_without_referred(c: Client) -> bool:
    record = c.rejected
    before = data(c, record)
    return bool(c.delete(id=record.id)["data"] == before)


@witness
def delete_shows_state_before_resend(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    return bool(c.delete(id=record.id)["data"]["life_cycle_state"] == SUCCESSFUL)


@witness
def list_touches_rejected(c: Client) -> bool:
    record = c.rejected
    before = data(c, record)
    c.search(entity=record.entity, life_cycle_state=REJECTED)
    return bool(data(c, record) == before)


# Views.


@witness
def imported_records_name_definition(c: Client) -> bool:
    return all(isinstance(data(c, r)["webhook_definition"], dict) for r in c.records)


@witness
def missing_rule_is_text(c: Client) -> bool:
    rows = [row for entity in ENTITIES for row in c.rows(entity=entity)]
    return all(isinstance(row["workflow_rule"], dict | None) for row in rows)


@witness
def emptied_user_has_no_username(c: Client) -> bool:
    users = [data(c, r)["log_information"]["created_by_user"] for r in c.records]
    return all(user is None or user["username"] for user in users)


@witness
def resend_units_are_texts(c: Client) -> bool:
    log = c.resend(id=c.rejected.id)["data"]["log_information"]
    return isinstance(log["updated_by_unit"], dict)


@witness
def delete_has_minutes_for_month(c: Client) -> bool:
    record = c.rejected
    log = data(c, record)["log_information"]
    return bool(c.delete(id=record.id)["data"]["log_information"] == log)


@witness
def unset_date_is_epoch(c: Client) -> bool:
    logs = [data(c, r)["log_information"] for r in c.records]
    return all(log["created_date"] <= (log["updated_date"] or "9") for log in logs)


@witness
def only_row_has_no_log(c: Client) -> bool:
    for r in c.records:
        rows = c.rows(**by_rule(r), **by_definition(r), entity_id=r.entity_id, entity=r.entity)
        if not all(row["log_information"] for row in rows):
            return False
    return True


@witness
def resend_shows_token_as_code(c: Client) -> bool:
    return bool(c.resend(id=c.rejected.id)["data"]["authentication_code"] != c.token)


# Access.


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"{WEB_API_KEY}:{password}".encode()).decode()


@witness
def release_ends_every_token(c: Client) -> bool:
    other = c.post(TOKEN, LOGIN)["data"]["token"]
    return ok(c.post(RELEASE, {"token": other})) and ok(c.search(entity="JOBS"))


@witness
def session_is_user(c: Client) -> bool:
    other = c.post(TOKEN, LOGIN)["data"]["token"]
    return bool(jwt_part(other, 1)["jti"] != jwt_part(c.token, 1)["jti"])


@witness
def jwt_in_plain_base64(c: Client) -> bool:
    tokens = [c.post(TOKEN, LOGIN)["data"]["token"] for _ in range(20)]
    return not any(letter in token for token in tokens for letter in "+/")


@witness
def empty_entity_lists_all(c: Client) -> bool:
    return refused(c.call("GET", "webhook_requests/list", f"token={c.token}&entity=", b""))


@witness
def delete_ignores_fields_set(c: Client) -> bool:
    answer = c.act("delete", {"id": c.rejected.id}, fields_set="id,number")
    return set(answer["data"]) == {"id", "number"}


@witness
def bad_value_status_is_text(c: Client) -> bool:
    return isinstance(c.search(entity="HOUSES")["status"], dict)


@witness
def errors_called_html(c: Client) -> bool:
    assert refused(c.show(number="987654"))
    return "json" in dict(c.heads[-1][1])["Content-Type"]


# Those that need no more than one expression.
WITNESSES.update(
    {
        "early_hours_not_found": listed_at_own_moment,
        "day_ends_at_noon": listed_on_own_day,
        "midnight_belongs_to_no_day": listed_on_own_day,
        "entity_of_rule_filtered": lambda c: all_have(c.rows(entity="JOBS"), "entity", "JOBS"),
        "rule_name_lowered_once": lambda c: (
            c.rows(workflow_rule_identifier="name=On new activity") != []
        ),
        "name_beyond_ascii_not_found": of_third_definition,
        "url_gets_slash": lambda c: by_url(c, c.records[0].url) != [],
        "entities_with_letter_i_refused": lambda c: all(ok(c.search(entity=e)) for e in ENTITIES),
        "newest_missing_by_entity": none_missing,
        "entity_id_trimmed": lambda c: c.rows(entity_id="12 ") == [],
        "last_row_has_all_fields": lambda c: all(
            set(row) == {"id", "url"} for row in c.rows(entity="JOBS", fields_set="id,url")
        ),
        "eleventh_row_lost": none_missing,
        "limit_is_end_index": lambda c: walk(c, 4) == whole(c),
        "offset_compared_as_text": lambda c: walk(c, 4) == whole(c),
        "limit_of_one_means_all": lambda c: len(c.ids(entity="JOBS", number_of_results=1)) == 1,
        "last_record_on_no_page": lambda c: walk(c, 4) == whole(c),
        "delete_touches_definition": delete_leaves_others,
        "delete_takes_rule_along": delete_leaves_others,
        "show_with_fields_writes_back": lambda c: (
            data(c, c.rejected)["error_description"] is not None
            and ok(c.show("id,number", id=c.rejected.id))
            and data(c, c.rejected)["error_description"] is not None
        ),
        "rule_cached_by_definition": agrees,
        "show_escapes_names": agrees,
        "show_has_question_marks": agrees,
        "show_has_rule_name_for_code": agrees,
        "list_definition_has_record_id": agrees,
        "definition_is_id_with_fields": lambda c: kept_by_fields(c, "webhook_definition"),
        "business_units_null_in_show": agrees,
        "list_updated_is_created": agrees,
        "list_day_in_other_zone": agrees,
        "list_ids_lower_case": lambda c: all(ok(c.show(id=i)) for i in c.ids(entity="JOBS")),
        "show_encodes_url": agrees,
        "list_has_code_for_description": agrees,
        "leads_shown_as_contacts": lambda c: agrees(c, "LEADS"),
        "show_numbers_without_prefix": agrees,
        "log_brings_all_fields": lambda c: (
            set(c.show("id,log_information", id=c.rejected.id)["data"]) < set(FIELDS)
        ),
        "show_by_number_is_array": lambda c: isinstance(
            c.show(number=c.rejected.number)["data"], dict
        ),
        "token_known_by_its_end": lambda c: token_refused(c, "G" + c.token[1:]),
        "password_trimmed": lambda c: refused(
            c.post(TOKEN, {**LOGIN, "password": LOGIN["password"] + " "})
        ),
        "jwt_times_in_milliseconds": lambda c: int(jwt_part(c.token, 1)["exp"]) < 10**10,
        "key_login_takes_any_password": lambda c: refused(
            c.post(KEY_LOGIN, {}, authorization=basic("secret"))
        ),
        "key_login_needs_unit": lambda c: ok(c.post(KEY_LOGIN, {}, authorization=basic(""))),
        "resend_of_successful_answers_ok": lambda c: refused(c.resend(id=c.successful.id)),
        "paging_alone_is_enough": lambda c: refused(c.search(number_of_results=5)),
        "missing_parameter_inside_data": lambda c: refused(c.search()) and refused(c.get("show")),
        "token_errors_have_no_message": lambda c: (
            "message" in c.search(entity="JOBS", token="0" * 32)["status"]
        ),
        "comma_after_last_row": lambda c: ok(c.search(entity="JOBS", fields_set="id,number")),
        "value_unescaped_in_error": lambda c: refused(c.show(number='7"8')),
        "html_for_long_query": lambda c: refused(c.show(number="7" * 2000)),
        "deprecated_is_not_ok": lambda c: ok(c.search(entity="JOBS")),
    }
)
