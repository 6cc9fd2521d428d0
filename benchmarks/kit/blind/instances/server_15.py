"""Stand-alone server of CRM.COM's webhook_requests API, release R9, with seeded records."""

from __future__ import annotations

import argparse  # noqa: E401
import hashlib
import hmac
import json
import random
import threading
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Json = dict[str, Any]
Session = tuple[Json, Json, float]
BASE, LIST_CAP, IDLE_SECONDS = "/crmapi/rest/v2/", 40, 3600.0
STATES = ("SUCCESSFUL", "REJECTED")
ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
SEMI = ("webhook_definition_identifier", "workflow_rule_identifier", "entity", "entity_id")
ONE, CREDENTIALS = "webhook_request_identifier", ["integration", "blind-1-pass", "BLIND"]
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
FIELDS = (
    "id",
    "number",
    "life_cycle_state",
    "entity",
    "entity_id",
    "url",
    "authentication_code",
    "fields_set",
    "request",
    "response",
    "error_code",
    "error_description",
    "webhook_definition",
    "workflow_rule",
    "log_information",
)
FAILURES: tuple[tuple[str, int | None], ...] = (
    ("BadGateway", 502),
    ("ReadTimeout", None),
    ("LazyInitializationException", None),
)
ROUTES = {
    ("POST", "authentication/token"): ("username", "password", "organisation", "unit"),
    ("GET", "webhook_requests/show"): (ONE, "fields_set"),
    ("GET", "webhook_requests/list"): (
        *SEMI,
        "url",
        "life_cycle_state",
        "created_date",
        "fields_set",
    ),
    ("POST", "webhook_requests/resend"): (ONE,),
    ("POST", "webhook_requests/delete"): (ONE,),
}


class ApiError(Exception):
    """Every refusal: HTTP status, symbol, exception class and `errors` by attribute."""

    def __init__(self, http: int, symbol: str, kind: str, errors: dict[str, str]) -> None:
        full = [
            text if name == "base" else f"{name.replace('_', ' ').capitalize()} {text}"
            for name, text in errors.items()
        ]
        self.http, status = http, {"code": symbol, "message": ", ".join(full), "description": kind}
        self.body = {"status": status, "errors": {key: [text] for key, text in errors.items()}}


def invalid(bad: Any, errors: dict[str, str]) -> None:
    """Raise RecordInvalid when `bad` holds and there is an error."""
    if bad and errors:
        raise ApiError(422, "unprocessable_entity", "RecordInvalid", errors)


def present(params: Json) -> Json:
    """Texts stripped; null, blanks, empty lists and empty objects left out."""
    bare = {key: raw.strip() if isinstance(raw, str) else raw for key, raw in params.items()}
    return {key: value for key, value in bare.items() if value not in (None, "", [], {})}


def matches(row: Json, where: Json) -> bool:
    """Whether all conditions hold, case ignored as the collation does."""
    return all(row[key].lower() == value for key, value in where.items())


def lookup(rows: list[Json], where: Json, name: str) -> list[Json]:
    """The rows that match; 404 when there are none."""
    found = [row for row in rows if matches(row, where)]
    if not found:
        raise ApiError(404, "not_found", "RecordNotFound", {name: "must exist"})
    return found


def cast_date(value: Any) -> str | None:
    """An instant as text; a bare date is its midnight; None when it cannot be cast."""
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None


def serialize(row: Json, only: Any = None) -> Json:
    """The record with all 15 members, or `only` some; unknown names count for nothing."""
    names = [name.strip() for name in str(only).split(",")] if only else FIELDS
    return {name: row[name] for name in FIELDS if name in names}


def deliver(row: Json, failure: tuple[str, int | None] | None = None) -> None:
    """Sign the data, send, and keep the answer as a Rack triplet (null when none came)."""
    code, http = failure or (None, 200)
    data = json.dumps(row["request"]["data"], separators=(",", ":")).encode()
    mac = hmac.new(row["webhook_definition"]["id"].encode(), data, hashlib.sha1).hexdigest()
    row.update(
        life_cycle_state=STATES[bool(code)],
        error_code=code,
        error_description=f"{code}: POST {row['url']} failed" if code else None,
        authentication_code=None if code == FAILURES[2][0] else f"sha1={mac}",
        response=http and [http, {"content-type": "text/plain"}, [code or "ok"]],
    )


