"""Mutants that take the wrong record, and are wrong about what changes it."""

# Each row stays together, as in a table.
# fmt: off

import struct
from bisect import bisect_left
from copy import copy
from dataclasses import replace
from datetime import timedelta

from sound_server.reading import IDENTIFIER, Refusal
from sound_server.server import SoundServer
from sound_server.world import FIRST_DAY, REJECTED, SUCCESSFUL

from mutants.combinators import (
    also,
    lists,
    loses,
    reads_as,
    refuses,
    shows,
    still_lists,
    then_sets,
    with_data,
)
from mutants.steps import apply, counted, first, instead, mutant, row, step, then

row("show_knows_no_id", "identifier.fields",
    "show refuses id.",
    refuses("bad_parameter", lambda call: call.identifier[0] == "id", "show"))
row("resend_knows_no_number", "identifier.fields",
    "resend refuses number.",
    refuses("bad_parameter", lambda call: call.identifier[0] == "number", "resend"))

# How an identifier is written.

row("empty_number_shows_first", "identifier.mandatory",
    "An empty number is no condition, and the first record is shown.",
    reads_as(IDENTIFIER, lambda server, text:
        f"id={next(iter(server.records))}" if text == "number=" else text, "show"))
row("plain_equals_sign_is_not_read", "parameters.identifier_in_query",
    "An identifier in a query is not read unless its equals sign is percent-encoded.",
    refuses("bad_parameter", lambda call:
        any(text.startswith(("id=", "number=")) for text in call.written.values())))

@mutant("parameters.identifier_in_query", first("read_arguments", method="show"))
def show_wants_flat_identifier(call):
    """show wants number=7 in its query, and refuses webhook_request_identifier=number=7."""
    flat = [f"{n}={call.parameters[n]}" for n in ("id", "number") if n in call.parameters]
    call.parameters[IDENTIFIER] = "".join(flat) or None

@mutant("parameters.identifier_in_body", first("read_arguments", method="delete"))
def delete_wants_identifier_as_text(call):
    """delete refuses an identifier that is an object, and takes the text number=14."""
    text = call.parameters.get(IDENTIFIER)
    name, equals, value = text.partition("=") if isinstance(text, str) else ("", "", "")
    call.parameters[IDENTIFIER] = {name: value} if equals else ""

@mutant("identifier.exactly_one", first("read_arguments", method="delete"))
def delete_takes_two_fields(server, call):
    """delete accepts id and number together if they name the same record."""
    text = call.parameters.get(IDENTIFIER)
    if isinstance(text, dict) and len(text) == 2:
        record = server.records.get(text.get("id", ""))
        if record and record.number == text.get("number"):
            call.parameters[IDENTIFIER] = {"id": record.id}

# How an identifier is compared.

row("id_cut_to32", "identifier.selects",
    "Of an id only the first 32 letters are compared.",
    step("names", lambda base, record, name, value, call:
        base(record, name, value[:32] if name == "id" else value, call)))
row("leading_zeros_do_not_count", "identifier.known",
    "show of the number 007 returns the webhook request with the number 7.",
    step("names", lambda base, record, name, value, call:
        base(record, name, value.lstrip("0"), call), "show"))
row("show_of_wildcard", "identifier.selects",
    "show by id compares as LIKE of SQL does, and returns the first record that fits.",
    step("names", lambda base, record, name, value, call:
        record.id.startswith(value[:-1]) if name == "id" and value.endswith("%")
        else base(record, name, value, call)))
row("delete_of_wildcard", "identifier.selects",
    "delete compares numbers as LIKE of SQL does.",
    step("names", lambda base, record, name, value, call:
        record.number.startswith(value[:-1]) if value.endswith("%")
        else base(record, name, value, call), "delete"))
row("number_beyond_integer", "identifier.selects",
    "show reads a number into 32 bits, and refuses what has more.",
    refuses("bad_parameter", lambda call: call.identifier[0] == "number"
        and call.identifier[1].isdigit() and len(call.identifier[1]) > 9, "show"),
    number_form="large")

@mutant("identifier.selects", step("names"))
def number_read_as_sql(base, record, name, value, call):
    """show reads the digits at the start of a number, so that 7x is 7."""
    if name == "number":
        value = value[: len(value) - len(value.lstrip("0123456789"))] or value
    return base(record, name, value, call)

