"""Mutants that are wrong about what resend and delete change, and what reading leaves as it is."""

# Each row stays together, as in a table.
# fmt: off

from copy import copy
from dataclasses import replace
from datetime import timedelta

from sound_server.server import SoundServer
from sound_server.world import FIRST_DAY, REJECTED, SUCCESSFUL

from mutants.records import also, filters_by, lists, loses, omits, sets, still_lists, then_sets
from mutants.responses import changes_view, shows, with_data
from mutants.steps import apply, caches, counted, first, instead, mutant, rescues, row, step, then

OLD = FIRST_DAY + timedelta(days=3)

def same_definition(record, other):
    """Return whether two records are of one definition."""
    return other.definition is record.definition

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

# What resend is served for.

row(1, "resend_successful_by_number", "resend.only_rejected",
    "resend checks the state only for an identifier by id.",
    may_resend(lambda call: call.identifier[0] == "number"))
row(1, "resend_again_after_resend", "resend.only_rejected",
    "A record that was rejected once can be sent again ever after.",
    may_resend(lambda record: record.sends > 1))
row(1, "resend_successful_of_old_definition", "resend.only_rejected",
    "The state is not checked where the definition is not effective.",
    may_resend(lambda record: not record.definition.effective))
row(6, "resend_of_successful_is_served", "resend.only_rejected",
    "resend of a SUCCESSFUL webhook request is served.",
    may_resend(lambda: True))
row(3, "resend_of_successful_answers_ok", "resend.only_rejected",
    "resend of a SUCCESSFUL record does nothing, and answers OK.",
    rescues("do_resend", lambda server, call, refusal:
        refusal.kind == "not_rejected" and server.trimmed(server.find(call), call)))
row(4, "resend_of_deleted_answers_ok", "identifier.known delete.gone",
    "resend of a deleted record returns it as it was, and sends nothing.",
    rescues("do_resend", lambda server, call, gone: gone and server.trimmed(gone, call)))
row(6, "resend_is_always_refused", "resend.sends_again",
    "resend of a REJECTED webhook request is refused.",
    loses(lambda: True, "not_rejected", "resend"))
row(4, "resend_refuses_old", "resend.sends_again",
    "What was to be sent is kept for some days: the records of the first three are refused.",
    loses(lambda record: record.created < OLD, "not_rejected", "resend"))
row(6, "refused_resend_touches", "errors.change_nothing",
    "A resend that is refused for its state moves updated_date all the same.",
    step("may_resend", lambda server, sound, record: sound() or server.touch(record)))

# What resend returns.

row(6, "resend_returns_a_confirmation", "resend.returns_record",
    "data of resend is an object that says that it is done.",
    with_data(lambda: {"resent": True}, "resend"))
row(6, "resend_returns_no_url", "resend.returns_record",
    "resend returns the webhook request without its url.",
    changes_view("resend")(lambda view: view.pop("url")))

row(1, "resend_returns_another", "identifier.selects",
    "resend sends the right record and returns the newest one with the same rule.",
    with_data(lambda server, call: server.trimmed(next(
        each for each in reversed(server.records.values())
        if each.rule is server.find(call).rule), call), "resend"))
row(3, "resend_answers_with_first", "resend.single_result resend.returns_record identifier.selects",
    "The object that answers is kept: later resends return the record of the first.",
    with_data(lambda server, call, kept:
        server.trimmed(kept.setdefault("first", server.find(call)), call), "resend"))

@mutant(2, "resend.sends_again", step("do_resend"))
def resend_by_id_only_in_answer(server, base, call):
    """A resend by id changes a detached copy, which the response shows."""
    record = server.find(call)
    if call.identifier[0] == "number" or not server.may_resend(record, call):
        return base(call)
    detached = copy(record)
    server.send_again(detached)
    return server.trimmed(detached, call)

# What resend changes in the record.

row(6, "resend_moves_created_date", "resend.identity_kept",
    "resend moves created_date to updated_date.",
    then_sets("send_again", created=lambda record: record.updated))
row(1, "resend_loses_rule", "response.workflow_rule",
    "A record that was sent by hand has no rule any more.",
    then_sets("succeed", rule=lambda: None))
