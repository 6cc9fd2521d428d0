"""Stand-alone R9 server of the webhook_requests Web API: one "procedure" per method.

A procedure returns data or raises ``Fault`` with all problems found; ``reply`` alone builds an
envelope, ``row_to_json`` alone serializes a webhook request.
"""

import argparse, base64, hashlib, hmac, json, random, re, threading, time  # noqa: E401
from datetime import datetime, timedelta, timezone
from typing import Any, Optional
from flask import Flask, Response, request
from werkzeug.serving import make_server

Row = dict[str, Any]
Problem = tuple[int, str]
BASE, DEFAULT_ROWS, MAX_ROWS, IDLE_SECONDS = "/crmapi/rest/v2/", 50, 60, 3600
STATES, ENTITIES = (
    ["SUCCESSFUL", "REJECTED"],
    ["ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"],
)
FIELDS = (
    "id number life_cycle_state entity entity_id url authentication_code fields_set request "
    "response error_code error_description webhook_definition workflow_rule "
    "log_information"
).split()
ANSWERS: tuple[Any, ...] = ({"result": 0}, ["accepted", 1], "<ok/>", 0, True)
TEXTS = {
    1001: "No session token was given",
    1002: "The session is not known",
    1003: "The session ended after one idle hour",
    1004: "Sign-in refused",
    1005: "Unit {0} is not a unit of the user",
    2001: "A value is required for {0}",
    2102: "{0} cannot be read as field=value",
    2103: "{0} takes one field only",
    2104: "{0} was given more than once",
    2105: "{0} is not an identifier field",
    2106: "{0} must be a whole number",
    2107: "Give a definition, rule, entity or entity ID",
    2108: "Entity {0} is not in the entity table",
    2109: "State {0} is not in the state table",
    2110: "{0} is not a date",
    2111: "Column {0} does not exist",
    2112: "{0} is out of range",
    3101: "Webhook request {0} was never recorded",
    3102: "Webhook request {0} has been removed",
    3103: "Webhook definition {0} is unknown",
    3104: "Workflow rule {0} is unknown",
    3202: "Webhook request {0} was already accepted",
    3301: "The receiver refused {0} once more",
    9400: "The body must be one JSON object",
    9404: "There is no method {0}",
    9405: "Verb {0} is not served here",
    9415: "Media type {0} is not taken",
}
GROUPS = {
    1: (403, "Σφάλμα συνεδρίας"),
    2: (400, "Μη έγκυρη παράμετρος"),
    3: (200, "Σφάλμα εγγραφής"),
    9: (400, "Σφάλμα κλήσης"),
}


class Fault(Exception):
    """Result codes, each with the value at fault; and maybe the row concerned."""

    def __init__(self, *problems: Problem, data: Any = None) -> None:
        self.problems, self.data = problems, data


