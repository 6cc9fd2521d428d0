# RIGHT
# NAMED BY: nothing (pages of a list, then show and resend with fields_set in R15)
# RELEASE: R15
"""Read all pages of what was rejected first, then resend a few."""

import os

import requests

BASE = os.environ["CRM_BASE"].rstrip("/")
PAGE = 10
http = requests.Session()


def data_of(response):
    answer = response.json()
    if answer["status"]["code"] != "OK":
        raise RuntimeError(answer["status"]["code"])
    return answer.get("data")


def login():
    return data_of(
        http.post(
            f"{BASE}/authentication/token",
            timeout=30,
            json={
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )
    )["token"]


def pages(token, entity, limit=5):
    seen, offset = {}, 0
    for _ in range(limit):
        page = (
            data_of(
                http.get(
                    f"{BASE}/webhook_requests/list",
                    timeout=30,
                    params={
                        "token": token,
                        "entity": entity,
                        "life_cycle_state": "REJECTED",
                        "fields_set": "number,error_code",
                        "number_of_results": PAGE,
                        "offset": offset,
                    },
                )
            )
            or []
        )
        new = {record["number"]: record for record in page if record["number"] not in seen}
        if not new:
            break
        seen.update(new)
        offset += len(page)
    return list(seen.values())


def main():
    token = login()
    for entity in ("ACTIVITIES", "INVOICES"):
        records = pages(token, entity)
        print(f"{entity}: {len(records)} rejected")
        for number in [record["number"] for record in records[:1]]:
            shown = data_of(
                http.get(
                    f"{BASE}/webhook_requests/show",
                    timeout=30,
                    params={"token": token, "webhook_request_identifier": f"number={number}"},
                )
            )
            if shown["life_cycle_state"] != "REJECTED":
                continue
            sent = data_of(
                http.post(
                    f"{BASE}/webhook_requests/resend",
                    timeout=30,
                    json={
                        "token": token,
                        "webhook_request_identifier": {"number": number},
                        "fields_set": "number,life_cycle_state,error_code",
                    },
                )
            )
            print("  ", number, shown["error_code"], "->", sent["life_cycle_state"])


try:
    main()
except (RuntimeError, requests.RequestException, ValueError, KeyError, TypeError) as error:
    print("stopped:", repr(error))
