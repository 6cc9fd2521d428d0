"""Records made cheaply by the million: the shape of the mock's own, 1.36 KB of JSON on average.

Every value of a record is a fresh object, as it is when records come from a file: nothing is
shared by accident.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

ENTITIES = (
    "ACTIVITIES", "JOBS", "INVOICES", "PAYMENTS", "ACCOUNTS", "SUBSCRIPTIONS", "CONTACTS", "ASSETS",
)  # fmt: skip
DEFINITIONS, RULES, ENTITY_IDS = 200, 1_000, 50_000
STATES = ("SUCCESSFUL", "REJECTED")
_REJECTED_SHARE = 0.4
_FIRST_SECOND = 1_420_070_400  # 2015
_UNIT = (
    b'{"community_name":"Internal","id":"%032X","name":"Installation Team 4",'
    b'"group_name":"Retail","description":null,"alternative_code":"IT4"}'
)
_USER = b'{"person_name":"Nigel B","username":"nigel.butler","id":"%032X"}'
_BODY = (
    b'{"response":"%(exchange)032X","entity":"%(entity)s","error_code":%(error)s,'
    b'"error_description":null,"number":"%(number)d","url":"%(url)s","request":"%(exchange)032X",'
    b'"log_information":{"updated_date":"2015-12-21T18:09:10","created_date":"2015-12-21T03:14:47",'
    b'"created_by_unit":%(unit)s,"updated_by_unit":%(unit)s,"created_by_user":%(user)s,'
    b'"updated_by_user":%(user)s},"authentication_code":"%(exchange)064x",'
    b'"life_cycle_state":"%(state)s","entity_id":"%(entity_id)032X","id":"%(id)032X",'
    b'"webhook_definition":{"id":"%(definition)032X","name":"Hooks of team %(definition)d",'
    b'"alternative_code":"HOOK"},"fields_set":"id,number,description","workflow_rule":'
    b'{"id":"%(rule)032X","name":"Rule %(rule)d","alternative_code":"RULE"}}'
)
_DATA = (
    b'{"id":"%032X","number":"%08d","contact_information_name":"Suzanne Stravenue",'
    b'"description":"Call back before the technician comes, the gate is locked in the morning",'
    b'"status":"PENDING"}'
)


class Plain(NamedTuple):
    """One record, in no store's own form."""

    id: str
    number: str
    state: str
    definition: str
    rule: str
    entity: str
    entity_id: str
    url: str
    created: int
    body: bytes
    data: bytes


def hex_id(number: int) -> str:
    """Return a number as an id in the API's usual form, as a new object."""
    return f"{number:032X}"


def entity_of(entity_number: int) -> str:
    """Return the entity that an entity id belongs to."""
    return ENTITIES[entity_number % len(ENTITIES)]


def made(count: int, *, one_entity: bool = False) -> Iterator[Plain]:
    """Yield ``count`` records, the same ones every time; all of one entity if so asked."""
    draws = random.Random(7)
    for at in range(1, count + 1):
        entity_number = int(draws.random() * ENTITY_IDS)
        entity = ENTITIES[0] if one_entity else entity_of(entity_number)
        definition, rule = 1 + int(draws.random() * DEFINITIONS), 1 + int(draws.random() * RULES)
        rejected = draws.random() < _REJECTED_SHARE
        state = STATES[rejected]
        own, exchange = draws.getrandbits(128), draws.getrandbits(128)
        unit = _UNIT % (definition,)
        url = b"https://hooks.example.net/in/%d" % definition
        body = _BODY % {
            b"exchange": exchange, b"entity": entity.encode(), b"number": at, b"url": url,
            b"error": b'"ConnectTimeoutException"' if rejected else b"null",
            b"unit": unit, b"user": _USER % rule, b"state": state.encode(),
            b"entity_id": entity_number, b"id": own, b"definition": definition, b"rule": rule,
        }  # fmt: skip
        yield Plain(
            hex_id(own), str(at), state, hex_id(definition), hex_id(rule),
            entity.encode().decode(), hex_id(entity_number), url.decode(), _FIRST_SECOND + at,
            body, _DATA % (entity_number, at),
        )  # fmt: skip


def filters(name: str, at: int, count: int) -> dict[str, str]:
    """Return the ``at``-th arguments of a filter, the same ones for every store."""
    draws = random.Random(at)
    entity_number = int(draws.random() * ENTITY_IDS)
    state = STATES[draws.random() < _REJECTED_SHARE]
    values = {
        "number": str(1 + int(draws.random() * count)),
        "definition": hex_id(1 + int(draws.random() * DEFINITIONS)),
        "rule": hex_id(1 + int(draws.random() * RULES)),
        "entity": entity_of(entity_number),
        "entity_id": hex_id(entity_number),
        "state": state,
    }
    return {field: values[field] for field in name.split(" + ")}
