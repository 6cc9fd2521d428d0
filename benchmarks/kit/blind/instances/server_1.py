"""Stand-alone server of the CRM.COM R9 webhook_requests Web API, written from its documents."""

import argparse, base64, hmac, json, random, re, threading, time  # noqa: E401
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
BASE, IDLE_SECONDS = "/crmapi/rest/v2/", 3600.0
ALLOWED = {
    "entity": ("", "ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"),
    "life_cycle_state": ("", "SUCCESSFUL", "REJECTED"),
}
ERRORS = {  # 1xxx and 2xxx come with HTTP 200, 9xxx with their last three digits
    1001: "Authentication failed",
    1002: "Session does not exist",
    1003: "Session timed out",
    1004: "Unit not available",
    1101: "Mandatory parameter missing",
    1102: "Wrong type",
    1103: "Parameter without value",
    1104: "Identifier field not supported",
    1105: "Exactly one identifier field is expected",
    1201: "Value not supported",
    1107: "No semi-optional parameter given",
    1202: "Date cannot be parsed",
    2404: "Webhook request does not exist",
    2405: "Webhook definition does not exist",
    2406: "Workflow rule does not exist",
    2410: "Webhook request has been deleted",
    2409: "Only rejected webhook requests can be sent again",
    2420: "Request was rejected again",
    9400: "Body is not a JSON object",
    9404: "No such resource",
    9405: "HTTP method not allowed",
}
ANSWERS: list[Any] = [  # error code, its description, what the receiver answered
    ("LazyInitializationException", "could not initialize proxy - no Session", None),
    ("ServerException", "HTTP 500", "<html>Error</html>"),
    ("ClientException", "422", {"at": 7}),
    (None, None, {"received": True}),
    (None, None, [{"result": "OK"}]),
    (None, None, "ACK"),
]
ONE = "token webhook_request_identifier"
METHODS = {  # path: verb, method of Handler, parameters
    BASE + "authentication/token": ("POST", "login", "username password organisation unit"),
    BASE + "webhook_requests/show": ("GET", "show", ONE + " fields_set"),
    BASE + "webhook_requests/list": (
        "GET",
        "list",
        "token webhook_definition_identifier workflow_rule_identifier entity "
        "entity_id url life_cycle_state created_date fields_set",
    ),
    BASE + "webhook_requests/resend": ("POST", "resend", ONE),
    BASE + "webhook_requests/delete": ("POST", "delete", ONE),
}


class ApiError(Exception):
    """A failure: a code of ERRORS and the detail that becomes status.description."""


