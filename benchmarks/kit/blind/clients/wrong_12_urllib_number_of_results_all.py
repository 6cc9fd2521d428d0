# MISTAKE: asks for number_of_results=all; the parameter is an integer
# NAMED BY: list: number_of_results is no non-negative integer ("all")
# RELEASE: R15
"""Export the rejected webhook requests of billing entities; fall back to a plain list."""

import json
import os
import urllib.request
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

BASE = os.environ["CRM_BASE"].rstrip("/")


def fetch(request):
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except HTTPError as error:
        return {"status": {"code": f"HTTP {error.code}", "message": str(error.reason)}}


def get(method, query):
    return fetch(f"{BASE}/{method}?{urlencode(query)}")


def login():
    body = json.dumps(
        {
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        }
    ).encode()
    answer = fetch(
        urllib.request.Request(
            f"{BASE}/authentication/token", body, {"Content-Type": "application/json"}
        )
    )
    return (answer.get("data") or {}).get("token")


def main():
    token = login()
    if not token:
        print("login failed")
        return
    for entity in ("INVOICES", "PAYMENTS", "ACTIVITIES"):
        query = {"token": token, "entity": entity, "life_cycle_state": "REJECTED"}
        answer = get("webhook_requests/list", {**query, "number_of_results": "all"})
        if answer["status"]["code"] != "OK":
            print(entity, answer["status"]["code"], "- trying without number_of_results")
            answer = get("webhook_requests/list", query)
        records = answer.get("data") or []
        print(f"{entity}: {len(records)} rejected")
        for record in records[:1]:
            shown = get(
                "webhook_requests/show",
                {"token": token, "webhook_request_identifier": f"id={record['id']}"},
            )
            print("  e.g.", (shown.get("data") or {}).get("error_description"))


try:
    main()
except (URLError, OSError, ValueError, KeyError) as error:
    print("export failed:", error)
