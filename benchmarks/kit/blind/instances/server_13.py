"""Stand-alone CRM.COM R9.0.0 webhook_requests API: append-only streams and their projection."""

from __future__ import annotations

import argparse
import hmac
import json
import random
import re
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, NamedTuple
from urllib.parse import parse_qsl

BASE, LOGIN = "/crmapi/rest/v2/", ("integration", "blind-1-pass", "BLIND")
ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
FIELDS = (
    "id number life_cycle_state entity entity_id url authentication_code fields_set request "
    "response error_code error_description webhook_definition workflow_rule "
    "log_information"
).split()
FORMS = {
    "entity": "|".join(ENTITIES),
    "life_cycle_state": "SUCCESSFUL|REJECTED",
    "created_date": r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?",  # a day or a second, no zone
    "fields_set": "({0})(,({0}))*".format("|".join(FIELDS)),
}
HTTP = {
    "syntax_error": 400,
    "wrong_type": 400,
    "unknown_parameter": 400,
    "not_found": 404,
    "repeated_parameter": 400,
    "unit_forbidden": 403,
    "verb_not_allowed": 405,
    "deleted": 410,
    "not_rejected": 409,
    "not_json": 415,
    "protocol_error": 400,
    "OK": 200,
}
FAULTS = (
    ("LazyInitializationException", "could not initialize proxy\n\tat com.crm", False),
    ("SocketTimeoutException", "Read timed out", True),
)  # code, text, was anything sent
Params = dict[str, Any]  # decoded: zero values (null, "", {}) are left out
Actor = tuple[Any, Any]  # user and unit, or two nulls for the system


class Problem(Exception):
    """The one error: a code `subject.kind` and, if known, the attribute that it concerns."""


Event = NamedTuple(
    "Event",
    [  # an immutable entry of a stream: created, attempted or deleted
        ("kind", str),
        ("at", datetime),
        ("by", Actor),
        ("answer", Any),
        ("fault", Any),
    ],
)


class Stream(NamedTuple):
    """History of one webhook request; `head` and `data` are the snapshot sent at every attempt."""

    head: dict[str, Any]
    data: dict[str, Any]
    stubborn: bool
    events: list[Event]

    def project(self) -> dict[str, Any]:
        """Fold the history into the record of the API (the only serializer)."""
        tries = [e for e in self.events if e.kind == "attempted"]
        last, first, tail = tries[-1], self.events[0], self.events[-1]
        code, text, sent = last.fault or (None, None, True)
        mac = hmac.new(b"k-2014", json.dumps(self.data).encode(), "sha256").hexdigest()
        request = {"attempt": len(tries), "sent_at": last.at.isoformat(), "data": self.data}
        row = self.head | {
            "life_cycle_state": "REJECTED" if code else "SUCCESSFUL",
            "authentication_code": mac if sent else None,
            "request": request if sent else None,
            "response": [e.answer for e in tries],
            "error_code": code,
            "error_description": text,
            "log_information": {
                f"{k}_{n}": v
                for k, e in (("created", first), ("updated", tail))
                for n, v in (("date", e.at.isoformat()), ("by_user", e.by[0]), ("by_unit", e.by[1]))
            },
        }
        return {f: row[f] for f in FIELDS}


class Store:
    """Event store, seeded deterministically, with its own logical clock and its sessions."""

    def __init__(self, seed: int) -> None:
        rng, self.tokens = random.Random(seed), random.Random(f"{seed}/tokens")
        self.lock, self.clock, self.streams = threading.Lock(), datetime(2016, 1, 4, 8), []
        self.sessions: dict[str, tuple[datetime, Actor]] = {}

        def named(*names: str) -> list[dict[str, Any]]:
            return [
                {
                    "id": f"{rng.getrandbits(128):032X}",
                    "name": n,
                    "description": None,
                    "alternative_code": n[-5:].strip().upper(),
                }
                for n in names
            ]

        self.units = [
            u | {"group_name": "Main Group", "community_name": "Internal Community"}
            for u in named("Admin Unit", "Installation Team 4")
        ]
        self.actors = [
            (
                {
                    "id": u["id"],
                    "username": u["name"],
                    "person_name": u["name"].title(),
                    "email": u["name"] + "@crm.test",
                },
                self.units[0],
            )
            for u in named("integration", "m_user", "s.dispatch")
        ]
        self.definitions = named("Activity Mirror", "Activity Mirror 2", "Field Service, North")
        self.rules, subjects = named("On creation", "On close", "On move"), named(*ENTITIES * 6)
        here = "http://127.0.0.1:9080/crmapi/rest/v2/activities/create"
        urls = here, here + "_extended", "https://fs.example.com/in?zone=n"
        start, rejected = datetime(2014, 1, 1), sorted(rng.sample(range(120), 50))
        for i, one in enumerate(named(*map(str, range(1, 121)))):
            start += timedelta(0, 0 if i % 8 == 3 else rng.randrange(1, 12 * 86400))
            at, about, kind = start, rng.choice(subjects), rng.randrange(3)
            data = {"id": about["id"], "number": f"{about['name'][:3]}{i:07d}", "state": "OPEN"}
            head = {
                "id": one["id"],
                "number": one["name"],
                "entity": about["name"],
                "entity_id": about["id"],
                "url": urls[kind],
                "fields_set": None if kind == 1 else "id,number,state",
                "webhook_definition": self.definitions[kind],
                "workflow_rule": rng.choice(self.rules),
            }
            who = rng.choice([*self.actors, (None, None)])
            events = [Event("created", at, who, None, None)]
            for left in reversed(range(rng.choice((1, 1, 1, 2)))):
                at += timedelta(0, rng.choice((0, 1, 8, 3600)))
                bad = rng.choice(FAULTS) if left or i in rejected else None
                answer = None if bad else rng.choice(({"code": "OK"}, "accepted", 204, []))
                events.append(Event("attempted", at, rng.choice([who, *self.actors]), answer, bad))
            self.streams.append(Stream(head, data, i in rejected[4::10], events))

    def actor(self, token: str | None) -> Actor:
        """Resolve a token and prolong its session (one idle hour)."""
        used, who = self.sessions.get(token or "", (datetime.min, (None, None)))
        if not token or datetime.now() - used > timedelta(hours=1):
            raise Problem("session.token_invalid" if token else "session.token_missing", "token")
        self.sessions[token] = (datetime.now(), who)
        return who


