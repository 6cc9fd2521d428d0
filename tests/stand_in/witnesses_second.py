"""Witnesses of the second set of faults; see ``witnesses``."""

import base64
from typing import Any

from stand_in.client import LOGIN, Client, ok, refused
from stand_in.reading import FIELDS
from stand_in.tokens import encoded
from stand_in.witnesses import (
    TOKEN,
    WITNESSES,
    all_have,
    by_definition,
    by_rule,
    day,
    jwt_part,
    none_missing,
    token_refused,
    walk,
    whole,
    witness,
)
from stand_in.world import REJECTED, SUCCESSFUL, Record

__all__ = ["WITNESSES"]

RULES = "workflow_rule_identifier"
UNKNOWN = "987654"
ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")


def state(c: Client, record: Record) -> Any:
    return c.show(id=record.id)["data"]["life_cycle_state"]


def failing(c: Client) -> Record:
    return next(r for r in c.records if r.definition.fails and r.life_cycle_state == REJECTED)


def by_url(c: Client, url: str) -> list[Any]:
    return [row for entity in ENTITIES for row in c.rows(entity=entity, url=url)]


def agrees(c: Client, *entities: str) -> bool:
    """Return whether lists show what show shows."""
    rows = [row for entity in entities or ENTITIES for row in c.rows(entity=entity)]
    return all(c.show(id=row["id"])["data"] == row for row in rows)


def gone(c: Client, record: Record) -> bool:
    return refused(c.show(id=record.id))


# Effects.


