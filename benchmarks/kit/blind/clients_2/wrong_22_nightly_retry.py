# MISTAKE: resend is sent with PUT, since it "updates" the webhook request
# NAMED BY: HTTP verb of webhook_requests/resend: it is POST
"""Nightly retry of rejected job and subscription webhooks."""

import os

import requests

BASE = os.environ["CRM_BASE"].rstrip("/")


class Crm:
    def __init__(self):
        self.http = requests.Session()
        self.token = None

    def call(self, verb, method, **options):
        response = self.http.request(verb, f"{BASE}/{method}", timeout=15, **options)
        try:
            answer = response.json()
        except ValueError:
            print(method, "returned no JSON, status", response.status_code)
            return None
        status = answer["status"]
        if status["code"] != "OK":
            print(method, "refused:", status["code"], status["message"])
            return None
        return answer.get("data")

    def login(self):
        data = self.call(
            "POST",
            "authentication/token",
            json={
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )
        self.token = data and data["token"]
        return bool(self.token)

    def rejected(self, entity):
        return (
            self.call(
                "GET",
                "webhook_requests/list",
                params={
                    "token": self.token,
                    "entity": entity,
                    "life_cycle_state": "REJECTED",
                    "fields_set": "number,url",
                },
            )
            or []
        )

    def resend(self, number):
        return self.call(
            "PUT",
            "webhook_requests/resend",
            json={"token": self.token, "webhook_request_identifier": {"number": number}},
        )


try:
    crm = Crm()
    if crm.login():
        work = [r for entity in ("JOBS", "SUBSCRIPTIONS") for r in crm.rejected(entity)]
        done = 0
        for record in work[:6]:
            result = crm.resend(record["number"])
            done += bool(result and result["life_cycle_state"] == "SUCCESSFUL")
        print(f"{done} of {len(work)} delivered")
except Exception as error:
    print("retry aborted:", repr(error))