def find(pool: list[Any], params: Params, kind: str) -> Any:
    """What an identifier names: ids are hex keys, hence of any case; the rest is exact."""
    given = params.get(name := kind + "_identifier", {})
    if len(given) != 1:
        raise Problem(f"request.{'ambiguous_identifier' if given else 'missing_parameter'}", name)
    ((key, value),) = given.items()
    value = value.upper() if key == "id" else value
    hit: Any = next((x for x in pool if getattr(x, "head", x)[key] == value), None)
    if hit is None:
        raise Problem(kind + ".not_found", name)
    if isinstance(hit, Stream) and hit.events[-1].kind == "deleted":
        raise Problem("webhook_request.deleted", name)
    return hit


def pick(params: Params, row: dict[str, Any]) -> dict[str, Any]:
    """Limit a record to fields_set."""
    return {f: v for f, v in row.items() if f in params.get("fields_set", f).split(",")}


def listing(store: Store, params: Params, _: Actor) -> Any:
    """GET webhook_requests/list: ANDed; by entity, then last event and id descending."""
    kinds = {"webhook_definition": store.definitions, "workflow_rule": store.rules}
    if not {"entity", "entity_id", *(k + "_identifier" for k in kinds)} & set(params):
        raise Problem("request.no_criteria")
    same = {k: params[k] for k in ("entity", "entity_id", "life_cycle_state") if k in params}
    same |= {k: find(kinds[k], params, k)["id"] for k in kinds if k + "_identifier" in params}
    rows = [s.project() for s in store.streams if s.events[-1].kind != "deleted"]
    rows = [
        r
        for r in rows
        if r["url"].startswith(params.get("url", ""))
        and all((r[k]["id"] if k in kinds else r[k]) == v for k, v in same.items())
        and r["log_information"]["created_date"].startswith(params.get("created_date", ""))
    ]
    rows.sort(key=lambda r: (r["log_information"]["updated_date"], r["id"]), reverse=True)
    return [pick(params, r) for r in sorted(rows, key=lambda r: r["entity"])]


def act(store: Store, params: Params, who: Actor, kind: str) -> Any:
    """resend appends an attempt (failed or not: a fact, no error), delete a tombstone."""
    stream = find(store.streams, params, "webhook_request")
    if kind == "attempted" and stream.project()["error_code"] is None:
        raise Problem("webhook_request.not_rejected", "webhook_request_identifier")
    store.clock += timedelta(seconds=7)  # the next tick of the logical clock
    bad = FAULTS[1] if kind == "attempted" and stream.stubborn else None
    stream.events.append(Event(kind, store.clock, who, None if bad else {"code": "OK"}, bad))
    return stream.project()


def login(store: Store, params: Params, _: Any) -> Any:
    """POST authentication/token, the only login of R9."""
    for name in ("username", "password", "organisation"):
        if name not in params:
            raise Problem("request.missing_parameter", name)
    if (params["username"], params["password"], params["organisation"].upper()) != LOGIN:
        raise Problem("session.bad_credentials")
    if not (unit := [u for u in store.units if u["id"] == params.get("unit", u["id"]).upper()]):
        raise Problem("session.unit_forbidden", "unit")
    token = f"{store.tokens.getrandbits(256):064X}"
    store.sessions[token] = (datetime.now(), (store.actors[0][0], unit[0]))
    return {"token": token}


