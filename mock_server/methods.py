"""The four webhook_requests methods: what each reads, changes and answers.

Pure functions of a world, the values of a call and the session it is made in. Sources: the pages
GET webhook_requests/show, GET webhook_requests/list, POST webhook_requests/resend and POST
webhook_requests/delete, R9.0.0 and later.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson

from crmcom_kit.mock_server.delivery import Attempt, Outcome
from crmcom_kit.mock_server.errors import (
    DefinitionNotEffective,
    DeliveryFailed,
    NoSemiOptional,
    NotRejected,
    ResendUnderWay,
    UnknownWebhookDefinition,
    UnknownWebhookRequest,
    UnknownWorkflowRule,
    shown,
)
from crmcom_kit.mock_server.parameters import Identifier
from crmcom_kit.mock_server.rendering import sealed
from crmcom_kit.mock_server.states import Event, State, WrongState, after
from crmcom_kit.mock_server.store import IndexedField, Key, Query, Record
from crmcom_kit.mock_server.tokens import Session
from crmcom_kit.mock_server.wire import Answer
from crmcom_kit.mock_server.world import World
from crmcom_kit.schemas import methods
from crmcom_kit.schemas.formats import write_date_time

Values = Mapping[str, Any]
_IDENTIFIER = "webhook_request_identifier"


def show(world: World, values: Values, session: Session) -> Answer:
    """Return one webhook request. Raises UnknownWebhookRequest."""
    del session
    record = _find(world, values[_IDENTIFIER])
    return world.wire.record(record.body, values.get("fields_set"))


def list_(world: World, values: Values, session: Session) -> Answer:
    """Return the webhook requests that meet every condition.

    Raises:
        NoSemiOptional: none of the semi-optional parameters.
        UnknownWebhookDefinition, UnknownWorkflowRule: where the dialect refuses them.
    """
    del session
    query = _query(world, values)
    bodies = [] if query is None else world.store.query(query)
    return world.wire.listing(bodies, values.get("fields_set"))


def resend(world: World, values: Values, session: Session) -> Answer:
    """Send a rejected webhook request again and return it as it then is.

    Raises:
        UnknownWebhookRequest, NotRejected, ResendUnderWay: it cannot be sent again.
        DefinitionNotEffective, DeliveryFailed: where the dialect answers so.
    """
    record = _find(world, values[_IDENTIFIER])
    _move(world, record, Event.RESEND, only_ask=True)
    _check_definition(world, record)
    epoch = world.epoch
    claimed = _move(world, record, Event.RESEND)
    try:
        attempt = _attempt(world, claimed)
        outcome = world.delivery.send(attempt)
    except BaseException:
        _end(world, claimed, Event.ABANDONED, epoch)
        raise
    event = Event.DELIVERED if outcome.delivered else Event.FAILED
    settled = _end(world, claimed, event, epoch, _settler(world, session, attempt, outcome))
    if settled is None:
        raise UnknownWebhookRequest(
            _IDENTIFIER,
            seen=f"number {record.row.number}, deleted or reset while it was being sent",
            allowed="a webhook request that exists until it is sent",
        )
    if not outcome.delivered and world.dialect["resend.failed"] == "error":
        raise DeliveryFailed(
            _IDENTIFIER,
            seen=f"{outcome.error_code} when number {record.row.number} was sent",
            allowed="a receiver that takes it",
        )
    return world.wire.record(settled.body, values.get("fields_set"))


def delete(world: World, values: Values, session: Session) -> Answer:
    """Delete a webhook request of either state and return it as it last was.

    Raises:
        UnknownWebhookRequest: there is none.
    """
    del session
    identifier: Identifier = values[_IDENTIFIER]
    record = world.store.delete(_key(identifier), identifier.value)
    if record is None:
        raise _unknown(identifier)
    return world.wire.record(record.body, values.get("fields_set"))


def _key(identifier: Identifier) -> Key:
    return "number" if identifier.field == "number" else "id"


def _find(world: World, identifier: Identifier) -> Record:
    record = world.store.get(_key(identifier), identifier.value)
    if record is None:
        raise _unknown(identifier)
    return record


def _unknown(identifier: Identifier) -> UnknownWebhookRequest:
    return UnknownWebhookRequest(
        f"{_IDENTIFIER}.{identifier.field}",
        seen=shown(identifier.value),
        allowed=f"the {identifier.field} of a webhook request that exists",
    )


def _move(world: World, record: Record, event: Event, *, only_ask: bool = False) -> Record:
    """Let ``event`` happen, or only ask whether it may. Raises NotRejected, ResendUnderWay."""
    try:
        if only_ask:
            after(record.row.state, event)
            return record
        moved = world.store.transition(record.row.id, event)
    except WrongState as wrong:
        number = f"number {record.row.number}"
        if wrong.state is State.SENDING:
            seen = f"{number} while another resend of it runs"
            raise ResendUnderWay(_IDENTIFIER, seen=seen, allowed="one at a time") from None
        seen = f"{number} in state {wrong.state}"
        allowed = "a webhook request that is REJECTED"
        raise NotRejected(_IDENTIFIER, seen=seen, allowed=allowed) from None
    if moved is None:
        raise _unknown(Identifier("id", record.row.id))
    return moved


def _check_definition(world: World, record: Record) -> None:
    refuses = world.dialect["resend.definition_not_effective"] == "error"
    if refuses and not world.people.is_effective(record.row.definition):
        raise DefinitionNotEffective(
            _IDENTIFIER,
            seen=f"number {record.row.number}, whose webhook definition is not effective",
            allowed="one whose webhook definition is effective",
        )


def _end(
    world: World,
    record: Record,
    event: Event,
    epoch: int,
    settle: Callable[[Record], Record] | None = None,
) -> Record | None:
    """Let a delivery end; None where the record was deleted, or the world reset, meanwhile."""

    def unless_reset(found: Record) -> Record:
        if world.epoch != epoch:  # this record is the start's, and knows nothing of the delivery
            raise WrongState(found.row.state, event)
        return found if settle is None else settle(found)

    try:
        return world.store.transition(record.row.id, event, unless_reset)
    except WrongState:
        return None


def _attempt(world: World, record: Record) -> Attempt:
    """Return what resend sends: the record's data object, signed with its definition's key."""
    url, definition = record.row.url, record.row.definition
    if world.dialect["resend.destination"] == "definition":
        found = world.people.definitions.find("id", definition) or {}
        url = found.get("url", url)
    data = None if record.data is None else orjson.loads(record.data)
    code = world.exchanges.code(data, world.people.key_of(definition), None)
    return Attempt(url, record.data, code)


def _settler(
    world: World, session: Session, attempt: Attempt, outcome: Outcome
) -> Callable[[Record], Record]:
    """Return what turns a record into the one that ``outcome`` leaves behind."""
    reference = world.ids.next("exchange")
    now = world.clock.now() + _offset(world.dialect["dates.utc_offset"])

    def settle(record: Record) -> Record:
        body = orjson.loads(record.body)
        data = None if attempt.data is None else orjson.loads(attempt.data)
        body["life_cycle_state"] = State.SUCCESSFUL if outcome.delivered else State.REJECTED
        body["error_code"] = outcome.error_code
        body["error_description"] = outcome.error_description
        body["url"] = attempt.url
        if data is not None:
            key = world.people.key_of(record.row.definition)
            code = world.exchanges.code(data, key, outcome.error_code)
            body["authentication_code"] = code
        if world.dialect["resend.exchange"] == "renewed":
            code = body["authentication_code"]
            body["request"] = world.exchanges.request(data, code, reference)
        body["response"] = world.exchanges.response(outcome.status, reference)
        if world.dialect["resend.updates_log"]:
            log = body["log_information"]
            log["updated_date"] = write_date_time(now)
            log[world.renderer.unit_member("updated")] = session.unit
            log["updated_by_user"] = session.user
            body["log_information"] = world.renderer.ordered("log_information", log)
        return Record(record.row._replace(url=attempt.url), sealed(body), record.data)

    return settle


def _offset(text: str) -> timedelta:
    hours, minutes = text[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if text.startswith("-") else offset


def _query(world: World, values: Values) -> Query | None:
    """Return what list has to look for; None where nothing can match."""
    indexed: list[tuple[IndexedField, frozenset[str]]] = []
    semi = [p.name for p in methods(world.release)["list"].parameters.values()
            if p.need == "semi-optional"]  # fmt: skip
    given = [name for name in semi if name in values]
    if not given or (given == ["entity_id"] and not world.dialect["list.entity_id_alone"]):
        seen = f"only {', '.join(values)}" if values else "none of them"
        allowed = [name for name in semi if name not in given]
        raise NoSemiOptional("list", seen=seen, allowed=f"one or more of {', '.join(allowed)}")
    if "entity" in values:
        indexed.append(("entity", values["entity"]))
    if "entity_id" in values:
        indexed.append(("entity_id", frozenset({values["entity_id"]})))
    nothing = False
    for name, field in (
        ("webhook_definition_identifier", "definition"),
        ("workflow_rule_identifier", "rule"),
    ):
        if name in values:
            found = _referred(world, name, values[name])
            nothing |= found is None
            indexed.append((field, frozenset({found} if found else ())))  # type: ignore[arg-type]
    any_of = world.dialect["list.combine"] == "any"
    if nothing and not any_of:
        return None
    span = values.get("created_date", (None, None))
    return Query(
        indexed=tuple(indexed),
        any_of_indexed=any_of,
        url=_url_test(values.get("url"), world.dialect["list.url.match"]),
        states=values.get("life_cycle_state"),
        created_from=span[0],
        created_before=span[1],
        newest_first=world.dialect["list.order"] == "newest_first",
        offset=values.get("offset", 0),
        limit=values.get("number_of_results", world.dialect["paging.default_results"] or None),
    )


def _referred(world: World, name: str, identifier: Identifier) -> str | None:
    """Return the id of the definition or rule that a filter names; None for one unknown."""
    is_rule = name == "workflow_rule_identifier"
    directory = world.people.rules if is_rule else world.people.definitions
    found = directory.find(identifier.field, identifier.value)
    if found is None and world.dialect["list.unknown_reference"] == "error":
        error = UnknownWorkflowRule if is_rule else UnknownWebhookDefinition
        raise error(
            f"{name}.{identifier.field}",
            seen=shown(identifier.value),
            allowed=f"the {identifier.field} of one that exists",
        )
    return None if found is None else str(found["id"])


def _url_test(wanted: str | None, match: str) -> Callable[[str], bool] | None:
    if wanted is None:
        return None
    if match == "exact":
        return lambda url: url == wanted
    if match == "prefix":
        return lambda url: url.startswith(wanted)
    return lambda url: wanted in url
