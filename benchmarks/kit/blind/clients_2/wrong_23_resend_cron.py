# MISTAKE: resend names its record in "webhook_requests_identifier" (plural, like the module); show spells it rightly
# NAMED BY: parameter webhook_request_identifier of resend (misspelled, so the mandatory one is missing)
"""Cron job without dependencies: looks at rejected service request webhooks and resends them."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

BASE = os.environ["CRM_BASE"].rstrip("/") + "/"


def send(request):
    try:
        with urllib.request.urlopen(request, timeout=15) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        text = error.read()
    try:
        answer = json.loads(text)
    except ValueError:
        print("no JSON in the response")
        return None
    if answer["status"]["code"] != "OK":
        print("error", answer["status"])
        return None
    return answer.get("data")


def get(method, **params):
    return send(BASE + method + "?" + urllib.parse.urlencode(params))


def post(method, **params):
    return send(
        urllib.request.Request(
            BASE + method, json.dumps(params).encode(), {"Content-Type": "application/json"}
        )
    )


def main():
    login = post(
        "authentication/token",
        username=os.environ["CRM_USER"],
        password=os.environ["CRM_PASSWORD"],
        organisation=os.environ["CRM_ORG"],
    )
    if not login:
        return
    token = login["token"]
    for entity in ("SERVICEREQUESTS", "ACTIVITIES"):
        rejected = (
            get("webhook_requests/list", token=token, entity=entity, life_cycle_state="REJECTED")
            or []
        )
        for record in rejected[:2]:
            seen = get(
                "webhook_requests/show",
                token=token,
                webhook_request_identifier="id=" + record["id"],
                fields_set="number,error_code",
            )
            print("retrying", seen)
            post(
                "webhook_requests/resend",
                token=token,
                webhook_requests_identifier={"id": record["id"]},
            )


try:
    main()
except Exception as error:
    print("failed:", repr(error))
