"""CRM.COM's webhook_requests API, release R12, rewritten as REST: real statuses, problem texts."""

import argparse
import base64
import hmac
import json
import random
import re
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

from flask import Flask, Response, g, jsonify, request
from werkzeug.serving import make_server

Json = dict[str, Any]
BASE, LIFETIME = "/crmapi/rest/v2", 7200
ACCOUNT = {"username": "integration", "password": "blind-1-pass", "organisation": "BLIND"}
API_KEY = "B11D2000C0FFEE00B11D2000C0FFEE00"  # for authentication/web_api_key/token
ENTITIES = ["ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"]
STATES = ["SUCCESSFUL", "REJECTED"]
FIELDS = (
    "id number life_cycle_state entity entity_id url authentication_code fields_set request "
    "response error_code error_description webhook_definition workflow_rule log_information"
).split()
PROBLEMS = {
    kind: status
    for status, kinds in {
        400: "malformed-body",
        409: "request-not-rejected",
        410: "webhook-request-deleted",
        401: "token-missing token-invalid token-expired credentials-refused",
        404: "webhook-request-not-found route-not-found",
        405: "method-not-allowed",
        415: "unsupported-media-type",
        500: "internal-error",
        502: "redelivery-failed",
        422: "parameter-missing parameter-unknown parameter-repeated parameter-invalid "
        "identifier-invalid filter-missing reference-unknown",
    }.items()
    for kind in kinds.split()
}
FAILURES = (
    ("delivery-http-error", "The receiver answered 503 Service Unavailable.", 503),
    ("delivery-timeout", "The receiver did not answer within 10 seconds.", None),
    ("secret-key-unavailable", "The definition's secret key could not be read.", None),
)
UNITS = {
    key: {
        "id": key,
        "name": name,
        "alternative_code": name[:2],
        "description": None,
        "group_name": "Main Group",
        "community_name": "Internal Community",
    }
    for key, name in (("1", "Admin Unit"), ("7F" * 16, "Field Team"))
}
USERS = {
    name: {"id": key, "username": name, "person_name": name, "email": f"{name}@blind.test"}
    for key, name in (("1", "administrator"), ("5C" * 16, "integration"))
}


class Problem(Exception):
    """An error to be answered: its kind, one of PROBLEMS, and a detail."""


class Store:
    """All data of the organisation, made from the seed alone."""

    def __init__(self, seed: int) -> None:
        rng, moment, self.tokens = random.Random(seed), datetime(2016, 1, 4, 8), dict[str, Json]()
        self.new_id: Callable[[], str] = lambda: f"{rng.getrandbits(128):032X}"
        rules = [f"{part} {entity.title()}" for part in ("New", "Old") for entity in ENTITIES]
        self.definitions, self.rules = [
            [
                {"id": self.new_id(), "name": name, "alternative_code": f"{name[:7].upper()}-W"}
                for name in names
            ]
            for names in (["Ledger", "Dispatch, Field", "Lake"], rules)
        ]
        self.records, self.deleted = list[Json](), set[str]()
        for index in range(120):
            if index % 8:  # every eighth record shares the date of the one before it
                moment += timedelta(seconds=rng.randrange(518400, 691200))
            place, rule, by_system = index * 7 % 11 % 3, rng.randrange(8), index % 7 == 3
            self.records.append(
                {
                    "id": self.new_id(),
                    "number": str(1001 + index),
                    "entity": ENTITIES[rule % 4],
                    "entity_id": f"{index // 3 + 1:032X}",
                    "workflow_rule": self.rules[rule],
                    "url": f"https://hooks{place}.example.com/{ENTITIES[rule % 4].lower()}",
                    "fields_set": None if place == 2 else "id,number",
                    "request": {"attempt": 0},
                    "webhook_definition": self.definitions[place],
                    "log_information": {
                        "created_date": moment.isoformat(),
                        "updated_date": None,
                        "created_by_unit": None if by_system else rng.choice(list(UNITS.values())),
                        "created_by_user": None if by_system else rng.choice(list(USERS.values())),
                        "updated_by_unit": None,
                        "updated_by_user": None,
                    },
                }
            )
            send(self.records[-1], rng.choice(FAILURES) if rng.random() < 0.4 else None)
        self.stubborn = [r["id"] for r in self.records if r["error_code"]][4::10]


def send(record: Json, failure: tuple[str, str, int | None] | None) -> None:
    """Record one delivery attempt of a webhook request, failed if a failure is given."""
    error, description, status = failure or (None, None, 202)
    data, attempt = {"id": record["entity_id"]}, record["request"]["attempt"] + 1
    key, raw = record["webhook_definition"]["id"].encode(), json.dumps(data).encode()
    code = None if failure == FAILURES[2] else hmac.new(key, raw, "sha256").hexdigest()
    record |= {
        "error_code": error,
        "error_description": description,
        "authentication_code": code,
        "life_cycle_state": STATES[bool(failure)],
        "request": {"method": "POST", "attempt": attempt, "body": {"data": data}},
        "response": status and {"status": status, "body": {"accepted": not failure}},
    }