@mutant("identifier.selects", step("find", method="show"), number_form="digits")
def search_in_other_order(server, base, call):
    """show by number searches by halves as in a list of texts, in one sorted by number."""
    name, value = call.identifier
    numbers = [record.number for record in server.records.values()]
    position = bisect_left(numbers, value)
    if name == "number" and numbers[position : position + 1] != [value]:
        raise Refusal("unknown_record", f"No webhook request has number {value}.")
    return base(call)

@mutant("identifier.selects resend.single_result resend.sends_again",
    step("names", method="resend"), number_form="large")
def resend_compares_floats(base, record, name, value, call):
    """resend compares numbers as floats of 32 bits, and takes the first that is equal."""
    if name != "number" or not value.isdigit():
        return base(record, name, value, call)
    right, wrong = (struct.pack("f", float(text[:30])) for text in (record.number, value))
    return right == wrong

row("show_answers_two", "show.single_result",
    "show returns another webhook request beside the one that is named.",
    with_data(lambda server, call, data:
        [data, server.trimmed(next(reversed(server.records.values())), call)], "show"))
row("resend_takes_head_of_queue", "identifier.selects resend.single_result resend.sends_again",
    "resend puts a record into a queue by definition, and sends the oldest one in that.",
    step("send_again", lambda server, base, record: base(next(
        head for head in server.records.values()
        if head.definition is record.definition and head.life_cycle_state == REJECTED))))

@mutant("identifier.selects delete.single_result delete.gone", instead("find"))
def delete_by_number_takes_last_shown(server, made, call, kept):
    """A session keeps the record that it showed last, and delete by number takes that."""
    token = call.parameters.get("token")
    if call.method == "show":
        kept[token] = made.id
    by_number = call.method == "delete" and call.identifier[0] == "number"
    return server.records.get(kept.pop(token, ""), made) if by_number else made

OLD = FIRST_DAY + timedelta(days=3)

def same_thing(record, other):
    """Return whether two records tell of one thing."""
    return other.entity_id == record.entity_id

def may_resend(when):
    """Serve resend in some states in which it must be refused."""
    return step("may_resend", lambda sound, named: apply(when, named) or sound())

def keeps(when):
    """Answer some calls of delete, and keep the record."""
    return step("remove", lambda sound, named: apply(when, named) or sound())

def keeps_field(name):
    """Leave a field of an error as it is where a resend clears it."""
    def succeed(base, record):
        text = getattr(record, name)
        base(record)
        setattr(record, name, text)
    return step("succeed", succeed)

row("resend_of_successful_is_served", "resend.only_rejected",
    "resend of a SUCCESSFUL webhook request is served.",
    may_resend(lambda: True))
row("resend_is_always_refused", "resend.sends_again",
    "resend of a REJECTED webhook request is refused.",
    loses(lambda: True, "not_rejected", "resend"))
row("resend_refuses_old", "resend.sends_again",
    "What was to be sent is kept for some days: the records of the first three are refused.",
    loses(lambda record: record.created < OLD, "not_rejected", "resend"))
row("refused_resend_touches", "errors.change_nothing",
    "A resend that is refused for its state moves updated_date all the same.",
    step("may_resend", lambda server, sound, record: sound() or server.touch(record)))
row("resend_returns_a_confirmation", "resend.returns_record",
    "data of resend is an object that says that it is done.",
    with_data(lambda: {"resent": True}, "resend"))

row("resend_returns_another", "identifier.selects",
    "resend sends the right record and returns the newest one with the same rule.",
    with_data(lambda server, call: server.trimmed(next(
        each for each in reversed(server.records.values())
        if each.rule is server.find(call).rule), call), "resend"))
row("resend_answers_with_first", "resend.single_result resend.returns_record identifier.selects",
    "The object that answers is kept: later resends return the record of the first.",
    with_data(lambda server, call, kept:
        server.trimmed(kept.setdefault("first", server.find(call)), call), "resend"))

# What resend changes in the record.

row("resend_moves_created_date", "resend.identity_kept",
    "resend moves created_date to updated_date.",
    then_sets("send_again", created=lambda record: record.updated))
row("resend_loses_rule", "response.workflow_rule",
    "A record that was sent by hand has no rule any more.",
    then_sets("succeed", rule=lambda: None))
