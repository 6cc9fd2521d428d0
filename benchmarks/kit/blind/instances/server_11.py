"""Stand-alone server of CRM.COM's classic Web API, release R9: webhook_requests and the login."""

from __future__ import annotations
import argparse, base64, hashlib, hmac, json, random, re, threading, time  # noqa: E401
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Optional
from urllib.parse import parse_qs, urlsplit

BASE_PATH, IDLE, MAX_PAGE, STATES = "/crmapi/rest/v2", 3600, 100, ("SUCCESSFUL", "REJECTED")
ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
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
ONE = "token webhook_request_identifier"  # members of the body of resend and delete
CRM, SPRING, JACKSON = "com.crm.exception.", "org.springframework.", "com.fasterxml.jackson."
ERRORS = {  # simple class name of the exception: its package and its HTTP status
    "LoginFailed": (CRM + "security.", 401),
    "SessionNotFound": (CRM + "security.", 401),
    "SessionTimedOut": (CRM + "security.", 401),
    "MandatoryFieldMissing": (CRM + "core.", 400),
    "CriterionRequired": (CRM + "core.", 400),
    "MultipleIdentifiers": (CRM + "core.", 400),
    "EntityNotFound": (CRM + "core.", 404),
    "RequestDeleted": (CRM + "webhooks.", 410),
    "OnlyRejectedCanBeResent": (CRM + "webhooks.", 409),
    "Runtime": ("java.lang.", 500),
    "SendingFailed": (CRM + "webhooks.", 502),
    "NoHandlerFound": (SPRING + "web.servlet.", 404),
    "HttpMessageNotReadable": (SPRING + "http.converter.", 400),
    "UnrecognizedProperty": (JACKSON + "databind.", 400),
    "TypeMismatch": (SPRING + "beans.", 400),
    "HttpMediaTypeNotSupported": (SPRING + "web.", 415),
    "HttpRequestMethodNotSupported": (SPRING + "web.", 405),
}
Dto = dict[str, Any]
fold = str.casefold  # texts are compared as the database collation does: without regard to case


class ApiError(Exception):
    """Arguments: a key of ERRORS, and the text of status.message."""


def check(ok: Any, kind: str, message: str) -> None:
    """Raise an error of that kind unless the condition holds."""
    if not ok:
        raise ApiError(kind, message)


def text(p: Dto, name: str, to: Callable[[str], Any] = str) -> Any:
    """Read a trimmed text, perhaps converted; blank and null are the same as missing."""
    value = p.get(name)
    check(not isinstance(value, (dict, list)), "HttpMessageNotReadable", f"{name} is not a text")
    value = json.dumps(value) if isinstance(value, (bool, int, float)) else (value or "").strip()
    try:
        return to(value) if value else None
    except ValueError:
        raise ApiError("TypeMismatch", f"Cannot convert {name} '{value}'") from None


def identifier(p: Dto, name: str, *allowed: str) -> Optional[tuple[str, str]]:
    """Read an identifier (object in a body, field=value in a query) as field and value."""
    raw = p.get(name) or {}
    if isinstance(raw, str) and "@query" in p:
        parts = re.split(r",(?=\s*(?:id|number|name|alternative_code)=)", raw)
        pairs = [(k.strip(), v) for k, _, v in (s.partition("=") for s in parts if s.strip())]
    else:
        check(isinstance(raw, dict), "HttpMessageNotReadable", f"{name} is not an object")
        pairs = list(raw.items())
    for key, _ in pairs:
        check(key in allowed, "UnrecognizedProperty", f"Unrecognized property '{key}' of {name}")
    given = [(k, plain) for k, v in pairs if (plain := text({k: v}, k))]
    check(len(given) < 2, "MultipleIdentifiers", f"Use only one of the identifiers of {name}")
    return given[0] if given else None


def sign(row: Dto) -> str:
    """Return the HMAC-SHA1 of the request, with a key of its definition, as Base64."""
    key, data = row["webhook_definition"]["id"].encode(), json.dumps(row["request"]).encode()
    return base64.b64encode(hmac.new(key, data, hashlib.sha1).digest()).decode()


