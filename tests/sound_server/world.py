"""The records, definitions, rules and people of one organisation, made from a seed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sound_server.choices import Choices, release_key

REJECTED, SUCCESSFUL = "REJECTED", "SUCCESSFUL"
R9_ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
R15_ENTITIES = (
    "ACCOUNTSRECEIVABLE",
    "CONTACTINFORMATION",
    "CREDITNOTES",
    "INVOICES",
    "INVOICECANCELLATIONS",
    "PAYMENTS",
    "PAYMENTCANCELLATIONS",
    "REFUNDS",
    "REWARDOFFERS",
    "WALLETS",
    "WALLETTRANSACTIONS",
    "WRITEOFFS",
)
RECORDS = 60
FIRST_DAY = Choices.first_record.replace(hour=0, minute=0)
TRACE = (
    "java.net.SocketTimeoutException: Read timed out\n"
    + "\tat java.net.SocketInputStream.socketRead0(Native Method)\n" * 40
)


def entities_of(release: str, choices: Choices) -> tuple[str, ...]:
    """Return the entities that the release supports."""
    key = release_key(release)
    entities = list(R9_ENTITIES)
    if key >= (14, 0):
        entities.append("LEADS")
    if key >= (15, 0):
        entities += R15_ENTITIES
    elif key >= (11, 0) and choices.reward_offers_from == "R11":
        entities.append("REWARDOFFERS")
    return tuple(entities)


@dataclass
class Named:
    """A webhook definition or a workflow rule."""

    id: str
    name: str
    alternative_code: str
    description: str | None
    url: str = ""
    fields_set: str | None = None
    effective: bool = True
    fails: bool = False  # whether its receiver refuses what it is sent


@dataclass
class Person:
    """A user and the unit that they acted for."""

    user: dict[str, Any]
    unit: dict[str, Any]


@dataclass
class Record:
    """One webhook request."""

    id: str
    number: str
    life_cycle_state: str
    entity: str
    entity_id: str
    url: str
    definition: Named
    rule: Named | None
    created: datetime
    updated: datetime | None
    created_by: Person | None
    updated_by: Person | None
    error_code: str | None = None
    error_description: str | None = None
    zone: str = ""
    sends: int = 1
    code_sends: int = 1


@dataclass
class World:
    """Everything that one server keeps besides its tokens."""

    choices: Choices
    release: str
    random: Random
    records: dict[str, Record] = field(default_factory=dict)  # by id, in the order of creation
    definitions: list[Named] = field(default_factory=list)
    rules: list[Named] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    entity_ids: list[str] = field(default_factory=list)  # of the things that records are about
    created_so_far: int = 0

    def hex_id(self) -> str:
        """Return a new id."""
        return f"{self.random.getrandbits(128):032X}"

    def number(self, position: int) -> str:
        """Return the number of the record created at a position, counted from 1."""
        # Every ninth number was used by something that is gone.
        value = position + position // 9
        if self.choices.number_form == "large":
            return str(9_000_000_000 + value)
        return f"WHR{value:07}" if self.choices.number_form == "prefixed" else str(value)

    def add_record(self, created: datetime) -> Record:
        """Create the next record, as a workflow rule would."""
        self.created_so_far += 1
        position, random = self.created_so_far, self.random
        entities = entities_of(self.release, self.choices)
        definition = self.definitions[position % len(self.definitions)]
        rule = self.rules[(position // 3) % len(self.rules)]
        author = random.choice([*self.people, None])
        # Few things, each with at least one record; some of their ids begin with others.
        once = position <= len(self.entity_ids)
        entity_id = self.entity_ids[position - 1] if once else random.choice(self.entity_ids)
        rejected = random.random() < 0.5
        record = Record(
            id=self.record_id(position),
            number=self.number(position),
            life_cycle_state=REJECTED if rejected else SUCCESSFUL,
            entity=entities[(position * 7 + position // 5) % len(entities)],
            entity_id=entity_id,
            # The second definition has been moved to another URL since.
            url="http://127.0.0.1:9080/crmapi/rest/v2/activities/create"
            if definition is self.definitions[1] and position // 4 % 2
            else definition.url,
            definition=definition,
            rule=None if self.choices.some_rules_null and position % 6 == 0 else rule,
            created=created,
            updated=created + timedelta(seconds=8),
            created_by=author,
            updated_by=author,
        )
        if self.choices.never_updated and position % 4 == 0:
            record.updated = record.updated_by = None
        if self.choices.zones == "all" or (self.choices.zones == "some" and position % 3 == 0):
            record.zone = random.choice(["Z", "+02:00", "-05:00"])
        if rejected:
            self.set_error(record)
        self.records[record.id] = record
        return record

    def record_id(self, position: int) -> str:
        """Return the id of the record at a position."""
        if self.choices.ids_equal_numbers and position % 4 == 1:
            return self.number(position + 3)
        if self.choices.short_ids and position == 2:
            return "1"
        return f"wr-{self.hex_id().lower()}" if self.choices.small_ids else self.hex_id()

    def set_error(self, record: Record) -> None:
        """Give a rejected record the texts of its error."""
        http = self.choices.record_error_codes == "http"
        record.error_code = "502" if http else "SocketTimeoutException"
        text = f"Attempt {record.sends} to {record.url}\n" if record.sends > 1 else ""
        record.error_description = (text + TRACE)[: self.choices.error_length]
        if self.choices.error_texts != "full" and int(record.id[-1], 16) % 2:
            empty = None if self.choices.error_texts == "some_null" else ""
            record.error_code = empty if int(record.id[-1], 16) % 4 == 1 else record.error_code
            record.error_description = empty

    def fill(self) -> None:
        """Create the first records, some of them in the same second or beside midnight."""
        random = self.random
        first = self.hex_id()
        others = [self.hex_id() for _ in range(10)]
        self.entity_ids = ["1", "12", "A_1", "AB1", first, first[:-1], *others]
        moment = self.choices.first_record
        for position in range(1, RECORDS + 1):
            self.add_record(moment)
            day = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
            if position % 10 == 4:
                moment = day + timedelta(hours=23, minutes=59, seconds=59)
            elif position % 10 == 5:
                moment = day + timedelta(days=1)
            elif position % 10 != 7:  # the eighth has the second of the seventh
                moment += timedelta(minutes=random.randint(1, 300), seconds=random.randint(0, 59))


def named(world: World, name: str, code: str, description: str | None, **more: Any) -> Named:
    """Return a definition or rule with a new id."""
    return Named(world.hex_id(), name, code, description, **more)


def make_world(choices: Choices, release: str, seed: int) -> World:
    """Return the world of a seed."""
    world = World(choices, release, Random(seed))
    hooks = "http://hooks.example.com/in"
    fails = {"all": (), "some": (1, 3), "none": (0, 1, 2, 3)}[choices.resend_succeeds]
    world.definitions = [
        named(world, "Activity feed", "AF", "To the portal", url=hooks, fields_set="id,number"),
        named(world, "Activity feed 2", "AF2", None, url=f"{hooks}/2", fields_set="id"),
        named(world, "Jobs & Überwachung", "J+1", "", url="https://hooks.example.com/in"),
        named(world, "Old feed", "OLD", None, url=f"{hooks}?to=old", effective=False),
    ]
    for position in fails:
        world.definitions[position].fails = True
    world.rules = [
        named(world, "On new activity", "R1", "Created"),
        named(world, "On new activity, urgent", "R10", None),
        named(world, "on job", "r-job", ""),
    ]
    world.people = [make_person(choices, release, *person) for person in PEOPLE]
    world.fill()
    return world


#: Each user with the unit that they act for.
PEOPLE: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    (
        {"id": "1", "username": "MPAdministrator"},
        {"id": "1", "name": "Admin Unit", "alternative_code": "MG", "description": "r1"},
    ),
    (
        {"id": "159C17D9C4B1E48DC129FBC701D38438", "username": "p_user"},
        {
            "id": "0C3B5CB66ED4AACF5C2FDDAE984704E8",
            "name": "Team 4",
            "alternative_code": "IT4",
            "description": None,
        },
    ),
)
#: What releases from R14.1 on may show as empty.
EMPTIED_NAMES = ("person_name", "email", "group_name", "community_name")


def make_person(
    choices: Choices, release: str, user: dict[str, Any], unit: dict[str, Any]
) -> Person:
    """Return a user and their unit in the form that the server shows them in."""
    user = {**user, "person_name": user["username"]}
    if choices.user_form == "long":
        user["email"] = f"{user['username'].lower()}@example.com"
    if choices.unit_form == "long":
        unit = unit | {"group_name": choices.group_name, "community_name": "Internal Community"}
    if choices.emptied_names != "off" and release_key(release) >= (14, 1):
        user, unit = (emptied(choices, view) for view in (user, unit))
    return Person(user, unit)


def emptied(choices: Choices, view: dict[str, Any]) -> dict[str, Any]:
    """Return a user or a unit with the names empty or absent that a setting empties."""
    if choices.emptied_names == "absent":
        return {name: value for name, value in view.items() if name not in EMPTIED_NAMES}
    empty = None if choices.emptied_names == "null" else ""
    return {name: empty if name in EMPTIED_NAMES else value for name, value in view.items()}
