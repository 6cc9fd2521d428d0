"""Stand-alone server of CRM.COM's webhook_requests Web API, release R10 (lenient legacy style)."""

import argparse, base64, hmac, json, random, re, time  # noqa: E401
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from tornado import ioloop, web

BASE, API_KEY = "/crmapi/rest/v2/", "B11D5EC7E7B11D5EC7E7B11D5EC7E707"
LOGIN = {"username": "integration", "password": "blind-1-pass", "organisation": "blind"}
IP, ENTITIES = "127.0.0.1", ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
METHODS = {
    "GET webhook_requests/show": "find",
    "POST webhook_requests/show": "find",
    "GET webhook_requests/list": "list",
    "POST webhook_requests/list": "list",
    "POST webhook_requests/resend": "resend",
    "POST webhook_requests/delete": "delete",
    "POST authentication/token": "token",
    "POST authentication/token/release": "release",
    "POST authentication/web_api_key/token": "key_token",
}
Record = dict[str, Any]
IN, WF, SEC = (f"COM.CRM.EXCEPTION.{m}." for m in ("COMMON", "WORKFLOWS", "SECURITYMANAGEMENT"))
ERRORS: dict[str, tuple[int, str, str]] = {  # kind: HTTP status (500: internal), code, message
    "missing": (200, IN + "REQUIREDINPUTEXCEPTION", "Required input missing"),
    "two": (200, IN + "AMBIGUOUSINPUTEXCEPTION", "Ambiguous input"),
    "login": (200, SEC + "LOGINFAILEDEXCEPTION", "Login failed"),
    "token": (200, SEC + "SESSIONNOTFOUNDEXCEPTION", "There is no such session"),
    "expired": (200, SEC + "SESSIONTIMEDOUTEXCEPTION", "The session has timed out"),
    "unknown": (200, WF + "WEBHOOKREQUESTDOESNOTEXISTEXCEPTION", "Webhook request not found"),
    "deleted": (200, WF + "WEBHOOKREQUESTREMOVEDEXCEPTION", "Webhook request was removed"),
    "state": (200, WF + "WEBHOOKREQUESTNOTREJECTEDEXCEPTION", "Only rejected can be re-sent"),
    "body": (500, "ORG.CODEHAUS.JACKSON.JSONPARSEEXCEPTION", "Unreadable request body"),
    "path": (500, "JAVA.LANG.NOSUCHMETHODEXCEPTION", "No such method"),
    "crash": (500, "JAVA.LANG.NULLPOINTEREXCEPTION", "Unexpected error"),
}
OUTCOMES: dict[str, tuple[str, str | None, str | None]] = {  # response, error code, description
    "ok": ("HTTP/1.1 200 OK\nAccepted, thank you", None, None),
    "gateway": ("HTTP/1.1 502 Bad Gateway\nno luck", "WebhookCallException", "Error code 502"),
    "session": ("", "LazyInitializationException", "org.hibernate: no Session\n\tat org.hib"),
}


class ApiError(Exception):
    """A refused call: args are a kind of ERRORS and a text for status.description."""


def norm(value: Any) -> str:
    """Comparison form of any value: text without blanks around it, lower case."""
    return "" if value is None else str(value).strip().lower()


def flat(value: Any) -> list[str]:
    """Members of a comma-separated text or an array, normalised, empty ones dropped."""
    parts = value if isinstance(value, list) else [value]
    return [norm(p) for part in parts for p in str(part or "").split(",") if norm(p)]


def identifier(value: Any, *names: str) -> set[tuple[str, str]]:
    """(field, value) pairs of an identifier in any form: object, array, a=b, a:b."""
    if isinstance(value, list):
        return set().union(*(identifier(item, *names) for item in value))
    parts = re.split(rf"[,;]\s*(?=(?:{'|'.join(names)})\s*[=:])", str(value or ""), flags=re.I)
    pairs = (
        value.items()
        if isinstance(value, dict)
        else [(re.split("[=:]", part, maxsplit=1) + [""])[:2] for part in parts]
    )
    return {(norm(k), norm(v)) for k, v in pairs if norm(k) in names and norm(v)}


