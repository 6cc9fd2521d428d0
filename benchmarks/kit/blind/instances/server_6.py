"""Webhook requests of the CRM.COM Web API (release R18), served from memory with werkzeug."""

import argparse, base64, hashlib, hmac, json, logging, random, threading, time  # noqa: E401
from datetime import datetime, timedelta
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

Json = dict[str, Any]
BASE, USERNAME, PASSWORD, ORGANISATION = "/crmapi/rest/v2/", "integration", "blind-1-pass", "BLIND"
WEB_API_KEY = "5E0C1A77B1D94F0E9C3320D6A8F4E112"
LIFETIME, PAGE_DEFAULT, PAGE_MAXIMUM, START = 7200, 25, 50, datetime(2022, 3, 1, 8)
ENTITIES = """ACTIVITIES JOBS SERVICEREQUESTS SUBSCRIPTIONS LEADS ACCOUNTSRECEIVABLE REFUNDS
    CONTACTINFORMATION CREDITNOTES INVOICES INVOICECANCELLATIONS PAYMENTS PAYMENTCANCELLATIONS
    REWARDOFFERS WALLETS WALLETTRANSACTIONS WRITEOFFS""".split()
FIELDS = """id number life_cycle_state entity entity_id url authentication_code fields_set request
 response error_code error_description webhook_definition workflow_rule log_information""".split()
FAILURES = [
    ("ConnectTimeoutException", "No connection to the receiver within 10 seconds", None),
    ("HttpServerErrorException", "The receiver answered 503 Service Unavailable", 503),
    ("SecretKeyUnavailableException", "The secret key could not be read", None),
]
PLANS = [
    ("Ledger Mirror", "LEDGER", "id,number,amount"),
    ("Crew Planner", None, None),
    ("Data Lake Feed", "LAKE", "id,number,updated"),
    ("Audit Trail", "AUDIT", None),
]
WIRING = [
    ("INVOICES", 0),
    ("INVOICES", 2),
    ("JOBS", 1),
    ("JOBS", 3),
    ("ACTIVITIES", 1),
    ("ACTIVITIES", 2),
    ("LEADS", 3),
    ("PAYMENTS", 0),
]  # rules: entity, index in PLANS
STATES = {"record-deleted": 403, "state-not-allowed": 403, "delivery-failed": 403, "internal": 500}
JSON, PROBLEM, JWT = "application/json", "application/problem+json", {"typ": "JWT", "alg": "HS256"}
FINAL, ONE = ["SUCCESSFUL", "REJECTED"], "token webhook_request_identifier"
METHODS = {  # path: verb, handler, mandatory and optional parameters
    "authentication/token": ("POST", "login", "username password organisation", "unit"),
    "authentication/web_api_key/token": ("POST", "login", "", "unit"),
    "authentication/token/release": ("POST", "release", "token", ""),
    "webhook_requests/show": ("GET", "one", ONE, "fields_set"),
    "webhook_requests/list": (
        "GET",
        "page",
        "token",
        """webhook_definition_identifier url offset
        workflow_rule_identifier entity entity_id life_cycle_state created_date number_of_results
        fields_set""",
    ),
    "webhook_requests/resend": ("POST", "one", ONE, "fields_set"),
    "webhook_requests/delete": ("POST", "one", ONE, "fields_set"),
}


class Problem(Exception):
    """The only way to refuse a call: its args are a kind and a detail text."""


def check(good: Any, kind: str, detail: str) -> None:
    """Raise a problem unless the condition is good."""
    if not good:
        raise Problem(kind, detail)


