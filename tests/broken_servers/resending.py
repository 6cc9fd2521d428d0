"""Wrong in resend."""

from typing import Any

from broken_servers.catalogue import broken, broken_record
from broken_servers.toolkit import (
    Answer,
    Asked,
    Forward,
    Memory,
    Record,
    another,
    refused,
    served,
)

REJECTED = {"life_cycle_state": "REJECTED"}


@broken("resend.single_result")
def resend_sends_two(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Resend sends another webhook request again as well."""
    answer = forward(asked)
    if asked.method == "resend" and answer.ok:
        too = another(asked, forward, asked.identifier.values(), **REJECTED)
        if too:
            forward(asked.to("resend", webhook_request_identifier={"id": too["id"]}))
    return answer


@broken("resend.single_result")
def resend_deletes_another(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Resend deletes another webhook request."""
    answer = forward(asked)
    if asked.method == "resend" and answer.ok:
        too = another(asked, forward, asked.identifier.values())
        if too:
            forward(asked.to("delete", webhook_request_identifier={"id": too["id"]}))
    return answer


@broken("resend.only_rejected")
def resend_of_successful_is_served(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Resend of a SUCCESSFUL webhook request is served."""
    answer = forward(asked)
    if answer.upholds == "resend.only_rejected":
        return forward(asked.to("show", webhook_request_identifier=asked.identifier))
    return answer


@broken("resend.sends_again")
def resend_is_always_refused(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Resend of a REJECTED webhook request is refused."""
    if asked.method != "resend" or len(asked.identifier) != 1:
        return forward(asked)
    shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
    if shown.ok and shown.records[0]["life_cycle_state"] == "REJECTED":
        return refused("REJECTED webhook requests cannot be sent again.")
    return forward(asked)


@broken("resend.sends_again")
def resend_forgets_what_it_did(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Resend says SUCCESSFUL, and the webhook request is REJECTED as before."""
    if asked.method == "resend" and len(asked.identifier) == 1:
        shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
        answer = forward(asked)
        if answer.ok and shown.ok:
            memory[shown.records[0]["id"]] = shown.records[0]
        return answer

    def as_before(record: Record) -> Record:
        return {**record, **{n: v for n, v in memory[record["id"]].items() if n in record}}

    answer = forward(asked)
    return answer.each(lambda record: as_before(record) if record.get("id") in memory else record)


@broken("resend.returns_record")
def resend_returns_nothing(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of resend is an empty object."""
    answer = forward(asked)
    return served({}) if asked.method == "resend" and answer.ok else answer


@broken("resend.returns_record")
def resend_returns_a_confirmation(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of resend is an object that says that it is done."""
    answer = forward(asked)
    return served({"resent": True}) if asked.method == "resend" and answer.ok else answer


def _of_resent(memory: Memory, asked: Asked, answer: Answer) -> set[Any]:
    """Keep and return the ids of the webhook requests that were sent again."""
    resent: set[Any] = memory.setdefault("resent", set())
    if asked.method == "resend" and answer.ok:
        resent.update(record.get("id") for record in answer.records)
    return resent


@broken("resend.identity_kept")
def resend_moves_created_date(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Resend moves created_date to updated_date."""
    answer = forward(asked)
    resent = _of_resent(memory, asked, answer)

    def move(record: Record) -> None:
        log = record.get("log_information")
        if record.get("id") in resent and isinstance(log, dict) and log.get("updated_date"):
            log["created_date"] = log["updated_date"]

    return answer.each(move)


@broken("resend.identity_kept")
def resend_loses_the_rule(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Resend puts another workflow rule into the webhook request."""
    answer = forward(asked)
    resent = _of_resent(memory, asked, answer)

    def change(record: Record) -> None:
        if record.get("id") in resent and "workflow_rule" in record:
            record["workflow_rule"] = {"id": "0" * 32, "name": "Manual", "alternative_code": "M"}

    return answer.each(change)


@broken("resend.same_record")
def resend_makes_a_copy(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Resend leaves a second webhook request behind, which list returns from then on."""
    copies: dict[str, str] = memory.setdefault("copies", {})
    fields = asked.identifier
    original = next((o for o, copy in copies.items() if fields.get("id") == copy), None)
    answer = forward(asked.naming(id=original) if original and len(fields) == 1 else asked)
    if asked.method == "resend" and answer.ok:
        for record in answer.records:
            if "id" in record:
                copies[record["id"]] = record["id"][::-1]
    elif original:
        return answer.each(_copied)
    elif asked.method == "list" and answer.ok:
        more = [_copied(dict(each)) for each in answer.records if each.get("id") in copies]
        return answer.with_data([*more, *answer.records]) if more else answer
    return answer


def _copied(record: Record) -> Record:
    changed = {"id": str(record.get("id"))[::-1], "number": f"9{record.get('number')}"}
    return {**record, **{name: value for name, value in changed.items() if name in record}}


@broken("resend.clears_error")
def resend_keeps_error_code(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Resend returns a SUCCESSFUL webhook request that still has its error_code."""
    if asked.method != "resend":
        return forward(asked)
    shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
    answer = forward(asked)
    if answer.ok and shown.ok:
        kept = shown.records[0]["error_code"]
        return answer.each(lambda record: {**record, "error_code": kept})
    return answer


@broken("resend.clears_error")
def resend_keeps_error_description(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """A webhook request that was sent again with success keeps its error_description."""
    kept: dict[Any, Any] = memory.setdefault("kept", {})
    if asked.method == "resend":
        shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
        answer = forward(asked)
        if answer.ok and shown.ok:
            kept[shown.records[0]["id"]] = shown.records[0]["error_description"]
    else:
        answer = forward(asked)

    def keep(record: Record) -> None:
        if record.get("id") in kept and "error_description" in record:
            record["error_description"] = kept[record["id"]]

    return answer.each(keep)


@broken_record("resend.returns_record", of=("resend",))
def resend_returns_no_url(record: Record) -> None:
    """Resend returns the webhook request without its url."""
    record.pop("url", None)
