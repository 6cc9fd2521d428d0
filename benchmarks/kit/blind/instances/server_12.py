"""Stand-alone webhook_requests API of the R9 release (the vendor's side, PHP-monolith ways)."""

import argparse
import hmac
import json
import random
import re
import time
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import make_server

Row = dict[str, Any]
KEYS = r"(?:^|[,;&])\s*(id|number|name|alternative_code)\s*="  # in the text of an identifier
BASE, IDLE_SECONDS, LIMIT, STAMP = "/crmapi/rest/v2/", 3600, 50, "%Y-%m-%dT%H:%M:%S"
ENTITIES = ["ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"]
STATES, KINDS = ["SUCCESSFUL", "REJECTED"], ["LazyInitialization", "HttpStatus", "SocketTimeout"]
FIELDS = """id number life_cycle_state entity entity_id url authentication_code fields_set request
 response error_code error_description webhook_definition workflow_rule log_information""".split()
SERVICES = {"authentication/token": "POST"} | {
    "webhook_requests/" + name: verb
    for name, verb in (("show", "GET"), ("list", "GET"), ("resend", "POST"), ("delete", "POST"))
}
ERRORS = {  # 10 session and login, 12 parameters, 13 records, 14 sending, 90 dispatcher
    1001: "Session: token not given",
    1002: "Session: token not known",
    1003: "Session timed out",
    1051: "Login refused",
    1052: "Unit not known",
    1201: "Parameter missing",
    1402: "Not sent",
    1202: "Parameter has no usable key",
    1203: "Parameter has several keys",
    9002: "Wrong verb",
    1204: "No semi-optional parameter",
    1205: "Value not supported",
    1206: "Value is not a date",
    1301: "No such record",
    1302: "Record removed",
    1401: "Wrong state",
    9001: "No such service",
}


class ApiError(Exception):
    """A failure (error number, detail) that leaves through the one serializer."""


def reply(data: Any, text: str = "", code: str = "OK", at: str = "", http: int = 200) -> Response:
    """Serialize as json_encode does: ASCII only, escaped slashes, PHP's default content type."""
    envelope = {"status": {"code": code, "message": text, "description": at}, "data": data}
    return Response(json.dumps(envelope).replace("/", "\\/"), http, mimetype="text/html")


def fail(at: str, number: int, detail: str) -> Response:
    """Build the only form an error has: CRM-nnnn, assembled text, an empty array as data."""
    http = 404 if number > 9000 else 403 if number < 1050 else 200
    return reply([], f"{ERRORS[number]} [{detail}].", f"CRM-{number}", at, http)


def text_of(value: Any) -> str:
    """Convert as strval does, then trim; arrays become the word Array."""
    if value is None or isinstance(value, bool):
        return "1" if value else ""
    return "Array" if isinstance(value, (list, dict)) else str(value).strip()


def same(left: str, right: str) -> bool:
    """Compare loosely: case and outer blanks do not count, numbers compare as numbers."""
    a, b = (v.strip().upper() for v in (left, right))
    return a == b or a.isdecimal() and a == b.lstrip("0")


def php_input(pairs: Any) -> Row:
    """Fill an array as $_REQUEST: brackets nest, the last wins, `number=7` becomes an array."""
    out: Row = {}
    for name, value in pairs:
        match = re.fullmatch(r"(\w+)\[(\w*)\]", name)
        if match:
            name, value = match[1], {match[2] or str(len(out.get(match[1], ""))): value}
        elif name.endswith("_identifier") and not isinstance(value, dict):
            parts = re.split(KEYS, text_of(value), flags=re.I)
            value = dict(zip(map(str.lower, parts[1::2]), parts[2::2])) or {"": parts[0]}
            value = {k: v for k, v in value.items() if k or v}
        old = out.get(name)
        out[name] = old | value if isinstance(old, dict) and isinstance(value, dict) else value
    return out


