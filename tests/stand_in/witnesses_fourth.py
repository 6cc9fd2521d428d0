"""Witnesses of the fourth set of faults; see ``witnesses``."""

import json
from typing import Any

from stand_in.client import LOGIN, Client, ok, refused
from stand_in.reading import FIELDS
from stand_in.tokens import encoded
from stand_in.witnesses import (
    TOKEN,
    all_have,
    at,
    by_definition,
    by_rule,
    day,
    jwt_part,
    token_refused,
    walk,
    whole,
    witness,
)
from stand_in.witnesses_second import ENTITIES, agrees, by_url, failing, gone, state
from stand_in.witnesses_third import (
    WITNESSES,
    data,
    listed_at_own_moment,
    others,
)
from stand_in.world import REJECTED, SUCCESSFUL, Record

__all__ = ["WITNESSES"]

# Lists.


@witness
def fields_trimmed_before_filter(c: Client) -> bool:
    wanted = {"entity": "ACTIVITIES", "life_cycle_state": REJECTED}
    ids = [row["id"] for row in c.rows(**wanted, fields_set="id,number")]
    return bool(ids) and ids == c.ids(**wanted)


@witness
def state_of_definition_filtered(c: Client) -> bool:
    record = c.rejected
    return record.id in c.ids(**by_definition(record), life_cycle_state=REJECTED)


@witness
def date_beside_rule_is_moment(c: Client) -> bool:
    return all(r.id in c.ids(**by_rule(r), created_date=day(r)) for r in c.records)


@witness
def day_has_two_hours_more(c: Client) -> bool:
    after = at(c, "00:00:00")
    before = c.records[c.records.index(after) - 1]
    rows = c.rows(**by_rule(after), created_date=day(before))
    return {row["log_information"]["created_date"][:10] for row in rows} <= {day(before)}


@witness
def empty_day_takes_day_before(c: Client) -> bool:
    return c.rows(entity="JOBS", created_date="2031-01-01") == []


@witness
def rule_and_state_ask_one_shard(c: Client) -> bool:
    return all(r.id in c.ids(**by_rule(r), life_cycle_state=r.life_cycle_state) for r in c.records)


@witness
def identifiers_share_variable(c: Client) -> bool:
    record = c.rejected
    return record.id in c.ids(**by_rule(record), **by_definition(record))


def lists_of_all(c: Client, fields_set: str) -> list[Any]:
    """Return lists by entity, rule and definition with a fields_set."""
    filters = [{"entity": entity} for entity in ENTITIES]
    filters += [by_rule(r) for r in c.records[:9]] + [by_definition(r) for r in c.records[:4]]
    return [c.rows(**wanted, fields_set=fields_set) for wanted in filters]


@witness
def columns_of_first_row(c: Client) -> bool:
    names = {"id", "fields_set", "error_code"}
    lists = lists_of_all(c, ",".join(sorted(names)))
    return all(set(row) == names for rows in lists for row in rows)


@witness
def fields_prune_nested(c: Client) -> bool:
    rows = c.rows(entity="JOBS", fields_set="id,log_information,webhook_definition")
    return all(row["log_information"] and "name" in row["webhook_definition"] for row in rows)


@witness
def error_fields_drop_successful(c: Client) -> bool:
    rows = c.rows(entity="JOBS", fields_set="id,error_code")
    return [row["id"] for row in rows] == c.ids(entity="JOBS")


@witness
def offset_applied_twice(c: Client) -> bool:
    rejected = {"life_cycle_state": REJECTED}
    return walk(c, 2, **rejected) == whole(c, **rejected)


# Effects.


def resend_leaves_others(c: Client, record: Record) -> bool:
    before = others(c, record)
    c.resend(id=record.id)
    return others(c, record) == before


@witness
def resend_indexed_as_activity(c: Client) -> bool:
    record = next(r for r in c.records if r.error_code and r.entity != "ACTIVITIES")
    c.resend(id=record.id)
    return record.id in c.ids(entity=record.entity)


@witness
def next_resend_reverts_last(c: Client) -> bool:
    one, other = c.rejected, c.pick(REJECTED, 1)
    c.resend(id=one.id)
    c.resend(id=other.id)
    return bool(state(c, one) == state(c, other) == SUCCESSFUL)


@witness
def second_success_sends_all(c: Client) -> bool:
    definition = c.rejected.definition
    same = [r for r in c.records if r.definition is definition and r.error_code]
    for record in same[:2]:
        c.resend(id=record.id)
    return bool(state(c, same[2]) == REJECTED)


@witness
def second_failure_is_success(c: Client) -> bool:
    record = failing(c)
    c.resend(id=record.id)
    c.resend(id=record.id)
    shown = data(c, record)
    return shown["life_cycle_state"] == REJECTED or shown["error_code"] is None


@witness
def resend_collects_requests(c: Client) -> bool:
    return not isinstance(c.resend(id=c.rejected.id)["data"]["request"], list)


@witness
def delete_anonymizes_author(c: Client) -> bool:
    record = next(r for r in c.records if r.created_by)
    before = others(c, record)
    c.delete(id=record.id)
    return others(c, record) == before


@witness
def show_follows_deleted_to_same_thing(c: Client) -> bool:
    record = next(r for r in c.records if [o.entity_id for o in c.records].count(r.entity_id) > 1)
    c.delete(id=record.id)
    return gone(c, record)