row(1, "resend_changes_definition", "response.webhook_definition",
    "A resend books the record under the first definition.",
    then_sets("succeed", definition=lambda server: server.world.definitions[0]))
row(1, "entity_id_empty_after_resend", "response.entity_id",
    "The id of the thing is lost when a record is sent again.",
    then_sets("succeed", entity_id=lambda: ""))
row(1, "resend_fails_in_third_state", "response.life_cycle_state.values",
    "A resend that fails leaves the record FAILED.",
    then_sets("send_again", life_cycle_state=lambda record:
        "FAILED" if record.life_cycle_state == REJECTED else record.life_cycle_state),
    resend_succeeds="some")
row(2, "failed_resend_half_written", "response.error_code.only_rejected",
    "The state is written before the sending and never put right.",
    then_sets("send_again", life_cycle_state=lambda: SUCCESSFUL), resend_succeeds="some")
row(4, "second_failure_is_success",
    "response.error_code.only_rejected response.error_description.only_rejected "
    "resend.failure_stays_rejected",
    "A second resend without success makes the record SUCCESSFUL, and leaves its error.",
    then_sets("send_again", life_cycle_state=lambda record:
        SUCCESSFUL if record.sends > 2 else record.life_cycle_state), resend_succeeds="some")
row(2, "resend_binds_fields_set", "response.fields_set",
    "The members of a resend's body are bound to the record, fields_set among them.",
    shows("fields_set", lambda shown, record, kept: kept.get(record.id, shown))
    | then("do_resend", lambda server, call, kept:
        kept.update({server.find(call).id: ",".join(call.fields)} if call.fields else {})),
    release="R10")

row(1, "resend_keeps_description", "response.error_description.only_rejected",
    "A record that was sent again with success keeps its error_description.",
    keeps_field("error_description"))
row(6, "resend_keeps_error_code", "resend.clears_error",
    "A webhook request that was sent again with success keeps its error_code.",
    keeps_field("error_code"))

@mutant(3, "response.url", then("succeed"))
def resend_takes_next_url(server, record):
    """The URL of a record that was sent again is that of the definition behind its own."""
    definitions = server.world.definitions
    record.url = definitions[(definitions.index(record.definition) + 1) % len(definitions)].url

@mutant(2, "resend.sends_again", first("send_again"),
    first("success", lambda call, kept: call.method != "resend" and kept.clear())
    | first("refusal", lambda server, kept: kept and server.put_back(kept.pop("before"))))
def resend_rolled_back_by_refusal(record, kept):
    """A resend is committed with the next request, and a refusal rolls it back."""
    kept["before"] = copy(record)

@mutant(4, "resend.single_result resend.sends_again resend.success_is_successful",
    step("send_again"))
def next_resend_reverts_last(server, base, record, kept):
    """A resend writes back the record of the resend before, as that was when it was read."""
    last, kept["read"] = kept.get("read"), copy(record)
    base(record)
    if last and last.id != record.id:
        server.put_back(last)

# What resend changes elsewhere.

row(1, "resend_sends_next_too", "resend.single_result",
    "The next rejected record of the definition is sent along.",
    also("send_again", SoundServer.send_again, lambda record, other: same_definition(record, other)
        and other.life_cycle_state == REJECTED and int(other.number) > int(record.number), limit=1))
row(6, "second_resend_sends_another", "resend.single_result",
    "Each second resend sends another webhook request again as well.",
    also("send_again", SoundServer.send_again, lambda server, other:
        other.life_cycle_state == REJECTED
        and sum(each.sends > 1 for each in server.records.values()) % 2 == 0, limit=1))
row(6, "resend_deletes_another", "resend.single_result",
    "resend deletes another webhook request.",
    also("send_again", SoundServer.remove, lambda record, other: other is not record, limit=1))
row(2, "resend_clears_errors_of_rule", "resend.single_result",
    "The errors of all records of the same rule are cleared; their states stay.",
    also("succeed", sets(error_code=None, error_description=None),
        lambda record, other: other.rule is record.rule))
