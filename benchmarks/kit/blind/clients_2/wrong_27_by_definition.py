# MISTAKE: the second list filters by "webhook_definition_indentifier" (a typo), its only semi-optional parameter
# NAMED BY: list: webhook_definition_identifier misspelled, so at least one semi-optional parameter is missing
"""Counts rejected webhooks per webhook definition, starting from the definitions that activities use."""

import json
import os
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE = os.environ["CRM_BASE"].rstrip("/")


def crm(method, query=None, body=None):
    url = f"{BASE}/{method}" + (f"?{urlencode(query)}" if query else "")
    content = None if body is None else json.dumps(body).encode("utf-8")
    request = Request(
        url, data=content, headers={"Content-Type": "application/json"} if content else {}
    )
    try:
        with urlopen(request, timeout=15) as response:
            answer = json.load(response)
    except HTTPError as error:
        answer = json.loads(error.read())
    if answer["status"]["code"] != "OK":
        raise RuntimeError("{code}: {message}".format(**answer["status"]))
    return answer.get("data")


def main():
    token = crm(
        "authentication/token",
        body={
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
    )["token"]
    definitions = {}
    for entity in ("ACTIVITIES", "JOBS", "SUBSCRIPTIONS"):
        for record in (
            crm(
                "webhook_requests/list",
                {
                    "token": token,
                    "entity": entity,
                    "life_cycle_state": "REJECTED",
                    "fields_set": "number,webhook_definition",
                },
            )
            or []
        ):
            definition = record["webhook_definition"]
            definitions[definition["id"]] = definition.get("name")
    for definition_id, name in list(definitions.items())[:4]:
        try:
            rejected = (
                crm(
                    "webhook_requests/list",
                    {
                        "token": token,
                        "webhook_definition_indentifier": f"id={definition_id}",
                        "life_cycle_state": "REJECTED",
                        "fields_set": "number,error_code",
                    },
                )
                or []
            )
            print(f"{name}: {len(rejected)} rejected")
            for record in rejected[:1]:
                crm(
                    "webhook_requests/resend",
                    body={
                        "token": token,
                        "webhook_request_identifier": {"number": record["number"]},
                    },
                )
        except RuntimeError as error:
            print(f"{name}: {error}")


try:
    main()
except Exception as error:
    print("stopped:", repr(error))
