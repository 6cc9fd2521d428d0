"""The differential check: a fixed script of documented requests, and what a server answers to it.

A mutant that answers every request as the sound server does is no mutant. What the documents leave
open of a refusal (its texts, its code, its HTTP status) and the texts of tokens do not count.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

from stand_in.choices import Choices, release_key
from stand_in.client import LOGIN, Caller
from stand_in.reading import FIELDS, IDENTIFIER
from stand_in.server import WEB_API_KEY, StandIn
from stand_in.world import REJECTED, SUCCESSFUL, Record, entities_of

DEFINITION, RULE = "webhook_definition_identifier", "workflow_rule_identifier"
NOWHERE = "0123456789ABCDEF0123456789ABCDEF"
#: Lists of names as fields_set, beside each name alone.
FIELD_SETS = (
    ",".join(FIELDS), ",".join(reversed(FIELDS)), "id,number", "number,id", "url,entity_id,entity",
    "error_code,error_description,life_cycle_state", "webhook_definition,workflow_rule",
    "log_information,request,response",
)  # fmt: skip


class LoginRefused(Exception):
    """A server does not let the script in."""


class Conversation(Caller):
    """One server, the token that it gave, and its responses so far."""

    def __init__(self, app: Callable[..., Any], release: str) -> None:
        super().__init__(app)
        self.has_fields_set_in_actions = release_key(release) > (9, 0)
        self.tokens: list[str] = []
        self.responses: list[Any] = []
        self.token = self.other = self.log_in()

    def send(self, verb: str, path: str, query: str = "", body: bytes = b"", **more: str) -> Any:
        """Send one request; return the envelope of the response."""
        try:
            envelope = super().send(verb, path, query, body, **more)
        except Exception as error:  # noqa: BLE001 - a crash is a response, too
            self.responses.append(type(error).__name__)
            return None
        no_json = (*self.heads, self.content)
        self.responses.append(no_json if envelope is None else self.comparable(envelope))
        return envelope

    def comparable(self, envelope: Any) -> Any:
        """Return what the documents say of the response."""
        status = envelope.get("status") if isinstance(envelope, dict) else None
        if not isinstance(status, dict):
            return self.heads, envelope
        ((http, headers),) = self.heads
        kind = dict(headers).get("Content-Type", "").partition(";")[0]
        if isinstance(status.get("code"), str) and status["code"] not in ("", "OK"):
            texts = {name: type(text).__name__ for name, text in status.items()}
            return http >= "500", kind, {**envelope, "status": texts}
        data = envelope.get("data")
        if isinstance(data, dict) and isinstance(data.get("token"), str):
            envelope = {**envelope, "data": {**data, "token": self.described(data["token"])}}
        return http[:3], kind, envelope

    def described(self, token: str) -> Any:
        """Return which token this is, and what can be read from it."""
        if token not in self.tokens:
            self.tokens.append(token)
        parts: list[Any] = token.split(".")
        for at, part in enumerate(parts[:2]):
            try:
                parts[at] = json.loads(base64.urlsafe_b64decode(part + "=="))
            except ValueError:
                parts[at] = re.sub("[0-9A-F]", "x", part)
            else:
                parts[at] = {name: value for name, value in parts[at].items() if name != "jti"}
        plain = re.fullmatch(r"[\w.-]+", token) is not None
        return self.tokens.index(token), parts[:2], len(token) // 40, plain

    # The methods of the API.

    def log_in(self, **more: Any) -> str:
        """Get a token with a user name and a password."""
        return self.token_in(self.post("authentication/token", {**LOGIN, **more}))

    def log_in_by_key(self, text: str = f"{WEB_API_KEY}:", **more: Any) -> str:
        """Get a token with a Web API key."""
        header = f"Basic {base64.b64encode(text.encode()).decode()}"
        body = json.dumps(more).encode() if more else b""
        path = "authentication/web_api_key/token"
        return self.token_in(self.send("POST", path, body=body, authorization=header))

    def token_in(self, envelope: Any) -> str:
        """Return the token in a response, or a text that is none."""
        data = envelope.get("data") if isinstance(envelope, dict) else None
        token = data.get("token") if isinstance(data, dict) else None
        return token if isinstance(token, str) else "none"

    def list_open(self, **given: Any) -> None:
        """List where the documents leave open whether that is refused: only records count."""
        envelope = self.list(**given)
        data = envelope.get("data") if isinstance(envelope, dict) else None
        self.responses[-1] = data or []

    def show(self, field: str, value: str, **given: Any) -> Any:
        """Show a record by one field of its identifier."""
        return self.get("show", **{IDENTIFIER: f"{field}={value}"}, **given)

    def act_open(self, method: str, identifier: Any) -> None:
        """Resend or delete where the documents leave open whether that is refused."""
        self.act(method, identifier)
        self.responses.pop()


def answers(app: Callable[..., Any], sound: StandIn) -> Iterator[Any]:
    """Yield the comparable responses of a server that has the world of a new sound one.

    Raises:
        LoginRefused: the server gives no token, so nothing else can be seen.
    """
    talk = Conversation(app, sound.release)
    if talk.token == "none":
        raise LoginRefused
    for part in (
        logins,
        first_changes,
        shows,
        lists,
        pages,
        refusals,
        later_changes,
        looks_back,
        expiry,
    ):
        for _ in part(talk, sound):
            yield from talk.responses
            talk.responses = []


def digest(response: Any) -> str:
    """Return a short text that is the same for the same response."""
    text = json.dumps(response, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def sound_answers(choices: Choices, release: str) -> tuple[list[str], Iterator[str]]:
    """Return what the sound server answers: what is known of it so far, and what is not."""
    app, sound = StandIn(choices, release), StandIn(choices, release)
    return [], map(digest, answers(app, sound))


def is_equivalent(app: Callable[..., Any], choices: Choices, release: str) -> bool:
    """Return whether a server answers the script as the sound server with these choices does."""
    known, unknown = sound_answers(choices, release)
    for at, answer in enumerate(map(digest, answers(app, StandIn(choices, release)))):
        if at == len(known):
            known.append(next(unknown))
        if answer != known[at]:
            return False
    return True


# The script: each part yields after some requests.


def logins(talk: Conversation, sound: StandIn) -> Iterator[None]:
    """Log in rightly and wrongly, and use the tokens."""
    first, units = talk.token, [person.unit["id"] for person in sound.world.people]
    for unit in units:
        talk.list(token=talk.log_in_by_key(unit=unit), entity="JOBS")
        talk.token = talk.log_in(unit=unit)
        talk.list(entity="JOBS")
    for name, right in LOGIN.items():
        for wrong in ("somebody", "", right.swapcase(), f"{right}x", right[:-1]):
            talk.log_in(**{name: wrong})
        talk.post("authentication/token", {k: v for k, v in LOGIN.items() if k != name})
    near = (first.swapcase(), first[:-1], f"{first}x", f"{NOWHERE[:-8]}{first[-8:]}", first)
    header = base64.urlsafe_b64encode(b'{"typ": "JWT", "alg": "none"}').decode().rstrip("=")
    unsigned = f"{header}.{first.split('.')[-2:][0]}."
    for token in ("", None, None, NOWHERE, "%", f"{first[:9]}%", unsigned, *near):
        talk.list(token=token, entity="JOBS")
        talk.list(token=token, entity_id=sound.world.entity_ids[0])
        talk.show("number", "1", token=token)
        talk.act("resend", {"number": "987654"}, token=token)
        talk.act("delete", {"number": "987654"}, token=token)
    yield
    talk.send("POST", "authentication/web_api_key/token")
    key = WEB_API_KEY
    for text in (f"{key}:", f"{NOWHERE}:", ":", f":{key}", f"{key}:x", f"{key[:-1]}:"):
        token = talk.log_in_by_key(text)
        talk.list(token=token, entity="JOBS")
    talk.post("authentication/token/release", {})
    for token in (talk.log_in(), talk.log_in_by_key(), NOWHERE, ""):
        talk.post("authentication/token/release", {"token": token})
        if release_key(sound.release) < (12, 0):  # later releases may ignore it
            talk.list(token=token, entity="JOBS")
            talk.post("authentication/token/release", {"token": token})
    for token in (first, talk.token):
        talk.list(token=token, entity="JOBS")
    talk.token, talk.other = talk.log_in(), talk.log_in()
    yield


def shows(talk: Conversation, sound: StandIn) -> Iterator[None]:
    """Show every record, and some fields of a few."""
    for record in sound.records.values():
        talk.show("id", record.id)
        talk.show("number", record.number)
        yield
    for record in [*sound.records.values()][::9]:
        for names in (*FIELDS, *FIELD_SETS):
            talk.show("id", record.id, fields_set=names)
        talk.show("number", record.number, fields_set="life_cycle_state,number")
        yield


def plain_filters(sound: StandIn) -> Iterator[dict[str, str]]:
    """Yield each filter that can stand alone, with values that select something or nothing."""
    for name, things in ((DEFINITION, sound.world.definitions), (RULE, sound.world.rules)):
        for thing in things:
            for field in ("id", "name", "alternative_code"):
                yield {name: f"{field}={getattr(thing, field)}"}
    yield from ({"entity": each} for each in entities_of(sound.release, sound.choices))
    yield from ({"entity_id": each} for each in (*sound.world.entity_ids, NOWHERE))


def lists(talk: Conversation, sound: StandIn) -> Iterator[None]:
    """List by each filter, alone and with others."""
    records = [*sound.records.values()]
    for given in plain_filters(sound):
        talk.list(**given)
        for state in (REJECTED, SUCCESSFUL):
            talk.list(**given, life_cycle_state=state)
        yield
    things = [*sound.world.definitions, *sound.world.rules]
    for name, thing in product((DEFINITION, RULE), things):
        talk.list_open(**{name: f"id={thing.id}"})
        talk.list_open(**{name: f"name={thing.alternative_code}"})
        talk.list_open(**{name: f"alternative_code={thing.name}"})
    for at, record in enumerate(records):
        filters = filters_of(record)
        names = list(filters)
        for step in (1, 3, 5):
            chosen = [names[each % len(names)] for each in (at, at + step)]
            talk.list(**{"entity": record.entity, **{name: filters[name] for name in chosen}})
        talk.list(**filters)
        talk.list(entity=record.entity, created_date=f"{record.created:%Y-%m-%dT%H:%M:%S}")
        talk.list(entity_id=record.entity_id, url=records[at - 1].url)
        if record.rule:
            field = ("id", "name", "alternative_code")[at % 3]
            named = ((DEFINITION, record.definition), (RULE, record.rule))
            talk.list(**{name: f"{field}={getattr(thing, field)}" for name, thing in named})
        yield
    for record, entity in product(records[::12], entities_of(sound.release, sound.choices)):
        talk.list(entity=entity, created_date=f"{record.created:%Y-%m-%d}")
    talk.list(entity="JOBS", entity_id=NOWHERE * 40)
    for given in ({"entity": "ACTIVITIES"}, {"entity": "JOBS", "life_cycle_state": REJECTED}):
        for fields in (*FIELDS, *FIELD_SETS):
            talk.list(**given, fields_set=fields)
    yield


def filters_of(record: Record) -> dict[str, str]:
    """Return all filters, with the values of one record."""
    rule = {RULE: f"id={record.rule.id}"} if record.rule else {}
    return {
        "entity": record.entity,
        DEFINITION: f"name={record.definition.name}",
        "life_cycle_state": record.life_cycle_state,
        "url": record.url,
        "entity_id": record.entity_id,
        "created_date": f"{record.created:%Y-%m-%d}",
        **rule,
    }


def pages(talk: Conversation, sound: StandIn) -> Iterator[None]:
    """Turn pages, where the release has them."""
    if release_key(sound.release) < (13, 0):
        return
    state = {"life_cycle_state": REJECTED}
    definition = {DEFINITION: f"id={sound.world.definitions[0].id}"}
    rule = {RULE: f"id={sound.world.rules[0].id}"}
    for given in ({"entity": "JOBS"}, rule, definition, {**definition, **state}):
        for limit in (1, 2, 3, 5, 10, 11, 13, 20, 100, 1000, None):
            for offset in (None, 0, 1, 2, 3, 5, 10, 20, 100):
                talk.list(**given, number_of_results=limit, offset=offset)
        talk.list(**given, number_of_results=2, offset=1, fields_set="number")
        yield


def refusals(talk: Conversation, sound: StandIn) -> Iterator[None]:
    """Ask for what must be refused."""
    fresh = [*sound.records.values()][48:]
    record = next(each for each in fresh if each.life_cycle_state == REJECTED)
    for token, method in product((NOWHERE, "", None, True), ("resend", "delete")):
        talk.act(method, {"id": record.id}, token=token)
        talk.show("id", record.id)
    for given in (
        {}, {"life_cycle_state": REJECTED}, {"url": record.url}, {"created_date": "2016-10-04"},
        {"life_cycle_state": REJECTED, "created_date": "2016-10-04"},
        {"number_of_results": 5, "offset": 0},
        {"entity": "WEBHOOKS"}, {"entity": "jobs2"}, {"entity": "JOBS", "life_cycle_state": "SENT"},
        {"entity": "JOBS", "created_date": "yesterday"},
        {"entity": "JOBS", "created_date": "2016-02-30"},
    ):  # fmt: skip
        talk.list(**given)
    talk.list_open(entity="")
    yield
    wrong_identifiers(talk, record)
    wrong_ways(talk, record)
    talk.show("id", record.id)
    yield


def wrong_identifiers(talk: Conversation, record: Record) -> None:
    """Name no record, or more than one, or one that does not exist."""
    identifiers: tuple[Any, ...] = (
        None, {}, {"id": record.id, "number": record.number}, {"id": NOWHERE}, {"number": "987654"},
        {"id": record.number}, {"number": record.id}, {"colour": "red"}, {"id": ""}, {"number": ""},
        *({"number": text.format(record.number)} for text in ("0{}", "{}x", "{}%", "%", "6_")),
        *({"id": text} for text in (record.id.lower(), f"{record.id}x", record.id[:-1])),
        {"id": f"{record.id[:9]}%"}, {"id": record.id * 2}, {"number": "9" * 40},
        {"number": 'a"b'}, {"entity_id": record.entity_id}, {"url": record.url},
    )  # fmt: skip
    for identifier in identifiers:
        for method in ("resend", "delete"):
            talk.act(method, identifier)
        fields = identifier.items() if identifier else ()
        text = ",".join(f"{name}={value}" for name, value in fields)
        talk.get("show", **{IDENTIFIER: None if identifier is None else text})


def wrong_ways(talk: Conversation, record: Record) -> None:
    """Call methods with another verb, with a slash behind, or without a JSON object."""
    named = {IDENTIFIER: f"id={record.id}"}
    for path, given in (("show/", named), ("list/", {"entity": "JOBS"})):
        talk.get(path, **given)
        talk.get(path, **given, token=NOWHERE)
    talk.get("list/", entity="JOBS", life_cycle_state=REJECTED)
    for method in ("show", "list", "resend", "delete"):
        talk.send("PUT", f"webhook_requests/{method}", f"token={talk.token}&entity=JOBS")
    for method in ("show", "list"):
        body = {"token": talk.token, "entity": "JOBS", IDENTIFIER: {"id": record.id}}
        talk.post(f"webhook_requests/{method}", body)
    for method in ("resend", "delete"):
        talk.get(method, **named)
        talk.send("POST", f"webhook_requests/{method}", body=b"{")
        talk.send("POST", f"webhook_requests/{method}", body=b"[]")


def first_changes(talk: Conversation, sound: StandIn) -> Iterator[None]:
    """Change some records early on."""
    yield from changes(talk, [*sound.records.values()][:16])


def later_changes(talk: Conversation, sound: StandIn) -> Iterator[None]:
    """Change records that were looked at before, the newest first."""
    yield from changes(talk, [*sound.records.values()][47:15:-1])


def changes(talk: Conversation, records: list[Record]) -> Iterator[None]:
    """Resend and delete records by id and by number, with looks before and after each."""
    for at, record in enumerate(records):
        field, other = ("number", "id") if at % 2 else ("id", "number")
        value = getattr(record, field)
        some = at % 3 and talk.has_fields_set_in_actions
        fields = FIELD_SETS[at % len(FIELD_SETS)] if some else None
        deletes = at % 5 == 0
        look(talk, record)
        if not deletes or at % 20 >= 10:
            talk.act("resend", {field: value}, fields_set=fields)
            if at % 4 == 3:
                talk.list()  # which is refused
            look(talk, record)
            talk.act("resend", {other: getattr(record, other)})
        if deletes:
            talk.show("id", records[at - 1].id)
            talk.act("delete", {field: value}, fields_set=fields)
            look(talk, record)
            talk.act("resend", {"id": record.id})
            talk.act_open("delete", {"number": record.number})
            talk.show("number", records[(at + 1) % len(records)].number)
        look(talk, record)
        yield


def look(talk: Conversation, record: Record) -> None:
    """Show a record and list what it is in, some of that with another token."""
    for token in (talk.other, talk.token):
        talk.show("id", record.id, token=token)
        talk.list(entity_id=record.entity_id, token=token)
    talk.show("number", record.number)
    filters = filters_of(record)
    talk.list(entity=record.entity)
    for name in (DEFINITION, RULE):
        if name in filters:
            talk.list(**{name: filters[name]})
    for state in (REJECTED, SUCCESSFUL):
        talk.list(entity=record.entity, life_cycle_state=state)
    talk.list(**filters)
    talk.list(entity=record.entity, fields_set="number,life_cycle_state,error_code")


def looks_back(talk: Conversation, sound: StandIn) -> Iterator[None]:
    """Look at everything again, with the token of before and with a new one."""
    talk.list(entity="JOBS")
    talk.token = talk.log_in()
    yield from shows(talk, sound)
    yield from lists(talk, sound)
    yield from pages(talk, sound)


def expiry(talk: Conversation, _: StandIn) -> Iterator[None]:
    """Use tokens whose time is over."""
    if isinstance(talk.app, StandIn):
        talk.app.clock.seconds += 3 * 3600
        talk.list(entity="JOBS")
        talk.list(entity="JOBS", token=talk.other)
        yield
