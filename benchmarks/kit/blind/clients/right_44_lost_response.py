# RIGHT
# NAMED BY: nothing
# RELEASE: R10
# LOSES: resend
"""Resend rejected service requests; after a lost response, look before sending again."""

import http.client
import json
import os
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE = os.environ["CRM_BASE"].rstrip("/")
LOST = (OSError, http.client.HTTPException, ValueError)


def call(method, query=None, body=None):
    url = f"{BASE}/{method}" + (f"?{urlencode(query)}" if query else "")
    data = None if body is None else json.dumps(body).encode()
    with urlopen(
        Request(url, data, {"Content-Type": "application/json"} if data else {}), timeout=10
    ) as response:
        answer = json.loads(response.read())
    if answer["status"]["code"] != "OK":
        raise RuntimeError(f"{method}: {answer['status']['code']}")
    return answer.get("data")


def resend(token, number):
    body = {"token": token, "webhook_request_identifier": {"number": number}}
    try:
        return call("webhook_requests/resend", body=body)
    except LOST as error:
        print(number, "no response:", type(error).__name__)
    record = call(
        "webhook_requests/show", {"token": token, "webhook_request_identifier": f"number={number}"}
    )
    if record["life_cycle_state"] == "REJECTED":
        record = call("webhook_requests/resend", body=body)
    return record


def main():
    token = call(
        "authentication/token",
        body={
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
    )["token"]
    try:
        rows = (
            call(
                "webhook_requests/list",
                {
                    "token": token,
                    "entity": "SERVICEREQUESTS",
                    "life_cycle_state": "REJECTED",
                    "fields_set": "number",
                },
            )
            or []
        )
        for row in rows[:3]:
            try:
                print(row["number"], resend(token, row["number"])["life_cycle_state"])
            except RuntimeError as refusal:
                print(row["number"], refusal)
    finally:
        call("authentication/token/release", body={"token": token})


try:
    main()
except Exception as error:
    print("stopped:", error)
