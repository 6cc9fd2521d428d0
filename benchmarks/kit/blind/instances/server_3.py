"""Stand-alone webhook_requests API of release R15: a gateway in front of a (memory) database."""

import argparse, base64, hmac, json, random, re, time  # noqa: E401
from datetime import datetime, timedelta
from typing import Any, Callable
import tornado.ioloop, tornado.web  # noqa: E401

Row = dict[str, Any]
BASE, LIFETIME, PAGE_DEFAULT, PAGE_MAX = "/crmapi/rest/v2/", 7200, 40, 80
USER, PASSWORD, ORGANISATION = "integration", "blind-1-pass", "BLIND"
API_KEY, TARGET = "B11D0C0FFEE0A91C5E2D7733F00D4A15", "webhook_request_identifier"
DATE = r"(\d{4}-[01]\d-[0-3]\d)([T ][0-2]\d:[0-5]\d:[0-5]\d)?"  # the day counts, the time not
LOGIN, LINKS = ("username", "password", "organisation"), ("webhook_definition", "workflow_rule")
ENTITIES = (
    "ACCOUNTSRECEIVABLE CONTACTINFORMATION CREDITNOTES INVOICECANCELLATIONS INVOICES JOBS "
    "LEADS PAYMENTCANCELLATIONS PAYMENTS REFUNDS REWARDOFFERS SERVICEREQUESTS WALLETS "
    "SUBSCRIPTIONS WALLETTRANSACTIONS WRITEOFFS ACTIVITIES"
).split()
COLUMNS = (
    "request log_information life_cycle_state webhook_definition entity_id workflow_rule url id "
    "fields_set authentication_code number response error_description error_code entity"
).split()
FAILURES = [
    ("SocketTimeoutException", "java.net", None),
    ("HttpException", "org.web", 503),
    ("LazyInitializationException", "org.hibernate", None),
]  # code, package, HTTP status
b64: Callable[[bytes], str] = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
same: Callable[[str, str], bool] = lambda a, b: a.strip().lower() == b.strip().lower()  # collation


class Fault(Exception):
    """A refused call; its arguments are a dotted code and the name of what was wrong."""


def deny(when: Any, code: str, detail: str = "") -> None:
    """Refuse the call when a condition holds."""
    if when:
        raise Fault(code, detail)  # noqa: E701


def identifier(params: Row, name: str, *allowed: str) -> tuple[str, str]:
    """One identifier as (field, value): `field=value` text of a query or object of a body."""
    raw = params.get(name, {})
    if isinstance(raw, str):
        deny(re.search(r"[,;&]\s*(id|number|name|\w+_code)=", raw), "identifier.ambiguous", name)
        raw = dict([raw.split("=", 1)]) if "=" in raw else None
    deny(not isinstance(raw, dict) or set(raw) - set(allowed), "identifier.malformed", name)
    given = [pair for pair in raw.items() if pair[1] is not None]
    deny(len(given) != 1, "identifier.ambiguous" if given else "parameter.missing", name)
    key, value = given[0]
    deny(type(value) not in (str, int), "identifier.malformed", name)
    return key, str(value).strip().lstrip("0" if key == "number" else "")


