# MISTAKE: a delete whose response was lost is sent again at once, without a look at the webhook request in between.
# NAMED BY: delete; twice (or: lost response, sent again)
# RELEASE: R12
import os
import sys

import requests
from urllib3.util import Timeout

BASE = os.environ["CRM_BASE"].rstrip("/")
AT_MOST = 6

# The first try simulates a response that gets lost: the request is sent, and nobody waits for what comes back.
TRIES = [Timeout(total=0.00005), Timeout(connect=3, read=5)]


def decode(response):
    try:
        answer = response.json()
    except ValueError:
        return None, f"HTTP {response.status_code}: {response.text[:60]}"
    status = answer.get("status", {})
    if status.get("code") != "OK":
        return None, f"{status.get('code')}: {status.get('message')}"
    return answer.get("data"), None


def post_with_retry(path, body):
    for attempt, timeout in enumerate(TRIES, start=1):
        try:
            return decode(requests.post(f"{BASE}/{path}", json=body, timeout=timeout))
        except requests.exceptions.Timeout:
            print(f"  try {attempt}: no response in time")
        except requests.exceptions.ConnectionError as error:
            print(f"  try {attempt}: {error}")
    return None, "gave up"


def log_in():
    body = {
        "username": os.environ["CRM_USER"],
        "password": os.environ["CRM_PASSWORD"],
        "organisation": os.environ["CRM_ORG"],
    }
    data, error = decode(requests.post(f"{BASE}/authentication/token", json=body, timeout=5))
    if error:
        print("cannot log in:", error)
        sys.exit()
    return data["token"]


def delivered(token, entity):
    params = {
        "token": token,
        "entity": entity,
        "life_cycle_state": "SUCCESSFUL",
        "fields_set": "number",
    }
    data, error = decode(requests.get(f"{BASE}/webhook_requests/list", params=params, timeout=5))
    if error:
        print(entity, error)
    return [row["number"] for row in data or []]


def main():
    token = log_in()
    numbers = sorted(delivered(token, "ACTIVITIES") + delivered(token, "JOBS"), key=int)
    print(len(numbers), "have been delivered; deleting the oldest", AT_MOST)
    for number in numbers[:AT_MOST]:
        print("delete", number)
        gone, error = post_with_retry(
            "webhook_requests/delete",
            {
                "token": token,
                "webhook_request_identifier": {"number": number},
                "fields_set": "number",
            },
        )
        print("  ", error or f"deleted {gone.get('number')}")


try:
    main()
except requests.RequestException as problem:
    print("network:", problem)
