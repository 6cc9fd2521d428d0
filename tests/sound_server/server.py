"""The API: reads a request, checks it, and answers it from the world.

Each step is a method of ``SoundServer``; a server with a fault overrides the step that is wrong.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from sound_server import reading
from sound_server.choices import Choices, release_key
from sound_server.reading import Call, Refusal, Request
from sound_server.tokens import Tokens
from sound_server.world import REJECTED, SUCCESSFUL, Named, Person, Record, make_world

API_PATH = "/crmapi/rest/v2"
USERNAME, PASSWORD, ORGANISATION = "integration", "Winter-2016", "ACMETV"
WEB_API_KEY = "5D9A3C60B7E14F7FA1C2D3E4F5061728"

#: Path → verb, first release, and the method of SoundServer that answers, less its ``do_``.
METHODS = {
    "webhook_requests/show": ("GET", "R9", "show"),
    "webhook_requests/list": ("GET", "R9", "list"),
    "webhook_requests/resend": ("POST", "R9", "resend"),
    "webhook_requests/delete": ("POST", "R9", "delete"),
    "authentication/token": ("POST", "R9", "login"),
    "authentication/token/release": ("POST", "R10", "release_token"),
    "authentication/web_api_key/token": ("POST", "R10", "key_login"),
}
#: Kind of error → module and name in a code, HTTP status where the server has one for each kind.
ERRORS = {
    "busy": ("WEBAPI", "TOOMANYREQUESTS", 429),
    "unknown_path": ("WEBAPI", "METHODNOTFOUND", 404),
    "wrong_verb": ("WEBAPI", "METHODNOTALLOWED", 405),
    "bad_json": ("WEBAPI", "MALFORMEDREQUEST", 400),
    "missing_token": ("SECURITY", "TOKENREQUIRED", 401),
    "invalid_token": ("SECURITY", "INVALIDTOKEN", 401),
    "expired_token": ("SECURITY", "TOKENEXPIRED", 401),
    "user_locked": ("SECURITY", "USERLOCKED", 403),
    "too_many_logins": ("SECURITY", "TOOMANYLOGINS", 403),
    "released_token": ("SECURITY", "TOKENRELEASED", 401),
    "wrong_credentials": ("SECURITY", "INVALIDCREDENTIALS", 401),
    "missing_parameter": ("WEBAPI", "MANDATORYPARAMETER", 400),
    "no_identifier_field": ("WEBAPI", "SEMIOPTIONALREQUIRED", 400),
    "two_identifier_fields": ("WEBAPI", "ONLYONESEMIOPTIONAL", 400),
    "bad_parameter": ("WEBAPI", "INVALIDPARAMETER", 400),
    "bad_entity": ("WEBHOOKS", "ENTITYNOTSUPPORTED", 400),
    "bad_state": ("WEBHOOKS", "LIFECYCLESTATENOTSUPPORTED", 400),
    "bad_date": ("WEBAPI", "INVALIDDATE", 400),
    "bad_field": ("WEBAPI", "UNKNOWNFIELD", 400),
    "bad_paging": ("WEBAPI", "INVALIDPAGING", 400),
    "unknown_record": ("WEBHOOKS", "WEBHOOKREQUESTNOTFOUND", 404),
    "deleted_record": ("WEBHOOKS", "WEBHOOKREQUESTDELETED", 410),
    "nothing_found": ("WEBHOOKS", "NOTHINGFOUND", 404),
    "unknown_definition": ("WEBHOOKS", "REFERENCENOTFOUND", 404),
    "not_rejected": ("WEBHOOKS", "ONLYREJECTEDCANBERESENT", 409),
    "not_effective": ("WEBHOOKS", "DEFINITIONNOTEFFECTIVE", 409),
    "send_failed": ("WEBHOOKS", "SENDINGFAILED", 502),
    "deprecated": ("WEBAPI", "METHODDEPRECATED", 410),
}
#: What servlet containers and proxies add to a response.
HEADERS = [
    ("Set-Cookie", "JSESSIONID=1; Path=/"),
    ("Server", "Apache-Coyote/1.1"),
    ("Cache-Control", "no-store"),
    ("X-Frame-Options", "DENY"),
]


#: Levels of a request that has many.
DEPTH = 230


@dataclass(frozen=True)
class Reply:
    """One HTTP response."""

    status: int
    content_type: str
    body: bytes


@dataclass
class Clock:
    """A clock that a request moves by a quarter of a second."""

    seconds: float = 1_478_509_200.0  # 2016-11-07 09:00 UTC
    step: float = 0.25

    def __call__(self) -> float:
        """Return the next moment, in seconds since 1970."""
        self.seconds += self.step
        return self.seconds


def naive(seconds: float) -> datetime:
    """Return a moment on the server's wall clock, which shows UTC."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


