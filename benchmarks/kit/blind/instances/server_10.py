"""Stand-alone server of the CRM.COM R9 webhook_requests Web API, vendor's side."""

import hmac
import json
import random
import re
import threading
import time
from argparse import ArgumentParser
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
BASE, MAX_ROWS, IDLE_SECONDS = "/crmapi/rest/v2/", 40, 3600.0  # no paging in R9: lists are cut
ENUMS = {
    "entity": ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"),
    "life_cycle_state": ("SUCCESSFUL", "REJECTED"),
}
FIELDS = tuple(
    """response entity error_code error_description number url request log_information
 authentication_code life_cycle_state entity_id id webhook_definition fields_set workflow_rule
 """.split()
)
TITLES = ("Job, closed", "ERP push", "Συνδρομές", "Ticket=Mirror", "Self call", "Unused")
DEFINITIONS = [
    {
        "id": str(11 + 3 * n),
        "name": title,
        "alternative_code": f"WHD/{n + 1:02d}",
        "description": None,
    }
    for n, title in enumerate(TITLES)
]
RULES = [
    {
        "id": str(40 + n),
        "name": f"{ENUMS['entity'][n % 4].title()} rule {n // 4 + 1}",
        "alternative_code": f"WR {n + 1}",
        "priority": "LOW",
    }
    for n in range(8)
]
UNITS = [
    {
        "community_name": "Internal Community",
        "id": i,
        "name": n,
        "group_name": "",
        "description": None,
        "alternative_code": c,
    }
    for i, n, c in (("1", "Head Office", "HO"), ("0C3B5CB66E", "Team 4", "IT4"))
]
USERS = [
    {"person_name": p, "username": u, "id": i, "email": e}
    for p, u, i, e in (
        ("Integration", "integration", "7", None),
        ("MPAdministrator", "admin", "1", "a@example.com"),
        ("Ελένη Παππά", "e.p", "A09F", "e.p@example.com"),
        ("O'Neil, J", "jo", "12", None),
    )
]
TRACE = "java.lang.Exception: {}" + "\n\tat com.crm.webhooks.Sender.send(Sender.java:212)" * 8


class ApiError(Exception):
    """An error: Java exception's name (com.crm.exception is added), message, HTTP status."""


def envelope(data: Any, message: Any = "", detail: Any = "", code: str = "OK") -> Json:
    """The one wrapper that every answer has, errors included."""
    return {"status": {"message": message, "description": detail, "code": code}, "data": data}


def text_of(params: Json, name: str) -> str:
    """A parameter as trimmed text; null, missing and blank are all the empty text."""
    value = params.get(name)
    return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()


def require(params: Json, *names: str) -> None:
    """The presence check that goes before everything else, the session included."""
    for name in names:
        if not text_of(params, name) and not isinstance(params.get(name), (dict, list)):
            raise ApiError("webapi.MandatoryParameterMissingException", f"'{name}' is mandatory")


def identifier(params: Json, name: str, *allowed: str) -> tuple[str, str]:
    """Reads field=value text or an object; exactly one allowed field must have a value."""
    if isinstance(raw := params.get(name), dict):
        pairs = [(key, text_of(raw, key)) for key in raw]
    else:
        parts = re.split(rf",(?=(?:{'|'.join(allowed)})=)", text_of(params, name))
        pairs = [(p.partition("=")[0].strip(), p.partition("=")[2].strip()) for p in parts]
    given = [(key, value) for key, value in pairs if key in allowed and value]
    if len(given) != 1:
        kind = "Ambiguous" if given else "Empty"
        raise ApiError(f"webapi.{kind}IdentifierException", f"{name}: one of {', '.join(allowed)}")
    return given[0]


def view(record: Json, fields_set: str = "") -> Json:
    """The record as a response object, restricted to the known names of fields_set."""
    wanted = {name.strip().lower() for name in fields_set.split(",")} & set(FIELDS)
    return {name: record[name] for name in FIELDS if not wanted or name in wanted}


