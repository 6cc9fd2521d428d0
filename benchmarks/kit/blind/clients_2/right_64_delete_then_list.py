# RIGHT
# NAMED BY: nothing
# RELEASE: R9
# Delete one delivered webhook request of a subscription by its id, then list that subscription's to see that it is gone.
# A slash after a method's name makes no difference; R9 has no fields_set on delete, and no release of tokens.
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

BASE = os.environ["CRM_BASE"].rstrip("/")


def exchange(path, query=None, body=None):
    url = f"{BASE}/{path}"
    if query:
        # quote_via=quote and safe keep number=7 and a,b as the documents write them
        url += "?" + urllib.parse.urlencode(query, safe="=,:/", quote_via=urllib.parse.quote)
    request = urllib.request.Request(url)
    if body is not None:
        request.data = json.dumps(body).encode("utf-8")
        request.add_header("Content-Type", "application/json")
    try:
        text = urllib.request.urlopen(request, timeout=5).read()
    except urllib.error.HTTPError as problem:
        text = problem.read()
    except OSError as problem:
        sys.exit(f"no connection: {problem}")
    try:
        answer = json.loads(text)
    except ValueError:
        print(path, "answered without JSON")
        return None
    if answer["status"]["code"] != "OK":
        print(path, answer["status"])
        return None
    return answer.get("data") or []


def log_in():
    data = exchange(
        "authentication/token",
        body={
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
    )
    if not data:
        sys.exit("no token")
    return data["token"]


token = log_in()
rows = (
    exchange(
        "webhook_requests/list/",
        {
            "token": token,
            "entity": "SUBSCRIPTIONS",
            "life_cycle_state": "SUCCESSFUL",
            "fields_set": "id,number,entity_id,log_information",
        },
    )
    or []
)
print(len(rows), "delivered")

if rows:
    victim = min(rows, key=lambda row: int(row["number"]))
    created = (victim.get("log_information") or {}).get("created_date")
    if created:
        same_day = exchange(
            "webhook_requests/list",
            {
                "token": token,
                "entity_id": victim["entity_id"],
                "created_date": created[:10],
                "fields_set": "number",
            },
        )
        print("of that day:", same_day)

    print(
        exchange(
            "webhook_requests/show/",
            {
                "token": token,
                "webhook_request_identifier": "id=" + victim["id"],
                "fields_set": "number,url",
            },
        )
    )

    token = log_in()  # a fresh one for the part that writes
    gone = exchange(
        "webhook_requests/delete",
        body={"token": token, "webhook_request_identifier": {"id": victim["id"]}},
    )
    print("deleted:", gone and gone["number"])

    left = (
        exchange(
            "webhook_requests/list",
            {
                "token": token,
                "entity": "SUBSCRIPTIONS",
                "entity_id": victim["entity_id"],
                "fields_set": "number",
            },
        )
        or []
    )
    print("left of this subscription:", [row["number"] for row in left])
