# MISTAKE: the second login spells the mandatory parameter organisation as organization
# NAMED BY: token (authentication/token); organisation is mandatory and missing (missing_parameter)
"""Read with one session, and resend with a fresh one."""

import json
import os
import urllib.parse
import urllib.request

BASE = os.environ["CRM_BASE"].rstrip("/")
SETTINGS = {"username": os.environ["CRM_USER"], "password": os.environ["CRM_PASSWORD"]}


def answer_of(request):
    with urllib.request.urlopen(request, timeout=15) as response:
        answer = json.load(response)
    if answer["status"]["code"] != "OK":
        print("refused:", answer["status"]["code"], answer["status"]["message"])
        return None
    return answer.get("data")


def post(method, body):
    return answer_of(
        urllib.request.Request(
            f"{BASE}/{method}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
    )


def get(method, query):
    return answer_of(f"{BASE}/{method}?{urllib.parse.urlencode(query)}")


def open_session():
    return post("authentication/token", {**SETTINGS, "organisation": os.environ["CRM_ORG"]})


def renew_session(token):
    fresh = post("authentication/token", {**SETTINGS, "organization": os.environ["CRM_ORG"]})
    return fresh["token"] if fresh else token


def main():
    session = open_session()
    if not session:
        return
    token = session["token"]
    rows = (
        get(
            "webhook_requests/list",
            {
                "token": token,
                "entity": "SUBSCRIPTIONS",
                "life_cycle_state": "REJECTED",
                "fields_set": "number,error_code",
            },
        )
        or []
    )
    for row in rows[:2]:
        record = get(
            "webhook_requests/show",
            {"token": token, "webhook_request_identifier": f"number={row['number']}"},
        )
        print(row["number"], record and record["url"])
    token = renew_session(token)
    for row in rows[:2]:
        sent = post(
            "webhook_requests/resend",
            {"token": token, "webhook_request_identifier": {"number": row["number"]}},
        )
        print(row["number"], sent and sent["life_cycle_state"])


try:
    main()
except Exception as error:
    print("stopped:", error)
