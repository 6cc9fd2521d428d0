"""QA test double of the CRM.COM R13 webhook_requests API: plain words as codes, real statuses."""

from __future__ import annotations
import argparse
import base64
import hmac
import json
import logging
import random
import re
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any
from flask import Flask, Response, request
from werkzeug.serving import make_server

Json = dict[str, Any]
LOGIN = {"username": "integration", "password": "blind-1-pass", "organisation": "BLIND"}
KEY = "B11D8E0C4A7F4D2E9C5513A0F6D7E821"
BASE, TARGET = "/crmapi/rest/v2/", "webhook_request_identifier"
ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
FIELDS = (
    "request",
    "log_information",
    "life_cycle_state",
    "webhook_definition",
    "entity_id",
    "workflow_rule",
    "url",
    "fields_set",
    "authentication_code",
    "number",
    "response",
    "error_description",
    "error_code",
    "id",
    "entity",
)
STATUS = {
    "OK": 200,
    "deleted": 410,
    "absent": 404,
    "nowhere": 404,
    "settled": 409,
    "undelivered": 409,
    "unauthenticated": 401,
    "expired": 401,
    "released": 401,
    "denied": 401,
}  # every other word: 400
FAILURES = (
    ("LazyInitializationException", "org.hibernate: no Session\n\tat com.crm", None),
    ("SocketTimeoutException", "java.net: Read timed out", None),
    ("HttpServerErrorException", "503 Service Unavailable", 503),
)
METHODS = {
    "GET": ("webhook_requests/show", "webhook_requests/list"),
    "POST": (
        "webhook_requests/resend",
        "webhook_requests/delete",
        "authentication/token",
        "authentication/token/release",
        "authentication/web_api_key/token",
    ),
}


class Fault(Exception):
    """An answer other than OK: a word of STATUS, a sentence, the parameter at fault."""