def read_values(body_needed: bool) -> Json:
    """Read the query of a GET or the JSON body of a POST; null members count as absent."""
    if request.method != "POST":
        return {name: item if item[1:] else item[0] for name, item in request.args.lists()}
    raw = request.get_data().strip()
    if raw and not request.is_json:
        raise Problem("unsupported-media-type", "The body must be application/json.")
    try:
        values = dict(json.loads(raw).items()) if raw or body_needed else {}
    except (ValueError, RecursionError, AttributeError):
        raise Problem("malformed-body", "The body must be a JSON object.") from None
    return {name: value for name, value in values.items() if value is not None}


def text(values: Json, name: str, options: list[str] | None = None) -> str | None:
    """Return a text without outer blanks, or one of the options in any case; None if absent."""
    if (value := values.get(name)) is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise Problem("parameter-invalid", f"'{name}' must be a text that is not blank.")
    if options and value.strip().upper() not in options:
        raise Problem("parameter-invalid", f"'{name}' must be one of {', '.join(options)}.")
    return value.strip().upper() if options else value.strip()


def identifier(values: Json, name: str, *allowed: str) -> tuple[str, str] | None:
    """Return field and value of an identifier: ``field=value`` in GET, an object in POST."""
    value = values.get(name)
    if isinstance(value, str) and request.method != "POST":
        value = dict(x.partition("=")[::2] for x in re.split(r"[,;&](?=[a-z_]+=)", value))
    given = [pair for pair in value.items() if pair[1] is not None] if type(value) is dict else []
    if value is not None and (len(given) != 1 or given[0][0] not in allowed):
        raise Problem("identifier-invalid", f"'{name}' takes exactly one of {', '.join(allowed)}.")
    return (given[0][0], text(dict(given), given[0][0]) or "") if given else None


def serializer(values: Json) -> Callable[[Json], Json]:
    """Return what makes a record an answer: all fields, or those of fields_set and the id."""
    value = values.get("fields_set", FIELDS)
    names = value if isinstance(value, list) else (text(values, "fields_set") or "").split(",")
    if unknown := [n for n in names if not isinstance(n, str) or n.strip() not in FIELDS]:
        raise Problem("parameter-invalid", f"'fields_set' has no field '{unknown[0]}'.")
    wanted = {"id", *(name.strip() for name in names)}
    return lambda record: {name: record[name] for name in FIELDS if name in wanted}


def find(values: Json) -> Json:
    """Return the record that webhook_request_identifier names."""
    if (pair := identifier(values, "webhook_request_identifier", "id", "number")) is None:
        raise Problem("parameter-missing", "'webhook_request_identifier' is mandatory.")
    record = next((item for item in store.records if item[pair[0]] == pair[1]), None)
    if record is None or record["id"] in store.deleted:
        raise Problem(
            "webhook-request-deleted" if record else "webhook-request-not-found",
            f"No webhook request has {pair[0]} '{pair[1]}'.",
        )
    return record


def authenticate(values: Json) -> Json:
    """Return the claims of the caller's token."""
    if (claims := store.tokens.get(str(values.get("token")))) is None:
        kind = "token-invalid" if values.get("token") else "token-missing"
        raise Problem(kind, "Log in and send the token as parameter 'token'.")
    if int(claims["exp"]) <= time.time():
        raise Problem("token-expired", f"Tokens live {LIFETIME} seconds or until their release.")
    return claims


def log_in(values: Json) -> Json:
    """Return a JWT for user name, password and organisation, or for a web API key (Basic)."""
    if "web_api_key" in g.path:
        basic = request.authorization
        refused = not basic or (basic.username, basic.password) != (API_KEY, "")
    elif missing := [name for name in ACCOUNT if text(values, name) is None]:
        raise Problem("parameter-missing", f"'{missing[0]}' is mandatory.")
    else:
        refused = any(values[name] != expected for name, expected in ACCOUNT.items())
    if refused:
        raise Problem("credentials-refused", "These credentials are not known.")
    if (unit := UNITS.get(text(values, "unit") or "1")) is None:
        raise Problem("reference-unknown", f"There is no unit with id '{values['unit']}'.")
    claims = {
        "usr": "integration",
        "org": "BLIND",
        "oun": unit["id"],
        "jti": store.new_id(),
        "iat": str(int(time.time())),
        "exp": str(int(time.time()) + LIFETIME),
    }
    parts = [json.dumps(part).encode() for part in ({"typ": "JWT", "alg": "HS256"}, claims)]
    parts.append(hmac.new(API_KEY.encode(), b".".join(parts), "sha256").digest())
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    store.tokens[token] = claims
    return {"token": token}