class Api:
    """The records and sessions, made from the seed, and the seven methods."""

    def __init__(self, seed: int) -> None:
        self.rng, rng, moment = random.Random(-seed - 1), random.Random(seed), datetime(2014, 2, 3)
        self.sessions, self.records, self.deleted = dict[str, Record](), list[Record](), set[str]()
        hexa = [f"{rng.getrandbits(128):032X}" for _ in range(200)]
        self.units = [
            {
                "community_name": "Blind Community",
                "id": i,
                "name": n,
                "group_name": g,
                "description": None,
                "alternative_code": n[:2].upper(),
            }
            for n, g, i in (("Office", "Main", "1"), ("Field", "Partners", hexa.pop()))
        ]
        self.users = [
            {"person_name": u.title(), "username": u, "email": f"{u}@x.cy", "id": i}
            for u, i in (("integration", hexa.pop()), ("admin", "1"), ("web", "2"))
        ]
        flows = [
            (
                {
                    "id": hexa.pop(),
                    "name": f"{entity.title()} push {i}",
                    "alternative_code": f"WD{i}",
                    "description": "Sends" if i % 2 else None,
                },
                {
                    "id": hexa.pop(),
                    "name": f"On {entity.title()} {i}",
                    "entity": entity,
                    "alternative_code": f"WR{i}" if i != 5 else None,
                },
            )
            for i, entity in enumerate(ENTITIES * 2, 1)
        ]
        for n in range(1, 121):
            if n not in (10, 11, 100, 101) and rng.random() > 0.12:
                moment += timedelta(seconds=rng.randint(40_000, 1_160_000))
            definition, rule = rng.choice(flows)
            user, unit = rng.choice(self.users + [None]), rng.choice(self.units)
            log = {
                "created_date": moment.isoformat(),
                "created_by_unit": user and unit,
                "updated_date": (moment + timedelta(seconds=n % 9)).isoformat(),
                "updated_by_unit": unit,
                "created_by_user": user,
                "updated_by_user": user,
            }
            entity_id = hexa[ENTITIES.index(rule["entity"]) + 4 * rng.randrange(11)]
            url = f"https://hooks.blind.test/In/{definition['alternative_code']}/{rule['entity']}"
            data = json.dumps({"id": entity_id, "number": f"{rule['entity'][:2]}{n:05d}"})
            record = {
                "id": hexa.pop(),
                "number": str(n),
                "entity": rule["entity"],
                "url": url,
                "entity_id": entity_id,
                "webhook_definition": definition,
                "fields_set": "id,number" if n % 3 else None,
                "workflow_rule": rule,
                "request": f"POST {url}\ndata={data}",
                "log_information": log,
            }
            self.send(record, rng.choice(("ok", "ok", "ok", "gateway", "session")))
            self.records.append(record)
        self.stubborn = {r["id"] for r in [r for r in self.records if r["error_code"]][2::10]}
        self.records.sort(key=lambda r: r["number"])
        self.records.sort(key=lambda r: r["log_information"]["created_date"], reverse=True)

    def send(self, record: Record, outcome: str) -> None:
        """Set the members that one sending attempt decides."""
        key, data = record["webhook_definition"]["id"], record["request"].split("data=", 1)[1]
        code = base64.b64encode(hmac.digest(key.encode(), data.encode(), "sha1")).decode()
        record["response"], record["error_code"], record["error_description"] = OUTCOMES[outcome]
        record["authentication_code"] = None if outcome == "session" else code
        record["life_cycle_state"] = "SUCCESSFUL" if outcome == "ok" else "REJECTED"

    def need(self, params: Record, *names: str) -> None:
        """Refuse the call when one of these parameters is absent or empty."""
        for name in (n for n in names if not norm(params.get(n))):
            raise ApiError("missing", name)

    def open(self, user: Record, params: Record, token: str, idle: bool) -> Record:
        """Start a session (one hour idle or two fixed); an unknown unit means the default one."""
        units = [u for u in self.units if norm(u["id"]) == norm(params.get("unit"))] + self.units
        who, life = {"updated_by_unit": units[0], "updated_by_user": user}, 3600 if idle else 7200
        self.sessions[norm(token)] = {"who": who, "idle": idle, "end": time.time() + life}
        return {"token": token}

    def check(self, params: Record) -> None:
        """Put user and unit of the token's session in the parameters, or raise its error."""
        self.need(params, "token")
        found = self.sessions.get(norm(params["token"]))
        if found is None or found["end"] < time.time():
            raise ApiError("expired" if found else "token", "")
        found["end"] = time.time() + 3600 if found["idle"] else found["end"]
        params["who"] = found["who"]

    def find(self, params: Record, gone_too: bool = False) -> Record:
        """GET webhook_requests/show: checks the identifier, then the token, then the record."""
        fields = identifier(params.get("webhook_request_identifier"), "id", "number")
        if len(fields) != 1:
            raise ApiError("two" if fields else "missing", "webhook_request_identifier")
        self.check(params)
        name, value = fields.pop()
        record = next((r for r in self.records if norm(r[name]) == value), None)
        if record is None or (record["id"] in self.deleted and not gone_too):
            raise ApiError("deleted" if record else "unknown", f"{name}: {value}")
        return record

    def list(self, params: Record) -> list[Record]:
        """GET webhook_requests/list: filters are combined by AND, empty ones ignored."""
        pairs = [
            (key, *pair)
            for key in ("webhook_definition", "workflow_rule")
            for pair in identifier(
                params.get(key + "_identifier"), "id", "name", "alternative_code"
            )
        ]
        entities = [re.sub(r"[\s_-]", "", e) for e in flat(params.get("entity"))]
        entity_id, url = norm(params.get("entity_id")), norm(params.get("url"))
        if not (pairs or entities or entity_id):
            raise ApiError("missing", "at least one semi-optional parameter")
        self.check(params)
        states, day = flat(params.get("life_cycle_state")), norm(params.get("created_date"))
        day = re.sub(r"^(\d{4})\D?(\d\d)\D?(\d\d)([t\s].*)?$", r"\1-\2-\3", day)
        return [
            r
            for r in self.records
            if r["id"] not in self.deleted
            and all(norm(r[key][field]) == value for key, field, value in pairs)
            and (not entities or norm(r["entity"]) in entities)
            and entity_id in ("", norm(r["entity_id"]))
            and url in norm(r["url"])
            and (not states or norm(r["life_cycle_state"]) in states)
            and r["log_information"]["created_date"].startswith(day)
        ]

    def resend(self, params: Record) -> Record:
        """POST webhook_requests/resend: at once; a new failure is an OK answer with a message."""
        record = self.find(params)
        if record["life_cycle_state"] != "REJECTED":
            raise ApiError("state", f"number: {record['number']}")
        self.send(record, "gateway" if record["id"] in self.stubborn else "ok")
        record["log_information"] |= params["who"] | {"updated_date": f"{datetime.now():%FT%T}"}
        params["message"] = "Rejected again" if record["error_code"] else ""
        return record

    def delete(self, params: Record) -> Record:
        """POST webhook_requests/delete: deleting again answers the same record again."""
        record = self.find(params, gone_too=True)
        self.deleted.add(record["id"])
        return record

    def token(self, params: Record) -> Record:
        """POST authentication/token."""
        self.need(params, *LOGIN)
        if any(norm(params[k]) != v for k, v in LOGIN.items()):
            raise ApiError("login", "")
        return self.open(self.users[0], params, f"{self.rng.getrandbits(256):064X}", True)

    def key_token(self, params: Record) -> Record:
        """POST authentication/web_api_key/token: HTTP Basic, with or without the colon."""
        given = norm(params["basic"]).removeprefix("basic").strip().rstrip("=")
        keys = (base64.b64encode((API_KEY + end).encode()).decode() for end in ("", ":"))
        if given not in [norm(key).rstrip("=") for key in keys]:
            raise ApiError("login" if given else "missing", "web_api_key")
        return self.open(self.users[2], params, str(self.rng.randrange(10**9, 10**10)), False)

    def release(self, params: Record) -> Record:
        """POST authentication/token/release: an unknown token is released as well."""
        self.need(params, "token")
        self.sessions.pop(norm(params["token"]), None)
        return {}


