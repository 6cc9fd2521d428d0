"""Operations on the content of a world: export, import, records and seed data."""

from typing import Annotated, Any, Literal, TypedDict

import orjson

from crmcom_kit.fixtures import FixtureError
from crmcom_kit.fixtures.scenarios import SCENARIOS
from crmcom_kit.mock_server.admin.contract import (
    Call,
    Count,
    JsonObject,
    Name,
    RecordKey,
    Reply,
    operation,
)
from crmcom_kit.mock_server.admin.worlds import NewEpoch, epoch_view
from crmcom_kit.mock_server.protocol.response import join_chunks
from crmcom_kit.mock_server.store.records import IndexedField, Query, Record
from crmcom_kit.mock_server.store.reference_data import find_object
from crmcom_kit.mock_server.typed_schemas import Keywords
from crmcom_kit.mock_server.world import generation
from crmcom_kit.mock_server.world.changes import change_record, remove_record
from crmcom_kit.mock_server.world.generation import add_partial
from crmcom_kit.mock_server.world.world_file import DataError, read_entries
from crmcom_kit.schemas.releases import entities_since

JSON_LINES = "application/x-ndjson"

Entity = Annotated[str, Keywords(enum=[*entities_since()])]
ResponseState = Literal["REJECTED", "SUCCESSFUL"]
_Effective = Literal["EFFECTIVE", "NOT EFFECTIVE", "NOT_EFFECTIVE"]


class RecordMembers(TypedDict, total=False):
    """Members of a webhook request; `crmcom-kit schemas webhook_request` prints their schema."""

    id: str
    number: str
    life_cycle_state: ResponseState
    entity: Entity
    entity_id: str
    url: str
    authentication_code: str | None
    fields_set: str | None
    request: JsonObject | str | None
    response: JsonObject | str | None
    error_code: str | None
    error_description: str | None
    webhook_definition: JsonObject
    workflow_rule: JsonObject
    log_information: JsonObject


class NewMembers(RecordMembers, total=False):
    """Members of a webhook request to add; missing members are filled in."""

    age: Annotated[str, 'How long ago it was created, such as "100 days", by the world\'s clock.']
    created_date: Annotated[str, "When it was created instead: a date, or a date and time."]


class Entry(TypedDict):
    """A webhook request, and the data object that was sent, if any."""

    record: RecordMembers
    data: JsonObject | None


class EntryChange(TypedDict, total=False):
    """Members of a webhook request, and the data object that was sent."""

    record: RecordMembers
    data: JsonObject | None


class NewEntry(TypedDict, total=False):
    """Members of a webhook request to add, and the data object that was sent."""

    record: NewMembers
    data: JsonObject | None


class Reference(TypedDict, total=False):
    """The members that webhook definitions and workflow rules share."""

    id: str
    name: str
    alternative_code: str | None
    description: str | None
    life_cycle_state: _Effective
    entity: Entity


class Definition(Reference, total=False):
    """A webhook definition."""

    url: Annotated[str, "Where its webhooks are sent."]
    fields_set: Annotated[str | None, "The members of the entity that are sent; all by default."]
    secret_key_id: Annotated[str | None, "The key that signs its webhooks; unsigned by default."]


class Rule(Reference, total=False):
    """A workflow rule."""

    webhook_definition_ids: Annotated[
        list[str], "The webhook definitions that it triggers; by default those that no rule names."
    ]


class World(TypedDict, total=False):
    """A world file as one document: arrays of entries by kind."""

    unit: list[JsonObject]
    user: list[JsonObject]
    secret_key: list[JsonObject]
    webhook_definition: list[Definition]
    workflow_rule: list[Rule]
    webhook_request: list[NewEntry]


class Records(TypedDict):
    """A page of webhook requests."""

    records: list[Entry]
    more: Annotated[bool, "True if there are more after this page."]
    total: Annotated[Count, "Number of webhook requests that meet every condition."]


class AddedRecords(TypedDict):
    """The webhook requests that were added."""

    added: Annotated[Count, "Number of added webhook requests."]
    webhook_requests: Annotated[Count, "Number of webhook requests in the world."]
    filled_in: Annotated[list[Entry], "Webhook requests whose missing members the mock filled in."]