class Gateway:
    """The database and the methods on it; a method gets parameters and the caller's unit."""

    def __init__(self, seed: int) -> None:
        rng, self.dice = random.Random(f"{seed}:data"), random.Random(f"{seed}:tokens")
        self.tokens, self.released = dict[str, tuple[float, Row]](), set[str]()
        self.rows, self.gone = list[Row](), list[Row]()
        hexid: Callable[[], str] = lambda: f"{rng.getrandbits(128):032X}"
        self.units: list[Row] = [
            {
                "alternative_code": name[:4],
                "group_name": "",
                "community_name": "",
                "name": name,
                "description": None,
                "id": key,
            }
            for name, key in (("Head", "1"), ("Field", hexid()))
        ]
        *users, self.user = [
            {"person_name": "", "id": key, "email": "", "username": name}
            for name, key in (("Admin", "1"), ("j.dove", hexid()), (USER, hexid()))
        ]
        rules, hooks = (
            [
                {
                    "alternative_code": f"{kind.upper()}{i}",
                    "name": f"{kind} no. {i}",
                    "life_cycle_state": "NOT_EFFECTIVE" if i == 7 else "EFFECTIVE",
                    "id": hexid(),
                }
                for i in range(8)
            ]
            for kind in ("Rule", "Hook")
        )
        kinds = [(e.lower(), [hexid() for _ in range(5)]) for e in rng.sample(ENTITIES, 8)]
        seconds, number = sorted(rng.randrange(730 * 86400) for _ in range(120)), 6
        for i in range(120):
            created = datetime(2016, 3, 1) + timedelta(seconds=seconds[i - (i % 6 == 5)])
            number, kind = number + rng.choice((1, 1, 2, 3)), rng.randrange(8)
            failure = rng.choice(FAILURES) if rng.random() < 0.4 else None
            tag, thing = kinds[kind][0], rng.choice(kinds[kind][1])
            updated = created + timedelta(seconds=8 if failure else rng.choice((0, 0, 0, 3600)))
            unit, user, when = rng.choice(self.units), rng.choice(users), created.isoformat()
            row: Row = {
                "id": hexid(),
                "number": str(number),
                "entity": tag.upper(),
                "entity_id": thing,
                "url": f"https://partner{kind % 3}.example.com/in/{tag}",
                "fields_set": rng.choice(("", "id,number", "id,number,log_information")),
                "request": f'<{tag} id="{thing}"><sent>{when}</sent></{tag}>',
                "response": [],
                "webhook_definition": hooks[kind],
                "workflow_rule": rng.choice(rules),
                "authentication_code": None,
                "log_information": {
                    "created_by_unit": unit,
                    "updated_by_unit": unit,
                    "created_date": when,
                    "updated_date": updated.isoformat(),
                    "updated_by_user": user,
                    "created_by_user": user,
                },
            }
            self.attempt(row, failure, when)
            self.rows.append(row)
        self.stubborn = [row["id"] for row in self.rows if row["error_code"]][3::10]

    def attempt(self, row: Row, failure: tuple[str, str, int | None] | None, when: str) -> None:
        """Sign (HMAC-SHA256), send, and keep the outcome; one kind fails before it signs."""
        code, package, status = failure or (None, "", 200)
        steps = (f"\n\tat com.crm.hooks.Sender.step{i}(Sender.java:{90 + i})" for i in range(12))
        row.update(
            life_cycle_state="REJECTED" if code else "SUCCESSFUL",
            error_code=code,
            error_description=f"{package}.{code}{''.join(steps)}"[:512] if code else None,
        )
        if failure != FAILURES[2]:
            key = row["webhook_definition"]["id"][::-1].encode()
            row["authentication_code"] = b64(hmac.digest(key, row["request"].encode(), "sha256"))
            attempt = {"attempt": len(row["response"]) + 1, "ended": when, "status": status}
            row["response"].append(attempt)

    def touch(self, row: Row, unit: Row) -> str:
        """Mark a row as changed now by the caller."""
        row["log_information"].update(
            updated_date=datetime.utcnow().isoformat(timespec="seconds"),
            updated_by_user=self.user,
            updated_by_unit=unit,
        )
        return row["log_information"]["updated_date"]

    def admit(self, token: Any) -> Row:
        """The unit of a good token."""
        deny(token in (None, ""), "token.missing", "token")
        end, unit = self.tokens.get(str(token), (0, {}))
        deny(not end, "token.invalid", "token")
        deny(token in self.released, "token.released", "token")
        deny(end <= time.time(), "token.expired", "token")
        return unit

    def login(self, params: Row, basic: Row) -> Row:
        """authentication/token and, with a Basic header, authentication/web_api_key/token"""
        for name in LOGIN:
            deny(basic["header"] is False and name not in params, "parameter.missing", name)
        user, password, organisation = (params.get(p, "") for p in LOGIN)
        scheme, _, code = (basic["header"] or "").partition(" ")
        good = (
            same(scheme, "basic")
            and code == base64.b64encode(f"{API_KEY}:".encode()).decode()
            or same(user, USER)
            and password == PASSWORD
            and same(organisation, ORGANISATION)
        )
        deny(not good, "credentials.rejected")
        units = [u for u in self.units if same(params.get("unit", "1"), u["id"])]
        deny(not units, "unit.unknown", "unit")
        now, jti = int(time.time()), f"{self.dice.getrandbits(128):032X}"
        claims = {
            "usr": USER,
            "org": ORGANISATION,
            "oun": units[0]["name"],
            "jti": jti,
            "exp": str(now + LIFETIME),
            "iat": str(now),
        }
        head = b64(b'{"typ":"JWT","alg":"HS256"}') + "." + b64(json.dumps(claims).encode())
        token = f"{head}.{b64(hmac.digest(API_KEY.encode(), head.encode(), 'sha256'))}"
        self.tokens[token] = (now + LIFETIME, units[0])
        return {"token": token}

    def show(self, params: Row, _: Row) -> Row:
        """webhook_requests/show, and the look-up of the other two"""
        column, value = identifier(params, TARGET, "id", "number")
        deny([r for r in self.gone if same(value, r[column])], "record.deleted", TARGET)
        found = [r for r in self.rows if same(value, r[column])]
        deny(not found, "record.unknown", TARGET)
        return found[0]

    def resend(self, params: Row, unit: Row) -> Row:
        """webhook_requests/resend"""
        row = self.show(params, unit)
        deny(row["life_cycle_state"] != "REJECTED", "record.not.rejected", TARGET)
        failure = FAILURES[1] if row["id"] in self.stubborn else None
        self.attempt(row, failure, self.touch(row, unit))
        deny(failure, "delivery.failed", row["error_code"])
        return row

    def delete(self, params: Row, unit: Row) -> Row:
        """webhook_requests/delete"""
        self.touch(row := self.show(params, unit), unit)
        self.gone.append(self.rows.pop(self.rows.index(row)))
        return row

    def list(self, params: Row, _: Row) -> list[Row]:
        """webhook_requests/list"""
        rows, links = self.rows, [k for k in LINKS if f"{k}_identifier" in params]
        deny(not links and not {"entity", "entity_id"} & set(params), "filter.missing")
        for link in links:
            key, value = identifier(params, f"{link}_identifier", "id", "name", "alternative_code")
            rows = [r for r in rows if same(value, r[link][key])]
        for name, known, kind in (
            ("entity", ENTITIES, "entity"),
            ("entity_id", None, ""),
            ("life_cycle_state", ("REJECTED", "SUCCESSFUL"), "state"),
        ):
            value = params.get(name, "").strip().upper()
            deny(name in params and known and value not in known, f"{kind}.unsupported", name)
            rows = [r for r in rows if name not in params or value == r[name]]
        start = params.get("url", "http").strip().lower() or "nothing"
        day = re.fullmatch(DATE, params.get("created_date", "").strip())
        deny("created_date" in params and not day, "date.malformed", "created_date")
        rows = [
            r
            for r in rows
            if r["url"].startswith(start)
            and (not day or r["log_information"]["created_date"].startswith(day[1]))
        ]
        pages = {"number_of_results": str(PAGE_DEFAULT), "offset": "0"} | params
        for name in ("number_of_results", "offset"):
            deny(not re.fullmatch(r"\s*[0-9]{1,9}\s*", pages[name]), "paging.malformed", name)
        skip, size = int(pages["offset"]), min(int(pages["number_of_results"]), PAGE_MAX)
        rows = sorted(rows, key=lambda r: int(r["number"]))
        rows.sort(key=lambda r: r["log_information"]["updated_date"], reverse=True)
        return sorted(rows, key=lambda r: r["life_cycle_state"])[skip : skip + size]


