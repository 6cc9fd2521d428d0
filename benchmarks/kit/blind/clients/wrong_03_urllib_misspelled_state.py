# MISTAKE: the list filter is spelled lifecycle_state, so the list is not filtered by state
# NAMED BY: list: unknown parameter lifecycle_state (right: life_cycle_state)
"""Report and resend the rejected webhook requests of each entity."""

import json
import os
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE = os.environ["CRM_BASE"]


def call(method, query=None, body=None):
    url = f"{BASE}/{method}" + (f"?{urlencode(query)}" if query else "")
    data = json.dumps(body).encode() if body is not None else None
    request = Request(url, data, {"Content-Type": "application/json"} if data else {})
    try:
        with urlopen(request, timeout=20) as response:
            answer = json.load(response)
    except HTTPError as error:
        print(method, "HTTP", error.code, error.read()[:200])
        return None
    if answer["status"]["code"] != "OK":
        print(method, "refused:", answer["status"]["code"])
        return None
    return answer.get("data")


def main():
    login = call(
        "authentication/token",
        body={
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
    )
    if not login:
        return
    token, rejected = login["token"], []
    for entity in ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"):
        found = (
            call(
                "webhook_requests/list",
                {
                    "token": token,
                    "entity": entity,
                    "lifecycle_state": "REJECTED",
                    "fields_set": "number,life_cycle_state,error_code",
                },
            )
            or []
        )
        print(f"{entity}: {len(found)} to look at")
        rejected += [record for record in found if record.get("life_cycle_state") == "REJECTED"]
    for record in rejected[:4]:
        sent = call(
            "webhook_requests/resend",
            body={"token": token, "webhook_request_identifier": {"number": record["number"]}},
        )
        print(record["number"], record.get("error_code"), "->", sent and sent["life_cycle_state"])


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        print("failed:", error)