row(4, "resend_evicts_oldest", "resend.single_result",
    "Successful records are kept up to a limit: one more by a resend drives out the oldest.",
    also("send_again", SoundServer.remove, lambda record, other: other is not record
        and record.life_cycle_state == other.life_cycle_state == SUCCESSFUL, limit=1))
row(5, "resend_supersedes_older", "resend.single_result",
    "A resend with success removes what was rejected before of the same thing as outdated.",
    also("send_again", SoundServer.remove, lambda record, other: same_thing(record, other)
        and other.life_cycle_state == REJECTED != record.life_cycle_state
        and other.created < record.created))

@mutant(3, "resend.single_result", step("touch"))
def resend_touches_record_before(server, base, record):
    """Who changed a record last, and when, is written into the row before it."""
    everything = [*server.records]
    if record.id in everything:
        record = server.records[everything[everything.index(record.id) - 1]]
    base(record)

@mutant(4, "resend.single_result", then("succeed"))
def second_success_sends_all(server, base, record, kept):
    """After two resends with success the receiver counts as well, and all it lacks is sent."""
    if counted(kept, record.definition.id) > 1:
        for other in server.records.values():
            if same_definition(record, other) and other.life_cycle_state == REJECTED:
                base(other)

@mutant(4,
    "resend.single_result response.error_code.only_rejected "
    "response.error_description.only_rejected",
    then("send_again"), resend_succeeds="some")
def failed_resend_blames_last_success(server, record):
    """The error of a resend is written into the definition's last successful record as well."""
    sent = [other for other in server.records.values()
            if same_definition(record, other) and other.life_cycle_state == SUCCESSFUL]
    if record.life_cycle_state == REJECTED:
        for sibling in sent[-1:]:
            sibling.error_code = record.error_code
            sibling.error_description = record.error_description

@mutant(6, "resend.same_record", then("send_again"))
def resend_makes_a_copy(server, record):
    """resend leaves a second webhook request behind, which list returns from then on."""
    left = replace(record, id=record.id[::-1], number=f"9{record.number}")
    server.records[left.id] = left

@mutant(2, "identifier.selects", then("send_again"), resend_succeeds="some")
def failed_resend_loses_record(server, record):
    """A resend deletes the row, and stores it anew only if it went well."""
    if record.life_cycle_state == REJECTED and record.id in server.records:
        server.remove(record)

# What is stale after a resend.

row(1, "list_keeps_error_after_resend", "response.error_code.only_rejected",
    "list reads the error of a record from a table that resend forgets.",
    first("succeed", lambda record, kept: kept.update({record.id: record.error_code}))
    | shows("error_code", lambda shown, record, kept: kept.get(record.id, shown), "list"))
row(5, "fields_list_shows_old_state",
    "list.agrees_with_show list.life_cycle_state.filter resend.success_is_successful",
    "A list with fields_set is read from an index that keeps the state before a resend.",
    shows("life_cycle_state", lambda shown, record, call:
        REJECTED if call.fields is not None and record.sends > 1 else shown, "list"))
row(5, "failed_resend_waits_outside_lists", "list.several_results list.life_cycle_state.filter",
    "A record that was sent again without success is in a queue, and in no list.",
    omits(lambda record: record.sends > 1 and record.life_cycle_state == REJECTED),
    resend_succeeds="some")

row(1, "show_by_number_stale_after_resend", "response.life_cycle_state",
    "A cache by number keeps what show returned first, and only a delete empties it.",
    instead("find", lambda made, call, kept: made if call.identifier[0] != "number"
        else kept.setdefault(call.identifier[1], copy(made)), "show")
    | then("remove", lambda kept: kept.clear()))

@mutant(6, "list.agrees_with_show", lists,
    first("send_again", lambda record, kept: kept.update(before=copy(record), lists=0)))
def list_has_the_copy_from_before_resend(records, kept):
    """The next three lists after a resend show its webhook request as it was before."""
    before = kept.get("before")
    if before and counted(kept, "lists") <= 3:
        return [before if listed.id == before.id else listed for listed in records]
    return records

# Which records delete deletes.

