# MISTAKE: asks list for everything that is rejected, with life_cycle_state alone (no semi-optional parameter)
# NAMED BY: list; at least one of webhook_definition_identifier, workflow_rule_identifier, entity, entity_id (no_semi_optional)
"""Nightly overview of rejected webhooks, then a resend of the newest ones."""

import os

import httpx

BASE = os.environ["CRM_BASE"].rstrip("/")


def data_of(response):
    try:
        answer = response.json()
    except ValueError:
        print("no JSON:", response.status_code)
        return None
    if answer["status"]["code"] != "OK":
        print("refused:", answer["status"]["code"])
        return None
    return answer.get("data")


def main():
    with httpx.Client(timeout=15) as http:
        login = data_of(
            http.post(
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
        wanted = {
            "token": token,
            "life_cycle_state": "REJECTED",
            "fields_set": "number,entity,error_code",
        }
        rows = data_of(http.get(f"{BASE}/webhook_requests/list", params=wanted))
        if not rows:
            print("overview is empty, looking at jobs only")
            rows = (
                data_of(
                    http.get(f"{BASE}/webhook_requests/list", params={**wanted, "entity": "JOBS"})
                )
                or []
            )
        for row in rows[:2]:
            shown = data_of(
                http.get(
                    f"{BASE}/webhook_requests/show",
                    params={
                        "token": token,
                        "webhook_request_identifier": f"number={row['number']}",
                    },
                )
            )
            if shown and shown["life_cycle_state"] == "REJECTED":
                sent = data_of(
                    http.post(
                        f"{BASE}/webhook_requests/resend",
                        json={
                            "token": token,
                            "webhook_request_identifier": {"number": row["number"]},
                        },
                    )
                )
                print(row["number"], sent and sent["life_cycle_state"])


try:
    main()
except Exception as error:
    print("stopped:", error)
