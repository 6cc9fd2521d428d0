# MISTAKE: the identifier of show is given to requests as a dict, which is sent as "number" only.
# NAMED BY: show; webhook_request_identifier, number=
# RELEASE: R11
import os
import sys

import requests

base = os.environ["CRM_BASE"]
session = requests.Session()


def unwrap(response):
    """The data of a response, or None after an error, which is printed."""
    try:
        answer = response.json()
    except ValueError:
        print("no JSON, HTTP status", response.status_code)
        return None
    if answer["status"]["code"] != "OK":
        print(answer["status"]["code"], "-", answer["status"].get("message"))
        return None
    return answer.get("data")


def by_number(number):
    return {"number": number}


def log_in():
    credentials = {
        "username": os.environ["CRM_USER"],
        "password": os.environ["CRM_PASSWORD"],
        "organisation": os.environ["CRM_ORG"],
    }
    return unwrap(session.post(f"{base}/authentication/token", json=credentials, timeout=5))


def rejected(token, entity):
    query = {
        "token": token,
        "entity": entity,
        "life_cycle_state": "REJECTED",
        "fields_set": "number,entity_id",
    }
    return unwrap(session.get(f"{base}/webhook_requests/list", params=query, timeout=5)) or []


def show(token, number):
    query = {"token": token, "webhook_request_identifier": by_number(number)}
    return unwrap(session.get(f"{base}/webhook_requests/show", params=query, timeout=5))


def resend(token, number):
    body = {"token": token, "webhook_request_identifier": by_number(number)}
    return unwrap(session.post(f"{base}/webhook_requests/resend", json=body, timeout=5))


def main():
    login = log_in()
    if not login:
        sys.exit("cannot log in")
    token = login["token"]
    jobs = rejected(token, "JOBS")
    print(len(jobs), "rejected webhook requests of jobs")
    for row in jobs[:2]:
        details = show(token, row["number"])
        if details:
            print(row["number"], details["error_code"], details["error_description"])
        done = resend(token, row["number"])
        if done:
            print(row["number"], "->", done["life_cycle_state"])


try:
    main()
except requests.RequestException as problem:
    print("connection:", problem)
