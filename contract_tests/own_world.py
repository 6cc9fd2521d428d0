"""The world of the kit's own mock: small, and with every case that the checks need.

Data objects and secret keys are known here, so authentication codes can be checked; everything
else of it is found out by calls, as on any other target.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crmcom_kit.schemas.formats import id_of, write_date_time
from crmcom_kit.schemas.releases import Release

Entry = dict[str, Any]

#: So many webhook requests the entities of the first release have each, and the later ones.
MANY, FEW = 16, 4

_BEGAN = datetime(2016, 2, 27, 22, 0, 0)  # noqa: DTZ001 - the API's dates have no zone
_NAMES = ("Ελένη Ζαΐμη", "José «Pepe» Núñez", "O'Neill & Sons, Ltd", 'Quote " and \\ back', "Zoë")
_NOTES = ("", "one line", "two\nlines, a tab\t and an emoji \U0001f680", "a = b, c", "</end>")

#: No delivery leaves one of these behind: so that whatever a resend comes to, it leaves a trace.
_ERRORS = (
    ("KitMadeException", "com.example.KitMadeException: made for a check"),
    ("KitMadeTimeoutException", "com.example.KitMadeTimeoutException: gave up\n\tat Check.java:1"),
    ("KitMadeTlsException", "com.example.KitMadeTlsException: Χωρίς πιστοποιητικό"),
)


@dataclass(frozen=True, slots=True)
class Signed:
    """What the authentication code of one webhook request is made from."""

    data: Mapping[str, Any]
    key: str


def entries(release: Release) -> list[Entry]:
    """Return the entries of the world for ``release``: scenery first, then webhook requests."""
    return [*_reference_data(release), *_webhook_requests(release)]


def signed(world: Sequence[Entry]) -> dict[str, Signed]:
    """Return, by id, what signs the webhook requests of ``world`` that have a secret key."""
    keys = {each["id"]: each["key"] for each in _of(world, "secret_key")}
    key_of = {each["id"]: keys.get(each["secret_key_id"]) for each in definitions(world)}
    found = {}
    for each in _of(world, "webhook_request"):
        key = key_of.get(each["record"]["webhook_definition"]["id"])
        if key is not None and each.get("data") is not None:
            found[each["record"]["id"]] = Signed(each["data"], key)
    return found


def definitions(world: Sequence[Entry]) -> list[Entry]:
    """Return the webhook definitions of ``world``."""
    return list(_of(world, "webhook_definition"))


def not_effective(world: Sequence[Entry]) -> set[str]:
    """Return the ids of the webhook requests of ``world`` whose definition is not effective."""
    off = {each["id"] for each in definitions(world) if each["life_cycle_state"] != "EFFECTIVE"}
    records = (each["record"] for each in _of(world, "webhook_request"))
    return {each["id"] for each in records if each["webhook_definition"]["id"] in off}


def units(world: Sequence[Entry]) -> list[str]:
    """Return the ids of the units of ``world``, the default one first."""
    return [each["id"] for each in _of(world, "unit")]


def _of(world: Sequence[Entry], kind: str) -> Iterator[Entry]:
    return (each[kind] for each in world if kind in each)


def _reference_data(release: Release) -> Iterator[Entry]:
    for name, code in (("Head office", "HQ"), ("Σάμος, shop = 2", "U2 ΣΆΜ"), ("Field", "F1")):
        yield {"unit": _unit(name, code)}
    yield {"user": _USER}
    for name in ("first", "second"):
        key = {"id": id_of(f"kit/key/{name}"), "name": f"The {name} key", "type": "Webhook Key"}
        yield {"secret_key": key | {"key": id_of(f"kit/secret/{name}")}}
    for entity in release.entities:
        yield from ({"webhook_definition": each} for each in _definitions(entity))
        yield {"workflow_rule": _rule(entity)}


def _unit(name: str, code: str) -> Entry:
    unit = {"id": id_of(f"kit/unit/{code}"), "name": name, "alternative_code": code}
    return unit | {"description": None, "group_name": "Main", "community_name": "Internal"}


_USER = {
    "id": "1",
    "username": "MPAdministrator",
    "person_name": "MPAdministrator",
    "email": "mpadministrator@example.com",
}


def _definitions(entity: str) -> Iterator[Entry]:
    """Yield the definitions of an entity: a plain one and, where there is room, odd ones."""
    host = f"https://hooks.example.com/{entity.lower()}"
    yield _definition(entity, f"{entity.title()} feed", f"{entity[:8]} FEED", host, "first")
    if entity == "ACTIVITIES":
        name, code = "New = changed & renewed, 100%", "ACT=NEW&CHANGED,1"
        yield _definition(entity, name, code, f"{host}/new?a=b&c=d,e", "second")
    elif entity == "SUBSCRIPTIONS":
        name = "Συνδρομές προς Πάτρα"
        yield _definition(entity, name, "ΣΥΝΔΡΟΜΕΣ 2", f"{host}/2", "second", fields_set=None)
    elif entity == "JOBS":
        yield _definition(entity, "Old job board", "JOB OLD", f"{host}/old", "first") | {
            "life_cycle_state": "NOT EFFECTIVE"
        }
    elif entity == "SERVICEREQUESTS":
        name = "Unsigned desk"
        yield _definition(entity, name, "SR UNSIGNED", f"{host}/unsigned", None)


def _definition(
    entity: str,
    name: str,
    code: str,
    url: str,
    key: str | None,
    fields_set: str | None = "id,number,name,note",
) -> Entry:
    return {
        "id": id_of(f"kit/definition/{code}"),
        "name": name,
        "alternative_code": code,
        "description": None,
        "life_cycle_state": "EFFECTIVE",
        "url": url,
        "entity": entity,
        "fields_set": fields_set,
        "secret_key_id": None if key is None else id_of(f"kit/key/{key}"),
    }


def _rule(entity: str) -> Entry:
    return {
        "id": id_of(f"kit/rule/{entity}"),
        "name": f"{entity.title()}: any = change",
        "alternative_code": f"{entity[:8]}, ANY",
        "description": None,
        "life_cycle_state": "EFFECTIVE",
        "entity": entity,
        "webhook_definition_ids": [each["id"] for each in _definitions(entity)],
    }


def _webhook_requests(release: Release) -> Iterator[Entry]:
    first = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
    counts = {entity: MANY if entity in first else FEW for entity in release.entities}
    number = 0
    for at in range(MANY):
        for entity, count in counts.items():
            if at < count:
                number += 1
                yield {"webhook_request": _webhook_request(entity, at, number)}


def _webhook_request(entity: str, at: int, number: int) -> Entry:
    """Return one webhook request with its data object; each second one is REJECTED."""
    choices = list(_definitions(entity))
    definition = choices[at // 2 % len(choices)]
    rejected = at % 2 == 0
    code, description = _ERRORS[at // 2 % len(_ERRORS)] if rejected else (None, None)
    entity_id = id_of(f"kit/{entity}/{at // 3}")  # several webhook requests tell of the same one
    record = {
        "id": _id(number),
        "number": str(number),
        "life_cycle_state": "REJECTED" if rejected else "SUCCESSFUL",
        "entity": entity,
        "entity_id": entity_id,
        "url": definition["url"],
        "fields_set": definition["fields_set"],
        "error_code": code,
        "error_description": description,
        "webhook_definition": _named(definition),
        "workflow_rule": _named(_rule(entity)),
        "log_information": _log(number),
    }
    return {"record": record, "data": _data(entity, entity_id, number)}


def _id(number: int) -> str:
    """Return an id; one is the number of another webhook request: a server must not mix them up."""
    return "7" if number == 23 else id_of(f"kit/webhook request/{number}")


def _named(thing: Entry) -> Entry:
    return {name: thing[name] for name in ("id", "name", "alternative_code")}


def _log(number: int) -> Entry:
    """Return when it was sent: some at a day's end, two of them in the same second."""
    created = _BEGAN + timedelta(seconds=2399 * (number - number % 2) // 2)
    if number % 10 == 0:
        created = created.replace(hour=23 if number % 20 else 0, minute=0, second=0)
        created += timedelta(minutes=59, seconds=59) if number % 20 else timedelta()
    unit = _unit("Head office", "HQ")
    return {
        "created_date": write_date_time(created),
        "updated_date": write_date_time(created + timedelta(seconds=number % 3)),
        "created_by_unit": unit,
        "updated_by_unit": unit,
        "created_by_user": _USER,
        "updated_by_user": _USER,
    }


def _data(entity: str, entity_id: str, number: int) -> Entry:
    """Return a data object whose bytes differ in every canonical form and charset."""
    return {
        "number": f"{entity[:3]}{number:06}",
        "id": entity_id,
        "name": _NAMES[number % len(_NAMES)],
        "note": _NOTES[number % len(_NOTES)],
        "contact": {"phone": None, "name": "Αθηνά", "active": number % 2 == 0},
        "amounts": [number, 0, -1],
    }