class Service:
    """The seeded records, the sessions, a clock that moves with every write; the methods."""

    def __init__(self, seed: int) -> None:
        self.rnd, self.clock = random.Random(seed), datetime(2016, 11, 1, 8)
        self.sessions: dict[str, tuple[float, Dto]] = {}
        self.hex_id: Callable[[], str] = lambda: f"{self.rnd.getrandbits(128):032X}"
        self.units = [
            {
                "id": self.hex_id(),
                "name": n,
                "description": d,
                "alternative_code": n[:2],
                "group_name": "Main Group",
                "community_name": "Internal Community",
            }
            for n, d in (("Main Office", "Λευκωσία"), ("Call Centre", None))
        ]
        self.users = [
            {
                "id": self.hex_id(),
                "username": n,
                "person_name": n.title(),
                "email": n + "@x.example",
            }
            for n in ("integration", "m.nicolaou", "a_ioan")
        ]
        names = ["Activity Push", "Jobs to ERP", "Ticket Mirror", "Billing, Feed", "audit copy"]
        rules = [f"{e.title()} rule {n}" for e in ENTITIES for n in "12"]
        self.definitions, self.rules = (
            [
                {"id": self.hex_id(), "alternative_code": f"{c}_{i}", "name": n}
                for i, n in enumerate(pool)
            ]
            for c, pool in (("WD", names), ("WR", rules))
        )
        self.targets = [[self.hex_id() for _ in range(6)] for _ in ENTITIES]
        ticks = [self.rnd.randrange(729 * 86400) for _ in range(106)]
        when = [datetime(2014, 11, 1) + timedelta(seconds=s) for s in ticks + ticks[:14]]
        self.rows = [self.build(i, created) for i, created in enumerate(sorted(when))]
        for i, row in enumerate(r for r in self.rows if r["error_code"]):
            row["@fails"] = i % 10 == 4
        self.routes: dict[str, tuple[str, str, Callable[[Dto], Any]]] = {
            "authentication/token": ("POST", "username password organisation unit", self.login),
            "webhook_requests/show": ("GET", "", lambda p: self.serialize(self.find(p)[0], p)),
            "webhook_requests/list": ("GET", "", self.list),
            "webhook_requests/resend": ("POST", ONE, self.resend),
            "webhook_requests/delete": ("POST", ONE, self.delete),
        }

    def build(self, i: int, created: datetime) -> Dto:
        """Build one record; its definition decides how request and response look."""
        kind = self.rnd.choices(range(4), (9, 4, 4, 4))[0]
        key, pick = self.rnd.choice(self.targets[kind]), 4 if kind == 0 and i % 3 == 0 else kind
        request = (
            {"data": {"id": key, "sequence": i, "note": "Ενημέρωση"}},
            [key, i, True],
            f'{{"id":"{key}"}}',
            self.hex_id(),
            i,
        )[pick]
        answer: Any = ({"accepted": True, "ref": i}, [], "OK", i * 10, {"queue": [i]})[pick]
        failure = self.rnd.choice(
            (
                "LazyInitializationException",
                "SocketTimeoutException",
                "HttpServerErrorException",
                None,
                None,
                None,
                None,
            )
        )
        trace = failure and f"{failure}: attempt 1\n\tat com.crm.webhooks.Send(Send.java:{90 + i})"
        answer = answer if not failure else "<html>503</html>" if "Http" in failure else None
        log = {"created_date": created.isoformat()} | (
            {}
            if i % 6 == 5
            else {
                "created_by_user": self.rnd.choice(self.users),
                "created_by_unit": self.units[i % 2],
            }
        )
        row: Dto = {"@created": created} | dict(
            zip(
                FIELDS,
                (
                    self.hex_id(),
                    str(i + 1),
                    STATES[bool(failure)],
                    ENTITIES[kind],
                    key,
                    f"https://hooks{pick}.example.com/in/{ENTITIES[kind].lower()}",
                    None,
                    (None, "id,number", "number", "id, state", "*")[pick],
                    request,
                    answer,
                    failure,
                    trace,
                    self.definitions[pick],
                    self.rules[kind * 2 + i % 2],
                    log,
                ),
            )
        )
        return row | {"authentication_code": None if "Lazy" in (failure or "") else sign(row)}

    def login(self, p: Dto) -> Dto:
        """Check user name, password, organisation and unit; open a session."""
        for name in ("username", "password", "organisation"):
            check(text(p, name), "MandatoryFieldMissing", f"{name} is mandatory")
        given = fold(text(p, "username")), p["password"], fold(text(p, "organisation"))
        check(given == ("integration", "blind-1-pass", "blind"), "LoginFailed", "Wrong details")
        wanted, token = text(p, "unit"), base64.b64encode(self.rnd.randbytes(32)).decode()
        units = [u for u in self.units if wanted is None or u["id"] == wanted.upper()]
        check(units, "EntityNotFound", f"There is no unit with id {wanted}")
        self.sessions[token] = time.monotonic(), units[0]
        return {"token": token}

    def session(self, p: Dto) -> Dto:
        """Return the unit of the token's user, and prolong the session."""
        check(token := text(p, "token"), "MandatoryFieldMissing", "token is mandatory")
        check(token in self.sessions, "SessionNotFound", "The session does not exist")
        used, unit = self.sessions[token]
        check(time.monotonic() - used <= IDLE, "SessionTimedOut", "Session timed out")
        self.sessions[token] = time.monotonic(), unit
        return unit

    def find(self, p: Dto) -> tuple[Dto, Dto]:
        """Check the token; find the record that the identifier names, and the unit that asks."""
        unit, name = self.session(p), "webhook_request_identifier"
        member, value = identifier(p, name, "id", "number") or ("", "")
        check(member, "MandatoryFieldMissing", f"{name} is mandatory")
        found = [r for r in self.rows if fold(r[member]) == fold(value)]
        check(found, "EntityNotFound", f"There is no request with {member} {value}")
        check("@deleted" not in found[0], "RequestDeleted", f"{member} {value} was deleted")
        return found[0], unit

    def serialize(self, row: Dto, p: Dto) -> Dto:
        """Return all fields, or id and those of fields_set; unknown names are ignored."""
        names = text(p, "fields_set", lambda t: {"id", *re.split(r"\s*,\s*", t)})
        return {n: row[n] for n in FIELDS if not names or n in names}

    def list(self, p: Dto) -> list[Dto]:
        """Return a page of the records that meet all criteria."""
        self.session(p)
        hits, given = [r for r in self.rows if "@deleted" not in r], False
        pools = {"webhook_definition": self.definitions, "workflow_rule": self.rules}
        for name, pool in pools.items():
            if key := identifier(p, name + "_identifier", "id", "name", "alternative_code"):
                found = [o for o in pool if fold(o[key[0]]) == fold(key[1])]
                check(found, "EntityNotFound", f"There is no {name} with {key[0]} {key[1]}")
                hits, given = [r for r in hits if r[name] is found[0]], True
        entity = text(p, "entity", lambda t: ENTITIES[ENTITIES.index(t.upper())])
        target, url = text(p, "entity_id", fold), text(p, "url", fold) or ""
        check(given or entity or target, "CriterionRequired", "Add a search criterion")
        state = text(p, "life_cycle_state", lambda t: STATES[STATES.index(t.upper())])
        on = text(p, "created_date", lambda t: datetime.fromisoformat(t).date())
        size = text(p, "number_of_results", lambda t: range(10**9).index(int(t) - 1) + 1) or 50
        skip = text(p, "offset", lambda t: range(10**9).index(int(t))) or 0
        hits = [
            r
            for r in hits
            if entity in (None, r["entity"])
            and state in (None, r["life_cycle_state"])
            and fold(r["url"]).startswith(url)
            and target in (None, fold(r["entity_id"]))
            and on in (None, r["@created"].date())
        ]
        hits.sort(
            key=lambda r: (
                fold(r["webhook_definition"]["name"]),
                datetime.max - r["@created"],
                int(r["number"]),
            )
        )
        return [self.serialize(r, p) for r in hits[skip : skip + min(size, MAX_PAGE)]]

    def touch(self, row: Dto, unit: Dto, **changes: Any) -> Dto:
        """Write the changes, the user, the unit and the date; return the record."""
        self.clock += timedelta(seconds=7)
        row |= changes | {
            "log_information": row["log_information"]
            | {
                "updated_date": self.clock.isoformat(),
                "updated_by_user": self.users[0],
                "updated_by_unit": unit,
            }
        }
        return self.serialize(row, {})

    def resend(self, p: Dto) -> Dto:
        """Send a rejected request again, at once; a failure is stored and reported."""
        row, unit = self.find(p)
        check(row["life_cycle_state"] == STATES[1], "OnlyRejectedCanBeResent", "Already sent")
        if row["@fails"]:
            trace = f"java.net.ConnectException: refused by {row['url']}"
            self.touch(
                row,
                unit,
                authentication_code=sign(row),
                response=None,
                error_code="ConnectException",
                error_description=trace,
            )
            raise ApiError("SendingFailed", trace)
        return self.touch(
            row,
            unit,
            authentication_code=sign(row),
            error_code=None,
            error_description=None,
            response=["RESENT", int(row["number"])],
            life_cycle_state="SUCCESSFUL",
        )

    def delete(self, p: Dto) -> Dto:
        """Mark the record as deleted and return it."""
        return self.touch(*self.find(p), **Dto({"@deleted": True}))