class Api:
    """The organisation's data, made from the seed, and the methods."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.sessions: dict[str, tuple[float, Json]] = {}
        self.deleted: set[str] = set()
        self.records: list[Json] = []
        number, when = 6, datetime(2015, 1, 5, 8, 30, 12)
        for index in range(120):
            number += self.rng.choice((1, 1, 1, 2, 5))  # every seventh has the date before
            when += timedelta(seconds=self.rng.randrange(60, 14 * 86400)) * bool(index % 7)
            self.records.append(self.make(index, number, when.isoformat()))
        self.stubborn = {r["id"] for r in [r for r in self.records if r["error_code"]][4::10]}

    def make(self, index: int, number: int, when: str) -> Json:
        """One webhook request; the oldest thirty are of the time before payloads were kept."""
        rng, which = self.rng, self.rng.choice((0, 0, 0, 1, 2, 3))
        entity, definition = ENUMS["entity"][which], rng.choice(DEFINITIONS[:5])
        data = {
            "id": f"{(rng.randrange(1, 9) + 9 * which) ** 24:032X}",
            "number": f"A{index}",
            "total": rng.randrange(9000) / 100,
            "notes": rng.choice((None, "Ναι", "ok")),
        }
        error = rng.choice(
            (
                None,
                None,
                None,
                None,
                "LazyInitializationException",
                "SocketTimeoutException",
                "HttpResponseException",
            )
        )
        response = rng.choice(({"accepted": True, "ref": number}, ["OK", 0], "OK", 1, {}))
        record = {
            "response": None if error else response,
            "entity": entity,
            "error_code": error,
            "number": str(number),
            "error_description": TRACE.format(error) if error else None,
            "url": f"https://hooks.example.com/{entity.lower()}?src=crm&to={definition['id']}",
            "request": {"data": data, "entity": entity},
            "log_information": {
                "created_date": when,
                "created_by_unit": rng.choice(UNITS),
                "updated_by_unit": None,
                "created_by_user": rng.choice(USERS),
                "updated_by_user": None,
            },
            "entity_id": data["id"],
            "authentication_code": None
            if error and error[0] == "L"
            else hmac.new(definition["id"].encode(), json.dumps(data).encode(), "sha1").hexdigest(),
            "life_cycle_state": "REJECTED" if error else "SUCCESSFUL",
            "id": f"4028{rng.getrandbits(112):028x}",
            "webhook_definition": definition,
            "fields_set": rng.choice(("", "id,number,total", "id, number, notes")),
            "workflow_rule": None if index % 20 == 9 else RULES[which + rng.choice((0, 4))],
        }
        legacy = dict.fromkeys(("request", "response"), f"{rng.getrandbits(128):032X}")
        return record | legacy if index < 30 else record

    def login(self, params: Json) -> Json:
        """authentication/token: a new session beside those that exist."""
        require(params, "username", "password", "organisation")
        given = text_of(params, "organisation").upper(), params["username"], params["password"]
        if given != ("BLIND", "integration", "blind-1-pass"):
            raise ApiError("security.LoginFailedException", "Wrong user name or password")
        unit = {u["id"]: u for u in UNITS}.get(text_of(params, "unit"), UNITS[0])
        self.sessions[token := f"{self.rng.getrandbits(256):064X}"] = (time.monotonic(), unit)
        return envelope({"token": token}, None, None)

    def session(self, params: Json, *names: str) -> Json:
        """Checks presence, then the session; its unit. The idle hour starts anew."""
        require(params, "token", *names)
        used, unit = self.sessions.get(token := text_of(params, "token"), (0.0, {}))
        if not unit or time.monotonic() - used > IDLE_SECONDS:
            raise ApiError("security.SessionExpiredException", "Please log in again")
        self.sessions[token] = (time.monotonic(), unit)
        return unit

    def find(self, params: Json, update: bool = True, state: str = "") -> Json:
        """The record that show, resend and delete are about, stamped if `update`."""
        unit = self.session(params, "webhook_request_identifier")
        key, value = identifier(params, "webhook_request_identifier", "id", "number")
        record = next((r for r in self.records if r[key] == value), None)
        if record is None:
            raise ApiError("platform.InvalidIdentifierException", f"No record with {key} {value}")
        if record["id"] in self.deleted:
            raise ApiError("platform.RecordHasBeenDeletedException", f"{value} has been deleted")
        if state and record["life_cycle_state"] != state:
            raise ApiError("webhooks.RequestIsNotRejectedException", f"{value}: not rejected")
        if update:
            record["log_information"] |= {
                "updated_by_unit": unit,
                "updated_by_user": USERS[0],
                "updated_date": datetime.now().isoformat()[:19],
            }
        return record

    def show(self, params: Json) -> Json:
        """webhook_requests/show."""
        return envelope(view(self.find(params, False), text_of(params, "fields_set")))

    def list(self, params: Json) -> Json:
        """webhook_requests/list: all filters must hold."""
        self.session(params)
        semi = "webhook_definition_identifier", "workflow_rule_identifier", "entity", "entity_id"
        if not any(text_of(params, name) for name in semi):
            raise ApiError("webapi.AtLeastOneParameterMustBeSpecifiedException", ", ".join(semi))
        rows = [r for r in self.records if r["id"] not in self.deleted]
        for member in ("webhook_definition", "workflow_rule"):
            if text_of(params, name := member + "_identifier"):
                key, value = identifier(params, name, "id", "name", "alternative_code")
                rows = [
                    r for r in rows if (r[member] or {}).get(key, "").casefold() == value.casefold()
                ]
        equal = {name: text_of(params, name).upper() for name in (*ENUMS, "entity_id")}
        for name, allowed in ENUMS.items():
            if equal[name] and equal[name] not in allowed:
                raise ApiError("webhooks.UnsupportedValueException", f"{name}: {equal[name]}")
        rows = [
            r
            for r in rows
            if r["url"].startswith(text_of(params, "url"))
            and all(not v or r[k] == v for k, v in equal.items())
        ]
        day = text_of(params, "created_date")[:10]  # whatever follows the day is ignored
        if day and not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            raise ApiError("java.text.ParseException", f'Unparseable date: "{day}"')
        rows = [r for r in rows if r["log_information"]["created_date"].startswith(day)]
        rows.sort(
            key=lambda r: (
                r["life_cycle_state"],
                r["log_information"]["created_date"],
                -int(r["number"]),
            )
        )
        message = "" if 0 < len(rows) <= MAX_ROWS else f"{len(rows)} records found"
        return envelope([view(r, text_of(params, "fields_set")) for r in rows[:MAX_ROWS]], message)

    def resend(self, params: Json) -> Json:
        """webhook_requests/resend: at once, of the stored payload, to the stored URL."""
        record = self.find(params, state="REJECTED")
        if record["id"] in self.stubborn:
            record |= {"error_code": "ConnectException", "error_description": "Refused"}
            return envelope(view(record), "Webhook request was rejected again")
        record |= {
            "life_cycle_state": "SUCCESSFUL",
            "error_code": None,
            "error_description": None,
            "response": ["OK", 1] if isinstance(record["request"], dict) else record["request"],
        }
        return envelope(view(record))

    def delete(self, params: Json) -> Json:
        """webhook_requests/delete: the record is marked, stamped and returned."""
        self.deleted.add((record := self.find(params))["id"])
        return envelope(view(record))


class Handler(BaseHTTPRequestHandler):
    """The HTTP side: reads parameters, dispatches by verb and path, writes the envelope."""

    protocol_version, api, lock = "HTTP/1.1", Api(0), threading.Lock()
    routes = {
        ("POST", "authentication/token"): "login",
        **{
            (verb, f"webhook_requests/{name}"): name
            for verb, name in (
                ("GET", "show"),
                ("GET", "list"),
                ("POST", "resend"),
                ("POST", "delete"),
            )
        },
    }

    def params(self, query: str, body: bytes) -> Json:
        """GET: the query only, repeated ones joined by a comma; POST: the JSON body only."""
        if self.command == "GET":
            return {name: ",".join(v) for name, v in parse_qs(query).items()}
        try:
            return dict(**json.loads(body or b"{}"))
        except (ValueError, TypeError) as error:
            raise ApiError("org.json.JSONException", "JSONObject expected", 500) from error

    def answer(self) -> None:
        """Serves one call of any verb."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url, http = urlsplit(self.path), 200
        path = url.path.removeprefix(BASE).rstrip("/")
        try:
            if (self.command, path) not in self.routes:
                raise ApiError("webapi.NoSuchMethodException", "No such Web API method", 404)
            with self.lock:
                method = getattr(self.api, self.routes[self.command, path])
                payload = json.dumps(method(self.params(url.query, body)))
        except ApiError as error:
            name, message, http = (*error.args, 200)[:3]
            name = name if name.startswith(("java.", "org.")) else "com.crm.exception." + name
            payload = json.dumps(envelope({}, message, f"{name}: {message}", name.upper()))
        self.send_response(http)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload.encode() if self.command != "HEAD" else b"")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer
    log_message = lambda *_: None  # type: ignore[assignment]  # noqa: E731


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    Handler.api = Api((args := parser.parse_args()).seed)
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    print("READY", flush=True)
    server.serve_forever()