class Store:
    """All tables of the organisation, made from the seed."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = random.Random(seed)
        self.tokens, self.rows = dict[str, Row](), list[Row]()
        ids = [f"{rng.getrandbits(128):032X}" for _ in range(400)]
        self.units = [
            {
                "id": i,
                "name": n,
                "alternative_code": n[:2].upper(),
                "description": None,
                "group_name": "Main Group",
                "community_name": "Internal Community",
            }
            for i, n in (("1", "Admin Unit"), (ids.pop(), "Field Team"))
        ]
        self.users = [
            {"id": i, "username": u, "person_name": u.title(), "email": u + "@blind.eu"}
            for i, u in zip(["1", *ids[:2]], ("system", "m.kosta", "integration"))
        ]
        defs = [
            {
                "id": ids.pop(),
                "name": "Push to " + n,
                "alternative_code": "WD" + n[:2].upper(),
                "description": None,
                "_kind": kind,
                "_key": ids.pop(),
                "_set": fields,
                "_url": "https://" + n.lower() + ".example/hooks/in?v=2",
            }
            for n, kind, fields in (
                ("Billing", "object", "id,number"),
                ("ERP", "text", ""),
                ("Shop", "int", "id"),
                ("Dispatch", "list", "number,name"),
                ("Archive", "handle", "number,type"),
            )
        ]
        rules = [
            {
                "id": ids.pop(),
                "name": f"On {e.title()} {w}",
                "entity": e,
                "alternative_code": f"{e[:3]}-{w}",
            }
            for e in ENTITIES
            for w in ("new", "end")
        ]
        moment, rejected = datetime(2014, 1, 3, 8), 0
        for index in range(120):  # every sixth record shares the date of the one before
            moment += timedelta(hours=rng.randint(24, 290), seconds=index) * (index % 6 != 5)
            rejected += (bad := rng.random() < 0.4)
            entity, d, eid = rng.choice(ENTITIES + ENTITIES[:1] * 4), rng.choice(defs), ids.pop()
            body = {"entity": entity, "id": eid, "data": {"number": f"N{index:05d}"}}
            sent = {"text": json.dumps(body), "list": list(body.values()), "handle": ids.pop()}
            rule = rng.choice([r for r in rules if r["entity"] == entity and index % 17] or [None])
            log = {
                "created_date": moment.strftime(STAMP),
                "updated_date": None,
                "created_by_unit": rng.choice(self.units),
                "updated_by_unit": None,
                "created_by_user": rng.choice(self.users),
                "updated_by_user": None,
            }
            self.rows.append(
                {
                    "id": ids.pop(),
                    "number": str(index * 2 + 5),
                    "entity": entity,
                    "entity_id": eid,
                    "url": d["_url"],
                    "request": sent.get(d["_kind"], body),
                    "fields_set": d["_set"],
                    "webhook_definition": d,
                    "workflow_rule": rule,
                    "log_information": log,
                    "_gone": False,
                    "_stuck": bad and rejected % 10 == 3,
                }
            )
            self.send(self.rows[-1], not bad, rng.randint(0, 2))

    def send(self, row: Row, good: bool, kind: int = 1) -> None:
        """Write the outcome of one sending into the record."""
        d, row["life_cycle_state"] = row["webhook_definition"], STATES[not good]
        mac = hmac.digest(d["_key"].encode(), json.dumps(row["request"]).encode(), "sha1")
        row["authentication_code"] = mac.hex().upper() if good or kind else ""
        row["error_code"] = row["error_description"] = None
        row["response"] = {
            "object": {"accepted": True, "ref": row["number"]},
            "text": "OK",
            "list": ["OK", 200],
            "int": 200,
        }.get(d["_kind"], row["request"])
        if not good:
            row["error_code"] = KINDS[kind] + "Exception"
            trace = "".join(f"\n\tat com.crm.Sender.step{i}(Sender.java:{i})" for i in range(15))
            row["error_description"] = ("com.crm." + row["error_code"] + ":" + trace)[:512]
            row["response"] = [[], "503 Service Unavailable", None][kind]

    def login(self, args: Row) -> Row:
        """authentication/token: user and organisation without case, the password exactly."""
        user, word, org = [text_of(args.get(n)) for n in ("username", "password", "organisation")]
        if not (user and word and org):
            raise ApiError(1201, "username, password, organisation")
        if not (same(user, "integration") and word == "blind-1-pass" and same(org, "blind")):
            raise ApiError(1051, user + "@" + org)
        units = [u for u in self.units if same(u["id"], text_of(args.get("unit")) or "1")]
        if not units:
            raise ApiError(1052, text_of(args["unit"]))
        token = str(self.rng.randint(10**9, 10**10 - 1))
        by = {"updated_by_user": self.users[2], "updated_by_unit": units[0]}
        self.tokens[token] = {"by": by, "seen": time.time()}
        return {"token": token}

    def select(self, args: Row) -> list[Row]:
        """webhook_requests/list: every filter, then sorted by state, date, number, all down."""
        rows, semi = [r for r in self.rows if not r["_gone"]], 0
        for name in ("webhook_definition", "workflow_rule"):
            if args.get(name + "_identifier"):
                f, value = key_of(args, name + "_identifier", ["id", "name", "alternative_code"])
                rows, semi = [r for r in rows if r[name] and same(r[name][f], value)], semi + 1
        entity, eid, url, state, date = [
            text_of(args.get(n))
            for n in ("entity", "entity_id", "url", "life_cycle_state", "created_date")
        ]
        if not (semi or entity or eid):
            raise ApiError(1204, "webhook_definition/workflow_rule_identifier, entity, entity_id")
        for name, given in (("entity", entity), ("life_cycle_state", state)):
            values = {v.strip().upper() for v in given.split(",") if v.strip()}
            if values - set(ENTITIES if name == "entity" else STATES):
                raise ApiError(1205, name + " = " + given)
            rows = [r for r in rows if not values or r[name] in values]
        if date and not re.fullmatch(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d){0,2})?)?)?", date):
            raise ApiError(1206, "created_date = " + date)
        rows = [
            r
            for r in rows
            if r["log_information"]["created_date"].startswith(date)
            and url.lower() in r["url"].lower()
            and (not eid or same(r["entity_id"], eid))
        ]
        return sorted(
            rows,
            reverse=True,
            key=lambda r: (  # the number as text: "15" before "105"
                r["life_cycle_state"],
                r["log_information"]["created_date"],
                r["number"],
            ),
        )

    def run(self, service: str, args: Row) -> Response:
        """Do the work of one service."""
        if service == "authentication/token":
            return reply(self.login(args))
        token, name = text_of(args.get("token")), service.split("/")[1]
        session = self.tokens.get(token, {"seen": 0})
        if time.time() - session["seen"] > IDLE_SECONDS:
            raise ApiError(1003 if token in self.tokens else 1002 if token else 1001, token[:4])
        session["seen"] = time.time()
        if name == "list":
            rows = self.select(args)
            note = f"First {LIMIT} of {len(rows)} records." if rows[LIMIT:] else ""
            return reply([export(r, args) for r in rows[:LIMIT]] or None, note)
        field, value = key_of(args, "webhook_request_identifier", ["id", "number"])
        row: Row = next((r for r in self.rows if same(r[field], value)), {})
        if not row or row["_gone"]:
            raise ApiError(1302 if row else 1301, "webhook request, " + field + " = " + value)
        if name == "show":
            return reply(export(row, args))
        if name == "resend" and row["life_cycle_state"] != "REJECTED":
            raise ApiError(1401, row["number"] + " is " + row["life_cycle_state"])
        if name == "resend":
            self.send(row, not row["_stuck"])
        row["_gone"] = name == "delete"
        row["log_information"] |= {"updated_date": datetime.now().strftime(STAMP), **session["by"]}
        if name == "resend" and row["_stuck"]:
            raise ApiError(1402, row["number"] + ": " + row["error_code"])
        return reply(export(row, {}))


def key_of(args: Row, name: str, allowed: list[str]) -> tuple[str, str]:
    """Give the single (field, value) of an identifier; null, blank and "0" are empty()."""
    if not args.get(name):
        raise ApiError(1201, name)
    given = [(f, v) for f in allowed if (v := text_of(args[name].get(f))) not in ("", "0")]
    if len(given) != 1:
        raise ApiError(1203 if given else 1202, name + ": " + "/".join(allowed))
    return given[0]


def export(row: Row, args: Row) -> Row:
    """Serialize a record; unknown names in fields_set fall away, none left means all."""
    names = args.get("fields_set", "")
    names = names.values() if isinstance(names, dict) else names.split(",")
    wanted = {name.strip().lower().split(".")[0] for name in names}
    d = {k: v for k, v in row["webhook_definition"].items() if k[0] != "_"}
    return {
        f: d if f == "webhook_definition" else row[f]
        for f in FIELDS
        if f in wanted or not wanted & set(FIELDS)
    }


def read_args() -> Row:
    """Merge query and body (body wins); a body that is no JSON object or form is nothing."""
    args = php_input(request.args.items(multi=True))
    if request.method == "POST":
        try:
            body = json.loads(request.get_data())
        except ValueError:
            body = request.form
        args |= php_input(body.items()) if isinstance(body, dict) else {}
    return args


def main() -> None:
    """Read the command line and serve: one dispatcher for every path and verb."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    app, store = Flask(__name__), Store(options.seed)

    @app.before_request
    def dispatch() -> Response:
        service = request.path.lower().replace(BASE, "", 1).rstrip("/")
        try:
            if request.method != SERVICES.get(service):
                raise ApiError(9002 if service in SERVICES else 9001, request.method)
            return store.run(service, read_args())
        except ApiError as error:
            return fail(service, *error.args)

    server = make_server("127.0.0.1", options.port, app)
    print("READY", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
