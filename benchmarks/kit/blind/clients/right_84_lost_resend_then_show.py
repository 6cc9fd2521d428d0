# RIGHT
# NAMED BY: nothing
# RELEASE: R15
# LOSES: resend
"""Resend rejected webhook requests; after a lost response, show tells what has happened."""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urlencode

BASE = os.environ["CRM_BASE"].rstrip("/")


class Lost(Exception):
    pass


class Refused(Exception):
    pass


def call(path, body=None):
    request = urllib.request.Request(f"{BASE}/{path}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=4) as response:
            answer = json.loads(response.read())
    except urllib.error.HTTPError as error:
        raise Refused(f"HTTP {error.code}: {error.read()[:200]!r}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Lost(repr(error)) from error
    if answer["status"]["code"] != "OK":
        raise Refused(f"{answer['status']['code']}: {answer['status'].get('message')}")
    return answer.get("data")


def state(token, number):
    query = urlencode({"token": token, "fields_set": "number,life_cycle_state"})
    identifier = "number=" + quote(number, safe="")
    path = f"webhook_requests/show?{query}&webhook_request_identifier={identifier}"
    return call(path)["life_cycle_state"]


def resend(token, number):
    body = {"token": token, "webhook_request_identifier": {"number": number}}
    for pause in (0.5, 1):
        try:
            return call("webhook_requests/resend", body)["life_cycle_state"]
        except Lost as error:
            print(f"{number}: no response, {error}")
        time.sleep(pause)
        if state(token, number) == "SUCCESSFUL":
            return "SUCCESSFUL, as show says"
    return "still REJECTED"


def main():
    login = {"username": os.environ["CRM_USER"], "password": os.environ["CRM_PASSWORD"]}
    token = call("authentication/token", login | {"organisation": os.environ["CRM_ORG"]})["token"]
    for entity in ("REFUNDS", "LEADS", "ACTIVITIES"):
        query = {"token": token, "entity": entity, "life_cycle_state": "REJECTED"}
        query |= {"number_of_results": 2, "fields_set": "number"}
        for row in call("webhook_requests/list?" + urlencode(query)) or []:
            try:
                print(entity, row["number"], resend(token, row["number"]))
            except Refused as error:
                print(entity, row["number"], error)


try:
    main()
except (Lost, Refused) as error:
    print("stopped:", error)
