# RIGHT
# NAMED BY: nothing
# RELEASE: R18
"""Resend; if the response gets lost, look at the webhook request, and send it again only if it is still rejected."""

import os
import time

import requests
from urllib3.util import Timeout

BASE = os.environ["CRM_BASE"].rstrip("/")
USUAL = (3.05, 5)
LOST = Timeout(
    total=0.00005
)  # simulates a response that gets lost: the request is sent, and nobody waits


class Refusal(Exception):
    pass


def open_envelope(response):
    try:
        envelope = response.json()
        status = envelope["status"]
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"HTTP {response.status_code}: {response.text[:60]}")
    if status["code"] != "OK":
        raise Refusal(f"{status['code']}: {status.get('message')}")
    return envelope.get("data")


def get(method, **query):
    return open_envelope(
        requests.get(f"{BASE}/webhook_requests/{method}", params=query, timeout=USUAL)
    )


def resend(token, number, timeout):
    body = {
        "token": token,
        "webhook_request_identifier": {"number": number},
        "fields_set": "number,life_cycle_state",
    }
    return open_envelope(
        requests.post(f"{BASE}/webhook_requests/resend", json=body, timeout=timeout)
    )


def state_of(token, number):
    return get(
        "show",
        token=token,
        webhook_request_identifier=f"number={number}",
        fields_set="number,life_cycle_state",
    )["life_cycle_state"]


def resend_once(token, number):
    try:
        return resend(token, number, LOST)["life_cycle_state"]
    except (requests.Timeout, requests.ConnectionError):
        print(number, "response lost, having a look")
    time.sleep(1)
    state = state_of(token, number)
    if state == "SUCCESSFUL":
        return state + ", by the first try"
    return resend(token, number, USUAL)["life_cycle_state"] + ", by the second try"


def main():
    account = {
        "username": os.environ["CRM_USER"],
        "password": os.environ["CRM_PASSWORD"],
        "organisation": os.environ["CRM_ORG"],
    }
    token = open_envelope(
        requests.post(f"{BASE}/authentication/token", json=account, timeout=USUAL)
    )["token"]
    numbers = []
    for entity in ("REWARDOFFERS", "WALLETTRANSACTIONS", "SUBSCRIPTIONS"):
        rows = (
            get(
                "list",
                token=token,
                entity=entity,
                life_cycle_state="REJECTED",
                fields_set="number,life_cycle_state",
                number_of_results=1,
                offset=0,
            )
            or []
        )
        numbers += [row["number"] for row in rows][:1]
    for number in numbers:
        try:
            print(number, resend_once(token, number))
        except Refusal as refusal:
            print(number, refusal)


try:
    main()
except (Refusal, requests.RequestException) as problem:
    print("stopped:", problem)