row(1, "delete_takes_same_second", "delete.single_result",
    "Records that were created in the same second are deleted together.",
    also("remove", SoundServer.remove, lambda record, other: other.created == record.created))
row(1, "delete_by_number_takes_prefix", "delete.single_result",
    "delete by number 6 deletes 60 to 66 as well.",
    also("remove", SoundServer.remove, lambda call, other:
        call.identifier[0] == "number" and other.number.startswith(call.identifier[1])))
row(2, "delete_cascades_to_thing", "delete.single_result",
    "All records of the same thing go with the one.",
    also("remove", SoundServer.remove, same_thing))
row(2, "delete_by_id_or_number", "delete.single_result",
    "delete compares the value with id and number, and takes all that fit.",
    also("remove", SoundServer.remove, lambda call, other:
        call.identifier[1] in (other.id, other.number)), ids_equal_numbers=True)
row(6, "delete_takes_a_neighbour_along", "delete.single_result",
    "delete deletes another webhook request as well.",
    also("remove", SoundServer.remove, lambda: True, limit=1))

@mutant(4, "delete.single_result", then("remove"))
def third_delete_cleans_up(server, base, kept):
    """Every third deletion runs a clean-up of the successful records of the first days."""
    if counted(kept) % 3 == 0:
        for other in [*server.records.values()]:
            if other.created < OLD and other.life_cycle_state == SUCCESSFUL:
                base(other)

# What delete changes elsewhere.

row(3, "delete_touches_definition", "delete.single_result",
    "A deletion sets updated_date of the other records of the same definition.",
    also("remove", SoundServer.touch, same_definition))
row(3, "delete_takes_rule_along", "delete.single_result response.workflow_rule",
    "What joins rule and definition is deleted with a record: others of both lose their rule.",
    also("remove", sets(rule=None), lambda record, other:
        same_definition(record, other) and other.rule is record.rule))
row(4, "delete_anonymizes_author", "delete.single_result response.log_information.users",
    "A deletion erases who created a record, in all other records of this user as well.",
    also("remove", sets(created_by=None), lambda record, other:
        other.created_by is record.created_by))

@mutant(2, "delete.single_result", step("remove"))
def numbers_close_up(server, base, record):
    """A number is the row's position: after a deletion the records behind have others."""
    everything = [*server.records.values()]
    behind = everything[everything.index(record) :]
    numbers = [other.number for other in behind]
    base(record)
    for other, number in zip(behind[1:], numbers, strict=False):
        other.number = number

@mutant(3, "delete.single_result list.entity_id.filter list.several_results", step("remove"),
    filters_by("entity_id", lambda base, record, kept: record.id not in kept and base()))
def delete_drops_next_from_index(server, base, record, kept):
    """In the index by entity_id the entry behind the deleted one is skipped from then on."""
    same = [other.id for other in server.records.values() if same_thing(record, other)]
    kept.update(dict.fromkeys(same[same.index(record.id) + 1 :][:1]))
    base(record)

# What delete refuses, and what it returns.

row(1, "delete_only_rejected", "delete.either_state",
    "delete refuses a record that is SUCCESSFUL.",
    loses(lambda record: record.life_cycle_state == SUCCESSFUL, "not_rejected", "delete"))
row(6, "rejected_ones_stay", "delete.either_state",
    "delete of a REJECTED webhook request is refused.",
    loses(lambda record: record.life_cycle_state == REJECTED, "bad_parameter", "delete"))
row(6, "rejected_ones_stay_by_number", "delete.either_state",
    "delete of a REJECTED webhook request by its number is refused.",
    loses(lambda record, call: call.identifier[0] == "number"
        and record.life_cycle_state == REJECTED, "bad_parameter", "delete"))
row(1, "delete_refuses_resent", "delete.either_state",
    "A record that was sent twice cannot be deleted.",
    loses(lambda record: record.sends > 1, "bad_parameter", "delete"))
row(2, "delete_needs_rule", "delete.either_state",
    "delete writes the rule's name into an audit, and fails where there is none.",
    loses(lambda record: record.rule is None, "bad_parameter", "delete"), some_rules_null=True)
