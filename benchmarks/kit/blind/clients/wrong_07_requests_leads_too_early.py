# MISTAKE: lists the entity LEADS, which exists from R14.0.0 on only
# NAMED BY: list: entity LEADS is not supported in R12 (it is from R14.0.0)
# RELEASE: R12
"""Sales dashboard: rejected webhooks per entity, newest error of each."""

import os

import requests

BASE = os.environ["CRM_BASE"]
ENTITIES = ["LEADS", "ACTIVITIES", "SUBSCRIPTIONS"]


def unwrap(response):
    answer = response.json()
    if answer["status"]["code"] != "OK":
        raise RuntimeError(f"{answer['status']['code']}: {answer['status']['message']}")
    return answer.get("data")


def main():
    http = requests.Session()
    credentials = {
        "username": os.environ["CRM_USER"],
        "password": os.environ["CRM_PASSWORD"],
        "organisation": os.environ["CRM_ORG"],
    }
    token = unwrap(http.post(f"{BASE}/authentication/token", json=credentials, timeout=20))["token"]
    for entity in ENTITIES:
        try:
            records = (
                unwrap(
                    http.get(
                        f"{BASE}/webhook_requests/list",
                        timeout=20,
                        params={
                            "token": token,
                            "entity": entity,
                            "life_cycle_state": "REJECTED",
                            "fields_set": "number,error_code,log_information",
                        },
                    )
                )
                or []
            )
        except RuntimeError as error:
            print(f"{entity}: no list ({error})")
            continue
        print(f"{entity}: {len(records)} rejected")
        for record in records[:2]:
            try:
                detail = unwrap(
                    http.get(
                        f"{BASE}/webhook_requests/show",
                        timeout=20,
                        params={
                            "token": token,
                            "webhook_request_identifier": f"number={record['number']}",
                        },
                    )
                )
                print("  ", detail["number"], detail["error_code"], detail["error_description"])
            except RuntimeError as error:
                print("  ", record["number"], error)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        print("dashboard not updated:", error)