@witness
def resend_rolled_back_by_refusal(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    c.show(number=UNKNOWN)
    return bool(state(c, record) == SUCCESSFUL)


@witness
def delete_rolled_back_by_later_action(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    c.resend(id=c.successful.id)
    return gone(c, record)


@witness
def numbers_close_up(c: Client) -> bool:
    last = c.records[-1]
    number = last.number
    c.delete(id=c.rejected.id)
    return bool(c.show(id=last.id)["data"]["number"] == number)


@witness
def resend_clears_errors_of_rule(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    rows = c.rows(**by_rule(record), life_cycle_state=REJECTED)
    return all(row["error_code"] for row in rows)


@witness
def resend_by_id_only_in_answer(c: Client) -> bool:
    record = c.rejected
    return bool(c.resend(id=record.id)["data"]["life_cycle_state"] == state(c, record))


@witness
def resend_stores_deleted(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    c.resend(id=record.id)
    return gone(c, record)


@witness
def second_delete_undeletes(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    c.delete(id=record.id)
    return gone(c, record)


@witness
def delete_misses_new_version(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    c.delete(id=record.id)
    return gone(c, record)


@witness
def delete_cascades_to_thing(c: Client) -> bool:
    counts: dict[str, list[Record]] = {}
    for record in c.records:
        counts.setdefault(record.entity_id, []).append(record)
    one, other = next(records[:2] for records in counts.values() if len(records) > 1)
    c.delete(id=one.id)
    return ok(c.show(id=other.id))


@witness
def delete_by_id_or_number(c: Client) -> bool:
    other = next(r for r in c.records if r.id.isdigit())
    return ok(c.delete(number=other.id)) and ok(c.show(id=other.id))


@witness
def failed_resend_half_written(c: Client) -> bool:
    record = failing(c)
    c.resend(id=record.id)
    data = c.show(id=record.id)["data"]
    return data["life_cycle_state"] == REJECTED or data["error_code"] is None


@witness
def failed_resend_loses_record(c: Client) -> bool:
    record = failing(c)
    c.resend(id=record.id)
    return ok(c.show(id=record.id))


@witness
def resend_binds_fields_set(c: Client) -> bool:
    record = c.rejected
    before = c.show(id=record.id)["data"]["fields_set"]
    c.act("resend", {"id": record.id}, fields_set="id,number,url")
    return bool(c.show(id=record.id)["data"]["fields_set"] == before)


@witness
def delete_needs_rule(c: Client) -> bool:
    return ok(c.delete(id=next(r.id for r in c.records if r.rule is None)))


@witness
def other_token_still_sees(c: Client) -> bool:
    record, other = c.rejected, c.post(TOKEN, LOGIN)["data"]["token"]
    shown = c.show(id=record.id, token=other)
    c.delete(id=record.id)
    return ok(shown) and refused(c.show(id=record.id, token=other))


@witness
def resend_resets_created_date(c: Client) -> bool:
    record = c.rejected
    before = c.show(id=record.id)["data"]["log_information"]["created_date"]
    c.resend(id=record.id)
    return bool(c.show(id=record.id)["data"]["log_information"]["created_date"] == before)


# Caches and what one request leaves for the next.


@witness
def list_key_lacks_entity(c: Client) -> bool:
    first = c.records[0]
    same_day = [r for r in c.records if day(r) == day(first)]
    other = next(r for r in same_day if r.entity != first.entity)
    c.search(entity=first.entity, created_date=day(first))
    return all_have(c.rows(entity=other.entity, created_date=day(first)), "entity", other.entity)


@witness
def list_key_lacks_fields(c: Client) -> bool:
    c.search(entity="JOBS", fields_set="id")
    return set(FIELDS) <= set(c.rows(entity="JOBS")[0])


@witness
def not_found_kept_by_value(c: Client) -> bool:
    value = c.rejected.id
    return refused(c.show(number=value)) and ok(c.show(id=value))


@witness
def empty_after_refused_list(c: Client) -> bool:
    return refused(c.search()) and c.rows(entity="JOBS") != []


@witness
def rejected_listed_once(c: Client) -> bool:
    wanted = {"entity": "JOBS", "life_cycle_state": REJECTED}
    return c.ids(**wanted) == c.ids(**wanted)


@witness
def state_kept_for_next_list(c: Client) -> bool:
    before = whole(c)
    c.search(entity="JOBS", life_cycle_state=REJECTED)
    return whole(c) == before


# Filters.


@witness
def url_of_definition_filtered(c: Client) -> bool:
    url = next(r.url for r in c.records if r.url != r.definition.url)
    return all_have(by_url(c, url), "url", url)


@witness
def url_compared_backwards(c: Client) -> bool:
    url = "http://hooks.example.com/in/2"
    return all_have(by_url(c, url), "url", url)


@witness
def day_and_month_swapped(c: Client) -> bool:
    record = c.rejected
    return record.id in c.ids(entity=record.entity, created_date=day(record))


@witness
def afternoon_read_as_morning(c: Client) -> bool:
    record = next(r for r in c.records if r.created.hour > 12)
    return record.id in c.ids(entity=record.entity, created_date=record.created.isoformat())


@witness
def state_and_or_entity_id(c: Client) -> bool:
    rejected = {"life_cycle_state": REJECTED}
    rows = [row for r in c.records for row in c.rows(entity_id=r.entity_id, **rejected)]
    return all_have(rows, "life_cycle_state", REJECTED)


@witness
def rule_code_not_supported(c: Client) -> bool:
    return ok(c.search(workflow_rule_identifier="alternative_code=R1"))


@witness
def definition_id_may_be_rule(c: Client) -> bool:
    rule = c.rejected.rule
    return rule is not None and c.rows(webhook_definition_identifier=f"id={rule.id}") == []


@witness
def entities_shifted(c: Client) -> bool:
    return all_have(c.rows(entity="REFUNDS"), "entity", "REFUNDS")


@witness
def slash_drops_optional_filters(c: Client) -> bool:
    query = f"token={c.token}&entity=JOBS&life_cycle_state={REJECTED}"
    rows = c.call("GET", "webhook_requests/list/", query, b"")["data"]
    return all_have(rows, "life_cycle_state", REJECTED)


# Pages.


@witness
def ties_in_other_order(c: Client) -> bool:
    for rule in c.app.world.rules:
        wanted = {RULES: f"id={rule.id}"}
        everything = c.ids(**wanted)
        pages = [
            c.ids(**wanted, offset=skip, number_of_results=1) for skip in range(len(everything))
        ]
        if [found for page in pages for found in page] != everything:
            return False
    return True


@witness
def page_padded_with_null(c: Client) -> bool:
    return None not in c.search(entity="JOBS", number_of_results=40)["data"]


# Identifiers.


@witness
def show_without_identifier_shows_last(c: Client) -> bool:
    return ok(c.show(id=c.rejected.id)) and refused(c.get("show"))


@witness
def token_must_come_first(c: Client) -> bool:
    body = {"webhook_request_identifier": {"id": c.rejected.id}, "token": c.token}
    return ok(c.post("webhook_requests/delete", body))


# Views.


@witness
def show_cuts_url(c: Client) -> bool:
    record = next(r for r in c.records if len(r.url) > 50)
    return bool(c.show(id=record.id)["data"]["url"] == record.url)


@witness
def list_names_encoded_twice(c: Client) -> bool:
    rows = c.rows(webhook_definition_identifier="alternative_code=AF2")
    rows += c.rows(**by_definition(c.records[1]))
    return all(c.show(id=row["id"])["data"] == row for row in rows)


@witness
def delete_shows_null_as_text(c: Client) -> bool:
    return c.delete(id=c.successful.id)["data"]["error_description"] is None


@witness
def delete_shows_unit_for_user(c: Client) -> bool:
    data = c.delete(id=next(r.id for r in c.records if r.updated_by))["data"]
    return "username" in data["log_information"]["updated_by_user"]


@witness
def resend_shows_rule_as_array(c: Client) -> bool:
    return isinstance(c.resend(id=c.rejected.id)["data"]["workflow_rule"], dict)


@witness
def delete_shows_deleted_state(c: Client) -> bool:
    data = c.delete(id=c.rejected.id)["data"]
    return data["life_cycle_state"] in (REJECTED, SUCCESSFUL)


@witness
def delete_shows_entity_id_as_id(c: Client) -> bool:
    record = c.rejected
    return bool(c.delete(id=record.id)["data"]["id"] == record.id)


@witness
def definition_joined_by_url(c: Client) -> bool:
    return all(row["webhook_definition"] for entity in ENTITIES for row in c.rows(entity=entity))


@witness
def list_shows_collective_entity(c: Client) -> bool:
    wanted = ("INVOICES", "PAYMENTS", "REFUNDS")
    return all(all_have(c.rows(entity=entity), "entity", entity) for entity in wanted)


# JSON.


@witness
def two_commas_without_author(c: Client) -> bool:
    return all(ok(c.show(id=record.id)) for record in c.records)


def of_third_definition(c: Client) -> bool:
    name = "name=Jobs & Überwachung"
    return ok(c.search(webhook_definition_identifier=name)) and all(
        ok(c.show(id=r.id)) for r in c.records
    )


# Tokens and logins.


@witness
def list_answered_before_token_check(c: Client) -> bool:
    return ok(c.search(entity="JOBS")) and refused(c.search(entity="JOBS", token="0" * 32))


@witness
def token_worn_out(c: Client) -> bool:
    return all(ok(c.search(entity="JOBS")) for _ in range(50))


@witness
def slash_bypasses_token_check(c: Client) -> bool:
    return refused(c.call("GET", "webhook_requests/list/", "token=0&entity=JOBS", b""))


@witness
def login_leaves_thread_in(c: Client) -> bool:
    return ok(c.post(TOKEN, LOGIN)) and token_refused(c, "0" * 32)


@witness
def unsigned_jwt_accepted(c: Client) -> bool:
    header = encoded('{"typ": "JWT", "alg": "none"}')
    return token_refused(c, f"{header}.{c.token.split('.')[1]}.")


@witness
def user_and_organisation_swapped(c: Client) -> bool:
    return bool(jwt_part(c.token, 1)["org"] == LOGIN["organisation"])


@witness
def unit_kept_for_next_login(c: Client) -> bool:
    unit = c.app.world.people[1].unit["id"]
    named = c.post(TOKEN, {**LOGIN, "unit": unit})["data"]["token"]
    later = c.post(TOKEN, LOGIN)["data"]["token"]
    units = [jwt_part(token, 1)["oun"] for token in (c.token, named, later)]
    return bool(units[0] == units[2] != units[1])


@witness
def empty_key_logs_in(c: Client) -> bool:
    basic = base64.b64encode(b":").decode()
    path = "authentication/web_api_key/token"
    return refused(c.post(path, {}, authorization=f"Basic {basic}"))


@witness
def true_is_token(c: Client) -> bool:
    body = {"token": True, "webhook_request_identifier": {"id": c.rejected.id}}
    return refused(c.post("webhook_requests/resend", body))


# Those that need no more than one expression.
WITNESSES.update(
    {
        "list_key_lacks_offset": lambda c: walk(c, 5) == whole(c),
        "entity_id_or_number": lambda c: all_have(c.rows(entity_id="12"), "entity_id", "12"),
        "rule_name_from_definition": lambda c: c.rows(workflow_rule_identifier="name=on job") != [],
        "distinct_over_fields": lambda c: (
            len(c.rows(entity="JOBS", fields_set="life_cycle_state")) == len(c.rows(entity="JOBS"))
        ),
        "entities_of_later_release": lambda c: refused(c.search(entity="INVOICES")),
        "query_decoded_before_split": lambda c: (
            c.rows(webhook_definition_identifier="name=Jobs & Überwachung") != []
        ),
        "entity_id_in_any_case": lambda c: c.rows(entity_id="ab1") == [],
        "limit_above_ten_ignored": lambda c: (
            len(c.ids(entity="ACTIVITIES", number_of_results=11)) <= 11
        ),
        "paging_ignored_with_fields": lambda c: (
            len(c.ids(entity="ACTIVITIES", number_of_results=2, fields_set="id")) <= 2
        ),
        "last_page_filled_up": lambda c: walk(c, 4) == whole(c) == walk(c, 7),
        "paging_bound_in_order": lambda c: walk(c, 5) == whole(c),
        "limit_for_each_state": lambda c: len(c.ids(entity="ACTIVITIES", number_of_results=3)) <= 3,
        "paging_only_after_r13": lambda c: (
            len(c.ids(entity="ACTIVITIES", number_of_results=3)) <= 3
        ),
        "list_capped_before_paging": none_missing,
        "show_only_recent": lambda c: all(
            ok(c.show(id=row["id"])) for entity in ENTITIES for row in c.rows(entity=entity)
        ),
        "empty_number_shows_first": lambda c: refused(
            c.get("show", webhook_request_identifier="number=")
        ),
        "resend_by_any_column": lambda c: refused(
            c.act("resend", {"entity_id": c.rejected.entity_id})
        ),
        "number_beyond_integer": lambda c: ok(c.show(number=c.rejected.number)),
        "search_in_other_order": lambda c: all(ok(c.show(number=r.number)) for r in c.records),
        "leading_zeros_ignored": lambda c: refused(c.show(number="007")),
        "list_numbers_overflow": lambda c: all(
            ok(c.show(number=row["number"])) for row in c.rows(entity="JOBS")
        ),
        "null_rule_taken_from_row_above": agrees,
        "list_swaps_dates": agrees,
        "show_has_twelve_hours": agrees,
        "list_shares_code": agrees,
        "fields_set_echoed": lambda c: kept_by_fields(c, "fields_set"),
        "fields_found_in_text": lambda c: (
            set(c.show("entity_id", id=c.rejected.id)["data"]) == {"entity_id"}
        ),
        "one_field_unwrapped": lambda c: isinstance(
            c.rows(entity="JOBS", fields_set="number")[0], dict
        ),
        "show_has_own_unit": agrees,
        "resend_in_camel_case": lambda c: set(FIELDS) <= set(c.resend(id=c.rejected.id)["data"]),
        "rule_missing_after_ten_rows": agrees,
        "releases_compared_as_text": lambda c: (
            "created_by_unit" in c.rows(entity="JOBS")[0]["log_information"]
        ),
        "error_of_resend_written_twice": lambda c: refused(c.resend(id=c.successful.id)),
        "latin1_body": of_third_definition,
        "length_in_letters": of_third_definition,
        "body_cut_at16_k": lambda c: all(ok(c.search(entity=entity)) for entity in ENTITIES),
        "plain_text_for_wrong_token": lambda c: token_refused(c, "0" * 32),
        "no_body_for_wrong_verb": lambda c: refused(c.post("webhook_requests/show", {})),
        "jwt_padded": lambda c: "=" not in c.token,
        "true_is_password": lambda c: refused(c.post(TOKEN, {**LOGIN, "password": True})),
        "show_dates_without_zeros": agrees,
        "list_cuts_description": agrees,
    }
)


def kept_by_fields(c: Client, field: str) -> bool:
    record_id = c.rejected.id
    few = c.show(f"id,{field}", id=record_id)["data"][field]
    return bool(few == c.show(id=record_id)["data"][field])
