"""CRM.COM R9 webhook_requests: stand-alone server, written as a PL/SQL package would be."""

from __future__ import annotations

import argparse
import hmac
import json
import random
import re
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Args = dict[str, Any]
Rows = tuple[list[Args], "str | None"]
BASE, ONE, MAX_ROWNUM, IDLE = "/crmapi/rest/v2/", "webhook_request_identifier", 50, 3600.0
ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
COLUMNS = (
    "id,number,life_cycle_state,entity,entity_id,url,authentication_code,fields_set,"
    "request,response,error_code,error_description,webhook_definition,workflow_rule,"
    "log_information"
)
LOGIN = {"username": "INTEGRATION", "password": "BLIND-1-PASS", "organisation": "BLIND"}
STATUS = {"PLS": 404, "ORA-40": 400, "ORA-009": 500, "ORA-01861": 500, "ORA-065": 500}
SEND_ERRORS = (
    ("ORA-12535", "TNS:OPERATION TIMED OUT"),
    ("ORA-29273", "HTTP REQUEST FAILED"),
    ("ORA-29024", "CERTIFICATE VALIDATION FAILURE"),
    ("ORA-12541", "TNS:NO LISTENER"),
)
OTHERS = {
    ValueError: ("ORA-01861", "LITERAL DOES NOT MATCH FORMAT STRING"),
    **dict.fromkeys((json.JSONDecodeError, UnicodeDecodeError), ("ORA-40441", "JSON SYNTAX ERROR")),
}
FILTERS = (
    "webhook_definition_identifier",
    "workflow_rule_identifier",
    "entity",
    "entity_id",
    "life_cycle_state",
    "url",
    "created_date",
)
PROCEDURES = {
    "POST authentication/token": ("logon", "username password organisation unit"),
    "GET webhook_requests/show": ("show", f"token {ONE} fields_set"),
    "GET webhook_requests/list": ("query", f"token {' '.join(FILTERS)} fields_set"),
    "POST webhook_requests/resend": ("resend", f"token {ONE}"),
    "POST webhook_requests/delete": ("delete", f"token {ONE}"),
}


class OraError(Exception):
    """The one error: code and text (200 out-message, 404/400 gateway, 500 SQL)."""


def need(condition: object, code: str, text: str) -> None:
    """The one error helper: IF NOT condition THEN RAISE_APPLICATION_ERROR."""
    if not condition:
        raise OraError(code, text)


def text_of(args: Args, name: str) -> str:
    """Implicit TO_CHAR and TRIM; null is empty text; other types do not bind."""
    value = args.get(name)
    need(not isinstance(value, (bool, list, dict)), "PLS-00306", f"WRONG TYPE OF ARGUMENT {name}")
    return "" if value is None else str(value).strip()


def serialize(value: Any) -> Any:
    """The one serializer: dates in R9 form, empty text as null, all members present."""
    if isinstance(value, dict):
        return {key: serialize(item) for key, item in value.items()}
    return (
        [serialize(item) for item in value]
        if isinstance(value, list)
        else (value.isoformat() if isinstance(value, datetime) else None if value == "" else value)
    )


def identifier(args: Args, name: str, *fields: str) -> tuple[str, str] | None:
    """Read `field=value` (query) or {"field": value} (body); null when not given."""
    raw = args.get(name)
    if not isinstance(raw, dict):
        raw = {k: v for k, _, v in (p.partition("=") for p in text_of(args, name).split(",") if p)}
    if not raw:
        return None
    for key in raw:
        need(key.strip().lower() in fields, "ORA-20011", f"{key} IS NOT A FIELD OF {name}")
    given = [(key.strip().lower(), text.upper()) for key in raw if (text := text_of(raw, key))]
    need(given, "ORA-20012", f"ONE FIELD IS MANDATORY IN {name}")
    need(len(given) == 1, "ORA-20013", f"ONLY ONE FIELD IS ALLOWED IN {name}")
    return given[0]


