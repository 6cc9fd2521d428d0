# RIGHT
# NAMED BY: nothing (reads all pages first, resends afterwards; logs in again once after a refusal)
# RELEASE: R15
"""Pages through the rejected webhook requests of two entities, then resends some of them."""

import json
import os
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE = os.environ["CRM_BASE"].rstrip("/")
session = {"token": None, "logins": 0}


def send(method, params, post):
    url = f"{BASE}/{method}" + ("" if post else "?" + urlencode(params))
    content = json.dumps(params).encode() if post else None
    try:
        with urlopen(
            Request(url, content, {"Content-Type": "application/json"}), timeout=15
        ) as response:
            text = response.read()
    except HTTPError as error:
        text = error.read()
    return json.loads(text)


def login():
    answer = send(
        "authentication/token",
        {
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
        post=True,
    )
    session.update(token=answer["data"]["token"], logins=session["logins"] + 1)


def call(method, post=False, **params):
    answer = send("webhook_requests/" + method, {"token": session["token"], **params}, post)
    if answer["status"]["code"] != "OK" and session["logins"] < 2:
        login()
        answer = send("webhook_requests/" + method, {"token": session["token"], **params}, post)
    print(method, answer["status"]["code"], answer["status"]["message"])
    return answer.get("data") if answer["status"]["code"] == "OK" else None


def numbers(entity, size=15):
    seen, offset = {}, 0
    while len(seen) < 4 * size:
        page = (
            call(
                "list",
                entity=entity,
                life_cycle_state="REJECTED",
                fields_set="number",
                number_of_results=size,
                offset=offset,
            )
            or []
        )
        if not {record["number"] for record in page} - seen.keys():
            break
        seen.update((record["number"], entity) for record in page)
        offset += len(page)
    return list(seen)


try:
    login()
    found = {entity: numbers(entity) for entity in ("ACTIVITIES", "PAYMENTS")}
    for number in [number for some in found.values() for number in some[:2]]:
        print(
            call(
                "resend",
                post=True,
                webhook_request_identifier={"number": number},
                fields_set="number,life_cycle_state",
            )
        )
except Exception as error:
    print("stopped:", repr(error))
