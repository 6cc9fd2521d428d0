# RIGHT
# NAMED BY: nothing (login with the Web API key that the reference shows for the mock; fields_set on resend and delete; release)
# RELEASE: R11
"""One session with a Web API key: resend rejected webhooks, delete a delivered one, release the token."""

import os

import requests

BASE = os.environ["CRM_BASE"].rstrip("/")
KEY = os.environ.get("CRM_WEB_API_KEY", "00000000000000000000000000C0FFEE")
http = requests.Session()


def data_of(response):
    try:
        answer = response.json()
    except ValueError:
        print("HTTP", response.status_code, "without JSON")
        return None
    if answer["status"]["code"] != "OK":
        print("refused:", answer["status"]["code"], answer["status"]["message"])
        return None
    return answer.get("data") or {}


def get(method, **params):
    return data_of(http.get(f"{BASE}/{method}", params=params, timeout=15))


def post(method, auth=None, **body):
    return data_of(http.post(f"{BASE}/{method}", json=body, auth=auth, timeout=15))


def login():
    return post("authentication/web_api_key/token", auth=(KEY, "")) or post(
        "authentication/token",
        username=os.environ["CRM_USER"],
        password=os.environ["CRM_PASSWORD"],
        organisation=os.environ["CRM_ORG"],
    )


def work(token):
    fields = "id,number,life_cycle_state"
    for entity in ("JOBS", "SUBSCRIPTIONS"):
        for record in (
            get(
                "webhook_requests/list",
                token=token,
                entity=entity,
                life_cycle_state="REJECTED",
                fields_set=fields,
            )
            or []
        )[:2]:
            identifier = {"id": record["id"]}
            print(
                get(
                    "webhook_requests/show",
                    token=token,
                    webhook_request_identifier="id=" + record["id"],
                )
            )
            after = post(
                "webhook_requests/resend",
                token=token,
                webhook_request_identifier=identifier,
                fields_set=fields,
            )
            if after and after["life_cycle_state"] == "SUCCESSFUL" and entity == "JOBS":
                post(
                    "webhook_requests/delete",
                    token=token,
                    webhook_request_identifier=identifier,
                    fields_set="number",
                )


try:
    if session := login():
        try:
            work(session["token"])
        finally:
            print("released:", post("authentication/token/release", token=session["token"]))
except Exception as error:
    print("stopped:", repr(error))
