# MISTAKE: the token is a default query parameter of the client, so the POST has it in its query.
# NAMED BY: resend; token, body
# RELEASE: R12
import os
import sys

import httpx

BASE = os.environ["CRM_BASE"]


def check(response):
    """Stops the program after an error."""
    try:
        answer = response.json()
    except ValueError:
        print(f"HTTP {response.status_code}: {response.text[:60]!r}")
        sys.exit(0)
    status = answer["status"]
    if status["code"] != "OK":
        print(f"{response.request.method} {response.request.url.path}: {status['code']}")
        print(status.get("message") or "")
        sys.exit(0)
    return answer.get("data")


def authenticated_client():
    login = httpx.post(
        f"{BASE}/authentication/token",
        json={
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
        timeout=5,
    )
    # From here on, each request carries the token.
    return httpx.Client(base_url=BASE, params={"token": check(login)["token"]}, timeout=5)


def main():
    with authenticated_client() as crm:
        for entity in ("JOBS", "ACTIVITIES", "SUBSCRIPTIONS"):
            rows = check(
                crm.get(
                    "/webhook_requests/list",
                    params={
                        "entity": entity,
                        "life_cycle_state": "REJECTED",
                        "fields_set": "number,error_description",
                    },
                )
            )
            if not rows:
                print(f"{entity}: nothing is rejected")
                continue
            number = rows[0]["number"]
            print(f"{entity}: resend {number} ({rows[0].get('error_description')})")
            record = check(
                crm.post(
                    "/webhook_requests/resend",
                    json={"webhook_request_identifier": {"number": number}},
                )
            )
            print(f"{entity}: {number} is {record['life_cycle_state']}")


try:
    main()
except httpx.HTTPError as error:
    print("connection:", error)