class Store:
    """The records and sessions of the organisation BLIND, built from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng, self.lock, self.deleted = random.Random(seed), threading.Lock(), set[str]()
        self.sessions: dict[str, tuple[float, Json]] = {}
        self.units = [
            self.row(name, name[:2], community_name="Internal", group_name="Main", description=None)
            for name in ("Admin Unit", "Λεμεσός")
        ]
        self.users = [
            {
                "person_name": n.title(),
                "username": n,
                "id": self.row("", "")["id"],
                "email": f"{n}@blind.test",
            }
            for n in ("integration", "maria", "andreas")
        ]
        self.hooks = [self.row(n, n[:4], verb="POST") for n in ("Bill, in", "Δρόμος", "Old & hub")]
        self.rules = [
            self.row(f"{entity.title()} {event}", entity[:3] + event[:1], entity=entity)
            for entity in ALLOWED["entity"][1:]
            for event in ("CREATE", "UPDATE")
        ]
        targets = {e: [self.row(e, e)["id"] for _ in range(9)] for e in ALLOWED["entity"]}
        self.records: list[Json] = []
        moment, pick = datetime(2013, 11, 4), self.rng.choice
        for turn in range(120):  # every eighth has the date of the one before; numbers have gaps
            moment += timedelta(seconds=self.rng.randint(300_000, 990_000) if turn % 8 != 5 else 0)
            rule, hook, (code, text, got) = pick(self.rules), pick(self.hooks), pick(ANSWERS)
            entity, key = rule["entity"], self.row("", "")["id"]
            data = {"entity": entity, "id": pick(targets[entity]), "reference": f"R{turn}"}
            mac = hmac.digest(b"blind-secret", json.dumps(data).encode(), "sha1")
            self.records.append(
                {
                    "response": got,
                    "entity": entity,
                    "error_code": code,
                    "error_description": text,
                    "number": str(turn + 1 + turn // 11),
                    "request": {"data": data},
                    "id": key,
                    "url": f"https://{hook['id'][:4]}.blind.test/in?v=1",
                    "entity_id": data["id"],
                    "log_information": {  # an unset date is absent, an unset unit or user is null
                        "created_date": moment.isoformat(),
                        "created_by_unit": pick(self.units),
                        "created_by_user": pick(self.users),
                        "updated_by_unit": None,
                        "updated_by_user": None,
                    },
                    "fields_set": pick(["id,reference", None]),
                    "authentication_code": base64.b64encode(mac).decode(),
                    "webhook_definition": hook,
                    "workflow_rule": rule,
                    "life_cycle_state": "REJECTED" if code else "SUCCESSFUL",
                }
            )
        self.stubborn = [r["id"] for r in self.records if r["error_code"]][4::10]

    def row(self, name: str, code: str, **more: Any) -> Json:
        """A referred object; identifiers are 32 upper-case hexadecimal digits."""
        key = f"{self.rng.getrandbits(128):032X}"
        return {"id": key, "name": name, "alternative_code": code, **more}


class Handler(BaseHTTPRequestHandler):
    """One message: its parameters, read through the same few checks, and the methods."""

    store: Store
    params: Json

    def text(self, name: str, mandatory: bool = False, inner: Any = None) -> str:
        """A trimmed scalar parameter (or inner member); empty only when missing or null."""
        value = self.params.get(name) if inner is None else inner
        if value is None and not mandatory:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ApiError(1101 if value is None else 1102, name)
        if not str(value).strip():
            raise ApiError(1103, name)
        return str(value).strip()

    def identifier(self, name: str, *fields: str) -> tuple[str, str] | None:
        """The one field and value of an identifier: pairs of a query or an object of a body."""
        if (value := self.params.get(name)) is None:
            return None
        if not isinstance(value, (dict, tuple)):
            raise ApiError(1102, name)
        pairs = list(value.items() if isinstance(value, dict) else value)
        pairs = [pair for pair in pairs if pair[1] is not None]
        if len(pairs) != 1 or pairs[0][0] not in fields:
            raise ApiError(1104 if len(pairs) == 1 else 1105, name)
        text = self.text(f"{name}.{pairs[0][0]}", True, pairs[0][1])
        return pairs[0][0], text.upper() if pairs[0][0] == "id" else text

    def find(self, rows: list[Json], key: tuple[str, str], code: int) -> Json:
        """The row with the identifier, or the error with that code."""
        if found := [row for row in rows if row[key[0]] == key[1]]:
            return found[0]
        raise ApiError(code, "=".join(key))

    def session(self) -> Json:
        """The session of the token; every use starts its idle hour anew."""
        token = self.text("token", True)
        used, session = self.store.sessions.get(token, (0.0, {}))
        if not session or time.monotonic() - used > IDLE_SECONDS:
            raise ApiError(1003 if session else 1002, token)
        self.store.sessions[token] = (time.monotonic(), session)
        return session

    def target(self, stamp: bool = False, rejected: bool = False) -> Json:
        """The record of show, resend, delete: syntax, then token, then look-up, then state."""
        self.text("token", True)
        if not (key := self.identifier("webhook_request_identifier", "id", "number")):
            raise ApiError(1101, "webhook_request_identifier")
        session, record = self.session(), self.find(self.store.records, key, 2404)
        if record["id"] in self.store.deleted:
            raise ApiError(2410, "=".join(key))
        if rejected and record["life_cycle_state"] != "REJECTED":
            raise ApiError(2409, "=".join(key))
        if stamp:
            record["log_information"].update(
                updated_date=datetime.now().isoformat(timespec="seconds"),
                updated_by_unit=session["unit"],
                updated_by_user=session["user"],
            )
        return record

    def cut(self, record: Json) -> Json:
        """The members of the fields set and id; names that no member has are ignored."""
        names = [name.strip() for name in self.text("fields_set").split(",")]
        return {k: v for k, v in record.items() if names == [""] or k in names or k == "id"}

    def login(self) -> Json:
        """POST authentication/token."""
        name, *others = (self.text(n, True) for n in ("username", "password", "organisation"))
        store, unit = self.store, self.text("unit") or self.store.units[0]["id"]
        if [name.lower(), *others] != ["integration", "blind-1-pass", "BLIND"]:
            raise ApiError(1001, "username, password, organisation")
        session = {"user": store.users[0], "unit": self.find(store.units, ("id", unit), 1004)}
        token = str(store.rng.randint(10**9, 10**10 - 1))
        store.sessions[token] = (time.monotonic(), session)
        return {"token": token}

    def show(self) -> Json:
        """GET webhook_requests/show."""
        return self.cut(self.target())

    def list(self) -> Any:
        """GET webhook_requests/list: by entity, then number descending; nothing found is null."""
        self.text("token", True)
        hook, rule = (
            self.identifier(name, "id", "name", "alternative_code")
            for name in ("webhook_definition_identifier", "workflow_rule_identifier")
        )
        entity, state, target, url, day = (
            self.text(name)
            for name in ("entity", "life_cycle_state", "entity_id", "url", "created_date")
        )
        if not (hook or rule or entity or target):
            raise ApiError(1107, "webhook definition, workflow rule, entity or entity_id")
        self.session()
        equal: Json = {
            "entity": entity.upper(),
            "life_cycle_state": state.upper(),
            "entity_id": target.upper(),
        }
        if wrong := [name for name in ALLOWED if equal[name] not in ALLOWED[name]]:
            raise ApiError(1201, f"{wrong[0]}={equal[wrong[0]]}")
        equal["webhook_definition"] = hook and self.find(self.store.hooks, hook, 2405)
        equal["workflow_rule"] = rule and self.find(self.store.rules, rule, 2406)
        if day and not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?", day):
            raise ApiError(1202, f"created_date={day}")  # a time of day is otherwise ignored
        found = [
            r
            for r in self.store.records
            if r["id"] not in self.store.deleted
            and all(r[k] == v for k, v in equal.items() if v)
            and r["url"].startswith(url)
            and r["log_information"]["created_date"].startswith(day[:10])
        ]
        found.sort(key=lambda r: (r["entity"], -int(r["number"])))
        return [self.cut(r) for r in found] or None

    def resend(self) -> Json:
        """POST webhook_requests/resend: at once, with the stored URL and code."""
        record = self.target(stamp=True, rejected=True)
        if record["id"] in self.store.stubborn:
            record.update(response=None, error_code="IOException", error_description="Refused")
            raise ApiError(2420, f"number={record['number']}")
        record.update(
            response=[{"result": "RESENT"}],
            error_code=None,
            error_description=None,
            life_cycle_state="SUCCESSFUL",
        )
        return record

    def delete(self) -> Json:
        """POST webhook_requests/delete: the record is stamped and returned a last time."""
        record = self.target(stamp=True)
        self.store.deleted.add(record["id"])
        return record

    def answer(self, raw: bytes) -> tuple[str, Any]:
        """The notice and the data of a successful call."""
        parts, query = urlsplit(self.path), dict[str, Any]()
        if (path := parts.path.removesuffix("/")) not in METHODS:
            raise ApiError(9404, path)
        verb, method, known = METHODS[path]
        if self.command != verb:
            raise ApiError(9405, f"{verb} is expected")
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            if name.endswith("_identifier"):  # every field=value; of others the first counts
                query[name] = query.get(name, ()) + (tuple(value.partition("=")[::2]),)
            query.setdefault(name, value)
        self.params = query
        if verb == "POST":
            try:
                self.params = dict[str, Any](**json.loads(raw.decode("utf-8")))
            except (ValueError, TypeError, RecursionError) as error:
                raise ApiError(9400, "One object in UTF-8 is expected") from error
        ignored = [n for n in self.params if n not in known.split()] + [*query] * (verb == "POST")
        return "Ignored: " * bool(ignored) + ", ".join(ignored), getattr(self, method)()

    def serve(self) -> None:
        """Answer one message of any verb; the members have the order of the R9 examples."""
        length, http, data = self.headers.get("Content-Length", ""), 200, None
        raw = self.rfile.read(int(length)) if length.isdecimal() else b""
        status: Json = {"message": "", "description": "", "code": "OK"}
        with self.store.lock:
            try:
                status["message"], data = self.answer(raw)
            except ApiError as error:
                code, detail = error.args
                status = {"message": ERRORS[code], "description": detail, "code": code}
                http = code - 9000 if code > 9000 else 200
            text = json.dumps({"status": status, "data": data}, ensure_ascii=False)
        self.send_response_only(http)
        self.send_header("Content-Type", "text/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(text.encode("utf-8", "replace"))))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else text.encode("utf-8", "replace"))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = serve


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--port", "--seed"):
        parser.add_argument(option, type=int, required=True)
    Handler.store = Store(parser.parse_args().seed)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler)
    print("READY", flush=True)
    server.serve_forever()