@dataclass
class SoundServer:
    """One server: its choices, its world and its tokens; also a WSGI application."""

    choices: Choices = field(default_factory=Choices)
    release: str = "R9"
    seed: int = 0
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        """Fill the world."""
        self.lock = Lock()
        self.key = release_key(self.release)
        self.world = make_world(self.choices, self.release, self.seed)
        self.records = self.world.records
        self.deleted: dict[str, Record] = {}
        self.queued: dict[str, int] = {}  # id of a record → requests until its resend is through
        self.hoped: dict[str, int] = {}  # the same of one that was taken for a success, and failed
        self.random = Random(self.seed + 1)
        self.tokens = Tokens(self.choices, self.key, Random(self.seed + 2))
        self.requests = self.logins = self.wrong_in_a_row = self.wrong_in_all = 0
        self.is_locked = False
        self.window = self.in_window = 0  # requests in a span of time, where they are limited
        self.moments = Random(self.seed + 3)
        self.now = self.clock()
        self.listing: Call | None = None  # the list that is being made
        self.set_up()

    def set_up(self) -> None:
        """Do what a subclass needs before the first request."""

    # The way of a request.

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a WSGI request."""
        reply = self.handle(reading.wsgi_request(environ))
        length = str(len(reply.body))
        head = [("Content-Type", reply.content_type), ("Content-Length", length)]
        head += HEADERS if self.choices.more_headers else []
        start_response(f"{reply.status} {'OK' if reply.status == 200 else 'Error'}", head)
        return [reply.body]

    def handle(self, request: Request) -> Reply:
        """Answer one request; only one at a time."""
        with self.lock:
            self.now = self.clock()
            self.requests += 1
            if self.is_turn(self.choices.restart_every):
                self.tokens.known.clear()
            self.work_of_others()
            return self.behind_gateway(request)

    def is_turn(self, every: int | None) -> bool:
        """Return whether this is a request at which something happens that happens now and then."""
        return every is not None and self.requests % every == 0

    def behind_gateway(self, request: Request) -> Reply:
        """Answer one request, or let the gateway answer it."""
        fails = self.is_turn(self.choices.hiccup_every)
        if fails and not self.choices.hiccup_after:
            return self.hiccup()
        if request.path.endswith("/") and self.choices.trailing_slash == "page":
            return Reply(404, "text/html", b"<html>Not found</html>")
        reply = self.answer(request)
        return self.hiccup() if fails else reply

    def hiccup(self) -> Reply:
        """Return what a gateway says when it has no response of the server."""
        return Reply(self.choices.hiccup_http, "text/html", b"<html>Please try again</html>")

    def is_busy(self, request: Request) -> bool:
        """Return whether the server refuses every request at the moment."""
        if self.choices.busy == "maintenance":
            return 300 < self.requests % 500 <= 345
        if self.choices.busy == "none" or "/webhook_requests/" not in request.path:
            return False
        if self.choices.busy == "now_and_then":
            return self.moments.random() < 0.15
        window = int(self.now / 6)
        if window != self.window:
            self.window, self.in_window = window, 0
        self.in_window += 1
        return self.in_window > 15

    def refuse_if_busy(self, request: Request) -> None:
        """Refuse a request that comes at the wrong moment."""
        if self.is_busy(request):
            raise Refusal("busy", "Please try again later.")

    def answer(self, request: Request) -> Reply:
        """Run the method that the request is for."""
        try:
            self.refuse_if_busy(request)
            call = self.route(request)
            return self.success(call, self.run(call))
        except Refusal as refusal:
            return self.refusal(request, refusal)

    def route(self, request: Request) -> Call:
        """Return the call that a request is."""
        path = request.path.removeprefix(API_PATH)
        name = path.strip("/") if self.choices.trailing_slash == "served" else path.lstrip("/")
        verb, since, method = METHODS.get(name, ("", "R99", ""))
        if not request.path.startswith(f"{API_PATH}/") or release_key(since) > self.key:
            raise Refusal("unknown_path", f"There is no method {name}.")
        if request.verb not in self.verbs(method, verb):
            raise Refusal("wrong_verb", f"{name} is called with {verb}.")
        return reading.read_call(self.choices, self.key, method, request)

    def verbs(self, method: str, verb: str) -> Sequence[str]:
        """Return the verbs that a method takes."""
        return ("GET", verb) if method == "login" and self.choices.login_by_get else (verb,)

    def run(self, call: Call) -> Any:
        """Return the data of a call, or raise its refusal."""
        if call.method in reading.LOGIN_METHODS:
            return getattr(self, f"do_{call.method}")(call)
        if self.key >= (18, 0) and self.choices.r18 == "refused":
            raise Refusal("deprecated", "This method is deprecated.")
        if self.choices.check_order == "token_first":
            self.authenticate(call)
            self.read_arguments(call)
        else:
            self.read_arguments(call)
            self.authenticate(call)
        return getattr(self, f"do_{call.method}")(call)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        reading.read_arguments(self.choices, self.key, self.world, call)

    # Tokens.

    def authenticate(self, call: Call) -> None:
        """Refuse a call without a live token."""
        token = call.parameters.get("token")
        if token is None and self.choices.token_in_header == "accepted":
            token = call.headers.get("authorization", "").removeprefix("Bearer ") or None
        if token is None or token == "":
            raise Refusal("missing_token", "A token is required.")
        self.check_token(token, call)

    def check_token(self, token: Any, _call: Call) -> None:
        """Refuse a token that is not live."""
        self.tokens.check(token, self.now)

    def do_login(self, call: Call) -> Any:
        """Return a token for a user name and a password."""
        for name in ("username", "password", "organisation"):
            if not isinstance(call.parameters.get(name), str) or not call.parameters[name]:
                raise Refusal("missing_parameter", f"{name} is mandatory.")
        username, password, organisation = (call.parameters[n] for n in reading.CREDENTIALS)
        self.refuse_locked(username)
        if not self.credentials_right(username, password, organisation):
            self.note_wrong(username)
            raise Refusal("wrong_credentials", "Wrong user name, password or organisation.")
        self.wrong_in_a_row = 0
        self.refuse_too_many()
        return {"token": self.tokens.issue(self.now, USERNAME, ORGANISATION, self.unit(call))}

    def refuse_locked(self, username: str) -> None:
        """Refuse a user who is locked."""
        if self.is_locked and username.strip().lower() == USERNAME:
            raise Refusal("user_locked", "The user is locked.")

    def note_wrong(self, username: str) -> None:
        """Count a wrong login, which may lock its user for good."""
        if username.strip().lower() == USERNAME:
            self.wrong_in_a_row += 1
            self.wrong_in_all += 1
        in_a_row, in_all = self.choices.locked_after_in_a_row, self.choices.locked_after
        self.is_locked |= in_a_row is not None and self.wrong_in_a_row >= in_a_row
        self.is_locked |= in_all is not None and self.wrong_in_all >= in_all

    def refuse_too_many(self) -> None:
        """Refuse a login that is one too many."""
        self.logins += 1
        sessions, logins = self.choices.max_sessions, self.choices.max_logins
        is_full = sessions is not None and self.tokens.live(self.now) >= sessions
        if is_full or (logins is not None and self.logins > logins):
            raise Refusal("too_many_logins", "The user has too many sessions.")

    def credentials_right(self, username: str, password: str, organisation: str) -> bool:
        """Return whether the user may come in."""
        return (username, password, organisation) == (USERNAME, PASSWORD, ORGANISATION)

    def unit(self, call: Call) -> dict[str, Any]:
        """Return the unit that a login acts for."""
        wanted = call.parameters.get("unit")
        units = [person.unit for person in self.world.people]
        if wanted is None:
            return units[0]
        names = ("id", "name") if self.choices.unit_by_name == "accepted" else ("id",)
        for unit in units:
            if wanted in [unit[name] for name in names]:
                return unit
        raise Refusal("bad_parameter", f"There is no unit {wanted}.")

    def do_key_login(self, call: Call) -> Any:
        """Return a token for a Web API key."""
        key = self.key_of(call.headers.get("authorization", ""))
        if key != WEB_API_KEY:
            raise Refusal("wrong_credentials", "Wrong Web API key.")
        unit = self.unit(call)
        return {"token": self.tokens.issue(self.now, "webapi", ORGANISATION, unit, by_key=True)}

    def key_of(self, header: str) -> str | None:
        """Return the Web API key of an Authorization header."""
        scheme, _, encoded = header.partition(" ")
        if scheme != "Basic" and (
            self.choices.lower_case_basic == "error" or scheme.lower() != "basic"
        ):
            return None
        try:
            text = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            return None
        key, colon, password = text.partition(":")
        bare = self.choices.key_without_colon == "accepted"
        return key if (colon or bare) and not password else None

    def do_release_token(self, call: Call) -> Any:
        """End a token."""
        token = call.parameters.get("token")
        if not token:
            raise Refusal("missing_token", "A token is required.")
        self.tokens.check(token, self.now)
        if self.key >= (12, 0) and self.choices.release_from_r12 == "error":
            raise Refusal("deprecated", "This method is deprecated.")
        if self.key < (12, 0) or self.choices.release_from_r12 == "ends":
            self.tokens.end(token)
        return {} if self.choices.release_data == "object" else None

    # The four methods.

    def do_show(self, call: Call) -> Any:
        """Return one record."""
        return self.trimmed(self.find(call), call)

    def do_list(self, call: Call) -> Any:
        """Return the records that all filters select."""
        page = self.cut(self.page(self.select(call), call), call)
        if not page and self.choices.empty_list == "error":
            raise Refusal("nothing_found", "No webhook request matches.")
        return [self.trimmed(record, call) for record in page]

    def do_resend(self, call: Call) -> Any:
        """Send a rejected record again."""
        record = self.find(call)
        if not self.may_resend(record, call):
            raise Refusal("not_rejected", "Only rejected webhook requests can be sent again.")
        if not record.definition.effective and self.choices.resend_not_effective == "error":
            raise Refusal("not_effective", "The webhook definition is not effective.")
        if self.choices.resend_when == "queued":
            self.queued[record.id] = self.random.randint(1, 7)
        else:
            self.send_again(record)
            if record.life_cycle_state == REJECTED and self.choices.resend_failure != "data":
                raise Refusal("send_failed", "The webhook request could not be sent.")
        return self.trimmed(record, call)

    def do_delete(self, call: Call) -> Any:
        """Delete a record."""
        record = self.find(call)
        if record.id in self.records:
            self.remove(record)
            if self.choices.delete_touches_log:
                self.touch(record)
        return self.trimmed(record, call)

    def may_resend(self, record: Record, _call: Call) -> bool:
        """Return whether resend applies to a record."""
        return record.life_cycle_state == REJECTED

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names."""
        name, value = call.identifier
        for record in self.records.values():
            if self.names(record, name, value, call):
                return record
        for record in self.deleted.values():
            if getattr(record, name) == value:
                if call.method == "delete" and self.choices.second_delete == "ok":
                    return record
                raise Refusal(self.choices.deleted_error, f"No webhook request has {name} {value}.")
        raise Refusal("unknown_record", f"No webhook request has {name} {value}.")

    def names(self, record: Record, name: str, value: str, _call: Call) -> bool:
        """Return whether an identifier names a record."""
        return bool(getattr(record, name) == value)

    def select(self, call: Call) -> list[Record]:
        """Return the records that all filters of a call select, in the server's order."""
        records = [record for record in self.records.values() if self.selected(record, call)]
        self.listing = call
        return self.in_order(records)

    def selected(self, record: Record, call: Call) -> bool:
        """Return whether all filters of a call select a record."""
        return all(self.matches(record, name, call) for name in call.filters)

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        value = call.filters[name]
        if name == "created_date":
            start, end = value
            return start <= record.created and (end is None or record.created < end)
        if name == "url":
            return reading.url_matches(self.choices, record.url, value)
        shown = {
            "webhook_definition_identifier": record.definition,
            "workflow_rule_identifier": record.rule,
        }
        return (shown[name] if name in shown else getattr(record, name)) in value

    def in_order(self, records: list[Record]) -> list[Record]:
        """Return records in the order of a list."""
        order, call = self.choices.order, self.listing
        if order in ("by_filters", "by_size"):  # as a database does that chooses among indexes
            assert call is not None
            chosen = len(call.filters) if order == "by_filters" else (call.limit or 0)
            return sorted(records, key=lambda record: record.id[chosen % 7 :])
        if order == "unstable":
            return self.random.sample(records, len(records))
        if order == "two_nodes":  # which take turns, and keep records in their own order
            return records[:: 1 if self.requests % 2 else -1]
        if order == "turning":
            at = self.requests % max(1, len(records))
            return records[at:] + records[:at]
        keys: dict[str, Callable[[Record], Any]] = {
            "oldest": lambda record: (record.created, record.id),
            "newest": lambda record: (record.created, record.id),
            "id": lambda record: record.id,
            "updated": lambda record: (record.updated or record.created, record.id),
            "text": lambda record: record.number,
        }
        if order == "number":
            return records
        return sorted(records, key=keys[order], reverse=order in ("newest", "updated"))

    def page(self, records: list[Record], call: Call) -> list[Record]:
        """Return the page that a call asks for."""
        end = None if call.limit is None else call.skip + call.limit
        return records[call.skip : end]

    def cut(self, page: list[Record], call: Call) -> list[Record]:
        """Return as much of a list as the server returns at most."""
        if self.choices.list_maximum == "by_filters":
            return page[: 12 - 2 * len(call.filters)]
        return page

    # Effects.

    def send_again(self, record: Record) -> None:
        """Send a record, and keep how that went."""
        choices = self.choices
        self.queued.pop(record.id, None)
        record.sends += 1
        if choices.resend_url == "current":
            record.url = record.definition.url
        if choices.resend_new_code:
            record.code_sends = record.sends
        if record.definition.fails and choices.resend_when != "hoped":
            self.world.set_error(record)
        else:
            self.succeed(record)
        if record.definition.fails and choices.resend_when == "hoped":
            self.hoped[record.id] = self.random.randint(8, 15)  # long enough to be seen
        if choices.resend_touches_log:
            self.touch(record)

    def succeed(self, record: Record) -> None:
        """Let a record be one that was sent."""
        record.life_cycle_state = SUCCESSFUL
        record.error_code = record.error_description = None

    def touch(self, record: Record) -> None:
        """Keep who changed a record last, and when."""
        record.updated = naive(int(self.now))
        record.updated_by = self.world.people[0]

    def remove(self, record: Record) -> None:
        """Take a record out of the world."""
        self.deleted[record.id] = self.records.pop(record.id)
        self.queued.pop(record.id, None)
        self.hoped.pop(record.id, None)

    def work_of_others(self) -> None:
        """Let queued resends go on, and other people work."""
        for record_id in list(self.queued):
            self.queued[record_id] -= 1
            if not self.queued[record_id]:
                self.send_again(self.records[record_id])
        for record_id in list(self.hoped):
            self.hoped[record_id] -= 1
            if not self.hoped[record_id]:
                del self.hoped[record_id]
                self.records[record_id].life_cycle_state = REJECTED
                self.world.set_error(self.records[record_id])
        if self.choices.other_users and self.random.random() < 0.3:
            self.other_user()
        if self.is_turn(self.choices.others_every):
            self.other_user()

    def other_user(self) -> None:
        """Add, delete or resend a record on behalf of somebody else."""
        record = self.random.choice(list(self.records.values()))
        deed = self.random.choice(["add", "delete", "resend"])
        if deed == "add":
            self.add()
        elif deed == "delete" and len(self.records) > 40:
            self.remove(record)
        elif deed == "resend" and record.life_cycle_state == REJECTED:
            self.send_again(record)

    def add(self) -> None:
        """Add a record, where numbers are used again under the number of one that is gone."""
        added = self.world.add_record(naive(int(self.now)))
        used = {record.number for record in self.records.values()}
        free = [record.number for record in self.deleted.values() if record.number not in used]
        if self.choices.numbers_reused and free:
            added.number = free[0]

    # Views.

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        """Return the fields of a record that a call asks for."""
        view = self.view(record, call)
        if call.fields is None:
            return view
        picked: dict[str, Any] = {}
        for name in self.wanted_fields(call, call.fields):
            self.pick(view, name, picked)
        if self.choices.id_always:
            picked["id"] = view["id"]
        return picked

    def wanted_fields(self, _call: Call, names: list[str]) -> list[str]:
        """Return the names in fields_set."""
        return names

    def pick(self, view: dict[str, Any], name: str, picked: dict[str, Any]) -> None:
        """Put one named field into what is picked."""
        head, dot, rest = name.partition(".")
        if name in view:
            picked[name] = view[name]
        elif dot and head in view and self.choices.dotted_field == "whole":
            picked[head] = view[head]
        elif dot and head in view and self.choices.dotted_field == "nested":
            inner = view[head] if isinstance(view[head], dict) else {}
            picked.setdefault(head, {})[rest] = inner.get(rest)
        elif self.choices.unknown_field == "null":
            picked[name] = None

    def view(self, record: Record, _call: Call) -> dict[str, Any]:
        """Return all fields of a record."""
        choices = self.choices
        rule = record.rule and self.referred(record.rule, choices.rule_members)
        unset = None if choices.no_fields_set == "null" else ""
        used = record.definition.fields_set
        view = {
            "id": record.id,
            "number": record.number,
            "life_cycle_state": record.life_cycle_state,
            "entity": record.entity,
            "entity_id": record.entity_id,
            "url": record.url,
            "authentication_code": self.code(record),
            "fields_set": unset if used is None else used,
            "request": self.exchanged(record, "request"),
            "response": self.exchanged(record, "response"),
            "error_code": record.error_code,
            "error_description": record.error_description,
            "webhook_definition": self.referred(record.definition, choices.definition_members),
            "workflow_rule": rule,
            "log_information": self.log_information(record),
        }
        if choices.more_members == "alike":
            view |= {"error_date": None, "entity_ids": [], "urls": [], "requests": 1}
        if choices.unset_members == "null":
            return view
        # Each webhook request has a rule in the documents: null may stand for it, and no less.
        return {n: v for n, v in view.items() if v is not None or n == "workflow_rule"}

    def referred(self, thing: Named, members: Sequence[str]) -> dict[str, Any]:
        """Return the members of a definition or rule that a record shows."""
        state = "EFFECTIVE" if thing.effective else self.choices.not_effective
        shown: dict[str, Any] = {
            "id": thing.id,
            "name": thing.name,
            "alternative_code": thing.alternative_code,
            "description": thing.description,
            "life_cycle_state": state,
        }
        alike: dict[str, Any] = {"ids": [], "alternative_name": None, "alternative_codes": []}
        more = alike if self.choices.more_members == "alike" else {}
        return {name: shown[name] for name in members} | more

    def log_information(self, record: Record) -> dict[str, Any]:
        """Return who made and changed a record, and when."""
        view: dict[str, Any] = {}
        sides: list[tuple[str, datetime | None, Person | None]] = [
            ("created", record.created, record.created_by),
            ("updated", record.updated, record.updated_by),
        ]
        unit = "business_unit" if self.key >= (18, 0) else "unit"
        for side, moment, person in sides:
            if moment is not None or self.choices.unset_dates == "null":
                view[f"{side}_date"] = moment and self.date(moment, record)
            view[f"{side}_by_{unit}"] = person and person.unit
            view[f"{side}_by_user"] = person and person.user
        return view

    def date(self, moment: datetime, record: Record) -> str:
        """Return a moment as text, on the wall clock of the record's zone."""
        if len(record.zone) > 1:
            moment += timedelta(hours=int(record.zone[:3]))
        if not record.zone:
            shown = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.choices.clock))
            return shown.replace(tzinfo=None).isoformat()
        return moment.isoformat() + record.zone

    def exchanged(self, record: Record, side: str) -> Any:
        """Return the request or the response of a record."""
        form = self.choices.request_form
        if form == "null":
            return None
        if form == "hex":
            side = "request" if self.choices.response_equals_request else side
            sends = record.sends if self.choices.resend_new_request else 1
            return hashlib.md5(f"{record.id}{side}{sends}".encode()).hexdigest().upper()  # noqa: S324
        sent = {"data": {"id": record.entity_id}, "entity": record.entity}
        received = {"received": record.life_cycle_state == SUCCESSFUL}
        if form == "deep":
            for _ in range(DEPTH):
                sent = {"more": sent}
            return sent
        content = sent if side == "request" or self.choices.response_equals_request else received
        return content if form == "object" else json.dumps(content)

    def code(self, record: Record) -> str | None:
        """Return the HMAC of what was sent."""
        if self.choices.code_null_on_failure and record.life_cycle_state == REJECTED:
            return None
        data = f'{{"id":"{record.entity_id}","version":{record.code_sends}}}'.encode()
        algorithm = "sha1" if self.choices.authentication_code == "sha1" else "sha256"
        made = hmac.new(record.definition.id.encode(), data, algorithm)
        if self.choices.authentication_code == "base64":
            return base64.b64encode(made.digest()).decode()
        upper = self.choices.authentication_code == "HEX"
        return made.hexdigest().upper() if upper else made.hexdigest()

    # Responses.

    def success(self, call: Call, data: Any) -> Reply:
        """Return the response of a call that went well."""
        text = {"empty": "", "null": None, "text": "Success"}[self.choices.ok_texts]
        status = {"message": text, "description": text, "code": "OK"}
        if (
            self.key >= (18, 0)
            and self.choices.r18 == "warns"
            and call.method not in reading.LOGIN_METHODS
        ):
            status["description"] = "This method is deprecated."
        envelope = {"status": status, "data": data}
        if data == [] and self.choices.empty_list != "array":
            envelope["data"] = None
            if self.choices.empty_list == "absent":
                del envelope["data"]
        return self.reply(200, envelope)

    def refusal(self, _request: Request, refusal: Refusal) -> Reply:
        """Return the response of a call that was refused."""
        choices = self.choices
        module, name, by_kind = ERRORS[refusal.kind]
        codes = {
            "java": f"COM.CRM.EXCEPTION.{module}.{name}EXCEPTION",
            "words": refusal.kind.upper(),
            "one": "ERROR",
            "digits": str(1001 + list(ERRORS).index(refusal.kind)),
        }
        texts = {"text": refusal.text, "empty": "", "null": None}
        status = {
            "message": texts[choices.error_message],
            "description": texts[choices.error_description],
            "code": codes[choices.error_codes],
        }
        envelope: dict[str, Any] = {"status": status}
        if choices.error_data != "absent":
            envelope["data"] = None if choices.error_data == "null" else {}
        statuses = {"200": 200, "by_kind": by_kind, "400": 400, "500": 500}
        http = statuses[choices.error_http]
        if refusal.kind == "send_failed" and choices.resend_failure == "http":
            http = 502
        special = {"unknown_path": choices.unknown_path_http, "wrong_verb": choices.wrong_verb_http}
        return self.reply(special.get(refusal.kind, http), envelope)

    def reply(self, http: int, envelope: Any) -> Reply:
        """Return an envelope as an HTTP response."""
        value = self.key_order(self.with_more(envelope))
        indent = 2 if self.choices.indented else None
        text = json.dumps(value, ensure_ascii=self.seed % 2 == 0, indent=indent)
        return Reply(http, self.choices.content_type, text.encode())

    def with_more(self, value: Any) -> Any:
        """Return a value with more members in its objects, except empty ones."""
        if self.choices.more_members in ("none", "alike"):
            return value
        if isinstance(value, list):
            return [self.with_more(element) for element in value]
        if not isinstance(value, dict) or not value:
            return value
        nonce = 1 if self.choices.more_members == "fixed" else self.requests
        return {"x_new": nonce, **{n: self.with_more(v) for n, v in value.items()}, "zz": None}

    def key_order(self, value: Any) -> Any:
        """Return a value with its members in the order that the server writes them in."""
        if isinstance(value, list):
            return [self.key_order(element) for element in value]
        if not isinstance(value, dict) or self.choices.key_order == "plain":
            return value
        names = list(value)
        if self.choices.key_order == "shuffled":
            self.random.shuffle(names)
        else:
            names = reading.in_hash_order(tuple(value), newer=self.choices.key_order == "newer")
        return {name: self.key_order(value[name]) for name in names}