def b64(raw: bytes) -> str:
    """Encode as unpadded URL-safe base64."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(request: Request, mandatory: list[str], optional: list[str]) -> Json:
    """Read query (GET) or JSON body (POST) and check the form; nulls count as missing."""
    post, empty = request.method == "POST", not request.get_data()
    check(not post or empty or request.is_json, "unsupported-media-type", "send application/json")
    body = post and (mandatory or not empty)  # the API key method needs none
    found = request.get_json(force=True, silent=True) if body else request.args.to_dict()
    check(isinstance(found, dict) and (post or empty), "malformed-body", "POST needs an object")
    for name in [*found, *request.args]:
        check(
            name in mandatory + optional and not (post and name in request.args),
            "unknown-parameter",
            f"{name} is not a parameter here",
        )
        check(len(request.args.getlist(name)) < 2, "bad-value", f"{name} is given twice")
    params: Json = {name: value for name, value in found.items() if value is not None}
    for name in mandatory:
        check(name in params, "missing-parameter", f"{name} is mandatory")
    for name, value in params.items():
        kind = dict if post and name.endswith("_identifier") else str
        check(isinstance(value, kind), "bad-value", f"{name} must be of type {kind.__name__}")
        check(kind is dict or value.strip(), "empty-parameter", f"{name} is empty")
        if name == "fields_set":
            params[name] = [part.strip() for part in value.split(",")]
            check(set(params[name]) <= set(FIELDS), "bad-value", "fields_set has unknown names")
        elif name.endswith("_identifier"):
            allowed = ["id", "number"] if name in ONE else ["id", "name", "alternative_code"]
            pairs = value.items() if post else [p.partition("=")[::2] for p in value.split(",")]
            params[name] = [pair for pair in pairs if pair[1] is not None]
            for key, part in params[name]:
                check(key in allowed, "unknown-parameter", f"{name} has no field {key!r}")
                check(isinstance(part, str) and part.strip(), "bad-value", f"{key} must be a text")
            check(len(params[name]) == 1, "identifier-count", f"{name} must have one field")
    return params


class Service:
    """The data of the organisation, built from the seed, and the methods upon them."""

    def __init__(self, seed: int) -> None:
        """Create units, users, definitions, rules and 120 webhook requests."""
        rng = self.rng = random.Random(seed)
        self.lock, self.secret = threading.Lock(), self.hex(64).encode()
        self.records, self.released, self.deleted = list[Json](), set[str](), set[str]()
        self.units = [
            {
                "id": self.hex(),
                "name": name,
                "alternative_code": name[:2].upper(),
                "description": None,
                "group_name": "",
                "community_name": "",
            }
            for name in ("Head Office", "Field Team North", "Shop 12")
        ]
        self.users = [
            {"id": self.hex(), "username": name, "person_name": "", "email": ""}
            for name in (USERNAME, "MPAdministrator", "d.lind", "k.osei")
        ]
        self.plans = [{"id": self.hex(), "name": n, "alternative_code": c} for n, c, _ in PLANS]
        self.rules = [
            {
                "id": self.hex(),
                "name": f"Rule {n} on {entity.lower()}",
                "alternative_code": f"WR-{n}",
            }
            for n, (entity, _) in enumerate(WIRING)
        ]
        moment = START
        for position in range(120):
            moment += timedelta(seconds=rng.randrange(3 * 86400, 11 * 86400)) * (position % 8 != 5)
            (entity, link), rule = rng.choice(list(zip(WIRING, self.rules)))
            data = {
                "id": self.hex(),
                "number": f"{entity[:2]}{rng.randrange(10**6):06}",
                "amount": rng.randrange(100, 90000) / 100,
                "updated": moment.isoformat(),
            }
            fields, host = PLANS[link][2], PLANS[link][0].lower().replace(" ", "-")
            self.records.append(
                {
                    "id": self.hex(),
                    "number": str(position + 41),
                    "entity": entity,
                    "entity_id": data["id"],
                    "url": f"https://{host}.example.net/in/{entity.lower()}",
                    "request": {
                        k: v for k, v in data.items() if not fields or k in fields.split(",")
                    },
                    "fields_set": fields,
                    "webhook_definition": self.plans[link],
                    "workflow_rule": rule,
                    "log_information": {
                        "created_date": moment.isoformat(),
                        "created_by_user": rng.choice(self.users),
                        "created_by_business_unit": rng.choice(self.units),
                    },
                }
            )
            self.deliver(self.records[-1], rng.choice([*FAILURES, *[None] * 4]))
        self.stubborn = {r["id"] for r in [r for r in self.records if r["error_code"]][3::10]}

    def hex(self, digits: int = 32) -> str:
        """Return a random upper-case hexadecimal text."""
        return f"{self.rng.getrandbits(4 * digits):0{digits}X}"

    def sign(self, text: str) -> str:
        """Return the HMAC-SHA256 of a text with the secret key."""
        return b64(hmac.new(self.secret, text.encode(errors="replace"), hashlib.sha256).digest())

    def deliver(self, record: Json, failure: tuple[str, str, int | None] | None) -> None:
        """Write the outcome of one sending into the record."""
        code, reason, http = failure or (None, None, 202)
        answer = {"error": reason} if reason else {"accepted": True, "receipt": self.hex(12)}
        signed = self.sign(json.dumps(record["request"], separators=(",", ":")))
        record |= {
            "life_cycle_state": "REJECTED" if failure else "SUCCESSFUL",
            "response": {"status": http, "body": answer} if http else None,
            "authentication_code": None if failure == FAILURES[2] else signed,
            "error_code": code,
            "error_description": reason,
        }

    def refer(self, things: list[Json], key: str, value: str) -> Json:
        """Find a referred object; case does not matter."""
        found = [thing for thing in things if (thing[key] or "").casefold() == value.casefold()]
        check(found, "reference-not-found", f"{key} {value!r} is not known")
        return found[0]

    def render(self, record: Json, params: Json) -> Json:
        """Serialize the members asked for; `id` is always among them."""
        return {n: record[n] for n in FIELDS if n in ["id", *params.get("fields_set", FIELDS)]}

    def login(self, params: Json, context: Json) -> Json:
        """Log in by password or by key (Basic); the token is a JWT for the unit asked for."""
        key, names = context["basic"], ("username", "password", "organisation")
        given = [params.get(n, "") for n in names] if "username" in params else []
        check(
            given[:2] == [USERNAME, PASSWORD]
            and given[2].upper() == ORGANISATION
            or not given
            and key
            and (key.username, key.password) == (WEB_API_KEY, ""),
            "login-failed",
            "no",
        )
        unit = self.refer(self.units, "id", params.get("unit", self.units[0]["id"]))["name"]
        now = int(time.time())
        claims = {
            "oun": unit,
            "usr": USERNAME,
            "jti": self.hex(),
            "org": ORGANISATION,
            "iat": str(now),
            "exp": str(now + LIFETIME),
        }
        head = ".".join(b64(json.dumps(part).encode()) for part in (JWT, claims))
        return {"token": f"{head}.{self.sign(head)}"}

    def session(self, token: str) -> Json:
        """Return the claims of a valid token."""
        head, _, signature = token.rpartition(".")
        check(self.sign(head) == signature, "session-invalid", "the token was not issued here")
        claims: Json = json.loads(base64.urlsafe_b64decode(head.split(".")[1] + "==="))
        check(
            claims["jti"] not in self.released and time.time() < int(claims["exp"]),
            "session-expired",
            "the token was released or is two hours old",
        )
        return claims

    def release(self, _: Json, context: Json) -> Json:
        """End the session."""
        self.released.add(context["jti"])
        return {}

    def one(self, params: Json, context: Json) -> Json:
        """Show, resend or delete one webhook request; a failed resend is stored and refused."""
        [(key, value)], action = params["webhook_request_identifier"], context["action"]
        record = next((record for record in self.records if record[key] == value), {})
        check(record, "record-not-found", f"no webhook request has {key} {value!r}")
        check(record["id"] not in self.deleted, "record-deleted", f"{key} {value} was deleted")
        check(action != "resend" or record["error_code"], "state-not-allowed", "not REJECTED")
        if action == "resend":
            self.deliver(record, FAILURES[1] if record["id"] in self.stubborn else None)
        elif action == "delete":
            self.deleted.add(record["id"])
        if action != "show":
            record["log_information"] |= {
                "updated_date": datetime.utcnow().isoformat(timespec="seconds"),
                "updated_by_business_unit": self.refer(self.units, "name", context["oun"]),
                "updated_by_user": self.users[0],
            }
        check(action != "resend" or not record["error_code"], "delivery-failed", FAILURES[1][1])
        return self.render(record, params)

    def page(self, params: Json, _: Json) -> list[Json]:
        """List by definition name, then by number downwards."""
        wanted: Json = {k: v for k, v in params.items() if k == "entity_id"}
        for name, things in (("webhook_definition", self.plans), ("workflow_rule", self.rules)):
            for pair in params.get(f"{name}_identifier", []):
                wanted[name] = self.refer(things, *pair)
        for name, values in (("entity", ENTITIES), ("life_cycle_state", FINAL)):
            if value := params.get(name, "").upper():
                check(value in values, "bad-value", f"{name} cannot be {value!r}")
                wanted[name] = value
        check(wanted.keys() - {"life_cycle_state"}, "criteria-required", "nothing to list by")
        try:
            day = datetime.fromisoformat(params.get("created_date", "1970-01-01")).isoformat()[:10]
            size = int(params.get("number_of_results", PAGE_DEFAULT))
            skip = int(params.get("offset", 0))
        except ValueError as error:
            raise Problem("bad-value", str(error)) from None
        check(1 <= size <= PAGE_MAXIMUM and skip >= 0, "bad-value", f"page is 1..{PAGE_MAXIMUM}")
        found = [
            r
            for r in self.records
            if r["id"] not in self.deleted
            and wanted.items() <= r.items()
            and r["url"].startswith(params.get("url", ""))
            and day in ("1970-01-01", r["log_information"]["created_date"][:10])
        ]
        found.sort(key=lambda r: (r["webhook_definition"]["name"], -int(r["number"])))
        return [self.render(record, params) for record in found[skip : skip + size]]

    @Request.application
    def __call__(self, request: Request) -> Response:
        """Answer one call: path, verb, form of the parameters, token, then the method."""
        path = request.path.removeprefix(BASE).removesuffix("/")
        try:
            check(request.path.startswith(BASE) and path in METHODS, "unknown-path", request.path)
            verb, handler, mandatory, optional = METHODS[path]
            check(request.method == verb, "verb-not-allowed", f"{path} takes {verb}")
            params = read(request, mandatory.split(), optional.split())
            with self.lock:
                context = self.session(params["token"]) if "token" in params else {}
                context |= {"action": path.split("/")[-1], "basic": request.authorization}
                note = "Deprecated since R18.0.0" if path.startswith("webhook") else ""
                data = getattr(self, handler)(params, context)
                status = {"code": "OK", "description": "", "message": note}
                return Response(json.dumps({"data": data, "status": status}), content_type=JSON)
        except Exception as error:  # noqa: BLE001
            kind, detail = error.args if isinstance(error, Problem) else ("internal", repr(error))
        trace, title = f"{time.time_ns():X}", kind.replace("-", " ").capitalize()
        body = {
            "type": f"urn:crm:problem:{kind}",
            "title": title,
            "status": {"code": kind, "description": f"{detail} (trace {trace})", "message": title},
        }
        return Response(json.dumps(body), STATES.get(kind, 400), content_type=PROBLEM)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    port, seed = vars(parser.parse_args()).values()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", port, Service(seed), threaded=True)
    print("READY", flush=True)
    server.serve_forever()