row("resend_changes_definition", "response.webhook_definition",
    "A resend books the record under the first definition.",
    then_sets("succeed", definition=lambda server: server.world.definitions[0]))
row("entity_id_empty_after_resend", "response.entity_id",
    "The id of the thing is lost when a record is sent again.",
    then_sets("succeed", entity_id=lambda: ""))
row("failed_resend_half_written", "response.error_code.only_rejected",
    "The state is written before the sending and never put right.",
    then_sets("send_again", life_cycle_state=lambda: SUCCESSFUL), resend_succeeds="some")
row("resend_binds_fields_set", "response.fields_set",
    "The members of a resend's body are bound to the record, fields_set among them.",
    shows("fields_set", lambda shown, record, kept: kept.get(record.id, shown))
    | then("do_resend", lambda server, call, kept:
        kept.update({server.find(call).id: ",".join(call.fields)} if call.fields else {})),
    release="R10")

row("resend_keeps_description", "response.error_description.only_rejected",
    "A record that was sent again with success keeps its error_description.",
    keeps_field("error_description"))
row("resend_keeps_error_code", "resend.clears_error",
    "A webhook request that was sent again with success keeps its error_code.",
    keeps_field("error_code"))

@mutant("response.url", then("succeed"))
def resend_takes_next_url(server, record):
    """The URL of a record that was sent again is that of the definition behind its own."""
    definitions = server.world.definitions
    record.url = definitions[(definitions.index(record.definition) + 1) % len(definitions)].url

@mutant("resend.sends_again", first("send_again"),
    first("success", lambda call, kept: call.method != "resend" and kept.clear())
    | first("refusal", lambda server, kept: kept and server.put_back(kept.pop("before"))))
def resend_rolled_back_by_refusal(record, kept):
    """A resend is committed with the next request, and a refusal rolls it back."""
    kept["before"] = copy(record)

@mutant("resend.single_result resend.sends_again resend.success_is_successful",
    step("send_again"))
def next_resend_reverts_last(server, base, record, kept):
    """A resend writes back the record of the resend before, as that was when it was read."""
    last, kept["read"] = kept.get("read"), copy(record)
    base(record)
    if last and last.id != record.id:
        server.put_back(last)

# What resend changes elsewhere.

row("second_resend_sends_another", "resend.single_result",
    "Each second resend sends another webhook request again as well.",
    also("send_again", SoundServer.send_again, lambda server, other:
        other.life_cycle_state == REJECTED
        and sum(each.sends > 1 for each in server.records.values()) % 2 == 0, limit=1))
row("resend_clears_errors_of_rule", "resend.single_result",
    "The errors of all records of the same rule are cleared; their states stay.",
    also("succeed", lambda _, other: other.__dict__.update(error_code=None, error_description=None),
        lambda record, other: other.rule is record.rule))
row("resend_supersedes_older", "resend.single_result",
    "A resend with success removes what was rejected before of the same thing as outdated.",
    also("send_again", SoundServer.remove, lambda record, other: same_thing(record, other)
        and other.life_cycle_state == REJECTED != record.life_cycle_state
        and other.created < record.created))

@mutant("resend.same_record", then("send_again"))
def resend_makes_a_copy(server, record):
    """resend leaves a second webhook request behind, which list returns from then on."""
    left = replace(record, id=record.id[::-1], number=f"9{record.number}")
    server.records[left.id] = left

@mutant("identifier.selects", then("send_again"), resend_succeeds="some")
def failed_resend_loses_record(server, record):
    """A resend deletes the row, and stores it anew only if it went well."""
    if record.life_cycle_state == REJECTED and record.id in server.records:
        server.remove(record)

row("fields_list_shows_old_state",
    "list.agrees_with_show list.life_cycle_state.filter resend.success_is_successful",
    "A list with fields_set is read from an index that keeps the state before a resend.",
    shows("life_cycle_state", lambda shown, record, call:
        REJECTED if call.fields is not None and record.sends > 1 else shown, "list"))

row("show_by_number_stale_after_resend", "response.life_cycle_state",
    "A cache by number keeps what show returned first, and only a delete empties it.",
    instead("find", lambda made, call, kept: made if call.identifier[0] != "number"
        else kept.setdefault(call.identifier[1], copy(made)), "show")
    | then("remove", lambda kept: kept.clear()))

