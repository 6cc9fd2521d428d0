# MISTAKE: repeats a resend blindly after its response was lost, without a look (show) at whether it is still REJECTED
# NAMED BY: resend; only a REJECTED webhook request can be sent again (resent_webhook_request / not_rejected)
# LOSES: resend
"""Resend rejected activities over a shaky line."""

import os
import time

import httpx

BASE = os.environ["CRM_BASE"].rstrip("/")
http = httpx.Client(timeout=10)


def attempt(make, tries=3):
    for number in range(1, tries + 1):
        try:
            answer = make().json()
        except (httpx.TransportError, ValueError) as error:
            print("try", number, "failed:", type(error).__name__)
            time.sleep(0.2 * number)
            continue
        if answer["status"]["code"] == "OK":
            return answer.get("data")
        print("refused:", answer["status"]["code"])
        return None
    return None


def main():
    login = attempt(
        lambda: http.post(
            f"{BASE}/authentication/token",
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
    rows = (
        attempt(
            lambda: http.get(
                f"{BASE}/webhook_requests/list",
                params={
                    "token": token,
                    "entity": "ACTIVITIES",
                    "life_cycle_state": "REJECTED",
                    "fields_set": "number",
                },
            )
        )
        or []
    )
    failed = []
    for row in rows[:3]:
        body = {"token": token, "webhook_request_identifier": {"number": row["number"]}}
        sent = attempt(lambda: http.post(f"{BASE}/webhook_requests/resend", json=body))
        if not sent or sent["life_cycle_state"] != "SUCCESSFUL":
            failed.append(row["number"])
    print("could not be sent:", ", ".join(failed) or "none")


try:
    main()
except Exception as error:
    print("stopped:", error)