WHICH, NAMED = " webhook_request_identifier:id:number", "_identifier:id:name:alternative_code"
ROUTES: dict[str, tuple[str, Callable[..., Any], str]] = {  # verb, method, shape of parameters
    BASE + "authentication/token": ("POST", login, "username password organisation unit"),
    BASE + "webhook_requests/show": (
        "GET",
        lambda s, p, _: pick(p, find(s.streams, p, "webhook_request").project()),
        "token fields_set" + WHICH,
    ),
    BASE + "webhook_requests/list": (
        "GET",
        listing,
        f"token {' '.join(FORMS)} entity_id url webhook_definition{NAMED} workflow_rule{NAMED}",
    ),
    BASE + "webhook_requests/resend": ("POST", lambda *a: act(*a, "attempted"), "token" + WHICH),
    BASE + "webhook_requests/delete": ("POST", lambda *a: act(*a, "deleted"), "token" + WHICH),
}


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Object out of pairs, refusing duplicates (JSON members and query parameters)."""
    if len(dict(pairs)) != len(pairs):
        raise Problem("request.repeated_parameter")
    return dict(pairs)


def from_query(query: str, shape: dict[str, list[str]]) -> dict[str, Any]:
    """Raw form of a query; identifiers are `name=field=value`, more fields after a comma."""
    raw = unique(parse_qsl(query, keep_blank_values=True, errors="strict"))
    for name in [n for n in raw if shape.get(n) and raw[n]]:
        parts = re.split(f",(?=(?:{'|'.join(shape[name])})=)", raw[name])
        raw[name] = unique([tuple(p.split("=", 1)) for p in parts])  # ValueError without a "="
    return raw


def decode(raw: Any, shape: dict[str, list[str]], prefix: str = "") -> Params:
    """Strict decoding against a shape; null and zero values count as absent."""
    if not isinstance(raw, dict):
        raise Problem("request.wrong_type", prefix.strip(".") or "body")
    out: Params = {}
    for name, value in raw.items():
        if name not in shape:
            raise Problem("request.unknown_parameter", prefix + name)
        if value and shape[name]:
            value = decode(value, {f: [] for f in shape[name]}, name + ".")
        elif value is not None and not isinstance(value, (str, dict) if shape[name] else str):
            raise Problem("request.wrong_type", prefix + name)
        if value:
            out[name] = value
    return out


class Handler(BaseHTTPRequestHandler):
    """Transport: route, verb, decoding, session, forms, method; every answer is an envelope."""

    store: Store

    def reply(self, code: str, data: Any) -> None:
        """Write the envelope; HTTP status and message of an error are made from its code."""
        text = "" if code == "OK" else code.replace(".", ": ").replace("_", " ")
        body = json.dumps(
            {"status": {"code": code, "message": text, "description": ""}, "data": data}
        ).encode()
        status = 401 if code.startswith("session") else 422
        self.send_response(HTTP.get(code.split(".")[-1], status))
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def serve(self) -> None:
        """Handle one request."""
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            route = ROUTES.get(path.removesuffix("/"))
            if route is None or self.command != route[0]:
                raise Problem("route.verb_not_allowed" if route else "route.not_found")
            get = self.command == "GET"
            if body if get else query:  # parameters in the wrong place
                raise Problem("request.syntax_error", "body" if get else "query")
            if not get and self.headers.get_content_type() != "application/json":
                raise Problem("request.not_json", "body")
            shape = {n: f for n, *f in (w.split(":") for w in route[2].split())}
            params = decode(
                from_query(query, shape)
                if get
                else json.loads(body.decode(), object_pairs_hook=unique),
                shape,
            )
            with self.store.lock:
                who = None if route[1] is login else self.store.actor(params.get("token"))
                for name in (n for n in FORMS if n in params):
                    if not re.fullmatch(FORMS[name], params[name], re.A):
                        raise Problem("request.invalid_value", name)
                data = route[1](self.store, params, who)
            self.reply("OK", data)
        except (ValueError, RecursionError):  # of from_query and json.loads
            self.reply("request.syntax_error", {"attribute": None})
        except Problem as p:
            self.reply(p.args[0], {"attribute": (*p.args, None)[1]})

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = serve
    send_error = lambda s, *_: s.reply("request.protocol_error", {})  # type: ignore  # noqa: E731
    log_message = lambda *_: None  # type: ignore[assignment]  # noqa: E731


if __name__ == "__main__":
    cli = argparse.ArgumentParser(description=__doc__)
    for flag in ("--port", "--seed"):
        cli.add_argument(flag, type=int, required=True)
    Handler.store = Store(cli.parse_args().seed)
    server = ThreadingHTTPServer(("127.0.0.1", cli.parse_args().port), Handler)
    print("READY", flush=True)
    server.serve_forever()