class Definitions(TypedDict):
    """Definitions and rules; if known only from webhook requests, they may lack members."""

    definitions: list[Definition]
    rules: list[Rule]


class Seed(TypedDict, total=False):
    """Options of the generator."""

    seed: Annotated[int, "Any integer; by default the seed of the mock."]
    count: Annotated[
        int, "Number of webhook requests; 200 by default.", Keywords(minimum=0, maximum=200000)
    ]
    since: Annotated[
        str,
        'Beginning of the first creation: a date, a date and time, or an age such as "100 days", '
        "by the world's clock. By default 2015-10-29.",
    ]
    until: Annotated[
        str,
        "End of all dates, which are then spread over the whole range; also: now. By default now "
        "if `since` is an age; otherwise dates increase, without a limit.",
    ]
    rejected: Annotated[
        float, "Share of rejected webhook requests.", Keywords(minimum=0, maximum=1)
    ]
    error_codes: Annotated[
        list[str], "Error codes of rejected ones, such as SocketTimeoutException; by default all."
    ]
    entities: Annotated[list[Entity], "Their entities; by default all of the release."]
    host: Annotated[
        str,
        "Host, or host:port, of every URL; several, separated by commas, are used in turn.",
        Keywords(maxLength=255),
    ]
    scenario: Annotated[
        str, "Only seed, count, since and until are allowed with it.", Keywords(enum=[*SCENARIOS])
    ]


@operation("GET /state", "content", media=JSON_LINES)
def get_state(call: Call) -> Reply[Any]:
    """Export the content of the world.

    Returns a world file for `crmcom-kit serve --data` and `PUT /state`: every unit, user, secret
    key, webhook definition, workflow rule and webhook request as of one point in time. A world of
    the same release and dialect that is created from it has the same webhook requests, byte for
    byte. It does not contain deleted records, the state of the id generator, tokens, clock, journal
    and faults.
    """
    return Reply(join_chunks(call.world.export()), content_type=JSON_LINES)


_CONTENT = World | NewMembers | list[NewMembers]


@operation("PUT /state", "content", stream=_CONTENT, examples={"an empty world": {}})
def put_state(call: Call) -> NewEpoch:
    """Replace the content of the world.

    The body is JSON Lines, an array or one object of webhook requests as responses show them, or of
    entries of a world file; or one object with an array of entries per kind. At most 1 GiB. `{}` is
    an empty world; a body without entries, such as `[]`, is an error.
    `crmcom-kit schemas world_entry` prints the schema of an entry. Webhook requests keep the order
    of the body; `serve --data` sorts them by creation date. If an entry is invalid, nothing
    changes. The id generator starts again, and fixed tokens are valid again; tokens from logins,
    clock, journal and faults stay.
    """
    return epoch_view(call.world.load(call.stream, "body", expected_epoch=call.epoch))


@operation("GET /records", "content")
def get_records(
    call: Call,
    *,
    record: Annotated[RecordKey, "Only the webhook request with this number or id."] | None = None,
    entity: Entity | None = None,
    entity_id: Annotated[str, Keywords(maxLength=100)] | None = None,
    state: Annotated[ResponseState, "During a resend the state is REJECTED."] | None = None,
    definition: Annotated[Name, "Id, name or alternative code."] | None = None,
    rule: Annotated[Name, "Id, name or alternative code."] | None = None,
    url: Annotated[str, "Part of the URL.", Keywords(minLength=1, maxLength=2000)] | None = None,
    limit: Annotated[int, Keywords(minimum=1, maximum=1000)] = 100,
    offset: Annotated[int, Keywords(minimum=0, maximum=1000000000)] = 0,
) -> Records:
    """List webhook requests that meet every condition, newest first, and their number."""
    data = call.epoch.reference_data
    if definition is not None:
        definition = find_object(data.definitions, "definition", definition)["id"]
    if rule is not None:
        rule = find_object(data.rules, "rule", rule)["id"]
    filters: dict[IndexedField, str | None] = {
        "entity": entity,
        "entity_id": entity_id,
        "definition": definition,
        "rule": rule,
    }
    terms = ((name, frozenset({value})) for name, value in filters.items() if value is not None)
    query = Query(
        indexed=tuple(terms),
        url=None if url is None else lambda record_url: url in record_url,
        states=None if state is None else frozenset({state}),
    )
    matches = [r for r in call.epoch.store.find(query) if record in (None, r.number, r.id)]
    page = [_entry(match) for match in matches[offset : offset + limit]]
    return {"records": page, "more": offset + limit < len(matches), "total": len(matches)}


