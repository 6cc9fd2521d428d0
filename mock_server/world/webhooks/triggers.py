"""Trigger a webhook as a workflow rule would.

The webhook request is stored, signed with its definition's key, delivered and settled; its receiver
can read it during the delivery. Sources: only EFFECTIVE definitions send, and only EFFECTIVE rules
apply (manual, webhooks and workflow rules); the rest follows from the members of webhook requests.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause
from crmcom_kit.mock_server.deliveries.messages import NOT_SENT, OutcomeName, outcome_of
from crmcom_kit.mock_server.store.records import Event, Record, State
from crmcom_kit.mock_server.store.reference_data import Object, find_object, is_effective, name_of
from crmcom_kit.mock_server.world.entries import add_entries
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.webhooks.delivering import check_fault, prepare
from crmcom_kit.mock_server.world.world_file import DataError, LocatedEntry, validate
from crmcom_kit.redaction import redact_url
from crmcom_kit.usage_errors import NotFound, UsageError, quoted

_SENDING_MOCK = 'a mock with --deliver http, in Python deliver="http"'


class TriggerResult(NamedTuple):
    """The result of a trigger."""

    sent: bool  # True: the webhook leaves the mock
    why: str  # the reason if it does not
    attempt: Attempt | None = None
    record: Record | None = None  # if the delivery has ended
    left_out: tuple[str, ...] = ()  # members of the data that the fields set does not name


def fire(
    epoch: Epoch,
    entity: str,
    definition: str,
    data: Mapping[str, Any],
    *,
    url: str | None = None,
    fault: str | None = None,
) -> TriggerResult:
    """Trigger a webhook as a workflow rule would.

    Args:
        epoch: the epoch of the webhook request.
        entity: the entity that the data describes, such as ACTIVITIES.
        definition: name, alternative code or id of a webhook definition.
        data: the entity; the members in the definition's fields set are sent. Without an id, the
            entity gets a new one.
        url: the destination; by default that of the definition.
        fault: a fault in the delivery: *wrong_signature*, *old_key*, *cut_body* or *duplicate*;
            needs a mock that really sends.

    Raises:
        UsageError: the entity is not in the release, or not that of the definition; the fault is
            not possible; or there is a URL, and the mock does not really send.
        NotFound: there is no such definition, or no workflow rule that triggers it.
        DataError: the result is not a valid webhook request.
        LimitExceeded: there is no room for it.
    """
    if entity not in epoch.config.release.entities:
        allowed = f"one of {', '.join(epoch.config.release.entities)}"
        raise UsageError("entity", seen=quoted(entity), allowed=allowed)
    webhook_definition = find_object(epoch.reference_data.definitions, "definition", definition)
    check_fault(epoch, fault, webhook_definition["id"])
    expected = webhook_definition.get("entity")
    if expected is not None and expected != entity:
        problem = f"{entity}, while definition {name_of(webhook_definition)} is about {expected}"
        raise UsageError("entity", seen=problem, allowed=expected)
    trigger = _rule(epoch, webhook_definition, entity)
    address = _address(epoch, webhook_definition, url)
    if not is_effective(webhook_definition):
        return TriggerResult(
            sent=False, why=f"definition {name_of(webhook_definition)} is NOT EFFECTIVE"
        )
    if not is_effective(trigger):
        return TriggerResult(sent=False, why=f"workflow rule {name_of(trigger)} is NOT EFFECTIVE")
    names = webhook_definition.get("fields_set")
    fields = set(data) if not names else {name.strip() for name in names.split(",")}
    left_out = tuple(name for name in data if name not in fields)
    selection = {name: value for name, value in data.items() if name in fields}
    with epoch.numbers() as (number,):
        key = data.get("id")
        entity_id = key if isinstance(key, str) and key else epoch.ids.of("entity", str(number))
        record = _record(epoch, webhook_definition, trigger, number)
        record |= {"entity": entity, "entity_id": entity_id, "url": address}
        stored_record = _store(epoch, record, selection)
    delivery = prepare(epoch, epoch.session(), stored_record, Cause.FIRE, fault=fault)
    final_record = delivery.start()
    reason = _unsent_reason(epoch, delivery.attempt)
    return TriggerResult(not reason, reason, delivery.attempt, final_record, left_out)


def _address(epoch: Epoch, definition: Object, url: str | None) -> str:
    """Return the destination: ``url``, or the definition's URL. Raises UsageError."""
    if url is not None and not epoch.sends:
        problem = f"{quoted(redact_url(url))}, while a script decides and nothing is sent"
        raise UsageError("url", seen=problem, allowed=f"{_SENDING_MOCK}; or no URL")
    address: str | None = definition.get("url") if url is None else url
    if address is None:
        problem = f"nothing, and no URL in definition {name_of(definition)}"
        allowed = "the URL of the receiver"
        if not epoch.sends:
            allowed = f"a definition that has one; or {_SENDING_MOCK}"
        raise UsageError("url", seen=problem, allowed=allowed)
    return address


