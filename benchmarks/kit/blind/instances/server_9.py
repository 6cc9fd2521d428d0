"""Stand-alone server of the CRM.COM R9 webhook_requests API: server.py --port P --seed S."""

from __future__ import annotations

import argparse
import hmac
import json
import random
import re
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Record = dict[str, Any]
BASE, LIST_MAXIMUM, IDLE_SECONDS = "/crmapi/rest/v2/", 40, 3600
ENTITIES, STATES = "ACTIVITIES JOBS SERVICEREQUESTS SUBSCRIPTIONS", "SUCCESSFUL REJECTED"
FIELDS = """id number life_cycle_state entity entity_id url authentication_code fields_set request
response error_code error_description webhook_definition workflow_rule log_information""".split()
ERRORS = {  # kind: (HTTP status, module and name of the exception)
    "path": (404, "WEBAPI.RESOURCENOTAVAILABLE"),
    "verb": (405, "WEBAPI.VERBNOTALLOWED"),
    "body": (400, "WEBAPI.UNREADABLEBODY"),
    "unknown": (422, "WEBAPI.PARAMETERNOTRECOGNISED"),
    "value": (422, "WEBAPI.VALUENOTSUPPORTED"),
    "missing": (422, "WEBAPI.REQUIREDPARAMETERABSENT"),
    "blank": (422, "WEBAPI.BLANKVALUE"),
    "none": (422, "WEBAPI.ATLEASTONEMUSTBEGIVEN"),
    "several": (422, "WEBAPI.ONLYONEMUSTBEGIVEN"),
    "login": (401, "SECURITY.LOGINREFUSED"),
    "no_token": (401, "SECURITY.SESSIONEXPECTED"),
    "bad_token": (403, "SECURITY.SESSIONUNKNOWN"),
    "old_token": (403, "SECURITY.SESSIONTIMEDOUT"),
    "absent": (404, "WEBHOOKS.NOSUCHREQUEST"),
    "deleted": (410, "WEBHOOKS.REQUESTREMOVED"),
    "state": (409, "WEBHOOKS.ALREADYDELIVERED"),
    "failed": (502, "WEBHOOKS.DELIVERYREFUSED"),
}


class ApiError(Exception):
    """A refusal: a kind of ERRORS, and a detail for people."""


def need(right: Any, kind: str, detail: str) -> None:
    """The one error helper: refuse what is not right."""
    if not right:
        raise ApiError(kind, detail)


def envelope(data: Any, kind: str = "", detail: str = "") -> tuple[int, bytes]:
    """The one serializer: every answer, good or bad, passes here."""
    http, name = ERRORS.get(kind, (200, ""))
    status = {
        "message": detail and f"Request refused: {detail}",
        "description": detail,
        "code": f"COM.CRM.EXCEPTION.{name}EXCEPTION" if kind else "OK",
    }
    return http, json.dumps({"status": status, "data": data}).encode()


def text(params: Record, name: str, kind: str = "", allowed: str = "") -> str:
    """A trimmed text parameter, "" if absent or null (error `kind`, if one is named)."""
    value = params.get(name)
    if value is None and not kind:
        return ""
    need(value is not None, kind, name)
    need(isinstance(value, str), "value", f"{name} must be a String")
    need(value.strip(), "blank", name)
    need(not allowed or value.strip().upper() in allowed.split(), "value", f"{name}: {allowed}")
    return value.strip().upper() if allowed else value.strip()


def identifier(params: Record, name: str, fields: str) -> tuple[str, str]:
    """The one field and upper-case value of an identifier; ("", "") if it is not given."""
    if (given := params.get(name)) is None:
        return "", ""
    need(isinstance(given, (dict, tuple)), "value", f"{name} must be an identifier object")
    pairs = [p for p in (given.items() if isinstance(given, dict) else given) if p[1] is not None]
    need({f for f, _ in pairs} <= set(fields.split()), "unknown", f"{name}: {fields}")
    need(len(pairs) == 1, "several" if pairs else "none", f"{name}: {fields}")
    return pairs[0][0], text(dict(pairs), pairs[0][0]).upper()


