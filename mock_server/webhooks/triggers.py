"""Firing: what happens when a workflow rule triggers a webhook, without any CRM.COM around it.

The webhook request is made, signed with its definition's key, delivered, and kept with what came of
it. Sources: only EFFECTIVE definitions send, and only EFFECTIVE rules apply (manual, webhooks and
workflow rules); the rest follows from what a webhook request has.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from crmcom_kit.mock_server.deliveries.attempts import AttemptNote, Cause
from crmcom_kit.mock_server.deliveries.senders import (
    NOT_SENT,
    Attempt,
    Outcome,
    ScriptedDelivery,
    Stopped,
    outcome_of,
)
from crmcom_kit.mock_server.protocol.response import compact_json
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.usage_errors import NotFound, UsageError
from crmcom_kit.mock_server.webhooks.dispatch import Dispatch, begun
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.import_ import add_entries
from crmcom_kit.mock_server.world.reference_data import Object
from crmcom_kit.mock_server.world.world_file import DataError, LocatedEntry, validated

_NAMES = ("name", "alternative_code", "id")
_MAX_TRIES = 100


class Fired(NamedTuple):
    """What firing came to."""

    sent: bool  # whether it leaves the mock
    why: str  # where it does not
    attempt: AttemptNote | None = None
    record: Record | None = None  # where it is delivered already
    left_out: tuple[str, ...] = ()  # members of the data that the fields set does not name


def fire(
    epoch: Epoch,
    entity: str,
    definition: str,
    data: Mapping[str, Any],
    *,
    rule: str | None = None,
    entity_id: str | None = None,
    url: str | None = None,
) -> Fired:
    """Let a workflow rule trigger a webhook.

    Args:
        epoch: where it happens.
        entity: what the data is about, such as ACTIVITIES.
        definition: name, alternative code or id of a webhook definition.
        data: the entity; of it goes out what the definition's fields set names.
        rule: name, alternative code or id of the workflow rule; one that triggers the definition
            where left out.
        entity_id: the entity's id; the data's own, or a new one, where left out.
        url: where it is sent; the definition's own where left out.

    Raises:
        UsageError: the entity is none of the release, or not the definition's.
        NotFound: there is no such definition or rule.
        DataError: what comes of it is no webhook request.
    """
    if entity not in epoch.config.entities:
        raise UsageError(
            "entity", seen=quoted(entity), allowed=f"one of {', '.join(epoch.config.entities)}"
        )
    found = _found(epoch.reference_data.definitions, "definition", definition)
    about = found.get("entity")
    if about is not None and about != entity:
        seen = f"{entity}, and definition {found['name']} is about {about}"
        raise UsageError("entity", seen=seen, allowed=about)
    trigger = _rule(epoch, found, entity, rule)
    address = found.get("url") if url is None else url
    if address is None:
        seen = f"nothing, and definition {found['name']} has none"
        raise UsageError("url", seen=seen, allowed="where it is to be sent")
    if not epoch.reference_data.is_effective(found["id"]):
        return Fired(sent=False, why=f"definition {found['name']} is NOT EFFECTIVE")
    if _is_off(trigger):
        return Fired(sent=False, why=f"workflow rule {trigger['name']} is NOT EFFECTIVE")
    names = found.get("fields_set")
    chosen = set(data) if not names else {name.strip() for name in names.split(",")}
    left_out = tuple(name for name in data if name not in chosen)
    sent = {name: value for name, value in data.items() if name in chosen}
    record = _record(epoch, found, trigger, entity, entity_id or _id_in(epoch, data))
    record["url"] = address
    firing = _Firing(epoch, record, sent)
    firing.check()
    dispatch = firing.dispatch()
    if epoch.config.dialect["resend.delivery"] == "queued":
        kept = dispatch.put()
    else:
        try:
            _, kept = dispatch.wait()
        except Stopped:  # the mock ends: kept as a webhook request that was not sent
            kept = epoch.store.get("id", record["id"])
    why = _kept_in(epoch, dispatch.note)
    return Fired(not why, why, dispatch.note, kept, left_out)


def _kept_in(epoch: Epoch, note: AttemptNote) -> str:
    """Say why nothing has left the mock, whatever the record tells; nothing where it has."""
    if isinstance(epoch.delivery, ScriptedDelivery):
        return "a script decides what comes of it; a mock with --deliver http really sends"
    outcome = note.outcome
    return outcome.why if outcome is not None and outcome.name in NOT_SENT else ""


def _id_in(epoch: Epoch, data: Mapping[str, Any]) -> str:
    own = data.get("id")
    return own if isinstance(own, str) and own else epoch.ids.next("entity")


def _found(directory: Any, kind: str, wanted: str) -> Object:
    for field in _NAMES:
        found: Object | None = directory.find(field, wanted)
        if found is not None:
            return found
    raise NotFound(kind, seen=quoted(wanted), allowed=_near(directory, kind, wanted))


def _near(directory: Any, kind: str, wanted: str) -> str:
    """Name those that may be meant, each with its alternative code, which is shorter to type."""
    told: dict[str, str] = {}  # by name and by alternative code
    for one in directory:
        code = one.get("alternative_code")
        text = f"{one.get('name') or one['id']} ({code})" if code else one.get("name") or one["id"]
        told |= {key: text for key in (one.get("name"), code) if key}
    found = get_close_matches(wanted, told, n=3, cutoff=0.4)
    near = list(dict.fromkeys(told[key] for key in found)) or sorted(set(told.values()))[:5]
    if not near:
        return "none: it has none"
    return f"a {kind} of this world, by name, alternative code or id; nearest: {', '.join(near)}"


def _rule(epoch: Epoch, definition: Object, entity: str, wanted: str | None) -> Object:
    """Return the rule that triggers: an effective one, where there is a choice."""
    if wanted is not None:
        return _found(epoch.reference_data.rules, "rule", wanted)
    rules = [one for one in epoch.reference_data.rules if one.get("entity") in (None, entity)]
    by_name = [one for one in rules if definition["id"] in one.get("webhook_definition_ids", ())]
    possible = by_name or [one for one in rules if "webhook_definition_ids" not in one]
    if not possible:
        seen = f"nothing, and no workflow rule triggers {definition['name']}"
        raise NotFound("rule", seen=seen, allowed="name, alternative code or id of one")
    return min(possible, key=_is_off)


def _is_off(rule: Object) -> bool:
    return str(rule.get("life_cycle_state") or "").startswith("NOT")


def _record(epoch: Epoch, definition: Object, rule: Object, entity: str, about: str) -> Object:
    session = epoch.session()
    now = epoch.date_time()
    return {
        "id": epoch.ids.next("webhook_request"),
        "number": epoch.next_number(),
        "entity": entity,
        "entity_id": about,
        "fields_set": definition.get("fields_set"),
        "webhook_definition": {"id": definition["id"]},
        "workflow_rule": {"id": rule["id"]},
        "log_information": {
            "created_date": now,
            epoch.config.renderer.unit_member("created"): session.unit,
            "created_by_user": session.user,
        },
    }


class _Firing:
    """One webhook request on its way from a rule to the store."""

    def __init__(self, epoch: Epoch, record: Object, data: Mapping[str, Any]) -> None:
        self._epoch = epoch
        self._record = record
        self._data = dict(data)

    def check(self) -> None:
        """Find out before it is sent whether it can be kept. Raises DataError."""
        limit = self._epoch.config.dialect["delivery.description_limit"]
        record = self._ended(outcome_of("interrupted", self._record["url"], limit))
        entry = {"webhook_request": {"record": record, "data": self._data}}
        for _ in validated(
            [LocatedEntry(entry, "the webhook request")], self._epoch.config.release
        ):
            pass

    def dispatch(self) -> Dispatch:
        """Return what sends it, and keeps it with what came of it."""
        epoch, record = self._epoch, self._record
        definition = record["webhook_definition"]["id"]
        code = epoch.config.exchanges.code(
            self._data, epoch.reference_data.key_of(definition), None
        )
        attempt = Attempt(record["url"], compact_json(self._data), code)
        note = begun(
            epoch,
            Cause.FIRE,
            attempt,
            record_id=record["id"],
            number=record["number"],
            definition=definition,
        )
        return Dispatch(epoch, note, self._settle, self._abandon)

    def _settle(self, outcome: Outcome) -> Record | None:
        """Insert it; where its number is taken meanwhile, under the next one."""
        epoch, record = self._epoch, self._ended(outcome)
        for _ in range(_MAX_TRIES):
            entry = {"webhook_request": {"record": record, "data": self._data}}
            try:
                placed = [LocatedEntry(entry, "the webhook request")]
                add_entries(epoch.config, epoch.reference_data, epoch.store, placed)
            except DataError:
                record = record | {"number": epoch.next_number()}
                continue
            return epoch.store.get("id", record["id"])
        return None

    def _ended(self, outcome: Outcome) -> Object:
        """Return the record with what came of sending it."""
        epoch, record = self._epoch, self._record
        log = dict(record["log_information"])
        unit = epoch.config.renderer.unit_member
        log["updated_date"] = epoch.date_time()
        log[unit("updated")], log["updated_by_user"] = log[unit("created")], log["created_by_user"]
        reference = epoch.ids.of("exchange", record["id"])
        return record | {
            "life_cycle_state": "SUCCESSFUL" if outcome.delivered else "REJECTED",
            "error_code": outcome.error_code,
            "error_description": outcome.error_description,
            "response": epoch.config.exchanges.response(outcome.status, reference),
            "log_information": log,
        }

    def _abandon(self) -> None:
        limit = self._epoch.config.dialect["delivery.description_limit"]
        self._settle(outcome_of("interrupted", self._record["url"], limit))