def _store(epoch: Epoch, record: Object, data: Object) -> Record:
    """Store the webhook request in state SENDING; return it. Raises DataError."""
    entry = {"webhook_request": {"record": record, "data": data}}
    entries = [LocatedEntry(entry, "the webhook request")]
    valid_entries = list(validate(entries, epoch.config))
    add_entries(epoch.config, epoch.store, valid_entries, epoch.room(epoch.store))
    stored_record = epoch.store.transition(record["id"], Event.RESEND)
    if stored_record is None:
        msg = f"the webhook request: number {record['number']} was deleted before it was sent"
        raise DataError(msg)
    return stored_record


def _unsent_reason(epoch: Epoch, attempt: Attempt) -> str:
    """Return why nothing has left the mock; "" if the message has."""
    if not epoch.sends:
        return "a script decides the outcome; start the mock with --deliver http to really send"
    outcome = attempt.outcome
    return outcome.why if outcome is not None and outcome.name in NOT_SENT else ""


def _rule(epoch: Epoch, definition: Object, entity: str) -> Object:
    """Return the rule that triggers the definition: one that names it, else one that names none.

    Effective rules come first. Raises NotFound.
    """
    rules = [rule for rule in epoch.reference_data.rules if rule.get("entity") in (None, entity)]
    matches = [rule for rule in rules if definition["id"] in rule.get("webhook_definition_ids", ())]
    candidates = matches or [rule for rule in rules if "webhook_definition_ids" not in rule]
    if not candidates:
        problem = f"no workflow rule that triggers {name_of(definition)}"
        allowed = f"a workflow rule whose webhook_definition_ids have {definition['id']}; add one"
        raise NotFound("rule", seen=problem, allowed=allowed)
    return max(candidates, key=is_effective)


def _record(epoch: Epoch, definition: Object, rule: Object, number: int) -> Object:
    """Return the members of a triggered webhook request until its delivery ends."""
    session, renderer = epoch.session(), epoch.config.renderer
    limit = epoch.config.dialect["delivery.description_limit"]
    outcome = outcome_of(OutcomeName.INTERRUPTED, "").limit_description(limit)
    now = epoch.date_time()
    log: dict[str, Any] = {}
    for event in ("created", "updated"):
        log[f"{event}_date"] = now
        log[renderer.unit_member(event)] = session.unit
        log[f"{event}_by_user"] = session.user
    return {
        "id": epoch.unused_id("webhook_request", str(number)),
        "number": str(number),
        "fields_set": definition.get("fields_set"),
        "webhook_definition": {"id": definition["id"]},
        "workflow_rule": {"id": rule["id"]},
        "life_cycle_state": State.REJECTED.value,
        "error_code": outcome.error_code,
        "error_description": outcome.error_description,
        "log_information": log,
    }
