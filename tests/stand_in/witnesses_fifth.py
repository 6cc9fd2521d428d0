"""Witnesses of the fifth set of faults; see ``witnesses``."""

from datetime import timedelta
from typing import Any

from stand_in.client import LOGIN, Client, ok, refused
from stand_in.reading import FIELDS
from stand_in.witnesses import (
    TOKEN,
    all_have,
    at,
    by_definition,
    by_rule,
    jwt_part,
    whole,
    witness,
)
from stand_in.witnesses_fourth import WITNESSES, lists_of_all, logs
from stand_in.witnesses_second import ENTITIES, agrees, by_url, failing, gone, state
from stand_in.witnesses_third import DEFINITIONS, RULES, data, listed_on_own_day
from stand_in.world import REJECTED, SUCCESSFUL

__all__ = ["WITNESSES"]

# Lists.


@witness
def day_of_rounded_minute(c: Client) -> bool:
    record = at(c, "23:59:59")
    after = f"{record.created + timedelta(days=1):%Y-%m-%d}"
    return record.id not in c.ids(entity=record.entity, created_date=after)


@witness
def rule_code_found_through_definitions(c: Client) -> bool:
    rows = c.rows(**{RULES: "alternative_code=R1"})
    return {row["workflow_rule"]["alternative_code"] for row in rows} == {"R1"}


@witness
def url_selects_definitions_that_used_it(c: Client) -> bool:
    url = next(r.url for r in c.records if "activities/create" in r.url)
    return all_have(by_url(c, url), "url", url)


@witness
def old_definition_counts_as_first(c: Client) -> bool:
    first = c.app.world.definitions[0].id
    rows = c.rows(**{DEFINITIONS: f"id={first}"})
    return {row["webhook_definition"]["id"] for row in rows} == {first}


@witness
def service_requests_are_activities(c: Client) -> bool:
    return all_have(c.rows(entity="ACTIVITIES", fields_set="id,entity"), "entity", "ACTIVITIES")


@witness
def state_of_thing_filtered(c: Client) -> bool:
    return all(
        r.id in c.ids(entity_id=r.entity_id, life_cycle_state=r.life_cycle_state) for r in c.records
    )


@witness
def continuation_forgets_optional_filters(c: Client) -> bool:
    rows = c.rows(**by_rule(c.rejected), life_cycle_state=REJECTED)
    return len(rows) > 5 and all_have(rows, "life_cycle_state", REJECTED)


@witness
def empty_list_remembered(c: Client) -> bool:
    for record in c.records:
        wanted = {"entity": record.entity, "entity_id": record.entity_id, **by_definition(record)}
        wanted["life_cycle_state"] = SUCCESSFUL
        if record.life_cycle_state == REJECTED and c.ids(**wanted) == []:
            c.resend(id=record.id)
            return c.ids(**wanted) == [record.id]
    raise AssertionError


def named(c: Client, fields_set: str) -> bool:
    """Return whether list and show return exactly the fields that are named."""
    names = set(fields_set.split(","))
    rows = c.rows(entity="JOBS", fields_set=fields_set)
    shown = c.show(id=c.rejected.id, fields_set=fields_set)["data"]
    return all(set(row) == names for row in [*rows, shown])


@witness
def offset_rounded_to_page(c: Client) -> bool:
    ids = c.ids(entity="ACTIVITIES", number_of_results=3, offset=2)
    return ids == whole(c)[2:5]


@witness
def limit_of_first_page_kept(c: Client) -> bool:
    pages = [c.ids(entity="ACTIVITIES", number_of_results=size) for size in (5, 2)]
    return [len(page) for page in pages] == [5, 2]


@witness
def page_ends_with_total(c: Client) -> bool:
    rows = c.rows(entity="ACTIVITIES", number_of_results=3)
    return len(rows) == 3 and all(set(FIELDS) <= set(row) for row in rows)


# Effects.


