"""Wrong in delete."""

from typing import Any

from broken_servers.catalogue import broken
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


@broken("delete.single_result")
def delete_takes_a_neighbour_along(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete deletes another webhook request as well."""
    answer = forward(asked)
    if asked.method == "delete" and answer.ok:
        too = another(asked, forward)
        if too:
            forward(asked.to("delete", webhook_request_identifier={"id": too["id"]}))
    return answer


@broken("delete.single_result")
def delete_takes_the_same_entity_along(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete deletes every webhook request of the same entity_id."""
    answer = forward(asked)
    if asked.method == "delete" and answer.ok:
        for entity_id in {record.get("entity_id") for record in answer.records} - {None}:
            for record in forward(asked.to("list", entity_id=entity_id)).records:
                forward(asked.to("delete", webhook_request_identifier={"id": record["id"]}))
    return answer


def _keep(state: str, why: str, asked: Asked, forward: Forward) -> Answer:
    shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
    if shown.ok and shown.records[0]["life_cycle_state"] == state:
        return refused(why)
    return forward(asked)


@broken("delete.either_state")
def successful_ones_stay(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete of a SUCCESSFUL webhook request is refused."""
    if asked.method != "delete" or len(asked.identifier) != 1:
        return forward(asked)
    return _keep("SUCCESSFUL", "It was sent and is kept.", asked, forward)


@broken("delete.either_state")
def rejected_ones_stay(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete of a REJECTED webhook request is refused."""
    if asked.method != "delete" or len(asked.identifier) != 1:
        return forward(asked)
    return _keep("REJECTED", "It is to be sent again first.", asked, forward)


def remembering(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Forward a call, and keep the webhook requests that it deletes, whole."""
    gone: dict[Any, Record] = memory.setdefault("gone", {})
    if asked.method != "delete" or len(asked.identifier) != 1:
        return forward(asked)
    shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
    answer = forward(asked)
    if answer.ok and shown.ok:
        record = shown.records[0]
        gone[record["id"]] = gone[record["number"]] = record
    return answer


@broken("delete.gone")
def show_finds_deleted_ones(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Show still returns a webhook request that was deleted."""
    answer = remembering(asked, forward, memory)
    fields = list(asked.identifier.values())
    if asked.method == "show" and answer.upholds == "show.identifier.known":
        found = memory["gone"].get(fields[0])
        return served(found) if found else answer
    return answer


@broken("delete.gone")
def list_returns_deleted_ones(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """List still returns the webhook requests that were deleted, where entity alone is asked."""
    answer = remembering(asked, forward, memory)
    if asked.method == "list" and answer.ok and set(asked.parameters) == {"token", "entity"}:
        gone = {record["id"]: record for record in memory["gone"].values()}
        entity = asked.parameters["entity"]
        more = [record for record in gone.values() if record["entity"] == entity]
        return answer.with_data([*answer.records, *more])
    return answer


@broken("delete.gone")
def delete_does_nothing(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete returns the webhook request and leaves it where it is."""
    if asked.method == "delete" and len(asked.identifier) == 1:
        return forward(asked.to("show", webhook_request_identifier=asked.identifier))
    return forward(asked)


@broken("delete.returns_record")
def delete_returns_nothing(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of delete is an empty object."""
    answer = forward(asked)
    return served({}) if asked.method == "delete" and answer.ok else answer


@broken("delete.returns_record")
def delete_returns_the_id_alone(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete returns the id of the webhook request, and no other field."""
    answer = forward(asked)
    if asked.method == "delete" and "fields_set" not in asked.parameters:
        return answer.each(lambda record: {"id": record["id"]})
    return answer