class Handler(web.RequestHandler):
    """Every path and verb: reads parameters, calls the method, writes the envelope."""

    def parameters(self) -> Record:
        """Members of the query and the body (JSON or form; the body wins), names normalised."""
        text, params = self.request.body.decode("utf-8", "replace").strip(), dict[str, Any]()
        try:
            body = (
                json.loads(text.strip("[]") or "{}")
                if text[:1] in tuple("{[")
                else dict(parse_qsl(text))
            )
        except ValueError as error:
            raise ApiError("body", str(error)) from error
        for name, value in parse_qsl(self.request.query) + list(body.items()):
            key, _, field = norm(name).rstrip("]").replace("[", ".").partition(".")
            item = {field: value} if field else value
            many = key.endswith("_identifier") and key in params
            params[key] = [params[key], item] if many else item
        return params | {"basic": self.request.headers.get("Authorization"), "message": ""}

    def serialise(self, data: Any, fields_set: Any) -> Any:
        """Response data: the chosen fields of records; an empty list is null."""
        if isinstance(data, list):
            return [self.serialise(item, fields_set) for item in data] or None
        wanted = {name.split(".")[0] for name in flat(fields_set)} & set(data) or data
        return {k: v for k, v in data.items() if k in wanted} if "entity" in data else data

    def reply(self) -> None:
        """Answer one call."""
        http, code, detail, data = 200, "OK", "", {}
        try:
            path = re.sub("/+", "/", self.request.path).lower()
            name = METHODS.get(f"{self.request.method} {path.removeprefix(BASE).rstrip('/')}")
            if name is None or not path.startswith(BASE):
                raise ApiError("path", f"{self.request.method} {self.request.path}")
            params = self.parameters()
            data = getattr(self.settings["api"], name)(params)
            data, message = self.serialise(data, params.get("fields_set")), params["message"]
        except Exception as error:  # pylint: disable=broad-except
            known = error.args if isinstance(error, ApiError) else ("crash", repr(error))
            (http, code, message), detail = ERRORS[known[0]], known[1]
        status = {"message": message, "description": detail, "code": code}
        self.set_status(http)
        self.set_header("Content-Type", "text/plain;charset=UTF-8")
        self.finish(json.dumps({"status": status, "data": data}))

    get = post = put = delete = patch = head = options = reply  # type: ignore[assignment]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--port", "--seed"):
        parser.add_argument(option, type=int, required=True)
    args = parser.parse_args()
    web.Application([(".*", Handler)], api=Api(args.seed), log_function=id).listen(args.port, IP)
    print("READY", flush=True)
    ioloop.IOLoop.current().start()