class Store:
    """All data and tokens of the one organisation, made from the seed."""

    def __init__(self, seed: int) -> None:
        self.rng, self.deleted = random.Random(seed), list[Json]()
        self.tokens, self.codes = dict[str, Json](), dict[str, str]()
        self.units = [
            self.named(
                alternative_code=name[:2],
                group_name="Main",
                name=name,
                community_name="Community",
                description=None,
            )
            for name in ("Head Office", "Installation Team 4", "Care")
        ]
        self.users = [
            self.named(person_name=name, email=f"{name}@example.com", username=name)
            for name in (LOGIN["username"], "zoë", "marsh")
        ]
        self.definitions = [
            self.named(alternative_code=name[:3].upper(), name=name)
            for name in ("Feed", "Jobs & Visits", "Tickets = care", "Überwachung, all", "Old bus")
        ]
        self.rules = [self.named(alternative_code=f"R{n}", name=f"Rule {n}") for n in (1, 2, 3)]
        dates = sorted(
            datetime(2017, 1, 2) + timedelta(seconds=self.rng.randrange(63_072_000))
            for _ in range(120)
        )
        self.records = [self.record(n, dates[n // 3 * 3 if n % 8 < 2 else n]) for n in range(120)]
        self.stubborn = [r["id"] for r in self.records if r["error_code"]][::10]

    def named(self, **members: Any) -> Json:
        """Make an object with a new ID of 32 upper-case hexadecimal digits."""
        return {**members, "id": f"{self.rng.getrandbits(128):032X}"}

    def record(self, n: int, date: datetime) -> Json:
        """Make the record number 901 + n; request is the list of changes that were sent."""
        rng, kind = self.rng, self.rng.randrange(4)
        sound = (None, None, rng.choice((200, 201, 204)))
        failure = rng.choice(FAILURES) if rng.random() < 0.4 else sound
        changes = [
            {"field": field, "from": rng.choice((None, 1, 2)), "to": rng.randrange(10, 99)}
            for field in rng.sample(("status", "owner", "priority"), rng.randint(1, 3))
        ]
        mac = hmac.digest(b"the secret key", json.dumps(changes).encode(), "sha1")
        self.codes[str(901 + n)] = base64.b64encode(mac).decode()
        log = {
            "created_by_unit": rng.choice(self.units),
            "updated_by_unit": None,
            "created_date": f"{date:%FT%T}",
            "updated_date": None,
            "updated_by_user": None,
            "created_by_user": rng.choice(self.users[1:]),
        }
        return self.named(
            request=changes,
            log_information=log,
            number=str(901 + n),
            entity=ENTITIES[kind],
            life_cycle_state="REJECTED" if failure[0] else "SUCCESSFUL",
            webhook_definition=self.definitions[rng.choice((kind, kind, kind, 4))],
            entity_id=f"{kind:016X}{rng.randrange(15):016X}",
            workflow_rule=rng.choice(self.rules),
            url=f"https://{'hub' if kind % 2 else 'crm'}.example.com/in/{ENTITIES[kind].lower()}",
            fields_set=rng.choice(("", "id,number", "number,status,owner")),
            authentication_code=None if failure == FAILURES[0] else self.codes[str(901 + n)],
            error_code=failure[0],
            error_description=failure[1],
            response=failure[2],
        )


def allow(store: Store, given: Json, *names: str) -> tuple[Json, list[str]]:
    """Check token, names of parameters, blanks and fields_set; give session and fields."""
    session = store.tokens.get(str(given.get("token")), {"state": "unauthenticated"})
    if "token" in names and (session["state"] or time.time() >= session["until"]):
        raise Fault(session["state"] or "expired", "A token of the login is needed", "token")
    stray = [n for n in given if n not in names]
    stray += request.args if request.method == "POST" else ()
    blank = [n for n, value in given.items() if isinstance(value, str) and not value.strip()]
    if stray or blank:
        raise Fault("unexpected" if stray else "blank", "Unknown or no value", (stray + blank)[0])
    value = given.get("fields_set", list(FIELDS))
    fields = value.split(",") if isinstance(value, str) else value
    clean = [str(n).strip() for n in fields] if isinstance(fields, list) else []
    if not clean or not set(clean) <= set(FIELDS):
        raise Fault("invalid", "Only names of fields, with commas, are possible", "fields_set")
    return session, [n for n in FIELDS if n in clean]


def read(given: Json, name: str, pattern: str) -> str | None:
    """Read a value of a pattern, whatever its case and outer blanks, in upper case."""
    value = given[name].strip().upper() if name in given else None
    if value is not None and not re.fullmatch(pattern, value, re.ASCII):
        raise Fault("invalid", f"The value must be of the form {pattern}", name)
    return value


def identify(given: Json, name: str, *fields: str) -> tuple[str, str] | None:
    """Read an identifier of exactly one field: `field=value` in a GET, an object in a POST."""
    value = given.get(name)
    if value is None:
        return None
    pairs: list[Any] = list(value.items()) if isinstance(value, dict) else []
    if request.method == "GET":
        pairs = [part.split("=", 1) for part in re.split(r",(?=[a-z_]+=)", value) if "=" in part]
    pairs = [(field, content) for field, content in pairs if content is not None]
    field, content = pairs[0] if len(pairs) == 1 else ("", None)
    if field not in fields or not isinstance(content, str) or not content.strip():
        raise Fault(
            "ambiguous" if len(pairs) > 1 else "invalid",
            f"Give one of {', '.join(fields)}, as a text",
            name,
        )
    return field, content


def single(store: Store, given: Json, action: str) -> Json:
    """Do show, resend or delete: check, find, act, and answer the record."""
    session, fields = allow(store, given, "token", TARGET, "fields_set")
    pair = identify(given, TARGET, "id", "number")
    if pair is None:
        raise Fault("missing", "A mandatory parameter is missing", TARGET)
    row = next((r for r in store.records if r[pair[0]] == pair[1]), None)
    if row is None or row in store.deleted:
        raise Fault("deleted" if row else "absent", "There is no such webhook request", TARGET)
    if action == "delete":
        store.deleted.append(row)
    if action == "resend":
        if row["life_cycle_state"] != "REJECTED":
            raise Fault("settled", "Only a rejected request can be sent again", TARGET)
        row["log_information"].update(
            updated_date=f"{datetime.now(timezone.utc):%FT%T}",
            updated_by_user=store.users[0],
            updated_by_unit=session["unit"],
        )
        if row["id"] in store.stubborn:
            row.update(zip(("error_code", "error_description", "response"), FAILURES[2]))
            raise Fault("undelivered", "The webhook request was rejected again", TARGET)
        row.update(
            life_cycle_state="SUCCESSFUL",
            response=200,
            error_code=None,
            error_description=None,
            authentication_code=store.codes[row["number"]],
        )
    return {f: row[f] for f in fields}


def search(store: Store, given: Json) -> list[Json]:
    """List by all filters together: by entity, newest first, then number; pages of 25."""
    named = {"webhook_definition": store.definitions, "workflow_rule": store.rules}
    semi = (*(f"{n}_identifier" for n in named), "entity", "entity_id")
    _, fields = allow(
        store,
        given,
        "token",
        *semi,
        "url",
        "life_cycle_state",
        "created_date",
        "offset",
        "number_of_results",
        "fields_set",
    )
    if not any(n in given for n in semi):
        raise Fault("missing", f"At least one is needed of {', '.join(semi)}", "")
    wanted: Json = {
        "entity": read(given, "entity", "|".join(ENTITIES)),
        "life_cycle_state": read(given, "life_cycle_state", "SUCCESSFUL|REJECTED"),
        "entity_id": given.get("entity_id"),
    }
    for name, pool in named.items():
        pair = identify(given, f"{name}_identifier", "id", "name", "alternative_code")
        wanted[name] = pair and next((x for x in pool if x[pair[0]] == pair[1]), None)
        if pair and not wanted[name]:
            raise Fault("absent", f"There is no such {name}", f"{name}_identifier")
    day = (read(given, "created_date", r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?") or "")[:10]
    start = int(read(given, "offset", r"\d{1,9}") or 0)
    size = int(read(given, "number_of_results", r"\d\d?|100") or 25)
    rows = [
        r
        for r in store.records
        if r not in store.deleted
        and all(v is None or r[k] == v for k, v in wanted.items())
        and r["url"].startswith(given.get("url", ""))
        and r["log_information"]["created_date"].startswith(day)
    ]
    rows.sort(key=lambda r: r["log_information"]["created_date"], reverse=True)
    rows.sort(key=lambda r: r["entity"])  # stable: equal dates stay in order of number
    return [{f: r[f] for f in fields} for r in rows[start : start + size]]


def sign_in(store: Store, given: Json, proof: Json, right: Json) -> Json:
    """Check a proof and issue a JWT, valid two hours, for the unit that is given by its ID."""
    wrong = [n for n, value in right.items() if proof.get(n) != value]
    if wrong:
        raise Fault("denied" if wrong[0] in proof else "missing", "The login is wrong", wrong[0])
    unit = next((u for u in store.units if u["id"] == given.get("unit", u["id"])), None)
    if unit is None:
        raise Fault("absent", "There is no such unit", "unit")
    now = int(time.time())
    claims = {
        "usr": LOGIN["username"],
        "org": LOGIN["organisation"],
        "oun": unit["name"],
        "jti": store.named()["id"],
        "exp": str(now + 7200),
        "iat": str(now),
    }
    parts = [
        json.dumps({"typ": "JWT", "alg": "HS256"}).encode(),
        json.dumps(claims).encode(),
        store.rng.randbytes(32),
    ]  # no true signature: tokens are looked up
    token = ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts)
    store.tokens[token] = {"until": now + 7200, "unit": unit, "state": ""}
    return {"token": token}


def perform(store: Store) -> Any:
    """Read the query of a GET or the body of a POST, of any content type, and do the method."""
    path = request.path.removeprefix(BASE).removesuffix("/")
    if path not in METHODS.get(request.method, ()):
        raise Fault("nowhere", f"There is no method {request.method} {path}", "")
    given = request.args.to_dict()
    if len(given) < len(list(request.args.items(multi=True))):
        raise Fault("ambiguous", "A parameter was sent more than once", "")
    if request.method == "POST":
        try:
            given = json.loads(request.get_data() or ("{}" if "api_key" in path else ""))
            given = {name: value for name, value in given.items() if value is not None}
        except (ValueError, RecursionError, AttributeError):
            raise Fault("malformed", "The body must be one JSON object", "") from None
    action = path.rpartition("/")[2]
    if path.startswith("webhook_requests/"):
        return search(store, given) if action == "list" else single(store, given, action)
    if action == "release":
        allow(store, given, "token")[0]["state"] = "released"
        return {}
    allow(store, given, "unit", *(() if "api_key" in path else LOGIN))
    basic = {"Authorization": f"Basic {base64.b64encode(f'{KEY}:'.encode()).decode()}"}
    proof = (dict(request.headers), basic) if "api_key" in path else (given, LOGIN)
    return sign_in(store, given, *proof)


def main() -> None:
    """Serve on the port of the command line until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    app, store, lock = Flask("double"), Store(options.seed), threading.Lock()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)

    @app.before_request
    def answer() -> Response:
        """Answer every request of any verb and path with the one envelope."""
        with lock:
            try:
                result: tuple[Any, ...] = (perform(store), "OK", "", "")
            except Fault as error:
                result = ({}, *error.args)
            status = dict(zip(("code", "message", "description"), result[1:]))
            body = json.dumps({"data": result[0], "status": status}, ensure_ascii=False)
        return Response(body, STATUS.get(result[1], 400), content_type="application/json")

    server = make_server("127.0.0.1", options.port, app, threaded=True)
    print("READY", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
