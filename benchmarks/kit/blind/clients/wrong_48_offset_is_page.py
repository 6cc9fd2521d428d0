# MISTAKE: gives the number of the page (0, 1, 2 …) as offset, so each page repeats nearly all of the one before
# NAMED BY: list; offset is the number of webhook requests to skip, not the number of the page
# RELEASE: R15
"""Export of rejected activities, page by page."""

import json
import os
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE = os.environ["CRM_BASE"].rstrip("/")
PAGE_SIZE = 10
MAX_PAGES = 5


def fetch(path, body=None):
    request = Request(f"{BASE}/{path}")
    if body is not None:
        request = Request(
            f"{BASE}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
    with urlopen(request, timeout=15) as response:
        answer = json.loads(response.read())
    if answer["status"]["code"] != "OK":
        print("refused:", answer["status"]["code"])
        return None
    return answer.get("data")


def main():
    login = fetch(
        "authentication/token",
        {
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
    )
    if not login:
        return
    token = login["token"]
    found = {}
    for page in range(MAX_PAGES):
        rows = fetch(
            "webhook_requests/list?"
            + urlencode(
                {
                    "token": token,
                    "entity": "ACTIVITIES",
                    "life_cycle_state": "REJECTED",
                    "fields_set": "number,error_code",
                    "number_of_results": PAGE_SIZE,
                    "offset": page,
                }
            )
        )
        if not rows:
            break
        found.update((row["number"], row["error_code"]) for row in rows)
    print(len(found), "rejected")
    for number in list(found)[:2]:
        record = fetch(
            "webhook_requests/show?"
            + urlencode({"token": token, "webhook_request_identifier": f"number={number}"})
        )
        print(number, record and record["error_description"])


try:
    main()
except Exception as error:
    print("stopped:", error)