class Api:
    """The seeded tables and one action per documented method."""

    def __init__(self, seed: int) -> None:
        """Fill the tables: the same seed gives the same 120 records."""
        rng = self.rng = random.Random(seed)

        def hex_id() -> str:
            return f"{rng.getrandbits(128):032X}"

        self.lock, self.now = threading.Lock(), datetime(2017, 11, 1, 8)
        self.sessions: dict[str, Session] = {}
        self.units = [
            {
                "community_name": "Internal Community",
                "id": key,
                "name": name,
                "group_name": "Main Group",
                "description": None,
                "alternative_code": key,
            }
            for key, name in (("1", "Admin Unit"), (hex_id(), "Field Team 4"))
        ]
        self.users = [
            {
                "person_name": name.title(),
                "username": name,
                "id": hex_id(),
                "email": f"{name}@example.com",
            }
            for name in ("integration", "manos", "jo")
        ]
        self.tables: list[list[Json]] = [
            [
                {"id": hex_id(), "name": f"Push {name}", "alternative_code": name}
                for name in ("ERP", "BILLING", "PORTAL", "ARCHIVE")
            ],
            [
                {
                    "id": hex_id(),
                    "name": f"{event} of {entity}",
                    "entity": entity,
                    "alternative_code": f"{event}_{entity}".upper(),
                }
                for entity in ENTITIES
                for event in ("Create", "Update")
            ],
        ]
        self.rows: list[Json] = []
        self.deleted: list[Json] = []
        seconds = sorted(rng.randrange(729 * 86400) for _ in range(120))
        for at in range(120):  # every sixth record has its predecessor's date; most: ACTIVITIES
            date = cast_date(datetime(2015, 11, 2) + timedelta(0, seconds[at - (at % 6 == 5)]))
            rule = rng.choice(self.tables[1][:2] * 3 + self.tables[1][2:])
            hook, user, unit = map(rng.choice, (self.tables[0], self.users, self.units))
            data = {"id": hex_id(), "number": str(rng.randrange(1000, 9999))}
            self.rows.append(
                {
                    "id": hex_id(),
                    "number": str(at + 1),
                    "entity": rule["entity"],
                    "entity_id": data["id"],
                    "fields_set": rng.choice(("id,number", "")),
                    "url": f"https://hooks.example.com/{hook['alternative_code'].lower()}/events",
                    "request": {"REQUEST_METHOD": "POST", "HTTP_X_ATTEMPT": 1, "data": data},
                    "webhook_definition": hook,
                    "workflow_rule": rule,
                    "log_information": {
                        "created_date": date,
                        "updated_date": date,
                        "created_by_unit": unit,
                        "updated_by_unit": unit,
                        "created_by_user": user,
                        "updated_by_user": user,
                    },
                }
            )
            deliver(self.rows[-1])
        rejected = [row for row in self.rows if rng.random() < 0.4]
        for at, row in enumerate(rejected):
            deliver(row, FAILURES[at % 3])
        self.doomed = [row["id"] for row in rejected[2::10]]

    def call(self, verb: str, path: str, query: str, body: bytes, form: bool) -> Json:
        """Route, read the parameters, authenticate, permit, act; in this order."""
        name, message = path.removeprefix(BASE).rstrip("/").removesuffix(".json"), ""
        if not path.startswith(BASE) or (verb, name) not in ROUTES:
            text = f'No route matches [{verb}] "{path}"'
            raise ApiError(404, "routing_error", "RoutingError", {"base": text})
        try:
            text = body.decode("utf-8").strip()
            posted = dict(parse_qsl(text, True)) if form else json.loads(text or "{}")
        except ValueError:
            raise ApiError(400, "bad_request", "ParseError", {"base": "Unreadable body"}) from None
        posted = posted if isinstance(posted, dict) else {"_json": posted}
        params = dict(parse_qsl(query, True)) | posted
        session = None if name == "authentication/token" else self.session(params.pop("token", ""))
        invalid(True, {key: "is not permitted" for key in params if key not in ROUTES[verb, name]})
        data = getattr(self, "on_" + name.split("/")[1])(present(params), session)
        if isinstance(data, list) and len(data) > LIST_CAP:
            message, data = f"Showing {LIST_CAP} of {len(data)}", data[:LIST_CAP]
        return {"status": {"code": "OK", "message": message, "description": ""}, "data": data}

    def session(self, token: Any) -> Session:
        """The live session of a token; each use starts its idle hour again."""
        token = token.strip() if isinstance(token, str) else token and "?" or ""
        known = self.sessions.get(token)
        if known is None or time.monotonic() - known[2] > IDLE_SECONDS:
            symbol, text = (
                ("timeout", "has expired")
                if known
                else (("invalid", "is invalid") if token else ("unauthenticated", "can't be blank"))
            )
            raise ApiError(401, symbol, "NotAuthenticated", {"token": text})
        self.sessions[token] = (known[0], known[1], time.monotonic())
        return known

    def on_token(self, given: Json, _session: Any) -> Json:
        """A base58 token; the user name ignores case, older tokens stay alive."""
        need = ROUTES["POST", "authentication/token"][:3]
        invalid(True, {key: "can't be blank" for key in need if key not in given})
        if [str(given[need[0]]).lower(), *map(given.get, need[1:])] != CREDENTIALS:
            raise ApiError(401, "invalid_login", "NotAuthenticated", {"base": "Invalid login"})
        units = [row for row in self.units if row["id"] == given.get("unit", "1")]
        invalid(not units, {"unit": "must exist"})
        token = "".join(self.rng.choices(BASE58, k=24))
        self.sessions[token] = (self.users[0], units[0], time.monotonic())
        return {"token": token}

    def where(self, given: Json, name: str, *allowed: str) -> Json:
        """An identifier as conditions, from an object or from text `field=value,field=value`."""
        value = given.get(name, {})
        if isinstance(value, str):
            value = dict(part.partition("=")[::2] for part in value.split(","))
        invalid(not isinstance(value, dict) or set(value) - {*allowed}, {name: "is invalid"})
        found = present(value)
        invalid(not found, {name: "can't be blank"})
        invalid({type(item) for item in found.values()} - {str, int}, {name: "is invalid"})
        return {key: str(item).lower() for key, item in found.items()}

    def find(self, given: Json) -> Json:
        """The record of an identifier: 404 when never there, 410 when deleted."""
        where = self.where(given, ONE, "id", "number")
        invalid(len(where) > 1, {ONE: "must have only one of id and number"})
        row = lookup(self.rows + self.deleted, where, ONE)[0]
        if row in self.deleted:
            raise ApiError(410, "gone", "RecordDestroyed", {ONE: "was deleted"})
        return row

    def on_show(self, given: Json, _session: Any) -> Json:
        """One record."""
        return serialize(self.find(given), given.get("fields_set"))

    def on_list(self, given: Json, _session: Any) -> list[Json]:
        """The records of all given conditions, created_date desc, id."""
        invalid(not {*SEMI} & {*given}, {"base": f"One of {', '.join(SEMI)} must be given"})
        exact = {
            key: str(value).lower()
            for key, value in given.items()
            if key in ("entity", "entity_id", "life_cycle_state")
        }
        invalid(
            True,
            {
                key: "is not included in the list"
                for key, values in (("entity", ENTITIES), ("life_cycle_state", STATES))
                if exact.get(key, values[0]).upper() not in values
            },
        )
        dated, prefix = given.get("created_date"), str(given.get("url", "")).lower()
        rows = [
            row
            for row in self.rows
            if matches(row, exact)
            and row["url"].startswith(prefix)
            and (not dated or row["log_information"]["created_date"] == cast_date(dated))
        ]
        for name, table in zip(SEMI, self.tables):
            if name in given:
                where = self.where(given, name, "id", "name", "alternative_code")
                found = lookup(table, where, name)
                rows = [row for row in rows if row[name.removesuffix("_identifier")] in found]
        rows.sort(key=lambda row: row["id"])
        rows.sort(key=lambda row: row["log_information"]["created_date"], reverse=True)
        return [serialize(row, given.get("fields_set")) for row in rows]

    def stamp(self, row: Json, by: Session) -> None:
        """Advance the clock, which only writes move, and stamp the record."""
        self.now += timedelta(seconds=1)
        row["log_information"] |= {
            "updated_by_user": by[0],
            "updated_by_unit": by[1],
            "updated_date": cast_date(self.now),
        }

    def on_resend(self, given: Json, session: Session) -> Json:
        """Deliver a rejected record again, at once; a second failure is kept and is a 502."""
        row = self.find(given)
        if row["life_cycle_state"] != "REJECTED":
            raise ApiError(
                409,
                "invalid_transition",
                "InvalidTransition",
                {"life_cycle_state": "must be REJECTED"},
            )
        row["request"]["HTTP_X_ATTEMPT"] += 1
        self.stamp(row, session)
        deliver(row, FAILURES[0] if row["id"] in self.doomed else None)
        if text := row["error_description"]:
            raise ApiError(502, "delivery_failed", "DeliveryFailed", {"response": text})
        return serialize(row)

    def on_delete(self, given: Json, session: Session) -> Json:
        """Soft deletion, which touches the record."""
        row = self.find(given)
        self.stamp(row, session)
        self.rows.remove(row)
        self.deleted.append(row)
        return serialize(row)


class Handler(BaseHTTPRequestHandler):
    """HTTP in and out; the lock covers the serialising too."""

    api: Api

    def answer(self) -> None:
        """Serve one request of any verb."""
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        form = "x-www-form-urlencoded" in self.headers.get("Content-Type", "").lower()
        with self.api.lock:
            try:
                path, http = unquote(parts.path), 200
                found = self.api.call(self.command, path, parts.query, body, form)
            except ApiError as error:
                http, found = error.http, error.body
            payload = json.dumps(found).encode("utf-8")
        self.send_response_only(http)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    Handler.api = Api(options.seed)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print("READY", flush=True)
    server.serve_forever()
