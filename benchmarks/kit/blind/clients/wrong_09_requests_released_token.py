# MISTAKE: releases the token at the end of the resends, and then lists once more with the released token
# NAMED BY: list: token used again after authentication/token/release (a released token no longer works)
# RELEASE: R11
"""Resend the rejected webhook requests of some entities; be polite and log out."""

import os

import requests

BASE = os.environ["CRM_BASE"]


def post(method, **body):
    return answer(method, requests.post(f"{BASE}/{method}", json=body, timeout=20))


def get(method, **query):
    return answer(method, requests.get(f"{BASE}/{method}", params=query, timeout=20))


def answer(method, response):
    content = response.json()
    print(f"{method}: {content['status']['code']}")
    return content.get("data") if content["status"]["code"] == "OK" else None


def login():
    data = post(
        "authentication/token",
        username=os.environ["CRM_USER"],
        password=os.environ["CRM_PASSWORD"],
        organisation=os.environ["CRM_ORG"],
    )
    return data["token"] if data else None


def resend_rejected(token, entities):
    try:
        for entity in entities:
            rejected = (
                get(
                    "webhook_requests/list", token=token, entity=entity, life_cycle_state="REJECTED"
                )
                or []
            )
            print(f"{entity}: {len(rejected)} rejected")
            for record in rejected[:2]:
                print(
                    "  ",
                    post(
                        "webhook_requests/resend",
                        token=token,
                        fields_set="number,life_cycle_state",
                        webhook_request_identifier={"number": record["number"]},
                    ),
                )
    finally:
        post("authentication/token/release", token=token)


def main():
    token = login()
    if token:
        resend_rejected(token, ("ACTIVITIES", "JOBS"))
        left = get(
            "webhook_requests/list", token=token, entity="ACTIVITIES", life_cycle_state="REJECTED"
        )
        print("activities left:", "unknown" if left is None else len(left))


try:
    main()
except Exception as error:
    print("failed:", repr(error))
