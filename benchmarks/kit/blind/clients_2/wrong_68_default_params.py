# MISTAKE: the token is a default query parameter of the httpx client, so resend has it in the query and not in its body.
# NAMED BY: resend; token, body, query
# RELEASE: R12
import os
import sys

import httpx

FIELDS = "number,entity,life_cycle_state,error_code"


def unwrap(response):
    """Return data, or print the error and return None."""
    try:
        answer = response.json()
        status = answer["status"]
    except (ValueError, KeyError, TypeError):
        print(f"HTTP {response.status_code}: {response.text[:80]!r}")
        return None
    if status.get("code") != "OK":
        print(f"{response.request.url.path}: {status.get('code')}\n    {status.get('message')}")
        return None
    return answer.get("data", [])


def authenticated_client(base):
    """Make a client that needs not be told the token each time."""
    login = httpx.post(
        f"{base}/authentication/token",
        json={
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
        timeout=5,
    )
    data = unwrap(login)
    if not data:
        sys.exit(0)
    return httpx.Client(
        base_url=f"{base}/webhook_requests/", params={"token": data["token"]}, timeout=5
    )


def find_candidate(client):
    for entity in ("SERVICEREQUESTS", "ACTIVITIES", "JOBS", "SUBSCRIPTIONS"):
        rows = unwrap(
            client.get(
                "list",
                params={"entity": entity, "life_cycle_state": "REJECTED", "fields_set": FIELDS},
            )
        )
        print(f"{entity}: {len(rows or [])} rejected")
        if rows:
            return rows[0]["number"]
    return None


def main():
    with authenticated_client(os.environ["CRM_BASE"].rstrip("/")) as client:
        number = find_candidate(client)
        if number is None:
            print("nothing to do")
            return
        before = unwrap(
            client.get(
                "show",
                params={"webhook_request_identifier": f"number={number}", "fields_set": FIELDS},
            )
        )
        print("before:", before)
        after = unwrap(
            client.post(
                "resend",
                json={"webhook_request_identifier": {"number": number}, "fields_set": FIELDS},
            )
        )
        print("after:", after)


try:
    main()
except httpx.HTTPError as error:
    print("network problem:", error)
