"""Trigger a webhook as a workflow rule would, without any CRM.COM around it.

The webhook request is stored, signed with its definition's key, delivered and settled; its receiver
can read it while it is being delivered. Sources: only EFFECTIVE definitions send, and only
EFFECTIVE rules apply (manual, webhooks and workflow rules); the rest follows from what a webhook
request has.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause
from crmcom_kit.mock_server.deliveries.outcomes import NOT_SENT, OutcomeName, outcome_of
from crmcom_kit.mock_server.store.life_cycle import Event, State
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.reference_data import Object, find_object, is_effective, name_of
from crmcom_kit.mock_server.world.entries import add_entries
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.webhooks.delivering import check_fault, prepare
from crmcom_kit.mock_server.world.world_file import DataError, LocatedEntry, validated
from crmcom_kit.redaction import redact_url
from crmcom_kit.usage_errors import NotFound, UsageError, quoted

_SENDING = 'a mock with --deliver http, in Python deliver="http"'


class Fired(NamedTuple):
    """A triggered webhook."""

    sent: bool  # whether it leaves the mock
    why: str  # if it does not
    attempt: Attempt | None = None
    record: Record | None = None  # if it is delivered already
    left_out: tuple[str, ...] = ()  # members of the data that the fields set does not name


def fire(
    epoch: Epoch,
    entity: str,
    definition: str,
    data: Mapping[str, Any],
    *,
    url: str | None = None,
    fault: str | None = None,
) -> Fired:
    """Let a workflow rule trigger a webhook.

    Args:
        epoch: where it happens.
        entity: what the data is about, such as ACTIVITIES.
        definition: name, alternative code or id of a webhook definition.
        data: the entity; the members that the definition's fields set names are sent. Without an
            id in it, the entity gets a new one.
        url: where it is sent; the definition's own by default.
        fault: what is wrong with the delivery on purpose: *wrong_signature*, *old_key*, *cut_body*
            or *duplicate*; it needs a mock that really sends.

    Raises:
        UsageError: the entity is not in the release, or not the definition's; the fault is not
            possible; or there is a URL, and the mock does not really send.
        NotFound: there is no such definition, or no workflow rule that triggers it.
        DataError: the result is not a valid webhook request.
        LimitExceeded: there is no room for it.
    """
    if entity not in epoch.config.release.entities:
        allowed = f"one of {', '.join(epoch.config.release.entities)}"
        raise UsageError("entity", seen=quoted(entity), allowed=allowed)
    webhook_definition = find_object(epoch.reference_data.definitions, "definition", definition)
    check_fault(epoch, fault, webhook_definition["id"])
    about = webhook_definition.get("entity")
    if about is not None and about != entity:
        seen = f"{entity}, while definition {name_of(webhook_definition)} is about {about}"
        raise UsageError("entity", seen=seen, allowed=about)
    trigger = _rule(epoch, webhook_definition, entity)
    address = _address(epoch, webhook_definition, url)
    if not is_effective(webhook_definition):
        return Fired(sent=False, why=f"definition {name_of(webhook_definition)} is NOT EFFECTIVE")
    if not is_effective(trigger):
        return Fired(sent=False, why=f"workflow rule {name_of(trigger)} is NOT EFFECTIVE")
    names = webhook_definition.get("fields_set")
    chosen = set(data) if not names else {name.strip() for name in names.split(",")}
    left_out = tuple(name for name in data if name not in chosen)
    sent = {name: value for name, value in data.items() if name in chosen}
    with epoch.numbers() as (number,):
        own = data.get("id")
        entity_id = own if isinstance(own, str) and own else epoch.ids.of("entity", str(number))
        record = _record(epoch, webhook_definition, trigger, number)
        record |= {"entity": entity, "entity_id": entity_id, "url": address}
        claimed = _stored(epoch, record, sent)
    delivery = prepare(epoch, epoch.session(), claimed, Cause.FIRE, fault=fault)
    kept = delivery.start()
    why = _why_not_sent(epoch, delivery.attempt)
    return Fired(not why, why, delivery.attempt, kept, left_out)


def _address(epoch: Epoch, definition: Object, url: str | None) -> str:
    """Return where a webhook goes: to ``url``, or to its definition's. Raises UsageError."""
    if url is not None and not epoch.sends:
        seen = f"{quoted(redact_url(url))}, while a script decides and nothing is sent"
        raise UsageError("url", seen=seen, allowed=f"{_SENDING}; or no URL")
    address: str | None = definition.get("url") if url is None else url
    if address is None:
        seen = f"nothing, and no URL in definition {name_of(definition)}"
        allowed = "the URL of the receiver"
        if not epoch.sends:
            allowed = f"a definition that has one; or {_SENDING}"
        raise UsageError("url", seen=seen, allowed=allowed)
    return address


def _stored(epoch: Epoch, record: Object, data: Object) -> Record:
    """Store the webhook request as one whose delivery runs; return it. Raises DataError."""
    entry = {"webhook_request": {"record": record, "data": data}}
    entries = [LocatedEntry(entry, "the webhook request")]
    located = list(validated(entries, epoch.config))
    add_entries(epoch.config, epoch.store, located, epoch.room(epoch.store))
    claimed = epoch.store.transition(record["id"], Event.RESEND)
    if claimed is None:
        msg = f"the webhook request: number {record['number']} was deleted before it was sent"
        raise DataError(msg)
    return claimed


def _why_not_sent(epoch: Epoch, attempt: Attempt) -> str:
    """Say why nothing has left the mock, whatever the record says; empty if it has."""
    if not epoch.sends:
        return "a script decides the outcome; start the mock with --deliver http to really send"
    outcome = attempt.outcome
    return outcome.why if outcome is not None and outcome.name in NOT_SENT else ""


def _rule(epoch: Epoch, definition: Object, entity: str) -> Object:
    """Return the rule that triggers the definition: one that lists it, else one that lists none.

    An effective one comes first. Raises NotFound.
    """
    rules = [rule for rule in epoch.reference_data.rules if rule.get("entity") in (None, entity)]
    naming = [rule for rule in rules if definition["id"] in rule.get("webhook_definition_ids", ())]
    possible = naming or [rule for rule in rules if "webhook_definition_ids" not in rule]
    if not possible:
        seen = f"no workflow rule that triggers {name_of(definition)}"
        allowed = f"a workflow rule whose webhook_definition_ids have {definition['id']}; add one"
        raise NotFound("rule", seen=seen, allowed=allowed)
    return max(possible, key=is_effective)


def _record(epoch: Epoch, definition: Object, rule: Object, number: int) -> Object:
    """Return what a webhook request that is triggered has until its delivery ends."""
    session, renderer = epoch.session(), epoch.config.renderer
    limit = epoch.config.dialect["delivery.description_limit"]
    interrupted = outcome_of(OutcomeName.INTERRUPTED, "").limit_description(limit)
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
        "error_code": interrupted.error_code,
        "error_description": interrupted.error_description,
        "log_information": log,
    }