@witness
def resend_of_deleted_answers_ok(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    return refused(c.resend(id=record.id))


@witness
def fields_list_shows_deleted(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    rows = c.rows(entity=record.entity, fields_set="id")
    return record.id not in [row["id"] for row in rows]


@witness
def third_delete_cleans_up(c: Client) -> bool:
    newest = c.records[-3:]
    left = [r.id for r in c.records if r not in newest]
    for record in newest:
        c.delete(id=record.id)
    return all(ok(c.show(id=record_id)) for record_id in left)


@witness
def resend_shifted_after_delete(c: Client) -> bool:
    record = c.pick(REJECTED, 3)
    c.delete(id=c.records[0].id)
    answer = c.resend(id=record.id)
    return ok(answer) and answer["data"]["id"] == record.id


@witness
def delete_restores_state_index(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    c.delete(id=c.records[-1].id)
    return record.id not in c.ids(entity=record.entity, life_cycle_state=REJECTED)


# Views.


def logs(c: Client) -> list[Any]:
    return [data(c, r)["log_information"] for r in c.records]


@witness
def missing_user_is_empty_object(c: Client) -> bool:
    users = [log["created_by_user"] for log in logs(c)]
    return all(user is None or "username" in user for user in users)


@witness
def resend_dates_are_milliseconds(c: Client) -> bool:
    log = c.resend(id=c.rejected.id)["data"]["log_information"]
    return isinstance(log["created_date"], str)


@witness
def list_numbers_grouped(c: Client) -> bool:
    return all(ok(c.show(number=row["number"])) for row in c.rows(entity="JOBS"))


@witness
def delete_wraps_record(c: Client) -> bool:
    record = c.rejected
    before = data(c, record)
    return bool(c.delete(id=record.id)["data"] == before)


# Access.


@witness
def only_session_compared(c: Client) -> bool:
    head, _, signature = c.token.split(".")
    claims = jwt_part(c.token, 1) | {"usr": "somebody else"}
    return token_refused(c, ".".join((head, encoded(json.dumps(claims)), signature)))


@witness
def wrong_password_gives_token(c: Client) -> bool:
    answer = c.post(TOKEN, {**LOGIN, "password": "Summer-2016"})
    return refused(answer) and "token" not in (answer.get("data") or {})


@witness
def token_of_unit_not_known(c: Client) -> bool:
    unit = next(log["created_by_unit"] for log in logs(c) if log["created_by_unit"])
    c.token = c.post(TOKEN, {**LOGIN, "unit": unit["id"]})["data"]["token"]
    return ok(c.search(entity="JOBS"))


@witness
def jwt_in_local_time(c: Client) -> bool:
    return abs(int(jwt_part(c.token, 1)["iat"]) - c.app.now) < 600


@witness
def messages_are_array(c: Client) -> bool:
    return isinstance(c.search()["status"]["message"], str)


# Those that need no more than one expression.
WITNESSES.update(
    {
        "entity_id_or_user": lambda c: all_have(c.rows(entity_id="1"), "entity_id", "1"),
        "url_loses_port": lambda c: all(by_url(c, r.url) != [] for r in c.records),
        "rule_forgets_before_amendment": lambda c: all(
            r.id in c.ids(**by_rule(r)) for r in c.records
        ),
        "old_definition_unknown": lambda c: all(
            r.id in c.ids(**by_definition(r)) for r in c.records
        ),
        "seconds_dropped_from_moment": listed_at_own_moment,
        "zero_offset_refused": lambda c: ok(c.search(entity="JOBS", offset="0")),
        "page_with_ties": lambda c: walk(c, 2) == whole(c),
        "offset_from_last_page": lambda c: walk(c, 3) == whole(c),
        "skipped_and_returned_in_two_orders": lambda c: walk(c, 3) == whole(c),
        "resend_evicts_oldest": lambda c: resend_leaves_others(c, c.rejected),
        "resend_refuses_old": lambda c: ok(c.resend(id=c.rejected.id)),
        "failed_resend_blames_last_success": lambda c: resend_leaves_others(c, failing(c)),
        "zero_seconds_omitted": lambda c: all(len(log["created_date"]) == 19 for log in logs(c)),
        "list_unit_inside_user": agrees,
        "list_log_cached_by_author": agrees,
        "updated_on_day_of_creation": lambda c: all(
            log["created_date"] <= log["updated_date"] for log in logs(c)
        ),
        "list_hides_built_in_user": agrees,
        "list_uppers_rule_code": agrees,
        "show_rule_name_cut_at_comma": agrees,
        "show_error_of_last_failure": lambda c: data(c, c.successful)["error_code"] is None,
        "list_escapes_twice": agrees,
        "list_cuts_code_to40": agrees,
        "show_ends_at_first_null": lambda c: set(data(c, c.successful)) == set(FIELDS),
        "wrong_token_sees_nothing": lambda c: refused(c.search(entity="JOBS", token="0" * 32)),
        "username_unchecked": lambda c: refused(c.post(TOKEN, {**LOGIN, "username": "nobody"})),
        "html_for_percent": lambda c: refused(c.show(number="100%")),
        "no_content_for_unknown": lambda c: refused(c.show(number="987654")),
        "comment_behind_json": lambda c: ok(c.show(id=c.rejected.id)),
    }
)