def _entry(record: Record) -> Entry:
    data = None if record.data is None else orjson.loads(record.data)
    return {"record": orjson.loads(record.body), "data": data}


@operation(
    "POST /records",
    "content",
    stream=_CONTENT,
    examples={
        "what is missing is filled in": {"entity": "JOBS", "life_cycle_state": "REJECTED"},
        "an old one": {"entity": "JOBS", "age": "100 days"},
        "a definition with its rule": {
            "webhook_definition": [{"id": "D1", "name": "Jobs", "entity": "JOBS"}],
            "workflow_rule": [{"name": "Job done", "webhook_definition_ids": ["D1"]}],
        },
    },
)
def post_records(call: Call) -> AddedRecords:
    """Add entries to the content; fill in missing members of webhook requests.

    The body is as in `PUT /state`. Adds all entries or none. The generator fills in the members
    that a record lacks, to fit its other members, as `mock.add` does in Python. To refer to a
    webhook definition or workflow rule, its id, name or alternative code is enough. `age` or
    `created_date` says when a webhook request was created. Without a date it is created after all
    others, or now in an empty world. Lists show added webhook requests as the newest, whatever
    their dates. A webhook definition or workflow rule without an id gets one. Refused are an id or
    number that is or was in use, a name or alternative code that is taken, and a reference to
    something that the world does not have.
    """
    addition = add_partial(call.epoch, call.world, read_entries(call.stream, "body"))
    return {
        "added": addition.number,
        "webhook_requests": len(call.epoch.store),
        "filled_in": list(map(_entry, addition.filled_in)),
    }


@operation("GET /records/{record}", "content")
def get_record(call: Call, record: RecordKey) -> Entry:
    """Return one webhook request by its number or id, with the data object that was sent."""
    return _entry(call.epoch.find_record(record))


@operation(
    "PATCH /records/{record}",
    "content",
    examples={"state": {"record": {"life_cycle_state": "SUCCESSFUL"}}},
)
def patch_record(
    call: Call, record: RecordKey, body: Annotated[EntryChange, Keywords(minProperties=1)]
) -> Entry:
    """Change members of a webhook request.

    Members of `record` replace the present members; `log_information` is merged into the present
    one. `data` is replaced. Members that depend on a change follow it, unless the body has them: a
    webhook request that becomes SUCCESSFUL loses its error, one that becomes REJECTED gets a
    timeout error, and authentication code, request and response are computed again. `id`, `number`
    and `entity` cannot be changed. The call is refused while the webhook request is being sent.
    """
    return _entry(change_record(call.world, call.epoch, record, dict(body)))


@operation("DELETE /records/{record}", "content")
def delete_record(call: Call, record: RecordKey) -> Entry:
    """Remove a webhook request, as the API's delete method does; return its last content."""
    return _entry(remove_record(call.epoch, record))


@operation("GET /definitions", "content")
def get_definitions(call: Call) -> Definitions:
    """List the webhook definitions and the workflow rules, in the order of their addition."""
    data = call.epoch.reference_data
    definitions: Any = data.definitions
    rules: Any = data.rules
    return {"definitions": list(definitions), "rules": list(rules)}


@operation(
    "POST /seed",
    "content",
    examples={
        "new content, one in ten rejected": {"seed": 7, "count": 50, "rejected": 0.1},
        "the last hundred days": {"since": "100 days", "until": "now"},
        "an outage of all receivers": {"scenario": "receiver_outage", "count": 20},
    },
)
def seed(call: Call, body: Seed | None = None) -> NewEpoch:
    """Replace the content with generated data.

    The members are arguments of Python's `mock.seed`; the same values always give the same data,
    except for ages. A scenario also sets the delivery scripts, which otherwise stay.
    `crmcom-kit fixtures --kind world` has more options, and its output is a body of `PUT /state`.
    """
    options: dict[str, Any] = dict(body or {})
    scenario = options.pop("scenario", None)
    try:
        return epoch_view(generation.seed(call.world, scenario, options, expected_epoch=call.epoch))
    except FixtureError as error:
        raise DataError(str(error)) from None