def reply(data: Any, problems: tuple[Problem, ...] = (), message: str = "") -> Response:
    """Build the envelope; the first problem gives code, message and HTTP status."""
    texts, code, http = [TEXTS[c].format(v) for c, v in problems], "OK", 200
    if problems:
        first, (http, greek) = problems[0][0], GROUPS[problems[0][0] // 1000]
        code, message = str(first), f"{texts[0]} / {greek}"
        http = first - 9000 if first > 9000 else 200 if first in (1004, 1005) else http
    listed = " | ".join(f"[{p[0]}] {text}" for p, text in zip(problems, texts))
    body = {"status": {"code": code, "message": message, "description": listed}, "data": data}
    return Response(json.dumps(body), http, content_type="application/json; charset=utf-8")


def row_to_json(row: Row, fields: list[str]) -> Row:
    """Serialize the asked columns; unset columns are null, unset log dates are left out."""
    log = {k: v for k, v in row["log_information"].items() if v or not k.endswith("_date")}
    return {n: log if n == "log_information" else row[n] for n in fields}


def sign(sent: Any) -> str:
    """HMAC-SHA256 of the sent JSON in base64."""
    code = hmac.new(b"webhook-key", json.dumps(sent).encode(), hashlib.sha256)
    return base64.b64encode(code.digest()).decode()


class Database:
    """The tables of organisation BLIND, made from the seed, with sessions."""

    def __init__(self, seed: int) -> None:
        self.rng, rules = random.Random(seed), [f"{e.title()} {k}" for e in ENTITIES for k in "12"]
        self.sessions: dict[str, tuple[float, Row]] = {}
        self.units = [
            {
                "community_name": "Internal Community",
                "id": str(i),
                "name": n,
                "group_name": "Main Group",
                "description": None,
                "alternative_code": n[:2],
            }
            for i, n in enumerate(("Head Office", "Depot"), 1)
        ]
        self.users = [
            {"person_name": n.title(), "username": n, "id": str(i), "email": f"{n}@example.com"}
            for i, n in enumerate(("integration", "maria", "costas", "helen"), 1)
        ]
        self.definitions, self.rules = (
            [
                {"id": str(i), "name": n, "alternative_code": f"C{i}", **more}
                for i, n in enumerate(names, 301)
            ]
            for names, more in (
                (["Ledger", "Depot", "Portal", "SMS", "BI"], {"life_cycle_state": "EFFECTIVE"}),
                (rules, {"priority": "HIGH"}),
            )
        )
        dates = sorted(self.rng.randrange(724 * 86400) for _ in range(120))
        self.rows = [
            self.make_row(i, timedelta(seconds=dates[i - (i % 8 == 5)])) for i in range(120)
        ]
        self.removed: list[Row] = []
        self.stubborn = [r["id"] for r in self.rows if r["error_code"]][4::10]

    def make_row(self, i: int, age: timedelta) -> Row:
        """Make record i; ids and numbers overlap, as two identity columns do."""
        rng, kind, bad = self.rng, self.rng.randrange(5), self.rng.random() < 0.4
        entity, entity_id = rng.choices(ENTITIES, (54, 22, 22, 22))[0], rng.randrange(7000, 7060)
        data = {"id": str(entity_id), "amount": rng.randrange(900) / 4, "open": kind == 2}
        sent = (data, [data, {"retry": 0}], json.dumps(data), {"data": data}, entity_id)[kind]
        exchanged = rng.random() > bad / 2
        fault = rng.choice(("SqlException", "WebException", "-2", "TaskCanceledException"))
        trace = f"System.{fault}: Το αίτημα απέτυχε / the request failed" + "".join(
            f"\r\n   at Erp.Hooks.Sender.Step{n}(Int32 rowId, String culture)" for n in range(12)
        )
        made, later = (
            (datetime(2014, 1, 7) + age + timedelta(seconds=s)).isoformat()
            for s in (0, rng.randrange(1, 90))
        )
        values = (
            str(1061 + 3 * i),
            str(1001 + i),
            STATES[bad],
            entity,
            str(entity_id),
            f"https://hooks{kind}.example.com/In/{entity.title()}",
            sign(sent) if exchanged else None,
            None if kind == 3 else "id,amount,open",
            sent,
            None if not exchanged else "502" if bad else ANSWERS[kind],
            fault if bad else None,
            trace[:512] if bad else None,
            self.definitions[kind],
            self.rules[ENTITIES.index(entity) * 2 + rng.randrange(2)],
            {
                f"{verb}_{key}": value if verb == "created" or bad or i % 3 == 0 else None
                for verb, date in (("created", made), ("updated", later))
                for key, value in (
                    ("date", date),
                    ("by_unit", rng.choice(self.units)),
                    ("by_user", rng.choice(self.users)),
                )
            },
        )
        return dict(zip(FIELDS, values))


class Call:
    """One call: its parameters, the problems and warnings found so far, the procedures."""

    def __init__(self, db: Database, known: str) -> None:
        get, given = request.method == "GET", request.args.to_dict()
        self.db, self.params = db, given if get else self.read_body()
        self.problems: list[Problem] = [(2104, n) for n, v in request.args.lists() if get and v[1:]]
        extra = [n for n in self.params if n not in known.split()] + ([] if get else [*given])
        self.warnings = [f"Warning 6001: {name} was ignored" for name in extra]

    @staticmethod
    def read_body() -> Row:
        """Read a POST body; an empty one counts as an object without members."""
        if "form" in (request.mimetype or ""):
            raise Fault((9415, request.mimetype))
        try:
            body = json.loads(request.get_data().decode("utf-8-sig").strip() or "{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Fault((9400, ""))
        return body

    def text(self, name: str, source: Optional[Row] = None) -> str:
        """Give a parameter as trimmed text; null and blank are both 'not given'."""
        value = (self.params if source is None else source).get(name)
        return "" if value is None else str(value).strip()

    def identifier(self, name: str, allowed: str) -> Optional[tuple[str, str]]:
        """Read an identifier (object, or field=value[,field=value]) and note its problems."""
        raw: Any = self.params.get(name) or {}
        if isinstance(raw, str) and all("=" in p for p in raw.split(",")):
            raw = dict(p.split("=", 1) for p in raw.split(","))
        bad = not isinstance(raw, dict)
        pairs = {} if bad else {k.strip().lower(): self.text(k, raw) for k in raw}
        given = [(k, v) for k, v in pairs.items() if v and k in allowed.split()]
        self.problems += (
            ([(2102, name)] if bad else [])
            + [(2105, f"{name}.{k}") for k in pairs if k not in allowed.split()]
            + ([(2103, name)] if given[1:] else [])
            + [(2106, f"{name}.{k}") for k, v in given if k == "number" and not v.isdecimal()]
        )
        return given[0] if given else None

    def fields(self) -> list[str]:
        """Read fields_set: blanks, case and doubles do not matter, unknown columns do."""
        names = [n.strip() for n in self.text("fields_set").lower().split(",") if n.strip()]
        self.problems += [(2111, n) for n in names if n not in FIELDS]
        return list(dict.fromkeys(names)) or FIELDS

    def finish_checks(self) -> Row:
        """Check the session last; raise every problem found, parameters first."""
        token, now = self.text("token"), time.monotonic()
        seen, session = self.db.sessions.get(token, (now, {}))
        if not session or now - seen > IDLE_SECONDS:
            self.problems.append((1003 if session else 1002 if token else 1001, ""))
        if self.problems:
            raise Fault(*self.problems)
        self.db.sessions[token] = (now, session)
        return session

    def one_row(self, state: str = "", stamp: bool = True) -> Row:
        """Find the row of webhook_request_identifier, in that state, and stamp its update."""
        before = len(self.problems)
        pair = self.identifier("webhook_request_identifier", "id number")
        if pair is None and len(self.problems) == before:
            self.problems.append((2001, "webhook_request_identifier"))
        session, (field, value) = self.finish_checks(), pair or ("id", "")
        wanted = str(int(value)) if field == "number" else value
        row = next((r for r in self.db.rows if r[field] == wanted), None)
        if row is None:
            raise Fault((3101 + any(r[field] == wanted for r in self.db.removed), value))
        if state not in ("", row["life_cycle_state"]):
            raise Fault((3202, row["number"]))
        if stamp:
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
            row["log_information"].update(session, updated_date=now)
        return row

    def sp_token(self) -> Row:
        """Sign in: names are compared without case, the password exactly."""
        given = {n: self.text(n) for n in ("username", "password", "organisation")}
        if not all(given.values()):
            raise Fault(*((2001, n) for n, v in given.items() if not v))
        name, password, where = given.values()
        if (name.lower(), password, where.lower()) != ("integration", "blind-1-pass", "blind"):
            raise Fault((1004, ""))
        units = [u for u in self.db.units if u["id"] == (self.text("unit") or "1")]
        if not units:
            raise Fault((1005, self.text("unit")))
        token = str(self.db.rng.randrange(10**9, 10**10))
        self.db.sessions[token] = (
            time.monotonic(),
            {"updated_by_unit": units[0], "updated_by_user": self.db.users[0]},
        )
        return {"token": token}

    def sp_show(self) -> Row:
        """Show one row."""
        fields = self.fields()
        return row_to_json(self.one_row(stamp=False), fields)

    def sp_list(self) -> Optional[list[Row]]:
        """List by AND of the filters: state, then newest first, then highest id."""
        tables = (
            (3103, "webhook_definition", self.db.definitions),
            (3104, "workflow_rule", self.db.rules),
        )
        pairs = [self.identifier(t[1] + "_identifier", "id name alternative_code") for t in tables]
        entity, key, url, state, day = (
            self.text(n) for n in ("entity", "entity_id", "url", "life_cycle_state", "created_date")
        )
        if not (any(pairs) or entity or key or self.problems):
            self.problems.append((2107, ""))
        self.problems += [
            (code, value)
            for code, value, table in ((2108, entity, ENTITIES), (2109, state, STATES))
            if value.upper() not in ["", *table]
        ]
        try:  # a day, or with a time that minute
            day = datetime.fromisoformat(day).isoformat()[: 16 if "T" in day else 10] if day else ""
        except ValueError:
            self.problems.append((2110, day))
        size, skip = self.text("number_of_results") or DEFAULT_ROWS, self.text("offset") or 0
        for name, value, low, high in (
            ("number_of_results", str(size), 1, MAX_ROWS),
            ("offset", str(skip), 0, 10**6),
        ):
            whole = re.fullmatch(r"-?[0-9]{1,9}", value)
            if not whole or not low <= int(value) <= high:
                self.problems.append((2112 if whole else 2106, name))
        fields, _ = self.fields(), self.finish_checks()
        rows, unknown = self.db.rows, []  # type: tuple[list[Row], list[Problem]]
        for pair, (code, column, table) in zip(pairs, tables):
            hits = [t["id"] for t in table if pair and t[pair[0]].lower() == pair[1].lower()]
            unknown += [(code, pair[1])] if pair and not hits else []
            rows = [r for r in rows if not pair or r[column]["id"] in hits]
        if unknown:
            raise Fault(*unknown)
        rows = [
            r
            for r in rows
            if key in ("", r["entity_id"])
            and entity.upper() in ("", r["entity"])
            and state.upper() in ("", r["life_cycle_state"])
            and r["url"].lower().startswith(url.lower())
            and r["log_information"]["created_date"].startswith(day)
        ]
        rows.sort(key=lambda r: (r["log_information"]["created_date"], int(r["id"])), reverse=True)
        rows.sort(key=lambda r: r["life_cycle_state"])
        page = rows[int(skip) : int(skip) + int(size)]
        if len(rows) > int(skip) + int(size):
            self.warnings.append(f"Warning 6002: {len(page)} of {len(rows)} rows")
        return [row_to_json(r, fields) for r in page] or None

    def sp_resend(self) -> Row:
        """Resend at once; a second refusal is a fault that carries the row."""
        row = self.one_row("REJECTED")
        row.update(
            authentication_code=sign(row["request"]),
            response=[503, "busy"],
            error_code="HttpRequestException",
            error_description="503\r\n   at Resend()",
        )
        if row["id"] in self.db.stubborn:
            raise Fault((3301, row["number"]), data=row_to_json(row, FIELDS))
        row.update(
            life_cycle_state="SUCCESSFUL",
            error_code=None,
            error_description=None,
            response=ANSWERS[int(row["webhook_definition"]["id"]) - 301],
        )
        return row_to_json(row, FIELDS)

    def sp_delete(self) -> Row:
        """Mark the row as removed, stamped."""
        row = self.one_row()
        self.db.rows.remove(row)
        self.db.removed.append(row)
        return row_to_json(row, FIELDS)


ONE = "token webhook_request_identifier"
METHODS = {  # path: verb, parameters
    "authentication/token": ("POST", "username password organisation unit"),
    "webhook_requests/show": ("GET", ONE + " fields_set"),
    "webhook_requests/list": (
        "GET",
        "token webhook_definition_identifier workflow_rule_identifier entity entity_id url "
        "life_cycle_state created_date number_of_results offset fields_set",
    ),
    "webhook_requests/resend": ("POST", ONE),
    "webhook_requests/delete": ("POST", ONE),
}


def main() -> None:
    """Read the command line and serve; without routes the 404 handler gets every request."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--port", "--seed"):
        parser.add_argument(option, type=int, required=True)
    args = parser.parse_args()
    app, db, lock = Flask(__name__, static_folder=None), Database(args.seed), threading.Lock()

    def dispatch(_: Exception) -> Response:
        """Serve any request; paths ignore case and a closing slash."""
        path = request.path.lower().rstrip("/")
        path = path[len(BASE) :] if path.startswith(BASE) else ""
        verb, known = METHODS.get(path, ("", ""))
        try:
            if request.method != verb:
                raise Fault((9405, request.method) if verb else (9404, request.path))
            with lock:
                call = Call(db, known)
                data = getattr(call, "sp_" + path.split("/")[1])()
                return reply(data, message="; ".join(call.warnings))
        except Fault as fault:
            return reply(fault.data, fault.problems)

    app.register_error_handler(404, dispatch)
    server = make_server("127.0.0.1", args.port, app, threaded=True)
    print("READY", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
