# RIGHT
# NAMED BY: nothing (login with a Web API key, lists by definition and rule, resend by id, token release in R11)
# RELEASE: R11
import base64
import json
import os
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE = os.environ["CRM_BASE"].rstrip("/")
KEY = os.environ.get("CRM_API_KEY", "00000000000000000000000000C0FFEE")  # the mock's key


def call(method, query=None, body=None, headers=None):
    url = f"{BASE}/{method}" + (f"?{urlencode(query)}" if query else "")
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(
            Request(url, data, {"Content-Type": "application/json", **(headers or {})}), timeout=30
        ) as got:
            answer = json.load(got)
    except (HTTPError, ValueError) as error:
        print(method, "->", error)
        return None
    print(method, "->", answer["status"]["code"])
    return answer.get("data") if answer["status"]["code"] == "OK" else None


def login():
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    data = call(
        "authentication/web_api_key/token", body={}, headers={"Authorization": f"Basic {basic}"}
    )
    if not data:  # no key for us here: user name and password
        data = call(
            "authentication/token",
            body={
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )
    return data and data["token"]


def work(token):
    rejected = {"token": token, "life_cycle_state": "REJECTED"}
    records = call("webhook_requests/list", {**rejected, "entity": "ACTIVITIES"}) or []
    for kind in ("webhook_definition", "workflow_rule"):
        ids = {record[kind]["id"] for record in records if (record.get(kind) or {}).get("id")}
        for one in sorted(ids)[:1]:
            found = (
                call("webhook_requests/list", {**rejected, f"{kind}_identifier": f"id={one}"}) or []
            )
            print(" ", kind, one, len(found))
    for record in records[:2]:
        shown = call(
            "webhook_requests/show",
            {"token": token, "webhook_request_identifier": f"id={record['id']}"},
        )
        if shown and shown["life_cycle_state"] == "REJECTED":
            print(
                " ",
                call(
                    "webhook_requests/resend",
                    body={
                        "token": token,
                        "webhook_request_identifier": {"id": record["id"]},
                        "fields_set": "number,life_cycle_state",
                    },
                ),
            )


try:
    if token := login():
        work(token)
        call("authentication/token/release", body={"token": token})
except Exception as error:
    print("failed:", repr(error))
