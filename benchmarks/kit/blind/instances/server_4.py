"""Stand-alone server of the CRM.COM webhook_requests API, release R9, in plain WSGI."""

from __future__ import annotations

import argparse
import hmac
import json
import random
import re
import time
from datetime import datetime, timedelta
from typing import Any, Callable
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, make_server

Json = dict[str, Any]
Pairs = list[tuple[str, str]]
BASE, IDLE_SECONDS = "/crmapi/rest/v2/", 3600
ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
STATES = ("SUCCESSFUL", "REJECTED")
FAILURES = (  # error_code, error_description, HTTP status, body; the last comes before any HTTP
    (None, None, "200", "accepted"),
    ("HTTP_500", "The receiver said 500", "500", "<h1>Oops</h1>"),
    ("CONNECTION_TIMEOUT", "No answer within 30 seconds\n\tat send()", "0", ""),
    ("SECRET_KEY_UNREADABLE", "could not read the secret key - no session", "", ""),
)


class ApiError(Exception):
    """An error of the API: its code and the name or value that caused it."""


def envelope(code: str, cause: str = "", data: Any = None) -> bytes:
    """The one serializer: no member is ever null but missing; slashes are escaped as PHP does."""
    message = "" if code == "OK" else code.replace("_", " ").capitalize()
    raw = {"status": {"code": code, "message": message, "description": cause}, "data": data}
    tidy = json.loads(
        json.dumps(raw),
        object_pairs_hook=lambda pairs: {name: value for name, value in pairs if value is not None},
    )
    return json.dumps(tidy).replace("/", "\\/").encode()


def text(params: Json, name: str) -> str:
    """A parameter as trimmed text; like PHP's empty(), a missing, null or "0" value is ""."""
    value = params.get(name)
    if isinstance(value, (bool, list, dict)):
        raise ApiError("PARAMETER_INVALID", name)
    found = "" if value is None else str(value).strip()
    return "" if found == "0" else found


def identifier(params: Json, name: str, *fields: str) -> Pairs:
    """The non-empty (field, value) pairs of an identifier given as object or as field=value."""
    value = params.get(name)
    if isinstance(value, dict):
        pairs = [(key.lower(), text(value, key)) for key in value]
    else:
        parts = re.split(r"[,;](?=\s*\w+\s*=)", text(params, name))
        pairs = [
            (key.strip().lower(), text({"": found}, ""))
            for key, _, found in (part.partition("=") for part in parts if part)
        ]
    if not {field for field, _ in pairs} <= set(fields):
        raise ApiError("IDENTIFIER_INVALID", name)
    return [(field, found) for field, found in pairs if found]


def matches(item: Json, pairs: Pairs) -> bool:
    """Whether all pairs agree with the item, without regard to case."""
    return all(item[field].lower() == value.lower() for field, value in pairs)


def entries(**values: str) -> list[Json]:
    """Name/value objects as they are kept in request and response."""
    return [{"name": name.upper(), "value": value} for name, value in values.items()]


def sign(record: Json) -> str:
    """The authentication code: HMAC-SHA1 of request in hex, by the definition's secret."""
    secret = f"secret of {record['webhook_definition']['id']}".encode()
    return hmac.digest(secret, json.dumps(record["request"]).encode(), "sha1").hex()


