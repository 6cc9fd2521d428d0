# MISTAKE: deletes with the HTTP verb DELETE; the method delete is a POST
# NAMED BY: wrong verb: webhook_requests/delete must be called with POST, not DELETE
"""Resend rejected jobs and remove the ones that went through."""

import os

import httpx

BASE = os.environ["CRM_BASE"].rstrip("/")


def check(response):
    answer = response.json()
    code = answer.get("status", {}).get("code")
    if code != "OK":
        print("  refused:", code, answer.get("status", {}).get("message"))
        return None
    return answer.get("data")


def main():
    with httpx.Client(timeout=20) as http:
        login = {
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        }
        token = (check(http.post(f"{BASE}/authentication/token", json=login)) or {}).get("token")
        if not token:
            return
        rejected = []
        for entity in ("JOBS", "ACTIVITIES", "SERVICEREQUESTS"):
            found = (
                check(
                    http.get(
                        f"{BASE}/webhook_requests/list",
                        params={
                            "token": token,
                            "entity": entity,
                            "life_cycle_state": "REJECTED",
                            "fields_set": "number",
                        },
                    )
                )
                or []
            )
            print(entity, len(found), "rejected")
            rejected += found
        for record in rejected[:3]:
            body = {"token": token, "webhook_request_identifier": {"number": record["number"]}}
            sent = check(http.post(f"{BASE}/webhook_requests/resend", json=body))
            if sent and sent["life_cycle_state"] == "SUCCESSFUL":
                print("resent", sent["number"])
                gone = check(http.request("DELETE", f"{BASE}/webhook_requests/delete", json=body))
                print("deleted" if gone else "could not delete", record["number"])


try:
    main()
except Exception as error:  # a nightly job must not stop the others
    print("failed:", repr(error))