class Handler(BaseHTTPRequestHandler):
    """Dispatcher: route, verb, media type, body, members, method; then one error mapper."""

    protocol_version, service, lock = "HTTP/1.1", Service(0), threading.Lock()

    def parameters(self, raw: bytes, members: str) -> Dto:
        """Read the query of a GET (repeats joined by commas) or the JSON body of a POST."""
        if self.command == "GET":
            query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            return {name: ",".join(values) for name, values in query.items()} | {"@query": "yes"}
        media = self.headers.get_content_type()
        check(media == "application/json", "HttpMediaTypeNotSupported", f"{media} not supported")
        body = json.loads(raw.decode("utf-8"))
        check(isinstance(body, dict), "HttpMessageNotReadable", "The body is not an object")
        for key in body:
            check(key in members.split(), "UnrecognizedProperty", f"Unrecognized property '{key}'")
        return body

    def dispatch(self) -> None:
        """Answer one request of any verb; an empty data member is left out."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        code, message, simple, status, data, verb = "OK", "", "", 200, None, ""
        try:
            path = urlsplit(self.path).path.removesuffix("/")
            name, routes = path.removeprefix(BASE_PATH + "/"), self.service.routes
            check(name in routes, "NoHandlerFound", f"No handler found for {self.command} {path}")
            verb, members, method = routes[name]
            check(self.command == verb, "HttpRequestMethodNotSupported", f"Use {verb}")
            with self.lock:
                data = method(self.parameters(raw, members))
        except Exception as exc:  # the exception mapper; a ValueError is a body that is not JSON
            other = "HttpMessageNotReadable" if isinstance(exc, ValueError) else "Runtime"
            kind, message = exc.args if isinstance(exc, ApiError) else (other, str(exc))
            code, status, simple = f"{ERRORS[kind][0]}{kind}Exception", ERRORS[kind][1], kind
        state = {"code": code.upper(), "message": message, "description": simple}
        answer = {"status": state} | ({"data": data} if data else {})
        payload = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("Allow", verb)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else payload)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = dispatch
    log_message = lambda self, *args: None  # type: ignore[assignment] # noqa: E731


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("--port", "--seed"):
        parser.add_argument(flag, type=int, required=True)
    options = parser.parse_args()
    Handler.service = Service(options.seed)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print("READY", flush=True)
    server.serve_forever()
