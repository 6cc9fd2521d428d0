"""CRM.COM Web API R14: webhook_requests and its logins.  python server.py --port P --seed S

House rules: nothing is trimmed, guessed, case-folded or ignored; null never means "not given".
"""

import argparse, json, random, re, threading, time  # noqa: E401
from base64 import b64encode, urlsafe_b64encode
from datetime import datetime, timedelta
from hmac import digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
BASE, API_KEY = "/crmapi/rest/v2/", "B5000000000000000000000000004711"
LOGIN = {"username": "integration", "password": "blind-1-pass", "organisation": "BLIND"}
LIFETIME, PAGE_DEFAULT, PAGE_MAX, STAMP = 7200, 20, 60, "%Y-%m-%dT%H:%M:%S"
ENTITIES = ("ACTIVITIES", "JOBS", "LEADS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
OPTIONS = {"entity": ENTITIES, "life_cycle_state": ("SUCCESSFUL", "REJECTED")}
FIELDS = (
    "request log_information life_cycle_state webhook_definition entity_id workflow_rule "
    "url fields_set authentication_code number response error_description error_code id "
    "entity"
).split()  # in the order of later releases
SEMI = ("webhook_definition_identifier", "workflow_rule_identifier", "entity", "entity_id")
ONE = ("webhook_request_identifier", "fields_set")
ERRORS = {  # the first three digits of a code are its HTTP status
    "json": "REQ-4001 Body is not well-formed JSON",
    "object": "REQ-4002 Body is not an object",
    "empty": "REQ-4003 Body is empty",
    "media": "REQ-4004 Content type is not application/json",
    "query": "REQ-4005 Query is malformed",
    "repeated": "REQ-4006 Name is given more than once",
    "place": "REQ-4007 Data in a place not read",
    "verb": "REQ-4008 Verb is not supported",
    "http": "REQ-4009 HTTP message is refused",
    "path": "REQ-4041 Resource does not exist",
    "missing": "PAR-4001 Mandatory parameter missing",
    "unknown": "PAR-4002 Parameter not defined",
    "blank": "PAR-4003 Value is empty or has outer blanks",
    "type": "PAR-4004 Wrong data type",
    "option": "PAR-4005 Value is not a supported option",
    "date": "PAR-4006 Date is not valid",
    "paging": "PAR-4007 Number is out of range",
    "fields": "PAR-4008 Fields set is not valid",
    "semi": "PAR-4009 At least one semi-optional parameter is required",
    "no_key": "IDF-4001 Identifier names no field",
    "bad_key": "IDF-4003 Field is not supported",
    "two_keys": "IDF-4002 Identifier must name one field only",
    "no_token": "SEC-4011 Authentication required",
    "bad_token": "SEC-4012 Token is not valid",
    "expired": "SEC-4013 Session has ended",
    "released": "SEC-4031 Session closed by its owner",
    "login": "SEC-4014 Credentials not accepted",
    "unit": "SEC-4032 Unit is not assigned to user",
    "request": "WHR-4041 No such webhook request",
    "deleted": "WHR-4042 Request has been deleted",
    "definition": "WHR-4043 No such webhook definition",
    "rule": "WHR-4044 No such workflow rule",
    "state": "WHR-4091 Request is not rejected",
    "again": "WHR-4092 Request was rejected again",
}


class ApiError(Exception):
    """A refusal: a kind of ERRORS and the name of the thing at fault, or None."""


def need(condition: object, kind: str, subject: str | None = None) -> None:
    """The one error helper: refuse the call unless the condition holds."""
    if not condition:
        raise ApiError(kind, subject)


def parse(kind: str, subject: str | None, parser: Callable[..., Any], *args: Any) -> Any:
    """Run a parser of the library; what it cannot read is a refusal of the kind."""
    try:
        return parser(*args)
    except (ValueError, RecursionError):
        raise ApiError(kind, subject) from None


def text(params: Json, name: str, pattern: str = r"\S(.*\S)?", kind: str = "blank") -> str:
    """A member that must be a string of the pattern; by default, one without outer blanks."""
    need(isinstance(params[name], str), "type", name)
    need(re.fullmatch(pattern, params[name], re.DOTALL), kind, name)
    return params[name]


def identifier(params: Json, name: str, keys: tuple[str, ...]) -> tuple[str, str]:
    """The one (field, value) of an identifier: an object, in a query the text field=value."""
    given = params[name]
    if isinstance(given, str) and params["verb"] == "GET":
        parts = re.split("[,;&](?=(?:id|number|name|alternative_code)=)", text(params, name))
        given = unique([tuple(part.split("=", 1)) for part in parts if "=" in part])
    need(isinstance(given, dict), "type", name)
    need(given, "no_key", name)
    need(len(given) == 1, "two_keys", name)
    need((key := next(iter(given))) in keys, "bad_key", name)
    return key, text(given, key)


def unique(pairs: list[Any]) -> Json:
    """A mapping of pairs whose names must differ (members of an object, query parameters)."""
    need(len(dict(pairs)) == len(pairs), "repeated")
    return dict(pairs)


class Backend:
    """Records, sessions and the methods of the API, all made from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng, self.lock = random.Random(seed), threading.Lock()
        self.secret, self.sessions = self.hex().encode(), dict[str, Json]()
        self.deleted = set[tuple[str, str]]()
        self.units: list[Json] = [
            dict(
                alternative_code=code,
                group_name="Main Group",
                community_name="Internal Community",
                name=f"Unit {code}",
                description=None,
                id=self.hex(),
            )
            for code in ("BO", "FS", "HO")
        ]
        self.users: list[Json] = [
            dict(
                person_name=name.title(),
                id=self.hex(),
                email=f"{name}@blind.example",
                username=name,
            )
            for name in ("integration", "webapi", "a.martin", "z.okafor")
        ]
        self.definitions = [
            dict(
                alternative_code=f"WD{n}",
                name=f"{e.title()} Feed {n}",
                life_cycle_state=f"{'NOT_' * (n == 6)}EFFECTIVE",
                id=self.hex(),
            )
            for n, e in enumerate((*ENTITIES, "ACTIVITIES"), 1)
        ]
        self.rules = [
            dict(
                alternative_code=f"RULE-{n:02}",
                name=f"On {entity.title()} change {n}",
                priority=("LOW", "MEDIUM", "HIGH")[n % 3],
                id=self.hex(),
            )
            for n, entity in enumerate(ENTITIES * 2, 1)
        ]
        days = sorted(self.rng.randrange(730 * 86400) for _ in range(120))
        created = [datetime(2015, 9, 1) + timedelta(seconds=second) for second in days]
        created[2::6] = created[1::6]
        self.records = [self.record(n, moment) for n, moment in enumerate(created)]
        self.stubborn = [record["id"] for record in self.records if record["error_code"]][3::10]

    def hex(self) -> str:
        """A new identifier: 32 upper-case hexadecimal digits."""
        return f"{self.rng.getrandbits(128):032X}"

    def sign(self, data: Json) -> str:
        """The authentication code: base64 of HMAC-SHA256 over the compact data object."""
        compact = json.dumps(data, separators=(",", ":")).encode()
        return b64encode(digest(self.secret, compact, "sha256")).decode()

    def record(self, n: int, created: datetime) -> Json:
        """The n-th webhook request; `response` is whatever the other side's body parsed to."""
        pick, which = self.rng.choice, n if n < 10 else self.rng.randrange(10)
        entity, feed = ENTITIES[which % 5], self.definitions[which if which < 6 else which % 5]
        data, good = {"id": self.hex(), "number": str(7000 + n)}, pick((True, False))
        maker, delay = pick((None, *self.users)), pick((8, 8, 3600, 777600, None))
        error, answer = (
            pick(
                (
                    ("LazyInitializationException", None),
                    ("SocketTimeoutException", None),
                    ("HttpServerErrorException", "<html>502</html>"),
                    ("HttpClientErrorException", [422]),
                )
            )
            if not good
            else (None, pick(({"accepted": n}, ["ACK", n], "received", 202)))
        )
        log = {
            "created_by_unit": maker and pick(self.units),
            "created_date": f"{created:{STAMP}}",
            "updated_by_unit": delay and pick(self.units),
            "created_by_user": maker,
            "updated_date": delay and f"{created + timedelta(seconds=delay):{STAMP}}",
            "updated_by_user": delay and pick(self.users),
        }
        return dict(
            id=self.hex(),
            number=str(2001 + n),
            entity=entity,
            entity_id=data["id"],
            life_cycle_state="SUCCESSFUL" if good else "REJECTED",
            log_information=log,
            url=f"https://hooks.blind.example/in/{feed['alternative_code']}/{which % 3}",
            fields_set="id,number" if which % 4 else None,
            workflow_rule=self.rules[which],
            webhook_definition=feed,
            request={"entity": entity, "data": data},
            response=answer,
            error_code=error,
            error_description=error and f"com.crm.{error}\n\tat com.crm.Sender.send(Sender:47)",
            authentication_code=None if error and error[0] == "L" else self.sign(data),
        )

    def session(self, params: Json) -> Json:
        """Check and remove the token of a call; returns who and where the caller is."""
        need("token" in params, "no_token", "token")
        session = self.sessions.get(str(params.pop("token")), {})
        need(session, "bad_token", "token")
        need(not session["closed"], "released", "token")
        need(time.time() < session["end"], "expired", "token")
        return session

    def login(self, params: Json, who: Json) -> Json:
        """POST authentication/token and, with Basic KEY: for a name, web_api_key/token.

        Opens a session of two hours and answers its JWT; sessions do not replace each other.
        """
        for name in () if who["by_key"] else LOGIN:
            need(name in params, "missing", name)
        need(not who["by_key"] or who["basic"], "no_token", "Authorization")
        need(
            who["basic"] == "Basic " + b64encode(f"{API_KEY}:".encode()).decode()
            if who["by_key"]
            else {name: text(params, name) for name in LOGIN} == LOGIN,
            "login",
        )
        wanted = text(params, "unit") if "unit" in params else self.units[0]["id"]
        units, now = [u for u in self.units[:2] if u["id"] == wanted], int(time.time())
        need(units, "unit", "unit")
        user = self.users[who["by_key"]]
        claims = dict(
            usr=user["username"],
            org=LOGIN["organisation"],
            oun=units[0]["name"],
            exp=str(now + LIFETIME),
            iat=str(now),
            jti=self.hex(),
        )
        parts = [json.dumps(part).encode() for part in ({"typ": "JWT", "alg": "HS256"}, claims)]
        head = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        mark = urlsafe_b64encode(digest(self.secret, head, "sha256")).rstrip(b"=")
        token = f"{head.decode()}.{mark.decode()}"
        self.sessions[token] = dict(end=now + LIFETIME, user=user, unit=units[0], closed=False)
        return {"token": token}

    def release(self, _: Json, who: Json) -> Json:
        """POST authentication/token/release: deprecated since R12, still closes the session."""
        who["closed"] = True
        return {}

    def show(self, params: Json, _: Json) -> Json:
        """GET webhook_requests/show; resend and delete find their record here too."""
        need(ONE[0] in params, "missing", ONE[0])
        key = identifier(params, ONE[0], ("id", "number"))
        found = [record for record in self.records if record[key[0]] == key[1]]
        need(found, "deleted" if key in self.deleted else "request", "=".join(key))
        return found[0]

    def search(self, params: Json, _: Json) -> list[Json]:
        """GET webhook_requests/list: all filters must match; last updated first."""
        paging = {"number_of_results": str(PAGE_DEFAULT), "offset": "0", **params}
        size, start = (
            int(text(paging, name, "0|[1-9][0-9]{0,8}", "paging"))
            for name in ("number_of_results", "offset")
        )
        need(1 <= size <= PAGE_MAX, "paging", "number_of_results")
        tests: Json = {
            name: text(params, name) for name in params if name in FIELDS and name != "fields_set"
        }
        date = params.get("created_date")
        for name in tests:
            need(tests[name] in OPTIONS.get(name, tests.values()), "option", name)
        moment = date is not None and parse("date", "created_date", datetime.strptime, date, STAMP)
        need(date is None or f"{moment:{STAMP}}" == date, "date", "created_date")
        need(any(name in params for name in SEMI), "semi", ",".join(SEMI))
        for name, stock in zip(SEMI, (self.definitions, self.rules)):
            if name in params:
                key, value = identifier(params, name, ("id", "name", "alternative_code"))
                found = [item for item in stock if item[key] == value]
                need(found, name.split("_")[1], f"{key}={value}")
                tests[name.removesuffix("_identifier")] = found[0]
        hits = [
            r
            for r in self.records
            if all(r[name] == tests[name] for name in tests)
            and date in (None, r["log_information"]["created_date"])
        ]
        hits.sort(key=lambda r: (r["log_information"]["created_date"], r["id"]))
        hits.sort(key=lambda r: r["log_information"]["updated_date"] or "", reverse=True)
        return hits[start : start + size]

    def resend(self, params: Json, who: Json) -> Json:
        """POST webhook_requests/resend: at once, with the stored URL and data."""
        record = self.show(params, who)
        need(record["life_cycle_state"] == "REJECTED", "state", f"number={record['number']}")
        record["log_information"].update(
            updated_by_unit=who["unit"],
            updated_by_user=who["user"],
            updated_date=time.strftime(STAMP, time.gmtime()),
        )
        if record["id"] in self.stubborn:
            record.update(
                error_code="ConnectException",
                error_description="com.crm.ConnectException: refused",
                response=None,
            )
            raise ApiError("again", f"number={record['number']}")
        record.update(
            life_cycle_state="SUCCESSFUL",
            error_code=None,
            error_description=None,
            authentication_code=self.sign(record["request"]["data"]),
            response={"accepted": int(record["number"])},
        )
        return record

    def delete(self, params: Json, who: Json) -> Json:
        """POST webhook_requests/delete: answers the record as it last was."""
        self.records.remove(record := self.show(params, who))
        self.deleted |= {(key, record[key]) for key in ("id", "number")}
        return record


ROUTES: dict[str, tuple[str, tuple[str, ...], Callable[[Backend, Json, Json], Any]]] = {
    "authentication/token": ("POST", (*LOGIN, "unit"), Backend.login),
    "authentication/token/release": ("POST", (), Backend.release),
    "authentication/web_api_key/token": ("POST", ("unit",), Backend.login),
    "webhook_requests/show": ("GET", ONE, Backend.show),
    "webhook_requests/list": (
        "GET",
        (
            *SEMI,
            "url",
            "life_cycle_state",
            "created_date",
            "offset",
            "number_of_results",
            "fields_set",
        ),
        Backend.search,
    ),
    "webhook_requests/resend": ("POST", ONE, Backend.resend),
    "webhook_requests/delete": ("POST", ONE, Backend.delete),
}


class Handler(BaseHTTPRequestHandler):
    """One HTTP connection; every answer, refusals included, is an envelope in JSON."""

    protocol_version, disable_nagle_algorithm, fault = "HTTP/1.1", True, ""
    backend: Backend

    def call(self) -> str:
        """Check in this order: path, verb, form, token, names, fields; then run the method."""
        need(not self.fault, self.fault)
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,5}", length, re.ASCII):
            self.close_connection = True
            raise ApiError("http", "Content-Length")
        body, parts = self.rfile.read(int(length)), urlsplit(self.path)
        route = parts.path.removeprefix(BASE).removesuffix("/")
        need(parts.path.startswith(BASE) and route in ROUTES, "path", parts.path)
        verb, allowed, method = ROUTES[route]
        need(self.command == verb, "verb", verb)
        need(not (body if verb == "GET" else parts.query), "place")
        by_key, media = "api_key" in route, self.headers.get("Content-Type", "").split(";")[0]
        if verb == "GET":
            params = unique(
                parse(
                    "query",
                    None,
                    parse_qsl,
                    parts.query,
                    True,
                    bool(parts.query),
                    "utf-8",
                    "strict",
                )
            )
        else:
            need(body or by_key, "empty")
            need(media == "application/json" or not body, "media", "Content-Type")
            params = parse(
                "json",
                None,
                lambda: json.loads(
                    body.decode() or "{}", object_pairs_hook=unique, parse_constant=int
                ),
            )
            need(isinstance(params, dict), "object")
        with self.backend.lock:
            who: Json = {"by_key": by_key, "basic": self.headers.get("Authorization")}
            who = who if method is Backend.login else self.backend.session(params)
            for name in params:
                need(name in allowed, "unknown", name)
            names = text(params, "fields_set").split(",") if "fields_set" in params else FIELDS
            for name in names:
                need(name in FIELDS and names.count(name) == 1, "fields", name)
            data = method(self.backend, {**params, "verb": verb}, who)
            if not route.startswith("webhook_requests"):
                return json.dumps(data)
            shown = [
                {name: record[name] for name in FIELDS if name in names}
                for record in (data if isinstance(data, list) else [data])
            ]
            return json.dumps(shown if isinstance(data, list) else shown[0])

    def answer(self) -> None:
        """Serve one request of any verb."""
        try:
            status, data = 200, self.call()
            state: Json = {"code": "OK", "description": "", "message": ""}
        except ApiError as error:
            kind, subject = (*error.args, None)[:2]
            code, _, message = ERRORS[kind].partition(" ")
            status, data = int(code[4:7]), "null"
            state = {"code": code, "description": subject, "message": message}
        content = f'{{"data": {data}, "status": {json.dumps(state)}}}'.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def send_error(self, code: int, *_: Any) -> None:
        """What the HTTP layer itself refuses, in the house form."""
        self.fault, self.close_connection = "verb" if code == 501 else "http", True
        self.answer()

    def log_message(self, *_: Any) -> None:
        """Keep the console quiet."""


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="CRM.COM webhook_requests server (R14)")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--seed", type=int, required=True)
    options = arguments.parse_args()
    Handler.backend = Backend(options.seed)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print("READY", flush=True)
    server.serve_forever()
