# MISTAKE: lists the entity LEADS in a release that does not have it yet
# NAMED BY: list; entity LEADS is available from R14.0.0 (unsupported_entity)
# RELEASE: R12
"""Daily count of rejected webhooks for each entity that the sales team uses."""

import json
import os
import urllib.parse
import urllib.request

BASE = os.environ["CRM_BASE"].rstrip("/")
ENTITIES = ["ACTIVITIES", "JOBS", "SUBSCRIPTIONS", "LEADS"]


def send(request):
    with urllib.request.urlopen(request, timeout=15) as response:
        answer = json.load(response)
    if answer["status"]["code"] != "OK":
        print("refused:", answer["status"]["code"])
        return None
    return answer.get("data")


def get(method, **query):
    return send(f"{BASE}/{method}?{urllib.parse.urlencode(query)}")


def post(method, **body):
    return send(
        urllib.request.Request(
            f"{BASE}/{method}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
    )


def main():
    login = post(
        "authentication/token",
        username=os.environ["CRM_USER"],
        password=os.environ["CRM_PASSWORD"],
        organisation=os.environ["CRM_ORG"],
    )
    if not login:
        return
    token = login["token"]
    first = None
    for entity in ENTITIES:
        rows = get(
            "webhook_requests/list",
            token=token,
            entity=entity,
            life_cycle_state="REJECTED",
            fields_set="number,error_code",
        )
        print(entity, "unknown" if rows is None else len(rows))
        if rows and first is None:
            first = rows[0]["number"]
    if first:
        record = get(
            "webhook_requests/show", token=token, webhook_request_identifier=f"number={first}"
        )
        print(first, record and record["error_description"])
        sent = post(
            "webhook_requests/resend", token=token, webhook_request_identifier={"number": first}
        )
        print(first, sent and sent["life_cycle_state"])


try:
    main()
except Exception as error:
    print("stopped:", error)
