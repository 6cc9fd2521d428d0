# MISTAKE: the rows come from a generator that is used only after the with block, so list is sent with the token that was released.
# NAMED BY: list; token, released
# RELEASE: R11
import os
from contextlib import contextmanager
from itertools import islice

import requests

BASE = os.environ["CRM_BASE"].rstrip("/")
ENTITIES = "ACTIVITIES JOBS SERVICEREQUESTS SUBSCRIPTIONS".split()


class ApiProblem(RuntimeError):
    pass


def result(response):
    try:
        payload = response.json()
    except ValueError:
        raise ApiProblem(f"HTTP {response.status_code}, no JSON") from None
    if payload.get("status", {}).get("code") != "OK":
        raise ApiProblem(str(payload.get("status")))
    return payload.get("data")


def post(path, **body):
    return result(requests.post(f"{BASE}/{path}", json=body, timeout=5))


@contextmanager
def logged_in():
    token = post(
        "authentication/token",
        username=os.environ["CRM_USER"],
        password=os.environ["CRM_PASSWORD"],
        organisation=os.environ["CRM_ORG"],
    )["token"]
    try:
        yield token
    finally:
        post("authentication/token/release", token=token)
        print("logged out")


def listing(token, entity, **more):
    query = {"token": token, "entity": entity, "fields_set": "number,entity,url,error_code", **more}
    return result(requests.get(f"{BASE}/webhook_requests/list", params=query, timeout=5)) or []


def rejected(token):
    """Yield all rejected webhook requests, one entity after the other, without holding them all in memory."""
    for entity in ENTITIES:
        yield from listing(token, entity, life_cycle_state="REJECTED")


def print_table(rows):
    print(f"{'number':>8}  {'entity':16} {'error':30} url")
    for row in rows:
        print(
            f"{row['number']:>8}  {row['entity']:16} {str(row.get('error_code')):30} {row.get('url')}"
        )


def main():
    with logged_in() as token:
        for entity in ENTITIES:
            print(entity, len(listing(token, entity)), "in all")
        rows = rejected(token)
    print_table(islice(rows, 20))


try:
    main()
except (ApiProblem, requests.RequestException) as problem:
    print("problem:", problem)