class Store:
    """The records, logins and tokens of one organisation, and the API's methods on them."""

    def __init__(self, seed: int) -> None:
        self.rng, self.removed = random.Random(seed), set[str]()
        self.tokens: dict[str, tuple[float, Record]] = {}
        self.unit = self.named("Head Office") | {
            "group_name": "Main",
            "community_name": "Blind Community",
            "description": None,
        }
        self.users = [
            {"person_name": n.title(), "username": n, "id": i, "email": f"{n}@blind.is"}
            for n, i in (("integration", "1"), ("afield", self.hex()))
        ]
        self.definitions = [self.named(n) for n in ("Billing", "Dispatch", "Loyalty", "Archive")]
        self.rules = [self.named(f"{e.title()} rule {k}") for e in ENTITIES.split() for k in "12"]
        self.subjects = [[self.hex() for _ in range(12)] for _ in range(4)]
        self.records = [self.make(n) for n in range(120)]
        self.stubborn = [r["number"] for r in self.records if r["error_code"]][4::10]

    def hex(self, length: int = 32) -> str:
        """An upper-case hexadecimal text of the seed's random series."""
        return f"{self.rng.getrandbits(4 * length):0{length}X}"

    def named(self, name: str) -> Record:
        """A referred object."""
        return {"id": self.hex(), "name": name, "alternative_code": name.upper().replace(" ", "-")}

    def make(self, index: int) -> Record:
        """One webhook request; every fifth has the date of the one before."""
        which, pick = self.rng.choices(range(4), (5, 3, 3, 2))[0], self.rng.choice
        feed, entity = pick(self.definitions), ENTITIES.split()[which]
        if index % 5 != 4:
            self.date = datetime(2015, 1, 1) + timedelta(seconds=self.rng.randrange(731 * 86400))
        log = {
            **dict.fromkeys(("created_date", "updated_date"), self.date.isoformat()),
            "created_by_unit": self.unit,
            "created_by_user": pick(self.users + [None]),
        }
        record = {
            "id": self.hex(),
            "number": str(5001 + 3 * index),
            "entity": entity,
            "entity_id": pick(self.subjects[which]),
            "log_information": log,
            "fields_set": pick(("number,state,amount", "number", None)),
            "webhook_definition": feed,
            "workflow_rule": self.rules[2 * which + index % 2],
            "url": f"https://hooks.blind.is/{feed['name']}/{entity}".lower(),
        }
        self.send(record, 1, pick(("", "", "", "SocketTimeoutException", "ClientErrorException")))
        return record

    def send(self, record: Record, attempt: int, failure: str) -> None:
        """Fill what a sending leaves in the record."""
        feed, silent = record["webhook_definition"], failure == "SocketTimeoutException"
        data = {"id": record["entity_id"], "attempt": attempt, "amount": len(record["url"]) / 4}
        mac = hmac.new(feed["id"].encode(), json.dumps(data).encode(), "sha512").hexdigest()
        answers = (
            {"accepted": not failure},
            ["refused" if failure else "received", attempt],
            "Bad request" if failure else "OK",
            400 if failure else 202,
        )
        record |= {
            "life_cycle_state": STATES.split()[failure > ""],
            "error_code": failure or None,
            "error_description": f"Attempt {attempt} failed" if failure else None,
            "request": {"event": record["workflow_rule"]["name"], "data": data},
            "authentication_code": None if silent else mac,
            "response": None if silent else answers[self.definitions.index(feed)],
        }

    def token(self, params: Record) -> Record:
        """POST authentication/token."""
        given = [text(params, n, "missing") for n in ("organisation", "username", "password")]
        given += [text(params, "unit").upper() or self.unit["id"], params["password"]]
        right = ["BLIND", "integration", given[2], self.unit["id"], "blind-1-pass"]
        need([given[0], given[1].lower(), *given[2:]] == right, "login", "user or password")
        author = {"updated_by_user": self.users[0], "updated_by_unit": self.unit}
        self.tokens[token := self.hex(64)] = time.monotonic(), author
        return {"token": token}

    def one(self, params: Record, action: str, author: Record) -> Record:
        """Show, resend or delete a record; the author of a change is logged."""
        field, key = identifier(params, "webhook_request_identifier", "id number")
        need(field, "missing", "webhook_request_identifier")
        record: Record = next((r for r in self.records if r[field] == key), {})
        need(record, "deleted" if key in self.removed else "absent", f"{field} {key}")
        need(action != "resend" or record["error_code"], "state", f"{field} {key} is SUCCESSFUL")
        if action != "show":
            record["log_information"] |= author | {"updated_date": f"{datetime.now():%FT%T}"}
        if action == "delete":
            self.records.remove(record)
            self.removed |= {record["id"], record["number"]}
        elif action == "resend":  # a second failure is an error, and kept in the record
            failure = "ClientErrorException" if record["number"] in self.stubborn else ""
            self.send(record, record["request"]["data"]["attempt"] + 1, failure)
            need(not failure, "failed", record["error_description"])
        return record

    def list(self, params: Record) -> list[Record]:
        """List: rejected records first, then the newest update, then the lowest number."""
        pairs = [
            (n, *identifier(params, f"{n}_identifier", "id name alternative_code"))
            for n in ("webhook_definition", "workflow_rule")
            if f"{n}_identifier" in params
        ]
        equal = {
            "entity": text(params, "entity", allowed=ENTITIES),
            "entity_id": text(params, "entity_id").upper(),
        }
        need(pairs or any(equal.values()), "none", "definition, rule, entity or entity_id")
        equal["life_cycle_state"] = text(params, "life_cycle_state", allowed=STATES)
        url, day = text(params, "url"), text(params, "created_date")
        form = r"|\d{4}-(0\d|1[0-2])-[0-3]\d(T[0-2]\d(:[0-5]\d){2})?"
        need(re.fullmatch(form, day), "value", "created_date: yyyy-MM-dd[THH:mm:ss]")
        rows = [
            r
            for r in self.records
            if all(r[n][k].upper() == v for n, k, v in pairs)
            and all(v in ("", r[n]) for n, v in equal.items())
            and r["url"].startswith(url)
            and r["log_information"]["created_date"].startswith(day[:10])
        ]
        rows.sort(
            key=lambda r: (
                r["life_cycle_state"],
                -int(re.sub(r"\D", "", r["log_information"]["updated_date"])),
                int(r["number"]),
            )
        )
        return rows[:LIST_MAXIMUM]


