# MISTAKE: show and resend are called in the singular module webhook_request; only the list uses webhook_requests
# NAMED BY: path (module name): webhook_requests/show and webhook_requests/resend, not webhook_request/...
"""Prints a note for the support ticket of each rejected activity webhook, then retries them."""

import os

import httpx

LOGIN = {
    "username": os.environ["CRM_USER"],
    "password": os.environ["CRM_PASSWORD"],
    "organisation": os.environ["CRM_ORG"],
}


def unpack(response):
    try:
        answer = response.json()
    except ValueError:
        print("no JSON:", response.status_code)
        return None
    if answer["status"]["code"] != "OK":
        print("refused:", answer["status"]["code"], answer["status"]["message"])
        return None
    return answer.get("data")


def main():
    with httpx.Client(base_url=os.environ["CRM_BASE"].rstrip("/") + "/", timeout=15) as crm:
        token = (unpack(crm.post("authentication/token", json=LOGIN)) or {}).get("token")
        if not token:
            return
        rejected = (
            unpack(
                crm.get(
                    "webhook_requests/list",
                    params={
                        "token": token,
                        "entity": "ACTIVITIES",
                        "life_cycle_state": "REJECTED",
                        "fields_set": "number,error_code",
                    },
                )
            )
            or []
        )
        print(len(rejected), "rejected")
        for record in rejected[:3]:
            detail = unpack(
                crm.get(
                    "webhook_request/show",
                    params={
                        "token": token,
                        "webhook_request_identifier": f"number={record['number']}",
                    },
                )
            )
            if detail:
                print(f"#{detail['number']} to {detail['url']}: {detail['error_description']}")
        for record in rejected[:3]:
            after = unpack(
                crm.post(
                    "webhook_request/resend",
                    json={
                        "token": token,
                        "webhook_request_identifier": {"number": record["number"]},
                    },
                )
            )
            if after:
                print(f"#{after['number']} is now {after['life_cycle_state']}")


try:
    main()
except Exception as error:
    print("gave up:", repr(error))
