# MISTAKE: resends records between two pages of the list of rejected ones, so the next offset skips some
# NAMED BY: list; offset after resends: read all pages first and resend afterwards (resent records leave the REJECTED list)
# RELEASE: R13
"""Work through the rejected activities, five at a time."""

import os

import requests

BASE = os.environ["CRM_BASE"].rstrip("/")
session = requests.Session()


def result(response):
    answer = response.json()
    code = answer["status"]["code"]
    if code != "OK":
        print("refused:", code)
        return None
    return answer.get("data")


def pages(token, size=5):
    offset = 0
    while True:
        rows = result(
            session.get(
                f"{BASE}/webhook_requests/list",
                timeout=15,
                params={
                    "token": token,
                    "entity": "ACTIVITIES",
                    "life_cycle_state": "REJECTED",
                    "fields_set": "number,error_code",
                    "number_of_results": size,
                    "offset": offset,
                },
            )
        )
        if not rows:
            return
        yield rows
        offset += len(rows)


def main():
    login = result(
        session.post(
            f"{BASE}/authentication/token",
            timeout=15,
            json={
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )
    )
    if not login:
        return
    token = login["token"]
    budget = 8
    for rows in pages(token):
        for row in rows:
            sent = result(
                session.post(
                    f"{BASE}/webhook_requests/resend",
                    timeout=15,
                    json={"token": token, "webhook_request_identifier": {"number": row["number"]}},
                )
            )
            print(row["number"], sent and sent["life_cycle_state"])
            budget -= 1
            if budget == 0:
                return


try:
    main()
except Exception as error:
    print("stopped:", error)