class Api:
    """The WSGI application: the records, made from a seed, the live tokens and the methods."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.tokens: dict[str, tuple[float, Json]] = {}
        self.deleted: set[str] = set()
        self.units = [
            {
                "id": self.hex(),
                "name": name,
                "alternative_code": code,
                "description": about,
                "group_name": "Main Group",
                "community_name": "Internal Community",
            }
            for name, code, about in (("Admin Unit", "MG", "r1"), ("Team", "T4", None))
        ]
        self.users = [
            {
                "id": key or self.hex(),
                "username": name,
                "person_name": name,
                "email": f"{name}@example.com",
            }
            for name, key in (("MPAdministrator", "1"), ("m_user", ""), ("integration", ""))
        ]
        self.known = {
            kind: [
                {
                    "id": self.hex(),
                    "name": f"{word} {name}",
                    "alternative_code": f"{word}_{name}".upper(),
                }
                for name in names.split()
            ]
            for kind, word, names in (
                ("webhook_definition", "Notify", "Billing Dispatch Portal Audit Idle"),
                ("workflow_rule", "On", "Create Close Cancel Overdue Merge Never"),
            )
        }
        objects = [(entity, self.hex()) for entity in ENTITIES * 7]
        dates = [
            datetime(2014, 1, 2) + timedelta(0, rng.randrange(729 * 86400)) for _ in range(100)
        ]
        self.records = [
            self.make(number, date, *rng.choice(objects))
            for number, date in enumerate(sorted(dates + rng.sample(dates, 20)), 1)
        ]
        self.hopeless = [r["id"] for r in self.records if r["error_code"]][4::10]

    def hex(self) -> str:
        """A new identifier."""
        return f"{self.rng.getrandbits(128):032X}"

    def make(self, number: int, date: datetime, entity: str, entity_id: str) -> Json:
        """One webhook request."""
        rng, where = self.rng, self.rng.randrange(4)
        failed = number % 4 if number < 8 else rng.choice((0, 0, 0, 1, 2, 3))
        code, why, status, body = FAILURES[failed]
        user, unit = rng.choice((None, *self.users[:2])), rng.choice((None, *self.units))
        log = {"created_date": date.isoformat(), "created_by_user": user, "created_by_unit": unit}
        if failed:
            log |= {
                "updated_date": (date + timedelta(seconds=8)).isoformat(),
                "updated_by_user": user,
                "updated_by_unit": unit,
            }
        record: Json = {
            "id": self.hex(),
            "number": str(number),
            "life_cycle_state": STATES[failed > 0],
            "entity": entity,
            "entity_id": entity_id,
            "error_code": code,
            "error_description": why,
            "url": f"http://hooks.example.com/{('bill', 'disp', 'portal', 'audit')[where]}/in",
            "fields_set": (None, "id,number", "id,life_cycle_state", "number")[where],
            "request": entries(entity=entity, entity_id=entity_id, sequence=str(number)),
            "response": entries(http_status=status, body=body) if status else None,
            "webhook_definition": self.known["webhook_definition"][where],
            "workflow_rule": rng.choice(self.known["workflow_rule"][:-1]),
            "log_information": log,
        }
        return record | {"authentication_code": sign(record) if status else None}

    def login(self, params: Json) -> Any:
        """authentication/token: a new token beside the older ones."""
        given = {name: text(params, name) for name in ("organisation", "username", "password")}
        if "" in given.values():
            raise ApiError("PARAMETER_MISSING", min(given, key=lambda name: given[name] > ""))
        if given["organisation"].upper() != "BLIND":
            raise ApiError("ORGANISATION_UNKNOWN", given["organisation"])
        if given["username"].lower() != "integration" or params["password"] != "blind-1-pass":
            raise ApiError("LOGIN_FAILED", given["username"])
        units = [u for u in self.units if text(params, "unit").upper() in ("", u["id"])]
        if not units:
            raise ApiError("UNIT_NOT_FOUND", text(params, "unit"))
        token = "".join(self.rng.choices("abcdefghijklmnopqrstuv0123456789", k=26))
        self.tokens[token] = (time.monotonic(), units[0])
        return {"token": token}

    def session(self, params: Json) -> Json:
        """Check the token, start its idle hour anew and return its unit."""
        token = text(params, "token")
        if token not in self.tokens:
            raise ApiError("TOKEN_INVALID" if token else "TOKEN_MISSING")
        used, unit = self.tokens[token]
        if time.monotonic() - used > IDLE_SECONDS:
            raise ApiError("TOKEN_EXPIRED")
        self.tokens[token] = (time.monotonic(), unit)
        return unit

    def find(self, params: Json, stamp: bool) -> Json:
        """The one record that the identifier names, its log stamped if it is to be changed."""
        pairs = identifier(params, "webhook_request_identifier", "id", "number")
        if len(pairs) != 1:
            raise ApiError("IDENTIFIER_AMBIGUOUS" if pairs else "IDENTIFIER_MISSING")
        unit = self.session(params)
        record = next((r for r in self.records if matches(r, pairs)), None)
        if record is None or record["id"] in self.deleted:
            reason = "DELETED" if record else "NOT_FOUND"
            raise ApiError(f"WEBHOOK_REQUEST_{reason}", pairs[0][1])
        if stamp:
            record["log_information"].update(
                updated_date=datetime.now().isoformat(timespec="seconds"),
                updated_by_unit=unit,
                updated_by_user=self.users[2],
            )
        return record

    def cut(self, params: Json, record: Json) -> Json:
        """The record with the members of fields_set only, id always among them."""
        names = [n.strip().lower() for n in text(params, "fields_set").split(",") if n.strip()]
        return {n: v for n, v in record.items() if not names or n in names or n == "id"}

    def delete(self, params: Json) -> Any:
        """webhook_requests/delete: the record stays known as deleted."""
        record = self.find(params, True)
        self.deleted.add(record["id"])
        return record

    def resend(self, params: Json) -> Any:
        """webhook_requests/resend, at once; every attempt is appended to response."""
        if self.find(params, False)["life_cycle_state"] != "REJECTED":
            raise ApiError("WEBHOOK_REQUEST_NOT_REJECTED")
        record = self.find(params, True)
        fails = record["id"] in self.hopeless
        record["authentication_code"] = sign(record)
        record["response"] = (record["response"] or []) + entries(
            resent_at=record["log_information"]["updated_date"],
            http_status="503" if fails else "200",
        )
        if fails:
            record.update(error_code="HTTP_503", error_description="The receiver said 503")
            raise ApiError("RESEND_FAILED", record["number"])
        record.update(life_cycle_state="SUCCESSFUL", error_code=None, error_description=None)
        return record

    def listing(self, params: Json) -> Any:
        """webhook_requests/list: entity upwards, then number as TEXT downwards; or no data."""
        objects = {
            name: identifier(params, f"{name}_identifier", "id", "name", "alternative_code")
            for name in self.known
        }
        plain = {name: text(params, name) for name in ("entity", "entity_id", "life_cycle_state")}
        if not (any(objects.values()) or plain["entity"] or plain["entity_id"]):
            raise ApiError("FILTER_MISSING")
        self.session(params)
        prefix, date = text(params, "url").lower(), text(params, "created_date")
        for name, values in (("entity", ENTITIES), ("life_cycle_state", STATES)):
            if plain[name].upper() not in ("", *values):
                raise ApiError("PARAMETER_INVALID", name)
        try:
            date = date and datetime.fromisoformat(date).date().isoformat()
        except ValueError:
            raise ApiError("PARAMETER_INVALID", "created_date") from None
        for name, pairs in objects.items():
            if not any(matches(item, pairs) for item in self.known[name]):
                raise ApiError(f"{name}_not_found".upper(), pairs[0][1])
        rows = [
            r
            for r in self.records
            if r["id"] not in self.deleted
            and matches(r, [pair for pair in plain.items() if pair[1]])
            and r["url"].lower().startswith(prefix)
            and r["log_information"]["created_date"].startswith(date)
            and all(matches(r[name], objects[name]) for name in objects)
        ]
        rows.sort(key=lambda r: r["number"], reverse=True)
        return [self.cut(params, r) for r in sorted(rows, key=lambda r: r["entity"])] or None

    def __call__(self, environ: Json, start_response: Callable[..., Any]) -> list[bytes]:
        """Answer with HTTP 200; checks: path, verb, body, parameters, token, values, record."""
        try:
            path, verb = environ["PATH_INFO"].removesuffix("/"), environ["REQUEST_METHOD"]
            if path not in METHODS:
                raise ApiError("METHOD_UNKNOWN", path)
            if verb != METHODS[path][0]:
                raise ApiError("VERB_NOT_ALLOWED", verb)
            out = envelope("OK", data=METHODS[path][1](self, parameters(environ)))
        except ApiError as error:
            out = envelope(*error.args)
        except Exception as error:  # every answer is an envelope
            out = envelope("INTERNAL_ERROR", type(error).__name__)
        start_response("200 OK", [("Content-Type", "text/html; charset=UTF-8")])
        return [out]


METHODS: dict[str, tuple[str, Callable[[Api, Json], Any]]] = {
    BASE + "authentication/token": ("POST", Api.login),
    BASE + "webhook_requests/show": ("GET", lambda api, p: api.cut(p, api.find(p, False))),
    BASE + "webhook_requests/list": ("GET", Api.listing),
    BASE + "webhook_requests/resend": ("POST", Api.resend),
    BASE + "webhook_requests/delete": ("POST", Api.delete),
}


def parameters(environ: Json) -> Json:
    """Parameters of the query and, for a POST, over them those of the body, JSON or form."""
    raw = b""
    if environ["REQUEST_METHOD"] == "POST":
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body, query = raw.decode("utf-8", "replace").strip(), environ.get("QUERY_STRING", "")
    params: Json = {}
    is_form = "urlencoded" in environ.get("CONTENT_TYPE", "") and body[:1] not in ("{", "[")
    for name, value in parse_qsl(f"{query}&{body}" if is_form else query, keep_blank_values=True):
        again = name in params and name.endswith("_identifier")
        params[name] = f"{params[name]},{value}" if again else value
    try:
        found = json.loads(body) if body and not is_form else {}
    except (ValueError, RecursionError):
        raise ApiError("BODY_NOT_JSON") from None
    if not isinstance(found, dict):
        raise ApiError("BODY_NOT_OBJECT")
    return params | found


class Quiet(WSGIRequestHandler):
    """A handler that an idle connection cannot block for long and that writes no log."""

    timeout, log_message = 5, lambda *_: None


def main() -> None:
    """Read the command line and serve for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--port", "--seed"):
        parser.add_argument(option, type=int, required=True)
    args = parser.parse_args()
    with make_server("127.0.0.1", args.port, Api(args.seed), handler_class=Quiet) as server:
        print("READY", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