class Package:
    """Package WEBHOOK_REQUESTS: tables, sessions and procedures with an out-message."""

    def __init__(self, seed: int) -> None:
        """Load 120 requests from the seed, numbered by a sequence with lost cache values."""
        self.rnd = rnd = random.Random(seed)
        self.rows: list[Args] = []
        self.sessions: dict[str, float] = {}
        more = {"description": "", "group_name": "MAIN GROUP", "community_name": "MAIN"}
        self.units = [self.named(name, name[:2]) | more for name in ("ADMIN UNIT", "BILLING")]
        self.users = [
            {"person_name": "", "username": name, "id": str(i), "email": ""}
            for i, name in enumerate(("INTEGRATION", "M_USER", "BATCH"), 1)
        ]
        rules = [
            (
                entity,
                self.named(f"SEND {entity} {i}", f"WD{i}"),
                [self.named(f"{entity} RULE {i}{x}", f"WR{i}{x}") for x in "AB"],
                ("id,number", "id,number,status", "")[i % 3],
                rnd.randbytes(16),
            )
            for i, entity in enumerate((*ENTITIES, "ACTIVITIES"), 1)
        ]
        ids = [f"{rnd.getrandbits(128):032X}" for _ in range(36)]
        dates = [datetime(2014, 1, 1) + timedelta(0, rnd.randrange(63072000)) for _ in range(100)]
        sequence, rejected = 60, 0
        for i, created in enumerate(sorted(dates + dates[:20])):
            sequence += 1 if i % 20 else rnd.randint(1, 20)
            entity, definition, rule, fields, secret = rnd.choices(rules, (3, 1, 1, 1, 2))[0]
            by = (rnd.choice(self.units), rnd.choice(self.users))
            error = rnd.choice(SEND_ERRORS) if rnd.random() < 0.4 else None
            rejected += bool(error)
            log = dict(
                created_date=created,
                updated_date=None,
                created_by_unit=by[0],
                updated_by_unit=None,
                created_by_user=by[1],
                updated_by_user=None,
            )
            row = dict(
                id=f"{rnd.getrandbits(128):032X}",
                number=str(sequence),
                entity=entity,
                entity_id=rnd.choice(ids[ENTITIES.index(entity) :: 4]),
                fields_set=fields,
                url=f"http://10.0.0.9:7777/pls/crm/{entity.lower()}_in",
                _secret=secret,
                webhook_definition=definition,
                workflow_rule=rnd.choice(rule),
                log_information=log,
                _attempt=0,
                _fails=error and rejected % 10 == 4,
            )
            self.send(row, error, *((created + timedelta(seconds=8), *by) if error else ()))
            self.rows.append(row)

    def named(self, name: str, code: str) -> Args:
        """A referred object, its id a SYS_GUID from the seed."""
        return {"id": self.rnd.randbytes(16).hex().upper(), "name": name, "alternative_code": code}

    def send(self, row: Args, error: tuple[str, str] | None, *by: Any) -> None:
        """One attempt: request pairs, SQLCODE as response, state, error, update trigger."""
        row["_attempt"] += 1
        pairs = [
            ["ENTITY", row["entity"]],
            ["ID", row["entity_id"]],
            ["FIELDS_SET", row["fields_set"]],
            ["ATTEMPT", row["_attempt"]],
        ]
        (code, text), body = error or (None, None), json.dumps(serialize(pairs)).encode()
        sent = code in (None, "ORA-29273")
        mac = hmac.new(row["_secret"], body, "sha1").hexdigest().upper()
        row |= {
            "request": pairs,
            "authentication_code": mac if sent else None,
            "response": (int(code[3:]) if code else 0) if sent else None,
            "life_cycle_state": "REJECTED" if code else "SUCCESSFUL",
            "error_code": code,
            "error_description": code and f'{code}: {text}\nORA-06512: AT "SYS.UTL_HTTP"',
        }
        row["log_information"] |= zip(("updated_date", "updated_by_unit", "updated_by_user"), by)

    def logon(self, args: Args) -> Rows:
        """authentication/token: all in any case, as before release 11g."""
        given, unit = {name: text_of(args, name).upper() for name in LOGIN}, text_of(args, "unit")
        need(all(given.values()), "ORA-20010", f"PARAMETERS {', '.join(LOGIN)} ARE MANDATORY")
        need(given == LOGIN, "ORA-01017", "INVALID USERNAME/PASSWORD; LOGON DENIED")
        need(unit.upper() in ["", *(u["id"] for u in self.units)], "ORA-20030", "UNIT NOT ALLOWED")
        token = str(self.rnd.randrange(10**9, 10**10))
        self.sessions[token] = time.monotonic()
        return [{"token": token}], None

    def show(self, args: Args) -> Rows:
        """SELECT INTO one row by id or number; a deleted one has its own error."""
        key, value = identifier(args, ONE, "id", "number") or ("", "")
        need(key, "ORA-20010", f"PARAMETER {ONE} IS MANDATORY")
        found = [row for row in self.rows if row[key] == value] or [{}]
        need(found[0], "ORA-01403", "NO DATA FOUND")
        need(not found[0].get("_gone"), "ORA-20016", f"REQUEST {value} HAS BEEN DELETED")
        return found, None

    def query(self, args: Args) -> Rows:
        """list: AND of the filters, ordered, then cut by ROWNUM; no rows is null."""
        rows = [r for r in self.rows if not r.get("_gone")]
        refs = {
            name[:-11]: identifier(args, name, "id", "name", "alternative_code")
            for name in FILTERS[:2]
        }
        entity, entity_id, state, url, date = (text_of(args, name).upper() for name in FILTERS[2:])
        need(any(refs.values()) or entity or entity_id, "ORA-20014", "NO SEMI-OPTIONAL PARAMETER")
        need(entity in ("", *ENTITIES), "ORA-20020", f"ENTITY {entity} IS NOT SUPPORTED")
        need(state in ("", "SUCCESSFUL", "REJECTED"), "ORA-20021", f"STATE {state} IS UNKNOWN")
        day = datetime.fromisoformat(date).date() if date else None
        like = re.compile(re.escape(url or "%").replace("%", ".*").replace("_", "."), re.I)
        for name, ref in refs.items():
            known = [r for r in self.rows if not ref or r[name][ref[0]] == ref[1]]
            need(known, "ORA-01403", "NO DATA FOUND")
            rows = [r for r in rows if r in known]
        rows = [
            r
            for r in rows
            if entity in ("", r["entity"])
            and like.fullmatch(r["url"])
            and entity_id in ("", r["entity_id"])
            and state in ("", r["life_cycle_state"])
            and day in (None, r["log_information"]["created_date"].date())
        ]
        rows.sort(
            key=lambda r: (
                r["entity"],
                -r["log_information"]["created_date"].timestamp(),
                r["number"],
            )
        )
        note = "NO ROWS SELECTED" if not rows else "MORE ROWS EXIST" if rows[MAX_ROWNUM:] else None
        return rows[:MAX_ROWNUM], note

    def resend(self, args: Args) -> Rows:
        """Send a rejected row again; a second failure is stored, then raised."""
        row = self.show(args)[0][0]
        need(row["life_cycle_state"] == "REJECTED", "ORA-20015", "REQUEST IS NOT REJECTED")
        now, error = datetime.now().replace(microsecond=0), SEND_ERRORS[1]
        self.send(row, error if row["_fails"] else None, now, self.units[0], self.users[0])
        need(not row["_fails"], *error)
        return [row], f"REQUEST {row['number']} RESENT"

    def delete(self, args: Args) -> Rows:
        """DELETE ... RETURNING; the row stays as a ghost with its own error."""
        row = self.show(args)[0][0]
        row["_gone"] = True
        return [row], "1 ROW DELETED"

    def call(self, verb: str, path: str, args: Args) -> tuple[Any, str | None]:
        """Bind verb, path and arguments, check session and SELECT list, run, project."""
        name, known = PROCEDURES.get(f"{verb} {path}", ("", ""))
        need(name, "PLS-00201", f"IDENTIFIER {path} MUST BE DECLARED")
        need(not set(args) - set(known.split()), "PLS-00306", f"WRONG ARGUMENTS IN CALL TO {path}")
        columns = text_of(args, "fields_set") or ("token" if name == "logon" else COLUMNS)
        if name != "logon":
            token, now = text_of(args, "token"), time.monotonic()
            need(token, "ORA-01012", "NOT LOGGED ON")
            need(token in self.sessions, "ORA-00022", "INVALID SESSION ID; ACCESS DENIED")
            need(now - self.sessions[token] <= IDLE, "ORA-02396", "MAXIMUM IDLE TIME")
            self.sessions[token] = now
        names = [column.strip().lower() for column in columns.split(",")]
        need(all(names), "ORA-00936", "MISSING EXPRESSION")
        wrong = [one for one in names if one not in COLUMNS.split(",") and name != "logon"]
        need(not wrong, "ORA-00904", f"{', '.join(wrong)}: INVALID IDENTIFIER")
        rows, note = getattr(self, name)(args)
        data = [{one: row[one] for one in names} for row in rows]
        return (data or None) if name == "query" else data[0], note