ROUTES: dict[str, tuple[str, str, Callable[[Gateway, Row, Row], Any]]] = {
    BASE + "authentication/token": ("POST", " ".join(LOGIN) + " unit", Gateway.login),
    BASE + "authentication/token/release": (
        "POST",
        "token",
        lambda gate, params, _: gate.released.add(params["token"]) or {},
    ),
    BASE + "authentication/web_api_key/token": ("POST", "unit", Gateway.login),
    BASE + "webhook_requests/show": ("GET", f"token {TARGET} fields_set", Gateway.show),
    BASE + "webhook_requests/list": (
        "GET",
        "token webhook_definition_identifier workflow_rule_identifier entity entity_id url "
        "life_cycle_state created_date number_of_results offset fields_set",
        Gateway.list,
    ),
    BASE + "webhook_requests/resend": ("POST", f"token {TARGET} fields_set", Gateway.resend),
    BASE + "webhook_requests/delete": ("POST", f"token {TARGET} fields_set", Gateway.delete),
}


class Front(tornado.web.RequestHandler):
    """Every path and verb: finds the method, reads parameters, writes the envelope."""

    def read(self, verb: str) -> Row:
        """Parameters: of the query for GET, of the JSON body for POST, never of both; no nulls."""
        query = self.request.query_arguments if verb == "GET" else {}
        for name, values in query.items():
            kind = "identifier.ambiguous" if "_identifier" in name else "parameter.repeated"
            deny(len(values) > 1, kind, name)
        try:
            body = (
                json.loads(self.request.body.decode() or "{}")
                if verb == "POST"
                else {name: values[0].decode() for name, values in query.items()}
            )
            return {name: value for name, value in body.items() if value is not None}
        except (ValueError, AttributeError, RecursionError):
            raise Fault("body.malformed" if verb == "POST" else "query.malformed", "") from None

    def dispatch(self) -> None:
        """Serve one call: path, verb, body, token, parameter names and types, fields, method."""
        gateway, path = self.settings["gateway"], self.request.path.removesuffix("/")
        try:
            deny(path not in ROUTES, "path.unknown", path)
            verb, allowed, method = ROUTES[path]
            deny(self.request.method != verb, "verb.unsupported", str(self.request.method))
            params = self.read(verb)
            caller = (
                gateway.admit(params.get("token"))
                if "token" in allowed
                else {
                    "header": "username" not in allowed
                    and self.request.headers.get("Authorization")
                }
            )
            for name, value in params.items():
                deny(name not in allowed.split(), "parameter.unknown", name)
                deny(name != TARGET and not isinstance(value, str), "parameter.type", name)
            names = [n.strip() for n in params.get("fields_set", ",".join(COLUMNS)).split(",")]
            names = [n.lower() for n in names if n] + ["id"]  # the key column is always there
            for name in names:
                deny(name not in COLUMNS, "field.unknown", name)
            cut: Callable[[Row], Row] = lambda row: {n: row[n] for n in COLUMNS if n in names}
            data = method(gateway, params, caller)
            self.answer(
                [cut(row) for row in data]
                if isinstance(data, list)
                else cut(data)
                if "id" in data
                else data
            )
        except Fault as fault:
            self.answer({}, *fault.args)

    get = post = put = delete = patch = head = options = dispatch  # type: ignore[assignment]

    def answer(self, data: Any, code: str = "OK", detail: str = "") -> None:
        """Write the envelope; an error has 401 for tokens, 200 otherwise, data an empty object."""
        self.set_status(401 if code.startswith("token.") else 200)
        self.set_header("Content-Type", "application/json;charset=UTF-8")
        message = "" if code == "OK" else f"Refused by the gateway: {code.replace('.', ' ')}"
        self.finish(
            json.dumps(
                {"data": data, "status": {"code": code, "description": detail, "message": message}}
            )
        )

    def write_error(self, status_code: int, **_: Any) -> None:
        """Errors that the framework finds."""
        kinds = {400: "body.malformed", 405: "verb.unsupported"}
        self.answer({}, kinds.get(status_code, "gateway.failure"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    opts = parser.parse_args()
    front = tornado.web.Application([(".*", Front)], gateway=Gateway(opts.seed), log_function=bool)
    front.listen(opts.port, "127.0.0.1")
    tornado.ioloop.IOLoop.current().add_callback(print, "READY", flush=True)
    tornado.ioloop.IOLoop.current().start()
