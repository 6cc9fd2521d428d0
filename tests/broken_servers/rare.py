"""Wrong for few calls only: what fixed calls may miss, and generated ones should meet."""

from broken_servers.catalogue import broken
from broken_servers.deleting import remembering
from broken_servers.listing import named
from broken_servers.toolkit import Answer, Asked, Forward, Memory, Record, another, refused, served


@broken("list.life_cycle_state.filter", rare=True)
def state_is_ignored_beside_a_date(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """life_cycle_state makes no difference where created_date is given as well."""
    if asked.method == "list" and {"life_cycle_state", "created_date"} <= set(asked.parameters):
        return forward(asked.given(life_cycle_state=None))
    return forward(asked)


@broken("list.url.filter", rare=True)
def url_is_ignored_beside_three(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Url makes no difference beside two semi-optional parameters or more."""
    if asked.method == "list" and "url" in asked.parameters and len(named(asked)) > 1:
        return forward(asked.given(url=None))
    return forward(asked)


@broken("list.life_cycle_state.filter", rare=True)
def list_lags_behind_resend(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """List by life_cycle_state finds a webhook request in the state from before resend."""
    resent: dict[str, Record] = memory.setdefault("resent", {})
    answer = forward(asked)
    if asked.method == "resend" and answer.ok and len(asked.identifier) == 1:
        shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
        resent.update({record["id"]: record for record in shown.records})
    elif asked.method == "list" and asked.parameters.get("life_cycle_state") == "REJECTED":
        late = [each for each in resent.values() if each["life_cycle_state"] != "REJECTED"]
        entity = asked.parameters.get("entity")
        if answer.ok and set(asked.parameters) == {"token", "entity", "life_cycle_state"}:
            return answer.with_data([*answer.records, *(r for r in late if r["entity"] == entity)])
    return answer


@broken("list.life_cycle_state.filter", rare=True)
def successes_are_listed_late(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """The next two lists of SUCCESSFUL webhook requests lack the one that was sent again last."""
    answer = forward(asked)
    if asked.method == "resend" and answer.ok:
        memory["late"], memory["left"] = {each.get("id") for each in answer.records}, 2
        return answer
    narrowed = asked.method == "list" and asked.parameters.get("life_cycle_state") == "SUCCESSFUL"
    if not (narrowed and answer.ok and memory.get("left")):
        return answer
    memory["left"] -= 1
    kept = [each for each in answer.records if each.get("id") not in memory["late"]]
    return answer.with_data(kept)


@broken("list.agrees_with_show", rare=True)
def list_has_the_copy_from_before_resend(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """The next three lists after a resend know its webhook request as it was before."""
    if asked.method == "resend" and len(asked.identifier) == 1:
        shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
        answer = forward(asked)
        if answer.ok and shown.ok:
            memory["copy"], memory["left"] = shown.records[0], 3
        return answer
    answer = forward(asked)
    plain = asked.method == "list" and "fields_set" not in asked.parameters
    if not (plain and answer.ok and memory.get("left")):
        return answer
    memory["left"] -= 1
    copy, state = memory["copy"], asked.parameters.get("life_cycle_state")
    others = [each for each in answer.records if each.get("id") != copy["id"]]
    there = len(others) < len(answer.records)
    fits = copy["entity"] == asked.parameters.get("entity") and len(asked.parameters) == 3
    if state == copy["life_cycle_state"]:
        there = there or fits
    elif state is not None:
        there = False
    return answer.with_data([*others, copy] if there else others)


@broken("list.entity_id.filter", rare=True)
def entity_id_matches_by_its_beginning(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """entity_id selects by its first half where the whole text selects none."""
    seen: dict[str, None] = memory.setdefault("seen", {})
    answer = forward(asked)
    seen.update({str(record.get("entity_id")): None for record in answer.records})
    wanted = asked.parameters.get("entity_id")
    if asked.method == "list" and wanted and answer.ok and not answer.records:
        for entity_id in seen:
            if entity_id[:16] == wanted[:16] or wanted in entity_id:
                return forward(asked.given(entity_id=entity_id))
    return answer


@broken("show.identifier.known", rare=True)
def leading_zeros_do_not_count(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show of the number 007 returns the webhook request with the number 7."""
    number = asked.identifier.get("number", "")
    if asked.method == "show" and number.startswith("0") and len(asked.identifier) == 1:
        return forward(asked.naming(number=number.lstrip("0") or "0"))
    return forward(asked)


@broken("delete.identifier.known", rare=True)
def delete_reads_numbers_up_to_a_letter(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete of the number 7x deletes the webhook request with the number 7."""
    answer = forward(asked)
    number = str(asked.identifier.get("number", ""))
    if answer.upholds == "delete.identifier.known":
        digits = number[: len(number) - len(number.lstrip("0123456789"))]
        if digits and digits != number:
            return forward(asked.naming(number=digits))
    return answer


@broken("show.identifier.exactly_one", rare=True)
def two_that_agree_are_served(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show with id and number is served where both name the same webhook request."""
    fields = asked.identifier
    if asked.method == "show" and set(fields) == {"id", "number"}:
        answer = forward(asked.given(fields_set=None).naming(id=fields["id"]))
        if answer.ok and answer.records[0]["number"] == fields["number"]:
            return answer
    return forward(asked)


@broken("show.identifier.exactly_one", rare=True)
def two_that_disagree_are_served(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show with id and number is served by id where they name two webhook requests."""
    fields = asked.identifier
    if asked.method == "show" and set(fields) == {"id", "number"}:
        answer = forward(asked.given(fields_set=None).naming(id=fields["id"]))
        other = forward(asked.given(fields_set=None).naming(number=fields["number"]))
        if answer.ok and other.ok and answer.records[0]["number"] != fields["number"]:
            return answer
    return forward(asked)


@broken("token.required", rare=True)
def each_second_list_needs_no_token(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Each second list without token is served."""
    answer = forward(asked)
    if answer.ok and asked.token:
        memory["token"] = asked.token
    if asked.method == "list" and answer.upholds == "token.required" and "token" in memory:
        memory["bare"] = memory.get("bare", 0) + 1
        if memory["bare"] % 2 == 0:
            return forward(asked.given(token=memory["token"]))
    return answer


@broken("delete.gone", rare=True)
def deleted_ones_come_back(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Show finds a deleted webhook request again three calls after it was deleted."""
    answer = remembering(asked, forward, memory)
    if asked.method == "delete" and answer.ok:
        memory["since"] = 0
    memory["since"] = memory.get("since", 0) + 1
    if asked.method == "show" and answer.upholds == "show.identifier.known":
        found = memory["gone"].get(next(iter(asked.identifier.values())))
        if found and memory["since"] > 4:
            return served(found)
    return answer


@broken("delete.gone", rare=True)
def list_by_state_returns_deleted_ones(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """List by entity and life_cycle_state still returns webhook requests that were deleted."""
    answer = remembering(asked, forward, memory)
    narrowed = {"token", "entity", "life_cycle_state"}
    if asked.method == "list" and answer.ok and set(asked.parameters) == narrowed:
        wanted = {name: asked.parameters[name] for name in narrowed - {"token"}}
        gone = {record["id"]: record for record in memory["gone"].values()}
        more = [r for r in gone.values() if wanted.items() <= r.items()]
        return answer.with_data([*answer.records, *more])
    return answer


@broken("resend.single_result", rare=True)
def second_resend_sends_another(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Each second resend sends another webhook request again as well."""
    answer = forward(asked)
    if asked.method == "resend" and answer.ok:
        memory["calls"] = memory.get("calls", 0) + 1
        if memory["calls"] % 2 == 0:
            state = {"life_cycle_state": "REJECTED"}
            too = another(asked, forward, asked.identifier.values(), **state)
            if too:
                forward(asked.to("resend", webhook_request_identifier={"id": too["id"]}))
    return answer


@broken("resend.only_rejected", rare=True)
def resend_twice_is_served(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """A webhook request that resend made SUCCESSFUL can be sent again by its number."""
    answer = forward(asked)
    done = memory.setdefault("done", set())
    if asked.method == "resend" and answer.ok:
        done.update(str(record.get("number")) for record in answer.records)
    if answer.upholds == "resend.only_rejected" and asked.identifier.get("number") in done:
        return forward(asked.to("show", webhook_request_identifier=asked.identifier))
    return answer


@broken("delete.either_state", rare=True)
def rejected_ones_stay_by_number(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete of a REJECTED webhook request by its number is refused."""
    if asked.method == "delete" and set(asked.identifier) == {"number"}:
        shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
        if shown.ok and shown.records[0]["life_cycle_state"] == "REJECTED":
            return refused("It is to be sent again first.")
    return forward(asked)


@broken("list.paging.offset", rare=True)
def past_the_end_comes_the_last_page(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List returns its last webhook request again where offset is past the end."""
    answer = forward(asked)
    skipped = asked.parameters.get("offset", "")
    if asked.method == "list" and skipped.isdigit() and answer.ok and not answer.records:
        return answer.with_data(forward(asked.given(offset=None)).records[-1:])
    return answer


@broken("list.paging.number_of_results", rare=True)
def two_are_the_least(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List returns two webhook requests where number_of_results is 1."""
    if asked.method == "list" and asked.parameters.get("number_of_results") == "1":
        return forward(asked.given(number_of_results="2"))
    return forward(asked)


@broken("show.fields_set.selects", rare=True)
def four_fields_are_too_many(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show leaves the second field of fields_set out where it names four or more."""
    answer = forward(asked)
    names = asked.parameters.get("fields_set", "").split(",") if asked.verb == "GET" else []
    if asked.method == "show" and len(set(names)) > 3 and answer.ok:
        kept = [name for name in names if name != names[1]]
        return forward(asked.given(fields_set=",".join(kept)))
    return answer


@broken("errors.json", rare=True)
def foreign_letters_crash(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A parameter of list with a character beyond ASCII is answered with an HTML page."""
    values = asked.parameters.values() if asked.method == "list" else ()
    if not all(str(value).isascii() for value in values):
        page = b"<html><h1>500 Internal Server Error</h1></html>"
        return Answer("500 INTERNAL SERVER ERROR", (("Content-Type", "text/html"),), page)
    return forward(asked)


@broken("errors.json", rare=True)
def long_texts_crash(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A show with an identifier of more than 40 characters is answered with an HTML page."""
    if asked.method == "show" and any(len(value) > 40 for value in asked.identifier.values()):
        page = b"<html><h1>500 Internal Server Error</h1></html>"
        return Answer("500 INTERNAL SERVER ERROR", (("Content-Type", "text/html"),), page)
    return forward(asked)