class Gateway(BaseHTTPRequestHandler):
    """The HTTP gateway in front of the package."""

    package: Package
    timeout = 10.0

    def handle_call(self) -> None:
        """Any verb: query and, for POST, JSON body (which wins) as arguments; the envelope."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url, http, data = urlsplit(self.path), 200, None
        path = unquote(url.path).lower().rstrip("/").removeprefix(BASE)
        status: dict[str, str | None] = {"code": "OK", "message": None, "description": None}
        try:
            args = parse_qsl(url.query, keep_blank_values=True)
            need(len({key.lower() for key, _ in args}) == len(args), "PLS-00306", "ARGUMENT TWICE")
            body = json.loads(raw) if self.command == "POST" and raw.strip() else {}
            need(isinstance(body, dict), "ORA-40587", "INVALID JSON TYPE")
            both = {key.strip().lower(): item for key, item in [*args, *body.items()]}
            data, status["message"] = self.package.call(self.command, path, both)
        except Exception as error:  # WHEN OTHERS
            code, text = (
                error.args
                if isinstance(error, OraError)
                else (OTHERS.get(type(error), ("ORA-06501", "PROGRAM ERROR")))
            )
            http = next((STATUS[key] for key in STATUS if code.startswith(key)), 200)
            status = {
                "code": code,
                "message": f"{code}: {text.upper()}",
                "description": f'ORA-06512: AT "CRM.{path.strip("/").replace("/", ".").upper()}"',
            }
        answer = json.dumps(serialize({"status": status, "data": data})).encode()
        self.send_response_only(http)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_call


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--port", "--seed"):
        parser.add_argument(option, type=int, required=True)
    options = parser.parse_args()
    Gateway.package = Package(options.seed)
    with HTTPServer(("127.0.0.1", options.port), Gateway) as server:
        print("READY", flush=True)
        server.serve_forever()
