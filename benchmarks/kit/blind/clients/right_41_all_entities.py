# RIGHT
# NAMED BY: nothing
"""R9: rejected webhook requests of each entity; show the first ones, and resend them."""

import os

import requests

BASE = os.environ["CRM_BASE"].rstrip("/")


class Refused(Exception): ...


class Crm:
    def __init__(self):
        self.http = requests.Session()
        self.token = self.login()

    def send(self, verb, method, values):
        where = {"params": values} if verb == "GET" else {"json": values}
        response = self.http.request(verb, f"{BASE}/{method}", timeout=20, **where)
        try:
            answer = response.json()
        except ValueError:
            raise Refused(f"{method}: HTTP {response.status_code}, no JSON") from None
        if answer["status"]["code"] != "OK":
            raise Refused(f"{method}: {answer['status']['code']}")
        return answer.get("data")

    def login(self):
        return self.send(
            "POST",
            "authentication/token",
            {
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )["token"]

    def call(self, verb, method, **values):
        try:
            return self.send(verb, method, {"token": self.token, **values})
        except Refused:
            self.token = self.login()  # the token may have ended: once more with a new one
            return self.send(verb, method, {"token": self.token, **values})


def main():
    crm = Crm()
    rejected = []
    for entity in ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"):
        rows = crm.call(
            "GET",
            "webhook_requests/list",
            entity=entity,
            life_cycle_state="REJECTED",
            fields_set="number",
        )
        rejected += [row["number"] for row in rows or []]
    for number in rejected[:2]:
        record = crm.call(
            "GET", "webhook_requests/show", webhook_request_identifier=f"number={number}"
        )
        print(number, record["error_code"], record["url"])
        if record["life_cycle_state"] == "REJECTED":
            sent = crm.call(
                "POST", "webhook_requests/resend", webhook_request_identifier={"number": number}
            )
            print(number, "is now", sent["life_cycle_state"])


try:
    main()
except Exception as error:
    print("stopped:", error)