row(5, "refused_resend_locks_record", "delete.either_state errors.change_nothing",
    "A resend that is refused leaves its lock on the record, which delete then refuses.",
    loses(lambda record, kept: record.id in kept, "bad_parameter", "delete")
    | step("may_resend", lambda sound, record, kept:
        sound() or kept.update({record.id: "locked"})))
row(6, "delete_returns_the_id_alone", "delete.returns_record",
    "delete returns the id of the webhook request, and no other field.",
    with_data(lambda data: {"id": data.get("id")}, "delete"))
row(4, "delete_wraps_record", "delete.returns_record envelope.data_object",
    "data of delete has the record as its only member.",
    with_data(lambda data: {"webhook_request": data}, "delete"))
row(1, "delete_returns_nothing", "delete.returns_record",
    "data of delete is an empty object if the record was rejected.",
    with_data(lambda server, call, data:
        {} if server.gone(call).life_cycle_state == REJECTED else data, "delete"))

# What is still there after delete.

row(6, "delete_does_nothing", "delete.gone",
    "delete returns the webhook request and leaves it where it is.",
    keeps(lambda: True))
row(1, "delete_by_id_keeps", "delete.gone",
    "delete by id answers OK and keeps a record that is SUCCESSFUL.",
    keeps(lambda record, call:
        call.identifier[0] == "id" and record.life_cycle_state == SUCCESSFUL))
row(1, "delete_with_fields_keeps", "delete.gone",
    "delete with fields_set only returns the fields.",
    keeps(lambda call: call.fields is not None), release="R10")
row(2, "delete_misses_new_version", "delete.gone",
    "delete asks for the first version of a row, and does not count what it deleted.",
    keeps(lambda record: record.sends > 1))
row(1, "delete_hides_from_list_only", "delete.gone",
    "show finds deleted records by their id.",
    rescues("find", lambda call, gone: call.identifier[0] == "id" and gone, "show"))
row(1, "delete_hides_from_show_only", "delete.gone",
    "A list by rule still has deleted records.",
    still_lists(lambda call: "workflow_rule_identifier" in call.filters))
row(6, "list_returns_deleted_ones", "delete.gone",
    "list still returns the webhook requests that were deleted, if entity alone is given.",
    still_lists(lambda call: {*call.filters} == {"entity"}))
row(6, "list_by_state_returns_deleted_ones", "delete.gone",
    "list by entity and life_cycle_state still returns webhook requests that were deleted.",
    still_lists(lambda call: {*call.filters} == {"entity", "life_cycle_state"}))
row(4, "fields_list_shows_deleted", "delete.gone",
    "A list with fields_set is read from an index that keeps deleted records.",
    still_lists(lambda call: call.fields is not None))
row(1, "list_stale_for_seconds", "delete.gone",
    "A list by entity shows deleted records for four seconds more.",
    still_lists(lambda server, record, call, kept:
        [*call.filters] == ["entity"] and server.now - kept[record.id] < 4)
    | then("remove", lambda server, record, kept: kept.update({record.id: server.now})))
row(1, "list_cache_survives_delete", "delete.gone",
    "The same list again comes from a cache that only a resend empties.",
    caches("select", lambda call: repr(call.filters), "send_again"))
row(2, "other_token_still_sees", "delete.gone",
    "Each session keeps what it showed, and only its own deletions empty that.",
    caches("find", lambda call:
        call.method == "show" and (call.parameters.get("token"), *call.identifier))
    | then("do_delete", lambda call, kept:
        [kept.pop(key) for key in [*kept] if key[0] == call.parameters.get("token")]))
row(4, "show_follows_deleted_to_same_thing", "delete.gone identifier.selects identifier.known",
    "show of a deleted record returns the newest one that is left of the same thing.",
    rescues("find", lambda server, gone: gone and next(
        (each for each in reversed(server.records.values()) if same_thing(gone, each)), None),
        "show"))