ONE = "token webhook_request_identifier"
ROUTES = {  # path: (verb, parameters)
    "authentication/token": ("POST", "username password organisation unit"),
    "webhook_requests/show": ("GET", f"{ONE} fields_set"),
    "webhook_requests/list": (
        "GET",
        "token webhook_definition_identifier url created_date entity "
        "entity_id workflow_rule_identifier life_cycle_state fields_set",
    ),
    "webhook_requests/resend": ("POST", ONE),
    "webhook_requests/delete": ("POST", ONE),
}


def read(verb: str, query: str, body: bytes, media: str) -> Record:
    """Parameters: one JSON object (POST), or a query (identifiers become tuples of pairs)."""
    if verb == "POST":
        try:
            params = json.loads(body) if "json" in media.lower() else None
        except (ValueError, RecursionError):
            params = None
        need(isinstance(params, dict), "body", "one application/json object is expected")
        return params
    params = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        need(name not in params, "several", name)
        params[name] = value
        if name.endswith("_identifier"):
            parts = re.split(r",(?=(?:id|number|name|alternative_code)=)", value)
            params[name] = tuple(p.partition("=")[::2] for p in parts)
    return params


class Handler(BaseHTTPRequestHandler):
    """HTTP in, envelope out."""

    store: Store

    def answer(self) -> None:
        """Serve one request of any verb."""
        size, url = self.headers.get("Content-Length", "0"), urlsplit(self.path)
        body = self.rfile.read(int(size) if size.isdigit() else 0)
        try:
            http, out = envelope(self.data(url.path, url.query, body))
        except ApiError as error:
            http, out = envelope({}, *error.args)
        self.send_response_only(http)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.end_headers()
        self.wfile.write(out)

    def data(self, path: str, query: str, body: bytes) -> Any:
        """Check path, verb, form and parameters; call the method; keep the wanted fields."""
        name = path.removeprefix(BASE).removesuffix("/")
        need(name in ROUTES and path.startswith(BASE), "path", f"no resource {path}")
        verb, known = ROUTES[name]
        need(self.command == verb, "verb", f"{self.command} (use {verb})")
        params = read(verb, query, body, self.headers.get("Content-Type", "application/json"))
        need(set(params) <= set(known.split()), "unknown", f"the parameters are {known}")
        if name == "authentication/token":
            return self.store.token(params)
        names = {n.strip() for n in (text(params, "fields_set") or ",".join(FIELDS)).split(",")}
        need(names <= set(FIELDS), "value", f"fields_set: {', '.join(FIELDS)}")
        used, author = self.store.tokens.get(token := text(params, "token", "no_token"), (0.0, {}))
        fresh = author and time.monotonic() - used <= IDLE_SECONDS
        need(fresh, "old_token" if author else "bad_token", "token")
        self.store.tokens[token] = (time.monotonic(), author)  # the idle hour starts again
        if name == "webhook_requests/list":
            found = self.store.list(params)
            return [{f: r[f] for f in FIELDS if f in names} for r in found] or None
        record = self.store.one(params, name.split("/")[1], author)
        return {f: record[f] for f in FIELDS if f in names}

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    _ = [parser.add_argument(o, type=int, required=True) for o in ("--port", "--seed")]
    args = parser.parse_args()
    Handler.store = Store(args.seed)
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    print("READY", flush=True)
    server.serve_forever()