def list_all(values: Json) -> list[Json]:
    """Return the webhook requests that pass all filters, by created date upwards, then id."""
    serialize, found = serializer(values), [*store.records]
    if not any(name.endswith("_identifier") or name.startswith("entity") for name in values):
        raise Problem("filter-missing", "Give a definition, a rule, an entity or an entity_id.")
    for name, known in ("webhook_definition", store.definitions), ("workflow_rule", store.rules):
        pair = identifier(values, f"{name}_identifier", "id", "name", "alternative_code")
        if pair and not any(item[pair[0]] == pair[1] for item in known):
            raise Problem("reference-unknown", f"No {name} has {pair[0]} '{pair[1]}'.")
        found = [r for r in found if pair is None or r[name][pair[0]] == pair[1]]
    for name, options in ("entity", ENTITIES), ("entity_id", None), ("life_cycle_state", STATES):
        found = [r for r in found if text(values, name, options) in (None, r[name])]
    prefix, date = text(values, "url") or "", text(values, "created_date") or ""
    try:
        if date and datetime.fromisoformat(date).isoformat()[: max(10, len(date))] != date:
            raise ValueError(date)
    except ValueError:
        raise Problem("parameter-invalid", "'created_date' is yyyy-MM-dd[THH:mm:ss].") from None
    dated = sorted((r["log_information"]["created_date"], r["id"], r) for r in found)
    return [
        serialize(r)
        for created, key, r in dated
        if key not in store.deleted and created.startswith(date) and r["url"].startswith(prefix)
    ]


def act(values: Json) -> Json:
    """Show, resend (in place) or delete one webhook request."""
    serialize, record, verb = serializer(values), find(values), g.path.rpartition("/")[2]
    store.deleted |= {record["id"]} if verb == "delete" else set()
    if verb == "resend":
        if record["life_cycle_state"] != "REJECTED":
            raise Problem("request-not-rejected", f"Number {record['number']} was successful.")
        send(record, FAILURES[0] if record["id"] in store.stubborn else None)
        record["log_information"] |= {
            "updated_date": datetime.now(timezone.utc).isoformat()[:19],
            "updated_by_unit": UNITS[g.claims["oun"]],
            "updated_by_user": USERS[g.claims["usr"]],
        }
        if record["error_code"]:
            raise Problem("redelivery-failed", record["error_description"])
    return serialize(record)


ONE = "token webhook_request_identifier fields_set"
ROUTES: dict[str, tuple[str, Callable[[Json], Any], str]] = {
    "authentication/token": ("POST", log_in, "username password organisation unit"),
    "authentication/web_api_key/token": ("POST", log_in, "unit"),
    "authentication/token/release": ("POST", lambda _: g.claims.update(exp="0") or {}, "token"),
    "webhook_requests/show": ("GET", act, ONE),
    "webhook_requests/resend": ("POST", act, ONE),
    "webhook_requests/delete": ("POST", act, ONE),
    "webhook_requests/list": (
        "GET",
        list_all,
        "token webhook_definition_identifier workflow_rule_identifier entity "
        "entity_id url life_cycle_state created_date fields_set",
    ),
}
app, store = Flask(__name__), Store(0)


@app.before_request
def dispatch() -> Response:
    """Answer a call; checks in this order: path, verb, body, token, names, the view's own."""
    g.path = request.path.removeprefix(f"{BASE}/").removesuffix("/")
    if g.path not in ROUTES:
        raise Problem("route-not-found", f"There is nothing at '{request.path}'.")
    verb, view, allowed = ROUTES[g.path]
    if request.method.replace("HEAD", "GET") != verb:
        raise Problem("method-not-allowed", f"Use {verb}.")
    values = read_values("web_api_key" not in g.path)
    g.claims = authenticate(values) if "token" in allowed.split() else {}
    for name, value in values.items():
        kind = "parameter-repeated" if name in allowed.split() else "parameter-unknown"
        if kind == "parameter-unknown" or (isinstance(value, list) and verb == "GET"):
            raise Problem(kind, f"'{name}' is not expected here, or not twice.")
    return answer(view(values), "OK")


@app.errorhandler(Problem)
@app.errorhandler(500)
def fail(error: Exception) -> Response:
    """Answer an error; the one place where errors get their form."""
    kind, detail = error.args if isinstance(error, Problem) else ("internal-error", "Report this.")
    response = answer(None, f"urn:crm:problem:{kind}", kind.replace("-", " ").capitalize(), detail)
    response.status_code, response.mimetype = PROBLEMS[kind], "application/problem+json"
    response.headers.update({"Allow": ROUTES[g.path][0]} if PROBLEMS[kind] == 405 else {})
    return response


def answer(data: Any, code: str, title: str = "", detail: str = "") -> Response:
    """Wrap data into the documented envelope."""
    return jsonify(data=data, status=dict(code=code, description=detail, message=title))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    store = Store(options.seed)
    server = make_server("127.0.0.1", options.port, app, threaded=True)
    print("READY", flush=True)
    server.serve_forever()