@mutant("list.agrees_with_show", lists,
    first("send_again", lambda record, kept: kept.update(before=copy(record), lists=0)))
def list_has_the_copy_from_before_resend(records, kept):
    """The next three lists after a resend show its webhook request as it was before."""
    before = kept.get("before")
    if before and counted(kept, "lists") <= 3:
        return [before if listed.id == before.id else listed for listed in records]
    return records

row("delete_takes_same_second", "delete.single_result",
    "Records that were created in the same second are deleted together.",
    also("remove", SoundServer.remove, lambda record, other: other.created == record.created))
row("delete_by_number_takes_prefix", "delete.single_result",
    "delete by number 6 deletes 60 to 66 as well.",
    also("remove", SoundServer.remove, lambda call, other:
        call.identifier[0] == "number" and other.number.startswith(call.identifier[1])))
row("delete_by_id_or_number", "delete.single_result",
    "delete compares the value with id and number, and takes all that fit.",
    also("remove", SoundServer.remove, lambda call, other:
        call.identifier[1] in (other.id, other.number)), ids_equal_numbers=True)

@mutant("delete.single_result", then("remove"))
def third_delete_cleans_up(server, base, kept):
    """Every third deletion runs a clean-up of the successful records of the first days."""
    if counted(kept) % 3 == 0:
        for other in [*server.records.values()]:
            if other.created < OLD and other.life_cycle_state == SUCCESSFUL:
                base(other)

row("rejected_ones_stay_by_number", "delete.either_state",
    "delete of a REJECTED webhook request by its number is refused.",
    loses(lambda record, call: call.identifier[0] == "number"
        and record.life_cycle_state == REJECTED, "bad_parameter", "delete"))
row("delete_needs_rule", "delete.either_state",
    "delete writes the rule's name into an audit, and fails where there is none.",
    loses(lambda record: record.rule is None, "bad_parameter", "delete"), some_rules_null=True)

# What is still there after delete.

row("delete_with_fields_keeps", "delete.gone",
    "delete with fields_set only returns the fields.",
    keeps(lambda call: call.fields is not None), release="R10")
row("delete_hides_from_show_only", "delete.gone",
    "A list by rule still has deleted records.",
    still_lists(lambda call: "workflow_rule_identifier" in call.filters))
row("list_by_state_returns_deleted_ones", "delete.gone",
    "list by entity and life_cycle_state still returns webhook requests that were deleted.",
    still_lists(lambda call: {*call.filters} == {"entity", "life_cycle_state"}))
row("list_stale_for_seconds", "delete.gone",
    "A list by entity shows deleted records for four seconds more.",
    still_lists(lambda server, record, call, kept:
        [*call.filters] == ["entity"] and server.now - kept[record.id] < 4)
    | then("remove", lambda server, record, kept: kept.update({record.id: server.now})))

@mutant("delete.gone", step("find", method="show"), then("do_delete", lambda call, kept:
    [kept.pop(key) for key in [*kept] if key[0] == call.parameters.get("token")]))
def other_token_still_sees(sound, call, kept):
    """Each session keeps what it showed, and only its own deletions empty that."""
    key = (call.parameters.get("token"), *call.identifier)
    if key not in kept:
        kept[key] = sound()
    return kept[key]

row("null_for_deleted_row", "list.several_results delete.gone fields_set.default_all",
    "A list by definition has null where a record was deleted, from an outer join.",
    with_data(lambda server, call, data: data + [
        None for gone in server.deleted.values()
        if "webhook_definition_identifier" in call.filters and server.selected(gone, call)],
        "list"))

def removes(server):
    """Delete some webhook request at every third request."""
    for record in [*server.records.values()][: server.requests % 3 == 0]:
        server.remove(record)

row("list_touches", "list.changes_nothing",
    "list moves updated_date of what it returns.",
    first("trimmed", lambda server, record: server.touch(record), "list"))
for _method in ("show", "list"):
    row(f"{_method}_removes", f"{_method}.changes_nothing",
        f"{_method} deletes some webhook request at every third request.",
        first(f"do_{_method}", removes))

@mutant("show.changes_nothing fields_set.default_all response.error_description",
    then("do_show"))
def show_with_fields_writes_back(server, call):
    """show with fields_set writes back what it read, without the description it did not read."""
    if call.fields is not None and "error_description" not in call.fields:
        server.find(call).error_description = None