row(5, "delete_uncovers_older_version", "delete.gone",
    "A resend makes a new version; a deletion takes that, and the rejected one is found again.",
    first("send_again", lambda record, kept: kept.update({record.id: copy(record)}))
    | then("remove", lambda server, record, kept:
        server.records.update({record.id: kept.pop(record.id)} if record.id in kept else {})))

row(3, "empty_list_shows_deleted", "delete.gone",
    "An index whose last entry is deleted is not written: lists that are empty have it still.",
    instead("select", lambda server, made, call: made or [
        gone for gone in server.deleted.values() if server.selected(gone, call)][-1:]))
row(5, "null_for_deleted_row", "list.several_results delete.gone fields_set.default_all",
    "A list by definition has null where a record was deleted, from an outer join.",
    with_data(lambda server, call, data: data + [
        None for gone in server.deleted.values()
        if "webhook_definition_identifier" in call.filters and server.selected(gone, call)],
        "list"))

@mutant(1, "delete.gone", step("find", method="show"))
def show_stale_after_delete(server, base, call, kept):
    """A record that was shown before it was deleted is still shown."""
    gone = server.gone(call)
    record = gone if gone and gone.id in kept else base(call)
    kept[record.id] = "shown"
    return record


# What comes back after delete.

@mutant(1, "delete.gone", then("work_of_others"),
    then("remove", lambda server, record, kept: kept.update({record.id: server.requests + 12})))
def deleted_comes_back(server, kept):
    """Twelve requests after a deletion the record is back, from a replica."""
    for record in [*server.deleted.values()]:
        if server.requests == kept[record.id]:
            server.undelete(record)

@mutant(1, "delete.gone", then("send_again"))
def resend_brings_deleted_back(server, record):
    """A resend writes back everything of the same definition that was in memory."""
    for gone in [*server.deleted.values()]:
        if same_definition(record, gone):
            server.undelete(gone)

@mutant(2, "delete.gone", first("refusal"),
    then("remove", lambda record, kept: kept.update(open=record)))
def delete_rolled_back_by_later_action(server, request, kept):
    """A resend or delete that is refused rolls back the deletion before it."""
    if kept and request.path.endswith(("/resend", "/delete")):
        server.undelete(kept.pop("open"))

@mutant(2, "delete.gone", first("find", method="resend"))
def resend_stores_deleted(server, call):
    """A resend of a deleted record finds it in the session and stores it anew."""
    gone = server.gone(call)
    if gone and gone.life_cycle_state == REJECTED:
        server.undelete(gone)

@mutant(2, "delete.gone", step("do_delete"))
def second_delete_undeletes(server, base, call):
    """delete inverts a flag, so that the second brings the record back."""
    if gone := server.gone(call):
        server.undelete(gone)
        return server.trimmed(gone, call)
    return base(call)

@mutant(5, "delete.gone resend.sends_again", step("run"))
def next_action_lost_after_refusal(server, base, call, kept):
    """A refused action leaves its transaction to the next, which is answered and rolled back."""
    if call.method not in ("resend", "delete"):
        return base(call)
    spoiled, kept["spoiled"] = kept.get("spoiled"), True
    before = {record.id: copy(record) for record in server.records.values()}
    gone = dict(server.deleted)
    data = base(call)
    kept["spoiled"] = False
    if spoiled:
        server.records.clear()
        server.records.update(before)
        server.deleted = gone
    return data

# What reading changes.

def removes(server):
    """Delete some webhook request at every third request."""
    for record in [*server.records.values()][: server.requests % 3 == 0]:
        server.remove(record)

for _method in ("show", "list"):
    row(6, f"{_method}_touches", f"{_method}.changes_nothing",
        f"{_method} moves updated_date of what it returns.",
        first("trimmed", lambda server, record: server.touch(record), _method))
    row(6, f"{_method}_removes", f"{_method}.changes_nothing",
        f"{_method} deletes some webhook request at every third request.",
        first(f"do_{_method}", removes))

@mutant(3, "show.changes_nothing fields_set.default_all response.error_description",
    then("do_show"))
def show_with_fields_writes_back(server, call):
    """show with fields_set writes back what it read, without the description it did not read."""
    if call.fields is not None and "error_description" not in call.fields:
        server.find(call).error_description = None