@witness
def fields_list_shows_old_state(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    rows = c.rows(
        entity=record.entity, life_cycle_state=SUCCESSFUL, fields_set="id,life_cycle_state"
    )
    return all_have(rows, "life_cycle_state", SUCCESSFUL)


@witness
def resent_in_neither_state(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    return record.id in c.ids(entity=record.entity, life_cycle_state=SUCCESSFUL)


@witness
def resend_supersedes_older(c: Client) -> bool:
    rejected = [r for r in c.records if r.life_cycle_state == REJECTED]
    for position, record in enumerate(rejected):
        older = [r for r in rejected[:position] if r.entity_id == record.entity_id]
        if older:
            c.resend(id=record.id)
            return all(ok(c.show(id=r.id)) for r in older)
    raise AssertionError


@witness
def refused_resend_locks_record(c: Client) -> bool:
    record = c.successful
    return refused(c.resend(id=record.id)) and ok(c.delete(id=record.id))


@witness
def resend_takes_head_of_queue(c: Client) -> bool:
    definition = c.rejected.definition
    same = [r for r in c.records if r.definition is definition and r.error_code]
    c.resend(id=same[1].id)
    return [state(c, r) for r in same[:2]] == [REJECTED, SUCCESSFUL]


@witness
def failed_resend_waits_outside_lists(c: Client) -> bool:
    record = failing(c)
    c.resend(id=record.id)
    return record.id in c.ids(entity=record.entity)


@witness
def states_shift_after_delete(c: Client) -> bool:
    c.delete(id=c.records[0].id)
    lists = [c.rows(entity=entity, life_cycle_state=REJECTED) for entity in ENTITIES]
    return all(all_have(rows, "life_cycle_state", REJECTED) for rows in lists)


@witness
def null_for_deleted_row(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    return None not in c.rows(**by_definition(record))


@witness
def delete_uncovers_older_version(c: Client) -> bool:
    record = c.rejected
    c.resend(id=record.id)
    c.delete(id=record.id)
    return gone(c, record)


@witness
def delete_drops_day_from_index(c: Client) -> bool:
    c.delete(id=c.rejected.id)
    return listed_on_own_day(c)


@witness
def delete_removes_name_of_definition(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    return c.rows(**{DEFINITIONS: f"name={record.definition.name}"}) != []


@witness
def delete_ends_session(c: Client) -> bool:
    return ok(c.delete(id=c.rejected.id)) and ok(c.search(entity="JOBS"))


@witness
def next_action_lost_after_refusal(c: Client) -> bool:
    record = c.rejected
    c.resend(id=c.successful.id)
    c.delete(id=record.id)
    return gone(c, record)


# Views.


@witness
def show_person_name_is_object(c: Client) -> bool:
    users = [log["created_by_user"] for log in logs(c) if log["created_by_user"]]
    return bool(users) and all(isinstance(user["person_name"], str) for user in users)


@witness
def second_user_is_reference(c: Client) -> bool:
    users = [log["updated_by_user"] for log in logs(c) if log["updated_by_user"]]
    return bool(users) and all("username" in user for user in users)


@witness
def delete_state_is_object(c: Client) -> bool:
    return bool(c.delete(id=c.rejected.id)["data"]["life_cycle_state"] == REJECTED)


@witness
def resend_number_is_decimal(c: Client) -> bool:
    record = c.rejected
    return bool(c.resend(id=record.id)["data"]["number"] == record.number)


@witness
def show_omits_identifier_field(c: Client) -> bool:
    record = c.rejected
    return set(data(c, record)) == set(c.show(number=record.number)["data"]) == set(FIELDS)


@witness
def fields_show_state_of_definition(c: Client) -> bool:
    record = c.rejected
    shown = c.show(id=record.id, fields_set="id,life_cycle_state")["data"]
    return bool(shown["life_cycle_state"] == REJECTED)


# Access.


@witness
def exp_is_lifetime(c: Client) -> bool:
    claims: dict[str, Any] = jwt_part(c.token, 1)
    return int(claims["exp"]) - int(claims["iat"]) == 7200


@witness
def second_error_in_row_has_code_ok(c: Client) -> bool:
    return all(refused(c.search()) for _ in range(2))


@witness
def unknown_record_is_blank(c: Client) -> bool:
    record = c.rejected
    c.delete(id=record.id)
    return gone(c, record)


@witness
def long_list_is_gzip(c: Client) -> bool:
    return all(ok(c.search(**by_rule(r))) for r in c.records[:9])


# Those that need no more than one expression.
WITNESSES.update(
    {
        "sunday_in_no_partition": listed_on_own_day,
        "one_letter_is_noise_word": lambda c: all_have(c.rows(entity_id="1"), "entity_id", "1"),
        "fields_out_of_order_lost": lambda c: named(c, "number,id"),
        "log_flattened_with_fields": lambda c: named(c, "id,log_information"),
        "prefix_field_swallowed": lambda c: named(c, "entity,entity_id"),
        "offset_taken_off_the_end": lambda c: (
            c.ids(entity="ACTIVITIES", number_of_results=3, offset=3) == whole(c)[3:6]
        ),
        "list_dates_to_the_minute": agrees,
        "updated_in_other_zone": lambda c: all(
            log["created_date"] <= log["updated_date"] for log in logs(c)
        ),
        "list_url_has_port": agrees,
        "list_drops_tabs": agrees,
        "show_code_has_time": agrees,
        "lazy_rule_with_fields": lambda c: all(lists_of_all(c, "id,workflow_rule")),
        "new_token_refused_once": lambda c: ok(c.search(entity="JOBS")),
        "jwt_has_line_breaks": lambda c: c.token.split() == [c.token],
        "credentials_or_organisation": lambda c: refused(
            c.post(TOKEN, {**LOGIN, "password": "Summer-2016"})
        ),
        "apostrophe_escaped_in_error": lambda c: refused(c.show(number="987654")),
    }
)
