# MISTAKE: sends delete's parameters as an HTML form (requests' data=) instead of a JSON object
# NAMED BY: delete; the body of a POST method is one JSON object (bad_body)
"""Remove the oldest successful webhook requests of subscriptions."""

import os

import requests

BASE = os.environ["CRM_BASE"].rstrip("/")


def unpack(response):
    body = response.json()
    if body["status"]["code"] == "OK":
        return body.get("data")
    print(response.request.method, response.request.path_url.split("?")[0], body["status"]["code"])
    return None


def main():
    session = requests.Session()
    login = unpack(
        session.post(
            BASE + "/authentication/token",
            timeout=20,
            json={
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )
    )
    if login is None:
        return
    token = login["token"]
    rows = (
        unpack(
            session.get(
                BASE + "/webhook_requests/list",
                timeout=20,
                params={
                    "token": token,
                    "entity": "SUBSCRIPTIONS",
                    "life_cycle_state": "SUCCESSFUL",
                    "fields_set": "number,log_information",
                },
            )
        )
        or []
    )
    rows.sort(key=lambda row: (row.get("log_information") or {}).get("created_date") or "")
    removed = 0
    for row in rows[:3]:
        gone = unpack(
            session.post(
                BASE + "/webhook_requests/delete",
                timeout=20,
                data={
                    "token": token,
                    "webhook_request_identifier": '{"number": "%s"}' % row["number"],
                },
            )
        )
        if gone:
            removed += 1
    print("removed", removed, "of", len(rows))
    if rows:
        last = unpack(
            session.get(
                BASE + "/webhook_requests/show",
                timeout=20,
                params={
                    "token": token,
                    "webhook_request_identifier": "number=" + rows[-1]["number"],
                },
            )
        )
        print("newest:", last and last["url"])


try:
    main()
except Exception as error:
    print("stopped:", error)
