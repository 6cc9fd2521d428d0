# MISTAKE: names the webhook request of a resend by id and by number at once
# NAMED BY: resend; webhook_request_identifier takes exactly one of id and number (several_identifiers)
"""Resend rejected activities."""

import os

import requests

BASE = os.environ["CRM_BASE"].rstrip("/")
http = requests.Session()


def call(verb, method, **values):
    where = {"params": values} if verb == "GET" else {"json": values}
    answer = http.request(verb, f"{BASE}/{method}", timeout=15, **where).json()
    if answer["status"]["code"] != "OK":
        print(method, "->", answer["status"]["code"])
        return None
    return answer.get("data")


def resend(token, record):
    # both keys, so that the server surely finds the right one
    identifier = {"id": record["id"], "number": record["number"]}
    return call(
        "POST", "webhook_requests/resend", token=token, webhook_request_identifier=identifier
    )


def main():
    login = call(
        "POST",
        "authentication/token",
        username=os.environ["CRM_USER"],
        password=os.environ["CRM_PASSWORD"],
        organisation=os.environ["CRM_ORG"],
    )
    if not login:
        return
    token = login["token"]
    rows = (
        call(
            "GET",
            "webhook_requests/list",
            token=token,
            entity="ACTIVITIES",
            life_cycle_state="REJECTED",
            fields_set="id,number,error_code",
        )
        or []
    )
    for row in rows[:3]:
        record = call(
            "GET",
            "webhook_requests/show",
            token=token,
            webhook_request_identifier=f"id={row['id']}",
            fields_set="id,number,life_cycle_state",
        )
        if not record or record["life_cycle_state"] != "REJECTED":
            continue
        result = resend(token, record)
        print(record["number"], result["life_cycle_state"] if result else "not sent")


try:
    main()
except Exception as error:
    print("stopped:", error)
